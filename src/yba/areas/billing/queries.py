"""What the counter reads: the day's invoices, found or unpaid, and one of them in full."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from yba.areas.billing import rules
from yba.care import people
from yba.care.money import queries as money
from yba.care.money.models import Receipt
from yba.fhir.r4.invoice import Invoice
from yba.fhir.record import Record


def invoices(record: Record, *, text: str, day: date) -> Sequence[Invoice]:
    """Unpaid ones of the day; with words, all of the day that fit them and the older unpaid ones, unpaid first."""
    facility = record.actor.facility or ""
    if not text:
        return money.unpaid(record, facility=facility, day=day)
    receipt = Receipt.objects.filter(facility=facility, year=day.year, number=_receipt_number(text)).first()
    if receipt is not None:
        return [record.read(Invoice, receipt.invoice_id)]
    patients = {one.id or "" for one in people.find_people(record, text)} if _is_phone(text) else set()
    found = money.of_day(record, facility=facility, day=day)
    if not rules.ticket_in(text):  # tickets begin anew every day
        found += money.still_unpaid(record, facility=facility, day=day)
    return sorted(
        (one for one in found if rules.is_asked_for(one, text, patients=patients)),
        key=lambda one: one.status != "issued",
    )


def _is_phone(text: str) -> bool:
    return sum(sign.isdigit() for sign in text) >= 9


def _receipt_number(text: str) -> int:
    tail = text.strip().upper().partition("BL")[2].partition("-")[2]
    return int(tail) if tail.isdecimal() and len(tail) < 9 else 0
