"""The lock of a desk: after a while without a hand on it a session sees nothing until its owner is back.

The page covers itself (`yba.ui`'s `lock.js`), so that what was typed stays behind the cover; this middleware makes sure
that nothing else is answered meanwhile, also without that script. Asking in the background is no hand on the desk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from yba.site.accounts import events, roles
from yba.ui.context import Lock

Handler = Callable[[HttpRequest], HttpResponse]
#: Seconds between two notes of "somebody is here".
STEP: Final = 30
LOCKED: Final = 423
BACKGROUND: Final = "X-Yba-Background"


def idle_lock(get_response: Handler) -> Handler:
    """Covered sessions get the unlock page and nothing else."""

    def handle(request: HttpRequest) -> HttpResponse:
        if not applies(request.user):
            return get_response(request)
        session, now = request.session, timezone.now().timestamp()
        idle = now - session.get("seen_at", now)
        if not session.get("locked") and idle > settings.YBA_LOCK_AFTER.total_seconds():
            cover(request, "idle")
        if session.get("locked"):
            return get_response(request) if _is_open(request) else _covered(request)
        if BACKGROUND not in request.headers and ("seen_at" not in session or idle > STEP):
            session["seen_at"] = now
        return get_response(request)

    return handle


def of_page(request: HttpRequest) -> Lock | None:
    """What a page needs to cover itself; not the page that asks who is back."""
    user = getattr(request, "user", None)
    if user is None or not applies(user) or request.session.get("locked"):
        return None
    return Lock(
        after=int(settings.YBA_LOCK_AFTER.total_seconds()),
        url=reverse("accounts:unlock"),
        present=reverse("accounts:present"),
    )


def applies(user: Any) -> bool:
    """Staff at desks; not citizens on their own phone, not screens nobody touches."""
    return bool(user.is_authenticated) and user.role in roles.STAFF and user.role not in roles.SCREENS


def cover(request: HttpRequest, why: str) -> None:
    """From now on this session sees nothing."""
    request.session["locked"] = True
    account: Any = request.user
    events.note("lock", request=request, account=account, detail=why)


def uncover(request: HttpRequest) -> None:
    """The owner is back."""
    request.session.pop("locked", None)
    request.session["seen_at"] = timezone.now().timestamp()


def _is_open(request: HttpRequest) -> bool:
    """Unlocking, signing out, and what has nothing of anybody."""
    path = request.path
    return path in (
        reverse("accounts:unlock"),
        reverse("accounts:sign_out"),
        reverse("accounts:present"),
        reverse("health"),
    ) or path.startswith(
        ("/ui/face.", "/ui/icon-", "/ui/whose", "/worker.js", "/manifest.webmanifest", settings.STATIC_URL)
    )


def _covered(request: HttpRequest) -> HttpResponse:
    if "HX-Request" in request.headers or request.method not in ("GET", "HEAD"):
        response = HttpResponse(status=LOCKED)
        response.headers["HX-Trigger"] = "yba:locked"
        response.headers["HX-Reswap"] = "none"
        return response
    return redirect(f"{reverse('accounts:unlock')}?{urlencode({'next': request.get_full_path()})}")
