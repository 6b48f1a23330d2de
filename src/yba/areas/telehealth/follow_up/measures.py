"""What people measure at home: parts, units, what is possible, what a reading means against a plan's limits.

Vital signs are those of the desk (`yba.care.chart`); sugar is measured at home in two units. Codes are LOINC, units
UCUM (FHIR R4, observation-vitalsigns.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from django.utils.translation import gettext_lazy as _

from yba.care.chart import BLOOD_PRESSURE, VITAL_SIGNS, VitalSign
from yba.care.refusal import Refusal, refuse
from yba.ui import spoken

Level = Literal["", "alert", "danger"]
RANK: Final[Mapping[str, int]] = {"": 0, "alert": 1, "danger": 2}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit one may write in. ``factor``: so much of the measure's own unit is one of it."""

    ucum: str
    words: str
    factor: Decimal = Decimal(1)

    @property
    def shown(self) -> str:
        """In the reader's language."""
        return str(_("lần/phút")) if self.ucum == "/min" else self.words


@dataclass(frozen=True, slots=True)
class Part:
    """One number of a measure. ``possible``: what a body and a meter can show, in the own unit."""

    key: str
    code: str
    name: str
    possible: tuple[Decimal, Decimal]
    places: int


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured at once: ``code`` of the Observation, its parts, its units, the own one first."""

    key: str
    code: str
    name: str
    parts: tuple[Part, ...]
    units: tuple[Unit, ...]
    vital: bool = True

    @property
    def unit(self) -> Unit:
        return self.units[0]


def _part(key: str, places: int) -> Part:
    sign: VitalSign = VITAL_SIGNS[key]
    return Part(key, sign.code, sign.name, sign.possible, places)


def _vital(key: str, places: int) -> Measure:
    sign = VITAL_SIGNS[key]
    return Measure(key, sign.code, sign.name, (_part(key, places),), (Unit(sign.ucum, sign.unit),))


#: Glucose in capillary blood by glucometer. 1 mmol/L is 18.016 mg/dL (molar mass 180.16 g/mol).
_GLUCOSE: Final = Part("glucose", "14743-9", "Đường huyết", (Decimal("0.6"), Decimal("55")), 1)
MEASURES: Final[Mapping[str, Measure]] = {
    one.key: one
    for one in (
        Measure(
            "blood-pressure", BLOOD_PRESSURE, "Huyết áp", (_part("systolic", 0), _part("diastolic", 0)),
            (Unit("mm[Hg]", "mmHg"),),
        ),
        _vital("pulse", 0), _vital("weight", 1), _vital("temperature", 1), _vital("oxygen", 0),
        Measure(
            "glucose", "14743-9", "Đường huyết", (_GLUCOSE,),
            (Unit("mmol/L", "mmol/L"), Unit("mg/dL", "mg/dL", 1 / Decimal("18.016"))), vital=False,
        ),
    )
}  # fmt: skip
#: Names of measures and parts, collected for translation where they are no vital sign of the desk.
NAMES: Final = {
    "blood-pressure": _("Huyết áp"), "systolic": _("HA tâm thu"), "diastolic": _("HA tâm trương"),
    "pulse": _("Mạch"), "weight": _("Cân nặng"), "temperature": _("Nhiệt độ"), "oxygen": _("SpO₂"),
    "glucose": _("Đường huyết"),
}  # fmt: skip
#: What an example shows.
_USUAL: Final = {
    "systolic": Decimal(120), "diastolic": Decimal(80), "pulse": Decimal(72), "weight": Decimal("58.5"),
    "temperature": Decimal("36.8"), "oxygen": Decimal(97), "glucose": Decimal("6.5"),
}  # fmt: skip
#: What a glucose meter shows instead of a number, and what is then known whichever meter it is: meters say HI above
#: 500 or 600 mg/dL and Lo below 20 or 10 (33.3 or 27.8 and 1.1 or 0.6 mmol/L). Word folded -> comparator of a Quantity.
LETTERS: Final[Mapping[str, str]] = {"hi": ">", "high": ">", "lo": "<", "low": "<"}
BEYOND: Final[Mapping[str, Mapping[str, Decimal]]] = {
    ">": {"mmol/L": Decimal("27.8"), "mg/dL": Decimal(500)}, "<": {"mmol/L": Decimal("1.1"), "mg/dL": Decimal(20)},
}  # fmt: skip
SHOWN: Final[Mapping[str, str]] = {">": "HI", "<": "Lo"}
_NUMBER: Final = re.compile(r"\d{1,4}(?:[.,]\d{1,3})?")


def unit_of(measure: Measure, ucum: str) -> Unit | Refusal:
    """A unit a measure may be written in."""
    found = next((one for one in measure.units if one.ucum == ucum), None)
    if found is not None:
        return found
    words = ", ".join(one.shown for one in measure.units)
    return refuse(
        "follow-up.unit",
        _("%(name)s không ghi bằng đơn vị này. Chọn %(units)s."),
        name=NAMES[measure.key],
        units=words,
    )


def reading(part: Part, unit: Unit, text: str) -> Decimal | Refusal:
    """The number somebody wrote, in the unit they wrote it in; one no body can have is refused."""
    given = text.strip().replace("\u00a0", "").replace(" ", "")
    if not _NUMBER.fullmatch(given):
        return refuse(
            "follow-up.number", _("Ghi một số, ví dụ %(example)s."),
            example=spoken.decimal(_in(_USUAL[part.key], unit, part)),
        )  # fmt: skip
    try:
        value = Decimal(given.replace(",", "."))
    except InvalidOperation:
        return refuse("follow-up.number", _("Ghi một số."))
    low, high = (_in(one, unit, part) for one in part.possible)
    if not low <= value <= high:
        return refuse(
            "follow-up.impossible",
            _("%(value)s %(unit)s không thể có. Đo lại, ghi từ %(low)s đến %(high)s %(unit)s."),
            value=spoken.decimal(value), unit=unit.shown, low=spoken.decimal(low),
            high=spoken.decimal(high),
        )  # fmt: skip
    return value


def _in(value: Decimal, unit: Unit, part: Part) -> Decimal:
    """A value of the own unit in another, to the places people write."""
    places = Decimal(1) if unit.factor != 1 else Decimal(1).scaleb(-part.places)
    return (value / unit.factor).quantize(places)


def letters(measure: Measure, text: str) -> str:
    """The comparator of what a meter shows in letters; empty for a number, and for what has no such meter."""
    return LETTERS.get(text.strip().casefold(), "") if measure.key == "glucose" else ""


# -- limits ------------------------------------------------------------------------------------------------

Bounds = tuple[Decimal | None, Decimal | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one part, in the measure's own unit: the team is told, the person is told to call 115, weight gained."""

    alert: Bounds = (None, None)
    danger: Bounds = (None, None)
    gain: tuple[Decimal, int] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How grave a reading is and to which side; ``code``: v3-ObservationInterpretation."""

    level: Level
    side: Literal["", "low", "high"]

    @property
    def code(self) -> str:
        return {"low": "L", "high": "H", "": "N"}[self.side] * (
            2 if self.level == "danger" and self.side else 1
        )


def judge(limits: Limits, value: Decimal, unit: Unit, *, before: Sequence[Decimal] = ()) -> Verdict:
    """What a reading means. ``before``: readings of the days a gain is counted over, in the own unit."""
    own = value * unit.factor
    for level, bounds in (("danger", limits.danger), ("alert", limits.alert)):
        low, high = bounds
        if low is not None and own < low:
            return Verdict(level, "low")  # type: ignore[arg-type]  # one of the two words above
        if high is not None and own > high:
            return Verdict(level, "high")  # type: ignore[arg-type]  # the same
    if limits.gain is not None and before and own - min(before) >= limits.gain[0]:
        return Verdict("alert", "high")
    return Verdict("", "")


def worst(found: Sequence[Verdict]) -> Verdict:
    """The gravest of several parts."""
    return max(found, key=lambda one: RANK[one.level], default=Verdict("", ""))
