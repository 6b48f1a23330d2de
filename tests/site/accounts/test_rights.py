"""Rights beside the role: given by an administrator, labels by two, until a day, taken away at once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from tests.site.accounts.test_sign_in import acts
from tests.site.accounts.who import actor_of_token
from yba.care.messages.models import Message
from yba.fhir.access import labels
from yba.site.accounts import actions, rights, roles, rules
from yba.site.accounts.models import Account, StaffRight

pytestmark = pytest.mark.django_db
ADMIN = roles.FACILITY_ADMINISTRATOR


def member(login: str, role: str, facility: str = "bv1") -> Account:
    return Account.objects.create_account(
        login, role=role, facility=facility, name=login.title(), contact="0912000001"
    )


def browser_of(account: Account) -> Client:
    browser = Client()
    browser.force_login(account)
    return browser


@pytest.fixture
def admin() -> Account:
    return member("quantri", ADMIN)


@pytest.fixture
def second() -> Account:
    return member("quantri2", ADMIN)


@pytest.fixture
def doctor() -> Account:
    return member("bacsi", roles.DOCTOR)


def ask(by: Account, account: Account, right: str = "hiv", **changes: Any) -> Any:
    until = timezone.localdate() + timedelta(days=30)
    said = {"right": right, "reason": "Phòng khám ngoại trú HIV", "until": f"{until:%d/%m/%Y}", **changes}
    return browser_of(by).post(f"/nhan-vien/{account.pk}/quyen", said)


def held(account: Account) -> frozenset[str]:
    return Account.objects.get(pk=account.pk).actor().rights


def test_every_right_is_one_the_door_knows() -> None:
    assert {one for one in rights.known() if one != "emergency"} <= set(labels.NAMES)


def test_a_label_counts_when_a_second_person_agrees(admin: Account, second: Account, doctor: Account) -> None:
    token = actions.make_token(role=roles.DOCTOR, account=doctor, now=timezone.now())
    assert ask(admin, doctor).status_code == 302
    row = StaffRight.objects.get()
    assert held(doctor) == frozenset()
    own = browser_of(admin)
    own.post(f"/nhan-vien/quyen/{row.pk}/duyet")
    assert held(doctor) == frozenset()
    assert "Duyệt" not in own.get("/nhan-vien/quyen").content.decode().replace("Chờ người thứ hai duyệt", "")
    assert browser_of(second).post(f"/nhan-vien/quyen/{row.pk}/duyet").status_code == 302
    assert held(doctor) == {"hiv"}
    assert (actor_of_token(token) or pytest.fail("no actor")).rights == {"hiv"}
    day = timezone.localdate() + timedelta(days=30)
    assert [one[1:3] for one in acts()][-2:] == [
        (str(admin.pk), f"right hiv: asked, until {day}"), (str(second.pk), f"right hiv: given, until {day}"),
    ]  # fmt: skip
    told = Message.objects.get(kind="accounts.rights")
    assert told.to_phone == "0912000001"
    assert "HIV" in told.text


def test_taken_away_it_is_gone_at_once(admin: Account, second: Account, doctor: Account) -> None:
    token = actions.make_token(role=roles.DOCTOR, account=doctor, now=timezone.now())
    ask(admin, doctor)
    row = StaffRight.objects.get()
    browser_of(second).post(f"/nhan-vien/quyen/{row.pk}/duyet")
    answer = browser_of(admin).post(f"/nhan-vien/quyen/{row.pk}/thu-lai", {"reason": ""})
    assert answer.status_code == 422
    assert held(doctor) == {"hiv"}
    browser_of(admin).post(f"/nhan-vien/quyen/{row.pk}/thu-lai", {"reason": "Chuyển khoa"})
    assert held(doctor) == frozenset()
    assert (actor_of_token(token) or pytest.fail("no actor")).rights == frozenset()
    row.refresh_from_db()
    assert (row.ended_by, row.ended_because) == (admin, "Chuyển khoa")
    assert acts()[-1][2] == "right hiv: taken away"
    page = browser_of(admin).get("/nhan-vien/quyen").content.decode()
    assert "Đã thu lại" in page


def test_it_ends_by_itself(admin: Account, second: Account, doctor: Account) -> None:
    today = timezone.localdate()
    ask(admin, doctor, until=f"{today:%d/%m/%Y}")
    browser_of(second).post(f"/nhan-vien/quyen/{StaffRight.objects.get().pk}/duyet")
    account = Account.objects.get(pk=doctor.pk)
    end = rules.end_of(today)
    assert account.rights_at(end - timedelta(seconds=1)) == {"hiv"}
    assert account.rights_at(end) == frozenset()
    past = (timezone.now() - timedelta(seconds=1)).isoformat()
    Account.objects.filter(pk=doctor.pk).update(rights_until={"hiv": past})
    StaffRight.objects.update(until=past)
    assert held(doctor) == frozenset()
    assert "Đã hết hạn" in browser_of(admin).get("/nhan-vien/quyen").content.decode()
    assert ask(admin, doctor).status_code == 302  # asked for anew


def test_the_right_of_emergencies_needs_one_person_and_only_reception_gets_it(
    admin: Account, doctor: Account
) -> None:
    clerk = member("letan", roles.RECEPTIONIST)
    assert ask(admin, clerk, "emergency").status_code == 302
    assert held(clerk) == {"emergency"}
    assert ask(admin, doctor, "emergency").status_code == 422
    assert ask(admin, clerk, "hiv").status_code == 422
    assert ask(admin, clerk, "emergency").status_code == 409
    assert StaffRight.objects.count() == 1


@pytest.mark.parametrize("change", [{"reason": ""}, {"until": ""}, {"right": "all"}, {"right": "cancer"}])
def test_what_is_missing_is_said(admin: Account, doctor: Account, change: dict[str, str]) -> None:
    assert ask(admin, doctor, **change).status_code == 422
    assert not StaffRight.objects.exists()


@pytest.mark.parametrize("days", [-1, 366])
def test_a_day_is_within_a_year(admin: Account, doctor: Account, days: int) -> None:
    until = timezone.localdate() + timedelta(days=days)
    assert ask(admin, doctor, until=f"{until:%d/%m/%Y}").status_code == 409
    assert not StaffRight.objects.exists()


def test_nobody_gives_themselves_anything(admin: Account) -> None:
    assert "Không tự cấp" in browser_of(admin).get(f"/nhan-vien/{admin.pk}/quyen").content.decode()
    assert ask(admin, admin).status_code == 404
    with pytest.raises(IntegrityError), transaction.atomic():
        StaffRight.objects.create(
            account=admin,
            asked_by=admin,
            right="vip",
            reason="x",
            until=timezone.now(),
            asked_at=timezone.now(),
        )


def test_who_gets_it_does_not_approve_it(admin: Account, second: Account, doctor: Account) -> None:
    ask(admin, doctor)
    row = StaffRight.objects.get()
    Account.objects.filter(pk=doctor.pk).update(role=ADMIN)
    browser_of(doctor).post(f"/nhan-vien/quyen/{row.pk}/duyet")
    row.refresh_from_db()
    assert row.given_at is None
    browser_of(second).post(f"/nhan-vien/quyen/{row.pk}/duyet")  # and it is not for the new role
    assert held(doctor) == frozenset()


def test_of_another_facility_there_is_nothing(admin: Account, second: Account, doctor: Account) -> None:
    ask(admin, doctor)
    row = StaffRight.objects.get()
    stranger = member("nguoila", ADMIN, facility="bv2")
    assert ask(stranger, doctor).status_code == 404
    for path in (f"/nhan-vien/quyen/{row.pk}/duyet", f"/nhan-vien/quyen/{row.pk}/thu-lai"):
        assert browser_of(stranger).post(path, {"reason": "x"}).status_code == 404
    assert "Bacsi" not in browser_of(stranger).get("/nhan-vien/quyen").content.decode()
    nurse = member("dieuduong", roles.NURSE)
    assert browser_of(nurse).get("/nhan-vien/quyen").status_code == 404


def test_another_role_begins_without(admin: Account, second: Account, doctor: Account) -> None:
    ask(admin, doctor)
    row = StaffRight.objects.get()
    browser_of(second).post(f"/nhan-vien/quyen/{row.pk}/duyet")
    browser_of(admin).post(f"/nhan-vien/{doctor.pk}", {"role": roles.NURSE, "until": ""})
    assert Account.objects.get(pk=doctor.pk).role == roles.NURSE
    assert held(doctor) == frozenset()
    row.refresh_from_db()
    assert row.ended_at is not None


def test_days_end_at_midnight_in_hanoi() -> None:
    assert rules.end_of(date(2026, 11, 23)).isoformat() == "2026-11-24T00:00:00+07:00"


@pytest.mark.parametrize(("days", "said"), [(0, "Còn 1 ngày"), (6, "Còn 7 ngày"), (7, "Đang có")])
def test_a_right_that_runs_out_says_how_long_it_lasts(
    admin: Account, second: Account, doctor: Account, days: int, said: str
) -> None:
    until = timezone.localdate() + timedelta(days=days)
    assert ask(admin, doctor, until=f"{until:%d/%m/%Y}").status_code == 302
    right = StaffRight.objects.get(account=doctor)
    browser = browser_of(second)
    assert browser.post(f"/nhan-vien/quyen/{right.pk}/duyet").status_code == 302
    page = browser.get("/nhan-vien/quyen").content.decode()
    held_part = page.partition('id="co"')[2]
    assert said in held_part
    assert "Thu lại" in held_part
    ended = browser.post(f"/nhan-vien/quyen/{right.pk}/thu-lai", {"reason": "Chuyển khoa"}, follow=True)
    assert "có hiệu lực ngay" in ended.content.decode()
    assert held(doctor) == frozenset()
