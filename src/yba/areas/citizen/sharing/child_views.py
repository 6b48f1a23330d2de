"""The guardian's page of a child's own account, and the child's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from yba.areas.citizen.open_book import open_book
from yba.areas.citizen.pages import Cover
from yba.areas.citizen.sharing import child_accounts
from yba.care.privacy.tables import Text
from yba.care.refusal import Refusal
from yba.care.sharing import giving, tables
from yba.fhir.errors import NotFound
from yba.fhir.r4.patient import Patient
from yba.ui import words
from yba.ui.fields import PhoneField
from yba.ui.requests import numbers_of, record_of, role_required
from yba.ui.words import local_day


class ChildPhoneForm(forms.Form):
    """The guardian's consent and the child's own number. Nothing is ticked beforehand."""

    phone = PhoneField(
        label=gettext_lazy("Số điện thoại riêng của trẻ"),
        help_text=gettext_lazy("Số này nhận mã khi trẻ đăng nhập."),
    )
    agreed = forms.BooleanField(
        label=gettext_lazy("Tôi là cha mẹ hoặc người giám hộ, đã đọc và đồng ý"),
        error_messages={"required": gettext_lazy("Đọc rồi đánh dấu thì mới gửi được.")},
    )


@dataclass(frozen=True, slots=True)
class ChildAccountPage:
    """A child's own account, as the guardian sees it. ``waiting``: the number asked, while no answer has come."""

    title: str
    cover: Cover
    name: str
    text: Text
    form: ChildPhoneForm
    open: bool
    waiting: str
    waiting_until: str
    refusal: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def child_account(request: HttpRequest, patient_id: str) -> HttpResponse:
    """Let a child have an own account, or close it again."""
    opened = open_book(request, patient_id)
    if opened is None or opened.one.is_self:
        raise Http404
    record, account, refusal, status = opened.record, request.user, "", 200
    try:
        giver = giving.giver_of(record, patient_id)
    except NotFound as error:
        raise Http404 from error
    patient = record.as_system().read(Patient, patient_id)
    if isinstance(giver, Refusal) or not child_accounts.is_of_age(record, patient):
        raise Http404
    form = ChildPhoneForm()
    if request.method == "POST" and request.POST.get("do") == "close":
        done = child_accounts.close(record, account, patient_id)
        if done is None:
            messages.success(
                request, _("Đã đóng tài khoản riêng của %(name)s.") % {"name": opened.one.person.name}
            )
        return redirect("citizen:family")
    if request.method == "POST":
        form, status = ChildPhoneForm(request.POST), 422
        if form.is_valid():
            made = child_accounts.ask(
                record, account, patient_id, phone=form.cleaned_data["phone"],
                version=request.POST.get("version", ""), origin=request.build_absolute_uri("/").rstrip("/"),
            )  # fmt: skip
            if not isinstance(made, Refusal):
                return redirect("citizen:child_account", patient_id)
            refusal, status = made.message, 409
    stands = child_accounts.standing_of(record, account, patient_id)
    waiting = stands.waiting
    page = ChildAccountPage(
        _("Tài khoản riêng của %(name)s") % {"name": opened.one.person.name}, opened.cover, opened.one.person.name,
        tables.text_of(child_accounts.BY_GUARDIAN, opened.today), form, stands.open,
        words.phone(waiting.phone) if waiting else "",
        words.ngay(local_day(waiting.expires_at)) if waiting else "", refusal,
    )  # fmt: skip
    return render(request, "citizen_sharing/child_account.html", {"page": page}, status=status)


@dataclass(frozen=True, slots=True)
class OwnAccountPage:
    """What the child reads: who asks, for which book, and the choice; or that the account is open and can be closed."""

    title: str
    guardian: str
    name: str
    text: Text
    open: bool
    refusal: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def own_account(request: HttpRequest) -> HttpResponse:
    """The child agrees, declines, or later closes the account: found by the number this account has proved."""
    record, account = record_of(request), request.user
    own = record.actor.person
    if own is not None:
        return _close_own(request, record, own)
    row = child_accounts.waiting_for(record, numbers_of(request))
    if row is None:
        raise Http404
    refusal = ""
    if request.method == "POST":
        if request.POST.get("do") == "decline":
            child_accounts.decline(record, row)
            messages.info(request, _("Đã trả lời là không. Chưa mở sổ nào."))
            return redirect("citizen:profile")
        done = child_accounts.accept(record, account, row, version=request.POST.get("version", ""))
        if done is None:
            messages.success(request, _("Sổ đã mở. Từ giờ tự xem được sổ của mình."))
            return redirect("citizen:home")
        refusal = done.message
    text = tables.text_of(child_accounts.BY_CHILD, local_day(record.clock()))
    page = OwnAccountPage(_("Sổ y bạ của em"), row.by_name, row.patient_name, text, False, refusal)
    return render(request, "citizen_sharing/own_account.html", {"page": page}, status=409 if refusal else 200)


def _close_own(request: HttpRequest, record: Any, own: str) -> HttpResponse:
    patient = record.as_system().read(Patient, own)
    if not child_accounts.is_of_age(record, patient):
        raise Http404
    if request.method == "POST" and request.POST.get("do") == "close":
        child_accounts.close(record, request.user, own)
        messages.success(request, _("Đã đóng. Tài khoản này không vào sổ nữa."))
        return redirect("home")
    text = tables.text_of(child_accounts.BY_CHILD, local_day(record.clock()))
    page = OwnAccountPage(_("Sổ y bạ của em"), "", record.actor.name, text, True)
    return render(request, "citizen_sharing/own_account.html", {"page": page})
