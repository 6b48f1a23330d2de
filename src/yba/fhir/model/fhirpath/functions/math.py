"""Work on one number (FHIRPath N1, section "Math")."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, DecimalException
from decimal import InvalidOperation as _InvalidOperation
from decimal import Overflow as _Overflow
from typing import Any

from yba.fhir.model.fhirpath.functions.function import Function
from yba.fhir.model.fhirpath.run import Run
from yba.fhir.model.fhirpath.values import EXACT, Items, Quantity, fault, integer, number, shown, single

_PRECISE = Context(prec=28, Emax=9999, Emin=-9999, traps=[_InvalidOperation, _Overflow])
_MOST_PLACES = 50
_WIDEST = 128
"""Whole powers beyond so many bits overflow."""


def _calculated(name: str, work: Callable[..., Any], arguments: int = 0) -> Function:
    def apply(run: Run, items: Items, *given: Items) -> Items:
        value = number(items, f"{name}()")
        others = [number(one, f"{name}()") for one in given]
        if value is None or any(one is None for one in others):
            return []
        try:
            result = work(value, *others)
        except DecimalException:
            return []  # what cannot be represented is empty
        return [] if result is None else [result]

    return Function(apply, arguments, arguments)


def _abs(run: Run, items: Items) -> Items:
    value = single(items, "abs()")
    if value is None:
        return []
    if type(value) is Quantity:
        return [Quantity(EXACT.abs(value.value), value.unit)]
    if type(value) is int:
        return [abs(value)]
    if type(value) is Decimal:
        return [EXACT.abs(value)]
    raise fault(f"abs() takes a number or a quantity, not {shown(value)}.")


def _to_whole(rounding: str) -> Callable[[Any], int]:
    return lambda value: int(Decimal(value).to_integral_value(rounding=rounding))


def _tidy(value: Decimal) -> Decimal:
    """Without the digits beyond the eighth place that reckoning in 28 digits leaves."""
    near = _PRECISE.quantize(value, Decimal(1).scaleb(-20)) if abs(value) < 10**7 else value
    plain = near.normalize(_PRECISE)
    return (
        plain.quantize(Decimal("0.1"), context=_PRECISE)
        if _places(plain) < 1 and abs(plain) < 10**20
        else plain
    )


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _ln(value: Any) -> Decimal | None:
    return _tidy(_PRECISE.ln(Decimal(value))) if value > 0 else None


def _log(value: Any, base: Any) -> Decimal | None:
    if value <= 0 or base <= 0 or base == 1:
        return None
    return _tidy(_PRECISE.divide(_PRECISE.ln(Decimal(value)), _PRECISE.ln(Decimal(base))))


def _sqrt(value: Any) -> Decimal | None:
    return _tidy(_PRECISE.sqrt(Decimal(value))) if value >= 0 else None


def _exp(value: Any) -> Decimal:
    return _tidy(_PRECISE.exp(Decimal(value)))


def _power(value: Any, exponent: Any) -> Any:
    if type(value) is int and type(exponent) is int and exponent >= 0:
        if abs(value) > 1 and value.bit_length() * exponent > _WIDEST:
            return None
        return int(value**exponent)
    if value == 0 and exponent < 0:
        return None
    return _PRECISE.power(Decimal(value), Decimal(exponent))


def _round(run: Run, items: Items, precision: Items | None = None) -> Items:
    value = number(items, "round()")
    if value is None:
        return []
    places = integer(precision or [], "round()") or 0
    if not 0 <= places <= _MOST_PLACES:
        raise fault(f"round() takes a precision from 0 to {_MOST_PLACES}.")
    return [Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, EXACT)]


FUNCTIONS = {
    "abs": Function(_abs),
    "ceiling": _calculated("ceiling", _to_whole(ROUND_CEILING)),
    "exp": _calculated("exp", _exp),
    "floor": _calculated("floor", _to_whole(ROUND_FLOOR)),
    "ln": _calculated("ln", _ln),
    "log": _calculated("log", _log, 1),
    "power": _calculated("power", _power, 1),
    "round": Function(_round, 0, 1),
    "sqrt": _calculated("sqrt", _sqrt),
    "truncate": _calculated("truncate", _to_whole(ROUND_DOWN)),
}
