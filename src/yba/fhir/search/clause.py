"""A condition on ``record.resource`` aliased ``r``: its SQL with ``{}`` for each value, and the values.

The SQL texts are constants of this package. What a user sends is only ever a value, so the texts of a search are
its shape, and a shape is composed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clause:
    """``sql`` holds one ``{}`` for each of ``values``."""

    sql: str
    values: tuple[object, ...] = ()


def either(clauses: Sequence[Clause]) -> Clause:
    """Any of them (a comma in a search value)."""
    if len(clauses) == 1:
        return clauses[0]
    return Clause(
        "(" + " or ".join(one.sql for one in clauses) + ")",
        tuple(value for one in clauses for value in one.values),
    )


def probe(table: str, number: int, condition: Clause) -> Clause:
    """There is an index row of the parameter that meets the condition (on alias ``x``)."""
    return Clause(
        f"exists (select from record.{table} x where x.rid = r.rid and x.param = {{}} and {condition.sql})",
        (number, *condition.values),
    )


def has_any(table: str, number: int) -> Clause:
    """There is any index row of the parameter."""
    return Clause(f"exists (select from record.{table} x where x.rid = r.rid and x.param = {{}})", (number,))


def negated(clause: Clause) -> Clause:
    """The opposite."""
    return Clause(f"not {clause.sql}", clause.values)


def held(clause: Clause) -> Clause:
    """A probe the planner may not turn into a join: it is asked row by row.

    Within one patient's rows, read in the order of their index until a page is full, that is right whatever the
    statistics say (an EXISTS with OFFSET is never pulled up).
    """
    if clause.sql.startswith(("exists (select from", "not exists (select from")):
        return Clause(clause.sql[:-1] + " offset 0)", clause.values)
    return clause
