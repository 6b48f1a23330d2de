"""Much at once: bundles over HTTP, files by two loaders, an export, and the room it all takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from bench.seed import observation
from bench.server import ROOT, Running
from yba.fhir import jobs
from yba.fhir.access import SYSTEM
from yba.fhir.bulk import export

LOADERS = 2
LOAD_GOAL, EXPORT_GOAL, MEMORY_GOAL = 3_000, 40_000, 250


def bundle(person: int) -> bytes:
    """A chart as a transaction: a patient, visits, observations, conditions, prescriptions, linked by urn:uuid."""
    patient = f"urn:uuid:00000000-0000-4000-8000-{person:012}"
    subject = {"reference": patient}
    entries = [_entry(patient, {"resourceType": "Patient", "name": [{"family": f"Ho{person}", "given": ["An"]}],
                                "gender": "male", "birthDate": "1970-02-03",
                                "identifier": [{"system": "urn:bench", "value": str(person)}]})]  # fmt: skip
    for visit in range(6):
        own = f"urn:uuid:00000000-0000-4000-8001-{person * 10 + visit:012}"
        entries.append(
            _entry(own, {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"},
                         "subject": subject, "period": {"start": f"202{visit}-03-04T08:00:00+07:00"}})
        )  # fmt: skip
        for number in range(8):
            made = json.loads(observation("@", visit * 8 + number), parse_float=float)
            made["subject"], made["encounter"] = subject, {"reference": own}
            entries.append(_entry(None, made))
        entries.append(
            _entry(None, {"resourceType": "Condition", "subject": subject, "encounter": {"reference": own},
                          "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10"}],
                                   "text": "Tăng huyết áp"}, "recordedDate": f"202{visit}-03-04"})
        )  # fmt: skip
        entries.append(
            _entry(None, {"resourceType": "MedicationRequest", "status": "active", "intent": "order",
                          "subject": subject, "medicationCodeableConcept": {"text": "Amlodipin 5 mg"},
                          "authoredOn": f"202{visit}-03-04"})
        )  # fmt: skip
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def _entry(full_url: str | None, resource: dict[str, object]) -> dict[str, object]:
    entry: dict[str, object] = {
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"]},
    }
    return entry if full_url is None else {"fullUrl": full_url, **entry}


RESOURCES_A_BUNDLE = 1 + 6 * 11


def report(running: Running, uri: str, folder: Path, bundles: int) -> bool:
    """Print rates and sizes; whether every goal that is set was met."""
    print(f"\n{'':34}{'':>12}{'goal':>10}")
    posted = _posted(running, bundles // 2)
    print(f"{'bundles over HTTP, 4 clients':34}{posted:10,.0f}/s")
    before = _sizes(uri)
    loaded = _loaded(uri, folder, bundles)
    print(f"{f'bundles from files, {LOADERS} loaders':34}{loaded:10,.0f}/s{LOAD_GOAL:10,}")
    after = _sizes(uri)
    exported = _exported(uri, folder)
    print(f"{'export':34}{exported:10,.0f}/s{EXPORT_GOAL:10,}")
    memory = running.memory()
    print(f"{'memory of the web process':34}{memory:10,.0f} MB{MEMORY_GOAL:9,}")
    count = after[0] - before[0]
    print(f"{'bytes a resource with all indexes':34}{(after[1] - before[1]) / count:10,.0f}")
    print(f"{'  of these its history':34}{(after[2] - before[2]) / count:10,.0f}")
    return loaded >= LOAD_GOAL and exported >= EXPORT_GOAL and memory <= MEMORY_GOAL


def _posted(running: Running, bundles: int) -> float:
    """Resources a second in transactions over HTTP."""
    bodies = [bundle(1_000_000 + number) for number in range(bundles)]
    waiting = iter(bodies)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                body = next(waiting, None)
            if body is None:
                return
            request = urllib.request.Request(
                running.url, body,
                {"Authorization": f"Bearer {running.token}", "Content-Type": "application/fhir+json",
                 "Prefer": "return=minimal"},
            )  # fmt: skip
            with urllib.request.urlopen(request, timeout=120) as answer:
                answer.read()

    return bundles * RESOURCES_A_BUNDLE / _timed([threading.Thread(target=work) for _ in range(4)])


def _timed(threads: list[threading.Thread]) -> float:
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def _loaded(uri: str, folder: Path, bundles: int) -> float:
    """Resources a second by the loader's own command, a process each, everything indexed and durable.

    Each loads a few first, so that the start of a process and the first use of each type are not counted.
    """
    processes = []
    for loader in range(LOADERS):
        place = folder / f"load-{loader}"
        place.mkdir()
        for number in range(bundles // LOADERS):
            (place / f"{number:06}.json").write_bytes(bundle(2_000_000 + loader * 100_000 + number))
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "yba.fhir", "--database", uri, "load", str(place)],
                env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    starts: list[float] = []
    warm = 5

    def follow(process: subprocess.Popen[str]) -> None:
        for number, _ in enumerate(_lines(process)):
            if number == warm:
                starts.append(time.perf_counter())
        process.wait()

    _timed([threading.Thread(target=follow, args=(process,)) for process in processes])
    end = time.perf_counter()
    return LOADERS * (bundles // LOADERS - warm - 1) * RESOURCES_A_BUNDLE / (end - max(starts))


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stderr is not None
    yield from process.stderr


def _exported(uri: str, folder: Path) -> float:
    """Resources a second from the record to NDJSON files."""
    files = folder / "files"
    with psycopg.connect(uri, autocommit=True) as connection:
        number = jobs.submit(connection, export.KIND, SYSTEM, {}, datetime.now(UTC))
        start = time.perf_counter()
        jobs.drain(
            lambda: psycopg.connect(uri, autocommit=True), {export.KIND: lambda run: export.run(run, files)}
        )
        seconds = time.perf_counter() - start
        job = jobs.get(connection, number)
    return float(sum(one["count"] for one in job.result["body"]["output"])) / seconds


def _sizes(uri: str) -> tuple[int, int, int]:
    """Resources, bytes of all tables, bytes of the history's."""
    query = (
        "select (select count(*) from record.resource), sum(pg_total_relation_size(c.oid)),"
        " sum(pg_total_relation_size(c.oid)) filter (where c.relname = 'version')"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'record' and c.relkind = 'r' and c.relname not in ('audit', 'outbox')"
    )
    with psycopg.connect(uri, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2])
