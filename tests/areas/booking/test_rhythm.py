"""From a rhythm to its days: every day is told, in order, none twice, none past the end; Tết has no times."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yba.areas.booking import planning
from yba.areas.booking.policies import Policy
from yba.areas.booking.rhythm import FURTHEST, Rhythm, days_of
from yba.areas.booking.timetable import Exceptional, Session, Timetable
from yba.care.days_off import calendar
from yba.fhir.r4.datatypes import Reference
from yba.fhir.r4.schedule import Schedule

FIRST = st.dates(date(2026, 11, 1), date(2027, 3, 31))
WEEK = st.frozensets(st.integers(0, 6), min_size=1)


def test_three_times_a_week_and_every_fourteen_days_by_hand():
    dialysis = Rhythm(date(2026, 11, 24), time(7, 30), weekdays=frozenset({0, 2, 4}), times=4)
    assert days_of(dialysis) == [date(2026, 11, day) for day in (25, 27, 30)] + [date(2026, 12, 2)]
    antenatal = Rhythm(date(2026, 11, 24), time(8), step=14, until=date(2026, 12, 22))
    assert days_of(antenatal) == [date(2026, 11, 24), date(2026, 12, 8), date(2026, 12, 22)]
    for wrong in ({"step": 2}, {"times": 2}, {"step": 2, "weekdays": frozenset({1}), "times": 2}):
        with pytest.raises(ValueError, match="a rhythm"):
            days_of(Rhythm(date(2026, 11, 24), time(8), **wrong))


@given(FIRST, st.integers(1, 60), st.integers(1, 60))
def test_every_so_many_days_is_that_many_days(first, step, times):
    found = days_of(Rhythm(first, time(8), step=step, times=times))
    assert found == [first + timedelta(days=step * at) for at in range(times) if step * at <= FURTHEST.days]


@given(FIRST, WEEK, st.integers(0, 200), st.integers(0, 80))
def test_chosen_weekdays_are_all_of_them_and_no_others(first, week, ahead, times):
    until = first + timedelta(days=ahead)
    found = days_of(Rhythm(first, time(8), weekdays=week, times=times, until=until))
    every = [first + timedelta(days=at) for at in range(ahead + 1)]
    wanted = [day for day in every if day.weekday() in week]
    assert found == (wanted[:times] if times else wanted)


@given(FIRST, WEEK, st.integers(1, 60))
def test_holidays_are_wished_for_and_have_no_time_nor_has_a_day_of_leave(first, week, times):
    away = Exceptional(first + timedelta(days=3), first + timedelta(days=9), reason="Nghỉ phép")
    said = Timetable(
        sessions=(Session((), time(7, 30), time(11)),), open_on_holidays=False, exceptions=(away,)
    )
    house = planning.House(
        Schedule(id="l", actor=[Reference(reference="Location/ghe-1")]), None, said, Policy()
    )
    for day in days_of(Rhythm(first, time(8), weekdays=week, times=times)):
        open_then = planning.unopened(house, day, day, ())
        closed = away.covers(day) or bool(calendar().holiday(day))
        assert (not open_then) == closed
        if closed:
            why = ("leave", "Nghỉ phép") if away.covers(day) else ("holiday", calendar().holiday(day))
            assert planning._closed(house, day) == why


def test_the_five_days_of_tet_2027_are_holidays_of_the_rhythm():
    daily = days_of(Rhythm(date(2027, 2, 3), time(8), step=1, times=10))
    named = [day for day in daily if calendar().holiday(day).startswith("Tết")]
    assert named == [date(2027, 2, day) for day in range(5, 10)]
