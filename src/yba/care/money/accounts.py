"""The facility's bank account: said by its administrator, changed with a note in the audit, shown as a code."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.crypto import salted_hmac

from yba import fhir
from yba.care.line.transaction import whole
from yba.care.money import rules, vietqr
from yba.care.money.models import BankAccount
from yba.fhir.errors import Forbidden
from yba.fhir.r4.invoice import Invoice


@dataclass(frozen=True, slots=True)
class Code:
    """How to pay one invoice by transfer: the code's text, and the same in words."""

    payload: str
    bank: str
    number: str
    holder: str
    content: str


def account_of(facility: str) -> BankAccount | None:
    """Where a facility takes transfers."""
    return BankAccount.objects.filter(facility=facility).first()


def set_account(record: fhir.Record, *, bank: str, number: str, holder: str) -> BankAccount:
    """Say or change the account of the actor's own facility. The same said again changes nothing.

    Raises Forbidden for others than the facility's administrator; KeyError for a bank without VietQR.
    """
    actor = record.actor
    if actor.role != "facility_administrator" or not actor.facility:
        raise Forbidden("money.account", "Only the facility's administrator says where transfers go.")
    found = vietqr.banks()[bank]
    with whole():
        kept = account_of(actor.facility) or BankAccount(facility=actor.facility, version=0)
        if (kept.bank, kept.number, kept.holder) == (bank, number, holder):
            return kept
        before = f"{kept.bank} …{kept.number[-4:]}" if kept.number else "none"
        kept.bank, kept.number, kept.holder = bank, number, holder
        kept.version += 1
        kept.by, kept.by_name, kept.at = actor.user, actor.name or "", record.clock()
        kept.save()
        record.audit(
            "policy", type_name="Organization", identifier=actor.facility,
            detail=f"bank account: {before} -> {found.bin} …{number[-4:]}",
        )  # fmt: skip
    return kept


def code_for(invoice: Invoice, account: BankAccount | None) -> Code | None:
    """The code that pays an issued invoice; None without an account, or without a sum or a number to name it by."""
    number, due = rules.number_of(invoice), rules.sum_of(invoice)
    if account is None or invoice.status != "issued" or due <= 0 or not number:
        return None
    content = vietqr.content_of(number)
    bank = vietqr.banks().get(account.bank)
    return Code(
        payload=vietqr.payload(bank=account.bank, account=account.number, amount=due, content=content),
        bank=bank.short_name if bank else account.bank,
        number=account.number,
        holder=account.holder,
        content=content,
    )


def notice_secret(account: BankAccount) -> str:
    """What signs the notices of this account: made of the installation's secret, new when the account changes."""
    return salted_hmac(
        "yba.money.notices", f"{account.facility}|{account.number}|{account.version}", algorithm="sha256"
    ).hexdigest()
