"""The desk's figures: promises counted in its hours, attempts by plan, the order of the list, a file that is odd."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yba.areas.booking.desk import rules
from yba.ui.words import HANOI

BOOK = rules.book()


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}:00+07:00")


@pytest.mark.parametrize(
    ("asked", "level", "specialty", "due"),
    [
        ("23T09:00", "routine", "", "23T09:30"),
        ("23T09:00", "routine", "nhi", "23T09:20"),
        ("23T09:00", "urgent", "nhi", "23T09:10"),
        ("23T22:15", "routine", "", "24T07:30"),
        ("23T05:00", "routine", "", "23T07:30"),
        ("23T19:50", "routine", "", "24T07:20"),
        ("23T20:00", "urgent", "", "24T07:10"),
        ("23T22:15", "emergency", "", "23T22:20"),
    ],
)
def test_a_promise_counts_in_the_hours_of_the_desk(asked, level, specialty, due):
    assert rules.due_at(at(asked), level=level, specialty=specialty) == at(due)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 365 * 24 * 60),
    st.integers(0, 3000),
    st.integers(0, 600),
)
def test_deadlines_lie_in_the_hours_and_keep_their_order(start, length, more):
    asked = at("23T00:00") + timedelta(minutes=start)
    one = rules.in_hours(asked, timedelta(minutes=length), BOOK)
    other = rules.in_hours(asked + timedelta(minutes=more), timedelta(minutes=length), BOOK)
    assert one <= other
    assert one >= asked + timedelta(minutes=length) or length == 0
    assert BOOK.opens <= one.astimezone(HANOI).time().replace(tzinfo=None) <= BOOK.closes


@pytest.mark.parametrize(
    ("attempts", "level", "now", "visit", "expected"),
    [
        (1, "routine", "23T09:00", "24T09:30", "23T09:30"),
        (2, "routine", "23T09:30", "24T09:30", "23T11:30"),
        (3, "routine", "23T11:30", "24T09:30", None),
        (2, "routine", "23T19:00", "24T15:00", "24T07:00"),
        (2, "routine", "23T09:00", "23T11:00", "23T10:00"),
        (1, "routine", "23T19:50", "24T07:30", "23T20:00"),
        (1, "routine", "23T19:58", "24T07:30", None),
        (1, "urgent", "23T09:00", "23T11:00", "23T09:05"),
        (4, "urgent", "23T09:40", "23T11:00", None),
        (1, "emergency", "23T23:00", "24T09:30", "23T23:02"),
    ],
)
def test_the_plan_says_when_to_call_again_or_that_it_is_over(attempts, level, now, visit, expected):
    found = rules.next_attempt(attempts, level=level, now=at(now), visit=at(visit))
    assert found == (at(expected) if expected else None)


def test_who_named_an_hour_is_called_then():
    found = rules.next_attempt(
        1, level="routine", now=at("23T09:00"), visit=at("24T09:30"), later=at("23T14:30")
    )
    assert found == at("23T14:30")


def test_the_pressing_come_first_then_the_deadline_and_who_is_called_later_last():
    now = at("23T09:00")
    rows = {
        "late": ("routine", at("23T08:50"), None),
        "resting": ("urgent", at("23T09:20"), at("23T09:20")),
        "emergency": ("emergency", at("23T09:30"), None),
        "urgent": ("urgent", at("23T09:40"), None),
        "called again": ("routine", at("23T08:40"), at("23T08:40")),
    }
    found = sorted(
        rows,
        key=lambda name: rules.order(level=rows[name][0], due=rows[name][1], next_at=rows[name][2], now=now),
    )
    assert found == ["emergency", "urgent", "called again", "late", "resting"]


def test_the_level_is_the_scripts_else_the_words():
    assert rules.level_of("emergency", "Ho") == "emergency"
    assert rules.level_of("", "Đau ngực từ sáng") == "urgent"
    assert rules.level_of("", "Ho") == "routine"


GOOD = """
hours: {from: "07:00", to: "20:00"}
claim: 10
call-within: {emergency: 5, urgent: 10, routine: 30}
retry:
  routine: {attempts: 2, waits: [30], before-visit: 60}
  urgent: {attempts: 2, waits: [30], before-visit: 60}
  emergency: {attempts: 2, waits: [30], before-visit: 60}
reasons: {move: {}, refuse: {}, unreachable: {}}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("waits: [30]", "waits: [30, 60]", "2 attempts have 1 waits"),
        ("emergency: 5", "soon: 5", "soon is no level"),
        ('to: "20:00"', 'to: "06:00"', "closes before it opens"),
        ("claim: 10", "clam: 10", "names clam"),
        ("claim: 10\n", "", "KeyError"),
        ("emergency: 5, ", "", "says nothing of emergency"),
    ],
)
def test_a_file_that_is_not_understood_is_refused(old, new, said):
    assert rules.read(GOOD).retry["urgent"].attempts == 2
    with pytest.raises(rules.DataProblem, match=said):
        rules.read(GOOD.replace(old, new, 1))
