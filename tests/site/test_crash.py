"""kill -9 of everything in the middle of writing: what was acknowledged is there, whole and once."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.houses import House, free_port

pytestmark = pytest.mark.slow

CLIENTS = 4
ROUNDS = 2
#: Creates acknowledged in a round before the lights go out.
ENOUGH = 150
SYSTEM = "https://example.vn/crash"


@pytest.fixture
def empty_house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path / "house", port=free_port(), arguments=("--empty",))
    yield found
    if found.process is not None and found.process.poll() is None:
        found.stop()
    for pid in found.processes():
        os.kill(pid, signal.SIGKILL)


class Writer(threading.Thread):
    """A client that creates until the line goes dead, and notes what was acknowledged: own number -> id."""

    def __init__(self, house: House, token: str, name: str) -> None:
        super().__init__()
        self.house = house
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
        self.label = name
        self.acknowledged: dict[str, str] = {}
        self.refused: list[bytes] = []

    def run(self) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self.house.port, timeout=10)
        for count in range(100_000):
            number = f"{self.label}-{count}"
            body = {
                "resourceType": "Patient", "name": [{"text": f"Người {number}"}],
                "identifier": [{"system": SYSTEM, "value": number}],
            }  # fmt: skip
            try:
                line.request("POST", "/fhir/Patient", json.dumps(body), self.headers)
                answer = line.getresponse()
                found = answer.read()
            except (OSError, http.client.HTTPException):
                return
            if answer.status == 201:
                self.acknowledged[number] = json.loads(found)["id"]
            elif answer.status != 503:  # the database may fall before the web
                self.refused.append(found)


def ask(house: House, token: str, path: str) -> object:
    line = http.client.HTTPConnection("127.0.0.1", house.port, timeout=10)
    line.request("GET", f"/fhir/{path}", headers={"Authorization": f"Bearer {token}"})
    answer = line.getresponse()
    found = json.loads(answer.read())
    line.close()
    assert answer.status == 200, (path, found)
    return found


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
    deadline = time.monotonic() + 30
    while sum(len(one.acknowledged) for one in writers) < count:
        assert time.monotonic() < deadline, [one.refused[:1] for one in writers]
        time.sleep(0.01)


def check_everything_is_there(house: House, token: str, acknowledged: dict[str, str]) -> None:
    """Each is whole in every table, once; nothing half written stands beside them."""
    ids = sorted(acknowledged.values())
    with psycopg.connect(house.conninfo, autocommit=True) as connection:
        for table, more in (
            ("resource", "content is not null and version = 1"),
            ("version", "version = 1 and method = 'POST'"),
            ("audit", "act = 'create'"),
            ("outbox", "method = 'POST' and version = 1"),
        ):
            rows = connection.execute(
                f"select id from record.{table} where type = 'Patient' and {more}"
            ).fetchall()
            kept = [str(row[0]) for row in rows]
            assert len(kept) == len(set(kept)), table
            assert set(ids) <= set(kept), table
        (halves,) = connection.execute(
            "select (select count(*) from record.resource r where not exists (select from record.version v"
            " where (v.type, v.id, v.version) = (r.type, r.id, r.version)))"
            " + (select count(*) from record.token t where not exists (select from record.resource r"
            " where r.rid = t.rid))"
        ).fetchone() or (None,)
        assert halves == 0
    found: dict[str, str] = {}
    path = f"Patient?identifier={SYSTEM}%7C&_count=1000"
    while path:
        bundle = ask(house, token, path)
        assert isinstance(bundle, dict)
        for entry in bundle.get("entry", []):
            found[entry["resource"]["identifier"][0]["value"]] = entry["resource"]["id"]
        links = {one["relation"]: one["url"] for one in bundle["link"]}
        path = links.get("next", "").partition("/fhir/")[2]
    assert acknowledged.items() <= found.items()
    for number, identifier in list(acknowledged.items())[:: max(1, len(acknowledged) // 50)]:
        one = ask(house, token, f"Patient/{identifier}")
        assert isinstance(one, dict)
        assert one["name"] == [{"text": f"Người {number}"}]


def test_kill_9_in_the_middle_of_writing_loses_nothing_acknowledged(empty_house: House) -> None:
    house, acknowledged = empty_house, dict[str, str]()
    house.start()
    done = house.command("token", "--role", "system")
    assert done.returncode == 0, done.stderr
    token = done.stdout.strip()
    for turn in range(ROUNDS):
        writers = [Writer(house, token, f"{turn}-{number}") for number in range(CLIENTS)]
        for writer in writers:
            writer.start()
        wait_until(writers, ENOUGH)
        kill_everything(house)
        for writer in writers:
            writer.join(20)
            assert not writer.is_alive()
            assert writer.refused == []
            assert writer.acknowledged
            acknowledged |= writer.acknowledged
        house.start()
        check_everything_is_there(house, token, acknowledged)
    assert len(acknowledged) >= ROUNDS * ENOUGH
    assert house.stop() == 0
