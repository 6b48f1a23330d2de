"""Sending a code, signing in with it, and making tokens."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from yba.care import messages
from yba.care.keys import digest
from yba.site.accounts import limits, roles, rules
from yba.site.accounts.models import Account, Invitation, PasswordLink, Phone, SignInCode, Token
from yba.site.accounts.rules import Refusal

Link = TypeVar("Link", Invitation, PasswordLink)


def send_code(phone: str, *, address: str, now: datetime, asker: str = "", text: str = "") -> Refusal | None:
    """Text a new code to a number, whether or not it has an account; a newer code replaces the older.

    ``asker``: who may use it (`entering.asker`). ``text``: what is said in place of the words for signing in.
    """
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
        row.digest = rules.digest(code, phone=phone, key=settings.SECRET_KEY, asker=asker)
        row.sent_at, row.expires_at, row.tries = now, now + rules.CODE_LIFE, 0
        row.save()
        if not text:
            text = _("Mã đăng nhập Y Bạ là %(code)s, có hiệu lực 5 phút. Không đưa mã này cho ai.")
        messages.send(phone, text % {"code": code}, "accounts.code")
    return None


def use_code(phone: str, code: str, *, now: datetime, asker: str = "") -> Refusal | None:
    """Check and use up a code: it counts once, for who asked, and five wrong tries end it."""
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
            asker=asker,
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
    with transaction.atomic():
        found = Phone.objects.select_related("account").filter(number=phone).first()
        if found is not None:
            return found.account
        try:
            with transaction.atomic():
                account = Account(login=phone, role=roles.CITIZEN)
                if Account.objects.filter(login=phone).exists():
                    account.login = nameless()
                account.set_unusable_password()
                account.save()
                Phone.objects.create(number=phone, account=account)
                return account
        except IntegrityError:  # another request of the same number was first
            return Phone.objects.select_related("account").get(number=phone).account


def nameless() -> str:
    """A name for an account that has no number of its own any more."""
    return f"nd-{secrets.token_hex(10)}"


def drop_phone(account: Account, number: str) -> None:
    """Take a number off an account; whoever proves it next begins an account of their own."""
    account.phones.filter(number=number).delete()
    if account.login == number:
        account.login = nameless()
        account.save(update_fields=["login"])


def add_phone(account: Account, number: str, *, now: datetime) -> bool:
    """Give an account a number that has just been proved; False when another account holds it."""
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        row, made = Phone.objects.get_or_create(number=number, defaults={"account": account, "used_at": now})
        return made or row.account_id == account.pk


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
        digest=digest(text),
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


def new_key() -> str:
    """256 random bits for a link."""
    return secrets.token_urlsafe(32)


def link_of(rows: QuerySet[Link], key: str, now: datetime) -> Link | None:
    """The row of a link that still counts: not used, not withdrawn, not run out."""
    return rows.filter(digest=digest(key), used_at=None, withdrawn_at=None, expires_at__gt=now).first()
