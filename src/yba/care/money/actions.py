"""Asking for money and taking it: an Invoice in the record, a Receipt beside it, one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from yba import fhir
from yba.care.identifiers import INVOICE, TICKET
from yba.care.line.transaction import whole
from yba.care.money import rules
from yba.care.money.models import Method, Receipt
from yba.care.money.numbers import next_number
from yba.care.refusal import Refusal, refuse
from yba.fhir.errors import Forbidden
from yba.fhir.model.dates import instant, period_of
from yba.fhir.r4.datatypes import Identifier, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.invoice import Invoice
from yba.fhir.r4.patient import Patient
from yba.ui.live import changed
from yba.ui.words import local_day

#: Who may ask for money for what they did; the door alone would stop the pharmacist, whose lines the cashier takes.
CHARGING = frozenset({"receptionist", "doctor", "pharmacist", "cashier", "system"})


def charge(
    record: fhir.Record,
    *,
    encounter: Encounter,
    patient: Patient,
    lines: Sequence[rules.Line],
    ticket: str = "",
) -> Invoice:
    """A new issued Invoice of a visit, numbered in the facility's series. Raises Forbidden for another facility's."""
    facility = _facility_of(encounter)
    _check(record, facility)
    with whole():
        now = record.clock()
        local_year = local_day(now).year
        number = f"HD{local_year % 100:02}-{next_number(facility, kind='invoice', year=local_year):06}"
        invoice = Invoice(
            status="issued",
            date=instant(now),
            subject=Reference(reference=f"Patient/{patient.id}", display=_name(patient)),
            issuer=Reference(reference=f"Organization/{facility}"),
            identifier=[
                Identifier(system=INVOICE, value=number),
                Identifier(system=rules.VISIT, value=encounter.id),
                *([Identifier(system=TICKET, value=ticket)] if ticket else []),
            ],
        )
        made = record.as_system().create(_with(invoice, list(lines)))
        changed(f"cashier:{facility}")
    return made


def add_lines(
    record: fhir.Record,
    *,
    encounter: Encounter,
    patient: Patient,
    lines: Sequence[rules.Line],
    ticket: str = "",
) -> Invoice:
    """Add to the visit's unpaid Invoice; when there is none (or it was paid just now), a new one.

    An invoice that grows on a later day moves to that day: the cashier's list is of the day, and the person stands
    there now.
    """
    facility = _facility_of(encounter)
    _check(record, facility)
    with whole():
        system = record.as_system()
        for one in system.find(
            Invoice, ("identifier", f"{rules.VISIT}|{encounter.id}"), ("status", "issued")
        ):
            invoice = system.lock(Invoice, str(one.id))
            if invoice.status == "issued":
                if not invoice.date or local_day(period_of(invoice.date)[0]) != local_day(record.clock()):
                    invoice.date = instant(record.clock())
                made = system.update(_with(invoice, [*rules.lines_of(invoice), *lines]))
                changed(f"cashier:{facility}")
                return made
        return charge(record, encounter=encounter, patient=patient, lines=lines, ticket=ticket)


def pay(record: fhir.Record, invoice_id: str, *, method: str, amount: Decimal, key: str) -> Receipt | Refusal:
    """Take the whole sum of an invoice once. The same ``key`` gets the same receipt, however often it comes.

    The invoice's row is locked first, so of many cashiers one takes the money and the others read that it is taken.
    """
    if method not in Method.values:
        return refuse("money.method", _("Chưa chọn cách trả tiền: tiền mặt, chuyển khoản hoặc thẻ."))
    if not key:
        raise ValueError("a payment needs a key")
    with whole():
        invoice = record.lock(Invoice, invoice_id)
        known = Receipt.objects.filter(key=key).first()
        if known is not None:
            if known.invoice_id == invoice_id:
                return known
            return refuse("money.key", _("Trang này đã dùng để thu hóa đơn khác. Mở lại hóa đơn rồi thu."))
        refusal = rules.may_pay(invoice, amount=amount)
        if refusal:
            return refusal
        invoice.status = "balanced"
        record.update(invoice)
        receipt = _receipt(record, invoice, method=method, amount=amount, key=key)
        changed(f"cashier:{receipt.facility}", rules.topic_of(invoice))
    return receipt


def _receipt(record: fhir.Record, invoice: Invoice, *, method: str, amount: Decimal, key: str) -> Receipt:
    now = record.clock()
    day = local_day(now)
    facility = (invoice.issuer.reference or "").removeprefix("Organization/") if invoice.issuer else ""
    subject = invoice.subject or Reference()
    receipt = Receipt(
        facility=facility, year=day.year, number=next_number(facility, kind="receipt", year=day.year),
        invoice_id=str(invoice.id), invoice_number=rules.number_of(invoice),
        patient_id=(subject.reference or "").removeprefix("Patient/"), patient_name=subject.display or "",
        amount=amount, method=method, at=now, day=day, by=record.actor.user, by_name=record.actor.name, key=key,
    )  # fmt: skip
    receipt.save(force_insert=True)
    return receipt


def _with(invoice: Invoice, lines: list[rules.Line]) -> Invoice:
    invoice.lineItem = [rules.line_item(line, at) for at, line in enumerate(lines, 1)]
    invoice.totalNet = rules.vnd(rules.total(lines))
    invoice.totalGross = rules.vnd(rules.total(lines))
    return invoice


def _facility_of(encounter: Encounter) -> str:
    reference = encounter.serviceProvider.reference if encounter.serviceProvider else None
    return (reference or "").removeprefix("Organization/")


def _check(record: fhir.Record, facility: str) -> None:
    actor = record.actor
    if actor.role not in CHARGING or (actor.role != "system" and actor.facility != facility):
        raise Forbidden(
            "money.charge", f"The role '{actor.role}' may not charge for this visit.", type="Invoice"
        )


def _name(patient: Patient) -> str:
    return patient.name[0].text or "" if patient.name else ""
