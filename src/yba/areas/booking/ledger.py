"""The one ledger of capacity: whoever takes a seat takes it here, and whoever asks what is left asks here.

Order of every change: the slots' rows in the order of their ids, then the practitioners and rooms they are of (by
name), then what is read, then what is written. Whoever changes several slots asks for all of them at once (``locked``).
A seat whose time is over counts no more, whether or not it has been swept away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from django.utils.crypto import salted_hmac

from yba.areas.booking import capacity, policies, rules
from yba.areas.booking.capacity import Places
from yba.areas.booking.policies import Policy, policy_of
from yba.fhir.access import Actor
from yba.fhir.errors import Conflict, Gone, Invalid, NotFound
from yba.fhir.model import references
from yba.fhir.r4.location import Location
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record
from yba.fhir.store.rows import execute
from yba.ui.words import local_day

Kind = Literal["booking", "hold", "offer", "walk-in"]
#: Of a Location: how many visits go on in it at once (positiveInt); none: one.
AT_ONCE: Final = "https://yba.vn/fhir/extension/visits-at-once"
#: States of a slot that no ledger opens again: closed by hand, or a mistake.
SHUT: Final = frozenset({"busy-unavailable", "entered-in-error"})

_LOCK: Final = """
select pg_advisory_xact_lock(hashtextextended(key, 2))
  from (select key from unnest(%s::text[]) key order by key collate "C") x"""
_OVER: Final = "delete from booking_seat where slot_id = any(%s::text[]) and expires_at <= %s"
_SEATS: Final = """
select slot_id::varchar, seat_no, kind::varchar, holder::varchar, owner::varchar, patient_id::varchar,
       channel::varchar, over, practitioner_id::varchar, location_id::varchar, starts, ends
  from booking_seat
 where (expires_at is null or expires_at > %(now)s) and (slot_id = any(%(slots)s::text[])
    or (practitioner_id = any(%(practitioners)s::text[]) and starts < %(ends)s and ends > %(starts)s
        and starts > %(before)s)
    or (location_id = any(%(locations)s::text[]) and starts < %(ends)s and ends > %(starts)s
        and starts > %(before)s))
 order by slot_id, seat_no"""
_HELD: Final = "select slot_id::varchar from booking_seat where holder = %s order by slot_id"
_TAKE: Final = """
insert into booking_seat (slot_id, seat_no, kind, holder, owner, patient_id, schedule_id, practitioner_id, location_id,
                          channel, over, starts, ends, taken_at, expires_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (slot_id, seat_no) do nothing
returning slot_id::varchar"""
_RELEASE: Final = "delete from booking_seat where slot_id = %s and holder = %s returning slot_id::varchar"
_OVERBOOKED: Final = """
select count(*) from booking_seat
 where schedule_id = %s and over and starts >= %s and starts < %s and (expires_at is null or expires_at > %s)"""
#: No visit is longer: bounds what is looked through for overlaps.
LONGEST: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Seat:
    """One taken seat."""

    slot_id: str
    number: int
    kind: str
    holder: str
    owner: str
    patient_id: str
    channel: str
    over: bool
    practitioner_id: str
    location_id: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Taker:
    """Who takes a seat. ``owners``: whose holds are this one's own; ``reason``: why one more than the seats."""

    kind: Kind
    holder: str
    patient_id: str = ""
    channel: str = "app"
    owners: frozenset[str] = frozenset()
    owner: str = ""
    expires_at: datetime | None = None
    reason: str = ""
    role: str = ""

    def owns(self, seat: Seat) -> bool:
        """Whether a seat is this one's own already: its hold, or what it was offered."""
        return (
            seat.holder == self.holder
            or (seat.kind == "hold" and seat.owner in self.owners)
            or (seat.kind == "offer" and bool(self.patient_id) and seat.patient_id == self.patient_id)
        )


@dataclass(frozen=True, slots=True)
class Held:
    """A slot whose row is locked, with whose time it is."""

    slot: Slot
    places: Places
    schedule_id: str
    practitioner_id: str
    location_id: str
    policy: Policy

    @property
    def id(self) -> str:
        return self.slot.id or ""

    @property
    def starts(self) -> datetime:
        return rules.moment(self.slot.start or "")

    @property
    def ends(self) -> datetime:
        return rules.moment(self.slot.end or "")

    @property
    def busy_from(self) -> datetime:
        return self.starts - self.places.rest_before

    @property
    def busy_until(self) -> datetime:
        return self.ends + self.places.rest_after


# -- whose holds -----------------------------------------------------------------------------------------


def owner_of(actor: Actor) -> str:
    """The account, as the owner of holds."""
    return f"account:{actor.user}"


def owner_by_phone(phone: str) -> str:
    """A telephone number as the owner of holds; the number itself is not kept."""
    return f"phone:{salted_hmac('booking.hold', phone, algorithm='sha256').hexdigest()}"


# -- locks -----------------------------------------------------------------------------------------------


def locked(record: Record, slot_ids: Iterable[str], *, known: Collection[str] = ()) -> dict[str, Held]:
    """The slots with their rows locked, then their practitioners and rooms; those of ``known`` may be gone.

    Raises Invalid ``booking.slot-unknown``. Use inside ``atomic``; call it once for all slots of an act.
    """
    system = record.as_system()
    found: dict[str, Held] = {}
    schedules: dict[str, Schedule | None] = {}
    for slot_id in sorted(set(slot_ids)):
        slot = _lock(system, slot_id, known=slot_id in known)
        if slot is not None:
            found[slot_id] = _held(system, slot, schedules)
    execute(record.connection, _LOCK, (list(_keys(found.values())),)).fetchall()
    execute(record.connection, _OVER, (list(found), record.clock()))
    return found


def _lock(system: Record, slot_id: str, *, known: bool) -> Slot | None:
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


def _held(system: Record, slot: Slot, schedules: dict[str, Schedule | None]) -> Held:
    target = references.target(slot.schedule)
    schedule_id = target[1] if target is not None else ""
    if schedule_id not in schedules:
        schedules[schedule_id] = _schedule(system, schedule_id)
    schedule = schedules[schedule_id]
    return Held(
        slot,
        capacity.places_of(slot),
        schedule_id,
        actor_of(schedule, "Practitioner"),
        actor_of(schedule, "Location"),
        policy_of(schedule),
    )


def _schedule(system: Record, schedule_id: str) -> Schedule | None:
    try:
        return system.read(Schedule, schedule_id) if schedule_id else None
    except (NotFound, Gone):
        return None


def actor_of(schedule: Schedule | None, kind: str) -> str:
    """The practitioner or the room a timetable is of."""
    for actor in schedule.actor if schedule is not None else ():
        found = references.target(actor)
        if found is not None and found[0] == kind:
            return found[1]
    return ""


def _keys(held: Iterable[Held]) -> set[str]:
    keys = set()
    for one in held:
        keys |= {f"booking.practitioner/{one.practitioner_id}"} if one.practitioner_id else set()
        keys |= {f"booking.room/{one.location_id}"} if one.location_id else set()
    return keys


# -- reading ---------------------------------------------------------------------------------------------


def seats_around(
    record: Record,
    *,
    slots: Sequence[str],
    practitioners: Collection[str] = (),
    locations: Collection[str] = (),
    starts: datetime,
    ends: datetime,
) -> list[Seat]:
    """Every seat that counts: of these slots, and of these practitioners and rooms between two moments."""
    params = {
        "now": record.clock(), "slots": list(slots), "practitioners": sorted(filter(None, practitioners)),
        "locations": sorted(filter(None, locations)), "starts": starts, "ends": ends, "before": starts - LONGEST,
    }  # fmt: skip
    return [Seat(*row) for row in execute(record.connection, _SEATS, params).fetchall()]


def held_by(record: Record, holder: str) -> list[str]:
    """The slots something holds."""
    return [str(row[0]) for row in execute(record.connection, _HELD, (holder,)).fetchall()]


def used(seats: Iterable[Seat]) -> Mapping[str, int]:
    """How many seats each way in has taken; those beyond the seats do not count."""
    return Counter(capacity.share_of(one.channel) for one in seats if not one.over)


# -- taking ----------------------------------------------------------------------------------------------


def seats_near(record: Record, held: Held) -> list[Seat]:
    """Every seat that bears on a locked slot: its own, and those of its practitioner and room at its time."""
    return seats_around(
        record, slots=[held.id], practitioners=[held.practitioner_id], locations=[held.location_id],
        starts=held.busy_from, ends=held.busy_until,
    )  # fmt: skip


def take(
    record: Record,
    held: Held,
    taker: Taker,
    *,
    trusted: bool = False,
    around: Sequence[Seat] | None = None,
) -> None:
    """Take a seat of a locked slot, or say no. What the taker held or was offered there becomes this seat.

    ``trusted``: the slot may be past or marked busy by whoever it was imported from. ``around``: ``seats_near``, read
    since the slot was locked and nothing written since. Raises Conflict
    ``booking.slot-taken``, ``booking.kept`` (the seats left are kept for another way in), ``booking.overbooked``.
    """
    around = seats_near(record, held) if around is None else around
    own = [
        one for one in around if one.slot_id == held.id and taker.owns(one) and one.kind in ("hold", "offer")
    ]
    here = [one for one in around if one.slot_id == held.id and one not in own]
    others = [one for one in around if one.slot_id != held.id and not taker.owns(one)]
    shut = held.slot.status in SHUT or (held.slot.status == "busy" and not here)
    if (shut and not trusted) or _excluded(record, held, others):
        raise taken_error(held.slot)
    over = _may_take(record, held, taker, here)
    for one in own:
        execute(record.connection, _RELEASE, (held.id, one.holder)).fetchone()
    number = next(one for one in range(1, len(here) + 2) if one not in {seat.number for seat in here})
    params = (
        held.id, number, taker.kind, taker.holder, taker.owner, taker.patient_id, held.schedule_id,
        held.practitioner_id, held.location_id, taker.channel, over, held.busy_from, held.busy_until, record.clock(),
        taker.expires_at,
    )  # fmt: skip
    if execute(record.connection, _TAKE, params).fetchone() is None:
        raise taken_error(held.slot)
    _show(record, held, [*((one.kind, one.over) for one in here), (taker.kind, over)])


def _may_take(record: Record, held: Held, taker: Taker, here: Sequence[Seat]) -> bool:
    """Whether it is one more than the seats. Raises where it may not be."""
    kept, taken = held.places.kept_at(record.clock()), used(here)
    share = capacity.share_of(taker.channel)
    if capacity.left_for(share, seats=held.places.seats, kept=kept, used=taken) > 0:
        return False
    full = sum(taken.values()) >= held.places.seats
    if taker.reason and _may_overbook(record, held, taker):
        return full
    if not full:
        raise Conflict(
            "booking.kept",
            f"The seats left at {held.slot.start} are kept for another way in. Choose another time.",
            path="Appointment.slot",
            slot=held.id,
            start=held.slot.start,
        )
    raise taken_error(held.slot)


def _may_overbook(record: Record, held: Held, taker: Taker) -> bool:
    """Whether the role may take one more today. Raises Conflict when it has used all it may."""
    allowed = held.policy.overbooking.get(taker.role, 0)
    if not allowed:
        return False
    first, last = rules.day_bounds(local_day(held.starts))
    params = (held.schedule_id, first, last, record.clock())
    row = execute(record.connection, _OVERBOOKED, params).fetchone()
    if row is not None and int(row[0]) >= allowed:
        raise Conflict(
            "booking.overbooked",
            f"This timetable has {row[0]} bookings beyond its seats on that day already; {allowed} are allowed.",
            path="Appointment.slot",
            allowed=allowed,
        )
    return True


def _excluded(record: Record, held: Held, others: Sequence[Seat]) -> bool:
    """Whether the practitioner sees somebody else then, or the room is in use, by this timetable or another."""
    if held.practitioner_id and any(one.practitioner_id == held.practitioner_id for one in others):
        return True
    if not held.location_id:
        return False
    rooms = {one.slot_id for one in others if one.location_id == held.location_id}
    return bool(rooms) and len(rooms) >= at_once(record, held.location_id)


def at_once(record: Record, location_id: str) -> int:
    """How many visits go on in a room at once."""
    try:
        room = record.as_system().read(Location, location_id)
    except (NotFound, Gone):
        return 1
    return next((one.valuePositiveInt or 1 for one in room.extension if one.url == AT_ONCE), 1)


def release(record: Record, slot_id: str, held: Held | None, holder: str) -> bool:
    """Give a seat back; ``held`` None: the slot itself is gone."""
    gone = execute(record.connection, _RELEASE, (slot_id, holder)).fetchone() is not None
    if gone and held is not None:
        _show(record, held, _seats_of(record, held))
    return gone


def _seats_of(record: Record, held: Held) -> list[tuple[str, bool]]:
    now = record.clock()
    return [(one.kind, one.over) for one in seats_around(record, slots=[held.id], starts=now, ends=now)]


def _show(record: Record, held: Held, here: Sequence[tuple[str, bool]]) -> None:
    """Keep ``Slot.status`` and ``Slot.overbooked`` true: busy when booked out, tentative while the rest is offered.

    ``here``: of each seat that is taken now what for, and whether it is beyond the seats.
    """
    slot = held.slot
    if slot.status in SHUT:
        return
    firm = sum(kind in ("booking", "walk-in") for kind, _over in here)
    offered = sum(kind == "offer" for kind, _over in here)
    status: Literal["busy", "busy-tentative", "free"] = "free"
    if firm >= held.places.seats:
        status = "busy"
    elif firm + offered >= held.places.seats:
        status = "busy-tentative"
    over = True if any(beyond for _kind, beyond in here) else None
    if (slot.status, slot.overbooked) != (status, over):
        slot.status, slot.overbooked = status, over
        record.as_system().update(slot)


def shown_again(record: Record, slot_ids: Iterable[str]) -> None:
    """Set the slots' states right after seats have run out."""
    found = locked(record, slot_ids, known=list(slot_ids))
    for one in found.values():
        _show(record, one, _seats_of(record, one))


def check_asking(held: Held, *, now: datetime, path: str) -> None:
    """Whether a citizen may still ask for a time. Raises Conflict ``booking.too-late``, ``booking.too-early``."""
    refusal = policies.asking_refusal(held.starts, held.policy, now=now)
    if refusal == "booking.too-late":
        raise Conflict(
            refusal,
            f"This time could be asked for until {rules.instant(policies.last_asking(held.starts, held.policy))}.",
            path=path,
            start=held.slot.start,
        )
    if refusal is not None:
        raise Conflict(
            refusal,
            f"This timetable is open {held.policy.days_ahead} days ahead. Choose an earlier day.",
            path=path,
            days=held.policy.days_ahead,
        )


def taken_error(slot: Slot) -> Conflict:
    """The refusal everyone but the first gets; pages say it in their own words."""
    return Conflict(
        "booking.slot-taken",
        f"The slot at {slot.start} has just been taken. Search for free slots and choose another.",
        path="Appointment.slot",
        slot=slot.id,
        start=slot.start,
    )
