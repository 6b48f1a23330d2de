"""The pages of the desk's telephone: calling by the exchange, who is calling, and at which set one sits."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yba.areas.booking import rules as booking
from yba.areas.booking.desk import claims, telephone
from yba.areas.booking.desk.deeds import to_request
from yba.areas.booking.desk.telephone import Ringing
from yba.areas.booking.desk.views import ROLE, own_request
from yba.care import telephone as port
from yba.ui import words
from yba.ui.requests import record_of, role_required


@dataclass(frozen=True, slots=True)
class TelephonePart:
    """The telephone as the desk shows it: the set one sits at, its live topic, and the call at it."""

    extension: str
    topic: str
    phone_words: str
    ringing: Ringing | None


@require_safe
@role_required(ROLE)
def part(request: HttpRequest) -> HttpResponse:
    """Who is calling at the agent's set: a part of the desk's page that fetches itself."""
    record = record_of(request)
    extension = telephone.set_of(record)
    ringing = telephone.ringing(record, extension) if extension else None
    page = TelephonePart(
        extension=extension,
        topic=telephone.topic_of(extension) if extension else "",
        phone_words=words.phone(ringing.number) if ringing is not None else "",
        ringing=ringing,
    )
    return render(request, "booking/_telephone.html", {"telephone": page})


@require_POST
@role_required(ROLE)
def sit(request: HttpRequest) -> HttpResponse:
    """Say at which set one sits."""
    number = request.POST.get("may", "").strip()
    if number and not port.EXTENSION.fullmatch(number):
        messages.error(request, _("Số máy nhánh chỉ có chữ và số, ví dụ 101."))
        return redirect("booking:screening")
    other = telephone.sit_at(record_of(request), number)
    if other:
        messages.error(request, _("Máy %(number)s là của %(name)s.") % {"number": number, "name": other})
    elif number:
        messages.success(request, _("Gọi và nhận cuộc gọi ở máy %(number)s.") % {"number": number})
    else:
        messages.info(request, _("Không nhận cuộc gọi ở máy nào."))
    return redirect("booking:screening")


@require_POST
@role_required(ROLE)
def call(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """Claim the request and have the exchange call: the agent's set first, then the person."""
    record = record_of(request)
    found = own_request(record, appointment_id)
    extension, exchange = telephone.set_of(record), port.exchange()
    if exchange is None or not extension:
        messages.error(request, _("Chưa chọn máy để gọi. Ghi số máy nhánh ở đầu trang."))
        return to_request(request, appointment_id)
    if found.status in booking.WAITING:
        taken = claims.take(record, found)
        if not taken.mine:
            said = _("%(name)s đang gọi người này.") % {"name": taken.claim.agent_name}
            messages.warning(request, said)
            return to_request(request, appointment_id)
    try:
        exchange.call(extension, claims.number_of(record, found))
    except port.NotCalled:
        messages.error(request, _("Tổng đài không gọi được. Gọi bằng máy của mình."))
    else:
        messages.success(
            request, _("Máy %(number)s đang đổ chuông. Nhấc máy để gọi.") % {"number": extension}
        )
    return to_request(request, appointment_id)
