"""What the access door costs: the same read and the same search, asked by somebody with relations and without a door.

Both are asked in turn, one request each, so that what else the machine does falls on both alike: the one behind the
second wall, as web processes come, with the conditions of a role; the other as the owner of the tables and the system,
who sees every row without a condition or a wall. The doctor's door is the longest text of all: own patients, treated
persons, consents, labels; the citizen's asks for the own chart, wards and persons who let them act. A citizen asks
``IN_A_ROW`` times, as a page of the book does, before the next one comes.

The goals are of throughput: two servers, one each way, are driven over HTTP in turn, and the middle of each one's runs
counts. Both are the whole site as ``make bench`` drives it: the token is looked up in its tables and remembered, and
each read is in the audit. One comes to the database as the tables' owner and is asked with a token of the system; the
other as the web does, asked with tokens of a doctor or of citizens, one each. Beside it stands what one request takes
inside the record, without HTTP, where the door's share is larger.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

import psycopg

from bench import load, server
from yba.fhir import rest
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.store import Journal, webrole

ASKED, WARM, IN_A_ROW = 2_000, 200, 5
ROUNDS = 9
# As many as are asked at once: with the site's usual number two servers would pass what the database lets in.
THREADS = 8
GOALS = {"read": 0.15, "search": 0.20}
FACILITY = "bench-f0"
_REQUESTS = {
    "read": "Observation/#-o3",
    "search": "Observation?"
    + urlencode({"patient": "#", "category": "vital-signs", "_sort": "-date"}, safe="#"),
}
# Whose charts the doctor stands to: persons with an open visit at the facility, whose results it keeps.
_PERSONS = (
    "select distinct r.patient::varchar from record.resource r join record.standing s on s.patient = r.patient"
    " where r.type = 'Observation' and r.id = r.patient || '-o3' and r.facility = %s and s.holder = 'facility:' || %s"
    " and s.basis = 'visit' order by 1 limit 200"
)


def report(uri: str, folder: Path) -> bool:
    """Print lines for each request and actor; whether the door costs no more of the throughput than its goals."""
    with _connection(uri) as owner, _connection(uri, options=f"-c role={webrole.ROLE}") as web:
        if not webrole.admit(owner):
            raise RuntimeError("the role of web processes may not be made here")
        persons = [row[0] for row in owner.execute(_PERSONS, (FACILITY, FACILITY)).fetchall()]
        if not persons:
            raise RuntimeError("nobody has an open visit at the facility the bench asks for")
        journal = Journal(partial(psycopg.connect, uri, autocommit=True))
        try:
            for one in _REQUESTS.items():
                _line(owner, web, journal, persons, *one)
        finally:
            journal.close()
    return _throughput(uri, folder, persons)


def _throughput(uri: str, folder: Path, persons: list[str]) -> bool:
    """Both servers under load in turn; whether the goals are kept."""
    environ = server.environment(uri, folder / "data")
    environ.pop("YBA_WEB_DATABASE_URL", None)
    system = server.site_token(environ)
    if system is None:
        raise RuntimeError("the site does not get up")
    tokens = _tokens(environ, persons)
    application = "yba.site.wsgi:application"
    kept = True
    with (
        server.site({**environ, "YBA_WEB_DATABASE_URL": uri}, application, threads=THREADS) as (plain, _),
        server.site(environ, application, threads=THREADS) as (walled, _),
    ):
        for name, asked in _REQUESTS.items():
            for role in _ACTORS:
                without, with_it = _in_turn(
                    folder,
                    (plain, load.door_script(dict.fromkeys(persons, system), asked, IN_A_ROW)),
                    (walled, load.door_script(tokens[role], asked, IN_A_ROW)),
                )
                cost = 1 - with_it / without
                kept &= cost <= GOALS[name]
                print(
                    f"door, HTTP  {name:8}{role:9}{with_it:8,.0f}/s, without {without:8,.0f}/s:"
                    f" costs {cost:4.0%} (goal {GOALS[name]:.0%})",
                    flush=True,
                )
    return kept


# Made as the operator makes them (`yba token`), all by one process.
_MAKING = """
import json, sys
from datetime import UTC, datetime
import django
django.setup()
from yba.site.accounts.actions import make_token
print(json.dumps([make_token(now=datetime.now(UTC), **one) for one in json.load(sys.stdin)]))
"""


def _tokens(environ: dict[str, str], persons: list[str]) -> dict[str, dict[str, str]]:
    """Role -> person asked about -> the bearer token to ask with: one of a doctor, and each citizen's own."""
    doctor = _doctor("")
    wanted: list[dict[str, Any]] = [
        {
            "role": "doctor",
            "facility": doctor.facility,
            "practitioner": doctor.practitioner,
            "departments": sorted(doctor.departments),
        },
        *({"role": "citizen", "person": one} for one in persons),
    ]
    done = subprocess.run(
        [sys.executable, "-c", _MAKING],
        env=environ, input=json.dumps(wanted), capture_output=True, text=True, check=True,
    )  # fmt: skip
    first, *own = json.loads(done.stdout)
    return {"doctor": dict.fromkeys(persons, first), "citizen": dict(zip(persons, own, strict=True))}


def _in_turn(folder: Path, *both: tuple[str, str]) -> tuple[float, float]:
    """The middle rate of each of two loads, driven in turn, so that what else the machine does falls on both alike."""
    rates: tuple[list[float], list[float]] = ([], [])
    for number in range(-1, ROUNDS):
        for found, (url, script) in zip(rates, both, strict=True):
            run = load.run(url, script, folder, 16, 1)
            if run.errors:
                raise RuntimeError(f"{run.errors} answers were errors")
            if number >= 0:  # the first warms
                found.append(run.rate)
    return median(rates[0]), median(rates[1])


def _connection(uri: str, **more: Any) -> psycopg.Connection[Any]:
    return psycopg.connect(uri, autocommit=True, prepare_threshold=2, **more)


def _line(
    owner: psycopg.Connection[Any],
    web: psycopg.Connection[Any],
    journal: Journal,
    persons: list[str],
    name: str,
    asked: str,
) -> None:
    actors: dict[str, Actor] = {"system": SYSTEM}
    free, held = (
        rest.application(
            partial(lambda one: one, on), actors.get, base_url="http://127.0.0.1/fhir", journal=journal
        )
        for on in (owner, web)
    )
    for role, how in _ACTORS.items():
        times: dict[str, list[float]] = {"system": [], role: []}
        for number in range(ASKED + WARM):
            person = persons[number // IN_A_ROW % len(persons)]
            if number % IN_A_ROW == 0:
                actors[role] = how(person)
            for token in ("system", role) if number % 2 else (role, "system"):
                start = time.perf_counter()
                _ask(free if token == "system" else held, asked.replace("#", person), token)
                if number >= WARM:
                    times[token].append(time.perf_counter() - start)
        without, with_it = (_middle(times[one]) for one in ("system", role))
        cost = 1 - without / with_it
        print(
            f"door, alone {name:8}{role:9}{with_it * 1e6:8,.0f} µs, without {without * 1e6:8,.0f} µs:"
            f" costs {cost:4.0%}",
            flush=True,
        )


def _doctor(_: str) -> Actor:
    return Actor(
        user="bench-doctor", role="doctor", facility=FACILITY, practitioner="bench-d0",
        departments=frozenset({"bench-k0"}),
    )  # fmt: skip


def _citizen(person: str) -> Actor:
    return Actor(user="bench-citizen", role="citizen", person=person, persons=frozenset({person}))


_ACTORS: Mapping[str, Callable[[str], Actor]] = {"doctor": _doctor, "citizen": _citizen}


def _middle(times: list[float]) -> float:
    """Seconds of one request: the mean of the middle half, which a stumble of the machine does not move."""
    ordered = sorted(times)
    middle = ordered[len(ordered) // 4 : len(ordered) * 3 // 4]
    return sum(middle) / len(middle)


def _ask(application: Any, address: str, token: str) -> None:
    path, _, query = address.partition("?")
    environ: dict[str, Any] = {
        "PATH_INFO": f"/{path}",
        "QUERY_STRING": query,
        "HTTP_AUTHORIZATION": f"Bearer {token}",
    }
    setup_testing_defaults(environ)
    status: list[str] = []
    body = b"".join(application(environ, lambda line, _: status.append(line)))
    if not status[0].startswith("200") or b'"total":0' in body:
        raise RuntimeError(f"{address} as {token}: {status[0]} {body[:200]!r}")
