"""A facility's staff: inviting, changing, suspending, ending; each takes effect at the next request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from yba.care import messages
from yba.care.keys import digest
from yba.site.accounts import events, factors, rights, roles, rules, sessions
from yba.site.accounts.actions import link_of, new_key
from yba.site.accounts.adapters import tell_change
from yba.site.accounts.models import Account, Invitation


def may_give(by: Account, role: str) -> bool:
    """Which roles one may hand out: a facility's administrator those of a facility, the system's all of staff."""
    if by.role == roles.SYSTEM_ADMINISTRATOR:
        return role in roles.STAFF
    return by.role == roles.FACILITY_ADMINISTRATOR and role in roles.OF_A_FACILITY


def invite(
    *,
    name: str,
    phone: str,
    role: str,
    facility: str,
    departments: Sequence[str] = (),
    programme: str = "",
    practitioner: str = "",
    until: date | None = None,
    by: Account | None = None,
    request: HttpRequest | None = None,
) -> str:
    """Write the invitation and text its link; the link, which is kept nowhere else."""
    key = new_key()
    with transaction.atomic():
        row = Invitation.objects.create(
            digest=digest(key),
            name=name,
            phone=phone,
            role=role,
            facility=facility,
            departments=list(departments),
            programme=programme,
            practitioner=practitioner,
            ends_at=end_of(until),
            invited_by=by,
            expires_at=timezone.now() + rules.INVITATION_LIFE,
        )
        link = f"{settings.YBA_ORIGIN}/moi/{key}"
        text = _("Lời mời dùng Y Bạ với vai trò %(role)s. Mở trong 3 ngày: %(link)s") % {
            "role": str(roles.NAMES[role]),
            "link": link,
        }
        messages.send(phone, text, "accounts.invitation")
        events.note("policy", request=request, by=by, detail=f"invited: {role}, invitation {row.pk}")
    return link


def end_of(day: date | None) -> datetime | None:
    """The account's last day, whole: it ends when the next begins."""
    return rules.end_of(day) if day is not None else None


def open_invitation(key: str, *, lock: bool = False) -> Invitation | None:
    """The invitation of a link that still counts: also who invited must still be one who may."""
    rows = Invitation.objects.select_for_update() if lock else Invitation.objects.all()
    row = link_of(rows, key, timezone.now())
    return row if row is not None and _stands(row) else None


def _stands(row: Invitation) -> bool:
    """Whether its sender could send it now; those of the command line have none."""
    by = row.invited_by
    if by is None:
        return True
    here = by.role == roles.SYSTEM_ADMINISTRATOR or by.facility == row.facility
    return by.may_enter(timezone.now()) and may_give(by, row.role) and here


def accept(key: str, *, login: str, password: str, request: HttpRequest) -> Account | None:
    """Make the invited account; None when the link was used, withdrawn or ran out meanwhile."""
    with transaction.atomic():
        row = open_invitation(key, lock=True)
        if row is None:
            return None
        account = Account.objects.create_account(
            login,
            role=row.role,
            password=password,
            name=row.name,
            facility=row.facility,
            departments=row.departments,
            programme=row.programme,
            practitioner=row.practitioner,
            expires_at=row.ends_at,
            contact=row.phone,
        )
        row.used_at, row.account = timezone.now(), account
        row.save(update_fields=["used_at", "account"])
        events.note("policy", request=request, account=account, detail=f"invitation {row.pk} accepted")
        return account


def administers(by: Account, account: Account) -> bool:
    """Whether somebody is of the staff that `by` administers, and not `by` themselves."""
    if by.pk == account.pk or account.role not in roles.STAFF:
        return False
    if by.role == roles.SYSTEM_ADMINISTRATOR:
        return True
    here = by.role == roles.FACILITY_ADMINISTRATOR and by.facility == account.facility
    return here and account.role in roles.OF_A_FACILITY


def members(by: Account) -> list[Account]:
    """The staff one administers: of one's own facility; of the whole house for its administrator."""
    rows = Account.objects.filter(role__in=roles.STAFF).order_by("name", "pk")
    if by.role != roles.SYSTEM_ADMINISTRATOR:
        rows = rows.filter(facility=by.facility, role__in=roles.OF_A_FACILITY)
    return list(rows)


def suspend(account: Account, *, by: Account, request: HttpRequest) -> None:
    """Nobody from now on, everywhere, until it is lifted."""
    with transaction.atomic():
        account.suspended_at = timezone.now()
        account.save(update_fields=["suspended_at"])
        sessions.end_all(account)
        events.note("policy", request=request, account=account, by=by, detail="suspended")


def lift(account: Account, *, by: Account, request: HttpRequest) -> None:
    with transaction.atomic():
        account.suspended_at = None
        account.save(update_fields=["suspended_at"])
        events.note("policy", request=request, account=account, by=by, detail="suspension lifted")


def end(account: Account, *, by: Account, request: HttpRequest) -> None:
    """They have left: the account stays in the audit and signs in no more; what it let in ends with it."""
    with transaction.atomic():
        account.is_active = False
        account.set_unusable_password()
        rights.end_all(account, by=by, because="left")
        account.save(update_fields=["is_active", "password", "rights", "rights_until"])
        factors.reset(account)
        sessions.end_all(account)
        account.tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
        events.note("policy", request=request, account=account, by=by, detail="ended")


def reset_factor(account: Account, *, by: Account, request: HttpRequest) -> None:
    """Lost phone or key: the next sign-in sets up a new one; sessions of before end; the person is told."""
    with transaction.atomic():
        factors.reset(account)
        account.pin = ""
        account.save(update_fields=["pin"])
        sessions.end_all(account)
        events.note(
            "factor", request=request, account=account, by=by, detail="all: reset by an administrator"
        )
        tell_change(account)


def change(
    account: Account,
    *,
    role: str,
    departments: Sequence[str],
    until: date | None,
    by: Account,
    request: HttpRequest,
) -> None:
    """Another role, department or last day; sessions end, so that nothing of the old role stays open."""
    with transaction.atomic():
        before = account.role
        if role != before:
            rights.end_all(account, by=by, because="role")
        account.role, account.departments, account.expires_at = role, list(departments), end_of(until)
        account.save(update_fields=["role", "departments", "expires_at", "rights", "rights_until"])
        sessions.end_all(account)
        detail = f"role {before} -> {role}; departments {','.join(departments) or '-'}; until {until or '-'}"
        events.note("policy", request=request, account=account, by=by, detail=detail)


def withdraw(row: Invitation, *, by: Account, request: HttpRequest) -> None:
    """The link counts no more."""
    with transaction.atomic():
        row.withdrawn_at = timezone.now()
        row.save(update_fields=["withdrawn_at"])
        events.note("policy", request=request, by=by, detail=f"invitation {row.pk} withdrawn")
