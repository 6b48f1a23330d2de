"""One person under two records (Patient.link): what harms when it is overlooked is seen under either, by the door."""

from __future__ import annotations

from typing import Any

import pytest

from tests.areas.clinic.stage import HOUSE, Stage, allergy, as_role, drug, drug_code, put, stage, tagged
from tests.areas.clinic.test_finishing import full
from tests.builders import NOW, a_patient
from yba.areas.clinic import actions
from yba.areas.clinic.signing import Signed
from yba.areas.pharmacy import actions as pharmacy
from yba.areas.pharmacy import queries as shelf
from yba.care.chart import chart_of, recorded_allergies
from yba.care.guards import GUARDS
from yba.care.identifiers import DRUG_CS
from yba.care.refusal import Refusal
from yba.fhir.access.consent import sharing
from yba.fhir.errors import Forbidden, TooCostly
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.codes import LinkType
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Dosage, Meta, Reference
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.medication_statement import MedicationStatement
from yba.fhir.r4.patient import Patient, PatientLink
from yba.fhir.record import Record, find_of, one_person

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
NEW, OLD, OLDER = "nb-thu", "nb-cu", "nb-cu-hon"


@pytest.fixture
def room(record: Record) -> Stage:
    made = stage(record)
    for one in (OLD, OLDER):
        put(record, a_patient(identifier=[]), one)
    return made


def link(record: Record, of: str, other: str, kind: LinkType) -> None:
    person = record.read(Patient, of)
    person.link = [*person.link, PatientLink(other=Reference(reference=f"Patient/{other}"), type=kind)]
    record.update(person)


def medicine(
    record: Record, ingredient: str, *, facility: str = HOUSE, security: str = ""
) -> MedicationRequest:
    meta = tagged(facility)
    meta.security = (
        [Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code=security)] if security else []
    )
    return record.create(
        MedicationRequest(
            meta=meta, status="active", intent="order", subject=Reference(reference=f"Patient/{OLD}"),
            medicationCodeableConcept=CodeableConcept(
                text=ingredient, coding=[Coding(system=DRUG_CS, code=drug_code(ingredient))]
            ),
            dosageInstruction=[Dosage(text="Ngày 2 lần")],
        )
    )  # fmt: skip


def names(record: Record) -> list[str]:
    return sorted(one.name for one in chart_of(record, NEW).allergies)


@pytest.mark.parametrize(
    ("of", "other", "kind"),
    [(NEW, OLD, "replaces"), (OLD, NEW, "replaced-by"), (NEW, OLD, "seealso"), (OLD, NEW, "refer")],
)
def test_whichever_of_the_two_says_it(
    record: Record, room: Stage, of: str, other: str, kind: LinkType
) -> None:
    allergy(record, "Penicillin", code="A001", patient=OLD)
    assert (names(room.record), chart_of(room.record, NEW).linked) == ([], False)
    link(record, of, other, kind)
    assert (len(names(room.record)), chart_of(room.record, NEW).linked) == (1, True)
    room.write(**full(drugs=(drug(drug_code("amoxicillin")),)))
    assert [one.refusal.key for one in room.finish()] == ["allergy.class"]


def test_through_as_many_records_as_there_are_and_a_crowd_is_refused(record: Record, room: Stage) -> None:
    link(record, NEW, OLD, "replaces")
    link(record, OLDER, OLD, "replaced-by")
    allergy(record, "Penicillin", code="A001", patient=OLDER)
    assert one_person(room.record, NEW).others == (OLD, OLDER)
    assert one_person(room.record, OLDER).others == (OLD, NEW)
    assert len(names(room.record)) == 1
    for number in range(20):
        put(record, a_patient(identifier=[]), f"nb-{number}")
        link(record, f"nb-{number}", NEW, "seealso")
    with pytest.raises(TooCostly) as refused:
        chart_of(room.record, NEW)
    assert refused.value.key == "people.linked"


def test_the_door_holds_as_if_the_row_stood_under_the_record_that_is_read(
    record: Record, room: Stage
) -> None:
    link(record, NEW, OLD, "replaces")
    allergy(record, "Penicillin", code="A001", patient=OLD)
    told = AllergyIntolerance(code=CodeableConcept(text="Tôm"), patient=Reference(reference=f"Patient/{OLD}"))
    record.create(told)
    elsewhere = AllergyIntolerance(
        meta=tagged("pk-khac"), code=CodeableConcept(text="Aspirin"), patient=Reference(reference=f"Patient/{OLD}")
    )  # fmt: skip
    record.create(elsewhere)
    medicine(record, "metformin", security="HIV")
    nurse = as_role(record, "nurse")
    assert names(nurse) == names(room.record)
    assert len(names(nurse)) == 2, "own house's and nobody's; another facility's only where it is shared"
    assert [one.name for one in chart_of(nurse, NEW).medicines] == [], (
        "a label hides under the new record too"
    )
    assert [one.name for one in chart_of(room.record, NEW).medicines] == ["metformin"], "who treats sees it"
    stranger = as_role(record, "doctor", facility="pk-la", practitioner="bs-la")
    assert names(stranger) == []
    assert find_of(stranger, AllergyIntolerance, one_person(stranger, NEW)) == []
    record.create(sharing(NEW, [Reference(reference=f"Organization/{HOUSE}")], now=record.clock()))
    assert "Aspirin" in names(room.record)
    # What they denied under the old record they said of what stands there: another consent under the new opens it not.
    denied = sharing(OLD, [Reference(reference=f"Organization/{HOUSE}")], now=record.clock())
    denied.policyRule = CodeableConcept(coding=[Coding(system=ACT_CODE, code="OPTOUT")])
    assert denied.provision is not None
    denied.provision.type = "deny"
    record.create(denied)
    assert names(room.record) == sorted({*names(room.record)} - {"Aspirin"})
    assert len(names(room.record)) == 2


def test_reading_an_older_record_is_noted_in_its_own_book(record: Record, room: Stage) -> None:
    link(record, NEW, OLD, "replaces")
    allergy(record, "Penicillin", code="A001", patient=OLD)
    chart_of(room.record, NEW)
    sql = "select act, type, detail from record.audit where patient = %s and role = 'doctor'"
    rows = record.connection.execute(sql, (OLD,)).fetchall()
    assert [tuple(row) for row in rows] == [("search", "AllergyIntolerance", f"linked=Patient/{NEW}")]


def test_a_medicine_of_the_old_record_is_found_and_stopped(record: Record, room: Stage) -> None:
    link(record, OLD, NEW, "replaced-by")
    old = medicine(record, "metformin")
    room.write(**full(drugs=(drug(drug_code("metformin")),)))
    assert [one.refusal.key for one in room.finish()] == ["medicine.current"]
    room.write(**full(drugs=(drug(drug_code("metformin"), stops=(str(old.id),)),)))
    assert isinstance(room.finish(), Signed)
    assert record.read(MedicationRequest, str(old.id)).status == "active", (
        "what was written elsewhere stays as it was"
    )
    (said,) = record.find(MedicationStatement)
    assert (said.status, said.subject.reference) == ("stopped", f"Patient/{NEW}")
    assert old.id not in [one.request_id for one in chart_of(room.record, NEW).medicines]


def test_the_counter_stops_too(record: Record, room: Stage) -> None:
    room.write(**full(drugs=(drug(drug_code("amoxicillin")),)))
    signed = room.finish()
    assert isinstance(signed, Signed)
    allergy(record, "penicilin", patient=OLD)
    link(record, NEW, OLD, "replaces")
    counter = as_role(record, "pharmacist")
    lines = shelf.lines_of(counter, signed.prescription)
    found = shelf.prescription_of(counter, signed.prescription)
    assert found is not None
    assert [one.refusal.key for one in found.lines if one.refusal] == ["allergy.class"]
    stopped = pharmacy.dispense(counter, code=signed.prescription, quantities={str(lines[0].id): 1}, key="k")
    assert isinstance(stopped, Refusal)
    assert stopped.key == "allergy.class"


def test_what_the_old_record_says_is_noted_under_the_new_one_when_it_is_told_again(
    record: Record, room: Stage
) -> None:
    link(record, NEW, OLD, "replaces")
    allergy(record, "Penicillin", code="A001", patient=OLD)
    assert isinstance(actions.record_no_allergy(room.record, room.visit), Refusal)
    made = actions.record_allergy(room.record, room.visit, code="A001")
    assert isinstance(made, AllergyIntolerance)
    assert made.patient.reference == f"Patient/{NEW}"
    assert len(recorded_allergies(room.record, NEW)) == 2


def test_staff_join_no_charts_by_a_bare_write(record: Record, room: Stage) -> None:
    from yba import fhir

    desk = fhir.open(
        record.connection, actor=as_role(record, "receptionist").actor, clock=lambda: NOW, guards=GUARDS
    )
    person: Any = desk.read(Patient, NEW)
    person.link = [PatientLink(other=Reference(reference=f"Patient/{OLD}"), type="seealso")]
    with pytest.raises(Forbidden) as refused:
        desk.update(person)
    assert refused.value.key == "people.link"
    person.link, person.meta = [], person.meta or Meta()
    person.telecom = []
    assert desk.update(person).link == []
