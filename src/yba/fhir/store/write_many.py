"""Many writes at once: the rows of a whole transaction by COPY, a statement a table instead of one a resource.

What ``write.write`` does for one resource, in the caller's transaction, with the same rows in every table. A write
alone is faster by its one statement; from a few on this is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from yba.fhir.access import wall
from yba.fhir.access.actor import HERE, Actor, Came
from yba.fhir.access.labels import INHERITED
from yba.fhir.search import text
from yba.fhir.search.index import IndexRows
from yba.fhir.search.rows import Gathered
from yba.fhir.store import contained, standings, unindexing
from yba.fhir.store.parameters import registry
from yba.fhir.store.rows import execute
from yba.fhir.store.write import ACTS, INDEX_TABLES, Known, Write, check_generation, with_added

_NULL = "\\N"
# FHIR's strings hold no control characters but these three, so it can stand between values while they are escaped.
_BETWEEN = "\x1f"
_SPECIAL = (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r"))
_RESOURCE = "shard, rid, type, id, version, updated, patient, facility, occurred, content, sensitive"
_VERSION = "shard, type, id, version, updated, method, actor, patient, facility, rid, content, sensitive"
_AUDIT = (
    "at, actor, role, actor_facility, origin, name, practitioner, person, app, session, address, purpose, request,"
    " act, type, id, version, patient, facility"
)
_OUTBOX = "at, method, type, id, version, patient, facility, shard"


@dataclass(frozen=True, slots=True)
class Item:
    """One write: the row, its index rows (None deletes them), and the row it replaces (None: a new one)."""

    row: Write
    index: IndexRows | None
    known: Known | None


def write_many(
    connection: psycopg.Connection[Any], actor: Actor, items: Sequence[Item], came: Came = HERE
) -> None:
    """Write them all, in the order given. No two may be of one resource.

    Raises psycopg.errors.UniqueViolation when a new row's id is taken; then the transaction has to be rolled back.
    """
    if not items:
        return
    now = registry(connection)
    items = (
        [replace(one, index=with_added(one.row, one.index, now)) for one in items] if now.by_base else items
    )
    items = _with_labels_of_charts(connection, items)
    rids = _rids(connection, items)
    _update_known(connection, items)
    new = [(item, rid) for item, rid in zip(items, rids, strict=True) if _is_new_there(item)]
    if new:
        _store(connection, "resource", _RESOURCE, _resources(new))
    every = list(zip(items, rids, strict=True))
    _store(connection, "version", _VERSION, _versions(every, actor))
    _copy(connection, "audit", _AUDIT, _audits(items, actor, came))
    _copy(connection, "outbox", _OUTBOX, _outboxes(items))
    old = [(item, rid) for item, rid in every if item.known is not None]
    if old:
        contained.forget(
            connection, [rid for _, rid in old], sorted({item.known.shard for item, _ in old if item.known})
        )
    standings.replace(connection, [item.row for item in items], max(item.row.updated for item in items))
    add_index_rows(connection, every)
    check_generation(connection, now)


_OF_CHARTS = (
    "select p.id::varchar, p.sensitive & %(inherited)s from record.unwalled_resource p"
    " where p.type = 'Patient' and p.id = any(%(ids)s) order by p.id for key share of p"
)


def _with_labels_of_charts(connection: psycopg.Connection[Any], items: Sequence[Item]) -> Sequence[Item]:
    """Each row with the labels of its person's chart; the person may be among those that are written."""
    ids = sorted({str(item.row.patient) for item in items if item.row.of_chart})
    if not ids:
        return items
    held = dict(execute(connection, _OF_CHARTS, {"ids": ids, "inherited": INHERITED}).fetchall())
    held |= {item.row.id: item.row.sensitive & INHERITED for item in items if item.row.type == "Patient"}
    if not any(held.values()):
        return items
    return [
        replace(
            item,
            row=msgspec.structs.replace(
                item.row, sensitive=item.row.sensitive | held.get(str(item.row.patient), 0)
            ),
        )
        if item.row.of_chart
        else item
        for item in items
    ]


def add_index_rows(
    connection: psycopg.Connection[Any], every: Sequence[tuple[Item, int]], *, texts: bool = True
) -> None:
    """The index rows of resources, each with its row id; with those of their texts, unless these are left.

    With them those of what the resources contain: what was there of these before has been taken away.
    """
    holding = [
        (item, rid, contained.inside(connection, item.row, item.index.resource))
        for item, rid in every
        if item.index is not None and contained.concern(item.row, item.index, None)
    ]
    if holding:
        left = contained.add(connection, [(item.row, rid, parts) for item, rid, parts in holding])
        every = [
            *((_leading(item), rid) for item, rid in every),
            *((Item(row, index, None), rid) for row, rid, index in left),
        ]
        # Their texts are written whatever is asked of their containers': all of their rows are new.
        if not texts:
            _write_texts(connection, [(Item(row, index, None), rid) for row, rid, index in left])
    for table, columns in INDEX_TABLES.items():
        if table != "text":
            lines = _index_lines(table, [kind for _, kind in columns], every)
            if lines:
                _copy(connection, table, "shard, rid, " + ", ".join(name for name, _ in columns), lines)
        elif texts:
            _write_texts(connection, every)


def _leading(item: Item) -> Item:
    """The index rows of a resource, with those that lead to what it contains."""
    index = item.index
    if index is None or not contained.concern(item.row, index, None):
        return item
    more = contained.led(index.reference, contained.places(item.row, index.resource))
    return Item(item.row, index.joined(Gathered(reference=more)), item.known)


def _rids(connection: psycopg.Connection[Any], items: Sequence[Item]) -> list[int]:
    wanted = sum(item.known is None for item in items)
    fresh = iter(
        execute(connection, "select nextval('record.rid') from generate_series(1, %s)", (wanted,)).fetchall()
        if wanted
        else ()
    )
    return [next(fresh)[0] if item.known is None else item.known.rid for item in items]


_UPDATE = """
update record.resource r
   set version = x.version, updated = x.updated, patient = x.patient, facility = x.facility,
       occurred = x.occurred, content = x.content, sensitive = x.sensitive
  from unnest(%(rid)s::bigint[], %(shard)s::smallint[], %(version)s::integer[],
              %(updated)s::timestamptz[], %(patient)s::text[], %(facility)s::text[], %(occurred)s::timestamptz[],
              %(content)s::text[], %(sensitive)s::smallint[])
       as x(rid, shard, version, updated, patient, facility, occurred, content, sensitive)
 where r.shard = x.shard and r.rid = x.rid
"""
_LEAVE = """
delete from record.resource r using unnest(%(rid)s::bigint[], %(shard)s::smallint[]) as x(rid, shard)
 where r.shard = x.shard and r.rid = x.rid
"""


def _update_known(connection: psycopg.Connection[Any], items: Sequence[Item]) -> None:
    """The rows that are replaced get their new content and lose their index rows.

    One that moves to another shard is deleted, and goes with the new ones.
    """
    every = [(item, item.known) for item in items if item.known is not None]
    unindexing.remove(connection, [(known.rid, known.shard) for _, known in every])
    moved = [known for item, known in every if _is_new_there(item)]
    if moved:
        execute(
            connection,
            _LEAVE,
            {"rid": [known.rid for known in moved], "shard": [known.shard for known in moved]},
        )
    pairs = [(item, known) for item, known in every if not _is_new_there(item)]
    if not pairs:
        return
    execute(
        connection,
        _UPDATE,
        {
            "rid": [known.rid for _, known in pairs],
            "shard": [known.shard for _, known in pairs],
            "version": [item.row.version for item, _ in pairs],
            "updated": [item.row.updated for item, _ in pairs],
            "patient": [item.row.patient for item, _ in pairs],
            "facility": [item.row.facility for item, _ in pairs],
            "occurred": [item.index.occurred if item.index else None for item, _ in pairs],
            "content": [None if item.row.content is None else item.row.content.decode() for item, _ in pairs],
            "sensitive": [item.row.sensitive for item, _ in pairs],
        },
    )


def _is_new_there(item: Item) -> bool:
    """Whether the row is not yet on the shard it is to lie on."""
    return item.known is None or item.known.shard != item.row.shard


# -- lines for COPY ------------------------------------------------------------------------------------------


def _store(
    connection: psycopg.Connection[Any], table: str, columns: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    """By COPY for the owner of the tables; behind the wall, which COPY can't pass, as one JSON text."""
    if wall.held(connection):
        text = msgspec.json.encode([_AS_JSON[table](*one) for one in rows]).decode()
        execute(connection, _FROM_JSON.format(table=table, columns=columns), {"rows": text})
    else:
        _copy(connection, table, columns, ("\t".join(map(_cell, one)) + "\n" for one in rows))


_FROM_JSON = (
    "insert into record.{table} ({columns})"
    " select {columns} from json_populate_recordset(null::record.{table}, %(rows)s::json)"
)
_AS_JSON: Mapping[str, Callable[..., Any]] = {
    table: msgspec.defstruct(f"{table}_row", [(name, Any) for name in columns.split(", ")])
    for table, columns in (("resource", _RESOURCE), ("version", _VERSION))
}


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return _text(value) if value is None or isinstance(value, str) else str(value)


def _copy(connection: psycopg.Connection[Any], table: str, columns: str, lines: Iterable[str]) -> None:
    with psycopg.Cursor(connection) as cursor, cursor.copy(
        f"copy record.{table} ({columns}) from stdin".encode()
    ) as copy:  # fmt: skip
        copy.write("".join(lines))


def _text(value: str | None) -> str:
    if value is None:
        return _NULL
    for mark, written in _SPECIAL:
        if mark in value:
            value = value.replace(mark, written)
    return value


def _resources(new: Sequence[tuple[Item, int]]) -> list[tuple[Any, ...]]:
    return [
        (
            item.row.shard, rid, item.row.type, item.row.id, item.row.version, item.row.updated, item.row.patient,
            item.row.facility, item.index.occurred if item.index else None, _content(item.row), item.row.sensitive,
        )
        for item, rid in new
    ]  # fmt: skip


def _content(row: Write) -> str | None:
    return None if row.content is None else row.content.decode()


def _versions(every: Sequence[tuple[Item, int]], actor: Actor) -> list[tuple[Any, ...]]:
    return [
        (
            item.row.shard, item.row.type, item.row.id, item.row.version, item.row.updated, item.row.method, actor.user,
            item.row.patient, item.row.facility, rid, _content(item.row),
            item.row.own_sensitive,
        )
        for item, rid in every
    ]  # fmt: skip


def _audits(items: Sequence[Item], actor: Actor, came: Came) -> Iterable[str]:
    who = "\t".join(
        _text(one)
        for one in (
            actor.user, actor.role, actor.facility, actor.origin, actor.name or None, actor.practitioner,
            actor.person, actor.app, actor.session, came.address or actor.address, actor.purpose, came.request,
        )
    )  # fmt: skip
    for item in items:
        row = item.row
        yield (
            f"{row.updated.isoformat()}\t{who}\t{ACTS[row.method]}\t{row.type}\t{_text(row.id)}\t{row.version}\t"
            f"{_text(row.patient)}\t{_text(row.facility)}\n"
        )


def _outboxes(items: Sequence[Item]) -> Iterable[str]:
    for item in items:
        row = item.row
        yield (
            f"{row.updated.isoformat()}\t{row.method}\t{row.type}\t{_text(row.id)}\t{row.version}\t"
            f"{_text(row.patient)}\t{_text(row.facility)}\t{row.shard}\n"
        )


def _texts_of(column: Sequence[Any]) -> list[str]:
    """Each value escaped; most columns hold nothing to escape, which one look at all of them tells."""
    whole = _BETWEEN.join([one for one in column if one is not None])
    if any(mark in whole for mark, _ in _SPECIAL):
        return [_text(one) for one in column]
    return [_NULL if one is None else one for one in column]


def _moments_of(column: Sequence[Any]) -> list[str]:
    return [_NULL if one is None else one.isoformat() for one in column]


def _plain_of(column: Sequence[Any]) -> list[str]:
    return [_NULL if one is None else str(one) for one in column]


_WRITTEN: Mapping[str, Callable[[Sequence[Any]], list[str]]] = {
    "text": _texts_of, "timestamptz": _moments_of, "int4": _plain_of, "numeric": _plain_of, "float8": _plain_of,
}  # fmt: skip


def _index_lines(table: str, kinds: Sequence[str], every: Sequence[tuple[Item, int]]) -> list[str]:
    """The rows of one index table: those of all resources turned into columns, so that each is written in one go."""
    starts: list[str] = []
    rows: list[tuple[Any, ...]] = []
    for item, rid in every:
        found = getattr(item.index, table) if item.index is not None else None
        if found:
            starts += [f"{item.row.shard}\t{rid}"] * len(found)
            rows += found
    if not rows:
        return []
    written = [_WRITTEN[kind](column) for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)]
    return ["\t".join(row) + "\n" for row in zip(starts, *written, strict=True)]


_INSERT_TEXTS = """
insert into record.text (shard, rid, narrative, content)
select x.shard, x.rid, to_tsvector('simple', x.narrative), to_tsvector('simple', x.content)
  from unnest(%(shard)s::smallint[], %(rid)s::bigint[], %(narrative)s::text[], %(content)s::text[])
       as x(shard, rid, narrative, content)
"""


def _write_texts(connection: psycopg.Connection[Any], every: Sequence[tuple[Item, int]]) -> None:
    rows = [
        (item.row.shard, rid, narrative, content)
        for item, rid in every
        if item.index is not None and item.row.content is not None
        for narrative, content in text.rows(item.row.content)
    ]
    if rows:
        names = ("shard", "rid", "narrative", "content")
        execute(connection, _INSERT_TEXTS, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
