"""What a Jitsi server asks and tells us: may this room be opened, who came and left, is this pass good.

Reservations: jitsi-meet's mod_reservations (handbook, devops-guide/reservation): POST, GET and DELETE of /conference.
Events: jitsi-contrib's event_sync. Both send ``Authorization: Bearer <secret>``; without the operator's secret nobody
is answered. The server is no account and sees no record: it learns a room's name, a duration, nothing of the visit.
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, cast
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yba.areas.telehealth import actions, rules
from yba.areas.telehealth.models import Pass, Presence, Room, Seat
from yba.care.remote.engines import engines
from yba.fhir.record import Record
from yba.ui.live import changed
from yba.ui.requests import record_of

logger = logging.getLogger(__name__)
P = ParamSpec("P")
_LARGEST: Final = 262_144
#: A clock of another machine may be ahead by so much; what it tells of later than that is put at our now.
_AHEAD: Final = timedelta(minutes=2)


def _answered(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Only the server that knows the secret of this installation; there is none, nobody."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        known = str(import_string(settings.YBA_VIDEO_CALLBACK)())
        said = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not known or not hmac.compare_digest(said.encode(), known.encode()):
            return JsonResponse({"message": "not allowed"}, status=403)
        return view(request, *args, **kwargs)

    return csrf_exempt(guarded)


# -- reservations ------------------------------------------------------------------------------------------


def refusal_of(room: Room | None, *, now: datetime) -> str:
    """Why a room is not opened at a server now, as a stable key; empty: it may be."""
    if room is None or room.engine != "jitsi":
        return "unknown"
    if room.ended_at is not None or room.state not in rules.OPEN:
        return "over"
    if now < room.starts - rules.OPENS_BEFORE:
        return "early"
    return "expired" if now >= room.closes else ""


def room_named(name: str) -> Room | None:
    """The room of exactly this name, as XMPP compares them (lower case); a pattern is no name."""
    return Room.objects.filter(name=name.lower()).first() if name and "*" not in name else None


@require_POST
@_answered
def reserve(request: HttpRequest) -> HttpResponse:
    """A room is about to be opened: whether it may, and for how long. A ``token`` that is sent along is checked too."""
    now = record_of(request).clock()
    name = request.POST.get("name", "")
    room = room_named(name)
    why = refusal_of(room, now=now)
    if not why and room is not None and "token" in request.POST:
        why = pass_refusal(request.POST["token"], room, address=_address(request), now=now)
    if why or room is None:
        logger.warning("A video room was not opened: %s", why)
        return JsonResponse({"message": why or "unknown"}, status=403)
    taken = Room.objects.filter(pk=room.pk, reserved_at=None).update(reserved_at=now)
    if not taken:
        return JsonResponse({"conflict_id": room.pk}, status=409)
    room.reserved_at = now
    return JsonResponse(_told(room, owner=request.POST.get("mail_owner", "")), status=200)


@require_http_methods(["GET", "DELETE"])
@_answered
def conference(request: HttpRequest, number: int) -> HttpResponse:
    """A reservation: read when the server had forgotten it, deleted when the last one left or its time is over."""
    room = Room.objects.filter(pk=number).exclude(reserved_at=None).first()
    if room is None:
        return JsonResponse({"message": "unknown"}, status=404)
    if request.method == "DELETE":
        Room.objects.filter(pk=room.pk).update(reserved_at=None)
        return HttpResponse(status=200)
    why = refusal_of(room, now=record_of(request).clock())
    return JsonResponse({"message": why}, status=403) if why else JsonResponse(_told(room, owner=""))


def _told(room: Room, *, owner: str) -> dict[str, Any]:
    """What mod_reservations takes: it ends the conference at ``start_time`` plus ``duration`` (seconds)."""
    begins = room.reserved_at or room.starts
    return {
        "id": room.pk,
        "name": room.name,
        "mail_owner": owner,
        "start_time": begins.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "duration": max(1, int((room.closes - begins).total_seconds())),
        "max_occupants": rules.MOST_IN_CALL,
    }


# -- passes ------------------------------------------------------------------------------------------------


def pass_refusal(token: str, room: Room, *, address: str, now: datetime) -> str:
    """Why a pass opens nothing: bad in itself, of a seat that is not let in, or shown from another place before."""
    engine: Any = engines().get("jitsi")
    if engine is None:
        return "unknown"
    try:
        found = engine.checked(token, room=room.name, now=now)
    except ValueError as problem:
        return str(problem)
    seat = Seat.objects.filter(room=room, key=found.seat, removed_at=None).exclude(admitted_at=None).first()
    if seat is None:
        return "seat"
    Pass.objects.bulk_create(
        [Pass(number=found.number[:64], seat=seat, address=address[:64], at=now)], ignore_conflicts=True
    )
    known = Pass.objects.filter(number=found.number[:64]).first()
    # The page of one person connects again after a broken line, from where it was; somebody else does not.
    return (
        "" if known is not None and (known.seat_id, known.address) == (seat.pk, address[:64]) else "re-used"
    )


@require_safe
@_answered
def check_pass(request: HttpRequest) -> HttpResponse:
    """For a proxy before the server (nginx ``auth_request``): 204 lets the connection through, 403 does not.

    Room and token are those of the connection's own address, sent along in ``X-Original-URI``.
    """
    said = parse_qs(urlsplit(request.headers.get("X-Original-URI", "")).query)
    name, token = (next(iter(said.get(key, [])), "") for key in ("room", "token"))
    now = record_of(request).clock()
    room = room_named(name)
    why = refusal_of(room, now=now)
    if not why and room is not None:
        why = pass_refusal(token, room, address=_address(request), now=now)
    if why:
        logger.warning("A pass was refused: %s", why)
        return JsonResponse({"message": why}, status=403)
    return HttpResponse(status=204)


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR") or "")


# -- events ------------------------------------------------------------------------------------------------


@require_POST
@_answered
def event(request: HttpRequest, what: str, which: str) -> HttpResponse:
    """Somebody came or left, a room ended. Told twice, or late, it counts once."""
    said = _json(request)
    room = room_named(str(said.get("room_name", ""))) if said is not None else None
    if said is None or room is None or (what, which) not in _EVENTS:
        return JsonResponse({"message": "unknown"}, status=404)
    if said.get("is_breakout"):
        return JsonResponse({"noted": False})
    system = actions.by_rule(record_of(request), "jitsi")
    _EVENTS[what, which](system, room, said)
    changed(f"call:{room.name}")
    return JsonResponse({"noted": True})


def _json(request: HttpRequest) -> Mapping[str, Any] | None:
    if len(request.body) > _LARGEST:
        return None
    try:
        found = json.loads(request.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _created(system: Record, room: Room, said: Mapping[str, Any]) -> None:
    """Nothing has to be noted: who comes is told for each."""


def _joined(system: Record, room: Room, said: Mapping[str, Any]) -> None:
    seat, occupant = _occupant(room, said.get("occupant"))
    if seat is None:
        return
    now = system.clock()
    others = Presence.objects.filter(seat=seat, by="jitsi", left_at=None).exclude(occupant=occupant["jid"])
    if others.exists():
        logger.warning("Two are in a video room under one seat.")
        Seat.objects.filter(pk=seat.pk).update(doubled_at=now)
    actions.came(seat, at=_moment(occupant.get("joined_at"), now), by="jitsi", occupant=occupant["jid"])
    Seat.objects.filter(pk=seat.pk).update(seen_at=now)
    actions.met(system, room)


def _left(system: Record, room: Room, said: Mapping[str, Any]) -> None:
    seat, occupant = _occupant(room, said.get("occupant"))
    if seat is None:
        return
    now = system.clock()
    actions.left(seat, at=_moment(occupant.get("left_at"), now), by="jitsi", occupant=occupant["jid"])
    if Presence.objects.filter(seat=seat, by="jitsi", left_at=None).count() <= 1:
        Seat.objects.filter(pk=seat.pk).update(doubled_at=None)


def _destroyed(system: Record, room: Room, said: Mapping[str, Any]) -> None:
    """The room is gone at the server: whoever was told to have come and not to have left has left by now."""
    now = system.clock()
    everyone = said.get("all_occupants")
    for one in everyone if isinstance(everyone, list) else []:
        seat, occupant = _occupant(room, one)
        if seat is not None:
            at = _moment(occupant.get("left_at"), now)
            if not Presence.objects.filter(seat=seat, by="jitsi", occupant=occupant["jid"]).exists():
                actions.came(
                    seat, at=_moment(occupant.get("joined_at"), at), by="jitsi", occupant=occupant["jid"]
                )
            actions.left(seat, at=at, by="jitsi", occupant=occupant["jid"])
    Presence.objects.filter(seat__room=room, by="jitsi", left_at=None).update(
        left_at=_moment(said.get("destroyed_at"), now)
    )
    Room.objects.filter(pk=room.pk).update(reserved_at=None)


_EVENTS: Final[Mapping[tuple[str, str], Callable[[Record, Room, Mapping[str, Any]], None]]] = {
    ("room", "created"): _created,
    ("room", "destroyed"): _destroyed,
    ("occupant", "joined"): _joined,
    ("occupant", "left"): _left,
}


def _occupant(room: Room, said: Any) -> tuple[Seat | None, dict[str, Any]]:
    """Whose seat an occupant came in by: the id of the pass. Who came in without one of ours is logged, no more."""
    if not isinstance(said, dict) or not isinstance(said.get("occupant_jid"), str):
        return None, {}
    occupant = {**said, "jid": said["occupant_jid"][:200]}
    seat = Seat.objects.filter(room=room, key=str(said.get("id", ""))).exclude(admitted_at=None).first()
    if seat is None:
        logger.warning("Somebody without a pass of this house is in a video room.")
    return seat, occupant


def _moment(seconds: Any, now: datetime) -> datetime:
    """A Unix time the server told, as far as it can be true."""
    try:
        found = datetime.fromtimestamp(int(cast("int", seconds)), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return now
    return min(found, now) if found <= now + _AHEAD and found > now - timedelta(days=1) else now
