"""Refresh tokens turn over, a stolen one gives itself away, and whatever ends, ends at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.site.oauth.steps import FHIR, SECRET, Steps, a_confidential_app, an_app, post
from yba.fhir.r4.consent import Consent
from yba.site.accounts.models import Account
from yba.site.oauth import issuing
from yba.site.oauth.bearer import actor_of_bearer
from yba.site.oauth.models import AccessToken, App, Connection, RefreshToken, Sitting

OFFLINE = "openid launch/patient patient/Observation.rs patient/Patient.r offline_access"
ONLINE = OFFLINE.replace("offline", "online")


def alive(tokens: dict[str, Any]) -> bool:
    return actor_of_bearer(tokens["access_token"]) is not None


def test_a_refresh_token_is_followed_by_another(steps: Steps) -> None:
    first = steps.tokens(scope=OFFLINE)
    answer = steps.refresh(first["refresh_token"])
    assert answer.status_code == 200
    second = answer.json()
    assert second.keys() >= {"access_token", "refresh_token", "id_token", "patient", "scope"}
    assert second["refresh_token"] != first["refresh_token"]
    assert (second["scope"], second["patient"]) == (first["scope"], first["patient"])
    assert alive(second)


def test_a_refresh_token_that_comes_again_ends_everything(steps: Steps) -> None:
    first = steps.tokens(scope=OFFLINE)
    second = steps.refresh(first["refresh_token"]).json()
    answer = steps.refresh(first["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert not alive(second)
    assert steps.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    assert Sitting.objects.get().ended_by == "refresh-again"
    assert ("sign-in-failed", f"app {steps.app.client_id}: refresh-again, all its tokens ended") in noted()


def noted() -> list[tuple[str, str]]:
    """What the audit says of apps, oldest first."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select act, detail from record.audit where detail like 'app %' order by at, detail")
        return [(str(act), str(detail)) for act, detail in cursor.fetchall()]


def test_giving_and_stopping_stand_in_the_audit(steps: Steps) -> None:
    steps.tokens(scope="launch/patient patient/Observation.rs")
    steps.browser.post(f"/ung-dung/{Connection.objects.get().pk}/ngung")
    assert noted() == [
        ("policy", f"app {steps.app.client_id} let: launch/patient patient/Observation.rs"),
        ("policy", f"app {steps.app.client_id} stopped"),
    ]


def test_less_may_be_asked_at_refresh_and_never_more(steps: Steps) -> None:
    first = steps.tokens(scope=OFFLINE)
    for more in (
        "patient/*.rs",
        "patient/Observation.cruds",
        "user/Observation.rs",
        "launch",
        "patient/Nothing.rs",
    ):
        answer = steps.refresh(first["refresh_token"], scope=f"patient/Observation.rs {more}")
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    less = steps.refresh(first["refresh_token"], scope="patient/Observation.r?category=laboratory").json()
    assert less["scope"] == "patient/Observation.r?category=laboratory"
    whole = steps.refresh(less["refresh_token"]).json()
    assert whole["scope"] == first["scope"]


def test_a_refresh_token_is_for_its_own_app(steps: Steps) -> None:
    first = steps.tokens(scope=OFFLINE)
    other = an_app(name="Kẻ khác")
    answer = steps.refresh(first["refresh_token"], client_id=other.client_id)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert steps.refresh(first["refresh_token"]).status_code == 200


def test_a_public_app_need_not_name_itself_to_refresh(steps: Steps) -> None:
    first = steps.tokens(scope=OFFLINE)
    second = steps.refresh(first["refresh_token"], client_id=None)
    assert second.status_code == 200
    assert steps.refresh("made-up", client_id=None).json()["error"] == "invalid_client"


def test_an_app_with_a_secret_refreshes_with_it(browser: Client) -> None:
    steps = Steps(a_confidential_app(), browser)
    code = steps.agree(scope=OFFLINE)["code"]
    for wrong in (None, "", SECRET[:-1], SECRET + "x"):
        assert steps.exchange(code, client_secret=wrong).json()["error"] == "invalid_client"
    first = steps.exchange(code, client_secret=SECRET).json()
    assert steps.refresh(first["refresh_token"]).json()["error"] == "invalid_client"
    assert steps.refresh(first["refresh_token"], client_id=None).json()["error"] == "invalid_client"
    assert steps.refresh(first["refresh_token"], client_secret=SECRET).status_code == 200


def test_without_the_wish_there_is_nothing_to_refresh_with(steps: Steps) -> None:
    assert "refresh_token" not in steps.tokens(scope="launch/patient patient/Observation.rs")


def test_only_once_gives_no_lasting_access(steps: Steps) -> None:
    tokens = steps.tokens(scope=OFFLINE, days="0")
    assert "offline_access" not in tokens["scope"]
    assert "refresh_token" not in tokens
    assert Connection.objects.get().until < datetime.now(UTC) + timedelta(days=1, minutes=1)


def test_online_access_ends_with_signing_out(steps: Steps) -> None:
    tokens = steps.tokens(scope=ONLINE)
    assert alive(tokens)
    assert steps.refresh(tokens["refresh_token"]).status_code == 200
    other = steps.tokens(scope=OFFLINE)
    steps.browser.logout()
    assert not alive(tokens)
    assert alive(other)


def test_refresh_ends_with_the_time_that_was_given(steps: Steps) -> None:
    tokens = steps.tokens(scope=OFFLINE, days="30")
    assert RefreshToken.objects.get().expires_at <= datetime.now(UTC) + timedelta(days=30)
    Connection.objects.update(until=datetime.now(UTC) - timedelta(seconds=1))
    assert not alive(tokens)
    assert steps.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_stopping_on_the_page_ends_all_at_once(steps: Steps, record: Any, person: str) -> None:
    tokens = steps.tokens(scope=OFFLINE)
    page = steps.browser.get("/ung-dung/")
    (line,) = page.context["page"].lines
    assert line.app.name == "Sổ tim mạch"
    assert steps.browser.post(f"/ung-dung/{line.id}/ngung").status_code == 302
    assert not alive(tokens)
    assert steps.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    (consent,) = record.find(Consent, ("patient", person))
    assert consent.status == "inactive"
    assert steps.browser.get("/ung-dung/").context["page"].lines == []


def test_nobody_stops_the_connection_of_another(steps: Steps) -> None:
    tokens = steps.tokens(scope=OFFLINE)
    stranger = Client()
    stranger.force_login(Account.objects.create_account("0905777888", role="citizen"))
    assert stranger.post(f"/ung-dung/{Connection.objects.get().pk}/ngung").status_code == 404
    assert alive(tokens)


def test_withdrawing_the_consent_itself_ends_the_tokens(steps: Steps, person: str) -> None:
    from yba.fhir.access import SYSTEM
    from yba.fhir.record import Record
    from yba.site.guards import guards
    from yba.site.opening import system_record

    tokens = steps.tokens(scope=OFFLINE)
    plain = system_record()
    guarded = Record(plain.connection, actor=SYSTEM, guards=guards(), transaction=plain._transaction)
    (consent,) = guarded.find(Consent, ("patient", person))
    consent.status = "rejected"
    guarded.update(consent)
    assert not alive(tokens)
    assert Sitting.objects.get().ended_by == "consent"


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"suspended_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"expires_at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
)
def test_an_account_that_may_not_enter_ends_its_apps(steps: Steps, change: dict[str, Any]) -> None:
    tokens = steps.tokens(scope=OFFLINE)
    Account.objects.filter(login="0905000111").update(**change)
    assert not alive(tokens)
    assert steps.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("change", [{"state": "suspended"}, {"for_citizens": False}, {"state": "refused"}])
def test_an_app_that_is_stopped_is_stopped(steps: Steps, change: dict[str, Any]) -> None:
    tokens = steps.tokens(scope=OFFLINE)
    App.objects.update(**change)
    assert not alive(tokens)


def test_an_app_that_may_less_may_less_at_once(steps: Steps) -> None:
    tokens = steps.tokens(scope=OFFLINE)
    App.objects.update(scopes="openid launch/patient patient/Observation.r offline_access")
    found = actor_of_bearer(tokens["access_token"])
    assert found is not None
    assert found.scopes is not None
    assert [(one.type, "".join(sorted(one.interactions))) for one in found.scopes] == [("Observation", "r")]


def test_a_narrower_answer_narrows_what_was_given_before(steps: Steps) -> None:
    first = steps.tokens(
        scope="launch/patient patient/Observation.rs patient/AllergyIntolerance.rs offline_access"
    )
    steps.tokens(
        "patient.di-ung.see", scope="launch/patient patient/Observation.rs patient/AllergyIntolerance.rs"
    )
    found = actor_of_bearer(first["access_token"])
    assert found is not None
    assert found.scopes is not None
    assert [one.type for one in found.scopes] == ["AllergyIntolerance"]
    assert Connection.objects.count() == 1


def test_an_access_token_lives_ten_minutes(steps: Steps) -> None:
    tokens = steps.tokens()
    AccessToken.objects.update(expires_at=datetime.now(UTC))
    assert not alive(tokens)


def test_old_rows_are_taken_away(steps: Steps) -> None:
    steps.tokens(scope=OFFLINE)
    later = datetime.now(UTC) + timedelta(days=2)
    issuing.forget_old(later)
    assert not AccessToken.objects.exists()
    assert RefreshToken.objects.count() == 1


# -- introspection and revocation -------------------------------------------------------------------------


def introspect(token: str, **changes: Any) -> Any:
    return post("/oauth/introspect", {"token": token, **changes})


def test_an_app_learns_of_its_own_tokens(browser: Client, citizen: Account, person: str) -> None:
    app = a_confidential_app()
    steps = Steps(app, browser)
    tokens = steps.exchange(steps.agree(scope=OFFLINE)["code"], client_secret=SECRET).json()
    told = introspect(tokens["access_token"], client_id=app.client_id, client_secret=SECRET).json()
    assert told.pop("exp") - told.pop("iat") == 600
    assert told == {
        "active": True, "client_id": app.client_id, "scope": tokens["scope"], "token_type": "Bearer",
        "iss": settings.YBA_ORIGIN, "aud": FHIR, "patient": person,
        "sub": str(citizen.pk),
    }  # fmt: skip
    refresh = introspect(tokens["refresh_token"], client_id=app.client_id, client_secret=SECRET).json()
    assert (refresh["active"], refresh["token_type"]) == (True, "refresh_token")


def test_an_app_learns_nothing_of_anothers_tokens(steps: Steps) -> None:
    other = a_confidential_app(name="Kẻ khác")
    tokens = steps.tokens(scope=OFFLINE)
    proof = {"client_id": other.client_id, "client_secret": SECRET}
    for token in (tokens["access_token"], tokens["refresh_token"], "made-up"):
        assert introspect(token, **proof).json() == {"active": False}
    App.objects.filter(pk=other.pk).update(introspects=True)
    assert introspect(tokens["access_token"], **proof).json()["active"] is True
    assert introspect("made-up", **proof).json() == {"active": False}


def test_nobody_introspects_without_proof(steps: Steps) -> None:
    tokens = steps.tokens()
    assert (
        introspect(tokens["access_token"], client_id=steps.app.client_id).json()["error"] == "invalid_client"
    )
    assert introspect(tokens["access_token"]).json()["error"] == "invalid_client"
    answer = post(
        "/oauth/introspect",
        {"token": tokens["access_token"]},
        Authorization=f"Bearer {tokens['access_token']}",
    )
    assert answer.json()["error"] == "invalid_client"
    App.objects.update(introspects=True)
    answer = post(
        "/oauth/introspect",
        {"token": tokens["access_token"]},
        Authorization=f"Bearer {tokens['access_token']}",
    )
    assert answer.json()["active"] is True


def test_an_ended_token_is_told_as_ended(browser: Client) -> None:
    app = a_confidential_app()
    steps = Steps(app, browser)
    tokens = steps.exchange(steps.agree()["code"], client_secret=SECRET).json()
    Connection.objects.update(ended_at=datetime.now(UTC))
    told = introspect(tokens["access_token"], client_id=app.client_id, client_secret=SECRET).json()
    assert told == {"active": False}


def test_an_app_gives_a_token_back(steps: Steps) -> None:
    tokens = steps.tokens(scope=OFFLINE)
    assert (
        post("/oauth/revoke", {"token": tokens["access_token"], "client_id": steps.app.client_id}).status_code
        == 200
    )
    assert not alive(tokens)
    second = steps.refresh(tokens["refresh_token"]).json()
    answer = post(
        "/oauth/revoke",
        {
            "token": second["refresh_token"],
            "client_id": steps.app.client_id,
            "token_type_hint": "access_token",
        },
    )
    assert answer.status_code == 200
    assert not alive(second)
    assert steps.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    assert post("/oauth/revoke", {"token": "made-up", "client_id": steps.app.client_id}).status_code == 200


def test_nobody_ends_the_token_of_another(steps: Steps) -> None:
    tokens = steps.tokens(scope=OFFLINE)
    other = an_app(name="Kẻ khác")
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert (
            post("/oauth/revoke", {"token": token, "client_id": other.client_id}).json()["error"]
            == "invalid_grant"
        )
    assert alive(tokens)


def test_userinfo_needs_the_right_token(steps: Steps) -> None:
    without = steps.tokens(scope="launch/patient patient/Observation.rs")
    ask = Client()
    assert ask.get("/oauth/userinfo").status_code == 401
    assert ask.get("/oauth/userinfo", headers={"Authorization": "Bearer made-up"}).status_code == 401
    answer = ask.get("/oauth/userinfo", headers={"Authorization": f"Bearer {without['access_token']}"})
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer["WWW-Authenticate"]
