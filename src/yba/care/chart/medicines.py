"""What a person takes on a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from yba.care.chart.elements import (
    codings,
    day_here,
    display_of,
    id_of,
    quantity_words,
    text_of,
)
from yba.care.chart.values import (
    Medicine,
)
from yba.care.identifiers import DRUG_CS, PRESCRIPTION
from yba.fhir.model.references import target
from yba.fhir.r4.datatypes import CodeableConcept
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.medication_statement import MedicationStatement


def medicines_of(
    requests: Iterable[MedicationRequest], statements: Iterable[MedicationStatement] = (), *, today: date
) -> tuple[Medicine, ...]:
    """What the person takes on a day: prescribed and not run out or stopped, and what they say they take.

    A prescription of another facility is stopped by a MedicationStatement ``stopped`` based on it: what was
    sent out is never changed by somebody else.
    """
    said = list(statements)
    stopped = {
        found[1]
        for one in said
        if one.status in ("stopped", "not-taken")
        for based in one.basedOn
        if (found := target(based)) is not None
    }
    taken = [
        medicine
        for one in requests
        if one.status == "active" and one.intent not in ("proposal", "plan") and one.id not in stopped
        for medicine in [medicine_of(one)]
        if medicine.until is None or medicine.until >= today
    ]
    told = [_told(one) for one in said if one.status in ("active", "intended") and not one.basedOn]
    return (*taken, *told)


def medicine_of(request: MedicationRequest) -> Medicine:
    """The values of a MedicationRequest."""
    dose = request.dosageInstruction[0] if request.dosageInstruction else None
    supply = request.dispenseRequest
    group = request.groupIdentifier
    return Medicine(
        request_id=request.id or "",
        name=text_of(request.medicationCodeableConcept) or display_of(request.medicationReference) or "?",
        drug_code=drug_code_of(request.medicationCodeableConcept),
        how=(dose.text or "") if dose else "",
        amount=quantity_words(supply.quantity) if supply and supply.quantity else "",
        started=request.authoredOn or "",
        until=_until(request),
        prescription=(group.value or "") if group and group.system == PRESCRIPTION else "",
        facility=facility_of(request),
        encounter_id=id_of(request.encounter),
    )


def drug_code_of(concept: CodeableConcept | None) -> str:
    """The code of our list of drugs, or nothing."""
    return next((it.code or "" for it in codings(concept) if it.system == DRUG_CS), "")


def facility_of(resource: MedicationRequest) -> str:
    """The facility that keeps a resource."""
    tags = resource.meta.tag if resource.meta else []
    return next((tag.code or "" for tag in tags if tag.system == "https://yba.vn/fhir/facility"), "")


def _until(request: MedicationRequest) -> date | None:
    """The last day of the course, where the prescription says how long it is."""
    dose = request.dosageInstruction[0] if request.dosageInstruction else None
    repeat = dose.timing.repeat if dose and dose.timing else None
    if repeat and repeat.boundsPeriod and repeat.boundsPeriod.end:
        return day_here(repeat.boundsPeriod.end)
    length = repeat.boundsDuration if repeat else None
    if length is None and request.dispenseRequest is not None:
        length = request.dispenseRequest.expectedSupplyDuration
    start = day_here(request.authoredOn)
    days = {"d": 1, "wk": 7, "mo": 30, "a": 365}.get((length.code or "d") if length else "")
    if start is None or length is None or length.value is None or days is None:
        return None
    return start + timedelta(days=max(int(length.value * days) - 1, 0))


def _told(one: MedicationStatement) -> Medicine:
    dose = one.dosage[0] if one.dosage else None
    return Medicine(
        request_id="",
        name=text_of(one.medicationCodeableConcept) or display_of(one.medicationReference) or "?",
        drug_code=drug_code_of(one.medicationCodeableConcept),
        how=(dose.text or "") if dose else "",
        started=one.effectiveDateTime or (one.effectivePeriod.start or "" if one.effectivePeriod else ""),
    )
