"""The administrator's pages of rights beside the role: who has what, giving, approving, taking away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from yba.care.refusal import Refusal
from yba.site.accounts import rights, staff
from yba.site.accounts.models import Account, StaffRight
from yba.site.accounts.pages import EndRightPage, MemberRightsPage, RightLine, RightsPage
from yba.site.accounts.staff_forms import EndForm, RightForm
from yba.site.accounts.views.staff import administrator, member_of
from yba.ui import words

#: From how many days before its end a right says how many are left: time to ask anew.
RUNNING_OUT: Final = 7
HELD: Final = ("done", "warn")


def _line(row: StaffRight, by: Account) -> RightLine:
    now = timezone.now()
    if row.ended_at is not None:
        kind, state = "off", _("Đã thu lại") if row.given_at else _("Không cấp")
    elif row.until <= now:
        kind, state = "missed", _("Đã hết hạn")
    elif row.given_at is None:
        kind, state = "wait", _("Chờ người thứ hai duyệt")
    elif (left := (row.until - now).days + 1) <= RUNNING_OUT:
        kind, state = "warn", ngettext("Còn %(n)s ngày", "Còn %(n)s ngày", left) % {"n": left}
    else:
        kind, state = "done", _("Đang có")
    said = [(_("Xin: %(name)s"), row.asked_by), (_("Duyệt: %(name)s"), row.given_by)]
    said.append((_("Thu lại: %(name)s"), row.ended_by))
    own = row.account_id == by.pk
    return RightLine(
        id=row.pk,
        account=row.account_id,
        person=str(row.account),
        role=row.account.role_name,
        right=rights.name_of(row.right),
        reason=row.reason,
        until=words.ngay(timezone.localdate(row.until - timedelta(seconds=1))),
        by=" · ".join(text % {"name": who} for text, who in said if who is not None),
        kind=kind,
        state=state,
        may_approve=kind == "wait" and rights.may_approve(row, by),
        may_end=kind in ("wait", *HELD) and not own,
    )


@require_safe
@administrator
@never_cache
def roll(request: HttpRequest) -> HttpResponse:
    """Who has what: what waits for a second person first."""
    by: Any = request.user
    lines = [_line(one, by) for one in rights.rows_of(staff.members(by))]
    page = RightsPage(
        title=_("Quyền riêng"),
        waiting=[one for one in lines if one.kind == "wait"],
        held=[one for one in lines if one.kind in HELD],
        over=[one for one in lines if one.kind in ("off", "missed")],
    )
    return render(request, "accounts/rights.html", {"page": page})


@administrator
@never_cache
def member(request: HttpRequest, account_id: int) -> HttpResponse:
    """The rights of one of the staff, and giving one."""
    by: Any = request.user
    account = member_of(by, account_id)
    offered = [(one.key, one.name) for one in rights.of_role(account.role)]
    why_not = _why_not(account, by, bool(offered))
    form = RightForm(request.POST or None, offered=offered) if not why_not else None
    refusal = ""
    if request.method == "POST":
        if form is None:
            raise Http404
        if form.is_valid():
            data = form.cleaned_data
            done = rights.ask(
                account,
                right=data["right"],
                reason=data["reason"],
                until=data["until"],
                by=by,
                request=request,
            )
            if not isinstance(done, Refusal):
                given = done.given_at is not None
                said = _("Đã cấp.") if given else _("Đã ghi. Quyền có hiệu lực khi một quản trị khác duyệt.")
                messages.success(request, said)
                return redirect("accounts:member_rights", account.pk)
            refusal = done.message
    page = MemberRightsPage(
        title=_("Quyền riêng của %(name)s") % {"name": account},
        account=account.pk,
        role=account.role_name,
        lines=[_line(one, by) for one in rights.rows_of([account])],
        form=form,
        why_not=why_not,
        refusal=refusal,
    )
    wrong = 409 if refusal else 422 if form is not None and form.errors else 200
    return render(request, "accounts/member_rights.html", {"page": page}, status=wrong)


def _why_not(account: Account, by: Account, offered: bool) -> str:
    if account.pk == by.pk:
        return _("Không tự cấp quyền cho mình được. Nhờ một quản trị khác.")
    if not account.may_enter(timezone.now()):
        return _("Tài khoản này đang không dùng được.")
    return "" if offered else _("Vai trò này không có quyền riêng nào để cấp.")


def _row(by: Account, right_id: int) -> StaffRight:
    row = StaffRight.objects.select_related("account").filter(pk=right_id).first()
    if row is None:
        raise Http404
    member_of(by, row.account_id)
    return row


@require_POST
@administrator
def approve(request: HttpRequest, right_id: int) -> HttpResponse:
    """The second person agrees."""
    by: Any = request.user
    row = _row(by, right_id)
    refusal = rights.approve(row, by=by, request=request)
    if refusal is None:
        messages.success(request, _("Đã duyệt. %(name)s dùng được quyền này ngay.") % {"name": row.account})
    else:
        messages.warning(request, refusal.message)
    return redirect("accounts:rights")


@administrator
@never_cache
def end(request: HttpRequest, right_id: int) -> HttpResponse:
    """Take away, or refuse, with the reason."""
    by: Any = request.user
    row = _row(by, right_id)
    line = _line(row, by)
    if not line.may_end:
        raise Http404
    form = EndForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refusal = rights.end(row, reason=form.cleaned_data["reason"], by=by, request=request)
        if refusal is None:
            messages.success(
                request,
                _("Đã thu lại, có hiệu lực ngay.") if line.kind in HELD else _("Đã ghi: không cấp."),
            )
        else:
            messages.warning(request, refusal.message)
        return redirect("accounts:rights")
    title = _("Thu lại quyền") if line.kind in HELD else _("Không cấp quyền")
    page = EndRightPage(title, line, form, line.kind in HELD)
    return render(request, "accounts/end_right.html", {"page": page}, status=422 if form.errors else 200)
