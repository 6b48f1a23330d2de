"""Who is told of changes is told what they may see when they are told, and nothing of what they may not.

Of what is hidden no event comes, no id, no number, and no empty notification: not where it was hidden when it changed,
and not where it was hidden between the change and the telling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.access import oracle
from tests.access.asking import ACTORS, count, secrets_in
from tests.access.facts import CODES, Row
from tests.access.hooks import BASE, CONTENTS, Hooks, Telling, Told, a_procedure, moment, of_bundle, topic
from tests.access.questions import CONDITIONS
from tests.access.test_matrix_reading import chosen
from tests.access.world import World
from yba.fhir.access import Actor
from yba.fhir.errors import NotFound
from yba.fhir.subscriptions import matching, stream

SUBSCRIBING = (
    "doctor", "doctor_b", "doctor_hiv", "head_of_department", "receptionist", "records_office", "records_b",
    "outside_system", "system_role",
)  # fmt: skip
RULED = frozenset({"Subscription", "SearchParameter"})


@pytest.fixture(scope="module")
def telling(filled: str, databases: Any) -> Iterator[Telling]:
    """The world in a database of this module's own, where what is written stays."""
    name = databases.new(conninfo_to_dict(filled)["dbname"])
    made = Telling(databases.conninfo(name), Hooks())
    made.connection.execute("delete from record.outbox")
    yield made
    made.connection.close()
    made.hooks.server.close()
    databases.drop(name)


@pytest.fixture(autouse=True)
def fresh(telling: Telling) -> Iterator[None]:
    """Each test begins with nobody subscribed and nothing waiting."""
    yield
    telling.now_are.clear()
    telling.hooks.got.clear()
    for table in ("subscription_event", "subscription", "outbox"):
        telling.connection.execute(f"delete from record.{table}")


def may_subscribe(world: World, actor: Actor) -> bool:
    own = Row("Subscription", "new", {}, "", facility=actor.facility)
    return oracle.allowed(world, actor, own, "create")


@pytest.mark.parametrize("name", ACTORS)
def test_who_may_subscribe(telling: Telling, world: World, name: str) -> None:
    actor = ACTORS[name]
    answer = telling.subscribe(actor, "who", topic("record-change"), "empty")
    count("subscribed")
    if may_subscribe(world, actor):
        assert answer.status == 201, answer.body
        assert telling.by(actor, "GET", f"/Subscription/{answer.json['id']}/$status").status == 200
        others = [one for one in ("doctor_c", "citizen", "auditor") if ACTORS[one].user != actor.user]
        for other in others:
            for operation in ("$status", "$events"):
                url = f"/Subscription/{answer.json['id']}/{operation}"
                assert telling.by(ACTORS[other], "GET", url).status == 404
            assert telling.by(ACTORS[other], "GET", "/Subscription/$status").json["total"] == 0
    else:
        assert answer.status == 403, answer.body
        assert telling.connection.execute("select count(*) from record.subscription").fetchone() == (0,)


def changed(telling: Telling, world: World) -> tuple[list[Row], list[Row]]:
    """A sample of all rows, each changed once; and those of them that were deleted as well."""
    rows = [
        row for row in world.rows
        if row.type not in RULED and "emergency" not in str(row.content.get("category")) and "start" not in row.content
        and chosen("told", row.name, every=47)
    ]  # fmt: skip
    for row in rows:
        telling.touch(row.content)
    gone = [row for row in rows if row.type == "Observation"][:10]
    for row in gone:
        assert telling("DELETE", f"/{row.name}").status == 204
    assert len(rows) > 100
    return rows, gone


def test_all_are_told_what_they_may_see(telling: Telling, world: World) -> None:
    """Every kind of notification to every role that may subscribe, at once."""
    subscribed: list[tuple[str, str, str]] = []
    for name in SUBSCRIBING:
        for content in CONTENTS:
            told = f"{name}-{content}"
            answer = telling.subscribe(ACTORS[name], told, topic("record-change"), content)
            assert answer.status == 201, answer.body
            subscribed.append((name, content, told))
        for kind in ("Observation", "Patient", "Organization"):
            for content in ("empty", "full-resource"):
                told = f"{name}-{kind}-{content}"
                assert telling.subscribe(ACTORS[name], told, kind, content).status == 201
                subscribed.append((name, f"{kind} {content}", told))
    telling.settle()
    rows, gone = changed(telling, world)
    before = moment()
    telling.drain()
    wrong: dict[str, Any] = {}
    for name, content, told in subscribed:
        kind = content.split()[0] if " " in content else None
        expected = [
            row for row in rows
            if kind in (None, row.type) and oracle.allowed(world, ACTORS[name], row, "read", before)
        ]  # fmt: skip
        found = telling.hooks.told(told)
        count("told", len(rows))
        if not _as_expected(found, expected, content, gone=gone):
            wrong[told] = len(expected), found.events, sorted(found.rows ^ {one.name for one in expected})[:5]
    assert wrong == {}


def _as_expected(found: Told, expected: list[Row], content: str, *, gone: list[Row]) -> bool:
    plain = " " in content
    names, secrets = {one.name for one in expected}, {one.secret for one in expected}
    deleted = [one for one in expected if one in gone]
    # R4 tells of no deletion; a version that is deleted meanwhile is told of no more by its content.
    if "full-resource" in content:
        if found.secrets - secrets or {one.secret for one in expected if one not in gone} - found.secrets:
            return False
    elif found.secrets:
        return False
    if plain:
        return found.events in range(len(expected) - len(deleted), len(expected) + 1) and found.rows <= names
    return found.events == len(expected) + len(deleted) and found.rows == (
        set() if content == "empty" else names
    )


# -- between the change and the telling ----------------------------------------------------------------------


def _put(telling: Telling, row: Row, **changes: Any) -> None:
    content = {**row.content, **changes}
    assert telling("PUT", f"/{row.name}", content).status in (200, 201)


def _labelled(row: Row) -> dict[str, Any]:
    system, code = CODES["hiv"]
    return {**row.content["meta"], "security": [{"system": system, "code": code}]}


def _unlabel(telling: Telling, row: Row, label: str) -> None:
    """A label stays through updates until it is taken away (R4, resource-operation-meta-delete)."""
    system, code = CODES[label]
    meta = {"security": [{"system": system, "code": code}]}
    body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}
    assert telling("POST", f"/{row.name}/$meta-delete", body).status == 200


def _source(world: World, kind: str, patient: str) -> Row:
    wanted = ("active", "in-progress", "booked")
    return next(
        row for row in world.of_type(kind) if row.patient == patient and row.content.get("status") in wanted
    )


def _person(world: World, patient: str) -> Row:
    return next(row for row in world.rows if row.name == f"Patient/{patient}")


@dataclass(frozen=True)
class Ending:
    """What ends: of whose chart, kept where, and how; ``back`` puts it as it was."""

    patient: str
    facility: str
    end: Callable[[Telling, World, Row], None]
    back: Callable[[Telling, World, Row], None]
    who: str = "doctor"


def _as_it_was(kind: str) -> Callable[[Telling, World, Row], None]:
    return lambda t, w, row: _put(t, _source(w, kind, str(row.patient)))


def _none(telling: Telling, world: World, row: Row) -> None:
    """Nothing that would have to be put back."""


def _is_now(name: str, **fields: Any) -> Callable[[Telling, World, Row], None]:
    def change(telling: Telling, world: World, row: Row) -> None:
        telling.now_are[ACTORS[name].user] = replace(ACTORS[name], **fields)

    return change


def _suspended(telling: Telling, world: World, row: Row) -> None:
    telling.now_are[ACTORS["doctor"].user] = None


CEL = {"system": CODES["vip"][0], "code": CODES["vip"][1]}
ENDINGS = {
    "consent withdrawn": Ending(
        "consented", "B", lambda t, w, row: _put(t, _source(w, "Consent", "consented"), status="inactive"),
        _as_it_was("Consent"),
    ),
    "consent deleted": Ending(
        "consented", "B", lambda t, w, row: _is_gone(t, _source(w, "Consent", "consented")), _as_it_was("Consent")
    ),
    "visit called off": Ending(
        "visit", "A", lambda t, w, row: _put(t, _source(w, "Encounter", "visit"), status="cancelled"),
        _as_it_was("Encounter"),
    ),
    "label set": Ending(
        "visit", "A", lambda t, w, row: _put(t, row, meta=_labelled(row)), lambda t, w, row: _unlabel(t, row, "hiv")
    ),
    "person is a VIP": Ending(
        "visit", "A", lambda t, w, row: _put(t, _person(w, "visit"), meta={"security": [CEL]}),
        lambda t, w, row: _unlabel(t, _person(w, "visit"), "vip"),
    ),
    "put into another's chart": Ending(
        "visit", "A", lambda t, w, row: _put(t, row, subject={"reference": "Patient/stranger"}), _none
    ),
    "kept elsewhere": Ending(
        "visit", "A",
        lambda t, w, row: _put(t, row, meta={"tag": [{**row.content["meta"]["tag"][0], "code": "B"}]}), _none,
    ),
    "another facility": Ending("visit", "A", _is_now("doctor", facility="C"), _none),
    "another role": Ending("visit", "A", _is_now("doctor", role="receptionist"), _none),
    "suspended": Ending("visit", "A", _suspended, _none),
    "an app's share ends": Ending(
        "app", "B", lambda t, w, row: _put(t, _source(w, "Consent", "app"), status="inactive"), _as_it_was("Consent"),
        who="outside_system",
    ),
}  # fmt: skip


def _is_gone(telling: Telling, row: Row) -> None:
    assert telling("DELETE", f"/{row.name}").status == 204


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_hidden_before_it_is_told_is_not_told(telling: Telling, world: World, ending: str) -> None:
    """A change waits in the queue while its reader loses it: no hook rings, no event is listed, none streamed."""
    case = ENDINGS[ending]
    actor = ACTORS[case.who]
    hidden = a_procedure(world, case.patient, case.facility)
    control = _control(world, case)
    assert oracle.allowed(world, actor, hidden, "read", moment())
    kept = {}
    for content in CONTENTS:
        made = telling.subscribe(actor, content, topic("record-change"), content)
        kept[content] = made.json["id"]
    for content in ("empty", "full-resource"):
        kept[f"r4 {content}"] = telling.subscribe(actor, f"r4-{content}", "Procedure", content).json["id"]
    telling.settle()
    for row in (hidden, control):
        telling.touch(row.content)
    with psycopg.connect(telling.conninfo, autocommit=True) as connection:
        matching.step(connection)
        waiting = connection.execute(
            "select id::varchar from record.subscription_event where not told"
        ).fetchall()
    assert sorted(one[0] for one in waiting) == sorted([hidden.id, control.id] * 5)
    case.end(telling, world, hidden)
    telling.connection.execute("delete from record.outbox")  # what ends it is a change as well
    try:
        telling.drain()
        now = telling.now_are.get(actor.user, actor)
        still = [] if now is None or not _sees(telling, now, control) else [control.name]
        for content in CONTENTS:
            _is_told(telling.hooks.told(content), content, still)
            count("ended")
        for content in ("empty", "full-resource"):
            found = telling.hooks.told(f"r4-{content}")
            assert found.events == len(still), content
            assert found.rows == (set(still) if content == "full-resource" else set())
        if now is not None:
            _is_told_when_asked(telling, now, kept, still)
    finally:
        case.back(telling, world, hidden)
        _put(telling, hidden)


def _control(world: World, case: Ending) -> Row:
    """A row of somebody else that stays in sight, so that the telling goes on."""
    patient = "treat" if case.who == "doctor" else "visit"
    return a_procedure(world, patient, "A")


def _sees(telling: Telling, actor: Actor, row: Row) -> bool:
    return telling.by(actor, "GET", f"/{row.name}").status == 200


def _is_told(found: Told, content: str, names: list[str]) -> None:
    assert found.events == len(names), (content, found)
    assert found.rows == (set() if content == "empty" else set(names)), (content, found)
    assert found.notifications == len(names), (content, found)


def _is_told_when_asked(telling: Telling, actor: Actor, kept: dict[str, str], names: list[str]) -> None:
    for content in CONTENTS:
        for asked in CONTENTS:
            answer = telling.by(actor, "GET", f"/Subscription/{kept[content]}/$events?content={asked}")
            if answer.status == 404:
                assert names == []  # what one may no longer read at all
                continue
            assert answer.status == 200, answer.body
            found = of_bundle(answer.body)
            assert (found.events, found.rows) == (len(names), set() if asked == "empty" else set(names))
        try:
            heard = stream.after(telling.connection, actor, kept[content], 0, base_url=BASE, now=moment())
        except NotFound:
            assert names == []
            continue
        assert len(heard.told) == len(names)
        assert heard.reached == 2


# -- others ----------------------------------------------------------------------------------------------------


def test_a_subscription_taken_over_tells_its_new_owner_nothing_hidden(telling: Telling, world: World) -> None:
    """A receptionist puts their own address on a doctor's subscription: what waits in it is not for them."""
    doctor, desk = ACTORS["doctor"], ACTORS["receptionist"]
    made = telling.subscribe(doctor, "doctor", topic("record-change"), "id-only").json
    telling.settle()
    telling.touch(a_procedure(world, "visit", "A").content)
    with psycopg.connect(telling.conninfo, autocommit=True) as connection:
        matching.step(connection)
    made["channel"]["endpoint"] = f"{telling.hooks.url}/desk"
    assert telling.by(desk, "PUT", f"/Subscription/{made['id']}", made).status == 200
    telling.connection.execute("delete from record.outbox")  # the subscription itself, which both may see
    telling.drain()
    telling.connection.execute("delete from record.outbox")
    telling.sender.step()
    assert telling.hooks.told("desk") == Told()
    answer = telling.by(desk, "GET", f"/Subscription/{made['id']}/$events")
    assert (answer.status, of_bundle(answer.body).events) == (200, 0)
    assert telling.by(doctor, "GET", f"/Subscription/{made['id']}/$events").status == 404


def test_what_an_app_is_told_is_not_for_another_of_the_same_account(telling: Telling) -> None:
    first = replace(ACTORS["doctor"], app="one")
    second = replace(ACTORS["doctor"], app="two")
    made = telling.subscribe(first, "app", topic("record-change"), "id-only").json["id"]
    assert telling.by(first, "GET", f"/Subscription/{made}/$status").status == 200
    for operation in ("$status", "$events"):
        assert telling.by(second, "GET", f"/Subscription/{made}/{operation}").status == 404
        assert telling.by(ACTORS["doctor"], "GET", f"/Subscription/{made}/{operation}").status == 200
    assert telling.by(second, "GET", "/Subscription/$status").json["total"] == 0
    with pytest.raises(NotFound):
        stream.after(telling.connection, second, made, 0, base_url=BASE, now=moment())


def test_masks_hold_for_who_is_told(telling: Telling, world: World) -> None:
    """Somebody moves from the desk to the telephone: reasons for visits come no more, to hook, list or stream."""
    desk = ACTORS["receptionist"]
    made = telling.subscribe(desk, "mask", topic("record-change"), "full-resource").json["id"]
    telling.subscribe(desk, "plain", "Encounter", "full-resource")
    telling.settle()
    visit = next(row for row in world.of_type("Encounter") if row.id == "e0" or row.facility == "A")
    said = {**visit.content, "reasonCode": [{"text": "lydokin"}]}
    telling.touch(said)
    telling.drain()
    assert b"lydokin" in _bodies(telling, "mask")
    assert b"lydokin" in _bodies(telling, "plain")
    telling.hooks.got.clear()
    now = replace(desk, role="customer_care")
    telling.now_are[desk.user] = now
    telling.touch({**said, "priority": {"text": "x"}})
    telling.drain()
    for name in ("mask", "plain"):
        told = _bodies(telling, name)
        assert visit.secret.encode() in told, name
        assert b"lydokin" not in told, name
        assert b"SUBSETTED" in told, name
    asked = telling.by(now, "GET", f"/Subscription/{made}/$events")
    assert asked.status == 404 or b"lydokin" not in asked.body
    telling.touch(visit.content)


def _bodies(telling: Telling, name: str) -> bytes:
    return b"".join(body for _, _, body in telling.hooks.got.get(name, []))


@pytest.mark.parametrize("name", ["doctor", "doctor_b", "records_office"])
def test_criteria_ask_of_nothing_hidden(telling: Telling, world: World, name: str) -> None:
    """What a subscription's criteria find is what the same search finds, chains and all, for the same reader."""
    actor = ACTORS[name]
    wanted: dict[str, set[str]] = {}
    for number, one in enumerate(CONDITIONS["Observation"]):
        if one.startswith(("_contained", "_list", "_id", "_text:not")) or not chosen(name, one, every=2):
            continue
        answer = telling.subscribe(actor, f"q{number}", f"Observation?{one}", "full-resource")
        if answer.status != 201:
            assert answer.status in (400, 422), (one, answer.body)
            continue
        found = telling.by(actor, "GET", f"/Observation?{one}&_count=500")
        wanted[f"q{number}"] = secrets_in(found)
    telling.settle()
    woven = [row for row in world.of_type("Observation") if row.id.startswith("o")]
    for row in woven:
        telling.touch(row.content)
    telling.drain()
    mine = {row.secret for row in woven}
    told = {name: telling.hooks.told(name).secrets for name in wanted}
    count("criteria", len(wanted))
    assert told == {name: found & mine for name, found in wanted.items()}
    assert len(wanted) > 5
