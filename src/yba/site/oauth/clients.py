"""Who an app is at the token endpoint: by its own key, by its secret, or (public apps) by its name and the verifier.

SMART App Launch 2.2, "Client Authentication: Asymmetric"; RFC 7523, 3.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from django.http import HttpRequest
from joserfc import jwt
from joserfc.errors import JoseError

from yba.care.keys import digest
from yba.site.oauth import jwks
from yba.site.oauth.models import NO_SECRET, OWN_KEY, App, RefreshToken, UsedAssertion

ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS: Final = ["RS384", "ES384"]
METHODS: Final = [OWN_KEY, "client_secret_basic", "client_secret_post", "none"]
LONGEST_LIFE: Final = 300
LEEWAY: Final = 30
LONGEST: Final = 10_000


def named(request: HttpRequest) -> tuple[str, bool]:
    """The client a request says it is, for counting, and whether it shows a secret or a signature. Checks nothing."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    form = request.POST
    try:
        if scheme.lower() == "basic":
            return unquote_plus(base64.b64decode(text, validate=True).decode().partition(":")[0]), True
        if assertion := form.get("client_assertion", ""):
            body = assertion.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            return str(claims.get("sub", "")) if isinstance(claims, dict) else "", True
    except (ValueError, IndexError):
        return "", True
    return form.get("client_id", ""), "client_secret" in form


def by_name(query_client: Callable[[str], App | None], request: Any) -> App | None:
    """A public app, by its client id, or by its refresh token: SMART does not ask it to name itself then.

    It proves nothing either way; what it holds was given to it alone (the verifier, the token).
    """
    form = request.form
    if form.get("client_secret") or form.get("client_assertion"):
        return None
    client_id = form.get("client_id")
    if client_id is None and form.get("grant_type") == "refresh_token":
        marked = RefreshToken.objects.filter(digest=digest(form.get("refresh_token", "")))
        client_id = marked.values_list("sitting__connection__app__client_id", flat=True).first()
    found = query_client(client_id) if client_id else None
    return found if found is not None and found.method == NO_SECRET else None


class SignedAssertion(JWTBearerClientAssertion):
    """An assertion signed with a key of the app's set: for this endpoint, for minutes, and once."""

    CLIENT_AUTH_METHOD = OWN_KEY  # type: ignore[misc]  # Authlib means it to be set

    def __init__(
        self, token_url: Callable[[], str], fetched: jwks.Fetched, clock: Callable[[], datetime]
    ) -> None:
        super().__init__(leeway=LEEWAY)
        self._endpoint, self._fetched, self._clock = token_url, fetched, clock

    def __call__(self, query_client: Callable[[str], App | None], request: Any) -> App | None:
        form = request.form
        assertion = form.get("client_assertion")
        if form.get("client_assertion_type") != ASSERTION or not assertion:
            return None
        if len(assertion) > LONGEST:
            raise InvalidClientError(description="The assertion is too long.")
        headers, claims = self.extract_assertion(assertion)
        client_id = claims.get("sub")
        app = query_client(client_id) if isinstance(client_id, str) else None
        if app is None or app.method != OWN_KEY or form.get("client_id", client_id) != client_id:
            raise InvalidClientError(description="The client is not known here, or has no keys registered.")
        key = self._key(app, headers)
        try:
            claims = jwt.decode(assertion, key, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError):
            raise InvalidClientError(description="The signature of the assertion does not hold.") from None
        self._one_audience(claims)
        self.verify_claims(claims)
        return app

    def _key(self, app: App, headers: dict[str, Any]) -> Any:
        """The one registered key the header names (steps 1 to 3 of the guide's algorithm)."""
        kid, algorithm = headers.get("kid"), headers.get("alg")
        if algorithm not in ALGORITHMS or headers.get("typ", "JWT") != "JWT":
            raise InvalidClientError(description="An assertion is a JWT signed by RS384 or ES384.")
        if not isinstance(kid, str) or headers.get("jku", app.jwks_url) != app.jwks_url:
            raise InvalidClientError(description="The assertion names no key that was registered.")
        try:
            keys = self._fetched.keys(app.jwks_url, kid=kid) if app.jwks_url else jwks.checked(app.jwks)
            key = jwks.key_of(keys, kid=kid, algorithm=algorithm)
        except jwks.BadKeys:
            raise InvalidClientError(
                description="The registered keys of the client can not be had."
            ) from None
        if key is None:
            raise InvalidClientError(description="The assertion names no key that was registered.")
        return key

    def _one_audience(self, claims: dict[str, Any]) -> None:
        """For this endpoint alone: an assertion that another server may use as well could come from there."""
        audience = claims.get("aud")
        if audience not in (self._endpoint(), [self._endpoint()]):
            raise InvalidClientError(description="The audience of the assertion is not this token endpoint.")
        now = self._clock().timestamp()
        end = claims.get("exp")
        if isinstance(end, bool) or not isinstance(end, int | float) or end > now + LONGEST_LIFE + LEEWAY:
            raise InvalidClientError(description="The assertion lives longer than five minutes.")

    def get_audiences(self) -> list[str]:
        return [self._endpoint()]

    def validate_jti(self, claims: dict[str, Any], jti: Any) -> bool:
        """Whether the id of an assertion is new; it is kept until the assertion has ended."""
        if not isinstance(jti, str) or not 1 <= len(jti) <= 1000:
            return False
        end = datetime.fromtimestamp(float(claims["exp"]) + LEEWAY, UTC)
        _, new = UsedAssertion.objects.get_or_create(
            digest=digest(f"{claims['iss']}\n{jti}"), defaults={"expires_at": end}
        )
        return new
