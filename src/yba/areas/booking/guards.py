"""What holds the capacity of a slot, whichever way an appointment comes in: page, desk, reception, FHIR or import.

The record calls ``guard_appointment`` inside the transaction of every write of an Appointment, before the write, and
``guard_visit`` of every write of an Encounter. Both take and give back seats through ``ledger`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from yba.areas.booking import (
    actions,
    capacity,
    directory,
    ledger,
    misses,
    news,
    outward,
    policies,
    rules,
    timetable_guards,
    waiting,
    walking_in,
)
from yba.areas.booking.ledger import Held, Taker
from yba.care.identifiers import CHANNEL_TAG
from yba.care.messages.reminders import CALL_BACK
from yba.care.telephone import NUMBER
from yba.fhir.errors import Conflict, Forbidden, Invalid
from yba.fhir.model import references
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Resource
from yba.fhir.r4.encounter import Encounter
from yba.fhir.record import Guard, Record, facility_of
from yba.fhir.store.rows import execute

#: Requests of one person are counted one after the other; taken after the slots' locks, by everybody who takes it.
_ONE_BY_ONE: Final = "select pg_advisory_xact_lock(hashtextextended(%s, 2))"

_TOLD: Final = "select pg_notify('yba_live', topic) from unnest(%s::text[]) topic"


def guard_appointment(record: Record, before: Resource | None, after: Resource | None) -> None:
    """Hold, move or release the slots of an appointment, or refuse the write.

    Raises Conflict ``booking.slot-taken``, ``booking.kept``, ``booking.overbooked``, ``booking.too-late``,
    ``booking.too-early``, ``booking.cancel-late``; Invalid ``booking.slot-unknown``, ``booking.slot-past``,
    ``booking.times-differ``, ``booking.facility-differs``; Forbidden for what a citizen may not do.
    """
    old = before if isinstance(before, Appointment) else None
    new = after if isinstance(after, Appointment) else None
    if record.actor.role == "citizen":
        _check_citizen(old, new)
        if old is None and new is not None:
            misses.check_asking(record, new)
    one = new or old
    assert one is not None
    assert one.id is not None
    wanted = _slots_of(new) if new is not None and new.status in rules.HOLDING else []
    had = _slots_of(old) if old is not None and old.status in rules.HOLDING else []
    held = ledger.held_by(record, one.id) if old else []
    if old is not None and new is not None and wanted and wanted == had == held and _same_seat(old, new):
        _tell(record, one)
        return
    slots = ledger.locked(record, {*wanted, *held}, known=held)
    if new is not None and wanted:
        named = [slots[key] for key in wanted if key in slots]
        _check_times(new, named)
        _check_facility(new, named)
        if record.actor.role == "citizen" and not had:
            _check_asked(record, new, named)
    if old is not None and new is not None and record.actor.role in policies.BOUND:
        _check_cut_off(record, old, new, slots)
    given_back = [key for key in held if key not in wanted]
    freed = [key for key in given_back if ledger.release(record, key, slots.get(key), one.id)]
    for slot_id in wanted:
        if slot_id not in held and slot_id in slots and new is not None:
            _take(record, slots[slot_id], new, loaded=slot_id in had)
    for slot_id in freed:
        if slot_id in slots:
            waiting.offer_next(record, slots[slot_id])
    _tell(record, one)


def _same_seat(old: Appointment, new: Appointment) -> bool:
    """Whether what was asked of its seats when they were taken is asked of nothing new.

    A booking that is confirmed, or whose person has come, keeps them as they are; who holds the appointment's row
    holds them, for no one else takes or gives back a seat of it.
    """
    return (old.start, old.end, facility_of(old)) == (new.start, new.end, facility_of(new))


def guard_visit(record: Record, before: Resource | None, after: Resource | None) -> None:
    """Somebody who walks in takes the next seat that is left for them, where there is one; see ``walking_in``."""
    old = before if isinstance(before, Encounter) else None
    new = after if isinstance(after, Encounter) else None
    walking_in.follow(record, old, new)


def _tell(record: Record, appointment: Appointment) -> None:
    """Open pages of the desk and of the person fetch themselves again once this is committed."""
    topics = [f"screening:{facility_of(appointment)}", f"person:{rules.patient_id_of(appointment)}"]
    execute(record.connection, _TOLD, (topics,)).fetchall()


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


def _check_times(appointment: Appointment, slots: Sequence[Held]) -> None:
    if not slots:
        return
    starts, ends = min(one.starts for one in slots), max(one.ends for one in slots)
    said = (appointment.start, appointment.end)
    if None in said or (rules.moment(str(said[0])), rules.moment(str(said[1]))) != (starts, ends):
        raise Invalid(
            "booking.times-differ",
            "Start and end of the appointment must be those of its slot: "
            f"{rules.instant(starts)} to {rules.instant(ends)}.",
            path="Appointment.start",
        )


def _check_facility(appointment: Appointment, slots: Sequence[Held]) -> None:
    own = facility_of(appointment)
    for one in slots:
        kept = facility_of(one.slot)
        if kept is not None and own != kept:
            raise Invalid(
                "booking.facility-differs",
                f"The slot is of facility '{kept}': tag the appointment with it (system {rules.FACILITY_TAG}).",
                path="Appointment.meta.tag",
                facility=kept,
            )


def _check_asked(record: Record, asked: Appointment, slots: Sequence[Held]) -> None:
    """What a citizen asks for, whichever way it comes: with whom the slot is, and no more open than one may have."""
    who = rules.practitioner_id_of(asked)
    if who and any(one.practitioner_id not in ("", who) for one in slots):
        raise Invalid(
            "booking.practitioner-differs",
            "The appointment must name the practitioner of its slot, or none.",
            path="Appointment.participant",
        )
    _check_number(asked)
    patient = rules.patient_id_of(asked) or ""
    execute(record.connection, _ONE_BY_ONE, (f"booking.person/{patient}",)).fetchone()
    actions.check_count(record, patient, series=_joined(record, asked, slots))


def _joined(record: Record, asked: Appointment, slots: Sequence[Held]) -> str:
    """The series a citizen's request belongs to: one whose times the house took for it just now (``series.book``).

    Raises Forbidden ``booking.citizen-series``.
    """
    joined = rules.series_of(asked)
    if not joined:
        return ""
    owner = ledger.owner_of(record.actor)
    for one in slots:
        here = ledger.seats_around(record, slots=[one.id], starts=one.starts, ends=one.starts)
        if not any((seat.kind, seat.holder, seat.owner) == ("hold", joined, owner) for seat in here):
            raise Forbidden(
                "booking.citizen-series",
                rules.CITIZEN_WORDS["booking.citizen-series"],
                path="Appointment.identifier",
            )
    return joined


def _check_number(asked: Appointment) -> None:
    """The number the desk is to call must be one that can be dialled."""
    said = actions.call_back_of(asked)
    if said and not NUMBER.fullmatch(said):
        raise Invalid(
            "booking.call-back",
            "The number to call back has 3 to 15 digits, perhaps with + before them.",
            path="Appointment.extension",
        )


def _check_cut_off(record: Record, old: Appointment, new: Appointment, slots: Mapping[str, Held]) -> None:
    """Until when a citizen or an outside system may call off what is booked."""
    if new.status != "cancelled" or old.status not in rules.OPEN:
        return
    for one in slots.values():
        refusal = policies.cancel_refusal(one.starts, one.policy, now=record.clock())
        if refusal is not None:
            raise Conflict(
                refusal,
                "It is too late to call this off here. Telephone the facility.",
                path="Appointment.status",
                until=rules.instant(one.starts - one.policy.cancel_before),
            )


def taker_of(record: Record, appointment: Appointment) -> Taker:
    """Who an appointment takes a seat for, and which holds and offers are its own."""
    role = record.actor.role
    tags = appointment.meta.tag if appointment.meta else []
    said = next((one.code or "" for one in tags if one.system == CHANNEL_TAG), "")
    owners = {ledger.owner_of(record.actor)}
    phone = next((one.valueContactPoint for one in appointment.extension if one.url == CALL_BACK), None)
    if role != "citizen" and phone is not None and phone.value:
        owners.add(ledger.owner_by_phone(phone.value))
    reason = next((one.valueString for one in appointment.extension if one.url == capacity.OVERBOOKED), None)
    return Taker(
        "booking",
        appointment.id or "",
        patient_id=rules.patient_id_of(appointment) or "",
        channel=capacity.channel_of(role, said),
        owners=frozenset(owners),
        reason=reason or "",
        role=role,
    )


def _take(record: Record, held: Held, appointment: Appointment, *, loaded: bool) -> None:
    """Write the seat. ``loaded``: the appointment named this slot before the house kept seats, as after an import."""
    trusted = loaded or record.actor.role == "system"
    now = record.clock()
    if not trusted and rules.is_past(held.starts, held.ends, now=now, by=record.actor.role):
        raise Invalid(
            "booking.slot-past", "The slot lies in the past. Choose a later one.", path="Appointment.slot"
        )
    taker = taker_of(record, appointment)
    around = ledger.seats_near(record, held)
    # Promised to them already: their hold or offer still runs, of whichever way in it was made.
    own = next((one for one in around if one.slot_id == held.id and taker.owns(one)), None)
    promised = own is not None
    if own is not None and own.kind == "hold" and record.actor.role == "citizen":
        taker = replace(taker, channel=own.channel)
    if record.actor.role in policies.BOUND and not promised:
        ledger.check_asking(held, now=now, path="Appointment.slot")
    ledger.take(record, held, taker, trusted=trusted, around=around)


GUARDS: Final[Mapping[str, Sequence[Guard]]] = {
    "Appointment": (guard_appointment, outward.note_change, news.note_news),
    "Encounter": (guard_visit,),
    **directory.GUARDS,
    "Schedule": (timetable_guards.guard_schedule, directory.follow_schedule),
    "Slot": (timetable_guards.guard_slot, directory.follow_slot),
}


def guards() -> Mapping[str, Sequence[Guard]]:
    """The area's guards by resource type; the site merges those of all areas."""
    return GUARDS
