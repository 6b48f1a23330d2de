"""The doctor's pages: today's video visits, the room with who waits in it, and the call beside the note.

The note itself is the clinic's; its page shows this part beside it (`part`), found by the visit.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yba.areas.telehealth import actions, falling, pages, queries, rules
from yba.areas.telehealth.forms import IdentityForm, InviteForm
from yba.areas.telehealth.models import Room, Seat
from yba.areas.telehealth.views import INVITED, call_page, invited_address, made_link
from yba.care.chart import chart_of
from yba.care.messages import reminders
from yba.care.messages.standing import taking_part
from yba.care.refusal import Refusal, refuse
from yba.fhir.errors import Gone, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.encounter import Encounter
from yba.fhir.record import Record
from yba.ui.requests import record_of, role_required
from yba.ui.words import local_day


@require_safe
@role_required("doctor")
def today(request: HttpRequest) -> HttpResponse:
    """Today's video visits of this doctor, and who waits."""
    record = record_of(request)
    now = record.clock()
    rows = tuple(pages.due_row(one, now=now, today=local_day(now)) for one in queries.day_of(record))
    page = pages.TodayPage(_("Khám từ xa"), rows, f"video:{record.actor.practitioner}")
    part = request.headers.get("HX-Target") == "video-day"
    return render(request, "telehealth/_today.html" if part else "telehealth/today.html", {"page": page})


def _own_visit(record: Record, appointment_id: str) -> Appointment:
    """A video visit of this doctor at this facility; anybody else's is not there."""
    try:
        found = record.read(Appointment, appointment_id)
    except (NotFound, Gone) as error:
        raise Http404 from error
    if not record.actor.practitioner or taking_part(found, "Practitioner")[0] != record.actor.practitioner:
        raise Http404
    return found


def _sit(request: HttpRequest, record: Record, room: Room) -> Seat:
    """The doctor's own seat, let in from the start."""
    seat = actions.take_seat(
        room, kind=Seat.Kind.DOCTOR, holder=f"account:{request.user.pk}", name=record.actor.name,
        admitted_at=record.clock(),
    )  # fmt: skip
    queries.sit(request, seat)
    return seat


@require_POST
@role_required("doctor")
def open_room(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """Go into the room; with ``admit`` the person is let in at once, and the note opens beside the call."""
    record = record_of(request)
    found = _own_visit(record, appointment_id)
    room = actions.open_room(record.as_system(), found.id or "", by=record.actor.name)
    if isinstance(room, Refusal):
        messages.warning(request, room.message)
        return redirect("telehealth:today")
    if room.practitioner_id != record.actor.practitioner:
        raise Http404
    _sit(request, record, room)
    if request.POST.get("admit"):
        waiting = (
            Seat.objects.filter(room=room, kind=Seat.Kind.PATIENT, removed_at=None).order_by("pk").first()
        )
        if waiting is not None and actions.admit(record, room, waiting.key):
            return _to_note(room)
    return redirect("telehealth:room", room.name)


def _to_note(room: Room) -> HttpResponse:
    try:
        return redirect("clinic:visit", room.encounter_id)
    except NoReverseMatch:
        return redirect("telehealth:room", room.name)


def _own_room(record: Record, name: str) -> tuple[Room, Encounter]:
    try:
        return queries.doctors_room(record, name)
    except (NotFound, Gone) as error:
        raise Http404 from error


def _part(request: HttpRequest, record: Record, room: Room, encounter: Encounter) -> pages.DoctorPart:
    seat = _sit(request, record, room)
    link = request.session.get(INVITED) or {}
    shown = link if link.get("room") == room.name else {}
    if shown:
        request.session.pop(INVITED)
    noted = room.state in ("admitted", "in-call", "phone", "ended") or encounter.status == "finished"
    return pages.doctor_part(
        room, encounter, seat, queries.seats_of(room), now=record.clock(),
        invite=InviteForm(initial={"kind": "interpreter"}), phone=_phone(record, room),
        note_url=reverse("clinic:visit", args=[room.encounter_id]) if noted else "",
        link=(shown.get("link", ""), shown.get("name", "")),
    )  # fmt: skip


def _phone(record: Record, room: Room) -> str:
    """The number to call the person at when the picture fails."""
    return reminders.phone_of(record, record.read(Appointment, room.appointment_id))


@require_safe
@role_required("doctor")
def room(request: HttpRequest, name: str) -> HttpResponse:
    """The room, with the person's record beside it as far as the door lets this doctor read."""
    record = record_of(request)
    found, encounter = _own_room(record, name)
    part = _part(request, record, found, encounter)
    chart = chart_of(record, found.patient_id, today=local_day(record.clock()))
    reason = next((one.text for one in encounter.reasonCode if one.text), "")
    patient = encounter.subject.display if encounter.subject else ""
    shown = {"part": part, "chart": chart, "title": patient or _("Khám từ xa"), "reason": reason or ""}
    return call_page(request, "telehealth/room.html", shown, engine=found.engine)


@require_safe
@role_required("doctor")
def part(request: HttpRequest, encounter_id: str) -> HttpResponse:
    """The call of a visit, as a part of the note's page."""
    record = record_of(request)
    try:
        found, encounter = queries.room_of_encounter(record, encounter_id)
    except (NotFound, Gone) as error:
        raise Http404 from error
    shown = {"part": _part(request, record, found, encounter), "beside": True}
    return render(request, "telehealth/_doctor.html", shown)


@require_safe
@role_required("doctor")
def people(request: HttpRequest, name: str) -> HttpResponse:
    """Who is there and who waits, alone, when it changed."""
    return _people(request, name)


def _people(request: HttpRequest, name: str) -> HttpResponse:
    record = record_of(request)
    found, encounter = _own_room(record, name)
    shown = {"part": _part(request, record, found, encounter)}
    return render(request, "telehealth/_people.html", shown)


def _back(request: HttpRequest, room: Room) -> HttpResponse:
    """Where the deed was pressed: beside the note, or in the room."""
    if request.POST.get("from") == "note":
        return _to_note(room)
    return redirect("telehealth:room", room.name)


@require_POST
@role_required("doctor")
def admit(request: HttpRequest, name: str, key: str) -> HttpResponse:
    """Let somebody of this room in. The person: and on to the note."""
    record = record_of(request)
    found, _encounter = _own_room(record, name)
    if not actions.admit(record, found, key):
        raise Http404
    if "HX-Request" in request.headers:
        return _people(request, name)
    kind = Seat.objects.filter(room=found, key=key).values_list("kind", flat=True).first()
    return _to_note(found) if kind == Seat.Kind.PATIENT else _back(request, found)


@require_POST
@role_required("doctor")
def remove(request: HttpRequest, name: str, key: str) -> HttpResponse:
    """Take an invited person out."""
    record = record_of(request)
    found, _encounter = _own_room(record, name)
    if not actions.remove(record, found, key):
        raise Http404
    return _people(request, name) if "HX-Request" in request.headers else _back(request, found)


@require_POST
@role_required("doctor")
def invite(request: HttpRequest, name: str) -> HttpResponse:
    """The doctor invites an interpreter or a relative."""
    record = record_of(request)
    found, _encounter = _own_room(record, name)
    form = InviteForm(request.POST)
    answer: str | Refusal = refuse("video.invite", _("Ghi họ tên và chọn người nhà hay phiên dịch."))
    if form.is_valid():
        answer = actions.invite(record, found, name=form.cleaned_data["name"], kind=form.cleaned_data["kind"])
    said = " ".join(form.data.get("name", "").split())
    if "HX-Request" in request.headers:  # in place: a call beside the note goes on
        shown = (
            {"refusal": answer.message} if isinstance(answer, Refusal) else {"link": invited_address(answer)}
        )
        return render(request, "telehealth/_link.html", {**shown, "link_for": said})
    if isinstance(answer, Refusal):
        messages.warning(request, answer.message)
    else:
        made_link(request, found, answer, said)
    return _back(request, found)


@require_POST
@role_required("doctor")
def identify(request: HttpRequest, name: str) -> HttpResponse:
    """How the doctor knows who is in the picture."""
    record = record_of(request)
    found, _encounter = _own_room(record, name)
    form = IdentityForm(request.POST)
    if form.is_valid() and found.state in rules.OPEN:
        actions.identify(record, found, form.cleaned_data["how"])
    return _people(request, name) if "HX-Request" in request.headers else _back(request, found)


@require_POST
@role_required("doctor")
def phone(request: HttpRequest, name: str) -> HttpResponse:
    """The doctor telephones instead; the number stands beside the button."""
    record = record_of(request)
    found, _encounter = _own_room(record, name)
    falling.turn_to_phone(record, found)
    return _people(request, name) if "HX-Request" in request.headers else _back(request, found)


@require_POST
@role_required("doctor")
def end(request: HttpRequest, name: str) -> HttpResponse:
    """The call is over; the note goes on."""
    record = record_of(request)
    found, _encounter = _own_room(record, name)
    actions.end(record, found)
    return _people(request, name) if "HX-Request" in request.headers else _back(request, found)
