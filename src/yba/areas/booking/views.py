"""The citizen's pages: book a time, see and cancel bookings, the slip."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yba.areas.booking import actions, changing, holding, offers, pages, queries, rules, services
from yba.areas.booking.forms import BookingForm
from yba.areas.booking.ratings import queries as ratings
from yba.care import asked, people
from yba.care.sharing import asking
from yba.fhir.errors import Conflict, Invalid
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.fhir.record.labelled import any_labelled
from yba.ui import keeping, parts, spoken, waited
from yba.ui.requests import once_of, record_of, role_required
from yba.ui.words import local_day

#: The relation of an account to its own person.
SELF = "ban-than"
_LINKS: Final = "select patient_id, relation, id from accounts_accountperson where account_id = %s"
#: Where one of these bears a sensitive label, no device keeps the pages of bookings.
OF_A_BOOKING = ("Appointment", "Patient")


# -- book -----------------------------------------------------------------------------------------------


@role_required("citizen")
def book(request: HttpRequest, role_id: str) -> HttpResponse:
    """One doctor: choose day and time, say for whom and why, hold the time."""
    record = record_of(request)
    own = own_people(request, record)
    if not own:
        return to_profile(request)
    if request.method == "POST":
        return _held(request, record, queries.post_to_book(record, role_id), own)
    post = queries.post(record, role_id)
    form = BookingForm(
        people=own,
        video=post.video,
        initial={
            "patient": current(request, own),
            "phone": phone_of(request),
            "by": "video" if request.GET.get("qua") == "video" else "",
        },
    )
    return _book_page(request, record, post, form)


def _held(
    request: HttpRequest, record: Record, post: queries.Post, own: list[tuple[str, str]]
) -> HttpResponse:
    form = BookingForm(request.POST, people=own, video=post.video)
    if not form.is_valid():
        return _book_page(request, record, queries.post(record, post.role_id), form, status=422)
    data = form.cleaned_data
    try:
        made = actions.book_appointment(
            record, slot_id=data["slot"], patient_id=data["patient"], reason=data["reason"],
            symptoms=data["symptoms"], phone=data["phone"], once=once_of(request),
            called_from=holding.phones_of(request), video=data.get("by") == "video", known=post,
        )  # fmt: skip
    except (Conflict, Invalid) as refusal:
        post = queries.post(record, post.role_id)
        return _book_page(request, record, post, form, refusal=refusal, status=409)
    if waited.has_waited(request):
        messages.success(
            request, pages.held_words(pages.line_of(queries.booking_of(made), now=record.clock()))
        )
    return waited.taken(redirect("booking:slip", made.id))


def _book_page(
    request: HttpRequest,
    record: Record,
    post: queries.Post,
    form: BookingForm,
    *,
    refusal: Conflict | Invalid | None = None,
    status: int = 200,
) -> HttpResponse:
    now = record.clock()
    today = local_day(now)
    own = holding.owners(request, record)
    offered = services.services_of(record, queries.schedules_of(record, [post.role_id]).get(post.role_id, ()))
    asked = request.GET.get("lich", "")
    chosen = asked if asked in post.schedules else ""
    times = queries.times_of(record, [chosen] if chosen else post.schedules, now=now, owners=own)
    service = offered.get(chosen) if chosen else next(iter(offered.values()), None)
    price = service.price if service is not None and service.price is not None else post.price
    wanted = str(form.data.get("slot", "")) or request.GET.get("gio", "")
    day = chosen_day(request.GET.get("ngay", ""), wanted, times)
    kept = next((one for one in times if one.id == wanted), None)
    page = pages.BookPage(
        title=_("Đặt lượt khám"),
        doctor=post.name,
        facts=" · ".join(filter(None, [post.specialty, post.facility])),
        days=pages.days_of(times, today=today),
        day=day,
        day_value=day.isoformat() if day else "",
        day_words=spoken.day_words(day) if day else "",
        slots=pages.slots_on(times, day),
        slot=wanted if kept is not None and kept.free else "",
        price=spoken.money(price) if price else "",
        services=_service_tabs(offered, chosen) if len(post.schedules) > 1 else [],
        service=service.name if service is not None else "",
        preparation=service.preparation if service is not None else "",
        remote=_remote_words(service),
        role_id=post.role_id,
        ratings=pages.rated_part(ratings.shown(record, post.role_id)),
        form=form,
        taken=refusal_words(refusal, kept, times, day) if refusal else "",
    )
    return render(request, "booking/book.html", {"page": page}, status=status)


def _service_tabs(offered: Mapping[str, services.Service], chosen: str) -> list[parts.Tab]:
    """The practitioner's timetables, each by its service; all of them where none is chosen."""
    tabs = [parts.Tab(_("Mọi dịch vụ"), "?", current=not chosen)]
    return tabs + [parts.Tab(one.name, f"?lich={key}", current=key == chosen) for key, one in offered.items()]


def _remote_words(service: services.Service | None) -> str:
    if service is None or service.mode == "on-site":
        return ""
    return (
        _("Khám từ xa, qua video.")
        if service.mode == "remote"
        else _("Khám tại cơ sở hoặc từ xa, qua video.")
    )


def chosen_day(asked: str, slot: str, times: list[queries.FreeSlot]) -> date | None:
    """The day asked for, else that of the time chosen, else the first with a free time."""
    days = {local_day(one.start).isoformat(): local_day(one.start) for one in times}
    if asked in days:
        return days[asked]
    chosen = next((one for one in times if one.id == slot), None)
    if chosen is not None:
        return local_day(chosen.start)
    return next((local_day(one.start) for one in times if one.free), None)


def refusal_words(
    refusal: Conflict | Invalid,
    kept: queries.FreeSlot | None,
    times: list[queries.FreeSlot],
    day: date | None,
) -> str:
    if refusal.key == "booking.too-many":
        return _("Đang có %(held)s lượt chưa khám. Hủy bớt một lượt rồi đặt tiếp.") % refusal.params
    if refusal.key == "booking.none-free":
        starts = rules.moment(str(refusal.params["start"]))
        free_then = [one.start for one in times if one.free and local_day(one.start) == local_day(starts)]
        return pages.taken_words(starts, free_then)
    if refusal.key == "booking.slot-past":
        return _("Giờ này đã qua. Chọn giờ khác.")
    if refusal.key in ("booking.blocked", "booking.kept", "booking.too-late", "booking.too-early"):
        return holding.refused_words(refusal)
    free = [one.start for one in times if one.free and local_day(one.start) == day]
    if kept is not None:
        return pages.taken_words(kept.start, free)
    return _("Giờ đã chọn không còn. Chọn giờ khác.")


def own_people(request: HttpRequest, record: Record) -> list[tuple[str, str]]:
    """The people of this account, oneself first: id and "Tôi · Nguyễn Thị Hạnh, 68 tuổi"."""
    ids = own_ids(request)
    if not ids:
        return []
    found = {one.id: one for one in record.find(Patient, ("_id", ",".join(ids)))}
    today = local_day(record.clock())
    return [
        (one, ", ".join(filter(None, [people.name_of(found[one]), spoken.age(found[one].birthDate, today)])))
        for one in ids
        if one in found
    ]


def own_ids(request: HttpRequest) -> list[str]:
    """The people this account acts for, oneself first: the record says who; links only say in which order."""
    rows = asked.values(_LINKS, [request.user.pk]) if request.user.is_authenticated else []
    known = [one[0] for one in sorted(rows, key=lambda row: (row[1] != SELF, row[2]))]
    persons = record_of(request).actor.persons
    return [one for one in known if one in persons] + sorted(persons.difference(known))


def current(request: HttpRequest, own: list[tuple[str, str]]) -> str:
    """Whose page was open last, else oneself."""
    kept = request.GET.get("cho") or request.session.get("person", "")
    return kept if kept in dict(own) else own[0][0]


def phone_of(request: HttpRequest) -> str:
    """The number the account was opened with."""
    return str(getattr(request.user, "phone", ""))


def to_profile(request: HttpRequest) -> HttpResponse:
    """Whoever has no profile yet fills it in first, and comes back."""
    try:
        return redirect(f"{reverse('citizen:profile')}?{urlencode({'next': request.get_full_path()})}")
    except NoReverseMatch:
        raise Http404 from None


# -- one's bookings -------------------------------------------------------------------------------------


@require_safe
@role_required("citizen")
def mine(request: HttpRequest) -> HttpResponse:
    """All bookings of one's people, with where each stands."""
    record, now = record_of(request), record_of(request).clock()
    found = queries.bookings_of(record, own_ids(request))
    names = queries.facility_names(record, [one.facility_id for one in found])
    lines = [pages.line_of(one, now=now, facility=names.get(one.facility_id, "")) for one in found]
    today = local_day(now)
    coming = [one for one in lines if (one.cancellable or one.booked) and _is_ahead(one, today)]
    page = pages.MinePage(
        title=_("Lịch hẹn"),
        coming=sorted(coming, key=lambda one: one.start or now),
        past=[one for one in lines if one not in coming],
        topics=[f"person:{one}" for one in own_ids(request)],
        held=holding.held_times(request, record),
        offers=offers.offer_lines(record),
        missed=any(one.status == "noshow" for one in found),
    )
    answer = render(request, "booking/mine.html", {"page": page})
    if any_labelled(record, own_ids(request), types=OF_A_BOOKING):
        return answer
    slips = [reverse("booking:slip", args=[one.id]) for one in page.coming]
    return keeping.kept(request, answer, also=slips)


def _is_ahead(line: pages.BookingLine, today: date) -> bool:
    return line.start is None or local_day(line.start) >= today


@require_safe
@role_required("citizen")
def slip(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """One booking: held, confirmed with its code, refused or over."""
    record = record_of(request)
    found = record.read(Appointment, appointment_id)
    one = queries.booking_of(found)
    facility, hotline = queries.facility_name(record, one.facility_id)
    line = pages.line_of(one, now=record.clock(), facility=facility)
    page = pages.SlipPage(
        title=_("Phiếu hẹn khám"),
        line=line,
        sentence=pages.held_words(line),
        hotline=hotline,
        price="",
        topic=f"person:{one.patient_id}",
        reasons=[(key, str(said)) for key, said in changing.REASONS.items()],
        seen=found.start or "",
        preparation=_preparation(record, found) if line.booked or line.waiting else "",
    )
    ahead = line.cancellable or line.booked
    day = local_day(one.start or record.clock())
    share_url = asking.offer(record, one.patient_id, one.facility_id, day) if ahead else ""
    answer = render(request, "booking/slip.html", {"page": page, "share_url": share_url})
    if any_labelled(record, [one.patient_id], types=OF_A_BOOKING):
        return answer
    return keeping.kept(request, answer, also=[reverse("booking:mine")])


def _preparation(record: Record, found: Appointment) -> str:
    """What the service of a visit asks to be prepared."""
    service = services.of_slot(record, rules.slot_id_of(found) or "")
    return service.preparation if service is not None else ""


@require_safe
@role_required("citizen")
def calendar(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """The booking as a calendar entry (RFC 5545) for the phone; no health words in it."""
    record = record_of(request)
    found = record.read(Appointment, appointment_id)
    if not (found.start and found.end):
        text = _("Lượt này chưa có giờ khám. Có giờ rồi thì thêm vào lịch được.")
        return render(
            request, "ui/problem.html", {"title": _("Chưa thêm vào lịch được"), "text": text}, status=409
        )
    facility, _hotline = queries.facility_name(record, queries.booking_of(found).facility_id)
    answer = HttpResponse(
        rules.calendar_entry(found, place=facility, now=record.clock()), "text/calendar; charset=utf-8"
    )
    answer["Content-Disposition"] = 'attachment; filename="luot-kham.ics"'
    return answer


@require_POST
@role_required("citizen")
def cancel(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """Call a booking off; a second click says it is off already.

    Who asked without a network saw a time (``gio``): where the visit has another by now, it is not called off unseen.
    """
    try:
        outcome = actions.cancel_appointment(
            record_of(request),
            appointment_id,
            reason=changing.reason_of(request.POST.get("ly-do", "")),
            seen=request.POST.get("gio", ""),
        )
    except Conflict as refusal:
        messages.warning(request, changing.late_words(refusal))
        return redirect("booking:slip", appointment_id)
    one = queries.booking_of(outcome.appointment)
    when = spoken.when(one.start) if one.start else _("chưa có giờ")
    if outcome.result == "moved":
        said = _("Lượt này đã đổi sang %(when)s nên chưa hủy. Vẫn muốn hủy thì hủy ở phiếu này.")
        messages.warning(request, said % {"when": when})
        return redirect("booking:slip", appointment_id)
    if outcome.result == "missing":
        messages.warning(request, _("Lượt này không hủy được nữa. Gọi bệnh viện nếu không đến được."))
        return redirect("booking:mine")
    if outcome.result == "already":
        messages.info(request, _("Lượt khám %(when)s đã hủy từ trước.") % {"when": when})
    else:
        messages.success(request, _("Đã hủy lượt khám %(when)s.") % {"when": when})
    return waited.taken(redirect("booking:mine"))
