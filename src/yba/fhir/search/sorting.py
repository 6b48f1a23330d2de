"""The order of a page: sort keys as columns or least index values, and the condition "after this row".

Missing values come last in either direction, and ``rid`` decides among equals, so that an order is total and a page
can begin after any row. A search without ``_sort`` is newest first by ``rid``: the order of first storing, which no
later write changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from yba.fhir.search.parameters import of_type, param_number
from yba.fhir.search.principal import sorts_by_occurred

_COLUMNS = {"_id": "r.id", "_lastUpdated": "r.updated"}
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
    """One sort key: its SQL, its type there, and whether it runs down or may be missing."""

    sql: str
    type: str
    descending: bool
    nullable: bool


@lru_cache(maxsize=4096)
def keys(type_name: str, sort: tuple[tuple[str, bool], ...]) -> tuple[Key, ...]:
    """The keys of an order, ``rid`` last."""
    if not sort:
        return (Key("r.rid", "bigint", descending=True, nullable=False),)
    found = tuple(_key(type_name, code, descending) for code, descending in sort)
    return (*found, Key("r.rid", "bigint", descending=sort[0][1], nullable=False))


def _key(type_name: str, code: str, descending: bool) -> Key:
    if code in _COLUMNS:
        return Key(_COLUMNS[code], "text" if code == "_id" else "timestamptz", descending, nullable=False)
    if sorts_by_occurred(type_name, code):
        return Key("r.occurred", "timestamptz", descending, nullable=True)
    table, value, kind = _VALUES[of_type(type_name)[code].kind]
    least = "max" if descending else "min"
    number = param_number(type_name, code)
    return Key(
        f"(select {least}({value}) from record.{table} x where x.rid = r.rid and x.param = {number})",  # noqa: S608 - our own texts
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


def after(order: Sequence[Key], missing: Sequence[bool], *, present: bool) -> str:
    """The condition that a row comes after the one whose values fill the ``{}``; ``missing`` says which are null.

    Values are asked for in the order of the returned text: see ``after_values``.
    """
    if by_occurred(order) and present:
        mark = "<" if order[0].descending else ">"
        return f"({order[0].sql}, r.rid) {mark} ({{}}::timestamptz, {{}}::bigint)"
    if not any(key.nullable for key in order) and len({key.descending for key in order}) == 1:
        mark = "<" if order[0].descending else ">"
        names = ", ".join(key.sql for key in order)
        marks = ", ".join(f"{{}}::{key.type}" for key in order)
        return f"({names}) {mark} ({marks})"
    branches = []
    for last in range(len(order)):
        equal = [_same(order[one], missing[one]) for one in range(last)]
        beyond = _beyond(order[last], missing[last])
        if beyond is not None:
            branches.append("(" + " and ".join([*equal, beyond]) + ")")
    return "(" + " or ".join(branches) + ")"


def after_values(order: Sequence[Key], values: Sequence[object], *, present: bool) -> tuple[object, ...]:
    """The values that fill ``after``'s placeholders."""
    if (by_occurred(order) and present) or (
        not any(key.nullable for key in order) and len({key.descending for key in order}) == 1
    ):
        return tuple(values)
    filled: list[object] = []
    for last in range(len(order)):
        if values[last] is None:
            continue
        filled += [value for value in values[:last] if value is not None]
        filled.append(values[last])
    return tuple(filled)


def _same(key: Key, missing: bool) -> str:
    return f"{key.sql} is null" if missing else f"{key.sql} = {{}}::{key.type}"


def _beyond(key: Key, missing: bool) -> str | None:
    if missing:
        return None  # nothing of this key comes after "missing"
    mark = "<" if key.descending else ">"
    beyond = f"{key.sql} {mark} {{}}::{key.type}"
    return f"({beyond} or {key.sql} is null)" if key.nullable else beyond
