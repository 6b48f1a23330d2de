"""$meta, $meta-add and $meta-delete."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.fhir.operation_calls import Client, client_of, put

FACILITY = "https://yba.vn/fhir/facility"
RESTRICTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = client_of(connection)
    put(found, "Patient", "p")
    put(found, "Encounter", "e", facility="a", status="finished", **{"class": {"code": "AMB"}},
        subject={"reference": "Patient/p"})  # fmt: skip
    sent = (
        b'{"resourceType":"Observation","id":"o","meta":{"profile":["http://x/one"],"tag":[{"system":"'
        + FACILITY.encode()
        + b'","code":"a"},{"system":"s","code":"t","display":"T"}]},"status":"final","code":{"text":"x"},'
        b'"subject":{"reference":"Patient/p"},"valueQuantity":{"value":80.10}}'
    )  # fmt: skip
    assert found("PUT", "/Observation/o", sent).status == 201
    return found


def meta(**fields: Any) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": fields}]}


def returned(body: Any) -> Any:
    if "parameter" not in body:  # no element of FHIR is empty
        return {}
    (one,) = body["parameter"]
    assert (body["resourceType"], one["name"]) == ("Parameters", "return")
    return one["valueMeta"]


def test_of_a_resource(client: Client) -> None:
    whole = client("GET", "/Observation/o").json["meta"]
    assert returned(client("GET", "/Observation/o/$meta").json) == whole
    assert returned(client("POST", "/Observation/o/$meta").json) == whole
    assert client("GET", "/Observation/none/$meta").status == 404
    assert client("GET", "/Observation/o/$meta", token="stranger").status == 404


def test_of_a_version(client: Client) -> None:
    first = client("GET", "/Observation/o").json["meta"]
    client("POST", "/Observation/o/$meta-add", meta(tag=[{"code": "x"}]))
    assert returned(client("GET", "/Observation/o/_history/1/$meta").json) == first
    assert client("GET", "/Observation/o/_history/9/$meta").status == 404
    assert client("GET", "/Observation/o/_history/1/$meta", token="stranger").status == 404
    assert client("POST", "/Observation/o/_history/1/$meta-add", meta(tag=[{"code": "y"}])).status == 404
    assert client("GET", "/Patient/p/_history/1/$everything").status == 404


def test_add(client: Client) -> None:
    before = client("GET", "/Observation/o").body
    sent = meta(
        profile=["http://x/one", "http://x/two", "http://x/two"],
        tag=[{"system": "s", "code": "t", "display": "another"}, {"system": "s", "code": "u"}, {"code": "t"}],
        security=[RESTRICTED],
    )
    answer = client("POST", "/Observation/o/$meta-add", sent)
    assert answer.status == 200
    found = returned(answer.json)
    assert found["versionId"] == "2"
    assert found["profile"] == ["http://x/one", "http://x/two"]
    assert found["security"] == [RESTRICTED]
    assert found["tag"] == [
        {"system": FACILITY, "code": "a"},
        {"system": "s", "code": "t", "display": "T"},
        {"system": "s", "code": "u"},
        {"code": "t"},
    ]
    after = client("GET", "/Observation/o").body
    assert after[after.index(b'"status"') :] == before[before.index(b'"status"') :]
    again = client("POST", "/Observation/o/$meta-add", sent)
    assert returned(again.json) == found
    assert client("GET", "/Observation/o").json["meta"]["versionId"] == "2"


def test_delete(client: Client) -> None:
    sent = meta(
        profile=["http://x/one"], tag=[{"system": "s", "code": "t", "version": "9"}, {"code": "none"}]
    )
    found = returned(client("POST", "/Observation/o/$meta-delete", sent).json)
    assert found["versionId"] == "2"
    assert found["tag"] == [{"system": FACILITY, "code": "a"}]
    assert "profile" not in found
    again = client("POST", "/Observation/o/$meta-delete", sent)
    assert (again.status, returned(again.json)["versionId"]) == (200, "2")
    assert b"80.10" in client("GET", "/Observation/o").body


def test_the_facility_stays(client: Client) -> None:
    gone = client("POST", "/Observation/o/$meta-delete", meta(tag=[{"system": FACILITY, "code": "a"}]))
    assert (gone.status, gone.key) == (400, "meta.facility")
    twice = client("POST", "/Observation/o/$meta-add", meta(tag=[{"system": FACILITY, "code": "b"}]))
    assert (twice.status, twice.key) == (400, "store.two-facilities")
    same = client("POST", "/Observation/o/$meta-add", meta(tag=[{"system": FACILITY, "code": "a"}]))
    assert (same.status, returned(same.json)["versionId"]) == (200, "1")


def test_who_may_change(client: Client) -> None:
    labelled = client("POST", "/Observation/o/$meta-add", meta(security=[RESTRICTED]), token="doctor-a")
    assert labelled.status == 200
    for token, status in (("citizen", 403), ("stranger", 404), ("doctor-b", 404), ("wall", 404)):
        for name in ("meta-add", "meta-delete"):
            sent = meta(security=[{"system": "s", "code": "x"}, RESTRICTED])
            answer = client("POST", f"/Observation/o/${name}", sent, token=token)
            assert (answer.status, token, name) == (status, token, name)
    assert client("GET", "/Observation/o").json["meta"]["security"] == [RESTRICTED]


def test_if_match(client: Client) -> None:
    assert (
        client("POST", "/Observation/o/$meta-add", meta(tag=[{"code": "x"}]), if_match='W/"9"').status == 412
    )
    assert (
        client("POST", "/Observation/o/$meta-add", meta(tag=[{"code": "x"}]), if_match='W/"1"').status == 200
    )


@pytest.mark.parametrize(
    ("body", "status", "key"),
    [
        ({"resourceType": "Parameters"}, 400, "operation.missing"),
        (
            {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueString": "x"}]},
            400,
            "operation.missing",
        ),
        (meta(tag={"code": "x"}), 400, "codec.wrong-type"),
        (meta(tag=["x"]), 400, "codec.wrong-type"),
        (meta(tag=[{"code": {}}]), 400, "codec.wrong-type"),
        (meta(profile=[1]), 400, "codec.wrong-type"),
        ({"resourceType": "Parameters", "parameter": [{"name": "x"}]}, 400, "operation.parameter"),
    ],
)
def test_refused(client: Client, body: object, status: int, key: str) -> None:
    answer = client("POST", "/Observation/o/$meta-add", body)
    assert (answer.status, answer.key) == (status, key)


def test_places(client: Client) -> None:
    assert client("GET", "/Observation/o/$meta-add").status == 405
    assert client("POST", "/Observation/$meta-add", meta(tag=[{"code": "x"}])).status == 404


def test_in_use(client: Client) -> None:
    put(client, "Observation", "o2", meta={"tag": [{"code": "bare"}, {"system": "s", "code": "t"}],
        "security": [RESTRICTED], "profile": ["http://x/two"]}, status="final", code={"text": "x"})  # fmt: skip
    put(client, "Organization", "org", meta={"tag": [{"system": "z", "code": "z"}]}, name="x")
    of_type = returned(client("GET", "/Observation/$meta").json)
    assert of_type == {
        "profile": ["http://x/one", "http://x/two"],
        "security": [RESTRICTED],
        "tag": [{"code": "bare"}, {"system": FACILITY, "code": "a"}, {"system": "s", "code": "t"}],
    }
    of_all = returned(client("GET", "/$meta").json)
    assert of_all["tag"] == [*of_type["tag"], {"system": "z", "code": "z"}]
    assert client("GET", "/Basic/$meta").json == {"resourceType": "Parameters"}  # nothing in FHIR is empty
    hidden = client("GET", "/Observation/$meta", token="citizen")
    assert (hidden.status, hidden.key) == (403, "meta.in-use")
    assert client("GET", "/$meta", token="doctor-a").status == 403
    assert returned(client("GET", "/Organization/$meta", token="wall").json)["tag"] == [
        {"system": "z", "code": "z"}
    ]
    json.dumps(of_all)
