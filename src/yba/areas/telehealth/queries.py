"""What telehealth reads: a visit and its room, whose seat a page sits on, the doctor's day, the desk's calls."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest

from yba.areas.telehealth import rules
from yba.areas.telehealth.models import Room, Seat
from yba.care.identifiers import REGISTRATION_CODE
from yba.care.messages.standing import taking_part
from yba.care.remote import links, mode
from yba.fhir.errors import Gone, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.task import Task
from yba.fhir.record import Record
from yba.ui.words import HANOI, local_day

#: In the session: seat key -> holder. A session that ends takes its seats along.
SEATS: Final = "telehealth_seats"
#: In the session: appointment id -> until when its link was proved (unix time).
PROVED: Final = "telehealth_links"
CALL_BACK: Final = ("https://yba.vn/fhir/cs/task", "video-call-back")


# -- whose visit -------------------------------------------------------------------------------------------


def own_visit(record: Record, appointment_id: str) -> Appointment:
    """A video visit of one's own person, child or principal. Raises NotFound."""
    found = record.read(Appointment, appointment_id)
    patient = taking_part(found, "Patient")[0]
    if patient not in record.actor.persons or not mode.is_video(found):
        raise NotFound("video.no-visit", "There is no such visit of yours.", id=appointment_id)
    return found


def linked_visit(system: Record, code: str) -> Appointment | None:
    """The visit a link of a message leads to, ``<registration code>-<proof>``; None for a link that is none."""
    number, _dash, proof = code.partition("-")
    if not number or not proof or len(code) > 60:
        return None
    found = system.find(Appointment, ("identifier", f"{REGISTRATION_CODE}|{number}"))
    return next((one for one in found if links.is_proof(proof, number, one.id or "")), None)


def proved_visit(request: HttpRequest, system: Record, appointment_id: str) -> Appointment:
    """The visit whose link this session proved. Raises NotFound."""
    until = request.session.get(PROVED, {}).get(appointment_id, 0)
    if until <= system.clock().timestamp():
        raise NotFound("video.no-link", "This link was not opened here.", id=appointment_id)
    found = system.read(Appointment, appointment_id)
    if not mode.is_video(found):
        raise NotFound("video.no-visit", "This is no visit by video.", id=appointment_id)
    return found


def facility_of_visit(record: Record, facility: str) -> tuple[str, str]:
    """Name and telephone of the facility; empty where it is not there."""
    try:
        found = record.read(Organization, facility) if facility else None
    except (NotFound, Gone):
        found = None
    if found is None:
        return "", ""
    return found.name or "", next((t.value for t in found.telecom if t.system == "phone" and t.value), "")


# -- rooms and seats ---------------------------------------------------------------------------------------


def room_of(appointment: Appointment) -> Room | None:
    """The room of a visit at the time it has now."""
    hours = rules.hours_of(appointment)
    if hours is None:
        return None
    return Room.objects.filter(appointment_id=appointment.id, starts=hours.starts).first()


def seat_of(request: HttpRequest, key: str) -> Seat:
    """The seat this browser sits on. Raises NotFound for another's, for one that was taken away or has expired.

    Held by the session, and beside it by the account that was signed in: who signs out leaves the seat.
    """
    holder = request.session.get(SEATS, {}).get(key)
    found = Seat.objects.select_related("room").filter(key=key, removed_at=None).first() if holder else None
    if found is None or found.holder != holder:
        raise NotFound("video.no-seat", "There is no such seat of yours.")
    account = str(request.user.pk) if request.user.is_authenticated else ""
    if holder.startswith("account:") and holder != f"account:{account}":
        raise NotFound("video.no-seat", "There is no such seat of yours.")
    return found


def held_seat(request: HttpRequest, record: Record, key: str) -> Seat:
    """The same, asked of the door each time where an account holds it: who was let act for somebody may be no more.

    Raises NotFound.
    """
    seat = seat_of(request, key)
    if seat.kind == Seat.Kind.DOCTOR:
        doctors_room(record, seat.room.name)
    elif seat.kind == Seat.Kind.PATIENT and seat.holder.startswith("account:"):
        own_visit(record, seat.room.appointment_id)
    return seat


def sit(request: HttpRequest, seat: Seat) -> None:
    """Let this browser sit on a seat."""
    request.session[SEATS] = {**request.session.get(SEATS, {}), seat.key: seat.holder}


def link_hash(secret: str) -> str:
    """What is kept of an invitation's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def seats_of(room: Room) -> list[Seat]:
    """Who may be in the room, in the order they came to it."""
    return list(Seat.objects.filter(room=room, removed_at=None).order_by("pk"))


def doctors_room(record: Record, name: str) -> tuple[Room, Encounter]:
    """The room of a visit of this doctor's own, asked of the door. Raises NotFound."""
    found = Room.objects.filter(name=name).first()
    if found is None:
        raise NotFound("video.no-room", "There is no such room.")
    return found, _treated(record, found)


def room_of_encounter(record: Record, encounter_id: str) -> tuple[Room, Encounter]:
    """The same, by its visit."""
    found = Room.objects.filter(encounter_id=encounter_id).first()
    if found is None:
        raise NotFound("video.no-room", "There is no such room.")
    return found, _treated(record, found)


def _treated(record: Record, room: Room) -> Encounter:
    actor = record.actor
    if not actor.practitioner or (room.practitioner_id, room.facility) != (
        actor.practitioner,
        actor.facility,
    ):
        raise NotFound("video.no-room", "There is no such room.")
    return record.read(Encounter, room.encounter_id)


# -- the doctor's day --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """A video visit of the doctor's day."""

    appointment: Appointment
    patient: Patient | None
    room: Room | None
    seats: tuple[Seat, ...]


def day_of(record: Record) -> list[Due]:
    """Today's video visits of this doctor, by the clock. Three searches however many there are."""
    actor, now = record.actor, record.clock()
    day = local_day(now)
    begin = datetime(day.year, day.month, day.day, tzinfo=HANOI)
    found = record.find(
        Appointment,
        ("practitioner", f"Practitioner/{actor.practitioner}"),
        ("date", f"ge{begin.isoformat()}"),
        ("date", f"lt{(begin + timedelta(days=1)).isoformat()}"),
        ("status", "booked,arrived,checked-in,fulfilled,noshow"),
    )
    visits = sorted((one for one in found if mode.is_video(one)), key=lambda one: one.start or "")
    ids = sorted({taking_part(one, "Patient")[0] for one in visits} - {""})
    people = {one.id: one for one in record.find(Patient, ("_id", ",".join(ids)))} if ids else {}
    rooms = Room.objects.filter(appointment_id__in=[one.id for one in visits]).prefetch_related("seats")
    known = {(one.appointment_id, one.starts): one for one in rooms}
    due = []
    for one in visits:
        hours = rules.hours_of(one)
        room = known.get((one.id or "", hours.starts)) if hours else None
        seats = tuple(it for it in room.seats.all() if it.removed_at is None) if room else ()
        due.append(Due(one, people.get(taking_part(one, "Patient")[0]), room, seats))
    return due


# -- the desk ----------------------------------------------------------------------------------------------


def call_backs(record: Record) -> list[Task]:
    """People of the own facility who wait to be called because the video failed, oldest first."""
    system, code = CALL_BACK
    found = record.find(
        Task, ("code", f"{system}|{code}"), ("status", "requested,accepted"), ("_sort", "authored-on")
    )
    return [one for one in found if one.status in ("requested", "accepted")]


def call_back_of(record: Record, task_id: str) -> Task:
    """One of them. Raises NotFound for a task of another kind."""
    found = record.read(Task, task_id)
    codes = {(one.system, one.code) for one in found.code.coding} if found.code else set()
    if CALL_BACK not in codes:
        raise NotFound("video.no-task", "There is no such call.")
    return found
