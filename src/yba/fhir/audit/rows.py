"""One row of the audit as it is read back: the act, its number, and an event somebody sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from yba.fhir.store.audit import Act

VARCHARS = (
    "actor", "role", "actor_facility", "origin", "act", "type", "id", "patient", "facility", "detail", "outcome",
    "name", "practitioner", "person", "app", "session", "address", "purpose", "request",
)  # fmt: skip
FIELDS = (*Act.__struct_fields__, "seq", "occurred", "content", "terms", "xid")


def column(name: str) -> str:
    """A column in the form it is loaded in: ``text`` would come as bytes (store/rows.py)."""
    if name in VARCHARS:
        return f"a.{name}::varchar"
    return f"a.{name}::varchar[]" if name in ("patients", "terms") else f"a.{name}"


COLUMNS = ", ".join(column(name) for name in FIELDS)
"""What a query selects ``from record.audit a`` for ``row``."""


class Row(Act, frozen=True, kw_only=True):
    """A row of ``record.audit``. ``content``: the bytes of an event that was sent; ``occurred``: when it says it was.

    ``xid``: the transaction that wrote it; None for rows of before they carried it.
    """

    seq: int
    occurred: datetime | None = None
    content: bytes | None = None
    terms: list[str] | None = None
    xid: int | None = None

    @property
    def when(self) -> datetime:
        """When it happened, as searches by date and the order of pages take it."""
        return self.occurred or self.at

    @property
    def persons(self) -> list[str]:
        """Whose records it is about."""
        return self.patients or ([self.patient] if self.patient else [])


def row(values: tuple[Any, ...]) -> Row:
    """A row from what ``COLUMNS`` selects."""
    found = dict(zip(FIELDS, values, strict=True))
    for name in ("at", "occurred"):
        if found[name] is not None:
            found[name] = found[name].astimezone(UTC)
    return Row(**found)


def canonical(one: Row) -> bytes:
    """The row as bytes, the same for the same values on any machine: what its hash is taken of."""
    values: list[Any] = []
    for name in FIELDS:
        value = getattr(one, name)
        if isinstance(value, datetime):
            value = value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        elif isinstance(value, bytes):
            value = value.decode()
        values.append(value)
    return msgspec.json.encode(values)
