"""Rows of ``record.standing`` as they are written: with the version of the resource that says so, or many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import psycopg

from yba.fhir.access.standing import Standing
from yba.fhir.store.rows import execute

_COLUMNS = (
    "shard, patient, holder, basis, since, until, types, labels, purposes, kept, named, occurred_from, occurred_until,"
    " source_type, source_id"
)


class Said(Protocol):
    """What is asked of a write: whose rows these are, and which; None where the type opens nothing."""

    @property
    def type(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def standing(self) -> Sequence[tuple[int, Standing]] | None: ...


# Parts of the one statement of a write (``write.py``).
FORGET = (
    ",\nstanding_old as (delete from record.standing"
    " where source_type = %(type)s::text and source_id = %(id)s::text)"
)
ADD = (
    f",\nstanding_new as (insert into record.standing ({_COLUMNS}) select {_COLUMNS} from"  # noqa: S608 - our own names
    " json_populate_recordset(null::record.standing, %(standing)s::json) where exists (select from r))"
)
_FORGET_MANY = (
    "delete from record.standing s using unnest(%(types)s::text[], %(ids)s::text[]) as x(type, id)"
    ' where s.source_type = x.type collate "C" and s.source_id = x.id collate "C"'
)
_ADD_MANY = (
    f"insert into record.standing ({_COLUMNS}) select {_COLUMNS} from"  # noqa: S608
    " json_populate_recordset(null::record.standing, %(standing)s::json)"
)


def written(rows: Sequence[Said]) -> str:
    """The rows of writes as JSON."""
    made: list[dict[str, Any]] = []
    for row in rows:
        for shard, one in row.standing or ():
            said = msgspec.to_builtins(one)
            made.append(said | {"shard": shard, "source_type": row.type, "source_id": row.id})
    return msgspec.json.encode(made).decode()


def replace(connection: psycopg.Connection[Any], rows: Sequence[Said]) -> None:
    """The standings of these resources made anew; those of a type that opens nothing are left."""
    concerned = [row for row in rows if row.standing is not None]
    if not concerned:
        return
    names = {"types": [row.type for row in concerned], "ids": [row.id for row in concerned]}
    execute(connection, _FORGET_MANY, names)
    if any(row.standing for row in concerned):
        execute(connection, _ADD_MANY, {"standing": written(concerned)})
