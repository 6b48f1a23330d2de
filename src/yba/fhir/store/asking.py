"""Questions that stand alone straight to libpq, and what must be said before one in the same go.

psycopg's cursor reads the query, asks how to wait and makes its loaders anew at every execution. Here a question is
read once, and prepared when it comes again on a connection; its values go as the record's cursor sends them, and its
rows are loaded as that cursor loads them. What is said before it is a transaction with it: both count, or neither.
"""

from __future__ import annotations

import re
import select
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, Final, NamedTuple, cast
from weakref import WeakKeyDictionary

import psycopg
from psycopg import abc, adapt
from psycopg import errors as pg
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from yba.fhir.store.prepared import goes_alone
from yba.fhir.store.rows import cursor_of, execute

MOST: Final = 100
"""Questions that a connection keeps prepared; the one that was asked longest ago goes first."""
_PLACE: Final = re.compile(r"%\((\w+)\)s|%%")
_UNKNOWN: Final = b"26000"  # invalid_sql_statement_name
_numbers = count(1)


class Statement(NamedTuple):
    """A text with named places, and its values."""

    text: str
    values: Mapping[str, object]


class _Sent(NamedTuple):
    """A statement as libpq takes it; ``key``: as what it is prepared, None where it is not to be."""

    query: bytes
    values: Sequence[abc.Buffer | None]
    types: Sequence[int]
    formats: Sequence[int]
    key: tuple[str, tuple[int, ...]] | None


class _Asker:
    """What a connection keeps: how values and rows are turned, and what is prepared, the latest used last."""

    __slots__ = ("names", "turning", "zone")

    def __init__(self) -> None:
        self.names: dict[tuple[str, tuple[int, ...]], bytes | None] = {}
        self.turning: abc.Transformer | None = None
        self.zone: bytes | None = None

    def turner(self, connection: psycopg.Connection[Any]) -> abc.Transformer:
        """A loader of times keeps the zone it was made in."""
        zone = connection.pgconn.parameter_status(b"TimeZone")
        if self.turning is None or zone != self.zone:
            self.turning, self.zone = adapt.Transformer(cursor_of(connection)), zone
        return self.turning


_askers: WeakKeyDictionary[psycopg.Connection[Any], _Asker] = WeakKeyDictionary()


def rows(
    connection: psycopg.Connection[Any],
    asked: Statement,
    *,
    before: Statement | None = None,
    prepare: bool = True,
) -> list[tuple[Any, ...]]:
    """The rows of a question; ``before``: what is done first, in the same transaction and without waiting for it.

    For a connection on which a statement ``goes_alone``. With ``prepare`` False the question is planned by its values
    every time. When either fails, neither has been done, and the connection is as it was.
    """
    asker = _askers.get(connection)
    if asker is None:
        asker = _askers[connection] = _Asker()
    with connection.lock:
        turning = asker.turner(connection)
        sent = [_made(turning, asked, prepare=prepare)]
        if before is not None:
            sent.insert(0, _made(turning, before, prepare=True))
        result = _answer(connection, asker, sent)
        if result is None:  # what was prepared had been forgotten, and nothing was done
            result = _answer(connection, asker, sent)
        if result is None:
            raise pg.InvalidSqlStatementName("the statement was prepared a moment ago, and is gone")
        turning.set_pgresult(result)
        return turning.load_rows(0, result.ntuples, tuple)


def ask(
    connection: psycopg.Connection[Any], asked: Statement, *, prepare: bool = True
) -> list[tuple[Any, ...]]:
    """The rows of a question by the shortest way there is."""
    if goes_alone(connection):
        return rows(connection, asked, prepare=prepare)
    return execute(connection, asked.text, asked.values, prepare=None if prepare else False).fetchall()


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement as the database takes it, and the names of its values in their order."""
    names: dict[str, int] = {}

    def placed(found: re.Match[str]) -> str:
        return "%" if found[1] is None else f"${names.setdefault(found[1], len(names) + 1)}"

    query = _PLACE.sub(placed, text)
    return query.encode(), tuple(names)


def _made(turning: abc.Transformer, asked: Statement, *, prepare: bool) -> _Sent:
    query, names = _read(asked.text)
    given = [asked.values[name] for name in names]
    values = turning.dump_sequence(given, [adapt.PyFormat.AUTO] * len(given))
    types = turning.types or ()
    return _Sent(query, values, types, turning.formats or (), (asked.text, tuple(types)) if prepare else None)


def _answer(connection: psycopg.Connection[Any], asker: _Asker, sent: Sequence[_Sent]) -> PGresult | None:
    """What the last statement answers; None where one was no longer prepared, and nothing was done."""
    names = [_name(connection, asker, one) for one in sent]
    found = _together(connection, sent, names) if len(sent) > 1 else [_alone(connection, sent[0], names[0])]
    for result in found:
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            continue
        if result.status == ExecStatus.FATAL_ERROR:
            if any(names) and result.error_field(DiagnosticField.SQLSTATE) == _UNKNOWN:
                asker.names.clear()
                return None
            if connection.pgconn.status != ConnStatus.BAD:
                raise pg.error_from_result(result, encoding=connection.info.encoding)
        raise psycopg.OperationalError("the connection is lost")
    return found[-1]


def _name(connection: psycopg.Connection[Any], asker: _Asker, one: _Sent) -> bytes | None:
    """Under which name a statement is prepared; None the first time, when it is asked as it is."""
    if one.key is None:
        return None
    if one.key not in asker.names:
        if len(asker.names) >= MOST:
            _forget(connection, asker)
        asker.names[one.key] = None
        return None
    name = asker.names.pop(one.key)
    if name is None:
        name = b"yba_ask_%d" % next(_numbers)
        result = connection.pgconn.prepare(name, one.query, one.types)
        if result.status != ExecStatus.COMMAND_OK:
            raise pg.error_from_result(result, encoding=connection.info.encoding)
    asker.names[one.key] = name
    return name


def _forget(connection: psycopg.Connection[Any], asker: _Asker) -> None:
    """The question that was asked longest ago is no longer prepared."""
    oldest = next(iter(asker.names))
    name = asker.names.pop(oldest)
    if name is not None:
        connection.pgconn.exec_(b"deallocate " + name)  # gone already: all the better


def _alone(connection: psycopg.Connection[Any], one: _Sent, name: bytes | None) -> PGresult:
    low = connection.pgconn
    if name is not None:
        # None is null: psycopg takes it, its types do not say so.
        return low.exec_prepared(name, cast("list[bytes]", one.values), one.formats, Format.BINARY)
    return low.exec_params(one.query, one.values, one.types, one.formats, Format.BINARY)


def _together(
    connection: psycopg.Connection[Any], sent: Sequence[_Sent], names: Sequence[bytes | None]
) -> list[PGresult]:
    """All in one transaction, sent before the first answer: the one that fails takes the others back.

    A connection on which this is broken off is closed: nobody could say what was done on it, or whose answers come.
    """
    low = connection.pgconn
    try:
        low.enter_pipeline_mode()
        for one, name in zip(sent, names, strict=True):
            if name is not None:
                low.send_query_prepared(name, one.values, one.formats, Format.BINARY)
            else:
                low.send_query_params(one.query, one.values, one.types, one.formats, Format.BINARY)
        low.pipeline_sync()
        found = _answers(low, len(sent))
        low.exit_pipeline_mode()
    except BaseException:
        connection.close()
        raise
    return found


def _answers(low: PGconn, number: int) -> list[PGresult]:
    """What so many statements answer, up to the end of what was sent together.

    Waited for here and not by ``connection.wait``, whose generators cost as much as the telling does in the database.
    """
    waiting = select.poll()
    waiting.register(low.socket, select.POLLIN)
    while low.flush():  # more than the socket takes at once: the database may have to be heard meanwhile
        waiting.modify(low.socket, select.POLLIN | select.POLLOUT)
        if waiting.poll()[0][1] & ~select.POLLOUT:
            low.consume_input()
        waiting.modify(low.socket, select.POLLIN)
    found: list[PGresult] = []
    while True:
        while low.is_busy():
            waiting.poll()
            low.consume_input()
        result = low.get_result()
        if result is not None:
            if result.status == ExecStatus.PIPELINE_SYNC:
                return found
            found.append(result)
        elif low.status == ConnStatus.BAD:  # else it stands between the answers of two
            raise psycopg.OperationalError("the connection is lost")
