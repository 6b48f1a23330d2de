"""The vaccination desk from the questions to the slip, and the card the mother reads; who is kept out."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.areas.clinic.stage import HOUSE, put, tagged
from tests.areas.programmes.stage import CHILD, HOSPITAL, MOTHER, NAME, NURSE, injected, shares, stage, visits
from tests.areas.telehealth.stage import citizen
from tests.areas.telehealth.test_chat import Clock
from yba.care.identifiers import ICD10
from yba.care.vaccines.bars import questions_of
from yba.care.vaccines.reading import chart_of
from yba.care.vaccines.schedule import schedule
from yba.fhir.r4.adverse_event import AdverseEvent
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Reference
from yba.fhir.r4.immunization import Immunization
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.service_request import ServiceRequest
from yba.fhir.record import Record
from yba.site.accounts.models import Account

DESK = "/chuong-trinh/tiem-chung/"
PAGE = DESK + CHILD
SHOT = {"lot": "AB123", "expiry": "31/12/2027", "site": "LT"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("yba.ui.requests.now", found)
    return found


@pytest.fixture
def child(record: Record, clock: Clock) -> Record:
    stage(record)
    visits(record)
    injected(record, "BCG", "2026-01-16")
    shares(record)
    return record


def nurse(facility: str = HOUSE, role: str = "nurse") -> Client:
    account = Account.objects.create_account(
        f"{role}-{facility}", role=role, name="Lê Thị Thu", facility=facility,
        practitioner=NURSE if role == "nurse" else "",
    )  # fmt: skip
    client = Client()
    client.force_login(account)
    return client


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())).replace("\xa0", " ")


def screened(client: Client, record: Record, *, temperature: str = "36,8", **yes: str) -> str:
    """The address of the page after the questions."""
    person = chart_of(record, CHILD).person
    asked = questions_of(schedule(), person, record.clock().date())
    sent = {f"q-{one.id}": yes.get(one.id.replace("-", "_"), "no") for one in asked}
    answer = client.post(f"{PAGE}/sang-loc", sent | {"temperature": temperature})
    assert answer.status_code == 302, text(answer)
    return str(answer["Location"])


def give(client: Client, page: str, code: str, **more: str) -> Any:
    return client.post(f"{PAGE}/tiem", {"product": code, "sl": page.rpartition("=")[2], **SHOT, **more})


def shots(record: Record, status: str = "completed") -> list[Immunization]:
    return record.find(
        Immunization, ("patient", f"Patient/{CHILD}"), ("status", status), ("date", "ge2026-11-24")
    )


def test_peer_10_from_the_questions_to_the_slip(child: Record, clock: Clock) -> None:
    desk = nurse()
    assert NAME in text(desk.get(DESK))
    first = text(desk.get(PAGE))
    assert "bệnh quá hạn tiêm" in first
    assert "từ 1 mũi ghi trong sổ" in first
    assert "chưa được hội đồng chuyên môn của cơ sở xác nhận" in first
    assert "Ghi mũi DPT-VGB-Hib" not in first  # not before the questions
    # A question left out is no "no"; without a screening nothing is written.
    left = desk.post(f"{PAGE}/sang-loc", {"temperature": "36,8", "q-fever": "no"})
    assert (left.status_code, "Trả lời Có hoặc Không" in text(left)) == (422, True)
    assert desk.post(f"{PAGE}/tiem", {"product": "5TRONG1", **SHOT}).status_code == 404
    page = screened(desk, child)
    assert "Ghi mũi DPT-VGB-Hib (5 trong 1)" in text(desk.get(page))
    expired = give(desk, page, "5TRONG1", expiry="23/11/2026")
    assert (expired.status_code, "hết hạn dùng" in text(expired)) == (422, True)
    assert give(desk, page, "5TRONG1").status_code == 302
    (row,) = shots(child)
    assert (row.lotNumber, row.expirationDate, row.site and row.site.coding[0].code) == (
        "AB123",
        "2027-12-31",
        "LT",
    )
    assert row.route is not None
    assert row.route.coding[0].code == "IM"
    assert [one.actor.reference for one in row.performer] == [
        f"Practitioner/{NURSE}",
        f"Organization/{HOUSE}",
    ]
    assert {(one.series, one.doseNumberPositiveInt) for one in row.protocolApplied} == {
        ("Bạch hầu, ho gà, uốn ván", 1), ("Viêm gan B", 1), ("Hib", 1),
    }  # fmt: skip
    assert row.encounter is not None
    # Again today: not a second time, whoever asks.
    assert (give(desk, page, "5TRONG1").status_code, len(shots(child))) == (422, 1)
    assert give(desk, page, "OPV", site="PO").status_code == 302
    # Half an hour is half an hour.
    desk.post(f"/chuong-trinh/mui-tiem/{row.id}/theo-doi", {"grade": "none"})
    assert "Theo dõi tới 9:30" in text(desk.get(page))
    clock.now += timedelta(minutes=30)
    desk.post(f"/chuong-trinh/mui-tiem/{row.id}/theo-doi", {"grade": "none"})
    assert "Không phản ứng" in text(desk.get(page))
    slip = text(desk.get(f"{PAGE}/phieu"))
    assert "lô AB123, hạn 31/12/2027, Đùi trái" in slip
    assert "Bạch hầu, ho gà, uốn ván: Mũi 2 nên tiêm từ 24/12/2026, sớm nhất 22/12/2026" in slip
    for _again in range(2):
        desk.post(f"{PAGE}/hen")
    (plan,) = child.find(ServiceRequest, ("patient", f"Patient/{CHILD}"))
    assert (plan.intent, plan.occurrenceDateTime) == ("plan", "2026-12-24")


def test_peer_10_doses_of_a_paper_book(child: Record) -> None:
    """The schedule is worked out anew from what the family's own book says."""
    desk = nurse()
    sent = {"product": "5TRONG1", "day": "12/04/2026", "lot": "", "place": "Trạm Y tế Phú Mậu"}
    for wrong in ({"day": "25/11/2026"}, {"day": "01/01/2026"}, {"product": ""}):
        assert desk.post(f"{PAGE}/mui-cu", sent | wrong).status_code == 422
    assert desk.post(f"{PAGE}/mui-cu", sent).status_code == 302
    again = desk.post(f"{PAGE}/mui-cu", sent)
    assert (again.status_code, "Sổ đã có mũi này vào ngày đó" in text(again)) == (422, True)
    (row,) = child.find(Immunization, ("patient", f"Patient/{CHILD}"), ("date", "2026-04-12"))
    assert (row.primarySource, row.location and row.location.display) == (False, "Trạm Y tế Phú Mậu")
    said = text(desk.get(PAGE))
    assert "12/04/2026: DPT-VGB-Hib (5 trong 1). Được tính là mũi 1. Trạm Y tế Phú Mậu" in said
    assert "Mũi 2: tiêm được ngay (hạn từ 12/05/2026)" in said


def test_peer_10_what_stops_is_not_given(child: Record, clock: Clock) -> None:
    concept = CodeableConcept(coding=[Coding(system=ICD10, code="D81.1")])
    put(
        child, Condition(meta=tagged(), code=concept, subject=Reference(reference=f"Patient/{CHILD}")), "scid"
    )
    desk = nurse()
    page = screened(desk, child)
    said = text(desk.get(page))
    assert "Suy giảm miễn dịch bẩm sinh: không dùng vắc xin sống" in said
    assert "Ghi mũi Sởi" not in said
    refused = give(desk, page, "SOI")
    assert (refused.status_code, "Không tiêm hôm nay: Suy giảm miễn dịch" in text(refused)) == (422, True)
    # A fever by the thermometer postpones everything, whatever was ticked.
    hot = screened(desk, child, temperature="38")
    refused = give(desk, hot, "5TRONG1")
    assert (refused.status_code, "Sốt từ 38°C" in text(refused)) == (422, True)
    # A doctor's word lets through what a doctor decides.
    asks = screened(desk, child, allergy="yes")
    assert give(desk, asks, "5TRONG1").status_code == 422
    assert shots(child) == []
    assert give(desk, asks, "5TRONG1", decided_by="BS. An", why="Dị ứng tôm, nhẹ").status_code == 302
    (row,) = shots(child)
    assert row.note[0].text == "Bác sĩ BS. An quyết định tiêm: Dị ứng tôm, nhẹ"
    desk.post(f"{PAGE}/tiem", {"product": "SOI", "sl": page.rpartition("=")[2], "deed": "hoan"})
    (off,) = shots(child, "not-done")
    assert off.statusReason is not None
    assert "không dùng vắc xin sống" in (off.statusReason.text or "")
    # A severe reaction stands in the record and stops all that shares a part, at once.
    desk.post(
        f"/chuong-trinh/mui-tiem/{row.id}/theo-doi", {"grade": "severe", "what": "Tím tái, tụt huyết áp"}
    )
    (event,) = child.find(AdverseEvent, ("subject", f"Patient/{CHILD}"))
    assert event.suspectEntity[0].instance.reference == f"Immunization/{row.id}"
    (allergy,) = child.find(AllergyIntolerance, ("patient", f"Patient/{CHILD}"))
    assert allergy.criticality == "high"
    clock.now += timedelta(days=40)
    later = text(desk.get(PAGE))
    assert "Từng phản ứng nặng sau vắc xin có cùng thành phần" in later
    assert "Đã tiêm hôm nay" not in later


def test_peer_10_the_mothers_card(child: Record) -> None:
    injected(child, "5TRONG1", "2026-04-12")
    injected(child, "5TRONG1", "2026-05-09", facility=HOUSE, lotNumber="L77")
    injected(child, "?", "2026-06")
    phone = citizen(MOTHER, CHILD)
    phone.get(f"/so/nguoi/{CHILD}/")
    said = text(phone.get("/so/tiem-chung/"))
    assert NAME in said
    assert (
        "09/05/2026: DPT-VGB-Hib (5 trong 1). Không được tính: quá gần mũi trước (sớm nhất 10/05/2026). Lô L77"
        in said
    )
    assert "Mũi 2: tiêm được ngay (hạn từ 09/06/2026)" in said
    assert "Có 1 mũi chưa tính được" in said
    assert "Đặt lượt tiêm" in said
    # Their own: a grown-up's card is not full of children's vaccines, and does not say that all is done.
    phone.get(f"/so/nguoi/{MOTHER}/")
    own = text(phone.get("/so/tiem-chung/"))
    assert "Hiện không có mũi nào tới hạn theo lịch này" in own
    assert "Sổ chưa ghi mũi nào" in own
    assert "Quá hạn" not in own


def test_peer_10_unknown_birth_and_strangers(child: Record) -> None:
    desk, other, reception = nurse(), nurse("noi-khac"), nurse(role="receptionist")
    assert [client.get(PAGE).status_code for client in (other, reception)] == [404, 404]
    assert NAME not in text(other.get(DESK))
    assert citizen(MOTHER, CHILD).get(PAGE).status_code == 404
    row = injected(child, "DPT1", "2026-11-24T08:00:00+07:00", facility=HOSPITAL)
    assert desk.post(f"/chuong-trinh/mui-tiem/{row.id}/theo-doi", {"grade": "none"}).status_code == 404
    patient = child.read(Patient, CHILD)
    patient.birthDate = "2026"
    child.update(patient)
    said = text(desk.get(PAGE))
    assert "Chưa tính được lịch tiêm" in said
    assert "Không có vắc xin nào được tính nếu tiêm hôm nay" in said


def test_peer_10_what_other_houses_gave_is_asked_for_where_it_is_not_shared(
    record: Record, clock: Clock
) -> None:
    """Advice from a part is told as such, and nothing is given before the doses of other houses are written down."""
    stage(record)
    visits(record)
    injected(record, "BCG", "2026-01-16")
    desk = nurse()
    page = text(desk.get(PAGE))
    assert "từ 0 mũi ghi trong sổ" in page
    assert "mũi ghi ở nơi khác chưa được chia sẻ" in page
    barred = give(desk, screened(desk, record, elsewhere="yes"), "5TRONG1")
    assert (barred.status_code, "Còn mũi đã tiêm ở nơi khác chưa ghi vào sổ này" in text(barred)) == (
        422,
        True,
    )
    assert shots(record) == []
    shares(record)
    assert "chưa được chia sẻ" not in text(desk.get(PAGE))
