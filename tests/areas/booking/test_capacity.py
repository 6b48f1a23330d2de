"""Two hundred clients through four doors of a running house want one slot: one gets it, the others are told so."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.areas.booking.province import HOSPITAL, build, opened
from tests.houses import free_port
from yba.areas.booking import actions, rules
from yba.areas.booking.models import Seat
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.slot import Slot
from yba.fhir.record import now

CLIENTS = 200
EACH = CLIENTS // 4
SECRET = "c" * 32


@dataclass(frozen=True)
class Answer:
    door: str
    status: int
    text: str
    where: str = ""


@pytest.fixture
def server(committed: str, tmp_path: Path) -> Iterator[int]:
    """The house's own web process on a database of this test."""
    port = free_port()
    environ = os.environ | {
        "YBA_DATABASE_URL": committed,
        "YBA_DATA": str(tmp_path),
        "YBA_PORT": str(port),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    line = [
        sys.executable,
        "-m",
        "granian",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--interface",
        "wsgi",
    ]
    line += [
        "--log-level",
        "warning",
        "--blocking-threads",
        "8",
        "--backlog",
        "1024",
        "yba.site.wsgi:application",
    ]
    process = subprocess.Popen(line, env=environ)
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            if _ask(port, "GET", "/health").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("The server did not start.")


def _ask(port: int, method: str, path: str, body: str = "", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return Answer("", answer.status, answer.read().decode(), answer.getheader("Location") or "")
    finally:
        connection.close()


def _sign_in(account: Any) -> str:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(account.pk)
    session[BACKEND_SESSION_KEY] = "yba.site.accounts.backend.Backend"
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def _post(port: int, path: str, session: str, **values: str) -> Answer:
    body = urlencode({"csrfmiddlewaretoken": SECRET} | values)
    return _ask(
        port, "POST", path, body,
        **{
            "Cookie": f"sessionid={session}; csrftoken={SECRET}; yba_language=vi",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )  # fmt: skip


def _citizen(port: int, slot: str, number: int) -> Callable[[], Answer]:
    from yba.site.accounts.models import Account

    account = Account.objects.create_account(f"09770{number:05}", role="citizen")
    account.links.create(patient_id=f"p{number}", relation="ban-than")
    session = _sign_in(account)
    values = {
        "slot": slot,
        "patient": f"p{number}",
        "reason": "Chóng mặt",
        "phone": "0905123456",
        "once": "k",
    }
    return lambda: _post(port, "/dat-kham/bac-si/vt/", session, **values)


def _desk(port: int, slot: str, number: int, session: str) -> Callable[[], Answer]:
    values = {"slot": slot, "reason": "Chóng mặt", "phone": "0905123456", "once": f"k{number}"}
    return lambda: _post(port, f"/dat-kham/dat-ho/?nguoi=p{number}&bac-si=vt", session, **values)


def _move(port: int, slot: str, appointment: str, session: str) -> Callable[[], Answer]:
    return lambda: _post(port, f"/dat-kham/sang-loc/{appointment}/doi-gio", session, slot=slot)


def _api(port: int, wanted: Appointment, number: int) -> Callable[[], Answer]:
    from yba.fhir.model import codec
    from yba.site.accounts.actions import make_token

    token = make_token(role="citizen", person=f"p{number}", now=now())
    who = json.loads(codec.encode(wanted))
    who["participant"][0]["actor"] = {"reference": f"Patient/p{number}"}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    return lambda: _ask(port, "POST", "/fhir/Appointment", json.dumps(who), **headers)


@pytest.mark.slow
def test_two_hundred_clients_and_one_slot(server: int) -> None:
    from django.db import connection

    from yba.site.accounts.models import Account

    connection.ensure_connection()
    record = opened(connection, at=now)
    build(record, days=5, people=CLIENTS)
    free = [one.id or "" for one in record.find(Slot, ("status", "free"), ("_sort", "-start"))]
    slot, others = free[0], free[1 : EACH // 2 + 1]
    asked = [
        actions.book_appointment(record, slot_id=other, patient_id=f"p{number}", reason="Ho")
        for number, other in enumerate(others, EACH + 1)
    ]
    agent = _sign_in(
        Account.objects.create_account("cskh", role="customer_care", facility=HOSPITAL, name="Linh")
    )
    desk = _sign_in(
        Account.objects.create_account("td", role="receptionist", facility=HOSPITAL, name="Trang")
    )
    wanted = Appointment(status="pending", participant=[actions._patient(record.read("Patient", "p1"))])  # type: ignore[arg-type]
    actions.place(wanted, *_slot_and_post(record, slot))
    doors: list[tuple[str, Callable[[], Answer]]] = []
    doors += [("citizen", _citizen(server, slot, number)) for number in range(1, EACH + 1)]
    doors += [("move", _move(server, slot, one.id or "", agent)) for one in asked]
    first = EACH + len(asked) + 1
    doors += [("care desk", _desk(server, slot, n, agent)) for n in range(first, 2 * EACH + 1)]
    doors += [("reception", _desk(server, slot, n, desk)) for n in range(2 * EACH + 1, 3 * EACH + 1)]
    doors += [("fhir", _api(server, wanted, n)) for n in range(3 * EACH + 1, CLIENTS + 1)]
    assert len(doors) == CLIENTS

    answers = _all_at_once(doors)

    holders = [
        one.id for one in record.find(Appointment, ("slot", f"Slot/{slot}")) if one.status in rules.HOLDING
    ]
    assert len(holders) == 1
    assert list(Seat.objects.filter(slot_id=slot).values_list("appointment_id", flat=True)) == holders
    assert record.read(Slot, slot).status == "busy"
    told = Counter((one.door, _verdict(one)) for one in answers)
    assert sum(count for (_door, verdict), count in told.items() if verdict == "strange") == 0, told
    won = sum(count for (_door, verdict), count in told.items() if verdict == "won")
    moved = sum(rules.slot_id_of(record.read(Appointment, one.id or "")) == slot for one in asked)
    assert won + moved == 1, told
    refused = sum(count for (_door, verdict), count in told.items() if verdict == "refused")
    assert refused == CLIENTS - len(asked) - won, told
    held = Seat.objects.filter(slot_id__in=others).count()
    assert held == len(asked) - moved, "who lost the new time keeps the old one"


def _slot_and_post(record: Any, slot: str) -> Any:
    from yba.areas.booking import queries

    return queries.slot_and_post(record, slot)


def _all_at_once(doors: list[tuple[str, Callable[[], Answer]]]) -> list[Answer]:
    answers: list[Answer] = []
    start = threading.Barrier(len(doors))

    def knock(door: str, ask: Callable[[], Answer]) -> None:
        start.wait()
        found = ask()
        answers.append(Answer(door, found.status, found.text, found.where))

    threads = [threading.Thread(target=knock, args=one) for one in doors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(180)
    assert len(answers) == len(doors)
    return answers


def _verdict(one: Answer) -> str:
    """What a client was told: won, refused in words, moved (asked of the record later), or something strange."""
    if one.door == "move":
        return "move" if one.status == 302 else "strange"
    if one.door == "fhir":
        if one.status == 201:
            return "won"
        return "refused" if one.status == 409 and "has just been taken" in one.text else "strange"
    if one.status == 302:
        return "won" if "/sign" not in one.where and "login" not in one.where else "strange"
    return "refused" if one.status == 409 and "vừa có người đặt" in one.text else "strange"
