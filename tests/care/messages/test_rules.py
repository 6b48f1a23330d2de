"""When somebody may be disturbed, by which way, and when to try again."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from yba.care.messages import kinds, rules
from yba.care.messages.rules import Wishes

ALL = {"push", "zalo", "sms", "email", "voice"}


def here(hour: int, minute: int = 0, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(hours=7)


def kind(key: str) -> kinds.Kind:
    return kinds.kinds()[key]


@pytest.mark.parametrize(
    ("wishes", "reach", "ways"),
    [
        (Wishes(), ALL, ["zalo", "sms"]),
        (Wishes(), {"sms"}, ["sms"]),
        (Wishes(off=frozenset()), ALL, ["zalo", "sms", "voice"]),
        (Wishes(first="push"), ALL, ["push", "zalo", "sms"]),
        (Wishes(first="push"), {"sms"}, ["sms"]),
        (Wishes(first="email", off=frozenset({"zalo", "voice"})), ALL, ["email", "sms"]),
        (Wishes(first="sms", off=frozenset({"zalo", "voice"})), ALL, ["sms"]),
        (Wishes(), {"voice"}, []),
    ],
)
def test_the_ways_follow_wishes_and_addresses(wishes, reach, ways):
    assert rules.chain(kind("booking.moved"), wishes, reach) == ways


@pytest.mark.parametrize("first", ["", "push", "email", "zalo", "voice"])
def test_a_code_takes_one_way_whatever_was_wished(first):
    assert rules.chain(kind("accounts.code"), Wishes(first=first, off=frozenset()), ALL) == ["sms"]


@pytest.mark.parametrize(
    ("at", "free"),
    [
        (here(20, 59), here(20, 59)),
        (here(21), here(7, day=25)),
        (here(23, 59), here(7, day=25)),
        (here(0), here(7)),
        (here(6, 59), here(7)),
        (here(7), here(7)),
    ],
)
def test_nobody_is_woken_between_nine_and_seven(at, free):
    tomorrow = here(9, day=26)
    assert rules.send_at(kind("booking.moved"), Wishes(), about=tomorrow, now=at) == free


def test_a_change_of_today_is_told_at_any_hour_and_a_reminder_is_not():
    assert rules.send_at(kind("booking.moved"), Wishes(), about=here(8), now=here(5)) == here(5)
    assert rules.send_at(kind("booking.reminder-2h"), Wishes(), about=here(8), now=here(6)) == here(7)


def test_the_day_of_a_change_is_this_countrys():
    # 23:30 here and the visit at 0:30: another day here, though the same in UTC.
    assert rules.send_at(
        kind("booking.moved"), Wishes(), about=here(0, 30, day=25), now=here(23, 30)
    ) == here(7, day=25)


def test_a_code_never_waits():
    assert rules.send_at(kind("accounts.code"), Wishes(), about=None, now=here(3)) == here(3)


def test_quiet_hours_are_the_persons_own():
    noon = Wishes(quiet_from=time(12), quiet_to=time(14))
    assert rules.send_at(kind("booking.moved"), noon, about=None, now=here(13)) == here(14)
    assert rules.send_at(kind("booking.moved"), noon, about=None, now=here(22)) == here(22)
    assert not rules.is_quiet(here(3), Wishes(quiet_from=time(0), quiet_to=time(0)))


def test_tries_back_off_and_end():
    now = here(9)
    found = [rules.next_try(kind("booking.moved"), tries, now=now) for tries in (1, 2, 3, 4)]
    assert found == [
        now + timedelta(seconds=30),
        now + timedelta(minutes=2),
        now + timedelta(minutes=10),
        None,
    ]
    assert rules.next_try(kind("accounts.code"), 1, now=now) == now + timedelta(seconds=3)


def test_a_code_is_not_sent_when_it_no_longer_counts():
    assert rules.expires_at(kind("accounts.code"), about=None, now=here(9)) == here(9, 5)


def test_a_reminder_is_worth_nothing_once_the_visit_began():
    assert rules.expires_at(kind("booking.reminder-3d"), about=here(9, day=27), now=here(9)) == here(
        9, day=27
    )


@pytest.mark.parametrize(
    ("now", "since", "due"),
    [
        (here(9), here(9, day=20), True),
        (here(8, 59), here(9, day=20), False),
        (here(9), here(9), False),  # booked within the lead: the confirmation was the reminder
        (here(7, day=25), here(9, day=20), False),  # the next reminder has taken over
    ],
)
def test_a_reminder_is_due_from_its_moment_until_the_next(now, since, due):
    start = here(9, day=25)
    assert (
        rules.reminder_due(kind("booking.reminder-1d"), start, now=now, next_lead=2, known_since=since) is due
    )


def test_addresses_are_shown_in_part():
    assert rules.masked("0905123456") == "0905***456"
    assert rules.masked("hanh@example.vn") == "h***@example.vn"
    assert rules.masked("113") == "***"
