"""Creates that share a statement: the rows of writes alone, and no request pays for another's."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import pytest

from tests.conftest import Databases
from tests.fhir.test_write_many import AWKWARD, examples, rows
from tests.wholeness import halves, misindexed
from yba import fhir
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.access.actor import Came
from yba.fhir.errors import Conflict, Unavailable
from yba.fhir.model import codec
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.patient import Patient
from yba.fhir.record import joining
from yba.fhir.record.joining import Entry, Joining
from yba.fhir.store.write_joined import joinable, write_joined
from yba.fhir.store.write_many import Item

MOMENT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


class Collecting(fhir.Record):
    """A record that stores nothing and keeps what it would have stored."""

    items: list[Item]

    def write(self, item: Item) -> None:
        self.items.append(item)


def test_the_rows_are_those_of_writes_alone(connection: psycopg.Connection[Any]) -> None:
    who = Actor(
        user="u1", role="system", name="Máy", facility="f", practitioner="p", person="q", app="a", session="s",
        address="10.0.0.1", purpose="TREAT", origin="o",
    )  # fmt: skip
    vip = Patient(active=True)
    vip.meta = codec.decode_as(
        b'{"resourceType":"Patient","meta":{"security":[{"code":"VIP",'
        b'"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode"}]}}',
        Patient,
    ).meta
    record = fhir.open(connection, actor=who, clock=lambda: MOMENT, came=Came("r1", "10.0.0.2"))
    person = record.create(vip)
    trees = [
        *examples(),
        {"resourceType": "Observation", "status": "final", "code": {"text": AWKWARD},
         "subject": {"reference": f"Patient/{person.id}"}},
        {"resourceType": "Observation", "status": "final", "code": {"text": "\\N"}},
    ]  # fmt: skip

    def made(prefix: str, into: fhir.Record) -> None:
        for number, tree in enumerate(trees):
            body = {name: value for name, value in tree.items() if name not in ("id", "text")}
            into.create_stored(codec.decode(json.dumps(body).encode(), None), identifier=f"{prefix}{number}")

    collecting = Collecting(connection, actor=who, clock=lambda: MOMENT)
    collecting.items = []
    made("j2zq-", collecting)
    together = [item for item in collecting.items if joinable(item)]
    assert len(together) > 30
    assert {item.row.type for item in collecting.items if not joinable(item)} >= {"Patient"}
    assert write_joined(connection, who, [(item, Came("r1", "10.0.0.2")) for item in together])
    made("j1zq-", record)
    numbers = {item.row.id.removeprefix("j2zq-") for item in together}
    alone = rows(connection, "j1zq-")
    for table, found in rows(connection, "j2zq-").items():
        wanted = [one for one in alone[table] if _number(one) in numbers]
        assert found == wanted, table
    labelled = connection.execute(
        "select count(*), min(sensitive) > 0 from record.resource where patient = %s and id like 'j_zq-%%'",
        (person.id,),
    ).fetchone()
    assert labelled == (2, True)


def _number(line: str) -> str:
    return line.partition("x-")[2].partition("'")[0]


# -- requests at the same moment -------------------------------------------------------------------------------


@pytest.fixture
def store(databases: Databases, template: str) -> str:
    """A database of this test's own, for what is stored in it stays."""
    return databases.conninfo(databases.new(template))


class Clients:
    """Clients of one process: each a thread with a connection, as web threads are."""

    def __init__(self, conninfo: str, count: int) -> None:
        self.joining = Joining()
        self.connections = [
            psycopg.connect(conninfo, autocommit=True, prepare_threshold=2) for _ in range(count)
        ]
        self.together: list[int] = []

    def record(self, number: int, actor: Actor = SYSTEM, **more: Any) -> fhir.Record:
        came = Came(f"request-{number}", f"10.0.0.{number % 250}")
        connection = self.connections[number % len(self.connections)]
        record = fhir.open(connection, actor=actor, joining=self.joining, came=came, **more)
        plain: Callable[[Sequence[Entry]], bool] = record._write_joined

        def noting(entries: Sequence[Entry]) -> bool:
            self.together.append(len(entries))
            return plain(entries)

        record._write_joined = noting  # type: ignore[method-assign]  # to see how many shared a statement
        return record

    def hold_first(self) -> tuple[threading.Event, threading.Event]:
        """Let the first statement wait, so that what comes meanwhile gathers: (it has begun, let it go on)."""
        begun, go = threading.Event(), threading.Event()
        plain = self.joining._lead
        first = [True]

        def lead(*given: Any) -> None:
            if first:
                first.clear()
                begun.set()
                assert go.wait(20)
            plain(*given)

        self.joining._lead = lead  # type: ignore[method-assign, assignment]
        return begun, go

    def gathered(self, count: int) -> None:
        """Wait until so many stand in line."""
        while sum(map(len, self.joining._lines.values())) < count:
            threading.Event().wait(0.005)


@pytest.fixture
def clients(store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    monkeypatch.setattr(
        joining, "PATIENCE", 60
    )  # however slow the machine, nobody leaves a line by themselves
    found = Clients(store, 9)
    yield found
    for connection in found.connections:
        connection.close()


def seen(text: str, patient: str | None = None) -> Observation:
    tree: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": {"text": text}}
    if patient is not None:
        tree["subject"] = {"reference": f"Patient/{patient}"}
    return codec.decode_as(json.dumps(tree).encode(), Observation)


def asked(clients: Clients, store: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(store) as connection:
        return connection.execute(query.encode()).fetchall()


def at_once(clients: Clients, works: Sequence[Callable[[], object]]) -> list[Any]:
    """All works while the first is held: the answers, or what was raised, in their order."""
    begun, go = clients.hold_first()
    with ThreadPoolExecutor(len(works)) as pool:
        first = pool.submit(works[0])
        assert begun.wait(20)
        others = []
        for count, work in enumerate(works[1:], 1):
            others.append(pool.submit(work))
            clients.gathered(count)
        go.set()
        return [one.exception(60) or one.result() for one in (first, *others)]


def test_what_arrives_meanwhile_shares_one_statement(clients: Clients, store: str) -> None:
    person = clients.record(0).create(Patient(active=True)).id
    made = at_once(
        clients,
        [partial(clients.record(n).create, seen(f"v{n}", person)) for n in range(9)],
    )
    assert clients.together == [8]
    assert [one.code.text for one in made] == [f"v{n}" for n in range(9)]
    audited = asked(
        clients, store, "select id, request, address, version from record.audit where type = 'Observation'"
    )
    assert sorted(audited) == sorted((one.id, f"request-{n}", f"10.0.0.{n}", 1) for n, one in enumerate(made))
    with psycopg.connect(store) as connection:
        record = fhir.open(connection, actor=SYSTEM)
        for n, one in enumerate(made):
            assert [found.id for found in record.find(Observation, ("code:text", f"v{n}"))] == [one.id]
        assert halves(connection) == []
        assert misindexed(connection) == []


def test_one_that_is_refused_is_refused_alone(clients: Clients, store: str) -> None:
    clients.record(0).create_stored(seen("there"), identifier="taken")
    works: list[Callable[[], object]] = [partial(clients.record(n).create, seen(f"v{n}")) for n in range(4)]
    works.insert(2, lambda: clients.record(5).create_stored(seen("other"), identifier="taken"))
    answers = at_once(clients, works)
    assert isinstance(answers.pop(2), Conflict)
    assert [one.code.text for one in answers] == ["v0", "v1", "v2", "v3"]
    stored = asked(clients, store, "select id, content from record.resource where type = 'Observation'")
    assert {one[0] for one in stored} == {"taken", *(one.id for one in answers)}
    assert "there" in dict(stored)["taken"]


def test_a_person_somebody_holds_keeps_only_their_own_waiting(clients: Clients, store: str) -> None:
    held, free = (clients.record(0).create(Patient(active=True)).id for _ in range(2))
    with psycopg.connect(store) as other:
        other.execute("select from record.resource where id = %s for update", (held,))
        begun, go = clients.hold_first()
        with ThreadPoolExecutor(4) as pool:
            first = pool.submit(clients.record(0).create, seen("first", free))
            assert begun.wait(20)
            waits = pool.submit(clients.record(1).create, seen("waits", held))
            clients.gathered(1)
            goes = pool.submit(clients.record(2).create, seen("goes", free))
            clients.gathered(2)
            go.set()
            first.result(20)
            goes.result(20)
            assert not waits.done()
            other.rollback()
            assert waits.result(20).code.text == "waits"


def test_one_who_waits_for_a_person_keeps_nobody_in_line(
    clients: Clients, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "PATIENCE", 0.05)
    held, free = (clients.record(0).create(Patient(active=True)).id for _ in range(2))
    with psycopg.connect(store) as other, ThreadPoolExecutor(4) as pool:
        other.execute("select from record.resource where id = %s for update", (held,))
        waits = pool.submit(clients.record(0).create, seen("waits", held))
        while not clients.joining._lines:
            threading.Event().wait(0.005)
        goes = [pool.submit(clients.record(n).create, seen(f"goes {n}", free)) for n in (1, 2)]
        assert [one.result(20).code.text for one in goes] == ["goes 1", "goes 2"]
        assert not waits.done()
        other.rollback()
        assert waits.result(20).code.text == "waits"
    assert clients.joining._lines == {}


def test_others_share_nothing(clients: Clients, store: str) -> None:
    """The wall is told one who acts; and who acts through another app is audited as such."""
    actors = [SYSTEM, Actor(user="b", role="system"), Actor(user="b", role="system", app="x")]
    begun, go = clients.hold_first()
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(clients.record(0, actors[0]).create, seen("0"))
        assert begun.wait(20)
        for n in (1, 2):
            pool.submit(clients.record(n, actors[n]).create, seen(str(n))).result(20)
        go.set()
        first.result(20)
    assert clients.together == []
    assert sorted(asked(clients, store, "select actor, app from record.audit where type = 'Observation'"), key=str) == [
        ("b", "x"), ("b", None), ("system", None)
    ]  # fmt: skip


def test_when_the_connection_is_lost_all_are_told_and_none_wait(clients: Clients, store: str) -> None:
    killed: list[int] = []

    def killing(record: fhir.Record) -> fhir.Record:
        plain = record._write_joined

        def write(entries: Sequence[Entry]) -> bool:
            pid = record._connection.info.backend_pid
            killed.append(pid)
            asked(clients, store, f"select pg_terminate_backend({pid}, 5000)")
            return plain(entries)

        record._write_joined = write  # type: ignore[method-assign]
        return record

    answers = at_once(
        clients,
        [partial(killing(clients.record(n)).create, seen(f"v{n}")) for n in range(5)],
    )
    assert len(killed) == 1
    assert answers[0].code.text == "v0"
    assert [type(one) for one in answers[1:]] == [Unavailable] * 4
    assert clients.joining._lines == {}
    assert clients.record(7).create(seen("after")).code.text == "after"


def test_a_mistake_of_ours_leaves_nobody_waiting(clients: Clients, store: str) -> None:
    def failing(record: fhir.Record) -> fhir.Record:
        def write(_entries: Sequence[Entry]) -> bool:
            raise ZeroDivisionError

        record._write_joined = write  # type: ignore[method-assign, assignment]
        return record

    answers = at_once(
        clients,
        [partial(failing(clients.record(n)).create, seen(f"v{n}")) for n in range(4)],
    )
    assert answers[0].code.text == "v0"
    assert [type(one) for one in answers[1:]] == [ZeroDivisionError, Unavailable, Unavailable]
    assert clients.joining._lines == {}


def test_new_search_parameters_make_each_go_by_itself(clients: Clients, store: str) -> None:
    clients.record(1).create(seen("before"))  # this connection knows the parameters as they were
    clients.record(2).create(seen("before"))
    with psycopg.connect(store, autocommit=True) as other:
        fhir.open(other, actor=SYSTEM).create(
            codec.decode(
                b'{"resourceType":"SearchParameter","url":"urn:x","name":"x","status":"active","description":"x",'
                b'"code":"word","base":["Observation"],"type":"string","expression":"Observation.code.text"}',
                "SearchParameter",
            )
        )
    answers = at_once(
        clients,
        [partial(clients.record(n).create, seen(f"v{n}")) for n in range(3)],
    )
    assert [one.code.text for one in answers] == ["v0", "v1", "v2"]
    assert clients.together == [2]
    words = asked(
        clients,
        store,
        "select folded from record.string s join record.search_parameter p on p.number = s.param",
    )
    assert sorted(words)[-3:] == [("v0",), ("v1",), ("v2",)]


def test_what_goes_by_other_ways_is_never_joined(connection: psycopg.Connection[Any]) -> None:
    record = Collecting(connection, actor=SYSTEM, clock=lambda: MOMENT)
    record.items = []
    inside = {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
              "contained": [{"resourceType": "Device", "id": "d"}], "device": {"reference": "#d"}}  # fmt: skip
    record.create_stored(codec.decode(json.dumps(inside).encode(), None))
    record.create_stored(Patient(active=True))
    record.create_stored(seen("x"))
    assert [joinable(item) for item in record.items] == [False, False, True]
