"""Index rows taken away, each named by its row and its shard: the one place for every way of writing but one.

A single write deletes within its own statement (``write.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import psycopg

from yba.fhir.search.rows import WIDTHS
from yba.fhir.store.rows import execute

Place = tuple[int, int]
"""Row id and shard."""


def remove(
    connection: psycopg.Connection[Any], places: Iterable[Place], numbers: Sequence[int] | None = None
) -> None:
    """Take away all index rows of these rows, or those of some parameters, and then none of texts."""
    known = list(places)
    if not known:
        return
    values: dict[str, object] = {
        "rids": [rid for rid, _ in known],
        "shards": sorted({shard for _, shard in known}),
    }
    if numbers is not None:
        values["numbers"] = list(numbers)
    execute(connection, statement(some=numbers is not None), values)


@lru_cache(maxsize=2)
def statement(*, some: bool) -> str:
    """Deletions from all tables in one statement. A row id is one row's, whatever its shard."""
    tables = [*WIDTHS] if some else [*WIDTHS, "text"]
    which = " and param = any(%(numbers)s)" if some else ""
    parts = (
        f"{one}_old as (delete from record.{one} where shard = any(%(shards)s::smallint[])"  # noqa: S608 - our own names
        f" and rid = any(%(rids)s::bigint[]){which})"
        for one in tables
    )
    return "with " + ", ".join(parts) + " select 1"
