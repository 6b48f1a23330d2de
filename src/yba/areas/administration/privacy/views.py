"""The facility's pages of data protection: requests for the records office, breaches for the administrator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yba.areas.administration.privacy import actions, pages
from yba.areas.administration.privacy.forms import (
    AdditionForm,
    AnswerForm,
    BreachForm,
    ExtendForm,
    OfficerForm,
    ReportForm,
    TellForm,
    UnreportedForm,
)
from yba.areas.administration.privacy.models import Breach
from yba.care.privacy import actions as privacy
from yba.care.privacy import keeping, tables
from yba.care.privacy.models import Request
from yba.care.privacy.steps import step_lines
from yba.care.refusal import Refusal
from yba.fhir.record import Record
from yba.ui import spoken, words
from yba.ui.requests import once_of, record_of_facility, role_required

RECORDS, OFFICER = "records_office", "facility_administrator"
SHOWN_CLOSED = 50


def _tabs(record: Record, current: str) -> list[Any]:
    return pages.tabs(current, officer=record.actor.role == OFFICER)


# -- requests ---------------------------------------------------------------------------------------------


@require_safe
@role_required(RECORDS, OFFICER)
def requests(request: HttpRequest) -> HttpResponse:
    """What people asked of this facility: what is due first stands first."""
    record = record_of_facility(request)
    mine, now = Request.objects.filter(facility=record.actor.facility), record.clock()
    pending = sorted(
        mine.filter(state__in=Request.PENDING),
        key=lambda one: (one.reply_due if one.replied_at is None else one.due, one.pk),
    )
    closed = mine.exclude(state__in=Request.PENDING).order_by("-closed_at")[:SHOWN_CLOSED]
    page = pages.RequestsPage(
        _("Yêu cầu về dữ liệu"), _tabs(record, "requests"), [pages.request_row(one, now) for one in pending],
        [pages.request_row(one, now) for one in closed],
    )  # fmt: skip
    return render(request, "administration_privacy/requests.html", {"page": page})


def _asked(record: Record, number: int) -> Request:
    found = Request.objects.filter(pk=number, facility=record.actor.facility).first()
    if found is None:
        raise Http404
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(RECORDS, OFFICER)
def one_request(request: HttpRequest, number: int) -> HttpResponse:
    """One request; a POST takes it, extends it, or answers it."""
    record = record_of_facility(request)
    row = _asked(record, number)
    if request.method != "POST":
        return _request_page(request, record, row)
    act = request.POST.get("act", "")
    if act == "take":
        return _after(request, record, row, privacy.take(record, number))
    if act == "extend":
        form: forms.Form = ExtendForm(request.POST)
        if not form.is_valid():
            return _request_page(request, record, row, extend=form, status=422)
        return _after(request, record, row, privacy.extend(record, number, form.cleaned_data["reason"]))
    return _answered(request, record, row, act)


def _answered(request: HttpRequest, record: Record, row: Request, act: str) -> HttpResponse:
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _request_page(request, record, row, form=form, status=422)
    data = form.cleaned_data
    if row.questioned == record.actor.user:
        own = _("Người mở sổ không tự trả lời. Nhờ người khác ở phòng kế hoạch tổng hợp.")
        return _request_page(request, record, row, form=form, refusal=own, status=409)
    if act == "refuse":
        done = actions.refuse_request(record, row.pk, answer=data["answer"], article=data["article"])
    elif row.kind == Request.Kind.ERASE:
        done = actions.erase(record, row.pk, decision=data["decision"], answer=data["answer"])
    elif row.kind == Request.Kind.CORRECT:
        done = actions.correct(record, row.pk, answer=data["answer"], particulars=form.particulars)
    else:
        done = actions.restrict(record, row.pk, answer=data["answer"])
    return _after(request, record, row, done, form)


def _after(
    request: HttpRequest,
    record: Record,
    row: Request,
    done: Request | Refusal,
    form: forms.Form | None = None,
) -> HttpResponse:
    if isinstance(done, Refusal):
        row.refresh_from_db()
        return _request_page(request, record, row, form=form, refusal=done.message, status=409)
    messages.success(request, _("Đã ghi. Người xin thấy ngay trong sổ của mình."))
    return redirect("administration:privacy_request", row.pk)


def _request_page(
    request: HttpRequest, record: Record, row: Request, *, form: forms.Form | None = None,
    extend: forms.Form | None = None, refusal: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    erasure = row.kind == Request.Kind.ERASE
    # What hangs on a class of retention is a number of visits, never what is written in them.
    groups = keeping.kept_of(record.as_system(), row.patient_id) if erasure and row.is_pending else []
    kept = [
        (_("%(name)s, %(count)s lần khám") % {"name": one.name, "count": one.count},
         words.ngay(one.until) if one.until else _("vĩnh viễn"))
        for one in groups if one.facility == row.facility
    ]  # fmt: skip
    now = record.clock()
    page = pages.RequestPage(
        title=f"{row.number} · {row.patient_name}",
        tabs=_tabs(record, "requests"),
        row=pages.request_row(row, now),
        pk=row.pk,
        facts=pages.request_facts(row),
        steps=step_lines(row.steps.all()),
        can_take=row.state == Request.State.OPEN,
        can_extend=row.is_pending and not row.is_extended,
        is_pending=row.is_pending,
        is_particulars=row.kind == Request.Kind.CORRECT and row.subject.startswith("Patient/"),
        is_erasure=erasure,
        is_restriction=row.kind == Request.Kind.RESTRICT,
        is_question=row.kind == Request.Kind.QUESTION,
        kept=kept,
        form=form or AnswerForm(),
        extend_form=extend or ExtendForm(),
        refusal=refusal,
    )
    return render(request, "administration_privacy/request.html", {"page": page}, status=status)


# -- breaches ---------------------------------------------------------------------------------------------


@require_safe
@role_required(OFFICER)
def breaches(request: HttpRequest) -> HttpResponse:
    """The register, the newest first."""
    record = record_of_facility(request)
    found = Breach.objects.filter(facility=record.actor.facility).order_by("-detected_at", "-pk")
    now = record.clock()
    page = pages.BreachesPage(
        _("Sổ vi phạm dữ liệu"), _tabs(record, "breaches"), [pages.breach_row(one, now) for one in found]
    )
    return render(request, "administration_privacy/breaches.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(OFFICER)
def new_breach(request: HttpRequest) -> HttpResponse:
    """Begin a file; the clock is shown at once."""
    record = record_of_facility(request)
    form = (
        BreachForm(request.POST)
        if request.method == "POST"
        else BreachForm(initial={"detected_at": record.clock()})
    )
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            found = actions.Found(
                data["detected_at"], data["happened_at"], data["what"], data["kinds"], data["affected"]
            )
            made = actions.enter_breach(record, found, once=once_of(request))
            if not isinstance(made, Refusal):
                return redirect("administration:privacy_breach", made.pk)
            refusal, status = made.message, 409
    page = pages.BreachFormPage(_("Ghi vi phạm dữ liệu"), _tabs(record, "breaches"), form, refusal)
    return render(request, "administration_privacy/new_breach.html", {"page": page}, status=status)


def _breach(record: Record, number: int) -> Breach:
    found = Breach.objects.filter(pk=number, facility=record.actor.facility).first()
    if found is None:
        raise Http404
    return found


@require_safe
@role_required(OFFICER)
def breach(request: HttpRequest, number: int) -> HttpResponse:
    """One breach with its clock."""
    record = record_of_facility(request)
    return _breach_page(request, record, _breach(record, number), {})


def _breach_page(
    request: HttpRequest,
    record: Record,
    row: Breach,
    given: dict[str, forms.Form],
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    now = record.clock()
    state, clock = pages.clock_words(row, now)
    blank: dict[str, forms.Form] = {
        "add": AdditionForm(initial={"affected": row.affected}),
        "report": ReportForm(initial={"at": now}),
        "unreported": UnreportedForm(),
        "tell": TellForm(initial={"at": now}),
    }
    page = pages.BreachPage(
        title=_("Vi phạm %(number)s") % {"number": row.number},
        tabs=_tabs(record, "breaches"),
        row=pages.breach_row(row, now),
        pk=row.pk,
        clock=clock,
        clock_kind=pages.CLOCKS[state],
        due=spoken.when(row.due_at),
        facts=pages.breach_facts(row),
        steps=step_lines(row.steps.all()),
        is_open=row.closed_at is None,
        must_tell=row.must_tell,
        forms=blank | given,
        refusal=refusal,
    )
    return render(request, "administration_privacy/breach.html", {"page": page}, status=status)


@require_POST
@role_required(OFFICER)
def breach_act(request: HttpRequest, number: int, act: str) -> HttpResponse:
    """Add, report, say why not, tell, close: one act a form."""
    record = record_of_facility(request)
    row = _breach(record, number)
    if act == "close":
        return _breach_done(request, record, row, actions.close_breach(record, number), {})
    kinds: dict[str, tuple[type[forms.Form], Callable[..., Breach | Refusal]]] = {
        "add": (AdditionForm, actions.add_to_breach),
        "report": (ReportForm, actions.report),
        "unreported": (UnreportedForm, actions.leave_unreported),
        "tell": (TellForm, actions.tell),
    }
    if act not in kinds:
        raise Http404
    kind, do = kinds[act]
    form = kind(request.POST)
    if not form.is_valid():
        return _breach_page(request, record, row, {act: form}, status=422)
    return _breach_done(request, record, row, do(record, number, **form.cleaned_data), {act: form})


def _breach_done(
    request: HttpRequest, record: Record, row: Breach, done: Breach | Refusal, given: dict[str, forms.Form]
) -> HttpResponse:
    if isinstance(done, Refusal):
        row.refresh_from_db()
        return _breach_page(request, record, row, given, done.message, 409)
    return redirect("administration:privacy_breach", row.pk)


# -- who protects the data, and why data are kept ---------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(OFFICER)
def officer(request: HttpRequest) -> HttpResponse:
    """Name who protects the data of this facility; people read it beside their requests."""
    record = record_of_facility(request)
    facility = record.actor.facility or ""
    found = privacy.officer_of(facility)
    initial = {"name": found.name, "phone": found.phone, "email": found.email} if found else {}
    form = OfficerForm(request.POST) if request.method == "POST" else OfficerForm(initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        privacy.name_officer(
            record, facility=facility, name=data["name"], phone=data["phone"], email=data["email"]
        )
        messages.success(request, _("Đã ghi người bảo vệ dữ liệu."))
        return redirect("administration:privacy_officer")
    page = pages.OfficerPage(
        _("Người bảo vệ dữ liệu"),
        _tabs(record, "officer"),
        found,
        words.ngay(found.named_at) if found else "",
        form,
    )
    status = 422 if request.method == "POST" else 200
    return render(request, "administration_privacy/officer.html", {"page": page}, status=status)


@require_safe
@role_required(RECORDS, OFFICER)
def activities(request: HttpRequest) -> HttpResponse:
    """The register of processing: what, why it is lawful, who receives it, how long it is kept."""
    record = record_of_facility(request)
    bases = {
        "law": _("Luật giao"),
        "emergency": _("Cấp cứu"),
        "consent": _("Có đồng ý"),
        "contract": _("Tự mở tài khoản"),
    }
    rows = [
        pages.ActivityRow(
            one.name,
            bases[one.basis],
            one.data,
            one.recipients,
            _years(one.class_kept) or one.kept_until,
            one.article,
        )
        for one in tables.activities()
    ]
    classes = [pages.ClassRow(one.name, _years(one), one.article) for one in tables.classes()]
    page = pages.ActivitiesPage(_("Hoạt động xử lý dữ liệu"), _tabs(record, "activities"), rows, classes)
    return render(request, "administration_privacy/activities.html", {"page": page})


def _years(kept: tables.Class | None) -> str:
    """How long a class of records is kept, in words."""
    if kept is None:
        return ""
    return _("%(years)s năm") % {"years": kept.years} if kept.years else _("vĩnh viễn")
