"""From one System type to another, where it can be (FHIRPath N1, section "Conversion")."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from yba.fhir.model.fhirpath import moments, units
from yba.fhir.model.fhirpath.functions.function import Function
from yba.fhir.model.fhirpath.moments import Date, DateTime, Moment, Time
from yba.fhir.model.fhirpath.run import Run
from yba.fhir.model.fhirpath.values import CALENDAR, Items, Quantity, plain, single, string

Conversion = Callable[[Any], Any]

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_QUANTITY = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)\s*(?:'([^']+)'|([a-zA-Z]+))?")
_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})


def to_boolean(value: Any) -> bool | None:
    if type(value) is bool:
        return value
    if type(value) is int or type(value) is Decimal:
        return {0: False, 1: True}.get(int(value)) if value in (0, 1) else None
    if type(value) is str:
        text = value.lower()
        return True if text in _TRUE else False if text in _FALSE else None
    return None


def _within(bits: int) -> Conversion:
    def to_whole(value: Any) -> int | None:
        text = type(value) is str and len(value) <= 30 and _INTEGER.fullmatch(value)
        if not text and type(value) is not bool and type(value) is not int:
            return None
        whole = int(value)
        return whole if -(2**bits) <= whole < 2**bits else None

    return to_whole


to_integer = _within(31)
to_long = _within(63)


def to_decimal(value: Any) -> Decimal | None:
    if type(value) is Decimal:
        return value
    if type(value) is bool:
        return Decimal("1.0") if value else Decimal("0.0")
    if type(value) is int:
        return Decimal(value)
    return Decimal(value) if type(value) is str and _DECIMAL.fullmatch(value) else None


def to_string(value: Any) -> str | None:
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is Decimal:
        return plain(value)
    return str(value) if isinstance(value, int | Moment | Quantity) else None


def to_date(value: Any) -> Date | None:
    if isinstance(value, Date):
        return value
    if isinstance(value, DateTime):
        return Date(value.parts[:3])
    if type(value) is str:
        read = moments.read_date(value) or moments.read_date_time(value)
        return Date(read.parts[:3]) if read is not None else None
    return None


def to_date_time(value: Any) -> DateTime | None:
    if isinstance(value, DateTime):
        return value
    if isinstance(value, Date):
        return DateTime(value.parts)
    return moments.read_date_time(value) if type(value) is str else None


def to_time(value: Any) -> Time | None:
    if isinstance(value, Time):
        return value
    return moments.read_time(value) if type(value) is str else None


def to_quantity(value: Any) -> Quantity | None:
    if type(value) is Quantity:
        return value
    number = to_decimal(value) if type(value) is not str else None
    if number is not None:
        return Quantity(number, "1")
    found = _QUANTITY.fullmatch(value) if type(value) is str else None
    if found is None:
        return None
    if found[3] is not None and found[3] not in CALENDAR:
        return None
    unit = found[2] or found[3] or "1"
    return Quantity(Decimal(found[1]), CALENDAR.get(unit, unit))


def _to(name: str, conversion: Conversion) -> Callable[[Run, Items], Items]:
    def convert(run: Run, items: Items) -> Items:
        value = single(items, name)
        result = conversion(value) if value is not None else None
        return [] if result is None else [result]

    return convert


def _can(name: str, conversion: Conversion) -> Callable[[Run, Items], Items]:
    def can_convert(run: Run, items: Items) -> Items:
        value = single(items, name)
        return [] if value is None else [conversion(value) is not None]

    return can_convert


def _quantity(items: Items, unit: Items | None, name: str) -> Quantity | None:
    value = single(items, name)
    quantity = to_quantity(value) if value is not None else None
    wanted = string(unit, name) if unit is not None else None
    if quantity is None or wanted is None:
        return quantity
    return units.converted(quantity, CALENDAR.get(wanted, wanted))


def _to_quantity(run: Run, items: Items, unit: Items | None = None) -> Items:
    quantity = _quantity(items, unit, "toQuantity()")
    return [] if quantity is None else [quantity]


def _converts_to_quantity(run: Run, items: Items, unit: Items | None = None) -> Items:
    return [_quantity(items, unit, "convertsToQuantity()") is not None] if items else []


_CONVERSIONS: dict[str, Conversion] = {
    "Boolean": to_boolean,
    "Integer": to_integer,
    "Long": to_long,
    "Decimal": to_decimal,
    "String": to_string,
    "Date": to_date,
    "DateTime": to_date_time,
    "Time": to_time,
}

FUNCTIONS = {
    **{f"to{name}": Function(_to(f"to{name}()", one), returns=name) for name, one in _CONVERSIONS.items()},
    **{
        f"convertsTo{name}": Function(_can(f"convertsTo{name}()", one), returns="Boolean")
        for name, one in _CONVERSIONS.items()
    },
    "toQuantity": Function(_to_quantity, 0, 1, returns="Quantity"),
    "convertsToQuantity": Function(_converts_to_quantity, 0, 1, returns="Boolean"),
}
