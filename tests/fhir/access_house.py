"""What tests of the door share: facilities A and B, a clock that can be moved, and who acts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.builders import NOW, a_patient, an_actor, an_observation
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM
from yba.fhir.access.standing import RELATED_PATIENT
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Extension, Meta, Period, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.related_person import RelatedPerson

FACILITY = "https://yba.vn/fhir/facility"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


def kept_by(facility: str | None, *labels: Coding) -> Meta | None:
    tags = [] if facility is None else [Coding(system=FACILITY, code=facility)]
    return Meta(tag=tags, security=list(labels)) if tags or labels else None


def of(patient: str) -> Reference:
    return Reference(reference=f"Patient/{patient}")


def ref(text: str) -> Reference:
    return Reference(reference=text)


def coded(system: str, code: str) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=system, code=code)])


class House:
    """A store and a clock; ``by`` opens it for somebody."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.now = NOW
        self.system = fhir.open(connection, actor=SYSTEM, clock=self.clock)

    def clock(self) -> datetime:
        return self.now

    def later(self, **more: float) -> None:
        self.now += timedelta(**more)

    def by(self, role: str, **fields: Any) -> fhir.Record:
        return fhir.open(self.connection, actor=an_actor(role, **fields), clock=self.clock)

    def citizen(self, person: str) -> fhir.Record:
        return self.by("citizen", persons=frozenset({person}))

    def doctor(self, facility: str = "A", **fields: Any) -> fhir.Record:
        return self.by("doctor", facility=facility, **fields)

    # -- things to see -------------------------------------------------------------------------------------

    def person(self, name: str = "Nguyễn Thị Hạnh", **fields: Any) -> str:
        return str(self.system.create(a_patient(name, **{"identifier": [], **fields})).id)

    def result(self, patient: str, facility: str | None = "A", *labels: Coding, **fields: Any) -> str:
        made = an_observation(patient, meta=kept_by(facility, *labels), **fields)
        return str(self.system.create(made).id)

    def visit(
        self, patient: str, facility: str = "A", status: Any = "in-progress", **fields: Any
    ) -> Encounter:
        return self.system.create(
            Encounter(
                status=status, class_=Coding(code="AMB"), subject=of(patient), meta=kept_by(facility),
                **{"period": Period(start=self.now.isoformat()), **fields},
            )
        )  # fmt: skip

    def booking(
        self, patient: str, facility: str = "A", status: Any = "booked", **fields: Any
    ) -> Appointment:
        who = AppointmentParticipant(status="accepted", actor=of(patient))
        start = self.now + timedelta(days=1)
        return self.system.create(
            Appointment(
                status=status, participant=[who, *fields.pop("participant", [])], meta=kept_by(facility),
                start=start.isoformat(), end=(start + timedelta(minutes=20)).isoformat(), **fields,
            )
        )  # fmt: skip

    def relative(self, child: str, guardian: str, code: str = "MTH", **fields: Any) -> RelatedPerson:
        return self.system.create(
            RelatedPerson(
                active=True, patient=of(child), relationship=[coded(ROLE_CODE, code)],
                extension=[Extension(url=RELATED_PATIENT, valueReference=of(guardian))], **fields,
            )
        )  # fmt: skip


def sees(record: fhir.Record, *identifiers: str, kind: str = "Observation") -> bool:
    """Whether all of them are seen, or none: by read, search and history alike."""
    answers = set()
    for identifier in identifiers:
        found = {one.id for one in record.search(kind, [("_id", identifier)]).matches}
        answers.add(bool(found))
        answers |= {
            _answers(record.read, kind, identifier),
            _answers(record.history_stored, kind, identifier),
            _answers(record.vread_stored, kind, identifier, "1"),
        }
    assert len(answers) == 1, "one way shows what another hides"
    return answers.pop()


def _answers(ask: Callable[..., object], *named: str) -> bool:
    try:
        ask(*named)
    except errors.NotFound:
        return False
    return True


def own(record: fhir.Record) -> set[str]:
    """The ids of the results an actor finds."""
    return {str(one.id) for one in record.find(Observation)}


@pytest.fixture
def house(connection: psycopg.Connection[Any]) -> House:
    return House(connection)
