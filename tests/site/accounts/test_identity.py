"""One person, one account, one record: look-alikes go to a human, desks verify, what is verified stands fast."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests import signing
from tests.builders import a_patient
from tests.site.accounts.test_sign_in import PHONE, acts
from yba import fhir
from yba.care import people
from yba.care.messages.models import Message
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.datatypes import Coding, Identifier, Meta
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.patient import Patient
from yba.site.accounts import identity, roles
from yba.site.accounts.models import AT_DESK, Account, Doubt, SignInCode

pytestmark = pytest.mark.django_db
NUMBER = "046168001234"
VERIFIED = "identity: verified at a desk by citizen-card, citizen number"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CCCD = "https://yba.vn/fhir/sid/cccd"
PROFILE = {
    "name": "Nguyễn Thị Hạnh", "birth_date": "12/03/1968", "sex": "female", "citizen_number": NUMBER,
    "address": "", "commune": "", "commune_text": "",
}  # fmt: skip


def known(record: fhir.Record, name: str = "Nguyễn Thị Hạnh", number: str = NUMBER, **fields: Any) -> str:
    """A person who is in the record already."""
    identifier = [Identifier(system=CCCD, value=number)] if number else []
    return record.create(a_patient(name, phone="0900000001", identifier=identifier, **fields)).id or ""


@pytest.fixture
def citizen(client: Client) -> Client:
    signing.enter_citizen(client, PHONE)
    return client


def own() -> Account:
    return Account.objects.get(role=roles.CITIZEN)


class TestLookAlikes:
    def test_the_same_number_without_proof_is_not_joined(self, citizen: Client, record: fhir.Record) -> None:
        theirs = known(record)
        assert citizen.post("/so/ho-so/", PROFILE).status_code == 302
        mine = own().person
        assert mine not in (None, theirs)
        doubt = Doubt.objects.get()
        assert (doubt.account, doubt.candidates, doubt.decided_at) == (own(), [theirs], None)
        assert doubt.said["citizen_number"] == NUMBER

    def test_the_same_number_phone_name_and_birth_date_are_proof(
        self, citizen: Client, record: fhir.Record
    ) -> None:
        theirs = record.create(a_patient(phone=PHONE)).id
        assert citizen.post("/so/ho-so/", PROFILE).status_code == 302
        assert own().person == theirs
        assert not Doubt.objects.exists()

    def test_one_number_wrong_by_a_digit_makes_a_record_and_no_doubt(
        self, citizen: Client, record: fhir.Record
    ) -> None:
        known(record)
        citizen.post("/so/ho-so/", PROFILE | {"citizen_number": "046168001235"})
        assert own().person is not None
        assert not Doubt.objects.exists()

    def test_the_same_name_and_birth_date_without_a_number_is_doubted(
        self, citizen: Client, record: fhir.Record
    ) -> None:
        theirs = known(record, "NGUYỄN THỊ HẠNH", number="")
        known(record, "Nguyễn Thị Hạnh", number="", birthDate="1968-03-13")
        assert citizen.post("/so/ho-so/", PROFILE).status_code == 302
        assert own().person not in (None, theirs)
        assert Doubt.objects.get().candidates == [theirs]

    def test_a_person_of_another_account_is_not_joined(self, citizen: Client, record: fhir.Record) -> None:
        theirs = record.create(a_patient(phone=PHONE)).id
        other = Account.objects.create_account("0911111111", role=roles.CITIZEN)
        other.links.create(patient_id=theirs, relation="ban-than")
        assert citizen.post("/so/ho-so/", PROFILE).status_code == 302
        mine = Account.objects.get(login=PHONE)
        assert theirs not in mine.persons
        assert mine.person is not None
        assert (Doubt.objects.get().account, Doubt.objects.get().candidates) == (mine, [theirs])


class TestDecision:
    def doubted(self, citizen: Client, record: fhir.Record) -> tuple[Doubt, str]:
        theirs = known(record, number="")
        citizen.post("/so/ho-so/", PROFILE)
        return Doubt.objects.get(), theirs

    def test_both_are_seen_side_by_side(self, citizen: Client, desk: Client, record: fhir.Record) -> None:
        doubt, _ = self.doubted(citizen, record)
        assert f"/danh-tinh/trung/{doubt.pk}" in desk.get("/danh-tinh/trung").content.decode()
        page = desk.get(f"/danh-tinh/trung/{doubt.pk}").content.decode()
        assert "Người dùng khai" in page
        assert "Hồ sơ đã có" in page
        assert "0900 000 001" in page

    def test_confirmed_the_account_is_that_person(
        self, citizen: Client, desk: Client, record: fhir.Record
    ) -> None:
        doubt, theirs = self.doubted(citizen, record)
        before = own().person
        assert before is not None
        protected = record.read(Patient, before)
        protected.meta = Meta(security=[Coding(system=ACT_CODE, code="VIP")])
        record.update(protected)
        answer = desk.post(f"/danh-tinh/trung/{doubt.pk}", {"patient": theirs, "reason": "so căn cước"})
        assert answer["Location"] == "/danh-tinh/trung"
        assert own().person == theirs
        old, new = record.read(Patient, before), record.read(Patient, theirs)
        assert [(one.type, one.other.reference) for one in old.link] == [("replaced-by", f"Patient/{theirs}")]
        assert [(one.type, one.other.reference) for one in new.link] == [("replaces", f"Patient/{before}")]
        assert old.active is False
        assert new.meta is not None
        assert [one.code for one in new.meta.security] == ["VIP"], "who was protected stays so"
        assert own().persons == frozenset({theirs})
        doubt.refresh_from_db()
        clerk = Account.objects.get(login="letan")
        assert (doubt.decided_by, doubt.decided_for, doubt.reason) == (clerk, theirs, "so căn cước")
        assert ("policy", str(clerk.pk), "identity: confirmed", "ok") in acts()

    @pytest.mark.parametrize(("status", "joined"), [("booked", False), ("cancelled", True)])
    def test_a_booking_ahead_is_not_left_behind(
        self, citizen: Client, desk: Client, record: fhir.Record, status: str, joined: bool
    ) -> None:
        doubt, theirs = self.doubted(citizen, record)
        before = own().person
        who = AppointmentParticipant(actor=reference("Patient", before), status="accepted")
        record.create(Appointment(status=status, participant=[who]))
        answer = desk.post(f"/danh-tinh/trung/{doubt.pk}", {"patient": theirs, "reason": "so căn cước"})
        assert answer.status_code == (302 if joined else 422)
        assert own().person == (theirs if joined else before)

    def test_rejected_nothing_changes(self, citizen: Client, desk: Client, record: fhir.Record) -> None:
        doubt, theirs = self.doubted(citizen, record)
        before = own().person
        desk.post(f"/danh-tinh/trung/{doubt.pk}", {"patient": "", "reason": "khác ảnh"})
        assert own().person == before
        assert record.read(Patient, theirs).link == []
        assert Doubt.objects.get().decided_for == ""
        assert desk.get(f"/danh-tinh/trung/{doubt.pk}")["Location"] == "/danh-tinh/trung"

    def test_a_reason_is_asked_and_only_candidates_count(
        self, citizen: Client, desk: Client, record: fhir.Record
    ) -> None:
        doubt, theirs = self.doubted(citizen, record)
        other = known(record, "Người Khác", number="046168009999")
        assert desk.post(f"/danh-tinh/trung/{doubt.pk}", {"patient": theirs}).status_code == 422
        answer = desk.post(f"/danh-tinh/trung/{doubt.pk}", {"patient": other, "reason": "x"})
        assert answer.status_code == 404
        assert Doubt.objects.get().decided_at is None

    def test_a_person_another_account_has_is_not_given_twice(
        self, citizen: Client, desk: Client, record: fhir.Record
    ) -> None:
        doubt, theirs = self.doubted(citizen, record)
        before = Account.objects.get(login=PHONE).person
        other = Account.objects.create_account("0911111111", role=roles.CITIZEN)
        other.links.create(patient_id=theirs, relation="ban-than")
        answer = desk.post(f"/danh-tinh/trung/{doubt.pk}", {"patient": theirs, "reason": "x"})
        assert answer.status_code == 422
        assert "đang là của một tài khoản khác" in answer.content.decode()
        assert Account.objects.get(login=PHONE).person == before

    @pytest.mark.parametrize(
        "role", [roles.DOCTOR, roles.CASHIER, roles.FACILITY_ADMINISTRATOR, roles.CITIZEN]
    )
    def test_others_have_no_such_page(self, role: str) -> None:
        client = Client()
        client.force_login(Account.objects.create_account("ai", role=role, facility="bv1"))
        for path in ("/danh-tinh", "/danh-tinh/trung", "/danh-tinh/trung/1", "/danh-tinh/x"):
            assert client.get(path).status_code == 404


class TestDesk:
    @pytest.fixture
    def person(self, citizen: Client, record: fhir.Record) -> str:
        citizen.post("/so/ho-so/", PROFILE)
        found = own().person
        assert found is not None
        return found

    def test_verified_at_a_desk(self, desk: Client, person: str) -> None:
        assert own().identity == "unverified"
        answer = desk.post(f"/danh-tinh/{person}", {"verify": "1", "document": "citizen-card"})
        assert answer.status_code == 422
        fields = {"verify": "1", "document": "citizen-card", "compared": "on", "number": NUMBER}
        assert desk.post(f"/danh-tinh/{person}", fields).status_code == 302
        account, clerk = own(), Account.objects.get(login="letan")
        assert (account.identity, account.identity_by) == (AT_DESK, f"bv1/{clerk.pk}")
        assert acts()[-1] == ("policy", str(clerk.pk), VERIFIED, "ok")

    def test_then_name_birth_date_and_sex_stand_fast(
        self, citizen: Client, desk: Client, person: str, record: fhir.Record
    ) -> None:
        citizen.post("/so/ho-so/", PROFILE | {"name": "Nguyễn Thị Hạnh Sửa"})
        assert people.name_of(record.read(Patient, person)) == "Nguyễn Thị Hạnh Sửa"
        desk.post(f"/danh-tinh/{person}", {"verify": "1", "document": "passport", "compared": "on"})
        changed = {
            "name": "Trần Văn Khác",
            "birth_date": "01/01/1990",
            "sex": "male",
            "address": "12 Nguyễn Huệ",
        }
        assert citizen.post("/so/ho-so/", PROFILE | changed).status_code == 302
        kept = record.read(Patient, person)
        assert (people.name_of(kept), kept.birthDate, kept.gender) == (
            "Nguyễn Thị Hạnh Sửa",
            "1968-03-12",
            "female",
        )
        assert people.person_of(kept).address == "12 Nguyễn Huệ"

    def test_the_rule_itself_refuses(self, desk: Client, person: str, record: fhir.Record) -> None:
        from yba.areas.citizen import actions

        account = own()
        identity.level(account, AT_DESK, by="x")
        details = actions.Details(name="Trần Văn Khác", birth_date="1968-03-12", sex="female")
        assert actions.keep_profile(record, account, details=details) == "held"

    def test_so_does_a_finished_visit(self, citizen: Client, person: str, record: fhir.Record) -> None:
        seen = Encounter(
            status="finished",
            class_=Coding(code="AMB"),
            subject=reference("Patient", person),
        )
        record.create(seen)
        citizen.post("/so/ho-so/", PROFILE | {"name": "Trần Văn Khác"})
        assert people.name_of(record.read(Patient, person)) == "Nguyễn Thị Hạnh"

    @pytest.fixture
    def verified(self, desk: Client, person: str) -> str:
        fields = {"verify": "1", "document": "citizen-card", "compared": "on", "number": NUMBER}
        assert desk.post(f"/danh-tinh/{person}", fields).status_code == 302
        return person

    def test_a_lost_number_is_replaced_at_the_desk(self, desk: Client, verified: str) -> None:
        SignInCode.objects.all().delete()
        fields = {"send": "1", "phone": "0387654321", "document": "citizen-card", "ending": NUMBER[-4:]}
        assert desk.post(f"/danh-tinh/{verified}", fields).status_code == 302
        assert desk.post(f"/danh-tinh/{verified}", {"code": "000000"}).status_code == 422
        desk.post(f"/danh-tinh/{verified}", {"code": signing.code_sent("0387654321")})
        assert {one.number for one in own().phones.all()} == {PHONE, "0387654321"}
        clerk = Account.objects.get(login="letan")
        detail = f"phone: added at a desk by citizen-card ...{NUMBER[-4:]}"
        assert acts()[-1] == ("factor", str(clerk.pk), detail, "ok")
        told = Message.objects.filter(kind="accounts.changed").values_list("to_phone", "text")
        assert [to for to, _text in told] == [PHONE]
        assert "0387 654 321" in told[0][1]
        assert "Căn cước" in told[0][1]

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"document": ""}, "Chọn giấy tờ."),
            ({"ending": ""}, "gõ 4 ký tự cuối"),
            ({"ending": "123"}, "đúng 4 chữ số"),
            ({"ending": NUMBER}, "đúng 4 chữ số"),
            ({"ending": "9999"}, "Không khớp số căn cước"),
        ],
    )
    def test_no_number_is_added_without_the_document_that_was_looked_at(
        self, desk: Client, verified: str, change: dict[str, str], said: str
    ) -> None:
        fields = {"send": "1", "phone": "0387654321", "document": "citizen-card", "ending": NUMBER[-4:]}
        answer = desk.post(f"/danh-tinh/{verified}", fields | change)
        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert not SignInCode.objects.filter(phone="0387654321").exists()

    def test_nor_for_somebody_whose_number_nobody_compared(self, desk: Client, person: str) -> None:
        fields = {"send": "1", "phone": "0387654321", "document": "citizen-card", "ending": NUMBER[-4:]}
        desk.post(f"/danh-tinh/{person}", fields)
        assert not SignInCode.objects.filter(phone="0387654321").exists()
