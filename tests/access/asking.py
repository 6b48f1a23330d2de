"""The record's WSGI face asked by anybody, and what its answers tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import psycopg

from tests.access.facts import names
from tests.builders import NOW
from tests.fhir.test_rest import BASE, Answer, Client
from yba.fhir import rest
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.store.audit import Journal

SECRET = re.compile(rb"bimat\d{5}")
ASKED: dict[str, int] = {}
"""How often each kind of cell was tried in this run, and under ``requests`` how many requests were made."""


def count(what: str, many: int = 1) -> None:
    ASKED[what] = ASKED.get(what, 0) + many


def words(body: bytes) -> set[str]:
    """The secret words in a body."""
    return {one.decode() for one in SECRET.findall(body)}


class Asking(Client):
    """As ``Client``, with a clock that can be moved and any actor as a token."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection)
        self.connection = connection
        self.now = NOW
        self.actors = {"system": SYSTEM, **ACTORS}
        self.application = rest.application(
            lambda: connection, lambda token: self.actors.get(token), base_url=BASE, clock=lambda: self.now,
            body_limit=1_000_000, journal=cast("Journal", self.journal),
        )  # fmt: skip

    def by(self, actor: Actor, method: str, url: str, body: object = None, **headers: str) -> Answer:
        self.actors["now"] = actor
        self.journal.acts.clear()
        count("requests")
        return self(method, url, body, token="now", **headers)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What is written inside is taken back."""
        self.connection.execute("savepoint tried")
        try:
            yield
        finally:
            self.connection.execute("rollback to savepoint tried")


def secrets_in(answer: Answer) -> set[str]:
    """Every secret word anywhere in an answer: body and headers."""
    return words(answer.body + repr(answer.headers).encode())


def _staff(role: str, **fields: Any) -> Actor:
    known = {"facility": "A", "practitioner": "d1", "departments": frozenset({"khoa-noi"})}
    return Actor(user=f"u-{role}", role=role, **{**known, **fields})


STAFF = names(
    "receptionist customer_care doctor head_of_department nurse laboratory imaging pharmacist cashier insurance_clerk"
    " records_office facility_administrator provincial_officer auditor system_administrator device wall kiosk"
)
ACTORS: dict[str, Actor] = {
    **{role: _staff(role) for role in STAFF},
    "programme_officer": Actor(user="u-prog", role="programme_officer", facility="P", programme="P"),
    "outside_system": Actor(user="u-out", role="outside_system", facility="A", app="app-1"),
    "outside_alone": Actor(user="u-out2", role="outside_system", app="app-1"),
    "citizen": Actor(user="u-me", role="citizen", person="me", persons=frozenset({"me"})),
    "guardian": Actor(user="u-g", role="guardian", person="me", persons=frozenset({"me"})),
    "delegate": Actor(user="u-d", role="delegate", person="me", persons=frozenset({"me"})),
    "citizen_dead": Actor(user="u-dead", role="citizen", person="dead", persons=frozenset({"dead"})),
    "citizen_other": Actor(user="u-st", role="citizen", person="stranger", persons=frozenset({"stranger"})),
    "citizen_nobody": Actor(user="u-no", role="citizen"),
    "doctor_a2": _staff("doctor", practitioner="d2", departments=frozenset()),
    "doctor_hiv": _staff("doctor", practitioner="d2", rights=frozenset({"hiv"})),
    "doctor_b": _staff("doctor", facility="B", practitioner="d3", departments=frozenset()),
    "doctor_c": _staff("doctor", facility="C", practitioner="d9", departments=frozenset()),
    "doctor_research": _staff("doctor", purpose="HRESCH"),
    "doctor_nowhere": _staff("doctor", facility=None, practitioner=None, departments=frozenset()),
    "head_other": _staff("head_of_department", practitioner="d2", departments=frozenset({"khoa-ngoai"})),
    "nurse_b": _staff("nurse", facility="B", practitioner="d3", departments=frozenset()),
    "cashier_b": _staff("cashier", facility="B", practitioner=None, departments=frozenset()),
    "records_b": _staff("records_office", facility="B", practitioner=None, departments=frozenset()),
    "unknown": _staff("no-such-role"),
    "system_role": replace(SYSTEM, user="u-sys"),
}  # fmt: skip
"""Whoever may come: each role, and variants of those whose relations differ."""
