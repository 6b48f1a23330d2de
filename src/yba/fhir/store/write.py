"""One write, one statement: the current row, its version, its index rows, its audit row and its outbox row.

The statement is composed once for each set of index tables a resource fills, so that the database prepares it
once. Everything in it succeeds or fails together, inside the caller's transaction or by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import psycopg

from yba.fhir.access.actor import HERE, Actor, Came
from yba.fhir.access.labels import INHERITED
from yba.fhir.access.standing import Standing
from yba.fhir.errors import Conflict, RecordError
from yba.fhir.model import codec
from yba.fhir.search import text
from yba.fhir.search.index import VERSION, IndexRows
from yba.fhir.search.index import rows as rows_of
from yba.fhir.search.parameters import Registry
from yba.fhir.search.rows import COMPOSITE_COLUMNS, WIDTHS
from yba.fhir.store import standings
from yba.fhir.store.parameters import refreshed, registry
from yba.fhir.store.prepared import returns_row

_NUMBERS = frozenset({"low", "high", "base_low", "base_high", "low2", "high2"})
_OTHERS = {"date_low": "timestamptz", "date_high": "timestamptz"}

# index table -> its columns after (shard, rid), with the array type each arrives in
INDEX_TABLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "token": (("param", "int4"), ("system", "text"), ("code", "text"), ("display", "text")),
    "reference": (
        ("param", "int4"),
        ("target_type", "text"),
        ("target_id", "text"),
        ("identifier_system", "text"),
        ("identifier_value", "text"),
        ("target_version", "text"),
    ),
    "string": (("param", "int4"), ("folded", "text"), ("exact", "text")),
    "date": (("param", "int4"), ("low", "timestamptz"), ("high", "timestamptz")),
    "number": (
        ("param", "int4"),
        ("low", "numeric"),
        ("high", "numeric"),
        ("value", "numeric"),
        ("system", "text"),
        ("code", "text"),
        ("unit", "text"),
        ("base_low", "numeric"),
        ("base_high", "numeric"),
        ("base", "text"),
    ),
    "uri": (("param", "int4"), ("value", "text")),
    "position": (("param", "int4"), ("latitude", "float8"), ("longitude", "float8")),
    "composite": (
        ("param", "int4"),
        *(
            (name, "numeric") if name in _NUMBERS else (name, _OTHERS.get(name, "text"))
            for name in COMPOSITE_COLUMNS
        ),
    ),
    "text": (("narrative", "text"), ("content", "text")),
}

_INSERTED = """r as (
    insert into record.resource (shard, rid, type, id, version, updated, patient, facility, occurred, content,
                                 sensitive)
    select %(shard)s::smallint, {rid}, %(type)s::text, %(id)s::text, %(version)s::integer,
           %(updated)s::timestamptz, %(patient)s::text, %(facility)s::text, %(occurred)s::timestamptz,
           %(content)s::text, {sensitive}
      from {of}record.search_state s where s.generation = %(generation)s::uuid
    returning rid)"""

_INSERT_RESOURCE = "\nwith " + _INSERTED.replace("{rid}", "nextval('record.rid')").replace("{of}", "")
# To another shard (it was put right to another patient) a row goes by deletion and insertion.
_MOVE_RESOURCE = """
with gone as (
    delete from record.resource
     where shard = %(old_shard)s and rid = %(rid)s
       and exists (select from record.search_state s where s.generation = %(generation)s::uuid)
    returning rid),
""" + _INSERTED.replace("{rid}", "gone.rid").replace("{of}", "gone, ")  # noqa: S608 - our own texts

_UPDATE_RESOURCE = """
with r as (
    update record.resource
       set version = %(version)s, updated = %(updated)s, patient = %(patient)s,
           facility = %(facility)s, occurred = %(occurred)s, content = %(content)s, sensitive = {sensitive}
     where rid = %(rid)s and shard = %(shard)s
       and exists (select from record.search_state s where s.generation = %(generation)s::uuid)
    returning rid)"""

# The row's own labels, and those its person's chart has as a whole (yba.fhir.access.labels). The person's row is held
# as a foreign key would hold it: who makes them VIP waits for this write, or this write for them and sees what is set.
_SENSITIVE = "%(sensitive)s::smallint"
_OF_CHART = f"""(%(sensitive)s::smallint | coalesce((select p.sensitive & {INHERITED} from record.unwalled_resource p
             where p.type = 'Patient' and p.id = %(patient)s::text and p.shard = %(shard)s::smallint
             for key share of p), 0))::smallint"""  # noqa: S608

_REST = """,
v as (
    insert into record.version (shard, type, id, version, updated, method, actor, patient, facility, rid, content,
                                sensitive)
    select %(shard)s, %(type)s, %(id)s, %(version)s, %(updated)s, %(method)s, %(actor)s, %(patient)s,
           %(facility)s, r.rid, %(content)s, %(own_sensitive)s::smallint
      from r),
a as (
    insert into record.audit (at, actor, role, actor_facility, origin, act, type, id, version, patient, facility,
                              name, practitioner, person, app, session, address, purpose, request)
    select %(updated)s::timestamptz, %(actor)s, %(role)s, %(actor_facility)s, %(origin)s, %(act)s, %(type)s, %(id)s,
           %(version)s::integer, %(patient)s, %(facility)s, %(actor_name)s, %(practitioner)s, %(person)s, %(app)s,
           %(session)s, %(address)s, %(purpose)s, %(request)s
      from r),
o as (
    insert into record.outbox (at, method, type, id, version, patient, facility, shard)
    select %(updated)s::timestamptz, %(method)s, %(type)s, %(id)s, %(version)s::integer, %(patient)s, %(facility)s,
           %(shard)s::smallint
      from r)"""

ACTS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}


# The texts below are made of names out of INDEX_TABLES only. The rows of a table come as one JSON text: one
# parameter instead of an array a column keeps the statement within what psycopg keeps read (decision 0006).
def insert_index(table: str, *, key: str = "%(shard)s, r.rid", of: str = "r", on: str = "true") -> str:
    """The part of a statement that inserts a table's index rows ``t`` with the shard and row id ``key`` of ``of``."""
    names = [name for name, _ in INDEX_TABLES[table]]
    taken = ", ".join(f"to_tsvector('simple', t.{one})" if table == "text" else f"t.{one}" for one in names)
    rows = (
        "json_to_recordset(%(text)s::json) as t(rid bigint, narrative text, content text)"
        if table == "text"
        else f"json_populate_recordset(null::record.{table}, %({table})s::json) t"
    )
    return (
        f",\n{table}_new as (insert into record.{table} (shard, rid, {', '.join(names)})"  # noqa: S608
        f" select {key}, {taken} from {of} join {rows} on {on})"
    )


def _delete_index(table: str) -> str:
    return f",\n{table}_old as (delete from record.{table} where rid = %(rid)s and shard = %(old_shard)s)"  # noqa: S608


@lru_cache(maxsize=512)
def _statement(
    *,
    new: bool,
    moved: bool = False,
    tables: tuple[str, ...],
    same: tuple[str, ...] = (),
    of_chart: bool = False,
    standing: bool | None = None,
) -> str:
    """The statement for a new or known row that fills these index tables; its parts are all our own text.

    ``moved``: the known row lies on another shard than it is to lie on.
    ``same``: tables in which a known row keeps the rows it has. ``of_chart``: the row is in somebody's chart.
    ``standing``: the resource opens charts, to somebody (True) or to nobody now; None: its type opens none.
    """
    first = _INSERT_RESOURCE if new else _MOVE_RESOURCE if moved else _UPDATE_RESOURCE
    parts = [first.replace("{sensitive}", _OF_CHART if of_chart else _SENSITIVE), _REST]
    if standing is not None and not new:
        parts.append(standings.FORGET)
    if standing:
        parts.append(standings.ADD_NEW if new else standings.ADD)
    if not new:
        parts += [_delete_index(table) for table in INDEX_TABLES if table not in same]
    parts += [insert_index(table) for table in tables]
    # Without the blanks that make it readable here: psycopg reads again, each time, what is longer than 4,096.
    return " ".join(("".join(parts) + "\nselect rid from r").split())


class Known(msgspec.Struct, frozen=True):
    """The row a write replaces, locked by the caller; its content, where rows that stay the same may stay."""

    rid: int
    shard: int
    content: bytes | None = None


class Write(msgspec.Struct, frozen=True):
    """What is to be written; ``content`` None deletes.

    ``sensitive``: labels as bits. ``standing``: whom it opens which charts, each with its shard; None: not its kind.
    """

    type: str
    id: str
    version: int
    updated: datetime
    method: str
    shard: int
    patient: str | None
    facility: str | None
    content: bytes | None
    sensitive: int = 0
    standing: Sequence[tuple[int, Standing]] | None = None

    @property
    def own_sensitive(self) -> int:
        """The labels of this version; those of the person's chart are held against the row as it is."""
        return self.sensitive & ~INHERITED

    @property
    def of_chart(self) -> bool:
        """Whether the row takes the labels of somebody's chart; a Patient has its own."""
        return self.patient is not None and self.type != "Patient"


def write(
    connection: psycopg.Connection[Any],
    actor: Actor,
    row: Write,
    index: IndexRows | None,
    known: Known | None,
    came: Came = HERE,
) -> None:
    """Write one version. ``known`` names the row it replaces; None makes a new one. ``came``: by which request.

    Raises psycopg.errors.UniqueViolation when a new row's id is taken.
    """
    values: dict[str, object] = {
        "type": row.type,
        "id": row.id,
        "version": row.version,
        "updated": row.updated,
        "method": row.method,
        "act": ACTS[row.method],
        "shard": row.shard,
        "patient": row.patient,
        "facility": row.facility,
        "occurred": index.occurred if index else None,
        "content": None if row.content is None else row.content.decode(),
        "sensitive": row.sensitive,
        "own_sensitive": row.own_sensitive,
        "address": came.address or actor.address,
        "request": came.request,
        **said_of(actor),
    }
    if known is not None:
        values["rid"] = known.rid
        values["old_shard"] = known.shard
    if row.standing:
        values["standing"] = standings.written([row])
    now = registry(connection)
    for _attempt in range(_ATTEMPTS):
        values["generation"] = now.generation
        rows = tables_of(row, with_added(row, index, now))
        same = () if known is None or not rows else _same(row, rows, known, now)
        tables = tuple(table for table, found in rows.items() if found and table not in same)
        texts = {table: _written(table, rows[table]) for table in tables}
        statement = _statement(
            new=known is None, moved=known is not None and known.shard != row.shard, tables=tables, same=same,
            of_chart=row.of_chart, standing=None if row.standing is None else bool(row.standing),
        )  # fmt: skip
        if returns_row(connection, statement, values | texts):
            return
        now = refreshed(connection)  # another process has changed the search parameters: index once more
    raise _changed()


_ATTEMPTS = 5


def said_of(actor: Actor) -> dict[str, object]:
    """What a version and its audit row say of who writes, as the statements name it."""
    return {
        "actor": actor.user,
        "role": actor.role,
        "actor_facility": actor.facility,
        "origin": actor.origin,
        "actor_name": actor.name or None,
        "practitioner": actor.practitioner,
        "person": actor.person,
        "app": actor.app,
        "session": actor.session,
        "purpose": actor.purpose,
    }


def with_added(row: Write, index: IndexRows | None, now: Registry) -> IndexRows | None:
    """The index rows with those of the parameters that users have added."""
    added = now.of(row.type)
    if index is None or row.content is None or not added:
        return index
    from yba.fhir.search import evaluated  # with FHIRPath, which a house without such parameters never loads

    return index.joined(evaluated.gather(index.resource, row.content, added))


def check_generation(connection: psycopg.Connection[Any], now: Registry) -> None:
    """Raise Conflict when search parameters have changed since the index rows were made. Asked after the last write."""
    if refreshed(connection).generation != now.generation:
        raise _changed()


def _changed() -> Conflict:
    return Conflict("store.busy", "Search parameters are being changed. Nothing was stored; send it again.")


Rows = Sequence[tuple[Any, ...]]


def tables_of(row: Write, index: IndexRows | None) -> dict[str, Rows]:
    """Every table's rows; nothing at all for what is deleted."""
    if index is None or row.content is None:
        return {}
    found: dict[str, Rows] = {table: getattr(index, table) for table in WIDTHS}
    found["text"] = text.rows(row.content)
    return found


def _same(row: Write, rows: Mapping[str, Rows], known: Known, now: Registry) -> tuple[str, ...]:
    """The tables whose rows of the resource are what they were: most changes touch one or two.

    None where the rows there are may be of older code, or are on another shard.
    """
    if known.content is None or now.version < VERSION or known.shard != row.shard:
        return ()
    before = msgspec.structs.replace(row, content=known.content)
    try:
        old = rows_of(codec.decode(known.content, row.type))
    except RecordError:
        return ()
    kept = tables_of(before, with_added(before, old, now))
    return tuple(table for table in INDEX_TABLES if kept[table] == rows[table])


def _written(table: str, rows: Rows) -> str:
    """Rows as JSON; what is null is left out."""
    made = _ROWS[table]
    return _encode([made(*one) for one in rows]).decode()


def given(table: str, rows: Rows, shard: int) -> str:
    """Rows that are not stored, as JSON with the ``rid`` 0: what the door puts criteria to before a write."""
    names = [name for name, _ in INDEX_TABLES[table]]
    made = [{"rid": 0, "shard": shard, **dict(zip(names, one, strict=True))} for one in rows]
    return msgspec.json.encode(made).decode()


def row_classes(name: str, *first: tuple[str, type]) -> Mapping[str, Callable[..., Any]]:
    """A class for each index table, its fields the columns: made and encoded in C, where dicts would be made in Python.

    ``first``: fields before the columns.
    """
    return {
        table: msgspec.defstruct(
            f"{table}_{name}", [*first, *((column, Any, None) for column, _ in columns)], omit_defaults=True
        )
        for table, columns in INDEX_TABLES.items()
    }


_ROWS = row_classes("row")
_encode = msgspec.json.Encoder().encode
