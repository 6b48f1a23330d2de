"""A desk or room that calls: vitals, laboratory, cashier, pharmacy, and the doctor's door for whoever calls there.

Call the next, again, begin, finish, absent, back, away for a while, send on, take back. What is begun and finished at a
doctor is the visit itself, and done on the doctor's pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yba.areas.booking.queue import own, pages, queries
from yba.care.line import actions as line
from yba.care.line import changing
from yba.care.line import queries as lines
from yba.care.line.actions import Leg
from yba.care.line.models import Queue, Stage, Status, Stop, Ticket
from yba.care.refusal import Refusal
from yba.fhir.record import Record
from yba.ui.requests import once_of, record_of, role_required
from yba.ui.words import local_day

#: Who calls where, by what is done there.
CALLERS: Final = {
    Stage.RECEPTION: ("receptionist",),
    Stage.VITALS: ("nurse", "receptionist"),
    Stage.DOCTOR: ("doctor", "head_of_department", "nurse"),
    Stage.LABORATORY: ("laboratory", "nurse"),
    Stage.IMAGING: ("imaging",),
    Stage.CASHIER: ("cashier",),
    Stage.PHARMACY: ("pharmacist",),
}
ROLES: Final = tuple(sorted({role for roles in CALLERS.values() for role in roles}))


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody in the line of this desk, and what may be done with them."""

    ticket: Ticket
    name: str
    facts: str
    kind: str
    status: str
    waited: str
    undo: bool
    encounter: str


@dataclass(frozen=True, slots=True)
class Station:
    """The page of a room that calls."""

    title: str
    name: str
    place: str
    room: str
    topic: str
    stage: str
    serves: bool
    called: list[Row]
    inside: list[Row]
    waiting: list[Row]
    away: list[Row]
    past: list[Row]
    ways: list[tuple[str, str]]
    next: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A room this account may call from."""

    room: str
    name: str
    queue: str
    waiting: int


@dataclass(frozen=True, slots=True)
class Choices:
    """Which desk is this?"""

    title: str
    rooms: list[Choice]


def _choices(record: Record) -> list[Choice]:
    facility, role = record.actor.facility or "", record.actor.role
    queues = lines.queues_of(facility)
    found: dict[str, str] = {}
    for one in queues:
        if role in CALLERS[Stage(one.stage)]:
            found.update(dict.fromkeys(one.rooms, one.name))
    if role in CALLERS[Stage.DOCTOR]:
        for post in queries.posts_of(record, facility=facility):
            found.setdefault(post.room_id, post.specialty)
    states = lines.lines_of(record, facility=facility)
    rooms = [
        Choice(room, own.room_name(record, room), name, len(states[room].waiting) if room in states else 0)
        for room, name in found.items()
    ]
    return sorted((one for one in rooms if one.name), key=lambda one: (one.queue, one.name))


@role_required(*ROLES)
@require_safe
def stations(request: HttpRequest) -> HttpResponse:
    """The rooms this account may call from."""
    page = Choices(_("Gọi số"), _choices(record_of(request)))
    return render(request, "queue/stations.html", {"page": page})


@role_required(*ROLES)
@require_safe
def station(request: HttpRequest, room: str) -> HttpResponse:
    """The line of one room, with everything that may be done with it."""
    record = record_of(request)
    page = _page(record, _allowed(record, room))
    part = "#line" if request.headers.get("HX-Target") == "line" else ""
    return render(request, f"queue/station.html{part}", {"page": page})


def _allowed(record: Record, room: str) -> Choice:
    found = next((one for one in _choices(record) if one.room == room), None)
    if found is None:
        raise Http404
    return found


def _page(record: Record, here: Choice) -> Station:
    found = lines.line_of(record, room=here.room)
    stage = found.place.stage
    queues = lines.queues_of(record.actor.facility)
    ways = [(one.code, one.name) for one in queues if one.code != found.place.key]
    return Station(
        title=_("Gọi số: %(room)s") % {"room": here.name},
        name=here.name,
        place=here.queue,
        room=here.room,
        topic=f"room:{here.room}",
        stage=stage,
        serves=stage != Stage.DOCTOR,
        called=_rows(record, found.called),
        inside=_rows(record, found.in_room),
        waiting=_rows(record, found.waiting),
        away=_rows(record, [*found.missed, *found.parked]),
        past=_rows(record, list(reversed(found.done))[:3]),
        ways=ways,
        next=found.waiting[0].code if found.waiting else "",
    )


def _rows(record: Record, tickets: list[Ticket]) -> list[Row]:
    return [_row(record, one) for one in tickets]


def _row(record: Record, ticket: Ticket) -> Row:
    kind, status = pages.status_of(ticket)
    undo = ticket.status != Status.WAITING and changing.undoable(ticket, now=record.clock()) is not None
    return Row(
        ticket=ticket,
        name=ticket.patient_name or _("Chưa có tên"),
        facts=pages.facts_of(ticket, local_day(record.clock())),
        kind=kind,
        status=status,
        waited=pages.waited(ticket, record.clock()),
        undo=undo,
        encounter=ticket.encounter_id,
    )


# -- deeds ----------------------------------------------------------------------------------------------------

Deed = Callable[[Record, Ticket, str], Ticket | Refusal]
DEEDS: Final[dict[str, Deed]] = {
    "moi": lambda record, one, room: line.call(record, ticket=one.pk, room=room),
    "vao": lambda record, one, room: line.start(record, ticket=one.pk, room=room),
    "vang": lambda record, one, _room: line.missed(record, ticket=one.pk),
    "tro-lai": lambda record, one, _room: (
        line.resume(record, ticket=one.pk)
        if one.status == Status.PARKED
        else line.rejoin(record, ticket=one.pk)
    ),
    "tam-roi": lambda record, one, _room: line.park(record, ticket=one.pk),
}
OF_SERVING: Final = ("vao", "xong")


@role_required(*ROLES)
@require_POST
def call_next(request: HttpRequest, room: str) -> HttpResponse:
    """Call the next of the line."""
    record = record_of(request)
    here = _allowed(record, room)
    found = line.call_next(record, room=here.room, key=once_of(request))
    if isinstance(found, Refusal):
        messages.info(request, found.message)
    return redirect("booking:station", here.room)


@role_required(*ROLES)
@require_POST
def deed(request: HttpRequest, room: str, ticket: int, act: str) -> HttpResponse:
    """One act on one number of this room; what was done can be taken back from the note it leaves."""
    record = record_of(request)
    here = _allowed(record, room)
    if act == "lay-lai":
        return _taken_back(request, record, here, ticket)
    found = lines.ticket_at(record, ticket, room=here.room)
    if found is None and _was_here(ticket, here.room, request.POST.get("stop", "")):
        return redirect("booking:station", here.room)
    if found is None or (act in OF_SERVING and not _serves(record, found)):
        raise Http404
    answer = _done(request, record, found, here, act)
    if isinstance(answer, Refusal):
        messages.warning(request, answer.message)
    elif act not in ("moi",):
        undo = reverse("booking:station_deed", args=[here.room, ticket, "lay-lai"])
        said = _("Số %(code)s: %(state)s.") % {"code": answer.code, "state": _state(answer, here)}
        messages.info(request, said, extra_tags=f"toast undo:{undo}")
    return redirect("booking:station", here.room)


def _was_here(ticket: int, room: str, stop: str) -> bool:
    """A form sent twice: what it asks was done, and the number has gone on."""
    known = stop.isascii() and stop.isdecimal() and len(stop) < 19
    return known and Stop.objects.filter(pk=int(stop), ticket_id=ticket, room=room).exists()


def _done(request: HttpRequest, record: Record, found: Ticket, here: Choice, act: str) -> Ticket | Refusal:
    stop = request.POST.get("stop", "")
    at = int(stop) if stop.isascii() and stop.isdecimal() and len(stop) < 19 else None
    if act == "xong":
        return line.finish(record, ticket=found.pk, stop=at)
    if act == "chuyen":
        to = [Leg(request.POST.get("to", ""))]
        return line.send(record, ticket=found.pk, to=to, back="back" in request.POST, stop=at)
    if act not in DEEDS:
        raise Http404
    return DEEDS[act](record, found, here.room)


def _taken_back(request: HttpRequest, record: Record, here: Choice, ticket: int) -> HttpResponse:
    """Also of a number that was sent elsewhere: by whoever did it."""
    found = lines.ticket_of(record, ticket=ticket)
    if found is None or found.facility != record.actor.facility:
        raise Http404
    event = changing.undoable(found, now=record.clock())
    mine = event is not None and event.by == record.actor.user
    if not mine and lines.ticket_at(record, ticket, room=here.room) is None:
        raise Http404
    answer = line.undo(record, ticket=ticket)
    if isinstance(answer, Refusal):
        messages.warning(request, answer.message)
    return redirect("booking:station", here.room)


def _serves(record: Record, ticket: Ticket) -> bool:
    """Whether what is done here begins and ends in the line itself."""
    queue = Queue.objects.filter(facility=record.actor.facility or "", code=ticket.waits_in).first()
    return queue is not None and queue.stage != Stage.DOCTOR


def _state(ticket: Ticket, here: Choice) -> str:
    """The new state in words; where to, when it went elsewhere."""
    queue = Queue.objects.filter(facility=ticket.facility, code=ticket.waits_in).first()
    if ticket.status == Status.WAITING and queue is not None and here.room not in queue.rooms:
        return _("chuyển tới %(queue)s") % {"queue": queue.name}
    return str(Status(ticket.status).label).lower()
