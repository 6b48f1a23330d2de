"""Reading money: what is unpaid, what was taken, sums of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import Count, Sum

from yba import fhir
from yba.care.money import rules
from yba.care.money.models import Method, Receipt
from yba.fhir.r4.invoice import Invoice
from yba.fhir.record import facility_of
from yba.ui.words import HANOI

#: How far back an unpaid invoice is still found by name, ticket or number.
UNPAID_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Taken:
    """What came in by one method: how many receipts, how much."""

    method: str
    label: str
    count: int
    amount: Decimal


def unpaid(record: fhir.Record, *, facility: str, day: date) -> list[Invoice]:
    """Issued invoices of a facility's day, oldest first."""
    return _of_day(record, facility, day, "issued")


def of_day(record: fhir.Record, *, facility: str, day: date) -> list[Invoice]:
    """Issued and paid invoices of a facility's day, oldest first."""
    return _of_day(record, facility, day, "issued,balanced")


def still_unpaid(record: fhir.Record, *, facility: str, day: date) -> list[Invoice]:
    """Issued invoices of the days before: who left without paying, or came after midnight."""
    return _of_day(record, facility, day - timedelta(days=1), "issued", days=UNPAID_DAYS)


def _of_day(record: fhir.Record, facility: str, day: date, status: str, *, days: int = 1) -> list[Invoice]:
    last = datetime.combine(day, time(), HANOI)
    first = last - timedelta(days=days - 1)
    found = record.find(
        Invoice,
        ("status", status),
        ("date", f"ge{first.isoformat()}"),
        ("date", f"lt{(last + timedelta(days=1)).isoformat()}"),
        ("_sort", "date"),
    )
    return [one for one in found if facility_of(one) == facility]


def invoices_of(record: fhir.Record, *, encounter: str) -> list[Invoice]:
    """All invoices of a visit."""
    return record.find(Invoice, ("identifier", f"{rules.VISIT}|{encounter}"))


def receipt_of(*, invoice: str) -> Receipt | None:
    """The receipt of a paid invoice."""
    return Receipt.objects.filter(invoice_id=invoice).first()


def taken(*, facility: str, day: date, by: str = "") -> list[Taken]:
    """What a facility (or one of its cashiers) took on a day, by method; every method has its line."""
    rows = Receipt.objects.filter(facility=facility, day=day)
    if by:
        rows = rows.filter(by=by)
    sums = {
        row["method"]: (row["n"], row["total"])
        for row in rows.values("method").annotate(n=Count("id"), total=Sum("amount"))
    }
    return [Taken(one.value, str(one.label), *sums.get(one.value, (0, Decimal(0)))) for one in Method]
