"""Writers that meet: transactions in opposite orders, patches of one resource, a new id at the same moment."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import psycopg
import pytest

from yba import fhir
from yba.fhir import bundle as bundles
from yba.fhir.access import SYSTEM
from yba.fhir.errors import Conflict
from yba.fhir.model import codec
from yba.fhir.r4.bundle import Bundle
from yba.fhir.r4.patient import Patient

ROUNDS = 12


def together(conninfo: str, *works: Callable[[fhir.Record], None]) -> list[BaseException]:
    """Do works at once, each on a connection of its own; what they raised."""
    raised: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[fhir.Record], None]) -> None:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            record = fhir.open(connection, actor=SYSTEM)
            start.wait()
            try:
                work(record)
            except BaseException as error:  # noqa: BLE001 - the test looks at whatever it is
                raised.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    return raised


def transaction(*keys: str) -> Bundle:
    entries = [
        {
            "resource": {"resourceType": "Patient", "id": key},
            "request": {"method": "PUT", "url": f"Patient/{key}"},
        }
        for key in keys
    ]
    found = codec.decode(json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}))
    assert isinstance(found, Bundle)
    return found


def test_transactions_in_opposite_orders(own_database: str) -> None:
    keys = [f"p{number}" for number in range(20)]

    def forth(record: fhir.Record) -> None:
        for _ in range(ROUNDS):
            bundles.run(record, transaction(*keys))

    def back(record: fhir.Record) -> None:
        for _ in range(ROUNDS):
            bundles.run(record, transaction(*reversed(keys)))

    assert together(own_database, forth, back, forth) == []
    with psycopg.connect(own_database) as connection:
        versions = connection.execute("select id, version from record.resource").fetchall()
    assert dict(versions) == dict.fromkeys(keys, 3 * ROUNDS)


def test_a_deadlock_is_tried_again(own_database: str) -> None:
    """Locked one by one on purpose, as rules of the house may do."""
    with psycopg.connect(own_database, autocommit=True) as connection:
        record = fhir.open(connection, actor=SYSTEM)
        for key in ("a", "b"):
            record.update(Patient(id=key))
    met = threading.Barrier(2)
    tries: list[str] = []
    ended: list[str] = []

    def one_then(first: str, second: str) -> Callable[[fhir.Record], None]:
        def work(record: fhir.Record) -> None:
            def steps() -> None:
                tries.append(first)
                record.update(Patient(id=first))
                if len(tries) <= 2:
                    met.wait(10)
                try:
                    record.update(Patient(id=second))
                except Conflict:
                    ended.append(first)
                    raise

            record.attempt(steps)

        return work

    assert together(own_database, one_then("a", "b"), one_then("b", "a")) == []
    # Each held what the other wanted, so one had to end; whoever was ended began once more, and each was done once.
    assert sorted(tries[:2]) == ["a", "b"]
    assert ended != []
    assert sorted(tries) == sorted(["a", "b", *ended])
    with psycopg.connect(own_database) as connection:
        assert connection.execute("select version from record.resource").fetchall() == [(3,), (3,)]


def test_a_new_id_at_the_same_moment(own_database: str) -> None:
    def put(record: fhir.Record) -> None:
        for number in range(ROUNDS):
            record.update(Patient(id=f"new{number}"))

    assert together(own_database, put, put, put, put) == []
    with psycopg.connect(own_database) as connection:
        versions = connection.execute("select distinct version from record.resource").fetchall()
    assert versions == [(4,)]


@pytest.mark.parametrize("own", [True, False])
def test_conditional_creates_of_one_key(own_database: str, own: bool) -> None:
    made: list[bool] = []

    def create(record: fhir.Record) -> None:
        for number in range(ROUNDS):
            resource = codec.decode_as(
                json.dumps(
                    {"resourceType": "Patient", "identifier": [{"system": "s", "value": str(number)}]}
                ),
                Patient,
            )
            if own:
                made.append(record.create_stored(resource, if_none_exist=[("identifier", f"s|{number}")])[1])
            else:
                with record.atomic():
                    made.append(record.update_where(resource, [("identifier", f"s|{number}")])[1])

    assert together(own_database, create, create, create) == []
    assert sorted(made) == [False] * 2 * ROUNDS + [True] * ROUNDS


def test_patches_lose_nothing(own_database: str) -> None:
    with psycopg.connect(own_database, autocommit=True) as connection:
        fhir.open(connection, actor=SYSTEM).update(Patient(id="p"))

    def grow(content: bytes) -> bytes:
        found = json.loads(content)
        found.setdefault("name", []).append({"text": str(len(found.get("name", [])))})
        return json.dumps(found).encode()

    def patch(record: fhir.Record) -> None:
        for _ in range(ROUNDS):
            record.patch(Patient, "p", grow)

    assert together(own_database, patch, patch, patch) == []
    with psycopg.connect(own_database, autocommit=True) as connection:
        found = fhir.open(connection, actor=SYSTEM).read(Patient, "p")
    assert [one.text for one in found.name] == [str(number) for number in range(3 * ROUNDS)]
