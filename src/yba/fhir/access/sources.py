"""What each kind of resource opens, as rows of ``record.standing``.

A visit and a booking open the chart to the facility and to who treats; a care team to its members; a transfer to where
the person goes, as far as the sending facility's records; a Consent to whom and how far it says; a RelatedPerson to a
minor's guardian. Rows are made anew with each version of their source, in its transaction, and end by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from yba.fhir.access.consent import opened
from yba.fhir.access.standing import (
    ALWAYS,
    FOREVER,
    Author,
    Look,
    Source,
    Standing,
    birthday,
    data,
    holders,
    instant_of,
    is_dead,
    person_of,
    target,
)
from yba.fhir.r4.datatypes import CodeableConcept, Period, Reference


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


# -- times ------------------------------------------------------------------------------------------------


def _first(text: str | None) -> datetime | None:
    return instant_of(text)[0]


def _last(text: str | None) -> datetime | None:
    return instant_of(text)[1]


def _said(moment: datetime | None, default: str) -> str:
    return default if moment is None else moment.isoformat()


# -- visits, bookings, teams ------------------------------------------------------------------------------


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


# -- guardians, and what is kept in mind ------------------------------------------------------------------


def _of_relative(source: Source) -> list[Standing]:
    related, known = source.resource, data()["guardian"]
    roles = {one.code for each in related.relationship for one in each.coding}
    if source.patient is None or related.active is False or not roles.intersection(known["relations"]):
        return []
    child = source.look.content("Patient", source.patient)
    guardian = person_of(related, source.look)
    if child is None or guardian is None or guardian == source.patient or is_dead(child):
        return []
    grown = birthday(child.birthDate, known["until-age"])
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


def _of_role(_source: Source) -> list[Standing]:
    """A role opens nothing by itself; who gave it to themselves is kept in mind."""
    return []


_Rule = Callable[[Source], list[Standing]]
SOURCES: Final[Mapping[str, _Rule]] = {
    "Appointment": _of_appointment,
    "CareTeam": _of_team,
    "Consent": opened,
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
