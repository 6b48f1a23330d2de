"""By when somebody who asked is promised a call: counted in the hours of the care desk, and never in the past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from yba.areas.booking import pages
from yba.ui.words import HANOI


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("2026-11-23T09:00", "Đã giữ chỗ 8:00. Bệnh viện gọi lại trước 9:30, thứ Hai 23/11."),
        ("2026-11-23T19:50", "Đã giữ chỗ 8:00. Bệnh viện gọi lại trước 7:20, thứ Ba 24/11."),
        ("2026-11-23T23:10", "Đã giữ chỗ 8:00. Bệnh viện gọi lại trước 7:30, thứ Ba 24/11."),
        ("2026-11-24T03:00", "Đã giữ chỗ 8:00. Bệnh viện gọi lại trước 7:30, thứ Ba 24/11."),
    ],
)
def test_a_call_is_promised_within_the_desks_hours(asked: str, said: str) -> None:
    at = datetime.fromisoformat(asked).replace(tzinfo=HANOI).astimezone(UTC)
    assert pages.waiting_words("8:00", pages.called_by(at, at)) == said


def test_a_promise_that_has_passed_is_not_repeated() -> None:
    asked = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    late = asked + timedelta(minutes=31)
    assert pages.called_by(asked, late) is None
    assert (
        pages.waiting_words("8:00", None) == "Đã giữ chỗ 8:00. Bệnh viện gọi chậm hơn đã hẹn, xin chờ thêm."
    )
