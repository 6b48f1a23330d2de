"""Who stands how to a person, read out of the resources that say so: rows of ``record.standing``.

A visit and a booking open the chart to the facility and to who treats; a care team to its members; a transfer to where
the person goes, as far as the sending facility's records; a Consent to whom and how far it says; a RelatedPerson to a
minor's guardian. Rows are made anew with each version of their source, in its transaction, and end by themselves.
What is data of these rules is in ``standing.yaml``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any, Final, Protocol

import yaml

from yba.fhir.model.dates import period_of
from yba.fhir.model.references import parse
from yba.fhir.r4.datatypes import CodeableConcept, Period, Reference

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


def rows(source: Source) -> list[Standing]:
    """What a resource opens, each once; nothing of a type that opens nothing.

    With it go rows that open nothing and only keep who has written themselves into it.
    """
    made = SOURCES.get(type(source.resource).__name__)
    if made is None:
        return []
    found = [one for one in dict.fromkeys(made(source)) if not _is_over(one, source.now)]
    if source.author is not None:
        found = [replace(one, claimed=True) if _is_claimed(one, source.author) else one for one in found]
    return found + list(_kept_in_mind(source, {(one.patient, one.holder) for one in found}))


def _is_claimed(one: Standing, author: Author) -> bool:
    """Staff who name themselves, or note a consent for somebody."""
    return one.claimed or (
        author.staff if one.basis in ("consent", "delegate") else one.holder in author.holders
    )


def _kept_in_mind(source: Source, live: set[tuple[str, str]]) -> Iterator[Standing]:
    """Rows without a time for staff who are named while nothing is open: stored only of who wrote themselves in.

    So that it is known still when somebody else opens it again, or leads to it from another resource.
    """
    named = _NAMED.get(type(source.resource).__name__)
    if named is None or (source.author is None and source.is_new):
        return
    basis, who = named
    own = source.author.holders if source.author is not None else frozenset()
    found = [
        holder
        for one in who(source.resource)
        if target(one)[0] in _TREAT
        for holder in holders(one, source.look)
        if holder.startswith(("practitioner:", "department:"))
    ]
    for patient in _persons(source):
        for holder in dict.fromkeys(found):
            mine = holder in own
            if (patient, holder) not in live and (mine or not source.is_new):
                yield Standing(patient, holder, basis, ALWAYS, ALWAYS, claimed=mine)


def _persons(source: Source) -> list[str]:
    """Whose charts a resource speaks of; an empty name for nobody's."""
    if type(source.resource).__name__ == "Appointment":
        return _patients_of(source.resource)
    return [source.patient or ""]


def _is_over(one: Standing, now: datetime) -> bool:
    """What has ended already never opens anything: an imported past makes no rows."""
    return one.until != FOREVER and datetime.fromisoformat(one.until) <= now


# -- times -------------------------------------------------------------------------------------------------


def instant_of(text: str | None) -> tuple[datetime | None, datetime | None]:
    """First and last moment of a FHIR date or time; None of what is not said."""
    try:
        return period_of(text) if text else (None, None)
    except ValueError:
        return None, None


def _first(text: str | None) -> datetime | None:
    return instant_of(text)[0]


def _last(text: str | None) -> datetime | None:
    return instant_of(text)[1]


def _said(moment: datetime | None, default: str) -> str:
    return default if moment is None else moment.isoformat()


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
        person = _person_of(related, look) if related is not None and related.active is not False else None
        return [f"person:{person}"] if person else []
    own = found.identifier if found is not None else None
    if own is not None and own.system == APP and own.value:
        return [f"app:{own.value}"]
    return []


def _treating(
    source: Source, basis: str, who: Iterable[Reference | None], since: str, until: str
) -> list[Standing]:
    """The facility that keeps the resource, and whom it names, without its patients."""
    if source.patient is None:
        return []
    own = [f"facility:{source.facility}"] if source.facility else []
    found = [Standing(source.patient, holder, basis, since, until) for holder in own]
    for one in who:
        if target(one)[0] in _TREAT:
            claimed = _claimed_by(one, source.look)
            found += [
                Standing(source.patient, holder, basis, since, until, claimed=holder in claimed)
                for holder in holders(one, source.look)
            ]
    return found


_TREAT: Final = ("Practitioner", "PractitionerRole", "Organization", "CareTeam")


def _claimed_by(found: Reference | None, look: Look) -> frozenset[str]:
    """Who came by themselves into the team or the role that a reference leads through."""
    kind, identifier = target(found)
    if kind == "PractitionerRole":
        return look.claimed(kind, identifier)
    if kind == "CareTeam":
        team = look.content(kind, identifier)
        roles = [one.member for one in team.participant] if team is not None else []
        inner = [_claimed_by(one, look) for one in roles if target(one)[0] == "PractitionerRole"]
        return look.claimed(kind, identifier).union(*inner)
    return frozenset()


# -- visits, bookings, teams -------------------------------------------------------------------------------


def _of_encounter(source: Source) -> list[Standing]:
    visit, known = source.resource, data()["visit"]
    period = visit.period or Period()
    until = FOREVER
    if visit.status in known["closed"]:
        until = _after(_last(period.end), source.now, known["days-after"])
    elif visit.status == "planned":
        until = _after(_last(period.start), source.now, known["planned-days"])
    elif visit.status not in known["open"]:
        return []
    who = [visit.serviceProvider, *(one.individual for one in visit.participant)]
    return _treating(source, "visit", who, ALWAYS, until) + _transferred(source)


def _after(end: datetime | None, now: datetime, days: int) -> str:
    return ((end or now) + timedelta(days=days)).isoformat()


def _transferred(source: Source) -> list[Standing]:
    """Where a visit ended by sending the person on: that facility sees what the sending one keeps."""
    stay = source.resource.hospitalization
    kind, identifier = target(stay.destination if stay is not None else None)
    if kind != "Organization":
        return []
    period = source.resource.period or Period()
    return _transfer(source, [f"facility:{identifier}"], _last(period.end))


def _transfer(source: Source, to: list[str], moment: datetime | None) -> list[Standing]:
    if source.patient is None or source.facility is None:
        return []
    until = _after(moment, source.now, data()["transfer"]["days"])
    own = f"facility:{source.facility}"
    return [
        Standing(source.patient, holder, "transfer", ALWAYS, until, kept=(source.facility,))
        for holder in to
        if holder != own
    ]


def _of_request(source: Source) -> list[Standing]:
    asked, known = source.resource, data()["transfer"]
    concepts = [*asked.category, *([asked.code] if asked.code is not None else [])]
    if asked.status not in known["open"] or not _is_one_of(concepts, known["codes"]):
        return []
    to = [
        holder
        for one in asked.performer
        if target(one)[0] in ("Organization", "Practitioner", "PractitionerRole")
        for holder in holders(one, source.look)
    ]
    return _transfer(source, to, _first(asked.authoredOn))


def _is_one_of(concepts: Iterable[CodeableConcept], codes: Mapping[str, list[str]]) -> bool:
    return any(one.code in codes.get(one.system or "", ()) for each in concepts for one in each.coding)


def _of_appointment(source: Source) -> list[Standing]:
    booked, known = source.resource, data()["booking"]
    if booked.status not in known["open"]:
        return []
    until = _after(_last(booked.end) or _last(booked.start), source.now, known["days-after"])
    who = [one.actor for one in booked.participant]
    return [
        one
        for patient in _patients_of(booked)
        for one in _treating(replace(source, patient=patient), "booking", who, ALWAYS, until)
    ]


def _patients_of(booked: Any) -> list[str]:
    people = [target(one.actor) for one in booked.participant]
    return list(dict.fromkeys(identifier for kind, identifier in people if kind == "Patient"))


def _of_team(source: Source) -> list[Standing]:
    team = source.resource
    if team.status not in data()["team"]["open"]:
        return []
    period = team.period or Period()
    who = [*(one.member for one in team.participant), *team.managingOrganization]
    until = _said(_last(period.end), FOREVER)
    return _treating(source, "care-team", who, _said(_first(period.start), ALWAYS), until)


def _of_episode(source: Source) -> list[Standing]:
    episode = source.resource
    if episode.status not in data()["team"]["episode"]:
        return []
    period = episode.period or Period()
    who = [episode.managingOrganization, episode.careManager, *episode.team]
    until = _said(_last(period.end), FOREVER)
    return _treating(source, "care-team", who, _said(_first(period.start), ALWAYS), until)


# -- guardians ---------------------------------------------------------------------------------------------


def _person_of(related: Any, look: Look) -> str | None:
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


def _of_relative(source: Source) -> list[Standing]:
    related, known = source.resource, data()["guardian"]
    roles = {one.code for each in related.relationship for one in each.coding}
    if source.patient is None or related.active is False or not roles.intersection(known["relations"]):
        return []
    child = source.look.content("Patient", source.patient)
    guardian = _person_of(related, source.look)
    if child is None or guardian is None or guardian == source.patient or is_dead(child):
        return []
    grown = _birthday(child.birthDate, known["until-age"])
    if grown is None:
        return []
    period = related.period or Period()
    ends = [one for one in (grown, _last(period.end)) if one is not None]
    return [
        Standing(
            source.patient,
            f"person:{guardian}",
            "guardian",
            _said(_first(period.start), ALWAYS),
            min(ends).isoformat(),
        )
    ]


def _birthday(born: str | None, age: int) -> datetime | None:
    """The moment somebody reaches an age: of a year or month alone, its beginning. None for an unknown birth."""
    first = _first(born)
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
    grown = _birthday(patient.birthDate, age)
    return grown is not None and moment < grown


def _of_role(_source: Source) -> list[Standing]:
    """A role opens nothing by itself; who gave it to themselves is kept in mind."""
    return []


def _of_consent(source: Source) -> list[Standing]:
    from yba.fhir.access.consent import opened

    return opened(source)


_Rule = Callable[[Source], list[Standing]]
SOURCES: Final[Mapping[str, _Rule]] = {
    "Appointment": _of_appointment,
    "CareTeam": _of_team,
    "Consent": _of_consent,
    "Encounter": _of_encounter,
    "EpisodeOfCare": _of_episode,
    "PractitionerRole": _of_role,
    "RelatedPerson": _of_relative,
    "ServiceRequest": _of_request,
}
"""The types that open charts, or lead there."""
_Who = Callable[[Any], list[Reference | None]]
_NAMED: Final[Mapping[str, tuple[str, _Who]]] = {
    "Appointment": ("booking", lambda one: [each.actor for each in one.participant]),
    "CareTeam": (
        "care-team",
        lambda one: [*(each.member for each in one.participant), *one.managingOrganization],
    ),
    "Encounter": ("visit", lambda one: [one.serviceProvider, *(each.individual for each in one.participant)]),
    "EpisodeOfCare": ("care-team", lambda one: [one.managingOrganization, one.careManager, *one.team]),
    "PractitionerRole": ("care-team", lambda one: [one.practitioner]),
}
"""As what, and whom, a resource names of those who treat."""
