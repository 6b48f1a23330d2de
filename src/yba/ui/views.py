"""Pages of the face itself: assets, the reader's preferences, and every component on one page."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from yba.ui import assets, keeping, specimen
from yba.ui.requests import back_to

YEAR = int(timedelta(days=365).total_seconds())
DAY = int(timedelta(days=1).total_seconds())
CHOICES = {"theme": ("auto", "light", "dark"), "text": ("normal", "large")}


@require_safe
def asset(request: HttpRequest, name: str) -> HttpResponse:
    """The mark, the stylesheet or the script; an address with an old hash gets today's, uncached."""
    if name == "mark.svg":
        return HttpResponse((assets.HERE / name).read_bytes(), content_type="image/svg+xml")
    if name in assets.ICONS:
        icon = HttpResponse((assets.HERE / name).read_bytes(), content_type="image/png")
        icon["Cache-Control"] = f"public, max-age={DAY}"
        return icon
    kind = name.rsplit(".", 1)[-1]
    if kind not in ("css", "js") or not name.startswith("face."):
        raise Http404
    found = assets.bundle(kind)
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(found.packed if packed else found.body, content_type=found.content_type)
    if packed:
        response["Content-Encoding"] = "gzip"
    response["Vary"] = "Accept-Encoding"
    fresh = name == found.name
    response["Cache-Control"] = f"public, max-age={YEAR}, immutable" if fresh else "no-cache"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Theme, size of letters and language, remembered on this device; works without a script."""
    next_page = back_to(request)
    if request.method != "POST":
        shown = {
            "next": next_page,
            "languages": settings.LANGUAGES,
            "may_keep": keeping.may_choose(request),
            "keeps": keeping.keeps(request),
        }
        return render(request, "ui/preferences.html", shown)
    response = redirect(next_page)
    for key, allowed in CHOICES.items():
        if request.POST.get(key) in allowed:
            _remember(request, response, f"yba_{key}", request.POST[key])
    if request.POST.get("language") in dict(settings.LANGUAGES):
        _remember(request, response, settings.LANGUAGE_COOKIE_NAME, request.POST["language"])
    if request.POST.get("keep") in ("yes", "no") and keeping.may_choose(request):
        choice = keeping.chosen(request, keep=request.POST["keep"] == "yes")
        _remember(request, response, keeping.COOKIE, choice, httponly=True)
    return response


def _remember(
    request: HttpRequest, response: HttpResponse, name: str, value: str, *, httponly: bool = False
) -> None:
    response.set_cookie(
        name, value, max_age=YEAR, samesite="Lax", path="/", secure=request.is_secure(), httponly=httponly
    )


@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Every component in every state, on the surface the reader chose."""
    return render(request, "ui/design.html", {"page": specimen.page()})
