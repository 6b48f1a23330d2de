"""A desk left alone: covered after a while, nothing seen until its owner is back, work and session kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from tests import signing
from tests.site.accounts.passkeys import Passkey
from tests.site.accounts.test_sign_in import PHONE, acts
from yba.site.accounts import roles, rules
from yba.site.accounts.models import Account

pytestmark = pytest.mark.django_db
PIN = "280413"


@pytest.fixture
def desk(client: Client) -> Client:
    signing.staff("letan", roles.RECEPTIONIST, pin=make_password(PIN))
    signing.enter_staff(client, "letan")
    return client


def leave(client: Client, minutes: float) -> float:
    """As if nobody had touched the desk for so long; when it was touched last."""
    session = client.session
    session["seen_at"] = left = (timezone.now() - timedelta(minutes=minutes)).timestamp()
    session.save()
    return left


def test_after_ten_minutes_it_is_covered(desk: Client) -> None:
    leave(desk, 9.9)
    assert desk.get("/tai-khoan/bao-mat").status_code == 200
    leave(desk, 10.1)
    answer = desk.get("/tai-khoan/bao-mat?x=1")
    assert answer["Location"] == "/khoa?next=%2Ftai-khoan%2Fbao-mat%3Fx%3D1"
    assert acts()[-1][0] == "lock"


@pytest.mark.parametrize("how", ["get", "post", "htmx", "head"])
def test_covered_it_answers_nothing(desk: Client, how: str) -> None:
    leave(desk, 11)
    if how == "htmx":
        answer = desk.get("/tai-khoan/bao-mat", headers={"HX-Request": "true"})
        assert (answer.status_code, answer.content, answer["HX-Trigger"]) == (423, b"", "yba:locked")
    elif how == "post":
        answer = desk.post("/tai-khoan/thiet-bi/ra-het")
        assert (answer.status_code, answer.content) == (423, b"")
    else:
        assert getattr(desk, how)("/danh-tinh")["Location"].startswith("/khoa?")


def test_asking_in_the_background_is_no_hand_on_the_desk(desk: Client) -> None:
    left = leave(desk, 9)
    desk.get("/tai-khoan/bao-mat", headers={"X-Yba-Background": "1"})
    assert desk.session["seen_at"] == left
    before = timezone.now().timestamp()
    desk.get("/tai-khoan/bao-mat")
    assert before <= desk.session["seen_at"] <= timezone.now().timestamp()


def test_typing_keeps_it_open(desk: Client) -> None:
    leave(desk, 9)
    before = timezone.now().timestamp()
    assert desk.post("/khoa/con-day").status_code == 204
    assert before <= desk.session["seen_at"] <= timezone.now().timestamp()
    leave(desk, 11)
    desk.get("/")
    assert desk.post("/khoa/con-day").status_code == 423


def test_the_pin_opens_it_where_it_was(desk: Client) -> None:
    leave(desk, 11)
    where = desk.get("/tai-khoan/bao-mat")["Location"]
    assert "PIN" in desk.get(where).content.decode()
    answer = desk.post("/khoa", {"secret": PIN, "next": "/tai-khoan/bao-mat"})
    assert (answer.status_code, answer["Location"]) == (302, "/tai-khoan/bao-mat")
    assert desk.get("/tai-khoan/bao-mat").status_code == 200
    assert acts()[-1][2] == "unlock: pin or password"


def test_the_cover_over_a_page_gets_only_the_form_and_then_nothing(desk: Client) -> None:
    assert desk.post("/khoa", {"lock": "1", "part": "1"}).status_code == 200
    part = desk.get("/khoa?part=1").content.decode()
    assert "<html" not in part
    assert "data-unlock" in part
    assert desk.post("/khoa", {"secret": "000000", "part": "1"}).status_code == 422
    assert desk.post("/khoa", {"secret": PIN, "part": "1"}).status_code == 204
    assert desk.get("/khoa?part=1").status_code == 204


def test_without_a_pin_the_password_opens_it(client: Client) -> None:
    signing.staff("letan", roles.RECEPTIONIST)
    signing.enter_staff(client, "letan")
    client.post("/khoa", {"lock": "1"})
    assert client.post("/khoa", {"secret": signing.PASSWORD}).status_code == 302
    assert client.get("/tai-khoan/bao-mat").status_code == 200


def test_a_passkey_opens_it(client: Client) -> None:
    account = Account.objects.create_account("bs", role=roles.DOCTOR, password=signing.PASSWORD)
    client.post("/vao/nhan-vien", {"login": "bs", "password": signing.PASSWORD})
    key = Passkey()
    client.post("/vao/lop-thu-hai", {"credential": key.create(client, "/vao/lop-thu-hai")})
    client.post("/vao/lop-thu-hai", {"kept": "1"})
    client.post("/khoa", {"lock": "1"})
    answer = client.post("/khoa", {"credential": key.get(client, "/khoa")})
    assert answer.status_code == 302
    assert acts()[-1][:3] == ("sign-in", str(account.pk), "unlock: passkey")


def test_six_wrong_pins_end_the_session(desk: Client) -> None:
    desk.post("/khoa", {"lock": "1"})
    for _ in range(rules.FACTORS_PER_ACCOUNT):
        assert desk.post("/khoa", {"secret": "000000"}).status_code == 422
    assert desk.post("/khoa", {"secret": PIN})["Location"] == "/vao/nhan-vien"
    assert "_auth_user_id" not in desk.session


def test_signing_out_is_open_while_covered(desk: Client) -> None:
    desk.post("/khoa", {"lock": "1"})
    assert desk.post("/ra").status_code == 302
    assert "_auth_user_id" not in desk.session


def test_citizens_and_screens_are_not_covered(client: Client) -> None:
    signing.enter_citizen(client, PHONE)
    leave(client, 60)
    assert client.get("/tai-khoan/bao-mat").status_code == 200
    Account.objects.create_account("mh", role=roles.WALL, password=signing.PASSWORD)
    screen = Client()
    screen.post("/vao/nhan-vien", {"login": "mh", "password": signing.PASSWORD})
    leave(screen, 60)
    assert screen.get("/health").status_code == 200
    assert "locked" not in screen.session


def test_pages_of_staff_tell_the_script_and_browsers_without_it(desk: Client) -> None:
    page = desk.get("/tai-khoan/bao-mat").content.decode()
    assert 'data-lock="/khoa" data-lock-after="600"' in page
    assert '<noscript><meta http-equiv="refresh" content="600;url=/khoa"></noscript>' in page


@pytest.mark.parametrize(
    ("pin", "kept"),
    [
        ("280413", True),
        ("111111", False),
        ("123456", False),
        ("987654", False),
        ("12345", False),
        ("12a456", False),
    ],
)
def test_a_pin_is_six_digits_one_does_not_guess(desk: Client, pin: str, kept: bool) -> None:
    Account.objects.update(pin="")
    answer = desk.post("/tai-khoan/pin", {"pin": pin})
    assert answer.status_code == (302 if kept else 422)
    account = Account.objects.get(login="letan")
    assert account.pin.startswith("argon2") is kept
    assert pin not in account.pin
