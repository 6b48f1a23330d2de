"""What every answer says to the browser: what may run on the page, who may show or keep it.

The record's endpoint has stricter headers of its own. A view that needs more than the policy (an OAuth form
that leads to an app) asks `content_policy` for it, by name, and sets the header itself; the rest is never loosened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from yba.ui.needs import NOTHING, Needs, needs_of

Handler = Callable[[HttpRequest], HttpResponse]
Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_OFF: Final = (
    "accelerometer", "autoplay", "bluetooth", "browsing-topics", "display-capture", "encrypted-media", "geolocation",
    "gyroscope", "hid", "idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment", "serial",
    "usb", "xr-spatial-tracking",
)  # fmt: skip
#: What a call needs (`yba.ui.needs`), of this page and of the server whose frame it shows.
_CALL: Final = ("camera", "microphone", "autoplay")


def permissions(needs: Needs = NOTHING) -> str:
    """What a page may ask the device for: the camera of this page alone, for the QR of a card; in a call, sound too."""
    if not needs.microphone:
        return ", ".join(["camera=(self)", *(f"{one}=()" for one in _OFF)])
    whose = " ".join(["self", *(f'"{one}"' for one in needs.frames)])
    return ", ".join(
        [*(f"{one}=({whose})" for one in _CALL), *(f"{one}=()" for one in _OFF if one not in _CALL)]
    )


#: Personal data stay in no cache: not in a proxy's, not in the browser of a shared desk after signing out.
UNKEPT: Final = "no-store, private"


def live_origin(request: HttpRequest) -> str:
    """Where this page may listen for live events: the set address, else this host's next port."""
    if settings.YBA_LIVE_URL:
        return str(settings.YBA_LIVE_URL)
    try:
        host = request.get_host()
    except DisallowedHost:
        return ""  # the page says so already; its script has nothing to listen to
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return f"{request.scheme}://{name}:{settings.YBA_LIVE_PORT}"


def content_policy(
    request: HttpRequest, *, form_action: Sequence[str] = (), frames: Sequence[str] = ()
) -> str:
    """The policy of a page. ``form_action``: origins a form of this page may lead to, beside our own; ``frames``: of
    which it shows a frame and runs the script that makes it (a video server)."""
    parts = [
        "default-src 'none'",
        " ".join(["script-src 'self'", *frames]),
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "manifest-src 'self'",
        f"connect-src 'self' {live_origin(request)}".rstrip(),
        " ".join(["form-action 'self'", *form_action]),
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
        *([" ".join(["frame-src", *frames])] if frames else []),
    ]
    return "; ".join(parts + ["upgrade-insecure-requests"] * request.is_secure())


def security_headers(get_response: Handler) -> Handler:
    """Sets what a view has not set itself; Django's own middleware sends HSTS, nosniff, COOP and Referrer-Policy."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        headers, needs = response.headers, needs_of(response)
        headers.setdefault("Content-Security-Policy", content_policy(request, frames=needs.frames))
        headers.setdefault("Permissions-Policy", permissions(needs))
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        headers.setdefault("Origin-Agent-Cluster", "?1")
        headers.setdefault("X-Permitted-Cross-Domain-Policies", "none")
        headers.setdefault("Cache-Control", UNKEPT)
        return response

    return handle


def strict_transport(application: Application, said: str) -> Application:
    """The record's endpoint over https: HSTS beside the headers it sends itself (``yba.fhir.rest.wsgi``)."""

    def handle(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, ("Strict-Transport-Security", said)], *rest)

        return application(environ, start)

    return handle


def insecure_refused(application: Application) -> Application:
    """Where the address is https, a token that came in clear text is not answered: it must not travel so again."""

    def handle(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_X_FORWARDED_PROTO", environ.get("wsgi.url_scheme")) == "https":
            return application(environ, start_response)
        body = (
            b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"security","diagnostics":'
            b'"This server answers over https only. Change the address, and the token: it was sent in clear text."}]}'
        )
        start_response(
            "403 Forbidden",
            [
                ("Content-Type", "application/fhir+json; charset=utf-8"),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
            ],
        )
        return [body] if environ.get("REQUEST_METHOD") != "HEAD" else []

    return handle
