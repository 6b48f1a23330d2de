"""The capability statement is true: what it claims answers, and what is there is claimed."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fhir.test_rest import BASE, Client, patient
from yba.fhir.model import codec
from yba.fhir.rest.operations import OPERATIONS

TYPES = ("Observation", "Patient", "Appointment", "Invoice", "Slot", "Location", "ValueSet", "Binary")


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    return Client(connection)


def statement(client: Client, mode: str = "full") -> dict[str, Any]:
    answer = client("GET", f"/metadata?mode={mode}", token=None)
    assert answer.status == 200
    codec.decode(answer.body)
    return dict(answer.json)


def test_what_it_says(client: Client) -> None:
    found = statement(client)
    assert found["implementation"]["url"] == BASE
    assert found["fhirVersion"] == "4.0.1"
    assert found["format"] == ["application/fhir+json", "application/fhir+xml", "json", "xml"]
    assert found["patchFormat"][0] == "application/json-patch+json"
    (server,) = found["rest"]
    assert [one["code"] for one in server["interaction"]] == [
        "transaction", "batch", "history-system", "search-system",
    ]  # fmt: skip
    resources = {one["type"]: one for one in server["resource"]}
    assert len(resources) == 146
    observation = resources["Observation"]
    assert observation["conditionalUpdate"] is True
    assert observation["conditionalDelete"] == "multiple"
    names = [one["name"] for one in observation["searchParam"]]
    assert len(set(names)) == len(names)
    assert set(names) >= {
        "code",
        "patient",
        "date",
        "value-quantity",
        "code-value-quantity",
        "_id",
        "_has",
        "_list",
    }
    named = {one["name"] for one in server.get("operation", [])} | {
        one["name"] for resource in server["resource"] for one in resource.get("operation", [])
    }
    assert named == {one.name for one in OPERATIONS}


def test_modes(client: Client) -> None:
    normative = {one["type"] for one in statement(client, "normative")["rest"][0]["resource"]}
    assert normative >= {"Patient", "Observation", "Bundle"}
    assert "Appointment" not in normative
    terminology = statement(client, "terminology")
    assert terminology["resourceType"] == "TerminologyCapabilities"
    assert "http://hl7.org/fhir/administrative-gender" in {one["uri"] for one in terminology["codeSystem"]}
    assert client("GET", "/metadata?mode=none", token=None).key == "rest.mode"


@pytest.mark.parametrize("name", TYPES)
def test_every_search_parameter_answers(client: Client, name: str) -> None:
    resource = next(one for one in statement(client)["rest"][0]["resource"] if one["type"] == name)
    values = {
        "date": "2026", "number": "1", "quantity": "1", "reference": "Patient/x", "uri": "http://x", "composite": "x$1",
    }  # fmt: skip
    special = {"near": "10.0|106.0|1|km", "_filter": "_id eq x", "_has": None}
    composites = {"combo-value-concept": "x$x", "code-value-concept": "x$x"}
    asked = 0
    for parameter in resource["searchParam"]:
        code, kind = parameter["name"], parameter["type"]
        value = special.get(code, composites.get(code, values.get(kind, "x")))
        if value is None or kind == "composite":
            continue
        answer = client("GET", f"/{name}?{code}={value}&_count=0", prefer="handling=strict")
        assert (answer.status, answer.json.get("total")) == (200, 0), (name, parameter, answer.body)
        asked += 1
    assert asked > 3
    for include in resource.get("searchInclude", [])[:5]:
        assert client("GET", f"/{name}?_include={include}", prefer="handling=strict").status == 200, include
    for include in resource.get("searchRevInclude", [])[:5]:
        assert client("GET", f"/{name}?_revinclude={include}", prefer="handling=strict").status == 200, (
            include
        )


def test_every_interaction_answers(client: Client) -> None:
    bodies = {"Patient": patient("x"), "Binary": {"resourceType": "Binary", "id": "x", "contentType": "a/b"}}
    for resource in statement(client)["rest"][0]["resource"]:
        name = resource["type"]
        if name not in bodies:
            continue
        body = bodies[name]
        asked: dict[str, tuple[Any, ...]] = {
            "create": ("POST", f"/{name}", body, 201),
            "update": ("PUT", f"/{name}/x", body, 201),
            "read": ("GET", f"/{name}/x", None, 200),
            "vread": ("GET", f"/{name}/x/_history/1", None, 200),
            "search-type": ("GET", f"/{name}", None, 200),
            "history-instance": ("GET", f"/{name}/x/_history", None, 200),
            "history-type": ("GET", f"/{name}/_history", None, 200),
            "patch": ("PATCH", f"/{name}/x", [], 200),
            "delete": ("DELETE", f"/{name}/x", None, 204),
        }
        claimed = {one["code"] for one in resource["interaction"]}
        assert claimed == set(asked)
        for code, (method, url, sent, status) in asked.items():
            kind = "application/json-patch+json" if code == "patch" else "application/fhir+json"
            answer = client(method, url, sent, content_type=kind)
            assert answer.status == status, (code, answer.body)


def test_the_system_level_answers(client: Client) -> None:
    client("PUT", "/Patient/p", patient())
    assert client("GET", "/_history").json["type"] == "history"
    assert client("GET", "/?_type=Patient&_id=p").json["total"] == 1
    for kind in ("batch", "transaction"):
        answer = client("POST", "/", {"resourceType": "Bundle", "type": kind})
        assert answer.json == {"resourceType": "Bundle", "type": f"{kind}-response"}


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("/", "GET, POST, HEAD, OPTIONS"),
        ("/Patient", "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("/Patient/p", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("/Patient/p/_history/1", "GET, HEAD, OPTIONS"),
        ("/Patient/_search", "POST, OPTIONS"),
    ],
)
def test_options(client: Client, url: str, allowed: str) -> None:
    answer = client("OPTIONS", url, token=None)
    assert (answer.status, answer.headers["Allow"]) == (200, allowed)
    assert (url == "/") == (b"CapabilityStatement" in answer.body)
