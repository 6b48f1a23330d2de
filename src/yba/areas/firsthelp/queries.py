"""What first help reads of the record: free times, emergency departments, whose books one has, what was kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from yba import fhir
from yba.care import people
from yba.fhir.access import Actor
from yba.fhir.errors import RecordError
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.questionnaire_response import QuestionnaireResponse
from yba.fhir.record import Record

QUESTIONNAIRE: Final = "https://yba.vn/fhir/Questionnaire/first-help"
#: A stranger reads what any citizen without a book may: doctors, rooms and free times, and nobody's chart.
VISITOR: Final = Actor(user="anonymous", role="citizen")


def as_reader(record: Record) -> Record:
    """The record for what anybody may see: one's own, or a visitor's where nobody signed in."""
    if record.actor.role != "anonymous":
        return record
    return fhir.open(record.connection, actor=VISITOR, clock=record.clock)


def own_people(record: Record) -> list[tuple[str, str]]:
    """Id and name of those whose books are the actor's, oneself first."""
    ids = record.actor.persons
    found = record.find(Patient, ("_id", ",".join(sorted(ids)))) if ids else []
    named = [(one.id or "", people.name_of(one)) for one in found]
    return sorted(named, key=lambda one: (one[0] != record.actor.person, one[1]))


def own_province(record: Record) -> str:
    """Where the actor lives, to show what is near first; empty when it is not known."""
    person = record.actor.person
    try:
        found = record.read(Patient, person) if person else None
    except RecordError:
        return ""
    return next((one.state for one in found.address if one.state), "") if found else ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A result somebody chose to keep: when (a FHIR date, empty where none is told), in whose book, what it said."""

    id: str
    person: str
    at: str
    level: str
    specialty: str
    about: tuple[str, ...]
    findings: tuple[str, ...]


def kept(record: Record) -> list[Kept]:
    """The results kept in one's people's books, newest first."""
    names = dict(own_people(record))
    if not names:
        return []
    patients = ",".join(f"Patient/{one}" for one in names)
    found = record.find(
        QuestionnaireResponse,
        ("patient", patients),
        ("questionnaire", f"{QUESTIONNAIRE}"),
        ("_sort", "-authored"),
    )
    return [_kept(one, names) for one in found]


def _kept(one: QuestionnaireResponse, names: dict[str, str]) -> Kept:
    values = {
        item.linkId or "": tuple(
            (answer.valueCoding.code or "") for answer in item.answer if answer.valueCoding is not None
        )
        for item in one.item
    }
    subject = (one.subject.reference or "").removeprefix("Patient/") if one.subject else ""
    return Kept(
        id=one.id or "",
        person=names.get(subject, ""),
        at=one.authored or "",
        level=next(iter(values.get("level", ())), ""),
        specialty=next(iter(values.get("specialty", ())), ""),
        about=values.get("about", ()),
        findings=values.get("finding", ()),
    )
