"""`prompt` and `max_age` (OpenID Connect Core 1.0, 3.1.2.1): who proves themselves again, who chooses, who is asked."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from tests.signing import code_sent
from tests.site.oauth.steps import Steps, an_account, back, own
from yba.site.accounts.models import Account
from yba.site.oauth.models import App, Sitting

RECORDS = "account_authentication_methods"


def proved(browser: Client, *, seconds_ago: float) -> float:
    """Let the session say that its person proved themselves then."""
    session, at = browser.session, time.time() - seconds_ago
    session[RECORDS] = [{"method": "code", "at": at, "phone": "0905000111"}]
    session[RECORDS + "_user"] = session["_auth_user_id"]
    session.save()
    return at


def prove_again(browser: Client, answer: Any) -> Any:
    """Follow to the page of proving oneself, type the code, and go where it leads."""
    assert answer.status_code == 302
    assert answer["Location"].startswith("/tai-khoan/xac-nhan/dien-thoai?next=%2Foauth%2Fauthorize")
    browser.get(answer["Location"])
    back_to = browser.post(answer["Location"], {"code": code_sent("0905000111")})
    assert back_to["Location"].startswith("/oauth/authorize?")
    page = browser.get(back_to["Location"])
    session = browser.session
    assert session.pop("oauth_came") is True  # what follows goes on by a page of ours; the tests go straight
    session.save()
    return page


def auth_time() -> int:
    return int(Sitting.objects.latest("pk").signed_in_at.timestamp())


@pytest.mark.parametrize("how", [{"prompt": "login"}, {"max_age": "0"}, {"prompt": "login consent"}])
def test_who_is_signed_in_proves_themselves_again(steps: Steps, how: dict[str, str]) -> None:
    before = proved(steps.browser, seconds_ago=5)
    page = prove_again(steps.browser, steps.ask(**how))
    assert page.status_code == 200
    told = steps.agree(**how)
    assert "code" in told
    assert auth_time() > before
    # The very same request again is another: it asks again.
    assert steps.ask(**how)["Location"].startswith("/tai-khoan/xac-nhan/")


def test_without_it_no_answer_is_taken(steps: Steps, person: str) -> None:
    proved(steps.browser, seconds_ago=5)
    said = {"quyet": "cho", "thoi_han": "30", "nguoi": person, "phan": ["Observation"]}
    answer = steps.decide(said, prompt="login")
    assert answer["Location"].startswith("/oauth/authorize?")
    assert not Sitting.objects.exists()
    assert steps.ask(prompt="login")["Location"].startswith("/tai-khoan/xac-nhan/")
    assert steps.decide(said, prompt="login")["Location"].startswith("/oauth/authorize?")
    assert not Sitting.objects.exists()


@pytest.mark.parametrize(("seconds", "asks"), [(200, False), (400, True)])
def test_max_age_is_counted_from_the_last_proof(steps: Steps, seconds: int, asks: bool) -> None:
    at = proved(steps.browser, seconds_ago=seconds)
    answer = steps.ask(max_age="300")
    assert answer.status_code == (302 if asks else 200)
    if asks:
        assert prove_again(steps.browser, answer).status_code == 200
    assert "code" in steps.agree(max_age="300")
    assert (auth_time() > int(at)) is asks


def test_a_session_without_any_proof_is_too_old(steps: Steps) -> None:
    assert steps.ask(max_age="100000")["Location"].startswith("/tai-khoan/xac-nhan/")


def test_no_page_is_promised_and_a_proof_is_needed(steps: Steps) -> None:
    proved(steps.browser, seconds_ago=400)
    assert back(steps.ask(prompt="none", max_age="300"))["error"] == "login_required"
    proved(steps.browser, seconds_ago=200)
    assert back(steps.ask(prompt="none", max_age="300"))["error"] == "interaction_required"


def test_signing_in_for_the_request_is_proof_enough(app: App, citizen: Account) -> None:
    stranger = Steps(app, Client())
    for how in ({"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}):
        stranger.browser.logout()
        answer = stranger.ask(**how)
        assert answer["Location"].startswith("/vao?next=/oauth/authorize%3F")
        session = stranger.browser.session
        kept = session["oauth_prompted"]
        stranger.browser.force_login(citizen)
        session = stranger.browser.session
        session["oauth_prompted"] = kept
        session.save()
        proved(stranger.browser, seconds_ago=0)
        assert stranger.ask(**how).context["page"].action.startswith("/oauth/decide?")


class TestChoosingTheAccount:
    def test_the_one_signed_in(self, steps: Steps) -> None:
        page = steps.ask(prompt="select_account")
        assert page.status_code == 200
        assert "Nguyễn Thị Hạnh" in page.content.decode()
        assert steps.app.name in page.content.decode()
        action = page.context["page"].action
        assert action.startswith("/oauth/choose?")
        assert steps.browser.post(action, {"tai_khoan": "nay"})["Location"].startswith("/oauth/authorize?")
        assert "code" in steps.agree(prompt="select_account")
        assert steps.ask(prompt="select_account").context["page"].action.startswith("/oauth/choose?")

    def test_another(self, steps: Steps, record: Any, person: str) -> None:
        action = steps.ask(prompt="select_account").context["page"].action
        answer = steps.browser.post(action, {"tai_khoan": "khac"})
        assert answer["Location"].startswith("/vao?next=/oauth/authorize%3F")
        assert "_auth_user_id" not in steps.browser.session
        other = an_account(login="0905000222", name="Người Khác")
        own(other, person)
        kept = steps.browser.session["oauth_prompted"]
        steps.browser.force_login(other)
        session = steps.browser.session
        session["oauth_prompted"] = kept
        session.save()
        # Somebody who was signed in before the choice is no choice.
        assert steps.ask(prompt="select_account").context["page"].action.startswith("/oauth/choose?")

    def test_nothing_is_decided_before(self, steps: Steps, person: str) -> None:
        said = {"quyet": "cho", "thoi_han": "30", "nguoi": person, "phan": ["Observation"]}
        assert steps.decide(said, prompt="select_account")["Location"].startswith("/oauth/authorize?")
        assert not Sitting.objects.exists()

    def test_an_unknown_app_chooses_nothing(self, steps: Steps) -> None:
        answer = steps.browser.post("/oauth/choose?client_id=nobody", {"tai_khoan": "khac"})
        assert answer.status_code == 400
        assert "_auth_user_id" in steps.browser.session
