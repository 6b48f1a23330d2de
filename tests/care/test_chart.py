"""The chart: what counts as a problem, an allergy, a current medicine, a trend; and what it costs to read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import a_patient, an_observation
from yba.care import chart
from yba.care.chart import Asked
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance, AllergyIntoleranceReaction
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import (
    CodeableConcept,
    Coding,
    Dosage,
    Duration,
    Quantity,
    Reference,
    Timing,
    TimingRepeat,
)
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.medication_statement import MedicationStatement
from yba.fhir.r4.observation import Observation, ObservationComponent, ObservationReferenceRange
from yba.fhir.record import Record

WHO = Reference(reference="Patient/p1")
TODAY = date(2026, 11, 24)


def coded(code: str, *, system: str = "x", text: str | None = None) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=system, code=code)], text=text)


def condition(code: str, **fields: Any) -> Condition:
    return Condition(
        **{
            "code": coded(code, system="http://hl7.org/fhir/sid/icd-10", text=code),
            "subject": WHO,
            "category": [coded("encounter-diagnosis")],
            **fields,
        }
    )


def request(
    days: int | None, *, status: Any = "active", authored: str = "2026-11-20", **fields: Any
) -> MedicationRequest:
    bounds = Duration(value=Decimal(days), code="d") if days else None
    return MedicationRequest(
        id=fields.pop("id", "m1"),
        status=status,
        intent="order",
        subject=WHO,
        authoredOn=f"{authored}T09:00:00+07:00",
        medicationCodeableConcept=CodeableConcept(text="Metformin 500 mg"),
        dosageInstruction=[Dosage(timing=Timing(repeat=TimingRepeat(boundsDuration=bounds)))]
        if bounds
        else [],
        **fields,
    )


def test_a_problem_lasts_a_diagnosis_of_one_visit_does_not() -> None:
    found = chart.problems_of(
        [
            condition("J20.9"),
            condition("I10", category=[coded("problem-list-item")]),
            condition("E11.9", onsetDateTime="2015"),
            condition("M54.5", recordedDate="2026-01-01"),
            condition("M54.5", recordedDate="2026-05-01"),
            condition("K29.7", onsetDateTime="2020", clinicalStatus=coded("resolved")),
            condition("N39.0", onsetDateTime="2020", verificationStatus=coded("entered-in-error")),
            condition("R51", onsetDateTime="2020", abatementDateTime="2021"),
        ]
    )
    assert sorted(one.code for one in found) == ["E11.9", "I10", "M54.5"]


def allergy(text: str, **fields: Any) -> AllergyIntolerance:
    return AllergyIntolerance(patient=WHO, code=CodeableConcept(text=text), **fields)


def test_never_asked_none_known_and_known() -> None:
    none = AllergyIntolerance(patient=WHO, code=coded(chart.NO_KNOWN_ALLERGY, system=chart.SNOMED))
    wrong = allergy("Tôm", verificationStatus=coded("entered-in-error"))
    assert chart.asked_of([]) is Asked.NEVER
    assert chart.asked_of([wrong]) is Asked.NEVER
    assert chart.asked_of([none]) is Asked.NONE_KNOWN
    assert chart.asked_of([none, allergy("Tôm")]) is Asked.KNOWN
    assert [one.name for one in chart.allergies_of([none, wrong, allergy("Tôm")])] == ["Tôm"]


@pytest.mark.parametrize("code", ["428607008", "429625007"])
def test_no_known_food_allergy_is_not_no_known_allergy(code: str) -> None:
    partly = AllergyIntolerance(patient=WHO, code=coded(code, system=chart.SNOMED))
    assert chart.asked_of([partly]) is Asked.NEVER
    assert chart.allergies_of([partly]) == ()


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_an_allergy_struck_out_is_not_none_known(status: str) -> None:
    none = AllergyIntolerance(patient=WHO, code=coded(chart.NO_KNOWN_ALLERGY, system=chart.SNOMED))
    none.verificationStatus = coded(status)
    assert chart.asked_of([allergy("Penicillin", verificationStatus=coded(status)), none]) is Asked.NEVER


def test_the_gravest_allergy_stands_first() -> None:
    severe = AllergyIntoleranceReaction(manifestation=[CodeableConcept(text="Phản vệ")], severity="severe")
    found = chart.allergies_of(
        [
            allergy("Bụi"),
            allergy("Aspirin", category=["medication"]),
            allergy("Penicillin", reaction=[severe]),
        ]
    )
    assert [(one.name, one.grave, one.reaction) for one in found] == [
        ("Penicillin", True, "Phản vệ"), ("Aspirin", False, ""), ("Bụi", False, ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("medicine", "current"),
    [
        (request(None), True),
        (request(5), True),
        (request(4), False),
        (request(30, authored="2026-10-01"), False),
        (request(30, status="stopped"), False),
        (request(30, status="completed"), False),
    ],
)
def test_current_medicines(medicine: MedicationRequest, current: bool) -> None:
    """Five days from the 20th end on the 24th, which still counts."""
    assert bool(chart.medicines_of([medicine], today=TODAY)) is current


def test_a_statement_stops_what_another_house_prescribed_and_tells_what_else_is_taken() -> None:
    def said(status: Any, based: bool) -> MedicationStatement:
        return MedicationStatement(
            status=status,
            subject=WHO,
            basedOn=[Reference(reference="MedicationRequest/m1")] if based else [],
            medicationCodeableConcept=CodeableConcept(text="Thuốc nam"),
        )

    found = chart.medicines_of([request(30)], [said("stopped", True), said("active", False)], today=TODAY)
    assert [one.name for one in found] == ["Thuốc nam"]


def test_a_stop_entered_in_error_stops_nothing() -> None:
    wrong = MedicationStatement(
        status="entered-in-error",
        subject=WHO,
        basedOn=[Reference(reference="MedicationRequest/r1")],
        medicationCodeableConcept=CodeableConcept(text="Metformin"),
    )
    taken = request(5)
    taken.id = "r1"
    assert chart.medicines_of([taken], [wrong], today=TODAY)


def glucose(day: int, value: str, **fields: Any) -> Observation:
    return Observation(
        status=fields.pop("status", "final"),
        code=coded("2345-7", system="http://loinc.org", text="Đường huyết"),
        subject=WHO,
        effectiveDateTime=f"2026-11-{day:02}T08:00:00+07:00",
        valueQuantity=Quantity(value=Decimal(value), unit="mmol/L"),
        referenceRange=[
            ObservationReferenceRange(low=Quantity(value=Decimal("3.9")), high=Quantity(value=Decimal("6.4")))
        ],
        category=[coded("laboratory")],
        **fields,
    )


def test_a_trend_is_the_last_six_oldest_first_with_its_range() -> None:
    found = chart.trends_of(
        [glucose(day, f"{day}.0") for day in (9, 3, 2, 8, 5, 4, 6)] + [glucose(7, "99", status="cancelled")]
    )
    assert len(found) == 1
    trend = found[0]
    assert (trend.name, trend.unit, trend.low, trend.high) == (
        "Đường huyết",
        "mmol/L",
        Decimal("3.9"),
        Decimal("6.4"),
    )
    assert [str(value) for value in trend.values] == ["3.0", "4.0", "5.0", "6.0", "8.0", "9.0"]
    assert [one.direction for one in trend.points] == ["low", "", "", "", "high", "high"]


def test_blood_pressure_is_read_from_its_components() -> None:
    pressure = Observation(
        status="final",
        code=coded("85354-9", system="http://loinc.org"),
        subject=WHO,
        effectiveDateTime="2026-11-24",
        category=[coded("vital-signs")],
        component=[
            ObservationComponent(
                code=coded(code, system="http://loinc.org"),
                valueQuantity=Quantity(value=Decimal(value), code="mm[Hg]"),
            )
            for code, value in (("8480-6", 185), ("8462-4", 84))
        ],
    )
    found = {one.name: one.last for one in chart.trends_of([pressure])}
    assert {name: (last.text, last.direction, last.grave) for name, last in found.items()} == {
        "HA tâm thu": ("185", "high", True),
        "HA tâm trương": ("84", "", False),
    }


def test_what_the_laboratory_said_wins_over_the_range() -> None:
    said = glucose(1, "5.0", interpretation=[coded("HH")])
    assert [(one.last.direction, one.last.grave) for one in chart.trends_of([said])] == [("high", True)]


def test_a_chart_costs_the_same_for_one_and_for_thirty(record: Record) -> None:
    person = record.create(a_patient())
    who = Reference(reference=f"Patient/{person.id}")
    asked: list[tuple[str, Any]] = []
    search = record.search

    def counted(kind: Any, params: Any, **named: Any) -> Any:
        asked.append((getattr(kind, "__name__", kind), params))
        return search(kind, params, **named)

    record.search = counted  # type: ignore[method-assign]
    for _each in range(30):
        record.create(condition("I10", subject=who, onsetDateTime="2020"))
        record.create(an_observation(str(person.id), valueInteger=80))
    found = chart.chart_of(record, str(person.id), today=TODAY)
    assert [one.code for one in found.problems] == ["I10"]
    assert [(one.name, len(one.points)) for one in found.vitals] == [("Mạch", 6)]
    assert (len(asked), found.asked, found.more_results) == (7, Asked.NEVER, False)
