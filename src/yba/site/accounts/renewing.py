"""A new password for one of staff who lost theirs: a link to the number the house has known, never to one just typed.

Whoever asks for the link thereby never learns it, and the second factor stays and is asked as ever: an administrator
alone can let somebody in again, but not come in as them.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from yba.care import messages
from yba.care.keys import digest
from yba.care.refusal import Refusal, refuse
from yba.site.accounts import events, rules, sessions, staff
from yba.site.accounts.actions import link_of, new_key
from yba.site.accounts.adapters import tell_change
from yba.site.accounts.models import Account, PasswordLink


def send_link(account: Account, *, by: Account, request: HttpRequest) -> Refusal | None:
    """End the password and what is open by it, and text the way to a new one; an earlier link counts no more."""
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=account.pk)
        now = timezone.now()
        if not account.may_enter(now):
            return refuse("renewing.standing", _("Tài khoản này đang khóa hoặc đã hết hạn. Mở lại trước."))
        if not account.contact:
            return refuse(
                "renewing.contact",
                _(
                    "Chưa có số điện thoại của người này. Người này tự ghi số ở trang Đăng nhập và bảo mật; "
                    "không vào được nữa thì kết thúc tài khoản rồi mời lại."
                ),
            )
        account.password_links.filter(used_at=None, withdrawn_at=None).update(withdrawn_at=now)
        key = new_key()
        PasswordLink.objects.create(
            digest=digest(key), account=account, sent_by=by, expires_at=now + rules.PASSWORD_LINK_LIFE
        )
        account.set_unusable_password()
        account.save(update_fields=["password"])
        sessions.end_all(account)
        link = f"{settings.YBA_ORIGIN}/mat-khau-moi/{key}"
        text = _(
            "Y Bạ: quản trị vừa gửi đường đặt mật khẩu mới cho %(login)s. Mở trong 24 giờ: %(link)s "
            "Không nhờ việc này thì báo ngay cho cơ sở."
        )
        messages.send(
            account.contact, text % {"login": account.login, "link": link}, "accounts.password-link"
        )
        events.note("factor", request=request, account=account, by=by, detail="password: link to a new one")
    return None


def open_link(key: str, *, lock: bool = False) -> PasswordLink | None:
    """The link while it counts: its sender must still be one who may send it, its account one who may enter."""
    rows = PasswordLink.objects.select_related("account", "sent_by")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    now = timezone.now()
    row = link_of(rows, key, now)
    if row is None or not row.account.may_enter(now) or row.sent_by is None:
        return None
    by = row.sent_by
    return row if by.may_enter(now) and staff.administers(by, row.account) else None


def choose_password(key: str, *, password: str, request: HttpRequest) -> Account | None:
    """Keep the new password; None when the link was used, replaced or ran out meanwhile."""
    with transaction.atomic():
        row = open_link(key, lock=True)
        if row is None:
            return None
        account = Account.objects.select_for_update().get(pk=row.account_id)
        account.set_password(password)
        account.save(update_fields=["password"])
        row.used_at = timezone.now()
        row.save(update_fields=["used_at"])
        sessions.end_all(account)
        events.note("factor", request=request, account=account, detail="password: new by a link")
        tell_change(account)
    return account
