"""Allergies and vaccinations of invented people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Final, Literal

from yba.care import catalogues, identifiers
from yba.care.demo.building import HL7, concept, of_facility, ref
from yba.care.demo.people import HEROINE, Person
from yba.care.vaccines.spans import span
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance, AllergyIntoleranceReaction
from yba.fhir.r4.codes import AllergyIntoleranceCategory
from yba.fhir.r4.datatypes import CodeableConcept
from yba.fhir.r4.immunization import Immunization, ImmunizationProtocolApplied

# Allergen, weight, what happened, severity.
_KNOWN: Final[tuple[tuple[str, int, str, Literal["mild", "moderate", "severe"]], ...]] = (
    ("A001", 30, "Nổi mày đay sau tiêm", "moderate"),
    ("A008", 14, "Phù mí mắt, khó thở", "severe"),
    ("A009", 10, "Nổi mẩn ngứa", "mild"),
    ("A007", 10, "Ban đỏ toàn thân", "moderate"),
    ("A004", 8, "Nổi mày đay", "moderate"),
    ("A103", 18, "Ngứa, nổi mẩn sau ăn", "mild"),
    ("A202", 10, "Hắt hơi, chảy mũi", "mild"),
)


def allergies_of(random: Random, person: Person, today: date) -> list[AllergyIntolerance]:
    """The heroine's anaphylaxis to penicillin in 2019; otherwise one allergy in about nine people."""
    if person.id == HEROINE:
        return [
            _allergy(person, "A001", "Sốc phản vệ sau tiêm benzylpenicillin", "severe", date(2019, 6, 11))
        ]
    if random.random() >= 0.11:
        return []
    code, _weight, what, severity = random.choices(_KNOWN, [row[1] for row in _KNOWN])[0]
    since = max(person.birth + timedelta(days=200), today - timedelta(days=random.randint(200, 3_600)))
    return [_allergy(person, code, what, severity, since)] if since < today else []


def _allergy(
    person: Person, code: str, what: str, severity: Literal["mild", "moderate", "severe"], since: date
) -> AllergyIntolerance:
    allergen = catalogues.allergen(code)
    assert allergen is not None
    category: AllergyIntoleranceCategory = allergen.category
    return AllergyIntolerance(
        id=f"du-{person.id.removeprefix('nb-')}",
        clinicalStatus=concept(HL7 + "allergyintolerance-clinical", "active"),
        verificationStatus=concept(HL7 + "allergyintolerance-verification", "confirmed"),
        type="allergy",
        category=[category],
        criticality="high" if severity == "severe" else "low",
        code=concept(identifiers.ALLERGEN_CS, code, allergen.name_vi, allergen.name_vi),
        patient=ref("Patient", person.id, person.name),
        onsetDateTime=since.isoformat(),
        recordedDate=since.isoformat(),
        reaction=[
            AllergyIntoleranceReaction(
                manifestation=[CodeableConcept(text=what)], onset=since.isoformat(), severity=severity
            )
        ],
    )


#: Days between doses of Japanese encephalitis vaccine; of all others a month.
_APART: Final = {"JE2": 7, "JE3": 366}


def vaccinations_of(random: Random, person: Person, today: date) -> Iterator[Immunization]:
    """The national calendar for children under eight, given within three weeks of the due day; a few are missed."""
    if person.age(today) >= 8:
        return
    before: dict[str, date] = {}
    for dose in catalogues.vaccines():
        given = person.birth + timedelta(days=dose.due_days + (random.randint(0, 20) if dose.due_days else 0))
        if dose.series in before:  # never closer than the schedule lets them count
            given = max(given, before[dose.series] + timedelta(days=_APART.get(dose.code, 28)))
        if dose.code == "SOI":
            given = max(given, span("9m").after(person.birth))
        if given >= today or random.random() < 0.04:
            continue
        before[dose.series] = given
        station = "bvdk-huong-giang" if dose.due_days < 10 else "tyt-thuy-bieu"
        yield Immunization(
            id=f"tc-{person.id.removeprefix('nb-')}-{dose.code.lower()}",
            meta=of_facility(station),
            status="completed",
            vaccineCode=concept(identifiers.VACCINE_CS, dose.code, dose.name_vi, dose.name_vi),
            patient=ref("Patient", person.id, person.name),
            occurrenceDateTime=given.isoformat(),
            primarySource=True,
            lotNumber=f"DEMO{given:%y%m}{random.randint(10, 99)}",
            protocolApplied=[
                ImmunizationProtocolApplied(series=dose.series, doseNumberPositiveInt=dose.dose)
            ],
        )
