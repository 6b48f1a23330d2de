"""A code for a decision, tokens for a code: the way of an honest app, and what others try on it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from joserfc import jwt

from tests import signing
from tests.site.oauth.steps import (
    BACK,
    FHIR,
    SECRET,
    Steps,
    a_confidential_app,
    an_account,
    an_app,
    back,
    own,
    post,
)
from yba.fhir.access.actor import Scope
from yba.fhir.r4.consent import Consent
from yba.site.accounts.models import Account
from yba.site.oauth import keys
from yba.site.oauth.bearer import actor_of_bearer
from yba.site.oauth.models import AccessToken, App, Code, Connection, RefreshToken, Sitting

SEE_RESULTS = "patient.ket-qua.see"
RESULTS = [
    "BodyStructure", "DiagnosticReport", "ImagingStudy", "Media", "MolecularSequence", "Observation", "Specimen",
]  # fmt: skip


def actor(tokens: dict[str, Any]) -> Any:
    return actor_of_bearer(tokens["access_token"])


def test_an_app_gets_what_the_person_gave(steps: Steps, citizen: Account, person: str, record: Any) -> None:
    told = steps.agree(
        scope="openid fhirUser launch/patient patient/Observation.rs patient/Patient.r", nonce="n-1"
    )
    assert told.keys() == {"code", "state", "iss"}
    assert (told["state"], told["iss"]) == (steps.state, settings.YBA_ORIGIN)
    answer = steps.exchange(told["code"])
    assert answer.status_code == 200
    assert (answer["Cache-Control"], answer["Pragma"]) == ("no-store", "no-cache")
    tokens = answer.json()
    assert tokens.keys() == {"token_type", "access_token", "expires_in", "scope", "patient", "id_token"}
    assert (tokens["token_type"], tokens["expires_in"], tokens["patient"]) == ("Bearer", 600, person)
    assert tokens["scope"] == "openid fhirUser launch/patient patient/Observation.rs patient/Patient.r"
    found = actor(tokens)
    assert (found.user, found.role, found.person) == (str(citizen.pk), "citizen", person)
    assert (found.app, found.launched) == (steps.app.client_id, person)
    assert found.scopes == (
        Scope("patient", "Observation", frozenset("rs")),
        Scope("patient", "Patient", frozenset("r")),
    )


def test_the_identity_is_signed_and_for_this_app(steps: Steps, citizen: Account, person: str) -> None:
    tokens = steps.tokens(scope="openid fhirUser profile", nonce="n-1")
    public = steps.browser.get("/oauth/jwks").json()
    assert [key.keys() & {"d", "p", "q"} for key in public["keys"]] == [set()]
    found = jwt.decode(tokens["id_token"], keys.signing_key(), algorithms=["RS256"])
    assert found.header == {"alg": "RS256", "kid": public["keys"][0]["kid"], "typ": "JWT"}
    claims = found.claims
    assert claims["iss"] == settings.YBA_ORIGIN
    assert claims["aud"] == steps.app.client_id
    assert claims["sub"] == str(citizen.pk)
    assert claims["nonce"] == "n-1"
    assert claims["fhirUser"] == f"{FHIR}/Patient/{person}"
    assert claims["name"] == "Nguyễn Thị Hạnh"
    assert claims["exp"] - claims["iat"] == 600
    assert claims.keys() >= {"at_hash", "auth_time"}
    info = Client().get("/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert info.json() == {
        "sub": str(citizen.pk),
        "fhirUser": f"{FHIR}/Patient/{person}",
        "name": "Nguyễn Thị Hạnh",
    }


def test_the_time_of_signing_in_is_that_of_this_session(app: App, citizen: Account, person: str) -> None:
    browser = Client()
    signing.enter_citizen(browser, citizen.phone)
    began = browser.session["account_authentication_methods"][-1]["at"]
    Account.objects.filter(pk=citizen.pk).update(last_login=timezone.now() + timedelta(hours=3))  # elsewhere
    tokens = Steps(app, browser).tokens(scope="openid", nonce="n-1")
    claims = jwt.decode(tokens["id_token"], keys.signing_key(), algorithms=["RS256"]).claims
    assert claims["auth_time"] == int(began)


def test_less_is_given_where_less_is_ticked(steps: Steps, record: Any, person: str) -> None:
    tokens = steps.tokens(SEE_RESULTS, scope="launch/patient patient/*.cruds")
    assert tokens["scope"].split() == ["launch/patient", *(f"patient/{name}.rs" for name in RESULTS)]
    (consent,) = record.find(Consent, ("patient", person))
    assert consent.status == "active"
    assert [one.code for one in consent.provision.class_] == RESULTS
    assert consent.provision.actor[0].reference.identifier.value == steps.app.client_id


def test_nothing_is_ticked_beforehand_but_what_is_needed(steps: Steps) -> None:
    def ticked() -> list[str]:
        page = steps.ask(scope="launch/patient patient/*.rs").context["page"]
        return [line.key for group in page.groups for line in group.lines if line.ticked]

    assert ticked() == []
    App.objects.update(needed="patient/Observation.rs")
    assert ticked() == []  # the line is wider than what is needed
    App.objects.update(needed="patient/AllergyIntolerance.rs patient/AdverseEvent.rs patient/*.rs")
    assert "patient.di-ung.see" in ticked()


def test_the_person_says_no(steps: Steps) -> None:
    steps.ask()
    told = back(steps.decide({"quyet": "khong"}))
    assert (told["error"], told["state"], told["iss"]) == ("access_denied", steps.state, settings.YBA_ORIGIN)
    assert not Connection.objects.exists()


def test_nothing_ticked_is_asked_again(steps: Steps, person: str) -> None:
    answer = steps.decide({"quyet": "cho", "nguoi": person})
    assert answer.status_code == 422
    assert not Sitting.objects.exists()


def test_nobody_signed_in_signs_in_first(app: App, citizen: Account) -> None:
    stranger = Steps(app, Client())
    answer = stranger.ask()
    assert answer.status_code == 302
    assert answer["Location"].startswith("/vao?next=/oauth/authorize%3F")
    assert back(Steps(app, Client()).ask(prompt="none"))["error"] == "login_required"
    stranger.browser.force_login(citizen)
    assert stranger.ask().status_code == 200


def test_what_follows_signing_in_goes_on_by_a_page_of_ours(app: App, citizen: Account) -> None:
    """A browser takes a redirect after the form of signing in for the form's own target, and refuses it."""
    stranger = Steps(app, Client())
    stranger.ask()
    stranger.browser.force_login(citizen)
    answer = stranger.ask(state=None)
    assert answer.status_code == 200
    where = answer.context["page"].where
    assert where.startswith(f"{BACK}?error=invalid_request&")
    assert f'content="0; url={BACK}?error=invalid_request&amp;' in answer.content.decode()
    assert answer["Referrer-Policy"] == "no-referrer"
    assert back(stranger.ask(state=None))["error"] == "invalid_request"


def test_an_app_that_asks_for_no_page_is_told_that_one_is_needed(steps: Steps) -> None:
    assert back(steps.ask(prompt="none"))["error"] == "interaction_required"


def test_a_family_is_chosen_from(
    steps: Steps, citizen: Account, person: str, child: str, record: Any
) -> None:
    own(citizen, child, "con")
    page = steps.ask().context["page"]
    assert {one.id for one in page.people} >= {person}
    if child in {one.id for one in page.people}:  # a guardian's standing comes with the record's own rules
        assert steps.tokens(SEE_RESULTS, nguoi=child)["patient"] == child


def test_nobody_elses_book_can_be_chosen(steps: Steps, record: Any, child: str) -> None:
    answer = steps.decide({"quyet": "cho", "nguoi": child, "phan": [SEE_RESULTS]})
    assert answer.status_code == 422 or steps.exchange(back(answer)["code"]).json()["patient"] != child


# -- codes ----------------------------------------------------------------------------------------------


def test_a_code_counts_once_and_a_second_try_ends_its_tokens(steps: Steps) -> None:
    code = steps.agree(scope="launch/patient patient/Observation.rs offline_access")["code"]
    tokens = steps.exchange(code).json()
    assert actor(tokens) is not None
    again = steps.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert actor(tokens) is None
    assert steps.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_code_lives_a_minute(steps: Steps) -> None:
    code = steps.agree()["code"]
    Code.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert steps.exchange(code).json()["error"] == "invalid_grant"


def test_a_code_is_for_the_app_it_was_made_for(steps: Steps) -> None:
    other = an_app(name="Kẻ khác")
    code = steps.agree()["code"]
    answer = steps.exchange(code, client_id=other.client_id)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert steps.exchange(code).status_code == 200  # and a stranger's try does it no harm


@pytest.mark.parametrize("changes", [{"redirect_uri": BACK + "/"}, {"redirect_uri": None}])
def test_a_code_goes_with_its_address(steps: Steps, changes: dict[str, Any]) -> None:
    answer = steps.exchange(steps.agree()["code"], **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_no_secret_lies_in_the_tables(steps: Steps) -> None:
    code = steps.agree(scope="launch/patient patient/Observation.rs offline_access")["code"]
    tokens = steps.exchange(code).json()
    kept = {code, tokens["access_token"], tokens["refresh_token"]}
    for table in (Code, AccessToken, RefreshToken):
        row = table.objects.values().get()  # type: ignore[attr-defined]  # a model
        assert re.fullmatch(r"[0-9a-f]{64}", row["digest"])
        assert not {str(value) for value in row.values()} & kept


# -- PKCE -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": None},
        {"code_challenge": "short"},
    ],
)
def test_no_request_goes_without_a_verifier(steps: Steps, changes: dict[str, Any]) -> None:
    assert back(steps.ask(**changes))["error"] == "invalid_request"


@pytest.mark.parametrize("verifier", [None, "", "a" * 64, "b" * 20])
def test_no_code_goes_without_the_right_verifier(steps: Steps, verifier: str | None) -> None:
    answer = steps.exchange(steps.agree()["code"], code_verifier=verifier)
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_request", "invalid_grant")
    assert not AccessToken.objects.exists()


def test_also_an_app_with_a_secret_needs_the_verifier(browser: Client) -> None:
    steps = Steps(a_confidential_app(), browser)
    assert back(steps.ask(code_challenge=None, code_challenge_method=None))["error"] == "invalid_request"
    code = steps.agree()["code"]
    assert steps.exchange(code, client_secret=SECRET, code_verifier=None).status_code == 400
    assert steps.exchange(code, client_secret=SECRET).status_code == 200


# -- addresses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "https://app.example.vn/back/", "https://app.example.vn/back?x=1", "https://app.example.vn/BACK",
        "https://app.example.vn.evil.example/back", "https://app.example.vn@evil.example/back",
        "https://app.example.vn/back#x", "https://app.example.vn/back/../evil", "http://app.example.vn/back",
        "https://app.example.vn:443/back", "//app.example.vn/back", "javascript:alert(1)", "", None,
        "https://app.example.vn/back%00", "https://app.example.vn/back\"'<>\\",
    ],
)  # fmt: skip
def test_no_other_address_is_ever_led_to(steps: Steps, address: str | None) -> None:
    answer = steps.ask(redirect_uri=address)
    assert answer.status_code == 400
    assert "Location" not in answer
    answer = steps.decide({"quyet": "khong"}, redirect_uri=address)
    assert answer.status_code == 400
    assert "Location" not in answer


def test_an_address_given_twice_is_refused(steps: Steps) -> None:
    query = urlencode([*steps.query().items(), ("redirect_uri", "https://evil.example/")])
    assert steps.browser.get(f"/oauth/authorize?{query}").status_code == 400
    query = urlencode([("redirect_uri", "https://evil.example/"), *steps.query().items()])
    assert steps.browser.get(f"/oauth/authorize?{query}").status_code == 400


@pytest.mark.parametrize("state", ["draft", "waiting", "refused", "suspended"])
def test_an_app_that_is_not_approved_asks_nobody(steps: Steps, state: str) -> None:
    code = steps.agree()["code"]
    App.objects.update(state=state)
    assert steps.ask().status_code == 400
    assert steps.exchange(code).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_type": "code\"'é"}, "unsupported_response_type"),
        ({"state": None}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"aud": "https://evil.example/fhir"}, "invalid_request"),
        ({"aud": FHIR + ".evil.example"}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"request": "eyJ"}, "invalid_request"),
        ({"request_uri": "https://evil.example/"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "Login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": ""}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"nonce": "a\x00b"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
        ({"scope": "patient/Nothing.rs"}, "invalid_scope"),
        ({"scope": "launch patient/Observation.rs"}, "invalid_request"),
        ({"launch": "made-up"}, "invalid_request"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_told_to_the_app(steps: Steps, changes: dict[str, Any], error: str) -> None:
    told = back(steps.ask(**changes))
    assert told["error"] == error
    assert told["iss"] == settings.YBA_ORIGIN
    assert "code" not in told


def test_a_name_no_app_can_have_is_unknown(steps: Steps) -> None:
    assert steps.ask(client_id="a\x00b").status_code == 400
    assert steps.exchange("x", client_id="a\x00b").json()["error"] == "invalid_client"


# -- the page itself ------------------------------------------------------------------------------------


def test_the_page_can_be_framed_by_nobody_and_leads_only_to_the_app(steps: Steps) -> None:
    answer = steps.ask()
    policy = answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example.vn;" in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert "no-store" in answer["Cache-Control"]


def test_nobody_else_can_send_the_answer(app: App, citizen: Account, person: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(citizen)
    said = {"quyet": "cho", "nguoi": person, "phan": [SEE_RESULTS]}
    assert Steps(app, strict).decide(said).status_code == 403
    assert (
        Steps(app, strict)
        .browser.post("/oauth/authorize", {**Steps(app, strict).query(), **said})
        .status_code
        == 303
    )
    assert not Code.objects.exists()


def test_a_request_may_come_as_a_form(steps: Steps) -> None:
    answer = steps.browser.post("/oauth/authorize", steps.query())
    assert answer.status_code == 303
    assert answer["Location"] == f"/oauth/authorize?{urlencode(steps.query())}"
    assert Client().post("/oauth/authorize", steps.query()).status_code == 303


def test_the_token_endpoint_takes_one_form_and_nothing_twice(steps: Steps) -> None:
    code = steps.agree()["code"]
    assert Client().get("/oauth/token").status_code == 405
    assert (
        Client().post("/oauth/token", {"grant_type": "authorization_code"}).json()["error"]
        == "invalid_request"
    )
    assert (
        post("/oauth/token?code=x", {"grant_type": "authorization_code"}).json()["error"] == "invalid_request"
    )
    assert steps.exchange([code, code]).json()["error"] == "invalid_request"
    for grant_type in ("password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", '"é'):
        answer = post("/oauth/token", {"grant_type": grant_type, "client_id": steps.app.client_id})
        assert answer.status_code == 400
        assert answer.json()["error"] in ("unsupported_grant_type", "invalid_request")
    assert steps.exchange(code).status_code == 200


def test_staff_are_not_asked_by_an_app_for_citizens(app: App) -> None:
    desk = Client()
    desk.force_login(an_account("doctor", "bs.thu", facility="f1"))
    assert back(Steps(app, desk).ask())["error"] == "access_denied"
