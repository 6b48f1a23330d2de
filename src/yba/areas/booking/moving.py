"""Another time for a booking, by its person or by staff: cut-offs, so many moves, and the override with its reason.

A citizen may not change an Appointment by a bare write (``rules.citizen_refusal``): the move is a rule of the house,
which checks it here and acts as the system with who asked as its origin. It asks the door whether they may change this
booking at all. A booking stays at its facility, and moved by its person with its practitioner: what one desk confirmed
is no appointment with another. The old time is held until the new one is.
"""

from __future__ import annotations

from typing import Final

from yba.areas.booking import actions, free, holds, ledger, policies, queries, rules
from yba.areas.booking.actions import Outcome
from yba.areas.booking.models import Contact
from yba.fhir.errors import Conflict, Invalid
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Extension
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record, check_right, facility_of
from yba.ui import words

#: How often the booking has been moved by its person (unsignedInt), on the Appointment.
MOVES: Final = "https://yba.vn/fhir/extension/appointment-moves"


def moves_of(appointment: Appointment) -> int:
    """How often it has been moved."""
    return next((one.valueUnsignedInt or 0 for one in appointment.extension if one.url == MOVES), 0)


def reschedule(
    record: Record, appointment_id: str, *, slot_id: str, reason: str = "", called_from: tuple[str, ...] = ()
) -> Outcome:
    """Move a booking the actor may see to another slot; the same slot again changes nothing.

    ``reason``: why; staff must say it where the moves are used up or it is too late, and it is written down.
    Raises Conflict ``booking.slot-taken``, ``booking.moves-used``, ``booking.move-late``, ``booking.too-late``, ...;
    NotFound; Forbidden.
    """
    with record.atomic():
        system = record.as_system()
        check_right(record, "Appointment", appointment_id, interaction="update")
        found = system.lock(Appointment, record.read(Appointment, appointment_id).id or "")
        if found.status not in rules.OPEN:
            return Outcome("cancelled", found)
        if rules.slot_id_of(found) == slot_id:
            return Outcome("already", found)
        current = ledger.held_by(record, appointment_id)
        slots = ledger.locked(record, {slot_id, *current}, known=current)
        _check_place(record, found, slots[slot_id])
        overridden = check_move(record, found, slots, current, reason)
        _check_new(record, slots[slot_id], called_from)
        stored, slot = moved(system, found, slot_id)
        note = " · ".join(filter(None, [words.when(slot.start or ""), reason]))
        actions.note_contact(
            record, stored, Contact.Kind.OVERRIDDEN if overridden else Contact.Kind.MOVED, note=note
        )
        told = "moved" if stored.status == "booked" else "request-moved"
        actions.tell_person(record, stored, kind=told)
        return Outcome("done", stored)


def moved(system: Record, found: Appointment, slot_id: str) -> tuple[Appointment, Slot]:
    """The booking at another time, counted as one more move; what may be moved has been asked before."""
    time = queries.time_of(system, slot_id)
    actions.place_again(system, found, time)
    others = [one for one in actions.without_beyond(found) if one.url != MOVES]
    found.extension = [*others, Extension(url=MOVES, valueUnsignedInt=moves_of(found) + 1)]
    return system.update(found), time.slot


def _check_place(record: Record, found: Appointment, new: ledger.Held) -> None:
    """The same facility; for its person the same practitioner too. Raises Conflict ``booking.move-elsewhere``."""
    here = facility_of(new.slot) in (None, facility_of(found))
    who = rules.practitioner_id_of(found)
    same = not who or not new.practitioner_id or who == new.practitioner_id
    if not here or (record.actor.role == "citizen" and not same):
        raise Conflict(
            "booking.move-elsewhere",
            "A booking is moved to another time of the same practitioner here. Book there, and call this one off.",
            path="Appointment.slot",
        )


def check_move(
    record: Record, found: Appointment, slots: dict[str, ledger.Held], current: list[str], reason: str
) -> bool:
    """Whether the rules of the old time had to be set aside; raises where they may not be."""
    old = next((slots[one] for one in current if one in slots), None)
    if old is None:
        return False
    refusal = policies.move_refusal(old.starts, old.policy, moves=moves_of(found), now=record.clock())
    if refusal is None:
        return False
    if record.actor.role not in policies.BOUND and reason:
        return True
    raise move_error(refusal, old, bound=record.actor.role in policies.BOUND)


def move_error(refusal: str, old: ledger.Held, *, bound: bool) -> Conflict:
    """The refusal of a move, with what to do."""
    then = "Telephone the facility." if bound else "Say why it must be moved all the same."
    if refusal == "booking.moves-used":
        said = f"This booking has been moved {old.policy.most_moves} times already, as often as it may be. {then}"
        return Conflict(refusal, said, path="Appointment.slot", moves=old.policy.most_moves)
    until = rules.instant(old.starts - old.policy.move_before)
    return Conflict(refusal, f"It could be moved until {until}. {then}", path="Appointment.slot", until=until)


def _check_new(record: Record, held: ledger.Held, called_from: tuple[str, ...]) -> None:
    """The new time must be one the actor could ask for; what they hold there is theirs."""
    now, role = record.clock(), record.actor.role
    if rules.is_past(held.starts, held.ends, now=now, by=role):
        raise Invalid(
            "booking.slot-past", "The slot lies in the past. Choose a later one.", path="Appointment.slot"
        )
    owners = frozenset().union(
        holds.owners_of(record), *(holds.owners_of(record, phone=one) for one in called_from)
    )
    own = [one for one in holds.own_holds(record, owners) if held.id in one.slots]
    if role in policies.BOUND and not own:
        ledger.check_asking(held, now=now, path="Appointment.slot")
    if held.slot.status in ledger.SHUT or not free.free_for(record, [held.slot], owners=owners):
        raise ledger.taken_error(held.slot)
    for one in own:
        ledger.release(record, held.id, held, one.id)
