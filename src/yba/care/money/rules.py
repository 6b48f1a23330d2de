"""What an invoice says and whether money may be taken for it. Pure; amounts are whole đồng in ``Decimal``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext_lazy as _

from yba.care.identifiers import BASE, INVOICE, SERVICE_CS, TICKET
from yba.care.refusal import Refusal, refuse
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Extension, Money
from yba.fhir.r4.invoice import Invoice, InvoiceLineItem, InvoiceLineItemPriceComponent

#: An Invoice of R4 has no element for its visit: an identifier carries it, so that it can be searched.
VISIT: Final = BASE + "encounter"
QUANTITY: Final = "https://yba.vn/fhir/ext/quantity"
VND: Final = "VND"
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to pay: what, how many, at what price each."""

    text: str
    price: Decimal
    quantity: Decimal = Decimal(1)
    code: str = ""
    system: str = SERVICE_CS
    unit: str = ""

    @property
    def amount(self) -> Decimal:
        """Quantity times price, to whole đồng, halves up."""
        return whole(self.price * self.quantity)


def whole(amount: Decimal) -> Decimal:
    """To whole đồng, halves away from zero."""
    return amount.quantize(Decimal(1), rounding="ROUND_HALF_UP")


def vnd(amount: Decimal) -> Money:
    """FHIR money in đồng."""
    return Money(value=amount, currency=VND)


def total(lines: list[Line]) -> Decimal:
    """The sum of the lines."""
    return sum((line.amount for line in lines), Decimal(0))


def line_item(line: Line, sequence: int) -> InvoiceLineItem:
    """A line as FHIR: the base price with ``factor`` = how many, and the amount it makes."""
    concept = CodeableConcept(text=line.text)
    if line.code:
        concept.coding = [Coding(system=line.system, code=line.code, display=line.text)]
    part = InvoiceLineItemPriceComponent(type="base", factor=line.quantity, amount=vnd(line.amount))
    part.extension = [Extension(url=QUANTITY, valueString=line.unit)] if line.unit else []
    return InvoiceLineItem(sequence=sequence, chargeItemCodeableConcept=concept, priceComponent=[part])


def line_of(item: InvoiceLineItem) -> Line:
    """The line a FHIR item was made from."""
    concept = item.chargeItemCodeableConcept or CodeableConcept()
    coding = concept.coding[0] if concept.coding else Coding()
    part = item.priceComponent[0] if item.priceComponent else None
    amount = part.amount.value if part and part.amount and part.amount.value is not None else Decimal(0)
    quantity = part.factor if part and part.factor else Decimal(1)
    unit = next(
        (one.valueString or "" for one in (part.extension if part else []) if one.url == QUANTITY), ""
    )
    text = concept.text or coding.display or coding.code or ""
    return Line(text, amount / quantity, quantity, coding.code or "", coding.system or SERVICE_CS, unit)


def lines_of(invoice: Invoice) -> list[Line]:
    """What the invoice asks for, in order."""
    return [line_of(item) for item in invoice.lineItem]


def sum_of(invoice: Invoice) -> Decimal:
    """What is to be paid: the stored total, which ``charge`` and ``add_lines`` keep equal to the lines."""
    money = invoice.totalGross
    return money.value if money and money.value is not None else total(lines_of(invoice))


def identifier_of(invoice: Invoice, system: str) -> str:
    """The invoice's number, ticket or visit; empty when it has none."""
    return next((one.value or "" for one in invoice.identifier if one.system == system), "")


def topic_of(invoice: Invoice) -> str:
    """What a page of one invoice listens to: whether it was paid."""
    return f"invoice:{invoice.id}"


def number_of(invoice: Invoice) -> str:
    """The number people say: "HD26-000123"."""
    return identifier_of(invoice, INVOICE)


def ticket_of(invoice: Invoice) -> str:
    """The ticket of its visit: "B 027"."""
    return identifier_of(invoice, TICKET)


def may_pay(invoice: Invoice, *, amount: Decimal) -> Refusal | None:
    """Whether this sum may be taken for this invoice now; None is yes."""
    if invoice.status == "balanced":
        return refuse(
            "money.paid",
            _("Hóa đơn %(number)s đã thu tiền rồi, không thu lần nữa."),
            number=number_of(invoice),
        )
    if invoice.status != "issued":
        return refuse(
            "money.closed", _("Hóa đơn %(number)s đã hủy, không thu được."), number=number_of(invoice)
        )
    due = sum_of(invoice)
    if amount != due:
        return refuse(
            "money.amount",
            _(
                "Số tiền thu %(amount)s đ khác với số phải trả %(due)s đ. Mở lại hóa đơn để xem các khoản vừa thêm."
            ),
            amount=said(amount),
            due=said(due),
        )
    return None


def said(amount: Decimal) -> str:
    """Whole đồng as people read them: "45.000"."""
    return f"{amount:,.0f}".replace(",", ".")
