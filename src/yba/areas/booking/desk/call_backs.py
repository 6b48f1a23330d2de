"""Numbers that asked for a time by text and are nobody's account: the desk's list of them, and what comes of a call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yba.areas.booking.desk import rules
from yba.areas.booking.models import CallBack
from yba.areas.booking.texting import call_backs
from yba.ui import spoken, words
from yba.ui.requests import record_of, role_required


@dataclass(frozen=True, slots=True)
class Line:
    """A number to be called back."""

    number: int
    phone: str
    wanted: str
    due: str
    late: bool
    held: str
    #: Who calls it now; empty where nobody does, or the one who looks.
    by: str
    over: bool


def lines(facility: str, *, me: str, now: datetime) -> list[Line]:
    """The numbers a desk is to call, the first due on top."""
    return [_line(one, me=me, now=now) for one in call_backs.open_ones(facility)]


def _line(one: CallBack, *, me: str, now: datetime) -> Line:
    live = one.taken_at is not None and now - one.taken_at < rules.book().claim
    over = one.held_until <= now
    until = (
        _("không còn giữ giờ") if over else _("giữ đến %(until)s") % {"until": spoken.when(one.held_until)}
    )
    return Line(
        number=one.pk, phone=words.phone(one.phone), 
        wanted=" · ".join(filter(None, [spoken.when(one.starts), one.called])),
        due=spoken.when(one.due_at), late=one.due_at < now, held=until,
        by=one.agent_name if live and one.agent != me else "", over=over,
    )  # fmt: skip


@require_POST
@role_required("customer_care")
def deed(request: HttpRequest, number: int) -> HttpResponse:
    """Call and book, or say what came of the call."""
    record = record_of(request)
    row = call_backs.find(record.actor.facility or "", str(number))
    if row is None:
        messages.info(request, _("Số này đã có người gọi xong."))
        return redirect("booking:screening")
    if not call_backs.take(record, row):
        messages.warning(request, _("Người khác đang gọi số này."))
        return redirect("booking:screening")
    said = request.POST.get("viec", "")
    if said == "goi":
        return redirect(f"{reverse('booking:book_for')}?tin={row.pk}")
    if said not in call_backs.ENDS:
        raise Http404
    call_backs.end(record, row, call_backs.ENDS[said])
    messages.success(request, _("Đã ghi. Giờ đang giữ cho số này đã trả lại."))
    return redirect("booking:screening")
