"""Money that comes by transfer: paid to the invoice its words name, or shown to a cashier with what stopped it.

What the bank says comes once however often it is said (its own number); nothing that came is ever lost: what pays no
invoice by itself waits until a cashier settles it with one, or notes that it was given back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext_lazy as _

from yba import fhir
from yba.care.identifiers import INVOICE
from yba.care.line.transaction import whole
from yba.care.money import actions, rules, vietqr
from yba.care.money.models import Method, Receipt, Transfer, TransferState
from yba.care.refusal import Refusal, refuse
from yba.fhir.r4.invoice import Invoice
from yba.fhir.record import facility_of
from yba.ui.live import changed

_NEW = """
insert into money_transfer
    (facility, account, reference, amount, content, payer, at, received_at, came_by, state, why, invoice_number, reason,
     decided_by, decided_by_name)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'open', '', '', '', '', '')
on conflict (facility, account, reference) do nothing
returning id"""
_LOCK = "select id from money_transfer where facility = %s and id = any(%s) order by id for update"


@dataclass(frozen=True, slots=True)
class Credit:
    """One line of the bank: money that came. ``amount`` in whole đồng, ``at`` when the bank booked it."""

    account: str
    reference: str
    amount: Decimal
    content: str
    at: datetime
    payer: str = ""


def topic_of(facility: str) -> str:
    """What pages listen to for news of transfers."""
    return f"transfers:{facility}"


def arrived(record: fhir.Record, facility: str, credit: Credit, *, came_by: str) -> tuple[Transfer, bool]:
    """Keep what the bank says, and pay the invoice it names; whether it was new.

    The same line said again, also at the same moment, is the one that was kept. ``record``: of any actor; the invoice
    is paid by the house itself.
    """
    system = record.as_system()
    with whole():
        with connection.cursor() as cursor:
            cursor.execute(
                _NEW,
                [
                    facility, credit.account, credit.reference, credit.amount, credit.content[:500],
                    credit.payer[:200], credit.at, system.clock(), came_by,
                ],
            )  # fmt: skip
            made = cursor.fetchone()
        kept = Transfer.objects.get(facility=facility, account=credit.account, reference=credit.reference)
        if made is not None:
            _match(system, kept)
            changed(topic_of(facility))
    return kept, made is not None


def _match(system: fhir.Record, transfer: Transfer) -> None:
    """Pay the one invoice the words name with the whole sum, or say why not."""
    numbers = vietqr.numbers_in(transfer.content)
    invoice = _invoice(system, transfer.facility, next(iter(numbers))) if len(numbers) == 1 else None
    if invoice is None:
        transfer.why = "unnamed" if not numbers else "several" if len(numbers) > 1 else "unknown"
        transfer.save(update_fields=["why"])
        return
    transfer.invoice_number = rules.number_of(invoice)
    found = _paid(system, invoice, [transfer], amount=transfer.amount)
    if isinstance(found, Refusal):
        transfer.why = found.key
    else:
        transfer.state, transfer.receipt = TransferState.MATCHED, found
    transfer.save(update_fields=["invoice_number", "why", "state", "receipt"])


def _invoice(record: fhir.Record, facility: str, number: str) -> Invoice | None:
    found = record.find(Invoice, ("identifier", f"{INVOICE}|{number}"))
    return next((one for one in found if facility_of(one) == facility), None)


def _paid(
    record: fhir.Record, invoice: Invoice, transfers: Sequence[Transfer], *, amount: Decimal
) -> Receipt | Refusal:
    said = "|".join(f"{one.facility}.{one.account}.{one.reference}" for one in transfers)
    key = f"bank.{hashlib.sha256(said.encode()).hexdigest()[:48]}"
    return actions.pay(record, str(invoice.id), method=Method.TRANSFER, amount=amount, key=key)


def settle(record: fhir.Record, ids: Collection[int], *, number: str, reason: str = "") -> Receipt | Refusal:
    """Pay one invoice with open transfers of the actor's facility, once.

    Their sum must be what is due; more is taken only with a ``reason`` that says how the rest was given back.
    """
    facility = record.actor.facility or ""
    with whole():
        transfers = _locked(facility, ids)
        refusal = _still_open(transfers, ids)
        invoice = _invoice(record, facility, _spelled(number)) if refusal is None else None
        if refusal is not None:
            return refusal
        if invoice is None:
            return refuse(
                "money.no-invoice", _("Cơ sở không có hóa đơn số %(number)s."), number=number.strip()
            )
        came, due = sum((one.amount for one in transfers), Decimal(0)), rules.sum_of(invoice)
        if came > due and not reason:
            return refuse(
                "money.too-much",
                _("Chuyển thừa %(rest)s đ so với hóa đơn. Ghi rõ phần thừa đã trả lại thế nào rồi thu."),
                rest=rules.said(came - due),
            )
        found = _paid(record, invoice, transfers, amount=min(came, due))
        if not isinstance(found, Refusal):
            for one in transfers:
                one.receipt, one.invoice_number = found, rules.number_of(invoice)
                _decide(record, one, TransferState.SETTLED, reason)
            changed(topic_of(facility))
    return found


def give_back(record: fhir.Record, transfer_id: int, *, reason: str) -> Transfer | Refusal:
    """Note that the money was sent back, or belongs to nobody here, with why."""
    facility = record.actor.facility or ""
    if not reason:
        return refuse(
            "money.reason", _("Ghi lý do: đã trả lại lúc nào, cách nào, hoặc tiền này của việc gì.")
        )
    with whole():
        transfers = _locked(facility, [transfer_id])
        refusal = _still_open(transfers, [transfer_id])
        if refusal is not None:
            return refusal
        _decide(record, transfers[0], TransferState.RETURNED, reason)
        record.audit(
            "update", type_name="Invoice", detail=f"transfer {transfers[0].reference} noted as given back"
        )
        changed(topic_of(facility))
    return transfers[0]


def _locked(facility: str, ids: Collection[int]) -> list[Transfer]:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [facility, list(ids)])
        found = [row[0] for row in cursor.fetchall()]
    return list(Transfer.objects.filter(pk__in=found).order_by("pk"))


def _still_open(transfers: Sequence[Transfer], ids: Collection[int]) -> Refusal | None:
    if not ids or len(transfers) != len(set(ids)):
        return refuse("money.no-transfer", _("Chọn ít nhất một khoản tiền về của cơ sở này."))
    if any(one.state != TransferState.OPEN for one in transfers):
        return refuse("money.decided", _("Khoản này vừa được xử lý. Tải lại trang để xem."))
    return None


def _decide(record: fhir.Record, transfer: Transfer, state: TransferState, reason: str) -> None:
    transfer.state, transfer.reason = state, reason[:300]
    transfer.decided_by, transfer.decided_by_name = record.actor.user, record.actor.name or ""
    transfer.decided_at = record.clock()
    transfer.save(
        update_fields=[
            "state", "reason", "receipt", "invoice_number", "decided_by", "decided_by_name", "decided_at",
        ]
    )  # fmt: skip


def _spelled(number: str) -> str:
    """An invoice's number as somebody types it, as it is kept."""
    found = vietqr.numbers_in(number)
    return next(iter(found)) if len(found) == 1 else number.strip().upper()
