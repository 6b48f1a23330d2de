"""How the slowest twentieth of the hottest requests grows with the record: from ten thousand resources to millions.

Each request goes through the record's WSGI face, with its token and its audit, without a socket. All sizes are filled
first and then asked in turn, one request each, so that what else the machine does falls on all of them alike.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

import psycopg

from bench.synthetic import PERSON
from yba.fhir import rest
from yba.fhir.access import SYSTEM
from yba.fhir.store import Journal

GOAL = 1.5
ASKED, WARM = 2_000, 300
Ask = Callable[[str], None]


def persons_of(resources: int) -> int:
    """How many persons make about so many resources."""
    return max(20, resources // (PERSON + 2))


def report(sizes: Sequence[tuple[str, int, int]]) -> bool:
    """Print p50 and p95 of each request at each size; whether the growth of each p95 stays under the goal.

    ``sizes``: address, resources and persons of each filled database, the smallest first.
    """
    journals = [Journal(partial(psycopg.connect, uri, autocommit=True)) for uri, _, _ in sizes]
    asked = [
        (persons, _asker(uri, journal)) for (uri, _, persons), journal in zip(sizes, journals, strict=True)
    ]
    times = {name: _asked(asked, template) for name, template in _REQUESTS.items()}
    for journal in journals:
        journal.close()
    print(f"{'resources':>12}" + "".join(f"{name:>12}{'p95':>9}" for name in _REQUESTS))
    for number, (_, made, _) in enumerate(sizes):
        figures = [(_part(taken[number], 50), _part(taken[number], 95)) for taken in times.values()]
        print(f"{made:12,}" + "".join(f"{middle:9.2f} ms{slow:9.2f}" for middle, slow in figures))
    growth = {name: _part(taken[-1], 95) / _part(taken[0], 95) for name, taken in times.items()}
    print(
        f"growth of p95 (goal < {GOAL}): "
        + ", ".join(f"{name} {ratio:.2f}" for name, ratio in growth.items())
    )
    return all(ratio < GOAL for ratio in growth.values())


def _asker(uri: str, journal: Journal) -> Ask:
    """Sends one GET through the record's face on a connection kept open."""
    connection = psycopg.connect(uri, autocommit=True, prepare_threshold=2)
    application = rest.application(
        lambda: connection, lambda _: SYSTEM, base_url="http://127.0.0.1/fhir", journal=journal
    )

    def ask(address: str) -> None:
        path, _, query = address.partition("?")
        environ: dict[str, Any] = {
            "PATH_INFO": f"/{path}", "QUERY_STRING": query, "HTTP_AUTHORIZATION": "Bearer bench",
        }  # fmt: skip
        setup_testing_defaults(environ)
        status: list[str] = []
        b"".join(application(environ, lambda line, _: status.append(line)))
        if not status[0].startswith("200"):
            raise RuntimeError(f"{address}: {status[0]}")

    return ask


def _asked(sizes: Sequence[tuple[int, Ask]], template: str) -> list[list[float]]:
    """Milliseconds of each request, a list a size, after a warm-up."""
    chance = random.Random(1)
    times: list[list[float]] = [[] for _ in sizes]
    for number in range(ASKED + WARM):
        for taken, (persons, ask) in zip(times, sizes, strict=True):
            address = template.replace("#", str(chance.randrange(persons)))
            start = time.perf_counter()
            ask(address)
            if number >= WARM:
                taken.append((time.perf_counter() - start) * 1000)
    return times


def _part(times: Sequence[float], percent: int) -> float:
    return sorted(times)[len(times) * percent // 100]


_REQUESTS = {
    "read": "Observation/bench-#-o3",
    "chart": "Observation?"
    + urlencode({"patient": "bench-#", "category": "vital-signs", "_sort": "-date"}, safe="#"),
    "name": "Patient?" + urlencode({"name": "ten#", "_count": "20"}, safe="#"),
}
