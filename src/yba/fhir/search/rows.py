"""Index rows while they are gathered, and in the columns the writing statement takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

TokenRow = tuple[int, str | None, str | None, str | None]
ReferenceRow = tuple[int, str | None, str, str | None, str | None]
StringRow = tuple[int, str, str]
DateRow = tuple[int, datetime, datetime]
NumberRow = tuple[int, Decimal, Decimal, Decimal, str | None, str | None, str | None]
UriRow = tuple[int, str]

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


@dataclass(slots=True)
class IndexRows:
    """The index rows of one resource: a list a column, ready for ``unnest``.

    ``occurred``: the low end of the type's principal date; ``patient``: the Patient whose compartment the
    resource is in, None where there is none or more than one.
    """

    token: Sequence[list[Any]]
    reference: Sequence[list[Any]]
    string: Sequence[list[Any]]
    date: Sequence[list[Any]]
    number: Sequence[list[Any]]
    uri: Sequence[list[Any]]
    occurred: datetime | None = None
    patient: str | None = None


def columns(rows: Iterable[tuple[Any, ...]], width: int) -> Sequence[list[Any]]:
    """Rows turned into ``width`` columns, each row once."""
    kept = dict.fromkeys(rows)
    if not kept:
        return [[] for _ in range(width)]
    return [list(column) for column in zip(*kept, strict=True)]


def key(text: str) -> str:
    """A text as an index column keeps it: itself, or its beginning and a digest when it is very long."""
    if len(text) <= KEY_LENGTH:
        return text
    return text[:_KEPT] + "#" + hashlib.sha256(text.encode()).hexdigest()
