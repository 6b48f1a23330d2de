"""Times held for numbers no account has proved: the desk calls back, asks for the name, and books.

R4 has no resource for somebody of whom only a number is known, so it is a row of booking's own; the time is held in the
ledger for that number, past the moment by which the desk promises to call.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yba.areas.booking import actions, holds, queries
from yba.areas.booking.desk import rules as desk
from yba.areas.booking.holds import Hold
from yba.areas.booking.models import CallBack
from yba.fhir.errors import Gone, NotFound
from yba.fhir.record import Record

#: Beyond the moment the desk promises to call: so long it may take to book.
TALK: Final = timedelta(minutes=30)
#: A number nobody knows asks so often in a day.
MOST_A_DAY: Final = 3
OPEN: Final = CallBack.Outcome.OPEN
#: What comes of a call-back, beside a booking, as pressed by the desk.
ENDS: Final = {"khong-gap": CallBack.Outcome.UNREACHED, "khong-can": CallBack.Outcome.REFUSED}


def held_for(now: datetime, *, specialty: str, starts: datetime) -> timedelta:
    """How long a time is held for a stranger: until the desk has called, and never beyond the time itself."""
    due = desk.due_at(now, level="routine", specialty=specialty)
    return max(min(due + TALK, starts) - now, holds.LASTS)


def asked_often(phone: str, *, now: datetime) -> bool:
    """Whether a number has asked as often as one may in a day; changing the time of an open request is no new one."""
    rows = CallBack.objects.filter(phone=phone, asked_at__gt=now - timedelta(days=1))
    return not rows.filter(outcome=OPEN).exists() and rows.count() >= MOST_A_DAY


def ask(
    record: Record, *, phone: str, facility: str, specialty: str, called: str, hold: Hold, starts: datetime
) -> CallBack:
    """Put a number on the desk's list, or change what it asks for: one open row a number."""
    now = record.clock()
    row, _made = CallBack.objects.update_or_create(
        phone=phone, outcome=OPEN,
        defaults={"facility": facility, "specialty": specialty, "called": called, "slot_id": hold.slots[0],
                  "hold_id": hold.id, "starts": starts, "held_until": hold.until},
        create_defaults={"facility": facility, "specialty": specialty, "called": called, "slot_id": hold.slots[0],
                         "hold_id": hold.id, "starts": starts, "held_until": hold.until, "asked_at": now,
                         "due_at": desk.due_at(now, level="routine", specialty=specialty)},
    )  # fmt: skip
    actions.tell(record, facility=facility)
    return row


def withdrawn(record: Record, phone: str) -> None:
    """Whoever asked let the time go again."""
    for row in CallBack.objects.filter(phone=phone, outcome=OPEN):
        end(record, row, CallBack.Outcome.WITHDRAWN)


def open_ones(facility: str) -> list[CallBack]:
    """Those to be called by a desk, the first due on top."""
    return list(CallBack.objects.filter(facility=facility, outcome=OPEN).order_by("due_at", "pk")[:100])


def find(facility: str, number: str) -> CallBack | None:
    """An open one of a desk by its number in an address."""
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        return None
    found: CallBack | None = CallBack.objects.filter(pk=int(number), facility=facility, outcome=OPEN).first()
    return found


def take(record: Record, row: CallBack) -> bool:
    """An agent calls this number now; False: another does. Ten minutes without a deed and it is anybody's."""
    now = record.clock()
    with record.atomic():
        found = CallBack.objects.select_for_update().get(pk=row.pk)
        lasts = desk.book().claim
        other = found.agent not in ("", record.actor.user)
        if other and found.taken_at is not None and now - found.taken_at < lasts:
            return False
        found.agent, found.agent_name, found.taken_at = record.actor.user, record.actor.name, now
        found.save(update_fields=["agent", "agent_name", "taken_at"])
    actions.tell(record, facility=row.facility)
    return True


def end(record: Record, row: CallBack, outcome: str, *, appointment: str = "") -> None:
    """It is over: booked, not reached, not wanted; what is still held for it is free again."""
    with record.atomic():
        CallBack.objects.filter(pk=row.pk, outcome=OPEN).update(
            outcome=outcome, ended_at=record.clock(), appointment_id=appointment, agent=record.actor.user[:64],
            agent_name=record.actor.name,
        )  # fmt: skip
        if outcome != CallBack.Outcome.BOOKED:
            holds.let_go(record.as_system(), row.hold_id, phone=row.phone)
    actions.tell(record, facility=row.facility)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a call-back is about, for the page that books: whose times, which of them."""

    role_id: str
    slot_id: str
    doctor: str


def wanted(record: Record, row: CallBack) -> Wanted:
    """The doctor and the time held; nothing where the time is gone."""
    try:
        _slot, post = queries.slot_and_post(record, row.slot_id)
    except (NotFound, Gone):
        return Wanted("", "", "")
    return Wanted(post.role_id, row.slot_id, post.name)
