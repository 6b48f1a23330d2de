"""Holding a time while a form is filled or a caller thinks: short, in the one ledger, and found again by its owner.

The owner is an account or a telephone number, never a cookie: going back, closing the page or calling again loses
nothing. A hold is one set of seats under one id; it becomes the booking in the transaction that books
(``ledger.take``).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yba.areas.booking import ledger, policies, rules
from yba.areas.booking.capacity import channel_of
from yba.areas.booking.ledger import Taker
from yba.fhir.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from yba.fhir.record import Record, check_right, facility_of
from yba.fhir.store.rows import execute

LASTS: Final = timedelta(minutes=10)
#: Holds one citizen has at a time: a new one gives the old one back. Others hold for many people.
MOST_OF_OTHERS: Final = 20
_OWN: Final = """
select holder::varchar, array_agg(slot_id::varchar order by slot_id), min(expires_at), min(channel)::varchar
  from booking_seat
 where kind = 'hold' and owner = any(%s::text[]) and expires_at > %s
 group by holder order by min(taken_at)"""
_BY_ID: Final = """
select holder::varchar, array_agg(slot_id::varchar order by slot_id), min(expires_at), min(channel)::varchar
  from booking_seat
 where kind = 'hold' and owner = any(%s::text[]) and expires_at > %s and holder = %s
 group by holder"""
_TURN_OVER: Final = """
update booking_seat set owner = %s where kind = 'hold' and owner = %s and expires_at > %s returning holder::varchar"""
_SWEEP: Final = """
delete from booking_seat where id in (
    select id from booking_seat where kind = 'hold' and expires_at <= %s order by id for update skip locked)
returning slot_id::varchar"""


@dataclass(frozen=True, slots=True)
class Hold:
    """Seats held until a moment."""

    id: str
    slots: tuple[str, ...]
    until: datetime
    channel: str


def owners_of(record: Record, *, phone: str = "") -> frozenset[str]:
    """Whose holds are the actor's: the account's, and those of a number that is theirs (or that calls)."""
    own = {ledger.owner_of(record.actor)}
    return frozenset(own | ({ledger.owner_by_phone(phone)} if phone else set()))


def own_holds(record: Record, owners: Collection[str]) -> list[Hold]:
    """What these owners hold now, the first taken first."""
    rows = execute(record.connection, _OWN, (sorted(owners), record.clock())).fetchall()
    return [Hold(row[0], tuple(row[1]), row[2], row[3]) for row in rows]


def own_hold(record: Record, hold_id: str, owners: Collection[str]) -> Hold:
    """One of them. Raises Gone ``booking.hold-over`` when it has run out or is somebody else's."""
    row = execute(record.connection, _BY_ID, (sorted(owners), record.clock(), hold_id)).fetchone()
    if row is None:
        raise Gone("booking.hold-over", "This hold has run out. Choose a time again.")
    return Hold(row[0], tuple(row[1]), row[2], row[3])


def hold(
    record: Record,
    slot_ids: Sequence[str],
    *,
    phone: str = "",
    channel: str = "",
    lasts: timedelta = LASTS,
) -> Hold:
    """Hold a seat of each slot, all or none. Who holds them already has the same hold, which lasts no longer for it.

    ``phone``: held for who calls from there, by staff. Raises Conflict as a booking would, ``booking.too-many-holds``;
    Invalid ``booking.slot-past``, ``booking.slot-unknown``; Forbidden for who could not book it: an app that may only
    read, staff of another facility.
    """
    check_right(record, "Appointment", interaction="create")
    citizen, now = record.actor.role == "citizen", record.clock()
    owners = owners_of(record, phone="" if citizen else phone)
    owner = ledger.owner_by_phone(phone) if phone and not citizen else ledger.owner_of(record.actor)
    wanted = tuple(sorted(set(slot_ids)))
    with record.atomic():
        key = f"booking.owner/{owner}"
        execute(record.connection, "select pg_advisory_xact_lock(hashtextextended(%s, 2))", (key,))
        mine = own_holds(record, owners)
        known = next((one for one in mine if one.slots == wanted), None)
        if known is not None:
            return known
        old = [one for one in mine if citizen or set(one.slots) & set(wanted)]
        if len(mine) - len(old) >= MOST_OF_OTHERS:
            raise Conflict(
                "booking.too-many-holds", f"{len(mine)} times are held already. Book or release one first."
            )
        found = ledger.locked(
            record, {*wanted, *(slot for one in old for slot in one.slots)}, known=_all(old)
        )
        for one in old:
            for slot_id in one.slots:
                ledger.release(record, slot_id, found.get(slot_id), one.id)
        made = Hold(secrets.token_urlsafe(12), wanted, now + lasts, channel_of(record.actor.role, channel))
        taker = Taker(
            "hold", made.id, channel=made.channel, owners=owners, owner=owner, expires_at=made.until,
            role=record.actor.role,
        )  # fmt: skip
        for slot_id in wanted:
            one_held = found[slot_id]
            _check_facility(record, one_held)
            _check_time(record, one_held)
            ledger.take(record, one_held, taker)
        return made


def _all(some: Sequence[Hold]) -> list[str]:
    return [slot for one in some for slot in one.slots]


def _check_facility(record: Record, held: ledger.Held) -> None:
    """Staff and a hospital's system hold times of their own facility; citizens choose among all."""
    actor = record.actor
    if actor.role not in ("citizen", "system") and facility_of(held.slot) not in (None, actor.facility):
        raise Forbidden(
            "booking.not-here", "This time is another facility's. Its own desk holds it.", path="slot"
        )


def _check_time(record: Record, held: ledger.Held) -> None:
    now, role = record.clock(), record.actor.role
    if rules.is_past(held.starts, held.ends, now=now, by=role):
        raise Invalid("booking.slot-past", "The slot lies in the past. Choose a later one.", path="slot")
    if role in policies.BOUND:
        ledger.check_asking(held, now=now, path="slot")


def let_go(record: Record, hold_id: str, *, phone: str = "") -> bool:
    """Give a hold back before it runs out; False: it was not there any more."""
    with record.atomic():
        try:
            found = own_hold(record, hold_id, owners_of(record, phone=phone))
        except (Gone, NotFound):
            return False
        slots = ledger.locked(record, found.slots, known=found.slots)
        freed = [ledger.release(record, one, slots.get(one), found.id) for one in found.slots]
        return any(freed)


def found_again(record: Record, *, phone: str) -> int:
    """What was held for a number is held for its account from now on: who called first goes on in the app."""
    if not phone:
        return 0
    params = (ledger.owner_of(record.actor), ledger.owner_by_phone(phone), record.clock())
    return len(execute(record.connection, _TURN_OVER, params).fetchall())


def sweep(record: Record) -> int:
    """Take away holds that have run out: nothing waits for it, reading passes them over anyway."""
    return len(execute(record.connection, _SWEEP, (record.clock(),)).fetchall())
