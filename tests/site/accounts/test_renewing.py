"""A new password for one of staff: sent by an administrator to the number the house knows, used once, told, noted."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests import signing
from tests.site.accounts.test_sign_in import acts
from yba.care.messages.models import Message
from yba.site.accounts import roles, staff
from yba.site.accounts.models import Account, PasswordLink

pytestmark = pytest.mark.django_db
PHONE, OTHER = "0912000111", "0912000222"
NEW = {"password": "hoa lan tháng tư", "again": "hoa lan tháng tư"}


@pytest.fixture
def nurse() -> Account:
    found: Account = signing.staff("dd", roles.NURSE, facility="bv1", name="Điều dưỡng Hoa", contact=PHONE)
    return found


def texts(kind: str, phone: str = PHONE) -> list[str]:
    return list(
        Message.objects.filter(to_phone=phone, kind=kind).order_by("pk").values_list("text", flat=True)
    )


def sent(boss: Client, account: Account) -> str:
    """The path in the message."""
    assert boss.post(f"/nhan-vien/{account.pk}/mat-khau")["Location"] == f"/nhan-vien/{account.pk}"
    found = re.search(r"(/mat-khau-moi/\S+)", texts("accounts.password-link")[-1])
    assert found
    return found[1]


def test_from_the_message_to_signing_in(boss: Client, nurse: Account) -> None:
    hers = Client()
    signing.enter_staff(hers, "dd")
    path = sent(boss, nurse)
    assert hers.get("/tai-khoan/bao-mat").status_code == 302
    assert signing.enter_staff(Client(), "dd").status_code == 422
    new = Client()
    assert "Tên đăng nhập: dd." in new.get(path).content.decode()
    assert new.post(path, NEW)["Location"] == "/vao/hai-lop"
    assert new.session.get("_auth_user_id") is None  # the second factor stays
    signing.forget_counter("dd")
    assert new.post("/vao/hai-lop", {"code": signing.totp()})["Location"] == "/"
    assert new.session["_auth_user_id"] == str(nurse.pk)
    assert signing.enter_staff(Client(), "dd", password=NEW["password"])["Location"] == "/"
    assert len(texts("accounts.changed")) == 1


def test_it_counts_once_and_only_the_newest(boss: Client, nurse: Account) -> None:
    first, second = sent(boss, nurse), sent(boss, nurse)
    assert Client().get(first).status_code == 404
    assert Client().post(second, NEW).status_code == 302
    for path in (first, second):
        assert Client().post(path, NEW).status_code == 404
    nurse.refresh_from_db()
    assert nurse.check_password(NEW["password"])


def test_it_runs_out_after_a_day(boss: Client, nurse: Account) -> None:
    path = sent(boss, nurse)
    row = PasswordLink.objects.get()
    assert timedelta(hours=23) < row.expires_at - row.sent_at <= timedelta(hours=24)
    PasswordLink.objects.update(expires_at=timezone.now())
    assert Client().get(path).status_code == 404
    assert Client().post(path, NEW).status_code == 404


@pytest.mark.parametrize(
    ("login", "change"),
    [
        ("quantri", {"suspended_at": timezone.now()}),
        ("quantri", {"is_active": False}),
        ("quantri", {"role": roles.DOCTOR}),
        ("quantri", {"facility": "bv2"}),
        ("dd", {"suspended_at": timezone.now()}),
        ("dd", {"is_active": False}),
        ("dd", {"facility": "bv2"}),
        ("dd", {"role": roles.AUDITOR}),
    ],
)
def test_it_ends_with_what_it_stands_on(
    boss: Client, nurse: Account, login: str, change: dict[str, Any]
) -> None:
    path = sent(boss, nurse)
    assert Client().get(path).status_code == 200
    Account.objects.filter(login=login).update(**change)
    assert Client().get(path).status_code == 404
    assert Client().post(path, NEW).status_code == 404
    nurse.refresh_from_db()
    assert not nurse.has_usable_password()


def test_the_table_does_not_hold_the_link(boss: Client, nurse: Account) -> None:
    key = sent(boss, nurse).removeprefix("/mat-khau-moi/")
    assert not PasswordLink.objects.filter(digest__contains=key).exists()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"again": "khác"}, "Hai lần nhập chưa giống nhau"),
        ({"password": "ngắn", "again": "ngắn"}, "12"),
    ],
)
def test_a_weak_or_mistyped_password_leaves_the_link(
    boss: Client, nurse: Account, typed: dict[str, str], words: str
) -> None:
    path = sent(boss, nurse)
    answer = Client().post(path, NEW | typed)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Client().post(path, NEW).status_code == 302


def test_without_a_known_number_nothing_is_sent_and_the_password_stays(boss: Client) -> None:
    found = signing.staff("khac", roles.NURSE, facility="bv1")
    assert "Gửi đường đặt mật khẩu mới" not in boss.get(f"/nhan-vien/{found.pk}").content.decode()
    answer = boss.post(f"/nhan-vien/{found.pk}/mat-khau", {"phone": OTHER}, follow=True)
    assert "Chưa có số điện thoại của người này" in answer.content.decode()
    assert not PasswordLink.objects.exists()
    assert not Message.objects.filter(to_phone=OTHER).exists()
    assert signing.enter_staff(Client(), "khac")["Location"] == "/"


def test_only_administrators_and_never_of_oneself_or_another_facility(boss: Client, nurse: Account) -> None:
    own = Account.objects.get(login="quantri")
    far = signing.staff("kia", roles.DOCTOR, facility="bv2", contact=OTHER)
    above = signing.staff("tren", roles.AUDITOR, facility="bv1", contact=OTHER)
    for one in (own, far, above):
        assert boss.post(f"/nhan-vien/{one.pk}/mat-khau").status_code == 404
    hers = Client()
    signing.enter_staff(hers, "dd")
    assert hers.post(f"/nhan-vien/{far.pk}/mat-khau").status_code == 404
    assert boss.get(f"/nhan-vien/{nurse.pk}/mat-khau").status_code == 405
    assert not PasswordLink.objects.exists()


def test_each_step_is_noted_with_who_did_it(boss: Client, nurse: Account) -> None:
    path = sent(boss, nurse)
    Client().post(path, NEW)
    own = str(Account.objects.get(login="quantri").pk)
    assert acts()[-2:] == [
        ("factor", own, "password: link to a new one", "ok"),
        ("factor", str(nurse.pk), "password: new by a link", "ok"),
    ]


def test_a_reset_factor_is_told(boss: Client, nurse: Account) -> None:
    boss.post(f"/nhan-vien/{nurse.pk}/reset")
    assert len(texts("accounts.changed")) == 1


def test_staff_keep_their_own_number_by_a_code_and_the_old_one_is_told(nurse: Account) -> None:
    hers = Client()
    signing.enter_staff(hers, "dd")
    assert "0912 000 111" in hers.get("/tai-khoan/bao-mat").content.decode()
    assert (
        hers.post("/tai-khoan/so-dien-thoai", {"phone": OTHER})["Location"] == "/tai-khoan/so-dien-thoai/ma"
    )
    assert hers.post("/tai-khoan/so-dien-thoai/ma", {"code": "000000"}).status_code == 422
    nurse.refresh_from_db()
    assert nurse.contact == PHONE
    answer = hers.post("/tai-khoan/so-dien-thoai/ma", {"code": signing.code_sent(OTHER)})
    assert answer["Location"] == "/tai-khoan/bao-mat"
    nurse.refresh_from_db()
    assert (nurse.contact, nurse.phones.count()) == (OTHER, 0)
    assert (len(texts("accounts.changed")), texts("accounts.changed", OTHER)) == (1, [])


def test_who_administers_whom() -> None:
    boss = Account(pk=1, role=roles.FACILITY_ADMINISTRATOR, facility="bv1")
    house = Account(pk=2, role=roles.SYSTEM_ADMINISTRATOR)
    nurse = Account(pk=3, role=roles.NURSE, facility="bv1")
    assert staff.administers(boss, nurse)
    assert staff.administers(house, nurse)
    assert not staff.administers(nurse, nurse)
    assert not staff.administers(boss, Account(pk=4, role=roles.NURSE, facility="bv2"))
    assert not staff.administers(house, Account(pk=5, role=roles.CITIZEN))
    assert not staff.administers(nurse, boss)
