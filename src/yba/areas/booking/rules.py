"""What booking decides: pure verdicts and words, no reading and no writing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Final

from yba.care import identifiers
from yba.care.messages import calendar
from yba.fhir.model import references
from yba.fhir.model.fold import fold_words
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Reference
from yba.ui.words import HANOI
from yba.ui.words import moment as moment  # a booking's start and end

FACILITY_TAG: Final = identifiers.FACILITY_TAG
REQUEST_KEY: Final = identifiers.BASE + "booking-request"
#: What joins the visits of a series, and which of them one is; see ``series``.
SERIES: Final = identifiers.BASE + "booking-series"
NUMBER: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.recurrenceId"
#: States in which an appointment keeps its slot. Source: FHIR R4, valueset-appointmentstatus.
HOLDING: Final = frozenset({"proposed", "pending", "booked", "arrived", "checked-in", "fulfilled"})
WAITING: Final = frozenset({"proposed", "pending"})
OPEN: Final = frozenset({"proposed", "pending", "booked"})
HORIZON_DAYS: Final = 14
#: Beyond these a day before or after, or another offset, is no date any more.
_YEARS: Final = range(1900, 9000)
#: Open requests and bookings one person may hold at once: more is a mistake or an attack.
MOST_OPEN: Final = 8
CITIZEN_WORDS: Final = {
    "booking.citizen-delete": "A citizen cancels an appointment; deleting it is not possible.",
    "booking.citizen-status": "A citizen may ask for an appointment (pending), wait for one (waitlist), or cancel it.",
    "booking.citizen-slot": "A citizen's appointment names exactly one slot.",
    "booking.citizen-code": "The registration code is given when the facility confirms; leave it out.",
    "booking.citizen-series": "Visits are joined to a series by booking the series whole.",
    "booking.citizen-change": "A citizen may cancel an appointment, not change it. Cancel it and ask for another.",
}


def instant(at: datetime) -> str:
    """A time as FHIR writes it, on this country's clock."""
    return at.astimezone(HANOI).isoformat(timespec="seconds")


def moment_or_none(text: str) -> datetime | None:
    """A moment that somebody sent, with its offset; None where it is none, or in no year in which anybody is seen."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None and found.year in _YEARS else None


def day_bounds(day: date) -> tuple[str, str]:
    """First instant of a day here and of the next, as FHIR instants."""
    start = datetime.combine(day, time(), HANOI)
    return start.isoformat(timespec="seconds"), (start + timedelta(days=1)).isoformat(timespec="seconds")


def is_past(starts: datetime, ends: datetime, *, now: datetime, by: str) -> bool:
    """Whether a slot is over for this role: for a citizen once it has begun, for staff once it has ended."""
    return starts <= now if by == "citizen" else ends <= now


def patient_id_of(appointment: Appointment) -> str | None:
    """The one who comes."""
    return _participant(appointment, "Patient")


def practitioner_id_of(appointment: Appointment) -> str | None:
    """The one who sees them."""
    return _participant(appointment, "Practitioner")


def location_id_of(appointment: Appointment) -> str | None:
    """The room."""
    return _participant(appointment, "Location")


def _participant(appointment: Appointment, kind: str) -> str | None:
    for one in appointment.participant:
        target = references.target(one.actor) if one.actor is not None else None
        if target is not None and target[0] == kind:
            return target[1]
    return None


def reference_of(appointment: Appointment, kind: str) -> Reference | None:
    """The participant of a type, with the name that was written beside it."""
    for one in appointment.participant:
        target = references.target(one.actor) if one.actor is not None else None
        if target is not None and target[0] == kind:
            return one.actor
    return None


def slot_id_of(appointment: Appointment) -> str | None:
    """The (first) slot it holds."""
    target = references.target(appointment.slot[0]) if appointment.slot else None
    return target[1] if target is not None else None


def reason_of(appointment: Appointment) -> str:
    """Why the person comes."""
    return (appointment.reasonCode[0].text or "") if appointment.reasonCode else ""


def code_of(appointment: Appointment) -> str:
    """The registration code; empty before it is confirmed."""
    return next(
        (
            one.value
            for one in appointment.identifier
            if one.system == identifiers.REGISTRATION_CODE and one.value
        ),
        "",
    )


def series_of(appointment: Appointment) -> str:
    """The series it is a visit of; empty for most."""
    return next((one.value for one in appointment.identifier if one.system == SERIES and one.value), "")


def number_of(appointment: Appointment) -> int:
    """Which visit of its series it is, from 1."""
    return next((one.valuePositiveInt or 0 for one in appointment.extension if one.url == NUMBER), 0)


# -- what a citizen may do ------------------------------------------------------------------------------


def citizen_refusal(old: Appointment | None, new: Appointment | None) -> str | None:
    """The key of the refusal, or None: a citizen asks for one slot, or cancels what is open."""
    if new is None:
        return "booking.citizen-delete"
    if old is None:
        if code_of(new):
            return "booking.citizen-code"
        if series_of(new) and not new.slot:
            return "booking.citizen-series"
        if new.status == "waitlist":
            return "booking.citizen-slot" if new.slot else None
        if new.status != "pending":
            return "booking.citizen-status"
        return None if len(new.slot) == 1 else "booking.citizen-slot"
    if new.status != "cancelled" or old.status not in OPEN | {"cancelled", "waitlist"}:
        return "booking.citizen-status"
    same = all(
        getattr(old, name) == getattr(new, name)
        for name in ("slot", "start", "end", "participant", "identifier")
    ) and _facility(old) == _facility(new)
    return None if same else "booking.citizen-change"


def _facility(appointment: Appointment) -> set[str | None]:
    tags = appointment.meta.tag if appointment.meta is not None else []
    return {one.code for one in tags if one.system == FACILITY_TAG}


def may_cancel(appointment: Appointment, *, now: datetime) -> bool:
    """Whether its person may still call it off: open, and not begun."""
    return appointment.status in OPEN | {"waitlist"} and (
        appointment.start is None or moment(appointment.start) > now
    )


# -- the desk -------------------------------------------------------------------------------------------


def asked_at(appointment: Appointment) -> datetime:
    """When the request came."""
    if appointment.created and "T" in appointment.created:
        return moment(appointment.created)
    last = appointment.meta.lastUpdated if appointment.meta else None
    return moment(last) if last else datetime.now(UTC)


# -- places ---------------------------------------------------------------------------------------------


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The distance between two positions (latitude, longitude) on a ball with the mean radius of the earth."""
    (up, right), (high, wide) = (map(radians, each) for each in (one, other))
    half = sin((high - up) / 2) ** 2 + cos(up) * cos(high) * sin((wide - right) / 2) ** 2
    return 2 * 6371.0088 * asin(sqrt(min(half, 1)))


# -- words ----------------------------------------------------------------------------------------------


def nearest(free: Sequence[datetime], wanted: datetime, *, most: int = 2) -> list[datetime]:
    """The free times nearest to a taken one, in the order of the clock."""
    return sorted(sorted(free, key=lambda at: abs(at - wanted))[:most])


#: Folded words of a complaint that should be seen first. Source: the desk's own script, cardiac and stroke signs.
_DANGER: Final = (
    "dau nguc", "tuc nguc", "kho tho", "ngat", "suyt ngat", "liet", "meo mieng", "noi kho", "co giat", "chay mau",
    "phan den", "non ra mau",
)  # fmt: skip


def sounds_dangerous(text: str) -> bool:
    """Whether a complaint names a sign of danger, so that the agent asks about it first."""
    plain = f" {' '.join(fold_words(text))} "
    return any(f" {sign} " in plain for sign in _DANGER)


def calendar_entry(appointment: Appointment, *, place: str, now: datetime) -> bytes:
    """The booking as a calendar file (RFC 5545): time, place and room; no doctor's specialty, no reason."""
    room = reference_of(appointment, "Location")
    version = appointment.meta.versionId if appointment.meta else ""
    return calendar.visit(
        uid=appointment.id or "", starts=moment(appointment.start or ""), ends=moment(appointment.end or ""),
        place=place, room=(room.display or "") if room is not None else "",
        changes=int(version) if version and version.isdigit() else 0, cancelled=appointment.status == "cancelled",
        now=now,
    )  # fmt: skip
