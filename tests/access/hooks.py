"""Subscriptions of many actors at once over a world of their own, and what each is told, event by event.

Notifications go to a server of this process; its paths tell whose they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import psycopg

from tests.access.asking import Asking, words
from tests.access.facts import Row
from tests.access.world import World
from tests.fhir.test_rest import BASE, Answer
from tests.servers import Asked, Reply, Server
from yba.fhir import rest
from yba.fhir.access import Actor
from yba.fhir.store.audit import Journal
from yba.fhir.subscriptions.delivery import Sender
from yba.fhir.subscriptions.topics import BASE as TOPICS

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
CONTENTS = ("empty", "id-only", "full-resource")


@dataclass
class Told:
    """What one subscriber was told: how many notifications and events, of which rows, and every secret in them."""

    notifications: int = 0
    events: int = 0
    rows: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)

    def add(self, method: str, path: str, body: bytes) -> None:
        bundle = json.loads(body) if body else None
        if bundle is not None and bundle["resourceType"] == "Bundle":
            if "event" not in _kind(bundle):
                return
            self._add_bundle(bundle)
        else:
            self.events += 1
            if method == "PUT":
                self.rows.add("/".join(path.split("/")[-2:]))
        self.notifications += 1
        self.secrets |= words(body)

    def _add_bundle(self, bundle: Any) -> None:
        parameters = bundle["entry"][0]["resource"]["parameter"]
        for one in parameters:
            if one["name"] != "notification-event":
                continue
            self.events += 1
            for part in one["part"]:
                if part["name"] == "focus":
                    self.rows.add(_local(part["valueReference"]["reference"]))
        self.rows |= {_local(entry["fullUrl"]) for entry in bundle["entry"][1:]}


def a_procedure(world: World, patient: str, facility: str) -> Row:
    """One of a person in a facility that nothing but the visit opens or closes."""
    return next(
        row for row in world.of_type("Procedure")
        if row.patient == patient and row.facility == facility and not row.labels
    )  # fmt: skip


def of_bundle(body: bytes) -> Told:
    """What one notification tells."""
    told = Told()
    told.add("POST", "", body)
    return told


def _kind(bundle: Any) -> str:
    parameters = bundle["entry"][0]["resource"]["parameter"]
    return str(next(one["valueCode"] for one in parameters if one["name"] == "type"))


def _local(url: str) -> str:
    return "/".join(url.split("/")[-2:])


class Hooks:
    """A receiver of many endpoints: the first part of a path says whose."""

    def __init__(self) -> None:
        self.got: dict[str, list[tuple[str, str, bytes]]] = {}
        self.server = Server(self._take)
        self.url = self.server.url

    def _take(self, asked: Asked) -> Reply:
        self.got.setdefault(asked.path.split("/")[1], []).append((asked.method, asked.path, asked.body))
        return Reply()

    def told(self, name: str) -> Told:
        found = Told()
        for one in self.got.get(name, []):
            found.add(*one)
        return found


class Telling(Asking):
    """As ``Asking``, with real commits, the machine's clock, and what tells subscribers."""

    def __init__(self, conninfo: str, hooks: Hooks) -> None:
        super().__init__(psycopg.connect(conninfo, autocommit=True))
        self.conninfo = conninfo
        self.hooks = hooks
        self.now_are: dict[str, Actor | None] = {}
        self.application = rest.application(
            lambda: self.connection, lambda token: self.actors.get(token), base_url=BASE,
            journal=cast("Journal", self.journal), subscription_endpoints=(hooks.url,), body_limit=1_000_000,
        )  # fmt: skip
        self.sender = Sender(
            lambda: psycopg.connect(conninfo), base_url=BASE, endpoints=(hooks.url,), still=self.still
        )

    def still(self, actor: Actor) -> Actor | None:
        """How who subscribed is now: as they were, but for those a test has changed or ended."""
        return self.now_are.get(actor.user, actor)

    def subscribe(self, actor: Actor, name: str, criteria: str, content: str, **channel: Any) -> Answer:
        """A subscription by topic where the criteria are an address, else of plain R4."""
        sent: dict[str, Any] = {
            "resourceType": "Subscription", "status": "requested", "reason": "Theo dõi", "criteria": criteria,
            "channel": {"type": "rest-hook", "endpoint": f"{self.hooks.url}/{name}", **channel},
        }  # fmt: skip
        if criteria.startswith("http"):
            told = {"url": BACKPORT + "backport-payload-content", "valueCode": content}
            at_once = {"url": BACKPORT + "backport-max-count", "valuePositiveInt": 20}
            sent["channel"] |= {"_payload": {"extension": [told]}, "extension": [at_once]}
        if content != "empty":
            sent["channel"]["payload"] = "application/fhir+json"
        return self.by(actor, "POST", "/Subscription", sent)

    def touch(
        self, content: Mapping[str, Any], change: Callable[[dict[str, Any]], Any] | None = None
    ) -> None:
        """A new version of a row, by the record itself."""
        made = {**content, "language": "vi"}
        if change is not None:
            change(made)
        answer = self("PUT", f"/{made['resourceType']}/{made['id']}", made)
        assert answer.status in (200, 201), answer.body

    def settle(self) -> None:
        """Take the subscriptions up; what follows is told from number 1 on."""
        self.sender.step()
        for one in (
            "delete from record.outbox", "delete from record.subscription_event",
            "update record.subscription set number = 0",
        ):  # fmt: skip
            self.connection.execute(one)
        self.hooks.got.clear()

    def drain(self) -> None:
        """Tell until there is nothing more to tell."""
        for _ in range(50):
            if not self.sender.step():
                return
        raise AssertionError("told without end")


def topic(name: str) -> str:
    return TOPICS + name


def moment() -> datetime:
    return datetime.now(UTC)
