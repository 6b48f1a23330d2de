"""Safety and wording of prescriptions, shared by the clinic and the pharmacy: allergies, duplicates, doses,
quantities.

Pure. Where a recorded allergy is only text, the rules err on the side of stopping.
Source of wording: TT 26/2025/TT-BYT (dose per time, times a day, route, moment, days; quantities under 10
as "03").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final, Literal, cast

from django.utils.translation import gettext_lazy as _

from yba.care.allergy_text import Sensitivity, sensitivity_of
from yba.care.catalogues import Drug, drug_classes
from yba.care.identifiers import UCUM
from yba.care.refusal import Refusal, refuse
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.codes import EventTiming
from yba.fhir.r4.datatypes import (
    CodeableConcept,
    Dosage,
    DosageDoseAndRate,
    Duration,
    Quantity,
    Timing,
    TimingRepeat,
)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A drug against a recorded allergy. ``stop`` forbids; ``warn`` asks the prescriber to confirm."""

    kind: Literal["stop", "warn"]
    refusal: Refusal
    allergy: AllergyIntolerance

    @property
    def reason(self) -> str:
        return self.refusal.message


def allergy_conflicts(drug: Drug, allergies: Iterable[AllergyIntolerance]) -> list[Conflict]:
    """Every conflict of a drug with recorded allergies, stops first.

    Refuted and erroneous records do not count, nor resolved ones; inactive ones do.
    """
    found = [
        conflict
        for allergy in allergies
        if counts(allergy) and (conflict := _conflict(drug, allergy)) is not None
    ]
    return sorted(found, key=lambda conflict: conflict.kind != "stop")


def counts(allergy: AllergyIntolerance) -> bool:
    """Whether what it says still holds: neither refuted nor entered in error nor resolved."""

    def codes(concept: CodeableConcept | None) -> set[str | None]:
        return {coding.code for coding in concept.coding} if concept else set()

    wrong = codes(allergy.verificationStatus) & {"refuted", "entered-in-error"}
    return not wrong and "resolved" not in codes(allergy.clinicalStatus)


def _conflict(drug: Drug, allergy: AllergyIntolerance) -> Conflict | None:
    sensitivity = sensitivity_of(allergy)
    given = {"drug": drug.label, "allergy": sensitivity.name}
    same = sorted(sensitivity.stop_ingredients.intersection(drug.active_ingredients))
    if same:
        return Conflict(
            "stop",
            refuse(
                "allergy.ingredient",
                _("%(drug)s chứa %(ingredient)s, người bệnh đã dị ứng %(allergy)s. Hãy chọn thuốc khác."),
                **given,
                ingredient=", ".join(same),
            ),
            allergy,
        )
    classes = drug_classes(drug)
    if sensitivity.stop_classes & classes or any(drug.atc.startswith(atc) for atc in sensitivity.stop_atc):
        return Conflict(
            "stop",
            refuse(
                "allergy.class",
                _(
                    "%(drug)s cùng nhóm với thuốc người bệnh đã dị ứng (%(allergy)s). Hãy chọn thuốc "
                    "khác nhóm."
                ),
                **given,
            ),
            allergy,
        )
    return _doubt(drug, classes, sensitivity, allergy)


def _doubt(
    drug: Drug, classes: frozenset[str], sensitivity: Sensitivity, allergy: AllergyIntolerance
) -> Conflict | None:
    given = {"drug": drug.label, "allergy": sensitivity.name}
    if sensitivity.warn_classes & classes:
        reason = refuse(
            "allergy.cross",
            _(
                "%(drug)s có thể gây phản ứng chéo ở người dị ứng %(allergy)s. Chỉ kê khi đã cân nhắc và "
                "dặn theo dõi."
            ),
            **given,
        )
        return Conflict("warn", reason, allergy)
    if sensitivity.unknown_medicine:
        reason = refuse(
            "allergy.unknown",
            _(
                "Dị ứng thuốc “%(allergy)s” chưa khớp với danh mục. Hãy hỏi lại người bệnh trước khi kê "
                "%(drug)s."
            ),
            **given,
        )
        return Conflict("warn", reason, allergy)
    return None


# Duplicates

# Fluids and insulins of different action are rightly combined.
_MAY_REPEAT: Final = frozenset({"sodium chloride", "sodium lactate", "glucose", "potassium chloride"})


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A drug already prescribed that has active ingredients in common with the new one."""

    drug: Drug
    ingredients: tuple[str, ...]
    refusal: Refusal

    @property
    def reason(self) -> str:
        return self.refusal.message


def duplicate_ingredients(new: Drug, existing: Iterable[Drug]) -> list[Duplicate]:
    """Drugs of ``existing`` that share an active ingredient with ``new``, by any route."""
    found = []
    for other in existing:
        shared = tuple(
            inn
            for inn in new.active_ingredients
            if inn in other.active_ingredients and inn not in _MAY_REPEAT and not inn.startswith("insulin")
        )
        if shared:
            refusal = refuse(
                "medicine.duplicate",
                _("%(new)s trùng hoạt chất %(ingredient)s với %(other)s đã có. Hãy bỏ bớt một thuốc."),
                new=new.label,
                other=other.label,
                ingredient=", ".join(shared),
            )
            found.append(Duplicate(other, shared, refusal))
    return found


# Doses

Moment = Literal[
    "morning", "noon", "afternoon", "evening", "bedtime", "before-meal", "with-meal", "after-meal", "fasting"
]
# Kept in the record and printed as the law writes them: Vietnamese whatever language a page is in.
MOMENTS: Final[dict[str, str]] = {
    "morning": "sáng",
    "noon": "trưa",
    "afternoon": "chiều",
    "evening": "tối",
    "bedtime": "trước khi ngủ",
    "before-meal": "trước ăn",
    "with-meal": "trong bữa ăn",
    "after-meal": "sau ăn",
    "fasting": "lúc đói",
}
_OF_DAY: Final = ("morning", "noon", "afternoon", "evening")
# FHIR event-timing codes of the moments; "fasting" has none and stays in the text.
_WHEN: Final = {
    "morning": "MORN",
    "noon": "NOON",
    "afternoon": "AFT",
    "evening": "EVE",
    "bedtime": "HS",
    "before-meal": "AC",
    "with-meal": "C",
    "after-meal": "PC",
}


_HALVED: Final = frozenset({"viên", "gói", "miếng"})


def amount_text(amount: Decimal, unit: str = "viên") -> str:
    """ "1", "1,5", "nửa": how an amount per time is written. Halves are of things one can break, not of a measure."""
    if amount == Decimal("0.5") and unit in _HALVED:
        return "nửa"
    return f"{amount.normalize():f}".replace(".", ",")


def dosage_sentence(
    amount: Decimal,
    *,
    unit: str,
    times: int,
    route: str,
    moments: Sequence[Moment] = (),
    days: int | None = None,
) -> str:
    """The dose as the law writes it: "Uống 1 viên/lần, 2 lần/ngày, sáng và tối, sau ăn, 7 ngày"."""
    parts = [
        f"{route} {amount_text(amount, unit)} {unit}/lần",
        f"{times} lần/ngày",
    ]
    of_day = [MOMENTS[m] for m in _OF_DAY if m in moments]
    if of_day:
        last = of_day.pop()
        parts.append(f"{', '.join(of_day)} và {last}" if of_day else last)
    parts += [MOMENTS[m] for m in moments if m not in _OF_DAY]
    if days is not None:
        parts.append(f"{days} ngày")
    return ", ".join(parts)


def dosage_of(
    drug: Drug, *, amount: Decimal, times: int, moments: Sequence[Moment] = (), days: int | None = None
) -> Dosage:
    """The dose as FHIR: the law's sentence in ``text``, and timing, route and amount as values."""
    repeat = TimingRepeat(
        frequency=times,
        period=Decimal(1),
        periodUnit="d",
        when=[cast(EventTiming, _WHEN[m]) for m in moments if m in _WHEN],
        boundsDuration=_days(days) if days is not None else None,
    )
    text = dosage_sentence(
        amount, unit=drug.dose_unit, times=times, route=drug.route, moments=moments, days=days
    )
    return Dosage(
        text=text,
        timing=Timing(repeat=repeat),
        route=CodeableConcept(text=drug.route),
        doseAndRate=[DosageDoseAndRate(doseQuantity=Quantity(value=amount, unit=drug.dose_unit))],
    )


# Quantities


def total_quantity(amount: Decimal, *, times: int, days: int) -> int:
    """Whole units to hand out for a course, rounded up: half a tablet twice a day for 5 days is 5."""
    return int((amount * times * days).to_integral_value(ROUND_CEILING))


def units_to_dispense(drug: Drug, *, amount: Decimal, times: int, days: int) -> int:
    """Units of a drug for a course: counted for tablets, sachets and ampoules, one pack for bottles and tubes."""
    return 1 if drug.is_whole_pack else total_quantity(amount, times=times, days=days)


def quantity_text(quantity: int) -> str:
    """The quantity as the law writes it: under ten with a leading zero, "03"."""
    return f"{quantity:02d}" if quantity < 10 else str(quantity)


def days_refusal(days: int, *, kind: Literal["N", "H", "C"] = "C", long_term: bool = False) -> Refusal | None:
    """Limits of one prescription: C 30 days (90 for listed long-term diseases); N 7; H 10, chronic 30."""
    most = {"N": 30 if long_term else 7, "H": 30 if long_term else 10, "C": 90 if long_term else 30}[kind]
    if days < 1:
        return refuse("medicine.days-none", _("Số ngày dùng thuốc phải từ 1 trở lên."))
    if days > most:
        return refuse(
            "medicine.days",
            _("Đơn thuốc này kê nhiều nhất %(most)s ngày, đang ghi %(days)s ngày."),
            most=most,
            days=days,
        )
    return None


def _days(days: int) -> Duration:
    return Duration(value=Decimal(days), unit="ngày", system=UCUM, code="d")
