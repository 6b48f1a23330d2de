"""What each step from the booking to the number asks of the database: so many statements on every machine, no more.

How quick it is the bench says (``make bench-booking``); these numbers are why. Whoever makes a step ask more raises one
of them here, and says for what.
"""

from __future__ import annotations

import io
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from bench import booking, morning
from tests.work import Sent, statements_sent
from yba.areas.booking import guards
from yba.fhir import rest
from yba.fhir.record import Clock
from yba.fhir.store.audit import Act, Doubted, Journal
from yba.site.oauth.bearer import actor_of_bearer

DAY = date(2026, 11, 23)
#: Statements of a step when all is warm, savepoints and what tells the wall who acts included.
MOST: dict[str, int] = {
    "doctor's times": 25, "hold": 19, "book": 49, "book at the desk": 51, "book over FHIR": 22, "confirm": 44,
    "find at reception": 7, "check-in page": 20, "check in": 43, "ticket": 17,
}  # fmt: skip


class Unkept(Journal):
    """Instead of the journal, which writes what was read by a connection of its own, once a second."""

    def __init__(self) -> None:
        return None

    def add(self, act: Act | Doubted) -> None:
        return None


def unkept() -> Unkept:
    return Unkept()


class Browser(booking.Client):
    """A client of the bench whose requests stay in this process; what each sends to the database is kept."""

    def __init__(self, at: Clock) -> None:
        self.sent: dict[str, list[Sent]] = defaultdict(list)
        self._fhir = rest.application(
            connect=lambda: connection.connection, authenticate=actor_of_bearer, guards=guards.GUARDS,
            base_url="http://here/fhir", clock=at, journal=Unkept(),
        )  # fmt: skip

    def ask(
        self, step: str, method: str, path: str, body: str, headers: dict[str, str]
    ) -> tuple[int, str, str]:
        with statements_sent() as sent:
            answer = (self._record if path.startswith("/fhir/") else self._site)(method, path, body, headers)
        self.sent[step].append(sent)
        return answer

    def _site(self, method: str, path: str, body: str, headers: dict[str, str]) -> tuple[int, str, str]:
        kind = headers.get("Content-Type", "application/octet-stream")
        answer = Client().generic(method, path, body, kind, headers={"Cookie": headers["Cookie"]})
        return answer.status_code, answer.content.decode(), answer.headers.get("Location", "")

    def _record(self, method: str, path: str, body: str, headers: dict[str, str]) -> tuple[int, str, str]:
        told: list[tuple[str, list[tuple[str, str]]]] = []
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": path.removeprefix("/fhir"), "SCRIPT_NAME": "/fhir",
            "QUERY_STRING": "", "wsgi.input": io.BytesIO(body.encode()), "wsgi.url_scheme": "http",
            "CONTENT_LENGTH": str(len(body.encode())), "CONTENT_TYPE": headers["Content-Type"], "HTTP_HOST": "here",
            "HTTP_AUTHORIZATION": headers["Authorization"],
        }  # fmt: skip
        text = b"".join(self._fhir(environ, lambda line, said: told.append((line, said)))).decode()
        line, said = told[0]
        return int(line[:3]), text, dict(said).get("Location", "")


def test_a_journey_asks_no_more_than_it_must(
    db: None, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.YBA_JOURNAL = f"{__name__}.unkept"
    made = morning.make(morning.Size(facilities=1, rooms=4, journeys=10, minutes=1), day=DAY)
    now = made.begins + timedelta(minutes=1)
    monkeypatch.setattr("yba.ui.requests.now", lambda: now)
    browser, outcome = Browser(lambda: now), booking.Outcome()

    for one in made.journeys:
        booking.walk(browser, one, outcome)

    assert outcome.lost == 1, "of two who want the same time one chooses again"
    asked = {step: len(sent[-1]) for step, sent in browser.sent.items()}
    assert {step: (asked[step], most) for step, most in MOST.items() if asked[step] != most} == {}
    assert asked.keys() == MOST.keys()
