"""``near``: places within a distance. FHIR R4, location.html#positional-searching."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from math import cos, radians
from typing import Any

from yba.fhir.model import ucum
from yba.fhir.search.clause import Clause, either, probe
from yba.fhir.search.paths import Handler
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import Gathered
from yba.fhir.search.values import plain, split

NEARBY = Decimal(50_000)
"""Metres that are near where no distance is said."""
_DEGREE = 111_195.0  # metres a degree of latitude, rounded down

# Metres between two points of a ball with the mean radius of the earth.
_DISTANCE = (
    "2 * 6371008.8 * asin(sqrt(least(1, sin(radians(x.latitude - {}) / 2) ^ 2"
    " + cos(radians({})) * cos(radians(x.latitude)) * sin(radians(x.longitude - {}) / 2) ^ 2)))"
)


def leaf(number: int) -> Any:
    """What adds the row of a position."""

    def position(value: Any, rows: Gathered) -> None:
        if value.latitude is not None and value.longitude is not None:
            rows.position.append((number, float(value.latitude), float(value.longitude)))

    def by_type(name: str, _only: str | None) -> Handler | None:
        return position if name.endswith("Position") else None

    return by_type


def clause(question: Question) -> Clause:
    """``latitude|longitude|distance|units``; without units the distance is in kilometres."""
    if question.modifier is not None:
        raise unsupported_modifier(question)
    return probe(
        "position", question.number, either([condition(question, one) for one in split(question.value, ",")])
    )


def condition(question: Question, text: str) -> Clause:
    """One place and distance against an index row ``x``."""
    wanted = "'latitude|longitude|distance|units' such as 21.028|105.854|5|km"
    parts = [plain(part) for part in split(text, "|")]
    if not 2 <= len(parts) <= 4:
        raise invalid(question, text, wanted)
    try:
        latitude, longitude = float(Decimal(parts[0])), float(Decimal(parts[1]))
        given = Decimal(parts[2]) if len(parts) > 2 and parts[2] else None
        unit = parts[3] if len(parts) > 3 and parts[3] else "km"
        metres = ucum.convert(given, unit, "m") if given is not None else NEARBY
        if metres is None or not metres.is_finite():
            raise invalid(question, text, wanted)
        most = float(metres)
    except (InvalidOperation, OverflowError):
        raise invalid(question, text, wanted) from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and 0 <= most < 1e12):
        raise invalid(question, text, wanted)
    within = Clause(_DISTANCE + " <= {}", (latitude, latitude, longitude, most))
    return Clause(*_boxed(within, latitude, longitude, most))


def distance(question: Question, text: str) -> Clause:
    """The metres from the place that is asked, of an index row ``x``."""
    parts = [plain(part) for part in split(text, "|")]
    latitude, longitude = float(parts[0]), float(parts[1])
    return Clause(_DISTANCE, (latitude, latitude, longitude))


def _boxed(within: Clause, latitude: float, longitude: float, most: float) -> tuple[str, tuple[object, ...]]:
    """A box around the circle, for the index; none in longitude near the poles and the line of dates."""
    high = most / _DEGREE * 1.001 + 1e-6
    texts, values = ["x.latitude between {} and {}"], [latitude - high, latitude + high]
    furthest = abs(latitude) + high
    if furthest < 89:
        wide = high / cos(radians(furthest))
        if longitude - wide >= -180 and longitude + wide <= 180:
            texts.append("x.longitude between {} and {}")
            values += [longitude - wide, longitude + wide]
    return "(" + " and ".join([*texts, within.sql]) + ")", (*values, *within.values)
