"""What an expression of a view is in SQL: its text, whether it may be several, and what is known of its type."""

from __future__ import annotations

from dataclasses import dataclass, replace

from yba.fhir.errors import Invalid, Unsupported

TEXTS = frozenset(
    {
        "string", "code", "id", "uri", "url", "canonical", "oid", "uuid", "markdown", "base64Binary", "xhtml",
    }
)  # fmt: skip
INTEGERS = frozenset({"integer", "positiveInt", "unsignedInt", "integer64"})
MOMENTS = frozenset({"date", "dateTime", "instant"})
ABSTRACT = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})

Step = tuple[str, bool | None]
"""An element's name, and whether it repeats; None: not known, so it is asked of the data."""


@dataclass(frozen=True, slots=True)
class Value:
    """``form`` is the shape of ``sql``.

    ``item``: one JSON value, SQL null for none. ``list``: JSON values. ``text``, ``integer``, ``decimal`` and
    ``boolean``: a SQL value, null for none; ``digits``: a decimal as its text. ``type``: a FHIR type, the path of
    a backbone element (``Patient.contact``), or None where it is not known.
    """

    sql: str
    form: str
    type: str | None = None
    choice: Choice | None = None
    origin: tuple[Value, tuple[Step, ...]] | None = None
    literal: str | None = None

    @property
    def many(self) -> bool:
        return self.form == "list"

    @property
    def family(self) -> str | None:
        return family(self.type)

    def typed(self, type_name: str | None) -> Value:
        return replace(self, type=type_name, choice=None)


@dataclass(frozen=True, slots=True)
class Choice:
    """An element ``value[x]`` before its type is chosen: JSON names and types, of ``parent``."""

    parent: Value
    alternatives: tuple[tuple[str, str], ...]


def family(type_name: str | None) -> str | None:
    """text, integer, decimal, boolean, moment, time, or complex; None where the type is not known."""
    if type_name is None or type_name in ABSTRACT:
        return None
    if type_name in TEXTS:
        return "text"
    if type_name in INTEGERS:
        return "integer"
    if type_name in MOMENTS:
        return "moment"
    if type_name in {"decimal", "boolean", "time"}:
        return type_name
    return "complex"


NATIVE = {
    "text": "text", "moment": "text", "time": "text",
    "integer": "integer", "decimal": "decimal", "boolean": "boolean",
}  # fmt: skip
"""The form of one value of a family outside JSON."""


class BadView(Invalid):
    """A view that cannot be run as it is written (SQL on FHIR: 422)."""

    status = 422


def refused(message: str) -> BadView:
    """An expression that cannot be what it says."""
    return BadView("views.expression", message)


def unsupported(message: str) -> Unsupported:
    """FHIRPath that views do not offer."""
    return Unsupported("views.not-offered", message)
