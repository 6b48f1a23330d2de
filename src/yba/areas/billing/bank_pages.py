"""Page objects of the bank account and of money that came by transfer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yba.areas.billing import forms
from yba.care.money import accounts, transfers, vietqr
from yba.care.money.models import BankAccount, Transfer, TransferState
from yba.fhir.record import Record
from yba.ui import words
from yba.ui.words import local_day

#: What stopped a transfer from paying by itself, in the words of the counter.
WHY: Final = {
    "unnamed": gettext_lazy("Nội dung không ghi số hóa đơn"),
    "several": gettext_lazy("Nội dung ghi nhiều hóa đơn"),
    "unknown": gettext_lazy("Không có hóa đơn số này"),
    "money.amount": gettext_lazy("Số tiền khác hóa đơn"),
    "money.paid": gettext_lazy("Hóa đơn đã thu trước đó"),
    "money.closed": gettext_lazy("Hóa đơn đã hủy"),
}
KINDS: Final = {
    TransferState.MATCHED: "done",
    TransferState.SETTLED: "done",
    TransferState.OPEN: "warn",
    TransferState.RETURNED: "off",
}
SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A transfer as it is listed."""

    id: int
    at: str
    amount: Decimal
    content: str
    payer: str
    reference: str
    kind: str
    state: str
    note: str
    receipt: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class TransfersPage:
    """Money that came: what needs a look, and what was done with the rest."""

    title: str
    topic: str
    text: str
    open: list[Line]
    done: list[Line]
    more: int
    has_account: bool
    may_decide: bool
    settle: Any
    give_back: Any
    statement: Any
    faults: tuple[str, ...]
    refusal: str


@dataclass(frozen=True, slots=True)
class AccountPage:
    """The account and what is made of it."""

    title: str
    form: Any
    account: BankAccount | None
    bank: str
    code: str
    notice_url: str
    secret: str


def transfers_page(
    record: Record, *, text: str = "", settle: Any = None, give_back: Any = None, statement: Any = None,
    chosen: frozenset[int] = frozenset(), faults: tuple[str, ...] = (), refusal: str = "",
) -> TransfersPage:  # fmt: skip
    """Everything open, however old; of the rest the newest. With words, those they stand in."""
    facility = record.actor.facility or ""
    kept = Transfer.objects.filter(facility=facility).select_related("receipt")
    if text:
        named = vietqr.numbers_in(text) or {text}
        found = Q(content__icontains=text) | Q(payer__icontains=text) | Q(reference__iexact=text)
        kept = kept.filter(found | Q(invoice_number__in=named))
    waiting = kept.filter(state=TransferState.OPEN).order_by("at", "pk")
    rest = kept.exclude(state=TransferState.OPEN).order_by("-at", "-pk")
    today = local_day(record.clock())
    return TransfersPage(
        title=_("Tiền chuyển khoản"),
        topic=transfers.topic_of(facility),
        text=text,
        open=[_line(one, today, chosen) for one in waiting],
        done=[_line(one, today, chosen) for one in rest[:SHOWN]],
        more=max(rest.count() - SHOWN, 0),
        has_account=accounts.account_of(facility) is not None,
        may_decide=record.actor.role == "cashier",
        settle=settle or forms.SettleForm(),
        give_back=give_back or forms.GiveBackForm(),
        statement=statement or forms.StatementForm(),
        faults=faults,
        refusal=refusal,
    )


def _line(one: Transfer, today: Any, chosen: frozenset[int]) -> Line:
    state = TransferState(one.state)
    note = str(WHY.get(one.why, "")) if state == TransferState.OPEN else one.reason
    if one.invoice_number:
        note = f"{one.invoice_number}. {note}" if note else one.invoice_number
    return Line(
        id=one.pk,
        at=words.gio(one.at) if local_day(one.at) == today else words.when(one.at),
        amount=one.amount,
        content=one.content,
        payer=one.payer,
        reference=one.reference,
        kind=KINDS[state],
        state=str(state.label),
        note=note,
        receipt=one.receipt.code if one.receipt else "",
        chosen=one.pk in chosen,
    )


def account_page(record: Record, form: Any = None, *, show_secret: bool = False) -> AccountPage:
    """The account of the actor's facility, with a code to try it by."""
    facility = record.actor.facility or ""
    account = accounts.account_of(facility)
    said = {"bank": account.bank, "number": account.number, "holder": account.holder} if account else {}
    bank = vietqr.banks().get(account.bank) if account else None
    return AccountPage(
        title=_("Tài khoản nhận chuyển khoản"),
        form=form if form is not None else forms.AccountForm(initial=said),
        account=account,
        bank=bank.short_name if bank else "",
        code=vietqr.payload(
            bank=account.bank, account=account.number, amount=Decimal(2000), content=f"{vietqr.MARK} THU"
        )
        if account
        else "",
        notice_url=settings.YBA_ORIGIN + reverse("billing:notice", args=[facility]) if account else "",
        secret=accounts.notice_secret(account) if account and show_secret else "",
    )
