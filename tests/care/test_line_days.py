"""Whole days: nobody is passed more often than published, the booked are called in time, what is told comes true."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.care.line_days import Day, World, days
from tests.care.test_line_rules import One, at
from yba.care.line import order
from yba.care.line.waiting import NOMINAL

WORLDS = [
    World(), World(load=1.0), World(rooms=3), World(rooms=2, booked=0.2, first=0.2), World(booked=0.0),
    World(booked=0.8, load=0.95),
]  # fmt: skip


@pytest.fixture(scope="module")
def replayed() -> list[Day]:
    """Six days in each of six worlds; the same ones every time."""
    return [day for world in WORLDS for day in days(world, 6, seed=11)]


def test_peer_06_replayed_days_pass_nobody_more_than_published(replayed: list[Day]) -> None:
    walk_ins = [one for day in replayed for one in day.people if one.ticket.due_at is None]
    assert len(walk_ins) > 400
    assert max(one.passed for one in walk_ins) == order.rule().most_passed == 3


def test_peer_06_the_booked_who_are_in_time_are_called_within_the_published_bound(
    replayed: list[Day],
) -> None:
    rule = order.rule()
    late = [
        one.called - max(one.ticket.due_at, one.ticket.arrived_at)
        for day in replayed
        for one in day.people
        if one.called and one.ticket.due_at and one.ticket.arrived_at <= one.ticket.due_at + rule.on_time
    ]
    assert len(late) > 300
    assert max(late) <= rule.booked_within == timedelta(minutes=60)


def test_peer_07_the_true_wait_lies_in_the_told_range(replayed: list[Day]) -> None:
    """At least eight of ten, and not by telling a range so wide that it says nothing."""
    people = [one for day in replayed for one in day.people]
    inside = [one for one in people if one.told.low <= one.waited <= one.told.high]
    assert len(people) > 700
    assert NOMINAL <= len(inside) / len(people) <= NOMINAL + 0.13
    widths = sorted(one.told.high - one.told.low for one in people)
    assert widths[len(widths) // 2] <= 30


KINDS = st.sampled_from(["none", "none", "booked", "over_75", "pregnant", "urgent", "merit"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.none(), st.tuples(KINDS, st.integers(-40, 60), st.booleans())), max_size=120))
def test_no_run_of_arrivals_and_calls_passes_anybody_more_often(
    turns: list[tuple[str, int, bool] | None],
) -> None:
    """None is a call, else somebody comes. Passing is counted here anew, from who came when alone."""
    waiting: list[One] = []
    went_by: dict[int, int] = {}
    for turn, comes in enumerate(turns):
        now = at(turn * 3)
        if comes is not None:
            kind, due, back = comes
            due_at = now + timedelta(minutes=due) if kind == "booked" else None
            waiting.append(One(turn, now, kind, due_at, is_back=back))
        elif waiting:
            called = min(waiting, key=lambda one: order.order_key(one, now=now))
            for one in order.passed_by(called, waiting):
                one.passed += 1
            waiting.remove(called)
            if called.priority != "urgent":
                for one in waiting:
                    went_by[one.number] = went_by.get(one.number, 0) + (one.number < called.number)
    assert max(went_by.values(), default=0) <= 3
