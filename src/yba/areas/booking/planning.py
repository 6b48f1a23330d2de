"""What a series would be: each day wished for with the free time nearest to the wished hour, or why there is none.

A series reaches further than a timetable is open. Times that are not opened yet are those its hours give (``opening``);
they are opened when the series is booked, and only those. Who may book is asked here as for one visit: notice and
closing hour hold, and instead of the days ahead those of a series (``Policy.series_ahead``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from yba.areas.booking import opening, policies, queries, rules, timetable
from yba.areas.booking.free import free_for
from yba.areas.booking.policies import Policy
from yba.areas.booking.queries import FreeSlot
from yba.areas.booking.timetable import Opening, Timetable
from yba.care.days_off import calendar
from yba.fhir.errors import Invalid
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record
from yba.ui.words import HANOI, local_day

Why = Literal["", "holiday", "leave", "closed", "full", "late", "far", "past"]
#: So many days before and after a day without a time are looked through for one to take by hand.
NEAR: Final = 3
#: Other times offered beside the nearest.
_OTHERS: Final = 6


@dataclass(frozen=True, slots=True)
class Planned:
    """One visit of a series: the day wished for, the time found, why there is none, what else could be taken."""

    day: date
    time: FreeSlot | None
    why: Why = ""
    #: The holiday, or why the practitioner is away.
    named: str = ""
    others: tuple[FreeSlot, ...] = ()


@dataclass(frozen=True, slots=True)
class House:
    """A timetable with what decides its times."""

    schedule: Schedule
    role: PractitionerRole | None
    said: Timetable
    policy: Policy


def house_of(record: Record, schedule_id: str) -> House:
    """A timetable the actor may see, in use. Raises NotFound; Invalid ``booking.timetable-closed``."""
    schedule = record.read(Schedule, schedule_id)
    if schedule.active is False:
        raise Invalid("booking.timetable-closed", "This timetable takes no bookings now. Choose another.")
    role = opening.role_of(record.as_system(), schedule)
    return House(schedule, role, timetable.timetable_of(schedule, role), policies.policy_of(schedule))


def plan(
    record: Record,
    house: House,
    days: Sequence[date],
    at: time,
    *,
    owners: Collection[str] = (),
    leaving: Collection[str] = (),
) -> list[Planned]:
    """Each day with its nearest free time; no time is given twice. The reads are the same for 2 visits and for 40."""
    if not days:
        return []
    near = timedelta(days=NEAR)
    known = {one.id: one for one in times(record, house, min(days) - near, max(days) + near,
                                          owners=owners, leaving=leaving)}  # fmt: skip
    by_day: dict[date, list[FreeSlot]] = {}
    for one in known.values():
        by_day.setdefault(local_day(one.start), []).append(one)
    given: set[str] = set()
    found = []
    for day in days:
        wished = datetime.combine(day, at, HANOI)
        best = nearest([one for one in by_day.get(day, ()) if one.id not in given], wished, most=1)
        given |= {one.id for one in best}
        found.append((day, wished, best[0] if best else None))
    return [_planned(record, house, day, wished, chosen, by_day, given) for day, wished, chosen in found]


def nearest(times: Iterable[FreeSlot], wished: datetime, *, most: int) -> list[FreeSlot]:
    """The free times nearest to a moment, the nearest first; of two as near the earlier."""
    free = [one for one in times if one.free]
    return sorted(free, key=lambda one: (abs(one.start - wished), one.start, one.id))[:most]


def _planned(
    record: Record,
    house: House,
    day: date,
    wished: datetime,
    chosen: FreeSlot | None,
    by_day: dict[date, list[FreeSlot]],
    given: set[str],
) -> Planned:
    span = range(1) if chosen is not None else range(-NEAR, NEAR + 1)
    around = [
        one for ahead in span for one in by_day.get(day + timedelta(days=ahead), ()) if one.id not in given
    ]
    others = sorted(nearest(around, wished, most=_OTHERS), key=lambda one: one.start)
    if chosen is not None:
        return Planned(day, chosen, others=tuple(others))
    why, named = _why(record, house, day, by_day.get(day, ()))
    return Planned(day, None, why, named, tuple(others))


def _why(record: Record, house: House, day: date, there: Sequence[FreeSlot]) -> tuple[Why, str]:
    """Why a day has no time: the strongest reason first."""
    today = local_day(record.clock())
    bound = record.actor.role in policies.BOUND
    if day < today:
        return "past", ""
    if bound and day > today + timedelta(days=house.policy.series_ahead):
        return "far", ""
    if not timetable.openings(house.said, day, role=house.role):
        return _closed(house, day)
    if there and all(not may_ask(house.policy, one.start, record) for one in there):
        return "late", ""
    return "full", ""


def _closed(house: House, day: date) -> tuple[Why, str]:
    away = next((one for one in house.said.exceptions if one.covers(day) and one.start is None), None)
    holiday = calendar().holiday(day)
    if holiday and not house.said.open_on_holidays and away is None:
        return "holiday", holiday
    if away is not None:
        return "leave", away.reason or holiday
    if timetable.openings(house.said, day):
        return "leave", holiday
    return "closed", holiday


def may_ask(policy: Policy, starts: datetime, record: Record) -> bool:
    """Whether the actor may still ask for a time as part of a series; staff until it begins."""
    now = record.clock()
    if starts <= now:
        return False
    if record.actor.role not in policies.BOUND:
        return True
    ahead = local_day(starts) - local_day(now)
    return now <= policies.last_asking(starts, policy) and ahead.days <= policy.series_ahead


def times(
    record: Record,
    house: House,
    first: date,
    last: date,
    *,
    owners: Collection[str] = (),
    leaving: Collection[str] = (),
) -> list[FreeSlot]:
    """Every time of the timetable between two days, opened or not; ``free``: the actor can have it in a series."""
    found = stored(record, house, first, last)
    starts = {rules.moment(one.start or "") for one in found}
    found += [opening.slot_of(house.schedule, one) for one in unopened(house, first, last, starts)]
    free = free_for(record, found, owners=owners, leaving=leaving, any_day=True)
    made = []
    for slot in found:
        begins, ends = rules.moment(slot.start or ""), rules.moment(slot.end or "")
        free_now = slot.id in free and may_ask(house.policy, begins, record)
        made.append(FreeSlot(slot.id or "", begins, ends, free_now))
    return sorted(made, key=lambda one: (one.start, one.id))


def stored(record: Record, house: House, first: date, last: date) -> list[Slot]:
    """The opened times of the timetable between two days."""
    found = record.as_system().find(
        Slot, ("schedule", f"Schedule/{house.schedule.id}"), ("start", f"ge{rules.day_bounds(first)[0]}"),
        ("start", f"lt{rules.day_bounds(last)[1]}"), ("_sort", "start"),
    )  # fmt: skip
    return [one for one in found if one.status != "entered-in-error"]


def unopened(house: House, first: date, last: date, starts: Collection[datetime]) -> list[Opening]:
    """The times its hours give between two days that begin at none of these moments."""
    days = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
    return [
        one for day in days for one in timetable.openings(house.said, day, role=house.role)
        if one.start not in starts
    ]  # fmt: skip


def opened(record: Record, house: House, slot_ids: Sequence[str]) -> None:
    """Make sure these times are opened: those not yet opened must be times its hours give.

    Lock the timetable first. Raises Invalid ``booking.slot-unknown`` for what is no time of this timetable.
    """
    if not slot_ids:
        return
    have = {
        one.id
        for one in record.as_system().find(Slot, ("_id", ",".join(slot_ids)))
        if queries.target_id(one.schedule, "Schedule") == house.schedule.id
    }
    missing = [one for one in slot_ids if one not in have]
    if not missing:
        return
    days = sorted(day for day in (_day_of(house, one) for one in missing) if day is not None)
    could = {one.id_in(house.schedule.id or ""): one for day in days for one in unopened(house, day, day, ())}
    strange = [one for one in missing if one not in could]
    if strange:
        raise Invalid(
            "booking.slot-unknown",
            f"Slot/{strange[0]} is no time of this timetable. Choose one of those shown.",
            path="Appointment.slot",
            slot=strange[0],
        )
    opening.open_these(record, house.schedule, [could[one] for one in missing])


def _day_of(house: House, slot_id: str) -> date | None:
    """The day a time that is not opened yet is on, by the id it would have."""
    text = slot_id.removeprefix(f"{house.schedule.id}.")
    try:
        return datetime.strptime(text, "%Y%m%d-%H%M").replace(tzinfo=HANOI).date()
    except ValueError:
        return None
