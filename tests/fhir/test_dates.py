from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yba.fhir.model.dates import period_of
from yba.fhir.model.quantities import implicit_range
from yba.fhir.r4 import primitives


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2024", utc(2023, 12, 31, 17), utc(2024, 12, 31, 17)),
        ("2024-02", utc(2024, 1, 31, 17), utc(2024, 2, 29, 17)),
        ("2024-12", utc(2024, 11, 30, 17), utc(2024, 12, 31, 17)),
        ("2024-02-29", utc(2024, 2, 28, 17), utc(2024, 2, 29, 17)),
        ("2024-02-29T10:30", utc(2024, 2, 29, 3, 30), utc(2024, 2, 29, 3, 31)),
        ("2024-02-29T10:30:05Z", utc(2024, 2, 29, 10, 30, 5), utc(2024, 2, 29, 10, 30, 6)),
        ("2024-02-29T10:30:05-03:30", utc(2024, 2, 29, 14, 0, 5), utc(2024, 2, 29, 14, 0, 6)),
        ("2024-02-29T10:30:05.12Z", utc(2024, 2, 29, 10, 30, 5, 120000), utc(2024, 2, 29, 10, 30, 5, 130000)),
        ("2016-12-31T23:59:60Z", utc(2017, 1, 1), utc(2017, 1, 1, 0, 0, 1)),
        ("0001-01-01", utc(1, 1, 1), utc(1, 1, 1, 17)),
        ("9999", utc(9998, 12, 31, 17), utc(9999, 12, 31, 23, 59, 59, 999999)),
    ],
)
def test_period_of(text: str, low: datetime, high: datetime) -> None:
    assert period_of(text) == (low, high)


@pytest.mark.parametrize(
    "text", ["", "24", "2024-13", "2023-02-29", "2024-1-1", "2024-01-01T", "2024-01-01T25:00", "x"]
)
def test_period_of_refuses(text: str) -> None:
    with pytest.raises(ValueError):
        period_of(text)


def _matches(kind: Any, text: str) -> bool:
    return re.search(get_args(kind)[1].pattern, text) is not None


@given(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32))
def test_the_date_pattern_admits_exactly_the_days_that_exist(year: int, month: int, day: int) -> None:
    text = f"{year:04}-{month:02}-{day:02}"
    try:
        datetime(year, month, day)  # noqa: DTZ001
        exists = True
    except ValueError:
        exists = False
    assert _matches(primitives.Date, text) is exists
    assert _matches(primitives.DateTime, text) is exists
    assert _matches(primitives.Instant, text + "T00:00:00Z") is exists


@pytest.mark.parametrize("text", ["0000", "2024-00", "2024-02-29\n", "٢٠٢٤", "2024-02-29T10:30:00Z", "24"])
def test_the_date_pattern_refuses(text: str) -> None:
    assert not _matches(primitives.Date, text)


@pytest.mark.parametrize(
    "text", ["2024-01-01T24:00:00Z", "2024-01-01T10:00Z", "2024-01-01T10:00:00", "2024-01-01T10:00:00+15:00"]
)
def test_the_date_time_pattern_refuses(text: str) -> None:
    assert not _matches(primitives.DateTime, text)


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("5.40", "5.395", "5.405"),
        ("100", "99.5", "100.5"),
        ("1e2", "95", "105"),
        ("1.5e2", "145", "155"),
        ("0", "-0.5", "0.5"),
        ("-1.5", "-1.55", "-1.45"),
    ],
)
def test_implicit_range(value: str, low: str, high: str) -> None:
    assert implicit_range(Decimal(value)) == (Decimal(low), Decimal(high))
