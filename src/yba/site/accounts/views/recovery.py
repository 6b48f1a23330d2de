"""Getting back in without the number: the new one is proved by its code, the account by something else."""

from __future__ import annotations

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from yba.care import messages as texts
from yba.site.accounts import actions, events, factors, limits, rules, sessions, stages
from yba.site.accounts.entering import asker, client_address, sends_code, sentence
from yba.site.accounts.forms import PhoneForm, RecoveryForm
from yba.site.accounts.models import Account, Phone
from yba.site.accounts.pages import FormPage
from yba.ui import words


@never_cache
def lost_phone(request: HttpRequest) -> HttpResponse:
    """Ask for the number one has now and send a code there."""
    form = PhoneForm(request.POST or None)
    form.fields["phone"].label = _("Số điện thoại mới")
    if request.method == "POST" and form.is_valid() and sends_code(request, form, purpose="recovery"):
        request.session["recovery_phone"] = form.cleaned_data["phone"]
        return redirect("accounts:recover")
    page = FormPage(
        title=_("Mất số điện thoại"),
        form=form,
        deed=_("Gửi mã tới số mới"),
        words=[
            _("Cần số mới và một trong ba thứ: mã dự phòng, ứng dụng xác thực, hoặc mật khẩu."),
            _("Không còn thứ nào? Mang căn cước tới quầy tiếp đón, nhân viên sẽ đổi số giúp."),
        ],
        back="accounts:sign_in",
    )
    return render(request, "accounts/form.html", {"page": page}, status=422 if form.errors else 200)


@never_cache
def recover(request: HttpRequest) -> HttpResponse:
    """The code of the new number, the old number, the second proof: all or nothing, one answer for all wrongs."""
    number = str(request.session.get("recovery_phone") or "")
    if not number:
        return redirect("accounts:lost_phone")
    form = RecoveryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        done = _recovered(request, form, number)
        if done:
            request.session.pop("recovery_phone", None)
            messages.success(request, _("Đã đổi số. Hãy đăng nhập bằng số mới."))
            return redirect("accounts:sign_in")
    page = FormPage(
        title=_("Lấy lại tài khoản"),
        form=form,
        deed=_("Đổi sang số mới"),
        words=[_("Mã đã được gửi tới số %(phone)s, có hiệu lực 5 phút.") % {"phone": words.phone(number)}],
        back="accounts:lost_phone",
    )
    return render(request, "accounts/form.html", {"page": page}, status=422 if form.errors else 200)


def _recovered(request: HttpRequest, form: RecoveryForm, number: str) -> bool:
    now = timezone.now()
    old = rules.normal_phone(form.cleaned_data["old_phone"]) or ""
    kept = limits.take(
        f"recover:p:{old}", most=rules.PROOFS_PER_NUMBER, window=rules.PROOF_WINDOW, now=now
    ) and limits.take(
        f"recover:a:{client_address(request)}",
        most=rules.FACTORS_PER_ADDRESS,
        window=rules.PROOF_WINDOW,
        now=now,
    )
    if not kept:
        form.add_error(None, _("Đã thử quá nhiều lần. Mang căn cước tới quầy tiếp đón để được giúp."))
        return False
    code = form.cleaned_data["code"]
    refusal = actions.use_code(number, code, now=now, asker=asker(request, "recovery"))
    if refusal is not None:
        form.add_error("code", sentence(refusal))
        return False
    row = Phone.objects.select_related("account").filter(number=old).first()
    account = row.account if row is not None else None
    if account is None or not proves(account, form.cleaned_data["proof"]) or not _moved(account, old, number):
        if account is None:
            make_password(form.cleaned_data["proof"])  # an unknown number takes as long as a wrong proof
        events.note(
            "sign-in-failed", request=request, account=account, detail="recovery: wrong", outcome="refused"
        )
        form.add_error(None, _("Số cũ và điều chứng minh chưa khớp. Xin mã mới rồi thử lại."))
        return False
    limits.clear(f"recover:p:{old}")
    sessions.end_all(account)  # whoever has the lost phone is signed in on it
    events.note("factor", request=request, account=account, detail="phone: changed by recovery")
    text = _("Số điện thoại đăng nhập Y Bạ vừa đổi. Không phải mình đổi thì gọi tổng đài ngay.")
    texts.send(old, text, "accounts.changed")
    return True


def proves(account: Account, proof: str) -> bool:
    """A code of a factor; the password only where there is no factor that is stronger."""
    right = account.check_password(proof)
    if is_mfa_enabled(account, stages.FACTORS):
        return factors.of_code(account, proof) is not None
    return right


def _moved(account: Account, old: str, number: str) -> bool:
    """The new number in place of the old; not when the new one is another account's with a book of its own."""
    with transaction.atomic():
        held = Phone.objects.select_for_update().select_related("account").filter(number=number).first()
        if held is not None and held.account_id != account.pk:
            if held.account.links.exists():
                return False
            actions.drop_phone(held.account, number)
        actions.drop_phone(account, old)
        return actions.add_phone(account, number, now=timezone.now())
