"""The cashier's page object."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _

from yba.areas.billing import queries
from yba.care.money import accounts, rules, transfers, vietqr
from yba.care.money import queries as money
from yba.care.money.accounts import Code
from yba.care.money.models import Method, Receipt
from yba.fhir.r4.invoice import Invoice
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.ui import spoken, words
from yba.ui.words import local_day


@dataclass(frozen=True, slots=True)
class Entry:
    """An invoice in the list."""

    url: str
    name: str
    ticket: str
    amount: Decimal
    at: str
    is_paid: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the open invoice."""

    text: str
    quantity: str
    unit: str
    price: str
    amount: str


@dataclass(frozen=True, slots=True)
class Bill:
    """The open invoice."""

    id: str
    number: str
    name: str
    facts: str
    ticket: str
    rows: tuple[Row, ...]
    due: Decimal
    can_pay: bool
    is_cancelled: bool
    receipt: Receipt | None
    method: str
    content: str
    code: Code | None
    topic: str


@dataclass(frozen=True, slots=True)
class Cashier:
    """The whole page."""

    title: str
    facility: str
    text: str
    entries: list[Entry]
    bill: Bill | None
    methods: list[tuple[str, str]]
    taken: list[tuple[str, str, str]]
    count: int
    total: Decimal
    refusal: str


def cashier(record: Record, *, text: str = "", invoice: Invoice | None = None, refusal: str = "") -> Cashier:
    """The list, the open invoice and what this cashier took today."""
    day = local_day(record.clock())
    found = queries.invoices(record, text=text, day=day)
    taken = money.taken(facility=record.actor.facility or "", day=day, by=record.actor.user)
    return Cashier(
        title=_("Thu ngân"),
        facility=record.actor.facility or "",
        text=text,
        entries=[_entry(one, invoice) for one in found],
        bill=_bill(record, invoice) if invoice else None,
        methods=[(one.value, str(one.label)) for one in Method],
        taken=[
            (one.label, spoken.money(one.amount), _("%(count)s phiếu") % {"count": one.count})
            for one in taken
        ],
        count=sum(one.count for one in taken),
        total=sum((one.amount for one in taken), Decimal(0)),
        refusal=refusal,
    )


def _entry(invoice: Invoice, current: Invoice | None) -> Entry:
    return Entry(
        url=reverse("billing:invoice", args=[invoice.id]),
        name=(invoice.subject.display or "") if invoice.subject else "",
        ticket=rules.ticket_of(invoice) or rules.number_of(invoice),
        amount=rules.sum_of(invoice),
        at=words.gio(invoice.date) if invoice.date else "",
        is_paid=invoice.status == "balanced",
        is_current=current is not None and invoice.id == current.id,
    )


def _bill(record: Record, invoice: Invoice) -> Bill:
    patient_id = (invoice.subject.reference or "").removeprefix("Patient/") if invoice.subject else ""
    patient = record.read(Patient, patient_id)
    today = local_day(record.clock())
    receipt = money.receipt_of(invoice=invoice.id or "")
    facts = [spoken.age(patient.birthDate, today), spoken.gender(patient.gender)]
    return Bill(
        id=invoice.id or "",
        number=rules.number_of(invoice),
        name=(invoice.subject.display or "") if invoice.subject else "",
        facts=", ".join(filter(None, [*facts, words.ngay(invoice.date)])),
        ticket=rules.ticket_of(invoice),
        rows=tuple(_row(line) for line in rules.lines_of(invoice)),
        due=rules.sum_of(invoice),
        can_pay=invoice.status == "issued",
        is_cancelled=invoice.status == "cancelled",
        receipt=receipt,
        method=str(Method(receipt.method).label) if receipt else "",
        content=vietqr.content_of(rules.number_of(invoice)),
        code=accounts.code_for(invoice, accounts.account_of(record.actor.facility or "")),
        topic=transfers.topic_of(record.actor.facility or ""),
    )


def _row(line: rules.Line) -> Row:
    quantity = (
        line.quantity.to_integral_value()
        if line.quantity == line.quantity.to_integral_value()
        else line.quantity
    )
    return Row(
        line.text,
        spoken.decimal(quantity),
        line.unit,
        spoken.money_plain(rules.whole(line.price)),
        spoken.money_plain(line.amount),
    )
