"""`python -m bench.booking`: a province's morning over HTTP, arrivals by the clock compressed twenty times.

Each journey is one person: a time is chosen (citizens hold it), booked, confirmed at the care desk, found at reception,
checked in, and the number read. The exit code is 1 when a promise was broken in the database; goals missed are printed.
"""

from __future__ import annotations

import argparse
import http.client
import os
import queue
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from bench import server
from bench.morning import Journey, Morning, Size, faults, make
from bench.place import temporary

TIMES = 20
GOAL_JOURNEYS, GOAL_P95 = 20, 300
_SECRET = "c" * 32


class Failed(Exception):
    """A step that was not answered as it should be."""


@dataclass
class Outcome:
    """What the clients saw: milliseconds by step, numbers shown, journeys that failed, times lost to another."""

    steps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    journeys: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    lost: int = 0
    seconds: float = 0


class Client:
    """One connection that stays open, for the journeys of one thread."""

    def __init__(self, port: int, outcome: Outcome) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._outcome = outcome

    def ask(
        self, step: str, method: str, path: str, body: str, headers: dict[str, str]
    ) -> tuple[int, str, str]:
        """Status, text and where it leads; its time is noted."""
        begun = time.perf_counter()
        self._http.request(method, path, body.encode(), headers)
        answer = self._http.getresponse()
        text = answer.read().decode()
        self._outcome.steps[step].append((time.perf_counter() - begun) * 1000)
        return answer.status, text, answer.getheader("Location") or ""

    def page(self, step: str, session: str, path: str, **values: str) -> tuple[int, str, str]:
        """A page of somebody signed in; with values, its form."""
        headers = {"Cookie": f"sessionid={session}; csrftoken={_SECRET}; yba_language=vi"}
        if not values:
            return self.ask(step, "GET", path, "", headers)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self.ask(step, "POST", path, urlencode({"csrfmiddlewaretoken": _SECRET} | values), headers)

    def close(self) -> None:
        self._http.close()


def walk(client: Client, one: Journey, outcome: Outcome) -> None:
    """From the wish to the number. Raises Failed."""
    for choice in range(len(one.slots)):
        booked = {"citizen": _by_citizen, "desk": _at_desk, "fhir": _over_fhir}[one.way](client, one, choice)
        if booked is not None:
            break
        outcome.lost += 1
    else:
        raise Failed(f"{one.way}: no time was left of {len(one.slots)}")
    if booked:
        status, _, where = client.page(
            "confirm", one.agent, f"/dat-kham/sang-loc/{booked}/xac-nhan", once=booked
        )
        _must(status == 302 and booked in where, "confirm", status, where)
    status, _, where = client.page("find at reception", one.desk, f"/dat-kham/tiep-nhan?q={one.phone}")
    _must(status == 302 and "/tiep-nhan/hen/" in where, "find at reception", status, where)
    status, text, _ = client.page("check-in page", one.desk, where)
    _must(status == 200 and 'name="seen"' in text, "check-in page", status, text)
    values = {"post": one.role, "seen": "on", "method": "later", "once": one.patient}
    status, text, where = client.page("check in", one.desk, where, **values)
    _must(status == 302 and "/tiep-nhan/so/" in where, "check in", status, where or text)
    status, text, _ = client.page("ticket", one.desk, where)
    _must(status == 200, "ticket", status, text)


def _must(right: bool, step: str, status: int, said: str) -> None:
    if not right:
        raise Failed(f"{step}: {status} {said[:200]}")


def _by_citizen(client: Client, one: Journey, choice: int) -> str | None:
    """Look at the doctor's times, hold one, send the form; None when another was quicker."""
    status, text, _ = client.page("doctor's times", one.key, f"/dat-kham/bac-si/{one.role}/")
    _must(status == 200, "doctor's times", status, text)
    slot = one.slots[choice]
    status, text, _ = client.page("hold", one.key, "/dat-kham/giu-gio", slot=slot)
    _must(status == 200, "hold", status, text)
    if "cho riêng mình" not in text:
        return None
    values = {"slot": slot, "patient": one.patient, "reason": "Chóng mặt", "phone": one.phone, "once": slot}
    status, text, where = client.page("book", one.key, f"/dat-kham/bac-si/{one.role}/", **values)
    _must(status == 302 and "/phieu/" in where, "book", status, where or text)
    return where.rstrip("/").rsplit("/", 1)[-1]


def _at_desk(client: Client, one: Journey, choice: int) -> str | None:
    """Reception books and confirms at once; nothing is left to confirm."""
    path = f"/dat-kham/dat-ho/?nguoi={one.patient}&bac-si={one.role}"
    slot = one.slots[choice]
    values = {"slot": slot, "reason": "Đau lưng", "phone": one.phone, "once": slot}
    status, text, _ = client.page("book at the desk", one.desk, path, **values)
    _must(status in (302, 409), "book at the desk", status, text)
    return "" if status == 302 else None


def _over_fhir(client: Client, one: Journey, choice: int) -> str | None:
    """Another system writes the Appointment."""
    headers = {"Authorization": f"Bearer {one.key}", "Content-Type": "application/fhir+json"}
    status, text, where = client.ask(
        "book over FHIR", "POST", "/fhir/Appointment", one.bodies[choice], headers
    )
    _must(status in (201, 409), "book over FHIR", status, text)
    return where.split("/Appointment/", 1)[-1].split("/", 1)[0] if status == 201 else None


def load(port: int, morning: Morning, *, clients: int, times: float) -> Outcome:
    """Let them come, each at their moment; late when all clients are busy."""
    outcome, waiting = Outcome(), queue.SimpleQueue[Journey]()
    for one in morning.journeys:
        waiting.put(one)
    begun = time.perf_counter()

    def serve() -> None:
        client = Client(port, outcome)
        while True:
            try:
                one = waiting.get_nowait()
            except queue.Empty:
                break
            time.sleep(max(0.0, begun + one.at / times - time.perf_counter()))
            start = time.perf_counter()
            try:
                walk(client, one, outcome)
                outcome.journeys.append((time.perf_counter() - start) * 1000)
            except (Failed, OSError, http.client.HTTPException) as error:
                outcome.failures.append(f"{type(error).__name__} {error}")
                client.close()
        client.close()

    threads = [threading.Thread(target=serve) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.seconds = time.perf_counter() - begun
    return outcome


def clocked(begins: datetime, times: float) -> dict[str, str]:
    """The environment of a server whose morning begins now, a child of the house as `yba serve` starts it: what pages
    read is noted by its journal."""
    return {"BENCH_CLOCK": f"{datetime.now(UTC).isoformat()}|{begins.isoformat()}|{times}", "YBA_CHILD": "1"}


def report(outcome: Outcome) -> None:
    """Journeys a second, and each step's times, against the goals."""
    rate = len(outcome.journeys) / outcome.seconds
    print(
        f"{len(outcome.journeys)} journeys in {outcome.seconds:.1f} s, {outcome.lost} times lost to a quicker one,"
        f" {len(outcome.failures)} journeys failed"
    )
    for text in outcome.failures[:5]:
        print(f"  {text}")
    print(f"\n{'step':20}{'count':>7}{'p50 ms':>9}{'p95 ms':>9}")
    for step, times in [*outcome.steps.items(), ("whole journey", outcome.journeys)]:
        print(f"{step:20}{len(times):7}{_at(times, 0.5):9.1f}{_at(times, 0.95):9.1f}")
    every = [one for times in outcome.steps.values() for one in times]
    p95 = _at(every, 0.95)
    print(f"{'every request':20}{len(every):7}{_at(every, 0.5):9.1f}{p95:9.1f}\n")
    print(f"journeys a second: {rate:.1f} (goal {GOAL_JOURNEYS}: {_met(rate >= GOAL_JOURNEYS)})")
    print(f"p95 of a request: {p95:.0f} ms (goal {GOAL_P95}: {_met(p95 < GOAL_P95)})")


def _at(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] if times else 0.0


def _met(right: bool) -> str:
    return "met" if right else "MISSED"


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m bench.booking", description=__doc__)
    arguments.add_argument("--rooms", type=int, default=Size().rooms)
    arguments.add_argument("--journeys", type=int, default=Size().journeys)
    arguments.add_argument(
        "--minutes", type=float, default=Size().minutes, help="of the morning, before compressing"
    )
    arguments.add_argument("--clients", type=int, default=16, help="that wait for an answer at once, at most")
    arguments.add_argument("--workers", type=int, default=2, help="web processes")
    arguments.add_argument("--threads", type=int, default=4, help="of each")
    arguments.add_argument(
        "--quick", action="store_true", help="a small town in seconds: to try a change, not to judge"
    )
    asked = arguments.parse_args()
    if asked.quick:
        asked.rooms, asked.journeys, asked.minutes = 24, 120, 2.0
    with temporary() as (uri, folder):
        return _morning(uri, folder / "data", asked)


def _morning(uri: str, data: Path, asked: argparse.Namespace) -> int:
    environment = server.environment(uri, data)
    if server.site_token(environment) is None:
        return 1
    os.environ.update(environment)
    import django

    django.setup()
    size = Size(rooms=asked.rooms, journeys=asked.journeys, minutes=asked.minutes)
    begun = time.perf_counter()
    morning = make(size, day=datetime.now(UTC).date())
    print(
        f"{size.facilities} facilities, {size.rooms} rooms, {size.journeys} journeys over {size.minutes:g} minutes"
        f" by a clock {TIMES} times as fast; {asked.workers} processes of {asked.threads} threads,"
        f" {asked.clients} clients; made in {time.perf_counter() - begun:.0f} s",
        file=sys.stderr,
    )
    with server.site(
        environment | clocked(morning.begins, TIMES),
        "bench.running_clock:application",
        threads=asked.threads,
        workers=asked.workers,
    ) as (url, _pid):
        outcome = load(int(url.rsplit(":", 1)[-1]), morning, clients=asked.clients, times=TIMES)
    report(outcome)
    broken = faults(len(outcome.journeys))
    print(
        "integrity: "
        + ("BROKEN" if broken else "whole: no seat, doctor or room twice, every word once, numbers 1 to n")
    )
    return 1 if broken or outcome.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
