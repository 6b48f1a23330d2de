"""What a value may mean at most and at least, how precise it is, and its parts (FHIRPath STU, "Utility functions")."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from yba.fhir.model.fhirpath.functions.function import Function
from yba.fhir.model.fhirpath.moments import Date, DateTime, Moment, Part, Time, latest
from yba.fhir.model.fhirpath.run import Run
from yba.fhir.model.fhirpath.values import EXACT, Items, Quantity, fault, integer, shown, single

_MOST_PLACES = 31
_PLACES = 8
_DATE_PARTS = {4: 1, 6: 2, 8: 3, 10: 4, 12: 5, 14: 6, 17: 6}
_TIME_PARTS = {2: 1, 4: 2, 6: 3, 9: 3}
_LEAST = (0, 1, 1, 0, 0, Decimal(0))


def _boundary(name: str, *, high: bool) -> Callable[..., Items]:
    def apply(run: Run, items: Items, precision: Items | None = None) -> Items:
        value = single(items, name)
        wanted = integer(precision, name) if precision is not None else None
        if value is None or (precision is not None and wanted is None):
            return []
        result = _of(value, wanted, name, high=high)
        return [] if result is None else [result]

    return apply


def _of(value: Any, wanted: int | None, name: str, *, high: bool) -> Any:
    if type(value) is int or type(value) is Decimal:
        return _number(Decimal(value), _PLACES if wanted is None else wanted, high=high)
    if type(value) is Quantity:
        edge = _number(value.value, _PLACES if wanted is None else wanted, high=high)
        return None if edge is None else Quantity(edge, value.unit)
    if isinstance(value, Time):
        return _time(value, 9 if wanted is None else wanted, high=high)
    if isinstance(value, Date):
        return _moment(value, 8 if wanted is None else wanted, 8, high=high)
    if isinstance(value, DateTime):
        return _moment(value, 17 if wanted is None else wanted, 17, high=high)
    raise fault(f"{name} takes a number, a date or a time, not {shown(value)}.")


def _number(value: Decimal, places: int, *, high: bool) -> Decimal | None:
    """Half a unit of the last digit to the side, to so many places away from the value.

    What is nothing at so few places stays nothing: 0.0034 to one place is 0.0.
    """
    exponent = value.as_tuple().exponent
    if not 0 <= places <= _MOST_PLACES or not isinstance(exponent, int):
        return None
    half = Decimal((0, (5,), min(exponent, 0) - 1))
    edge = EXACT.add(value, half if high else -half)
    step = Decimal(1).scaleb(-places)
    nearest = edge.quantize(step, ROUND_HALF_UP, EXACT)
    if nearest == 0 and value != 0 and abs(value) < step:
        return abs(nearest)
    found = edge.quantize(step, ROUND_CEILING if high else ROUND_FLOOR, EXACT)
    return abs(found) if found == 0 else found


def _second(parts: tuple[Part, ...], wanted: int, whole: int, *, high: bool) -> tuple[Part, ...]:
    """The seconds with three places, or none."""
    if wanted == whole:
        return (*parts[:-1], Decimal(int(parts[-1])))
    second = Decimal(parts[-1])
    places = second.as_tuple().exponent
    if high and isinstance(places, int) and places > -3:
        second = second + Decimal(1).scaleb(places) - Decimal("0.001")
    return (*parts[:-1], second.quantize(Decimal("0.001"), ROUND_FLOOR))


def _moment(value: Moment, wanted: int, most: int, *, high: bool) -> Moment | None:
    count = _DATE_PARTS.get(wanted)
    if count is None or wanted > most:
        return None
    parts = value.parts
    if len(parts) == 4:
        parts = (*parts, 0)  # FHIR has no hour without its minutes: 08 is 08:00
    if len(parts) < count:
        parts = latest(parts) if high else (*parts, *_LEAST[len(parts) :])
        if len(value.parts) < 6:
            parts = (*parts[:5], Decimal("59.999") if high else Decimal("0.000"))
    parts = parts[:count]
    if count == 6:
        parts = _second(parts, wanted, 14, high=high)
    zone = value.zone
    if count > 3 and zone is None:
        zone = "-12:00" if high else "+14:00"
    return type(value)(parts, zone if count > 3 else None)


def _time(value: Time, wanted: int, *, high: bool) -> Time | None:
    count = _TIME_PARTS.get(wanted)
    if count is None:
        return None
    edge: tuple[Part, ...] = (23, 59, Decimal("59.999")) if high else (0, 0, Decimal("0.000"))
    parts = (*value.parts, *edge[len(value.parts) :])[:count]
    return Time(_second(parts, wanted, 6, high=high) if count == 3 else parts)


def _precision(run: Run, items: Items) -> Items:
    value = single(items, "precision()")
    if value is None:
        return []
    if type(value) is int:
        return [0]
    if type(value) is Quantity:
        value = value.value
    if type(value) is Decimal:
        exponent = value.as_tuple().exponent
        return [max(0, -exponent) if isinstance(exponent, int) else 0]
    if not isinstance(value, Moment):
        raise fault(f"precision() takes a number, a date or a time, not {shown(value)}.")
    digits = [*((4,) if not isinstance(value, Time) else ()), *(2 for _ in value.parts)]
    count = sum(digits) - (2 if not isinstance(value, Time) else 0)
    last = value.parts[-1]
    if isinstance(last, Decimal):
        exponent = last.as_tuple().exponent
        count += -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return [count]


def _part(name: str, place: int) -> Function:
    def apply(run: Run, items: Items) -> Items:
        value = _moment_of(items, name)
        if value is None:
            return []
        at = place - 3 if isinstance(value, Time) else place
        return [int(value.parts[at])] if 0 <= at < len(value.parts) else []

    return Function(apply, returns="Integer")


def _moment_of(items: Items, name: str) -> Moment | None:
    value = single(items, f"{name}()")
    if value is not None and not isinstance(value, Moment):
        raise fault(f"{name}() takes a date or a time, not {shown(value)}.")
    return value


def _milliseconds(run: Run, items: Items) -> Items:
    value = _moment_of(items, "millisecondOf")
    last = value.parts[-1] if value is not None else None
    if not isinstance(last, Decimal) or last.as_tuple().exponent == 0:
        return []
    return [int((last - int(last)) * 1000)]


def _zone(run: Run, items: Items) -> Items:
    value = _moment_of(items, "timezoneOffsetOf")
    if not isinstance(value, DateTime) or value.minutes is None:
        return []
    hours = EXACT.divide(Decimal(value.minutes), Decimal(60)).quantize(Decimal("0.01")).normalize()
    return [hours.quantize(Decimal("0.1")) if hours == hours.to_integral_value() else hours]


def _date(run: Run, items: Items) -> Items:
    value = _moment_of(items, "dateOf")
    return [] if value is None or isinstance(value, Time) else [Date(value.parts[:3])]


def _time_part(run: Run, items: Items) -> Items:
    value = _moment_of(items, "timeOf")
    return [Time(value.parts[3:])] if isinstance(value, DateTime) and len(value.parts) > 3 else []


FUNCTIONS = {
    "lowBoundary": Function(_boundary("lowBoundary()", high=False), 0, 1),
    "highBoundary": Function(_boundary("highBoundary()", high=True), 0, 1),
    "precision": Function(_precision, returns="Integer"),
    **{
        f"{name}Of": _part(f"{name}Of", place)
        for place, name in enumerate(("year", "month", "day", "hour", "minute", "second"))
    },
    "millisecondOf": Function(_milliseconds, returns="Integer"),
    "timezoneOffsetOf": Function(_zone, returns="Decimal"),
    "dateOf": Function(_date, returns="Date"),
    "timeOf": Function(_time_part, returns="Time"),
}
