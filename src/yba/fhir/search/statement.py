"""The SQL of a page or a count: composed once for each shape of question and role, so that it is prepared once.

A shape is the texts of the conditions and of the order; values fill its places. A search over several types is one
arm a type, each in its own order and cut to a page, put together and cut again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from yba.fhir.r4 import MODULES
from yba.fhir.search.clause import Clause
from yba.fhir.search.sorting import Key

_COLUMNS = "r.id::varchar, r.version, r.updated, r.content, r.patient::varchar, r.facility::varchar, r.rid"
_NAMES = "q.id, q.version, q.updated, q.content, q.patient, q.facility, q.rid"
WIDTH = 7
# Of a contained resource: its container's columns. Conditions and order are its own.
_HELD = (
    "r.holder_id::varchar as id, r.version, r.updated, r.content, r.whose::varchar as patient,"
    " r.kept::varchar as facility, r.container as rid"
)


class Arm(msgspec.Struct, frozen=True):
    """What is asked of one type: conditions (the door among them), order, and what its score is.

    ``holder``: what is asked of are the resources of the type contained in those of this one; ``rows`` are these
    (``containing.source``).
    """

    type: str
    clauses: Sequence[Clause]
    order: Sequence[Key] = ()
    rank: Clause | None = None
    holder: str | None = None
    rows: Clause | None = None


_PLACE = re.compile(r"\{(?:-(\d+))?\}")
Shape = tuple[str, tuple[str, ...], tuple[str, ...], str | None, str | None, str | None]
Statement = tuple[str, dict[str, object]]


def page(arms: Sequence[Arm], order: str, wanted: int) -> Statement:
    """Rows in order, at most ``wanted``: the columns, the keys, the score, and of several arms the type."""
    values = {f"p{number}": value for number, value in enumerate(_values(arms))}
    values["wanted"] = wanted
    return _page(tuple(_shape(arm) for arm in arms), order), values


def count(arms: Sequence[Arm]) -> Statement:
    """How many rows there are."""
    return _count(tuple(_shape(arm) for arm in arms)), {
        f"p{number}": value for number, value in enumerate(_values(arms))
    }


def number_of(rows: Clause) -> Statement:
    """How many rows a query has."""
    return _placed(f"select count(*) from ({rows.sql}) q"), {  # noqa: S608 - our own texts
        f"p{number}": value for number, value in enumerate(rows.values)
    }


def estimate(arms: Sequence[Arm]) -> Statement:
    """How many rows the planner expects, as its plan in JSON."""
    text, values = count(arms)
    return "explain (format json) " + text.replace("select count(*)", "select 1"), values


def _shape(arm: Arm) -> Shape:
    return (
        arm.type,
        tuple(clause.sql for clause in arm.clauses),
        tuple(key.sql for key in arm.order),
        arm.rank.sql if arm.rank is not None else None,
        arm.holder,
        arm.rows.sql if arm.rows is not None else None,
    )


def _values(arms: Sequence[Arm]) -> list[object]:
    """The values of all arms in the order of their places in the text."""
    found: list[object] = []
    for arm in arms:
        for key in arm.order:
            found += key.values
        if arm.rank is not None:
            found += arm.rank.values
        if arm.rows is not None:
            found += arm.rows.values
        for clause in arm.clauses:
            found += clause.values
    return found


@lru_cache(maxsize=2048)
def _page(shapes: tuple[Shape, ...], order: str) -> str:
    inside = any(shape[4] for shape in shapes)
    several = len(shapes) > 1 or inside
    texts = []
    for type_name, clauses, keys, rank, holder, rows in shapes:
        columns = [
            _HELD if holder else _COLUMNS,
            *(f"{key} as k{number}" for number, key in enumerate(keys)),
        ]
        if rank is not None or several:
            columns.append(f"{rank or '1::float8'} as score")
        if several:
            columns.append(f"'{holder or type_name}'::varchar as type")
        if inside:
            columns.append(f"{'r.id' if holder else 'null'}::varchar as fragment")
        texts.append(
            f"select {', '.join(columns)} from {_from(rows)} where {_where(type_name, clauses)}"  # noqa: S608 - our own texts
            f" order by {order} limit %(wanted)s"
        )
    if not several:
        return _placed(texts[0])
    names = ", ".join([_NAMES, *(f"q.k{number}" for number in range(len(shapes[0][2]))), "q.score", "q.type"])
    names += ", q.fragment" if inside else ""
    whole = " union all ".join(f"({text})" for text in texts)
    return _placed(f"select {names} from ({whole}) q order by {order} limit %(wanted)s")  # noqa: S608


@lru_cache(maxsize=2048)
def _count(shapes: tuple[Shape, ...]) -> str:
    texts = [
        f"select count(*) from {_from(rows)} where {_where(type_name, clauses)}"  # noqa: S608
        for type_name, clauses, _, _, _, rows in shapes
    ]
    return _placed(" union all ".join(texts))


def _from(rows: str | None) -> str:
    return "record.resource r" if rows is None else f"({rows}) r"


def _where(type_name: str, clauses: Sequence[str]) -> str:
    """The condition of an arm. The type stands in the text, so it is one of FHIR's or nothing is asked."""
    if type_name not in MODULES:
        raise ValueError(type_name)
    return " and ".join([f"r.type = '{type_name}' and r.content is not null", *clauses])


def _placed(text: str) -> str:
    """Each ``{}`` a named place ``p0``, ``p1`` ...; ``{-1}`` the place before again."""
    number = 0

    def place(found: re.Match[str]) -> str:
        nonlocal number
        if found[1] is not None:
            return f"%(p{number - int(found[1])})s"
        number += 1
        return f"%(p{number - 1})s"

    return _PLACE.sub(place, text)
