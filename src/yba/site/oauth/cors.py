"""Apps in browsers ask across origins: those of reviewed apps may, with a token and never with a session.

SMART App Launch 2.2, "Considerations for Cross-Origin Resource Sharing": discovery for everyone, tokens and the record
for the origins that were registered. No credentials of the browser are ever let through.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urlsplit

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

OPEN: Final = frozenset(
    {
        "/fhir/.well-known/smart-configuration", "/fhir/metadata", "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server", "/oauth/jwks",
    }
)  # fmt: skip
REGISTERED: Final = frozenset({"/oauth/token", "/oauth/userinfo", "/oauth/revoke", "/oauth/introspect"})
METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ASKED: Final = (
    "Authorization, Content-Type, Accept, Prefer, If-Match, If-None-Match, If-None-Exist, If-Modified-Since"
)
SHOWN: Final = (
    "ETag, Location, Content-Location, Last-Modified, Link, X-Request-Id, WWW-Authenticate, Retry-After"
)
REMEMBERED: Final = 30.0


def sharing(application: Application, registered: Callable[[], frozenset[str]]) -> Application:
    """The application, answering browsers' questions whether another origin may ask."""

    def handle(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN")
        path = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"]
        if not origin or not _shared(path):
            return application(environ, start_response)
        may = path in OPEN or origin in registered()
        said = _said("*" if path in OPEN else origin) if may else [("Vary", "Origin")]
        if environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
            start_response("204 No Content", [*said, *(_PREFLIGHT if may else ())])
            return []

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, *said], *rest)

        return application(environ, start)

    return handle


_PREFLIGHT: Final = (
    ("Access-Control-Allow-Methods", METHODS),
    ("Access-Control-Allow-Headers", ASKED),
    ("Access-Control-Max-Age", "600"),
)


def _shared(path: str) -> bool:
    return path in OPEN or path in REGISTERED or path == "/fhir" or path.startswith("/fhir/")


def _said(origin: str) -> list[tuple[str, str]]:
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", SHOWN),
        ("Vary", "Origin"),
    ]


def origins() -> Callable[[], frozenset[str]]:
    """The origins of reviewed apps' own pages, remembered half a minute."""
    kept: tuple[float, frozenset[str]] = (float("-inf"), frozenset())

    def found() -> frozenset[str]:
        nonlocal kept
        now = time.monotonic()
        if now >= kept[0]:
            kept = (now + REMEMBERED, _of_apps())
        return kept[1]

    return found


def _of_apps() -> frozenset[str]:
    from django.db import close_old_connections, connection

    from yba.site.oauth.models import APPROVED, App

    if not connection.in_atomic_block:
        close_old_connections()
    lists = App.objects.filter(state=APPROVED).values_list("redirect_uris", flat=True)
    return frozenset(
        f"{parts.scheme}://{parts.netloc}"
        for addresses in lists
        for one in addresses
        if (parts := urlsplit(one)).scheme in ("http", "https") and parts.netloc
    )
