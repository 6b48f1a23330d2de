"""Closing the open book to a place or a clinician: whom, how much, until when; what it will do and what not."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from yba.areas.citizen.open_book import OpenBook, open_book
from yba.areas.citizen.sharing import lines, pages
from yba.areas.citizen.sharing.forms import DenyForm
from yba.areas.citizen.sharing.views import found_page, giver_of
from yba.care.refusal import Refusal
from yba.care.sharing import denying, tables
from yba.care.sharing.terms import Holder
from yba.fhir.errors import RecordError
from yba.ui.requests import once_of, role_required


@require_safe
@role_required("citizen")
def find(request: HttpRequest) -> HttpResponse:
    """Whom to close the book to, by name."""
    return found_page(request, _("Không cho ai xem"), _url, action=reverse("citizen:sharing_deny_find"))


def _url(holder: Holder) -> str:
    return f"{reverse('citizen:sharing_deny')}?{urlencode({'ai': holder.key})}"


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def new(request: HttpRequest) -> HttpResponse:
    """Terms of a denial; `do=see` shows what they close, `do=give` gives it."""
    opened = open_book(request, request.GET.get("cho", ""))
    if opened is None:
        raise Http404
    try:
        holder = lines.holder_of(opened.record, request.GET.get("ai", ""))
    except RecordError as error:
        raise Http404 from error
    giver = giver_of(opened)
    if giver is None or isinstance(giver, Refusal):
        messages.warning(request, giver.message if giver else _("Chỉ chủ sổ quyết định ai không được xem."))
        return redirect("citizen:sharing")
    if request.method != "POST":
        form = DenyForm(today=opened.today, asks_child=giver.asks_child)
        return _page(request, opened, holder, form)
    form = DenyForm(request.POST, today=opened.today, asks_child=giver.asks_child)
    if not form.is_valid():
        return _page(request, opened, holder, form, status=422)
    if request.POST.get("do") == "change":
        return _page(request, opened, holder, form)
    if request.POST.get("do") != "give":
        return _page(request, opened, holder, form, preview=True)
    made = denying.deny(
        opened.record, opened.patient_id, form.denial(holder), version=request.POST.get("version", ""),
        assent=bool(form.cleaned_data.get("assent")), language=get_language() or "vi", once=once_of(request),
    )  # fmt: skip
    if isinstance(made, Refusal):
        return _page(request, opened, holder, form, refusal=made.message, preview=True, status=409)
    messages.success(request, _("Đã ghi: không cho %(name)s xem. Có hiệu lực ngay.") % {"name": holder.name})
    return redirect("citizen:sharing")


def _page(
    request: HttpRequest,
    opened: OpenBook,
    holder: Holder,
    form: DenyForm,
    *,
    refusal: str = "",
    preview: bool = False,
    status: int = 200,
) -> HttpResponse:
    seen: denying.Closing | Refusal | None = None
    if preview:
        seen = denying.refusal(form.denial(holder), today=opened.today) or denying.preview(
            opened.record, opened.patient_id, form.denial(holder)
        )
    if isinstance(seen, Refusal):
        refusal, seen, status = seen.message, None, 409
    page = pages.DenyPage(
        title=_("Xem trước khi chặn") if seen is not None else _("Không cho xem sổ"),
        cover=opened.cover,
        holder=holder,
        holder_note=pages.holder_words(holder),
        form=form,
        text=tables.text_of(denying.PURPOSE, opened.today),
        closing=seen,
        groups=lines.groups(opened.record, seen.groups) if seen is not None else (),
        facts=pages.facts_of_denial(form.denial(holder)) if seen is not None else (),
        refusal=refusal,
        action=request.get_full_path(),
    )
    template = "citizen_sharing/deny_preview.html" if seen is not None else "citizen_sharing/deny.html"
    return render(request, template, {"page": page}, status=status)
