"""Opening a covered desk by PIN, passkey or password; and "somebody is here" from a page one types in for long."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as passkeys
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib.auth.decorators import login_required
from django.contrib.auth.hashers import check_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from yba.site.accounts import events, factors, lock
from yba.site.accounts.entering import client_address, safe_next
from yba.site.accounts.forms import PasskeyAgainForm
from yba.site.accounts.models import Account
from yba.site.accounts.pages import UnlockPage


class UnlockForm(forms.Form):
    """The PIN, or the password of whoever has set none."""

    secret = forms.CharField(max_length=200, strip=False, widget=forms.PasswordInput())

    def __init__(self, *args: Any, pin: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["secret"]
        field.label = _("PIN") if pin else _("Mật khẩu")
        field.error_messages["required"] = _("Nhập PIN.") if pin else _("Nhập mật khẩu.")
        field.widget.attrs |= {"autocomplete": "off" if pin else "current-password", "autofocus": True}
        if pin:
            field.widget.attrs["inputmode"] = "numeric"


@login_required
@never_cache
def unlock(request: HttpRequest) -> HttpResponse:
    """Ask who is back. `part=1`: only the form, for the cover over a page with unsaved work."""
    account: Any = request.user
    part = "part" in request.GET or "part" in request.POST
    if request.method == "POST" and "lock" in request.POST:
        if lock.applies(account) and not request.session.get("locked"):
            lock.cover(request, "by hand")
    elif not request.session.get("locked"):
        return HttpResponse(status=204) if part else redirect(safe_next(request) or "home")
    elif request.method == "POST":
        return _opened(request, account, part=part)
    return _page(request, account, UnlockForm(pin=bool(account.pin)), part=part)


def _opened(request: HttpRequest, account: Account, *, part: bool) -> HttpResponse:
    form = UnlockForm(request.POST, pin=bool(account.pin))
    if not factors.may_try(account, address=client_address(request)):
        # A stranger at the desk: nothing but a full sign-in opens it now.
        factors.failed(request, account, "unlock: too many")
        UserSession.objects.filter(session_key=request.session.session_key).delete()
        request.session.flush()
        return HttpResponse(status=401) if part else redirect("accounts:staff_sign_in")
    if "credential" in request.POST:
        passkey = PasskeyAgainForm(request.POST, user=account)
        good, how = passkey.is_valid(), "passkey"
    else:
        good, how = form.is_valid() and _right(account, form.cleaned_data["secret"]), "pin or password"
    if not good:
        factors.failed(request, account, f"unlock: wrong {how}")
        form.is_valid()
        form.errors.pop("secret", None)
        form.add_error("secret", _("Chưa đúng. Thử lại."))
        return _page(request, account, form, part=part)
    factors.succeeded(account, address=client_address(request))
    lock.uncover(request)
    events.note("sign-in", request=request, account=account, detail=f"unlock: {how}")
    return HttpResponse(status=204) if part else redirect(safe_next(request) or "home")


def _right(account: Account, secret: str) -> bool:
    return check_password(secret, account.pin) if account.pin else account.check_password(secret)


def _page(request: HttpRequest, account: Account, form: UnlockForm, *, part: bool) -> HttpResponse:
    has_passkey = Authenticator.objects.filter(user=account, type=Authenticator.Type.WEBAUTHN).exists()
    page = UnlockPage(
        title=_("Màn hình đang khóa"),
        name=str(account),
        form=form,
        pin=bool(account.pin),
        next=safe_next(request),
        js_data={"request_options": passkeys.begin_authentication(account)} if has_passkey else {},
        part=part,
    )
    template = "accounts/_unlock.html" if part else "accounts/unlock.html"
    return render(request, template, {"page": page}, status=422 if form.errors else 200)


@require_POST
@login_required
def present(request: HttpRequest) -> HttpResponse:
    """Somebody types: the session stays open without another request."""
    if request.session.get("locked"):
        return HttpResponse(status=lock.LOCKED)
    request.session["seen_at"] = timezone.now().timestamp()
    return HttpResponse(status=204)
