"""Signing a visit: every resource exactly, all or nothing, once, and against the record as it is then."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest

from tests.areas.clinic.stage import (
    DOCTOR,
    HOUSE,
    ROOM,
    Stage,
    allergy,
    as_role,
    doctor,
    drug,
    drug_code,
    put,
    stage,
    tagged,
)
from tests.builders import a_patient
from yba.areas.clinic import actions, queries
from yba.areas.clinic.content import Content
from yba.areas.clinic.models import Draft, Prescription
from yba.areas.clinic.signing import Signed
from yba.care.chart import Asked, asked_of, chart_of, recorded_allergies
from yba.care.identifiers import DRUG_CS, check_prescription_code
from yba.care.line.models import Ticket
from yba.care.refusal import Refusal
from yba.fhir.access.consent import sharing
from yba.fhir.errors import NotFound
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.clinical_impression import ClinicalImpression
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import (
    CodeableConcept,
    Coding,
    Dosage,
    Duration,
    Identifier,
    Quantity,
    Reference,
    Timing,
    TimingRepeat,
)
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.invoice import Invoice
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.medication_statement import MedicationStatement
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.service_request import ServiceRequest
from yba.fhir.record import Record

VITALS = {
    "pulse": "88",
    "systolic": "152",
    "diastolic": "84",
    "temperature": "37,4",
    "weight": "54",
    "height": "150",
}


@pytest.fixture
def room(record: Record) -> Stage:
    return stage(record)


def full(**more: Any) -> dict[str, Any]:
    return {
        "complaint": "Chóng mặt 1 tuần",
        "examination": "Tim đều",
        "advice": "Ngồi dậy chậm",
        "follow_up": "14",
        "vitals": VITALS,
        "diagnoses": ("I10", "E11.9"),
        "drugs": (drug(drug_code("paracetamol", "500 mg")),),
        "orders": ("XN001",),
        **more,
    }


def test_everything_of_the_visit_is_written(room: Stage) -> None:
    room.write(**full())
    signed = room.finish()
    assert isinstance(signed, Signed)
    record, of_visit = room.record, ("encounter", f"Encounter/{room.visit_id}")

    observations = {one.code.coding[0].code: one for one in record.find(Observation, of_visit)}
    assert sorted(str(code) for code in observations) == [
        "29463-7",
        "39156-5",
        "8302-2",
        "8310-5",
        "85354-9",
        "8867-4",
    ]
    pressure = observations["85354-9"]
    assert [
        (
            it.code.coding[0].code,
            it.valueQuantity.value,
            it.valueQuantity.code,
            [i.coding[0].code for i in it.interpretation],
        )
        for it in pressure.component
        if it.valueQuantity
    ] == [("8480-6", Decimal(152), "mm[Hg]", ["H"]), ("8462-4", Decimal(84), "mm[Hg]", [])]
    temperature = observations["8310-5"].valueQuantity
    assert temperature is not None
    assert (temperature.value, temperature.code, temperature.unit) == (Decimal("37.4"), "Cel", "°C")
    index = observations["39156-5"].valueQuantity
    assert index is not None
    assert index.value == Decimal("24.0")
    assert {one.category[0].coding[0].code for one in observations.values()} == {"vital-signs"}

    note = record.find(ClinicalImpression, of_visit)
    assert [(one.status, one.description, one.summary, one.note[0].text) for one in note] == [
        ("completed", "Chóng mặt 1 tuần", "Tim đều", "Ngồi dậy chậm")
    ]
    conditions = {str(one.id): one for one in record.find(Condition, of_visit)}
    encounter = record.read(Encounter, room.visit_id)
    assert (encounter.status, encounter.period and encounter.period.end) == (
        "finished",
        "2026-11-24T09:00:00+07:00",
    )
    ranked = [
        (
            it.rank,
            it.use.coding[0].code,
            conditions[str(it.condition.reference).removeprefix("Condition/")].code.coding[0].code,
        )
        for it in encounter.diagnosis
        if it.use and conditions
    ]
    assert ranked == [(1, "DD", "I10"), (2, "CM", "E11.9")]
    assert [one.status for one in encounter.statusHistory] == ["arrived", "in-progress"]

    requests = record.find(MedicationRequest, of_visit)
    assert len(requests) == 1
    request = requests[0]
    assert request.groupIdentifier is not None
    code = str(request.groupIdentifier.value)
    assert (len(code), code[:5], code[-2:]) == (14, "46017", "-C")
    assert not isinstance(check_prescription_code(code), Refusal)
    assert signed.prescription == code
    assert (request.status, request.intent, request.requester and request.requester.reference) == (
        "active", "order", f"Practitioner/{DOCTOR}",
    )  # fmt: skip
    supply = request.dispenseRequest
    assert supply is not None
    assert supply.quantity == Quantity(value=Decimal(10), unit="viên")
    assert supply.validityPeriod is not None
    assert (supply.validityPeriod.start, supply.validityPeriod.end) == ("2026-11-24", "2026-11-28")
    dose = request.dosageInstruction[0]
    assert dose.text == "Uống 1 viên/lần, 2 lần/ngày, sáng và tối, 5 ngày"
    assert dose.timing is not None
    assert dose.timing.repeat is not None
    assert (dose.timing.repeat.frequency, dose.timing.repeat.when) == (2, ["MORN", "EVE"])

    services = record.find(ServiceRequest, of_visit)
    assert sorted(
        (str(one.intent), one.code.text if one.code else "", one.occurrenceDateTime) for one in services
    ) == [
        ("order", "Tổng phân tích tế bào máu ngoại vi", None),
        ("plan", "Khám lại", "2026-12-08"),
    ]
    invoices = record.find(Invoice)
    assert [(one.status, one.totalGross and one.totalGross.value) for one in invoices] == [
        ("issued", Decimal(48000))
    ]
    assert [one.status for one in record.find(Appointment)] == ["fulfilled"]
    assert Ticket.objects.get(pk=room.ticket.pk).status == "done"
    assert not Draft.objects.exists()
    assert Prescription.objects.get().code == code


def counts(record: Record) -> list[int]:
    kinds = (Observation, Condition, MedicationRequest, ServiceRequest, ClinicalImpression, Invoice)
    return [len(record.find(kind)) for kind in kinds]


def test_what_another_window_saved_is_not_signed_unseen(room: Stage) -> None:
    room.write(**full())
    seen, _version, _at = queries.draft_of(room.visit_id)
    room.write(**{**full(), "advice": "Lời dặn của cửa sổ khác"})
    before = counts(room.record)
    answer = actions.finish_visit(room.record, room.visit, seen=seen)
    assert getattr(answer, "key", None) == "draft.stale"
    assert counts(room.record) == before
    assert not room.visit.finished
    now_seen, _version, _at = queries.draft_of(room.visit_id)
    assert actions.finish_visit(room.record, room.visit, seen=now_seen).again is False  # type: ignore[union-attr]


def test_finishing_twice_does_no_harm(room: Stage) -> None:
    room.write(**full())
    visit = room.visit
    assert actions.finish_visit(room.record, visit).again is False  # type: ignore[union-attr]
    before = counts(room.record)
    assert actions.finish_visit(room.record, visit) == Signed(room.visit_id, again=True)
    assert counts(room.record) == before


def test_an_allergy_recorded_meanwhile_stops_the_signature(record: Record, room: Stage) -> None:
    room.write(**full(drugs=(drug(drug_code("amoxicillin")),)))
    allergy(record, "Penicillin", code="A001")
    lacks = room.finish()
    assert [(one.part, one.refusal.key) for one in lacks] == [("drug-d1", "allergy.class")]
    assert counts(room.record) == [0] * 6
    assert room.record.read(Encounter, room.visit_id).status == "in-progress"


def test_an_allergy_noted_in_the_visit_counts_at_once(room: Stage) -> None:
    room.write(**full(drugs=(drug(drug_code("amoxicillin")),)))
    made = actions.record_allergy(
        room.record, room.visit, words="pênixilin", reaction="nổi mề đay", grave=True
    )
    assert isinstance(made, AllergyIntolerance)
    assert (made.criticality, made.reaction[0].severity) == ("high", "severe")
    assert [one.refusal.key for one in room.finish()] == ["allergy.class"]


@pytest.mark.parametrize("field", ["refuted", "entered-in-error", "resolved"])
def test_an_allergy_told_again_after_it_was_struck_out_counts(
    record: Record, room: Stage, field: str
) -> None:
    old = allergy(record, "Penicillin", code="A001")
    system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-"
    if field == "resolved":
        old.clinicalStatus = CodeableConcept(coding=[Coding(system=system + "clinical", code=field)])
    else:
        old.verificationStatus = CodeableConcept(coding=[Coding(system=system + "verification", code=field)])
    record.update(old)
    room.write(**full(drugs=(drug(drug_code("amoxicillin")),)))
    actions.record_allergy(room.record, room.visit, code="A001")
    assert [one.refusal.key for one in room.finish()] == ["allergy.class"]


def test_an_allergy_told_again_as_grave_is_grave(record: Record, room: Stage) -> None:
    allergy(record, "Penicillin", code="A001")
    actions.record_allergy(room.record, room.visit, code="A001", grave=True)
    found = recorded_allergies(room.record, room.visit.patient_id)
    assert "high" in {one.criticality for one in found}


def test_never_asked_none_known_and_known_are_three_things(room: Stage) -> None:
    patient = room.visit.patient_id
    assert asked_of(recorded_allergies(room.record, patient)) is Asked.NEVER
    actions.record_no_allergy(room.record, room.visit)
    actions.record_no_allergy(room.record, room.visit)
    found = recorded_allergies(room.record, patient)
    assert (len(found), asked_of(found)) == (1, Asked.NONE_KNOWN)
    actions.record_allergy(room.record, room.visit, code="A101")
    actions.record_allergy(room.record, room.visit, code="A101")
    found = recorded_allergies(room.record, patient)
    assert (len(found), asked_of(found)) == (2, Asked.KNOWN)
    assert isinstance(actions.record_no_allergy(room.record, room.visit), AllergyIntolerance)


def old_prescription(record: Record, facility: str) -> MedicationRequest:
    code = drug_code("metformin")
    return record.create(
        MedicationRequest(
            meta=tagged(facility),
            status="active",
            intent="order",
            medicationCodeableConcept=CodeableConcept(
                text="Metformin", coding=[Coding(system=DRUG_CS, code=code)]
            ),
            subject=Reference(reference="Patient/nb-thu"),
            authoredOn="2026-11-01T09:00:00+07:00",
            groupIdentifier=Identifier(system="x", value="old"),
            dosageInstruction=[
                Dosage(
                    timing=Timing(repeat=TimingRepeat(boundsDuration=Duration(value=Decimal(30), code="d")))
                )
            ],
        )
    )


@pytest.mark.parametrize("facility", [HOUSE, "pk-khac"])
def test_a_current_medicine_is_stopped_when_the_doctor_says_so(
    record: Record, room: Stage, facility: str
) -> None:
    old = old_prescription(record, facility)
    # What another facility prescribed is seen here because the person shares it.
    record.create(sharing("nb-thu", [Reference(reference=f"Organization/{HOUSE}")], now=record.clock()))
    room.write(**full(drugs=(drug(drug_code("metformin")),)))
    assert [one.refusal.key for one in room.finish()] == ["medicine.current"]
    room.write(**full(drugs=(drug(drug_code("metformin"), stops=(str(old.id),)),)))
    assert isinstance(room.finish(), Signed)
    kept = record.read(MedicationRequest, str(old.id))
    told = record.find(MedicationStatement)
    assert kept.status == ("stopped" if facility == HOUSE else "active")
    assert [one.status for one in told] == ([] if facility == HOUSE else ["stopped"])
    current = chart_of(room.record, "nb-thu").medicines
    assert [one.request_id for one in current if one.request_id == old.id] == []


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"complaint": " "}, "note.complaint"),
        ({"diagnoses": ()}, "note.diagnosis"),
        ({"vitals": {"temperature": "386"}}, "vital.impossible"),
        ({"follow_up": "hôm qua"}, "follow-up.day"),
        ({"orders": ("KHONG",)}, "order.unknown"),
        ({"drugs": (drug("T0001", days=""),)}, "dose.days"),
    ],
)
def test_nothing_is_written_while_something_is_missing(room: Stage, fields: dict[str, Any], key: str) -> None:
    room.write(**full(**fields))
    assert [one.refusal.key for one in room.finish()] == [key]
    assert counts(room.record) == [0] * 6


def test_a_failure_in_the_middle_leaves_nothing(room: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from yba.areas.clinic import signing

    def broken(*_args: object, **_named: object) -> None:
        raise RuntimeError("the connection is lost")

    room.write(**full())
    monkeypatch.setattr(signing, "_close", broken)
    with pytest.raises(RuntimeError, match="lost"):
        room.finish()
    assert counts(room.record) == [0] * 6
    assert Draft.objects.count() == 1


def test_a_stale_page_is_told_and_overwrites_nothing(room: Stage) -> None:
    visit = room.visit
    first = actions.save_draft(room.record, visit, content=Content(complaint="một"), version=0)
    assert isinstance(first, Draft)
    second = actions.save_draft(room.record, visit, content=Content(complaint="hai"), version=1)
    assert isinstance(second, Draft)
    stale = actions.save_draft(room.record, visit, content=Content(complaint="cũ"), version=1)
    assert isinstance(stale, Refusal)
    assert stale.key == "draft.stale"
    assert queries.draft_of(room.visit_id)[:2] == (Content(complaint="hai"), 2)
    again = actions.save_draft(room.record, visit, content=Content(complaint="hai"), version=1)
    assert isinstance(again, Draft)


def test_a_finished_visit_takes_no_more_words(room: Stage) -> None:
    room.write(**full())
    room.finish()
    refused = actions.save_draft(room.record, room.visit, content=Content(complaint="thêm"), version=0)
    assert isinstance(refused, Refusal)
    assert refused.key == "draft.over"


def test_another_room_and_another_house_see_nothing(record: Record, room: Stage) -> None:
    assert room.visit.id == room.visit_id
    neighbour = doctor(record, practitioner="bs-khac")
    with pytest.raises(NotFound):
        queries.visit_of(neighbour, room.visit_id, room="p-205")
    put(record, a_patient("Trần Văn B", identifier=[]), "nb-khac")
    elsewhere = doctor(record, facility="pk-khac", practitioner="bs-khac")
    with pytest.raises(NotFound):
        queries.visit_of(elsewhere, room.visit_id, room=ROOM)


def test_the_pharmacist_and_the_citizen_see_the_lines_others_do_not(record: Record, room: Stage) -> None:
    room.write(**full())
    code = room.finish().prescription
    for reader in (
        as_role(record, "pharmacist"),
        as_role(record, "citizen", facility="", persons=frozenset({"nb-thu"})),
        room.record,
    ):
        assert len(queries.prescription_lines(reader, code)) == 1
    for stranger in (
        as_role(record, "pharmacist", facility="pk-khac"),
        as_role(record, "citizen", facility="", persons=frozenset({"nb-khac"})),
    ):
        with pytest.raises(NotFound):
            queries.prescription_lines(stranger, code)


def test_ten_at_once_sign_once(committed: str) -> None:
    """The same visit finished by ten windows at the same moment: one prescription, no error."""
    from django.db import connections

    from yba.site.opening import system_record

    scene = stage(system_record())
    scene.write(**full())
    answers: list[Any] = []

    def one() -> None:
        try:
            own = doctor(system_record())
            answers.append(actions.finish_visit(own, queries.visit_of(own, scene.visit_id, room=ROOM)))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _each in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.again for answer in answers) == [False] + [True] * 9
    assert len(system_record().find(MedicationRequest)) == 1
