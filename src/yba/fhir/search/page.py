"""One page of a search: its rows, its total, what it includes. ``statement.py`` has the SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, NamedTuple, Protocol

import msgspec
import psycopg

from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.r4 import MODULES
from yba.fhir.search import asked as reading
from yba.fhir.search import chain, containing, paging, sorting, statement
from yba.fhir.search.asked import ANY, Asked
from yba.fhir.search.clause import NOTHING, Clause, held, highest, is_of_patients, person_of, said
from yba.fhir.search.compartment import Compartment, types_in
from yba.fhir.search.includes import included
from yba.fhir.search.question import Access, Asking, Terminology
from yba.fhir.search.statement import WIDTH, Arm, Statement
from yba.fhir.store.asking import Statement as Question
from yba.fhir.store.asking import ask as asking_alone
from yba.fhir.store.parameters import prepare
from yba.fhir.store.rows import Stored, execute

Row = tuple[Any, ...]


class Ask(Protocol):
    """The rows of a question; without ``prepare`` planned by its values."""

    def __call__(self, asked: Question, /, *, prepare: bool = True) -> list[Row]: ...


class Told(NamedTuple):
    """How questions are asked, and a connection given, so that the database knows who asks."""

    ask: Ask
    connection: Callable[[], psycopg.Connection[Any]]


@dataclass(slots=True)
class Found:
    """One page as stored. ``total`` None: not counted. ``next``: value of ``_cursor`` for the page after this.

    ``count`` is the size the page was given, smaller than asked for when ``capped``. ``scores`` has one for each
    match where texts were searched or sorted by. ``summary`` and ``elements`` are for the face that writes it out.
    ``fragments``: for a match that is a container, the id of the contained resource that is meant.
    """

    matches: list[Stored]
    included: list[Stored] = field(default_factory=list)
    total: int | None = None
    next: str | None = None
    unknown: list[str] = field(default_factory=list)
    count: int = reading.PAGE
    capped: bool = False
    scores: list[float] = field(default_factory=list)
    summary: str | None = None
    elements: list[str] = field(default_factory=list)
    fragments: list[str | None] = field(default_factory=list)


def run(
    connection: psycopg.Connection[Any],
    type_name: str | None,
    params: Sequence[tuple[str, str]],
    *,
    access: Access,
    strict: bool = False,
    now: datetime | None = None,
    base_url: str | None = None,
    compartment: Compartment | None = None,
    terminology: Callable[[], Terminology] | None = None,
    contained: bool = False,
    walled: Callable[[str], bool] | None = None,
    told: Told | None = None,
) -> Found:
    """Answer a search with one page. ``access`` gives the condition each type's rows must pass.

    ``type_name`` None searches every type, or those ``_type`` names; ``compartment`` narrows to what belongs to one
    resource; ``terminology`` gives what knows codes and value sets, when a question needs it; ``contained`` says that
    the caller can take containers for what was asked (``_contained``); ``walled`` tells of a person whether the
    second wall would have to look for each of their rows how the asker stands to them; ``told`` tells the database who
    asks, where that has not been said on the connection. Raises Invalid for
    values that cannot be read (and, ``strict``, unknown parameters), Unsupported for what is not offered, TooCostly
    when more is to be included than a page may hold.
    """
    prepare(connection, type_name, params)
    asking = Asking(
        now or datetime.now(UTC), base_url, access, terminology=terminology,
        contained=cache(lambda: containing.pairs(connection)),
        every_type=type_name is None and not any(name == "_type" and value for name, value in params),
    )  # fmt: skip
    types = _types(connection, type_name, params, compartment)
    asked = reading.read(
        type_name or ANY, types, params, strict=strict, asking=asking, compartment=compartment
    )
    own = _through_doors(asking, asked)
    if asked.contained == "false":
        arms = [Arm(one, _told(one, clauses, walled)) for one, clauses in own.items()]
    elif contained and compartment is None:
        holders = frozenset(holder for holder, _ in asking.contained())
        with asking.within(holders):
            inside = reading.read(type_name or ANY, types, params, strict=strict, asking=asking)
        arms = containing.arms(asking, asked, inside, own)
    else:
        raise Unsupported(
            "search.contained",
            "Contained resources are asked for by a search of a type, not here. Ask without '_contained'.",
            parameter="_contained",
        )
    found = Found(
        [], unknown=asked.unknown, count=asked.count, capped=asked.capped,
        summary=asked.summary, elements=asked.elements,
    )  # fmt: skip
    counted_only = not asked.count or asked.summary == "count"
    told = told or Told(partial(asking_alone, connection), lambda: connection)
    if not counted_only and arms:
        _fill(told.ask, asked, arms, found)
    if found.next is None and asked.cursor is None and not counted_only and asked.total != "none":
        found.total = len(found.matches)
    elif asked.total in ("accurate", "estimate") or (counted_only and asked.total != "none"):
        found.total = _total(told.ask, asked, arms, asking, found)
    if asked.includes and found.matches:
        found.included = included(told.connection(), asked.includes, found.matches, asking)
    return found


def _through_doors(asking: Asking, asked: Asked) -> dict[str, list[Clause]]:
    """The conditions of each type with its door; types of which nothing may be seen are not asked."""
    arms: dict[str, list[Clause]] = {}
    for one, clauses in asked.arms.items():
        door = asking.door(one, among_few=_narrow(clauses), person=person_of(clauses))
        if door is None:
            arms[one] = clauses
        elif door.sql != NOTHING.sql:
            arms[one] = [*clauses, held(door) if _of_facility(clauses) else door]
    return arms


def _told(type_name: str, clauses: list[Clause], walled: Callable[[str], bool] | None) -> list[Clause]:
    """The conditions, so that the second wall knows beforehand whose rows are asked for, where that helps it."""
    person = person_of(clauses) if walled is not None else None
    if person is None or walled is None or type_name not in MODULES or not walled(person):
        return clauses
    return [said(one, type_name) for one in clauses]


def _of_facility(clauses: Sequence[Clause]) -> bool:
    """Whether the rows are a facility's: read them in the order of its worklist and ask the door row by row.

    Most of them pass, which the planner can't know.
    """
    return any(clause.sql.startswith("r.facility = ") for clause in clauses)


# -- over which types --------------------------------------------------------------------------------------


def _types(
    connection: psycopg.Connection[Any],
    type_name: str | None,
    params: Sequence[tuple[str, str]],
    compartment: Compartment | None,
) -> Sequence[str]:
    """The types a search runs over: one; those ``_type`` names; or all that there are."""
    if type_name is not None:
        return [type_name] if compartment is None else types_in(compartment.type, type_name)
    named = [one.strip() for name, value in params if name == "_type" for one in value.split(",") if one]
    for one in named:
        if one not in MODULES:
            raise Invalid(
                "search.type", f"'{one[:50]}' in '_type' is no resource type of FHIR R4.", parameter="_type"
            )
    members = None if compartment is None else set(types_in(compartment.type, ANY))
    if named:
        return [one for one in dict.fromkeys(named) if members is None or one in members]
    there = [row[0] for row in execute(connection, _PRESENT).fetchall()]
    return [one for one in there if members is None or one in members]


# The types that have rows, each found by one step down the primary key: that some are there tells nothing of whose.
_PRESENT = """
with recursive step as (
    select min(r.type) as type from record.unwalled_resource r
    union all
    select (select min(r.type) from record.unwalled_resource r where r.type > step.type) from step
     where step.type is not null
)
select step.type::varchar from step where step.type is not null"""


# -- the page ----------------------------------------------------------------------------------------------


def _fill(ask: Ask, asked: Asked, arms: list[Arm], found: Found) -> None:
    """Read the rows of the page and, by one row more, whether there is another."""
    arms = [_ordered(asked, arm) for arm in _walked(ask, asked, arms)]
    rows = _rows(ask, asked, arms)
    inside = any(arm.holder for arm in arms)
    several = len(arms) > 1 or inside
    width = len(arms[0].order)
    if len(rows) > asked.count:
        rows = rows[: asked.count]
        found.next = paging.encode(_shape(asked), rows[-1][WIDTH : WIDTH + width])
    score = WIDTH + width
    found.matches = [_stored(row[score + 1] if several else arms[0].type, row) for row in rows]
    found.fragments = [row[score + 2] for row in rows] if inside else []
    ranked = any(arm.rank for arm in arms)
    if ranked or any(code == reading.SCORE for code, _ in asked.sort):
        found.scores = [float(row[score]) if several or ranked else 1.0 for row in rows]


_IN_ORDER: Sequence[list[tuple[str, bool]]] = ([], [("_lastUpdated", False)], [("_lastUpdated", True)])


def _walked(ask: Ask, asked: Asked, arms: list[Arm]) -> list[Arm]:
    """A lone chain that very many rows meet, asked of the rows in the order of the page.

    No statistics tell of a chain how many that are, so it is found out; few are found and sorted.
    """
    if len(arms) != 1 or len(arms[0].clauses) != 1 or asked.sort not in _IN_ORDER:
        return arms
    wide = arms[0].clauses[0].wide
    if wide is None:
        return arms
    text, values = statement.number_of(wide.reach)
    reached = _asked(ask, (text, values), [()])[0][0]
    return arms if reached < chain.MANY else [msgspec.structs.replace(arms[0], clauses=[wide.walked])]


def _ordered(asked: Asked, arm: Arm) -> Arm:
    """With its score, and the order of the page."""
    rank = highest([clause.rank for clause in arm.clauses if clause.rank])
    order = sorting.keys(arm.type, tuple(asked.sort), fenced=_narrow(arm.clauses), rank=rank)
    return msgspec.structs.replace(arm, order=order, rank=rank)


def _shape(asked: Asked) -> str:
    # The order of storing runs by other values than it did (migration 0014): a page kept since is asked anew.
    return f"{asked.level} {asked.sort or 'stored'}"


def _of_patient(clauses: Sequence[Clause]) -> bool:
    """Whether the rows are a patient's: read them all by the chart's index rather than walk any other."""
    return any(is_of_patients(clause) for clause in clauses)


def _narrow(clauses: Sequence[Clause]) -> bool:
    """Whether there are few rows whatever the values: find these and sort them."""
    return any(clause.narrow for clause in clauses)


def _in_time(clauses: Sequence[Clause]) -> bool:
    """Whether a condition bounds the moment, so that rows without one are none."""
    return any(clause.sql.lstrip("(").startswith("r.occurred ") for clause in clauses)


def _asked(ask: Ask, found: Statement, clauses: Iterable[Sequence[Clause]]) -> list[Row]:
    """Run a statement, planned by its values unless one plan is right for any.

    Prepared, "born in these ten years" and "on this day" would share a plan; of one chart all plans are alike.
    """
    text, values = found
    alike = all(_narrow(one) for one in clauses)
    return ask(Question(text, values), prepare=alike)


def _stored(type_name: str, row: Row) -> Stored:
    return Stored(type_name, row[0], row[1], row[2], row[3], row[4], row[5], row[6])


def _rows(ask: Ask, asked: Asked, arms: list[Arm]) -> list[Row]:
    """Up to one row more than the page holds."""
    order = arms[0].order
    start = paging.decode(_shape(asked), order, asked.cursor) if asked.cursor else None
    wanted = asked.count + 1

    def read(start: list[object] | None, wanted: int, present: bool | None) -> list[Row]:
        made = [
            msgspec.structs.replace(arm, clauses=_narrowed(arm.clauses, arm.order, start, present))
            for arm in arms
        ]
        found = statement.page(made, sorting.order_by(order, present=present is not None), wanted)
        return _asked(ask, found, [arm.clauses for arm in arms])

    if len(arms) > 1 or not sorting.by_occurred(order):
        return read(start, wanted, None)
    # The chart's index holds missing moments first when read downwards; a page wants them last. So: first those
    # that have a moment, in the order of the index, then, when room is left, those that have none.
    rows: list[Row] = []
    if start is None or start[0] is not None:
        rows = read(start, wanted, True)
        start = None
    if len(rows) < wanted and not _in_time(arms[0].clauses):
        rows += read(start, wanted - len(rows), False)
    return rows


def _narrowed(
    clauses: Sequence[Clause], order: Sequence[sorting.Key], start: list[object] | None, present: bool | None
) -> list[Clause]:
    """The conditions of a page: probes held to a patient's rows, missing moments apart, and where it begins."""
    made = [held(clause) for clause in clauses] if _of_patient(clauses) else list(clauses)
    if present is not None:
        made.append(Clause(f"r.occurred is {'not ' if present else ''}null"))
    if start is not None:
        made.append(sorting.after(order, start, present=bool(present)))
    return made


# -- the total ---------------------------------------------------------------------------------------------


def _total(
    ask: Ask,
    asked: Asked,
    arms: list[Arm],
    asking: Asking,
    found: Found,
) -> int:
    """How many match: counted, or, where every row may be seen, what the planner expects.

    An estimate is made from statistics of all rows: it is not for who may see a part of them only.
    """
    if not arms:
        return 0
    if asked.total == "estimate" and not asking.restricted:
        rows = _asked(ask, statement.estimate(arms), [()])
        expected = _expected(rows[0][0])
        return max(expected, len(found.matches) + (1 if found.next is not None else 0))
    rows = _asked(ask, statement.count(arms), [arm.clauses for arm in arms])
    return sum(int(row[0]) for row in rows)


def _expected(plan: Any) -> int:
    if isinstance(plan, str | bytes):
        plan = msgspec.json.decode(plan)
    return int(plan[0]["Plan"]["Plan Rows"])
