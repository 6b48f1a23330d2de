"""One page of a search: its statement, its total, what it includes.

Conditions are constant texts with places for values (``clause.py``); a statement is composed once for each shape
of question and role, so that the database prepares it once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import sql

from yba.fhir.access.policy import Condition
from yba.fhir.errors import TooCostly
from yba.fhir.search import asked as reading
from yba.fhir.search import paging, sorting
from yba.fhir.search.asked import Asked, Include
from yba.fhir.search.clause import Clause, held
from yba.fhir.search.parameters import param_number
from yba.fhir.store.rows import Stored, execute

Access = Callable[[str], Condition]
Row = tuple[Any, ...]
LARGEST_INCLUDE = 5000

_COLUMNS = "r.id::varchar, r.version, r.updated, r.content, r.patient::varchar, r.facility::varchar, r.rid"
_WIDTH = 7


@dataclass(slots=True)
class Found:
    """One page as stored. ``total`` None: not counted. ``next``: value of ``_cursor`` for the page after this.

    ``count`` is the size the page was given, smaller than asked for when ``capped``.
    """

    matches: list[Stored]
    included: list[Stored] = field(default_factory=list)
    total: int | None = None
    next: str | None = None
    unknown: list[str] = field(default_factory=list)
    count: int = reading.PAGE
    capped: bool = False


def run(
    connection: psycopg.Connection[Any],
    type_name: str,
    params: Sequence[tuple[str, str]],
    *,
    access: Access,
    strict: bool = False,
    now: datetime | None = None,
    base_url: str | None = None,
) -> Found:
    """Answer a search with one page. ``access`` gives the condition each type's rows must pass.

    Raises Invalid for values that cannot be read (and, ``strict``, unknown parameters), Unsupported for what is
    not offered, TooCostly when more is to be included than a page may hold.
    """
    asked = reading.read(type_name, params, strict=strict, now=now or datetime.now(UTC), base_url=base_url)
    may = access(type_name)
    found = Found([], unknown=asked.unknown, count=asked.count, capped=asked.capped)
    if asked.count:
        rows, order, shape = _page(connection, asked, may)
        if len(rows) > asked.count:
            rows = rows[: asked.count]
            found.next = paging.encode(shape, rows[-1][_WIDTH : _WIDTH + len(order)])
        found.matches = [_stored(type_name, row) for row in rows]
    if found.next is None and asked.cursor is None and asked.count and asked.total != "none":
        found.total = len(found.matches)
    elif asked.total in ("accurate", "estimate") or (not asked.count and asked.total != "none"):
        found.total = _count(connection, asked, may)
    if asked.includes and found.matches:
        found.included = _included(connection, asked, found.matches, access)
    return found


def _stored(type_name: str, row: Row) -> Stored:
    return Stored(type_name, row[0], row[1], row[2], row[3], row[4], row[5], row[6])


def _page(
    connection: psycopg.Connection[Any], asked: Asked, may: Condition
) -> tuple[list[Row], Sequence[sorting.Key], str]:
    """Up to one row more than the page holds."""
    order = sorting.keys(asked.type, tuple(asked.sort))
    shape = f"{asked.type} {asked.sort}"
    start = paging.decode(shape, order, asked.cursor) if asked.cursor else None
    wanted = asked.count + 1
    if not sorting.by_occurred(order):
        return _rows(connection, asked, may, order, start, wanted, None), order, shape
    # The chart's index holds missing moments first when read downwards; a page wants them last. So: first those
    # that have a moment, in the order of the index, then, when room is left, those that have none.
    rows: list[Row] = []
    if start is None or start[0] is not None:
        rows = _rows(connection, asked, may, order, start, wanted, True)
        start = None
    if len(rows) < wanted:
        rows += _rows(connection, asked, may, order, start, wanted - len(rows), False)
    return rows, order, shape


def _rows(
    connection: psycopg.Connection[Any],
    asked: Asked,
    may: Condition,
    order: Sequence[sorting.Key],
    start: list[object] | None,
    wanted: int,
    present: bool | None,
) -> list[Row]:
    clauses = list(asked.clauses)
    if any(clause.sql.startswith("r.patient = ") for clause in clauses):
        clauses = [held(clause) for clause in clauses]
    if present is not None:
        clauses.append(Clause(f"r.occurred is {'not ' if present else ''}null"))
    if start is not None:
        missing = [value is None for value in start]
        clauses.append(
            Clause(
                sorting.after(order, missing, present=bool(present)),
                sorting.after_values(order, start, present=bool(present)),
            )
        )
    text = _select(
        tuple(clause.sql for clause in clauses),
        tuple(key.sql for key in order),
        sorting.order_by(order, present=present is not None),
        _access_text(may),
    )
    values = _values(asked.type, clauses, may)
    values["wanted"] = wanted
    return execute(connection, text, values).fetchall()


def _values(type_name: str, clauses: Sequence[Clause], may: Condition) -> dict[str, object]:
    values: dict[str, object] = {"type": type_name, **may.params}
    number = 0
    for clause in clauses:
        for value in clause.values:
            values[f"p{number}"] = value
            number += 1
    return values


def _count(connection: psycopg.Connection[Any], asked: Asked, may: Condition) -> int:
    text = _counting(tuple(clause.sql for clause in asked.clauses), _access_text(may))
    row = execute(connection, text, _values(asked.type, asked.clauses, may)).fetchone()
    return int(row[0]) if row else 0


def _access_text(may: Condition) -> str | None:
    return None if may.sql is None else _as_text(id(may.sql), may)


_texts: dict[int, tuple[object, str]] = {}


def _as_text(number: int, may: Condition) -> str:
    """The access condition as text; conditions are made once a role and type, and kept alive here with it."""
    known = _texts.get(number)
    if known is None or known[0] is not may.sql:
        assert may.sql is not None
        known = (may.sql, may.sql.as_string(None))
        if len(_texts) > 8192:
            _texts.clear()
        _texts[number] = known
    return known[1]


def _where(clauses: tuple[str, ...], access: str | None) -> sql.Composable:
    """All conditions, each ``{}`` a named place ``p0``, ``p1`` ..."""
    number = 0
    parts: list[sql.Composable] = [sql.SQL("r.type = %(type)s and r.content is not null")]
    for clause in clauses:
        places = clause.count("{}")
        names = [sql.Placeholder(f"p{number + one}") for one in range(places)]
        number += places
        parts.append(sql.SQL(clause).format(*names))
    if access is not None:
        parts.append(sql.SQL(access))
    return sql.SQL(" and ").join(parts)


@lru_cache(maxsize=2048)
def _select(clauses: tuple[str, ...], keys: tuple[str, ...], order: str, access: str | None) -> str:
    columns = ", ".join([_COLUMNS, *(f"{key} as k{number}" for number, key in enumerate(keys))])
    query = sql.SQL("select {} from record.resource r where {} order by {} limit %(wanted)s").format(
        sql.SQL(columns),
        _where(clauses, access),
        sql.SQL(order),
    )
    return query.as_string(None)


@lru_cache(maxsize=2048)
def _counting(clauses: tuple[str, ...], access: str | None) -> str:
    return (
        sql.SQL("select count(*) from record.resource r where {}")
        .format(_where(clauses, access))
        .as_string(None)
    )


# -- includes ------------------------------------------------------------------------------------------------

_TARGETS = """
select distinct x.target_type::varchar, x.target_id::varchar from record.reference x
 where x.rid = any(%(rids)s) and x.param = %(param)s and x.target_type is not null"""
_BY_ID = "r.id = any({})"
_BY_LINK = (
    "r.rid in (select x.rid from record.reference x where x.param = {} and x.target_id = any({})"
    " and x.target_type = {})"
)


def _included(
    connection: psycopg.Connection[Any], asked: Asked, matches: Sequence[Stored], access: Access
) -> list[Stored]:
    """What the matches point to and what points to them, each once, none that is a match itself."""
    seen = {(one.type, one.id) for one in matches}
    added: list[Stored] = []
    for include in asked.includes:
        if include.reverse:
            found = _pointing(connection, include, asked.type, matches, access)
        elif include.source == asked.type:
            found = _pointed(connection, include, matches, access)
        else:
            continue
        for one in found:
            if (one.type, one.id) not in seen:
                seen.add((one.type, one.id))
                added.append(one)
        if len(added) > LARGEST_INCLUDE:
            raise TooCostly(
                "search.include-too-many",
                f"More than {LARGEST_INCLUDE} resources would be included. Ask for fewer matches with '_count'.",
            )
    return added


def _pointed(
    connection: psycopg.Connection[Any], include: Include, matches: Sequence[Stored], access: Access
) -> list[Stored]:
    rows = execute(
        connection,
        _TARGETS,
        {"rids": [one.rid for one in matches], "param": param_number(include.source, include.code)},
    ).fetchall()
    wanted: dict[str, list[str]] = {}
    for kind, identifier in rows:
        if include.target in (None, kind):
            wanted.setdefault(kind, []).append(identifier)
    return [
        one
        for kind in sorted(wanted)
        for one in _linked(connection, kind, Clause(_BY_ID, (wanted[kind],)), access(kind))
    ]


def _pointing(
    connection: psycopg.Connection[Any],
    include: Include,
    type_name: str,
    matches: Sequence[Stored],
    access: Access,
) -> list[Stored]:
    if include.target not in (None, type_name):
        return []
    ids = [one.id for one in matches]
    clause = Clause(_BY_LINK, (param_number(include.source, include.code), ids, type_name))
    return _linked(connection, include.source, clause, access(include.source))


def _linked(
    connection: psycopg.Connection[Any], type_name: str, clause: Clause, may: Condition
) -> list[Stored]:
    text = _select((clause.sql,), (), "r.rid", _access_text(may))
    values: Mapping[str, object] = _values(type_name, [clause], may) | {"wanted": LARGEST_INCLUDE + 1}
    return [_stored(type_name, row) for row in execute(connection, text, values).fetchall()]
