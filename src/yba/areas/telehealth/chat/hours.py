"""The facility's page: on which days and hours it answers what people write, and within how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from yba.areas.telehealth.chat import pages
from yba.areas.telehealth.chat.forms import HoursForm
from yba.areas.telehealth.follow_up import duty
from yba.care.remote import office
from yba.care.remote.office import Office, Span
from yba.ui.requests import record_of_facility, role_required

_HALVES = ("morning", "afternoon")


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("facility_administrator")
def hours(request: HttpRequest) -> HttpResponse:
    """Show and change the hours."""
    record = record_of_facility(request)
    facility = record.actor.facility or ""
    service = office.service_of(record, facility)
    now = office.USUAL if service is None else office.read(service)
    form = (
        HoursForm(request.POST)
        if request.method == "POST"
        else HoursForm(initial=_said(now) | _on_duty(facility))
    )
    if request.method == "POST" and form.is_valid():
        made = office.written(
            service, _office(form.cleaned_data), facility=facility, name="Trả lời tin của người bệnh"
        )
        if service is None:
            record.create(made)
        else:
            record.update(made)
        duty.name_them(
            record, name=form.cleaned_data["duty_name"], phone=form.cleaned_data["duty_phone"] or ""
        )
        messages.success(request, _("Đã lưu giờ trả lời tin."))
        return redirect("telehealth:chat-hours")
    page = pages.HoursPage(
        _("Giờ trả lời tin, người trực"), form, now.set_, pages.promise_words(now, record.clock())
    )
    return render(request, "telehealth/chat/hours.html", {"page": page}, status=422 if form.errors else 200)


def _on_duty(facility: str) -> dict[str, Any]:
    found = duty.on_duty(facility)
    return {"duty_name": found.name, "duty_phone": found.phone} if found is not None else {}


def _said(found: Office) -> dict[str, Any]:
    spans = sorted(found.spans, key=lambda one: one.opens)
    said: dict[str, Any] = {
        "days": [str(one) for one in sorted(frozenset().union(*(each.days for each in spans)))],
        "hours": int(found.within.total_seconds() // 3600) or 1,
    }
    for half, one in zip(_HALVES, spans, strict=False):
        said |= {f"{half}_from": one.opens.strftime("%H:%M"), f"{half}_to": one.closes.strftime("%H:%M")}
    return said


def _office(given: dict[str, Any]) -> Office:
    days = frozenset(int(one) for one in given["days"])
    spans = tuple(
        Span(days, given[f"{half}_from"], given[f"{half}_to"]) for half in _HALVES if given[f"{half}_from"]
    )
    return Office(spans, timedelta(hours=int(given["hours"])), set_=True)
