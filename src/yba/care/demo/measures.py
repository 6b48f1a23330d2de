"""Vital signs and laboratory results of invented people, with LOINC codes, UCUM units and reference ranges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Final

from yba.care.demo.building import HL7, concept, loinc, quantity, ref
from yba.care.identifiers import LOINC
from yba.fhir.r4.datatypes import CodeableConcept, Meta, Quantity, Reference
from yba.fhir.r4.observation import Observation, ObservationComponent, ObservationReferenceRange


@dataclass(frozen=True, slots=True)
class Test:
    """A laboratory test: normal range for adults, and the range measured in those who have the illness."""

    key: str
    code: str
    display: str
    text: str
    unit: str
    ucum: str
    low: str
    high: str
    usual: tuple[float, float]
    ill: tuple[float, float]
    decimals: int
    illnesses: tuple[str, ...] = ()


_MOLES: Final = "[Moles/volume] in Serum or Plasma"
TESTS: Final = {
    test.key: test
    for test in (
        Test("glucose", "14771-0", f"Fasting glucose {_MOLES}", "Glucose máu lúc đói", "mmol/L", "mmol/L",
             "3.9", "6.4", (4.4, 5.9), (6.6, 10.5), 1, ("E11.9",)),
        Test("hba1c", "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "HbA1c", "%", "%",
             "4.0", "6.0", (4.8, 5.6), (6.5, 9.2), 1, ("E11.9",)),
        Test("creatinine", "14682-9", f"Creatinine {_MOLES}", "Creatinin máu", "µmol/L", "umol/L",
             "45", "110", (55, 98), (55, 98), 0),
        Test("potassium", "2823-3", f"Potassium {_MOLES}", "Kali máu", "mmol/L", "mmol/L",
             "3.5", "5.0", (3.6, 4.7), (3.6, 4.7), 1),
        Test("urate", "14933-6", f"Urate {_MOLES}", "Acid uric máu", "µmol/L", "umol/L",
             "150", "420", (220, 390), (430, 590), 0, ("M10.9",)),
        Test("cholesterol", "14647-2", f"Cholesterol {_MOLES}", "Cholesterol toàn phần", "mmol/L", "mmol/L",
             "3.9", "5.2", (4.0, 5.1), (5.3, 7.1), 1, ("E78.5",)),
        Test("ldl", "22748-8", f"Cholesterol in LDL {_MOLES}", "LDL cholesterol", "mmol/L", "mmol/L",
             "0.5", "3.4", (1.9, 3.3), (3.5, 4.9), 1, ("E78.5",)),
        Test("triglycerides", "14927-8", f"Triglyceride {_MOLES}", "Triglycerid", "mmol/L", "mmol/L",
             "0.4", "1.7", (0.8, 1.6), (1.8, 3.6), 1, ("E78.5",)),
        Test("alt", "1742-6", "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma", "ALT (GPT)",
             "U/L", "U/L", "5", "40", (12, 38), (42, 95), 0, ("B18.1",)),
        Test("ast", "1920-8", "Aspartate aminotransferase [Enzymatic activity/volume] in Serum or Plasma",
             "AST (GOT)", "U/L", "U/L", "5", "40", (14, 36), (41, 80), 0, ("B18.1",)),
        Test("tsh", "3016-3", "Thyrotropin [Units/volume] in Serum or Plasma", "TSH", "mIU/L", "m[IU]/L",
             "0.4", "4.5", (0.8, 3.9), (2.0, 7.5), 1, ("E03.9",)),
        Test("wbc", "6690-2", "Leukocytes [#/volume] in Blood by Automated count", "Bạch cầu", "G/L", "10*9/L",
             "4.0", "10.0", (5.0, 9.6), (11.2, 16.8), 1, ("J18.9", "K35.8", "J20.9", "H66.9")),
        Test("platelets", "777-3", "Platelets [#/volume] in Blood by Automated count", "Tiểu cầu", "G/L", "10*9/L",
             "150", "400", (170, 340), (42, 125), 0, ("A97.0", "A97.1")),
        Test("hematocrit", "4544-3", "Hematocrit [Volume Fraction] of Blood by Automated count", "Hematocrit", "%", "%",
             "36", "50", (38, 45), (43, 49), 0, ("A97.1",)),
        Test("hemoglobin", "718-7", "Hemoglobin [Mass/volume] in Blood", "Huyết sắc tố", "g/L", "g/L",
             "110", "160", (112, 138), (112, 138), 0),
        Test("crp", "1988-5", "C reactive protein [Mass/volume] in Serum or Plasma", "CRP", "mg/L", "mg/L",
             "0", "6", (1, 5), (18, 120), 0, ("J18.9", "K35.8", "J20.9")),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """What every observation of one visit shares."""

    encounter: str
    patient: Reference
    performer: Reference
    when: str
    tag: Meta


def _draw(random: Random, low: float, high: float, decimals: int) -> Decimal:
    """Drawn as a whole number of the smallest step: no binary fractions in a measure."""
    scale = 10**decimals
    return Decimal(random.randint(round(low * scale), round(high * scale))).scaleb(-decimals)


def _observation(setting: Setting, suffix: str, category: str, code: CodeableConcept) -> Observation:
    names = {"vital-signs": "Sinh hiệu", "laboratory": "Xét nghiệm"}
    return Observation(
        id=f"{setting.encounter}-{suffix}",
        meta=setting.tag,
        status="final",
        category=[concept(HL7 + "observation-category", category, text=names[category])],
        code=code,
        subject=setting.patient,
        encounter=ref("Encounter", setting.encounter),
        effectiveDateTime=setting.when,
        performer=[setting.performer],
    )


def laboratory(random: Random, setting: Setting, key: str, illnesses: frozenset[str]) -> Observation:
    """One result; people who have the test's illness get values of the ill."""
    test = TESTS[key]
    value = _draw(random, *(test.ill if illnesses & set(test.illnesses) else test.usual), test.decimals)
    made = _observation(setting, key, "laboratory", loinc(test.code, test.display, test.text))
    made.valueQuantity = quantity(value, test.unit, test.ucum)
    low, high = Decimal(test.low), Decimal(test.high)
    flag, word = ("L", "Thấp") if value < low else ("H", "Cao") if value > high else ("N", "Bình thường")
    made.interpretation = [concept(HL7 + "v3-ObservationInterpretation", flag, text=word)]
    made.referenceRange = [
        ObservationReferenceRange(
            low=quantity(low, test.unit, test.ucum),
            high=quantity(high, test.unit, test.ucum),
            text=f"{test.low} - {test.high} {test.unit}".replace(".", ","),
        )
    ]
    return made


def vital_signs(
    random: Random, setting: Setting, *, age: int, body: Body, hypertensive: bool, temperature: str
) -> Iterator[Observation]:
    """Blood pressure (from 6 years), pulse, temperature, weight and height."""
    if age >= 6:
        yield _pressure(random, setting, age, hypertensive)
    pulse = (110, 140) if age < 2 else (85, 115) if age < 12 else (64, 92)
    yield _single(setting, "mach", "8867-4", "Heart rate", "Mạch",
                  quantity(_draw(random, *pulse, 0), "lần/phút", "/min"))  # fmt: skip
    yield _single(setting, "nhiet", "8310-5", "Body temperature", "Nhiệt độ",
                  quantity(Decimal(temperature), "°C", "Cel"))  # fmt: skip
    weight = body.weight + _draw(random, -0.8, 0.8, 1) if age >= 12 else body.weight
    yield _single(setting, "can", "29463-7", "Body weight", "Cân nặng", quantity(weight, "kg", "kg"))
    yield _single(setting, "cao", "8302-2", "Body height", "Chiều cao", quantity(body.height, "cm", "cm"))


@dataclass(frozen=True, slots=True)
class Body:
    """Weight in kg and height in cm on a day."""

    weight: Decimal
    height: Decimal


# Median height (cm) and weight (kg) at whole years, boys and girls together, rounded.
_GROWTH: Final = (
    (66, 7.5), (76, 9.6), (87, 12), (95, 14), (102, 16), (109, 18), (115, 20.5), (121, 23), (127, 25.5), (132, 28.5),
    (138, 32), (143, 36), (149, 40), (155, 45), (159, 49), (162, 52), (164, 54),
)  # fmt: skip


def body_of(age: int, *, height: int, index: float) -> Body:
    """Children grow along the median; adults have their height and a body-mass index."""
    if age < len(_GROWTH):
        tall, heavy = _GROWTH[age]
        return Body(Decimal(str(heavy)), Decimal(tall))
    square = Decimal(height * height) / 10_000
    return Body((Decimal(str(index)) * square).quantize(Decimal("0.1")), Decimal(height))


def _single(
    setting: Setting, suffix: str, code: str, display: str, text: str, value: Quantity
) -> Observation:
    made = _observation(setting, suffix, "vital-signs", loinc(code, display, text))
    made.valueQuantity = value
    return made


def _pressure(random: Random, setting: Setting, age: int, hypertensive: bool) -> Observation:
    upper = (132, 162) if hypertensive else (92, 112) if age < 14 else (106, 132)
    systolic = _draw(random, *upper, 0)
    diastolic = (systolic * Decimal("0.6")).quantize(Decimal(1)) + _draw(random, -4, 5, 0)
    code = loinc("85354-9", "Blood pressure panel with all children optional", "Huyết áp")
    made = _observation(setting, "ha", "vital-signs", code)
    parts = (
        ("8480-6", "Systolic blood pressure", "Huyết áp tâm thu", systolic),
        ("8462-4", "Diastolic blood pressure", "Huyết áp tâm trương", diastolic),
    )
    made.component = [
        ObservationComponent(
            code=concept(LOINC, code, display, text), valueQuantity=quantity(value, "mmHg", "mm[Hg]")
        )
        for code, display, text, value in parts
    ]
    return made
