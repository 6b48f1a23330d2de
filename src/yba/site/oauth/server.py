"""The authorization server: Authlib's, held to what `grants`, `clients` and `identity` say.

One for the process; it keeps nothing between requests.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer
from authlib.oauth2.rfc9207 import IssuerParameter
from django.http import HttpRequest, HttpResponse

from yba.site.oauth import addresses, jwks
from yba.site.oauth.asking_tokens import Introspection, Revocation
from yba.site.oauth.clients import SignedAssertion, by_name
from yba.site.oauth.grants import BackendGrant, CodeGrant, RefreshGrant, SmartRequest, Verifier
from yba.site.oauth.identity import Identity
from yba.site.oauth.models import APPROVED, App
from yba.site.oauth.requests import Asked, answered


class Server(AuthorizationServer):
    """Authlib's server on Django's requests and our tables."""

    def query_client(self, client_id: str) -> Any:
        """An app that may be used now: reviewed, and not stopped since."""
        if not client_id.isprintable():  # no client id of ours, and a NUL no text of the database's
            return None
        return App.objects.filter(client_id=client_id, state=APPROVED).first()

    def save_token(self, token: Any, request: Any) -> None:
        """Tokens are kept where they are made (`issuing`)."""

    def create_oauth2_request(self, request: HttpRequest | Asked) -> Asked:
        return request if isinstance(request, Asked) else Asked(request)

    def handle_response(self, status: int, body: Any, headers: Any) -> HttpResponse:
        return answered(status, body, headers)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens: what must follow is called by name."""


class Issuer(IssuerParameter):
    """Says in every answer to an app who answers, so that it can't be led to mix two servers up (RFC 9207)."""

    def get_issuer(self) -> str:
        return addresses.issuer()

    def add_issuer_parameter(self, authorization_server: Any, response: HttpResponse) -> None:
        with_issuer(response)


def with_issuer(response: HttpResponse) -> HttpResponse:
    """The same answer; a redirect to an app carries ``iss``."""
    from authlib.common.urls import add_params_to_uri

    where = response.headers.get("Location")
    if where:
        response["Location"] = add_params_to_uri(where, [("iss", addresses.issuer())])
    return response


@cache
def server() -> Server:
    """The one server of this process."""
    found = Server()
    found.register_client_auth_method(
        SignedAssertion.CLIENT_AUTH_METHOD,
        SignedAssertion(addresses.token_url, jwks.FETCHED, lambda: datetime.now(UTC)),
    )
    found.register_client_auth_method("none", by_name)
    found.register_grant(CodeGrant, [Verifier(required=True), SmartRequest(), Identity()])
    found.register_grant(RefreshGrant, [Identity()])
    found.register_grant(BackendGrant)
    found.register_endpoint(Introspection)
    found.register_endpoint(Revocation)
    found.register_extension(lambda made: Issuer()(made))
    return found
