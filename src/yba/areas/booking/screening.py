"""The care desk's pages: the list of requests, the one being called about, and what can come of a call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yba.areas.booking import actions, pages, queries, rules
from yba.areas.booking.forms import CorrectionForm, RefusalForm
from yba.care import coverages
from yba.fhir.errors import Conflict, Invalid, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.record import Record, facility_of
from yba.ui import parts, spoken, words
from yba.ui.requests import record_of, role_required
from yba.ui.words import local_day

ROLE = "customer_care"


@require_safe
@role_required(ROLE)
def screening(request: HttpRequest) -> HttpResponse:
    """The list; with ``?xem=xong`` those answered today."""
    return _page(request, record_of(request))


@require_safe
@role_required(ROLE)
def waiting(request: HttpRequest) -> HttpResponse:
    """The list alone, fetched again when something changed."""
    page = _screening_page(request, record_of(request), current=request.GET.get("dang", ""))
    return render(request, "booking/screening.html#list", {"page": page})


@require_safe
@role_required(ROLE)
def open_request(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """One request beside the list."""
    return _page(request, record_of(request), appointment_id=appointment_id)


def _page(
    request: HttpRequest,
    record: Record,
    *,
    appointment_id: str = "",
    form: CorrectionForm | None = None,
    refusal: RefusalForm | None = None,
    status: int = 200,
) -> HttpResponse:
    one = None
    if appointment_id:
        one = _open(request, record, own_request(record, appointment_id), form=form, refusal=refusal)
    page = _screening_page(request, record, current=appointment_id, one=one)
    return render(request, "booking/screening.html", {"page": page}, status=status)


def own_request(record: Record, appointment_id: str) -> Appointment:
    """A request of the agent's own facility. Raises NotFound."""
    found = record.read(Appointment, appointment_id)
    if facility_of(found) != record.actor.facility:
        raise NotFound("booking.not-here", "There is no such request at this facility.")
    return found


def _screening_page(
    request: HttpRequest, record: Record, *, current: str, one: pages.Open | None = None
) -> pages.ScreeningPage:
    now = record.clock()
    today = local_day(now)
    done = request.GET.get("xem") == "xong"
    rows = queries.waiting_list(record, now=now)
    finished = queries.finished_today(record, now=now)
    home = reverse("booking:screening")
    return pages.ScreeningPage(
        title=_("Bàn sàng lọc"),
        place=queries.facility_name(record, record.actor.facility or "")[0],
        tabs=[
            parts.Tab(_("Chờ"), home, current=not done, count=len(rows)),
            parts.Tab(_("Xong"), f"{home}?xem=xong", current=done, count=len(finished)),
        ],
        lines=[pages.request_line(row, today=today, current=current) for row in rows],
        finished=[pages.line_of(row, now=now) for row in finished],
        done=done,
        topic=f"screening:{record.actor.facility}",
        list_url=f"{reverse('booking:waiting')}?dang={current}" + ("&xem=xong" if done else ""),
        open=one,
    )


def _open(
    request: HttpRequest,
    record: Record,
    found: Appointment,
    *,
    form: CorrectionForm | None,
    refusal: RefusalForm | None,
) -> pages.Open:
    now, one = record.clock(), queries.booking_of(found)
    today = local_day(now)
    person = queries.caller(record, one.patient_id)
    phone = actions.call_back_of(found) or person.phone
    times = queries.times_of_slot(record, rules.slot_id_of(found) or "", now=now)
    day = _day(request, times, one.start)
    line = pages.line_of(one, now=now)
    claim = queries.live_claims([one.id], now=now).get(one.id)
    mine = claim is not None and claim.agent == record.actor.user
    typed = {"name": person.name, "phone": phone, "reason": one.reason, "symptoms": one.symptoms}
    history = [row for row in queries.bookings_of(record, [one.patient_id], limit=6) if row.id != one.id]
    return pages.Open(
        id=one.id,
        title=person.name,
        facts=pages.person_facts(person, today=today),
        insurance=_insurance(record, one.patient_id, today),
        phone=phone,
        phone_words=words.phone(phone),
        says=_says(record, one),
        chosen=line.when,
        doctor=", ".join(
            filter(None, [one.doctor, _("P. %(room)s") % {"room": one.room} if one.room else ""])
        ),
        state=line.state,
        kind=line.kind,
        waiting=line.waiting,
        booked=line.booked,
        code=one.code,
        held_by_me=mine,
        held_by_other="" if claim is None or mine else claim.agent_name,
        form=form or CorrectionForm(initial=typed),
        refusal=refusal or RefusalForm(),
        days=pages.days_of(times, today=today),
        day_value=day.isoformat() if day else "",
        day_words=spoken.day_words(day) if day else "",
        slots=pages.slots_on(times, day),
        history=[pages.line_of(row, now=now) for row in history],
        contacts=[pages.contact_words(row) for row in queries.contacts_of(one.id)],
        danger=rules.sounds_dangerous(f"{one.reason} {one.symptoms}"),
    )


def _day(request: HttpRequest, times: list[queries.FreeSlot], start: Any) -> date | None:
    asked = request.GET.get("ngay", "")
    days = {local_day(one.start).isoformat(): local_day(one.start) for one in times}
    if asked in days:
        return days[asked]
    return local_day(start) if start else None


def _insurance(record: Record, patient_id: str, today: date) -> str:
    card = coverages.coverage_of(record, patient_id, today)
    if card is None:
        return _("Chưa có thẻ BHYT")
    refusal = coverages.coverage_refusal(card, on=today)
    if refusal is not None:
        return f"BHYT {words.insurance_card(coverages.card_of(card))}: {refusal.message}"
    end = coverages.card_period(card)[1]
    number = words.insurance_card(coverages.card_of(card))
    return (
        _("BHYT %(card)s đến %(day)s") % {"card": number, "day": words.ngay(end)} if end else f"BHYT {number}"
    )


def _says(record: Record, one: queries.Booking) -> str:
    facility = queries.facility_name(record, one.facility_id)[0]
    said = {"facility": facility, "time": words.gio(one.asked_at)}
    return (
        _("“Tôi gọi từ %(facility)s về lượt khám đặt lúc %(time)s. Hiện có tiện nói chuyện không ạ?”") % said
    )


# -- what comes of a call -------------------------------------------------------------------------------

Act = Callable[[HttpRequest, Record, str], HttpResponse]


def _act(view: Act) -> Callable[..., HttpResponse]:
    """A deed on a request of the own facility, that no other agent holds; refusals become sentences."""

    @require_POST
    @role_required(ROLE)
    def guarded(request: HttpRequest, appointment_id: str) -> HttpResponse:
        record = record_of(request)
        own_request(record, appointment_id)
        claim = queries.live_claims([appointment_id], now=record.clock()).get(appointment_id)
        if claim is not None and claim.agent != record.actor.user:
            messages.warning(request, _("%(name)s đang giữ yêu cầu này.") % {"name": claim.agent_name})
            return redirect("booking:request", appointment_id)
        return view(request, record, appointment_id)

    return guarded


@_act
def claim(request: HttpRequest, record: Record, appointment_id: str) -> HttpResponse:
    """Take the request, so that nobody else calls the same person."""
    held = actions.claim_request(record, appointment_id)
    if held.agent != record.actor.user:
        messages.warning(request, _("%(name)s vừa giữ yêu cầu này trước.") % {"name": held.agent_name})
    return redirect("booking:request", appointment_id)


@_act
def release(request: HttpRequest, record: Record, appointment_id: str) -> HttpResponse:
    """Give it back to the list."""
    actions.let_go(record, appointment_id)
    return redirect("booking:screening")


@_act
def correct(request: HttpRequest, record: Record, appointment_id: str) -> HttpResponse:
    """Write down what the caller said."""
    form = CorrectionForm(request.POST)
    if not form.is_valid():
        return _page(request, record, appointment_id=appointment_id, form=form, status=422)
    outcome = actions.correct_request(record, appointment_id, **form.cleaned_data)
    if outcome.result == "cancelled":
        messages.info(request, _over(outcome.appointment, record))
    else:
        messages.success(request, _("Đã ghi lại theo lời người bệnh."))
    return redirect("booking:request", appointment_id)


@_act
def move(request: HttpRequest, record: Record, appointment_id: str) -> HttpResponse:
    """Another time: the old one is kept until the new one is held."""
    try:
        outcome = actions.move_request(record, appointment_id, slot_id=request.POST.get("slot", "")[:64])
    except Conflict as refusal:
        start = rules.moment(str(refusal.params.get("start"))) if refusal.params.get("start") else None
        said = _("Giờ %(time)s vừa có người đặt. Giờ cũ vẫn được giữ.")
        messages.error(request, said % {"time": words.gio(start) if start else ""})
    except (NotFound, Invalid):
        messages.error(request, _("Chưa chọn giờ mới, hoặc giờ đó không còn. Giờ cũ vẫn được giữ."))
    else:
        one = queries.booking_of(outcome.appointment)
        when = spoken.when(one.start) if one.start else ""
        if outcome.result == "cancelled":
            messages.info(request, _over(outcome.appointment, record))
        else:
            messages.success(request, _("Đang giữ %(when)s cho cuộc gọi này.") % {"when": when})
    return redirect("booking:request", appointment_id)


@_act
def confirm(request: HttpRequest, record: Record, appointment_id: str) -> HttpResponse:
    """Confirm: code, message, reception's list."""
    outcome = actions.confirm_request(record, appointment_id)
    one = queries.booking_of(outcome.appointment)
    said = {"when": spoken.when(one.start) if one.start else "", "code": one.code}
    if outcome.result == "done":
        messages.success(request, _("Đã xác nhận %(when)s, mã %(code)s. Đã nhắn cho người bệnh.") % said)
    elif outcome.result == "already":
        messages.info(request, _("Lượt này đã xác nhận từ trước, mã %(code)s.") % said)
    else:
        messages.info(request, _over(outcome.appointment, record))
    return redirect("booking:request", appointment_id)


@_act
def refuse(request: HttpRequest, record: Record, appointment_id: str) -> HttpResponse:
    """Say no, with a reason the person reads."""
    form = RefusalForm(request.POST)
    if not form.is_valid():
        return _page(request, record, appointment_id=appointment_id, refusal=form, status=422)
    outcome = actions.refuse_request(record, appointment_id, reason=form.cleaned_data["reason"])
    if outcome.result == "done":
        messages.success(request, _("Đã từ chối và nhắn cho người bệnh. Giờ khám được mở lại."))
    else:
        messages.info(request, _over(outcome.appointment, record))
    return redirect("booking:screening")


@_act
def unreached(request: HttpRequest, record: Record, appointment_id: str) -> HttpResponse:
    """Nobody answered: back to the list."""
    actions.note_unreached(record, appointment_id)
    messages.info(request, _("Đã ghi: gọi không được. Yêu cầu trở lại danh sách."))
    return redirect("booking:screening")


def _over(appointment: Appointment, record: Record) -> str:
    line = pages.line_of(queries.booking_of(appointment), now=record.clock())
    return _("Không làm gì thêm: lượt này %(state)s.") % {"state": line.state.lower()}
