"""Reception's pages: the one screen with its left side changing, and a number that was given."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yba.areas.booking import rules as booking_rules
from yba.areas.booking.queue import actions, pages, panels, papers, queries
from yba.care import people
from yba.care.documents import pdf_response
from yba.care.line import actions as line_actions
from yba.care.line import queries as line
from yba.care.line.models import Ticket
from yba.care.money import papers as money_papers
from yba.care.refusal import Refusal, refuse
from yba.care.sharing import asking
from yba.fhir.errors import Conflict
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record, facility_of
from yba.ui.requests import once_of, own_once_of, record_of, role_required
from yba.ui.words import local_day

Act = Callable[[], actions.CheckedIn | Refusal]
ACTS = {
    "goi-lai": line_actions.call,
    "lo-luot": line_actions.missed,
    "tro-lai": line_actions.rejoin,
}


@role_required("receptionist")
@require_safe
def reception(request: HttpRequest) -> HttpResponse:
    """Today: rooms, whom we expect or looked for, the line."""
    record, text = record_of(request), request.GET.get("q", "").strip()
    facility = record.actor.facility or ""
    found = queries.find(record, text, facility=facility, today=local_day(record.clock())) if text else None
    if found and len(found.bookings) == 1 and not found.tickets:
        return redirect("booking:check_in", found.bookings[0].id)
    target = request.headers.get("HX-Target", "")
    part = target if target in ("rooms", "line") else ""
    page = pages.reception(
        record, rooms=_rooms(record), view=request.GET.get("view", "wait"), text=text, found=found, part=part,
        everybody=request.GET.get("hien") == "het",
    )  # fmt: skip
    return render(request, f"queue/reception.html{f'#{part}' if part else ''}", {"page": page})


@role_required("receptionist")
@require_http_methods(["GET", "HEAD", "POST"])
def check_in(request: HttpRequest, appointment: str) -> HttpResponse:
    """Check in somebody who booked; who has a number already is shown it."""
    record = record_of(request)
    booked = record.read(Appointment, appointment)
    if facility_of(booked) != record.actor.facility:
        raise Http404
    known = line.ticket_of(record, appointment=appointment)
    if known:
        return redirect("booking:issued", known.pk)
    posts = queries.posts_of(record, facility=record.actor.facility or "")
    refusal = panels.refusal_of(record, booked)
    if refusal:
        return _refused(request, record, posts, refusal, booking_rules.patient_id_of(booked) or "")
    desk = panels.of_booking(record, booked, posts=posts, data=request.POST or None)
    if request.method == "POST" and desk.form.is_valid():
        wish = desk.form.wish(key=once_of(request))
        act = partial(actions.check_in_booking, record, appointment_id=appointment, wish=wish)
        return _done(request, record, posts, act, desk)
    return _panel(request, record, posts, desk)


@role_required("receptionist")
@require_http_methods(["GET", "HEAD", "POST"])
def walk_in(request: HttpRequest, patient: str) -> HttpResponse:
    """Check in a known person without a booking."""
    record = record_of(request)
    person = people.person_of(record.read(Patient, patient))
    posts = queries.posts_of(record, facility=record.actor.facility or "")
    desk = panels.of_person(record, person, posts=posts, data=request.POST or None)
    if request.method == "POST" and desk.form.is_valid():
        wish = desk.form.wish(key=own_once_of(request))
        act = partial(actions.check_in_walk_in, record, wish=wish, patient_id=patient)
        return _done(request, record, posts, act, desk)
    return _panel(request, record, posts, desk)


@role_required("receptionist")
@require_http_methods(["GET", "HEAD", "POST"])
def new_person(request: HttpRequest) -> HttpResponse:
    """Enter somebody new and check them in, in one step; ``?q=`` may hold the QR of a card or a name."""
    record = record_of(request)
    posts = queries.posts_of(record, facility=record.actor.facility or "")
    desk = panels.of_new(record, posts=posts, text=request.GET.get("q", ""), data=request.POST or None)
    if request.method == "POST" and desk.form.is_valid():
        wish, person = desk.form.wish(key=own_once_of(request)), panels.person_in(desk.form)
        act = partial(actions.check_in_walk_in, record, wish=wish, person=person)
        return _done(request, record, posts, act, desk)
    return _panel(request, record, posts, desk)


@role_required("receptionist")
@require_safe
def issued(request: HttpRequest, ticket: int) -> HttpResponse:
    """A number that was given: say it, print it, and what may still be done with it."""
    record = record_of(request)
    own = _own(record, ticket)
    page = panels.issued(record, own, link=request.build_absolute_uri)
    share = asking.state_of(record, record.read(Patient, own.patient_id)) if own.patient_id else None
    return render(request, "queue/issued.html", {"page": page, "share": share, "with_paper": True})


@role_required("receptionist")
@require_POST
def change(request: HttpRequest, ticket: int, act: str) -> HttpResponse:
    """Back into the line, missed, called again, cancelled."""
    record = record_of(request)
    own = _own(record, ticket)
    if act == "huy":
        found = _cancelled(record, own)
    elif act in ACTS:
        found = ACTS[act](record, ticket=ticket)
    else:
        raise Http404
    if isinstance(found, Refusal):
        messages.warning(request, found.message)
    return redirect("booking:issued", ticket)


@role_required("receptionist")
@require_safe
def ticket_paper(request: HttpRequest, ticket: int) -> HttpResponse:
    """The ticket as PDF for the roll."""
    record = record_of(request)
    found = _own(record, ticket)
    address = request.build_absolute_uri(reverse("booking:ticket", args=[line.link_token(found)]))
    return pdf_response(papers.ticket_pdf(record, found, address=address), f"phieu-{found.pk}.pdf")


@role_required("receptionist")
@require_safe
def receipt_paper(request: HttpRequest, ticket: int, size: str) -> HttpResponse:
    """The receipt of the examination fee, 80 mm or A5."""
    record = record_of(request)
    receipt = panels.receipt_of(record, _own(record, ticket))
    if receipt is None or size not in ("80", "a5"):
        raise Http404
    content = money_papers.receipt_pdf(record, receipt, size="a5" if size == "a5" else "80")
    return pdf_response(content, f"bien-lai-{receipt.code}.pdf")


def _cancelled(record: Record, ticket: Ticket) -> Ticket | Refusal:
    try:
        return actions.cancel_check_in(record, ticket=ticket)
    except actions.Paid:
        return refuse("queue.paid", _("Đã thu tiền của số %(code)s nên không hủy được."), code=ticket.code)


def _own(record: Record, ticket: int) -> Ticket:
    found = line.ticket_of(record, ticket=ticket)
    if found is None or found.facility != record.actor.facility:
        raise Http404
    return found


def _rooms(record: Record, posts: list[queries.Post] | None = None) -> list[queries.RoomState]:
    """The rooms of the own facility as they are now."""
    facility = record.actor.facility or ""
    posts = queries.posts_of(record, facility=facility) if posts is None else posts
    return queries.rooms_of(record, facility=facility, posts=posts)


def _panel(
    request: HttpRequest, record: Record, posts: list[queries.Post], desk: panels.AtDesk
) -> HttpResponse:
    rooms = _rooms(record, posts)
    panel = desk.panel(rooms)
    page = pages.reception(record, rooms=rooms, view=request.GET.get("view", "wait"), panel=panel)
    status = 422 if panel.form.is_bound and panel.form.errors else 200
    return render(request, "queue/reception.html", {"page": page}, status=status)


def _refused(
    request: HttpRequest, record: Record, posts: list[queries.Post], refusal: Refusal, patient: str
) -> HttpResponse:
    rooms = _rooms(record, posts)
    page = pages.reception(record, rooms=rooms, view="wait", refusal=refusal.message, refused_person=patient)
    return render(request, "queue/reception.html", {"page": page}, status=409)


def _done(
    request: HttpRequest, record: Record, posts: list[queries.Post], act: Act, desk: panels.AtDesk
) -> HttpResponse:
    """Run the check-in; a race lost to the same form shows the number it made, a refusal stands in the form."""
    try:
        found = act()
    except IntegrityError:
        found = act()
    except Conflict as error:
        if error.key != "people.known":
            raise
        messages.warning(request, _("Số căn cước này đã có hồ sơ. Đây là người đó; kiểm tra rồi cấp số."))
        return redirect("booking:walk_in", str(error.params["patient"]))
    if isinstance(found, Refusal):
        desk.form.add_error(None, found.message)
        return _panel(request, record, posts, desk)
    return redirect("booking:issued", found.ticket.pk)
