"""What is a phone number here, when a code may be sent and counts, what a PIN is: decided without I/O."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Network, ip_address
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers

CODE_LIFE: Final = timedelta(minutes=5)
CODE_TRIES: Final = 5
#: Before the same number may ask for another code.
COOL_DOWN: Final = timedelta(seconds=60)
#: Codes and wrong codes within an hour.
CODES_PER_PHONE: Final = 5
CODES_PER_ADDRESS: Final = 30
TRIES_PER_PHONE: Final = 15
WINDOW: Final = timedelta(hours=1)
#: Wrong passwords within a quarter of an hour.
PASSWORDS_PER_LOGIN: Final = 10
PASSWORDS_PER_ADDRESS: Final = 50
PASSWORD_WINDOW: Final = timedelta(minutes=15)

#: Wrong codes of an authenticator, recovery codes, PINs and second proofs within a quarter of an hour.
FACTORS_PER_ACCOUNT: Final = 6
FACTORS_PER_ADDRESS: Final = 60
#: Wrong proofs of who one is: these do not change, so fewer tries and a longer wait.
PROOFS_PER_NUMBER: Final = 5
PROOF_WINDOW: Final = timedelta(hours=24)
#: Operators give a silent number to somebody else after some months; then a code alone proves nothing.
SILENCE: Final = timedelta(days=120)
#: How long an invitation can be used.
INVITATION_LIFE: Final = timedelta(hours=72)
#: How long the way to a new password can be used.
PASSWORD_LINK_LIFE: Final = timedelta(hours=24)
#: How long a member of staff stays signed in on one device without signing in again.
STAFF_SESSION: Final = timedelta(hours=12)
#: How long a proof counts before another is asked for changing how one signs in.
FRESH: Final = timedelta(minutes=5)
MOST_PHONES: Final = 5
PIN: Final = re.compile(r"\d{6}")

VIETNAMESE_MOBILE: Final = re.compile(r"0[35789]\d{8}")


class Refusal(StrEnum):
    """Why a code was not sent or does not count."""

    BAD_PHONE = "bad-phone"
    TOO_SOON = "too-soon"
    TOO_MANY = "too-many"
    WRONG = "wrong"
    EXPIRED = "expired"


def normal_phone(text: str) -> str | None:
    """A Vietnamese mobile number as 0912345678, another country's as +…; None when it is neither."""
    digits = re.sub(r"[\s.\-()]", "", text)
    local = re.sub(r"^(\+?84)(?=[35789]\d{8}$)", "0", digits)
    if VIETNAMESE_MOBILE.fullmatch(local):
        return local
    if not digits.startswith("+"):
        return None
    try:
        number = phonenumbers.parse(digits)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or number.country_code == 84:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def new_code() -> str:
    """Six digits, each as likely."""
    return f"{secrets.randbelow(1_000_000):06d}"


def digest(code: str, *, phone: str, key: str, asker: str = "") -> str:
    """A keyed hash: who reads the table but not the key can't try the million codes.

    ``asker``: who asked, and what for. A code counts for that alone (ASVS 4.0.3, 2.7.3).
    """
    return hmac.new(key.encode(), f"sign-in:{phone}:{asker}:{code}".encode(), hashlib.sha256).hexdigest()


def verdict(
    given: str,
    *,
    kept: str,
    phone: str,
    key: str,
    tries: int,
    expires_at: datetime,
    now: datetime,
    asker: str = "",
) -> Refusal | None:
    """Whether a typed code counts. The comparison takes the same time whatever was typed."""
    same = hmac.compare_digest(digest(given, phone=phone, key=key, asker=asker), kept)
    if now >= expires_at or tries >= CODE_TRIES:
        return Refusal.EXPIRED
    return None if same else Refusal.WRONG


def caller(address: str) -> str:
    """An address as limits count it: of IPv6 the first 64 bits, since one line has all that follow (RFC 6177)."""
    try:
        number = ip_address(address)
    except ValueError:
        return address
    if isinstance(number, IPv4Address):
        return str(number)
    if number.ipv4_mapped is not None:
        return str(number.ipv4_mapped)
    return str(IPv6Network((number, 64), strict=False))


def weak_pin(pin: str) -> bool:
    """All the same, or a run up or down: what a colleague tries first."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return len(steps) == 1 and steps <= {0, 1, 9}


def end_of(day: date) -> datetime:
    """When a last day has passed whole, as Hanoi counts days."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))


def rights_at(rights: Sequence[str], until: Mapping[str, str], now: datetime) -> frozenset[str]:
    """Which of an account's rights count at a moment; one without an end has none."""
    return frozenset(one for one in rights if one not in until or now < datetime.fromisoformat(until[one]))


def is_silent(used_at: datetime, now: datetime) -> bool:
    """Whether a number was proved so long ago that it may have a new owner."""
    return now - used_at >= SILENCE
