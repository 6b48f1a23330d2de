"""Telling a facility's own system of its visits: noted in the transaction of the change, sent until it is taken.

One row a visit. What is told is worked out when it is sent, from what the other side knows and what the visit is then:
two moves before it could be told are told as one, a visit that was called off before it was ever told is not told at
all, and no message can overtake another of the same visit. A sender that dies in between leaves its claim to run out,
and the same message, under the same number, is sent again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q

from yba.areas.booking import rules
from yba.areas.booking.models import Outward
from yba.care import hospital_systems
from yba.care.hospital_systems import Failed, HospitalSystem, Kind, News, Refused
from yba.fhir.errors import Gone, NotFound
from yba.fhir.model import codec
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Resource
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record, facility_of
from yba.fhir.store.rows import execute

State = Outward.State
#: States in which a visit stands in the hospital's day.
BOOKED: Final = frozenset({"booked", "arrived", "checked-in", "fulfilled"})
OVER: Final = frozenset({"cancelled", "noshow", "entered-in-error"})
CANCELLED: Final = "cancelled"
CLAIM_LASTS: Final = timedelta(minutes=3)
#: After so many tries without an answer a person has to look; meanwhile it goes on every hour.
WAITS: Final = tuple(timedelta(minutes=one) for one in (1, 2, 5, 10, 20, 40, 60))
SystemOf = Callable[[str], HospitalSystem | None]
_NOTE: Final = """
insert into booking_outward
    (appointment_id, facility, version, told_version, known, state, tries, next_try, receipt, problem)
values (%s, %s, 1, 0, '', 'waiting', 0, %s, '', '')
on conflict (appointment_id) do update
   set version = booking_outward.version + 1, facility = excluded.facility, tries = 0, next_try = excluded.next_try,
       state = case when booking_outward.state = 'sending' then 'sending' else 'waiting' end
returning version"""
_THEIR_OWN: Final = """
insert into booking_outward
    (appointment_id, facility, version, told_version, known, state, tries, next_try, told_at, receipt, problem)
values (%s, %s, 1, 1, %s, 'told', 0, %s, %s, '', '')
on conflict (appointment_id) do update
   set version = booking_outward.version + 1, told_version = booking_outward.version + 1, known = excluded.known,
       told_at = excluded.told_at, tries = 0,
       state = case when booking_outward.state = 'sending' then 'sending' else 'told' end
returning version"""


def note_change(record: Record, before: Resource | None, after: Resource | None) -> None:
    """Note that a visit has something to be told, whichever way it was written; the guard of every Appointment.

    What the facility's own system wrote itself, it knows.
    """
    old = before if isinstance(before, Appointment) else None
    new = after if isinstance(after, Appointment) else None
    one = new or old
    facility = facility_of(one) if one is not None else None
    if one is None or facility is None or one.id is None:
        return
    if kind_of(print_of(old), print_of(new)) is None or hospital_systems.system_of(facility) is None:
        return
    now = record.clock()
    if record.actor.role == "outside_system" and record.actor.facility == facility:
        params = (one.id, facility, print_of(new), now, now)
        execute(record.connection, _THEIR_OWN, params).fetchone()
        return
    execute(record.connection, _NOTE, (one.id, facility, now)).fetchone()


def print_of(one: Appointment | None) -> str:
    """What another system knows of a visit in this state: nothing, that it is off, or its time and place."""
    if one is None or one.status in OVER:
        return CANCELLED
    if one.status not in BOOKED:
        return ""
    who = sorted((row.actor.reference or "") for row in one.participant if row.actor is not None)
    text = "|".join([one.start or "", one.end or "", *who])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def kind_of(known: str, wanted: str) -> Kind | None:
    """What has to be told to who knows one thing when another is true; None: nothing."""
    if known == wanted or (wanted in ("", CANCELLED) and known in ("", CANCELLED)):
        return None
    if wanted in ("", CANCELLED):
        return "cancelled"
    return "booked" if known in ("", CANCELLED) else "moved"


@dataclass(frozen=True, slots=True)
class Claim:
    """A message one sender has taken. ``version``: of the row when it was worked out."""

    row: int
    version: int
    known: str
    news: News | None


def send_due(record: Record, *, most: int = 200, system_of: SystemOf = hospital_systems.system_of) -> int:
    """Send what is due, one visit after the other; how many were taken. ``record``: the system's own."""
    told = 0
    for _ in range(most):
        claim = _claimed(record)
        if claim is None:
            break
        told += _sent(record, claim, system_of)
    return told


def _claimed(record: Record) -> Claim | None:
    now = record.clock()
    due = Q(state=State.WAITING, next_try__lte=now) | Q(
        state=State.SENDING, claimed_at__lte=now - CLAIM_LASTS
    )
    with transaction.atomic():
        row = (
            Outward.objects.select_for_update(skip_locked=True).filter(due).order_by("next_try", "pk").first()
        )
        if row is None:
            return None
        appointment = _read(record, row.appointment_id)
        wanted = print_of(appointment)
        kind = kind_of(row.known, wanted)
        news = _news(record, row, kind, appointment, now=now) if kind is not None else None
        if news is None:
            row.state, row.told_version, row.problem = State.TOLD, row.version, ""
            row.save(update_fields=["state", "told_version", "problem"])
            return Claim(row.pk, row.version, row.known, None)
        row.state, row.claimed_at, row.tries = State.SENDING, now, row.tries + 1
        row.save(update_fields=["state", "claimed_at", "tries"])
        return Claim(row.pk, row.version, wanted, news)


def _read(record: Record, appointment_id: str) -> Appointment | None:
    try:
        return record.read(Appointment, appointment_id)
    except (NotFound, Gone):
        return None


def _news(
    record: Record, row: Outward, kind: Kind, appointment: Appointment | None, *, now: datetime
) -> News | None:
    """What is told; None where there is nobody left to tell of."""
    one = appointment or _last(record, row.appointment_id)
    try:
        patient = record.read(Patient, rules.patient_id_of(one) or "-") if one is not None else None
        facility = record.read(Organization, row.facility)
    except (NotFound, Gone):
        return None
    if one is None or patient is None:
        return None
    return News(f"{row.pk}.{row.version}", kind, now, one, patient, facility)


def _last(record: Record, appointment_id: str) -> Appointment | None:
    """A deleted visit as it was before."""
    for _type, stored in record.history_stored("Appointment", appointment_id):
        if stored.content:
            found = codec.decode(stored.content)
            return found if isinstance(found, Appointment) else None
    return None


def _sent(record: Record, claim: Claim, system_of: SystemOf) -> bool:
    if claim.news is None:
        return False
    system = system_of(claim.news.facility.id or "")
    receipt, problem, refused = "", "", False
    try:
        if system is None:
            raise Failed("no system is connected any more")
        receipt = system.tell(claim.news)[:200]
    except Refused as said:
        problem, refused = str(said)[:200] or "refused", True
    except Failed as said:
        problem = str(said)[:200] or "no answer"
    _marked(claim, receipt, problem, refused, now=record.clock())
    return not problem


def _marked(claim: Claim, receipt: str, problem: str, refused: bool, *, now: datetime) -> None:
    with transaction.atomic():
        row = Outward.objects.select_for_update().get(pk=claim.row)
        changed = row.version != claim.version
        row.claimed_at, row.problem = None, problem
        if problem:
            row.state = State.REFUSED if refused and not changed else State.WAITING
            row.next_try = now if changed else now + WAITS[min(row.tries, len(WAITS)) - 1]
        else:
            row.known, row.told_version, row.receipt, row.told_at = claim.known, claim.version, receipt, now
            row.state = State.WAITING if changed else State.TOLD
            row.next_try, row.tries = now, 0
        row.save()


def again(facility: str, *, now: datetime) -> int:
    """Try again what was refused or waits, of one facility: somebody has mended the other side."""
    rows = Outward.objects.filter(facility=facility, state__in=[State.REFUSED, State.WAITING])
    return rows.filter(~Q(version=F("told_version"))).update(state=State.WAITING, next_try=now, tries=0)


def of(appointment_id: str) -> Outward | None:
    """What a facility's system knows of a visit; None: it has none, or is not to know it."""
    found: Outward | None = Outward.objects.filter(appointment_id=appointment_id).first()
    return found
