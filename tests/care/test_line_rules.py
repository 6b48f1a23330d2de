"""The order of a line, what may follow what, and the range of a wait: pure rules."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.builders import NOW
from yba.care.line import order as rule
from yba.care.line import rules, waiting


@dataclass
class One:
    number: int
    queued_at: datetime
    priority: str = "none"
    due_at: datetime | None = None
    passed: int = 0
    is_back: bool = False
    joined: datetime | None = None

    @property
    def joined_at(self) -> datetime:
        return self.joined or self.queued_at


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def order(*line: One, now: datetime = NOW) -> list[int]:
    return [one.number for one in sorted(line, key=lambda one: rule.order_key(one, now=now))]


def test_urgent_then_first_then_booked_then_by_arrival() -> None:
    line = [
        One(1, at(-30)),
        One(2, at(-20), "booked", due_at=at(10)),
        One(3, at(-10), "over_75"),
        One(4, at(-1), "urgent"),
        One(5, at(-40), passed=3),
    ]
    assert order(*line) == [4, 5, 3, 2, 1]


@pytest.mark.parametrize(
    ("came", "due", "kind"),
    [(-5, 0, "booked"), (15, 0, "booked"), (16, 0, "other"), (-120, 40, "other"), (-120, 30, "booked")],
)
def test_a_booking_counts_when_in_time_and_near(came: int, due: int, kind: str) -> None:
    one = One(1, at(came), "booked", due_at=at(due))
    assert rule.class_of(one, now=NOW) == kind


def test_nobody_is_passed_more_than_three_times_whoever_comes() -> None:
    dice = random.Random(7)
    line: list[One] = []
    worst = 0
    for turn in range(2000):
        now = at(turn)
        for _ in range(dice.choice((0, 1, 1, 2))):
            kind = dice.choice(("none", "over_75", "pregnant", "booked", "none"))
            due = now + timedelta(minutes=dice.randrange(-30, 60)) if kind == "booked" else None
            line.append(One(len(line) + turn * 3, now + timedelta(seconds=dice.randrange(59)), kind, due))
        if line:
            called = min(line, key=lambda one: rule.order_key(one, now=now))
            for one in rule.passed_by(called, line):
                one.passed += 1
                worst = max(worst, one.passed)
            line.remove(called)
    assert worst == 3


def test_an_emergency_passes_nobody() -> None:
    assert rule.passed_by(One(2, at(0), "urgent"), [One(1, at(-5))]) == []


@pytest.mark.parametrize(
    ("act", "status", "key"),
    [("start", "done", "line.start"), ("miss", "waiting", "line.miss"), ("finish", "missed", "line.finish"),
     ("cancel", "in_room", "line.cancel"), ("rejoin", "done", "line.rejoin")],
)  # fmt: skip
def test_what_may_not_follow_is_refused_with_a_sentence(act: str, status: str, key: str) -> None:
    refusal = rules.may(act, status, code="B 027")
    assert refusal is not None
    assert refusal.key == key
    assert "B 027" in refusal.message


def scene(ahead: int, minutes: tuple[float, ...] = (10.0,) * 8, **fields: Any) -> waiting.Scene:
    return waiting.Scene(**{"ahead": ahead, "rooms": (None,), "minutes": minutes, **fields})


def test_the_wait_is_a_range_that_grows_with_the_line() -> None:
    assert waiting.expected(scene(0), seed=1) == waiting.Wait(0, 5)
    assert waiting.expected(scene(4), seed=1) == waiting.Wait(40, 45)
    assert waiting.expected(scene(1, rooms=(4.0,)), seed=1) == waiting.Wait(15, 20)
    usual = tuple(waiting.Measured().pool())
    unknown = waiting.expected(scene(3, usual), seed=1)
    assert 15 <= unknown.low < unknown.high <= 60


def test_more_rooms_halve_the_wait_and_a_day_not_begun_adds_to_it() -> None:
    assert waiting.expected(scene(4, rooms=(None, None)), seed=1) == waiting.Wait(20, 25)
    assert waiting.expected(scene(0, opens=(42.0,)), seed=1) == waiting.Wait(40, 45)
    assert waiting.expected(scene(2, passes=(1, 1)), seed=1) == waiting.Wait(30, 35)


def test_a_very_long_line_is_answered_by_the_sum_of_it() -> None:
    wait = waiting.expected(scene(300, (5.0, 15.0)), seed=1)
    assert wait.low < 3000 < wait.high
    assert wait.high - wait.low < 300


def test_the_same_line_gives_the_same_wait() -> None:
    asked = {waiting.expected(scene(5, (4, 9, 14, 8, 21)), seed=5) for _ in range(3)}
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("age", "booked", "priority"),
    [(75, True, "over_75"), (74, True, "booked"), (5, False, "under_6"), (6, False, "none"), (None, False, "none")],
)  # fmt: skip
def test_age_gives_the_first_priority(age: int | None, booked: bool, priority: str) -> None:
    assert rule.usual_priority(age, booked=booked) == priority


def test_letters_follow_the_rooms() -> None:
    rooms = [f"r{number}" for number in range(20)]
    assert [rules.letter_of(room, rooms) for room in ("r0", "r1", "r17", "r18")] == ["A", "B", "Y", "A"]
