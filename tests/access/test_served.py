"""A house as it is run (`yba serve`), asked over its sockets by everybody: tokens, apps, sessions, pages, streams.

The same world, the same oracle; here nothing is called but what the network reaches. ``YBA_ACCESS_SERVED``: one of so
many questions is asked (usually 1 of 7), always the same ones; 1 asks them all.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from tests.access import oracle
from tests.access.asking import ACTORS, count, words
from tests.access.hooks import BACKPORT, Hooks, a_procedure, topic
from tests.access.keys import SCOPES, SESSIONS, TOKENS
from tests.access.test_matrix_reading import chosen
from tests.access.world import PERSONS, World, fill
from tests.houses import House, free_port, roof
from yba.fhir.access import Actor
from yba.site.oauth import scopes

pytestmark = pytest.mark.slow
EVERY = int(os.environ.get("YBA_ACCESS_SERVED", "7"))
ROOT = Path(__file__).parents[2]
TYPES = (
    "Patient", "Observation", "Encounter", "Condition", "Appointment", "Consent", "Invoice", "Binary", "Subscription",
    "Organization", "Provenance", "MedicationRequest",
)  # fmt: skip
SENSITIVE = frozenset({"hiv", "mental", "reproductive", "restricted"})
"""What a person's app is given only where the person says so (`site/oauth/README.md`); that they are known is not."""


@dataclass
class Served:
    """A running house, the keys to it, and where its subscribers listen."""

    house: House
    keys: Any
    hooks: Hooks

    def ask(self, path: str, *, token: str | None = None, cookie: str | None = None, body: Any = None,
            method: str | None = None, **headers: str) -> tuple[int, bytes]:  # fmt: skip
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if cookie is not None:
            sent["Cookie"] = f"{_cookie_name()}={cookie}"
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/fhir+json"
        url = path if path.startswith("http") else self.house.address + path
        request = urllib.request.Request(url, data=data, method=method, headers=sent)
        count("requests")
        try:
            with _opener.open(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()

    def fhir(self, name: str, path: str, **more: Any) -> tuple[int, bytes]:
        return self.ask(f"/fhir/{path}", token=self.keys["tokens"][name], **more)

    def pages(self, token: str, path: str) -> set[str]:
        """The secrets in all pages of an answer."""
        url, found = f"/fhir/{path}", set[str]()
        for _ in range(40):
            status, body = self.ask(url, token=token)
            assert status == 200, (path, body[:300])
            found |= words(body)
            links = {one["relation"]: one["url"] for one in json.loads(body).get("link", [])}
            if "next" not in links:
                return found
            url = links["next"]
        raise AssertionError("pages without end")


class _NotLed(urllib.request.HTTPRedirectHandler):
    """Redirects are looked at, not followed."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NotLed)


def _cookie_name() -> str:
    from django.conf import settings

    return str(settings.SESSION_COOKIE_NAME)


@pytest.fixture(scope="module")
def served(world: World) -> Iterator[Served]:
    folder = Path(tempfile.mkdtemp(prefix="yba-access-"))
    hooks = Hooks()
    settings = {"YBA_SUBSCRIPTION_ENDPOINTS": hooks.url}
    house = House(folder / "house", port=free_port(), arguments=("--empty",), settings=settings)
    roof(house.data)
    try:
        house.start()
        with psycopg.connect(house.conninfo) as connection:
            fill(connection, world)
            connection.execute("delete from record.outbox")
        with psycopg.connect(house.conninfo, autocommit=True) as connection:
            connection.execute("vacuum (analyze)")
        made = subprocess.run(
            [sys.executable, "-m", "tests.access.keys"], env=house.environ, capture_output=True, text=True, cwd=ROOT,
            timeout=300, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-4000:]
        yield Served(house, json.loads(made.stdout.splitlines()[-1]), hooks)
    finally:
        house.stop()
        hooks.server.close()
        shutil.rmtree(folder, ignore_errors=True)


def comes_as(name: str) -> Actor:
    """As whom somebody comes by a token of the operator's: it names no app and no purpose."""
    return replace(ACTORS[name], app=None, purpose=None)


def now() -> datetime:
    return datetime.now(UTC)


# -- tokens --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TOKENS)
def test_tokens(served: Served, world: World, name: str) -> None:
    """What a token opens: all pages of a search, of a history, single rows, counts and exports' beginnings."""
    actor, wrong = comes_as(name), {}
    for kind in TYPES:
        if not chosen(name, kind, every=min(EVERY, 3)):
            continue
        for way, url in (("search", f"{kind}?_count=400"), ("history", f"{kind}/_history?_count=400")):
            expected = {
                row.secret for row in world.of_type(kind) if oracle.allowed(world, actor, row, way, now())
            }
            found = served.pages(served.keys["tokens"][name], url)
            count("served")
            if found != expected:
                wrong[kind, way] = len(found - expected), len(expected - found)
        if kind in ("Consent", "Subscription"):
            continue  # apps and other tests have made some
        status, body = served.fhir(name, f"{kind}?_summary=count&_total=accurate")
        may = [row for row in world.of_type(kind) if oracle.allowed(world, actor, row, "search", now())]
        assert (status, json.loads(body)["total"]) == (200, len(may)), kind
    for row in world.rows:
        if not chosen("served", name, row.name, every=EVERY * 40):
            continue
        may_read = oracle.allowed(world, actor, row, "read", now())
        status, body = served.fhir(name, row.name)
        count("served")
        if (status, words(body)) != ((200, {row.secret}) if may_read else (404, set())):
            wrong[row.name, "read"] = status, may_read
        if not may_read:
            never = f"{row.type}/{'n' * len(row.id)}"
            nothing = served.fhir(name, never)
            if (status, body.replace(row.name.encode(), b"")) != (
                nothing[0],
                nothing[1].replace(never.encode(), b""),
            ):
                wrong[row.name, "told apart"] = body[:200], nothing[1][:200]
    assert wrong == {}
    exports = "export" in oracle.said()["roles"][actor.role].get("operations", [])
    status, _ = served.fhir(name, "$export?_type=Patient", Prefer="respond-async")
    assert status == (202 if exports else 403)
    imports = "import" in oracle.said()["roles"][actor.role].get("operations", [])
    status, _ = served.fhir(name, "$import", body={"resourceType": "Parameters"}, Prefer="respond-async")
    assert status == (400 if imports else 403)


def test_nothing_without_a_token_and_nothing_by_a_cookie(served: Served, world: World) -> None:
    """A page's session opens pages, not the endpoint; neither does a made-up token, nor one in the address."""
    rows = [row.name for row in world.rows if chosen("strange", row.name, every=400)]
    assert len(rows) > 5
    token = served.keys["tokens"]["system_role"]
    for one in [*rows, "Patient", "Patient?_summary=count", "$export", "Patient/me/$everything", "_history"]:
        bare = served.ask(f"/fhir/{one}")
        assert bare[0] == 401
        for answer in (
            served.ask(f"/fhir/{one}", cookie=served.keys["sessions"]["doctor"]),
            served.ask(f"/fhir/{one}", token=token[:-1] + ("a" if token[-1] != "a" else "b")),
            served.ask(f"/fhir/{one}{'&' if '?' in one else '?'}access_token={token}"),
            served.ask(f"/fhir/{one}", Authorization=f"Basic {token}"),
        ):
            assert (answer[0], words(answer[1])) == (401, set()), one


def test_a_cursor_of_another_opens_nothing(served: Served, world: World) -> None:
    """The next page of one who sees all, asked for by others: only what they see themselves."""
    whole = served.keys["tokens"]["system_role"]
    for asked in ("Observation?_count=40", "Patient?_sort=birthdate&_count=5", "Observation?_sort=-date&_count=30",
                  "Encounter/_history?_count=20", "Patient?_sort=family&_count=3&_total=accurate"):  # fmt: skip
        _, body = served.ask(f"/fhir/{asked}", token=whole)
        link = next(one["url"] for one in json.loads(body)["link"] if one["relation"] == "next")
        kind = asked.partition("?")[0].partition("/")[0]
        for name in ("doctor", "citizen", "cashier", "wall", "device", "auditor", "records_b"):
            status, answer = served.ask(link, token=served.keys["tokens"][name])
            count("forged")
            may = {
                row.secret for row in world.of_type(kind)
                if oracle.allowed(world, comes_as(name), row, "search", now())
            }  # fmt: skip
            assert status in (200, 400, 403), answer
            assert words(answer) <= may, (asked, name)
            total = json.loads(answer).get("total")
            assert total is None or total <= len(may) or "_history" in asked


# -- apps ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", SCOPES)
def test_apps(served: Served, world: World, given: str) -> None:
    """A person's app: what its scopes name, in the launch's chart, without what needs a right of its own."""
    actor = replace(
        ACTORS["citizen"], app="an-app", scopes=tuple(scopes.resources(SCOPES[given].split())), launched="me",
        withheld=SENSITIVE,
    )  # fmt: skip
    _app(served, world, actor, served.keys["apps"][given])
    for kind in ("Patient", "Observation"):
        body = {
            "resourceType": kind,
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": "Patient/me"},
        }
        status, _ = served.ask(f"/fhir/{kind}", token=served.keys["apps"][given], body=body)
        assert status in (400, 403), kind


def test_programs(served: Served, world: World) -> None:
    actor = Actor(
        user="app-1", role="outside_system", facility="A", app="app-1",
        scopes=tuple(scopes.resources(["system/Observation.rs", "system/Patient.rs"])),
    )  # fmt: skip
    _app(served, world, actor, served.keys["backend"])


def _app(served: Served, world: World, actor: Actor, token: str) -> None:
    wrong = {}
    for kind in TYPES:
        rows = world.of_type(kind)
        expected = {row.secret for row in rows if oracle.allowed(world, actor, row, "search", now())}
        found = served.pages(token, f"{kind}?_count=400")
        count("served app")
        if found != expected:
            wrong[kind] = len(found - expected), len(expected - found)
        for row in rows:
            if chosen("app", str(actor.scopes), row.name, every=EVERY * 9):
                may = oracle.allowed(world, actor, row, "read", now())
                status, body = served.ask(f"/fhir/{row.name}", token=token)
                if (status == 200, bool(words(body))) != (may, may):
                    wrong[row.name] = status, may
    assert wrong == {}


# -- pages ---------------------------------------------------------------------------------------------------------

_PERSON = re.compile(r"Người ({})".format("|".join(sorted(PERSONS, key=len, reverse=True))))
AUDIT = "quan-tri/nhat-ky/"
_KINDS = {
    "patient": "Patient", "patient_id": "Patient", "encounter_id": "Encounter", "visit_id": "Encounter",
    "appointment": "Appointment", "appointment_id": "Appointment", "consent_id": "Consent", "invoice": "Invoice",
    "code": "MedicationRequest", "role_id": "PractitionerRole", "place": "Organization",
}  # fmt: skip
# What each tells of itself, not of a person: a stranger's files and numbers are asked for by their own addresses.
_LEFT = re.compile(r"^(oauth|\.well-known|fhir|ui/|i18n|design|favicon|ra$|vao|khoa|moi/|demo|admin)")


def routes() -> list[str]:
    """The addresses of all pages a browser can ask for, as Django has them."""
    from django.urls import URLPattern, get_resolver

    def walk(resolver: Any, before: str) -> Iterator[str]:
        for one in resolver.url_patterns:
            if isinstance(one, URLPattern):
                yield before + str(one.pattern)
            else:
                yield from walk(one, before + str(one.pattern))

    return [one for one in walk(get_resolver(), "") if not _LEFT.match(one) and "^" not in one]


def filled_in(route: str, world: World, name: str, never: bool = False) -> Iterator[str]:
    """The route for some rows of its kind; as it is where it names none."""
    named = re.findall(r"<(\w+):(\w+)>", route)
    if not named:
        yield route
        return
    kind = next((_KINDS[one] for _, one in named if one in _KINDS), None)
    if "type_name" in route:
        kind = "Patient"
    rows = [
        row
        for row in world.of_type(kind or "Patient")
        if row.patient or kind in ("PractitionerRole", "Organization")
    ]
    for row in rows if kind else rows[:1]:
        if kind and not chosen(name, route, row.name, every=max(1, EVERY * len(rows) // 4)):
            continue
        url = route
        for form, one in named:
            value = (
                "1"
                if form == "int"
                else "Patient"
                if one == "type_name"
                else "xem"
                if one in ("act", "deed", "what", "size")
                else row.id
            )
            url = url.replace(f"<{form}:{one}>", quote(value))
        yield url


@pytest.mark.parametrize("name", SESSIONS)
def test_pages(served: Served, world: World, name: str) -> None:
    """No page of any room names a person who is hidden from the one who looks, nor shows anything of their rows."""
    actor = comes_as(name)
    seen = {row.id for row in world.of_type("Patient") if oracle.allowed(world, actor, row, "read", now())}
    shown = {row.secret for row in world.rows if oracle.allowed(world, actor, row, "read", now())}
    asked, wrong = 0, []
    cookie = served.keys["sessions"][name]
    for route in routes():
        for url in filled_in(route, world, name):
            status, body = served.ask(f"/{url}", cookie=cookie)
            asked += 1
            count("pages")
            named = set(_PERSON.findall(body.decode("utf-8", "replace")))
            if url.startswith(AUDIT) and status == 200:
                named = set()  # whose record was opened is what its readers are there for
            if named - seen or words(body) - shown:
                wrong.append((url, status, sorted(named - seen)[:4], sorted(words(body) - shown)[:4]))
    assert wrong == []
    assert asked > 40


def test_a_suspended_account_has_no_session_any_more(served: Served) -> None:
    """With the next request, of a page as of an app."""
    cookie, token = served.keys["sessions"]["citizen_other"], served.keys["apps"]["chart"]
    assert served.ask("/so/trang/", cookie=cookie)[0] == 200
    assert served.ask("/fhir/Observation", token=token)[0] == 200
    with psycopg.connect(served.house.conninfo, autocommit=True) as connection:
        suspend = (
            "update accounts_account set suspended_at = {} where id in"
            " (select account_id from accounts_accountperson where patient_id in ('me', 'stranger'))"
        )
        connection.execute(suspend.format("clock_timestamp()"))
        try:
            assert served.ask("/so/trang/", cookie=cookie)[0] != 200
            deadline = (
                time.monotonic() + 15
            )  # a token is remembered for ten seconds where nothing tells of its end
            while served.ask("/fhir/Observation", token=token)[0] != 401:
                assert time.monotonic() < deadline
                time.sleep(0.3)
        finally:
            connection.execute(suspend.format("null"))


# -- subscriptions ---------------------------------------------------------------------------------------------------


class Stream:
    """Server-sent events of one subscription, as they come."""

    def __init__(self, served: Served, token: str, identifier: str) -> None:
        self.body, self.status, self.ended = b"", 0, False
        request = urllib.request.Request(
            f"{served.house.live}/live/subscriptions/{identifier}",
            headers={"Authorization": f"Bearer {token}", "Last-Event-ID": "0"},
        )
        try:
            self.answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as refusal:
            self.status = refusal.code
            return
        self.status = self.answer.status
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while piece := self.answer.read1(65536):
                self.body += piece
        except (OSError, ValueError):
            pass
        self.ended = True


def eventually(is_so: Any, seconds: float = 30) -> bool:
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def test_subscriptions_of_a_house(served: Served, world: World) -> None:
    """Hook and stream of a doctor: the visible change comes by both, the hidden by neither; both end with the token."""
    token = served.keys["tokens"]["doctor"]
    made = {}
    for name, channel in (
        ("hook", {"type": "rest-hook", "endpoint": f"{served.hooks.url}/served"}),
        (
            "stream",
            {
                "_type": {
                    "extension": [{"url": BACKPORT + "backport-channel-type", "valueCoding": {"code": "sse"}}]
                }
            },
        ),
    ):
        content = {
            "extension": [{"url": BACKPORT + "backport-payload-content", "valueCode": "full-resource"}]
        }
        body = {
            "resourceType": "Subscription", "status": "requested", "reason": "Theo dõi",
            "criteria": topic("record-change"),
            "channel": {**channel, "payload": "application/fhir+json", "_payload": content},
        }  # fmt: skip
        status, answer = served.fhir("doctor", "Subscription", body=body)
        assert status == 201, answer
        made[name] = json.loads(answer)["id"]
    for other in ("doctor_a2", "citizen", "auditor"):
        assert Stream(served, served.keys["tokens"][other], made["stream"]).status == 404
    assert Stream(served, "yba_none", made["stream"]).status == 401
    listening = Stream(served, token, made["stream"])
    assert listening.status == 200
    # Taken up before anything changes.
    assert eventually(lambda: served.hooks.got.get("served"))
    seen, hidden = a_procedure(world, "treat", "A"), a_procedure(world, "stranger", "B")
    last = a_procedure(world, "visit", "A")
    for row in (hidden, seen, hidden, last):
        status, answer = served.fhir(
            "system_role", row.name, method="PUT", body={**row.content, "language": "vi"}
        )
        assert status == 200, answer
    assert eventually(lambda: last.secret.encode() in listening.body)
    assert eventually(lambda: last.secret in served.hooks.told("served").secrets)
    assert words(listening.body) == {seen.secret, last.secret}
    assert hidden.id.encode() not in listening.body
    told = served.hooks.told("served")
    rows = {one for one in told.rows if not one.startswith("Subscription/")}  # one's own are a change as well
    assert (rows, told.secrets) == ({seen.name, last.name}, {seen.secret, last.secret})
    with psycopg.connect(served.house.conninfo, autocommit=True) as connection:
        connection.execute(
            "update accounts_token set revoked_at = clock_timestamp() where role = 'doctor' and practitioner = 'd1'"
        )
    assert eventually(lambda: listening.ended)
    served.fhir("system_role", last.name, method="PUT", body=last.content)
    time.sleep(2)
    assert served.hooks.told("served").events == told.events
    assert served.fhir("doctor", "Patient")[0] == 401
