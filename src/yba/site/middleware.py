"""What every page passes: the content security policy, and the language an account chose."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

Handler = Callable[[HttpRequest], HttpResponse]


def live_origin(request: HttpRequest) -> str:
    """Where this page may listen for live events: the set address, else this host's next port."""
    if settings.YBA_LIVE_URL:
        return str(settings.YBA_LIVE_URL)
    host = request.get_host()
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return f"{request.scheme}://{name}:{settings.YBA_LIVE_PORT}"


def content_security_policy(get_response: Handler) -> Handler:
    """Only our own files run; no inline script or style, no frames."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault(
            "Content-Security-Policy",
            "default-src 'self'; script-src 'self'; style-src 'self'; font-src 'self'; "
            "img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
            f"frame-ancestors 'none'; connect-src 'self' {live_origin(request)}",
        )
        response.headers.setdefault("Permissions-Policy", "camera=(self), microphone=(), geolocation=()")
        return response

    return handle


def language_of_the_account(get_response: Handler) -> Handler:
    """A signed-in person's own choice of language wins over the browser's."""

    def handle(request: HttpRequest) -> HttpResponse:
        cookie = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        chosen = getattr(request.user, "language", "") if request.user.is_authenticated else ""
        if not cookie:
            # Vietnamese comes first, also for a browser that asks for English, until someone chooses.
            language = chosen or settings.LANGUAGE_CODE
            translation.activate(language)
            request.LANGUAGE_CODE = language
        return get_response(request)

    return handle
