"""What is measured over HTTP: a request as Lua for wrk, and the same statements through bare psycopg as its limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bench import load, plans, seed
from yba.fhir import search
from yba.fhir.access import SYSTEM, policy
from yba.fhir.model import codec
from yba.fhir.search.index import rows as index_rows
from yba.fhir.store import identity, read, write
from yba.fhir.store.rows import execute

Values = Callable[[int], dict[str, object]]


@dataclass(frozen=True, slots=True)
class Workload:
    """``floor`` is the least ratio to the bare loop on ``bare_connections``; None: no goal is set."""

    name: str
    script: str
    bare: Callable[[float], float]
    bare_connections: int = 1
    floor: float | None = None


def connection(uri: str) -> psycopg.Connection[Any]:
    return psycopg.connect(uri, autocommit=True, prepare_threshold=2)


def all_of(uri: str, token: str, persons: int) -> list[Workload]:
    """Every workload on a record that ``synthetic.fill`` has filled with so many persons."""
    ids = [f"bench-{number * max(1, persons // 1000)}-o3" for number in range(min(persons, 1000))]
    found = [
        Workload(
            "read", load.get_script(token, "/Observation/%s", ids), lambda s: _reads(uri, ids, s), 1, 0.5
        ),
        Workload("create", load.create_script(token, persons), lambda s: _creates(uri, persons, s), 16, 0.6),
        Workload("update", load.update_script(token, ids), lambda s: _updates(uri, ids, s), 16),
    ]
    for name, path, floor in _SEARCHES:
        numbers = [str(number) for number in range(0, persons, max(1, persons // 500))]
        script = load.get_script(token, path.replace("#", "%s"), numbers)
        found.append(Workload(name, script, _search_limit(uri, path, numbers), 1, floor))
    found.append(
        Workload(
            "everything",
            load.get_script(
                token, "/Patient/bench-%s/$everything?_count=50", [one.split("-")[1] for one in ids]
            ),
            lambda s: _charts(uri, [one.split("-")[1] for one in ids], s),
        )
    )
    return found


_SEARCHES = (
    ("chart", "/Observation?patient=bench-#&category=vital-signs&_sort=-date&_count=20", 0.5),
    ("name", "/Patient?name=ho#&_count=20", 0.5),
    ("token", "/Patient?identifier=http://s|bench-#&_count=20", None),
    ("date", "/Observation?patient=bench-#&date=ge2020-01-01&date=lt2024-01-01&_sort=-date&_count=20", 0.5),
    ("chain", "/Observation?patient.identifier=http://s|bench-#&_count=20", None),
)


# -- limits ----------------------------------------------------------------------------------------------------


def _loop(seconds: float, work: Callable[[int], object]) -> float:
    count, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        work(count)
        count += 1
    return count / seconds


def _reads(uri: str, ids: Sequence[str], seconds: float) -> float:
    with connection(uri) as connected, psycopg.Cursor(connected) as cursor:
        return _loop(
            seconds,
            lambda count: cursor.execute(
                read._TEXTS[False], {"type": "Observation", "id": ids[count % len(ids)]}, binary=True
            ).fetchone(),
        )


def _search_limit(uri: str, path: str, numbers: Sequence[str]) -> Callable[[float], float]:
    """The first statement of one search, captured once for each number."""
    kind, _, query = path.lstrip("/").partition("?")
    params = [(name, value) for name, _, value in (one.partition("=") for one in query.split("&"))]

    def limit(seconds: float) -> float:
        with connection(uri) as connected, psycopg.Cursor(connected) as cursor:
            first, *others = [_statement(connected, kind, params, number) for number in numbers]
            values = [first.values, *(one.values for one in others if one.text == first.text)]

            def work(count: int) -> object:
                return cursor.execute(
                    first.text,
                    values[count % len(values)],
                    binary=True,
                    prepare=None if first.prepared else False,
                ).fetchall()

            return _loop(seconds, work)

    return limit


def _statement(
    connected: psycopg.Connection[Any], kind: str, params: Sequence[tuple[str, str]], number: str
) -> plans.Asked:
    """The first statement of a search, as it was run."""
    marked = [(name, value.replace("#", number)) for name, value in params]
    with plans.noted() as noted:
        search.run(connected, kind, marked, access=lambda name: policy.condition(SYSTEM, name))
    return noted[0]


def _charts(uri: str, persons: Sequence[str], seconds: float) -> float:
    query = "select r.content from record.resource r where r.patient = %s and r.content is not null limit 50"
    with connection(uri) as connected:
        return _loop(
            seconds,
            lambda count: execute(connected, query, (f"bench-{persons[count % len(persons)]}",)).fetchall(),
        )


def _many(uri: str, seconds: float, work: Callable[[psycopg.Connection[Any], int], None]) -> float:
    """The sum of 16 connections, each in a thread of its own."""
    counts = [0] * 16
    end = time.perf_counter() + seconds

    def loop(number: int) -> None:
        with connection(uri) as connected:
            while time.perf_counter() < end:
                work(connected, number * 1_000_000 + counts[number])
                counts[number] += 1

    threads = [threading.Thread(target=loop, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def _creates(uri: str, persons: int, seconds: float) -> float:
    """The statement of what the load sends, for each person in turn, its values made once; each time another id."""
    with connection(uri) as connected:
        made = [_creation(connected, f"bench-{number}") for number in range(persons)]

    def work(connected: psycopg.Connection[Any], number: int) -> None:
        text, values, shard = made[(number // 1_000_000 * 61 + number % 1_000_000) % persons]
        execute(connected, text, values | {"id": identity.new_id(shard)}).fetchone()

    return _many(uri, seconds, work)


def _creation(connected: psycopg.Connection[Any], patient: str) -> tuple[str, dict[str, object], int]:
    """The statement that stores an Observation of a person, its values and their shard; nothing is stored."""
    resource = codec.decode(load.created(patient, patient), "Observation")
    shard = identity.shard_of(patient)
    row = write.Write(
        "Observation", identity.new_id(shard), 1, _now(), "POST", shard, patient, None, codec.encode(resource)
    )
    noted: list[tuple[str, dict[str, object]]] = []

    def noting(_: Any, text: str, values: dict[str, object]) -> bool:
        noted.append((text, values))
        return True

    original = vars(write)["returns_row"]
    vars(write)["returns_row"] = noting
    try:
        write.write(connected, SYSTEM, row, index_rows(resource), None)
    finally:
        vars(write)["returns_row"] = original
    return *noted[0], shard


def _updates(uri: str, ids: Sequence[str], seconds: float) -> float:
    resource = codec.decode(seed.observation("bench-1", 1), "Observation")
    index, content = index_rows(resource), codec.encode(resource)

    def work(connected: psycopg.Connection[Any], number: int) -> None:
        identifier = ids[(number // 1_000_000 * 61 + number % 1_000_000) % len(ids)]
        with connected.transaction():
            found = read.current(
                connected, "Observation", identifier, condition=policy.Condition(None), lock=True
            )
            assert found is not None
            stored, shard = found
            row = write.Write(
                "Observation",
                identifier,
                stored.version + 1,
                _now(),
                "PUT",
                shard,
                stored.patient,
                None,
                content,
            )
            write.write(connected, SYSTEM, row, index, write.Known(stored.rid, shard, stored.content))

    return _many(uri, seconds, work)


def _now() -> Any:
    from yba.fhir.record import now

    return now()
