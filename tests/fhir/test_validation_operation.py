"""$validate over HTTP, profiles that writes must meet, and `yba validate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from tests.fhir.test_rest import BASE, Client, Noted
from tests.fhir.validating import element, profile
from yba.fhir import rest
from yba.fhir.store.audit import Journal
from yba.fhir.validation.enforcing import Enforced
from yba.site.command import main

GENDER = profile("gender", "Patient", element("Patient.gender", min=1), element("Patient.birthDate", min=1))


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    return Client(connection)


def told(answer: Any) -> list[tuple[str, str, list[str]]]:
    assert answer.status == 200
    assert answer.json["resourceType"] == "OperationOutcome"
    return [
        (one["severity"], one["details"]["coding"][0]["code"], one.get("expression", []))
        for one in answer.json["issue"]
        if one["severity"] in ("error", "fatal")
    ]


def test_a_bare_resource_and_parameters(client: Client) -> None:
    good = {"resourceType": "Patient", "active": True}
    assert told(client("POST", "/Patient/$validate", good)) == []
    sent = {
        "resourceType": "Parameters",
        "parameter": [{"name": "resource", "resource": {**good, "nonsense": 1}}],
    }
    wrong = [("error", "validation.unknown", ["Patient.nonsense"])]
    assert told(client("POST", "/Patient/$validate", sent)) == wrong
    assert told(client("POST", "/$validate", sent)) == wrong
    assert told(client("POST", "/Group/$validate", good))[0][1] == "validate.type"


def test_what_the_codec_refuses_is_told(client: Client) -> None:
    sent = {
        "resourceType": "Patient",
        "gender": "unheard-of",
        "birthDate": "2001-02-30",
        "name": {"family": 1},
    }
    assert told(client("POST", "/Patient/$validate", sent)) == [
        ("error", "validation.binding.required", ["Patient.gender"]),
        ("error", "validation.format", ["Patient.birthDate"]),
        ("error", "validation.array", ["Patient.name"]),
        ("error", "validation.format", ["Patient.name[0].family"]),
    ]


def test_modes(client: Client) -> None:
    made = client("PUT", "/Patient/v1", {"resourceType": "Patient", "id": "v1", "active": True})
    assert made.status == 201
    assert told(client("GET", "/Patient/v1/$validate")) == []
    assert told(client("POST", "/Patient/v1/$validate?mode=delete")) == []
    assert client("POST", "/Patient/v2/$validate?mode=delete").status == 404
    bare = {"resourceType": "Patient", "active": True}
    assert [one[1] for one in told(client("POST", "/Patient/v1/$validate?mode=update", bare))] == [
        "validate.id"
    ]
    other = {**bare, "id": "v9"}
    assert [one[1] for one in told(client("POST", "/Patient/v1/$validate?mode=update", other))] == [
        "validate.id"
    ]
    assert told(client("POST", "/Patient/v1/$validate?mode=update", {**bare, "id": "v1"})) == []
    assert client("POST", "/Patient/$validate?mode=nonsense", bare).key == "validate.mode"
    assert client("POST", "/Patient/$validate?mode=profile", bare).key == "validate.profile"
    assert client("POST", "/Patient/$validate").key == "validate.nothing"


def test_profiles_of_the_record(client: Client) -> None:
    sent = {"resourceType": "Patient", "active": True}
    asked = f"/Patient/$validate?profile={GENDER['url']}"
    unknown = client("POST", asked, sent)
    keys = [one["details"]["coding"][0]["code"] for one in unknown.json["issue"]]
    assert keys == ["validation.profile.unknown", "validation.invariant.dom-6"]
    assert client("POST", "/StructureDefinition", GENDER).status == 201
    assert told(client("POST", asked, sent)) == [
        ("error", "validation.profile.element.minimum", ["Patient.gender"]),
        ("error", "validation.profile.element.minimum", ["Patient.birthDate"]),
    ]


def test_a_delete_that_would_be_refused(client: Client, connection: psycopg.Connection[Any]) -> None:
    client.application = rest.application(
        lambda: connection, client.actors.get, base_url=BASE, journal=cast("Journal", Noted()), integrity=True
    )
    assert client("PUT", "/Patient/v3", {"resourceType": "Patient", "id": "v3", "active": True}).status == 201
    assert told(client("POST", "/Patient/v3/$validate?mode=delete")) == []
    link = [{"type": "seealso", "other": {"reference": "Patient/v3"}}]
    assert client("POST", "/Patient", {"resourceType": "Patient", "link": link}).status == 201
    (fault,) = told(client("POST", "/Patient/v3/$validate?mode=delete"))
    assert fault[1].startswith("store.")


def test_a_citizen_is_told_nothing_of_others(client: Client) -> None:
    assert client("PUT", "/Patient/q", {"resourceType": "Patient", "id": "q", "active": True}).status == 201
    assert client("GET", "/Patient/q/$validate", token="citizen").status == 404
    sent = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "Patient/q"},
    }
    assert told(client("POST", "/Observation/$validate", sent, token="citizen")) == []


def enforcing(client: Client, connection: psycopg.Connection[Any], enforced: Enforced) -> Client:
    client.application = rest.application(
        lambda: connection,
        client.actors.get,
        base_url=BASE,
        journal=cast("Journal", Noted()),
        validation=enforced,
    )
    return client


def test_profiles_every_write_must_meet(client: Client, connection: psycopg.Connection[Any]) -> None:
    assert client("POST", "/StructureDefinition", GENDER).status == 201
    enforcing(client, connection, Enforced({"Patient": [GENDER["url"]]}))
    refused = client("POST", "/Patient", {"resourceType": "Patient", "active": True})
    assert refused.status == 422
    assert [one.get("expression") for one in refused.json["issue"] if one["severity"] == "error"] == [
        ["Patient.gender"], ["Patient.birthDate"],
    ]  # fmt: skip
    good = {"resourceType": "Patient", "gender": "male", "birthDate": "2000-01-01"}
    assert client("POST", "/Patient", good).status == 201
    assert client("POST", "/Organization", {"resourceType": "Organization", "name": "O"}).status == 201


def test_profiles_enforced_where_they_are_named(client: Client, connection: psycopg.Connection[Any]) -> None:
    assert client("POST", "/StructureDefinition", GENDER).status == 201
    enforcing(client, connection, Enforced(named=[GENDER["url"]]))
    bare = {"resourceType": "Patient", "active": True}
    assert client("POST", "/Patient", bare).status == 201
    assert client("POST", "/Patient", {**bare, "meta": {"profile": [GENDER["url"]]}}).status == 422


def test_the_word_validate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad, lines, xml = (tmp_path / name for name in ("good.json", "bad.json", "some.ndjson", "one.xml"))
    good.write_text('{"resourceType":"Patient","active":true}')
    bad.write_text('{"resourceType":"Patient","active":"yes"}')
    lines.write_text('{"resourceType":"Patient","active":true}\n\nnonsense\n')
    xml.write_text('<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>')
    assert main(["validate", str(good), str(xml)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["validate", str(good), str(bad), str(lines)]) == 1
    out = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["resourceType"] for one in out] == ["OperationOutcome"] * 4
    assert [[issue["code"] for issue in one["issue"] if issue["severity"] in ("error", "fatal")] for one in out] == [
        [], ["value"], [], ["structure"],
    ]  # fmt: skip
    assert out[3]["extension"][1]["valuePositiveInt"] == 3
    folder = tmp_path / "definitions"
    folder.mkdir()
    (folder / "gender.json").write_text(json.dumps(GENDER))
    (folder / "package.json").write_text('{"name": "mine"}')
    assert main(["validate", "--definitions", str(folder), "--profile", GENDER["url"], str(good)]) == 1
    capsys.readouterr()
    (folder / "broken.json").write_text('{"resourceType": "StructureDefinition"')
    assert main(["validate", "--definitions", str(folder), str(good)]) == 1, (
        "what a lost profile forbids would pass"
    )
    assert "broken.json cannot be read: The JSON cannot be read at line 1" in capsys.readouterr().err
    assert main(["validate", str(tmp_path / "none.json")]) == 1
    assert json.loads(capsys.readouterr().out)["issue"][0]["severity"] == "fatal"
