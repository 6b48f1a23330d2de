"""The rhythm of recurring visits: every so many days or on chosen weekdays, so many times or until a day. Pure.

The days are those wished for, holidays included: which of them have no time is told day by day (``planning``), so that
a person and not a rule decides whether the dialysis of the second day of Tết is left out or moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import islice, takewhile
from typing import Final

#: The longest step between two visits.
MOST_STEP: Final = 180
#: No rhythm is followed further than this, whatever is asked for.
FURTHEST: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """``step`` days apart, or on ``weekdays`` (0: Monday); ``times`` visits (0: until a day), none after ``until``."""

    first: date
    at: time
    step: int = 0
    weekdays: frozenset[int] = frozenset()
    times: int = 0
    until: date | None = None


def days_of(rhythm: Rhythm) -> list[date]:
    """The days wished for, in order; none after a year and a little more, however many were asked for.

    Raises ValueError for what is no rhythm: neither or both of step and weekdays, no end.
    """
    if bool(rhythm.step) == bool(rhythm.weekdays):
        raise ValueError("a rhythm has a step or weekdays")
    if not rhythm.times and rhythm.until is None:
        raise ValueError("a rhythm ends")
    last = rhythm.first + FURTHEST
    if rhythm.until is not None:
        last = min(last, rhythm.until)
    found = takewhile(lambda day: day <= last, _steps(rhythm) if rhythm.step else _week(rhythm))
    return list(islice(found, rhythm.times) if rhythm.times else found)


def _steps(rhythm: Rhythm) -> Iterator[date]:
    day = rhythm.first
    while True:
        yield day
        day += timedelta(days=rhythm.step)


def _week(rhythm: Rhythm) -> Iterator[date]:
    day = rhythm.first
    while True:
        if day.weekday() in rhythm.weekdays:
            yield day
        day += timedelta(days=1)
