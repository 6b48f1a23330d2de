"""Signing in: citizens by phone and one-time code, staff by name and password; and signing out."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from yba.site.accounts import actions, limits, roles, rules
from yba.site.accounts.forms import CodeForm, PhoneForm, StaffForm
from yba.site.accounts.models import Account
from yba.site.accounts.rules import Refusal

BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True, slots=True)
class SignInPage:
    form: forms.Form
    next: str
    phone: str = ""
    demo: bool = False


def sentence(refusal: Refusal) -> str:
    """What a person reads when a code is refused; the same whether the number has an account or not."""
    return {
        Refusal.BAD_PHONE: _("Số điện thoại chưa đúng. Ví dụ: 0912 345 678."),
        Refusal.TOO_SOON: _("Mã vừa được gửi. Đợi một phút rồi hãy xin mã mới."),
        Refusal.TOO_MANY: _("Bạn đã thử quá nhiều lần. Hãy thử lại sau một giờ."),
        Refusal.WRONG: _("Mã chưa đúng. Xem lại tin nhắn rồi nhập lại."),
        Refusal.EXPIRED: _("Mã đã hết hiệu lực. Hãy xin mã mới."),
    }[refusal]


def _next(request: HttpRequest) -> str:
    """Where to go afterwards: only an address of this site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else ""


def client_address(request: HttpRequest) -> str:
    """The caller's address, for limits; a proxy in front must set REMOTE_ADDR itself."""
    return str(request.META.get("REMOTE_ADDR") or "-")


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for the phone number and send the code."""
    form = PhoneForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        phone = form.cleaned_data["phone"]
        refusal = actions.send_code(phone, address=client_address(request), now=timezone.now())
        # A code sent a moment ago still counts: go on and enter it.
        if refusal in (None, Refusal.TOO_SOON):
            request.session["sign_in"] = {"phone": phone, "next": _next(request)}
            return redirect("accounts:enter_code")
        form.add_error("phone", sentence(refusal or Refusal.TOO_MANY))
    return _page(request, "accounts/sign_in.html", SignInPage(form, _next(request), demo=settings.YBA_DEMO))


@never_cache
def enter_code(request: HttpRequest) -> HttpResponse:
    """Check the code; a number proved for the first time gets its account here."""
    asked = request.session.get("sign_in")
    if not asked:
        return redirect("accounts:sign_in")
    phone = str(asked["phone"])
    if request.method == "POST" and "again" in request.POST:
        return _send_again(request, phone)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refusal = actions.use_code(phone, form.cleaned_data["code"], now=timezone.now())
        if refusal is None:
            return _enter(request, actions.citizen_account(phone), to=str(asked["next"]))
        form.add_error("code", sentence(refusal))
    page = SignInPage(form, str(asked["next"]), phone=phone, demo=settings.YBA_DEMO)
    return _page(request, "accounts/enter_code.html", page)


def _send_again(request: HttpRequest, phone: str) -> HttpResponse:
    refusal = actions.send_code(phone, address=client_address(request), now=timezone.now())
    if refusal is None:
        return redirect("accounts:enter_code")
    form = CodeForm({})
    form.is_valid()
    form.errors.clear()
    form.add_error("code", sentence(refusal))
    return _page(
        request, "accounts/enter_code.html", SignInPage(form, "", phone=phone, demo=settings.YBA_DEMO)
    )


def _enter(request: HttpRequest, account: Account, *, to: str) -> HttpResponse:
    if not account.is_active:
        request.session.pop("sign_in", None)
        form = PhoneForm({"phone": account.login})
        form.is_valid()
        form.add_error("phone", _("Tài khoản này đang khoá. Gọi tổng đài để được giúp."))
        return _page(request, "accounts/sign_in.html", SignInPage(form, "", demo=settings.YBA_DEMO))
    login(request, account, backend=BACKEND)
    request.session.pop("sign_in", None)
    return redirect(to or "home")


@never_cache
def staff_sign_in(request: HttpRequest) -> HttpResponse:
    """Name and password; wrong ones are counted per name and per address."""
    form = StaffForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        account = _proved(request, form)
        if account is not None:
            limits.clear(f"password:n:{account.login}")
            return _enter(request, account, to=_next(request))
    page = SignInPage(form, _next(request), demo=settings.YBA_DEMO)
    return _page(request, "accounts/staff_sign_in.html", page)


def _proved(request: HttpRequest, form: StaffForm) -> Account | None:
    """The account whose password was typed; else None and the form says so."""
    name, now = form.cleaned_data["login"].strip().lower(), timezone.now()
    window, address = rules.PASSWORD_WINDOW, client_address(request)
    if not (
        limits.take(f"password:n:{name}", most=rules.PASSWORDS_PER_LOGIN, window=window, now=now)
        and limits.take(f"password:a:{address}", most=rules.PASSWORDS_PER_ADDRESS, window=window, now=now)
    ):
        form.add_error(None, _("Sai quá nhiều lần. Hãy thử lại sau 15 phút."))
        return None
    account = authenticate(request, username=name, password=form.cleaned_data["password"])
    if not isinstance(account, Account) or account.role not in roles.STAFF:
        form.add_error(None, _("Tên đăng nhập hoặc mật khẩu chưa đúng."))
        return None
    return account


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("home")


def _page(request: HttpRequest, template: str, page: SignInPage) -> HttpResponse:
    return render(request, template, {"page": page}, status=422 if page.form.errors else 200)
