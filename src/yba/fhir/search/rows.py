"""Index rows while they are gathered, and in the columns the writing statement takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

TokenRow = tuple[int, str | None, str | None, str | None]
ReferenceRow = tuple[int, str | None, str, str | None, str | None, str | None]
StringRow = tuple[int, str, str]
DateRow = tuple[int, datetime, datetime]
NumberRow = tuple[
    int,
    Decimal,
    Decimal,
    Decimal,
    str | None,
    str | None,
    str | None,
    Decimal | None,
    Decimal | None,
    str | None,
]
UriRow = tuple[int, str]
PositionRow = tuple[int, float, float]
CompositeRow = tuple[Any, ...]  # as wide as COMPOSITE_COLUMNS and the number before them
TextRow = tuple[str | None, str]  # narrative and all words, folded

COMPOSITE_COLUMNS = (
    "system", "code", "system2", "code2", "system3", "code3", "low", "high", "unit_system", "unit_code", "unit",
    "base_low", "base_high", "base", "low2", "high2", "date_low", "date_high", "folded", "exact",
)  # fmt: skip
WIDTHS = {
    "token": 4, "reference": 6, "string": 3, "date": 3, "number": 10, "uri": 2, "position": 3,
    "composite": 1 + len(COMPOSITE_COLUMNS),
}  # fmt: skip

# A B-tree entry holds about 2,700 bytes: longer keys are cut and closed with a digest, alike on both sides.
KEY_LENGTH = 250
_KEPT = 180


@dataclass(slots=True)
class Gathered:
    """Rows of one resource, table by table, as its getters append them."""

    token: list[TokenRow] = field(default_factory=list)
    reference: list[ReferenceRow] = field(default_factory=list)
    string: list[StringRow] = field(default_factory=list)
    date: list[DateRow] = field(default_factory=list)
    number: list[NumberRow] = field(default_factory=list)
    uri: list[UriRow] = field(default_factory=list)
    position: list[PositionRow] = field(default_factory=list)
    composite: list[CompositeRow] = field(default_factory=list)
    resource: Any = None  # what is read: some components of composites start from it


@dataclass(slots=True)
class IndexRows:
    """The index rows of one resource: a list a column, ready for ``unnest``.

    ``occurred``: the low end of the type's principal date; ``patient``: the Patient whose compartment the
    resource is in, None where there is none or more than one. ``resource``: what the rows were read from.
    """

    token: Sequence[list[Any]]
    reference: Sequence[list[Any]]
    string: Sequence[list[Any]]
    date: Sequence[list[Any]]
    number: Sequence[list[Any]]
    uri: Sequence[list[Any]]
    position: Sequence[list[Any]]
    composite: Sequence[list[Any]]
    occurred: datetime | None = None
    patient: str | None = None
    resource: Any = None

    def joined(self, more: dict[str, Sequence[list[Any]]]) -> IndexRows:
        """These rows and more, in columns of their own."""
        found = copy(self)
        for table, columns in more.items():
            if columns[0]:
                both = zip(getattr(self, table), columns, strict=True)
                setattr(found, table, [one + two for one, two in both])
        return found


def no_rows(resource: Any) -> IndexRows:
    """None yet of a resource."""
    return IndexRows(**in_columns(Gathered()), resource=resource)  # type: ignore[arg-type] # the tables' fields only


def in_columns(gathered: Gathered) -> dict[str, Sequence[list[Any]]]:
    """Every table's rows as columns."""
    return {table: columns(getattr(gathered, table), width) for table, width in WIDTHS.items()}


def columns(rows: Iterable[tuple[Any, ...]], width: int) -> Sequence[list[Any]]:
    """Rows turned into ``width`` columns, each row once. The columns of no rows are shared: nobody may add to them."""
    kept = dict.fromkeys(rows)
    if not kept:
        return _EMPTY[width]
    return [list(column) for column in zip(*kept, strict=True)]


_EMPTY: dict[int, Sequence[list[Any]]] = {width: [[] for _ in range(width)] for width in set(WIDTHS.values())}


def key(text: str) -> str:
    """A text as an index column keeps it: itself, or its beginning and a digest when it is very long."""
    if len(text) <= KEY_LENGTH:
        return text
    return text[:_KEPT] + "#" + hashlib.sha256(text.encode()).hexdigest()
