"""The auditors' pages: the log with its filters, one act, a file of it, alerts and their judgement."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from yba.areas.administration.audit import pages, queries
from yba.areas.administration.audit.forms import FilterForm, JudgeForm
from yba.care.access_log import facility_names
from yba.fhir.audit import judging
from yba.fhir.audit.judging import Alert
from yba.fhir.audit.rows import Row
from yba.fhir.audit.search import MOST_COUNTED
from yba.fhir.errors import Conflict, Invalid, NotFound, RecordError
from yba.fhir.record import Record
from yba.ui import words
from yba.ui.requests import number_in, record_of, role_required

AUDITORS = ("auditor", "facility_administrator")
SHOWN_ALERTS = 50
PLACE = "tiep"


def _facilities(record: Record, rows: Iterable[Row]) -> dict[str, str]:
    return facility_names(record, {one for row in rows for one in (row.actor_facility, row.facility) if one})


def _names(record: Record, rows: Iterable[Row], most: int = pages.MOST_NAMED) -> dict[str, str]:
    return queries.names_of(record, [one for row in rows for one in row.persons[:most]])


# -- the log ---------------------------------------------------------------------------------------------


@require_safe
@role_required(*AUDITORS)
def log(request: HttpRequest) -> HttpResponse:
    """The log, newest first, by what is asked."""
    record = record_of(request)
    form = FilterForm(request.GET or None)
    entries: list[pages.Entry] = []
    problem, tally, more = "", "", ""
    asked = _asked(record, form)
    if asked is not None:
        try:
            found = queries.rows(record, asked, request.GET.get(PLACE) or None)
        except RecordError as error:
            problem = _said(error)
        else:
            names, facilities = _names(record, found.rows), _facilities(record, found.rows)
            entries = [pages.entry(row, names, facilities, record.actor.facility) for row in found.rows]
            tally = pages.tally_words(found.total, MOST_COUNTED)
            if found.following:
                more = f"{request.path}?{_query(request, found.following)}"
    page = pages.LogPage(
        _("Nhật ký truy cập"), pages.tabs("log", judging.count_new(record)), form, bool(_query(request)), problem,
        entries, tally, more, f"{reverse('administration:audit_export')}?{_query(request)}" if entries else "",
        pages.sealed_words(queries.sealed(record)),
    )  # fmt: skip
    return render(
        request, "administration_audit/log.html", {"page": page}, status=422 if form.errors else 200
    )


def _asked(record: Record, form: FilterForm) -> list[queries.Parameter] | None:
    """What the filters ask for: all where none is set, None where they are wrong or mean nobody's book."""
    if form.is_valid():
        return queries.parameters(record, form.cleaned_data)
    return None if form.is_bound else []


def _query(request: HttpRequest, place: str = "") -> str:
    """The filters that are set, as they stand in an address; with the place of the page after this."""
    kept = [(name, value) for name, value in request.GET.items() if value and name != PLACE]
    return urlencode([*kept, (PLACE, place)] if place else kept)


def _said(error: RecordError) -> str:
    """A refusal of the record in the reader's words."""
    known = {
        "store.timeout": _("Tìm lâu quá. Chọn khoảng ngày ngắn hơn, hoặc ghi rõ ai, sổ của ai."),
        "audit.too-many": _("Nhiều quá 20.000 dòng. Chọn khoảng ngày ngắn hơn."),
        "search.cursor": _("Trang này không còn nữa. Tìm lại từ đầu."),
    }
    return known.get(error.key, _("Chưa tìm được. Xem lại những gì đã ghi ở trên."))


@require_safe
@role_required(*AUDITORS)
def entry(request: HttpRequest, number: int) -> HttpResponse:
    """One act, all that is kept of it."""
    record = record_of(request)
    row = queries.row(record, number)
    if row is None:
        raise Http404
    names = queries.names_of(record, row.persons)
    page = pages.EntryPage(
        _("Dòng nhật ký %(number)s") % {"number": number}, pages.tabs("log", judging.count_new(record)),
        pages.entry_facts(row, _facilities(record, [row])), pages.persons_words(row, names),
        (row.content or b"").decode(),
    )  # fmt: skip
    return render(request, "administration_audit/entry.html", {"page": page})


@require_safe
@role_required(*AUDITORS)
def export(request: HttpRequest) -> HttpResponse:
    """What the filters find, whole, as a file for a table program."""
    record = record_of(request)
    form = FilterForm(request.GET or None)
    asked = _asked(record, form)
    if asked is None:
        raise Http404
    try:
        rows = queries.everything(record, asked)
    except RecordError as error:
        messages.error(request, _said(error))
        return redirect(f"{reverse('administration:audit_log')}?{_query(request)}")
    names = queries.names_of(record, [one for row in rows for one in row.persons])
    out = io.StringIO()
    csv.writer(out).writerows(pages.csv_lines(rows, names, _facilities(record, rows)))
    # With its mark table programs read the file as UTF-8.
    answer = HttpResponse("\N{BYTE ORDER MARK}" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="nhat-ky.csv"'
    return answer


# -- alerts ------------------------------------------------------------------------------------------------


@require_safe
@role_required(*AUDITORS)
def alerts(request: HttpRequest) -> HttpResponse:
    """Alerts, newest first, by state."""
    record = record_of(request)
    state = request.GET.get("trang_thai", "")
    if state and state not in judging.STATES:
        raise Http404
    found = judging.alerts(
        record, state=state or None, before=number_in(request, "truoc"), limit=SHOWN_ALERTS + 1
    )
    shown = found[:SHOWN_ALERTS]
    names = queries.names_of(record, [one.patient for one in shown if one.patient])
    more = ""
    if len(found) > SHOWN_ALERTS:
        kept = [("trang_thai", state)] if state else []
        more = f"{request.path}?{urlencode([*kept, ('truoc', str(shown[-1].number))])}"
    page = pages.AlertsPage(
        _("Cảnh báo"), pages.tabs("alerts", judging.count_new(record)), pages.state_tabs(state),
        [pages.alert_row(one, names) for one in shown], more,
    )  # fmt: skip
    return render(request, "administration_audit/alerts.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*AUDITORS)
def alert(request: HttpRequest, number: int) -> HttpResponse:
    """One alert with its acts; a POST says that it was seen, or explains it."""
    record = record_of(request)
    try:
        one = judging.alert(record, number)
    except NotFound as error:
        raise Http404 from error
    form = JudgeForm(request.POST if request.POST.get("act") == "explain" else None)
    refusal = ""
    if request.method == "POST":
        answer = _judged(request, record, one, form)
        if isinstance(answer, HttpResponse):
            return answer
        refusal = answer
    page = _alert_page(record, one, form, refusal)
    return render(
        request,
        "administration_audit/alert.html",
        {"page": page},
        status=422 if form.errors or refusal else 200,
    )


def _judged(request: HttpRequest, record: Record, one: Alert, form: JudgeForm) -> HttpResponse | str:
    """Carry out the judgement; the words of a refusal where it could not be."""
    act = request.POST.get("act")
    if act not in ("seen", "explain"):
        raise Http404
    if act == "explain" and not form.is_valid():
        return ""
    try:
        if act == "seen":
            judging.judge(record, one.number, state="seen")
            messages.success(request, _("Đã ghi là đã xem."))
        else:
            judging.judge(record, one.number, state="explained", note=form.cleaned_data["note"])
            messages.success(request, _("Đã ghi lời giải thích."))
    except Conflict:
        return _("Người khác vừa giải thích cảnh báo này.")
    except Invalid:
        return _("Viết vài lời giải thích.")
    return redirect("administration:audit_alert", one.number)


def _alert_page(record: Record, one: Alert, form: JudgeForm, refusal: str) -> pages.AlertPage:
    span = [("date", f"ge{one.since.isoformat()}"), ("date", f"le{one.until.isoformat()}")]
    whom = [("altid", one.actor)] if one.actor != "anonymous" else [("subtype", "sign-in-failed")]
    shown = queries.rows(record, [*whom, *span]).rows
    names = queries.names_of(
        record,
        [
            *(p for row in shown for p in row.persons[: pages.MOST_NAMED]),
            *([one.patient] if one.patient else []),
        ],
    )
    facilities = _facilities(record, shown) | facility_names(record, [one.facility] if one.facility else [])
    row = pages.alert_row(one, names)
    log_url = reverse("administration:audit_log")
    whom_asked = [("nguoi", one.actor)] if one.actor != "anonymous" else [("viec", "sign-in-failed")]
    days = [("tu", words.ngay(one.since)), ("den", words.ngay(one.until))]
    query = urlencode([*whom_asked, *days])
    entries = [pages.entry(each, names, facilities, record.actor.facility) for each in shown]
    return pages.AlertPage(
        row.title, pages.tabs("alerts", judging.count_new(record)), one.number, row,
        pages.alert_facts(one, row, facilities), entries, f"{log_url}?{query}", form, refusal, one.state == "new",
        one.state != "explained",
    )  # fmt: skip
