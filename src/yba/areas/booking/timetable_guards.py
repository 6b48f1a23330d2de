"""What holds a facility's timetables and times to itself, whichever way they are written: page, FHIR, bundle.

A time of one facility in the timetable of another would be booked as the other's doctor and open the chart to the
first. The record calls the guards before every write of a Slot or a Schedule; rules of the house (``opening``, the
ledger) write as the system and are not asked.
"""

from __future__ import annotations

from typing import Final, TypeVar

from yba.areas.booking import queries, rules
from yba.fhir.errors import Conflict, Gone, Invalid, NotFound
from yba.fhir.r4.datatypes import Reference, Resource
from yba.fhir.r4.location import Location
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record, facility_of
from yba.fhir.store.rows import execute

_BOOKED: Final = """
select 1 from booking_seat where slot_id = %s and (expires_at is null or expires_at > %s) limit 1"""


def guard_slot(record: Record, before: Resource | None, after: Resource | None) -> None:
    """A time stands in a timetable of its own facility, and stays what it is while somebody has it.

    Raises Invalid ``booking.timetable-differs``; Conflict ``booking.slot-in-use``.
    """
    if record.actor.role == "system":
        return
    old = before if isinstance(before, Slot) else None
    new = after if isinstance(after, Slot) else None
    if new is not None and (old is None or old.schedule != new.schedule):
        schedule = _of_house(record, Schedule, new.schedule)
        if schedule is None or facility_of(schedule) not in (None, facility_of(new)):
            raise Invalid(
                "booking.timetable-differs",
                "A Slot names a Schedule of its own facility.",
                path="Slot.schedule",
            )
    if old is not None and (new is None or _times(old) != _times(new)) and _is_taken(record, old):
        raise Conflict(
            "booking.slot-in-use",
            "Somebody has this time. Move or call off what is booked there, then change the Slot.",
            path="Slot.start",
            slot=old.id,
        )


def guard_schedule(record: Record, before: Resource | None, after: Resource | None) -> None:
    """A timetable is of people and rooms of its own facility. Raises Invalid ``booking.actor-elsewhere``."""
    if record.actor.role == "system" or not isinstance(after, Schedule):
        return
    if isinstance(before, Schedule) and before.actor == after.actor:
        return
    facility = facility_of(after) or ""
    for at, actor in enumerate(after.actor):
        if not _is_here(record, actor, facility):
            raise Invalid(
                "booking.actor-elsewhere",
                "A Schedule names practitioners, roles and rooms of its own facility.",
                path=f"Schedule.actor[{at}]",
            )


def _times(slot: Slot) -> tuple[object, ...]:
    return rules.moment(slot.start or ""), rules.moment(slot.end or ""), slot.schedule.reference


def _is_taken(record: Record, slot: Slot) -> bool:
    return execute(record.connection, _BOOKED, (slot.id, record.clock())).fetchone() is not None


def _is_here(record: Record, actor: Reference, facility: str) -> bool:
    """Whether somebody or something works at a facility; of other kinds (a service, a device) nothing is asked."""
    if queries.target_id(actor, "PractitionerRole"):
        role = _of_house(record, PractitionerRole, actor)
        return role is not None and facility in (
            facility_of(role), queries.target_id(role.organization, "Organization"),
        )  # fmt: skip
    if queries.target_id(actor, "Location"):
        room = _of_house(record, Location, actor)
        return room is not None and facility_of(room) in (None, facility)
    practitioner = queries.target_id(actor, "Practitioner")
    if not practitioner:
        return True
    found = record.as_system().find(PractitionerRole, ("practitioner", f"Practitioner/{practitioner}"))
    return any(
        facility in (facility_of(one), queries.target_id(one.organization, "Organization")) for one in found
    )


R = TypeVar("R", Schedule, PractitionerRole, Location)


def _of_house(record: Record, kind: type[R], found: Reference) -> R | None:
    key = queries.target_id(found, kind.__name__)
    try:
        return record.as_system().read(kind, key) if key else None
    except (NotFound, Gone):
        return None
