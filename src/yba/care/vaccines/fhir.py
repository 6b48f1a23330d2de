"""Advice as FHIR: ImmunizationRecommendation and ImmunizationEvaluation, as the ImmDS guide answers.

Source: Immunization Decision Support Forecast 1.0.0 (http://hl7.org/fhir/us/immds); the states that R4 names are R4's
(immunization-recommendation-status), the others the guide's ForecastStatus. Neither resource is stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from yba.care.identifiers import LOINC, VACCINE_CS
from yba.care.vaccines import phrases
from yba.care.vaccines.reading import CVX
from yba.care.vaccines.schedule import Product, Schedule, schedule
from yba.care.vaccines.values import Advice, Forecast, Verdict
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Reference
from yba.fhir.r4.immunization_evaluation import ImmunizationEvaluation
from yba.fhir.r4.immunization_recommendation import (
    ImmunizationRecommendation,
    ImmunizationRecommendationRecommendation,
    ImmunizationRecommendationRecommendationDateCriterion,
)

SNOMED: Final = "http://snomed.info/sct"
R4_STATUS: Final = "http://terminology.hl7.org/CodeSystem/immunization-recommendation-status"
IMMDS_STATUS: Final = "http://hl7.org/fhir/us/immds/CodeSystem/ForecastStatus"
DOSE_STATUS: Final = "http://terminology.hl7.org/CodeSystem/immunization-evaluation-dose-status"
OWN_REASON: Final = "https://yba.vn/fhir/cs/vaccination-verdict"
_STATUS: Final = {
    "complete": (R4_STATUS, "complete"), "overdue": (R4_STATUS, "overdue"), "due": (R4_STATUS, "due"),
    "contraindicated": (R4_STATUS, "contraindicated"), "upcoming": (IMMDS_STATUS, "notComplete"),
    "aged-out": (IMMDS_STATUS, "agedOut"), "not-applicable": (IMMDS_STATUS, "notRecommended"),
    "unknown": (IMMDS_STATUS, "notComplete"),
}  # fmt: skip
#: LOINC codes of the dates (ImmDS, date criteria).
EARLIEST, WANTED, OVERDUE, LATEST = "30981-5", "30980-7", "59778-1", "59777-3"


def vaccine_code(product: Product) -> CodeableConcept:
    """A vaccine by the house's list, and by CVX where it has one."""
    coding = [Coding(system=VACCINE_CS, code=product.code, display=product.name.vi)]
    coding += [Coding(system=CVX, code=one) for one in product.cvx[:1]]
    return CodeableConcept(coding=coding, text=product.name.vi)


def recommendation_of(advice: Advice, patient: Reference) -> ImmunizationRecommendation:
    """The whole advice as one resource."""
    made = schedule()
    said = [one for one in (phrases.stands_on(advice), phrases.unreviewed()) if one]
    return ImmunizationRecommendation(
        patient=patient,
        date=advice.on.isoformat(),
        authority=Reference(display=f"{made.about.names.vi}, {made.about.version}"),
        recommendation=[_recommended(made, advice, one, " ".join(said)) for one in advice.forecasts],
    )


def _recommended(
    made: Schedule, advice: Advice, found: Forecast, stands: str
) -> ImmunizationRecommendationRecommendation:
    series = made.series[found.series]
    system, code = _STATUS[found.state]
    following = found.next if found.state in ("due", "overdue", "upcoming") else None
    note = phrases.note_of(found)
    stopped = [key for key, bars in found.bars.items() if any(bar.effect == "stop" for bar in bars)]
    facts = {
        bar.fact.reference for bars in found.bars.values() for bar in bars if bar.fact and bar.fact.reference
    }
    events = [_event(one) for one in found.verdicts if one.counts]
    return ImmunizationRecommendationRecommendation(
        vaccineCode=[vaccine_code(one) for one in following.products] if following else [],
        targetDisease=_disease(made, found),
        contraindicatedVaccineCode=[vaccine_code(made.products[one]) for one in stopped],
        forecastStatus=CodeableConcept(
            coding=[Coding(system=system, code=code)], text=str(phrases.STATES[found.state][1])
        ),
        forecastReason=[CodeableConcept(text=note)] if note else [],
        dateCriterion=_dates(found) if following else [],
        description=stands,
        series=series.name.vi,
        doseNumberPositiveInt=found.next.dose if found.next else None,
        seriesDosesPositiveInt=found.doses,
        supportingImmunization=[one for one in events if one.reference],
        supportingPatientInformation=[Reference(reference=one) for one in sorted(facts)],
    )


def _disease(made: Schedule, found: Forecast) -> CodeableConcept:
    antigens = [made.antigens[one] for one in made.series[found.series].antigens]
    coding = [Coding(system=SNOMED, code=one.snomed, display=one.name.en) for one in antigens]
    return CodeableConcept(coding=coding, text=made.series[found.series].name.vi)


def _dates(found: Forecast) -> list[ImmunizationRecommendationRecommendationDateCriterion]:
    following = found.next
    assert following is not None
    said: list[tuple[str, str, date | None]] = [
        (EARLIEST, "Earliest date to give", following.earliest),
        (WANTED, "Date vaccine due", following.recommended),
        (OVERDUE, "Date when overdue for immunization", None if found.rollout else following.overdue),
        (LATEST, "Latest date to give immunization", _last(following.latest)),
    ]
    return [
        ImmunizationRecommendationRecommendationDateCriterion(
            code=CodeableConcept(coding=[Coding(system=LOINC, code=code, display=words)]),
            value=day.isoformat(),
        )
        for code, words, day in said
        if day is not None
    ]


def _last(latest: date | None) -> date | None:
    return latest - timedelta(days=1) if latest else None


def _event(found: Verdict) -> Reference:
    if found.given.id:
        return Reference(reference=f"Immunization/{found.given.id}")
    return Reference(display=found.given.name)


def evaluations_of(advice: Advice, patient: Reference) -> Iterable[ImmunizationEvaluation]:
    """One evaluation of each vaccination in each series it could count to."""
    made = schedule()
    for found in advice.forecasts:
        for one in found.verdicts:
            if one.reason in ("not-given", "error"):
                continue
            status = "valid" if one.counts else "notvalid"
            yield ImmunizationEvaluation(
                status="completed",
                patient=patient,
                date=advice.on.isoformat(),
                targetDisease=_disease(made, found),
                immunizationEvent=_event(one),
                doseStatus=CodeableConcept(coding=[Coding(system=DOSE_STATUS, code=status)]),
                doseStatusReason=[
                    CodeableConcept(
                        coding=[Coding(system=OWN_REASON, code=one.reason)], text=phrases.reason_of(one)
                    )
                ],
                series=made.series[found.series].name.vi,
                doseNumberPositiveInt=one.dose or None,
                seriesDosesPositiveInt=found.doses,
            )
