"""The three ways to a token: a code with its verifier, a refresh token, and a backend's own signature.

OAuth 2.1: no implicit grant, no passwords. Authlib keeps the order of the checks; here is what they are held to.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError, grants
from authlib.oauth2.rfc7636 import CodeChallenge

from yba.site.oauth import addresses, issuing, prompting, scopes
from yba.site.oauth.clients import METHODS
from yba.site.oauth.models import Code, RefreshToken, Sitting

LONGEST_STATE = 2000
LONGEST_NONCE = 300


class CodeGrant(grants.AuthorizationCodeGrant):
    """A code for a person's decision, exchanged once by the app that asked."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    #: What the person decided; set before the code is made.
    sitting: Sitting | None = None

    def save_authorization_code(self, code: str, request: Any) -> None:
        assert self.sitting is not None
        data = request.payload.data
        issuing.code_for(
            self.sitting,
            redirect_uri=data["redirect_uri"],
            challenge=data["code_challenge"],
            text=code,
            now=datetime.now(UTC),
        )

    def query_authorization_code(self, code: str, client: Any) -> Code | None:
        return issuing.code_of(code, client, now=datetime.now(UTC))

    def delete_authorization_code(self, authorization_code: Code) -> None:
        issuing.use_up(authorization_code, now=datetime.now(UTC))

    def authenticate_user(self, authorization_code: Code) -> Any:
        return authorization_code.sitting.connection.account

    def generate_token(self, *_: Any, **__: Any) -> dict[str, Any]:
        code: Any = self.request.authorization_code
        sitting = code.sitting
        return issuing.tokens_of_sitting(sitting, issuing.granted(sitting), now=datetime.now(UTC))

    def save_token(self, token: dict[str, Any]) -> None:
        """It is kept as it is made: only its hash."""


class RefreshGrant(grants.RefreshTokenGrant):
    """A new access token for a refresh token, which is followed by another."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Any:
        client: Any = self.request.client
        return issuing.refresh_of(refresh_token, client, now=datetime.now(UTC))

    def authenticate_user(self, refresh_token: RefreshToken) -> Any:
        return refresh_token.sitting.connection.account

    def _validate_token_scope(self, token: RefreshToken) -> None:
        """Never more than was given (RFC 6749, 6)."""
        asked = self._asked()
        if not scopes.all_within(asked, issuing.granted(token.sitting)):
            raise InvalidScopeError("More was asked than the person gave.")

    def _asked(self) -> list[str]:
        payload: Any = self.request.payload
        return scopes.split(payload.scope or "")

    def issue_token(self, user: Any, refresh_token: Any) -> dict[str, Any]:
        sitting, asked = refresh_token.sitting, self._asked()
        return issuing.tokens_of_sitting(sitting, asked or issuing.granted(sitting), now=datetime.now(UTC))

    def save_token(self, token: dict[str, Any]) -> None:
        """It is kept as it is made: only its hash."""

    def revoke_old_credential(self, refresh_token: Any) -> None:
        issuing.use_up(refresh_token, now=datetime.now(UTC))


class BackendGrant(grants.ClientCredentialsGrant):
    """A short token for a system that signs with its own key (SMART Backend Services)."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["private_key_jwt"]

    def validate_requested_scope(self) -> None:
        app: Any = self.request.client
        payload: Any = self.request.payload
        asked = scopes.of_context(scopes.split(payload.scope or ""), scopes.SYSTEM)
        given = [one for one in scopes.within(asked, app.wanted) if scopes.read(one) is not None]
        if not given:
            raise InvalidScopeError("None of the scopes was approved for this client.")
        self._given = given

    def generate_token(self, *_: Any, **__: Any) -> dict[str, Any]:
        client: Any = self.request.client
        return issuing.token_of_backend(client, self._given, now=datetime.now(UTC))

    def save_token(self, token: dict[str, Any]) -> None:
        """It is kept as it is made: only its hash."""


class Verifier(CodeChallenge):
    """PKCE (RFC 7636), for every app and by S256 alone (OAuth 2.1, 4.1.1)."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]
    CODE_CHALLENGE_METHODS = {"S256": CodeChallenge.CODE_CHALLENGE_METHODS["S256"]}

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE with code_challenge_method S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)


class SmartRequest:
    """What SMART asks of an authorization request beyond OAuth: state, audience, a launch where it is named."""

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_validate_authorization_request_payload", self.check)

    def check(self, grant: Any, redirect_uri: str) -> None:
        """Raises InvalidRequestError, InvalidScopeError."""
        data = grant.request.payload.data
        if not data.get("redirect_uri"):
            raise InvalidRequestError("redirect_uri is required.")
        if not data.get("state") or len(data["state"]) > LONGEST_STATE:
            raise InvalidRequestError("state is required, of 2000 characters at most.")
        nonce = data.get("nonce", "")
        if len(nonce) > LONGEST_NONCE or not nonce.isprintable():
            raise InvalidRequestError("nonce is of 300 printable characters at most.")
        audience = data.get("aud", data.get("resource", ""))
        if audience.removesuffix("/") != addresses.record_url():
            raise InvalidRequestError("aud must be the address of this FHIR server.")
        if data.get("response_mode", "query") != "query":
            raise InvalidRequestError("response_mode can only be query.")
        if "request" in data or "request_uri" in data:
            raise InvalidRequestError("Request objects are not supported.")
        prompting.read(data)
        asked = scopes.split(data.get("scope", ""))
        if ("launch" in data) != (scopes.LAUNCH in asked):
            raise InvalidRequestError("A launch needs the scope launch, and the scope needs a launch.")
        if not scopes.split(grant.request.scope or ""):
            raise InvalidScopeError("None of the scopes was approved for this client.")
