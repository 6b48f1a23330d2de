"""What the page of a call asks and tells: where the visit stands, who is there, signals, the rung of the ladder.

Answers are JSON for one seat. A page tells every few seconds that it is there, at once when live events say that
something changed; without live events it only asks a little later.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from yba.areas.telehealth import actions, queries, rules, signals
from yba.areas.telehealth.models import Room, Seat
from yba.care.remote.engines import Attendee, Meeting, engines
from yba.fhir.errors import Gone, NotFound
from yba.fhir.record import Record
from yba.ui.live import changed
from yba.ui.requests import record_of

_EPOCH: Final = re.compile(r"[0-9a-f]{8,16}")
#: A page's sign of life is written down no more often than this, so that a call costs few writes.
_NOTE_SECONDS: Final = 5
GONE: Final = {"gone": True}


def _said(request: HttpRequest) -> dict[str, Any] | None:
    """The JSON object of a request; None for anything else."""
    try:
        found = json.loads(request.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _seat(request: HttpRequest, key: str) -> Seat | None:
    """The seat this browser sits on."""
    try:
        return queries.held_seat(request, record_of(request), key)
    except (NotFound, Gone):
        return None


@require_POST
@csrf_protect
def sync(request: HttpRequest, key: str) -> HttpResponse:
    """This page is there (``epoch`` names it, ``take`` makes it the one that counts); what is new for it."""
    seat, said = _seat(request, key), _said(request)
    if seat is None:
        return JsonResponse(GONE, status=404)
    epoch = str((said or {}).get("epoch", ""))
    after = (said or {}).get("after", 0)
    if said is None or not _EPOCH.fullmatch(epoch) or not isinstance(after, int) or not 0 <= after < 2**53:
        return JsonResponse({"error": "epoch"}, status=400)
    record, room = record_of(request), seat.room
    if said.get("take") is True and seat.epoch != epoch:
        _take(seat, epoch)
    if seat.epoch != epoch:
        return JsonResponse({"superseded": True})
    over = room.ended_at is not None or room.state not in rules.OPEN
    if not over:
        _note(record, seat, joined=said.get("joined") is True, connected=said.get("connected") is True)
    answer = _standing(record, room, seat, over=over)
    answer["signals"] = [
        {"id": one.pk, "from": one.sender, "epoch": one.sender_epoch, **one.body}
        for one in signals.waiting(seat, after=after)
    ]
    if said.get("entrance") is True and answer["admitted"] and not over and not answer["full"]:
        answer["entrance"] = _entrance(record, room, seat)
    return JsonResponse(answer)


def _take(seat: Seat, epoch: str) -> None:
    """Another page of the same person takes the seat over; the one before is told so."""
    Seat.objects.filter(pk=seat.pk).update(epoch=epoch, connected_at=None)
    seat.epoch, seat.connected_at = epoch, None
    changed(f"call:{seat.room.name}")


def _note(record: Record, seat: Seat, *, joined: bool, connected: bool) -> None:
    now = record.clock()
    was_here = rules.is_here(seat.seen_at, now=now)
    if seat.seen_at is None or (now - seat.seen_at).total_seconds() >= _NOTE_SECONDS:
        Seat.objects.filter(pk=seat.pk).update(seen_at=now)
        seat.seen_at = now
    if not was_here:
        changed(f"call:{seat.room.name}")
        changed(f"video:{seat.room.practitioner_id}")
    if joined and (seat.admitted_at is not None):
        actions.came(seat, at=now, by="page")
    if connected and seat.connected_at is None and seat.admitted_at is not None:
        actions.connected(record, seat)
        seat.room.refresh_from_db(fields=["state"])


def _standing(record: Record, room: Room, seat: Seat, *, over: bool) -> dict[str, Any]:
    """Where the visit stands for this seat. Who is not admitted sees whether the doctor is there, and nobody else."""
    now = record.clock()
    doctor = seat.kind == Seat.Kind.DOCTOR
    admitted = doctor or seat.admitted_at is not None
    everyone = queries.seats_of(room)
    here = [
        one
        for one in everyone
        if one.pk != seat.pk and one.admitted_at is not None and rules.is_here(one.seen_at, now=now)
    ]
    full = admitted and len(here) >= rules.MOST_IN_CALL
    shown = [one for one in everyone if one.pk != seat.pk and (doctor or one in here)] if admitted else []
    return {
        "state": room.state,
        "engine": room.engine,
        "rung": room.rung,
        "admitted": admitted,
        "over": over,
        "full": full,
        "doctor": any(
            one.kind == Seat.Kind.DOCTOR and rules.is_here(one.seen_at, now=now) for one in everyone
        ),
        "seats": [
            {
                "key": one.key,
                "name": one.name,
                "kind": one.kind,
                "epoch": one.epoch,
                "here": rules.is_here(one.seen_at, now=now),
                "admitted": one.admitted_at is not None,
            }
            for one in shown
        ],
    }


def _entrance(record: Record, room: Room, seat: Seat) -> dict[str, Any]:
    """What the engine gives this seat to get in with."""
    meeting = Meeting(room.name, room.starts - rules.OPENS_BEFORE, room.closes)
    who = Attendee(seat.key, seat.name, seat.kind == Seat.Kind.DOCTOR)
    engine = engines().get(room.engine) or engines()["peer"]
    return {"engine": engine.name, **engine.entrance(meeting, who, now=record.clock())}


@require_POST
@csrf_protect
def signal(request: HttpRequest, key: str) -> HttpResponse:
    """A signal for one other seat of the same room, both of them let in."""
    seat, said = _seat(request, key), _said(request)
    if seat is None:
        return JsonResponse(GONE, status=404)
    body = (said or {}).get("body")
    if said is None or not signals.acceptable(body) or said.get("as") != seat.epoch:
        return JsonResponse({"error": "signal"}, status=400)
    assert isinstance(body, dict)
    to = Seat.objects.filter(room=seat.room_id, key=str(said.get("to", "")), removed_at=None).first()
    if to is None or to.pk == seat.pk or None in (seat.admitted_at, to.admitted_at) or seat.room.ended_at:
        return JsonResponse(GONE, status=404)
    epoch = str(said.get("epoch", ""))
    if to.epoch != epoch:  # meant for a page that is not there any more
        return JsonResponse({"stale": True}, status=409)
    sent = signals.send(seat, to, epoch=epoch, body=body, at=record_of(request).clock())
    return JsonResponse({"sent": sent}, status=200 if sent else 429)


@require_POST
@csrf_protect
def rung(request: HttpRequest, key: str) -> HttpResponse:
    """This page went to another rung of the ladder; the visit notes it once."""
    seat, said = _seat(request, key), _said(request)
    if seat is None:
        return JsonResponse(GONE, status=404)
    wanted = (said or {}).get("rung")
    if wanted not in rules.PAGE_RUNGS or seat.admitted_at is None:
        return JsonResponse({"error": "rung"}, status=400)
    actions.note_rung(record_of(request), seat, str(wanted), why=str((said or {}).get("why", ""))[:60])
    return JsonResponse({"rung": wanted})


@require_POST
@csrf_protect
def leave(request: HttpRequest, key: str) -> HttpResponse:
    """This page goes: it is no longer in the call. It may come back while the room is open."""
    seat, said = _seat(request, key), _said(request)
    if seat is None:
        return JsonResponse(GONE, status=404)
    if said is not None and said.get("epoch") == seat.epoch:
        now = record_of(request).clock()
        actions.left(seat, at=now, by="page")
        Seat.objects.filter(pk=seat.pk).update(seen_at=None, connected_at=None)
        changed(f"call:{seat.room.name}")
        changed(f"video:{seat.room.practitioner_id}")
    return JsonResponse({"left": True})
