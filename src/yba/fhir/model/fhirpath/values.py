"""What an expression computes with: the System types as Python values, and what becomes of a collection of one.

Boolean is bool, Integer int, Decimal Decimal, String str; Date, DateTime and Time are in ``moments``, Quantity here.
FHIRPath N1, sections "Literals" and "Singleton Evaluation of Collections".
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from decimal import DivisionByZero as _DivisionByZero
from decimal import InvalidOperation as _InvalidOperation
from decimal import Overflow as _Overflow
from typing import Any

from yba.fhir.errors import Invalid, TooCostly
from yba.fhir.model.fhirpath.moments import Date, DateTime, Time
from yba.fhir.model.fhirpath.node import Node

Items = list[Any]
"""A collection: of Nodes and of values of the System types."""

MATH = Context(prec=60, Emax=9999, Emin=-9999, traps=[_DivisionByZero, _InvalidOperation, _Overflow])
EXACT = Context(prec=2500, Emax=9999, Emin=-9999, traps=[_DivisionByZero, _InvalidOperation, _Overflow])
"""Wide enough for every number a tree may hold: nothing is rounded in it."""
_QUOTIENT = Context(prec=28, Emax=9999, Emin=-9999, traps=[_DivisionByZero, _InvalidOperation, _Overflow])

CALENDAR = {
    name: word
    for word in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for name in (word, word + "s")
}
"""The words for calendar durations, of which the singular is kept."""

UCUM_OF = {
    "year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s",
    "millisecond": "ms",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measure: ``unit`` is a UCUM code, or a calendar word in the singular."""

    value: Decimal
    unit: str

    def __str__(self) -> str:
        return f"{plain(self.value)} '{UCUM_OF.get(self.unit, self.unit)}'"


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """What ``type()`` gives: the name of a type and of the model it is of."""

    namespace: str
    name: str


def fault(message: str, key: str = "fhirpath.evaluation") -> Invalid:
    """An expression that cannot be evaluated on what it was given."""
    return Invalid(key, f"The FHIRPath expression: {message}")


LONGEST_TEXT = 10_000_000


def bounded(length: int) -> None:
    """Raise TooCostly before a text is made that is longer than any a record holds."""
    if length > LONGEST_TEXT:
        raise TooCostly(
            "fhirpath.long-text",
            f"The FHIRPath expression makes a text of more than {LONGEST_TEXT} characters. Ask for less at a time.",
        )


def plain(value: Decimal) -> str:
    """A Decimal's digits, never with an exponent."""
    return format(value, "f")


def negated(value: Any) -> Any:
    """The opposite of a number with all its digits."""
    return EXACT.minus(value) if type(value) is Decimal else -value


def divided(one: Decimal, other: Decimal) -> Decimal:
    """The quotient to 28 digits."""
    return _QUOTIENT.divide(one, other)


def atom(item: Any) -> Any:
    """The System value of an item; a Node that has none stays what it is."""
    return item.system() if type(item) is Node else item


def system_type(value: Any) -> str | None:
    """The name of a value's System type."""
    return _NAMES.get(type(value))


_NAMES: dict[type, str] = {
    bool: "Boolean",
    int: "Integer",
    Decimal: "Decimal",
    str: "String",
    Date: "Date",
    DateTime: "DateTime",
    Time: "Time",
    Quantity: "Quantity",
}


def single(items: Items, what: str) -> Any:
    """The one item's System value; None when there is none. Raises Invalid when there are more.

    A primitive without a value, which has only extensions, is none.
    """
    if not items:
        return None
    if len(items) > 1:
        raise fault(f"{what} takes one item, not {len(items)}.")
    value = atom(items[0])
    return None if type(value) is Node and value.value is None else value


def boolean(items: Items, what: str) -> bool | None:
    """A collection as a Boolean: one item that is no Boolean is true."""
    if not items:
        return None
    if len(items) > 1:
        raise fault(f"{what} takes one item, not {len(items)}.")
    value = items[0]
    if type(value) is Node:
        value = value.system()
    return value if type(value) is bool else True


def string(items: Items, what: str) -> str | None:
    """A collection as a String."""
    value = single(items, what)
    if value is not None and type(value) is not str:
        raise fault(f"{what} takes a string, not {shown(value)}.")
    return value


def integer(items: Items, what: str) -> int | None:
    """A collection as an Integer."""
    value = single(items, what)
    if value is not None and type(value) is not int:
        raise fault(f"{what} takes a whole number, not {shown(value)}.")
    return value


def number(items: Items, what: str) -> int | Decimal | None:
    """A collection as an Integer or a Decimal."""
    value = single(items, what)
    if value is not None and type(value) is not int and type(value) is not Decimal:
        raise fault(f"{what} takes a number, not {shown(value)}.")
    return value


def shown(value: Any) -> str:
    """What kind of thing a value is, for a message: never the value itself, which may be a person's."""
    if type(value) is Node:
        return f"a {value.kind or 'value of unknown type'}"
    name = system_type(value) or type(value).__name__
    return f"{'an' if name[0] in 'AEIO' else 'a'} {name}"
