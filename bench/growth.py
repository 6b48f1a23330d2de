"""How the slowest twentieth of the hottest requests grows with the record: from ten thousand resources to millions."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import psycopg

from bench import synthetic
from bench.synthetic import PERSON
from yba import fhir
from yba.fhir.access import SYSTEM
from yba.fhir.store import migrate
from yba.fhir.store.audit import Journal

GOAL = 1.5
ASKED, WARM = 500, 300


class _Unkept(Journal):
    """Audits nothing, so that only reading is timed."""

    def __init__(self) -> None:
        return None

    def add(self, act: object) -> None:
        return None


def report(uris: Sequence[tuple[int, str]]) -> bool:
    """Print p50 and p95 of each request at each size; whether the growth of each p95 stays under the goal."""
    first: dict[str, float] = {}
    good = True
    print(f"{'resources':>12}" + "".join(f"{name:>12}{'p95':>9}" for name in _REQUESTS))
    for resources, uri in uris:
        persons = max(20, resources // (PERSON + 2))
        with psycopg.connect(uri, autocommit=True, prepare_threshold=2) as connection:
            migrate(connection)
            made = synthetic.fill(connection, persons)
            connection.execute(
                "checkpoint"
            )  # what the filling left to be written is not the requests' to wait for
            line = f"{made:12,}"
            for name, (kind, params) in _REQUESTS.items():
                middle, slow = _asked(connection, kind, params, persons)
                first.setdefault(name, slow)
                good &= slow / first[name] < GOAL
                line += f"{middle:9.2f} ms{slow:9.2f}"
            print(line, flush=True)
    return good


_REQUESTS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "read": ("Observation", ()),
    "chart": ("Observation", (("patient", "bench-#"), ("category", "vital-signs"), ("_sort", "-date"))),
    "name": ("Patient", (("name", "ten#"), ("_count", "20"))),
}


def _asked(
    connection: psycopg.Connection[object], kind: str, params: Sequence[tuple[str, str]], persons: int
) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds, after a warm-up."""
    record = fhir.open(connection, actor=SYSTEM, journal=_Unkept())
    chance = random.Random(1)
    times = []
    for number in range(ASKED + WARM):
        person = str(chance.randrange(persons))
        start = time.perf_counter()
        if params:
            record.search_stored(kind, [(name, value.replace("#", person)) for name, value in params])
        else:
            record.read_stored(kind, f"bench-{person}-o3")
        if number >= WARM:
            times.append((time.perf_counter() - start) * 1000)
    times.sort()
    return times[len(times) // 2], times[len(times) * 95 // 100]
