"""One person on one page, by a few searches."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from yba.care.chart.allergies import allergies_of, asked_of
from yba.care.chart.elements import (
    codes_of,
    display_of,
    id_of,
    text_of,
)
from yba.care.chart.medicines import medicine_of, medicines_of
from yba.care.chart.problems import WRONG, problem_of, problems_of
from yba.care.chart.results import trends_of
from yba.care.chart.values import (
    Chart,
    Dose,
    Visit,
)
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.immunization import Immunization
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.medication_statement import MedicationStatement
from yba.fhir.r4.observation import Observation
from yba.fhir.record import Record, find_of, one_person
from yba.ui.words import local_day

VISITS: Final = 20
RESULTS: Final = 300


def chart_of(record: Record, patient_id: str, *, today: date | None = None) -> Chart:
    """Everything one page says of a person, as far as the actor may read it: seven searches, and who else they are.

    What harms when it is overlooked (allergies, medicines, problems) is read of all their records (`Patient.link`).
    """
    today = today or local_day(record.clock())
    whose, who = ("patient", f"Patient/{patient_id}"), one_person(record, patient_id)
    conditions = find_of(record, Condition, who)
    allergies = find_of(record, AllergyIntolerance, who)
    requests = find_of(record, MedicationRequest, who, ("_sort", "-authoredon"))
    statements = find_of(record, MedicationStatement, who)
    encounters = record.search(Encounter, [whose, ("_sort", "-date"), ("_count", str(VISITS))])
    observations = record.search(Observation, [whose, ("_sort", "-date"), ("_count", str(RESULTS))])
    doses = record.find(Immunization, whose, ("_sort", "-date"))
    trends = trends_of([one for one in observations.matches if isinstance(one, Observation)])
    visits = [one for one in encounters.matches if isinstance(one, Encounter)]
    return Chart(
        patient_id=patient_id,
        problems=problems_of(conditions),
        asked=asked_of(allergies),
        allergies=allergies_of(allergies),
        medicines=medicines_of(requests, statements, today=today),
        visits=tuple(_visit(one, conditions, requests) for one in visits if happened(one)),
        vitals=tuple(trend for trend in trends if trend.category == "vital-signs"),
        results=tuple(trend for trend in trends if trend.category != "vital-signs"),
        immunisations=tuple(_dose(one) for one in doses if one.status == "completed"),
        more_visits=encounters.next is not None,
        more_results=observations.next is not None,
        linked=bool(who.others),
    )


def recorded_allergies(record: Record, patient_id: str) -> list[AllergyIntolerance]:
    """Allergies, and that none are known, as they stand in the record now, of all the person's records."""
    return find_of(record, AllergyIntolerance, one_person(record, patient_id))


def happened(encounter: Encounter) -> bool:
    """Whether there was a visit at all."""
    return encounter.status not in ("planned", "cancelled", "entered-in-error")


def _visit(
    encounter: Encounter, conditions: Iterable[Condition], requests: Iterable[MedicationRequest]
) -> Visit:
    ranks = {id_of(one.condition): one.rank or 99 for one in encounter.diagnosis}
    own = [
        one
        for one in conditions
        if (one.id in ranks or id_of(one.encounter) == encounter.id)
        and not codes_of(one.verificationStatus) & WRONG
    ]
    own.sort(key=lambda one: ranks.get(one.id or "", 99))
    title = text_of(encounter.serviceType) or next(filter(None, map(text_of, encounter.type)), "")
    given = [medicine_of(one).name for one in requests if id_of(one.encounter) == encounter.id]
    return Visit(
        id=encounter.id or "",
        start=(encounter.period.start or "") if encounter.period else "",
        status=encounter.status or "",
        title=title or next(filter(None, map(text_of, encounter.reasonCode)), ""),
        place=display_of(encounter.serviceProvider),
        doctor=next(filter(None, (display_of(one.individual) for one in encounter.participant)), ""),
        diagnoses=tuple(problem_of(one) for one in own),
        medicines=tuple(dict.fromkeys(given)),
    )


def _dose(one: Immunization) -> Dose:
    applied = one.protocolApplied[0] if one.protocolApplied else None
    number = str(applied.doseNumberPositiveInt or applied.doseNumberString or "") if applied else ""
    when = one.occurrenceDateTime or one.occurrenceString or ""
    return Dose(when, text_of(one.vaccineCode), number, one.lotNumber or "")
