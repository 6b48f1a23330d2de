"""A small province for booking's tests: one hospital, one doctor with a timetable, two people, open slots."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from yba import fhir
from yba.areas.booking import actions, guards, opening, rules
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.r4.datatypes import CodeableConcept, Coding, ContactPoint, HumanName, Meta, Reference
from yba.fhir.r4.location import Location
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.practitioner_role import PractitionerRole, PractitionerRoleAvailableTime
from yba.ui.words import local_day

#: Monday, 23 November 2026, 6:00 in Vietnam.
NOW = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
HOSPITAL = "bv"
NAMES = ("Lê Văn Hùng", "Nguyễn Thị Hạnh", "Tôn Nữ Hoàng Phương Thảo Nguyên")
TAG = Meta(tag=[Coding(system=rules.FACILITY_TAG, code=HOSPITAL)])


def clock() -> datetime:
    return NOW


def opened(connection: Any, actor: Actor = SYSTEM, at: Callable[[], datetime] = clock) -> fhir.Record:
    """The record with booking's guards on Django's connection, as pages open it."""
    return fhir.open(
        connection.connection, actor=actor, clock=at, guards=guards.GUARDS, transaction=transaction.atomic
    )


def build(record: fhir.Record, *, days: int = 2, people: int = 2) -> None:
    """The hospital, its doctor every day 7:30–11:30, people p1, p2, ..., slots of ``days`` days."""
    record.update(
        Organization(
            id=HOSPITAL, name="Bệnh viện Đa khoa Hương Giang", active=True, meta=TAG,
            telecom=[ContactPoint(system="phone", value="02343555017")],
        )
    )  # fmt: skip
    record.update(Location(id="p-204", name="204", meta=TAG))
    record.update(
        Practitioner(
            id="bs", active=True, name=[HumanName(text="BS. CKII Trần Minh Khôi")], gender="male", meta=TAG
        )
    )
    specialty = CodeableConcept(
        coding=[Coding(system=actions.SPECIALTY_CS, code="tim-mach")], text="Tim mạch"
    )
    record.update(
        PractitionerRole(
            id="vt", active=True, meta=TAG, practitioner=Reference(reference="Practitioner/bs"),
            organization=Reference(reference=f"Organization/{HOSPITAL}"), specialty=[specialty],
            location=[Reference(reference="Location/p-204", display="204")],
            availableTime=[
                PractitionerRoleAvailableTime(
                    daysOfWeek=["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
                    availableStartTime="07:30:00", availableEndTime="11:30:00",
                )
            ],
        )
    )  # fmt: skip
    for number in range(1, people + 1):
        record.update(
            Patient(
                id=f"p{number}", name=[HumanName(text=NAMES[number % len(NAMES)])], gender="female",
                birthDate="1958-09-05", telecom=[ContactPoint(system="phone", value=f"0905{number:06}")],
            )
        )  # fmt: skip
    today = local_day(record.clock())
    opening.open_slots(record, until=today + timedelta(days=days - 1), today=today)


def citizen(*persons: str) -> Actor:
    return Actor(
        user=f"c-{'-'.join(persons)}",
        role="citizen",
        name="Hạnh",
        persons=frozenset(persons),
        person=persons[0],
    )


def agent(name: str = "Mai Linh") -> Actor:
    return Actor(user=f"a-{name}", role="customer_care", name=name, facility=HOSPITAL)


def first_slot(record: fhir.Record, *, skip: int = 0) -> str:
    from yba.fhir.r4.slot import Slot

    found = record.find(Slot, ("status", "free"), ("_sort", "start"))
    return found[skip].id or ""


def another_timetable(
    record: fhir.Record, key: str, *, practitioner: str, room: str, like: Any, minutes_later: int
) -> Any:
    """A timetable of its own (role ``vt-<key>``) with one slot, that begins some minutes after another slot."""
    from yba.fhir.r4.schedule import Schedule
    from yba.fhir.r4.slot import Slot

    role = record.read(PractitionerRole, "vt")
    role.id, role.availableTime = f"vt-{key}", []
    role.practitioner = Reference(reference=f"Practitioner/{practitioner}", display="BS. Lê An")
    role.location = [Reference(reference=f"Location/{room}", display=room)]
    for one in (
        Practitioner(id=practitioner, active=True, name=[HumanName(text="BS. Lê An")], meta=TAG),
        Location(id=room, name=room, meta=TAG),
        role,
    ):
        record.update(one)
    actors = [Reference(reference=f"PractitionerRole/vt-{key}"), role.practitioner, *role.location]
    record.update(Schedule(id=f"lich-{key}", active=True, actor=actors, specialty=role.specialty, meta=TAG))
    later = timedelta(minutes=minutes_later)
    return record.update(
        Slot(
            id=f"khung-{key}", schedule=Reference(reference=f"Schedule/lich-{key}"), status="free", meta=TAG,
            specialty=role.specialty, start=rules.instant(rules.moment(like.start) + later),
            end=rules.instant(rules.moment(like.end) + later),
        )
    )  # fmt: skip
