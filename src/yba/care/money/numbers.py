"""Whole numbers in a series: taken in the transaction that uses them, given back when it fails."""

from __future__ import annotations

from django.db import connection

_NEXT = """
insert into money_series (facility, kind, year, last) values (%s, %s, %s, 1)
on conflict (facility, kind, year) do update set last = money_series.last + 1
returning last
"""


def next_number(facility: str, *, kind: str, year: int) -> int:
    """The next number; the series stays locked until the transaction ends, so take it last."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [facility, kind, year])
        return int(cursor.fetchone()[0])
