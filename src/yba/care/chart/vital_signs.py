"""Vital signs as measured at a desk: what the clinic and the chart must agree on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from yba.care.chart.values import (
    Direction,
)


@dataclass(frozen=True, slots=True)
class VitalSign:
    """A vital sign as measured at a desk.

    ``ucum`` is the unit's code, ``unit`` how people write it. Outside ``possible`` is a slip of the pen; outside
    ``usual`` (a resting adult) is out of range; outside ``safe`` is dangerous.
    """

    key: str
    code: str
    name: str
    unit: str
    ucum: str
    possible: tuple[Decimal, Decimal]
    usual: tuple[Decimal | None, Decimal | None] = (None, None)
    safe: tuple[Decimal | None, Decimal | None] = (None, None)


def _sign(
    key: str, code: str, name: str, unit: str, ucum: str, possible: str, usual: str = "-", safe: str = "-"
) -> VitalSign:
    def bounds(text: str) -> tuple[Decimal | None, Decimal | None]:
        low, high = text.split("-")
        return (Decimal(low) if low else None, Decimal(high) if high else None)

    least, most = possible.split("-")
    whole = (Decimal(least), Decimal(most))
    return VitalSign(key, code, name, unit, ucum, whole, bounds(usual), bounds(safe))


BLOOD_PRESSURE: Final = "85354-9"
BODY_MASS_INDEX: Final = "39156-5"
#: LOINC codes and UCUM units: FHIR R4, observation-vitalsigns.html#vitals-table.
VITAL_SIGNS: Final[dict[str, VitalSign]] = {
    sign.key: sign
    for sign in (
        _sign("pulse", "8867-4", "Mạch", "lần/phút", "/min", "20-300", "60-100", "40-130"),
        _sign("systolic", "8480-6", "HA tâm thu", "mmHg", "mm[Hg]", "40-300", "90-139", "80-179"),
        _sign("diastolic", "8462-4", "HA tâm trương", "mmHg", "mm[Hg]", "20-200", "60-89", "50-119"),
        _sign("temperature", "8310-5", "Nhiệt độ", "°C", "Cel", "25-45", "36-37.4", "35-39.9"),
        _sign("oxygen", "2708-6", "SpO₂", "%", "%", "30-100", "95-100", "90-100"),
        _sign("breathing", "9279-1", "Nhịp thở", "lần/phút", "/min", "4-120", "12-20", "8-29"),
        _sign("weight", "29463-7", "Cân nặng", "kg", "kg", "0.3-400"),
        _sign("height", "8302-2", "Chiều cao", "cm", "cm", "20-250"),
    )
}
BY_CODE: Final = {sign.code: sign for sign in VITAL_SIGNS.values()} | {
    "59408-5": VITAL_SIGNS["oxygen"],
    BODY_MASS_INDEX: _sign("bmi", BODY_MASS_INDEX, "BMI", "kg/m²", "kg/m2", "5-100", "18.5-22.9"),
}


def direction_of(sign: VitalSign, value: Decimal) -> tuple[Direction, bool]:
    """Whether a resting adult's value is out of the usual range, and dangerously so."""
    low, high = sign.usual
    least, most = sign.safe
    if high is not None and value > high:
        return "high", most is not None and value > most
    if low is not None and value < low:
        return "low", least is not None and value < least
    return "", False
