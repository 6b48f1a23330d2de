"""What happens in a line: draw a number, call, call again, start, finish, miss, join again, cancel.

Every act locks what it changes and does nothing the second time; each tells the open pages after commit.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import connection

from yba import fhir
from yba.care.line import rules
from yba.care.line.models import Status, Ticket
from yba.care.line.transaction import whole
from yba.care.refusal import Refusal, refuse
from yba.ui.live import changed
from yba.ui.words import local_day

_NEXT_NUMBER = """
insert into line_counter (facility, queue, day, last) values (%s, %s, %s, 1)
on conflict (facility, queue, day) do update set last = line_counter.last + 1
returning last
"""
_OF_ROOM = """
select * from line_ticket where room = %s and day = %s and facility = %s and status in ('waiting', 'called')
"""


def draw(
    record: fhir.Record,
    *,
    facility: str,
    room: str,
    letter: str,
    patient_id: str,
    patient_name: str,
    queue: str = "",
    gender: str = "",
    birth_year: int | None = None,
    encounter_id: str = "",
    appointment_id: str = "",
    doctor: str = "",
    specialty: str = "",
    source: str = "",
    priority: str = "none",
    due_at: datetime | None = None,
    key: str = "",
) -> Ticket:
    """The next number of the queue (its letter, unless named), in the transaction that is open.

    A transaction that fails gives its number back. The counter's row stays locked until the end: draw last.
    The same ``key``, appointment or visit gets the ticket it already has.
    """
    with whole():
        queue = queue or letter
        known = known_ticket(key=key, appointment_id=appointment_id, encounter_id=encounter_id)
        if known is not None:
            return known
        now = record.clock()
        day = local_day(now)
        number = _next_number(facility, queue, day)
        ticket = Ticket(
            facility=facility, queue=queue, room=room, day=day, number=number, letter=letter,
            patient_id=patient_id, patient_name=patient_name, gender=gender, birth_year=birth_year,
            encounter_id=encounter_id, appointment_id=appointment_id, doctor=doctor, specialty=specialty,
            source=source, priority=priority, due_at=due_at, arrived_at=now, queued_at=now, key=key or None,
        )  # fmt: skip
        ticket.save(force_insert=True)
        _tell(ticket)
    return ticket


def known_ticket(*, key: str = "", appointment_id: str = "", encounter_id: str = "") -> Ticket | None:
    """The ticket this form, booking or visit has already drawn."""
    if key and (found := Ticket.objects.filter(key=key).first()):
        return found
    if appointment_id:
        found = Ticket.objects.filter(appointment_id=appointment_id).exclude(status=Status.CANCELLED).first()
        if found:
            return found
    return Ticket.objects.filter(encounter_id=encounter_id).first() if encounter_id else None


def call_next(record: fhir.Record, *, room: str, key: str = "") -> Ticket | Refusal:
    """Call the first of the room's line. While someone is being called, or for a key already used: that one again."""
    with whole():
        now = record.clock()
        day = local_day(now)
        _lock_room(room, day)
        if key and (known := Ticket.objects.filter(room=room, day=day, call_key=key).first()):
            return known
        live = list(Ticket.objects.raw(_OF_ROOM, [room, day, _facility(record)]))
        called = [one for one in live if one.status == Status.CALLED]
        if called:
            return max(called, key=lambda one: one.called_at or now)
        if not live:
            return refuse("line.empty", rules.NOBODY)
        ticket = min(live, key=lambda one: rules.order_key(one, now=now))
        for one in rules.passed_by(ticket, live):
            Ticket.objects.filter(pk=one.pk).update(passed=one.passed + 1)  # type: ignore[attr-defined]  # a Ticket
        return _called(ticket, now, key)


def call(record: fhir.Record, *, ticket: int, key: str = "") -> Ticket | Refusal:
    """Call this very ticket, out of order or again (then it counts: after three calls it may be missed)."""
    with whole():
        found = _locked(record, ticket)
        if isinstance(found, Refusal) or (key and found.call_key == key):
            return found
        refusal = rules.may("call", found.status, code=found.code)
        return refusal or _called(found, record.clock(), key)


call_again = call


def start(record: fhir.Record, *, ticket: int) -> Ticket | Refusal:
    """The person is in the room."""
    return _act(record, ticket, "start", started_at=record.clock())


def finish(record: fhir.Record, *, ticket: int) -> Ticket | Refusal:
    """The visit is over."""
    return _act(record, ticket, "finish", done_at=record.clock())


def missed(record: fhir.Record, *, ticket: int) -> Ticket | Refusal:
    """Called and not there."""
    return _act(record, ticket, "miss")


skip = missed


def rejoin(record: fhir.Record, *, ticket: int) -> Ticket | Refusal:
    """Back into the line with the same number, as of now."""
    return _act(record, ticket, "rejoin", queued_at=record.clock(), passed=0, call_count=0, call_key="")


def cancel(record: fhir.Record, *, ticket: int) -> Ticket | Refusal:
    """The number is void; it is not given again."""
    return _act(record, ticket, "cancel")


def _act(record: fhir.Record, ticket: int, act: str, **values: Any) -> Ticket | Refusal:
    with whole():
        found = _locked(record, ticket)
        if isinstance(found, Refusal):
            return found
        _allowed, leads = rules.ACTS[act]
        if found.status == leads:
            return found
        refusal = rules.may(act, found.status, code=found.code)
        if refusal:
            return refusal
        return _changed(found, status=leads, **values)


def _called(ticket: Ticket, now: datetime, key: str) -> Ticket:
    return _changed(
        ticket, status=Status.CALLED, called_at=now, call_count=ticket.call_count + 1, call_key=key
    )


def _changed(ticket: Ticket, **values: Any) -> Ticket:
    for name, value in values.items():
        setattr(ticket, name, value)
    ticket.save(update_fields=list(values))
    _tell(ticket)
    return ticket


def _tell(ticket: Ticket) -> None:
    changed(f"room:{ticket.room}")
    changed(f"line:{ticket.facility}")


def _locked(record: fhir.Record, ticket: int) -> Ticket | Refusal:
    """The ticket, locked until the transaction ends; another facility's is not there."""
    sql = "select * from line_ticket where id = %s and facility = %s for update"
    for found in Ticket.objects.raw(sql, [ticket, _facility(record, ticket)]):
        return found
    return refuse("line.no-ticket", rules.NO_TICKET)


def _facility(record: fhir.Record, ticket: int | None = None) -> str | None:
    """The facility the actor works for; the record's own rules reach every facility's tickets."""
    if record.actor.facility is None and record.actor.role == "system" and ticket is not None:
        return Ticket.objects.values_list("facility", flat=True).filter(pk=ticket).first()
    return record.actor.facility


def _next_number(facility: str, queue: str, day: date) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_NUMBER, [facility, queue, day])
        return int(cursor.fetchone()[0])


def _lock_room(room: str, day: date) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 2))", [f"{room} {day}"])
