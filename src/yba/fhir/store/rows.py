"""Rows as they come from the database, and the cursor that loads them the same on any connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import psycopg
from psycopg import sql
from psycopg.types.string import ByteaBinaryLoader

_TEXT_OID = 25
_cursors: WeakKeyDictionary[psycopg.Connection[Any], psycopg.Cursor[tuple[Any, ...]]] = WeakKeyDictionary()

Query = str | sql.Composable


class Stored(msgspec.Struct, frozen=True):
    """One version of a resource as it is kept: ``content`` is None where it says "deleted"."""

    type: str
    id: str
    version: int
    updated: datetime
    content: bytes | None
    patient: str | None = None
    facility: str | None = None
    rid: int = 0
    method: str = "PUT"

    def kept_like(self, other: Stored) -> bool:
        """Whether it is the same patient's and the same facility's: then who sees the other may see it."""
        return self.patient == other.patient and self.facility == other.facility


def cursor_of(connection: psycopg.Connection[Any]) -> psycopg.Cursor[tuple[Any, ...]]:
    """The record's own cursor on a connection: server-side binding, plain tuples, ``text`` loaded as bytes.

    Django's connection loads JSON and text its own way; this cursor does not inherit that. Columns that are
    wanted as ``str`` are cast to ``varchar`` in the query.
    """
    cursor = _cursors.get(connection)
    if cursor is None or cursor.closed:
        cursor = psycopg.Cursor(connection)
        cursor.adapters.register_loader(_TEXT_OID, ByteaBinaryLoader)
        _cursors[connection] = cursor
    return cursor


def execute(
    connection: psycopg.Connection[Any],
    query: Query,
    params: Mapping[str, object] | Sequence[object] | None = None,
    *,
    prepare: bool | None = None,
) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run one statement with binary results on the record's cursor; fetch before the next call.

    With ``prepare`` False it is planned by its values every time, never as a prepared statement for any values.
    """
    return cursor_of(connection).execute(query, params, binary=True, prepare=prepare)  # type: ignore[arg-type]  # named statements are str
