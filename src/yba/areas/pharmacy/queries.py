"""What the counter reads: prescriptions to hand out, their lines with stock, and how much was given already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Sum

from yba.areas.pharmacy import rules
from yba.areas.pharmacy.models import Handover, Lot
from yba.care import catalogues, people
from yba.care.chart import HANOI, drug_code_of, id_of, recorded_allergies
from yba.care.identifiers import FACILITY_TAG, PRESCRIPTION, check_prescription_code
from yba.care.line.models import Ticket
from yba.care.refusal import Refusal
from yba.fhir.model.fold import fold_words
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record, facility_of
from yba.ui.words import local_day

#: A prescription may be bought for five days. Source: TT 26/2025/TT-BYT.
VALID_DAYS = 5
#: A lot that expires within this time is shown on the page of the stock.
SOON = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A prescription of the own facility, with how many of its lines still want something."""

    code: str
    patient_id: str
    name: str
    ticket: str
    lines: int
    left: int
    authored: str


@dataclass(frozen=True, slots=True)
class LineState:
    """One line: prescribed, given, what is there, and which lots to take first."""

    request: MedicationRequest
    drug: catalogues.Drug | None
    prescribed: int
    given: int
    there: int
    lots: tuple[Lot, ...]
    refusal: Refusal | None

    @property
    def left(self) -> int:
        return max(self.prescribed - self.given, 0)

    @property
    def take(self) -> int:
        """What can be handed over now."""
        return 0 if self.refusal else min(self.left, self.there)


@dataclass(frozen=True, slots=True)
class Prescription:
    """A prescription at the counter."""

    code: str
    patient: Patient
    encounter_id: str
    lines: tuple[LineState, ...]
    ticket: str
    allergies: tuple[AllergyIntolerance, ...]


def today_of(record: Record) -> date:
    """Today in Vietnam."""
    return local_day(record.clock())


def given_of(request_ids: Iterable[str]) -> dict[str, int]:
    """Units handed over so far, by line."""
    rows = (
        Handover.objects.filter(request_id__in=list(request_ids))
        .values("request_id")
        .annotate(n=Sum("quantity"))
    )
    return {row["request_id"]: row["n"] for row in rows}


def code_of(request: MedicationRequest) -> str:
    """The prescription a line belongs to, or nothing."""
    group = request.groupIdentifier
    return (group.value or "") if group and group.system == PRESCRIPTION else ""


def waiting(record: Record, *, days: int = 1) -> list[Waiting]:
    """Prescriptions of the last days that still want something, oldest first: three queries."""
    since = datetime.combine(today_of(record) - timedelta(days=days - 1), time(), HANOI).isoformat()
    found = record.find(
        MedicationRequest,
        ("_tag", f"{FACILITY_TAG}|{record.actor.facility}"),
        ("authoredon", f"ge{since}"),
        ("status", "active"),
        ("_sort", "authoredon"),
    )
    own = [one for one in found if code_of(one)]
    given = given_of(one.id or "" for one in own)
    groups: dict[str, list[MedicationRequest]] = {}
    for one in own:
        groups.setdefault(code_of(one), []).append(one)
    tickets = _tickets({id_of(lines[0].encounter) for lines in groups.values()})
    rows = [_waiting(code, lines, given, tickets) for code, lines in groups.items()]
    return [row for row in rows if row.left]


def _waiting(
    code: str, lines: Sequence[MedicationRequest], given: dict[str, int], tickets: dict[str, str]
) -> Waiting:
    first = lines[0]
    return Waiting(
        code=code,
        patient_id=id_of(first.subject),
        name=first.subject.display or "",
        ticket=tickets.get(id_of(first.encounter), ""),
        lines=len(lines),
        left=sum(1 for one in lines if rules.prescribed(one) > given.get(one.id or "", 0)),
        authored=first.authoredOn or "",
    )


def _tickets(encounters: set[str]) -> dict[str, str]:
    found = Ticket.objects.filter(encounter_id__in=encounters - {""})
    return {one.encounter_id: one.code for one in found}


def found_by(record: Record, text: str) -> list[Waiting]:
    """Prescriptions of the last five days by code, ticket, words of the name or phone number."""
    rows = waiting(record, days=VALID_DAYS)
    code = check_prescription_code(text)
    if not isinstance(code, Refusal):
        return [one for one in rows if one.code == code.value]
    plain = text.replace(" ", "").upper()
    by_ticket = [one for one in rows if one.ticket and one.ticket.replace(" ", "") == plain]
    if by_ticket:
        return by_ticket
    asked = fold_words(text)
    by_name = [one for one in rows if asked and all(word in fold_words(one.name) for word in asked)]
    if by_name or not any(sign.isdigit() for sign in text):
        return by_name
    ids = {one.id for one in people.find_people(record, text)}
    return [one for one in rows if one.patient_id in ids]


def lines_of(record: Record, code: str) -> list[MedicationRequest]:
    """The lines of an own prescription in the order written; none when it is not ours, or of two people."""
    found = record.find(MedicationRequest, ("identifier", f"{PRESCRIPTION}|{code}"))
    own = [one for one in found if facility_of(one) == record.actor.facility and code_of(one) == code]
    if len({id_of(one.subject) for one in own}) > 1:
        return []
    return sorted(own, key=_order)


def _order(request: MedicationRequest) -> int:
    values = [one.value or "" for one in request.identifier if "/" in (one.value or "")]
    number = values[0].rpartition("/")[2] if values else ""
    return int(number) if number.isdigit() else 0


def lots_of(facility: str, drugs: Iterable[str]) -> dict[str, list[Lot]]:
    """Lots with something in them, by drug, first to expire first."""
    found: dict[str, list[Lot]] = {}
    rows = Lot.objects.filter(facility=facility, drug__in=set(drugs), balance__gt=0).order_by(
        "expiry", "number"
    )
    for lot in rows:
        found.setdefault(lot.drug, []).append(lot)
    return found


def prescription_of(record: Record, code: str) -> Prescription | None:
    """The prescription with its stock, checked against the allergies as they are now; None when it is not ours."""
    requests = lines_of(record, code)
    if not requests:
        return None
    patient = record.read(Patient, id_of(requests[0].subject))
    allergies = recorded_allergies(record, patient.id or "")
    today = today_of(record)
    drugs = {one.id: drug_code_of(one.medicationCodeableConcept) for one in requests}
    stock = lots_of(record.actor.facility or "", drugs.values())
    given = given_of(one.id or "" for one in requests)
    lines = []
    for one in requests:
        lots = rules.usable(stock.get(drugs[one.id], ()), today=today)
        lines.append(
            LineState(
                request=one,
                drug=catalogues.drug(drugs[one.id]),
                prescribed=rules.prescribed(one),
                given=given.get(one.id or "", 0),
                there=sum(lot.balance for lot in lots),
                lots=tuple(lots),
                refusal=rules.line_refusal(one, allergies=allergies, today=today),
            )
        )
    encounter = id_of(requests[0].encounter)
    ticket = _tickets({encounter}).get(encounter, "")
    return Prescription(code, patient, encounter, tuple(lines), ticket, tuple(allergies))
