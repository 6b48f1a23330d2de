"""What comes of a call: each deed is of the agent who holds the request, and says what it did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yba.areas.booking import actions as booking_actions
from yba.areas.booking import misses, outward
from yba.areas.booking import pages as booking_pages
from yba.areas.booking import rules as booking_rules
from yba.areas.booking.beyond import full_times_of, told, used_up
from yba.areas.booking.desk import actions, claims, queries, rules, scripts
from yba.areas.booking.desk.views import ROLE, own_request, page_of, query_of, script_of
from yba.areas.booking.forms import CorrectionForm, RefusalForm, UnreachedForm
from yba.areas.booking.queries import booking_of
from yba.fhir.errors import Conflict, Invalid, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.record import Record
from yba.ui import spoken, words
from yba.ui.requests import record_of, role_required
from yba.ui.words import HANOI, local_day

Act = Callable[[HttpRequest, Record, Appointment], HttpResponse]


def _act(view: Act) -> Callable[..., HttpResponse]:
    """A deed on a request of the own facility. It takes the request first: whoever acts is who calls.

    Where another agent calls this person meanwhile, nothing is done, and it is said.
    """

    @require_POST
    @role_required(ROLE)
    def guarded(request: HttpRequest, appointment_id: str) -> HttpResponse:
        record = record_of(request)
        found = own_request(record, appointment_id)
        if found.status not in booking_rules.WAITING:
            return view(request, record, found)  # answered already: the deed itself says so
        taken = claims.take(record, found)
        if not taken.mine:
            said = _("%(name)s đang gọi người này.") % {"name": taken.claim.agent_name}
            messages.warning(request, said)
            return to_request(request, appointment_id)
        if taken.before is not None:
            since = {"name": taken.before.agent_name, "time": words.gio(taken.before.taken_at)}
            messages.info(
                request, _("Nhận thay %(name)s, người đã giữ từ %(time)s mà chưa có kết quả.") % since
            )
        return view(request, record, found)

    return guarded


def to_request(request: HttpRequest, appointment_id: str) -> HttpResponseRedirect:
    """Back to the request, the filters kept."""
    return redirect(_with(reverse("booking:request", args=[appointment_id]), query_of(request)))


def to_list(request: HttpRequest) -> HttpResponseRedirect:
    """Back to the list, the filters kept."""
    return redirect(_with(reverse("booking:screening"), query_of(request)))


def _with(url: str, query: str) -> str:
    return f"{url}?{query}" if query else url


@_act
def claim(request: HttpRequest, record: Record, found: Appointment) -> HttpResponse:
    """Take the request, so that nobody else calls the same person."""
    return to_request(request, found.id or "")


@require_POST
@role_required(ROLE)
def release(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """Give it back to the list."""
    record = record_of(request)
    own_request(record, appointment_id)
    claims.let_go(record, appointment_id)
    return to_list(request)


@_act
def correct(request: HttpRequest, record: Record, found: Appointment) -> HttpResponse:
    """Write down what the caller said."""
    key = found.id or ""
    form = CorrectionForm(request.POST)
    if not form.is_valid():
        return page_of(request, record, appointment_id=key, form=form, status=422)
    outcome = booking_actions.correct_request(record, key, **form.cleaned_data)
    if outcome.result == "cancelled":
        messages.info(request, _over(outcome.appointment, record))
    else:
        messages.success(request, _("Đã ghi lại theo lời người bệnh."))
    return to_request(request, key)


@_act
def answers(request: HttpRequest, record: Record, found: Appointment) -> HttpResponse:
    """Keep the answers to the script; red flags move the request up at once."""
    key = found.id or ""
    script = scripts.script_for(
        record, specialty=queries.specialty_of(found), facility=record.actor.facility or ""
    )
    said, unread = scripts.typed(script.form, request.POST.dict())
    waiting = found.status in booking_rules.WAITING
    if waiting:
        actions.keep_answers(record, key, script, said)
    if request.headers.get("HX-Request") == "true":
        part = script_of(record, found, writable=waiting, answers=said, unread=unread)
        return render(request, "booking/_script.html", {"script": part})
    if unread:
        messages.error(request, _("Có câu trả lời chưa đọc được. Xem lại số và ngày."))
    elif waiting:
        messages.success(request, _("Đã ghi câu trả lời."))
    return to_request(request, key)


@_act
def move(request: HttpRequest, record: Record, found: Appointment) -> HttpResponse:
    """Another time: the old one is kept until the new one is held; with ``xac-nhan`` it is confirmed as well."""
    key, wants = found.id or "", bool(request.POST.get("xac-nhan"))
    reason, slot = request.POST.get("vi-sao", ""), request.POST.get("slot", "")[:64]
    beyond = request.POST.get("nhan-them", "").strip()[:200]
    chosen = next(
        (one for one in full_times_of(record, found) if one.slot.id == slot and one.left.allowed), None
    )
    if chosen is not None and not (beyond and chosen.left.left):
        why = _("Giờ này đã đầy: viết lý do nhận thêm.") if chosen.left.left else told([chosen])
        messages.error(request, why)
        return to_request(request, key)
    try:
        outcome = actions.move_and_confirm(
            record, key, slot_id=slot, confirmed=wants, beyond=beyond if chosen is not None else "",
            reason=reason if reason in rules.book().reasons["move"] else "",
        )  # fmt: skip
    except Conflict as refusal:
        if refusal.key == "booking.overbooked":
            messages.error(request, used_up(refusal.params["allowed"]))
            return to_request(request, key)
        start = refusal.params.get("start")
        time = words.gio(booking_rules.moment(str(start))) if start else ""
        messages.error(request, _("Giờ %(time)s vừa có người đặt. Giờ cũ vẫn được giữ.") % {"time": time})
    except (NotFound, Invalid):
        messages.error(request, _("Chưa chọn giờ mới, hoặc giờ đó không còn. Giờ cũ vẫn được giữ."))
    else:
        one = booking_of(outcome.appointment)
        said = {"when": spoken.when(one.start) if one.start else "", "code": one.code}
        if outcome.result == "cancelled":
            messages.info(request, _over(outcome.appointment, record))
        elif one.status == "booked":
            messages.success(request, _("Đã đổi sang %(when)s và xác nhận, mã %(code)s. Đã nhắn.") % said)
        else:
            messages.success(request, _("Đang giữ %(when)s cho cuộc gọi này.") % said)
    return to_request(request, key)


@_act
def confirm(request: HttpRequest, record: Record, found: Appointment) -> HttpResponse:
    """Confirm: code, message, reception's list. Who missed visits is spoken to first, where the facility says so."""
    if found.status in booking_rules.WAITING and request.POST.get("da-noi") != "1":
        patient_id = booking_rules.patient_id_of(found) or ""
        if misses.standing_of(record, patient_id, record.actor.facility or "") is not None:
            messages.warning(
                request, _("Đã nói chuyện với người bệnh thì mới xác nhận: đánh dấu ở trên nút.")
            )
            return to_request(request, found.id or "")
    outcome = actions.confirm(record, found.id or "")
    one = booking_of(outcome.appointment)
    said = {"when": spoken.when(one.start) if one.start else "", "code": one.code}
    if outcome.result == "done":
        messages.success(request, _("Đã xác nhận %(when)s, mã %(code)s. Đã nhắn cho người bệnh.") % said)
    elif outcome.result == "already":
        messages.info(request, _("Lượt này đã xác nhận từ trước, mã %(code)s.") % said)
    elif outcome.result == "missing":
        messages.warning(
            request,
            _("Giờ %(when)s đã qua, không xác nhận được nữa. Đổi sang giờ khác, hoặc từ chối.") % said,
        )
    else:
        messages.info(request, _over(outcome.appointment, record))
    return to_request(request, found.id or "")


@_act
def refuse(request: HttpRequest, record: Record, found: Appointment) -> HttpResponse:
    """Say no, with a reason the person reads."""
    key, form = found.id or "", RefusalForm(request.POST)
    if not form.is_valid():
        return page_of(request, record, appointment_id=key, refusal=form, status=422)
    reason = rules.book().reasons["refuse"][form.cleaned_data["code"]]
    outcome = actions.refuse(record, key, reason=reason, added=form.cleaned_data["reason"])
    if outcome.result == "done":
        messages.success(request, _("Đã từ chối và nhắn cho người bệnh. Giờ khám được mở lại."))
    else:
        messages.info(request, _over(outcome.appointment, record))
    return to_list(request)


@_act
def unreached(request: HttpRequest, record: Record, found: Appointment) -> HttpResponse:
    """Nobody answered: called again by plan, or told and ended."""
    key, form = found.id or "", UnreachedForm(request.POST)
    if not form.is_valid():
        return page_of(request, record, appointment_id=key, unreached=form, status=422)
    reason = rules.book().reasons["unreachable"][form.cleaned_data["code"]]
    at, later = form.cleaned_data["later"], None
    if at is not None:
        later = datetime.combine(local_day(record.clock()), at, HANOI)
        if later <= record.clock():
            form.add_error("later", _("Giờ này đã qua."))
            return page_of(request, record, appointment_id=key, unreached=form, status=422)
    tried = actions.unreached(record, key, reason=reason, later=later)
    if tried.outcome.result == "already":
        messages.info(request, _over(tried.outcome.appointment, record))
    elif tried.next_at is not None:
        same = local_day(tried.next_at) == local_day(record.clock())
        when = words.gio(tried.next_at) if same else spoken.when(tried.next_at)
        said = {"count": tried.attempts, "when": when}
        messages.info(request, _("Đã ghi lần gọi %(count)s. Gọi lại %(when)s.") % said)
    else:
        said = {"count": tried.attempts}
        messages.info(
            request, _("Đã gọi %(count)s lần không gặp: đã nhắn cho người bệnh, giờ khám được mở lại.") % said
        )
    return to_list(request)


@_act
def duplicate(request: HttpRequest, record: Record, found: Appointment) -> HttpResponse:
    """The person asked twice: this one is called off, the other stays."""
    try:
        outcome = actions.same_as(record, found.id or "", kept=request.POST.get("giu-lai", "")[:64])
    except (Invalid, NotFound):
        messages.error(request, _("Lượt được giữ lại không còn. Xem lại các lượt của người này."))
        return to_request(request, found.id or "")
    if outcome.result == "done":
        messages.success(request, _("Đã bỏ lượt trùng và nhắn cho người bệnh. Lượt kia vẫn giữ."))
    else:
        messages.info(request, _over(outcome.appointment, record))
    return to_list(request)


@require_POST
@role_required(ROLE)
def send_again(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """Somebody has mended the hospital's system: tell it again of everything it has not taken."""
    record = record_of(request)
    own_request(record, appointment_id)
    count = outward.again(record.actor.facility or "", now=record.clock())
    messages.info(request, _("Gửi lại %(count)s lượt trong phút tới.") % {"count": count})
    return to_request(request, appointment_id)


def _over(appointment: Appointment, record: Record) -> str:
    line = booking_pages.line_of(booking_of(appointment), now=record.clock())
    return _("Không làm gì thêm: lượt này %(state)s.") % {"state": line.state.lower()}
