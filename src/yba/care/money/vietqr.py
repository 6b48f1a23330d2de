"""The QR code a bank's app reads: VietQR of NAPAS, with the sum and the words that name the invoice. Pure.

Source: EMV QR Code Specification for Payment Systems, Merchant-Presented Mode 1.1; NAPAS VietQR (field 38).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Final

from vietnam_qr_pay import BanksObject, QRPay

#: What stands before an invoice's number, so that a transfer to the clinic is told from others.
MARK: Final = "YBA"
#: Banks' apps take out signs and blanks, and put words of their own before and after.
_NAMED: Final = re.compile(rf"(?:{MARK}[\s._-]*)?HD[\s._-]*(\d{{2}})[\s._-]*(\d{{6,7}})(?!\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank that takes transfers by VietQR."""

    bin: str
    name: str
    short_name: str


@cache
def banks() -> dict[str, Bank]:
    """By BIN, in the order of the names people use."""
    found = [
        Bank(one.bin, one.name, one.short_name)
        for one in BanksObject.values()
        if one.viet_qr_status >= 0 and not one.deprecated
    ]
    return {one.bin: one for one in sorted(found, key=lambda one: one.short_name.lower())}


def content_of(number: str) -> str:
    """The words of the transfer for an invoice "HD26-000123": "YBA HD26000123", letters and digits alone."""
    return f"{MARK} {re.sub(r'[^A-Z0-9]', '', number.upper())}"


def numbers_in(content: str) -> set[str]:
    """The invoices the words of a transfer name: {"HD26-000123"}."""
    return {f"HD{year}-{number}" for year, number in _NAMED.findall(content)}


def payload(*, bank: str, account: str, amount: Decimal, content: str) -> str:
    """The text of the code: a dynamic one (field 01 is 12), in đồng (704), for a transfer to an account."""
    code = QRPay.init_viet_qr(bank_bin=bank, bank_number=account, amount=f"{amount:.0f}", purpose=content)
    return str(code.build())
