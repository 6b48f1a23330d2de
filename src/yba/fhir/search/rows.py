"""Index rows while they are gathered, and as they are written."""

from __future__ import annotations

import hashlib
from copy import copy
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

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


class Gathered(msgspec.Struct):
    """Rows of one resource, table by table, as its getters append them."""

    token: list[TokenRow] = []
    reference: list[ReferenceRow] = []
    string: list[StringRow] = []
    date: list[DateRow] = []
    number: list[NumberRow] = []
    uri: list[UriRow] = []
    position: list[PositionRow] = []
    composite: list[CompositeRow] = []
    resource: Any = None  # what is read: some components of composites start from it


class IndexRows(msgspec.Struct):
    """The index rows of one resource, table by table, each row once.

    ``occurred``: the low end of the type's principal date; ``patient``: the Patient whose compartment the
    resource is in, None where there is none or more than one. ``resource``: what the rows were read from.
    """

    token: list[TokenRow]
    reference: list[ReferenceRow]
    string: list[StringRow]
    date: list[DateRow]
    number: list[NumberRow]
    uri: list[UriRow]
    position: list[PositionRow]
    composite: list[CompositeRow]
    occurred: datetime | None = None
    patient: str | None = None
    resource: Any = None

    def joined(self, more: Gathered) -> IndexRows:
        """These rows and more."""
        found = copy(self)
        for table in WIDTHS:
            if added := getattr(more, table):
                setattr(found, table, _once([*getattr(self, table), *added]))
        return found


def index_rows(
    gathered: Gathered, *, occurred: datetime | None = None, patient: str | None = None, resource: Any = None
) -> IndexRows:
    """What was gathered, each row once."""
    return IndexRows(
        _once(gathered.token),
        _once(gathered.reference),
        _once(gathered.string),
        _once(gathered.date),
        _once(gathered.number),
        _once(gathered.uri),
        _once(gathered.position),
        _once(gathered.composite),
        occurred,
        patient,
        resource,
    )


Row = TypeVar("Row")


def _once(rows: list[Row]) -> list[Row]:
    return list(dict.fromkeys(rows)) if len(rows) > 1 else rows


def no_rows(resource: Any) -> IndexRows:
    """None yet of a resource."""
    return index_rows(Gathered(), resource=resource)


def key(text: str) -> str:
    """A text as an index column keeps it: itself, or its beginning and a digest when it is very long."""
    if len(text) <= KEY_LENGTH:
        return text
    return text[:_KEPT] + "#" + hashlib.sha256(text.encode()).hexdigest()
