"""Sending a code, signing in with it, and making tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from yba.care import messages
from yba.site.accounts import limits, roles, rules
from yba.site.accounts.models import Account, SignInCode, Token
from yba.site.accounts.rules import Refusal


def send_code(phone: str, *, address: str, now: datetime) -> Refusal | None:
    """Text a new code to a number, whether or not it has an account; a newer code replaces the older."""
    with transaction.atomic():
        blank = SignInCode(phone=phone, digest="", sent_at=now - rules.WINDOW, expires_at=now)
        SignInCode.objects.bulk_create([blank], ignore_conflicts=True)
        row = SignInCode.objects.select_for_update().get(phone=phone)
        if now < row.sent_at + rules.COOL_DOWN:
            return Refusal.TOO_SOON
        if not limits.take(f"code:a:{address}", most=rules.CODES_PER_ADDRESS, window=rules.WINDOW, now=now):
            return Refusal.TOO_MANY
        if not limits.take(f"code:p:{phone}", most=rules.CODES_PER_PHONE, window=rules.WINDOW, now=now):
            return Refusal.TOO_MANY
        code = rules.new_code()
        row.digest = rules.digest(code, phone=phone, key=settings.SECRET_KEY)
        row.sent_at, row.expires_at, row.tries = now, now + rules.CODE_LIFE, 0
        row.save()
        text = _("Mã đăng nhập Y Bạ của bạn là %(code)s, có hiệu lực 5 phút. Không đưa mã này cho ai.")
        messages.send(phone, text % {"code": code}, "accounts.code")
    return None


def use_code(phone: str, code: str, *, now: datetime) -> Refusal | None:
    """Check and use up a code: it counts once, and five wrong tries end it."""
    with transaction.atomic():
        row = SignInCode.objects.select_for_update().filter(phone=phone).first()
        if row is None or not row.digest:
            return Refusal.EXPIRED
        if not limits.take(f"try:p:{phone}", most=rules.TRIES_PER_PHONE, window=rules.WINDOW, now=now):
            return Refusal.TOO_MANY
        refusal = rules.verdict(
            code,
            kept=row.digest,
            phone=phone,
            key=settings.SECRET_KEY,
            tries=row.tries,
            expires_at=row.expires_at,
            now=now,
        )
        if refusal is None:
            row.digest, row.expires_at = "", now
            limits.clear(f"try:p:{phone}")
        else:
            row.tries += 1
        row.save()
        return refusal


def citizen_account(phone: str) -> Account:
    """The account of a number that has just been proved; made when it is new."""
    account, made = Account.objects.get_or_create(login=phone, defaults={"role": roles.CITIZEN})
    if made:
        account.set_unusable_password()
        account.save(update_fields=["password"])
    return account


def make_token(
    *,
    role: str,
    facility: str = "",
    practitioner: str = "",
    person: str = "",
    departments: Sequence[str] = (),
    programme: str = "",
    rights: Sequence[str] = (),
    account: Account | None = None,
    label: str = "",
    life: timedelta | None = None,
    now: datetime,
) -> str:
    """A new bearer token; only its hash is kept, so it can be shown once."""
    text = f"yba_{secrets.token_urlsafe(32)}"
    Token.objects.create(
        digest=token_digest(text),
        role=role,
        facility=facility,
        practitioner=practitioner,
        person=person,
        departments=list(departments),
        programme=programme,
        rights=list(rights),
        account=account,
        label=label,
        expires_at=now + life if life else None,
    )
    return text


def token_digest(text: str) -> str:
    """The token is long and random, so a plain hash is enough."""
    return hashlib.sha256(text.encode()).hexdigest()
