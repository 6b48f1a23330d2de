"""Where an account is signed in: allauth keeps the list; here it gets words, and an end."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from allauth.usersessions.models import UserSession
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from yba.site.accounts.models import Account
from yba.site.accounts.pages import Line
from yba.ui import words

#: The first that a browser's own words hold; what says of itself that it is another comes first.
_BROWSERS = ("Edg", "OPR", "CocCoc", "coc_coc", "SamsungBrowser", "Firefox", "Chrome", "Safari")
_NAMES = {"Edg": "Edge", "OPR": "Opera", "coc_coc": "CocCoc", "SamsungBrowser": "Samsung Internet"}
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "CrOS", "Linux")


def device(agent: str) -> str:
    """A browser's own words in two: which browser, on what."""
    browser = next((one for one in _BROWSERS if f"{one}/" in agent), "")
    system = next((one for one in _SYSTEMS if one in agent), "")
    found = " · ".join(filter(None, [_NAMES.get(browser, browser), system.replace("Mac OS X", "macOS")]))
    return found or re.sub(r"[^\w ./-]", "", agent)[:40] or _("Thiết bị không rõ")


def lines(request: HttpRequest, account: Account) -> list[Line]:
    """Each session that still stands, this one first."""
    found = sorted(UserSession.objects.purge_and_list(account), key=lambda one: one.created_at, reverse=True)
    here = request.session.session_key
    rows = [Line(str(one.pk), device(one.user_agent), _when(one), one.session_key == here) for one in found]
    return sorted(rows, key=lambda one: not one.current)


def _when(one: UserSession) -> str:
    seen = one._session_store(one.session_key).get("seen_at")
    last = datetime.fromtimestamp(seen, UTC) if seen else one.last_seen_at
    return _("%(address)s · đăng nhập %(since)s · dùng lần cuối %(last)s") % {
        "address": one.ip,
        "since": words.gio(timezone.localtime(one.created_at))
        + " "
        + words.ngay(timezone.localtime(one.created_at).date()),
        "last": words.gio(timezone.localtime(last)) + " " + words.ngay(timezone.localtime(last).date()),
    }


def end_all(account: Account, *, but: str | None = None) -> int:
    """Sign an account out everywhere, or everywhere else; how many sessions ended."""
    count = 0
    for one in UserSession.objects.filter(user=account):
        if one.session_key != but:
            one.end()
            count += 1
    return count
