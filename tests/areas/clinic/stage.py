"""A facility, a room, a doctor and a person who has been called in: what the tests of the clinic stand on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.builders import NOW, a_patient, an_organization
from yba import fhir
from yba.areas.clinic import actions, queries
from yba.areas.clinic.content import Content, DrugLine
from yba.care.identifiers import ALLERGEN_CS, FACILITY_TAG
from yba.care.line import actions as line
from yba.care.line.models import Ticket
from yba.care.line.transaction import whole
from yba.fhir.access import Actor
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Meta, Period, Reference
from yba.fhir.r4.encounter import Encounter, EncounterLocation, EncounterParticipant
from yba.fhir.r4.location import Location
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.record import Record

HOUSE, ROOM, DOCTOR = "bv-thu", "p-204", "bs-thu"
DOCTOR_NAME = "BS. Trần Minh Thử"


def tagged(facility: str = HOUSE) -> Meta:
    return Meta(tag=[Coding(system=FACILITY_TAG, code=facility)])


def put(record: Record, resource: Any, identifier: str) -> Any:
    """Stored under an id of our own, as loading does."""
    record.create_stored(resource, identifier=identifier)
    return record.read(type(resource).__name__, identifier)


def as_role(
    record: Record, role: str, *, facility: str = HOUSE, practitioner: str | None = None, **more: Any
) -> Record:
    """The record of somebody else on the same connection, at the tests' moment."""
    from django.db import transaction

    persons = sorted(more.get("persons", ()))
    if role == "citizen" and persons:
        more.setdefault("person", persons[0])
    actor = Actor(
        user=f"u-{role}", role=role, name=DOCTOR_NAME, facility=facility, practitioner=practitioner, **more
    )
    return fhir.open(record.connection, actor=actor, clock=lambda: NOW, transaction=transaction.atomic)


def doctor(record: Record, **more: Any) -> Record:
    return as_role(record, "doctor", **{"practitioner": DOCTOR, **more})


@dataclass
class Stage:
    """A person in the room."""

    record: Record
    ticket: Ticket
    visit_id: str

    @property
    def visit(self) -> queries.Visit:
        return queries.visit_of(self.record, self.visit_id, room=ROOM)

    def write(self, **fields: Any) -> None:
        """What the doctor typed, saved on top of whatever is there."""
        _content, version, _at = queries.draft_of(self.visit_id)
        typed = Content(**{"complaint": "Ho 3 ngày", "diagnoses": ("J20.9",), **fields})
        saved = actions.save_draft(self.record, self.visit, content=typed, version=version)
        assert not hasattr(saved, "key"), saved

    def finish(self) -> Any:
        return actions.finish_visit(self.record, self.visit)


def stage(system: Record, **patient: Any) -> Stage:
    """Everything in place, the visit under way."""
    put(system, an_organization(meta=tagged()), HOUSE)
    put(
        system,
        Location(
            meta=tagged(), name="204", managingOrganization=Reference(reference=f"Organization/{HOUSE}")
        ),
        ROOM,
    )
    put(system, Practitioner(), DOCTOR)
    put(system, a_patient(**patient), "nb-thu")
    return admit(system, "nb-thu")


def admit(system: Record, patient_id: str) -> Stage:
    """Reception's work: a booking that came, a visit, a number; then the doctor begins."""
    booked = system.create(
        Appointment(
            meta=tagged(),
            status="arrived",
            participant=[
                AppointmentParticipant(actor=Reference(reference=f"Patient/{patient_id}"), status="accepted")
            ],
        )
    )
    visit = system.create(
        Encounter(
            meta=tagged(),
            status="arrived",
            class_=Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="AMB"),
            subject=Reference(reference=f"Patient/{patient_id}"),
            participant=[
                EncounterParticipant(
                    individual=Reference(reference=f"Practitioner/{DOCTOR}", display=DOCTOR_NAME)
                )
            ],
            appointment=[Reference(reference=f"Appointment/{booked.id}")],
            location=[EncounterLocation(location=Reference(reference=f"Location/{ROOM}"))],
            serviceProvider=Reference(reference=f"Organization/{HOUSE}"),
            period=Period(start="2026-11-24T08:30:00+07:00"),
        )
    )
    own = doctor(system)
    with whole():
        ticket = line.draw(
            own, facility=HOUSE, room=ROOM, letter="B", patient_id=patient_id, patient_name="Nguyễn Thị Hạnh",
            encounter_id=str(visit.id), appointment_id=str(booked.id),
        )  # fmt: skip
    called = line.call_next(own, room=ROOM)
    assert isinstance(called, Ticket)
    actions.start_visit(own, ticket=called)
    return Stage(own, ticket, str(visit.id))


def allergy(record: Record, text: str, *, code: str = "", patient: str = "nb-thu") -> AllergyIntolerance:
    """An allergy in the record, coded or only told."""
    coding = [Coding(system=ALLERGEN_CS, code=code)] if code else []
    return record.create(
        AllergyIntolerance(
            meta=tagged(),
            code=CodeableConcept(text=text, coding=coding),
            category=["medication"],
            patient=Reference(reference=f"Patient/{patient}"),
        )
    )


def drug(code: str, key: str = "d1", **fields: Any) -> DrugLine:
    """A line that lacks nothing: one, morning and evening, five days."""
    return DrugLine(
        **{"key": key, "drug": code, "amount": "1", "moments": ("morning", "evening"), "days": "5", **fields}
    )


def drug_code(ingredient: str, strength: str = "") -> str:
    """The first drug of the catalogue that is this one ingredient only, by mouth."""
    from yba.care import catalogues

    return next(
        one.code
        for one in catalogues.drugs()
        if one.active_ingredients == (ingredient,) and one.unit == "viên" and strength in one.strength
    )
