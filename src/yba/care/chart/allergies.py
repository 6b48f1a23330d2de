"""Allergies of a person: never asked, none known, or these, gravest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from yba.care.chart.elements import (
    codes_of,
    codings,
    text_of,
)
from yba.care.chart.problems import WRONG
from yba.care.chart.values import (
    Allergy,
    Asked,
)
from yba.care.identifiers import ALLERGEN_CS
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance

SNOMED: Final = "http://snomed.info/sct"
#: "No known allergy (situation)". Source: FHIR R4, allergyintolerance.html#9.1.5.3 (negation).
NO_KNOWN_ALLERGY: Final = "716186003"
NONE_KNOWN_CODES: Final = frozenset({NO_KNOWN_ALLERGY, "409137002"})
#: "No known environmental allergy", "no known food allergy": say nothing of medicines.
_PARTLY_NONE: Final = frozenset({"428607008", "429625007"})


def asked_of(allergies: Sequence[AllergyIntolerance]) -> Asked:
    """Whether anybody ever asked, and what the answer was. An allergy struck out is not yet "none known"."""
    if any(_is_allergy(one) for one in allergies):
        return Asked.KNOWN
    return (
        Asked.NONE_KNOWN
        if any(is_none_known(one) and not _is_gone(one) for one in allergies)
        else Asked.NEVER
    )


def allergies_of(allergies: Iterable[AllergyIntolerance]) -> tuple[Allergy, ...]:
    """Allergies that count, gravest first: severe or of high criticality, then medicines, then the rest."""
    found = [allergy_of(one) for one in allergies if _is_allergy(one)]
    return tuple(sorted(found, key=lambda one: (not one.grave, one.category != "medication", one.name)))


def allergy_of(resource: AllergyIntolerance) -> Allergy:
    """The values of an AllergyIntolerance."""
    reactions = [
        words
        for reaction in resource.reaction
        for words in [reaction.description or ", ".join(filter(None, map(text_of, reaction.manifestation)))]
        if words
    ]
    severe = any(reaction.severity == "severe" for reaction in resource.reaction)
    coded = next((it.code or "" for it in codings(resource.code) if it.system == ALLERGEN_CS), "")
    last = next((one.onset for one in resource.reaction if one.onset), None)
    return Allergy(
        id=resource.id or "",
        name=text_of(resource.code) or "?",
        code=coded,
        reaction="; ".join(reactions),
        grave=severe or resource.criticality == "high",
        since=resource.onsetDateTime or last or resource.lastOccurrence or "",
        category=next((one for one in resource.category if one), ""),
    )


def is_none_known(resource: AllergyIntolerance) -> bool:
    """Whether it says that there is no allergy."""
    return bool(codes_of(resource.code) & NONE_KNOWN_CODES)


def _is_allergy(resource: AllergyIntolerance) -> bool:
    return not _is_gone(resource) and not codes_of(resource.code) & (NONE_KNOWN_CODES | _PARTLY_NONE)


def _is_gone(resource: AllergyIntolerance) -> bool:
    return bool(
        codes_of(resource.clinicalStatus) & {"resolved"} or codes_of(resource.verificationStatus) & WRONG
    )
