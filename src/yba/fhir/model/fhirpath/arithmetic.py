"""``+ - * / div mod &`` and the sign (FHIRPath N1, sections "Math" and "Date/Time Arithmetic")."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal, DecimalException
from typing import Any

from yba.fhir.model.fhirpath import moments, units
from yba.fhir.model.fhirpath.equality import as_quantity
from yba.fhir.model.fhirpath.moments import Moment
from yba.fhir.model.fhirpath.values import (
    CALENDAR,
    MATH,
    Items,
    Quantity,
    bounded,
    divided,
    fault,
    negated,
    shown,
    single,
)

_OF_UCUM = {"wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond"}
_LARGEST = 2**63
"""Beyond a Long a whole number overflows, which gives empty."""


def calculated(operator: str) -> Callable[[Items, Items], Items]:
    """What an operator does with two collections of at most one item."""
    calculation = _CALCULATIONS[operator]

    def calculate(left: Items, right: Items) -> Items:
        one, other = single(left, f"'{operator}'"), single(right, f"'{operator}'")
        if one is None or other is None:
            return []
        try:
            result = calculation(one, other)
        except DecimalException:
            return []  # overflow, and dividing by nothing
        if result is None or (type(result) is int and abs(result) >= _LARGEST):
            return []
        return [result]

    return calculate


def concatenated(left: Items, right: Items) -> Items:
    """``&``: empty counts as an empty text."""
    parts = [single(items, "'&'") for items in (left, right)]
    for part in parts:
        if part is not None and type(part) is not str:
            raise fault(f"'&' takes strings, not {shown(part)}.")
    bounded(sum(len(part or "") for part in parts))
    return ["".join(part or "" for part in parts)]


def signed(sign: str, items: Items) -> Items:
    """A number or quantity, or its opposite."""
    value = single(items, f"the sign '{sign}'")
    if value is None:
        return []
    if type(value) is Quantity:
        return [value if sign == "+" else Quantity(negated(value.value), value.unit)]
    if type(value) is int or type(value) is Decimal:
        return [value if sign == "+" else negated(value)]
    raise fault(f"the sign '{sign}' stands before a number, not {shown(value)}.")


def _numbers(one: Any, other: Any) -> tuple[Any, Any] | None:
    mine, yours = type(one), type(other)
    if mine is int and yours is int:
        return one, other
    if mine in (int, Decimal) and yours in (int, Decimal):
        return Decimal(one), Decimal(other)
    return None


def _refused(operator: str, one: Any, other: Any) -> Exception:
    return fault(f"'{operator}' cannot join {shown(one)} and {shown(other)}.")


def _quantities(operator: str, one: Any, other: Any) -> tuple[Quantity, Quantity]:
    ours, theirs = as_quantity(one), as_quantity(other)
    if ours is None or theirs is None:
        raise _refused(operator, one, other)
    return ours, theirs


def _add(one: Any, other: Any) -> Any:
    if type(one) is str and type(other) is str:
        bounded(len(one) + len(other))
        return one + other
    return _sum("+", one, other)


def _subtract(one: Any, other: Any) -> Any:
    return _sum("-", one, other)


def _sum(operator: str, one: Any, other: Any) -> Any:
    pair = _numbers(one, other)
    if pair is not None:
        mine, yours = pair[0], pair[1] if operator == "+" else negated(pair[1])
        return mine + yours if type(mine) is int else MATH.add(mine, yours)
    if isinstance(one, Moment):
        return _moved(operator, one, other)
    ours, theirs = _quantities(operator, one, other)
    if operator == "-":
        theirs = Quantity(negated(theirs.value), theirs.unit)
    if ours.unit == theirs.unit:
        return Quantity(MATH.add(ours.value, theirs.value), ours.unit)
    turned = units.converted(theirs, ours.unit)
    return None if turned is None else Quantity(MATH.add(ours.value, turned.value), ours.unit)


def _moved(operator: str, one: Moment, other: Any) -> Moment | None:
    if type(other) is not Quantity:
        raise _refused(operator, one, other)
    unit = CALENDAR.get(other.unit) or _OF_UCUM.get(other.unit)
    if unit is None:
        raise fault(f"a date is not moved by '{other.unit}', only by a time such as 3 months or 3 'd'.")
    if isinstance(one, moments.Time) and unit in {"year", "month", "week", "day"}:
        raise _refused(operator, one, other)
    return moments.plus(one, negated(other.value) if operator == "-" else other.value, unit)


def _multiply(one: Any, other: Any) -> Any:
    pair = _numbers(one, other)
    if pair is None:
        return units.product(*_quantities("*", one, other))
    return pair[0] * pair[1] if type(pair[0]) is int else MATH.multiply(*pair)


def _divide(one: Any, other: Any) -> Any:
    if _numbers(one, other) is None:
        return units.quotient(*_quantities("/", one, other))
    return None if other == 0 else divided(Decimal(one), Decimal(other))


def _whole(operator: str, one: Any, other: Any) -> tuple[Any, Any] | None:
    pair = _numbers(one, other)
    if pair is None:
        raise _refused(operator, one, other)
    return None if pair[1] == 0 else pair


def _div(one: Any, other: Any) -> Any:
    pair = _whole("div", one, other)
    if pair is None:
        return None
    if type(pair[0]) is int:
        quotient = abs(pair[0]) // abs(pair[1])
        return quotient if (pair[0] < 0) == (pair[1] < 0) else -quotient
    return int(MATH.divide(*pair).to_integral_value(rounding=ROUND_DOWN))


def _mod(one: Any, other: Any) -> Any:
    pair = _whole("mod", one, other)
    if pair is None:
        return None
    if type(pair[0]) is int:
        rest = abs(pair[0]) % abs(pair[1])
        return -rest if pair[0] < 0 else rest
    return MATH.remainder(*pair)


_CALCULATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "div": _div,
    "mod": _mod,
}
