"""A citizen number somebody typed: it matches nothing, holds up nobody, tells nothing, and a desk sees what it is."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from tests.builders import a_patient
from tests.site.accounts.test_identity import CCCD, NUMBER, PROFILE
from tests.site.accounts.test_sign_in import PHONE, acts
from yba import fhir
from yba.areas.booking import pages
from yba.care import identifiers, people
from yba.fhir.errors import Conflict
from yba.fhir.r4.datatypes import Identifier
from yba.fhir.r4.patient import Patient
from yba.site.accounts import roles
from yba.site.accounts.models import AT_DESK, Account, Doubt

pytestmark = pytest.mark.django_db
OTHER = "0911222333"


def citizen(phone: str = PHONE) -> Client:
    browser = Client()
    known = Account.objects.filter(login=phone).first()
    browser.force_login(known or Account.objects.create_account(phone, role=roles.CITIZEN))
    return browser


@pytest.fixture
def claimant(record: fhir.Record) -> str:
    """The Patient id of somebody who typed a number."""
    assert citizen().post("/so/ho-so/", PROFILE).status_code == 302
    return Account.objects.get(login=PHONE).person or ""


def numbers(record: fhir.Record, patient: str) -> list[tuple[str | None, str | None, str | None]]:
    return [(one.use, one.system, one.value) for one in record.read(Patient, patient).identifier]


def official(record: fhir.Record, name: str = "Nguyễn Thị Hạnh") -> str:
    number = Identifier(use="official", system=CCCD, value=NUMBER)
    return record.create(a_patient(name, phone="0900000001", identifier=[number])).id or ""


def test_a_typed_number_is_temporary_and_no_search_by_number_finds_it(
    record: fhir.Record, claimant: str
) -> None:
    assert numbers(record, claimant) == [("temp", identifiers.CCCD_CLAIMED, NUMBER)]
    assert record.find(Patient, ("identifier", f"{CCCD}|{NUMBER}")) == []
    assert people.carriers_of(record, NUMBER) == []


def test_it_holds_up_neither_a_desk_nor_another_citizen(record: fhir.Record, claimant: str) -> None:
    second = citizen(OTHER)
    assert second.post("/so/ho-so/", PROFILE | {"name": "Trần Thị Bình"}).status_code == 302
    theirs = people.register_person(
        record, name="Trần Thị Bình", birth_date="1968-03-12", sex="female", citizen_number=NUMBER
    )
    assert numbers(record, theirs.id or "") == [("official", CCCD, NUMBER)]
    with pytest.raises(Conflict):
        people.register_person(
            record, name="Trần Thị Bình", birth_date="1968-03-12", sex="female", citizen_number=NUMBER
        )


def test_the_answer_is_the_same_whether_the_number_is_known_or_not(record: fhir.Record) -> None:
    official(record, "Người Khác Hẳn")
    seen = []
    for phone, number in ((PHONE, NUMBER), (OTHER, "046168009999")):
        browser = citizen(phone)
        answer = browser.post("/so/ho-so/", PROFILE | {"citizen_number": number}, follow=True)
        seen.append((answer.redirect_chain[0], [str(one) for one in answer.context["messages"]]))
    assert seen[0] == seen[1]
    assert "chờ xác minh" in seen[0][1][1]


def test_of_a_child_too(record: fhir.Record, claimant: str) -> None:
    official(record, "Người Khác Hẳn")
    browser = citizen()
    child = PROFILE | {"name": "Lê An Na", "birth_date": "01/09/2022", "relation": "con"}
    answer = browser.post("/so/gia-dinh/them", child)
    assert answer.status_code == 302
    (kept,) = record.find(Patient, ("name", "Na"))
    assert numbers(record, kept.id or "") == [("temp", identifiers.CCCD_CLAIMED, NUMBER)]


def test_who_typed_it_may_correct_it_until_it_is_vouched_for(record: fhir.Record, claimant: str) -> None:
    citizen().post("/so/ho-so/", PROFILE | {"citizen_number": "046168001235"})
    assert numbers(record, claimant) == [("temp", identifiers.CCCD_CLAIMED, "046168001235")]
    people.verify_number(record, claimant, NUMBER)
    citizen().post("/so/ho-so/", PROFILE | {"citizen_number": "046168001235"})
    assert numbers(record, claimant) == [("official", CCCD, NUMBER)]


def test_a_human_is_shown_the_pair_when_the_owner_is_entered_at_a_desk(
    record: fhir.Record, claimant: str
) -> None:
    assert not Doubt.objects.exists()
    from yba.site.guards import guards

    guarded = fhir.open(record.connection, actor=record.actor, clock=record.clock, guards=guards())
    theirs = people.register_person(
        guarded, name="Trần Thị Bình", birth_date="1990-01-01", sex="female", citizen_number=NUMBER
    )
    doubt = Doubt.objects.get()
    assert (doubt.account.login, doubt.candidates, doubt.source) == (PHONE, [theirs.id], "number")
    assert doubt.said["citizen_number"] == NUMBER


class TestAtTheDesk:
    def test_it_is_seen_before_anything_is_written(
        self, desk: Client, record: fhir.Record, claimant: str
    ) -> None:
        found = desk.get("/danh-tinh", {"q": NUMBER}).content.decode()
        assert "Nguyễn Thị Hạnh" in found
        assert "Chưa xác minh" in found
        page = desk.get(f"/danh-tinh/{claimant}").content.decode()
        assert "Số căn cước tự khai" in page
        assert "Chưa xác minh" in page
        assert "Số điện thoại mới" not in page
        person = people.person_of(record.read(Patient, claimant))
        assert person.claimed
        assert "tự khai" in pages.person_facts(person, today=date(2026, 11, 23))

    def test_the_number_is_read_from_the_document(
        self, desk: Client, record: fhir.Record, claimant: str
    ) -> None:
        said = {"verify": "1", "document": "citizen-card", "compared": "on"}
        answer = desk.post(f"/danh-tinh/{claimant}", said)
        assert answer.status_code == 422
        assert numbers(record, claimant) == [("temp", identifiers.CCCD_CLAIMED, NUMBER)]
        scanned = f"{NUMBER}||NGUYỄN THỊ HẠNH|12031968|Nữ|Huế|01012022"
        assert desk.post(f"/danh-tinh/{claimant}", said | {"number": scanned}).status_code == 302
        assert numbers(record, claimant) == [("official", CCCD, NUMBER)]
        assert Account.objects.get(login=PHONE).identity == AT_DESK
        clerk = Account.objects.get(login="letan")
        detail = "identity: verified at a desk by citizen-card, citizen number"
        assert ("policy", str(clerk.pk), detail, "ok") in acts()

    def test_a_number_another_carries_is_not_noted_and_the_pair_waits(
        self, desk: Client, record: fhir.Record, claimant: str
    ) -> None:
        theirs = official(record, "Người Khác Hẳn")
        said = {"verify": "1", "document": "citizen-card", "compared": "on", "number": NUMBER}
        answer = desk.post(f"/danh-tinh/{claimant}", said)
        assert answer.status_code == 422
        assert "hồ sơ khác đã mang số này" in answer.content.decode()
        assert numbers(record, claimant) == [("temp", identifiers.CCCD_CLAIMED, NUMBER)]
        assert Account.objects.get(login=PHONE).identity != AT_DESK
        assert Doubt.objects.get().candidates == [theirs]
