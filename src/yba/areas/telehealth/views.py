"""The person's pages: the visit before its room, the waiting room and the call, whom to invite."""

from __future__ import annotations

from contextlib import suppress

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yba.areas.telehealth import actions, falling, pages, queries, rules
from yba.areas.telehealth.forms import RELATIONS, BirthForm, ConsentForm, GuardianForm, InviteForm
from yba.areas.telehealth.models import Room, Seat
from yba.care.messages.standing import taking_part
from yba.care.refusal import Refusal
from yba.care.remote.engines import engines
from yba.care.sharing import tables
from yba.fhir.access.standing import is_ward
from yba.fhir.errors import Gone, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record, facility_of
from yba.ui.needs import needing
from yba.ui.requests import record_of, role_required
from yba.ui.words import local_day

#: In the session: an invitation's address, shown once after it was made.
INVITED = "telehealth_invited"


def own(request: HttpRequest, appointment_id: str) -> tuple[Record, Appointment, str]:
    """The visit of one's own, by account or by a proved link; the record, the visit, who holds the seat.

    Who is signed in and follows the link of somebody else's message goes in by the link.
    """
    record = record_of(request)
    try:
        if getattr(request.user, "role", "") == "citizen":
            with suppress(
                *(NotFound, Gone) if appointment_id in request.session.get(queries.PROVED, {}) else ()
            ):
                return record, queries.own_visit(record, appointment_id), f"account:{request.user.pk}"
        system = actions.by_rule(record, f"link:{appointment_id}")
        found = queries.proved_visit(request, system, appointment_id)
    except (NotFound, Gone) as error:
        raise Http404 from error
    return system, found, f"link:{request.session.session_key}"


def call_page(
    request: HttpRequest, template: str, shown: dict[str, object], *, engine: str, status: int = 200
) -> HttpResponse:
    """A page that holds a call: microphone, and the frame of the server that carries it."""
    found = engines().get(engine)
    return needing(
        render(request, template, shown, status=status),
        microphone=True,
        frames=tuple(found.frames) if found else (),
    )


# -- before the room ---------------------------------------------------------------------------------------


@require_safe
def visit(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """When, with whom, and what one agrees to before going in."""
    if not request.user.is_authenticated and appointment_id not in request.session.get(queries.PROVED, {}):
        return _needs_account(request)
    return _visit(request, appointment_id)


@role_required("citizen")
def _needs_account(request: HttpRequest) -> HttpResponse:
    raise Http404


def _visit(request: HttpRequest, appointment_id: str, form: ConsentForm | None = None) -> HttpResponse:
    record, found, _holder = own(request, appointment_id)
    kind = _consent_form(record, found)
    text = tables.text_of(actions.PURPOSE, local_day(record.clock()))
    page = pages.visit_page(
        found, facility=queries.facility_of_visit(record, facility_of(found) or ""), text=text,
        form=form or kind(initial={"version": text.version}), now=record.clock(),
        enter_url=reverse("telehealth:enter", args=[appointment_id]),
    )  # fmt: skip
    return render(request, "telehealth/visit.html", {"page": page}, status=422 if form is not None else 200)


@require_POST
def enter(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """Agree, and go into the waiting room."""
    record, found, holder = own(request, appointment_id)
    form = _consent_form(record, found)(request.POST)
    if not form.is_valid():
        return _visit(request, appointment_id, form)
    patient = actions.name_of_person(record, found)
    guardian = "" if _is_own(record, found) else record.actor.name
    if isinstance(form, GuardianForm):
        said = {"name": form.cleaned_data["guardian"], "kin": dict(RELATIONS)[form.cleaned_data["relation"]]}
        guardian = _("%(name)s (%(kin)s)") % said
    name = _("%(name)s thay %(patient)s") % {"name": guardian, "patient": patient} if guardian else patient
    seat = actions.enter(
        record, found, holder=holder, name=name, version=form.cleaned_data["version"],
        language=get_language() or "vi", agreed=form.cleaned_data["agree"], by=f"link:{appointment_id}",
        guardian=guardian,
    )  # fmt: skip
    if isinstance(seat, Refusal):
        messages.warning(request, seat.message)
        return redirect("telehealth:visit", appointment_id)
    queries.sit(request, seat)
    return redirect("telehealth:seat", seat.key)


def _is_own(record: Record, found: Appointment) -> bool:
    """Whether who comes in is the person themself: by their own account, or by the link of their message."""
    return record.actor.role != "citizen" or record.actor.person == taking_part(found, "Patient")[0]


def _consent_form(record: Record, found: Appointment) -> type[ConsentForm]:
    """A child below sixteen agrees to nothing alone, whoever holds its telephone; a parent's account says who it is."""
    patient = record.as_system().read(Patient, taking_part(found, "Patient")[0])
    child = is_ward(patient, record.clock())
    return GuardianForm if child and _is_own(record, found) else ConsentForm


# -- by the link of a message ------------------------------------------------------------------------------


def by_link(request: HttpRequest, code: str) -> HttpResponse:
    """The link of a message: whose birth date is said there goes on, counted against trying them all."""
    system = actions.by_rule(record_of(request), "link")
    found = queries.linked_visit(system, code)
    if found is None or found.id is None:
        raise Http404
    facility = queries.facility_of_visit(system, facility_of(found) or "")[0]
    form = BirthForm(request.POST or None)
    error, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            if not actions.may_guess(found.id, now=system.clock()):
                error = _("Sai ngày sinh quá nhiều lần. Đợi một giờ, hoặc gọi bệnh viện.")
                status = 429
            elif rules.same_birth(form.cleaned_data["birth"], _birth(system, found)):
                return _opened(request, system, found)
            else:
                error = _("Ngày sinh này không khớp với lượt hẹn. Kiểm tra lại.")
    page = pages.BirthPage(_("Khám qua video"), facility, form, error)
    return render(request, "telehealth/by_link.html", {"page": page}, status=status)


def _birth(system: Record, found: Appointment) -> str | None:
    return system.read(Patient, taking_part(found, "Patient")[0]).birthDate


def _opened(request: HttpRequest, system: Record, found: Appointment) -> HttpResponse:
    hours = rules.hours_of(found)
    until = hours.closes.timestamp() if hours else system.clock().timestamp()
    if request.session.session_key is None:
        request.session.create()
    request.session[queries.PROVED] = {**request.session.get(queries.PROVED, {}), found.id or "": until}
    return redirect("telehealth:visit", found.id)


# -- invited -----------------------------------------------------------------------------------------------


def invited(request: HttpRequest, token: str) -> HttpResponse:
    """The link of an invitation: under which name, to whose visit; followed once, by one browser."""
    system = actions.by_rule(record_of(request), "invitation")
    now = system.clock()
    seat = (
        Seat.objects.select_related("room")
        .filter(link=queries.link_hash(token), removed_at=None, expires__gt=now, room__ended_at=None)
        .first()
    )
    if seat is None:
        raise Http404
    if request.method == "POST":
        taken = actions.accept(seat, now=now)
        if taken is None:
            raise Http404
        queries.sit(request, taken)
        return redirect("telehealth:seat", taken.key)
    found = system.read(Appointment, seat.room.appointment_id)
    hours = rules.hours_of(found)
    page = pages.InvitedPage(
        _("Lời mời vào phòng khám video"), seat.name, taking_part(found, "Practitioner")[1],
        queries.facility_of_visit(system, seat.room.facility)[0], _when(hours), token,
    )  # fmt: skip
    return render(request, "telehealth/invited.html", {"page": page})


def _when(hours: rules.Hours | None) -> str:
    from yba.ui import spoken

    return spoken.when(hours.starts) if hours else ""


# -- the waiting room and the call -------------------------------------------------------------------------


def _own_seat(request: HttpRequest, key: str) -> Seat:
    try:
        seat = queries.held_seat(request, record_of(request), key)
    except (NotFound, Gone) as error:
        raise Http404 from error
    if seat.kind == Seat.Kind.DOCTOR:
        raise Http404
    return seat


@require_safe
def seat(request: HttpRequest, key: str) -> HttpResponse:
    """The waiting room, and the call once the doctor lets one in."""
    return _seat_page(request, _own_seat(request, key))


def _seat_page(request: HttpRequest, seat: Seat, form: InviteForm | None = None) -> HttpResponse:
    room: Room = seat.room
    system = actions.by_rule(record_of(request), f"seat:{seat.key}")
    found = system.read(Appointment, room.appointment_id)
    facility, hotline = queries.facility_of_visit(system, room.facility)
    guest = seat.kind != Seat.Kind.PATIENT
    link = request.session.pop(INVITED, None) or {}
    shown = link if link.get("room") == room.name else {}
    page = pages.SeatPage(
        title=_("Phòng khám video"),
        when=_when(rules.hours_of(found)),
        doctor=taking_part(found, "Practitioner")[1],
        facility=facility,
        hotline=hotline,
        guest=guest,
        open=room.ended_at is None and room.state in rules.OPEN,
        called_back=room.state == "phone",
        call=pages.call_part(seat),
        invite=None if guest else form or InviteForm(initial={"kind": "relative"}),
        invite_url=reverse("telehealth:invite", args=[seat.key]),
        phone_url="" if guest else reverse("telehealth:ask-call", args=[seat.key]),
        rebook_url="" if guest else reverse("telehealth:rebook", args=[room.appointment_id]),
        link=shown.get("link", ""),
        link_for=shown.get("name", ""),
    )
    return call_page(
        request,
        "telehealth/seat.html",
        {"page": page},
        engine=room.engine,
        status=422 if form is not None else 200,
    )


def invited_address(secret: str) -> str:
    """The address of an invitation."""
    return f"{settings.YBA_ORIGIN}{reverse('telehealth:invited', args=[secret])}"


def made_link(request: HttpRequest, room: Room, secret: str, name: str) -> None:
    """Keep an invitation's address for the page that shows it, once."""
    request.session[INVITED] = {"room": room.name, "link": invited_address(secret), "name": name}


@require_POST
def invite(request: HttpRequest, key: str) -> HttpResponse:
    """The person invites a relative or an interpreter: a link of their own, shown once."""
    seat = _own_seat(request, key)
    form = InviteForm(request.POST)
    if seat.kind != Seat.Kind.PATIENT:
        raise Http404
    if not form.is_valid():
        return _seat_page(request, seat, form)
    answer = actions.invite(
        record_of(request), seat.room, name=form.cleaned_data["name"], kind=form.cleaned_data["kind"]
    )
    if isinstance(answer, Refusal):
        form.add_error("name", answer.message)
        return _seat_page(request, seat, form)
    made_link(request, seat.room, answer, " ".join(form.cleaned_data["name"].split()))
    return redirect("telehealth:seat", key)


# -- ways out of a bad line --------------------------------------------------------------------------------


@require_POST
def ask_call(request: HttpRequest, key: str) -> HttpResponse:
    """Picture and sound fail: the hospital is asked to telephone."""
    seat = _own_seat(request, key)
    if not falling.ask_call(record_of(request), seat):
        messages.warning(request, _("Lượt khám này đã kết thúc."))
    return redirect("telehealth:seat", key)


def rebook(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """Another time of the same doctor, free of charge, where the visit could not be held."""
    record, found, _holder = own(request, appointment_id)
    system = actions.by_rule(record, f"link:{appointment_id}")
    refusal = falling.may_rebook(queries.room_of(found), found, now=record.clock())
    if request.method == "POST" and refusal is None:
        answer = falling.rebook(
            system, appointment_id, request.POST.get("slot", "")[:64], by=record.actor.name
        )
        if not isinstance(answer, Refusal):
            when = _when(rules.hours_of(answer))
            messages.success(request, _("Đã hẹn lại %(when)s, không mất phí.") % {"when": when})
            return redirect("telehealth:visit", appointment_id)
        messages.warning(request, answer.message)
    hotline = queries.facility_of_visit(record, facility_of(found) or "")[1]
    page = pages.rebook_page(
        found, [] if refusal else falling.free_times(system, found), refusal=refusal, hotline=hotline
    )
    return render(
        request, "telehealth/rebook.html", {"page": page}, status=409 if request.method == "POST" else 200
    )


@require_safe
def check(request: HttpRequest) -> HttpResponse:
    """Does the device do it? Camera, microphone, loudspeaker, browser; nothing is sent anywhere."""
    return needing(render(request, "telehealth/check.html", {"title": _("Thử thiết bị")}), microphone=True)
