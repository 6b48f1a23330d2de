"""How tests sign in as people do: a code from the message outbox, a password, an authenticator.

``enter_staff`` and ``enter_citizen`` walk through the pages with Django's client; a test that is not about signing in
may use ``client.force_login``, which begins the session and leaves out every step.
"""

from __future__ import annotations

import re
import time
from typing import Any

from django.test import Client

PASSWORD = "mật khẩu dài"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def totp(secret: str = SECRET, *, steps: int = 0) -> str:
    """What an authenticator shows now, or some steps of 30 seconds away."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))


def code_sent(phone: str) -> str:
    """The newest code in the outbox for a number."""
    from yba.care.messages.models import Message

    sent = Message.objects.filter(to_phone=phone, kind="accounts.code").latest("pk").text
    found = re.search(r"\b\d{6}\b", sent)
    assert found
    return found[0]


def staff(login: str, role: str, **fields: Any) -> Any:
    """A member of staff with a password and an authenticator."""
    from allauth.mfa.totp.internal.auth import TOTP

    from yba.site.accounts.models import Account

    account = Account.objects.create_account(login, role=role, password=PASSWORD, **{"name": login} | fields)
    TOTP.activate(account, SECRET)
    return account


def enter_staff(client: Client, login: str, *, password: str = PASSWORD, code: str | None = None) -> Any:
    """By name, password and the authenticator's code; the last answer."""
    answer = client.post("/vao/nhan-vien", {"login": login, "password": password})
    if answer.status_code == 302 and answer["Location"] == "/vao/hai-lop":
        # A test may sign in twice within a step: an authenticator's code counts once.
        forget_counter(login)
        answer = client.post("/vao/hai-lop", {"code": code or totp()})
    return answer


def forget_counter(login: str) -> None:
    """As if the last code had been used long ago."""
    from allauth.mfa.models import Authenticator

    for row in Authenticator.objects.filter(user__login=login, type="totp"):
        row.data.pop("counter", None)
        row.save()


def enter_citizen(client: Client, phone: str) -> Any:
    """By phone and the code that was sent; the last answer."""
    client.post("/vao", {"phone": phone})
    return client.post("/vao/ma", {"code": code_sent(phone)})
