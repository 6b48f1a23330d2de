"""Asking once after a visit: found by a sweep an hour after it ended, told through the outbox, never of what tells.

The text names the facility and no more: not the doctor, not the specialty. Who turned reminders off is not asked.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from yba.areas.booking import rules as booking
from yba.areas.booking.ratings.models import Rating
from yba.care import messages, people
from yba.care import rating as visits
from yba.care.messages import reminders
from yba.care.messages.models import Message
from yba.care.rating import KEEPER, Seen
from yba.fhir.errors import Gone, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.fhir.record.labelled import labelled_visits
from yba.ui.words import HANOI

KIND: Final = "rating.asked"
#: A visit has settled by then: its diagnoses, and with them its labels, are written.
AFTER: Final = timedelta(hours=1)
#: A house that slept longer than this asks of what ended before by the page of the visit alone.
LOOK_BACK: Final = timedelta(hours=2)
_STEP: Final = timedelta(minutes=30)


def ask(record: Record) -> int:
    """Ask of the visits that ended lately and were not asked about; how many are new."""
    now, made = record.clock(), 0
    at = now - AFTER - LOOK_BACK
    while at < now - AFTER:
        end = min(at + _STEP, now - AFTER)
        found = record.find(
            Encounter,
            ("status", "finished"),
            ("_lastUpdated", f"ge{booking.instant(at)}"),
            ("_lastUpdated", f"lt{booking.instant(end)}"),
        )
        made += _asked(record, found)
        at = end
    return made


def _asked(record: Record, found: list[Encounter]) -> int:
    seen = [one for one in map(visits.seen_in, found) if one is not None and _is_fresh(record, one)]
    keys = {key_of(one.encounter_id): one for one in seen}
    for known in Message.objects.filter(dedupe_key__in=list(keys)).values_list("dedupe_key", flat=True):
        keys.pop(known or "")
    rated = set(
        Rating.objects.filter(encounter_id__in=[one.encounter_id for one in keys.values()]).values_list(
            "encounter_id", flat=True
        )
    )
    telling = labelled_visits(
        record, [(one.patient_id, one.encounter_id) for one in keys.values()], besides=KEEPER
    )
    roles: dict[tuple[str, str], str] = {}
    made = 0
    for one in keys.values():
        if one.encounter_id not in telling | rated:
            post = (one.practitioner_id, one.facility_id)
            roles[post] = roles[post] if post in roles else visits.role_of(record, one)
            made += bool(roles[post]) and _ask_one(record, one)
    return made


def key_of(encounter_id: str) -> str:
    """One question a visit, whatever becomes of it."""
    return f"{KIND}:{encounter_id}"


def _is_fresh(record: Record, one: Seen) -> bool:
    """What is written today of last year's visit (an import, a correction) is not asked about."""
    return record.clock() - one.started < timedelta(days=2)


def _ask_one(record: Record, one: Seen) -> bool:
    phone = _phone(record, one)
    try:
        house = record.read(Organization, one.facility_id).name or ""
    except (NotFound, Gone):
        return False
    if not phone:
        return False
    day = one.started.astimezone(HANOI).isoformat()
    return messages.write(
        KIND, phone, {"facility": house or "Y Ba", "when": day}, dedupe_key=key_of(one.encounter_id),
        now=record.clock(),
    )  # fmt: skip


def _phone(record: Record, one: Seen) -> str:
    """Whom to ask: the number given for the booking (a parent's), else the person's own."""
    try:
        if one.appointment_id:
            phone = reminders.phone_of(record, record.read(Appointment, one.appointment_id))
            if phone:
                return phone
        return people.phone_of(record.read(Patient, one.patient_id))
    except (NotFound, Gone):
        return ""
