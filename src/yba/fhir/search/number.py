"""Number and quantity parameters. FHIR R4, search.html#number and #quantity.

A plain value is kept as a range of one point (low = high = value); ranges and ``<=5`` keep their bounds, and ``<5``
one that lies a hair within: 5 itself is no value of it. What is asked has the precision it is written with: 5.4 means
[5.35, 5.45). A quantity in UCUM units is kept in base units as well, so that 5.4 mg finds 0.0054 g.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import Any

from yba.fhir.model import ucum
from yba.fhir.model.quantities import implicit_range
from yba.fhir.search.clause import Clause, either, probe
from yba.fhir.search.paths import Handler
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import Gathered, key
from yba.fhir.search.values import plain, prefixed, split

_INFINITE = Decimal("Infinity")
_CURRENCY = "urn:iso:std:iso:4217"
_BESIDE = 90
"""How many digits after its first an open end keeps: more than can be asked for (``_NUMBER``)."""
_NUMBER = re.compile(r"[-+]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][-+]?[0-9]{1,3})?")
_QUANTITIES = ("Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity")


def leaf(number: int) -> Any:
    """What adds the rows of a value, by the name of its type."""

    def plain_number(value: Any, rows: Gathered) -> None:
        point = Decimal(value)
        rows.number.append((number, point, point, point, None, None, None, None, None, None))

    def measured(low: Decimal, high: Decimal, value: Decimal, of: Any, rows: Gathered) -> None:
        rows.number.append((number, *_columns(low, high, value, of.system, of.code, of.unit)))

    def quantity(value: Any, rows: Gathered) -> None:
        if value.value is None:
            return
        point = Decimal(value.value)  # the number alone, however it is spelled
        if value.comparator is None:
            measured(point, point, point, value, rows)
        else:
            exact = _columns(point, point, point, value.system, value.code, value.unit)
            rows.number.append((number, *_bounded(value.comparator, exact)))

    def money(value: Any, rows: Gathered) -> None:
        if value.value is not None:
            point = Decimal(value.value)
            rows.number.append(
                (number, point, point, point, _CURRENCY, value.currency, value.currency, None, None, None)
            )

    def between(value: Any, rows: Gathered) -> None:
        ends = [end for end in (value.low, value.high) if end is not None and end.value is not None]
        if not ends:
            return
        low = (
            Decimal(value.low.value) if value.low is not None and value.low.value is not None else -_INFINITE
        )
        high = (
            Decimal(value.high.value)
            if value.high is not None and value.high.value is not None
            else _INFINITE
        )
        measured(low, high, Decimal(ends[0].value), ends[0], rows)

    def sampled(value: Any, rows: Gathered) -> None:
        points = _samples(value)
        if points:
            measured(min(points), max(points), points[0], value.origin, rows)

    by_type: dict[str, Handler] = {
        "int": plain_number,
        "Decimal": plain_number,
        "Money": money,
        "Range": between,
        "SampledData": sampled,
    }
    by_type |= dict.fromkeys(_QUANTITIES, quantity)
    return lambda name, _only: by_type.get(name)


@lru_cache(maxsize=4096)
def _columns(
    low: Decimal, high: Decimal, value: Decimal, system: str | None, code: str | None, unit: str | None
) -> tuple[Any, ...]:
    """A quantity's row without its number; an Observation's value is asked for by several parameters."""
    base_low = base_high = base = None
    if system == ucum.SYSTEM and code:
        first = ucum.canonical(low, code)
        last = first if high is low else ucum.canonical(high, code)
        if first is not None and last is not None:
            base_low, base_high, base = first[0], last[0], key(first[1])
    return (
        low,
        high,
        value,
        key(system) if system else None,
        key(code) if code else None,
        key(unit) if unit else None,
        base_low,
        base_high,
        base,
    )


def _bounded(comparator: str, columns: tuple[Any, ...]) -> tuple[Any, ...]:
    """The row of ``<5``, ``<=5``, ``>=5`` or ``>5`` made from that of 5; an end that is no value lies beside it."""
    low, high, *rest, base_low, base_high, base = columns
    inside = len(comparator) == 1
    if comparator in ("<", "<="):
        low, high = -_INFINITE, _beside(high, up=False) if inside else high
        if base is not None:
            base_low, base_high = -_INFINITE, _beside(base_high, up=False) if inside else base_high
    else:
        low, high = _beside(low, up=True) if inside else low, _INFINITE
        if base is not None:
            base_low, base_high = _beside(base_low, up=True) if inside else base_low, _INFINITE
    return (low, high, *rest, base_low, base_high, base)


def _beside(point: Decimal, *, up: bool) -> Decimal:
    """A number so near to another that nobody asks for one between them: no value has as many digits."""
    exponent = point.as_tuple().exponent
    assert isinstance(exponent, int)
    place = min(point.adjusted() - _BESIDE, exponent - 1)
    with localcontext() as context:
        context.prec = point.adjusted() - place + 5
        return point + Decimal((0 if up else 1, (1,), place))


def _samples(value: Any) -> list[Decimal]:
    """The measurements in the unit of the origin; "E", "L" and "U" are errors and what lies beyond the limits."""
    origin, factor = value.origin.value, value.factor if value.factor is not None else Decimal(1)
    if origin is None or value.data is None:
        return []
    found = []
    for one in value.data.split():
        if one == "L" and value.lowerLimit is not None:
            found.append(origin + value.lowerLimit * factor)
        elif one == "U" and value.upperLimit is not None:
            found.append(origin + value.upperLimit * factor)
        elif one not in ("E", "L", "U"):
            try:
                found.append(origin + Decimal(one) * factor)
            except InvalidOperation:
                continue
    return found


def clause(question: Question) -> Clause:
    """The condition of a number or quantity question."""
    if question.modifier is not None:
        raise unsupported_modifier(question)
    asked = [condition(question, text) for text in split(question.value, ",")]
    return probe("number", question.number, either(asked))


def condition(question: Question, text: str) -> Clause:
    """One value against an index row ``x``."""
    if question.parameter.kind == "quantity":
        return _quantity(question, text)
    prefix, value = _read(question, plain(text), "a number such as 5.4 or ge100")
    return _compared(prefix, value)


def _quantity(question: Question, text: str) -> Clause:
    wanted = "a quantity such as 5.4, 'gt5.4|http://unitsofmeasure.org|mmol/L' or '5.4||mmol/L'"
    parts = [plain(part) for part in split(text, "|")]
    if len(parts) > 3 or len(parts) == 2:
        raise invalid(question, text, wanted)
    prefix, number = _read(question, parts[0], wanted)
    value = _compared(prefix, number)
    system, code = (parts[1], parts[2]) if len(parts) == 3 else ("", "")
    if system and code:
        same = Clause(
            f"({value.sql} and x.system = {{}} and x.code = {{}}", (*value.values, key(system), key(code))
        )
        base = _in_base(prefix, number, code) if system == ucum.SYSTEM else None
        if base is None:
            return Clause(same.sql + ")", same.values)
        # A row without base units was made before they were kept, or its unit is none.
        return either([base, Clause(same.sql + " and x.base is null)", same.values)])
    if system:
        return Clause(f"({value.sql} and x.system = {{}})", (*value.values, key(system)))
    if code:
        return Clause(
            f"({value.sql} and (x.code = {{}} or x.unit = {{}}))", (*value.values, key(code), key(code))
        )
    return value


def _in_base(prefix: str, value: Decimal, code: str) -> Clause | None:
    """The comparison in base units; the range that is asked is taken before it is turned into them."""
    low, high = _asked(prefix, value)
    first, last = ucum.canonical(low, code), ucum.canonical(high, code)
    if first is None or last is None:
        return None
    found = _against(prefix, first[0], last[0])
    return Clause(
        "(x.base = {} and " + found.sql.replace("x.low", "x.base_low").replace("x.high", "x.base_high") + ")",
        (key(first[1]), *found.values),
    )


def _read(question: Question, text: str, wanted: str) -> tuple[str, Decimal]:
    prefix, rest = prefixed(text.strip())
    if not _NUMBER.fullmatch(rest):
        raise invalid(question, text, wanted)
    return prefix, Decimal(rest)


def _compared(prefix: str, value: Decimal) -> Clause:
    return _against(prefix, *_asked(prefix, value))


def _asked(prefix: str, value: Decimal) -> tuple[Decimal, Decimal]:
    """The range a written number stands for; with an ordering prefix it is exactly itself."""
    if prefix in ("eq", "ne"):
        return implicit_range(value)
    return _about(value) if prefix == "ap" else (value, value)


_AGAINST = {
    "gt": "x.high > {}",
    "lt": "x.low < {}",
    "ge": "x.high >= {}",
    "le": "x.low <= {}",
    "sa": "x.low > {}",
    "eb": "x.high < {}",
}


def _against(prefix: str, low: Decimal, high: Decimal) -> Clause:
    if prefix == "eq":
        return Clause("(x.low >= {} and x.high < {})", (low, high))
    if prefix == "ne":
        return Clause("(x.low < {} or x.high >= {})", (low, high))
    if prefix == "ap":
        return Clause("(x.low <= {} and x.high >= {})", (high, low))
    return Clause(_AGAINST[prefix], (low,))


def _about(value: Decimal) -> tuple[Decimal, Decimal]:
    """Within a tenth, or within its own precision when that is wider."""
    low, high = implicit_range(value)
    tenth = abs(value) / 10
    return min(low, value - tenth), max(high, value + tenth)
