"""Reading the line: of a room, of a facility, of one ticket, and how long it will take. No health words here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from django.core.signing import BadSignature, Signer
from django.db.models import Q

from yba import fhir
from yba.care import asked
from yba.care.line import kept, measures, order, waiting
from yba.care.line.models import Queue, Status, Ticket
from yba.care.line.waiting import Wait
from yba.ui.words import HANOI, local_day

_SIGNER = Signer(salt="yba.care.line.ticket")
#: So many like people are enough to say how often they are passed.
ENOUGH_PASSED = 10
#: A longer line is counted when somebody joins it.
CROWD = 2 * waiting.LONG


@dataclass(frozen=True, slots=True)
class Place:
    """One line, of a queue or of a room: everybody in it now, over all its rooms."""

    key: str
    facility: str
    queue: Queue | None = None
    called: list[Ticket] = field(default_factory=list)
    inside: list[Ticket] = field(default_factory=list)
    waiting: list[Ticket] = field(default_factory=list)
    #: What one who joins is told, by minute and kind: worked out once as long as the line lies as it lies.
    told: dict[tuple[datetime, str, datetime | None], tuple[measures.Known, Wait]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @property
    def now(self) -> Ticket | None:
        """The ticket called last, else one that is inside."""
        return next(iter(self.called or self.inside), None)

    @property
    def stage(self) -> str:
        """What is done there."""
        return self.queue.stage if self.queue else "doctor"

    @property
    def rooms(self) -> list[str]:
        """The rooms that may call from it."""
        return list(self.queue.rooms) if self.queue else [self.key]


@dataclass(frozen=True, slots=True)
class Line:
    """One room's day: who is called, who is in, who waits in order, who missed the call, who is done."""

    room: str
    called: list[Ticket] = field(default_factory=list)
    in_room: list[Ticket] = field(default_factory=list)
    waiting: list[Ticket] = field(default_factory=list)
    missed: list[Ticket] = field(default_factory=list)
    done: list[Ticket] = field(default_factory=list)
    parked: list[Ticket] = field(default_factory=list)
    place: Place = field(default_factory=lambda: Place("", ""))

    @property
    def all(self) -> list[Ticket]:
        """Everybody: called, in the room, waiting in order, missed, away for a while, done."""
        return [*self.called, *self.in_room, *self.waiting, *self.missed, *self.parked, *self.done]

    @property
    def now(self) -> Ticket | None:
        """The ticket the room is busy with: called last, else in the room."""
        return next(iter(self.called or self.in_room), None)


#: Said to the database as they stand: composed by Django they cost more than their answers.
_QUEUES: Final = "select {columns} from line_queue where facility = %s and active"
_QUEUE: Final = "select {columns} from line_queue where facility = %s and code = %s and active"
_TICKET: Final = "select {columns} from line_ticket where id = %s"
_OF_APPOINTMENT: Final = """
select {columns} from line_ticket where appointment_id = %s and status <> 'cancelled' order by id desc limit 1"""
_LIVE_IN_QUEUE: Final = """
select {columns} from line_ticket where facility = %s and day = %s and waits_in = %s
    and status in ('waiting', 'called', 'in_room')"""
_LIVE_IN_ROOM: Final = """
select {columns} from line_ticket where facility = %s and day = %s and waits_in = '' and room = %s
    and status in ('waiting', 'called', 'in_room')"""

_CROWD_IN_QUEUE: Final = """
select count(*) from line_ticket where facility = %s and day = %s and waits_in = %s and status = 'waiting'"""
_CROWD_IN_ROOM: Final = """
select count(*) from line_ticket where facility = %s and day = %s and waits_in = '' and room = %s
    and status = 'waiting'"""


def queues_of(facility: str | None) -> list[Queue]:
    """The queues of a facility that several rooms call from, by stage and name."""
    return sorted(asked.rows(Queue, _QUEUES, [facility or ""]), key=lambda one: (one.stage, one.name))


def in_line_of(room: str, queues: Iterable[Queue]) -> Q:
    """Tickets a room may call: its own, and those that wait for any room of its queues."""
    served = [one for one in queues if room in one.rooms]
    codes, facilities = [one.code for one in served], {one.facility for one in served}
    return Q(room=room) | Q(room="", waits_in__in=codes, facility__in=facilities)


def line_of(record: fhir.Record, *, room: str, day: date | None = None) -> Line:
    """The line of one room, today unless said otherwise."""
    now = record.clock()
    facility = record.actor.facility
    queues = (
        queues_of(facility) if facility else list(Queue.objects.filter(active=True, rooms__contains=room))
    )
    tickets = Ticket.objects.filter(in_line_of(room, queues), day=day or local_day(now))
    return _line(room, tickets, queues, now, facility=facility or "")


def lines_of(record: fhir.Record, *, facility: str, day: date | None = None) -> dict[str, Line]:
    """All lines of a facility by room. Who waits for any room of a queue is in the line of each.

    A line is put in order once for as long as it lies as it lay: the same tickets in the same versions, and nobody's
    booked time come near meanwhile. Its tickets are shared, and not to be changed.
    """
    now = record.clock()
    queues = queues_of(facility)
    serving: dict[str, list[str]] = {}
    for queue in queues:
        for room in queue.rooms:
            serving.setdefault(queue.code, []).append(room)
    of_day = kept.day_of(facility, day or local_day(now))
    by_room: dict[str, list[Ticket]] = {}
    by_line: dict[str, list[Ticket]] = {}
    for ticket in of_day.tickets:
        by_line.setdefault(ticket.line, []).append(ticket)
        for room in [ticket.room] if ticket.room else serving.get(ticket.waits_in, ()):
            by_room.setdefault(room, []).append(ticket)
    own = {room: queue for queue in reversed(queues) for room in queue.rooms}
    return {
        room: _arranged(of_day, room, tickets, by_line, own.get(room), now, facility)
        for room, tickets in by_room.items()
    }


@dataclass(frozen=True, slots=True)
class _Arranged:
    """A line as it was put in order, and what makes it another: its tickets' versions, its queue, somebody's turn."""

    marks: tuple[str, ...]
    queue: tuple[object, ...]
    since: datetime
    until: datetime
    line: Line


_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def _arranged(
    of_day: kept.Day,
    room: str,
    tickets: list[Ticket],
    by_line: dict[str, list[Ticket]],
    queue: Queue | None,
    now: datetime,
    facility: str,
) -> Line:
    shared = by_line.get(queue.code, []) if queue else tickets
    marks = tuple([of_day.marks[one.pk] for one in tickets] + [of_day.marks[one.pk] for one in shared])
    said = (queue.pk, queue.name, queue.stage, *queue.rooms) if queue else ()
    known: _Arranged | None = of_day.made.get(room)
    if (
        known is not None
        and known.marks == marks
        and known.queue == said
        and known.since <= now < known.until
    ):
        return known.line
    queues = [queue] if queue else []
    everybody = {one.pk: one for one in [*tickets, *shared]}.values()
    places = _places(facility, everybody, queues, now)
    line = _line(room, tickets, queues, now, facility=facility, places=places)
    turns = [one.due_at - order.rule().early for one in everybody if one.due_at is not None]
    since = max((one for one in turns if one <= now), default=_FIRST)
    until = min((one for one in turns if one > now), default=_LAST)
    of_day.made[room] = _Arranged(marks, said, since, until, line)
    return line


def _line(
    room: str,
    tickets: Iterable[Ticket],
    queues: Sequence[Queue],
    now: datetime,
    *,
    facility: str,
    places: dict[str, Place] | None = None,
) -> Line:
    by: dict[str, list[Ticket]] = {status: [] for status in Status.values}
    for ticket in sorted(tickets, key=lambda one: one.number):
        by[ticket.status].append(ticket)
    own = next((one for one in queues if room in one.rooms), None)
    everybody = [one for all_ in by.values() for one in all_]
    facility = own.facility if own else facility or next((one.facility for one in everybody), "")
    key = own.code if own else room
    if places is None:
        places = _places(facility, everybody, queues, now)
    return Line(
        room,
        called=sorted(by[Status.CALLED], key=lambda one: one.called_at or now, reverse=True),
        in_room=sorted(by[Status.IN_ROOM], key=lambda one: one.started_at or now, reverse=True),
        waiting=sorted(by[Status.WAITING], key=lambda one: order.order_key(one, now=now)),
        missed=by[Status.MISSED],
        done=sorted(by[Status.DONE], key=lambda one: one.done_at or now),
        parked=by[Status.PARKED],
        place=places.get(key) or Place(key, facility, own),
    )


# -- one line over its rooms --------------------------------------------------------------------------------


def place_of(record: fhir.Record, *, facility: str, key: str, day: date) -> Place:
    """Everybody in one line now."""
    return _place(facility, key, _queue(facility, key), day=day, now=record.clock())


def _place(facility: str, key: str, queue: Queue | None, *, day: date, now: datetime) -> Place:
    tickets = asked.rows(Ticket, _LIVE_IN_QUEUE if queue else _LIVE_IN_ROOM, [facility, day, key])
    found = _places(facility, tickets, [queue] if queue else [], now)
    return found.get(key) or Place(key, facility, queue)


def _queue(facility: str, key: str) -> Queue | None:
    return asked.first(Queue, _QUEUE, [facility, key])


_LIVE = (Status.WAITING, Status.CALLED, Status.IN_ROOM)


def _places(
    facility: str, tickets: Iterable[Ticket], queues: Sequence[Queue], now: datetime
) -> dict[str, Place]:
    by_code = {one.code: one for one in queues}
    found: dict[str, Place] = {}
    for ticket in tickets:
        if ticket.status in _LIVE:
            place = found.setdefault(ticket.line, Place(ticket.line, facility, by_code.get(ticket.waits_in)))
            where = {Status.WAITING: place.waiting, Status.CALLED: place.called}
            where.get(Status(ticket.status), place.inside).append(ticket)
    for place in found.values():
        place.waiting.sort(key=lambda one: order.order_key(one, now=now))
        place.called.sort(key=lambda one: one.called_at or now, reverse=True)
    return found


def known_of(record: fhir.Record, places: Iterable[Place]) -> dict[str, measures.Known]:
    """What was measured at these lines of one facility."""
    asked = list(places)
    facility = next((one.facility for one in asked), "")
    return measures.known_of(facility, [one.key for one in asked], today=local_day(record.clock()))


def ahead_of(ticket: Ticket, place: Place) -> list[Ticket]:
    """Those before a waiting ticket, the called ones first."""
    if ticket.status != Status.WAITING:
        return []
    before = []
    for one in place.waiting:
        if one.pk == ticket.pk:
            break
        before.append(one)
    return [*place.called, *before]


def wait_range(
    record: fhir.Record,
    *,
    ticket: Ticket,
    place: Place | None = None,
    known: measures.Known | None = None,
) -> Wait:
    """How long a waiting ticket may take, from visits measured at its line; zero for one called or past."""
    if ticket.status != Status.WAITING:
        return Wait(0, 0)
    place = place or place_of(record, facility=ticket.facility, key=ticket.line, day=ticket.day)
    return expected(place, ticket, known or _known(place, record), now=record.clock())


@dataclass(frozen=True, slots=True)
class Told:
    """What is told to one who joins: where it is, how many are before, how long."""

    stage: str
    ahead: int
    wait: Wait


def told(record: fhir.Record, ticket: Ticket) -> Told:
    """What one who joins a line now is told. A crowd is counted, not played: in it, each waits for all the others."""
    now, facility, key = record.clock(), ticket.facility, ticket.line
    queue = _queue(facility, key) if ticket.waits_in else None
    crowd = int(asked.values(_CROWD_IN_QUEUE if queue else _CROWD_IN_ROOM, [facility, ticket.day, key])[0][0])
    if crowd > CROWD:
        empty = Place(key, facility, queue)
        known = _known(empty, record)
        rooms = tuple(_working(empty, ticket, known, now).values())
        pool = tuple(known.measured.pool(empty.stage))
        scene = waiting.Scene(crowd, rooms, pool, opens=_opens(empty, known, now))
        return Told(empty.stage, crowd, waiting.expected(scene, seed=crowd))
    place = _place(facility, key, queue, day=ticket.day, now=now)
    mine = order.order_key(ticket, now=now)
    before = sum(order.order_key(one, now=now) < mine for one in place.waiting if one.pk != ticket.pk)
    return Told(place.stage, len(place.called) + before, wait_range(record, ticket=ticket, place=place))


def wait_of_next(
    record: fhir.Record,
    *,
    place: Place,
    known: measures.Known | None = None,
    priority: str = "none",
    due_at: datetime | None = None,
) -> Wait:
    """How long one who draws a number now may wait: said before joining. Played from the full minute."""
    now = record.clock().replace(second=0, microsecond=0)
    known = known or _known(place, record)
    told = place.told.get((now, priority, due_at))
    if told is not None and told[0] == known:
        return told[1]
    wait = expected(place, stranger(place, priority=priority, due_at=due_at, now=now), known, now=now)
    if len(place.told) > 8:
        place.told.clear()
    place.told[now, priority, due_at] = (known, wait)
    return wait


def stranger(place: Place, *, priority: str, due_at: datetime | None, now: datetime) -> Ticket:
    """Somebody who might join the line now; stored nowhere."""
    return Ticket(
        number=10**6, priority=priority, due_at=due_at, queued_at=now, joined_at=now, status=Status.WAITING,
        facility=place.facility, waits_in=place.queue.code if place.queue else "",
        room="" if place.queue else place.key, day=local_day(now),
    )  # fmt: skip


def _known(place: Place, record: fhir.Record) -> measures.Known:
    return known_of(record, [place]).get(place.key) or measures.Known()


def expected(place: Place, one: Ticket, known: measures.Known, *, now: datetime) -> Wait:
    """The range for one who waits in a line, or would."""
    return waiting.expected(scene_of(place, one, known, now=now), seed=one.number)


def scene_of(place: Place, one: Ticket, known: measures.Known, *, now: datetime) -> waiting.Scene:
    """The line as it lies before one of it: people, rooms that work, what was measured."""
    pool = known.measured.pool(place.stage)
    rooms = _working(place, one, known, now)
    everybody = place.waiting if any(each is one for each in place.waiting) else _with(place.waiting, one)
    before = waiting.people_before(one, everybody, rooms=len(rooms), minutes=sum(pool) / len(pool), now=now)
    ahead = len(before)
    if one.room and place.queue:  # their own room alone calls them; the others take their share of the rest
        bound = sum(each.room == one.room for each in before)
        shared = sum(not each.room for each in before)
        ahead, rooms = bound + -(-shared // max(len(rooms), 1)), {one.room: rooms.get(one.room)}
    return waiting.Scene(
        ahead=ahead,
        rooms=tuple(rooms.values()),
        minutes=tuple(pool),
        passes=_passes(one, before, known, now),
        opens=_opens(place, known, now),
    )


def _with(people: Sequence[Ticket], one: Ticket) -> list[Ticket]:
    """The line with one more; a ticket that is in it already stands there as the given one."""
    return [*(each for each in people if each.pk is None or each.pk != one.pk), one]


def _working(place: Place, one: Ticket, known: measures.Known, now: datetime) -> dict[str, float | None]:
    """The rooms that work now, each with the minutes somebody has been inside."""
    busy: dict[str, float | None] = {}
    for each in [*place.called, *place.inside]:
        since = each.started_at or each.called_at or now
        busy[each.room] = max((now - since).total_seconds() // 60, busy.get(each.room) or 0.0)
    working = set(busy) | (known.today.working(now) & set(place.rooms))
    if not working:
        working = set(place.rooms) if not known.today.rooms else {*known.today.rooms} & {*place.rooms}
    working = working or {one.room or place.key}
    return {room: busy.get(room) for room in sorted(working)}


def _passes(one: Ticket, before: Sequence[Ticket], known: measures.Known, now: datetime) -> tuple[int, ...]:
    """How often people like this one were passed before their call, less what has happened or is foreseen."""
    measured = (known.measured.passed or {}).get(order.class_of(one, now=now), ())
    if len(measured) < ENOUGH_PASSED:
        return ()
    mark = (one.joined_at, one.number)
    foreseen = one.passed + sum((each.joined_at, each.number) > mark for each in before)
    likely = [each for each in measured if each >= one.passed] or [one.passed]
    return tuple(max(each - foreseen, 0) for each in likely)


def _opens(place: Place, known: measures.Known, now: datetime) -> tuple[float, ...]:
    if known.today.rooms or place.inside or place.called:
        return ()
    local = now.astimezone(HANOI)
    minute = local.hour * 60 + local.minute
    return tuple(one - minute for one in known.measured.begins)


# -- one ticket ---------------------------------------------------------------------------------------------


def ticket_of(
    record: fhir.Record,
    *,
    encounter: str = "",
    appointment: str = "",
    patient: str = "",
    ticket: int | None = None,
) -> Ticket | None:
    """The ticket of a visit, a booking, a person's newest of today, or by its own id."""
    if ticket is not None:
        return asked.first(Ticket, _TICKET, [ticket])
    if encounter:
        return Ticket.objects.filter(encounter_id=encounter).first()
    if appointment:
        return asked.first(Ticket, _OF_APPOINTMENT, [appointment])
    today = local_day(record.clock())
    return Ticket.objects.filter(patient_id=patient, day=today).order_by("-id").first() if patient else None


def ticket_at(record: fhir.Record, ticket: int, *, room: str) -> Ticket | None:
    """The ticket, if this room may call it or has it today."""
    facility = record.actor.facility or ""
    return Ticket.objects.filter(
        in_line_of(room, queues_of(facility)), pk=ticket, facility=facility, day=local_day(record.clock())
    ).first()


def link_token(ticket: Ticket) -> str:
    """What stands in the address of a ticket's own page: signed, so nobody guesses a neighbour's."""
    return _SIGNER.sign(str(ticket.pk))


def ticket_of_link(token: str) -> Ticket | None:
    """The ticket of such an address; None when the signature is not ours."""
    try:
        return Ticket.objects.filter(pk=int(_SIGNER.unsign(token))).first()
    except (BadSignature, ValueError):
        return None
