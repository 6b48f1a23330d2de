"""The last steps in: from a proof to allauth's stages, and the words of refusals."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, Final

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from yba.site.accounts import actions, rules
from yba.site.accounts.forms import PhoneForm
from yba.site.accounts.models import Account, Phone
from yba.site.accounts.rules import Refusal

ASKER: Final = "code_asker"
"""In a session: the mark of the browser that asked for a code."""


def sentence(refusal: Refusal) -> str:
    """What a person reads when a code is refused; the same whether the number has an account or not."""
    return {
        Refusal.BAD_PHONE: _("Số điện thoại chưa đúng. Ví dụ: 0912 345 678."),
        Refusal.TOO_SOON: _("Mã vừa được gửi. Đợi một phút rồi hãy xin mã mới."),
        Refusal.TOO_MANY: _("Đã thử quá nhiều lần. Thử lại sau một giờ."),
        Refusal.WRONG: _("Mã chưa đúng. Xem lại tin nhắn rồi nhập lại."),
        Refusal.EXPIRED: _("Mã đã hết hiệu lực. Hãy xin mã mới."),
    }[refusal]


def safe_next(request: HttpRequest) -> str:
    """Where to go afterwards: only an address of this site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else ""


def client_address(request: HttpRequest) -> str:
    """The caller's address, for limits: the server sets it, and believes only our own proxies."""
    return rules.caller(str(request.META.get("REMOTE_ADDR") or "-"))


def asker(request: HttpRequest, purpose: str) -> str:
    """Whose a code is that is sent now: this browser's, for this purpose. Told to anybody else it opens nothing."""
    mark = request.session.get(ASKER)
    if not mark:
        mark = request.session[ASKER] = secrets.token_hex(8)
    return f"{purpose}:{mark}"


def sends_code(request: HttpRequest, form: PhoneForm, *, purpose: str, text: str = "") -> bool:
    """Text a code to the form's number for this browser and purpose; where it may not be, the form says why.

    One that was sent a moment ago still counts.
    """
    refusal = actions.send_code(
        form.cleaned_data["phone"],
        address=client_address(request),
        now=timezone.now(),
        asker=asker(request, purpose),
        text=text,
    )
    if refusal in (None, Refusal.TOO_SOON):
        return True
    form.add_error("phone", sentence(refusal or Refusal.TOO_MANY))
    return False


def enter_by_code(
    request: HttpRequest, account: Account, *, phone: str, now: datetime, to: str
) -> HttpResponse:
    """Go on with the account whose number has just been proved; a number silent for months proves less."""
    row = Phone.objects.filter(number=phone, account=account).first()
    silent = row is not None and rules.is_silent(row.used_at, now) and account.links.exists()
    record_authentication(request, account, method="code", phone=phone)
    if not silent:
        account.phones.filter(number=phone).update(used_at=now)
    return enter(request, account, to=to, state={"silent": phone} if silent else {})


def enter_by_password(request: HttpRequest, account: Account, *, to: str) -> HttpResponse:
    record_authentication(request, account, method="password")
    return enter(request, account, to=to)


def enter(
    request: HttpRequest, account: Account, *, to: str = "", state: dict[str, Any] | None = None
) -> HttpResponse:
    """allauth's way in: standing, then each stage, then the session."""
    login = Login(user=account, redirect_url=to or None)
    login.state.update(state or {})
    response: HttpResponse = perform_login(request, login)
    return response
