"""Odd requests by fixed seeds, and those that once broke something: every answer whole, whatever was asked.

YBA_FUZZ_REQUESTS says how many (3,000); `python -m bench.fuzz` sends as many as one likes and keeps what it finds.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bench.fuzz import running
from tests.spec.published import folder
from tests.wholeness import halves

SEED = 20261123
REQUESTS = int(os.environ.get("YBA_FUZZ_REQUESTS", "3000"))
SECONDS = float(os.environ.get("YBA_FUZZ_SECONDS", "45"))
#: Megabytes the process may grow by in the second half of a run.
GROWTH = 60
KEPT = Path(__file__).with_name("fuzz_kept.ndjson")


@pytest.fixture
def application(own_database: str, tmp_path: Path) -> Iterator[tuple[running.Application, running.World]]:
    found = running.opened(own_database, tmp_path, folder("fhir-r4-examples"))
    yield found
    found[0].close()


def test_odd_requests(application: tuple[running.Application, running.World], own_database: str) -> None:
    report = running.run(*application, range(REQUESTS), SEED, until=time.monotonic() + SECONDS)
    assert [(number, one.method, one.url, wrong) for number, one, wrong in report.broken] == []
    assert report.sent >= min(REQUESTS, 500)  # fewer than asked on a slow machine
    assert report.grown < GROWTH
    assert report.statuses[200] > report.sent // 20  # the requests get somewhere
    with psycopg.connect(own_database) as connection:
        assert halves(connection) == []


def test_kept_requests(application: tuple[running.Application, running.World]) -> None:
    """What once broke something does so no more."""
    sender, known = application
    sender.seed(known)
    lines = [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines()]
    assert lines
    for line in lines:
        _, wrong = running.judged(sender, running.from_line(line))
        assert (line["name"], wrong) == (line["name"], [])
