"""Sending a signed prescription to the national system: noted as it is signed, tried until it is taken.

One row a prescription, where its facility is connected. What is sent is read from the record at the moment of sending,
and is the same at each try: a signed prescription does not change. A sender that dies in between leaves its claim to
run out; by the code the portal knows that it has the prescription, which after an earlier try counts as taken.
Source: TT 26/2025/TT-BYT (right after the visit), QĐ 808/QĐ-BYT part V.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.db.models import Q

from yba.areas.clinic import papers, queries
from yba.areas.clinic.models import Sending
from yba.care import catalogues, coverages, people, prescription_portal
from yba.care.chart import drug_code_of, id_of, medicine_of
from yba.care.prescription_portal import Diagnosis, Failed, Known, Line, PrescriptionPortal, Refused
from yba.fhir.errors import RecordError
from yba.fhir.r4.clinical_impression import ClinicalImpression
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.service_request import ServiceRequest
from yba.fhir.record import Record
from yba.ui import words
from yba.ui.live import changed

State = Sending.State
PortalOf = Callable[[str], PrescriptionPortal | None]
CLAIM_LASTS: Final = timedelta(minutes=3)
#: After the last of these it goes on every hour: the law wants it sent, and a portal may be down for a day.
WAITS: Final = tuple(timedelta(minutes=one) for one in (1, 2, 5, 10, 20, 40, 60))
_SAID: Final = 200


def note(record: Record, *, code: str, encounter_id: str) -> None:
    """Note that a prescription is to be sent, in the transaction that signs it; nothing where nobody is connected."""
    facility = record.actor.facility or ""
    if prescription_portal.portal_of(facility) is not None:
        Sending.objects.create(
            code=code, encounter_id=encounter_id, facility=facility, next_try=record.clock()
        )


def of(code: str) -> Sending | None:
    """How it stands with a prescription; None where its facility was not connected."""
    found: Sending | None = Sending.objects.filter(code=code).first()
    return found


def stuck(facility: str) -> list[Sending]:
    """The prescriptions of a facility somebody has to look at: refused, or tried in vain."""
    rows = Sending.objects.filter(facility=facility).exclude(state=State.SENT)
    return list(rows.filter(Q(state=State.REFUSED) | Q(tries__gt=1)).order_by("next_try")[:200])


def again(facility: str, *, now: datetime, code: str = "") -> int:
    """Try again what was refused or waits, of a facility or of one prescription; how many."""
    rows = Sending.objects.filter(facility=facility, state__in=[State.REFUSED, State.WAITING])
    if code:
        rows = rows.filter(code=code)
    return rows.update(state=State.WAITING, next_try=now)


@dataclass(frozen=True, slots=True)
class Claim:
    """A prescription one sender has taken. ``first``: nobody has tried before."""

    code: str
    facility: str
    first: bool


def send_due(record: Record, *, most: int = 200, portal_of: PortalOf = prescription_portal.portal_of) -> int:
    """Send what is due, one after the other; how many were taken. ``record``: the system's own."""
    taken = 0
    for _ in range(most):
        claim = _claimed(record.clock())
        if claim is None:
            break
        taken += _sent(record, claim, portal_of)
    return taken


def _claimed(now: datetime) -> Claim | None:
    due = Q(state=State.WAITING, next_try__lte=now) | Q(
        state=State.SENDING, claimed_at__lte=now - CLAIM_LASTS
    )
    with transaction.atomic():
        row = Sending.objects.select_for_update(skip_locked=True).filter(due).order_by("next_try").first()
        if row is None:
            return None
        row.state, row.claimed_at, row.tries = State.SENDING, now, row.tries + 1
        row.save(update_fields=["state", "claimed_at", "tries"])
        return Claim(row.code, row.facility, row.tries == 1)


def _sent(record: Record, claim: Claim, portal_of: PortalOf) -> bool:
    portal = portal_of(claim.facility)
    receipt, problem, refused = "", "", False
    try:
        if portal is None:
            raise Failed("the facility is no longer connected")
        receipt = portal.send(prescription_of(record, claim.code))
    except Known as said:
        receipt, problem, refused = (str(said), "", False) if not claim.first else ("", str(said), True)
    except Refused as said:
        problem, refused = str(said) or "refused", True
    except Failed as said:
        problem = str(said) or "no answer"
    except RecordError as said:
        problem, refused = said.key, True
    _marked(claim, receipt, problem, refused=refused, now=record.clock())
    return not problem


def _marked(claim: Claim, receipt: str, problem: str, *, refused: bool, now: datetime) -> None:
    with transaction.atomic():
        row = Sending.objects.select_for_update().get(pk=claim.code)
        row.claimed_at, row.problem, row.receipt = None, problem[:_SAID], receipt[:_SAID]
        if problem:
            row.state = State.REFUSED if refused else State.WAITING
            row.next_try = now + WAITS[min(row.tries, len(WAITS)) - 1]
        else:
            row.state, row.sent_at = State.SENT, now
        row.save()
    changed(f"visit:{row.encounter_id}")


# -- what is sent ------------------------------------------------------------------------------------------


def prescription_of(system: Record, code: str) -> prescription_portal.Prescription:
    """A signed prescription as the portal wants it. Raises NotFound, or Conflict ``clinic.unfinished``."""
    requests = queries.prescription_lines(system, code)
    encounter = system.read(Encounter, id_of(requests[0].encounter))
    patient = system.read(Patient, id_of(encounter.subject))
    person = people.person_of(patient)
    at = papers.moment_of(encounter, requests[0])
    of_visit = ("encounter", f"Encounter/{encounter.id}")
    impression = system.first(ClinicalImpression, of_visit)
    card = coverages.coverage_of(system, patient.id or "", at.date())
    child = papers.months_of(person.birth_date, at.date()) is not None
    return prescription_portal.Prescription(
        code=code,
        at=at,
        facility=papers.house_of(system, id_of(encounter.serviceProvider)).code,
        prescriber=id_of(requests[0].requester),
        name=person.name,
        born=person.birth_date,
        gender=person.gender,
        citizen_number=person.citizen_number,
        card=coverages.card_of(card) if card else "",
        address=person.address,
        companion=_companion(system, patient.id or "") if child else "",
        weight_kg=papers.weight_of(system, encounter.id or "") if child else None,
        diagnoses=tuple(Diagnosis(one.code, one.name) for one in papers.problems_of(system, encounter)),
        lines=tuple(_line(one) for one in requests),
        advice="\n".join(one.text or "" for one in impression.note) if impression else "",
        days_until_return=_return(system.find(ServiceRequest, of_visit), at),
    )


def _companion(system: Record, patient_id: str) -> str:
    """Name, telephone and number of who answers for a child."""
    family = people.family_of(system, patient_id)
    if not family:
        return ""
    return ", ".join(filter(None, (family[0].name, family[0].phone, family[0].citizen_number)))


def _line(request: MedicationRequest) -> Line:
    """A medicine: where one substance is prescribed as INN (brand), both are said apart."""
    code = drug_code_of(request.medicationCodeableConcept)
    known = catalogues.drug(code)
    medicine = medicine_of(request)
    name, _, rest = known.name.partition(" (") if known else (medicine.name, "", "")
    brand = rest.rstrip(")")
    quantity = request.dispenseRequest.quantity if request.dispenseRequest else None
    return Line(
        code=code,
        name=f"{name} {known.strength}" if known else medicine.name,
        brand=brand,
        unit=(quantity.unit or "") if quantity else "",
        quantity=quantity.value if quantity and quantity.value is not None else Decimal(0),
        how=medicine.how,
    )


def _return(services: list[ServiceRequest], at: datetime) -> int | None:
    day = next((words.as_date(one.occurrenceDateTime) for one in services if queries.is_follow_up(one)), None)
    return (day - at.date()).days if day is not None else None
