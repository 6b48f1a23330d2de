"""Which slots are free, and for whom: one's own hold or offer is free for oneself, a seat kept for others is not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from yba.areas.booking import capacity, ledger, policies, rules
from yba.areas.booking.ledger import Seat
from yba.areas.booking.policies import Policy, policy_of
from yba.fhir.model import references
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record

_IDS_AT_ONCE: Final = 200


def free_for(
    record: Record,
    slots: Sequence[Slot],
    *,
    owners: Collection[str] = (),
    channel: str = "",
    leaving: Collection[str] = (),
    any_day: bool = False,
    way: str = "",
) -> set[str]:
    """The ids of the slots the actor can have now. Two or three reads, however many slots.

    ``way``: the way in, where the house itself knows it (a text message), whatever the role says.

    ``leaving``: bookings that give their seats back in the same act. ``any_day``: whoever asks holds notice and days
    ahead to rules of their own (``planning``).
    """
    return _those(
        record, slots, owners=owners, channel=channel, leaving=leaving, any_day=any_day, full=False, way=way
    )


def full_for(record: Record, slots: Sequence[Slot]) -> set[str]:
    """The ids of the slots that are booked out and could yet take one more beyond their seats: not shut or excluded."""
    return _those(record, slots, owners=(), channel="", leaving=(), any_day=False, full=True, way="")


def taken(record: Record, slot: Slot) -> bool:
    """Whether others have all the seats of a slot, as far as its own seats tell. One read."""
    now = record.clock()
    seats = ledger.seats_around(record, slots=[slot.id or ""], starts=now, ends=now)
    own, persons = {ledger.owner_of(record.actor)}, record.actor.persons
    return _is_full(slot, {slot.id or "": [one for one in seats if not _own(one, own, persons)]})


def _those(
    record: Record,
    slots: Sequence[Slot],
    *,
    owners: Collection[str],
    channel: str,
    leaving: Collection[str],
    any_day: bool,
    full: bool,
    way: str,
) -> set[str]:
    if not slots:
        return set()
    schedules = schedules_by_id(record, {_schedule_id(one) for one in slots})
    own = {*owners, ledger.owner_of(record.actor)}
    share = capacity.share_of(way or capacity.channel_of(record.actor.role, channel))
    begins = min(rules.moment(one.start or "") for one in slots)
    ends = max(rules.moment(one.end or "") for one in slots)
    seats = ledger.seats_around(
        record, slots=[one.id or "" for one in slots],
        practitioners={ledger.actor_of(one, "Practitioner") for one in schedules.values()},
        locations={ledger.actor_of(one, "Location") for one in schedules.values()},
        starts=begins - ledger.LONGEST, ends=ends + ledger.LONGEST,
    )  # fmt: skip
    others = [one for one in seats if one.holder not in leaving and not _own(one, own, record.actor.persons)]
    here: dict[str, list[Seat]] = defaultdict(list)
    by_who: dict[str, list[Seat]] = defaultdict(list)
    for one in others:
        here[one.slot_id].append(one)
        by_who[one.practitioner_id].append(one)
        by_who[one.location_id].append(one)
    mine = {one.slot_id for one in seats} - {one.slot_id for one in others}
    bound = record.actor.role in policies.BOUND and not any_day
    at_once: dict[str, int] = {}
    found = set()
    for slot in slots:
        schedule = schedules.get(_schedule_id(slot))
        if slot.status in ledger.SHUT or (
            slot.status == "busy" and not here[slot.id or ""] and slot.id not in mine
        ):
            continue
        if bound and slot.id not in mine and _refused(slot, policy_of(schedule), record.clock()):
            continue
        has = _is_full(slot, here) if full else _room(slot, share, here, record.clock())
        if has and not _busy(record, slot, schedule, by_who, at_once):
            found.add(slot.id or "")
    return found


def _own(one: Seat, owners: Collection[str], persons: Collection[str]) -> bool:
    return (one.kind == "hold" and one.owner in owners) or (one.kind == "offer" and one.patient_id in persons)


def _refused(slot: Slot, policy: Policy, now: datetime) -> bool:
    return policies.asking_refusal(rules.moment(slot.start or ""), policy, now=now) is not None


def _room(slot: Slot, share: str, here: Mapping[str, list[Seat]], now: datetime) -> bool:
    places, taken = capacity.places_of(slot), ledger.used(here[slot.id or ""])
    return capacity.left_for(share, seats=places.seats, kept=places.kept_at(now), used=taken) > 0


def _is_full(slot: Slot, here: Mapping[str, list[Seat]]) -> bool:
    return sum(ledger.used(here[slot.id or ""]).values()) >= capacity.places_of(slot).seats


def _busy(
    record: Record,
    slot: Slot,
    schedule: Schedule | None,
    by_who: Mapping[str, list[Seat]],
    at_once: dict[str, int],
) -> bool:
    """Whether its practitioner or its room is taken in that time by another slot."""
    places = capacity.places_of(slot)
    starts = rules.moment(slot.start or "") - places.rest_before
    ends = rules.moment(slot.end or "") + places.rest_after
    practitioner, room = ledger.actor_of(schedule, "Practitioner"), ledger.actor_of(schedule, "Location")
    if practitioner and any(_crosses(by_who[practitioner], slot, starts, ends)):
        return True
    if not room:
        return False
    taken = set(_crosses(by_who[room], slot, starts, ends))
    if not taken:
        return False
    if room not in at_once:
        at_once[room] = ledger.at_once(record, room)
    return len(taken) >= at_once[room]


def _crosses(seats: Iterable[Seat], slot: Slot, starts: datetime, ends: datetime) -> Iterable[str]:
    return (
        one.slot_id for one in seats if one.slot_id != slot.id and one.starts < ends and one.ends > starts
    )


def _schedule_id(slot: Slot) -> str:
    target = references.target(slot.schedule)
    return target[1] if target is not None else ""


def schedules_by_id(record: Record, ids: Iterable[str]) -> dict[str, Schedule]:
    """The timetables by id, as the house sees them."""
    wanted = sorted(filter(None, ids))
    found: dict[str, Schedule] = {}
    for at in range(0, len(wanted), _IDS_AT_ONCE):
        named = ",".join(wanted[at : at + _IDS_AT_ONCE])
        found |= {one.id or "": one for one in record.as_system().find(Schedule, ("_id", named))}
    return found
