"""The statement of a write that stands alone straight to libpq: prepared on a connection, its values sent as text.

psycopg's cursor reads the query, asks each value for its type and arranges how to wait, at every execution: some 90 of
the 130 µs a create takes in it. Here a statement is read once, the database infers its types when it is prepared, and
libpq waits. The first execution on a connection goes by the cursor, as does everything inside a transaction or a
pipeline, or on a connection that prepares nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors as pg
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from yba.fhir.store.rows import execute

MOST: Final = 100
"""Statements that a connection keeps prepared; a plan of one takes the database some 100 kB."""
_NAME: Final = re.compile(r"%\((\w+)\)s")
_kept: WeakKeyDictionary[psycopg.Connection[Any], dict[str, bytes | None]] = WeakKeyDictionary()
_numbers = count(1)
_UNKNOWN: Final = b"26000"  # invalid_sql_statement_name


def returns_row(connection: psycopg.Connection[Any], text: str, values: Mapping[str, object]) -> bool:
    """Run a statement with named values of text, whole numbers and times; whether it returned a row.

    Its text may hold no other ``%``, and must leave no doubt of the types of its values.
    """
    kept = _kept.get(connection)
    if kept is None:
        kept = _kept[connection] = {}
    if text not in kept or not goes_alone(connection):
        if len(kept) < MOST:
            kept.setdefault(text, None)
        return execute(connection, text, values).fetchone() is not None
    query, names = _read(text)
    sent = [_written(values[name]) for name in names]
    with connection.lock:
        result = _sent(connection, kept[text], sent)
        if result is None:
            name = b"yba_%d" % next(_numbers)
            _checked(connection, connection.pgconn.prepare(name, query))
            kept[text] = name
            result = _sent(connection, name, sent)
    if result is None:
        raise psycopg.errors.InvalidSqlStatementName("the statement was prepared a moment ago, and is gone")
    return _checked(connection, result).ntuples > 0


def _sent(
    connection: psycopg.Connection[Any], name: bytes | None, values: list[bytes | None]
) -> PGresult | None:
    """Execute a prepared statement; None where there is none of this name (any more), and nothing was done.

    psycopg forgets all that is prepared on a connection (DEALLOCATE ALL) when a transaction is rolled back.
    """
    if name is None:
        return None
    # None is null: psycopg takes it, its types do not say so.
    result = connection.pgconn.exec_prepared(name, cast("list[bytes]", values))
    if result.status == ExecStatus.FATAL_ERROR and result.error_field(DiagnosticField.SQLSTATE) == _UNKNOWN:
        return None
    return result


def goes_alone(connection: psycopg.Connection[Any]) -> bool:
    """Whether a statement can go as it is: alone, so that one that has to be prepared again has undone nothing."""
    low = connection.pgconn
    return (
        connection.autocommit
        and low.transaction_status == TransactionStatus.IDLE
        and low.pipeline_status == PipelineStatus.OFF
        and connection.prepare_threshold is not None
    )


@lru_cache(maxsize=1024)
def _read(text: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement as the database takes it, and the names of its values in their order."""
    names: dict[str, int] = {}
    query = _NAME.sub(lambda found: f"${names.setdefault(found[1], len(names) + 1)}", text)
    return query.encode(), tuple(names)


def _written(value: object) -> bytes | None:
    """A value in the database's text format. Raises DataError for text it can't hold: libpq would cut it there."""
    if value is None:
        return None
    if isinstance(value, str):
        text = value.encode()
        if b"\0" in text:
            raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
        return text
    if isinstance(value, datetime):
        return value.isoformat().encode()
    assert isinstance(value, int)
    return b"%d" % value


def _checked(connection: psycopg.Connection[Any], result: PGresult) -> PGresult:
    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return result
    if connection.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError("the connection is lost")
    raise pg.error_from_result(result, encoding=connection.info.encoding)
