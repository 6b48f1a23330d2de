"""The desk's list of people to be telephoned because their video failed."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yba.areas.telehealth import falling, pages, queries
from yba.care.messages import reminders
from yba.fhir.errors import Forbidden, Gone, NotFound
from yba.fhir.model import references
from yba.fhir.r4.appointment import Appointment
from yba.ui.requests import record_of, role_required


@require_safe
@role_required("customer_care")
def calls(request: HttpRequest) -> HttpResponse:
    """Who waits for a call, longest first."""
    record = record_of(request)
    tasks = queries.call_backs(record)
    ids = [target[1] for one in tasks if (target := references.target(one.focus)) is not None]
    visits = {one.id: one for one in record.find(Appointment, ("_id", ",".join(ids)))} if ids else {}
    rows = []
    for one in tasks:
        target = references.target(one.focus)
        visit = visits.get(target[1]) if target else None
        if visit is not None:
            rows.append(pages.call_row(one, visit, reminders.phone_of(record, visit), now=record.clock()))
    page = pages.CallsPage(_("Gọi điện thay video"), tuple(rows), f"callbacks:{record.actor.facility}")
    part = request.headers.get("HX-Target") == "call-backs"
    return render(request, "telehealth/_calls.html" if part else "telehealth/calls.html", {"page": page})


@require_POST
@role_required("customer_care")
def answer(request: HttpRequest, task_id: str, deed: str) -> HttpResponse:
    """Take a call, say that the person was reached, or was not."""
    if deed not in ("take", "reached", "unreached"):
        raise Http404
    try:
        done = falling.answer_call(record_of(request), task_id, cast("falling.Deed", deed))
    except (NotFound, Gone, Forbidden) as error:
        raise Http404 from error
    if not done:
        messages.info(request, _("Cuộc gọi này đã có người làm xong."))
    return redirect("telehealth:call-backs")
