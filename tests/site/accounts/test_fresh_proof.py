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
from tests.site.accounts.test_sign_in import PHONE
from yba.care.messages.models import Message
from yba.site.accounts import factors, roles
from yba.site.accounts.models import Account, SignInCode

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
