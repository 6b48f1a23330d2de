"""Many clients at once, each on a connection of its own: one wins where one may, nothing is lost, no gap is left.

Through the whole WSGI application, so that whatever a client would see of a race is seen here.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from bench.fuzz.judging import Answer
from bench.fuzz.running import Application
from bench.fuzz.world import JSON, Asked
from tests.wholeness import halves, misindexed
from yba import fhir
from yba.fhir.access import SYSTEM
from yba.fhir.model import codec
from yba.fhir.r4.patient import Patient
from yba.fhir.record import many

CLIENTS = 64
FEW = 8
SYSTEM_OF_KEYS = "https://example.vn/keys"


class Server:
    """The application on a database of its own, asked by any number of threads."""

    def __init__(self, conninfo: str, files: Path) -> None:
        self.conninfo = conninfo
        self.application = Application(conninfo, files)

    def __call__(
        self, method: str, url: str, body: object = None, kind: str = JSON, **headers: str
    ) -> Answer:
        sent = b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.application(Asked("system", method, url, sent, {"Content-Type": kind, **named}))

    def json(self, url: str) -> Any:
        answer = self("GET", url)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def whole(self) -> None:
        """Nothing half written is left, and no gap."""
        with psycopg.connect(self.conninfo) as connection:
            assert halves(connection) == []
            assert misindexed(connection) == []


@pytest.fixture
def server(own_database: str, tmp_path: Path) -> Iterator[Server]:
    found = Server(own_database, tmp_path)
    yield found
    found.application.close()


def together(works: list[Callable[[], None]]) -> None:
    """Do all at once; the first thing raised by one of them is raised here."""
    raised: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[], None]) -> None:
        start.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told to the test below
            raised.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
        assert not one.is_alive(), "a client waits for ever"
    if raised:
        raise raised[0]


def version_of(answer: Answer) -> int:
    return int(answer.headers["ETag"].removeprefix('W/"').removesuffix('"'))


def person(key: str, **more: object) -> dict[str, object]:
    return {"resourceType": "Patient", "identifier": [{"system": SYSTEM_OF_KEYS, "value": key}], **more}


def test_of_writers_with_one_if_match_one_wins_each_version(server: Server) -> None:
    body = {"resourceType": "Patient", "id": "p"}
    assert server("PUT", "/Patient/p", body).status == 201
    won: list[int] = []
    statuses: Counter[int] = Counter()

    def write() -> None:
        for version in range(1, 11):
            answer = server("PUT", "/Patient/p", body, If_Match=f'W/"{version}"')
            statuses[answer.status] += 1
            if answer.status == 200:
                won.append(version_of(answer))

    together([write] * 16)
    assert set(statuses) <= {200, 412}
    assert len(won) == len(set(won))  # nobody won a version that another had won
    assert sorted(won) == list(range(2, 2 + len(won)))
    assert server.json("/Patient/p")["meta"]["versionId"] == str(len(won) + 1)
    server.whole()


def test_every_version_is_won_by_one_who_reads_it_again(server: Server) -> None:
    """Add one to a counter by read and If-Match, until it holds: none of the additions is lost."""
    server("PUT", "/Basic/b", {"resourceType": "Basic", "id": "b", "code": {"text": "0"}})

    def add() -> None:
        for _ in range(5):
            while True:
                found = server.json("/Basic/b")
                found["code"]["text"] = str(int(found["code"]["text"]) + 1)
                tag = f'W/"{found["meta"]["versionId"]}"'
                if server("PUT", "/Basic/b", found, If_Match=tag).status == 200:
                    break

    together([add] * FEW)
    assert server.json("/Basic/b")["code"]["text"] == str(5 * FEW)
    assert server.json("/Basic/b")["meta"]["versionId"] == str(5 * FEW + 1)
    server.whole()


def test_one_of_64_conditional_creates_makes_it(server: Server) -> None:
    answers: list[Answer] = []
    together(
        [
            lambda: answers.append(
                server("POST", "/Patient", person("k"), If_None_Exist=f"identifier={SYSTEM_OF_KEYS}|k")
            )
        ]
        * CLIENTS
    )
    assert Counter(one.status for one in answers) == {201: 1, 200: CLIENTS - 1}
    assert len({json.loads(one.body)["id"] for one in answers}) == 1
    assert server.json("/Patient?_summary=count")["total"] == 1
    server.whole()


def test_one_of_64_conditional_updates_makes_it(server: Server) -> None:
    answers: list[Answer] = []
    together(
        [
            lambda: answers.append(
                server("PUT", f"/Patient?identifier={SYSTEM_OF_KEYS}|k", person("k", active=True))
            )
        ]
        * CLIENTS
    )
    assert Counter(one.status for one in answers) == {201: 1, 200: CLIENTS - 1}
    (found,) = {json.loads(one.body)["id"] for one in answers}
    assert sorted(version_of(one) for one in answers) == list(range(1, CLIENTS + 1))
    assert server.json(f"/Patient/{found}/_history?_count=0")["total"] == CLIENTS
    server.whole()


def test_conditional_creates_inside_transactions(server: Server) -> None:
    """The same three persons in orders of their own: each made once, whoever came first."""
    answers: list[Answer] = []

    def send(seed: int) -> None:
        keys = ["a", "b", "c"]
        Random(seed).shuffle(keys)
        entries = [
            {
                "resource": person(key),
                "request": {
                    "method": "POST",
                    "url": "Patient",
                    "ifNoneExist": f"identifier={SYSTEM_OF_KEYS}|{key}",
                },
            }
            for key in keys
        ]
        answers.append(
            server("POST", "/", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        )

    together([lambda seed=seed: send(seed) for seed in range(24)])  # type: ignore[misc]  # bound now
    assert {one.status for one in answers} == {200}
    parts = [entry["response"] for one in answers for entry in json.loads(one.body)["entry"]]
    assert Counter(one["status"][:3] for one in parts) == {"201": 3, "200": 69}
    assert len({one["location"].split("/_history")[0] for one in parts if "location" in one}) == 3
    assert server.json("/Patient?_summary=count")["total"] == 3
    server.whole()


def test_transactions_over_the_same_rows_in_opposite_orders(server: Server) -> None:
    """Updates, patches and deletions of the same rows, each client in an order of its own: no deadlock is told."""
    rows = [f"r{number}" for number in range(10)]
    statuses: Counter[int] = Counter()

    def send(seed: int) -> None:
        random = Random(seed)
        for _ in range(4):
            names = random.sample(rows, 6)
            entries: list[dict[str, Any]] = []
            for name in names:
                method = random.choice(["PUT", "PUT", "DELETE"])
                entry: dict[str, Any] = {"request": {"method": method, "url": f"Patient/{name}"}}
                if method == "PUT":
                    entry["resource"] = {"resourceType": "Patient", "id": name}
                entries.append(entry)
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
            answer = server("POST", "/", bundle)
            statuses[answer.status] += 1
            assert answer.status == 200, answer.body

    together([lambda seed=seed: send(seed) for seed in range(12)])  # type: ignore[misc]  # bound now
    assert statuses == {200: 48}
    server.whole()


def test_patches_that_each_add_one_lose_none(server: Server) -> None:
    server("PUT", "/Patient/p", {"resourceType": "Patient", "id": "p", "name": [{"text": "-"}]})

    def patch(label: int) -> None:
        for count in range(4):
            step = [{"op": "add", "path": "/name/-", "value": {"text": f"{label}-{count}"}}]
            answer = server("PATCH", "/Patient/p", step, "application/json-patch+json")
            assert answer.status == 200, answer.body

    together([lambda label=label: patch(label) for label in range(16)])  # type: ignore[misc]  # bound now
    found = server.json("/Patient/p")
    names = [one["text"] for one in found["name"][1:]]
    assert sorted(names) == sorted(f"{label}-{count}" for label in range(16) for count in range(4))
    for label in range(16):  # and each client's in its own order
        assert [one for one in names if one.startswith(f"{label}-")] == [
            f"{label}-{count}" for count in range(4)
        ]
    assert found["meta"]["versionId"] == str(1 + 64)
    server.whole()


def test_deletions_against_updates_and_creates(server: Server) -> None:
    """Whatever comes first, every answer is one of the specification's, and versions have no gap."""
    statuses: Counter[tuple[str, int]] = Counter()

    def act(seed: int) -> None:
        random = Random(seed)
        for _ in range(12):
            method = random.choice(["PUT", "DELETE", "PATCH", "GET"])
            body: Any = (
                {"resourceType": "Patient", "id": "p", "name": [{"text": "x"}]} if method == "PUT" else None
            )
            kind = JSON
            if method == "PATCH":
                body, kind = [{"op": "add", "path": "/active", "value": True}], "application/json-patch+json"
            statuses[method, server(method, "/Patient/p", body, kind).status] += 1

    together([lambda seed=seed: act(seed) for seed in range(FEW)])  # type: ignore[misc]  # bound now
    allowed = {"PUT": {200, 201}, "DELETE": {204, 404}, "PATCH": {200, 404, 410}, "GET": {200, 404, 410}}
    assert {pair for pair in statuses if pair[1] not in allowed[pair[0]]} == set()
    server.whole()


def test_conditional_deletions_against_creates(server: Server) -> None:
    statuses: Counter[tuple[str, int]] = Counter()

    def act(seed: int) -> None:
        for count in range(8):
            if (seed + count) % 2:
                answer = server("DELETE", f"/Patient?identifier={SYSTEM_OF_KEYS}|d")
                statuses["DELETE", answer.status] += 1
            else:
                answer = server(
                    "POST", "/Patient", person("d"), If_None_Exist=f"identifier={SYSTEM_OF_KEYS}|d"
                )
                statuses["POST", answer.status] += 1

    together([lambda seed=seed: act(seed) for seed in range(FEW)])  # type: ignore[misc]  # bound now
    assert {pair for pair in statuses if pair not in {("DELETE", 204), ("POST", 201), ("POST", 200)}} == set()
    assert server.json(f"/Patient?identifier={SYSTEM_OF_KEYS}|d&_summary=count")["total"] <= 1
    server.whole()


def test_imports_of_the_same_ids_by_64_clients(server: Server, own_database: str) -> None:
    """Each in an order of its own: every one is stored by every client, as a version of its own."""
    ids = [f"i{number}" for number in range(12)]

    def put(seed: int) -> None:
        order = Random(seed).sample(ids, len(ids))
        with psycopg.connect(own_database, autocommit=True) as connection:
            record = fhir.open(connection, actor=SYSTEM)
            found = many.put_all(record, [Patient(id=one) for one in order])
            assert [type(one).__name__ for one in found] == ["Stored"] * len(ids)

    codec.decode(b'{"resourceType":"Patient"}')
    together([lambda seed=seed: put(seed) for seed in range(CLIENTS)])  # type: ignore[misc]  # bound now
    with psycopg.connect(own_database) as connection:
        rows = connection.execute("select id, version from record.resource order by id").fetchall()
    assert dict(rows) == dict.fromkeys(ids, CLIENTS)
    server.whole()


def test_histories_while_others_write(server: Server) -> None:
    """A reader never sees a gap: versions of one resource come without holes at every moment."""
    body = {"resourceType": "Patient", "id": "p"}
    server("PUT", "/Patient/p", body)
    done = threading.Event()
    seen: list[list[int]] = []

    def write() -> None:
        for _ in range(40):
            assert server("PUT", "/Patient/p", body).status == 200
        done.set()

    def read() -> None:
        while not done.is_set():
            bundle = server.json("/Patient/p/_history?_count=1000")
            seen.append([int(one["resource"]["meta"]["versionId"]) for one in bundle["entry"]])
            assert (
                bundle["total"] in (len(seen[-1]), len(seen[-1]) + 1, len(seen[-1]) - 1)
                or bundle["total"] > 0
            )

    together([write, read, read])
    assert all(one == list(range(one[0], 0, -1)) for one in seen)
    server.whole()


def observation(identifier: str, person: int | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Observation", "id": identifier, "status": "final", "code": {"text": "x"},
    }  # fmt: skip
    if person is not None:
        found["subject"] = {"reference": f"Patient/person-{person}"}
    return found


@pytest.mark.parametrize("way", ["put", "transaction", "import"])
def test_a_new_id_under_several_persons_is_one_resource(server: Server, own_database: str, way: str) -> None:
    """The row's shard is its person's: keys that carry the shard alone would let one id stand twice."""
    rounds = 6
    statuses: Counter[int] = Counter()

    def write(person: int | None) -> None:
        for number in range(rounds):
            one = observation(f"o{number}", person)
            if way == "put":
                statuses[server("PUT", f"/Observation/o{number}", one).status] += 1
            elif way == "transaction":
                entry = {"resource": one, "request": {"method": "PUT", "url": f"Observation/o{number}"}}
                bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
                statuses[server("POST", "/", bundle).status] += 1
            else:
                with psycopg.connect(own_database, autocommit=True) as connection:
                    record = fhir.open(connection, actor=SYSTEM)
                    (found,) = many.put_all(record, [codec.decode(json.dumps(one).encode())])
                    statuses[200 if type(found).__name__ == "Stored" else 500] += 1

    persons = [None, *range(11)]
    together([lambda person=person: write(person) for person in persons])  # type: ignore[misc]  # bound now
    assert statuses[200] + statuses[201] == rounds * len(persons)
    with psycopg.connect(own_database) as connection:
        rows = connection.execute("select id, version from record.resource order by id").fetchall()
    assert rows == [(f"o{number}", len(persons)) for number in range(rounds)]
    server.whole()
