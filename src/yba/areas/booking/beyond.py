"""One more than the seats, by who may: which full times a desk may still add to, how many are left, what it is told.

How many a role may add in a day is the timetable's (``policies``); the ledger counts and refuses (``ledger``). Here is
what the staff's booking page shows of it beforehand.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from yba.areas.booking import policies, queries, rules
from yba.areas.booking.free import full_for, taken
from yba.fhir.errors import Gone, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record
from yba.fhir.store.rows import execute
from yba.ui import parts, words
from yba.ui.words import local_day

_USED: Final = """
select schedule_id::varchar, (starts at time zone 'Asia/Ho_Chi_Minh')::date, count(*) from booking_seat
 where schedule_id = any(%(schedules)s::text[]) and over and starts >= %(from)s
   and (expires_at is null or expires_at > %(now)s)
 group by 1, 2"""
NO_ALLOWANCE: Final = gettext_lazy(
    "Giờ này đã đầy. Vai trò này không nhận thêm ngoài số chỗ ở lịch này; quản trị cơ sở đặt mức đó ở Lịch làm việc."
)


@dataclass(frozen=True, slots=True)
class Left:
    """How many a role may add to a timetable on a day, and how many everybody has added."""

    allowed: int
    used: int

    @property
    def left(self) -> int:
        return max(self.allowed - self.used, 0)


@dataclass(frozen=True, slots=True)
class Full:
    """A full time, with what may still be added to its timetable that day."""

    slot: queries.FreeSlot
    left: Left


def full_times(record: Record, schedules: Sequence[Schedule]) -> list[Full]:
    """The full times to come of some timetables, by the clock; also those to which the role may add nothing."""
    if not schedules:
        return []
    now = record.clock()
    found = record.find(
        Slot,
        ("schedule", ",".join(f"Schedule/{one.id}" for one in schedules)),
        ("start", f"ge{rules.instant(now)}"),
        ("start", f"lt{rules.instant(now + timedelta(days=queries.MOST_DAYS))}"),
        ("_sort", "start"),
    )
    return _full_of(record, found, schedules)


def full_time(record: Record, slot_id: str, *, role_id: str) -> Full | None:
    """One time to come of a post, where it is full; None where it is not. Two reads where a seat is left.

    What is no time of this post is not looked at: whoever books it is told by the ledger.
    """
    try:
        slot = record.read(Slot, slot_id)
    except (NotFound, Gone):
        return None
    starts, now = rules.moment(slot.start or ""), record.clock()
    if not now <= starts < now + timedelta(days=queries.MOST_DAYS) or not taken(record, slot):
        return None
    schedules = queries.schedules_of(record, [role_id]).get(role_id, ())
    its = [one for one in schedules if one.id == queries.target_id(slot.schedule, "Schedule")]
    return next((one for one in _full_of(record, [slot], its)), None) if its else None


def _full_of(record: Record, slots: Sequence[Slot], schedules: Sequence[Schedule]) -> list[Full]:
    full, used = full_for(record, slots), _used(record, schedules)
    allowed = {one.id: policies.policy_of(one).overbooking.get(record.actor.role, 0) for one in schedules}
    times = []
    for slot in slots:
        if slot.id in full:
            schedule = queries.target_id(slot.schedule, "Schedule")
            starts, ends = rules.moment(slot.start or ""), rules.moment(slot.end or "")
            left = Left(allowed.get(schedule, 0), used.get((schedule, local_day(starts)), 0))
            times.append(Full(queries.FreeSlot(slot.id or "", starts, ends), left))
    return times


def full_times_of(record: Record, visit: Appointment) -> list[Full]:
    """Those of the timetable a visit is in; none where that is gone."""
    try:
        slot = record.read(Slot, rules.slot_id_of(visit) or "-")
        schedule = record.read(Schedule, queries.target_id(slot.schedule, "Schedule"))
    except (NotFound, Gone):
        return []
    return full_times(record, [schedule])


def of_any(
    record: Record, specialty: str, posts: Sequence[queries.Post], free: Collection[datetime]
) -> list[Full]:
    """The same for whoever of a specialty: each hour at which nobody is free, with what all their timetables let add.

    Its id is the moment, as that of a free time of anybody's (``any_doctor.times``).
    """
    roles = [one.role_id for one in posts if one.active and one.specialty_code == specialty]
    schedules = [one for some in queries.schedules_of(record, roles).values() for one in some]
    by_hour: dict[datetime, list[Full]] = {}
    for one in full_times(record, schedules):
        if one.slot.start not in free:
            by_hour.setdefault(one.slot.start, []).append(one)
    return [_all_of(at, some) for at, some in sorted(by_hour.items())]


def _all_of(at: datetime, some: Sequence[Full]) -> Full:
    slot = queries.FreeSlot(rules.instant(at), at, max(one.slot.end for one in some))
    # What one timetable has used beyond its allowance takes nothing from another's.
    used = sum(min(one.left.used, one.left.allowed) for one in some)
    return Full(slot, Left(sum(one.left.allowed for one in some), used))


def _used(record: Record, schedules: Sequence[Schedule]) -> Mapping[tuple[str, date], int]:
    now = record.clock()
    params = {"schedules": [one.id for one in schedules], "from": now - timedelta(days=1), "now": now}
    rows = execute(record.connection, _USED, params).fetchall()
    return {(str(schedule), day): int(count) for schedule, day, count in rows}


def on_day(full: Sequence[Full], day: date | None) -> list[Full]:
    """Those of one day."""
    return [one for one in full if day is not None and local_day(one.slot.start) == day]


def slots(full: Sequence[Full]) -> list[parts.Slot]:
    """Those that may be added to, to be chosen."""
    return [parts.Slot(one.slot.id, one.slot.start.astimezone(words.HANOI)) for one in full if one.left.left]


def told(full: Sequence[Full]) -> str:
    """What the desk is told of the full times of a day; nothing where none is full."""
    if not full:
        return ""
    most = max(full, key=lambda one: (one.left.left, one.left.allowed)).left
    return _told(most)


def _told(one: Left) -> str:
    if not one.allowed:
        return str(NO_ALLOWANCE)
    if not one.left:
        return used_up(one.allowed)
    said = ngettext(
        "Giờ đã đầy, còn nhận thêm được %(left)s lượt trong ngày (đã thêm %(used)s trên %(allowed)s).",
        "Giờ đã đầy, còn nhận thêm được %(left)s lượt trong ngày (đã thêm %(used)s trên %(allowed)s).",
        one.left,
    )
    return said % {"left": one.left, "used": one.used, "allowed": one.allowed}


def used_up(allowed: object) -> str:
    """All that may be added in the day has been."""
    said = _(
        "Giờ này đã đầy, và ngày đó đã nhận thêm đủ %(allowed)s lượt ngoài số chỗ. Chọn giờ hoặc ngày khác."
    )
    return said % {"allowed": allowed}
