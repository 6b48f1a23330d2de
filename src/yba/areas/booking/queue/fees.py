"""What is to be paid for the examination one has just been given a number for, at the kiosk and on one's own page.

Nobody else's debts, nor others of one's own: the one invoice of this number's visit, and only while nothing but the
examination stands on it. What a doctor has ordered since is for the cashier's counter, where nobody reads along.
Money comes by transfer (``care.money``): the code names the invoice, the bank's notice settles it, and whoever waits is
told by an event or asks again. Cash and bank cards are taken at the counter. Who has an insurance card that holds today
is led there too, for what the insurance pays is decided there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yba.care import catalogues, coverages
from yba.care.line.models import Ticket
from yba.care.money import accounts, rules
from yba.care.money import queries as money
from yba.care.money.accounts import Code
from yba.fhir.r4.invoice import Invoice
from yba.fhir.record import Record
from yba.ui import spoken
from yba.ui.words import local_day


@dataclass(frozen=True, slots=True)
class Fee:
    """``receipt``: its number once paid, else empty. ``code``: how to pay by transfer; None: at the counter alone."""

    sum: str
    receipt: str
    code: Code | None
    topic: str


def fee_of(record: Record, ticket: Ticket) -> Fee | None:
    """The fee of a number's own visit on its own day; None where there is none, or more than the examination on it."""
    if not ticket.encounter_id or ticket.day != local_day(record.clock()):
        return None
    found = [one for one in money.invoices_of(record, encounter=ticket.encounter_id) if _is_the_fee(one)]
    invoice = found[0] if len(found) == 1 else None
    if invoice is None or rules.sum_of(invoice) <= 0:
        return None
    topic = rules.topic_of(invoice)
    said = spoken.money(rules.sum_of(invoice))
    if invoice.status == "balanced":
        receipt = money.receipt_of(invoice=str(invoice.id))
        return Fee(said, receipt.code, None, topic) if receipt else None
    insured = _insured(record, ticket)
    code = None if insured else accounts.code_for(invoice, accounts.account_of(ticket.facility))
    return Fee(said, "", code, topic)


def _is_the_fee(invoice: Invoice) -> bool:
    lines = rules.lines_of(invoice)
    return invoice.status in ("issued", "balanced") and len(lines) == 1 and lines[0].code in _examinations()


def _examinations() -> Sequence[str]:
    return [one.code for one in catalogues.services() if one.group == "exam"]


def _insured(record: Record, ticket: Ticket) -> bool:
    """Whether a card of theirs holds on the day of the number."""
    card = coverages.coverage_of(record, ticket.patient_id, ticket.day)
    return card is not None and coverages.coverage_refusal(card, on=ticket.day) is None
