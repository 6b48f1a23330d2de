"""New rows of several requests in one statement: what ``write.write`` stores, for many resources of one actor.

A new row costs the database some 600 µs by a statement of its own, most of it for starting and ending one that fills
ten tables; some 300 µs where four share one (decision 0015). The statement is one for each set of index tables, however
many rows it stores: their values come as one JSON text a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import psycopg

from yba.fhir.access.actor import Actor, Came
from yba.fhir.access.labels import INHERITED
from yba.fhir.store import contained
from yba.fhir.store.parameters import registry
from yba.fhir.store.prepared import returns_row
from yba.fhir.store.write import INDEX_TABLES, insert_index, row_classes, said_of, tables_of, with_added
from yba.fhir.store.write_many import Item

_ROW = """j(number integer, shard smallint, type text, id text, updated timestamptz, patient text, facility text,
            occurred timestamptz, content text, sensitive smallint, own_sensitive smallint, chart text, address text,
            request text)"""

# The person's row is held as in a write alone, yet never waited for: one who waits would keep all the others waiting.
_HEAD = f"""
with x as materialized (
    select nextval('record.rid') as rid, j.number, j.shard, j.type, j.id, j.updated, j.patient, j.facility, j.occurred,
           j.content, j.own_sensitive, j.address, j.request,
           (j.sensitive | coalesce((select p.sensitive & {INHERITED} from record.unwalled_resource p
             where p.type = 'Patient' and p.id = j.chart and p.shard = j.shard
             for key share of p nowait), 0))::smallint as sensitive
      from json_to_recordset(%(rows)s::json) as {_ROW}, record.search_state s
     where s.generation = %(generation)s::uuid),
r as (
    insert into record.resource (shard, rid, type, id, version, updated, patient, facility, occurred, content,
                                 sensitive)
    select shard, rid, type, id, 1, updated, patient, facility, occurred, content, sensitive from x),
v as (
    insert into record.version (shard, type, id, version, updated, method, actor, patient, facility, rid, content,
                                sensitive)
    select shard, type, id, 1, updated, 'POST', %(actor)s, patient, facility, rid, content, own_sensitive from x),
a as (
    insert into record.audit (at, actor, role, actor_facility, origin, act, type, id, version, patient, facility,
                              name, practitioner, person, app, session, address, purpose, request)
    select updated, %(actor)s, %(role)s, %(actor_facility)s, %(origin)s, 'create', type, id, 1, patient, facility,
           %(actor_name)s, %(practitioner)s, %(person)s, %(app)s, %(session)s, address, %(purpose)s, request
      from x),
o as (
    insert into record.outbox (at, method, type, id, version, patient, facility, shard)
    select updated, 'POST', type, id, 1, patient, facility, shard from x)"""  # noqa: S608 - our own texts


class _Row(msgspec.Struct, omit_defaults=True):
    number: int
    shard: int
    type: str
    id: str
    updated: datetime
    content: str
    sensitive: int
    own_sensitive: int
    patient: str | None = None
    facility: str | None = None
    occurred: datetime | None = None
    chart: str | None = None
    address: str | None = None
    request: str | None = None


# Index rows with the number of the row they belong to, in place of its row id.
_INDEX = row_classes("joined", ("rid", int))
_encode = msgspec.json.Encoder().encode


def joinable(item: Item) -> bool:
    """Whether a write may go with others: a new resource, stored whole by one statement, that opens nobody's chart."""
    row = item.row
    return (
        item.known is None
        and row.method == "POST"
        and row.type != "Patient"
        and row.standing is None
        and item.index is not None
        and not contained.concern(row, item.index, None)
    )


def write_joined(
    connection: psycopg.Connection[Any], actor: Actor, items: Sequence[tuple[Item, Came]]
) -> bool:
    """Store new rows (``joinable``) of one actor, all or none; False, and none, when search parameters have changed.

    Raises psycopg's errors: UniqueViolation when an id is taken, LockNotAvailable when a person's row is being changed.
    """
    now = registry(connection)
    # In one order everywhere, so that two who hold the same persons' rows never wait for each other.
    ordered = sorted(items, key=lambda one: (one[0].row.patient or "", one[0].row.id))
    texts = _index_texts([item for item, _ in ordered], now)
    values: dict[str, object] = {
        "rows": _encode(
            [_row(number, item, actor, came) for number, (item, came) in enumerate(ordered)]
        ).decode(),
        "generation": now.generation,
        **said_of(actor),
    }
    return returns_row(connection, statement(tuple(texts)), values | texts)


def _row(number: int, item: Item, actor: Actor, came: Came) -> _Row:
    row, index = item.row, item.index
    assert row.content is not None
    assert index is not None
    return _Row(
        number, row.shard, row.type, row.id, row.updated, row.content.decode(), row.sensitive, row.own_sensitive,
        row.patient, row.facility, index.occurred, row.patient if row.of_chart else None,
        came.address or actor.address, came.request,
    )  # fmt: skip


def _index_texts(items: Sequence[Item], now: Any) -> dict[str, str]:
    """The index rows of all of them as JSON, a text for each table that gets any."""
    found: dict[str, list[Any]] = {}
    for number, item in enumerate(items):
        for table, rows in tables_of(item.row, with_added(item.row, item.index, now)).items():
            if rows:
                made = _INDEX[table]
                found.setdefault(table, []).extend([made(number, *one) for one in rows])
    return {table: _encode(found[table]).decode() for table in INDEX_TABLES if table in found}


@lru_cache(maxsize=512)
def statement(tables: tuple[str, ...]) -> str:
    """The statement that stores rows that fill these index tables."""
    inserted = [insert_index(one, key="x.shard, x.rid", of="x", on="x.number = t.rid") for one in tables]
    text = "".join([_HEAD, *inserted, "\nselect rid from x"])
    return " ".join(text.split())  # psycopg reads again, each time, what is longer than 4,096
