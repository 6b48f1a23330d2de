"""Any doctor of a specialty: the one with the fewest people in that session is chosen and taken in one transaction.

Who could be chosen at that hour is locked first, then counted, then chosen: two who ask at once are counted one after
the other. Equal counts are told apart by the day's count, then by an order that turns with the day, so that nobody is
always first.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from yba.areas.booking import actions, capacity, choosing, directory, ledger, policies, queries, rules
from yba.areas.booking import beyond as over
from yba.areas.booking.free import free_for, full_for
from yba.areas.booking.ledger import Held
from yba.areas.booking.queries import FreeSlot
from yba.fhir.errors import Conflict
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record
from yba.fhir.store.rows import execute
from yba.ui.words import HANOI, local_day

#: A session ends, and the next begins, at this hour.
NOON: Final = 12
_AT: Final = """
select t.slot_id::varchar, t.starts from booking_opentime t join booking_post p on p.role_id = t.role_id
 where p.active and p.facility = %(facility)s and p.specialty = %(specialty)s and t.open and t.in_use
   and t.starts >= %(first)s and t.starts < %(last)s
   and (not %(bound)s::bool or (t.asked_until >= %(now)s and t.asked_from <= %(now)s))
   and (t.kept = '' or t.kept = %(share)s::text or t.kept_until <= %(now)s)
 order by t.starts, t.slot_id"""
_ROLES: Final = """
select role_id::varchar from booking_post where active and facility = %s and specialty = %s order by role_id"""
_TAKEN: Final = """
select practitioner_id::varchar, starts from booking_seat
 where practitioner_id = any(%s::text[]) and starts >= %s and starts < %s
   and (expires_at is null or expires_at > %s)"""


def times(
    record: Record,
    *,
    facility: str,
    specialty: str,
    days: int = rules.HORIZON_DAYS,
    owners: Collection[str] = (),
    way: str = "",
) -> list[FreeSlot]:
    """The times at which somebody of the specialty is free, each once; its id is the moment, not a slot's.

    Of each time one slot is asked of the ledger, another where that is taken after all: not all of forty doctors'.
    """
    directory.catch_up(record, most=directory.WHILE_READING)
    now = record.clock()
    waiting: dict[datetime, list[str]] = {}
    for identifier, starts in _open(record, facility, specialty, now, now + timedelta(days=days), way):
        waiting.setdefault(starts, []).append(identifier)
    ends: dict[datetime, datetime] = {}
    while waiting:
        slots = choosing.slots_by_id(record, sorted(ids.pop() for ids in waiting.values()))
        left = free_for(record, slots, owners=owners, way=way)
        for one in slots:
            if one.id in left:
                ends[rules.moment(one.start or "")] = rules.moment(one.end or "")
        waiting = {at: ids for at, ids in waiting.items() if ids and at not in ends}
    return [FreeSlot(rules.instant(at), at, ends[at]) for at in sorted(ends)]


def _open(
    record: Record, facility: str, specialty: str, first: datetime, last: datetime, way: str
) -> list[tuple[str, datetime]]:
    """What stands open by the copies: slot and moment."""
    params = {
        "facility": facility, "specialty": specialty, "first": first, "last": last, "now": record.clock(),
        "bound": record.actor.role in policies.BOUND,
        "share": capacity.share_of(way or capacity.channel_of(record.actor.role, "")),
    }  # fmt: skip
    rows = execute(record.connection, _AT, params, prepare=False).fetchall()
    return [(str(row[0]), row[1]) for row in rows]


def _free(
    record: Record,
    facility: str,
    specialty: str,
    first: datetime,
    last: datetime,
    owners: Collection[str],
    way: str,
) -> list[Slot]:
    ids = [one for one, _starts in _open(record, facility, specialty, first, last, way)]
    slots = choosing.slots_by_id(record, ids)
    left = free_for(record, slots, owners=owners, way=way)
    return [one for one in slots if one.id in left]


def book(
    record: Record,
    *,
    facility: str,
    specialty: str,
    starts: datetime,
    patient_id: str,
    once: str = "",
    confirmed: bool = False,
    beyond: str = "",
    **said: Any,
) -> Appointment:
    """Book whoever of the specialty has the fewest people in that session; ``confirmed``: for a caller, at once.

    ``beyond``: why one more than the seats is taken where nobody is free any more; of those whose timetable lets the
    role add one, again who has the fewest.

    The same ``once`` answers the same booking. Raises Conflict ``booking.none-free`` where nobody is free then, and as
    ``actions.book_appointment`` does.
    """
    act = actions.book_for_caller if confirmed else actions.book_appointment
    known = _known(record, once)
    if known is not None:
        return known
    directory.catch_up(record, most=directory.WHILE_READING)
    with record.atomic():
        try:
            chosen, reason = choose(record, facility=facility, specialty=specialty, starts=starts), ""
        except Conflict:
            if not beyond:
                raise
            chosen, reason = _choose_full(record, facility, specialty, starts), beyond
        return act(record, slot_id=chosen, patient_id=patient_id, once=once, beyond=reason, **said)


def _known(record: Record, once: str) -> Appointment | None:
    key = f"{rules.REQUEST_KEY}|{record.actor.user}.{once}"
    return record.first(Appointment, ("identifier", key)) if once else None


def choose(
    record: Record,
    *,
    facility: str,
    specialty: str,
    starts: datetime,
    owners: Collection[str] = (),
    way: str = "",
) -> str:
    """The slot of the one who is to see this person, its row locked. Use inside ``atomic``."""
    own = {ledger.owner_of(record.actor), *owners}
    last = starts + timedelta(seconds=1)
    candidates = [one.id or "" for one in _free(record, facility, specialty, starts, last, own, way)]
    held = ledger.locked(record, candidates, known=candidates)
    # What was free before the locks may be taken now: asked again, of the rows as they are.
    now_free = free_for(record, [one.slot for one in held.values()], owners=own, way=way)
    found = _fairest(record, [one for key, one in held.items() if key in now_free])
    if not found:
        raise _none_free(starts)
    return found[0].id


def _none_free(starts: datetime) -> Conflict:
    return Conflict(
        "booking.none-free",
        f"Nobody of this specialty is free at {rules.instant(starts)} any more. Choose another time.",
        path="Appointment.slot",
        start=rules.instant(starts),
    )


def _choose_full(record: Record, facility: str, specialty: str, starts: datetime) -> str:
    """The same among those booked out then whose timetable lets the role add one more that day, locked."""
    roles = [row[0] for row in execute(record.connection, _ROLES, (facility, specialty)).fetchall()]
    schedules = [one for some in queries.schedules_of(record, roles).values() for one in some]
    could = [one for one in over.full_times(record, schedules) if one.slot.start == starts]
    ids = [one.slot.id for one in could if one.left.left]
    held = ledger.locked(record, ids, known=ids)
    full = full_for(record, [one.slot for one in held.values()])
    found = _fairest(record, [one for key, one in held.items() if key in full])
    if found:
        return found[0].id
    allowed = sum(one.left.allowed for one in could)
    if allowed:
        raise Conflict(
            "booking.overbooked",
            f"All {allowed} bookings beyond the seats that may be added to these timetables that day are used.",
            path="Appointment.slot",
            allowed=allowed,
        )
    raise _none_free(starts)


def _fairest(record: Record, held: Sequence[Held]) -> list[Held]:
    """By how many each has in the session, then on the day, then in an order that turns with the day."""
    if not held:
        return []
    day = local_day(held[0].starts)
    first, last = rules.day_bounds(day)
    who = sorted({one.practitioner_id for one in held})
    rows = execute(record.connection, _TAKEN, (who, first, last, record.clock())).fetchall()
    morning = _is_morning(held[0].starts)
    in_session = Counter(str(name) for name, at in rows if _is_morning(at) == morning)
    in_day = Counter(str(name) for name, _at in rows)

    def key(one: Held) -> tuple[int, int, int, str]:
        turn = zlib.crc32(f"{day.isoformat()}/{one.practitioner_id}".encode())
        return in_session[one.practitioner_id], in_day[one.practitioner_id], turn, one.id

    return sorted(held, key=key)


def _is_morning(at: datetime) -> bool:
    return at.astimezone(HANOI).hour < NOON
