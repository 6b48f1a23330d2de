"""Who a person is, as apps are told: the id_token and userinfo. OpenID Connect Core 1.0; SMART's ``fhirUser``."""

from __future__ import annotations

import time
from typing import Any, Final

from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode

from yba.site.oauth import addresses, keys, scopes
from yba.site.oauth.models import App

LIFE: Final = 600


def fhir_user(account: Any) -> str | None:
    """The address of the resource that is this person; None when the record has none."""
    if account.role == "citizen":
        return f"{addresses.record_url()}/Patient/{account.person}" if account.person else None
    return f"{addresses.record_url()}/Practitioner/{account.practitioner}" if account.practitioner else None


def claims(account: Any, given: list[str]) -> dict[str, Any]:
    """What the given scopes tell of a person."""
    found: dict[str, Any] = {"sub": str(account.pk)}
    user = fhir_user(account) if scopes.FHIR_USER in given else None
    if user is not None:
        found["fhirUser"] = user
    if scopes.PROFILE in given:
        found["name"] = str(account)
        if account.language:
            found["locale"] = account.language
    return found


class Identity(OpenIDCode):
    """The id_token beside the access token, when ``openid`` was given; a refresh brings one without nonce."""

    def __init__(self) -> None:
        super().__init__(require_nonce=False)

    def validate_openid_authorization_request(self, grant: Any, redirect_uri: str) -> None:
        """A nonce is the app's own guard: it is given back, never compared with others'."""

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_create_token_response", self.process_token)

    def resolve_client_private_key(self, client: App) -> Any:
        return keys.signing_key()

    def get_client_algorithm(self, client: App) -> str:
        return keys.ALGORITHM

    def get_encode_header(self, client: App) -> dict[str, str]:
        return {"alg": keys.ALGORITHM, "kid": str(keys.signing_key().kid), "typ": "JWT"}

    def get_client_claims(self, client: App) -> dict[str, Any]:
        return {
            "iss": addresses.issuer(),
            "aud": client.client_id,
            "exp": int(time.time()) + LIFE,
        }

    def get_compatible_claims(self, request: Any) -> dict[str, Any]:
        """With the time of signing in as it was, also when a refresh brings this identity."""
        found: dict[str, Any] = super().get_compatible_claims(request)
        sitting = (request.authorization_code or request.refresh_token).sitting
        found["auth_time"] = int(sitting.signed_in_at.timestamp())
        return found

    def generate_user_info(self, user: Any, scope: str) -> UserInfo:
        return UserInfo(claims(user, scopes.split(scope)))
