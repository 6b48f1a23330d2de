"""What the cashier typed, compared with an invoice."""

from __future__ import annotations

import re

from yba.care.money import rules as money
from yba.fhir.model.fold import fold_words
from yba.fhir.r4.invoice import Invoice

_TICKET = re.compile(r"([A-Za-z]{1,2})\s?0*([0-9]{1,4})")


def ticket_in(text: str) -> str:
    """``b27`` is the ticket ``B 027``; empty for anything else."""
    found = _TICKET.fullmatch(text.strip())
    return f"{found[1].upper()} {int(found[2]):03}" if found else ""


def is_asked_for(invoice: Invoice, text: str, *, patients: set[str]) -> bool:
    """Whether an invoice fits the words: its number, its ticket, its person's name in any accents."""
    text = text.strip()
    if text.upper() == money.number_of(invoice):
        return True
    ticket = ticket_in(text)
    if ticket and ticket == money.ticket_of(invoice):
        return True
    subject = invoice.subject
    if subject and (subject.reference or "").removeprefix("Patient/") in patients:
        return True
    asked, known = fold_words(text), fold_words(subject.display or "" if subject else "")
    return bool(asked) and all(any(word.startswith(one) for word in known) for one in asked)
