"""Rights beside the role, given to one member of staff: asked with a reason, until a day, labels by four eyes.

What counts is on the account (`Account.rights_at`): a right whose day has passed counts no more, with nobody's doing.
The rows of `StaffRight` tell how it came to be. Every step is a change of policy in the audit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from yba.care import messages
from yba.care.refusal import Refusal, refuse
from yba.site.accounts import events, roles, rules
from yba.site.accounts.models import Account, StaffRight
from yba.ui import spoken, words

_FILE: Final = Path(__file__).with_name("rights.yaml")


@dataclass(frozen=True, slots=True)
class Right:
    """A right that can be given; ``second``: another person approves it before it counts."""

    key: str
    roles: frozenset[str]
    second: bool
    names: dict[str, str]

    @property
    def name(self) -> str:
        return self.names.get(spoken.language(), self.names["vi"])


@cache
def _data() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return found


@cache
def known() -> dict[str, Right]:
    """Every right, by its key."""
    return {
        one["key"]: Right(one["key"], frozenset(one["roles"]), bool(one["second"]), one["name"])
        for one in _data()["rights"]
    }


def most_days() -> int:
    return int(_data()["most-days"])


def of_role(role: str) -> list[Right]:
    """What can be given to somebody of this role."""
    return [one for one in known().values() if role in one.roles]


def name_of(key: str) -> str:
    return known()[key].name if key in known() else key


# -- giving --------------------------------------------------------------------------------------------------


def until_refusal(until: date, today: date) -> Refusal | None:
    if until < today:
        return refuse("right.past", _("Ngày này đã qua."))
    if until > today + timedelta(days=most_days()):
        return refuse("right.long", _("Lâu nhất %(days)s ngày; hết hạn thì xin lại."), days=most_days())
    return None


def ask(
    account: Account, *, right: str, reason: str, until: date, by: Account, request: HttpRequest
) -> StaffRight | Refusal:
    """Give a right, or ask for the second person's approval. Never for oneself."""
    if account.pk == by.pk:
        return refuse("right.own", _("Không tự cấp quyền cho mình được. Nhờ một quản trị khác."))
    if right not in {one.key for one in of_role(account.role)}:
        return refuse("right.role", _("Quyền này không dành cho vai trò của người này."))
    refusal = until_refusal(until, timezone.localdate())
    if refusal is not None:
        return refusal
    with transaction.atomic():
        held = Account.objects.select_for_update().get(pk=account.pk)
        if _open(held).filter(right=right).exists():
            return refuse("right.held", _("Người này đã có, hoặc đang chờ duyệt, quyền này."))
        row = StaffRight.objects.create(
            account=held,
            right=right,
            reason=reason,
            until=rules.end_of(until),
            asked_by=by,
            asked_at=timezone.now(),
        )
        events.note(
            "policy", request=request, account=held, by=by, detail=f"right {right}: asked, until {until}"
        )
        if not known()[right].second:
            _give(row, held, by=by, request=request)
    return row


def may_approve(row: StaffRight, by: Account) -> bool:
    """A second administrator: neither who asked nor who gets it."""
    return by.pk not in (row.asked_by_id, row.account_id) and by.role in (
        roles.FACILITY_ADMINISTRATOR,
        roles.SYSTEM_ADMINISTRATOR,
    )


def approve(row: StaffRight, *, by: Account, request: HttpRequest) -> Refusal | None:
    """The second person agrees: from now on it counts."""
    with transaction.atomic():
        row = StaffRight.objects.select_for_update().get(pk=row.pk)
        account = Account.objects.select_for_update().get(pk=row.account_id)
        if not may_approve(row, by):
            return refuse(
                "right.second", _("Người xin và người được cấp không tự duyệt được. Nhờ một quản trị khác.")
            )
        if not row.waits(timezone.now()) or row.right not in {one.key for one in of_role(account.role)}:
            return refuse("right.over", _("Yêu cầu này đã xong, đã quá hạn, hoặc người này đã đổi vai trò."))
        _give(row, account, by=by, request=request)
    return None


def _give(row: StaffRight, account: Account, *, by: Account, request: HttpRequest) -> None:
    row.given_by, row.given_at = by, timezone.now()
    row.save(update_fields=["given_by", "given_at"])
    account.rights = sorted({*account.rights, row.right})
    account.rights_until = {**account.rights_until, row.right: row.until.isoformat()}
    account.save(update_fields=["rights", "rights_until"])
    day = timezone.localdate(row.until - timedelta(seconds=1))
    events.note(
        "policy", request=request, account=account, by=by, detail=f"right {row.right}: given, until {day}"
    )
    _tell(account, _("Bạn được cấp quyền: %(right)s, đến hết ngày %(day)s. Mỗi lần dùng đều được ghi lại.") % {
        "right": name_of(row.right), "day": words.ngay(day),
    })  # fmt: skip


def end(row: StaffRight, *, reason: str, by: Account, request: HttpRequest) -> Refusal | None:
    """Take a right away, or refuse what waits: at once, for sessions and tokens too."""
    with transaction.atomic():
        row = StaffRight.objects.select_for_update().get(pk=row.pk)
        account = Account.objects.select_for_update().get(pk=row.account_id)
        if row.ended_at is not None:
            return refuse("right.ended", _("Quyền này đã thu lại rồi."))
        given = row.given_at is not None
        row.ended_at, row.ended_by, row.ended_because = timezone.now(), by, reason
        row.save(update_fields=["ended_at", "ended_by", "ended_because"])
        if given:
            take_away(account, row.right)
            _tell(account, _("Quyền đã thu lại: %(right)s.") % {"right": name_of(row.right)})
        did = "taken away" if given else "not given"
        events.note("policy", request=request, account=account, by=by, detail=f"right {row.right}: {did}")
    return None


def take_away(account: Account, right: str) -> None:
    account.rights = [one for one in account.rights if one != right]
    account.rights_until = {key: value for key, value in account.rights_until.items() if key != right}
    account.save(update_fields=["rights", "rights_until"])


def end_all(account: Account, *, by: Account, because: str) -> None:
    """With the work they were given for: who needs them in the next one is asked anew."""
    _open(account).update(ended_at=timezone.now(), ended_by=by, ended_because=because)
    account.rights, account.rights_until = [], {}


def _open(account: Account) -> Any:
    """Rows that wait or count."""
    return StaffRight.objects.filter(account=account, ended_at=None, until__gt=timezone.now())


def _tell(account: Account, text: str) -> None:
    if account.contact:
        messages.send(account.contact, f"Y Bạ: {text}", "accounts.rights")


# -- reading -------------------------------------------------------------------------------------------------


def rows_of(accounts: list[Account]) -> list[StaffRight]:
    """What waits and what counts of these, then what ended within the last year: newest first in each."""
    since: datetime = timezone.now() - timedelta(days=365)
    rows = StaffRight.objects.filter(account__in=accounts).filter(
        Q(ended_at=None, until__gt=since) | Q(ended_at__gt=since)
    )
    return list(rows.select_related("account", "asked_by", "given_by", "ended_by").order_by("-asked_at"))
