"""A person's pages: the box, one message, how to be told, an address proved, a browser that wants to be told."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yba.care.messages import box
from yba.care.messages.forms import WishesForm
from yba.care.messages.pages import BoxPage, EntryPage, ProvePage, WishesPage
from yba.ui import spoken
from yba.ui.requests import number_in, role_required


def _account(request: HttpRequest) -> int:
    user: Any = request.user
    return int(user.pk)


@require_safe
@role_required("citizen")
def inbox(request: HttpRequest) -> HttpResponse:
    """What this account was told, newest first."""
    mine = _account(request)
    found, more = box.entries(mine, spoken.language(), before=number_in(request, "truoc"))
    older = f"{reverse('messages:box')}?truoc={found[-1].number}" if more else ""
    page = BoxPage(_("Tin nhắn"), found, box.unread(mine), older, f"box:{mine}")
    return render(request, "messages/box.html", {"page": page})


@require_safe
@role_required("citizen")
def opened(request: HttpRequest, number: int) -> HttpResponse:
    """One message; whoever opens it has read it."""
    found = box.entry(_account(request), number, spoken.language())
    if found is None:
        raise Http404
    box.mark_read(_account(request), number, now=timezone.now())
    page = EntryPage(found.title, found, _visit_url(found.subject))
    return render(request, "messages/opened.html", {"page": page})


def _visit_url(subject: str) -> str:
    try:
        return reverse("booking:slip", args=[subject]) if subject else ""
    except NoReverseMatch:
        return ""


@require_POST
@role_required("citizen")
def read_all(request: HttpRequest) -> HttpResponse:
    """All of it has been read."""
    box.mark_read(_account(request), None, now=timezone.now())
    return redirect("messages:box")


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def wishes(request: HttpRequest) -> HttpResponse:
    """Which way first, when not, in which language, to which address."""
    kept = box.preference(_account(request))
    user: Any = request.user
    names = ("first", "zalo", "voice", "reminders", "quiet_from", "quiet_to", "email")
    now_wished = {name: getattr(kept, name) for name in names}
    form = WishesForm(request.POST or None, initial=now_wished | {"language": user.language or "vi"})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        asked = box.keep(_account(request), now_wished | said, now=timezone.now())
        if user.language != said["language"]:
            user.language = said["language"]
            user.save(update_fields=["language"])
        if asked:
            messages.success(request, _("Đã ghi cách nhận tin."))
        else:
            messages.warning(request, _("Đã ghi. Hôm nay đã gửi nhiều thư xác nhận, mai gửi tiếp."))
        return redirect("messages:wishes")
    waits = bool(kept.email) and kept.email_proved_at is None
    page = WishesPage(_("Cách nhận tin"), form, _push_key(), box.devices(_account(request)), waits)
    return render(request, "messages/wishes.html", {"page": page}, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def prove(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a letter: a button, so that a mail scanner that opens links proves nothing."""
    email = box.prove(token, now=timezone.now() if request.method == "POST" else None)
    if request.method == "POST" and email:
        messages.success(request, _("Đã xác nhận địa chỉ. Từ nay nhận được thư."))
        return redirect("home")
    page = ProvePage(_("Xác nhận địa chỉ thư"), email)
    return render(request, "messages/prove.html", {"page": page}, status=200 if email else 404)


# -- browsers ---------------------------------------------------------------------------------------------


def _push_key() -> str:
    path = getattr(settings, "YBA_PUSH_KEY", "")
    return str(import_string(path)()) if path else ""


@require_POST
@role_required("citizen")
def subscribe(request: HttpRequest) -> HttpResponse:
    """This browser wants to be told; only of push services this house would call."""
    said = {name: request.POST.get(name, "") for name in ("endpoint", "p256dh", "auth")}
    path = getattr(settings, "YBA_PUSH_PLACE", "")
    sizes = all(0 < len(one) <= most for one, most in zip(said.values(), (1000, 200, 64), strict=True))
    if not (path and sizes and import_string(path)(said["endpoint"])):
        messages.warning(
            request, _("Trình duyệt này không nhận được thông báo từ Y Bạ. Tin vẫn đến bằng cách khác.")
        )
        return redirect("messages:wishes")
    box.subscribe(_account(request), **said)
    messages.success(request, _("Máy này sẽ nhận thông báo."))
    return redirect("messages:wishes")


@require_POST
@role_required("citizen")
def unsubscribe(request: HttpRequest) -> HttpResponse:
    """No browser is told any more."""
    box.unsubscribe(_account(request))
    messages.success(request, _("Đã tắt thông báo trên các máy."))
    return redirect("messages:wishes")
