"""What the outbox decides: when somebody may be disturbed, by which way, when to try again. It reads nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from yba.care.messages.kinds import Hours, Kind
from yba.ui.words import HANOI, local_day

QUIET_FROM: Final = time(21)
QUIET_TO: Final = time(7)
#: A claim older than this is of a worker that is gone; every gateway gives up long before.
CLAIM_LASTS: Final = timedelta(minutes=3)
#: A message nobody could send is given up after this, unless its kind says sooner.
WORTH: Final = timedelta(days=3)
#: Push says nothing about being seen: unread after this, the next way is taken.
UNSEEN: Final = timedelta(minutes=30)
_WAITS: Final = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
_URGENT: Final = (timedelta(seconds=3), timedelta(seconds=10), timedelta(seconds=30))


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person wants. ``first``: the way tried first, empty: the house's order; ``off``: ways not used."""

    first: str = ""
    off: frozenset[str] = frozenset({"voice"})
    reminders: bool = True
    quiet_from: time = QUIET_FROM
    quiet_to: time = QUIET_TO


def chain(kind: Kind, wishes: Wishes, reachable: Collection[str]) -> list[str]:
    """The ways to try, in order. A kind of one way has one, whatever was wished: a code never takes a second.

    ``reachable``: channels with a gateway here and an address of this person. Text messages are the last resort where
    everything else was turned off.
    """
    ways = [one for one in kind.channels if one in reachable]
    if len(kind.channels) == 1:
        return ways
    wanted = [one for one in ways if one not in wishes.off]
    if wishes.first in wanted:
        wanted.remove(wishes.first)
        # The first wish, then what tells whether it arrived: push and e-mail never follow another way.
        wanted = [wishes.first, *(one for one in wanted if one in ("zalo", "sms", "voice"))]
    else:
        wanted = [one for one in wanted if one in ("zalo", "sms", "voice")]
    return wanted or [one for one in ways if one == "sms"]


def is_quiet(at: datetime, wishes: Wishes) -> bool:
    """Whether this person sleeps at a moment."""
    clock = at.astimezone(HANOI).time()
    start, end = wishes.quiet_from, wishes.quiet_to
    if start == end:
        return False
    return start <= clock < end if start < end else clock >= start or clock < end


def may_disturb(hours: Hours, *, about: datetime | None, now: datetime) -> bool:
    """Whether a kind is told at any hour: always, or because it is about today."""
    if hours == "any":
        return True
    return hours == "same-day" and about is not None and local_day(about) == local_day(now)


def send_at(kind: Kind, wishes: Wishes, *, about: datetime | None, now: datetime) -> datetime:
    """The first moment from now at which it may be sent."""
    if kind.urgent or may_disturb(kind.hours, about=about, now=now) or not is_quiet(now, wishes):
        return now
    here = now.astimezone(HANOI)
    end = datetime.combine(here.date(), wishes.quiet_to, HANOI)
    return end if end > here else end + timedelta(days=1)


def next_try(kind: Kind, tries: int, *, now: datetime) -> datetime | None:
    """When to try the same way again after so many tries; None: no more, take the next way."""
    waits: Sequence[timedelta] = _URGENT if kind.urgent else _WAITS
    return now + waits[tries - 1] if tries <= len(waits) else None


def expires_at(kind: Kind, *, about: datetime | None, now: datetime) -> datetime:
    """Until when it is worth sending: what is about a moment, at most until that moment."""
    latest = now + (timedelta(minutes=kind.minutes) if kind.minutes else WORTH)
    if about is None or about <= now:
        return latest
    return about if kind.reminder else min(latest, max(about, now))


def reminder_due(
    kind: Kind, start: datetime, *, now: datetime, next_lead: int, known_since: datetime
) -> bool:
    """Whether a reminder is due: its lead has begun, the next one's has not, and the time was known before.

    A visit made or moved within the lead was confirmed within it: that notice is reminder enough.
    """
    due = start - timedelta(hours=kind.lead_hours)
    end = start - timedelta(hours=next_lead)
    return known_since < due <= now < end


def masked(address: str) -> str:
    """A number or an address as a list shows it to those who look after deliveries."""
    name, at, domain = address.partition("@")
    if at:
        return f"{name[:1]}***@{domain}"
    return f"{address[:4]}***{address[-3:]}" if len(address) >= 9 else "***"
