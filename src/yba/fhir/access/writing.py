"""Writes at the door: the row as it is and the row that is to be must both stand to the actor as a grant says.

The row that is to be is put to the very condition that reads are put to, with its index rows beside it, before anything
is stored: what it would open itself does not count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import sql

from yba.fhir.access import policy
from yba.fhir.access.actor import Actor
from yba.fhir.access.criteria import on_given
from yba.fhir.condition import NOTHING
from yba.fhir.errors import Forbidden
from yba.fhir.store.rows import execute

_GIVEN = (
    "select 1 from (select 0::bigint as rid, %(g_shard)s::smallint as shard, %(g_type)s::text as type,"
    " %(g_id)s::text as id, %(g_patient)s::text as patient, %(g_facility)s::text as facility,"
    " %(g_occurred)s::timestamptz as occurred, %(g_updated)s::timestamptz as updated, 0::smallint as sensitive) r"
)
_STORED = "select 1 from record.resource r where r.rid = %(g_rid)s and r.shard = %(g_shard)s"


@dataclass(frozen=True, slots=True)
class Given:
    """A row that is to be written. ``index`` gives the rows of an index table as JSON, when they are asked for."""

    type: str
    id: str
    shard: int
    patient: str | None
    facility: str | None
    occurred: datetime | None
    updated: datetime
    index: Callable[[str], str]


def may_store(
    connect: Callable[[], psycopg.Connection[Any]], actor: Actor, interaction: str, row: Given
) -> bool:
    """Whether the actor may make such a row. Its labels are no matter: who writes a diagnosis knows it.

    ``connect`` is called where the database has to be asked: what waits to be written together is then sent.
    """
    found = policy.door(actor, row.type, interaction)
    if found.sql is None or _easily(found, actor, row):
        return True
    if found.sql is NOTHING:
        return False
    may = policy.condition(actor, row.type, interaction, now=row.updated)
    assert may.sql is not None
    text, tables = _statement(may.sql.as_string(None))
    params: dict[str, object] = {
        "g_shard": row.shard, "g_type": row.type, "g_id": row.id, "g_patient": row.patient,
        "g_facility": row.facility, "g_occurred": row.occurred, "g_updated": row.updated, **may.params,
    }  # fmt: skip
    params |= {f"g_{table}": row.index(table) for table in tables}
    return execute(connect(), text, params).fetchone() is not None


def _easily(found: policy.Compiled, actor: Actor, row: Given) -> bool:
    """By the row's own columns, without asking the database."""
    return (
        "all" in found.easy
        or ("own-facility" in found.easy and row.facility is not None and row.facility == actor.facility)
        or ("self" in found.easy and row.patient is not None and row.patient == actor.person)
    )


@lru_cache(maxsize=2048)
def _statement(condition: str) -> tuple[str, tuple[str, ...]]:
    """The question, and which index tables it asks for."""
    text = on_given(condition)
    tables = tuple(
        table
        for table in ("token", "reference", "string", "date", "number", "uri", "position", "composite")
        if f"given_{table} x" in text
    )
    given = [
        f"given_{table} as (select * from json_populate_recordset(null::record.{table}, %(g_{table})s::json))"  # noqa: S608 - our own names
        for table in tables
    ]
    head = f"with {', '.join(given)} " if given else ""
    return f"{head}{_GIVEN} where {text}", tables


def may_change(
    connection: psycopg.Connection[Any],
    actor: Actor,
    type_name: str,
    interaction: str,
    place: tuple[int, int],
    now: datetime,
) -> bool:
    """Whether the actor may do this to the row of a rid and shard, as it is."""
    may = policy.condition(actor, type_name, interaction, now=now)
    if may.sql is None:
        return True
    if may.sql is NOTHING:
        return False
    query = sql.SQL("{} and {}").format(sql.SQL(_STORED), may.sql)
    return (
        execute(connection, query, {"g_rid": place[0], "g_shard": place[1], **may.params}).fetchone()
        is not None
    )


def refused(actor: Actor, type_name: str) -> Forbidden:
    """The answer to a write no grant allows: the actor is told the type only, never whose record it was."""
    return Forbidden(
        "access.write",
        f"The role '{actor.role}' may not write this {type_name}. "
        "Ask the facility's administrator, or send it as an account that keeps this record.",
        type=type_name,
    )
