"""Proving oneself anew before changing how one signs in: by the best there is, never by less."""

from __future__ import annotations

import time
from typing import Any

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY as KEY
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from tests import signing
from tests.builders import a_patient
from tests.site.accounts.test_sign_in import PHONE
from yba import fhir
from yba.care.messages.models import Message
from yba.site.accounts import actions, factors, roles, rules
from yba.site.accounts.models import AT_DESK, Account, SignInCode

pytestmark = pytest.mark.django_db


def an_hour_later(client: Client) -> None:
    """As if all of what was proved in this session had been long ago, and the last code too."""
    session = client.session
    session[KEY] = [one | {"at": time.time() - 3600} for one in session.get(KEY, [])]
    session.save()
    SignInCode.objects.all().delete()


def test_a_message_does_not_stand_for_the_factor(client: Client) -> None:
    signing.enter_citizen(client, PHONE)
    account = Account.objects.get()
    factors.set_up_totp(account, signing.SECRET)
    an_hour_later(client)
    sent = Message.objects.filter(kind="accounts.code").count()
    assert client.get("/tai-khoan/xac-nhan/dien-thoai")["Location"] == "/tai-khoan/xac-nhan/mat-khau"
    assert Message.objects.filter(kind="accounts.code").count() == sent
    assert client.post("/tai-khoan/ung-dung/bo").status_code == 302
    assert Authenticator.objects.filter(user=account, type="totp").exists()


def test_nor_for_the_password(client: Client) -> None:
    signing.enter_citizen(client, PHONE)
    account = Account.objects.get()
    account.set_password(signing.PASSWORD)
    account.save()
    client.force_login(account)
    answer = client.post("/tai-khoan/xac-nhan/dien-thoai", {"code": "123456"})
    assert answer["Location"] == "/tai-khoan/xac-nhan/mat-khau"


def test_where_there_is_nothing_else_the_message_does(client: Client) -> None:
    signing.enter_citizen(client, PHONE)
    an_hour_later(client)
    asked: Any = client.get("/tai-khoan/so-dien-thoai")
    assert asked["Location"].startswith("/tai-khoan/xac-nhan/")
    client.get("/tai-khoan/xac-nhan/dien-thoai")
    client.post("/tai-khoan/xac-nhan/dien-thoai", {"code": signing.code_sent(PHONE)})
    assert client.get("/tai-khoan/so-dien-thoai").status_code == 200


def test_no_code_is_promised_that_was_not_sent(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    signing.enter_citizen(client, PHONE)
    page = client.get("/tai-khoan/xac-nhan/dien-thoai").content.decode()
    assert "Mã đã được gửi tới số" in page
    monkeypatch.setattr(actions, "send_code", lambda *_args, **_named: rules.Refusal.TOO_MANY)
    page = client.get("/tai-khoan/xac-nhan/dien-thoai").content.decode()
    assert "Chưa gửi mã mới tới số" in page
    assert "Mã đã được gửi tới số" not in page
    assert "Đã thử quá nhiều lần" in page


@pytest.fixture
def provider(settings: Any) -> None:
    app = {
        "provider_id": "dinh-danh", "name": "Định danh thử", "client_id": "yba", "secret": "mật",
        "settings": {"server_url": "https://id.example.vn"},
    }  # fmt: skip
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}


@pytest.mark.usefixtures("provider")
def test_another_way_in_is_connected_only_when_freshly_proved(client: Client) -> None:
    signing.enter_citizen(client, PHONE)
    an_hour_later(client)
    answer = client.post("/vao/dinh-danh/dinh-danh?process=connect")
    assert answer["Location"].startswith("/tai-khoan/xac-nhan/")
    assert not SocialAccount.objects.exists()


@pytest.mark.usefixtures("provider")
def test_staff_connect_none(client: Client) -> None:
    signing.staff("bs.an", roles.DOCTOR)
    signing.enter_staff(client, "bs.an")
    assert client.post("/vao/dinh-danh/dinh-danh?process=connect").status_code == 404


class TestWhoseCode:
    """A code counts in the browser that asked for it, for what it was asked (ASVS 4.0.3, 2.7.3)."""

    def test_told_to_another_it_opens_nothing(self, client: Client) -> None:
        client.post("/vao", {"phone": PHONE})
        code, other = signing.code_sent(PHONE), Client()
        assert other.post("/vao", {"phone": PHONE})["Location"] == "/vao/ma"
        assert other.post("/vao/ma", {"code": code}).status_code == 422
        assert "_auth_user_id" not in other.session
        assert client.post("/vao/ma", {"code": code})["Location"] == "/"

    def test_read_at_a_desk_it_signs_nobody_in(self, client: Client, record: fhir.Record) -> None:
        patient = record.create(a_patient()).id
        account = Account.objects.create_account("0901000222", role=roles.CITIZEN)
        account.identity = AT_DESK
        account.save()
        account.links.create(patient_id=patient, relation="ban-than")
        signing.staff("letan", roles.RECEPTIONIST, facility="bv1")
        signing.enter_staff(client, "letan")
        client.post(
            f"/danh-tinh/{patient}",
            {"send": "1", "phone": PHONE, "document": "passport", "ending": "4567"},
        )
        text = Message.objects.filter(to_phone=PHONE).latest("pk").text
        assert "Chỉ đọc cho nhân viên" in text
        code = signing.code_sent(PHONE)
        stranger = Client()
        stranger.post("/vao", {"phone": PHONE})
        assert stranger.post("/vao/ma", {"code": code}).status_code == 422
        assert client.post(f"/danh-tinh/{patient}", {"code": code}).status_code == 302
        assert account.phones.filter(number=PHONE).exists()


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("-", "-"),
    ],
)
def test_a_line_with_many_addresses_is_one_caller(address: str, counted: str) -> None:
    assert rules.caller(address) == counted


def test_wrong_passwords_of_one_line_are_counted_together(client: Client) -> None:
    for n in range(rules.PASSWORDS_PER_ADDRESS):
        said = {"login": f"ai{n}", "password": "sai"}
        client.post("/vao/nhan-vien", said, REMOTE_ADDR=f"2001:db8::{n + 1:x}")
    answer = client.post("/vao/nhan-vien", {"login": "x", "password": "sai"}, REMOTE_ADDR="2001:db8::ffff")
    assert "Sai quá nhiều lần" in answer.content.decode()
