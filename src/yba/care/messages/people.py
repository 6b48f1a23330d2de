"""Who reads a message: the account that proved the number, its language, its wishes, where it is reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from yba.care import asked
from yba.care.messages import port
from yba.care.messages.kinds import Kind
from yba.care.messages.models import Message, Preference, Stop, Subscription
from yba.care.messages.rules import Wishes


@dataclass(frozen=True, slots=True)
class Reader:
    """Whoever holds a number. ``account``: None where nobody here has proved it."""

    account: int | None = None
    language: str = "vi"
    wishes: Wishes = field(default_factory=Wishes)
    email: str = ""


def reader_of(phone: str) -> Reader:
    """The reader of messages to a number."""
    path = getattr(settings, "YBA_READER", "")
    account, language = import_string(path)(phone) if path and phone else (None, "")
    if account is None:
        return Reader()
    kept = asked.first(
        Preference, "select {columns} from message_preference where account_id = %s", [account]
    )
    if kept is None:
        return Reader(account, language or "vi")
    off = [name for name, on in (("zalo", kept.zalo), ("voice", kept.voice)) if not on]
    wishes = Wishes(kept.first, frozenset(off), kept.reminders, kept.quiet_from, kept.quiet_to)
    return Reader(account, language or "vi", wishes, kept.email if kept.email_proved_at else "")


def reachable(message: Message, reader: Reader) -> set[str]:
    """The channels that have a gateway here and an address of this reader."""
    found = {one for one in ("zalo", "sms", "voice") if message.to_phone and port.gateway_of(one)}
    if (message.to_email or reader.email) and port.gateway_of("email"):
        found.add("email")
    if (
        reader.account
        and port.gateway_of("push")
        and Subscription.objects.filter(account_id=reader.account).exists()
    ):
        found.add("push")
    return found


def not_wanted(kind: Kind, phone: str) -> frozenset[str]:
    """The ways a kind is not sent by to a number: reminders and invitations, once they were stopped by a text."""
    if (kind.reminder or kind.invites) and Stop.objects.filter(phone=phone).exists():
        return frozenset({"zalo", "sms", "voice"})
    return frozenset()


def stop(phone: str, *, now: datetime) -> None:
    """No reminders and invitations to this number any more. Codes, answers and news of one's own visits still come."""
    Stop.objects.update_or_create(phone=phone, defaults={"at": now})


def start(phone: str) -> None:
    """Reminders again."""
    Stop.objects.filter(phone=phone).delete()


def address(message: Message, channel: str, reader: Reader) -> str:
    """Where a channel finds the reader."""
    if channel == "email":
        return message.to_email or reader.email
    return message.to_phone
