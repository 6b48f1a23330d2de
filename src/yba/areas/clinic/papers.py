"""The prescription and the follow-up slip as papers: order and words of the law.

Sources: TT 26/2025/TT-BYT, appendix I (prescription); TT 01/2025/TT-BYT, appendix V (follow-up slip). Whether a
reader may have a paper is asked of the record as that reader; what else stands on it is then read by the house.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from yba.areas.clinic import queries
from yba.care import coverages, identifiers, people
from yba.care.chart import (
    HANOI,
    VITAL_SIGNS,
    Asked,
    Problem,
    allergies_of,
    asked_of,
    display_of,
    id_of,
    medicine_of,
    problem_of,
    recorded_allergies,
)
from yba.care.documents import pdf, qr_svg
from yba.care.line.queries import ticket_of
from yba.care.medicines import quantity_text
from yba.fhir.errors import Conflict, NotFound
from yba.fhir.model.dates import period_of
from yba.fhir.r4.clinical_impression import ClinicalImpression
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.service_request import ServiceRequest
from yba.fhir.record import Record
from yba.ui import words

#: Below this age the paper says months, weight and who brought the child. Source: TT 26/2025/TT-BYT.
CHILD_MONTHS = 72


@dataclass(frozen=True, slots=True)
class House:
    """Whose paper it is."""

    name: str
    address: str
    phone: str
    code: str


@dataclass(frozen=True, slots=True)
class DrugOnPaper:
    """A numbered line: name, quantity, how."""

    name: str
    amount: str
    how: str


UNFINISHED: Final = "clinic.unfinished"


@dataclass(frozen=True, slots=True)
class Paper:
    """Everything one of the two papers says, in words."""

    facility: House
    code: str
    qr: str
    ticket: str
    name: str
    born: str
    months: str
    weight: str
    companion: str
    number: str
    card: str
    address: str
    diagnosis: str
    allergies: str
    advice: str
    follow_up: str
    date_line: str
    doctor: str
    signed_at: str
    visit_day: str
    drugs: list[DrugOnPaper] = field(default_factory=list)


def prescription(record: Record, code: str) -> bytes:
    """The prescription as PDF.

    Raises NotFound when the actor may see none of its lines, Conflict ``clinic.unfinished`` for a visit that does not
    say when or where it was: a paper of the law is given no day of its own.
    """
    lines = queries.prescription_lines(record, code)
    system = record.as_system()
    encounter = system.read(Encounter, id_of(lines[0].encounter))
    drugs = [_drug(one) for one in lines]
    _note_print(record, encounter, f"prescription {code}")
    return pdf("clinic/prescription.typ", _paper(system, encounter, code=code, drugs=drugs, asked=lines[0]))


def follow_up_slip(record: Record, encounter_id: str) -> bytes:
    """The slip as PDF.

    Raises NotFound when the actor may not see the visit, or nothing is planned; Conflict ``clinic.unfinished`` for one
    that does not say when or where it was.
    """
    encounter = record.read(Encounter, encounter_id)
    paper = _paper(record.as_system(), encounter, code="", drugs=[], asked=None)
    if not paper.follow_up:
        raise NotFound("clinic.follow-up", "No follow-up was planned at this visit.", id=encounter_id)
    _note_print(record, encounter, "follow-up slip")
    return pdf("clinic/follow_up.typ", paper)


def _note_print(record: Record, encounter: Encounter, what: str) -> None:
    """A paper leaves the house: whose it is stands in the audit."""
    patient = id_of(encounter.subject)
    record.audit("print", type_name="Encounter", identifier=encounter.id, detail=what, patients=[patient])


def _drug(request: MedicationRequest) -> DrugOnPaper:
    supply = request.dispenseRequest
    quantity = supply.quantity if supply else None
    value = quantity.value if quantity and quantity.value is not None else Decimal(0)
    unit = (quantity.unit or "") if quantity else ""
    medicine = medicine_of(request)
    amount = quantity_text(int(value)) if value == int(value) else words.decimal(value)
    return DrugOnPaper(medicine.name, f"{amount} {unit}".strip(), medicine.how)


def _paper(
    system: Record,
    encounter: Encounter,
    *,
    code: str,
    drugs: list[DrugOnPaper],
    asked: MedicationRequest | None,
) -> Paper:
    patient = system.read(Patient, id_of(encounter.subject))
    person = people.person_of(patient)
    of_visit = ("encounter", f"Encounter/{encounter.id}")
    impression = system.first(ClinicalImpression, of_visit)
    services = system.find(ServiceRequest, of_visit)
    later = next((one.occurrenceDateTime or "" for one in services if queries.is_follow_up(one)), "")
    moment = moment_of(encounter, asked)
    day = moment.date()
    months = months_of(person.birth_date, day)
    ticket = ticket_of(system, encounter=encounter.id or "")
    card = coverages.coverage_of(system, patient.id or "", day)
    participants = [display_of(one.individual) for one in encounter.participant]
    return Paper(
        facility=house_of(system, id_of(encounter.serviceProvider)),
        code=code,
        qr=qr_svg(code or (encounter.id or "")),
        ticket=ticket.code if ticket else "",
        name=person.name,
        born=", ".join(filter(None, (words.gender(person.gender), _born(person.birth_date)))),
        months=f"{months} tháng" if months is not None else "",
        weight=_weight_words(weight_of(system, encounter.id or "")) if months is not None else "",
        companion=_companion(system, patient.id or "") if months is not None else "",
        number=person.citizen_number,
        card=coverages.card_of(card) if card else "",
        address=person.address,
        diagnosis=_diagnoses(system, encounter),
        allergies=_allergies(system, patient.id or ""),
        advice="\n".join(one.text or "" for one in impression.note) if impression else "",
        follow_up=f"{words.day_words(later)}/{later[:4]}" if words.as_date(later) else words.ngay(later),
        date_line=f"Ngày {day.day:02} tháng {day.month:02} năm {day.year}",
        doctor=next(filter(None, [display_of(asked.requester) if asked else "", *participants]), ""),
        signed_at=f"{moment:%H:%M:%S %d/%m/%Y}",
        visit_day=f"{day:%d/%m/%Y}",
        drugs=drugs,
    )


def moment_of(encounter: Encounter, asked: MedicationRequest | None) -> datetime:
    """When the paper was signed: by its order, else by the visit. What names no day (only a year) is none."""
    period = encounter.period
    for text in (
        asked.authoredOn if asked else None,
        period.end if period else None,
        period.start if period else None,
    ):
        if text and words.as_date(text) is not None:
            return period_of(text)[0].astimezone(HANOI)
    raise Conflict(UNFINISHED, "The visit does not say on which day it was.", id=encounter.id)


def house_of(system: Record, facility: str) -> House:
    """Whose paper it is. Raises Conflict ``clinic.unfinished``."""
    if not facility:
        raise Conflict(UNFINISHED, "The visit does not say where it was.")
    found = system.read(Organization, facility)
    home = found.address[0] if found.address else None
    phone = next((one.value or "" for one in found.telecom if one.system == "phone"), "")
    parts = [*(line or "" for line in home.line), home.city, home.state] if home else []
    address = (home.text if home else None) or ", ".join(part for part in parts if part)
    code = people.identifier_of(found.identifier, identifiers.FACILITY)
    return House(found.name or "", address, phone, code)


def _born(text: str) -> str:
    return f"sinh {words.ngay(text)}" if text else ""


def months_of(text: str, day: date) -> int | None:
    """The age in months of a child whose age the law wants in months; None for everybody else."""
    if len(text) < 10:
        return None
    months = words.months_between(date.fromisoformat(text), day)
    return months if months < CHILD_MONTHS else None


def weight_of(system: Record, encounter_id: str) -> Decimal | None:
    """The weight in kg as it was taken at a visit."""
    code = VITAL_SIGNS["weight"].code
    of_visit = ("encounter", f"Encounter/{encounter_id}")
    found = system.first(Observation, of_visit, ("code", f"{identifiers.LOINC}|{code}"))
    return found.valueQuantity.value if found and found.valueQuantity else None


def _weight_words(value: Decimal | None) -> str:
    return "" if value is None else words.quantity(value, "kg")


def _companion(system: Record, patient_id: str) -> str:
    family = people.family_of(system, patient_id)
    return family[0].name if family else ""


def problems_of(system: Record, encounter: Encounter) -> list[Problem]:
    """The diagnoses of a visit, the main one first."""
    ranks = {id_of(one.condition): one.rank or 99 for one in encounter.diagnosis}
    found = [
        one for one in system.find(Condition, ("encounter", f"Encounter/{encounter.id}")) if one.id in ranks
    ]
    found.sort(key=lambda one: ranks[one.id or ""])
    return [problem_of(one) for one in found]


def _diagnoses(system: Record, encounter: Encounter) -> str:
    said = problems_of(system, encounter)
    return "; ".join(f"{one.name} ({one.code})" if one.code else one.name for one in said)


def _allergies(system: Record, patient_id: str) -> str:
    found = recorded_allergies(system, patient_id)
    known = {Asked.NEVER: "", Asked.NONE_KNOWN: "không có dị ứng đã biết", Asked.KNOWN: ""}
    return "; ".join(one.name for one in allergies_of(found)) or known[asked_of(found)]
