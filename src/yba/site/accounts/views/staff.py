"""The administrator's page of staff, and the page an invitation leads to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from yba.care import people
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.site.accounts import roles, staff
from yba.site.accounts.entering import enter_by_password
from yba.site.accounts.forms import InvitedForm
from yba.site.accounts.models import Account, Invitation
from yba.site.accounts.pages import FormPage, Member, MemberPage, StaffPage
from yba.site.accounts.staff_forms import InviteForm, PlaceForm
from yba.site.opening import system_record
from yba.ui import words
from yba.ui.requests import role_required

administrator = role_required(roles.FACILITY_ADMINISTRATOR, roles.SYSTEM_ADMINISTRATOR)


def _places(facility: str) -> list[tuple[str, str]]:
    """The departments of a facility: Organizations that are part of it."""
    if not facility:
        return []
    found = system_record().find(Organization, ("partof", f"Organization/{facility}"))
    return sorted(((one.id or "", one.name or "") for one in found), key=lambda one: one[1])


def _practitioners(facility: str) -> list[tuple[str, str]]:
    """Who practises at a facility: their entries in its roll of practitioners."""
    if not facility:
        return []
    record, found = system_record(), {}
    for role in record.find(PractitionerRole, ("organization", f"Organization/{facility}")):
        if role.practitioner is not None and role.practitioner.reference:
            key = role.practitioner.reference.removeprefix("Practitioner/")
            found[key] = role.practitioner.display or ""
    for key, name in found.items():
        if not name:
            one = record.first(Practitioner, ("_id", key))
            found[key] = people.name_of(one) if one is not None else key  # type: ignore[arg-type]  # has names too
    return sorted(found.items(), key=lambda one: one[1])


def _facilities(by: Account) -> list[tuple[str, str]]:
    """Where the system's administrator may invite somebody to: whatever is part of nothing else."""
    if by.role != roles.SYSTEM_ADMINISTRATOR:
        return []
    found = system_record().find(Organization, ("partof:missing", "true"))
    return sorted(((one.id or "", one.name or "") for one in found), key=lambda one: one[1])


def _given(by: Account, account: Account | None = None) -> list[str]:
    """The roles one may hand out; to somebody who has an account, those of the place it belongs to."""
    found = [role for role in roles.STAFF if staff.may_give(by, role)]
    if account is None:
        return found
    inside = bool(account.facility)
    return [role for role in found if (role in roles.OF_A_FACILITY) is inside]


def _member(account: Account, by: Account, names: dict[str, str]) -> Member:
    now = timezone.now()
    kinds = {
        Authenticator.Type.TOTP: _("ứng dụng xác thực"),
        Authenticator.Type.WEBAUTHN: _("khóa truy cập"),
    }
    have = Authenticator.objects.filter(user=account, type__in=list(kinds)).values_list("type", flat=True)
    if not account.is_active:
        state, kind = _("Đã nghỉ"), "off"
    elif account.suspended_at:
        state, kind = _("Đang tạm khóa"), "missed"
    elif account.expires_at and account.expires_at <= now:
        state, kind = _("Đã hết hạn"), "missed"
    else:
        state, kind = _("Đang làm"), "done"
    last = timezone.localtime(account.last_login) if account.last_login else None
    return Member(
        id=account.pk,
        name=account.name or account.login,
        login=account.login,
        role=account.role_name,
        departments=", ".join(names.get(one, one) for one in account.departments),
        state=state,
        kind=kind,
        last_login=f"{words.gio(last)} {words.ngay(last.date())}" if last else _("Chưa lần nào"),
        factors=", ".join(sorted({kinds[Authenticator.Type(one)] for one in have})) or _("chưa có"),
        own=account.pk == by.pk,
    )


@require_safe
@administrator
@never_cache
def roll(request: HttpRequest) -> HttpResponse:
    """Everybody of the facility, and the invitations that wait."""
    by: Any = request.user
    names = dict(_places(by.facility))
    waiting = Invitation.objects.filter(used_at=None, withdrawn_at=None, expires_at__gt=timezone.now())
    if by.role != roles.SYSTEM_ADMINISTRATOR:
        waiting = waiting.filter(facility=by.facility)
    page = StaffPage(
        title=_("Nhân viên"),
        members=[_member(one, by, names) for one in staff.members(by)],
        invitations=list(waiting.order_by("-invited_at")),
    )
    return render(request, "accounts/staff.html", {"page": page})


@administrator
@never_cache
def invite(request: HttpRequest) -> HttpResponse:
    """Who, what role, where; the link goes to their phone."""
    by: Any = request.user
    form = InviteForm(
        request.POST or None,
        given=_given(by),
        places=_places(by.facility),
        practitioners=_practitioners(by.facility),
        facilities=_facilities(by),
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        place, programme = data.get("facility") or by.facility, data["role"] == roles.PROGRAMME_OFFICER
        staff.invite(
            name=data["name"], phone=data["phone"], role=data["role"],
            facility=place if data["role"] in roles.OF_A_FACILITY else "", programme=place if programme else "",
            departments=data.get("departments", ()), practitioner=data.get("practitioner", ""),
            until=data["until"], by=by, request=request,
        )  # fmt: skip
        messages.success(request, _("Đã gửi lời mời tới %(phone)s.") % {"phone": words.phone(data["phone"])})
        return redirect("accounts:staff")
    page = FormPage(
        title=_("Mời nhân viên"), form=form, deed=_("Gửi lời mời"), back="accounts:staff", staff=True
    )
    return render(request, "accounts/form_desk.html", {"page": page}, status=422 if form.errors else 200)


@require_POST
@administrator
def withdraw(request: HttpRequest, invitation_id: int) -> HttpResponse:
    by: Any = request.user
    rows = Invitation.objects.filter(pk=invitation_id, used_at=None, withdrawn_at=None)
    if by.role != roles.SYSTEM_ADMINISTRATOR:
        rows = rows.filter(facility=by.facility)
    row = rows.first()
    if row is None:
        raise Http404
    staff.withdraw(row, by=by, request=request)
    messages.success(request, _("Đã thu lại lời mời."))
    return redirect("accounts:staff")


def member_of(by: Account, account_id: int) -> Account:
    """One of the staff that `by` administers; anybody else is not there."""
    found = next((one for one in staff.members(by) if one.pk == account_id), None)
    if found is None:
        raise Http404
    return found


def other_member(by: Account, account_id: int) -> Account:
    """The same, but never oneself."""
    if account_id == by.pk:
        raise Http404
    return member_of(by, account_id)


@administrator
@never_cache
def member(request: HttpRequest, account_id: int) -> HttpResponse:
    """One of the staff: role and departments, and what can be done about the account."""
    by: Any = request.user
    account = member_of(by, account_id)
    places = _places(account.facility)
    initial = {
        "role": account.role,
        "departments": account.departments,
        "until": timezone.localdate(account.expires_at) - timedelta(days=1) if account.expires_at else None,
    }
    posted = request.POST if request.method == "POST" else None
    form = PlaceForm(posted, given=_given(by, account), places=places, initial=initial)
    if request.method == "POST" and account.pk == by.pk:
        form.is_valid()
        form.add_error(None, _("Không đổi được vai trò của chính mình. Nhờ một quản trị khác."))
    elif request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        staff.change(
            account,
            role=data["role"],
            departments=data.get("departments", ()),
            until=data["until"],
            by=by,
            request=request,
        )
        messages.success(request, _("Đã đổi. Các phiên đang mở của người này đã kết thúc."))
        return redirect("accounts:member", account.pk)
    page = MemberPage(
        title=account.name or account.login,
        member=_member(account, by, dict(places)),
        form=form,
        sessions=UserSession.objects.filter(user=account).count(),
        phone=words.phone(account.contact) if account.contact else "",
    )
    return render(request, "accounts/member.html", {"page": page}, status=422 if form.errors else 200)


Deed = Callable[..., None]
DEEDS: dict[str, Deed] = {
    "suspend": staff.suspend,
    "lift": staff.lift,
    "end": staff.end,
    "reset": staff.reset_factor,
}


@require_POST
@administrator
def deed(request: HttpRequest, account_id: int, what: str) -> HttpResponse:
    """Suspend, lift, end, reset the second factor: at once, and never of oneself."""
    by: Any = request.user
    account = other_member(by, account_id)
    if what not in DEEDS:
        raise Http404
    DEEDS[what](account, by=by, request=request)
    said = {
        "suspend": _("Đã tạm khóa %(name)s."),
        "lift": _("Đã mở lại tài khoản của %(name)s."),
        "end": _("Đã kết thúc tài khoản của %(name)s."),
        "reset": _("Đã xóa lớp bảo vệ thứ hai của %(name)s; lần đăng nhập tới sẽ đặt lại."),
    }[what]
    messages.success(request, said % {"name": account.name or account.login})
    return redirect("accounts:member", account.pk)


@never_cache
def accept(request: HttpRequest, key: str) -> HttpResponse:
    """The invited one chooses a name and a password, then a second factor; the link counts once."""
    row = staff.open_invitation(key)
    if row is None:
        return render(request, "accounts/no_invitation.html", status=404)
    form = InvitedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        account = staff.accept(key, login=data["login"], password=data["password"], request=request)
        if account is None:
            return render(request, "accounts/no_invitation.html", status=404)
        return enter_by_password(request, account, to="")
    page = FormPage(
        title=_("Chào %(name)s") % {"name": row.name},
        form=form,
        deed=_("Tạo tài khoản"),
        words=[
            _("Vai trò: %(role)s. Chọn tên đăng nhập và mật khẩu.") % {"role": str(roles.NAMES[row.role])}
        ],
    )
    return render(request, "accounts/form.html", {"page": page}, status=422 if form.errors else 200)
