"""kill -9 of everything in the middle of mixed writing: what was acknowledged is there, whole and once.

YBA_CRASH_ROUNDS says how often (3; the whole proof is 20). Each round adds to the same house.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from tests.houses import House, free_port, roof
from tests.wholeness import halves, misindexed

pytestmark = pytest.mark.slow

CLIENTS = 4
ROUNDS = int(os.environ.get("YBA_CRASH_ROUNDS", "3"))
#: Requests acknowledged in a round before the lights go out.
ENOUGH = 120
SYSTEM = "https://example.vn/crash"
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
SHARED = "Patient/everybodys"
FHIR_JSON = "application/fhir+json"
JSON_PATCH = "application/json-patch+json"

Name = tuple[str, str]
"""Type and id."""


@dataclass
class Kept:
    """What was acknowledged: of each resource its versions with method and label (None: deleted)."""

    versions: dict[Name, dict[int, tuple[str, str | None]]] = field(default_factory=dict)
    unsure: set[Name] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    count: int = 0

    def note(self, name: Name, version: int, method: str, label: str | None) -> None:
        self.versions.setdefault(name, {})[version] = (method, label)

    def last(self, name: Name) -> int:
        return max(self.versions[name])

    def add(self, other: Kept) -> None:
        self.versions |= other.versions
        self.unsure |= other.unsure
        self.shared |= other.shared
        self.count += other.count


@pytest.fixture
def empty_house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path / "house", port=free_port(), arguments=("--empty",))
    roof(found.data)
    yield found
    if found.process is not None and found.process.poll() is None:
        found.stop()
    for pid in found.processes():
        os.kill(pid, signal.SIGKILL)


class Gone(Exception):
    """The line is dead, or the database was when this was asked."""


class Line:
    """One kept-open connection to a house."""

    def __init__(self, house: House, token: str) -> None:
        self.line = http.client.HTTPConnection("127.0.0.1", house.port, timeout=20)
        self.headers = {"Authorization": f"Bearer {token}"}

    def __call__(
        self, method: str, path: str, body: object = None, kind: str = FHIR_JSON
    ) -> tuple[int, dict[str, str], Any]:
        data = None if body is None else json.dumps(body)
        try:
            self.line.request(method, f"/fhir/{path}", data, {**self.headers, "Content-Type": kind})
            answer = self.line.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            raise Gone from None
        if answer.status == 503:  # the database may fall before the web
            raise Gone
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, json.loads(text) if text else None


def patient(label: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient", "name": [{"text": f"Người {label}"}],
        "identifier": [{"system": SYSTEM, "value": label}],
    }  # fmt: skip


class Writer(threading.Thread):
    """A client that writes in every way until the line goes dead, and notes what was acknowledged."""

    def __init__(self, house: House, token: str, label: str) -> None:
        super().__init__()
        self.line = Line(house, token)
        self.label = label
        self.random = Random(label)
        self.kept = Kept()
        self.refused: list[object] = []
        self.under_way: set[Name] = set()

    def run(self) -> None:
        ways = [self.create, self.update, self.patch, self.delete, self.transaction, self.batch, self.share]
        for count in range(100_000):
            label = f"{self.label}-{count}"
            own = [name for name, found in self.kept.versions.items()
                   if name[0] == "Patient" and found[max(found)][1] is not None]  # fmt: skip
            way = self.random.choice(ways) if own else self.create
            target = self.random.choice(own) if own else ("Patient", "")
            self.under_way = set()
            try:
                way(label, target)
            except Gone:
                self.kept.unsure |= self.under_way
                return
            self.kept.count += 1

    def accepted(self, found: tuple[int, dict[str, str], Any], *statuses: int) -> bool:
        if found[0] not in statuses:
            self.refused.append(found)
        return found[0] in statuses

    def create(self, label: str, target: Name) -> None:
        found = self.line("POST", "Patient", patient(label))
        if self.accepted(found, 201):
            self.kept.note(("Patient", found[2]["id"]), 1, "POST", label)

    def update(self, label: str, target: Name) -> None:
        self.under_way = {target}
        found = self.line("PUT", f"Patient/{target[1]}", {**patient(label), "id": target[1]})
        if self.accepted(found, 200):
            self.kept.note(target, int(found[2]["meta"]["versionId"]), "PUT", label)

    def patch(self, label: str, target: Name) -> None:
        self.under_way = {target}
        steps = [
            {"op": "replace", "path": "/name/0/text", "value": f"Người {label}"},
            {"op": "replace", "path": "/identifier/0/value", "value": label},
        ]
        found = self.line("PATCH", f"Patient/{target[1]}", steps, JSON_PATCH)
        if self.accepted(found, 200):
            self.kept.note(target, int(found[2]["meta"]["versionId"]), "PATCH", label)

    def delete(self, label: str, target: Name) -> None:
        self.under_way = {target}
        found = self.line("DELETE", f"Patient/{target[1]}")
        if self.accepted(found, 204):
            self.kept.note(target, self.kept.last(target) + 1, "DELETE", None)

    def transaction(self, label: str, target: Name) -> None:
        self.under_way = {target}
        mother = "urn:uuid:00000000-0000-4000-8000-000000000001"
        observation = {"resourceType": "Observation", "status": "final", "code": {"text": label},
                       "subject": {"reference": mother}}  # fmt: skip
        sent = [
            (mother, patient(label), "POST", "Patient"),
            (None, observation, "POST", "Observation"),
            (None, {**patient(f"{label}-again"), "id": target[1]}, "PUT", f"Patient/{target[1]}"),
        ]
        self._bundle("transaction", sent, [label, label, f"{label}-again"])

    def batch(self, label: str, target: Name) -> None:
        sent = [(None, patient(f"{label}-{number}"), "POST", "Patient") for number in range(3)]
        self._bundle("batch", sent, [f"{label}-{number}" for number in range(3)])

    def _bundle(self, kind: str, sent: list[Any], labels: list[str]) -> None:
        entries = [
            {"resource": resource, "request": {"method": method, "url": url}}
            | ({"fullUrl": full} if full else {})
            for full, resource, method, url in sent
        ]
        found = self.line("POST", "", {"resourceType": "Bundle", "type": kind, "entry": entries})
        if not self.accepted(found, 200):
            return
        for entry, label, (_, _, method, _) in zip(found[2]["entry"], labels, sent, strict=True):
            status = entry["response"]["status"][:3]
            if status == "503":  # the database fell in the middle of a batch
                raise Gone
            if status not in ("200", "201"):
                self.refused.append(entry)
                continue
            parts = entry["response"]["location"].split("/")
            self.kept.note((parts[-4], parts[-3]), int(parts[-1]), method, label)

    def share(self, label: str, target: Name) -> None:
        step = [{"op": "add", "path": "/name/-", "value": {"text": label}}]
        found = self.line("PATCH", SHARED, step, JSON_PATCH)
        if self.accepted(found, 200):
            self.kept.shared.add(label)


def kill_everything(house: House) -> None:
    """The supervisor, the web, the worker and every process of the database, in no order."""
    assert house.process is not None
    for pid in house.processes():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    house.process.wait(10)
    deadline = time.monotonic() + 20
    while house.processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert house.processes() == []


def wait_until(writers: list[Writer], count: int) -> None:
    deadline = time.monotonic() + 60
    while sum(one.kept.count for one in writers) < count:
        assert time.monotonic() < deadline, [one.refused[:1] for one in writers]
        time.sleep(0.01)


def check_rows(conninfo: str, kept: Kept) -> None:
    """Each acknowledged version stands in every table; nothing half written stands beside them."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        assert halves(connection) == []
        assert misindexed(connection) == []
        with connection.transaction():  # the background process takes from the outbox meanwhile
            connection.execute("set transaction isolation level repeatable read")
            told = connection.execute(
                "select type, id, version from record.outbox union all"
                " select type, id, version from record.subscription_event"
            ).fetchall()
        assert len(told) == len(set(told))  # once, not twice
        versions = {
            (row[0], row[1], row[2]): row[3]
            for row in connection.execute("select type, id, version, method from record.version").fetchall()
        }
        asked = {
            (*name, version): method
            for name, found in kept.versions.items()
            for version, (method, _) in found.items()
        }
        assert asked.items() <= versions.items()
        assert asked.keys() <= set(told)


def check_content(line: Line, conninfo: str, kept: Kept) -> None:
    """What stands now is what was acknowledged last, or what was under way when the lights went out."""
    with psycopg.connect(conninfo) as connection:
        current = {
            (row[0], row[1]): (row[2], row[3])
            for row in connection.execute("select type, id, version, content from record.resource").fetchall()
        }
    living: list[tuple[str, str]] = []
    for name, found in kept.versions.items():
        version, content = current[name]
        last = kept.last(name)
        assert version in ((last, last + 1) if name in kept.unsure else (last,))
        if version != last:
            continue
        label = found[last][1]
        assert (content is None) == (label is None)
        if label is not None and name[0] == "Patient":
            assert json.loads(content)["name"] == [{"text": f"Người {label}"}]
            living.append((name[1], label))
    for identifier, label in living[:: max(1, len(living) // 40)]:
        status, _, bundle = line("GET", f"Patient?identifier={SYSTEM}%7C{label}")
        assert (status, [one["resource"]["id"] for one in bundle["entry"]]) == (200, [identifier])
    _, _, shared = line("GET", SHARED)
    names = [one["text"] for one in shared["name"]]
    assert kept.shared <= set(names)
    assert len(names) == len(set(names))


def subscribe(line: Line) -> None:
    """Somebody listens to everything, so that what leaves the outbox stands in a queue."""
    kind = {"url": BACKPORT + "backport-channel-type", "valueCoding": {"code": "sse"}}
    content = {"url": BACKPORT + "backport-payload-content", "valueCode": "id-only"}
    body = {
        "resourceType": "Subscription", "id": "all", "status": "requested", "reason": "Everything",
        "criteria": "https://yba.vn/fhir/SubscriptionTopic/record-change",
        "channel": {
            "_type": {"extension": [kind]}, "payload": FHIR_JSON, "_payload": {"extension": [content]},
        },
    }  # fmt: skip
    status, _, answer = line("PUT", "Subscription/all", body)
    assert status == 201, answer


def test_kill_9_in_the_middle_of_writing_loses_nothing_acknowledged(empty_house: House) -> None:
    house, kept = empty_house, Kept()
    house.start()
    done = house.command("token", "--role", "system")
    assert done.returncode == 0, done.stderr
    token = done.stdout.strip()
    subscribe(Line(house, token))
    assert (
        Line(house, token)(
            "PUT", SHARED, {"resourceType": "Patient", "id": "everybodys", "name": [{"text": "-"}]}
        )[0]
        == 201
    )
    for turn in range(ROUNDS):
        writers = [Writer(house, token, f"{turn}-{number}") for number in range(CLIENTS)]
        for writer in writers:
            writer.start()
        wait_until(writers, ENOUGH + Random(turn).randrange(ENOUGH))
        kill_everything(house)
        for writer in writers:
            writer.join(30)
            assert not writer.is_alive()
            assert writer.refused == []
            assert writer.kept.versions
            kept.add(writer.kept)
        house.start()
        check_rows(house.conninfo, kept)
        check_content(Line(house, token), house.conninfo, kept)
    assert kept.count >= ROUNDS * ENOUGH
    assert house.stop() == 0
