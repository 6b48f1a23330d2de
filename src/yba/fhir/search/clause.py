"""A condition on ``record.resource`` aliased ``r``: its SQL with ``{}`` for each value, and the values.

The SQL texts are constants of this package. What a user sends is only ever a value, so the texts of a search are
its shape, and a shape is composed once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from yba.fhir.condition import PERSON, Condition
from yba.fhir.store.identity import shard_of


class Clause(msgspec.Struct, frozen=True):
    """``sql`` holds one ``{}`` for each of ``values``, in their order; ``{-1}`` is the value before again.

    ``rank``: what a condition on texts adds to a match's score, an expression of ``r`` from 0 (not at all) to 1.
    ``narrow``: it leaves few rows whatever its values are (an id, an identifier, a person's chart). ``wide``: how else
    it can be asked where very many rows meet it.
    """

    sql: str
    values: tuple[object, ...] = ()
    rank: Clause | None = None
    narrow: bool = False
    wide: Wide | None = None


@dataclass(frozen=True, slots=True)
class Wide:
    """What helps where very many rows meet a condition, so that finding them all to show the first is too much.

    ``reach``: a query of a row for each that meets it, ``MANY`` at most; ``walked``: the same condition for the rows
    of a type in their order, one by one until a page is full.
    """

    reach: Clause
    walked: Clause


NOTHING = Clause("false")
OWN = "x.shard = r.shard and x.rid = r.rid"
"""An index row ``x`` is one of the row ``r``: on the same machine, where there are several (scale.md)."""
_OF_ONE = "(r.shard = {} and r.patient = {})"
_OF_SOME = "(r.shard = any({}) and r.patient = any({}))"
# The second wall asks of each row whether its person is known to who asks. Told beforehand whose rows of which type are
# asked for, it asks once (migration 0016): by what the index is read for, which comes before any row.
_OF_ONE_SAID = "(r.shard = {{}} and r.patient = (select record.of_one('{type}', {{}})))"


def of_patients(ids: Sequence[str]) -> Clause:
    """The rows of these persons' charts, each on its person's shard."""
    if len(ids) == 1:
        return Clause(_OF_ONE, (shard_of(ids[0]), ids[0]), narrow=True)
    return Clause(_OF_SOME, (sorted({shard_of(one) for one in ids}), list(ids)), narrow=True)


def is_of_patients(clause: Clause) -> bool:
    """Whether a clause names the persons whose charts are asked."""
    return clause.sql in (_OF_ONE, _OF_SOME) or clause.sql.startswith(
        ("r.patient = ", "(r.shard = {} and r.patient = (select record.of_one(")
    )


def person_of(clauses: Sequence[Clause]) -> str | None:
    """The one person whose rows are asked for."""
    found = {str(one.values[1]) for one in clauses if one.sql == _OF_ONE}
    return found.pop() if len(found) == 1 else None


def said(clause: Clause, type_name: str) -> Clause:
    """The rows of one person's chart, of a type, as the second wall is told of them."""
    if clause.sql != _OF_ONE:
        return clause
    return msgspec.structs.replace(clause, sql=_OF_ONE_SAID.format(type=type_name))


def either(clauses: Sequence[Clause]) -> Clause:
    """Any of them (a comma in a search value)."""
    return _joined(clauses, " or ", narrow=all(one.narrow for one in clauses))


def every(clauses: Sequence[Clause]) -> Clause:
    """All of them."""
    return _joined(clauses, " and ", narrow=any(one.narrow for one in clauses))


def _joined(clauses: Sequence[Clause], word: str, *, narrow: bool) -> Clause:
    if len(clauses) == 1:
        return clauses[0]
    ranks = [one.rank for one in clauses if one.rank is not None]
    return Clause(
        "(" + word.join(one.sql for one in clauses) + ")",
        tuple(value for one in clauses for value in one.values),
        highest(ranks),
        narrow,
    )


def highest(ranks: Sequence[Clause]) -> Clause | None:
    """The greatest of several ranks; None of none."""
    if len(ranks) < 2:
        return ranks[0] if ranks else None
    return Clause(
        "greatest(" + ", ".join(one.sql for one in ranks) + ")",
        tuple(value for one in ranks for value in one.values),
    )


def among(column: str, values: Sequence[object]) -> Clause:
    """A column has one of the values. One alone goes by itself: an array costs a prepared statement ten times as much
    on its way, and the planner knows less of it."""
    if len(values) == 1:
        return Clause(f"{column} = {{}}", (values[0],))
    return Clause(f"{column} = any({{}})", (list(values),))


def probe(table: str, number: int, condition: Clause) -> Clause:
    """There is an index row of the parameter that meets the condition (on alias ``x``).

    The number stands in the text: it belongs to the shape, and the planner knows how common the parameter is.
    """
    return Clause(
        f"exists (select from record.{table} x where {OWN} and x.param = {number:d} and {condition.sql})",
        condition.values,
    )


def has_any(table: str, number: int) -> Clause:
    """There is any index row of the parameter."""
    return Clause(f"exists (select from record.{table} x where {OWN} and x.param = {number:d})")


def negated(clause: Clause) -> Clause:
    """The opposite, also where a column of the condition is null."""
    if clause.sql.startswith("exists (select from"):
        return Clause(f"not {clause.sql}", clause.values)
    return Clause(f"({clause.sql}) is not true", clause.values)


_PROBE = re.compile(
    rf"(exists \(select from record\.\w+ x where {re.escape(OWN)} and x\.param = -?\d+ and )(.*)\)", re.DOTALL
)


def condition_of(clause: Clause) -> Clause | None:
    """What a probe asks of an index row; None of any other clause."""
    found = _PROBE.fullmatch(clause.sql)
    return None if found is None else Clause(found[2], clause.values)


def unequal(clause: Clause, among: str = "true") -> Clause | None:
    """Of a probe: some index row of the parameter, ``among`` these, does not meet its condition.

    None of any other clause.
    """
    found = _PROBE.fullmatch(clause.sql)
    return (
        None if found is None else Clause(f"{found[1]}{among} and ({found[2]}) is not true)", clause.values)
    )


def held(clause: Clause) -> Clause:
    """A probe the planner may not turn into a join: it is asked row by row.

    Within one patient's rows, read in the order of their index until a page is full, that is right whatever the
    statistics say (an EXISTS with OFFSET is never pulled up).
    """
    if (
        clause.sql.startswith(("exists (select from", "not exists (select from"))
        and clause.sql[-1] == ")"
        and not clause.sql.endswith(" offset 0)")
    ):
        return Clause(clause.sql[:-1] + " offset 0)", clause.values, clause.rank, clause.narrow)
    return clause


_NAMED = re.compile(r"%\((\w+)\)s")


def _positional(text: str) -> tuple[str, tuple[str, ...]]:
    """A condition with a ``{}`` for each name, and the names; where one stands again, ``{-2}``: the value two before.

    A door says who asks and when many times over, and each value on its way costs as much as some of the rows.
    """
    names: list[str] = []

    def place(found: re.Match[str]) -> str:
        name = found[1]
        if name in names:
            return f"{{-{len(names) - names.index(name)}}}"
        names.append(name)
        return "{}"

    return _NAMED.sub(place, text), tuple(names)


_placed: dict[tuple[int, int], tuple[object, object, str, tuple[str, ...]]] = {}


def of_access(may: Condition, *, among_few: bool = False, person: str | None = None) -> Clause | None:
    """The door a type's rows must pass, as a clause on ``r``; None where every row may be seen.

    One's own chart and those of one's family narrow a search like any patient that is asked for. ``person``: whose
    rows alone are asked for.
    """
    if may.sql is None:
        return None
    made = may.among_few if among_few and may.among_few is not None else may.sql
    first = may.of_one if person is not None else None
    known = _placed.get(
        (id(made), id(first))
    )  # conditions are made once a role and type, and kept alive here
    if known is None or known[0] is not made or known[1] is not first:
        text = made.as_string(None)
        if first is not None:
            text = f"({first.as_string(None)} or {text})"
        known = (made, first, *_positional(text))
        if len(_placed) > 8192:
            _placed.clear()
        _placed[id(made), id(first)] = known
    params = may.params
    return Clause(
        known[2],
        tuple(person if name == PERSON else params[name] for name in known[3]),
        narrow=may.narrow,
    )
