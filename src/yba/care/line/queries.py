"""Reading the line: of a room, of a facility, of one ticket, and how long it will take. No health words here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.core.signing import BadSignature, Signer

from yba import fhir
from yba.care.line import rules
from yba.care.line.models import Status, Ticket
from yba.ui.words import local_day

RECENT = 12
_SIGNER = Signer(salt="yba.care.line.ticket")


@dataclass(frozen=True, slots=True)
class Line:
    """One room's day: who is called, who is in, who waits in order, who missed the call, who is done."""

    room: str
    called: list[Ticket] = field(default_factory=list)
    in_room: list[Ticket] = field(default_factory=list)
    waiting: list[Ticket] = field(default_factory=list)
    missed: list[Ticket] = field(default_factory=list)
    done: list[Ticket] = field(default_factory=list)

    @property
    def all(self) -> list[Ticket]:
        """Everybody: called, in the room, waiting in order, missed, done."""
        return [*self.called, *self.in_room, *self.waiting, *self.missed, *self.done]

    @property
    def now(self) -> Ticket | None:
        """The ticket the room is busy with: called last, else in the room."""
        return next(iter(self.called or self.in_room), None)


def line_of(record: fhir.Record, *, room: str, day: date | None = None) -> Line:
    """The line of one room, today unless said otherwise."""
    now = record.clock()
    tickets = Ticket.objects.filter(room=room, day=day or local_day(now))
    return _line(room, tickets, now)


def lines_of(record: fhir.Record, *, facility: str, day: date | None = None) -> dict[str, Line]:
    """All lines of a facility by room, in one query."""
    now = record.clock()
    by_room: dict[str, list[Ticket]] = {}
    for ticket in Ticket.objects.filter(facility=facility, day=day or local_day(now)):
        by_room.setdefault(ticket.room, []).append(ticket)
    return {room: _line(room, tickets, now) for room, tickets in by_room.items()}


def _line(room: str, tickets: Iterable[Ticket], now: datetime) -> Line:
    by: dict[str, list[Ticket]] = {status: [] for status in Status.values}
    for ticket in sorted(tickets, key=lambda one: one.number):
        by[ticket.status].append(ticket)
    return Line(
        room,
        called=sorted(by[Status.CALLED], key=lambda one: one.called_at or now, reverse=True),
        in_room=sorted(by[Status.IN_ROOM], key=lambda one: one.started_at or now, reverse=True),
        waiting=sorted(by[Status.WAITING], key=lambda one: rules.order_key(one, now=now)),
        missed=by[Status.MISSED],
        done=sorted(by[Status.DONE], key=lambda one: one.done_at or now),
    )


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
        return Ticket.objects.filter(pk=ticket).first()
    if encounter:
        return Ticket.objects.filter(encounter_id=encounter).first()
    if appointment:
        return (
            Ticket.objects.filter(appointment_id=appointment)
            .exclude(status=Status.CANCELLED)
            .order_by("-id")
            .first()
        )
    today = local_day(record.clock())
    return Ticket.objects.filter(patient_id=patient, day=today).order_by("-id").first() if patient else None


def ahead_of(ticket: Ticket, line: Line) -> list[Ticket]:
    """Those before a waiting ticket, the called one first."""
    if ticket.status != Status.WAITING:
        return []
    before = []
    for one in line.waiting:
        if one.pk == ticket.pk:
            break
        before.append(one)
    return [*line.called, *before]


def recent_minutes(room: str) -> list[float]:
    """How long the last visits of a room took, newest first, in minutes."""
    rows = (
        Ticket.objects.filter(room=room, started_at__isnull=False, done_at__isnull=False)
        .order_by("-done_at")
        .values_list("started_at", "done_at")[:RECENT]
    )
    return [(done - started).total_seconds() / 60 for started, done in rows if started and done]


def wait_range(
    record: fhir.Record, *, ticket: Ticket, line: Line | None = None, durations: list[float] | None = None
) -> rules.Wait:
    """How long a waiting ticket may take, from the room's recent visits; zero for one called or past."""
    if ticket.status != Status.WAITING:
        return rules.Wait(0, 0)
    line = line or line_of(record, room=ticket.room, day=ticket.day)
    return _wait(record, line, len(ahead_of(ticket, line)), durations)


def wait_of_next(record: fhir.Record, *, line: Line, durations: list[float] | None = None) -> rules.Wait:
    """How long one who draws a number now may wait."""
    return _wait(record, line, len(line.waiting) + len(line.called), durations)


def _wait(record: fhir.Record, line: Line, ahead: int, durations: list[float] | None) -> rules.Wait:
    inside = line.in_room[0] if line.in_room else None
    elapsed = (
        (record.clock() - inside.started_at).total_seconds() / 60 if inside and inside.started_at else None
    )
    pool = recent_minutes(line.room) if durations is None else durations
    return rules.wait_range(ahead=ahead, durations=pool, elapsed=elapsed, seed=ahead)


def link_token(ticket: Ticket) -> str:
    """What stands in the address of a ticket's own page: signed, so nobody guesses a neighbour's."""
    return _SIGNER.sign(str(ticket.pk))


def ticket_of_link(token: str) -> Ticket | None:
    """The ticket of such an address; None when the signature is not ours."""
    try:
        return Ticket.objects.filter(pk=int(_SIGNER.unsign(token))).first()
    except (BadSignature, ValueError):
        return None
