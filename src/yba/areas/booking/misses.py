"""Visits nobody came to: marked by a person or at the day's end, excused by a person, and what follows from them.

The rule is the facility's (``policies.MissedRule``, kept on its Organization, so its history says who changed it and
when); without one nothing follows. What follows is never stored: it is worked out from the missed visits that are not
excused, so an excuse, or a rule made milder, holds at once. It is of one person at one facility: not of the account
that asked, not of the family, not elsewhere. It bounds what a citizen asks for by app. It does not bound staff, who
book for anybody; who walks in; nor a complaint that sounds like an emergency, which the desk must see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from yba.areas.booking import actions, policies, queries, rules
from yba.areas.booking.actions import Outcome
from yba.areas.booking.models import Appeal, Contact
from yba.areas.booking.policies import MissedRule, Standing
from yba.care.remote import mode
from yba.fhir.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Extension
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.organization import Organization
from yba.fhir.record import Record, check_right, facility_of
from yba.fhir.store.rows import execute
from yba.ui.words import local_day

#: Why a missed visit does not count (string), on the Appointment; who said so is in its history and in the contacts.
EXCUSED: Final = "https://yba.vn/fhir/extension/missed-excused"
#: Who marks, excuses and decides.
STAFF: Final = ("receptionist", "customer_care")
#: States in which somebody came.
CAME: Final = "arrived,checked-in,fulfilled"
#: Days of the past the day's end still looks at: a house that was shut down catches up, and reaches no further.
LOOK_BACK: Final = 3
_AT_ONCE: Final = 50
#: Characters of an appeal.
MOST_WORDS: Final = 1000
_ONE_BY_ONE: Final = "select pg_advisory_xact_lock(hashtextextended(%s, 2))"


@dataclass(frozen=True, slots=True)
class Missed:
    """Where a person stands at a facility."""

    facility: str
    patient_id: str
    standing: Standing


# -- the rule ----------------------------------------------------------------------------------------------


def rule_of(record: Record, facility: str) -> MissedRule:
    """The rule of a facility; the one of no consequence where it has none."""
    try:
        return policies.missed_rule_of(record.as_system().read(Organization, facility) if facility else None)
    except (NotFound, Gone):
        return MissedRule()


def set_rule(record: Record, rule: MissedRule) -> None:
    """Change the rule of the actor's own facility; its administrator alone. Raises Forbidden."""
    if record.actor.role != "facility_administrator" or not record.actor.facility:
        raise Forbidden("booking.not-here", "The facility's administrator sets this rule.")
    with record.atomic():
        system = record.as_system()
        found = system.lock(Organization, record.actor.facility)
        others = [one for one in found.extension if one.url != policies.MISSED]
        found.extension = [*others, policies.missed_extension(rule)]
        system.update(found)


# -- where somebody stands ---------------------------------------------------------------------------------


def missed_visits(record: Record, patient_id: str, facility: str, rule: MissedRule) -> list[Appointment]:
    """The missed visits of a person at a facility that still count, in the order of time."""
    return [one for one in _noted(record, patient_id, facility, rule) if not excuse_of(one)]


def _noted(record: Record, patient_id: str, facility: str, rule: MissedRule) -> list[Appointment]:
    """Those that were noted as missed, excused or not, in the order of time."""
    since = local_day(record.clock()) - timedelta(days=rule.reach)
    found = record.as_system().find(
        Appointment,
        ("patient", f"Patient/{patient_id}"), ("status", "noshow"),
        ("_tag", f"{rules.FACILITY_TAG}|{facility}"), ("date", f"ge{since.isoformat()}"),
    )  # fmt: skip
    return sorted((one for one in found if one.start), key=lambda one: rules.moment(one.start or ""))


def excuse_of(appointment: Appointment) -> str:
    """Why a missed visit does not count; empty while it does."""
    return next((one.valueString or "" for one in appointment.extension if one.url == EXCUSED), "")


def standing_of(record: Record, patient_id: str, facility: str) -> Standing | None:
    """What follows for a person at a facility now; None: nothing."""
    rule = rule_of(record, facility)
    if not rule.follows or not patient_id:
        return None
    found = missed_visits(record, patient_id, facility, rule)
    return policies.standing([rules.moment(one.start or "") for one in found], rule, now=record.clock())


def standings(record: Record, patient_ids: Sequence[str]) -> list[Missed]:
    """Where these people of the actor's stand, at every facility where they missed a visit."""
    found = []
    for patient_id in patient_ids:
        asked = (("patient", f"Patient/{patient_id}"), ("status", "noshow"))
        for facility in sorted({facility_of(one) or "" for one in record.find(Appointment, *asked)} - {""}):
            standing = standing_of(record, patient_id, facility)
            if standing is not None:
                found.append(Missed(facility, patient_id, standing))
    return found


def check_asking(record: Record, asked: Appointment) -> None:
    """Whether a citizen may ask by app for who comes. Raises Conflict ``booking.blocked`` with until when and why."""
    if rules.sounds_dangerous(f"{rules.reason_of(asked)} {asked.comment or ''}"):
        return
    found = standing_of(record, rules.patient_id_of(asked) or "", facility_of(asked) or "")
    if found is not None and found.kind == "closed":
        raise Conflict(
            "booking.blocked",
            f"{found.count} visits were missed within {found.within} days, so this facility takes no requests by app "
            f"for this person until {rules.instant(found.until)}. Telephone the facility, or appeal. In an emergency "
            "come at once or call 115: nothing stands in the way.",
            path="Appointment.participant",
            until=rules.instant(found.until), count=found.count, within=found.within,
        )  # fmt: skip


# -- missed, and excused -----------------------------------------------------------------------------------


def _check_staff(record: Record) -> None:
    if record.actor.role not in STAFF:
        raise Forbidden("booking.not-here", "The desk of the facility does this.")


def mark(record: Record, appointment_id: str) -> Outcome:
    """A person at the desk says that nobody came. Raises Conflict ``booking.not-begun``."""
    _check_staff(record)
    with record.atomic():
        found = record.lock(Appointment, appointment_id)
        if found.status != "booked":
            return Outcome("already" if found.status == "noshow" else "cancelled", found)
        if not found.start or rules.moment(found.start) > record.clock():
            raise Conflict("booking.not-begun", "The visit has not begun. It can be called off.")
        return Outcome("done", _missed(record, found))


def _missed(record: Record, found: Appointment) -> Appointment:
    found.status = "noshow"
    stored = record.update(found)
    actions.note_contact(record, stored, Contact.Kind.MISSED)
    actions.tell_person(record, stored, kind="missed")
    return stored


def excuse(record: Record, appointment_id: str, *, reason: str) -> Outcome:
    """A missed visit that does not count, and why: kept in the visit's history and among what was done about it."""
    _check_staff(record)
    if not reason.strip():
        raise Invalid("booking.no-reason", "Say why the missed visit does not count.")
    with record.atomic():
        found = record.lock(Appointment, appointment_id)
        if found.status != "noshow":
            return Outcome("missing", found)
        if excuse_of(found):
            return Outcome("already", found)
        found.extension = [*found.extension, Extension(url=EXCUSED, valueString=reason.strip())]
        stored = record.update(found)
        actions.note_contact(record, stored, Contact.Kind.EXCUSED, note=reason.strip())
        return Outcome("done", stored)


def close_days(record: Record) -> int:
    """The day's end, by the house: confirmed visits that are over and nobody came to; how many.

    Only where the facility's rule says so, and only of days on which it received somebody: where reception worked on
    paper, or the line was down, nobody is called absent by a machine. Visits by video are judged by their rooms.
    """
    now, made = record.clock(), 0
    for ahead in range(LOOK_BACK):
        day = local_day(now) - timedelta(days=ahead)
        first, last = rules.day_bounds(day)
        over = [
            one
            for one in record.find(
                Appointment, ("status", "booked"), ("date", f"ge{first}"), ("date", f"lt{last}")
            )
            if one.end and rules.moment(one.end) < now and not mode.is_video(one)
        ]
        for facility in sorted({facility_of(one) or "" for one in over} - {""}):
            if rule_of(record, facility).day_end and _received(record, facility, first, last):
                own = [one for one in over if facility_of(one) == facility]
                here = _were_here(record, facility, day, own)
                made += sum(
                    _closed(record, one.id or "") for one in own if rules.patient_id_of(one) not in here
                )
    return made


def _were_here(record: Record, facility: str, day: date, booked: Sequence[Appointment]) -> set[str | None]:
    """Those of them who were at the facility that day all the same: taken at the door, or checked in for another."""
    persons = sorted({rules.patient_id_of(one) or "" for one in booked} - {""})
    first, last = rules.day_bounds(day)
    tag, found = ("_tag", f"{rules.FACILITY_TAG}|{facility}"), set[str | None]()
    for at in range(0, len(persons), _AT_ONCE):
        some = ("patient", ",".join(f"Patient/{one}" for one in persons[at : at + _AT_ONCE]))
        when = (("date", f"ge{first}"), ("date", f"lt{last}"))
        visits = record.find(
            Encounter, some, tag, ("status", "arrived,triaged,in-progress,onleave,finished"), *when
        )
        found |= {queries.target_id(one.subject, "Patient") for one in visits}
        came = record.find(Appointment, some, tag, ("status", CAME), *when)
        found |= {rules.patient_id_of(one) for one in came}
    return found


def _received(record: Record, facility: str, first: str, last: str) -> bool:
    """Whether anybody was checked in at a facility on a day."""
    tag = f"{rules.FACILITY_TAG}|{facility}"
    asked = (("_tag", tag), ("status", CAME), ("date", f"ge{first}"), ("date", f"lt{last}"))
    return record.first(Appointment, *asked) is not None


def _closed(record: Record, appointment_id: str) -> bool:
    with record.atomic():
        found = record.lock(Appointment, appointment_id)
        if found.status != "booked" or not found.end or rules.moment(found.end) >= record.clock():
            return False
        _missed(record, found)
        return True


# -- appeals -----------------------------------------------------------------------------------------------


def appeal(record: Record, *, patient_id: str, facility: str, text: str) -> Appeal:
    """A citizen asks for their missed visits to be looked at again; one open appeal a person and facility.

    Raises Invalid ``booking.no-reason``, ``booking.long``, ``booking.nothing-missed``; NotFound for who is none of
    theirs.
    """
    if patient_id not in record.actor.persons:
        raise NotFound("booking.not-here", "There is no such person here.")
    check_right(record, "Appointment", interaction="create")
    if not text.strip():
        raise Invalid("booking.no-reason", "Say why the visits should not count.")
    if len(text.strip()) > MOST_WORDS:
        raise Invalid("booking.long", f"Say it in at most {MOST_WORDS} characters.", most=MOST_WORDS)
    if not missed_visits(record, patient_id, facility, rule_of(record, facility)):
        raise Invalid("booking.nothing-missed", "No missed visit counts here.")
    with record.atomic():
        execute(record.connection, _ONE_BY_ONE, (f"booking.appeal/{facility}/{patient_id}",)).fetchone()
        known = Appeal.objects.filter(
            facility=facility, patient_id=patient_id, outcome=Appeal.Outcome.OPEN
        ).first()
        if known is not None:
            return known
        return Appeal.objects.create(
            facility=facility, patient_id=patient_id, text=text.strip(), made_at=record.clock(),
            made_by=record.actor.user,
        )  # fmt: skip


def open_appeals(record: Record) -> list[Appeal]:
    """The appeals at the actor's facility nobody has decided, the oldest first."""
    return list(Appeal.objects.filter(facility=record.actor.facility, outcome=Appeal.Outcome.OPEN))


def decide(record: Record, appeal_id: int, *, granted: bool, reason: str) -> Appeal:
    """A person at the desk decides, says why, and the citizen is told. Granted, what was missed until now is excused.

    Raises NotFound; Invalid ``booking.no-reason``. Decided already, it stays as it was decided.
    """
    _check_staff(record)
    if not reason.strip():
        raise Invalid("booking.no-reason", "Say why; the person reads it.")
    with record.atomic():
        found = (
            Appeal.objects.select_for_update().filter(pk=appeal_id, facility=record.actor.facility).first()
        )
        if found is None:
            raise NotFound("booking.not-here", "There is no such appeal at this facility.")
        if found.outcome != Appeal.Outcome.OPEN:
            return found
        rule = rule_of(record, found.facility)
        noted = _noted(record.as_system(), found.patient_id, found.facility, rule)
        for one in noted if granted else ():
            excuse(record, one.id or "", reason=reason)
        found.outcome = Appeal.Outcome.GRANTED if granted else Appeal.Outcome.REFUSED
        found.decided_at, found.decided_by = record.clock(), record.actor.name
        found.reason = reason.strip()[:500]
        found.save()
        if noted:
            latest = record.as_system().read(Appointment, noted[-1].id or "")
            actions.tell_person(record, latest, kind="appeal", once=f"booking.appeal:{found.pk}")
        return found


def over_at(record: Record) -> list[Appointment]:
    """Confirmed visits of the last week at the actor's facility that are due and nobody came to, the newest first."""
    found = _week(record, "booked")
    return [one for one in found if one.start and rules.moment(one.start) <= record.clock()]


def missed_at(record: Record) -> list[Appointment]:
    """Visits of the last week at the actor's facility that are noted as missed, the newest first."""
    return _week(record, "noshow")


def _week(record: Record, status: str) -> list[Appointment]:
    since = local_day(record.clock()) - timedelta(days=7)
    tag = f"{rules.FACILITY_TAG}|{record.actor.facility}"
    last = rules.day_bounds(local_day(record.clock()))[1]
    asked = (("_tag", tag), ("status", status), ("date", f"ge{since.isoformat()}"), ("date", f"lt{last}"))
    return record.find(Appointment, *asked, ("_sort", "-date"))


def appeals_of(patient_ids: Sequence[str]) -> list[Appeal]:
    """The appeals of these people, the newest first."""
    return list(Appeal.objects.filter(patient_id__in=list(patient_ids)).order_by("-made_at")[:20])


def name_of(record: Record, patient_id: str) -> str:
    """Whom an appeal is about, for the desk."""
    return queries.caller(record, patient_id).name
