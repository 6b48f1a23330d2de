"""How precise a number is as it is written (FHIR R4, search.html#number)."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

_EXACT = Context(prec=2000, Emax=MAX_EMAX, Emin=MIN_EMIN)


def implicit_range(value: Decimal) -> tuple[Decimal, Decimal]:
    """Half a unit of the last digit to either side, the upper bound excluded: 5.40 is [5.395, 5.405).

    `100` is [99.5, 100.5). Written as a power of ten, a number has at least two digits: `1e2` is [95, 105), as the
    specification has it. Raises ValueError for a number that is not finite.
    """
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"{value} has no precision")
    if exponent > 0 and len(digits) == 1:
        exponent -= 1
    half = Decimal((0, (5,), exponent - 1))
    return _EXACT.subtract(value, half), _EXACT.add(value, half)
