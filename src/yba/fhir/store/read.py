"""Rows by name: the current one, one version, a history; each through the actor's condition."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from yba.fhir.access.policy import Condition
from yba.fhir.store.rows import Stored, execute

_CURRENT = sql.SQL(
    "select r.id::varchar, r.version, r.updated, r.content, r.patient::varchar, r.facility::varchar, r.rid,"
    " r.shard from record.resource r where r.type = %(type)s and r.id = %(id)s"
)
_CURRENT_TEXT = _CURRENT.as_string(None)
_VERSION = sql.SQL(
    "select v.id::varchar, v.version, v.updated, v.content, v.patient::varchar, v.facility::varchar, v.rid,"
    " v.method::varchar from record.version v"
)


def current(
    connection: psycopg.Connection[Any],
    type_name: str,
    identifier: str,
    *,
    condition: Condition,
    lock: bool = False,
) -> tuple[Stored, int] | None:
    """The current row and its shard, deleted or not; None when there is none the condition lets through.

    With ``lock`` the row stays locked until the transaction ends. A deleted row keeps its patient and
    facility, so that the condition hides it like a living one.
    """
    query: str | sql.Composable = _CURRENT_TEXT
    if condition.sql is not None:
        query = sql.SQL("{} and {}").format(_CURRENT, condition.sql)
    if lock:
        query = sql.SQL("{} for update of r").format(sql.SQL(query) if isinstance(query, str) else query)
    row = execute(connection, query, {"type": type_name, "id": identifier, **condition.params}).fetchone()
    if row is None:
        return None
    return Stored(type_name, row[0], row[1], row[2], row[3], row[4], row[5], row[6]), row[7]


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


def history(
    connection: psycopg.Connection[Any],
    type_name: str | None,
    identifier: str | None,
    *,
    condition: Condition,
    since: datetime | None,
    before: tuple[datetime, int, int] | None,
    count: int,
) -> list[tuple[str, Stored]]:
    """Versions, newest first, at most ``count``, older than the key ``before`` (updated, rid, version).

    The condition is put to the current row: what the actor may not see now has no history for them,
    and neither has what was another patient's before it was put right.
    """
    parts: list[sql.Composable] = [
        sql.SQL(
            "select v.id::varchar, v.version, v.updated, v.content, v.patient::varchar, v.facility::varchar,"
            " v.rid, v.method::varchar, v.type::varchar from record.version v"
        )
    ]
    if condition.sql is not None:
        parts.append(sql.SQL(" join record.resource r on r.rid = v.rid and r.type = v.type and r.id = v.id"))
    where: list[sql.Composable] = [sql.SQL("true")]
    if condition.sql is not None:
        where.append(condition.sql)
        where.append(sql.SQL("v.patient is not distinct from r.patient"))
    if type_name is not None:
        where.append(sql.SQL("v.type = %(type)s"))
    if identifier is not None:
        where.append(sql.SQL("v.id = %(id)s"))
    if since is not None:
        where.append(sql.SQL("v.updated >= %(since)s"))
    if before is not None:
        where.append(sql.SQL("(v.updated, v.rid, v.version) < (%(at)s, %(rid)s, %(version)s::integer)"))
    query = sql.SQL("{} where {} order by v.updated desc, v.rid desc, v.version desc limit %(count)s").format(
        sql.SQL("").join(parts), sql.SQL(" and ").join(where)
    )
    params: dict[str, object] = {
        "type": type_name,
        "id": identifier,
        "since": since,
        "count": count,
        **condition.params,
    }
    if before is not None:
        params["at"], params["rid"], params["version"] = before
    return [
        (row[8], Stored(row[8], row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7]))
        for row in execute(connection, query, params).fetchall()
    ]
