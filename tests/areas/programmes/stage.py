"""A commune station, its nurse, a mother and her child with what was injected at two houses."""

from __future__ import annotations

from typing import Any

from tests.areas.clinic.stage import HOUSE, ROOM, put, tagged
from tests.builders import a_patient, an_organization
from yba.care import people
from yba.care.identifiers import VACCINE_CS
from yba.fhir.access.consent import sharing
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Period, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.immunization import Immunization
from yba.fhir.r4.location import Location
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.record import Record

MOTHER, CHILD, NURSE, HOSPITAL = "nb-me", "nb-be", "dd-thu", "bv-sinh"
NAME = "Nguyễn Thị An Nhiên"
#: Born 15/01/2026: ten months old on the tests' day, 24/11/2026.
BIRTH = "2026-01-15"


def stage(system: Record, **child: Any) -> None:
    """Everything in place; the child has come to the station today."""
    put(system, an_organization("Trạm Y tế Thủy Biều", meta=tagged()), HOUSE)
    put(system, Organization(name="Bệnh viện Phụ sản", meta=tagged(HOSPITAL)), HOSPITAL)
    house = Reference(reference=f"Organization/{HOUSE}")
    put(system, Location(meta=tagged(), name="Phòng tiêm", managingOrganization=house), ROOM)
    put(system, Practitioner(meta=tagged()), NURSE)
    put(system, a_patient("Trần Thị Mẹ", birthDate="1995-03-12"), MOTHER)
    baby: dict[str, Any] = {"birthDate": BIRTH, "identifier": [], "telecom": []} | child
    put(system, Patient(**(vars_of(a_patient(NAME)) | baby)), CHILD)
    people.add_relative(
        system,
        system.read(Patient, CHILD),
        relative=system.read(Patient, MOTHER),
        relation="parent",
        guardian=True,
    )


def shares(system: Record) -> None:
    """The family shares the child's book with the station: it sees what other houses recorded."""
    system.create(sharing(CHILD, [Reference(reference=f"Organization/{HOUSE}")], now=system.clock()))


def vars_of(found: Any) -> dict[str, Any]:
    return {one: getattr(found, one) for one in ("identifier", "name", "telecom", "gender", "birthDate")}


def visits(system: Record, patient: str = CHILD, *, status: str = "arrived") -> Encounter:
    """The child comes to the station today."""
    return system.create(
        Encounter(
            meta=tagged(), status=status,  # type: ignore[arg-type]  # a test's own word
            class_=Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="AMB"),
            subject=Reference(reference=f"Patient/{patient}", display=NAME),
            serviceProvider=Reference(reference=f"Organization/{HOUSE}"),
            period=Period(start="2026-11-24T08:30:00+07:00"),
        )
    )  # fmt: skip


def injected(
    system: Record, code: str, when: str, *, facility: str = HOSPITAL, patient: str = CHILD, **more: Any
) -> Immunization:
    """A vaccination in the record."""
    found = Immunization(
        meta=tagged(facility), status=more.pop("status", "completed"),
        vaccineCode=CodeableConcept(coding=[Coding(system=VACCINE_CS, code=code)], text=code),
        patient=Reference(reference=f"Patient/{patient}"), occurrenceDateTime=when, **more,
    )  # fmt: skip
    return system.create(found)
