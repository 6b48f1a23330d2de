"""The team's pages: what alerts and who is followed, one plan, a new plan from a template."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yba.areas.telehealth.chat.pages import topic_words
from yba.areas.telehealth.chat.queries import matter_of
from yba.areas.telehealth.chat.rules import STAFF
from yba.areas.telehealth.follow_up import actions, pages, queries
from yba.areas.telehealth.follow_up.forms import EndForm, OutcomeForm, PlanForm
from yba.areas.telehealth.follow_up.plans import Plan
from yba.areas.telehealth.follow_up.templates import templates
from yba.care import people
from yba.care.refusal import Refusal
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.ui import spoken, words
from yba.ui.requests import record_of_facility, role_required
from yba.ui.words import local_day


@require_safe
@role_required(*STAFF)
def team(request: HttpRequest) -> HttpResponse:
    """Alerts of the facility nobody has closed, the gravest first; then the running plans."""
    record = record_of_facility(request)
    text = request.GET.get("trang", "")
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 3 and int(text) else 1
    waiting = queries.open_alerts(record)
    known = queries.plan_ids(waiting)
    found, more = queries.team_plans(record, page=number)
    url = reverse("telehealth:follow-ups")
    page = pages.TeamPage(
        title=_("Theo dõi từ xa"),
        alerts=tuple(
            pages.alert_row(one, plan=known.get(one.id or "", ""), now=record.clock()) for one in waiting
        ),
        plans=tuple(pages.team_line(one) for one in found),
        topic=f"follow-ups:{record.actor.facility}",
        url=f"{url}?trang={number}",
        more=f"{url}?trang={number + 1}" if more else "",
    )
    part = request.headers.get("HX-Target") == "theo-doi"
    return render(request, f"telehealth/follow_up/{'_team' if part else 'team'}.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("doctor", "head_of_department")
def begin(request: HttpRequest, type_name: str, identifier: str) -> HttpResponse:
    """A new plan about a visit: choose the template (``?mau=``), look at its numbers, begin."""
    record = record_of_facility(request)
    matter = matter_of(record, type_name, identifier)
    if matter.facility != record.actor.facility:
        raise Http404
    url = reverse("telehealth:follow-begin", args=[type_name, identifier])
    chosen = templates().get(request.GET.get("mau", ""))
    language = spoken.language()
    choices = tuple(
        pages.PlanLine(f"{url}?mau={one.key}", one.name.of(language), "; ".join(one.sources), "", "")
        for one in templates().values()
    )
    form = PlanForm(request.POST if request.method == "POST" else None, template=chosen) if chosen else None
    refusal = ""
    if chosen is not None and form is not None and request.method == "POST" and form.is_valid():
        answer = actions.begin(
            record, matter, chosen, form.cleaned_data["items"], weeks=form.cleaned_data["weeks"]
        )
        if not isinstance(answer, Refusal):
            messages.success(request, _("Đã bắt đầu kế hoạch. Người bệnh được nhắc theo giờ đo."))
            return redirect("telehealth:follow-up", answer)
        refusal = answer.message
    page = pages.NewPlanPage(
        _("Kế hoạch theo dõi từ xa"), matter.patient_name, topic_words(matter.unwritten()), choices, form,
        sources=chosen.sources if chosen else (), action=f"{url}?mau={chosen.key}" if chosen else "", refusal=refusal,
        questions=tuple(one.text.of(language) for one in chosen.questions) if chosen else (),
    )  # fmt: skip
    status = 422 if refusal or (form is not None and form.errors) else 200
    return render(request, "telehealth/follow_up/begin.html", {"page": page}, status=status)


@require_safe
@role_required(*STAFF)
def plan(request: HttpRequest, plan_id: str) -> HttpResponse:
    """One plan of the facility's: limits, alerts, what was written and what was missed."""
    record = record_of_facility(request)
    return _plan(request, record, queries.staff_plan(record, plan_id), EndForm())


def _plan(
    request: HttpRequest, record: Record, found: Plan, form: EndForm, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    now = record.clock()
    first, last = queries.since(found, now), min(local_day(now), found.last)
    readings = queries.readings_of(record, found, since=first)
    cells = [
        one
        for one in queries.cells_of(found, readings, first=first, last=last, now=now)
        if one.state != "later"
    ]
    patient = record.read(Patient, found.patient)
    facts = (spoken.gender(patient.gender), spoken.age(patient.birthDate, local_day(now)))
    waiting = queries.open_alerts(record, plan=found.id)
    page = pages.FollowUpPage(
        title=people.name_of(patient) or found.patient_name,
        plan=pages.title_of(found),
        doctor=found.doctor_name,
        until=words.ngay(found.last),
        active=found.active,
        limits=pages.limit_lines(found),
        days=pages.days_of(cells, readings),
        alerts=tuple(pages.alert_row(one, plan=found.id, now=now) for one in waiting),
        missed=sum(one.state == "missed" for one in cells),
        phone=people.phone_of(patient),
        facts=", ".join(filter(None, facts)),
        topic=f"follow-up:{found.id}",
        url=reverse("telehealth:follow-up", args=[found.id]),
        end_url=reverse("telehealth:follow-end", args=[found.id]),
        end=form,
        refusal=refusal,
    )
    return render(request, "telehealth/follow_up/plan.html", {"page": page}, status=status)


@require_POST
@role_required("doctor", "head_of_department")
def end(request: HttpRequest, plan_id: str) -> HttpResponse:
    """End a plan, with the reason."""
    record = record_of_facility(request)
    found = queries.staff_plan(record, plan_id)
    form = EndForm(request.POST)
    if not form.is_valid():
        return _plan(request, record, found, form, status=422)
    refusal = actions.end(record, found, why=form.cleaned_data["why"])
    if refusal is not None:
        return _plan(request, record, found, form, refusal=refusal.message, status=422)
    messages.success(request, _("Đã kết thúc kế hoạch."))
    return redirect("telehealth:follow-ups")


@require_POST
@role_required(*STAFF)
def alert(request: HttpRequest, alert_id: str, deed: str) -> HttpResponse:
    """Take an alert up, or close it with what was done."""
    record = record_of_facility(request)
    found = queries.alert_of(record, alert_id)
    form = OutcomeForm(request.POST)
    if deed == "take":
        done = actions.close(record, found, "take")
    elif deed == "close":
        if not form.is_valid():
            messages.warning(request, _("Chọn việc đã làm rồi đóng báo động."))
            return redirect("telehealth:follow-ups")
        done = actions.close(
            record, found, "close", outcome=form.cleaned_data["outcome"], note=form.cleaned_data["note"]
        )
    else:
        raise Http404
    if done and deed == "close" and actions.still_open(found.priority or "", form.cleaned_data["outcome"]):
        messages.warning(
            request, _("Báo động nguy hiểm còn mở vì chưa liên lạc được. Người khác cần gọi lại.")
        )
    if not done:
        messages.info(request, _("Báo động này đã có người làm trước."))
    return redirect("telehealth:follow-ups")
