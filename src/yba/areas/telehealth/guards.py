"""What ends a call whichever way the visit ends: signed in the note, or cancelled over FHIR, nobody gets in any more.

The record calls the guard inside the transaction of every write of an Encounter, on its own connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from yba.areas.telehealth import rules
from yba.areas.telehealth.chat.guards import guard_binary, guard_communication
from yba.care.remote import mode
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Resource
from yba.fhir.r4.encounter import Encounter
from yba.fhir.record import Guard, Record
from yba.fhir.store.rows import execute

_OVER: Final = frozenset({"finished", "cancelled", "entered-in-error"})
_OFF: Final = frozenset({"cancelled", "noshow", "entered-in-error"})
_CLOSE: Final = """
update telehealth_room set ended_at = %s, state = case when state in ('rebooked', 'missed') then state else 'ended' end
 where encounter_id = %s and ended_at is null
returning name::varchar, practitioner_id::varchar"""
_CALL_OFF: Final = """
update telehealth_room set ended_at = %s where appointment_id = %s and ended_at is null
returning name::varchar, practitioner_id::varchar"""
_LEFT: Final = """
update telehealth_presence set left_at = %s
  from telehealth_seat, telehealth_room
 where telehealth_presence.seat_id = telehealth_seat.id and telehealth_seat.room_id = telehealth_room.id
   and telehealth_room.encounter_id = %s and telehealth_presence.left_at is null
returning telehealth_presence.id"""


def guard_encounter(record: Record, before: Resource | None, after: Resource | None) -> None:
    """Close the room of a visit by video that is over."""
    old = before if isinstance(before, Encounter) else None
    new = after if isinstance(after, Encounter) else None
    one = new or old
    if one is None or one.class_.code != "VR" or (new is not None and new.status not in _OVER):
        return
    now = record.clock()
    execute(record.connection, _LEFT, (now, one.id)).fetchall()
    for name, practitioner in execute(record.connection, _CLOSE, (now, one.id)).fetchall():
        for topic in (f"call:{name}", f"video:{practitioner}"):
            execute(record.connection, "select pg_notify('yba_live', %s)", (topic,)).fetchone()


def guard_appointment(record: Record, before: Resource | None, after: Resource | None) -> None:
    """Close the room of a booking that is called off or moved: whoever sits there is told so."""
    old = before if isinstance(before, Appointment) else None
    new = after if isinstance(after, Appointment) else None
    if old is None or not mode.is_video(old):
        return
    if new is not None and new.status not in _OFF and rules.hours_of(new) == rules.hours_of(old):
        return
    now = record.clock()
    for name, practitioner in execute(record.connection, _CALL_OFF, (now, old.id)).fetchall():
        for topic in (f"call:{name}", f"video:{practitioner}"):
            execute(record.connection, "select pg_notify('yba_live', %s)", (topic,)).fetchone()


GUARDS: Final[Mapping[str, Sequence[Guard]]] = {
    "Encounter": (guard_encounter,),
    "Appointment": (guard_appointment,),
    "Communication": (guard_communication,),
    "Binary": (guard_binary,),
}
