"""Index rows while they are gathered, and as they are written."""

from __future__ import annotations

import hashlib
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
                setattr(found, table, list(dict.fromkeys([*getattr(self, table), *added])))
        return found


def index_rows(
    gathered: Gathered, *, occurred: datetime | None = None, patient: str | None = None, resource: Any = None
) -> IndexRows:
    """What was gathered, each row once."""
    return IndexRows(
        token=list(dict.fromkeys(gathered.token)),
        reference=list(dict.fromkeys(gathered.reference)),
        string=list(dict.fromkeys(gathered.string)),
        date=list(dict.fromkeys(gathered.date)),
        number=list(dict.fromkeys(gathered.number)),
        uri=list(dict.fromkeys(gathered.uri)),
        position=list(dict.fromkeys(gathered.position)),
        composite=list(dict.fromkeys(gathered.composite)),
        occurred=occurred,
        patient=patient,
        resource=resource,
    )


def no_rows(resource: Any) -> IndexRows:
    """None yet of a resource."""
    return index_rows(Gathered(), resource=resource)


def key(text: str) -> str:
    """A text as an index column keeps it: itself, or its beginning and a digest when it is very long."""
    if len(text) <= KEY_LENGTH:
        return text
    return text[:_KEPT] + "#" + hashlib.sha256(text.encode()).hexdigest()
