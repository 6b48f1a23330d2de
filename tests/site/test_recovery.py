"""Back to the second before a mistake: base copy, journal, and `yba restore --at`, with and without the old disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.houses import House, free_port, roof
from tests.wholeness import halves, misindexed
from yba.site import archiving, recovery
from yba.site.database import DatabaseProblem, Embedded
from yba.site.environment import environment

pytestmark = pytest.mark.slow
SAIGON = timezone(timedelta(hours=7))


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[list[House]]:
    """A house that archives, and another disk that knows the archive only."""
    settings = {"YBA_ARCHIVE": str(tmp_path / "it's an archive, 100%")}
    found = [
        House(tmp_path / name, port=free_port(), arguments=("--empty",), settings=settings)
        for name in ("first", "second")
    ]
    roof(found[0].data)
    yield found
    for house in found:
        if house.process is not None and house.process.poll() is None:
            house.stop()
        for pid in house.processes():
            os.kill(pid, signal.SIGKILL)


class Asking:
    """Requests to a house with one token."""

    def __init__(self, house: House) -> None:
        done = house.command("token", "--role", "system")
        assert done.returncode == 0, done.stderr
        self.house, self.token = house, done.stdout.strip()

    def __call__(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/fhir+json"}
        request = urllib.request.Request(f"{self.house.address}/fhir/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


def patient(name: str, number: int = 1) -> dict[str, object]:
    return {
        "resourceType": "Patient", "id": f"kept-{number}", "name": [{"text": name}],
        "identifier": [{"system": "https://example.vn/recovery", "value": f"{number}"}],
    }  # fmt: skip


def is_as_before(house: House) -> None:
    """The person is there, found by search, in the version before the change, with the audit of what was done."""
    ask = Asking(house)
    status, found = ask("GET", "Patient/kept-1")
    assert (status, found["name"], found["meta"]["versionId"]) == (200, [{"text": "Nguyễn Thị Hai"}], "2")
    status, bundle = ask("GET", "Patient?identifier=https://example.vn/recovery|1&name=nguyen")
    assert [one["resource"]["id"] for one in bundle["entry"]] == ["kept-1"]
    assert ask("GET", "Patient/kept-2")[0] == 404
    with psycopg.connect(house.conninfo) as connection:
        assert halves(connection) == []
        assert misindexed(connection) == []
        rows = connection.execute(
            "select act, version from record.audit where type = 'Patient' and id = 'kept-1'"
            " and act in ('create', 'update', 'delete') order by seq"
        ).fetchall()
        # a PUT of a new id is an update in the audit
        assert rows == [("update", 1), ("update", 2)]
    assert ask("PUT", "Patient/kept-3", patient("Sau khi khôi phục", 3))[0] == 201  # it goes on


def test_back_to_the_second_before_a_deletion(houses: list[House]) -> None:
    house, other = houses
    house.start()
    ask = Asking(house)
    done = house.command("backup", "--base")
    assert done.returncode == 0, done.stderr
    assert "Every second from" in done.stdout
    assert ask("PUT", "Patient/kept-1", patient("Nguyễn Thị Một"))[0] == 201
    assert ask("PUT", "Patient/kept-1", patient("Nguyễn Thị Hai"))[0] == 200
    time.sleep(1.1)
    before = datetime.now(UTC)
    time.sleep(1.1)
    assert ask("DELETE", "Patient/kept-1")[0] == 204
    assert ask("PUT", "Patient/kept-2", patient("Quá muộn", 2))[0] == 201
    assert ask("GET", "Patient/kept-1")[0] == 410

    running = house.command("restore", "--at", before.isoformat())
    assert running.returncode == 1
    assert "already runs" in running.stderr
    with psycopg.connect(house.conninfo, autocommit=True) as connection:
        connection.execute("select pg_switch_wal()")
    archived = archiving.journal_folder(Path(house.settings["YBA_ARCHIVE"]))
    deadline = time.monotonic() + 30
    while len(list(archived.glob("*.gz"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert house.stop() == 0

    # The disk is lost: only the archive is left.
    asked = before.astimezone(SAIGON).isoformat()
    done = other.command("restore", "--at", asked)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the last commit in it" in done.stdout
    other.start()
    is_as_before(other)
    assert other.stop() == 0

    # On the same disk, where the newest of the journal still lies.
    shutil.rmtree(other.data)
    done = house.command("restore", "--at", asked)
    assert done.returncode == 0, done.stdout + done.stderr
    house.start()
    is_as_before(house)
    assert house.stop() == 0
    (aside,) = house.data.glob("postgres.before-*")
    assert (aside / "PG_VERSION").exists()


def test_what_cannot_be_restored_is_said_and_changes_nothing(houses: list[House], tmp_path: Path) -> None:
    house = houses[0]
    house.start()
    ask = Asking(house)
    assert ask("PUT", "Patient/kept-1", patient("Một"))[0] == 201
    early = datetime.now(UTC).isoformat()
    assert house.command("backup", "--base").returncode == 0
    assert house.command("backup", "--base", "--keep", "1").returncode == 0
    copies = list(archiving.bases_folder(Path(house.settings["YBA_ARCHIVE"])).iterdir())
    assert len(copies) == 1
    assert house.stop() == 0
    for at, words in (
        (early, "No base copy"),
        ((datetime.now(UTC) + timedelta(days=1)).isoformat(), "still to come"),
    ):
        done = house.command("restore", "--at", at)
        assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert house.command("restore", "--at", "yesterday").returncode == 2
    assert list(house.data.glob("postgres.before-*")) == []
    # Nothing was written after this moment: all there is comes back, and that is said.
    done = house.command("restore", "--at", datetime.now(UTC).isoformat())
    assert done.returncode == 0, done.stderr
    assert "no commit after" in done.stdout or "the last commit in it" in done.stdout
    house.start()
    assert Asking(house)("GET", "Patient/kept-1")[0] == 200
    assert house.stop() == 0
    plain = House(tmp_path / "third", port=free_port())
    done = plain.command("backup", "--base")
    assert done.returncode == 1
    assert "YBA_ARCHIVE" in done.stderr


def test_a_server_that_ends_while_it_is_asked_has_ended_early(tmp_path: Path) -> None:
    """A journal that ends before the moment closes the connection at any point: always the same answer."""
    env = replace(environment(), data=tmp_path / "gone", database_url=None)
    with pytest.raises(DatabaseProblem, match="ended early"):
        recovery._promoted(env, Embedded(env))
