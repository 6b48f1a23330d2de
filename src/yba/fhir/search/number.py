"""Number and quantity parameters. FHIR R4, search.html#number and #quantity.

A plain value is kept as a range of one point (low = high = value); ranges and ``<5`` keep their bounds. What is asked
has the precision it is written with: 5.4 means [5.35, 5.45).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from yba.fhir.search.clause import Clause, either, probe
from yba.fhir.search.paths import Handler
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import Gathered, key
from yba.fhir.search.values import plain, prefixed, split

_INFINITE = Decimal("Infinity")
_CURRENCY = "urn:iso:std:iso:4217"
_NUMBER = re.compile(r"[-+]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][-+]?[0-9]{1,3})?")
_QUANTITIES = ("Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity")


def leaf(number: int) -> Any:
    """What adds the rows of a value, by the name of its type."""

    def plain_number(value: Any, rows: Gathered) -> None:
        point = Decimal(value)
        rows.number.append((number, point, point, point, None, None, None))

    def quantity(value: Any, rows: Gathered) -> None:
        point = value.value
        if point is None:
            return
        low = high = point
        if value.comparator is not None:
            low, high = (-_INFINITE, point) if value.comparator in ("<", "<=") else (point, _INFINITE)
        rows.number.append(
            (
                number,
                low,
                high,
                point,
                key(value.system) if value.system else None,
                key(value.code) if value.code else None,
                key(value.unit) if value.unit else None,
            )
        )

    def money(value: Any, rows: Gathered) -> None:
        if value.value is not None:
            rows.number.append(
                (number, value.value, value.value, value.value, _CURRENCY, value.currency, value.currency)
            )

    def between(value: Any, rows: Gathered) -> None:
        ends = [end for end in (value.low, value.high) if end is not None and end.value is not None]
        if not ends:
            return
        low = value.low.value if value.low is not None and value.low.value is not None else -_INFINITE
        high = value.high.value if value.high is not None and value.high.value is not None else _INFINITE
        of = ends[0]
        rows.number.append((number, low, high, ends[0].value, of.system, of.code, of.unit))

    by_type: dict[str, Handler] = {
        "int": plain_number,
        "Decimal": plain_number,
        "Money": money,
        "Range": between,
    }
    by_type |= dict.fromkeys(_QUANTITIES, quantity)
    return lambda name, _only: by_type.get(name)


def clause(question: Question) -> Clause:
    """The condition of a number or quantity question."""
    if question.modifier is not None:
        raise unsupported_modifier(question)
    one = _quantity if question.parameter.kind == "quantity" else _number
    return probe(
        "number", question.number, either([one(question, text) for text in split(question.value, ",")])
    )


def _number(question: Question, text: str) -> Clause:
    return _compared(question, plain(text), "a number such as 5.4 or ge100")


def _quantity(question: Question, text: str) -> Clause:
    wanted = "a quantity such as 5.4, 'gt5.4|http://unitsofmeasure.org|mmol/L' or '5.4||mmol/L'"
    parts = [plain(part) for part in split(text, "|")]
    if len(parts) > 3 or len(parts) == 2:
        raise invalid(question, text, wanted)
    value = _compared(question, parts[0], wanted)
    system, code = (parts[1], parts[2]) if len(parts) == 3 else ("", "")
    if system and code:
        return Clause(
            f"({value.sql} and x.system = {{}} and x.code = {{}})", (*value.values, key(system), key(code))
        )
    if system:
        return Clause(f"({value.sql} and x.system = {{}})", (*value.values, key(system)))
    if code:
        return Clause(
            f"({value.sql} and (x.code = {{}} or x.unit = {{}}))", (*value.values, key(code), key(code))
        )
    return value


def _compared(question: Question, text: str, wanted: str) -> Clause:
    prefix, rest = prefixed(text)
    if not _NUMBER.fullmatch(rest):
        raise invalid(question, text, wanted)
    value = Decimal(rest)
    if prefix in ("eq", "ne", "ap"):
        low, high = _around(value) if prefix != "ap" else _about(value)
        equal = "(x.low >= {} and x.high < {} and x.value >= {} and x.value < {})"
        if prefix == "ap":
            return Clause("(x.low <= {} and x.high >= {})", (high, low))
        if prefix == "eq":
            return Clause(equal, (low, high, low, high))
        return Clause("(x.low < {} or x.high >= {})", (low, high))
    return Clause(_AGAINST[prefix], (value,))


_AGAINST = {
    "gt": "x.high > {}",
    "lt": "x.low < {}",
    "ge": "x.high >= {}",
    "le": "x.low <= {}",
    "sa": "x.low > {}",
    "eb": "x.high < {}",
}


def _around(value: Decimal) -> tuple[Decimal, Decimal]:
    """The range a written number stands for: half a unit of its last digit to either side."""
    exponent = value.as_tuple().exponent
    half = Decimal(5).scaleb(int(exponent) - 1)
    return value - half, value + half


def _about(value: Decimal) -> tuple[Decimal, Decimal]:
    """Within a tenth, or within its own precision when that is wider."""
    low, high = _around(value)
    tenth = abs(value) / 10
    return min(low, value - tenth), max(high, value + tenth)
