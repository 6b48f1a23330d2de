"""How often programs may ask the token, introspection and revocation endpoints: by address, by app, and wrongly.

Counted in the database, so that the limit holds for all processes. What an app does that has not proved itself counts
against its address only: nobody can use up another's share by naming it. RFC 6585, 4: 429 with ``Retry-After``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse

from yba.site.accounts import limits, rules

WINDOW: Final = timedelta(minutes=1)
#: A hospital's whole network can stand behind one address.
OF_ADDRESS: Final = 600
#: A backend turns its token over every five minutes; a resource server asks about each token it meets.
OF_APP: Final = 1200
#: Wrong secrets and signatures, from one address for one app. Not stale tokens: a ward has many on a Monday morning.
WRONG: Final = 30
WRONG_WINDOW: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Pace:
    """One request to one endpoint: whose limits it takes from."""

    endpoint: str
    address: str
    named: str

    @property
    def _wrong(self) -> str:
        return f"oauth:w:{self.address}:{self.named}"

    def _app(self, client_id: str) -> str:
        return f"oauth:{self.endpoint}:c:{client_id}"

    def wait(self, now: datetime) -> int:
        """Take one; the seconds to wait when a limit is used up, else 0."""
        left = max(
            limits.wait(self._wrong, most=WRONG, window=WRONG_WINDOW, now=now),
            limits.wait(self._app(self.named), most=OF_APP, window=WINDOW, now=now) if self.named else 0,
        )
        key = f"oauth:{self.endpoint}:a:{self.address}"
        if left or limits.take(key, most=OF_ADDRESS, window=WINDOW, now=now):
            return left
        return limits.wait(key, most=OF_ADDRESS, window=WINDOW, now=now) or 1

    def proved(self, now: datetime) -> None:
        """The app proved itself: this one counts as its own."""
        if self.named:
            limits.take(self._app(self.named), most=OF_APP, window=WINDOW, now=now)

    def failed(self, now: datetime) -> None:
        limits.take(self._wrong, most=WRONG, window=WRONG_WINDOW, now=now)


def pace_of(endpoint: str, request: HttpRequest, *, named: str) -> Pace:
    """``named``: the client the request says it is; kept short, and only if a client id could look so."""
    plain = named if len(named) <= 64 and named.isascii() and named.isprintable() else ""
    return Pace(endpoint, rules.caller(str(request.META.get("REMOTE_ADDR") or "")), plain)


def too_many(seconds: int) -> HttpResponse:
    """Later: what the asker reads, and when."""
    said = {
        "error": "temporarily_unavailable",
        "error_description": f"Too many requests. Ask again in {seconds} s.",
    }
    response = JsonResponse(said, status=429)
    response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    return response
