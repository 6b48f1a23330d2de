"""The pages of one's rights over one's data."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from yba.areas.citizen.open_book import OpenBook, open_book
from yba.areas.citizen.privacy import actions, pages, queries, rules
from yba.areas.citizen.privacy.forms import (
    AccountErasureForm,
    CopyForm,
    CorrectionForm,
    ErasureForm,
    RestrictionForm,
)
from yba.areas.citizen.privacy.models import BookCopy
from yba.care.privacy import actions as privacy
from yba.care.privacy import keeping, tables
from yba.care.privacy import rules as law
from yba.care.privacy.models import Agreement, Request
from yba.care.refusal import Refusal
from yba.care.uploads import file_response
from yba.ui import words
from yba.ui.proof import freshly_proved
from yba.ui.requests import once_of, record_of, role_required

SHOWN_COPIES = 20


@require_safe
@role_required("citizen")
def home(request: HttpRequest) -> HttpResponse:
    """What one may ask of one's data, and what came of what one asked."""
    opened = open_book(request)
    if opened is None:
        return redirect("citizen:profile")
    found = Request.objects.filter(patient_id=opened.patient_id, account=opened.record.actor.user).order_by(
        "-pk"
    )
    page = pages.HomePage(
        _("Dữ liệu của tôi"),
        opened.cover,
        [pages.request_line(one) for one in found[:100]],
    )
    return render(request, "citizen_privacy/home.html", {"page": page})


# -- copies -------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
@freshly_proved
def copies(request: HttpRequest) -> HttpResponse:
    """Order a copy of the open book, and see those that wait."""
    opened = open_book(request)
    if opened is None:
        return redirect("citizen:profile")
    form = CopyForm(request.POST) if request.method == "POST" else CopyForm()
    refusal, status = "", 200
    if request.method == "POST":
        if form.is_valid():
            made = actions.order_copy(
                opened.record, opened.one, form=form.cleaned_data["form"], once=once_of(request)
            )
            if not isinstance(made, Refusal):
                return redirect("citizen:privacy_copies")
            refusal, status = made.message, 409
        else:
            status = 422
    elif (why := rules.copy_refusal(opened.one, today=opened.today)) is not None:
        refusal = why.message
    return _copies_page(request, opened, form, refusal, status)


def _copies_page(
    request: HttpRequest, opened: OpenBook, form: CopyForm, refusal: str, status: int
) -> HttpResponse:
    found = BookCopy.objects.filter(account=opened.record.actor.user).defer("content").order_by("-asked_at")
    now = opened.record.clock()
    lines = [pages.copy_line(one, now) for one in found[:SHOWN_COPIES]]
    page = pages.CopiesPage(
        _("Tải bản sao"), opened.cover, form, lines, refusal, any(one.kind == "wait" for one in lines)
    )
    part = "#list" if request.headers.get("HX-Request") else ""
    return render(request, f"citizen_privacy/copies.html{part}", {"page": page}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
@freshly_proved
def fetch(request: HttpRequest, copy: int) -> HttpResponse:
    """The file, once, to a POST: no link, preview or reload uses it up. A GET leads to the copies."""
    if request.method != "POST":
        return redirect("citizen:privacy_copies")
    opened = open_book(request)
    if opened is None:
        raise Http404

    def allowed(patient: str) -> bool:
        one = next((it for it in opened.own if it.person.id == patient), None)
        return one is not None and rules.copy_refusal(one, today=opened.today) is None

    found = actions.fetch_copy(opened.record, copy, allowed)
    if found is None:
        raise Http404
    if isinstance(found, Refusal):
        return _copies_page(request, opened, CopyForm(), found.message, 410)
    row, content = found
    kind = "application/pdf" if row.form == BookCopy.Form.PDF else "application/fhir+json"
    return file_response(content, kind=kind, name=actions.file_name(row))


# -- consents -----------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def consents(request: HttpRequest) -> HttpResponse:
    """Each purpose with its text: agree or withdraw, each by its own button, nothing chosen beforehand."""
    opened = open_book(request)
    if opened is None:
        return redirect("citizen:profile")
    refusal = ""
    if request.method == "POST":
        said = privacy.agree(
            opened.record,
            patient=opened.patient_id,
            purpose=request.POST.get("purpose", ""),
            version=request.POST.get("version", ""),
            given=request.POST.get("say") == "yes",
            method=Agreement.Method.PAGE,
            evidence=_evidence(request, opened),
        )
        if not isinstance(said, Refusal):
            messages.success(request, _("Đã ghi: đồng ý.") if said.given else _("Đã ghi: rút lại đồng ý."))
            return redirect("citizen:privacy_consents")
        refusal = said.message
    lines = [
        pages.consent_line(text, privacy.newest(opened.patient_id, text.purpose))
        for text in tables.texts_in_force(opened.today)
    ]
    page = pages.ConsentsPage(_("Những việc đã đồng ý"), opened.cover, lines, refusal)
    return render(request, "citizen_privacy/consents.html", {"page": page}, status=409 if refusal else 200)


def _evidence(request: HttpRequest, opened: OpenBook) -> dict[str, str]:
    """What proves who said it: the signed-in account, from where, with what, in which language it was read."""
    actor = opened.record.actor
    return {
        "address": str(request.META.get("REMOTE_ADDR") or ""),
        "browser": request.headers.get("User-Agent", "")[:300],
        "session": str(getattr(actor, "session", None) or ""),
        "language": str(getattr(request, "LANGUAGE_CODE", "vi")),
        "for": "self" if opened.one.is_self else opened.one.relation,
    }


# -- requests -----------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def correction(request: HttpRequest) -> HttpResponse:
    """Say what is wrong in the book; the facility that keeps it answers."""
    opened = open_book(request)
    if opened is None:
        return redirect("citizen:profile")
    visits = queries.visits_of(opened.record, opened.patient_id)
    facilities = queries.facilities_of(visits)
    given: dict[str, Any] = {"visits": visits, "facilities": facilities}
    first = {"subject": request.GET.get("muc", "")}
    form = (
        CorrectionForm(request.POST, **given)
        if request.method == "POST"
        else CorrectionForm(initial=first, **given)
    )
    refusal, status = "", 200
    if request.method == "POST":
        if form.is_valid():
            visit = form.visit
            chosen = dict(facilities).get(form.cleaned_data["facility"])
            facility = (
                (visit.facility, visit.facility_name)
                if visit
                else ((form.cleaned_data["facility"], chosen) if chosen else (facilities or [("", "")])[0])
            )
            made = actions.ask_correction(
                opened.record, opened.one, visit=visit, facility=facility, wrong=form.cleaned_data["wrong"],
                right=form.cleaned_data["right"], once=once_of(request),
            )  # fmt: skip
            if not isinstance(made, Refusal):
                return redirect("citizen:privacy_request", made.pk)
            refusal, status = made.message, 409
        else:
            status = 422
    due = words.ngay(law.due(Request.Kind.CORRECT, opened.today))
    page = pages.CorrectionPage(_("Xin sửa sổ"), opened.cover, form, refusal, due)
    return render(request, "citizen_privacy/correction.html", {"page": page}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def restriction(request: HttpRequest) -> HttpResponse:
    """Say what one's data should no longer be used for; the facility that keeps them answers."""
    opened = open_book(request)
    if opened is None:
        return redirect("citizen:profile")
    facilities = queries.facilities_of(queries.visits_of(opened.record, opened.patient_id))
    form = RestrictionForm(request.POST if request.method == "POST" else None, facilities=facilities)
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            chosen = form.cleaned_data["facility"]
            made = actions.ask_restriction(
                opened.record, opened.one, facility=(chosen, dict(facilities)[chosen]),
                right=form.cleaned_data["right"], once=once_of(request),
            )  # fmt: skip
            if not isinstance(made, Refusal):
                return redirect("citizen:privacy_request", made.pk)
            refusal, status = made.message, 409
    due = words.ngay(law.due(Request.Kind.RESTRICT, opened.today))
    page = pages.RestrictionPage(_("Xin hạn chế dùng"), opened.cover, form, bool(facilities), refusal, due)
    return render(request, "citizen_privacy/restriction.html", {"page": page}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def one_request(request: HttpRequest, number: int) -> HttpResponse:
    """One request with its steps; a POST takes it back."""
    opened = open_book(request)
    row = Request.objects.filter(pk=number).first() if opened else None
    if opened is None or row is None or row.account != opened.record.actor.user:
        raise Http404
    if row.patient_id not in {it.person.id for it in opened.own}:
        raise Http404
    if request.method == "POST":
        done = privacy.withdraw(opened.record, number)
        if isinstance(done, Refusal):
            messages.warning(request, done.message)
        return redirect("citizen:privacy_request", number)
    page = pages.request_page(row, opened.cover, privacy.officer_of(row.facility), now=opened.record.clock())
    return render(request, "citizen_privacy/request.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def erasure(request: HttpRequest) -> HttpResponse:
    """What can be erased, what the law keeps; a POST asks for the records."""
    opened = open_book(request)
    if opened is None:
        return redirect("citizen:profile")
    form = ErasureForm(request.POST if request.method == "POST" and "ask" in request.POST else None)
    refusal, status = "", 200
    if request.method == "POST" and form.is_valid():
        made = actions.ask_erasure(
            opened.record, opened.one, why=form.cleaned_data["why"], once=once_of(request)
        )
        if not isinstance(made, Refusal):
            return (
                redirect("citizen:privacy_request", made[0].pk)
                if len(made) == 1
                else redirect("citizen:privacy")
            )
        refusal, status = made.message, 409
    return _erasure_page(request, opened, form, AccountErasureForm(), refusal, status)


def _erasure_page(
    request: HttpRequest,
    opened: OpenBook,
    form: ErasureForm,
    account: AccountErasureForm,
    refusal: str,
    status: int,
) -> HttpResponse:
    kept = [pages.kept_line(one) for one in keeping.kept_of(opened.record, opened.patient_id)]
    page = pages.ErasurePage(_("Xóa dữ liệu"), opened.cover, kept, form, account, refusal)
    return render(request, "citizen_privacy/erasure.html", {"page": page}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
@freshly_proved
def erase_account(request: HttpRequest) -> HttpResponse:
    """Erase the account; the books stay with those who must keep them. A GET shows what that means."""
    if request.method != "POST":
        return redirect("citizen:privacy_erasure")
    opened = open_book(request)
    form = AccountErasureForm(request.POST)
    if not form.is_valid():
        if opened is None:
            return redirect("citizen:profile")
        return _erasure_page(request, opened, ErasureForm(), form, "", 422)
    actions.erase_account(record_of(request), request.user)
    logout(request)
    messages.success(request, _("Tài khoản đã xóa. Hồ sơ bệnh án vẫn ở cơ sở khám vì luật bắt buộc giữ."))
    return redirect("home")


@require_safe
@role_required("citizen")
def activities(request: HttpRequest) -> HttpResponse:
    """Why data are kept and who receives them."""
    opened = open_book(request)
    if opened is None:
        return redirect("citizen:profile")
    lines = [pages.activity_line(one) for one in tables.activities()]
    page = pages.ActivitiesPage(_("Vì sao giữ dữ liệu này"), opened.cover, lines)
    return render(request, "citizen_privacy/activities.html", {"page": page})
