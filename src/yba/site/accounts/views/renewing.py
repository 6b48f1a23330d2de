"""The way to a new password for one of staff: an administrator sends it, whoever has the number opens it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from yba.site.accounts import renewing
from yba.site.accounts.entering import enter_by_password
from yba.site.accounts.forms import ChosenPasswordForm
from yba.site.accounts.pages import FormPage
from yba.site.accounts.views.staff import administrator, other_member
from yba.ui import words


@require_POST
@administrator
def send(request: HttpRequest, account_id: int) -> HttpResponse:
    """Text the link to the number the house knows; refused, the page says why and what else can be done."""
    by: Any = request.user
    account = other_member(by, account_id)
    refusal = renewing.send_link(account, by=by, request=request)
    if refusal is not None:
        messages.warning(request, refusal.message)
    else:
        messages.success(
            request,
            _("Đã gửi đường đặt mật khẩu mới tới số %(phone)s. Mật khẩu cũ không dùng được nữa.")
            % {"phone": words.phone(account.contact)},
        )
    return redirect("accounts:member", account.pk)


@never_cache
def choose(request: HttpRequest, key: str) -> HttpResponse:
    """Choose the new password, then prove the second factor as at any sign-in; the link counts once."""
    row = renewing.open_link(key)
    if row is None:
        return render(request, "accounts/no_password_link.html", status=404)
    form = ChosenPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        account = renewing.choose_password(key, password=form.cleaned_data["password"], request=request)
        if account is None:
            return render(request, "accounts/no_password_link.html", status=404)
        return enter_by_password(request, account, to="")
    page = FormPage(
        title=_("Đặt mật khẩu mới"),
        form=form,
        deed=_("Đặt mật khẩu này"),
        words=[
            _("Tên đăng nhập: %(login)s. Mật khẩu từ 12 ký tự; đừng dùng mật khẩu hay gặp.")
            % {"login": row.account.login}
        ],
    )
    return render(request, "accounts/form.html", {"page": page}, status=422 if form.errors else 200)
