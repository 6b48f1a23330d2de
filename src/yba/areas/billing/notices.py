"""What a bank's gateway tells at once: one signed notice for each credit, answered when it is kept.

The body is JSON; ``X-Yba-Signature: sha256=<hex>`` is the HMAC-SHA256 of ``<X-Yba-Time>.<body>`` with the account's
secret, and the time (seconds of Unix) may be five minutes off: a notice that was caught can't be sent again later, and
one sent twice is one. Anything else learns nothing (404).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from yba.care.money import accounts, transfers
from yba.care.money.models import BankAccount
from yba.ui.requests import record_of
from yba.ui.words import HANOI

LARGEST: Final = 20_000
OFF: Final = timedelta(minutes=5)


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """``account``, ``reference``: as the bank numbers them; ``amount`` in whole đồng; ``at`` with its offset."""

    account: str = msgspec.field()
    reference: str = msgspec.field()
    amount: int = msgspec.field()
    content: str = msgspec.field()
    at: datetime = msgspec.field()
    payer: str = ""


@csrf_exempt
@require_POST
def notice(request: HttpRequest, facility: str) -> HttpResponse:
    """One credit. 200 with what became of it; 422 with what is wrong in it."""
    account = accounts.account_of(facility)
    record = record_of(request)
    if account is None or not _signed(request, account, now=record.clock()):
        raise Http404
    try:
        found = _read(request.body, account)
    except ValueError as problem:
        return JsonResponse({"error": str(problem)}, status=422)
    kept, new = transfers.arrived(record, facility, found, came_by="notice")
    return JsonResponse({"reference": kept.reference, "state": kept.state, "new": new})


def signature(secret: str, at: str, body: bytes) -> str:
    """What the header says for a body sent at a time."""
    made = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256)
    return f"sha256={made.hexdigest()}"


def _signed(request: HttpRequest, account: BankAccount, *, now: datetime) -> bool:
    at = request.headers.get("X-Yba-Time", "")
    if not re.fullmatch(r"\d{9,11}", at) or abs(now.timestamp() - int(at)) > OFF.total_seconds():
        return False
    if int(request.headers.get("Content-Length") or 0) > LARGEST:
        return False
    wanted = signature(accounts.notice_secret(account), at, request.body)
    return hmac.compare_digest(wanted.encode(), request.headers.get("X-Yba-Signature", "").encode())


def _read(body: bytes, account: BankAccount) -> transfers.Credit:
    try:
        said = msgspec.json.decode(body, type=Notice)
    except msgspec.MsgspecError as problem:
        raise ValueError(f"The notice can't be read: {problem}") from None
    if said.account != account.number:
        raise ValueError("`account` is not the account this facility takes transfers at.")
    if "\0" in f"{said.reference}{said.content}{said.payer}":
        raise ValueError("A text holds the sign NUL, which nobody can write down.")
    if not said.reference or len(said.reference) > 100:
        raise ValueError("`reference` is the bank's number of this credit, 1 to 100 characters.")
    if not 0 < said.amount < 10**13:
        raise ValueError("`amount` is whole đồng, more than 0.")
    at = said.at if said.at.tzinfo else said.at.replace(tzinfo=HANOI)
    return transfers.Credit(
        account=said.account, reference=said.reference, amount=Decimal(said.amount), content=said.content, at=at,
        payer=said.payer,
    )  # fmt: skip
