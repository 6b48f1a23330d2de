"""What happens in a line: draw a number, call, start, finish, miss, join again, park, send on, cancel, undo.

Every act locks what it changes and does nothing the second time; each leaves an event by which it can be taken back,
and tells the open pages after commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import connection
from django.db.models import F

from yba import fhir
from yba.care import asked
from yba.care.line import order, queries, rules, telling
from yba.care.line.changing import change, note, taken_back
from yba.care.line.models import Queue, Status, Stop, Ticket
from yba.care.line.transaction import whole
from yba.care.refusal import Refusal, refuse
from yba.ui.words import local_day

_NEXT_NUMBER = """
insert into line_counter (facility, queue, day, last) values (%s, %s, %s, 1)
on conflict (facility, queue, day) do update set last = line_counter.last + 1
returning last, nextval('line_ticket_id_seq'), nextval('line_stop_id_seq')
"""
#: In the order of their ids, as everybody who locks several tickets does.
_OF_ROOM = """
select * from line_ticket where day = %s and facility = %s and status in ('waiting', 'called')
    and (room = %s or (room = '' and waits_in = any(%s))) order by id for update
"""
_OF_KEY: Final = "select {columns} from line_ticket where key = %s"
_OF_APPOINTMENT: Final = """
select {columns} from line_ticket where appointment_id = %s and status <> 'cancelled' order by id limit 1"""
_OF_ENCOUNTER: Final = "select {columns} from line_ticket where encounter_id = %s"
#: What a ticket is like when it comes to a new place.
_FRESH: Final[dict[str, Any]] = {
    "called_at": None, "call_count": 0, "call_key": "", "started_at": None, "done_at": None, "parked_at": None,
    "passed": 0, "rejoined": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leg:
    """A place to go to: a queue by its code, a room of it (empty: any), or a room alone. ``back``: to who began."""

    queue: str = ""
    room: str = ""
    back: bool = False


def draw(
    record: fhir.Record,
    *,
    facility: str,
    room: str,
    letter: str,
    patient_id: str,
    patient_name: str,
    queue: str = "",
    waits_in: str = "",
    gender: str = "",
    birth_year: int | None = None,
    encounter_id: str = "",
    appointment_id: str = "",
    doctor: str = "",
    specialty: str = "",
    source: str = "",
    priority: str = "none",
    due_at: datetime | None = None,
    route: Sequence[Leg] = (),
    key: str = "",
    fresh: bool = False,
) -> Ticket:
    """The next number of the series (``queue``, else its letter), in the transaction that is open.

    ``waits_in``: the queue several rooms call from; ``room`` may then be empty. ``route``: where to after that.
    A transaction that fails gives its number back. The counter's row stays locked until the end: draw last.
    The same ``key``, appointment or visit gets the ticket it already has. ``fresh``: whoever draws has looked for that
    already, and holds a lock since.
    """
    with whole():
        queue = queue or letter
        known = (
            None if fresh else known_ticket(key=key, appointment_id=appointment_id, encounter_id=encounter_id)
        )
        if known is not None:
            return known
        now = record.clock()
        day = local_day(now)
        ticket = Ticket(
            facility=facility, queue=queue, waits_in=waits_in, room=room, day=day, letter=letter,
            patient_id=patient_id, patient_name=patient_name, gender=gender, birth_year=birth_year,
            encounter_id=encounter_id, appointment_id=appointment_id, doctor=doctor, specialty=specialty,
            source=source, priority=priority, due_at=due_at, arrived_at=now, queued_at=now, joined_at=now,
            route=[asdict(one) for one in route], key=key or None, status=Status.WAITING, number=10**6,
        )  # fmt: skip
        stop = _stop(record, ticket)
        ticket.number, ticket.pk, stop.pk = _next_number(facility, queue, day)
        # Of many who draw at once the lower number stands before the higher: the moment is that of the number.
        stood = record.clock()
        if local_day(stood) == day:
            ticket.arrived_at = ticket.queued_at = ticket.joined_at = stop.joined_at = stood
        ticket.stop, stop.ticket = stop.pk, ticket
        asked.insert(ticket)
        asked.insert(stop)
        telling.changed_line(ticket)
    return ticket


def _stop(record: fhir.Record, ticket: Ticket) -> Stop:
    """The wait that begins, with what is told about it: worked out before the counter's row is locked."""
    told = queries.told(record, ticket)
    return Stop(
        facility=ticket.facility, line=ticket.line, room=ticket.room, stage=told.stage, specialty=ticket.specialty,
        day=ticket.day, kind=order.class_of(ticket, now=record.clock()), joined_at=ticket.joined_at,
        ahead=told.ahead, low=told.wait.low, high=told.wait.high,
    )  # fmt: skip


def _at(ticket: Ticket, stop: Stop) -> None:
    """The ticket stands at this stop now."""
    stop.ticket = ticket
    asked.insert(stop)
    ticket.stop = stop.pk
    Ticket.objects.filter(pk=ticket.pk).update(stop=stop.pk)


def known_ticket(*, key: str = "", appointment_id: str = "", encounter_id: str = "") -> Ticket | None:
    """The ticket this form, booking or visit has already drawn."""
    found = asked.first(Ticket, _OF_KEY, [key]) if key else None
    if found is None and appointment_id:
        found = asked.first(Ticket, _OF_APPOINTMENT, [appointment_id])
    if found is None and encounter_id:
        found = asked.first(Ticket, _OF_ENCOUNTER, [encounter_id])
    return found


def call_next(record: fhir.Record, *, room: str, key: str = "") -> Ticket | Refusal:
    """Call the first of the room's line. While someone is being called, or for a key already used: that one again."""
    with whole():
        now = record.clock()
        live = _locked_line(record, room, now)
        if key and (known := Ticket.objects.filter(room=room, day=local_day(now), call_key=key).first()):
            return known
        called = [one for one in live if one.status == Status.CALLED]
        if called:
            return max(called, key=lambda one: one.called_at or now)
        if not live:
            return refuse("line.empty", rules.NOBODY)
        ticket = min(live, key=lambda one: order.order_key(one, now=now))
        return _called(record, ticket, room, live, key)


def call(record: fhir.Record, *, ticket: int, key: str = "", room: str = "") -> Ticket | Refusal:
    """Call this very ticket, again or out of order (``room``: which one calls, of several).

    Out of order it passes those who joined before; refused when one of them may be passed no more.
    """
    with whole():
        now = record.clock()
        known = Ticket.objects.filter(pk=ticket).first()
        at = room or (known.room if known else "")
        live = _locked_line(record, at, now) if known and at else []
        found = _locked(record, ticket)
        if isinstance(found, Refusal) or (key and found.call_key == key):
            return found
        refusal = rules.may("call", found.status, code=found.code)
        if refusal or found.status == Status.CALLED:
            return refusal or _called(record, found, found.room, [], key)
        waiting = [one for one in live if one.status == Status.WAITING and one.pk != found.pk]
        most = order.rule().most_passed
        held = [one for one in order.passed_by(found, waiting) if one.passed >= most]
        if held:
            return refuse("line.passes", rules.PASSES, code=held[0].code, times=most)
        return _called(record, found, at, waiting, key)


call_again = call


def _called(record: fhir.Record, ticket: Ticket, room: str, waiting: Sequence[Ticket], key: str) -> Ticket:
    """Called to this room; those who joined before and stay waiting were passed once more."""
    now = record.clock()
    passed = [one.pk for one in order.passed_by(ticket, waiting) if one.status == Status.WAITING]
    Ticket.objects.filter(pk__in=passed).update(passed=F("passed") + 1)
    known = Stop.objects.filter(pk=ticket.stop).first() if ticket.stop else None
    stop = {"room": room, "passed": ticket.passed}
    if known is None or known.called_at is None:
        stop["called_at"] = now
    return change(
        record, ticket, "call", stop=stop, went_by=passed,
        status=Status.CALLED, room=room or ticket.room, called_at=now, call_count=ticket.call_count + 1,
        call_key=key, parked_at=None,
    )  # fmt: skip


def start(record: fhir.Record, *, ticket: int, room: str = "") -> Ticket | Refusal:
    """The person is in the room."""
    now = record.clock()
    return _act(record, ticket, "start", {"started_at": now}, started_at=now, room=room)


def finish(
    record: fhir.Record, *, ticket: int, stop: int | None = None, visit_over: bool = False
) -> Ticket | Refusal:
    """What was done here is over: on to the next place of the route, else the day is.

    ``stop``: the wait that is meant; one that is over already is left as it is (a form sent twice).
    ``visit_over``: nobody needs to come back to the doctor; who waits elsewhere meanwhile goes on waiting there.
    """
    with whole():
        found = _locked(record, ticket)
        if isinstance(found, Refusal) or found.status == Status.DONE or _is_past(found, stop):
            return found
        refusal = rules.may("finish", found.status, code=found.code)
        if refusal:
            return refusal
        now = record.clock()
        legs = [Leg(**one) for one in found.route]
        if visit_over and any(one.back for one in legs):
            legs = [one for one in legs if not one.back]
            if found.status == Status.WAITING:
                return change(record, found, "route", stop={}, route=[asdict(one) for one in legs])
        legs = legs or _then(found)
        if legs:
            return _moved(record, found, "finish", legs, outcome="done")
        return change(
            record,
            found,
            "finish",
            stop={"ended_at": now, "outcome": "done"},
            status=Status.DONE,
            done_at=now,
        )


def _is_past(ticket: Ticket, stop: int | None) -> bool:
    return stop is not None and ticket.stop != stop


def _then(ticket: Ticket) -> list[Leg]:
    """Where the queue sends people whom nobody sent anywhere."""
    queue = Queue.objects.filter(facility=ticket.facility, code=ticket.waits_in, active=True).first()
    return [Leg(one) for one in queue.then] if queue else []


def send(
    record: fhir.Record, *, ticket: int, to: Sequence[Leg], back: bool = False, stop: int | None = None
) -> Ticket | Refusal:
    """To another queue, or through several; ``back``: then to the room that sends, before those who come new."""
    with whole():
        found = _locked(record, ticket)
        if isinstance(found, Refusal) or _is_past(found, stop):
            return found
        refusal = rules.may("send", found.status, code=found.code) or _no_way(found, to)
        if refusal:
            return refusal
        home = [Leg(found.waits_in, found.room, back=True)] if back and found.room else []
        return _moved(
            record, found, "send", [*to, *home, *(Leg(**one) for one in found.route)], outcome="sent"
        )


def _no_way(ticket: Ticket, to: Sequence[Leg]) -> Refusal | None:
    known = {one.code for one in queries.queues_of(ticket.facility)}
    wrong = not to or any(one.queue not in known if one.queue else not one.room for one in to)
    return refuse("line.no-queue", rules.NO_QUEUE) if wrong else None


def _moved(record: fhir.Record, ticket: Ticket, act: str, legs: Sequence[Leg], *, outcome: str) -> Ticket:
    """The first of these places is where the ticket waits from now on; the wait before it is over."""
    now, first = record.clock(), legs[0]
    left = telling.topics_of(ticket)
    old = ticket.stop
    values = {
        **_FRESH, "status": Status.WAITING, "waits_in": first.queue, "room": first.room, "is_back": first.back,
        "queued_at": now, "joined_at": now, "route": [asdict(one) for one in legs[1:]],
    }  # fmt: skip
    whole_ = Stop.objects.filter(pk=old or 0, called_at__isnull=False, whole=True).exists()
    before = {name: getattr(ticket, name) for name in [*values, "stop"]}
    for name, value in values.items():
        setattr(ticket, name, value)
    stop = _stop(record, ticket)
    changed = change(
        record,
        ticket,
        act,
        stop={"ended_at": now, "outcome": outcome, "whole": whole_},
        before=before,
        **values,
    )
    _at(changed, stop)
    note(changed, made=stop.pk)
    telling.tell(left)
    return changed


def missed(record: fhir.Record, *, ticket: int) -> Ticket | Refusal:
    """Called and not there."""
    return _act(record, ticket, "miss", {})


skip = missed


def rejoin(record: fhir.Record, *, ticket: int) -> Ticket | Refusal:
    """Back into the line with the same number: behind a few when soon, else at the end; so often as the rule says."""
    return _return(record, ticket, "rejoin")


def park(record: fhir.Record, *, ticket: int) -> Ticket | Refusal:
    """Away for a while: the place is kept, so long as the rule says; meanwhile the others go on."""
    now = record.clock()
    return _act(record, ticket, "park", {"whole": False}, parked_at=now)


def resume(record: fhir.Record, *, ticket: int) -> Ticket | Refusal:
    """Back in the line, at the place that was kept; who stayed away too long goes as one who missed the call."""
    return _return(record, ticket, "resume")


def _return(record: fhir.Record, ticket: int, act: str) -> Ticket | Refusal:
    with whole():
        found = _locked(record, ticket)
        if isinstance(found, Refusal) or found.status == Status.WAITING:
            return found
        known = order.rule()
        refusal = rules.may(act, found.status, code=found.code)
        if refusal is None and act == "rejoin" and found.rejoined >= known.rejoin_most:
            refusal = refuse("line.rejoined", rules.REJOINED, code=found.code, times=known.rejoin_most)
        if refusal:
            return refusal
        now = record.clock()
        values: dict[str, Any] = {"joined_at": now, "parked_at": None, "status": Status.WAITING}
        kept = act == "resume" and found.parked_at is not None and now - found.parked_at <= known.park_most
        if not kept:
            waiting = queries.place_of(record, facility=found.facility, key=found.line, day=found.day).waiting
            since = found.called_at if act == "rejoin" else None
            values["queued_at"] = rules.place_of_return(waiting, called_at=since, now=now)
            values |= {"passed": 0, "call_count": 0, "call_key": "", "called_at": None}
            values["rejoined"] = found.rejoined + (act == "rejoin")
        return change(record, found, act, stop={"whole": False}, **values)


def undo(record: fhir.Record, *, ticket: int) -> Ticket | Refusal:
    """Take the last act back, for as long as the rule says: the ticket, its wait, and those it passed."""
    with whole():
        found = _locked(record, ticket)
        return found if isinstance(found, Refusal) else taken_back(record, found)


def cancel(record: fhir.Record, *, ticket: int) -> Ticket | Refusal:
    """The number is void; it is not given again."""
    return _act(record, ticket, "cancel", {"ended_at": record.clock(), "outcome": "cancelled"})


def _act(record: fhir.Record, ticket: int, act: str, stop: dict[str, Any], **values: Any) -> Ticket | Refusal:
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
        if act == "start" and found.called_at is None:
            stop = {**stop, "called_at": record.clock()}
        if "room" in values:
            values["room"] = values["room"] or found.room
            stop = {**stop, "room": values["room"]}
        return change(record, found, act, stop=stop, status=leads, **values)


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


def _next_number(facility: str, queue: str, day: date) -> tuple[int, int, int]:
    """The next number of a series, with the keys of the ticket that gets it and of its first wait."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_NUMBER, [facility, queue, day])
        number, ticket, stop = cursor.fetchone()
        return int(number), int(ticket), int(stop)


def _locked_line(record: fhir.Record, room: str, now: datetime) -> list[Ticket]:
    """Everybody the room may call or is calling, locked: one call at a time from each line."""
    day, facility = local_day(now), record.actor.facility or ""
    served = [one.code for one in queries.queues_of(facility) if room in one.rooms]
    with connection.cursor() as cursor:
        for name in [room, *sorted(f"{facility} {one}" for one in served)]:
            cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 2))", [f"{name} {day}"])
    return list(Ticket.objects.raw(_OF_ROOM, [day, facility, room, served]))
