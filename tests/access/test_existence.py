"""Nobody is told whether something is there that they may not see: not by a write, a condition, a reference, an error.

Each way of asking is tried with the id (or number) of a hidden row and with one that never was; the answers must be the
same but for that word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, cast
from zlib import crc32

import pytest

from tests.access import oracle
from tests.access.asking import ACTORS, Asking, count, secrets_in
from tests.access.facts import Row
from tests.access.test_matrix_reading import chosen
from tests.access.test_noninterference import NEW
from tests.access.world import World
from tests.fhir.test_rest import BASE, Answer
from yba.fhir import rest
from yba.fhir.access import Actor
from yba.fhir.store.audit import Journal

ASKING = (
    "citizen", "doctor", "doctor_b", "nurse", "receptionist", "cashier", "laboratory", "outside_system", "device",
    "programme_officer", "records_b", "unknown",
)  # fmt: skip
TYPES = (
    "Patient",
    "Observation",
    "Encounter",
    "Condition",
    "Appointment",
    "Consent",
    "List",
    "Task",
    "Binary",
    "Group",
    "Provenance",
)
JSON_PATCH = "application/json-patch+json"
Way = Callable[[Asking, Actor, str, str, dict[str, Any]], Answer]


def _patch(asking: Asking, actor: Actor, url: str, **headers: str) -> Answer:
    body = [{"op": "test", "path": "/id", "value": "x"}, {"op": "add", "path": "/language", "value": "vi"}]
    return asking.by(actor, "PATCH", url, body, content_type=JSON_PATCH, **headers)


def _entry(method: str, url: str, resource: Any = None, **request: str) -> dict[str, Any]:
    made: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    return made | ({"resource": resource} if resource else {})


def _bundle(kind: str, *entries: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def _pointing(target: str) -> dict[str, Any]:
    """A booking of the asker's own that points to something."""
    me = {"status": "accepted", "actor": {"reference": "Patient/me"}}
    return {"resourceType": "Appointment", "status": "proposed", "participant": [me],
            "supportingInformation": [{"reference": target}]}  # fmt: skip


def _parameters(**values: str) -> dict[str, Any]:
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": k, "valueReference": {"reference": v}} for k, v in values.items()],
    }


NEW_IDS = re.compile(rb"y[0-9a-v]{21}")
META = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}]}
WAYS: dict[str, Way] = {
    "put": lambda a, who, kind, one, row: a.by(who, "PUT", f"/{kind}/{one}", row),
    "put if-match": lambda a, who, kind, one, row: a.by(who, "PUT", f"/{kind}/{one}", row, if_match='W/"1"'),
    "put if-match 9": lambda a, who, kind, one, row: a.by(who, "PUT", f"/{kind}/{one}", row, if_match='W/"9"'),
    "put only new": lambda a, who, kind, one, row: a.by(who, "PUT", f"/{kind}/{one}", row, if_none_match="*"),
    "put broken": lambda a, who, kind, one, row: a.by(who, "PUT", f"/{kind}/{one}", row | {"nothing": 1}),
    "patch": lambda a, who, kind, one, row: _patch(a, who, f"/{kind}/{one}"),
    "patch if-match": lambda a, who, kind, one, row: _patch(a, who, f"/{kind}/{one}", if_match='W/"1"'),
    "delete": lambda a, who, kind, one, row: a.by(who, "DELETE", f"/{kind}/{one}"),
    "delete if-match": lambda a, who, kind, one, row: a.by(who, "DELETE", f"/{kind}/{one}", if_match='W/"1"'),
    "conditional put": lambda a, who, kind, one, row: a.by(who, "PUT", f"/{kind}?_id={one}", row),
    "conditional patch": lambda a, who, kind, one, row: _patch(a, who, f"/{kind}?_id={one}"),
    "conditional delete": lambda a, who, kind, one, row: a.by(who, "DELETE", f"/{kind}?_id={one}"),
    "create if none": lambda a, who, kind, one, row: a.by(who, "POST", f"/{kind}", row, if_none_exist=f"_id={one}"),
    "read if none match": lambda a, who, kind, one, row: a.by(who, "GET", f"/{kind}/{one}", if_none_match='W/"1"'),
    "read if since": lambda a, who, kind, one, row: a.by(
        who, "GET", f"/{kind}/{one}", if_modified_since="Tue, 24 Nov 2099 00:00:00 GMT"
    ),
    "head": lambda a, who, kind, one, row: a.by(who, "HEAD", f"/{kind}/{one}"),
    "meta-add": lambda a, who, kind, one, row: a.by(who, "POST", f"/{kind}/{one}/$meta-add", META),
    "meta-delete": lambda a, who, kind, one, row: a.by(who, "POST", f"/{kind}/{one}/$meta-delete", META),
    "meta": lambda a, who, kind, one, row: a.by(who, "GET", f"/{kind}/{one}/$meta"),
    "validate": lambda a, who, kind, one, row: a.by(who, "GET", f"/{kind}/{one}/$validate"),
    "validate update": lambda a, who, kind, one, row: a.by(who, "POST", f"/{kind}/{one}/$validate?mode=update", row),
    "validate delete": lambda a, who, kind, one, row: a.by(who, "POST", f"/{kind}/{one}/$validate?mode=delete"),
    "diff": lambda a, who, kind, one, row: a.by(who, "GET", f"/$diff?from={kind}/{one}&to={kind}/{one}"),
    "everything": lambda a, who, kind, one, row: a.by(who, "GET", f"/{kind}/{one}/$everything"),
    "search": lambda a, who, kind, one, row: a.by(who, "GET", f"/{kind}?_id={one}&_total=accurate"),
    "search its history": lambda a, who, kind, one, row: a.by(who, "GET", f"/{kind}/{one}/_history?_count=0"),
    "batch read": lambda a, who, kind, one, row: a.by(
        who, "POST", "/", _bundle("batch", _entry("GET", f"{kind}/{one}"), _entry("DELETE", f"{kind}/{one}"))
    ),
    "transaction put": lambda a, who, kind, one, row: a.by(
        who, "POST", "/", _bundle("transaction", _entry("PUT", f"{kind}/{one}", row))
    ),
    "transaction delete": lambda a, who, kind, one, row: a.by(
        who, "POST", "/", _bundle("transaction", _entry("DELETE", f"{kind}?_id={one}"))
    ),
    "transaction if none": lambda a, who, kind, one, row: a.by(
        who, "POST", "/", _bundle("transaction", _entry("POST", kind, row, ifNoneExist=f"_id={one}"))
    ),
    "reference": lambda a, who, kind, one, row: a.by(who, "POST", "/Appointment", _pointing(f"{kind}/{one}")),
    "reference validated": lambda a, who, kind, one, row: a.by(
        who, "POST", "/Appointment/$validate", _pointing(f"{kind}/{one}")
    ),
    "conditional reference": lambda a, who, kind, one, row: a.by(
        who, "POST", "/", _bundle("transaction", _entry("POST", "Appointment", _pointing(f"{kind}?_id={one}")))
    ),
    "populate": lambda a, who, kind, one, row: a.by(
        who, "POST", "/Questionnaire/q0/$populate", _parameters(subject=f"{kind}/{one}")
    ),
    "export of some": lambda a, who, kind, one, row: a.by(
        who, "POST", "/Patient/$export", _parameters(patient=f"{kind}/{one}"), prefer="respond-async"
    ),
}  # fmt: skip


def hidden(world: World, name: str) -> list[Row]:
    """A few rows of each type that the actor sees in no way."""
    actor = ACTORS[name]
    found = []
    for kind in TYPES:
        rows = [row for row in world.of_type(kind) if not oracle.allowed(world, actor, row, "read")]
        found += sorted(rows, key=lambda row: crc32((name + row.name).encode()))[:2]
    return found


def shape(answer: Answer, one: str, kind: str) -> tuple[int, bytes, str]:
    """An answer without the id asked for, and without ids and moments that are new each time."""
    body = NEW.sub(b"", answer.body)
    try:
        told = json.loads(answer.body)
        new = str(told.get("id", "")) if answer.status in (200, 201) else ""
    except ValueError:
        new = ""
    headers = repr(
        sorted((k, v) for k, v in answer.headers.items() if k not in ("X-Request-Id", "Content-Location"))
    )
    for word in (new, f"{kind}/{one}", f"={one}", f'"id":"{one}"', f"'{one}'"):
        if word:
            body, headers = body.replace(word.encode(), b"ID"), headers.replace(word, "ID")
    return answer.status, NEW_IDS.sub(b"NEW", body), NEW_IDS.sub(b"NEW", headers.encode()).decode()


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize("integrity", [False, True])
def test_hidden_is_as_never_been(asking: Asking, world: World, name: str, integrity: bool) -> None:
    """With references that must lead somewhere, too."""
    if integrity:
        asking.application = rest.application(
            lambda: asking.connection, lambda token: asking.actors.get(token), base_url=BASE, integrity=True,
            clock=lambda: asking.now, journal=cast("Journal", asking.journal),
        )  # fmt: skip
    actor, different = ACTORS[name], []
    for row in hidden(world, name):
        for way, ask in WAYS.items():
            if not chosen(name, row.name, way, str(integrity), every=5):
                continue
            never = "z" + "q" * (len(row.id) - 1)
            content = {k: v for k, v in row.content.items() if k not in ("id", "meta", "extension")}
            told = []
            for one in (row.id, never):
                with asking.undone():
                    answer = ask(asking, actor, row.type, one, {"id": one, **content})
                count("existence")
                assert answer.status < 500, (way, row.name, answer.body)
                assert not secrets_in(answer), (way, row.name)
                told.append(shape(answer, one, row.type))
            if told[0] != told[1]:
                different.append((way, row.name, told))
    assert different == []
