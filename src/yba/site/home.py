"""The front door: each role's own home, the welcome page for everyone else, and the health check."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from yba.site import navigation


@dataclass(frozen=True, slots=True)
class WelcomePage:
    demo: bool
    find: str | None


@dataclass(frozen=True, slots=True)
class DeskHomePage:
    name: str
    role: str


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Go to the first page of one's role; a role without pages yet sees its own name and nothing dead."""
    if not request.user.is_authenticated:
        page = WelcomePage(demo=settings.YBA_DEMO, find=navigation.address("booking:find"))
        return render(request, "site/welcome.html", {"page": page})
    items = navigation.rooms(request)
    if items:
        return redirect(items[0].url)
    desk = DeskHomePage(name=str(request.user), role=request.user.role_name)
    return render(request, "site/desk_home.html", {"page": desk})


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Answers 200 while the database does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@require_safe
def no_icon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it by habit; the page's own head names the real icon."""
    return HttpResponse(status=204)
