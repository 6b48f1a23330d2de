"""Dates, times and boundaries as the functions of views tell them, in both databases."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

COMPARED = [
    ("2016-11-12", "2016-11-12", 0),
    ("2016-11-12", "2016-11-13", -1),
    ("2016-11", "2016-11-12", None),
    ("2016-11", "2016-12-01", -1),
    ("2017", "2016-12-31", 1),
    ("2015-02-07T13:28:17.239+02:00", "2015-02-07T11:28:17.239Z", 0),
    ("2015-02-07T13:28:17Z", "2015-02-07T13:28:17.000Z", 0),
    ("2015-02-07T13:28:17Z", "2015-02-07T13:28:17.001Z", -1),
    ("2015-02-07T13:28:17Z", "2015-02-07T13:28:17", None),
    ("2015-02-07", "2015-02-07T13:28:17Z", None),
    ("2015-02-08", "2015-02-07T13:28:17Z", 1),
    (None, "2015", None),
]


@pytest.mark.parametrize(("left", "right", "told"), COMPARED)
def test_two_moments_are_compared(
    connection: psycopg.Connection[Any], left: str | None, right: str, told: int | None
) -> None:
    row = connection.execute("select record.view_compare(%s, %s)", (left, right)).fetchone()
    assert row == (told,)
