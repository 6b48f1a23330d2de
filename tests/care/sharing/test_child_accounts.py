"""A child of 7 to 15 with an own account: the guardian consents, the child agrees, either takes it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.care.sharing.village import Village
from yba.care import people
from yba.care.messages.models import Message
from yba.care.privacy.models import Agreement
from yba.care.sharing.models import Ask
from yba.fhir.r4.patient import Patient
from yba.site.accounts.models import Account

CHILD_PHONE = "0905777888"
OWN = "/so/gia-dinh/tai-khoan-cua-em"


def page_of(patient: Patient) -> str:
    return f"/so/gia-dinh/{patient.id}/tai-khoan"


def consent(citizen: Client, patient: Patient, **changes: str) -> Any:
    said = {"version": "1", "phone": CHILD_PHONE, "agreed": "on", **changes}
    return citizen.post(page_of(patient), said)


@pytest.fixture
def child(village: Village) -> Client:
    """The child's own phone, signed in for the first time."""
    account = Account.objects.create_account(CHILD_PHONE, role="citizen")
    browser = Client()
    browser.force_login(account)
    return browser


def account_of(phone: str = CHILD_PHONE) -> Account:
    return Account.objects.get(login=phone)


def said(patient: Patient) -> list[tuple[str, bool]]:
    rows = Agreement.objects.filter(patient_id=patient.id).order_by("pk")
    return list(rows.values_list("purpose", "given"))


def test_both_agree_and_the_book_is_open(village: Village, citizen: Client, child: Client) -> None:
    assert "Tài khoản riêng của Nguyễn Bé Na" in citizen.get("/so/gia-dinh/").content.decode()
    assert consent(citizen, village.na).status_code == 302
    text = Message.objects.get(kind="sharing.child")
    assert (text.to_phone, text.text.endswith(OWN)) == (CHILD_PHONE, True)
    assert account_of().persons == frozenset()
    assert "Đang chờ trẻ trả lời" in citizen.get(page_of(village.na)).content.decode()
    # The first page of an account without a book leads there by itself.
    assert child.get("/so/", follow=True).redirect_chain[-1][0] == OWN
    page = child.get(OWN).content.decode()
    assert "Nguyễn Thị Hạnh" in page
    assert "Nguyễn Bé Na" in page
    assert child.post(OWN, {"do": "accept", "version": "1"}).status_code == 302
    assert account_of().person == village.na.id
    assert child.get("/so/").status_code == 200
    assert village.na.id in village.hanh.persons
    assert said(village.na) == [("child-guardian", True), ("child-own", True)]
    assert "đang tự xem được sổ" in citizen.get(page_of(village.na)).content.decode()


@pytest.mark.parametrize("who", ["child", "guardian"])
def test_either_takes_it_back(village: Village, citizen: Client, child: Client, who: str) -> None:
    consent(citizen, village.na)
    child.post(OWN, {"do": "accept", "version": "1"})
    assert account_of().persons == {village.na.id}
    if who == "child":
        assert child.post(OWN, {"do": "close"}).status_code == 302
    else:
        assert citizen.post(page_of(village.na), {"do": "close"}).status_code == 302
    assert account_of().persons == frozenset()
    assert said(village.na)[2:] == [("child-own" if who == "child" else "child-guardian", False)]
    assert child.get("/so/")["Location"] == "/so/ho-so/"
    assert Ask.objects.get().state == Ask.State.WITHDRAWN
    assert village.na.id in village.hanh.persons


def test_the_child_says_no(village: Village, citizen: Client, child: Client) -> None:
    consent(citizen, village.na)
    assert child.post(OWN, {"do": "decline"}).status_code == 302
    assert account_of().persons == frozenset()
    assert child.post(OWN, {"do": "accept", "version": "1"}).status_code == 404
    assert said(village.na) == [("child-guardian", True)]


def test_the_guardian_takes_it_back_before_the_answer(
    village: Village, citizen: Client, child: Client
) -> None:
    consent(citizen, village.na)
    citizen.post(page_of(village.na), {"do": "close"})
    assert child.get(OWN).status_code == 404


def test_without_the_guardian_there_is_nothing_to_agree_to(village: Village, child: Client) -> None:
    assert child.get(OWN).status_code == 404
    assert child.post(OWN, {"do": "accept", "version": "1"}).status_code == 404


def test_another_number_finds_nothing(village: Village, citizen: Client, child: Client) -> None:
    consent(citizen, village.na, phone="0905777999")
    assert child.get(OWN).status_code == 404


@pytest.mark.parametrize("change", [{"agreed": ""}, {"phone": ""}, {"phone": "12"}])
def test_nothing_is_consented_by_silence(village: Village, citizen: Client, change: dict[str, str]) -> None:
    assert consent(citizen, village.na, **change).status_code == 422
    assert not Ask.objects.exists()


@pytest.mark.parametrize("change", [{"version": "0"}, {"phone": "0905123456"}])
def test_what_cannot_be_is_refused(village: Village, citizen: Client, change: dict[str, str]) -> None:
    assert consent(citizen, village.na, **change).status_code == 409
    assert not Ask.objects.exists()


@pytest.mark.parametrize(("days", "there"), [(-1, False), (0, True)])
def test_from_the_seventh_birthday_on(village: Village, citizen: Client, days: int, there: bool) -> None:
    birthday = (village.moment + timedelta(hours=7)).date()
    seven = birthday.replace(year=birthday.year - 7) - timedelta(days=days)
    kid = village.person("Nguyễn Bé Bảy", seven.isoformat())
    people.add_relative(village.record, kid, relative=village.own, relation="parent")
    village.hanh.links.create(patient_id=kid.id, relation="con")
    assert (citizen.get(page_of(kid)).status_code == 200) is there


def test_below_seven_and_grown_up_there_is_no_such_page(village: Village, citizen: Client) -> None:
    village.hanh.links.create(patient_id=village.hung.id, relation="vo-chong")
    for one in (village.tot, village.hung, village.own):
        assert citizen.get(page_of(one)).status_code == 404
        assert consent(citizen, one).status_code == 404


def test_a_childs_own_account_does_not_share_nor_grow_older(
    village: Village, citizen: Client, child: Client
) -> None:
    consent(citizen, village.na)
    child.post(OWN, {"do": "accept", "version": "1"})
    page = child.get("/so/chia-se/").content.decode()
    assert "Chưa đủ 16 tuổi" in page
    child.post("/so/ho-so/", {
        "name": "Nguyễn Bé Na", "birth_date": "01/01/1990", "sex": "female", "citizen_number": "046190001234",
        "address": "", "commune": "", "commune_text": "",
    })  # fmt: skip
    assert village.record.read(Patient, village.na.id or "").birthDate == village.na.birthDate


def test_nobody_below_sixteen_enters_themselves(village: Village, child: Client) -> None:
    born = (village.moment - timedelta(days=365 * 12)).date()
    answer = child.post("/so/ho-so/", {
        "name": "Trần Nhỏ", "birth_date": f"{born:%d/%m/%Y}", "sex": "female", "citizen_number": "046314001234",
        "address": "", "commune": "", "commune_text": "",
    })  # fmt: skip
    assert answer.status_code == 409
    assert "Chưa đủ 16 tuổi" in answer.content.decode()
    assert account_of().persons == frozenset()


def test_an_account_with_a_book_takes_no_other(village: Village, citizen: Client) -> None:
    other = village.account(CHILD_PHONE, village.hung)
    consent(citizen, village.na)
    browser = Client()
    browser.force_login(other)
    assert browser.post(OWN, {"do": "accept", "version": "1"}).status_code == 404
    assert other.person == village.hung.id


def test_a_child_born_in_a_year_of_which_no_day_is_known_grows_up(village: Village, citizen: Client) -> None:
    year = (village.moment + timedelta(hours=7)).year
    kid = village.person("Nguyễn Văn Lớn", str(year - 16))
    people.add_relative(village.record, kid, relative=village.own, relation="parent")
    answer = citizen.get("/so/gia-dinh/")
    assert answer.status_code == 200
    assert f"Từ ngày 01/01/{year} sổ do chính người đó giữ" in answer.content.decode()
