"""One's own security: phones, password, factors, PIN, devices; and proving oneself again before changing them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.account.internal.flows.reauthentication import (
    did_recently_reauthenticate,
    get_reauthentication_flows,
    resume_request,
)
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import views as webauthn
from allauth.socialaccount.providers.openid_connect import views as openid
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.hashers import make_password
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from yba.site.accounts import actions, adapters, events, lock, provider, rules, sessions
from yba.site.accounts.entering import asker, client_address, sends_code, sentence
from yba.site.accounts.forms import CodeForm, PhoneForm, PinForm
from yba.site.accounts.models import IDENTITY_LEVELS, Account
from yba.site.accounts.pages import FormPage, Line, SecurityPage
from yba.ui import words

View = Callable[..., Any]


def freshly_proved(view: View) -> View:
    """Only right after proving oneself: by password or factor, or, with none of them, by a code to the phone."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: Any, **kwargs: Any) -> Any:
        account: Any = request.user
        if get_reauthentication_flows(account):
            fresh = did_recently_reauthenticate(request) or _just(request, account, ("mfa", "password"))
        else:
            fresh = _just(request, account, ("code", "socialaccount"))
        if not fresh:
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return guarded


def _just(request: HttpRequest, account: Account, methods: tuple[str, ...]) -> bool:
    """Whether the account has been proved by one of these within the last minutes."""
    since = time.time() - rules.FRESH.total_seconds()
    return any(
        one["method"] in methods and one["at"] >= since
        for one in get_authentication_records(request, account)
    )


@require_safe
@login_required
@never_cache
def security(request: HttpRequest) -> HttpResponse:
    """How this account signs in, and where it is signed in now."""
    account: Any = request.user
    factors = list(Authenticator.objects.filter(user=account).order_by("pk"))
    codes = next((one for one in factors if one.type == Authenticator.Type.RECOVERY_CODES), None)
    name, url = provider.button() if account.role == "citizen" and not account.is_verified else ("", "")
    page = SecurityPage(
        title=_("Đăng nhập và bảo mật"),
        staff=account.is_staff_member,
        identity=str(IDENTITY_LEVELS[account.identity]),
        verified=account.is_verified,
        phones=[Line(str(one.pk), words.phone(one.number)) for one in account.phones.order_by("-used_at")],
        has_password=account.has_usable_password(),
        has_totp=any(one.type == Authenticator.Type.TOTP for one in factors),
        passkeys=[
            Line(str(one.pk), str(one), _used(one))
            for one in factors
            if one.type == Authenticator.Type.WEBAUTHN
        ],
        codes_left=len(codes.wrap().get_unused_codes()) if codes is not None else 0,
        pin=bool(account.pin),
        sessions=sessions.lines(request, account),
        provider=name,
        provider_url=url,
        login="" if account.role == "citizen" else account.login,
        contact=words.phone(account.contact) if account.contact else "",
    )
    template = "accounts/security_desk.html" if account.is_staff_member else "accounts/security.html"
    response = render(request, template, {"page": page})
    if url:
        provider.allow_form(request, response)
    return response


def _used(one: Authenticator) -> str:
    if one.last_used_at is None:
        return _("Chưa dùng lần nào")
    return _("Dùng lần cuối %(when)s") % {"when": words.ngay(timezone.localtime(one.last_used_at).date())}


def to_provider(request: HttpRequest, provider_id: str) -> Any:
    """allauth's way to the identity provider. Who is signed in connects it, as a way in: only freshly proved."""
    if not provider.is_known(provider_id):
        raise Http404
    if not request.user.is_authenticated:
        return openid.login(request, provider_id)
    if getattr(request.user, "role", "") != "citizen":
        raise Http404
    return freshly_proved(openid.login)(request, provider_id)


def from_provider(request: HttpRequest, provider_id: str) -> Any:
    """allauth's way back from it."""
    if not provider.is_known(provider_id):
        raise Http404
    return openid.callback(request, provider_id)


# -- sessions and devices ---------------------------------------------------------------------------------


@require_POST
@login_required
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign out one device of one's own; another's is not there."""
    account: Any = request.user
    row = UserSession.objects.filter(pk=session_id, user=account).first()
    if row is None:
        raise Http404
    current = row.session_key == request.session.session_key
    events.note("sign-out", request=request, account=account, detail="one device")
    row.end()
    if current:
        request.session.flush()
        return redirect("home")
    messages.success(request, _("Đã đăng xuất thiết bị đó."))
    return redirect("accounts:security")


@require_POST
@login_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out every other device."""
    account: Any = request.user
    count = sessions.end_all(account, but=request.session.session_key)
    events.note("sign-out", request=request, account=account, detail=f"{count} other devices")
    messages.success(request, _("Đã đăng xuất mọi thiết bị khác."))
    return redirect("accounts:security")


# -- PIN --------------------------------------------------------------------------------------------------


@freshly_proved
@never_cache
def pin(request: HttpRequest) -> HttpResponse:
    """Choose the PIN that opens this account's locked screens."""
    account: Any = request.user
    if not lock.applies(account):
        raise Http404
    form = PinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        account.pin = make_password(form.cleaned_data["pin"])
        account.save(update_fields=["pin"])
        events.note("factor", request=request, account=account, detail="pin: set")
        messages.success(request, _("Đã đặt PIN."))
        return redirect("accounts:security")
    page = FormPage(
        title=_("PIN mở khóa màn hình"),
        form=form,
        deed=_("Đặt PIN"),
        words=[_("PIN chỉ mở màn hình đang khóa của chính mình, không dùng để đăng nhập.")],
        back="accounts:security",
        staff=True,
    )
    return render(request, "accounts/form_desk.html", {"page": page}, status=422 if form.errors else 200)


# -- phones -----------------------------------------------------------------------------------------------


@freshly_proved
@never_cache
def add_phone(request: HttpRequest) -> HttpResponse:
    """Another number: first where to send the code, then the code. Staff have one, where messages go."""
    account: Any = request.user
    staff = account.is_staff_member
    if account.role != "citizen" and not staff:
        raise Http404
    form = PhoneForm(request.POST or None)
    if account.phones.count() >= rules.MOST_PHONES:
        messages.warning(request, _("Một tài khoản có nhiều nhất %(most)s số.") % {"most": rules.MOST_PHONES})
        return redirect("accounts:security")
    if request.method == "POST" and form.is_valid() and sends_code(request, form, purpose="new-phone"):
        request.session["new_phone"] = form.cleaned_data["phone"]
        return redirect("accounts:prove_new_phone")
    title = _("Số nhận tin nhắn") if staff else _("Thêm số điện thoại")
    page = FormPage(title=title, form=form, deed=_("Gửi mã"), back="accounts:security", staff=staff)
    template = "accounts/form_desk.html" if staff else "accounts/form.html"
    return render(request, template, {"page": page}, status=422 if form.errors else 200)


@freshly_proved
@never_cache
def prove_new_phone(request: HttpRequest) -> HttpResponse:
    account: Any = request.user
    number = str(request.session.get("new_phone") or "")
    if not number:
        return redirect("accounts:add_phone")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refusal = actions.use_code(
            number, form.cleaned_data["code"], now=timezone.now(), asker=asker(request, "new-phone")
        )
        if refusal is not None:
            form.add_error("code", sentence(refusal))
        elif account.is_staff_member:
            return _contact_kept(request, account, number)
        elif not actions.add_phone(account, number, now=timezone.now()):
            form.add_error(None, _("Số này đang thuộc một tài khoản khác. Bỏ số ở tài khoản đó trước."))
        else:
            request.session.pop("new_phone")
            adapters.tell_change(account, but=number)
            events.note("factor", request=request, account=account, detail="phone: added")
            messages.success(request, _("Đã thêm số %(phone)s.") % {"phone": words.phone(number)})
            return redirect("accounts:security")
    page = FormPage(
        title=_("Nhập mã"),
        form=form,
        deed=_("Thêm số này"),
        words=[_("Mã đã được gửi tới số %(phone)s, có hiệu lực 5 phút.") % {"phone": words.phone(number)}],
        back="accounts:add_phone",
        staff=account.is_staff_member,
    )
    template = "accounts/form_desk.html" if account.is_staff_member else "accounts/form.html"
    return render(request, template, {"page": page}, status=422 if form.errors else 200)


def _contact_kept(request: HttpRequest, account: Account, number: str) -> HttpResponse:
    """Where messages to one of staff go from now on; the number of before is told."""
    request.session.pop("new_phone")
    adapters.tell_change(account, but=number)
    account.contact = number
    account.save(update_fields=["contact"])
    events.note("factor", request=request, account=account, detail="phone: for messages, set")
    messages.success(request, _("Tin nhắn từ nay tới số %(phone)s.") % {"phone": words.phone(number)})
    return redirect("accounts:security")


@require_POST
@freshly_proved
def drop_phone(request: HttpRequest, phone_id: int) -> HttpResponse:
    """Take one of one's numbers off; the last stays unless there is another way to sign in alone."""
    account: Any = request.user
    row = account.phones.filter(pk=phone_id).first()
    if row is None:
        raise Http404
    if account.phones.count() == 1:
        messages.warning(request, _("Đây là số duy nhất; thêm số mới trước khi bỏ số này."))
        return redirect("accounts:security")
    actions.drop_phone(account, row.number)
    events.note("factor", request=request, account=account, detail="phone: removed")
    messages.success(request, _("Đã bỏ số %(phone)s.") % {"phone": words.phone(row.number)})
    return redirect("accounts:security")


@login_required
@never_cache
def prove_phone(request: HttpRequest) -> HttpResponse:
    """Prove oneself again by a code to one's own phone, then go on with what was asked.

    Only where there is nothing better: a stolen phone is signed in and gets the message as well.
    """
    account: Any = request.user
    if get_reauthentication_flows(account):
        return redirect("account_reauthenticate")
    number, now, sent = account.phone, timezone.now(), True
    if not number:
        raise Http404
    form = CodeForm(request.POST if "code" in request.POST else None)
    if request.method == "POST" and form.is_bound and form.is_valid():
        code = form.cleaned_data["code"]
        refusal = actions.use_code(number, code, now=now, asker=asker(request, "again"))
        if refusal is None:
            record_authentication(request, account, method="code", phone=number, reauthenticated=True)
            return resume_request(request) or redirect("accounts:security")
        form.add_error("code", sentence(refusal))
    elif request.method != "POST" or "again" in request.POST:
        refusal = actions.send_code(
            number, address=client_address(request), now=now, asker=asker(request, "again")
        )
        if refusal not in (None, rules.Refusal.TOO_SOON):
            messages.warning(request, sentence(refusal or rules.Refusal.TOO_MANY))
            sent = False
    said = _("Mã đã được gửi tới số %(phone)s, có hiệu lực 5 phút.")
    if not sent:
        said = _("Chưa gửi mã mới tới số %(phone)s. Mã đã gửi chưa quá 5 phút thì vẫn dùng được.")
    page = FormPage(
        title=_("Xác nhận chính chủ"),
        form=form,
        deed=_("Xác nhận"),
        words=[
            _("Trước khi đi tiếp, cần biết đúng là chủ tài khoản."),
            said % {"phone": words.phone(number)},
        ],
        back="accounts:security",
        next=request.GET.get("next", ""),
    )
    return render(request, "accounts/form.html", {"page": page}, status=422 if form.errors else 200)


def remove_passkey(request: HttpRequest, pk: int) -> Any:
    """allauth's page, but staff keep a factor, and another's key is not there."""
    row = Authenticator.objects.filter(
        pk=pk, user_id=request.user.pk, type=Authenticator.Type.WEBAUTHN
    ).first()
    if row is None:
        raise Http404
    if not adapters.may_remove(row):
        messages.warning(request, _("Đây là lớp bảo vệ thứ hai duy nhất; thêm cái khác trước khi bỏ."))
        return redirect("accounts:security")
    return webauthn.remove_webauthn(request, pk=pk)
