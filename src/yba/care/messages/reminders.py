"""Reminders 3 days, 1 day and 2 hours before a visit: derived from the bookings as they are, every few minutes.

Nothing is planned when a visit is booked, so nothing has to be called back when it moves: a sweep finds the visits
whose reminder is due now and writes it once (visit, version, kind); sending asks the visit again (`standing`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from yba.care import messages, people
from yba.care.identifiers import REGISTRATION_CODE
from yba.care.messages import kinds, rules, standing
from yba.care.messages.kinds import Kind
from yba.care.messages.models import Message
from yba.care.remote import links, mode
from yba.fhir.errors import Gone, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record, facility_of
from yba.ui.words import moment

#: How long after its moment a reminder is still looked for: a house that slept longer leaves it to the next one.
LOOK_BACK: Final = timedelta(hours=2)
#: So much of the visits is read at once: below the 5,000 of one answer for any province.
STEP: Final = timedelta(hours=1)
CALL_BACK: Final = "https://yba.vn/fhir/extension/call-back-number"


def remind(record: Record) -> int:
    """Write the reminders that are due now; how many are new."""
    now, made = record.clock(), 0
    for kind, next_lead in _leads():
        first = now + timedelta(hours=kind.lead_hours) - LOOK_BACK
        at = max(first, now)
        until = now + timedelta(hours=kind.lead_hours)
        while at <= until:
            end = min(at + STEP, until + timedelta(seconds=1))
            made += sum(_written(record, one, kind, next_lead, now) for one in _visits(record, at, end))
            at = end
            if end > until:
                break
    return made


def _leads() -> Iterator[tuple[Kind, int]]:
    """Each reminder with the hours at which the next one takes over."""
    found = sorted((one for one in kinds.kinds().values() if one.reminder), key=lambda one: -one.lead_hours)
    for at, kind in enumerate(found):
        yield kind, found[at + 1].lead_hours if at + 1 < len(found) else 0


def _visits(record: Record, first: datetime, last: datetime) -> list[Appointment]:
    return record.find(
        Appointment,
        ("status", "booked"),
        ("date", f"ge{first.isoformat()}"),
        ("date", f"lt{last.isoformat()}"),
    )


def _written(record: Record, visit: Appointment, kind: Kind, next_lead: int, now: datetime) -> bool:
    if not visit.start or not visit.id:
        return False
    start = moment(visit.start)
    known = visit.meta.lastUpdated if visit.meta else None
    since = moment(known) if known else now - timedelta(days=365)
    if not rules.reminder_due(kind, start, now=now, next_lead=next_lead, known_since=since):
        return False
    key = f"{visit.id}:{standing.version_of(visit)}:{kind.key}"
    if Message.objects.filter(dedupe_key=key).exists():
        return False
    phone = phone_of(record, visit)
    return bool(phone) and messages.write(
        kind.key, phone, words_of(record, visit), about=visit, dedupe_key=key, now=now
    )


def phone_of(record: Record, visit: Appointment) -> str:
    """Whom to tell of a visit: the number given for it, else the person's own."""
    for one in visit.extension:
        if one.url == CALL_BACK and one.valueContactPoint is not None and one.valueContactPoint.value:
            return one.valueContactPoint.value
    patient_id, _name = standing.taking_part(visit, "Patient")
    try:
        return people.phone_of(record.read(Patient, patient_id)) if patient_id else ""
    except (NotFound, Gone):
        return ""


def words_of(record: Record, visit: Appointment) -> dict[str, str]:
    """The values of every message about a visit: place, time, room, code, hotline."""
    facility = facility_of(visit) or ""
    try:
        found = record.read(Organization, facility) if facility else None
    except (NotFound, Gone):
        found = None
    hotline = next(
        (one.value for one in (found.telecom if found else []) if one.system == "phone" and one.value), ""
    )
    code = next((one.value for one in visit.identifier if one.system == REGISTRATION_CODE and one.value), "")
    return {
        "facility": (found.name if found else "") or "Y Ba", "when": visit.start or "",
        "room": standing.taking_part(visit, "Location")[1], "code": code, "hotline": hotline,
        "link": links.address(visit) if mode.is_video(visit) else "",
    }  # fmt: skip
