"""The citizen on the waiting list: joins it on a doctor's page, and answers what is offered among the bookings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yba.areas.booking import holding, pages, queries, rules, waiting
from yba.fhir.errors import Conflict, Gone, NotFound
from yba.fhir.record import Record
from yba.ui import spoken, words
from yba.ui.requests import record_of, role_required
from yba.ui.words import local_day


@dataclass(frozen=True, slots=True)
class OfferLine:
    """What is offered, in words."""

    id: str
    when: str
    until: str
    doctor: str


def offer_lines(record: Record) -> list[OfferLine]:
    """What is offered to the actor's people now, the first to end on top."""
    found = []
    for one in waiting.open_offers(record):
        try:
            _slot, post = queries.slot_and_post(record, one.slot_id)
        except (NotFound, Gone):
            continue
        found.append(OfferLine(one.pk, spoken.when(one.starts), words.gio(one.expires_at), post.name))
    return found


@require_POST
@role_required("citizen")
def wait(request: HttpRequest, role_id: str) -> HttpResponse:
    """Wait for a seat of this doctor, for one of one's people."""
    record = record_of(request)
    patient = request.POST.get("patient", "")
    if patient not in record.actor.persons:
        raise Http404
    today = local_day(record.clock())
    try:
        waiting.join(
            record, role_id=role_id, patient_id=patient, first=today,
            last=today + timedelta(days=queries.MOST_DAYS), reason=request.POST.get("reason", "")[:200],
            phone=next(iter(holding.phones_of(request)), ""),
        )  # fmt: skip
    except Conflict as refusal:
        if refusal.key != "booking.blocked":
            raise
        messages.warning(request, holding.blocked_words(refusal))
        return redirect("booking:mine")
    messages.success(request, _("Đã vào danh sách chờ. Có ai trả giờ là nhắn ngay; chỗ được giữ để trả lời."))
    return redirect("booking:mine")


@require_POST
@role_required("citizen")
def answer(request: HttpRequest, offer_id: str) -> HttpResponse:
    """Take what is offered, or leave it to the next."""
    record = record_of(request)
    try:
        if request.POST.get("nhan") != "co":
            waiting.decline(record, offer_id)
            messages.info(request, _("Đã nhường giờ này. Vẫn còn trong danh sách chờ."))
            return redirect("booking:mine")
        outcome = waiting.accept(record, offer_id)
    except (Gone, Conflict):
        messages.warning(request, _("Giờ này không còn giữ nữa. Vẫn còn trong danh sách chờ."))
        return redirect("booking:mine")
    if outcome.result == "cancelled":
        messages.warning(request, _("Lượt chờ này đã hủy."))
        return redirect("booking:mine")
    start = outcome.appointment.start
    when, now = spoken.when(rules.moment(start)) if start else "", record.clock()
    messages.success(request, pages.waiting_words(when, pages.called_by(now, now)))
    return redirect("booking:slip", outcome.appointment.id)
