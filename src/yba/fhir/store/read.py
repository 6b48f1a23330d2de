"""Rows by name: the current one, one version, a history; each through the actor's condition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

import psycopg
from psycopg import sql

from yba.fhir.access import past
from yba.fhir.condition import Condition
from yba.fhir.store import identity
from yba.fhir.store.asking import Statement, ask
from yba.fhir.store.rows import Stored, execute

_CURRENT = sql.SQL(
    "select r.id::varchar, r.version, r.updated, r.content, r.patient::varchar, r.facility::varchar, r.rid,"
    " r.shard from record.resource r where r.type = %(type)s and r.id = %(id)s"
)
_ON_SHARD = sql.SQL("{} and r.shard = %(shard)s").format(_CURRENT)
_TEXTS = {False: _CURRENT.as_string(None), True: _ON_SHARD.as_string(None)}
_WHOEVER = {
    name: text.replace("record.resource", "record.unwalled_resource") for name, text in _TEXTS.items()
}
_VERSION = sql.SQL(
    "select v.id::varchar, v.version, v.updated, v.content, v.patient::varchar, v.facility::varchar, v.rid,"
    " v.method::varchar from record.version v"
)


Ask = Callable[[Statement], Sequence[tuple[Any, ...]]]
"""The rows of a question, asked by somebody of whom the database knows."""


def seen(ask: Ask, type_name: str, identifier: str, condition: Condition) -> tuple[Stored, int] | None:
    """The current row and its shard, deleted or not; None when there is none the condition lets through.

    A deleted row keeps its patient and facility, so that the condition hides it like a living one.
    """
    shard = identity.carried_by(identifier)
    values: dict[str, object] = {"type": type_name, "id": identifier, "shard": shard, **condition.params}
    whole = None if condition.sql is None else condition.sql.as_string(None)
    ways = [(whole, False)]
    if shard is not None:  # asks one machine of many; it has moved when it was put right to another patient
        ways.insert(0, (whole, True))
    if condition.quick is not None:  # lets most rows through; else the whole is asked
        ways.insert(0, (condition.quick.as_string(None), shard is not None))
    for text, on_shard in ways:
        found = ask(Statement(_composed(text, on_shard, lock=False), values))
        if found:
            return _stored(type_name, found[0])
    return None


def current(
    connection: psycopg.Connection[Any],
    type_name: str,
    identifier: str,
    *,
    condition: Condition | None,
    lock: bool = False,
) -> tuple[Stored, int] | None:
    """What ``seen`` finds, on a connection on which is known who acts.

    Without a condition it is the row whoever may see it: for deciding and locking, never for answering.
    With ``lock`` the row stays locked until the transaction ends.
    """
    if condition is not None and not lock:
        return seen(partial(ask, connection), type_name, identifier, condition)
    params: dict[str, object] = {"type": type_name, "id": identifier}
    if condition is not None:
        params |= condition.params
    shard = identity.carried_by(identifier)
    row = None
    if shard is not None:
        row = execute(
            connection, _query(condition, on_shard=True, lock=lock), {**params, "shard": shard}
        ).fetchone()
    if row is None:
        row = execute(connection, _query(condition, on_shard=False, lock=lock), params).fetchone()
    while row is None and lock:
        # Who held it may have moved it to another shard, by a deletion and an insertion: the lock then finds nothing
        # though the row is there. An unlocked look always sees one of the two.
        if execute(connection, _query(condition, on_shard=False, lock=False), params).fetchone() is None:
            break
        row = execute(connection, _query(condition, on_shard=False, lock=True), params).fetchone()
    return None if row is None else _stored(type_name, row)


def _stored(type_name: str, row: tuple[Any, ...]) -> tuple[Stored, int]:
    return Stored(type_name, row[0], row[1], row[2], row[3], row[4], row[5], row[6]), row[7]


def _query(condition: Condition | None, *, on_shard: bool, lock: bool) -> str:
    if condition is None:
        return f"{_WHOEVER[on_shard]} for update of r" if lock else _WHOEVER[on_shard]
    return _composed(None if condition.sql is None else condition.sql.as_string(None), on_shard, lock)


@lru_cache(maxsize=4096)
def _composed(condition: str | None, on_shard: bool, lock: bool) -> str:
    """One text a shape, so that the database prepares it once."""
    query = _TEXTS[on_shard] if condition is None else f"{_TEXTS[on_shard]} and {condition}"
    return f"{query} for update of r" if lock else query


def one_version(
    connection: psycopg.Connection[Any], type_name: str, identifier: str, version: int
) -> Stored | None:
    """One version by its number; the caller has checked that the actor may see the resource."""
    query = sql.SQL("{} where v.type = %(type)s and v.id = %(id)s and v.version = %(version)s").format(
        _VERSION
    )
    row = execute(connection, query, {"type": type_name, "id": identifier, "version": version}).fetchone()
    if row is None:
        return None
    return Stored(type_name, row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7])


Key = tuple[datetime, int, int]
"""Where a version stands in a history: updated, rid, version."""


@dataclass(frozen=True, slots=True)
class History:
    """Which versions: from ``since`` on; current at some moment of ``at`` (from, before); beyond the key ``after``.

    Newest first unless ``oldest_first``; at most ``count``. Source: FHIR R4, http.html#history.
    """

    since: datetime | None = None
    at: tuple[datetime | None, datetime | None] | None = None
    after: Key | None = None
    count: int = 50
    oldest_first: bool = False


_COLUMNS = sql.SQL(
    "v.id::varchar, v.version, v.updated, v.content, v.patient::varchar, v.facility::varchar,"
    " v.rid, v.method::varchar, v.type::varchar"
)
_OF_VERSION = (
    " join record.resource r on r.shard = v.shard and r.rid = v.rid and r.type = v.type and r.id = v.id"
)
# The version was followed by another before the time asked for began.
_REPLACED = sql.SQL(
    "not exists (select from record.unwalled_version n where n.type = v.type and n.id = v.id"
    " and n.version = v.version + 1 and n.updated <= %(at_from)s)"
)


def history(
    connection: psycopg.Connection[Any],
    type_name: str | None,
    identifier: str | None,
    *,
    condition: Condition,
    asked: History,
) -> list[tuple[str, Stored]]:
    """Versions in order.

    The condition is put to the current row: what the actor may not see now has no history for them,
    and neither has what was another patient's or another facility's before it was put right, or was sensitive then.
    """
    source, params = _history(type_name, identifier, condition, asked)
    way = sql.SQL("" if asked.oldest_first else " desc")
    if asked.after is not None:
        beyond = sql.SQL(">" if asked.oldest_first else "<")
        source += sql.SQL(
            " and (v.updated, v.rid, v.version) {} (%(after)s, %(rid)s, %(version)s::integer)"
        ).format(beyond)
        params["after"], params["rid"], params["version"] = asked.after
    query = sql.SQL(
        "select {} {} order by v.updated{way}, v.rid{way}, v.version{way} limit %(count)s"
    ).format(_COLUMNS, source, way=way)
    params["count"] = asked.count
    return [
        (row[8], Stored(row[8], row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7]))
        for row in execute(connection, query, params).fetchall()
    ]


def count_history(
    connection: psycopg.Connection[Any],
    type_name: str | None,
    identifier: str | None,
    *,
    condition: Condition,
    asked: History,
) -> int:
    """How many versions there are on all pages."""
    source, params = _history(type_name, identifier, condition, asked)
    row = execute(connection, sql.SQL("select count(*) {}").format(source), params).fetchone()
    return int(row[0]) if row else 0


def _history(
    type_name: str | None, identifier: str | None, condition: Condition, asked: History
) -> tuple[sql.Composed, dict[str, object]]:
    """``from`` and ``where`` of a history, without the place of the page."""
    source: list[sql.Composable] = [sql.SQL("from record.version v")]
    where: list[sql.Composable] = [sql.SQL("true")]
    params: dict[str, object] = dict(condition.params)
    if condition.sql is not None:
        # A version of another patient's lies elsewhere, and is not shown either.
        source.append(sql.SQL(_OF_VERSION))
        where += [
            condition.sql,
            sql.SQL("v.patient is not distinct from r.patient"),
            sql.SQL("v.facility is not distinct from r.facility"),
        ]
        then = past.of_versions(condition)
        if then is not None:
            where.append(then)
    low, high = asked.at or (None, None)
    for text, name, value in (
        (sql.SQL("v.type = %(type)s"), "type", type_name),
        (sql.SQL("v.id = %(id)s"), "id", identifier),
        (sql.SQL("v.updated >= %(since)s"), "since", asked.since),
        (sql.SQL("v.updated < %(at_before)s"), "at_before", high),
        (_REPLACED, "at_from", low),
    ):
        if value is not None:
            where.append(text)
            params[name] = value
    return sql.SQL("{} where {}").format(sql.SQL("").join(source), sql.SQL(" and ").join(where)), params


_CURRENT_MANY = (
    "select r.id::varchar, r.version, r.updated, r.content, r.patient::varchar, r.facility::varchar, r.rid,"
    " r.shard, r.type::varchar from record.unwalled_resource r"
    " join (select distinct * from unnest(%(types)s::text[], %(ids)s::text[]) as n(type, id)) x"
    ' on r.type = x.type collate "C" and r.id = x.id collate "C" order by r.type, r.id for update of r'
)


# A new id is stored by one at a time. The keys of the tables carry the shard, which is the patient's where there is
# one: two who give one id to resources of two patients would meet in none of them. They meet in these locks, which
# last as long as the transaction. Many names at once take one lock for all: the lock table has an end.
_NAMES, _EVERY_NAME = 72_162, 72_163
_MOST_NAMES = 500
_HOLD_ALL = "select pg_advisory_xact_lock(%s::int4, 0)"
_HOLD_SOME = "select pg_advisory_xact_lock_shared(%s::int4, 0)"
_HOLD = (
    "select pg_advisory_xact_lock(%s::int4, x.number) from (select distinct"
    " (hashtextextended(name, 0) & 2147483647)::int4 as number from unnest(%s::text[]) name order by number) x"
)


def hold_names(connection: psycopg.Connection[Any], names: Iterable[tuple[str, str]]) -> None:
    """Wait for whoever is storing one of these types and ids for the first time, and keep others waiting."""
    wanted = [f"{kind}/{identifier}" for kind, identifier in names]
    if len(wanted) > _MOST_NAMES:
        execute(connection, _HOLD_ALL, (_EVERY_NAME,))
    elif wanted:
        execute(connection, _HOLD_SOME, (_EVERY_NAME,))
        execute(connection, _HOLD, (_NAMES, wanted))


_THERE = (
    "select r.type::varchar, r.id::varchar from record.unwalled_resource r"
    " join (select distinct * from unnest(%(types)s::text[], %(ids)s::text[]) as n(type, id)) x"
    ' on r.type = x.type collate "C" and r.id = x.id collate "C"'
)


def lock_many(
    connection: psycopg.Connection[Any], names: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], tuple[Stored, int]]:
    """The current rows of these types and ids that are there, whoever may see them, locked in one order for all.

    Names that are not there are held, so that nobody else stores them before the transaction ends; first, for who
    holds rows must not wait for who holds names.
    """
    pairs = sorted(set(names))
    if not pairs:
        return {}
    params = {"types": [kind for kind, _ in pairs], "ids": [identifier for _, identifier in pairs]}
    there = set(execute(connection, _THERE, params).fetchall())
    hold_names(connection, [one for one in pairs if one not in there])
    while True:
        found = {
            (row[8], row[0]): (Stored(row[8], row[0], row[1], row[2], row[3], row[4], row[5], row[6]), row[7])
            for row in execute(connection, _CURRENT_MANY, params).fetchall()
        }
        # A row that was moved to another shard while it was waited for is there, and not found (see ``current``).
        if len(found) == len(pairs) or all(
            one in found for one in execute(connection, _THERE, params).fetchall()
        ):
            return found
