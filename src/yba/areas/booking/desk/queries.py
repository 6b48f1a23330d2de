"""What the desk reads: the list with deadlines and who holds what, what was done, the other requests of a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from yba.areas.booking import queries
from yba.areas.booking import rules as booking
from yba.areas.booking.desk import rules
from yba.areas.booking.desk.claims import live_claims
from yba.areas.booking.desk.rules import Level
from yba.areas.booking.models import Claim, Contact, Progress
from yba.areas.booking.queries import Booking, booking_of
from yba.care.identifiers import CHANNEL_TAG
from yba.fhir.model import references
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.location import Location
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.ui.words import local_day

#: So many ids are named in one search.
STEP = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request on the desk's list. ``late``: called later than promised."""

    booking: Booking
    specialty_code: str
    channel: str
    department: str
    birth_date: str
    gender: str
    level: Level
    due: datetime
    late: bool
    attempts: int
    next_at: datetime | None
    held_by: str
    held_by_me: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests the agent wants to see; empty: all."""

    specialty: str = ""
    channel: str = ""
    department: str = ""
    late: bool = False
    mine: bool = False

    def fits(self, one: Waiting) -> bool:
        """Whether a request is among them."""
        return (
            (not self.specialty or one.specialty_code == self.specialty)
            and (not self.channel or one.channel == self.channel)
            and (not self.department or one.department == self.department)
            and (not self.late or one.late)
            and (not self.mine or one.held_by_me)
        )


def waiting_list(record: Record, *, now: datetime) -> list[Waiting]:
    """The facility's open requests: the pressing first, then by deadline. The same few searches at 1 and at 300."""
    since = local_day(now) - timedelta(days=1)
    asked = record.find(
        Appointment,
        ("_tag", f"{booking.FACILITY_TAG}|{record.actor.facility}"),
        ("status", "pending,proposed"),
        ("date", f"ge{since.isoformat()}"),
    )
    found, joined = _one_a_series(asked)
    ids = [one.id or "" for one in found]
    persons = _patients(record, [booking.patient_id_of(one) or "" for one in found])
    departments = _departments(record, [booking.location_id_of(one) or "" for one in found])
    claims = live_claims(ids, now=now)
    progress = {one.appointment_id: one for one in Progress.objects.filter(appointment_id__in=ids)}
    rows = [
        _row(
            record, one, persons.get(booking.patient_id_of(one) or ""), claims.get(one.id or ""),
            progress.get(one.id or ""), departments.get(booking.location_id_of(one) or "", ""), now=now,
            series_count=joined[booking.series_of(one)],
        )
        for one in found
    ]  # fmt: skip
    return sorted(
        rows, key=lambda one: rules.order(level=one.level, due=one.due, next_at=one.next_at, now=now)
    )


def _one_a_series(asked: Sequence[Appointment]) -> tuple[list[Appointment], Counter[str]]:
    """The first waiting visit of each series stands for all of them: they are asked about in one call."""
    joined = Counter(filter(None, (booking.series_of(one) for one in asked)))
    found, seen = [], set()
    for one in sorted(asked, key=lambda each: (each.start or "", each.id or "")):
        series = booking.series_of(one)
        if series not in seen:
            found.append(one)
        seen |= {series} if series else set()
    return found, joined


def _row(
    record: Record,
    appointment: Appointment,
    person: Patient | None,
    claim: Claim | None,
    progress: Progress | None,
    department: str,
    *,
    now: datetime,
    series_count: int = 0,
) -> Waiting:
    one = replace(booking_of(appointment), series_count=series_count)
    level = level_of(one, progress)
    next_at = progress.next_at if progress is not None else None
    due = next_at or rules.due_at(one.asked_at, level=level, specialty=specialty_of(appointment))
    return Waiting(
        booking=one,
        specialty_code=specialty_of(appointment),
        channel=channel_of(appointment),
        department=department or one.room,
        birth_date=(person.birthDate or "") if person else "",
        gender=(person.gender or "") if person else "",
        level=level,
        due=due,
        late=due < now,
        attempts=progress.attempts if progress is not None else 0,
        next_at=next_at,
        held_by=claim.agent_name if claim else "",
        held_by_me=claim is not None and claim.agent == record.actor.user,
    )


def level_of(one: Booking, progress: Progress | None) -> Level:
    """How pressing: by the script's answers, else by what the complaint sounds like."""
    return rules.level_of(progress.level if progress is not None else "", f"{one.reason} {one.symptoms}")


def progress_of(appointment_id: str) -> Progress | None:
    """How far the desk is with a request; None: nothing was done."""
    found: Progress | None = Progress.objects.filter(appointment_id=appointment_id).first()
    return found


def specialty_of(appointment: Appointment) -> str:
    """The catalogue code of what the visit is for."""
    coding = appointment.specialty[0].coding if appointment.specialty else []
    return (coding[0].code or "") if coding else ""


def channel_of(appointment: Appointment) -> str:
    """The way the request came in."""
    tags = appointment.meta.tag if appointment.meta else []
    return next((one.code or "" for one in tags if one.system == CHANNEL_TAG), "")


def _patients(record: Record, ids: Sequence[str]) -> dict[str, Patient]:
    wanted = sorted(set(filter(None, ids)))
    found: dict[str, Patient] = {}
    for at in range(0, len(wanted), STEP):
        for one in record.find(Patient, ("_id", ",".join(wanted[at : at + STEP]))):
            found[one.id or ""] = one
    return found


def _departments(record: Record, rooms: Sequence[str]) -> dict[str, str]:
    """Room -> name of the department that keeps it, where that is not the facility itself."""
    wanted = sorted(set(filter(None, rooms)))
    places = [
        one
        for at in range(0, len(wanted), STEP)
        for one in record.find(Location, ("_id", ",".join(wanted[at : at + STEP])))
    ]
    kept = {one.id or "": _keeper(one) for one in places}
    others = sorted({one for one in kept.values() if one and one != record.actor.facility})
    names = {
        one.id or "": one.name or ""
        for one in (record.find(Organization, ("_id", ",".join(others))) if others else [])
        if one.partOf is not None
    }
    return {room: names.get(keeper, "") for room, keeper in kept.items()}


def _keeper(place: Location) -> str:
    target = references.target(place.managingOrganization) if place.managingOrganization is not None else None
    return target[1] if target is not None else ""


def contacts_of(appointment_id: str) -> list[Contact]:
    """What has been done about a request, newest first."""
    return list(Contact.objects.filter(appointment_id=appointment_id)[:50])


def finished_today(record: Record, *, now: datetime) -> list[Booking]:
    """Requests of this facility answered today, newest first."""
    first, last = booking.day_bounds(local_day(now))
    kinds = [
        Contact.Kind.CONFIRMED, Contact.Kind.REFUSED, Contact.Kind.DUPLICATE, Contact.Kind.ENDED,
    ]  # fmt: skip
    ids = (
        Contact.objects.filter(
            facility=record.actor.facility or "", at__gte=first, at__lt=last, kind__in=kinds
        )
        .order_by("-at")
        .values_list("appointment_id", flat=True)
    )
    wanted = list(dict.fromkeys(ids))
    found: dict[str, Booking] = {}
    for at in range(0, len(wanted), STEP):
        some = record.find(Appointment, ("_id", ",".join(wanted[at : at + STEP])))
        found |= {one.id or "": booking_of(one) for one in some}
    return [found[one] for one in wanted if one in found]


def other_requests(record: Record, one: Booking) -> list[Booking]:
    """What else this person has asked for or has been given here, soonest first."""
    page = record.search(
        Appointment,
        [("patient", f"Patient/{one.patient_id}"), ("status", "pending,proposed,booked"), ("_sort", "date")],
    )
    found = [booking_of(row) for row in page.matches if isinstance(row, Appointment)]
    return [row for row in found if row.id != one.id and row.facility_id == one.facility_id]


def past_visits(record: Record, patient_id: str, *, limit: int = 6) -> list[Booking]:
    """A person's bookings at this facility, newest first."""
    return [
        one
        for one in queries.bookings_of(record, [patient_id], limit=limit)
        if one.facility_id == record.actor.facility
    ]
