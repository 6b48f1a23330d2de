"""Who stands how to a person: a row of ``record.standing``, what it is read out of, and as whom somebody named comes.

What each resource opens is said in ``sources.py``; what is data of these rules, in ``standing.yaml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any, Final, Protocol

import yaml

from yba.fhir.model.dates import period_of
from yba.fhir.model.references import parse
from yba.fhir.r4.datatypes import Reference

ALWAYS: Final = "-infinity"
FOREVER: Final = "infinity"
RELATED_PATIENT: Final = "https://yba.vn/fhir/StructureDefinition/related-person-patient"
"""Extension of RelatedPerson: the relative's own record, a Reference to a Patient."""
APP: Final = "https://yba.vn/fhir/sid/app"
"""System of the client ids of apps: how a Consent names one (``Reference.identifier``)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One row; times as FHIR or SQL text, None where nothing bounds it.

    ``claimed``: made by the one it favours, so that no sensitive label passes by it (decision 0012).
    """

    patient: str
    holder: str
    basis: str
    since: str = ALWAYS
    until: str = FOREVER
    types: tuple[str, ...] | None = None
    labels: int = 0
    purposes: tuple[str, ...] | None = None
    kept: tuple[str, ...] | None = None
    named: tuple[str, ...] | None = None
    occurred_from: str | None = None
    occurred_until: str | None = None
    claimed: bool = False


class Look(Protocol):
    """What the rules ask of the record: whoever may see it, for they decide who may."""

    def content(self, type_name: str, identifier: str) -> Any:
        """The resource, typed; None when it is not there."""

    def person(self, system: str, value: str) -> str | None:
        """The one Patient with this identifier; None for none or several."""

    def claimed(self, type_name: str, identifier: str) -> frozenset[str]:
        """Who has written themselves into this CareTeam or PractitionerRole, as holders."""


@cache
def data() -> Any:
    """The rules' data, as ``standing.yaml`` says it."""
    return yaml.safe_load(
        resources.files("yba.fhir.access").joinpath("standing.yaml").read_text(encoding="utf-8")
    )


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes a source, where it is no rule of the house: as whom they themselves come; whether they are staff."""

    holders: frozenset[str] = frozenset()
    staff: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A resource that is being written, with what its row says.

    ``author`` None: a rule of the house, or what is there made anew. ``is_new``: it has no earlier version.
    """

    resource: Any
    patient: str | None
    facility: str | None
    now: datetime
    look: Look
    author: Author | None = None
    is_new: bool = False


# -- times -------------------------------------------------------------------------------------------------


def instant_of(text: str | None) -> tuple[datetime | None, datetime | None]:
    """First and last moment of a FHIR date or time; None of what is not said."""
    try:
        return period_of(text) if text else (None, None)
    except ValueError:
        return None, None


# -- holders -----------------------------------------------------------------------------------------------


def target(found: Reference | None) -> tuple[str, str]:
    """Type and id a reference names in this record; two empty texts for anything else."""
    named = parse(found.reference) if found is not None and found.reference else None
    return (named.type, named.id) if named is not None and not named.base else ("", "")


def _organization(identifier: str) -> list[str]:
    """An Organization may be a facility, a department or a programme: the actor says as which they come."""
    return [f"facility:{identifier}", f"department:{identifier}", f"programme:{identifier}"]


def holders(found: Reference | None, look: Look) -> list[str]:
    """As whom somebody a resource names would come."""
    kind, identifier = target(found)
    if kind == "Practitioner":
        return [f"practitioner:{identifier}"]
    if kind == "Organization":
        return _organization(identifier)
    if kind == "PractitionerRole":
        role = look.content(kind, identifier)
        return holders(role.practitioner, look) if role is not None else []
    if kind == "CareTeam":
        team = look.content(kind, identifier)
        members = [one.member for one in team.participant] if team is not None else []
        return [one for member in members if target(member)[0] != "CareTeam" for one in holders(member, look)]
    if kind == "Device":
        return [f"app:{identifier}"]
    if kind == "Patient":
        return [f"person:{identifier}"]
    if kind == "RelatedPerson":
        related = look.content(kind, identifier)
        person = person_of(related, look) if related is not None and related.active is not False else None
        return [f"person:{person}"] if person else []
    own = found.identifier if found is not None else None
    if own is not None and own.system == APP and own.value:
        return [f"app:{own.value}"]
    return []


# -- persons -----------------------------------------------------------------------------------------------


def person_of(related: Any, look: Look) -> str | None:
    """The relative's own record: by the extension that names it, else by an identifier only one person has."""
    for one in related.extension:
        if one.url == RELATED_PATIENT:
            kind, identifier = target(one.valueReference)
            return identifier if kind == "Patient" else None
    for one in related.identifier:
        if one.system and one.value:
            found = look.person(one.system, one.value)
            if found is not None:
                return found
    return None


def birthday(born: str | None, age: int) -> datetime | None:
    """The moment somebody reaches an age: of a year or month alone, its beginning. None for an unknown birth."""
    first = instant_of(born)[0]
    if first is None:
        return None
    day = first.day if (first.month, first.day) != (2, 29) else 28
    return first.replace(year=first.year + age, day=day)


def is_dead(patient: Any) -> bool:
    """Whether a Patient has died: the book is locked for citizens then."""
    return patient.deceasedBoolean is True or patient.deceasedDateTime is not None


def is_ward(patient: Any, moment: datetime) -> bool:
    """Whether a person is young enough for a guardian to act for them; whose birth is not known is not."""
    return was_minor(patient, moment, data()["guardian"]["until-age"])


def was_minor(patient: Any, moment: datetime, age: int) -> bool:
    """Whether a person was below an age at a moment; whose birth is not known is not."""
    grown = birthday(patient.birthDate, age)
    return grown is not None and moment < grown
