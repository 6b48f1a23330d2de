"""Signing in: citizens by phone and one-time code or password, staff by name and password; and signing out."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.logout import logout
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from yba.site.accounts import actions, events, provider, roles
from yba.site.accounts.entering import (
    asker,
    client_address,
    enter_by_code,
    enter_by_password,
    safe_next,
    sends_code,
    sentence,
)
from yba.site.accounts.forms import CitizenPasswordForm, CodeForm, PhoneForm, StaffForm
from yba.site.accounts.models import Account
from yba.site.accounts.pages import SignInPage


def page_of(request: HttpRequest, form: forms.Form, *, phone: str = "", next_page: str = "") -> SignInPage:
    name, url = provider.button()
    return SignInPage(form, next_page, phone=phone, demo=settings.YBA_DEMO, provider=name, provider_url=url)


def shown(request: HttpRequest, template: str, page: SignInPage) -> HttpResponse:
    response = render(request, template, {"page": page}, status=422 if page.form.errors else 200)
    if page.provider_url:
        provider.allow_form(request, response)
    return response


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for the phone number and send the code."""
    form = PhoneForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and sends_code(request, form, purpose="sign-in"):
        request.session["sign_in"] = {"phone": form.cleaned_data["phone"], "next": safe_next(request)}
        return redirect("accounts:enter_code")
    return shown(request, "accounts/sign_in.html", page_of(request, form, next_page=safe_next(request)))


@never_cache
def enter_code(request: HttpRequest) -> HttpResponse:
    """Check the code; a number proved for the first time gets its account here."""
    asked = request.session.get("sign_in")
    if not asked:
        return redirect("accounts:sign_in")
    phone, now = str(asked["phone"]), timezone.now()
    if request.method == "POST" and "again" in request.POST:
        return _send_again(request, phone)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        refusal = actions.use_code(phone, code, now=now, asker=asker(request, "sign-in"))
        if refusal is None:
            request.session.pop("sign_in", None)
            account = actions.citizen_account(phone)
            return enter_by_code(request, account, phone=phone, now=now, to=str(asked["next"]))
        form.add_error("code", sentence(refusal))
        events.note("sign-in-failed", request=request, detail=f"code: {refusal}", outcome="refused")
    return shown(
        request,
        "accounts/enter_code.html",
        page_of(request, form, phone=phone, next_page=str(asked["next"])),
    )


def _send_again(request: HttpRequest, phone: str) -> HttpResponse:
    refusal = actions.send_code(
        phone, address=client_address(request), now=timezone.now(), asker=asker(request, "sign-in")
    )
    if refusal is None:
        return redirect("accounts:enter_code")
    form = CodeForm({})
    form.is_valid()
    form.errors.clear()
    form.add_error("code", sentence(refusal))
    return shown(request, "accounts/enter_code.html", page_of(request, form, phone=phone))


@never_cache
def password_sign_in(request: HttpRequest) -> HttpResponse:
    """A citizen who has set a password may use it in place of the message."""
    form = CitizenPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        known = get_adapter().get_user_by_phone(form.cleaned_data["phone"])
        # An unknown number is asked under its own name: the same work, the same limits, the same answer.
        name = known.login if known is not None else form.cleaned_data["phone"]
        account = proved(request, form, name=name)
        if account is not None and account.role == roles.CITIZEN:
            return enter_by_password(request, account, to=safe_next(request))
        if not form.errors:
            form.add_error(None, _("Số điện thoại hoặc mật khẩu chưa đúng."))
    return shown(
        request, "accounts/password_sign_in.html", page_of(request, form, next_page=safe_next(request))
    )


@never_cache
def staff_sign_in(request: HttpRequest) -> HttpResponse:
    """Name and password; wrong ones are counted per name and per address."""
    form = StaffForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        account = proved(request, form, name=form.cleaned_data["login"].strip().lower())
        if account is not None and account.role in roles.STAFF:
            return enter_by_password(request, account, to=safe_next(request))
        if not form.errors:
            form.add_error(None, _("Tên đăng nhập hoặc mật khẩu chưa đúng."))
    return shown(request, "accounts/staff_sign_in.html", page_of(request, form, next_page=safe_next(request)))


def proved(request: HttpRequest, form: forms.Form, *, name: str) -> Account | None:
    """The account whose password was typed; else None, and when too many were wrong the form says so."""
    try:
        found = get_adapter().authenticate(request, username=name, password=form.cleaned_data["password"])
    except ValidationError as refused:
        form.add_error(None, refused)
        return None
    return found if isinstance(found, Account) else None


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    if isinstance(request.user, Account):
        events.note("sign-out", request=request, account=request.user)
    logout(request)
    return redirect("home")


@require_safe
@never_cache
def inactive(request: HttpRequest) -> HttpResponse:
    """The proof was right, but the account is suspended, ended or expired."""
    return render(request, "accounts/inactive.html", status=403)


@require_safe
def cancelled(request: HttpRequest) -> HttpResponse:
    """The way to the identity provider was left, or led nowhere."""
    messages.info(request, _("Chưa xác minh qua định danh điện tử. Có thể đăng nhập bằng số điện thoại."))
    return redirect("accounts:sign_in")
