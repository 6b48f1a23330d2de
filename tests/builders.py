"""Things a test needs, valid by themselves; a test names only what it is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

from yba.fhir.access import Actor
from yba.fhir.r4.datatypes import CodeableConcept, Coding, ContactPoint, HumanName, Identifier, Reference
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient

#: Tuesday, 24 November 2026, 9:00 in Vietnam.
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
SID = "https://yba.vn/fhir/sid/"


@contextmanager
def as_owner(connection: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """Django's connection as worker and background have it, for what web processes may not do themselves."""
    connection.execute("set role none")
    try:
        yield connection
    finally:
        connection.execute("set role yba_web")


def an_actor(role: str = "doctor", **fields: Any) -> Actor:
    """An actor; of a citizen with one person, that is themselves."""
    persons = sorted(fields.get("persons", ()))
    if role == "citizen" and len(persons) == 1:
        fields.setdefault("person", persons[0])
    return Actor(
        user=fields.pop("user", f"test-{role}"), role=role, name=fields.pop("name", "Người thử"), **fields
    )


def a_patient(name: str = "Nguyễn Thị Hạnh", *, phone: str = "0905123456", **fields: Any) -> Patient:
    family, _, given = name.partition(" ")
    return Patient(
        **{
            "identifier": [Identifier(system=SID + "cccd", value="046168001234")],
            "name": [HumanName(text=name, family=family, given=given.split())],
            "telecom": [ContactPoint(system="phone", value=phone)],
            "gender": "female",
            "birthDate": "1968-03-12",
            **fields,
        }
    )


def an_organization(name: str = "Bệnh viện Đa khoa Hương Giang", **fields: Any) -> Organization:
    return Organization(
        **{"identifier": [Identifier(system=SID + "facility", value="46017")], "name": name, **fields}
    )


def an_observation(patient: str, *, code: str = "8867-4", **fields: Any) -> Observation:
    return Observation(
        **{
            "status": "final",
            "code": CodeableConcept(coding=[Coding(system="http://loinc.org", code=code)]),
            "subject": Reference(reference=f"Patient/{patient}"),
            "effectiveDateTime": NOW.isoformat(),
            **fields,
        }
    )
