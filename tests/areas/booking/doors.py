"""Doors of a running house, and crowds that knock on them all at once: for tests of what holds under many clients."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.houses import free_port
from yba.fhir.r4.appointment import Appointment
from yba.fhir.record import now

SECRET = "c" * 32


@dataclass(frozen=True)
class Answer:
    door: str
    status: int
    text: str
    where: str = ""


@contextmanager
def serving(conninfo: str, folder: Path) -> Iterator[int]:
    """The house's own web process on a database of the test's; its port."""
    port = free_port()
    _tokens.clear()
    environ = os.environ | {
        "YBA_DATABASE_URL": conninfo,
        "YBA_DATA": str(folder),
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
            if ask(port, "GET", "/health").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("The server did not start.")


def ask(port: int, method: str, path: str, body: str = "", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return Answer("", answer.status, answer.read().decode(), answer.getheader("Location") or "")
    finally:
        connection.close()


def sign_in(account: Any) -> str:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(account.pk)
    session[BACKEND_SESSION_KEY] = "yba.site.accounts.backend.Backend"
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def post(port: int, path: str, session: str, **values: str) -> Answer:
    body = urlencode({"csrfmiddlewaretoken": SECRET} | values)
    return ask(
        port, "POST", path, body,
        **{
            "Cookie": f"sessionid={session}; csrftoken={SECRET}; yba_language=vi",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )  # fmt: skip


def citizen(port: int, slot: str, number: int, *, role_id: str = "vt") -> Callable[[], Answer]:
    session = _session_of(number)
    values = {
        "slot": slot,
        "patient": f"p{number}",
        "reason": "Chóng mặt",
        "phone": "0905123456",
        "once": "k",
    }
    return lambda: post(port, f"/dat-kham/bac-si/{role_id}/", session, **values)


def _session_of(number: int) -> str:
    """A citizen of this number, signed in; the same account when asked again."""
    from yba.site.accounts.models import Account

    account = Account.objects.filter(login=f"09770{number:05}").first()
    if account is None:
        account = Account.objects.create_account(f"09770{number:05}", role="citizen")
        account.links.create(patient_id=f"p{number}", relation="ban-than")
    return sign_in(account)


def holding(port: int, slot: str, number: int) -> Callable[[], Answer]:
    """A citizen has just chosen the time."""
    session = _session_of(number)
    return lambda: post(port, "/dat-kham/giu-gio", session, slot=slot)


def desk(port: int, slot: str, number: int, session: str, *, role_id: str = "vt") -> Callable[[], Answer]:
    values = {"slot": slot, "reason": "Chóng mặt", "phone": "0905123456", "once": f"k{number}"}
    return lambda: post(port, f"/dat-kham/dat-ho/?nguoi=p{number}&bac-si={role_id}", session, **values)


def series(
    port: int, schedule: str, slots: list[str], number: int, session: str = ""
) -> Callable[[], Answer]:
    """A series of these times, in this order on the page: by reception's session, else by a citizen's own."""
    query = urlencode(
        {"lich": schedule, "nguoi": f"p{number}", "kieu": "ngay", "moi": 1, "gio": "8:30", "lan": len(slots),
         "tu": (now() + timedelta(days=1)).strftime("%d/%m/%Y")}
    )  # fmt: skip
    values = {f"luot-{at}": one for at, one in enumerate(slots)}
    values |= {"reason": "Chạy thận", "phone": "0905123456", "once": f"c{number}"}
    mine = session or _session_of(number)
    return lambda: post(port, f"/dat-kham/chuoi/moi/?{query}", mine, **values)


def series_verdict(one: Answer) -> str:
    """What a client was told of a series: won, refused in words, or something strange."""
    if one.door == "single":
        return verdict(one)
    if one.status == 302:
        return "won" if "/chuoi/" in one.where else "strange"
    return "refused" if one.status == 409 and "vừa được người khác đặt" in one.text else "strange"


def move(port: int, slot: str, appointment: str, session: str) -> Callable[[], Answer]:
    return lambda: post(port, f"/dat-kham/sang-loc/{appointment}/doi-gio", session, slot=slot)


def api(port: int, wanted: Appointment, number: int) -> Callable[[], Answer]:
    from yba.fhir.model import codec
    from yba.site.accounts.actions import make_token

    token = make_token(role="citizen", person=f"p{number}", now=now())
    who = json.loads(codec.encode(wanted))
    who["participant"][0]["actor"] = {"reference": f"Patient/p{number}"}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    return lambda: ask(port, "POST", "/fhir/Appointment", json.dumps(who), **headers)


#: An app keeps its token: whose hold it is hangs on it.
_tokens: dict[int, str] = {}


def _operation(port: int, name: str, number: int, **given: str) -> Callable[[], Answer]:
    from yba.site.accounts.actions import make_token

    if number not in _tokens:
        _tokens[number] = make_token(role="citizen", person=f"p{number}", now=now())
    token = _tokens[number]
    parts = [{"name": key, "valueString": value} for key, value in given.items()]
    body = json.dumps({"resourceType": "Parameters", "parameter": parts})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    return lambda: ask(port, "POST", f"/fhir/Appointment/${name}", body, **headers)


def holding_by_fhir(port: int, slot: str, number: int) -> Callable[[], Answer]:
    """A citizen's app holds the time."""
    return _operation(port, "hold", number, slot=slot)


def booking_by_fhir(port: int, slot: str, number: int) -> Callable[[], Answer]:
    """A citizen's app books the time."""
    return _operation(port, "book", number, slot=slot, patient=f"p{number}")


def all_at_once(doors: list[tuple[str, Callable[[], Answer]]]) -> list[Answer]:
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


def verdict(one: Answer) -> str:
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
