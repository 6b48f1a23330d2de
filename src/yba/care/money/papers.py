"""The receipt on paper: 80 mm for the roll, A5 for the folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from yba import fhir
from yba.care.documents import pdf
from yba.care.money import rules
from yba.care.money.models import Method, Receipt
from yba.care.money.words import amount_in_words
from yba.fhir.r4.invoice import Invoice
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.ui import words

Size = Literal["a5", "80"]


@dataclass(frozen=True, slots=True)
class House:
    """Whose paper it is."""

    name: str
    address: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class PaperLine:
    """A line as printed."""

    text: str
    quantity: str
    price: str
    amount: str


@dataclass(frozen=True, slots=True)
class ReceiptPaper:
    """Everything the receipt says, in words."""

    facility: House
    code: str
    day: str
    at: str
    person: str
    birth_year: str
    ticket: str
    invoice: str
    total: str
    words: str
    method: str
    by: str
    foot: str
    lines: list[PaperLine] = field(default_factory=list)


def receipt_pdf(record: fhir.Record, receipt: Receipt, *, size: Size) -> bytes:
    """The receipt as PDF, from the invoice as it was when it was balanced."""
    paper = paper_of(record, receipt)
    record.audit(
        "print", type_name="Invoice", identifier=receipt.invoice_id, detail=f"receipt {receipt.code}",
        patients=[receipt.patient_id],
    )  # fmt: skip
    return pdf(f"money/receipt_{size}.typ", paper)


def paper_of(record: fhir.Record, receipt: Receipt) -> ReceiptPaper:
    """What the receipt says."""
    invoice = record.read(Invoice, receipt.invoice_id)
    patient = record.read(Patient, receipt.patient_id)
    return ReceiptPaper(
        facility=house_of(record, receipt.facility),
        code=receipt.code,
        day=f"Ngày {words.ngay(receipt.at)}",
        at=f"{words.gio(receipt.at)}, {words.ngay(receipt.at)}",
        person=receipt.patient_name,
        birth_year=(patient.birthDate or "")[:4],
        ticket=rules.ticket_of(invoice),
        invoice=receipt.invoice_number,
        total=words.money_plain(receipt.amount),
        words=f"{amount_in_words(int(receipt.amount))}.",
        method=str(Method(receipt.method).label),
        by=receipt.by_name,
        foot="Giữ biên lai này tới khi ra về. Xem lại trong sổ sức khỏe Y Bạ.",
        lines=[_printed(line) for line in rules.lines_of(invoice)],
    )


def house_of(record: fhir.Record, facility: str) -> House:
    """Name, address and phone of a facility."""
    found = record.read(Organization, facility)
    address = found.address[0].text or "" if found.address else ""
    phone = next((one.value or "" for one in found.telecom if one.system == "phone"), "")
    return House(found.name or "", address, f"Điện thoại {words.phone(phone)}" if phone else "")


def _printed(line: rules.Line) -> PaperLine:
    return PaperLine(
        line.text,
        f"{words.decimal(_trim(line.quantity))} {line.unit}".strip(),
        words.money_plain(rules.whole(line.price)),
        words.money_plain(line.amount),
    )


def _trim(quantity: Decimal) -> Decimal:
    return quantity.to_integral_value() if quantity == quantity.to_integral_value() else quantity
