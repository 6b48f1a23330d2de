"""A facility's staff: invited, changed, suspended, ended by its administrator, nobody else's, and at once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from tests import signing
from tests.builders import an_organization
from tests.site.accounts.test_factors import secret_on
from tests.site.accounts.test_sign_in import acts
from tests.site.accounts.who import actor_of_token
from yba import fhir
from yba.care.messages.models import Message
from yba.fhir.model.references import reference
from yba.site.accounts import roles, staff
from yba.site.accounts.actions import make_token
from yba.site.accounts.models import Account, Invitation

pytestmark = pytest.mark.django_db
PHONE = "0912000111"


@pytest.fixture
def places(record: fhir.Record) -> None:
    record.update(an_organization("Bệnh viện Một", id="bv1"))
    inside = reference("Organization", "bv1")
    record.update(an_organization("Khoa Nội", id="khoa-noi", partOf=inside))
    record.update(an_organization("Bệnh viện Hai", id="bv2"))


@pytest.fixture
def boss(boss: Client, places: None) -> Client:
    return boss


def invited(boss: Client, **more: Any) -> str:
    """The path in the message."""
    fields = {"name": "Hoàng Lan", "phone": PHONE, "role": roles.NURSE, "departments": ["khoa-noi"]} | more
    assert boss.post("/nhan-vien/moi", fields)["Location"] == "/nhan-vien"
    text = Message.objects.filter(to_phone=PHONE, kind="accounts.invitation").latest("pk").text
    found = re.search(r"(/moi/\S+)", text)
    assert found
    return found[1]


GOOD = {"login": "lan.dd", "password": "hoa lan tháng tư", "again": "hoa lan tháng tư"}


class TestInvitation:
    def test_from_the_message_to_the_first_page(self, boss: Client) -> None:
        path = invited(boss)
        new = Client()
        assert "Điều dưỡng" in new.get(path).content.decode()
        assert new.post(path, GOOD)["Location"] == "/vao/lop-thu-hai"
        secret = secret_on(new.get("/vao/lop-thu-hai").content.decode())
        new.post("/vao/lop-thu-hai", {"code": signing.totp(secret)})
        assert new.post("/vao/lop-thu-hai", {"kept": "1"})["Location"] == "/"
        account = Account.objects.get(login="lan.dd")
        actor = account.actor()
        assert (actor.role, actor.facility, actor.departments) == ("nurse", "bv1", frozenset({"khoa-noi"}))
        assert new.session["_auth_user_id"] == str(account.pk)

    def test_it_counts_once(self, boss: Client) -> None:
        path = invited(boss)
        Client().post(path, GOOD)
        assert Client().get(path).status_code == 404
        assert Client().post(path, GOOD | {"login": "khac"}).status_code == 404
        assert Account.objects.filter(role=roles.NURSE).count() == 1

    def test_it_runs_out_after_three_days(self, boss: Client) -> None:
        path = invited(boss)
        row = Invitation.objects.get()
        assert row.expires_at - row.invited_at > timedelta(hours=71)
        Invitation.objects.update(expires_at=timezone.now())
        assert Client().get(path).status_code == 404
        assert Client().post(path, GOOD).status_code == 404

    def test_it_can_be_withdrawn(self, boss: Client) -> None:
        path = invited(boss)
        boss.post(f"/nhan-vien/moi/{Invitation.objects.get().pk}/thu-lai")
        assert Client().get(path).status_code == 404

    @pytest.mark.parametrize(
        "change",
        [
            {"suspended_at": timezone.now()},
            {"is_active": False},
            {"role": roles.DOCTOR},
            {"facility": "bv2"},
            {"expires_at": timezone.now()},
        ],
    )
    def test_it_ends_with_the_right_to_send_it(self, boss: Client, change: dict[str, Any]) -> None:
        path = invited(boss)
        Account.objects.filter(login="quantri").update(**change)
        assert Client().get(path).status_code == 404
        assert Client().post(path, GOOD).status_code == 404
        assert not Account.objects.filter(login="lan.dd").exists()

    def test_the_table_does_not_hold_the_link(self, boss: Client) -> None:
        key = invited(boss).removeprefix("/moi/")
        assert not Invitation.objects.filter(digest__contains=key).exists()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"login": "quantri"}, "Tên này đã có người dùng"),
            ({"login": "Lan"}, "Chỉ gồm chữ thường"),
            ({"login": "0912000111"}, "Tên này đã có người dùng"),
            ({"again": "khác"}, "Hai lần nhập chưa giống nhau"),
            ({"password": "ngắn", "again": "ngắn"}, "12"),
        ],
    )
    def test_name_and_password_are_checked(self, boss: Client, change: dict[str, str], words: str) -> None:
        path = invited(boss)
        answer = Client().post(path, GOOD | change)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert Invitation.objects.get().used_at is None

    def test_roles_beyond_a_facility_are_not_given(self, boss: Client) -> None:
        for role in (
            roles.SYSTEM_ADMINISTRATOR,
            roles.AUDITOR,
            roles.SYSTEM,
            roles.CITIZEN,
            roles.PROVINCIAL_OFFICER,
        ):
            answer = boss.post("/nhan-vien/moi", {"name": "A", "phone": PHONE, "role": role})
            assert answer.status_code == 422
        assert not Invitation.objects.exists()

    def test_departments_of_another_facility_are_not_given(self, boss: Client) -> None:
        fields = {"name": "A", "phone": PHONE, "role": roles.NURSE, "departments": ["bv2"]}
        assert boss.post("/nhan-vien/moi", fields).status_code == 422


@pytest.mark.parametrize(
    "role", [one for one in roles.STAFF if one not in ("facility_administrator", "system_administrator")]
)
def test_nobody_else_has_the_pages(role: str) -> None:
    other = Account.objects.create_account("ai", role=roles.NURSE, facility="bv1")
    client = Client()
    client.force_login(Account.objects.create_account("x", role=role, facility="bv1"))
    for path in ("/nhan-vien", "/nhan-vien/moi", f"/nhan-vien/{other.pk}"):
        assert client.get(path).status_code == 404
    assert client.post(f"/nhan-vien/{other.pk}/suspend").status_code == 404
    other.refresh_from_db()
    assert other.suspended_at is None


class TestMembers:
    @pytest.fixture
    def nurse(self) -> Account:
        return signing.staff("dd", roles.NURSE, facility="bv1", name="Điều dưỡng Hoa")

    @pytest.fixture
    def hers(self, nurse: Account) -> Client:
        found = Client()
        signing.enter_staff(found, "dd")
        assert found.get("/tai-khoan/bao-mat").status_code == 200
        return found

    def test_the_list_is_of_the_own_facility(self, boss: Client, nurse: Account) -> None:
        signing.staff("kia", roles.DOCTOR, facility="bv2", name="Bác sĩ Viện Hai")
        Account.objects.create_account("0905999888", role=roles.CITIZEN, name="Người Dân Nào Đó")
        page = boss.get("/nhan-vien").content.decode()
        assert "Điều dưỡng Hoa" in page
        assert "Bác sĩ Viện Hai" not in page
        assert "Người Dân Nào Đó" not in page

    def test_staff_of_another_facility_are_not_there(self, boss: Client) -> None:
        other = signing.staff("kia", roles.DOCTOR, facility="bv2")
        assert boss.get(f"/nhan-vien/{other.pk}").status_code == 404
        assert boss.post(f"/nhan-vien/{other.pk}/end").status_code == 404
        other.refresh_from_db()
        assert other.is_active

    def test_suspension_is_at_once_for_pages_and_tokens(
        self, boss: Client, nurse: Account, hers: Client
    ) -> None:
        token = make_token(role="nurse", account=nurse, now=timezone.now())
        assert actor_of_token(token) is not None
        boss.post(f"/nhan-vien/{nurse.pk}/suspend")
        assert hers.get("/tai-khoan/bao-mat").status_code == 302
        assert actor_of_token(token) is None
        assert signing.enter_staff(Client(), "dd")["Location"] == "/vao/tam-khoa"
        boss.post(f"/nhan-vien/{nurse.pk}/lift")
        assert actor_of_token(token) is not None
        assert signing.enter_staff(Client(), "dd")["Location"] == "/"

    def test_an_ended_account_never_comes_back(self, boss: Client, nurse: Account, hers: Client) -> None:
        boss.post(f"/nhan-vien/{nurse.pk}/end")
        assert hers.get("/tai-khoan/bao-mat").status_code == 302
        answer = signing.enter_staff(Client(), "dd")
        assert answer.status_code == 422
        assert not Authenticator.objects.filter(user=nurse).exists()

    def test_a_reset_factor_is_set_up_anew(self, boss: Client, nurse: Account, hers: Client) -> None:
        boss.post(f"/nhan-vien/{nurse.pk}/reset")
        assert hers.get("/tai-khoan/bao-mat").status_code == 302
        assert signing.enter_staff(Client(), "dd")["Location"] == "/vao/lop-thu-hai"

    def test_another_role_ends_what_is_open(self, boss: Client, nurse: Account, hers: Client) -> None:
        answer = boss.post(f"/nhan-vien/{nurse.pk}", {"role": roles.CASHIER})
        assert answer["Location"] == f"/nhan-vien/{nurse.pk}"
        nurse.refresh_from_db()
        assert (nurse.role, nurse.departments) == (roles.CASHIER, [])
        assert hers.get("/tai-khoan/bao-mat").status_code == 302

    @pytest.mark.parametrize(("role", "kept"), [(roles.NURSE, ["hiv"]), (roles.CASHIER, [])])
    def test_what_was_given_for_the_old_role_goes_with_it(
        self, boss: Client, nurse: Account, role: str, kept: list[str]
    ) -> None:
        Account.objects.filter(pk=nurse.pk).update(rights=["hiv"])
        boss.post(f"/nhan-vien/{nurse.pk}", {"role": role})
        nurse.refresh_from_db()
        assert (nurse.role, nurse.rights) == (role, kept)

    def test_the_last_day_counts_whole(self, boss: Client, nurse: Account) -> None:
        today = timezone.localdate()
        boss.post(f"/nhan-vien/{nurse.pk}", {"role": roles.NURSE, "until": today.strftime("%d/%m/%Y")})
        nurse.refresh_from_db()
        assert nurse.expires_at is not None
        assert nurse.may_enter(nurse.expires_at - timedelta(seconds=1))
        assert not nurse.may_enter(nurse.expires_at)
        assert timezone.localdate(nurse.expires_at) == today + timedelta(days=1)

    def test_not_oneself(self, boss: Client) -> None:
        own = Account.objects.get(login="quantri")
        for what in ("suspend", "end", "reset"):
            assert boss.post(f"/nhan-vien/{own.pk}/{what}").status_code == 404
        assert boss.post(f"/nhan-vien/{own.pk}", {"role": roles.DOCTOR}).status_code == 422
        own.refresh_from_db()
        assert (own.role, own.is_active, own.suspended_at) == (roles.FACILITY_ADMINISTRATOR, True, None)

    def test_every_deed_is_noted_with_who_did_it(self, boss: Client, nurse: Account) -> None:
        own = str(Account.objects.get(login="quantri").pk)
        for what in ("suspend", "lift", "reset", "end"):
            boss.post(f"/nhan-vien/{nurse.pk}/{what}")
        assert acts()[-4:] == [
            ("policy", own, "suspended", "ok"),
            ("policy", own, "suspension lifted", "ok"),
            ("factor", own, "all: reset by an administrator", "ok"),
            ("policy", own, "ended", "ok"),
        ]


def test_the_system_s_administrator_says_where(client: Client, places: None) -> None:
    signing.staff("hethong", roles.SYSTEM_ADMINISTRATOR)
    signing.enter_staff(client, "hethong")
    who = {"name": "A", "phone": PHONE}
    page = client.get("/nhan-vien/moi").content.decode()
    assert "Bệnh viện Hai" in page
    assert "Khoa Nội" not in page
    assert client.post("/nhan-vien/moi", who | {"role": roles.FACILITY_ADMINISTRATOR}).status_code == 422
    for role, place, kept in (
        (roles.FACILITY_ADMINISTRATOR, "bv2", ("bv2", "")),
        (roles.PROGRAMME_OFFICER, "bv1", ("", "bv1")),
        (roles.AUDITOR, "", ("", "")),
        (roles.PROVINCIAL_OFFICER, "bv1", ("", "")),
    ):
        assert client.post("/nhan-vien/moi", who | {"role": role, "facility": place}).status_code == 302
        row = Invitation.objects.latest("pk")
        assert (row.role, row.facility, row.programme) == (role, *kept)
    doctor = signing.staff("bs", roles.DOCTOR, facility="bv1")
    answer = client.post(f"/nhan-vien/{doctor.pk}", {"role": roles.AUDITOR})
    assert answer.status_code == 422


def test_the_system_s_administrator_gives_the_roles_above_facilities() -> None:
    system = Account(role=roles.SYSTEM_ADMINISTRATOR)
    facility = Account(role=roles.FACILITY_ADMINISTRATOR)
    assert {role for role in roles.NAMES if staff.may_give(system, role)} == set(roles.STAFF)
    assert {role for role in roles.NAMES if staff.may_give(facility, role)} == set(roles.OF_A_FACILITY)
    assert not any(staff.may_give(Account(role=roles.DOCTOR), role) for role in roles.NAMES)
