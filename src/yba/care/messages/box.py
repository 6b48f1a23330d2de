"""A person's message box and how they want to be told: read and written for their own account alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.urls import reverse

from yba.care import messages
from yba.care.messages import kinds
from yba.care.messages.models import Delivery, Message, Preference, Subscription

SHOWN: Final = 50
_SALT: Final = "yba.messages.email"
PROVED_WITHIN: Final = timedelta(days=1)
#: So many letters of proof a day: the address may be somebody else's.
MOST_LETTERS: Final = 5
MOST_DEVICES: Final = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """One message as its reader sees it."""

    number: int
    title: str
    text: str
    at: datetime
    unread: bool
    subject: str


def entries(account: int, language: str, *, before: int | None = None) -> tuple[list[Entry], bool]:
    """The newest messages of an account, and whether there are older ones."""
    rows = (
        Delivery.objects.filter(channel="app", account_id=account).select_related("message").order_by("-pk")
    )
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: SHOWN + 1])
    return [_entry(one, language) for one in found[:SHOWN]], len(found) > SHOWN


def entry(account: int, number: int, language: str) -> Entry | None:
    """One message of an account."""
    row = (
        Delivery.objects.filter(channel="app", account_id=account, pk=number)
        .select_related("message")
        .first()
    )
    return _entry(row, language) if row is not None else None


def _entry(row: Delivery, language: str) -> Entry:
    told, kind = row.message, kinds.kind_of(row.message.kind)
    words = kinds.rendered(kind, "app", language, told.values or {"text": told.text})
    return Entry(row.pk, words.title, words.text, row.created_at, told.read_at is None, told.subject)


def unread(account: int) -> int:
    """How many messages of an account nobody has opened."""
    return Delivery.objects.filter(channel="app", account_id=account, message__read_at=None).count()


def mark_read(account: int, number: int | None, *, now: datetime) -> None:
    """One message was opened, or all of them (None)."""
    mine = Delivery.objects.filter(channel="app", account_id=account)
    if number is not None:
        mine = mine.filter(pk=number)
    Message.objects.filter(pk__in=mine.values("message"), read_at=None).update(read_at=now)


# -- wishes -----------------------------------------------------------------------------------------------


def preference(account: int) -> Preference:
    """What is kept of an account's wishes, or the wishes of one who never said any."""
    return Preference.objects.filter(account_id=account).first() or Preference(account_id=account)


def keep(account: int, wished: dict[str, Any], *, now: datetime) -> bool:
    """Keep wishes; a new address gets a letter first. False: so many letters were sent today that none went out."""
    kept = preference(account)
    new = wished["email"] != kept.email
    for name in ("first", "zalo", "voice", "reminders", "quiet_from", "quiet_to", "email"):
        setattr(kept, name, wished[name])
    if new:
        kept.email_proved_at = None
    kept.save()
    return _ask_to_prove(kept, now=now) if kept.email and not kept.email_proved_at else True


def _ask_to_prove(kept: Preference, *, now: datetime) -> bool:
    mine = f"email:{kept.account_id}:"
    today = Message.objects.filter(
        dedupe_key__startswith=mine, created_at__gt=now - timedelta(days=1)
    ).count()
    if today >= MOST_LETTERS:
        return False
    token = signing.dumps([kept.account_id, kept.email], salt=_SALT)
    link = settings.YBA_ORIGIN + reverse("messages:prove", args=[token])
    key = f"{mine}{now:%Y%m%d%H%M%S%f}"
    return messages.write(
        "messages.confirm-email", "", {"link": link}, to_email=kept.email, dedupe_key=key, now=now
    )


def prove(token: str, *, now: datetime | None) -> str:
    """The address a letter's link is of, empty for one that counts no more; with ``now`` it is proved."""
    try:
        account, email = signing.loads(token, salt=_SALT, max_age=PROVED_WITHIN)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    row = Preference.objects.filter(account_id=account, email=email).first()
    if row is None:
        return ""
    if now is not None:
        Preference.objects.filter(pk=row.pk, email=email).update(email_proved_at=now)
    return str(email)


# -- browsers ---------------------------------------------------------------------------------------------


def subscribe(account: int, *, endpoint: str, p256dh: str, auth: str) -> None:
    """A browser is to be told; the oldest of too many goes. A browser belongs to who signed in last on it."""
    Subscription.objects.update_or_create(
        endpoint=endpoint, defaults={"account_id": account, "p256dh": p256dh, "auth": auth}
    )
    old = (
        Subscription.objects.filter(account_id=account)
        .order_by("-pk")
        .values_list("pk", flat=True)[MOST_DEVICES:]
    )
    Subscription.objects.filter(pk__in=list(old)).delete()


def unsubscribe(account: int) -> None:
    """No browser of this account is told any more."""
    Subscription.objects.filter(account_id=account).delete()


def devices(account: int) -> int:
    """How many browsers are told."""
    return Subscription.objects.filter(account_id=account).count()
