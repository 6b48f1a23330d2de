"""The citizen moves a booking to another time, or calls it off with a reason; refusals say what to do instead."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yba.areas.booking import holding, moving, pages, queries, rules
from yba.fhir.errors import Conflict, Gone, Invalid, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.record import Record
from yba.ui import spoken
from yba.ui.requests import record_of, role_required
from yba.ui.words import local_day

#: Why a person calls a visit off; the facility reads it.
REASONS: Final = {
    "ban": gettext_lazy("Bận, không đến được"),
    "khoe": gettext_lazy("Đã khỏe, không cần khám nữa"),
    "noi-khac": gettext_lazy("Khám nơi khác"),
    "nham": gettext_lazy("Đặt nhầm"),
}


def reason_of(key: str) -> str:
    """A reason in words; empty for none."""
    return str(REASONS.get(key, ""))


def late_words(refusal: Conflict) -> str:
    """Too late to call off, or to move, or moved too often: and then what."""
    until = refusal.params.get("until")
    when = spoken.when(rules.moment(str(until))) if until else ""
    if refusal.key == "booking.moves-used":
        said = _("Lượt này đã đổi giờ %(moves)s lần, không đổi thêm được. Cần đổi nữa thì gọi bệnh viện.")
        return said % {"moves": refusal.params.get("moves")}
    if refusal.key == "booking.move-late":
        return _("Chỉ đổi giờ được đến %(when)s. Gọi bệnh viện để đổi.") % {"when": when}
    return _("Chỉ hủy được đến %(when)s. Gọi bệnh viện nếu không đến được.") % {"when": when}


@role_required("citizen")
def move(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """Choose another time of the same doctor; the old one is given back only when the new one is held."""
    record = record_of(request)
    found = record.read(Appointment, appointment_id)
    if request.method != "POST":
        return _page(request, record, found)
    slot_id = request.POST.get("slot", "")[:64]
    if not slot_id:
        return _page(request, record, found, refused=_("Chưa chọn giờ khám."), status=422)
    try:
        outcome = moving.reschedule(
            record, appointment_id, slot_id=slot_id, called_from=tuple(holding.phones_of(request))
        )
    except (Conflict, Invalid) as refusal:
        return _page(request, record, found, refused=_refused(refusal), status=409)
    one = queries.booking_of(outcome.appointment)
    when = spoken.when(one.start) if one.start else ""
    if outcome.result == "cancelled":
        messages.info(request, _("Lượt này không đổi giờ được nữa."))
    else:
        messages.success(request, _("Đã đổi sang %(when)s.") % {"when": when})
    return redirect("booking:slip", appointment_id)


def _refused(refusal: Conflict | Invalid) -> str:
    if isinstance(refusal, Conflict) and refusal.key in ("booking.moves-used", "booking.move-late"):
        return late_words(refusal)
    return holding.refused_words(refusal)


def _page(
    request: HttpRequest, record: Record, found: Appointment, *, refused: str = "", status: int = 200
) -> HttpResponse:
    now = record.clock()
    today = local_day(now)
    try:
        _slot, post = queries.slot_and_post(record, rules.slot_id_of(found) or "")
        times = queries.times_of(record, post.schedules, now=now, owners=holding.owners(request, record))
    except (NotFound, Gone):
        times = []
    asked = request.GET.get("ngay", "")
    days = {local_day(one.start).isoformat(): local_day(one.start) for one in times}
    day = days.get(asked) or next((local_day(one.start) for one in times if one.free), None)
    line = pages.line_of(queries.booking_of(found), now=now)
    page = pages.MovePage(
        title=_("Đổi giờ khám"),
        line=line,
        doctor=line.doctor,
        facts=_("Đang giữ %(when)s") % {"when": line.when},
        days=pages.days_of(times, today=today) if times else [],
        day_value=day.isoformat() if day else "",
        day_words=spoken.day_words(day) if day else "",
        slots=pages.slots_on(times, day),
        slot="",
        refused=refused,
    )
    return render(request, "booking/move.html", {"page": page}, status=status)
