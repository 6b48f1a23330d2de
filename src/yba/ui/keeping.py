"""What a device may keep for reading without a network, for whom, and how it is told that somebody else is there now.

A page is kept only where its view says so (`kept`) and only under the opaque key of the account that read it. Every
page says whose it is (`X-Yba-Whose`); the worker throws away what belongs to anybody else (`static/ui/worker/keep.js`).
A desk is shared: staff keep nothing until they choose it, on one device, for their own account.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from yba.ui.words import HANOI

KEEP: Final = "X-Yba-Keep"
#: For how many seconds from now.
KEEP_FOR: Final = "X-Yba-Keep-For"
ALSO: Final = "X-Yba-Keep-Also"
WHOSE: Final = "X-Yba-Whose"
COOKIE: Final = "yba_keep"
#: Roles with pages that may be kept, and whether they are when nothing was chosen.
CHOOSERS: Final = {"citizen": True, "doctor": False}
LONGEST: Final = timedelta(days=7)
#: Addresses the worker may fetch beside a page, in the background.
MOST_ALSO: Final = 5
NOBODY: Final = "nobody"
_REFUSED: Final = "none"


def key_of(request: HttpRequest) -> str:
    """A name for the signed-in account that says nothing of it; empty for nobody."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return ""
    return salted_hmac("yba.ui.keeping", str(user.pk), algorithm="sha256").hexdigest()[:32]


def may_choose(request: HttpRequest) -> bool:
    """Whether this reader has pages that could be kept."""
    return bool(key_of(request)) and getattr(request.user, "role", "") in CHOOSERS


def keeps(request: HttpRequest) -> bool:
    """Whether this device keeps pages for this reader: as this account chose here, else as its role does."""
    if not may_choose(request):
        return False
    whose, _space, answer = request.COOKIES.get(COOKIE, "").partition(".")
    if constant_time_compare(whose, key_of(request)):
        return answer == "yes"
    return CHOOSERS[str(getattr(request.user, "role", ""))]


def chosen(request: HttpRequest, *, keep: bool) -> str:
    """The cookie's value for a choice: it holds for this account alone, not for the next at the same desk."""
    return f"{key_of(request)}.{'yes' if keep else 'no'}"


def kept(
    request: HttpRequest,
    response: HttpResponse,
    *,
    also: Sequence[str] = (),
    length: timedelta = LONGEST,
) -> HttpResponse:
    """Mark a page as one to be read without a network.

    ``also``: pages that belong to it, fetched beside it. ``length``: how long it may be read, `LONGEST` at most.
    """
    if response.status_code == 200 and keeps(request):
        response.headers[KEEP] = key_of(request)
        response.headers[KEEP_FOR] = str(int(min(length, LONGEST).total_seconds()))
        if also:
            response.headers[ALSO] = " ".join(also[:MOST_ALSO])
    return response


def rest_of_day(now: datetime) -> timedelta:
    """What is left of the clinic's day: how long a line or a number is worth keeping."""
    here = now.astimezone(HANOI)
    return here.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - here


def whose(request: HttpRequest, *, covered: bool) -> str:
    """What an answer says of its reader: the key, with `none` where nothing of theirs may stay on this device."""
    key = key_of(request)
    if not key:
        return NOBODY
    return key if keeps(request) and not covered else f"{key} {_REFUSED}"
