"""Asking of a token what it lets through (RFC 7662), and ending it (RFC 7009)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from yba.care.keys import digest
from yba.site.oauth import addresses, bearer, identity, issuing, scopes
from yba.site.oauth.clients import METHODS
from yba.site.oauth.models import AccessToken, App, RefreshToken

Token = AccessToken | RefreshToken


def token_of(text: str) -> Token | None:
    """A token by its text, whether it still counts or not."""
    mark = digest(text)
    access = AccessToken.objects.select_related(*bearer.RELATED).filter(digest=mark).first()
    if access is not None:
        return access
    return RefreshToken.objects.select_related("sitting__connection__account").filter(digest=mark).first()


def app_of(token: Token) -> App:
    return token.app if isinstance(token, AccessToken) else token.sitting.connection.app


class Introspection(IntrospectionEndpoint):
    """An app learns of its own tokens; a server beside this one, approved for it, of any."""

    CLIENT_AUTH_METHODS = [one for one in METHODS if one != "none"]

    def authenticate_endpoint_client(self, request: Any) -> App:
        """By its credentials, or by an access token of its own (SMART App Launch 2.2, "Token Introspection")."""
        scheme, _, text = (request.headers.get("Authorization") or "").partition(" ")
        if scheme.lower() == "bearer" and text:
            token = AccessToken.objects.select_related(*bearer.RELATED).filter(digest=digest(text)).first()
            if token is not None and bearer.holds(token, now=datetime.now(UTC)) and token.app.introspects:
                request.client = token.app
                return token.app
        client: App = super().authenticate_endpoint_client(request)  # type: ignore[no-untyped-call]  # its stub says nothing
        return client

    def check_params(self, request: Any, client: App) -> None:
        """An unknown hint is no error (RFC 7662, 2.1): the token is looked for all the same."""
        if not request.form.get("token"):
            raise InvalidRequestError("token is required.")

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        return token_of(token_string)

    def check_permission(self, token: Token, client: App, request: Any) -> bool:
        return client.introspects or app_of(token).pk == client.pk

    def create_introspection_payload(self, token: Token | None) -> dict[str, Any]:
        now = datetime.now(UTC)
        if token is None or not _counts(token, now):
            return {"active": False}
        return _told(token)


def _counts(token: Token, now: datetime) -> bool:
    if isinstance(token, AccessToken):
        return bearer.holds(token, now=now)
    return token.used_at is None and now < token.expires_at and issuing.alive(token.sitting, now=now)


def _told(token: Token) -> dict[str, Any]:
    """What SMART's guide requires: scope, client, end, launch context, and who where ``openid`` was given."""
    access = isinstance(token, AccessToken)
    sitting = token.sitting
    given = bearer.granted(token) if isinstance(token, AccessToken) else issuing.granted(token.sitting)
    told: dict[str, Any] = {
        "active": True,
        "client_id": app_of(token).client_id,
        "scope": " ".join(given),
        "token_type": "Bearer" if access else "refresh_token",
        "iat": int(token.issued_at.timestamp()),
        "exp": int(token.expires_at.timestamp()),
        "iss": addresses.issuer(),
        "aud": addresses.record_url(),
    }
    if sitting is not None:
        told |= sitting.context
        if scopes.OPENID in given:
            told |= identity.claims(sitting.connection.account, given)
    return told


class Revocation(RevocationEndpoint):
    """An app gives a token back: a refresh token with everything of its sitting, an access token alone."""

    CLIENT_AUTH_METHODS = METHODS

    def check_params(self, request: Any, client: App) -> None:
        if not request.form.get("token"):
            raise InvalidRequestError("token is required.")

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        return token_of(token_string)

    def revoke_token(self, token: Token, request: Any) -> None:
        now = datetime.now(UTC)
        if isinstance(token, RefreshToken):
            issuing.end_sitting(token.sitting, by="app", now=now)
        else:
            issuing.end_access_token(token, now=now)
