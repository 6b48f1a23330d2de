"""The person's pages: their plans, and one of them with what is due now and what became of the rest."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from yba.areas.telehealth.chat.queries import facility_name
from yba.areas.telehealth.follow_up import actions, pages, plans, queries
from yba.areas.telehealth.follow_up.forms import ReadingsForm
from yba.areas.telehealth.follow_up.plans import QUESTIONS, Due, Plan
from yba.care.refusal import Refusal
from yba.fhir.record import Record
from yba.ui import spoken
from yba.ui.requests import record_of, role_required
from yba.ui.words import local_day


@require_safe
@role_required("citizen")
def home(request: HttpRequest) -> HttpResponse:
    """The plans of oneself and of those one acts for; a single running one is opened at once."""
    record = record_of(request)
    found = queries.own_plans(record)
    own = record.actor.person or ""
    page = pages.PlansPage(_("Số đo tại nhà"), tuple(pages.plan_line(one, own=own) for one in found))
    return render(request, "telehealth/follow_up/plans.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def measure(request: HttpRequest, plan_id: str) -> HttpResponse:
    """One plan: fields for what is due now (``?them=1``: for all of it), and the days before."""
    record = record_of(request)
    plan = queries.own_plan(record, plan_id)
    due = _due_now(record, plan)
    extra = [one.measure for one in plan.items] if request.GET.get("them") else []
    if request.method != "POST":
        return _page(request, record, plan, due, extra, None)
    form = ReadingsForm(request.POST, plan=plan, due=due, extra=extra, language=spoken.language())
    if not form.is_valid():
        return _page(request, record, plan, due, extra, form, status=422)
    asked = next((one for one in due if one.item == QUESTIONS), None)
    answer = actions.keep(
        record, plan, taken=form.cleaned_data["taken"], answers=form.cleaned_data["answers"], asked=asked
    )
    if isinstance(answer, Refusal):
        messages.warning(request, answer.message)
    elif answer == "alert":
        messages.warning(
            request,
            _(
                "Đã ghi. Có số ngoài ngưỡng: đã báo cơ sở khám, có thể vài giờ sau mới có người xem."
                " Nặng hơn thì gọi 115."
            ),
        )
    elif not answer:
        messages.success(request, _("Đã ghi."))
    return redirect("telehealth:measure", plan_id)


def _due_now(record: Record, plan: Plan) -> list[Due]:
    """What may be written now and has not been."""
    if not plan.active:
        return []
    now = record.clock()
    today = local_day(now)
    cells = queries.cells_of(
        plan, queries.readings_of(record, plan, since=today - timedelta(days=1)),
        first=today - timedelta(days=1), last=today, now=now,
    )  # fmt: skip
    return [one.due for one in cells if one.state == "now"]


def _page(
    request: HttpRequest, record: Record, plan: Plan, due: list[Due], extra: list[str], form: ReadingsForm | None,
    *, status: int = 200,
) -> HttpResponse:  # fmt: skip
    now = record.clock()
    first = queries.since(plan, now)
    last = min(local_day(now), plan.last)
    readings = queries.readings_of(record, plan, since=first)
    cells = [
        one
        for one in queries.cells_of(plan, readings, first=first, last=last, now=now)
        if one.state != "later"
    ]
    asks = (form is not None or bool(due or extra)) and plan.active
    if form is None and asks:
        form = ReadingsForm(None, plan=plan, due=due, extra=extra, language=spoken.language())
    coming = [one.at for one in plans.due_between(plan, last, last + timedelta(days=28)) if one.opens > now]
    url = reverse("telehealth:measure", args=[plan.id])
    page = pages.MeasurePage(
        title=pages.title_of(plan),
        doctor=plan.doctor_name,
        patient="" if plan.patient == record.actor.person else plan.patient_name,
        active=plan.active,
        form=form if asks else None,
        action=f"{url}?them=1" if extra else url,
        extra_url=f"{url}?them=1" if plan.active and not extra else "",
        next_words=spoken.when(min(coming)) if coming and plan.active else "",
        days=pages.days_of(cells, readings),
        danger=queries.danger_waits(record, plan),
        topic=f"follow-up:{plan.id}",
        hotline=facility_name(record, plan.facility)[1],
    )
    return render(request, "telehealth/follow_up/measure.html", {"page": page}, status=status)
