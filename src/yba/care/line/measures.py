"""What was measured at a line: how long visits take, how often people are passed, when a day begins, which rooms work.

From stops, the waits that are over. A visit counts from one start to the next when somebody was waiting meanwhile:
calling, walking in and those who do not come are part of what the next one waits for. A longer gap is a break.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection

from yba.care.line.waiting import Measured
from yba.ui.words import HANOI

VISITS: Final = 60
DAYS: Final = timedelta(days=14)
BREAK: Final = timedelta(minutes=30)
LATELY: Final = timedelta(minutes=30)

_VISITS = """
select newest.line, room, day, joined_at, started_at, ended_at, kind, passed
  from unnest(%s::text[]) asked (line), lateral (
    select * from line_stop stop
     where stop.facility = %s and stop.line = asked.line and started_at is not null and ended_at is not null
     order by started_at desc limit %s) newest
 order by newest.line, room, started_at
"""
_CALLS = """
select line, day, room, min(called_at), max(called_at) from line_stop
where facility = %s and line = any(%s) and day >= %s and called_at is not null group by line, day, room
"""


@dataclass(frozen=True, slots=True)
class Today:
    """How far a line has come today: rooms by their last call."""

    rooms: dict[str, datetime] = field(default_factory=dict)

    def working(self, now: datetime) -> set[str]:
        """Rooms that called lately."""
        return {room for room, at in self.rooms.items() if now - at <= LATELY}


@dataclass(frozen=True, slots=True)
class Known:
    """A line's measures and its day so far."""

    measured: Measured = field(default_factory=Measured)
    today: Today = field(default_factory=Today)


@dataclass(frozen=True, slots=True)
class _Visit:
    room: str
    day: date
    joined: datetime
    started: datetime
    ended: datetime
    kind: str
    passed: int


def known_of(facility: str, lines: Collection[str], *, today: date) -> dict[str, Known]:
    """The measures of so many lines, in two queries; a line nobody was measured at has none."""
    if not lines:
        return {}
    visits: dict[str, list[_Visit]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_VISITS, [list(lines), facility, VISITS])
        for line, *rest in cursor.fetchall():
            visits.setdefault(line, []).append(_Visit(*rest))
        cursor.execute(_CALLS, [facility, list(lines), today - DAYS])
        calls = cursor.fetchall()
    firsts: dict[str, dict[date, datetime]] = {}
    rooms: dict[str, dict[str, datetime]] = {}
    for line, day, room, first, last in calls:
        if day == today:
            rooms.setdefault(line, {})[room] = last
        else:
            known = firsts.setdefault(line, {})
            known[day] = min(known.get(day, first), first)
    return {
        line: Known(
            Measured(
                tuple(minutes_of(visits.get(line, ()))),
                _passed(visits.get(line, ())),
                tuple(_minute_of_day(one) for one in firsts.get(line, {}).values()),
            ),
            Today(rooms.get(line, {})),
        )
        for line in lines
    }


def minutes_of(visits: Iterable[_Visit]) -> list[float]:
    """Minutes each visit took of the room's time; visits of a room follow each other."""
    found, before = [], None
    for one in visits:
        if before is not None:
            found.append(_minutes(before, one))
        before = one
    return [*found, _minutes(before, None)] if before is not None else found


def _minutes(one: _Visit, after: _Visit | None) -> float:
    end = one.ended
    follows = after is not None and (after.room, after.day) == (one.room, one.day)
    if after is not None and follows and after.joined <= one.ended <= after.started <= one.ended + BREAK:
        end = after.started
    return (end - one.started).total_seconds() / 60


def _passed(visits: Iterable[_Visit]) -> dict[str, tuple[int, ...]]:
    by_kind: dict[str, list[int]] = {}
    for one in visits:
        by_kind.setdefault(one.kind, []).append(one.passed)
    return {kind: tuple(found) for kind, found in by_kind.items()}


def _minute_of_day(moment: datetime) -> float:
    local = moment.astimezone(HANOI)
    return local.hour * 60 + local.minute + local.second / 60
