"""A person's insurance cards: noting one, and which of them counts on a day. A card is a ``Coverage``."""

from __future__ import annotations

from datetime import date
from typing import Final

from yba.care import identifiers, people
from yba.care.refusal import Refusal
from yba.fhir.errors import Invalid
from yba.fhir.model.references import reference
from yba.fhir.r4.coverage import Coverage
from yba.fhir.r4.datatypes import CodeableConcept, Identifier, Period, Reference
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record

INSURER: Final = "Bảo hiểm xã hội Việt Nam"


def add_coverage(
    record: Record, patient: Patient, *, card: str, start: date | None = None, end: date | None = None
) -> Coverage:
    """Note an insurance card; the same card again gets the new dates. Raises Invalid for a wrong card."""
    checked = identifiers.check_insurance_card(card)
    if isinstance(checked, Refusal):
        raise Invalid(checked.key, "The insurance card number is not one.", path="Coverage.subscriberId")
    if start and end and end < start:
        raise Invalid("insurance.period-order", "The card ends before it begins.", path="Coverage.period")
    known = [one for one in _coverages(record, patient.id or "") if card_of(one) == checked.number]
    period = Period(start=start.isoformat() if start else None, end=end.isoformat() if end else None)
    if known:
        known[0].period = period if start or end else None
        return record.update(known[0])
    numbers = dict.fromkeys((checked.number, checked.social_number))
    return record.create(
        Coverage(
            status="active",
            identifier=[Identifier(system=identifiers.BHYT, value=number) for number in numbers],
            type=CodeableConcept(text="BHYT"),
            subscriberId=checked.number,
            beneficiary=reference("Patient", patient.id, display=people.name_of(patient) or None),
            period=period if start or end else None,
            payor=[Reference(display=INSURER)],
        )
    )


def _coverages(record: Record, patient_id: str) -> list[Coverage]:
    found = record.find(Coverage, ("beneficiary", f"Patient/{patient_id}"))
    return [one for one in found if one.status == "active" and card_of(one)]


def card_of(coverage: Coverage) -> str:
    """The number on the card."""
    return coverage.subscriberId or people.identifier_of(coverage.identifier, identifiers.BHYT)


def card_period(coverage: Coverage) -> tuple[date | None, date | None]:
    """First and last day of the card, both inclusive; a missing bound is open."""
    period = coverage.period or Period()
    return _day(period.start), _day(period.end)


def coverage_refusal(coverage: Coverage, *, on: date) -> Refusal | None:
    """Why the card can't be used on a day: its form, its dates; None when it can."""
    checked = identifiers.check_insurance_card(card_of(coverage))
    if isinstance(checked, Refusal):
        return checked
    start, end = card_period(coverage)
    return identifiers.check_insurance_period(start, end, on=on)


def coverage_of(record: Record, patient_id: str, day: date) -> Coverage | None:
    """The card to use on a day: a valid one first, else the latest, so that a page can say it has run out."""
    found = _coverages(record, patient_id)

    def rank(one: Coverage) -> tuple[bool, str, str]:
        period = one.period or Period()
        last = one.meta.lastUpdated if one.meta else None
        return coverage_refusal(one, on=day) is None, period.end or "9999", last or ""

    return max(found, key=rank, default=None)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text and len(text) >= 10 else None
