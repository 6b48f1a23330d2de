"""What makes the house an app on a phone: the manifest, the worker, the page without a network, whose turn it is."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from yba.ui import assets, keeping
from yba.ui.context import Face


@require_safe
@never_cache
def manifest(request: HttpRequest) -> HttpResponse:
    """The web app manifest (W3C): the name, the pictures, the first page of the reader's role."""
    rooms = Face(request).navigation
    said: dict[str, Any] = {
        "id": "/",
        "name": _("Y Bạ, sổ sức khỏe"),
        "short_name": "Y Bạ",
        "lang": translation.get_language() or settings.LANGUAGE_CODE,
        "dir": "ltr",
        "start_url": rooms[0].url if rooms else "/",
        "scope": "/",
        "display": "standalone",
        "theme_color": assets.token("cover"),
        "background_color": assets.token("paper"),
        "categories": ["health", "medical"],
        "icons": [
            {
                "src": reverse("ui:asset", args=[name]),
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": purpose,
            }
            for name, (size, purpose) in assets.ICONS.items()
        ],
    }
    return JsonResponse(
        said, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False}
    )


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The one service worker; its words change with the face and the language, so that browsers fetch both anew."""
    language = translation.get_language() or settings.LANGUAGE_CODE
    face = {
        "version": f"{assets.bundle('css').name}-{assets.bundle('js').name}-{assets.offline_version()}-{language}",
        "files": [
            *(reverse("ui:asset", args=[assets.bundle(kind).name]) for kind in ("css", "js")),
            reverse("ui:asset", args=["mark.svg"]),
            reverse("ui:asset", args=["icon-192.png"]),
        ],
        "offline": f"{reverse('ui:offline')}?lang={language}",
        "signOut": Face(request).place.sign_out,
        "whose": reverse("ui:whose"),
    }
    answer = HttpResponse(assets.worker(json.dumps(face)), "text/javascript; charset=utf-8")
    answer["Cache-Control"] = "no-cache"
    return answer


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """What is shown where no page was kept; made for nobody, so it may lie on any device."""
    language = request.GET.get("lang", "")
    if language not in dict(settings.LANGUAGES):
        language = settings.LANGUAGE_CODE
    with translation.override(language):
        return render(request, "ui/offline.html", {"csrf_token": ""})


@require_safe
@never_cache
def whose(request: HttpRequest) -> HttpResponse:
    """Who is signed in, and a fresh token: asked before anything that waited is sent."""
    return JsonResponse({"whose": keeping.key_of(request), "token": get_token(request)})
