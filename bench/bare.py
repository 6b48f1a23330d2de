"""The limit: the same statements through bare psycopg, no HTTP, no checks, no index computing."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg

from bench.seed import observation
from yba.fhir.access import SYSTEM, policy
from yba.fhir.model import codec
from yba.fhir.search import page
from yba.fhir.search.index import rows as index_rows
from yba.fhir.store import identity, read, write
from yba.fhir.store.rows import execute


def connection(uri: str) -> psycopg.Connection[Any]:
    return psycopg.connect(uri, autocommit=True, prepare_threshold=2)


def reads(uri: str, ids: list[str], seconds: float) -> float:
    """Reads by id a second, one connection in a loop, the statement the record runs."""
    with connection(uri) as connected, psycopg.Cursor(connected) as cursor:
        text, count = read._CURRENT_TEXT, 0
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            cursor.execute(text, {"type": "Observation", "id": ids[count % len(ids)]}, binary=True).fetchone()
            count += 1
        return count / seconds


def searches(uri: str, persons: int, seconds: float) -> float:
    """The chart search's statement a second, one connection in a loop."""
    captured: list[tuple[str, dict[str, object]]] = []
    original = execute

    def capturing(connected: Any, text: Any, values: Any = None) -> Any:
        captured.append((text, dict(values)))
        return original(connected, text, values)

    with connection(uri) as connected, psycopg.Cursor(connected) as cursor:
        vars(page)["execute"] = capturing
        try:
            page.run(
                connected,
                "Observation",
                [("patient", "bench-1"), ("category", "vital-signs"), ("_sort", "-date"), ("_count", "20")],
                access=lambda name: policy.condition(SYSTEM, name),
            )
        finally:
            vars(page)["execute"] = original
        text, values = captured[0]
        name = next(key for key, value in values.items() if value == "bench-1")
        count, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            cursor.execute(text, values | {name: f"bench-{count % persons}"}, binary=True).fetchall()
            count += 1
        return count / seconds


def creates(uri: str, seconds: float, connections: int = 16) -> float:
    """Creates a second on 16 connections: the record's one statement with the values of a typical Observation."""
    resource = codec.decode(observation("bench-1", 1), "Observation")
    index = index_rows(resource)
    content = codec.encode(resource)
    counts = [0] * connections
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        with connection(uri) as connected:
            while time.perf_counter() < end:
                made = write.Write(
                    "Observation", identity.new_id(5), 1, _now(connected), "POST", 5, "bench-1", None, content
                )
                write.write(connected, SYSTEM, made, index, None)
                counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def _now(_: object) -> Any:
    from yba.fhir.record import now

    return now()
