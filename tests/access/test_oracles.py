"""Writes, conditions and operations as oracles: what they answer is the same when the hidden rows are not there at all.

As ``test_noninterference`` for what is not a plain GET. Each is asked of the whole world and taken back, then the rows
the oracle says are hidden go out of the tables, and each is asked again. ``YBA_ACCESS_QUESTIONS`` as there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.access import oracle
from tests.access.asking import ACTORS, Asking, count
from tests.access.facts import FACILITY
from tests.access.minimal import minimal
from tests.access.questions import CONDITIONS
from tests.access.test_existence import JSON_PATCH, META, NEW_IDS
from tests.access.test_matrix_reading import chosen
from tests.access.test_noninterference import EVERY, Shape, leaves_no_mark, plain
from tests.access.world import World
from tests.fhir.test_rest import Answer
from yba.fhir.access import Actor

ASKING = (
    "citizen", "guardian", "doctor", "doctor_b", "nurse", "receptionist", "customer_care", "laboratory", "pharmacist",
    "cashier", "insurance_clerk", "records_office", "programme_officer", "outside_system", "device", "auditor",
)  # fmt: skip
Ask = Callable[[Asking, Actor], Answer]
OUTCOME = {"prefer": "return=OperationOutcome"}
ME = [{"status": "accepted", "actor": {"reference": "Patient/me"}}]
BOOKING = {"resourceType": "Appointment", "status": "proposed", "participant": ME}
PATCH = [{"op": "add", "path": "/language", "value": "vi"}]


def _parameters(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(parts)}


def _entry(method: str, url: str, resource: Any = None, **request: str) -> dict[str, Any]:
    return {"request": {"method": method, "url": url, **request}} | (
        {"resource": resource} if resource else {}
    )


def _bundle(kind: str, *entries: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def _posted(url: str, body: Any, **headers: str) -> Ask:
    return lambda asking, actor: asking.by(actor, "POST", url, body, **headers)


def oracles() -> dict[str, Ask]:
    """Everything that is asked, by what it is."""
    found: dict[str, Ask] = {}
    for kind, conditions in CONDITIONS.items():
        for one in conditions:
            if one.startswith(("_contained", "_text:not")):
                continue
            code, _, value = one.partition("=")
            found |= _conditional(kind, f"{code}={quote(value, safe='&=')}")
    for number, (given, more) in enumerate(PEOPLE):
        for certain in (False, True):
            found[f"match {number} {certain}"] = _posted("/Patient/$match", _matching(given, certain, **more))
    found |= _forms() | _many()
    return found


def _conditional(kind: str, condition: str) -> dict[str, Ask]:
    new = {**minimal(kind), "meta": {"tag": [{"system": FACILITY, "code": "A"}]}}
    searched = {"content_type": "application/x-www-form-urlencoded"}
    url = f"/{kind}?{condition}"
    return {
        f"search {url}": _posted(f"/{kind}/_search", f"{condition}&_total=accurate&_count=3".encode(), **searched),
        f"if none {url}": _posted(f"/{kind}", new, if_none_exist=condition),
        f"put {url}": lambda asking, actor: asking.by(actor, "PUT", url, new),
        f"put told {url}": lambda asking, actor: asking.by(actor, "PUT", url, new, if_match='W/"1"', **OUTCOME),
        f"patch {url}": lambda asking, actor: asking.by(actor, "PATCH", url, PATCH, content_type=JSON_PATCH),
        f"delete {url}": lambda asking, actor: asking.by(actor, "DELETE", url, **OUTCOME),
        f"linked {url}": _posted(
            "/",
            _bundle("transaction", _entry("POST", "Appointment", {
                **BOOKING, "supportingInformation": [{"reference": f"{kind}?{condition}"}]})),
        ),
        f"transaction {url}": _posted("/", _bundle("transaction", _entry("PUT", url.removeprefix("/"), new))),
        f"transaction none {url}": _posted(
            "/", _bundle("transaction", _entry("POST", kind, new, ifNoneExist=condition))
        ),
        f"batch {url}": _posted("/", _bundle("batch", _entry("DELETE", url.removeprefix("/")), _entry(
            "GET", f"{kind}?{condition}&_summary=count"))),
        f"everything {url}": lambda asking, actor: asking.by(
            actor, "GET", f"/{kind}?{condition}&_sort=-_lastUpdated&_elements=id&_total=accurate&_count=2"),
        f"validate {url}": _posted(
            f"/{kind}/$validate",
            _parameters({"name": "resource", "resource": {**new, "id": "o1"}}, {"name": "mode", "valueCode": "update"}),
        ),
    }  # fmt: skip


PEOPLE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"name": [{"text": "Người stranger"}], "birthDate": "1980-05-05"}, {}),
    ({"identifier": [{"system": "http://e.x/so", "value": "so0"}]}, {}),
    ({"identifier": [{"system": "http://e.x/so", "value": "so7"}], "gender": "female"}, {"count": 1}),
    ({"identifier": [{"system": "https://yba.vn/fhir/sid/bhyt", "value": "GD4790123456783"}]}, {}),
    ({"name": [{"family": "me"}, {"family": "mum"}], "birthDate": "1980"}, {}),
    ({"name": [{"text": "Người visit"}], "birthDate": "1980-05-05", "gender": "female"}, {}),
]


def _matching(given: dict[str, Any], certain: bool, count: int = 20) -> dict[str, Any]:
    return _parameters(
        {"name": "resource", "resource": {"resourceType": "Patient", **given}},
        {"name": "onlyCertainMatches", "valueBoolean": certain},
        {"name": "count", "valueInteger": count},
    )


SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"


def _asking_form(query: str) -> dict[str, Any]:
    """A form whose first answer is a query of the record about its subject."""
    return {
        "resourceType": "Questionnaire", "status": "active", "url": "http://e.x/hoi",
        "extension": [
            {"url": f"{SDC}sdc-questionnaire-launchContext", "extension": [
                {"url": "name", "valueCoding": {"code": "patient"}}, {"url": "type", "valueCode": "Patient"}]},
            {"url": "http://hl7.org/fhir/StructureDefinition/variable", "valueExpression": {
                "name": "found", "language": "application/x-fhir-query", "expression": query}},
        ],
        "item": [{"linkId": "1", "type": "string", "text": "?", "extension": [
            {"url": f"{SDC}sdc-questionnaire-initialExpression", "valueExpression": {
                "language": "text/fhirpath", "expression": "%found.entry.resource.id.join(',')"}}]}],
    }  # fmt: skip


def _forms() -> dict[str, Ask]:
    found: dict[str, Ask] = {}
    queries = (
        "Observation?patient=stranger", "Observation?subject={{%patient.id}}", "Patient?_id=stranger,visit,me",
        "Observation?subject:Patient.name=stranger&_include=*",
        "Condition?_has:ServiceRequest:reason-reference:status=draft",
    )  # fmt: skip
    for subject in ("me", "child", "visit", "stranger", "consented", "vip"):
        for query in queries:
            body = _parameters(
                {"name": "questionnaire", "resource": _asking_form(query)},
                {"name": "subject", "valueReference": {"reference": f"Patient/{subject}"}},
            )
            found[f"populate {subject} {query}"] = _posted("/Questionnaire/$populate", body)
        answers = {
            "resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "http://e.x/hoi",
            "subject": {"reference": f"Patient/{subject}"},
            "item": [{"linkId": "1", "answer": [{"valueString": "x"}]}],
        }  # fmt: skip
        found[f"extract {subject}"] = _posted(
            "/QuestionnaireResponse/$extract",
            _parameters({"name": "questionnaire-response", "resource": answers}),
        )
        for ends in ("$meta-add", "$meta-delete"):
            found[f"{ends} {subject}"] = _posted(f"/Patient/{subject}/{ends}", META)
        moved = {**minimal("Observation"), "id": "o3", "subject": {"reference": f"Patient/{subject}"}}
        found[f"move to {subject}"] = lambda asking, actor, moved=moved: asking.by(  # type: ignore[misc]
            actor, "PUT", "/Observation/o3", moved
        )
        found[f"book for {subject}"] = _posted("/Appointment", {
            **BOOKING, "participant": [{"status": "accepted", "actor": {"reference": f"Patient/{subject}"}}],
        })  # fmt: skip
    return found


def _many() -> dict[str, Ask]:
    """Documents, differences, latest results and bundles over rows that point across what is hidden."""
    found: dict[str, Ask] = {}
    for number in range(6):
        found[f"document {number}"] = _posted(
            f"/Composition/c{number}/$document", _parameters({"name": "persist", "valueBoolean": True})
        )
        found[f"diff {number}"] = lambda asking, actor, number=number: asking.by(  # type: ignore[misc]
            actor, "GET", f"/$diff?from=Observation/o{number}&to=Observation/o{number + 1}"
        )
        found[f"delete {number}"] = lambda asking, actor, number=number: asking.by(  # type: ignore[misc]
            actor, "DELETE", f"/Encounter/e{number}", **OUTCOME
        )
        found[f"validate delete {number}"] = _posted(
            f"/Observation/o{number}/$validate?mode=delete", _parameters()
        )
        found[f"batch {number}"] = _posted("/", _bundle("batch", *(
            _entry("GET", f"Observation/o{number + one}", ifNoneMatch='W/"1"') for one in range(5))))  # fmt: skip
        found[f"transaction {number}"] = _posted("/", _bundle(
            "transaction", _entry("PUT", f"Observation/o{number}", {**minimal("Observation"), "id": f"o{number}"}),
            _entry("DELETE", f"Observation/o{number + 1}"), _entry("GET", "Observation?code=a&_summary=count"),
        ))  # fmt: skip
    return found


def shape(answer: Answer) -> Shape:
    """As ``plain``, without the ids of what was made."""
    status, body, headers = plain(answer)
    try:
        told = json.loads(answer.body) if answer.body else {}
    except ValueError:
        told = {}
    new = str(told.get("id", "")) if isinstance(told, dict) and answer.status == 201 else ""
    if new:
        body, headers = body.replace(new.encode(), b"NEW"), headers.replace(new, "NEW")
    return status, NEW_IDS.sub(b"NEW", body), NEW_IDS.sub(b"NEW", headers.encode()).decode()


@pytest.mark.parametrize("name", ASKING)
def test_what_is_hidden_leaves_no_mark(asking: Asking, world: World, name: str) -> None:
    actor = ACTORS[name]
    seen = {
        row.secret for row in world.rows
        if oracle.allowed(world, actor, row, "search") or oracle.allowed(world, actor, row, "read")
    }  # fmt: skip
    asked = {what: ask for what, ask in oracles().items() if chosen(name, what, every=EVERY * 7)}

    def ask(what: str) -> Answer:
        with asking.undone():
            return asked[what](asking, actor)

    leaves_no_mark(asking, world, seen, ask, asked, shape)
    count("oracles", len(asked))
    assert len(asked) > 20


@pytest.mark.parametrize(
    "name", ["customer_care", "laboratory", "imaging", "cashier", "programme_officer", "device"]
)
def test_what_is_there_already_is_shown_as_it_would_be_read(asking: Asking, world: World, name: str) -> None:
    """A condition that keeps something from being made answers with what there is: masked, and noted as read."""
    actor = ACTORS[name]
    for kind in oracle.said()["roles"][actor.role]["masks"]:
        rows = [row for row in world.of_type(kind) if oracle.allowed(world, actor, row, "search")]
        for row in rows[:2]:
            read = asking.by(actor, "GET", f"/{row.name}")
            assert "SUBSETTED" in read.body.decode()
            new = {key: value for key, value in row.content.items() if key not in ("id", "meta")}
            for body, found in (
                (None, asking.by(actor, "POST", f"/{kind}", new, if_none_exist=f"_id={row.id}")),
                ("transaction", asking.by(actor, "POST", "/", _bundle(
                    "transaction", _entry("POST", kind, new, ifNoneExist=f"_id={row.id}")))),
                ("batch", asking.by(actor, "POST", "/", _bundle(
                    "batch", _entry("POST", kind, new, ifNoneExist=f"_id={row.id}")))),
            ):  # fmt: skip
                count("oracles")
                assert found.status == 200, found.body
                shown = found.json if body is None else found.json["entry"][0]["resource"]
                assert shown == read.json, (kind, body)
                assert [(act.act, act.id) for act in asking.journal.acts] == [
                    ("read", row.id)
                ] or body is not None
