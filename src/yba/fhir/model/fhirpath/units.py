"""Quantities of different units side by side: UCUM, and the calendar's durations (FHIRPath N1, "Quantity Equality")."""

from __future__ import annotations

from decimal import Decimal

from yba.fhir.model.fhirpath.values import MATH, UCUM_OF, Quantity, divided

_MONTHS = {"year": 12, "month": 1}


def compared(one: Quantity, other: Quantity) -> int | None:
    """-1, 0 or 1; None when the units measure different things, or one is a calendar year or month."""
    pair = alike(one, other)
    if pair is None:
        return None
    return (pair[0] > pair[1]) - (pair[0] < pair[1])


def sameness(quantity: Quantity) -> tuple[str, Decimal]:
    """Something to hash, the same for all quantities that are equal."""
    if quantity.unit in _MONTHS:
        return "calendar months", MATH.multiply(quantity.value, Decimal(_MONTHS[quantity.unit]))
    from yba.fhir.model.ucum import canonical

    unit = ucum(quantity.unit)
    found = canonical(quantity.value, unit)
    return (unit, quantity.value) if found is None else (found[1], found[0])


def alike(one: Quantity, other: Quantity) -> tuple[Decimal, Decimal] | None:
    """The two values in one unit; None when there is none."""
    if one.unit == other.unit:
        return one.value, other.value
    if one.unit in _MONTHS or other.unit in _MONTHS:
        if one.unit not in _MONTHS or other.unit not in _MONTHS:
            return None
        return MATH.multiply(one.value, Decimal(_MONTHS[one.unit])), MATH.multiply(
            other.value, Decimal(_MONTHS[other.unit])
        )
    ours, theirs = ucum(one.unit), ucum(other.unit)
    if ours == theirs:
        return one.value, other.value
    return _canonical(one.value, ours, other.value, theirs)


def _canonical(mine: Decimal, ours: str, yours: Decimal, theirs: str) -> tuple[Decimal, Decimal] | None:
    from yba.fhir.model.ucum import canonical

    one, other = canonical(mine, ours), canonical(yours, theirs)
    if one is None or other is None or one[1] != other[1]:
        return None
    return one[0], other[0]


def ucum(unit: str) -> str:
    """A unit as a UCUM code."""
    return UCUM_OF.get(unit, unit)


def comparable(one: Quantity, other: Quantity) -> bool:
    """Whether there is a unit for both."""
    return alike(one, other) is not None


def equivalent_quantities(one: Quantity, other: Quantity) -> bool:
    """Equal in the larger of the units, to the precision of the less precise; a calendar year is a UCUM one."""
    from yba.fhir.model.fhirpath.equality import equivalent_numbers

    if one.unit in _MONTHS and other.unit in _MONTHS:
        pair = alike(one, other)
        return pair is not None and equivalent_numbers(*pair)
    ours, theirs = ucum(one.unit), ucum(other.unit)
    if ours == theirs:
        return equivalent_numbers(one.value, other.value)
    sizes = _canonical(Decimal(1), ours, Decimal(1), theirs)
    if sizes is None:
        return False
    larger = ours if sizes[0] > sizes[1] else theirs
    mine, yours = _in(one.value, ours, larger), _in(other.value, theirs, larger)
    return mine is not None and yours is not None and equivalent_numbers(mine, yours)


def _in(value: Decimal, unit: str, wanted: str) -> Decimal | None:
    from yba.fhir.model.ucum import convert

    return value if unit == wanted else convert(value, unit, wanted)


def converted(quantity: Quantity, unit: str) -> Quantity | None:
    """The quantity in another unit, or None."""
    if quantity.unit == unit:
        return quantity
    if quantity.unit in _MONTHS and unit in _MONTHS:
        return Quantity(
            divided(MATH.multiply(quantity.value, Decimal(_MONTHS[quantity.unit])), Decimal(_MONTHS[unit])),
            unit,
        )
    calendar = _unanchored(quantity)
    value = _in(calendar.value, ucum(calendar.unit), ucum(unit) if unit not in _MONTHS else "d")
    if value is None:
        return None
    if unit in _MONTHS:
        value = divided(value, Decimal(_DAYS[unit]))
    return Quantity(value, unit)


_DAYS = {"year": 365, "month": 30}


def _unanchored(quantity: Quantity) -> Quantity:
    """A calendar year or month in days, as toQuantity() reckons without a date."""
    if quantity.unit in _DAYS:
        return Quantity(MATH.multiply(quantity.value, Decimal(_DAYS[quantity.unit])), "day")
    return quantity


def product(one: Quantity, other: Quantity) -> Quantity:
    """The product, its unit as UCUM writes it."""
    value = MATH.multiply(one.value, other.value)
    ours, theirs = ucum(one.unit), ucum(other.unit)
    if ours == "1" or theirs == "1":
        return Quantity(value, one.unit if theirs == "1" else other.unit)
    return Quantity(value, f"{_part(ours)}.{_part(theirs)}")


def quotient(one: Quantity, other: Quantity) -> Quantity | None:
    """The quotient; None when divided by nothing. Units of one kind leave a plain number."""
    if other.value == 0:
        return None
    if one.unit != other.unit:
        pair = alike(one, other)
        if pair is None:
            ours, theirs = ucum(one.unit), ucum(other.unit)
            unit = ours if theirs == "1" else f"{_part(ours)}/{_part(theirs)}"
            return Quantity(divided(one.value, other.value), unit)
        return Quantity(divided(*pair), "1")
    return Quantity(divided(one.value, other.value), "1")


def _part(unit: str) -> str:
    return f"({unit})" if "." in unit or "/" in unit else unit
