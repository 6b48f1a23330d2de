"""What programs are told before they come in, and who may ask across origins."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.site.oauth.steps import BACK, FHIR, an_app
from yba.site.oauth import cors, scopes
from yba.site.oauth.models import App

ORIGIN = "https://app.example.vn"


def test_smart_apps_find_everything_the_guide_requires() -> None:
    answer = Client().get("/fhir/.well-known/smart-configuration", headers={"Accept": "text/html"})
    assert answer["Content-Type"] == "application/json"
    found = answer.json()
    home = settings.YBA_ORIGIN
    assert found | {"capabilities": None, "scopes_supported": None} == {
        "issuer": home,
        "jwks_uri": f"{home}/oauth/jwks",
        "authorization_endpoint": f"{home}/oauth/authorize",
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "token_endpoint": f"{home}/oauth/token",
        "token_endpoint_auth_methods_supported": [
            "private_key_jwt",
            "client_secret_basic",
            "client_secret_post",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "introspection_endpoint": f"{home}/oauth/introspect",
        "revocation_endpoint": f"{home}/oauth/revoke",
        "management_endpoint": f"{home}/ung-dung/",
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": None,
        "scopes_supported": None,
    }
    assert sorted(found["capabilities"]) == [
        "authorize-post", "client-confidential-asymmetric", "client-confidential-symmetric", "client-public",
        "context-banner", "context-ehr-encounter", "context-ehr-patient", "context-standalone-patient", "launch-ehr",
        "launch-standalone", "permission-offline", "permission-online", "permission-patient", "permission-user",
        "permission-v1", "permission-v2", "sso-openid-connect",
    ]  # fmt: skip
    assert scopes.known(found["scopes_supported"]) == found["scopes_supported"]


def test_openid_and_oauth_clients_find_the_same() -> None:
    found = Client().get("/.well-known/openid-configuration").json()
    assert found == Client().get("/.well-known/oauth-authorization-server").json()
    assert found["issuer"] == settings.YBA_ORIGIN
    assert found["grant_types_supported"] == ["authorization_code", "refresh_token", "client_credentials"]
    assert found["id_token_signing_alg_values_supported"] == ["RS256"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert found["userinfo_endpoint"] == f"{settings.YBA_ORIGIN}/oauth/userinfo"
    assert found["subject_types_supported"] == ["public"]


def test_the_capability_statement_names_where_tokens_come_from() -> None:
    import json

    from yba.fhir.rest.capabilities import _statement
    from yba.site.oauth.addresses import oauth_uris

    security = json.loads(_statement(FHIR, "full", None, oauth_uris()))["rest"][0]["security"]
    assert security["cors"] is True
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    (extension,) = security["extension"]
    assert extension["url"] == "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
    assert {one["url"]: one["valueUri"] for one in extension["extension"]} == {
        "authorize": f"{settings.YBA_ORIGIN}/oauth/authorize",
        "token": f"{settings.YBA_ORIGIN}/oauth/token",
        "introspect": f"{settings.YBA_ORIGIN}/oauth/introspect",
        "revoke": f"{settings.YBA_ORIGIN}/oauth/revoke",
        "manage": f"{settings.YBA_ORIGIN}/ung-dung/",
    }


# -- across origins ---------------------------------------------------------------------------------------


def asked(
    path: str, method: str = "GET", origin: str | None = ORIGIN, **more: str
) -> tuple[str, dict[str, str]]:
    """Status and headers of one request through the layer, over an application that always says yes."""
    told: list[Any] = []

    def application(environ: Any, start: Any) -> list[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"yes"]

    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, **more}
    if origin is not None:
        environ["HTTP_ORIGIN"] = origin
    layer = cors.sharing(application, lambda: frozenset({ORIGIN}))
    b"".join(layer(environ, lambda status, headers, *_: told.extend([status, dict(headers)])))
    return told[0], told[1]


PREFLIGHT = {"HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"}


@pytest.mark.parametrize(
    "path", ["/fhir/Patient", "/fhir", "/oauth/token", "/oauth/userinfo", "/oauth/revoke"]
)
def test_pages_of_reviewed_apps_may_ask(path: str) -> None:
    status, headers = asked(path, "OPTIONS", **PREFLIGHT)
    assert status == "204 No Content"
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Authorization" in headers["Access-Control-Allow-Headers"]
    status, headers = asked(path)
    assert (status, headers["Access-Control-Allow-Origin"], headers["Vary"]) == ("200 OK", ORIGIN, "Origin")
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://app.example.vn.evil.example", "*"]
)
def test_pages_of_others_may_not(origin: str) -> None:
    for path in ("/fhir/Patient", "/oauth/token"):
        _, headers = asked(path, "OPTIONS", origin, **PREFLIGHT)
        assert not [name for name in headers if name.startswith("Access-Control")]
        _, headers = asked(path, origin=origin)
        assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", sorted(cors.OPEN))
def test_everyone_may_ask_what_is_said_to_everyone(path: str) -> None:
    assert asked(path, origin="https://evil.example")[1]["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "path", ["/", "/so/", "/oauth/authorize", "/oauth/decide", "/ung-dung/", "/vao", "/fhirx"]
)
def test_pages_with_a_session_are_shared_with_nobody(path: str) -> None:
    assert not [name for name in asked(path)[1] if name.startswith("Access-Control")]
    assert asked(path, "OPTIONS", **PREFLIGHT)[0] == "200 OK"  # the page's own answer


@pytest.mark.django_db
def test_the_origins_are_those_of_approved_apps() -> None:
    an_app(redirect_uris=[BACK, "vn.example.app:/back", "http://127.0.0.1:9000/x"])
    an_app(name="Chờ", state="waiting", redirect_uris=["https://waiting.example/"])
    assert cors.origins()() == {ORIGIN, "http://127.0.0.1:9000"}
    App.objects.update(state="suspended")
    assert cors.origins()() == frozenset()


# -- the key that signs -------------------------------------------------------------------------------------


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Any, settings: Any) -> None:
    from yba.site.oauth import keys

    settings.YBA_DATA = tmp_path
    keys.signing_key.cache_clear()
    try:
        first = keys.public_keys()
        path = tmp_path / keys.FILE
        assert path.stat().st_mode & 0o777 == 0o600
        keys.signing_key.cache_clear()
        assert keys.public_keys() == first
        path.chmod(0o644)
        keys.signing_key.cache_clear()
        with pytest.raises(SystemExit, match="can be read or changed by others"):
            keys.signing_key()
    finally:
        keys.signing_key.cache_clear()


@pytest.mark.parametrize("given", ["not a key", "public"])
def test_a_key_that_can_not_sign_is_refused(given: str, settings: Any) -> None:
    from dataclasses import replace

    from joserfc.jwk import RSAKey

    from yba.site.oauth import keys

    if given == "public":
        given = RSAKey.generate_key(2048, private=True).as_pem(private=False).decode()
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, identity_key=given)
    keys.signing_key.cache_clear()
    try:
        with pytest.raises(SystemExit, match="YBA_IDENTITY_KEY"):
            keys.signing_key()
    finally:
        keys.signing_key.cache_clear()
