"""The kiosk in the hall: check in by code, card or phone, take a number, print it; then back to the start.

A kiosk may read nothing of a person itself: each step asks the record as a rule of the house, and shows at most a
shortened name, a time and a room. Whoever is meant travels between the steps under a signature that lasts minutes.
Where more than one person fits, or a booking can't be taken as it is, the kiosk says so and leads to the desk.
"""

from __future__ import annotations

from typing import Final

from django.core.signing import BadSignature, TimestampSigner
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yba.areas.booking.queue import actions, fees, kiosk_pages, kiosk_reading, kiosk_rules, queries
from yba.areas.booking.queue.actions import CheckedIn, Wish
from yba.care.line import actions as line
from yba.care.line import queries as lines
from yba.care.line.models import Ticket
from yba.care.refusal import Refusal
from yba.fhir.record import Record
from yba.ui.requests import once_of, record_of, role_required

_SIGNER: Final = TimestampSigner(salt="yba.queue.kiosk")
#: A step of the way, and the number at its end, are good for so many seconds.
STEP: Final = 300
LARGEST: Final = 2_000_000


def signed(kind: str, key: str) -> str:
    """Who or what is meant, for the next step."""
    return _SIGNER.sign(f"{kind}~{key}")


def meant(token: str, kind: str) -> str:
    """The key under a token of this kind; Http404 for another's, or one of long ago."""
    return meant_of(token, kind)[1]


def meant_of(token: str, *kinds: str) -> tuple[str, str]:
    """The kind and the key under a token of one of these kinds; Http404 as ``meant`` says."""
    try:
        found, _mark, key = _SIGNER.unsign(token, max_age=STEP).partition("~")
    except BadSignature:
        raise Http404 from None
    if found not in kinds:
        raise Http404
    return found, key


@role_required("kiosk")
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The first page: scan, type, or take a number."""
    return _shown(request, kiosk_pages.start(_record(request)))


@role_required("kiosk")
@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """What was scanned or typed."""
    record = _record(request)
    found = kiosk_rules.found(record, request.POST.get("q", ""))
    return _answered(request, record, found, held=True)


@role_required("kiosk")
@require_http_methods(["GET", "HEAD", "POST"])
def phone(request: HttpRequest) -> HttpResponse:
    """By phone number and year of birth: both must fit, and fit one person only."""
    record = _record(request)
    if request.method != "POST":
        return _shown(request, kiosk_pages.phone())
    found = kiosk_rules.found_by_phone(record, request.POST.get("phone", ""), request.POST.get("year", ""))
    return _answered(request, record, found)


def _answered(
    request: HttpRequest, record: Record, found: kiosk_rules.Found, *, held: bool = False
) -> HttpResponse:
    """``held``: what was scanned is in somebody's hand, so a number they have already may lead to its fee."""
    if found.ticket is not None:
        return _to_number(record, found.ticket, told=held)
    if found.booking is not None:
        return _shown(request, kiosk_pages.confirm(found.booking, signed("booking", found.booking.id)))
    if found.person is not None:
        return redirect("booking:kiosk_choose", signed("person", found.person.id))
    return _shown(request, kiosk_pages.stopped(record, found.refusal or kiosk_rules.NOBODY), status=422)


@role_required("kiosk")
@require_POST
def check_in(request: HttpRequest, token: str) -> HttpResponse:
    """A booked person takes the number."""
    record = _record(request)
    appointment = meant(token, "booking")
    wish = kiosk_rules.wish_of_booking(record, appointment)
    if wish is None:
        return _shown(request, kiosk_pages.stopped(record, kiosk_rules.TO_THE_DESK), status=409)
    return _done(request, record, actions.check_in_booking(record, appointment_id=appointment, wish=wish))


@role_required("kiosk")
@require_safe
def choose(request: HttpRequest, token: str) -> HttpResponse:
    """Somebody without a booking chooses where to: each with the wait before joining."""
    meant(token, "person")
    return _shown(request, kiosk_pages.choose(_record(request), token))


@role_required("kiosk")
@require_POST
def walk_in(request: HttpRequest, token: str) -> HttpResponse:
    """Somebody known takes a number without a booking."""
    record = _record(request)
    person = meant(token, "person")
    posts = queries.posts_of(record, facility=record.actor.facility or "")
    post = next((one for one in posts if one.role_id == request.POST.get("post")), None)
    if post is None:
        raise Http404
    key = f"kiosk.{once_of(request)}"[:64]
    wish = Wish(post=post, letter=queries.letter_of(posts, post.room_id), key=key, source="kiosk")
    try:
        found = actions.check_in_walk_in(record, wish=wish, patient_id=person)
    except IntegrityError:  # the same form at the same moment: the number it made
        found = actions.check_in_walk_in(record, wish=wish, patient_id=person)
    return _done(request, record, found)


@role_required("kiosk")
@require_POST
def to_reception(request: HttpRequest) -> HttpResponse:
    """A number for the reception desk, for whoever has no record here or nothing to show."""
    record = _record(request)
    facility = record.actor.facility or ""
    queue = kiosk_rules.reception_queue(facility)
    if queue is None:
        raise Http404
    ticket = line.draw(
        record, facility=facility, room="", waits_in=queue.code, letter=queue.letter, patient_id="", patient_name="",
        source="kiosk", key=f"kiosk.{once_of(request)}"[:64],
    )  # fmt: skip
    return redirect("booking:kiosk_number", signed("ticket", str(ticket.pk)))


def _done(request: HttpRequest, record: Record, found: CheckedIn | Refusal) -> HttpResponse:
    if isinstance(found, Refusal):
        return _shown(request, kiosk_pages.stopped(record, found.message), status=409)
    return _to_number(record, found.ticket, told=True)


def _to_number(record: Record, ticket: Ticket, *, told: bool) -> HttpResponse:
    """By way of the fee, where it can be paid here."""
    if not told:
        return redirect("booking:kiosk_number", signed("ticket", str(ticket.pk)))
    fee = fees.fee_of(record, ticket)
    name = "kiosk_fee" if fee is not None and fee.code is not None else "kiosk_number"
    return redirect(f"booking:{name}", signed("told", str(ticket.pk)))


def _ticket(record: Record, key: str) -> Ticket:
    ticket = lines.ticket_of(record, ticket=int(key))
    if ticket is None or ticket.facility != record.actor.facility:
        raise Http404
    return ticket


@role_required("kiosk")
@require_safe
def fee(request: HttpRequest, token: str) -> HttpResponse:
    """The fee of the number just given, by transfer; goes on to the number once it is paid, or nobody is there."""
    record, key = _record(request), meant(token, "told")
    ticket = _ticket(record, key)
    due = fees.fee_of(record, ticket)
    on = reverse("booking:kiosk_number", args=[signed("told", key)])
    waits = due is not None and due.code is not None
    if "doi" in request.GET:  # asked by the page itself: nothing new, or on to the number
        return HttpResponse(status=204) if waits else HttpResponse(headers={"HX-Redirect": on})
    turn = request.GET.get("lan", "0")
    over = turn.isdecimal() and len(turn) < 4 and int(turn) * kiosk_pages.AGAIN >= kiosk_pages.IDLE_FEE
    if due is None or not waits or over:
        return redirect(on)
    turns = int(turn) + 1 if turn.isdecimal() and len(turn) < 4 else 1
    return _shown(request, kiosk_pages.fee(ticket, due, on=on, again=f"{request.path}?lan={turns}"))


@role_required("kiosk")
@require_safe
def number(request: HttpRequest, token: str) -> HttpResponse:
    """The number, large, and on paper; the page goes back to the start by itself."""
    record = _record(request)
    kind, key = meant_of(token, "ticket", "told")
    ticket = _ticket(record, key)
    link = request.build_absolute_uri(reverse("booking:ticket", args=[lines.link_token(ticket)]))
    due = fees.fee_of(record, ticket) if kind == "told" else None
    return _shown(request, kiosk_pages.number(record, ticket, link=link, fee=due))


@role_required("kiosk")
@require_POST
def picture(request: HttpRequest) -> HttpResponse:
    """The text of the QR code in a picture of the camera; the picture is kept nowhere."""
    if len(request.body) > LARGEST:
        return JsonResponse({"text": ""}, status=413)
    return JsonResponse({"text": kiosk_reading.text_in(request.body)})


@require_safe
def script(request: HttpRequest) -> HttpResponse:
    """What the kiosk's pages do beyond forms."""
    answer = HttpResponse(kiosk_reading.script(), content_type="text/javascript; charset=utf-8")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _record(request: HttpRequest) -> Record:
    """The record as a rule of the house, for this kiosk's facility; the audit names the kiosk."""
    return record_of(request).as_system()


def _shown(request: HttpRequest, page: kiosk_pages.Page, *, status: int = 200) -> HttpResponse:
    return render(request, f"queue/kiosk/{page.template}.html", {"page": page}, status=status)
