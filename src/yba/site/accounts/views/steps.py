"""The steps between a proof and being signed in: a silent number's second proof, staff's first second factor."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.stagekit import clear_login
from allauth.mfa.adapter import get_adapter as factor_adapter
from allauth.mfa.totp.internal.auth import clear_totp_secret
from allauth.mfa.webauthn.internal import auth as passkeys
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from yba.site.accounts import actions, events, factors, identity, limits, rules, stages
from yba.site.accounts.entering import enter
from yba.site.accounts.forms import FirstPasskeyForm, SecondProofForm, SetUpTotpForm
from yba.site.accounts.pages import EnrolPage, FormPage

ENROLLED = "enrolled_codes"


@login_stage_required(  # type: ignore[untyped-decorator]  # allauth has no types
    stage=stages.SilentNumber.key, redirect_urlname="accounts:sign_in"
)
@never_cache
def silent(request: HttpRequest) -> HttpResponse:
    """The number was silent for months: its book opens to who knows the birth date or the citizen number."""
    stage: Any = request._login_stage  # type: ignore[attr-defined]  # set by allauth's decorator
    phone = str(stage.login.state["silent"])
    if request.method == "POST" and "mine" in request.POST:
        return _new_owner(request, stage, phone)
    form = SecondProofForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _known(request, stage, form, phone):
        stage.login.user.phones.filter(number=phone).update(used_at=timezone.now())
        response: HttpResponse = stage.exit()
        return response
    page = FormPage(
        title=_("Xác nhận chủ sổ"),
        form=form,
        deed=_("Mở sổ"),
        words=[
            _(
                "Số này đã lâu không đăng nhập. Nhà mạng có thể đã cấp nó cho người khác, nên cần thêm một điều."
            )
        ],
    )
    return render(request, "accounts/silent.html", {"page": page}, status=422 if form.errors else 200)


def _known(request: HttpRequest, stage: Any, form: SecondProofForm, phone: str) -> bool:
    now = timezone.now()
    if not limits.take(f"proof:{phone}", most=rules.PROOFS_PER_NUMBER, window=rules.PROOF_WINDOW, now=now):
        form.add_error(None, _("Đã thử quá nhiều lần. Mang căn cước tới quầy tiếp đón để được giúp."))
        return False
    if not identity.knows_owner(stage.login.user, form.cleaned_data["proof"]):
        events.note(
            "sign-in-failed",
            request=request,
            account=stage.login.user,
            detail="second proof: wrong",
            outcome="refused",
        )
        form.add_error("proof", _("Chưa đúng với sổ. Xem lại ngày sinh hoặc số căn cước."))
        return False
    limits.clear(f"proof:{phone}")
    return True


def _new_owner(request: HttpRequest, stage: Any, phone: str) -> HttpResponse:
    """Who holds the number now begins an account of their own; the old one keeps its book without the number."""
    before = stage.login.user
    clear_login(request)
    with transaction.atomic():
        actions.drop_phone(before, phone)
        events.note("factor", request=request, account=before, detail="phone: has a new owner")
        account = actions.citizen_account(phone)
    record_authentication(request, account, method="code", phone=phone)
    return enter(request, account)


@login_stage_required(  # type: ignore[untyped-decorator]  # allauth has no types
    stage=stages.Enrol.key, redirect_urlname="accounts:staff_sign_in"
)
@never_cache
def enrol(request: HttpRequest) -> HttpResponse:
    """Staff choose an authenticator or a passkey; then the recovery codes are shown once."""
    stage: Any = request._login_stage  # type: ignore[attr-defined]  # set by allauth's decorator
    account = stage.login.user
    codes = request.session.get(ENROLLED)
    if codes:
        if request.method == "POST" and "kept" in request.POST:
            request.session.pop(ENROLLED)
            done: HttpResponse = stage.exit()
            return done
        return _enrol_page(request, account, SetUpTotpForm(user=account), codes=codes)
    if request.method == "POST" and "credential" in request.POST:
        return _keep_passkey(request, account)
    form = (
        SetUpTotpForm(request.POST, user=account) if request.method == "POST" else SetUpTotpForm(user=account)
    )
    if request.method == "POST" and form.is_valid():
        fresh = factors.set_up_totp(account, form.secret)
        clear_totp_secret(request)
        return _enrolled(request, account, fresh, "totp")
    return _enrol_page(request, account, form)


def _keep_passkey(request: HttpRequest, account: Any) -> HttpResponse:
    form = FirstPasskeyForm(request.POST, user=account)
    if not form.is_valid():
        return _enrol_page(request, account, SetUpTotpForm(user=account), passkey=form)
    with transaction.atomic():
        passkeys.WebAuthn.add(account, form.cleaned_data["name"], form.cleaned_data["credential"])
        fresh = factors.fresh_codes(account)
    return _enrolled(request, account, fresh, "webauthn")


def _enrolled(request: HttpRequest, account: Any, codes: list[str], kind: str) -> HttpResponse:
    events.note("factor", request=request, account=account, detail=f"{kind}: set up at sign-in")
    record_authentication(request, account, method="mfa", type=kind)
    request.session[ENROLLED] = codes
    return redirect("accounts:enrol")


def _enrol_page(
    request: HttpRequest,
    account: Any,
    form: SetUpTotpForm,
    *,
    passkey: Any = None,
    codes: list[str] | None = None,
) -> HttpResponse:
    url = factor_adapter().build_totp_url(account, form.secret)
    page = EnrolPage(
        title=_("Cất mã dự phòng") if codes else _("Thêm lớp bảo vệ thứ hai"),
        form=form,
        passkey=passkey or FirstPasskeyForm(user=account),
        secret=form.secret,
        svg=url,
        js_data={} if codes else {"creation_options": passkeys.begin_registration(account, True)},
        codes=codes or (),
    )
    wrong = form.errors or (passkey is not None and passkey.errors)
    return render(request, "accounts/enrol.html", {"page": page}, status=422 if wrong else 200)
