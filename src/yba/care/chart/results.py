"""Measures over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from yba.care.chart.elements import (
    HANOI,
    codes_of,
    text_of,
)
from yba.care.chart.values import (
    Direction,
    Point,
    Trend,
)
from yba.care.chart.vital_signs import BY_CODE, VitalSign, direction_of
from yba.care.identifiers import LOINC
from yba.fhir.model.dates import period_of
from yba.fhir.r4.observation import Observation, ObservationComponent

POINTS: Final = 6


def trends_of(observations: Iterable[Observation]) -> tuple[Trend, ...]:
    """Measures of the same code put together, oldest first, the last six; panels count by their components."""
    groups: dict[tuple[str, str], list[tuple[str, Observation | ObservationComponent, Observation]]] = {}
    for one in observations:
        if one.status in ("cancelled", "entered-in-error", "registered"):
            continue
        when = one.effectiveDateTime or one.effectiveInstant or one.issued or ""
        if one.effectivePeriod is not None:
            when = one.effectivePeriod.start or when
        parts: list[Observation | ObservationComponent] = [*one.component] or [one]
        if one.component and _value(one)[1]:
            parts.insert(0, one)
        for part in parts:
            groups.setdefault(_key(part), []).append((when, part, one))
    return tuple(_trend(group) for group in groups.values() if any(_value(it[1])[1] for it in group))


def _key(part: Observation | ObservationComponent) -> tuple[str, str]:
    unit = part.valueQuantity.code or part.valueQuantity.unit or "" if part.valueQuantity else ""
    code = next((it.code for it in part.code.coding if it.code), None) or text_of(part.code)
    return code, unit


def _trend(group: Sequence[tuple[str, Observation | ObservationComponent, Observation]]) -> Trend:
    measured = [it for it in group if _value(it[1])[1]]
    ordered = sorted(measured, key=lambda it: _moment(it[0]))[-POINTS:]
    _when, last, whole = ordered[-1]
    sign = next(
        (BY_CODE[it.code] for it in last.code.coding if it.system == LOINC and it.code in BY_CODE), None
    )
    low, high = _range(last, sign)
    categories = {code for concept in whole.category for code in codes_of(concept)}
    vital = sign is not None or "vital-signs" in categories
    quantity = last.valueQuantity
    unit = (quantity.unit or quantity.code or "") if quantity else ""
    return Trend(
        code=_key(last)[0],
        name=sign.name if sign else text_of(last.code),
        unit=sign.unit if sign else unit,
        category="vital-signs" if vital else next(iter(sorted(categories)), "laboratory"),
        points=tuple(_point(when, part, sign) for when, part, _whole in ordered),
        low=low,
        high=high,
    )


def _point(when: str, part: Observation | ObservationComponent, sign: VitalSign | None) -> Point:
    value, text = _value(part)
    said = {code for concept in part.interpretation for code in codes_of(concept)}
    if said & {"H", "HH", "HU", "L", "LL", "LU", "A", "AA"}:
        direction: Direction = "low" if said & {"L", "LL", "LU"} else "high"
        return Point(when, value, text, direction, bool(said & {"HH", "LL", "AA"}))
    if value is None:
        return Point(when, None, text)
    if sign is not None and not part.referenceRange:
        direction, grave = direction_of(sign, value)
        return Point(when, value, text, direction, grave)
    low, high = _range(part, None)
    if high is not None and value > high:
        return Point(when, value, text, "high")
    return Point(when, value, text, "low" if low is not None and value < low else "")


def _range(
    part: Observation | ObservationComponent, sign: VitalSign | None
) -> tuple[Decimal | None, Decimal | None]:
    usual = next((it for it in part.referenceRange if it.low is not None or it.high is not None), None)
    if usual is not None:
        return usual.low.value if usual.low else None, usual.high.value if usual.high else None
    return sign.usual if sign is not None else (None, None)


def _value(part: Observation | ObservationComponent) -> tuple[Decimal | None, str]:
    if part.valueQuantity is not None and part.valueQuantity.value is not None:
        number = part.valueQuantity.value
        return number, f"{number:f}"
    if part.valueInteger is not None:
        return Decimal(part.valueInteger), str(part.valueInteger)
    if part.valueBoolean is not None:
        return None, "+" if part.valueBoolean else "-"
    return None, part.valueString or text_of(part.valueCodeableConcept) or ""


def _moment(text: str) -> datetime:
    """For ordering: FHIR moments come in several zones and precisions."""
    try:
        return period_of(text)[0]
    except ValueError:
        return datetime(1, 1, 1, tzinfo=HANOI)
