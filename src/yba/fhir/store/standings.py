"""Rows of ``record.standing`` as they are written: with the version of the resource that says so, or many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec
import psycopg

from yba.fhir.access.standing import Standing
from yba.fhir.store.rows import execute

_COLUMNS = (
    "shard, patient, holder, basis, since, until, types, labels, purposes, kept, named, occurred_from, occurred_until,"
    " source_type, source_id, claimed"
)


class Said(Protocol):
    """What is asked of a write: whose rows these are, and which; None where the type opens nothing."""

    @property
    def type(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def standing(self) -> Sequence[tuple[int, Standing]] | None: ...


# Parts of the one statement of a write (``write.py``). The rows that were there are still seen beside their deletion:
# who stood there by somebody else's hand stays so while it lasts, who wrote themselves in stays marked (decision 0012).
FORGET = (
    ",\nstanding_old as (delete from record.standing"
    " where source_type = %(type)s::text and source_id = %(id)s::text)"
)
_SAID = _COLUMNS.replace("labels", "case when claimed then 0 else labels end")
_OLD = (
    "exists (select from record.standing o where o.source_type = x.source_type and o.source_id = x.source_id"
    " and o.patient = x.patient and o.holder = x.holder and {how})"
)
_CLAIMED = (
    "not " + _OLD.format(how="o.until > {now}::timestamptz and not o.claimed")
    + " and (x.claimed or " + _OLD.format(how="o.claimed") + ")"
)  # fmt: skip


def _add(claimed: str) -> str:
    given = _COLUMNS.removesuffix(", claimed")
    return (
        f"insert into record.standing ({_COLUMNS}) select {_SAID} from (select {given}, {claimed} as claimed"  # noqa: S608 - our own names
        " from json_populate_recordset(null::record.standing, %(standing)s::json) x) y"
        " where (until > since or claimed)"
    )


ADD = f",\nstanding_new as ({_add(_CLAIMED.format(now='%(updated)s'))} and exists (select from r))"
ADD_NEW = f",\nstanding_new as ({_add('x.claimed')} and exists (select from r))"
_GONE = (
    "with gone as (delete from record.standing s using unnest(%(types)s::text[], %(ids)s::text[]) as x(type, id)"
    ' where s.source_type = x.type collate "C" and s.source_id = x.id collate "C") '
)
_FORGET_MANY = _GONE + "select 1"
_REPLACE_MANY = _GONE + _add(_CLAIMED.format(now="%(now)s"))


def written(rows: Sequence[Said]) -> str:
    """The rows of writes as JSON."""
    made: list[dict[str, Any]] = []
    for row in rows:
        for shard, one in row.standing or ():
            said = msgspec.to_builtins(one)
            made.append(said | {"shard": shard, "source_type": row.type, "source_id": row.id})
    return msgspec.json.encode(made).decode()


def replace(connection: psycopg.Connection[Any], rows: Sequence[Said], now: datetime) -> None:
    """The standings of these resources made anew ``now``; those of a type that opens nothing are left."""
    concerned = [row for row in rows if row.standing is not None]
    if not concerned:
        return
    names = {"types": [row.type for row in concerned], "ids": [row.id for row in concerned]}
    if any(row.standing for row in concerned):
        execute(connection, _REPLACE_MANY, {**names, "standing": written(concerned), "now": now})
    else:
        execute(connection, _FORGET_MANY, names)
