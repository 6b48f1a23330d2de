"""The order of a page: sort keys as columns or least index values, and the condition "after this row".

Missing values come last in either direction, and ``rid`` decides among equals, so that an order is total and a page
can begin after any row. A search without ``_sort`` is newest first by ``rid``: the order of first storing, which no
later write changes.

A search that is narrowed to a patient sorts by expressions no index holds ("fenced"): else the planner might walk an
index of times or of storing, and throw away the rows of everybody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from yba.fhir.search.clause import OWN, Clause, either
from yba.fhir.search.parameters import generation, of_type, param_number
from yba.fhir.search.principal import sorts_by_occurred

_COLUMNS = {"_id": ("r.id", "text"), "_lastUpdated": ("r.updated", "timestamptz")}
_FENCED = {"r.id": "(r.id || '')", "r.updated": "(r.updated + interval '0')", "r.rid": "(r.rid + 0)"}
SCORE = "_score"
_UNRANKED = Clause("1::float8")
_VALUES = {
    "token": ("token", "coalesce(x.code, x.display)", "text"),
    "reference": ("reference", "x.target_id", "text"),
    "string": ("string", "x.folded", "text"),
    "date": ("date", "x.low", "timestamptz"),
    "number": ("number", "x.value", "numeric"),
    "quantity": ("number", "x.value", "numeric"),
    "uri": ("uri", "x.value", "text"),
}


@dataclass(frozen=True, slots=True)
class Key:
    """One sort key: its SQL, its type there, whether it runs down or may be missing, and the values of its ``{}``."""

    sql: str
    type: str
    descending: bool
    nullable: bool
    values: tuple[object, ...] = ()


def keys(
    type_name: str, sort: tuple[tuple[str, bool], ...], *, fenced: bool = False, rank: Clause | None = None
) -> tuple[Key, ...]:
    """The keys of an order, ``rid`` last. ``rank`` is what ``_score`` sorts by, the best first."""
    found = _keys(type_name, sort, fenced, generation())
    if rank is None:
        return found
    return tuple(
        Key(rank.sql, one.type, one.descending, one.nullable, rank.values)
        if one.sql == _UNRANKED.sql
        else one
        for one in found
    )


@lru_cache(maxsize=4096)
def _keys(
    type_name: str, sort: tuple[tuple[str, bool], ...], fenced: bool, _generation: str | None
) -> tuple[Key, ...]:
    if not sort:
        # What the index of a type's rows in the order of storing is made of, and no other index.
        text = "(r.rid + 0)::float8" if fenced else "(r.rid::float8)"
        return (Key(text, "float8", descending=True, nullable=False),)
    found = tuple(_key(type_name, code, descending, fenced) for code, descending in sort)
    fenced = fenced and found[0].sql != "r.occurred"  # the chart's own index orders by both
    return (*found, _column("r.rid", "bigint", descending=found[0].descending, fenced=fenced))


def _column(name: str, kind: str, *, descending: bool, fenced: bool) -> Key:
    return Key(_FENCED[name] if fenced else name, kind, descending, nullable=False)


def _key(type_name: str, code: str, descending: bool, fenced: bool) -> Key:
    if code == SCORE:
        return Key(_UNRANKED.sql, "float8", not descending, nullable=False)
    if code in _COLUMNS:
        name, kind = _COLUMNS[code]
        return _column(name, kind, descending=descending, fenced=fenced)
    if sorts_by_occurred(type_name, code):
        return Key("r.occurred", "timestamptz", descending, nullable=True)
    table, value, kind = _VALUES[of_type(type_name)[code].kind]
    least = "max" if descending else "min"
    number = param_number(type_name, code)
    return Key(
        f"(select {least}({value}) from record.{table} x where {OWN} and x.param = {number})",  # noqa: S608 - our own texts
        kind,
        descending,
        nullable=True,
    )


def by_occurred(order: Sequence[Key]) -> bool:
    """Whether the order is that of the chart and worklist indexes, which hold missing moments at the other end."""
    return len(order) == 2 and order[0].sql == "r.occurred"


def order_by(order: Sequence[Key], *, present: bool) -> str:
    """The ORDER BY list. ``present``: the first key is known to be there, so the index's own order serves."""
    parts = []
    for number, key in enumerate(order):
        text = f"k{number} desc" if key.descending else f"k{number}"
        if key.nullable and key.descending and not (present and number == 0):
            text += " nulls last"
        parts.append(text)
    return ", ".join(parts)


def after(order: Sequence[Key], values: Sequence[object], *, present: bool) -> Clause:
    """A row comes after the one with these values of the keys. ``present``: the first key is known to be there."""
    if (by_occurred(order) and present) or (
        not any(key.nullable for key in order) and len({key.descending for key in order}) == 1
    ):
        mark = "<" if order[0].descending else ">"
        names = ", ".join(key.sql for key in order)
        marks = ", ".join(f"{{}}::{key.type}" for key in order)
        own = tuple(value for key in order for value in key.values)
        return Clause(f"({names}) {mark} ({marks})", (*own, *values))
    ways = []
    for last, key in enumerate(order):
        if values[last] is None:
            continue  # nothing of this key comes after "missing"
        conditions = [_same(order[one], values[one]) for one in range(last)]
        conditions.append(_beyond(key, values[last]))
        ways.append(
            Clause(
                "(" + " and ".join(one.sql for one in conditions) + ")",
                tuple(value for one in conditions for value in one.values),
            )
        )
    return either(ways)


def _same(key: Key, value: object) -> Clause:
    if value is None:
        return Clause(f"{key.sql} is null", key.values)
    return Clause(f"{key.sql} = {{}}::{key.type}", (*key.values, value))


def _beyond(key: Key, value: object) -> Clause:
    mark = "<" if key.descending else ">"
    beyond = f"{key.sql} {mark} {{}}::{key.type}"
    if key.nullable:
        return Clause(f"({beyond} or {key.sql} is null)", (*key.values, value, *key.values))
    return Clause(beyond, (*key.values, value))
