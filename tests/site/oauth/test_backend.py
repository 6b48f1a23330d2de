"""A system that signs with its own key: what it gets, and what is no proof."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from tests.site.oauth.steps import TOKEN, an_app, post
from yba.fhir.access.actor import Scope
from yba.site.oauth import jwks
from yba.site.oauth.bearer import actor_of_bearer
from yba.site.oauth.clients import ASSERTION
from yba.site.oauth.models import AccessToken, App

RSA = RSAKey.generate_key(2048, {"kid": "r1"}, private=True)
EC = ECKey.generate_key("P-384", {"kid": "e1"}, private=True)
pytestmark = pytest.mark.django_db


def public(*found: Any) -> dict[str, Any]:
    return {"keys": [one.as_dict(private=False) for one in found]}


@pytest.fixture
def app() -> App:
    return an_app(
        name="Phòng xét nghiệm", method="private_key_jwt", jwks=public(RSA, EC), backend=True, facility="f1",
        for_citizens=False, redirect_uris=[], scopes="system/Observation.rs system/Patient.r",
    )  # fmt: skip


def assertion(
    app: App, *, key: Any = EC, alg: str = "ES384", header: dict[str, Any] | None = None, **claims: Any
) -> str:
    said = {
        "iss": app.client_id, "sub": app.client_id, "aud": TOKEN, "exp": int(time.time()) + 200,
        "jti": str(uuid.uuid4()), **claims,
    }  # fmt: skip
    head = {"alg": alg, "kid": key.kid, "typ": "JWT", **(header or {})}
    return jwt.encode(
        {name: value for name, value in head.items() if value is not None},
        {name: value for name, value in said.items() if value is not None},
        key,
        algorithms=[alg],
    )


def ask(text: str, scope: str | None = "system/Observation.rs", **changes: Any) -> Any:
    data = {
        "grant_type": "client_credentials", "scope": scope, "client_assertion_type": ASSERTION,
        "client_assertion": text, **changes,
    }  # fmt: skip
    return post("/oauth/token", {name: value for name, value in data.items() if value is not None})


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS384"), (EC, "ES384")])
def test_a_signature_gives_five_minutes(app: App, key: Any, alg: str) -> None:
    answer = ask(assertion(app, key=key, alg=alg))
    assert answer.status_code == 200
    token = answer.json()
    assert token.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (token["token_type"], token["expires_in"], token["scope"]) == (
        "bearer",
        300,
        "system/Observation.rs",
    )
    found = actor_of_bearer(token["access_token"])
    assert found is not None
    assert (found.role, found.facility, found.app) == ("outside_system", "f1", app.client_id)
    assert found.scopes == (Scope("system", "Observation", frozenset("rs")),)


def test_only_what_was_approved_is_given(app: App) -> None:
    assert (
        ask(assertion(app), scope="system/*.cruds").json()["scope"]
        == "system/Observation.rs system/Patient.r"
    )
    for scope in ("system/Condition.rs", "patient/Observation.rs", "user/*.rs", "openid", "nonsense", None):
        answer = ask(assertion(app), scope=scope)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_an_assertion_counts_once(app: App) -> None:
    text = assertion(app)
    assert ask(text).status_code == 200
    answer = ask(text)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    other = an_app(
        name="Hệ thống khác", method="private_key_jwt", jwks=public(EC), backend=True, facility="f2",
        for_citizens=False, redirect_uris=[], scopes="system/Observation.rs",
    )  # fmt: skip
    assert ask(assertion(other, jti="j-1")).status_code == 200
    assert ask(assertion(app, jti="j-1")).status_code == 200  # an id is the app's own
    assert ask(assertion(app, jti="j-1")).status_code == 400


now = int(time.time())
WRONG: list[dict[str, Any]] = [
    {"aud": "https://evil.example/token"}, {"aud": None}, {"aud": [TOKEN, "https://evil.example/token"]}, {"aud": []},
    {"aud": TOKEN + "/"}, {"exp": now - 60}, {"exp": now + 3600}, {"exp": None}, {"exp": "soon"}, {"exp": True},
    {"exp": 10**400}, {"jti": None}, {"jti": ""}, {"jti": ["a"]}, {"jti": "a" * 2000}, {"iss": "somebody"},
    {"iss": None},
    {"sub": None}, {"sub": "app-unknown"}, {"sub": {"a": 1}}, {"nbf": now + 3600}, {"header": {"kid": "x"}},
    {"header": {"kid": None}}, {"header": {"jku": "https://evil.example/keys"}}, {"header": {"typ": "at+jwt"}},
]  # fmt: skip


@pytest.mark.parametrize(
    "changes", WRONG, ids=[f"{next(iter(one))}-{number}" for number, one in enumerate(WRONG)]
)
def test_a_wrong_assertion_is_no_proof(app: App, changes: dict[str, Any]) -> None:
    answer = ask(assertion(app, **changes))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    assert not AccessToken.objects.exists()


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_no_signature_is_no_proof(app: App) -> None:
    claims = {
        "iss": app.client_id,
        "sub": app.client_id,
        "aud": TOKEN,
        "exp": int(time.time()) + 200,
        "jti": "n",
    }
    for alg in ("none", "None", "NONE", "HS256", "RS256", "ES384"):
        text = f"{part({'alg': alg, 'kid': 'e1', 'typ': 'JWT'})}.{part(claims)}."
        assert ask(text).json()["error"] == "invalid_client"
    for text in ("", "a", "a.b.c", "..", "é.é.é", "a" * 20_000):
        assert ask(text).json()["error"] == "invalid_client"


def test_the_public_key_is_no_secret_to_sign_with(app: App) -> None:
    """RS384 turned to HS384, with the public key as the secret of a MAC."""
    pem = RSA.as_pem(private=False)
    head, body = (
        part({"alg": "HS384", "kid": "r1", "typ": "JWT"}),
        part({"sub": app.client_id, "iss": app.client_id}),
    )
    import hashlib
    import hmac

    mac = hmac.new(pem, f"{head}.{body}".encode(), hashlib.sha384).digest()
    answer = ask(f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")
    assert answer.json()["error"] == "invalid_client"


def test_another_key_of_the_same_name_is_no_proof(app: App) -> None:
    forged = ECKey.generate_key("P-384", {"kid": "e1"}, private=True)
    assert ask(assertion(app, key=forged)).json()["error"] == "invalid_client"
    assert (
        ask(assertion(app, header={"jwk": forged.as_dict(private=False)}, key=forged)).json()["error"]
        == "invalid_client"
    )


def test_a_secret_or_a_name_is_no_proof_for_it(app: App) -> None:
    for changes in ({"client_id": app.client_id}, {"client_id": app.client_id, "client_secret": "x"}):
        answer = ask("", client_assertion_type=None, client_assertion=None, **changes)
        assert answer.json()["error"] == "invalid_client"
    assert ask(assertion(app), client_id="app-other").json()["error"] == "invalid_client"


@pytest.mark.parametrize("change", [{"state": "suspended"}, {"backend": False}, {"facility": ""}])
def test_a_backend_that_is_stopped_is_stopped(app: App, change: dict[str, Any]) -> None:
    token = ask(assertion(app)).json()["access_token"]
    App.objects.update(**change)
    assert actor_of_bearer(token) is None
    assert ask(assertion(app)).json()["error"] in ("invalid_client", "unauthorized_client")


def test_a_backend_comes_in_by_no_other_way(app: App) -> None:
    answer = ask(assertion(app), grant_type="authorization_code", code="x")
    assert answer.json()["error"] == "unauthorized_client"


# -- keys -------------------------------------------------------------------------------------------------


def test_keys_are_public_strong_and_named() -> None:
    good = public(RSA, EC)
    assert jwks.checked(good) == good
    weak = RSAKey.generate_key(1024, {"kid": "w"}, private=True)
    curve = ECKey.generate_key("P-256", {"kid": "c"}, private=True)
    octet = OctKey.generate_key(256, {"kid": "o"})
    bad: list[Any] = [
        {}, {"keys": []}, {"keys": "x"}, [], None, {"keys": [EC.as_dict(private=True)]}, public(EC, EC), public(weak),
        public(curve), {"keys": [octet.as_dict()]}, {"keys": [{**EC.as_dict(private=False), "kid": ""}]},
        {"keys": [{"kty": "RSA", "kid": "x"}]}, {"keys": [{"kty": "EC", "crv": "P-384", "kid": "x", "x": 1, "y": 2}]},
        {"keys": [7]},
    ]  # fmt: skip
    for one in bad:
        with pytest.raises(jwks.BadKeys):
            jwks.checked(one)


def test_keys_at_an_address_are_kept_as_long_as_their_owner_says() -> None:
    asked: list[str] = []
    clock = [0.0]
    given = [json.dumps(public(EC)).encode(), "max-age=60"]

    def get(url: str) -> tuple[bytes, str]:
        asked.append(url)
        return given[0], given[1]  # type: ignore[return-value]  # bytes and text

    fetched = jwks.Fetched(get, lambda: clock[0])
    assert fetched.keys("https://a.vn/k", kid="e1") == public(EC)
    clock[0] = 59
    fetched.keys("https://a.vn/k", kid="e1")
    assert len(asked) == 1
    clock[0] = 61
    fetched.keys("https://a.vn/k", kid="e1")
    assert len(asked) == 2
    fetched.keys("https://a.vn/k", kid="new")  # asked again half a minute apart at most
    assert len(asked) == 2
    clock[0] = 95
    fetched.keys("https://a.vn/k", kid="new")
    assert len(asked) == 3
    given[1] = "no-store"
    clock[0] = 300
    fetched.keys("https://a.vn/k", kid="e1")
    fetched.keys("https://a.vn/k", kid="e1")
    assert len(asked) == 5


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/keys", "http://10.0.0.1:1/keys", "ftp://a.vn/k", "file:///etc/passwd"]
)
def test_an_assertion_can_not_make_the_house_call_inside(app: App, url: str) -> None:
    """What was registered is called only when its name leads outside; a form refuses numbers to begin with."""
    from yba.site.oauth.forms import wrong_address

    assert wrong_address(url, own_apps=False)
    App.objects.update(jwks=None, jwks_url="https://localhost.localdomain.invalid/keys")
    app.refresh_from_db()
    assert ask(assertion(app)).json()["error"] == "invalid_client"
