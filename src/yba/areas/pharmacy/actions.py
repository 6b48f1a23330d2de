"""What the pharmacist does: hand over, receive goods. Each is one transaction; locks are taken in a fixed order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext as _

from yba.areas.pharmacy import queries, rules
from yba.areas.pharmacy.models import Handover, Lot, Movement, Reason
from yba.care import catalogues
from yba.care.chart import HANOI, drug_code_of, id_of, recorded_allergies
from yba.care.identifiers import DRUG_CS
from yba.care.line.queries import ticket_of
from yba.care.line.transaction import whole
from yba.care.money import actions as money
from yba.care.money.rules import Line
from yba.care.refusal import Refusal, refuse
from yba.fhir.model.references import reference
from yba.fhir.r4.datatypes import Annotation, Quantity, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.medication_dispense import MedicationDispense, MedicationDispensePerformer
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.ui.live import changed

_LOCK_LOTS = (
    "select * from pharmacy_lot where facility = %s and drug = any(%s) and balance > 0 order by id for update"
)
_TAKE = "update pharmacy_lot set balance = balance - %s where id = %s"
_RECEIVE = """
insert into pharmacy_lot (facility, drug, number, expiry, balance) values (%s, %s, %s, %s, %s)
on conflict (facility, drug, number, expiry) do update set balance = pharmacy_lot.balance + excluded.balance
returning id
"""


@dataclass(frozen=True, slots=True)
class Dispensed:
    """What was handed over. ``again``: this submit had been done before, nothing was written."""

    code: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class _Taken:
    request: MedicationRequest
    drug: catalogues.Drug
    quantity: int
    picks: Sequence[rules.Pick]


def dispense(record: Record, *, code: str, quantities: Mapping[str, int], key: str) -> Dispensed | Refusal:
    """Hand over so many units of each line (by MedicationRequest id). The same ``key`` does it once.

    Lines are locked in the order of their ids, then lots in the order of theirs; every check stands behind the locks.
    """
    if not key:
        raise ValueError("a handover needs a key")
    wanted = {one: count for one, count in quantities.items() if count > 0}
    with whole():
        own = {one.id: one for one in queries.lines_of(record, code)}
        if not own or not set(wanted) <= set(own):
            return refuse("dispense.gone", _("Không tìm thấy đơn này ở cơ sở."))
        for one in sorted(str(one) for one in own):
            own[one] = record.lock(MedicationRequest, one)
        if Handover.objects.filter(prescription=code, key=key).exists():
            return Dispensed(code, again=True)
        if not wanted:
            return refuse("dispense.nothing", _("Chưa ghi lấy bao nhiêu. Ghi số cho ít nhất một thuốc."))
        taken = _taken(record, [own[one] for one in own if one in wanted], wanted)
        if isinstance(taken, Refusal):
            return taken
        for line in taken:
            _hand_over(record, code, line, key)
        _charge(record, taken)
        changed(f"pharmacy:{record.actor.facility}")
        changed(f"book:{id_of(taken[0].request.subject)}")
    return Dispensed(code)


def _taken(
    record: Record, requests: Sequence[MedicationRequest], wanted: Mapping[str, int]
) -> list[_Taken] | Refusal:
    """What to take of which lots, or why not; nothing is written yet."""
    today = queries.today_of(record)
    patient = id_of(requests[0].subject)
    allergies = recorded_allergies(record, patient)
    given = queries.given_of(one.id or "" for one in requests)
    codes = sorted({drug_code_of(one.medicationCodeableConcept) for one in requests})
    stock = list(Lot.objects.raw(_LOCK_LOTS, [record.actor.facility or "", codes]))
    found = []
    for one in requests:
        refusal = rules.line_refusal(one, allergies=allergies, today=today)
        drug = catalogues.drug(drug_code_of(one.medicationCodeableConcept))
        if refusal or drug is None:
            return refusal or refuse("dispense.unknown", _("Thuốc không có trong danh mục."))
        lots = [lot for lot in stock if lot.drug == drug.code]
        count = wanted[one.id or ""]
        there = sum(lot.balance for lot in rules.usable(lots, today=today))
        left = rules.prescribed(one) - given.get(one.id or "", 0)
        refusal = rules.dispense_refusal(
            name=drug.label, wanted=count, left=left, there=there, unit=drug.unit
        )
        if refusal:
            return refusal
        chosen = rules.picks(lots, count, today=today)
        for pick in chosen:
            pick.lot.balance -= pick.quantity
        found.append(_Taken(one, drug, count, chosen))
    return found


def _hand_over(record: Record, code: str, taken: _Taken, key: str) -> None:
    """One line: the ledger, the balance, the MedicationDispense and what keeps a second submit away."""
    now = record.clock()
    moment = now.astimezone(HANOI).isoformat(timespec="seconds")
    actor = record.actor
    giver = Reference(display=actor.name or None)
    if actor.practitioner:
        giver.reference = f"Practitioner/{actor.practitioner}"
    lots = ", ".join(f"{pick.lot.number}: {pick.quantity}" for pick in taken.picks)
    made = record.create(
        MedicationDispense(
            status="completed",
            medicationCodeableConcept=taken.request.medicationCodeableConcept,
            subject=taken.request.subject,
            context=taken.request.encounter,
            performer=[MedicationDispensePerformer(actor=giver)],
            authorizingPrescription=[reference(taken.request)],
            quantity=Quantity(value=Decimal(taken.quantity), unit=taken.drug.unit),
            whenPrepared=moment,
            whenHandedOver=moment,
            note=[Annotation(text=f"Lô {lots}")],
            dosageInstruction=taken.request.dosageInstruction,
        )
    )
    for pick in taken.picks:
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, [pick.quantity, pick.lot.pk])
        Movement(
            lot=pick.lot, quantity=-pick.quantity, reason=Reason.DISPENSE,
            reference=f"MedicationDispense/{made.id}", by=actor.user, at=now,
        ).save(force_insert=True)  # fmt: skip
    Handover(
        request_id=taken.request.id or "", key=key, prescription=code, dispense_id=made.id or "",
        quantity=taken.quantity, at=now,
    ).save(force_insert=True)  # fmt: skip


def _charge(record: Record, taken: Sequence[_Taken]) -> None:
    """The medicines on the visit's invoice, for the cashier."""
    request = taken[0].request
    encounter = record.read(Encounter, id_of(request.encounter))
    patient = record.read(Patient, id_of(request.subject))
    ticket = ticket_of(record, encounter=encounter.id or "")
    lines = [
        Line(
            one.drug.label,
            Decimal(one.drug.price),
            Decimal(one.quantity),
            one.drug.code,
            DRUG_CS,
            one.drug.unit,
        )
        for one in taken
    ]
    money.add_lines(
        record, encounter=encounter, patient=patient, lines=lines, ticket=ticket.code if ticket else ""
    )


def receive(
    record: Record, *, drug: str, number: str, expiry: date, quantity: int, key: str
) -> Lot | Refusal:
    """Put goods in stock. The same ``key`` counts once."""
    number = number.strip().upper()
    refusal = rules.received_refusal(
        drug=drug, number=number, expiry=expiry, quantity=quantity, today=queries.today_of(record)
    )
    if refusal:
        return refusal
    with whole():
        lot = _received(
            record, facility=record.actor.facility or "", drug=drug, number=number, expiry=expiry,
            quantity=quantity, key=key,
        )  # fmt: skip
        changed(f"pharmacy:{record.actor.facility}")
    return lot


def _received(
    record: Record, *, facility: str, drug: str, number: str, expiry: date, quantity: int, key: str
) -> Lot:
    """The lot's row is locked by the insert, so the same key waits here and then finds its line."""
    with connection.cursor() as cursor:
        cursor.execute(_RECEIVE, [facility, drug, number, expiry, 0])
        lot_id = cursor.fetchone()[0]
        again = Movement.objects.filter(lot_id=lot_id, reference=key).exists()
        if not again:
            cursor.execute("update pharmacy_lot set balance = balance + %s where id = %s", [quantity, lot_id])
            Movement(
                lot_id=lot_id, quantity=quantity, reason=Reason.RECEIPT, reference=key, by=record.actor.user,
                at=record.clock(),
            ).save(force_insert=True)  # fmt: skip
    return Lot.objects.get(pk=lot_id)


#: Demo stock: lot, days until it expires, units. The last lot has expired and must never be offered.
_SEEDS = (("A", 150, 120), ("B", 400, 480), ("Z", -20, 60))


def seed_stock(record: Record, facility: str) -> int:
    """Invented stock for a demo facility: every drug in two good lots; again does nothing. Returns how many lots."""
    if Lot.objects.filter(facility=facility).exists():
        return 0
    today, now = queries.today_of(record), record.clock()
    with whole():
        lots = [
            Lot(
                facility=facility,
                drug=drug.code,
                number=f"{letter}{drug.code[1:]}",
                expiry=today + timedelta(days=days + at % 60),
                balance=units,
            )
            for at, drug in enumerate(catalogues.drugs())
            for letter, days, units in _SEEDS
            if letter != "Z" or at % 10 == 0
        ]
        for lot in lots:
            lot.expiry = lot.expiry if not lot.number.startswith("Z") else today - timedelta(days=20)
        made = Lot.objects.bulk_create(lots)
        Movement.objects.bulk_create(
            Movement(
                lot=lot,
                quantity=lot.balance,
                reason=Reason.RECEIPT,
                reference="seed",
                by=record.actor.user,
                at=now,
            )
            for lot in made
        )
    return len(made)
