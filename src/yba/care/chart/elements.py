"""Reading elements of FHIR: words of a concept, codes, what a reference leads to."""

from __future__ import annotations

from datetime import date

from yba.fhir.model.dates import period_of
from yba.fhir.model.references import target
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Quantity, Reference
from yba.ui.words import HANOI as HANOI


def text_of(concept: CodeableConcept | None) -> str:
    """The words of a concept: its text, else the first display, else the first code."""
    if concept is None:
        return ""
    displays = [coding.display for coding in concept.coding if coding.display]
    codes = [coding.code for coding in concept.coding if coding.code]
    return concept.text or (displays[0] if displays else "") or (codes[0] if codes else "")


def codes_of(concept: CodeableConcept | None) -> set[str]:
    """All codes of a concept, whatever their system."""
    return {coding.code for coding in codings(concept) if coding.code}


def display_of(reference: Reference | None) -> str:
    """The words beside a reference."""
    return (reference.display or "") if reference is not None else ""


def id_of(reference: Reference | None) -> str:
    """The id a reference leads to, or nothing."""
    found = target(reference) if reference is not None else None
    return found[1] if found else ""


def quantity_words(quantity: Quantity) -> str:
    """ "30 viên": number and unit as people write them."""
    number = "" if quantity.value is None else f"{quantity.value:f}".replace(".", ",")
    return " ".join(filter(None, (number, quantity.unit or quantity.code)))


def codings(concept: CodeableConcept | None) -> list[Coding]:
    return concept.coding if concept is not None else []


def day_here(text: str | None) -> date | None:
    """The day in Vietnam of a FHIR date of at least a day's precision."""
    if not text or len(text) < 10:
        return None
    return period_of(text)[0].astimezone(HANOI).date()
