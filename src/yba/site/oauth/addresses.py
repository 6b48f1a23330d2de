"""The addresses of the authorization server, absolute: what apps are told, and what they are held to."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse


def issuer() -> str:
    """Who signs and answers: this house (OpenID Connect's issuer, RFC 9207's ``iss``)."""
    return str(settings.YBA_ORIGIN)


def record_url() -> str:
    """The base of FHIR addresses: SMART's ``aud``, and the ``iss`` of a launch."""
    return f"{settings.YBA_ORIGIN}/fhir"


def absolute(name: str) -> str:
    """The address of one of our pages or endpoints."""
    return f"{settings.YBA_ORIGIN}{reverse(f'oauth:{name}')}"


def token_url() -> str:
    return absolute("token")


def oauth_uris() -> tuple[tuple[str, str], ...]:
    """What the CapabilityStatement says of us, by the names of SMART's extension ``oauth-uris``."""
    names = {
        "authorize": "authorize", "token": "token", "introspect": "introspect", "revoke": "revoke",
        "manage": "connected",
    }  # fmt: skip
    return tuple((said, absolute(name)) for said, name in names.items())
