"""What holds the capacity of a slot, whichever way an appointment comes in: page, desk, reception, FHIR or import.

The record calls ``guard_appointment`` inside the transaction of every write of an Appointment, before the write. It
locks the slots (in the order of their ids), then the practitioner, reads and writes ``booking_seat`` on the record's
own connection, and keeps ``Slot.status`` true. The unique pair (slot, seat) is the last word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from yba.areas.booking import rules
from yba.fhir.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from yba.fhir.model import references
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Resource
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Guard, Record, facility_of
from yba.fhir.store.rows import execute

_HELD: Final = "select slot_id::varchar from booking_seat where appointment_id = %s order by slot_id"
_TAKER: Final = "select appointment_id::varchar from booking_seat where slot_id = %s and seat_no = 1"
_OVERLAP: Final = """
select slot_id::varchar from booking_seat
 where practitioner_id = %s and starts < %s and ends > %s and appointment_id <> %s
 limit 1"""
_TAKE: Final = """
insert into booking_seat (slot_id, seat_no, appointment_id, patient_id, practitioner_id, starts, ends, taken_at)
values (%s, 1, %s, %s, %s, %s, %s, %s)
on conflict (slot_id, seat_no) do nothing
returning slot_id::varchar"""
_RELEASE: Final = (
    "delete from booking_seat where slot_id = %s and appointment_id = %s returning slot_id::varchar"
)


def guard_appointment(record: Record, before: Resource | None, after: Resource | None) -> None:
    """Hold, move or release the slots of an appointment, or refuse the write.

    Raises Conflict ``booking.slot-taken``; Invalid ``booking.slot-unknown``, ``booking.slot-past``,
    ``booking.times-differ``, ``booking.facility-differs``; Forbidden for what a citizen may not do.
    """
    old = before if isinstance(before, Appointment) else None
    new = after if isinstance(after, Appointment) else None
    if record.actor.role == "citizen":
        _check_citizen(old, new)
    one = new or old
    assert one is not None
    assert one.id is not None
    wanted = _slots_of(new) if new is not None and new.status in rules.HOLDING else []
    had = _slots_of(old) if old is not None and old.status in rules.HOLDING else []
    held = [str(row[0]) for row in execute(record.connection, _HELD, (one.id,)).fetchall()] if old else []
    system = record.as_system()
    slots = {slot_id: _locked(system, slot_id, known=slot_id in held) for slot_id in sorted({*wanted, *held})}
    if new is not None and wanted:
        _check_times(new, [slot for key, slot in slots.items() if key in wanted and slot is not None])
        _check_facility(new, [slot for key, slot in slots.items() if key in wanted and slot is not None])
    for slot_id in held:
        if slot_id not in wanted:
            _release(system, slot_id, slots[slot_id], one.id)
    for slot_id in wanted:
        slot = slots[slot_id]
        if slot_id not in held and slot is not None and new is not None:
            _take(record, slot, new, loaded=slot_id in had)
    _tell(record, one)


def _tell(record: Record, appointment: Appointment) -> None:
    """Open pages of the desk and of the person fetch themselves again once this is committed."""
    for topic in (f"screening:{facility_of(appointment)}", f"person:{rules.patient_id_of(appointment)}"):
        execute(record.connection, "select pg_notify('yba_live', %s)", (topic,)).fetchone()


def _check_citizen(old: Appointment | None, new: Appointment | None) -> None:
    refusal = rules.citizen_refusal(old, new)
    if refusal is not None:
        raise Forbidden(refusal, rules.CITIZEN_WORDS[refusal], path="Appointment.status")


def _slots_of(appointment: Appointment) -> list[str]:
    found = []
    for one in appointment.slot:
        target = references.target(one)
        if target is None or target[0] != "Slot":
            raise Invalid(
                "booking.slot-unknown",
                "An appointment names its slots as 'Slot/<id>'.",
                path="Appointment.slot",
            )
        found.append(target[1])
    return sorted(set(found))


def _locked(system: Record, slot_id: str, *, known: bool) -> Slot | None:
    """The slot, its row locked; None for one that was held and has been deleted since."""
    try:
        return system.lock(Slot, slot_id)
    except (NotFound, Gone):
        if known:
            return None
        raise Invalid(
            "booking.slot-unknown",
            f"There is no Slot/{slot_id}. Search for free slots and choose one of them.",
            path="Appointment.slot",
            slot=slot_id,
        ) from None


def _check_times(appointment: Appointment, slots: Sequence[Slot]) -> None:
    if not slots:
        return
    starts, ends = min(map(start_of, slots)), max(map(end_of, slots))
    said = (appointment.start, appointment.end)
    if None in said or (rules.moment(str(said[0])), rules.moment(str(said[1]))) != (starts, ends):
        raise Invalid(
            "booking.times-differ",
            "Start and end of the appointment must be those of its slot: "
            f"{rules.instant(starts)} to {rules.instant(ends)}.",
            path="Appointment.start",
        )


def _check_facility(appointment: Appointment, slots: Sequence[Slot]) -> None:
    own = facility_of(appointment)
    for slot in slots:
        kept = facility_of(slot)
        if kept is not None and own != kept:
            raise Invalid(
                "booking.facility-differs",
                f"The slot is of facility '{kept}': tag the appointment with it (system {rules.FACILITY_TAG}).",
                path="Appointment.meta.tag",
                facility=kept,
            )


def _take(record: Record, slot: Slot, appointment: Appointment, *, loaded: bool) -> None:
    """Write the seat. ``loaded``: the appointment named this slot before the house kept seats, as after an import."""
    system, slot_id = record.as_system(), slot.id or ""
    starts, ends = start_of(slot), end_of(slot)
    trusted = loaded or record.actor.role == "system"
    if not trusted and rules.is_past(starts, ends, now=record.clock(), by=record.actor.role):
        raise Invalid(
            "booking.slot-past", "The slot lies in the past. Choose a later one.", path="Appointment.slot"
        )
    taken = execute(record.connection, _TAKER, (slot_id,)).fetchone()
    blocked = slot.status != "free" and not trusted
    practitioner = _practitioner_of(system, slot)
    if taken or blocked or (practitioner and _overlaps(record, practitioner, starts, ends, appointment)):
        raise taken_error(slot)
    params = (
        slot_id, appointment.id, rules.patient_id_of(appointment) or "", practitioner, starts, ends, record.clock(),
    )  # fmt: skip
    if execute(record.connection, _TAKE, params).fetchone() is None:
        raise taken_error(slot)
    if slot.status == "free":
        slot.status = "busy"
        system.update(slot)


def _release(system: Record, slot_id: str, slot: Slot | None, appointment_id: str) -> None:
    gone = execute(system.connection, _RELEASE, (slot_id, appointment_id)).fetchone()
    if gone and slot is not None and slot.status == "busy":
        slot.status = "free"
        system.update(slot)


def taken_error(slot: Slot) -> Conflict:
    """The refusal everyone but the first gets; pages say it in their own words."""
    return Conflict(
        "booking.slot-taken",
        f"The slot at {slot.start} has just been taken. Search for free slots and choose another.",
        path="Appointment.slot",
        slot=slot.id,
        start=slot.start,
    )


def _practitioner_of(system: Record, slot: Slot) -> str:
    """The one whose time the slot is, by its schedule; empty for a room or a machine."""
    target = references.target(slot.schedule)
    if target is None:
        return ""
    try:
        schedule = system.read(Schedule, target[1])
    except (NotFound, Gone):
        return ""
    for actor in schedule.actor:
        found = references.target(actor)
        if found is not None and found[0] == "Practitioner":
            return found[1]
    return ""


def _overlaps(
    record: Record, practitioner: str, starts: datetime, ends: datetime, appointment: Appointment
) -> bool:
    """Whether the practitioner sees somebody else in that time, in this schedule or another.

    The lock on the practitioner makes bookings of two overlapping slots wait for each other.
    """
    key = f"booking.practitioner/{practitioner}"
    execute(record.connection, "select pg_advisory_xact_lock(hashtextextended(%s, 2))", (key,))
    params = (practitioner, ends, starts, appointment.id)
    return execute(record.connection, _OVERLAP, params).fetchone() is not None


def start_of(slot: Slot) -> datetime:
    """When the slot begins."""
    return rules.moment(slot.start or "")


def end_of(slot: Slot) -> datetime:
    """When the slot ends."""
    return rules.moment(slot.end or "")


GUARDS: Final[Mapping[str, Sequence[Guard]]] = {"Appointment": (guard_appointment,)}


def guards() -> Mapping[str, Sequence[Guard]]:
    """The area's guards by resource type; the site merges those of all areas."""
    return GUARDS
