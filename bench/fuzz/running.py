"""The run: a database of its own, the WSGI application in process, requests one after another, each judged.

It comes to the database as web processes do: behind the second wall.
"""

from __future__ import annotations

import contextlib
import io
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import unquote

import psycopg

from bench.fuzz import trees, values
from bench.fuzz.asking import request
from bench.fuzz.judging import SLOWEST, Answer, faults
from bench.fuzz.world import JSON, PERSONAL, SHARED, Asked, World, world
from yba.fhir import rest
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.condition import FACILITY_TAG
from yba.fhir.store.audit import Journal
from yba.fhir.store.webrole import ROLE

BASE = "http://record.test/fhir"
HOSPITAL = "fz-hospital"
ACTORS = {
    "system": SYSTEM,
    "doctor": Actor(user="fz-doctor", role="doctor", facility=HOSPITAL, practitioner="fz-0"),
    "citizen": Actor(user="fz-citizen", role="citizen", persons=frozenset({values.MINE}), person=values.MINE),
}
#: Requests after which what is known of everybody is put back as it was.
AGAIN = 2_000
HANGS = 30


class Hangs(BaseException):
    """No answer in half a minute."""


class Application:
    """The record's WSGI application on a database, and the requests sent to it."""

    def __init__(self, conninfo: str, files: Path) -> None:
        self.conninfo = conninfo
        own = threading.local()
        self.connections: list[psycopg.Connection[Any]] = []

        def connect() -> psycopg.Connection[Any]:
            found: psycopg.Connection[Any] | None = getattr(own, "connection", None)
            if found is None or found.closed:
                found = own.connection = psycopg.connect(
                    conninfo, autocommit=True, prepare_threshold=2, options=f"-c role={ROLE}"
                )
                self.connections.append(found)
            return found

        self.journal = Journal(connect)
        self.application = rest.application(
            connect, ACTORS.get, base_url=BASE, files=files, body_limit=2_000_000, journal=self.journal
        )

    def abandon(self) -> list[str]:
        """What the database was doing; the connections are let go, so that the next request gets a fresh one."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            doing = connection.execute(
                "select state, wait_event_type, wait_event, left(query, 200) from pg_stat_activity"
                " where backend_type = 'client backend' and pid <> pg_backend_pid()"
            ).fetchall()
        for connection in self.connections:
            connection.close()
        return [repr(one) for one in doing]

    def close(self) -> None:
        """Write the acts that wait, and let the database go."""
        self.journal.close()
        for connection in self.connections:
            connection.close()

    def __call__(self, asked: Asked) -> Answer:
        path, _, query = asked.url.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": asked.method,
            "SCRIPT_NAME": "/fhir",
            "PATH_INFO": unquote(path, errors="replace"),
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(asked.body)),
            "wsgi.input": io.BytesIO(asked.body),
            "wsgi.url_scheme": "http",
            "SERVER_NAME": "record.test",
            "SERVER_PORT": "80",
        }
        if asked.role != "none":
            environ["HTTP_AUTHORIZATION"] = f"Bearer {asked.role}"
        for name, value in asked.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        begun: list[Any] = []
        started = time.monotonic()
        body = b"".join(self.application(environ, lambda status, headers: begun.extend((status, headers))))
        return Answer(int(begun[0][:3]), dict(begun[1]), body, time.monotonic() - started)

    def seed(self, known: World) -> None:
        """Persons, what is theirs, and what all share, under known ids; others' content carries the secret."""
        for number, person in enumerate([*values.IDS[:6], values.MINE, values.OTHERS]):
            self._put(known, "Patient", person, person, number)
            for kind in PERSONAL:
                self._put(known, kind, person, person, number)
        for kind in SHARED:
            for number in range(3):
                self._put(known, kind, values.IDS[number], values.OTHERS, number)

    def _put(self, known: World, kind: str, identifier: str, person: str, number: int) -> None:
        own = known.examples.get(kind)
        if not own:
            return
        tree = {**trees.about(own[number % len(own)], person), "id": identifier}
        tree["meta"] = {"tag": [{"system": FACILITY_TAG, "code": HOSPITAL if number < 4 else "fz-elsewhere"}]}
        if kind == "Appointment":
            tree["participant"] = [{"actor": {"reference": f"Patient/{person}"}, "status": "accepted"}]
        if person == values.OTHERS and kind not in SHARED:
            tree["meta"]["tag"].append({"system": "http://x.example", "code": values.SECRET})
        self(
            Asked("system", "PUT", f"/{kind}/{identifier}", json.dumps(tree).encode(), {"Content-Type": JSON})
        )


@dataclass
class Report:
    """What a run found: the numbers of requests with what is wrong with their answers, and how much memory it took."""

    sent: int = 0
    broken: list[tuple[int, Asked, list[str]]] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    slowest: tuple[float, int] = (0.0, -1)
    resident: list[int] = field(default_factory=list)

    @property
    def grown(self) -> float:
        """Megabytes between the middle of the run and its end."""
        return (self.resident[-1] - self.resident[len(self.resident) // 2]) / 1024 if self.resident else 0.0


def resident() -> int:
    """Kilobytes of memory this process holds."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


@contextlib.contextmanager
def alarm() -> Iterator[None]:
    """Raise Hangs where an answer takes half a minute."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, HANGS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def judged(application: Application, asked: Asked) -> tuple[Answer, list[str]]:
    """Send a request and judge the answer; a slow one is asked once more, for the machine may have been busy."""
    for turn in range(2):
        try:
            with alarm():
                answer = application(asked)
        except Hangs:
            return Answer(0, {}, b"", HANGS), ["no answer in 30 s", *application.abandon()]
        except Exception as error:  # noqa: BLE001 - whatever it is, it should not leave the application
            return Answer(0, {}, b"", 0.0), [f"raised {error!r}"]
        if answer.seconds < SLOWEST or turn:
            break
    return answer, faults(asked, answer)


def opened(conninfo: str, files: Path, folder: Path) -> tuple[Application, World]:
    """The application, and the world its statement and the examples make."""
    application = Application(conninfo, files)
    statement = application(Asked("none", "GET", "/metadata"))
    known = world(json.loads(statement.body), trees.examples(folder))
    return application, known


def run(
    application: Application,
    known: World,
    numbers: range,
    seed: int,
    *,
    say: Callable[[str], None] | None = None,
    until: float | None = None,
) -> Report:
    """Send the requests of these numbers; ``until`` (monotonic) ends it sooner."""
    report = Report()
    for number in numbers:
        if report.sent % AGAIN == 0:
            application.seed(known)
        asked = request(known, seed, number)
        answer, wrong = judged(application, asked)
        report.sent += 1
        report.statuses[answer.status] = report.statuses.get(answer.status, 0) + 1
        report.slowest = max(report.slowest, (answer.seconds, number))
        if wrong:
            report.broken.append((number, asked, wrong))
            if say:
                say(f"{number} {asked.role} {asked.method} {asked.url[:200]}: {'; '.join(wrong)}")
        if report.sent % 500 == 0:
            report.resident.append(resident())
            if say and report.sent % 5000 == 0:
                say(
                    f"{report.sent:,} sent, {report.resident[-1] // 1024} MB, slowest {report.slowest[0]:.1f} s"
                )
        if until is not None and time.monotonic() > until:
            break
    return report


def print_line(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode() + "\n")
    sys.stdout.flush()


def line(asked: Asked, name: str, wrong: list[str]) -> dict[str, Any]:
    """A request as a line of a file of kept cases."""
    return {
        "name": name,
        "why": wrong,
        "role": asked.role,
        "method": asked.method,
        "url": asked.url,
        "body": asked.body.decode("latin-1"),
        "headers": dict(asked.headers),
    }


def from_line(found: dict[str, Any]) -> Asked:
    """The request of such a line."""
    return Asked(
        found["role"], found["method"], found["url"], found["body"].encode("latin-1"), found["headers"]
    )
