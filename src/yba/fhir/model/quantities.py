"""How precise a number is as it is written (FHIR R4, search.html#number)."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

_EXACT = Context(prec=2000, Emax=MAX_EMAX, Emin=MIN_EMIN)


def implicit_range(value: Decimal) -> tuple[Decimal, Decimal]:
    """Half a unit of the last digit to either side, the upper bound excluded: 5.40 is [5.395, 5.405).

    `100` is [99.5, 100.5) and `1e2` is [50, 150). Raises ValueError for a number that is not finite.
    """
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{value} has no precision")
    half = Decimal((0, (5,), exponent - 1))
    return _EXACT.subtract(value, half), _EXACT.add(value, half)
