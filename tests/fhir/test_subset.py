"""_summary and _elements: what is left, and the tag that says so. FHIR R4, search.html#summary and #elements."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.fhir.test_rest import Client
from yba.fhir.errors import Invalid
from yba.fhir.model import codec
from yba.fhir.rest.subset import SUBSETTED, asked, subset

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "meta": {"versionId": "1"},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
    "contained": [{"resourceType": "Device", "id": "d"}],
    "extension": [{"url": "http://e", "valueString": "x"}],
    "modifierExtension": [{"url": "http://m", "valueString": "x"}],
    "status": "final",
    "_status": {"id": "s"},
    "code": {"text": "c"},
    "subject": {"reference": "Patient/p"},
    "valueQuantity": {"value": 1.5, "unit": "kg"},
    "note": [{"text": "n"}],
    "device": {"reference": "#d"},
    "component": [{"code": {"text": "k"}, "valueInteger": 1, "referenceRange": [{"text": "r"}]}],
}
KEPT = {"resourceType", "id", "meta"}


def part(*, elements: list[str] | None = None, summary: str | None = None) -> dict[str, Any]:
    data = subset("Observation", json.dumps(OBSERVATION).encode(), elements=elements, summary=summary)
    codec.decode(data)
    found: dict[str, Any] = json.loads(data)
    assert found["meta"]["tag"] == [SUBSETTED]
    return found


def test_elements_keep_what_is_mandatory_and_what_modifies() -> None:
    found = part(elements=["subject"])
    assert set(found) == KEPT | {"modifierExtension", "status", "_status", "code", "subject"}
    assert part(elements=["Observation.subject"]) == found
    assert part(elements=["subject.reference"]) == found


@pytest.mark.parametrize("name", ["value", "value[x]", "valueQuantity"])
def test_a_choice_by_any_of_its_names(name: str) -> None:
    assert part(elements=[name])["valueQuantity"] == {"value": 1.5, "unit": "kg"}


def test_summary_true() -> None:
    found = part(summary="true")
    assert set(found) == KEPT | {
        "modifierExtension", "status", "_status", "code", "subject", "valueQuantity", "component",
    }  # fmt: skip
    assert found["component"] == [{"code": {"text": "k"}, "valueInteger": 1}]


def test_summary_text() -> None:
    assert set(part(summary="text")) == KEPT | {"text", "status", "_status", "code"}


def test_summary_data() -> None:
    assert set(part(summary="data")) == set(OBSERVATION) - {"text"}


def test_nothing_asked_is_the_whole() -> None:
    data = json.dumps(OBSERVATION).encode()
    assert subset("Observation", data, elements=None, summary=None) is data


def test_digits_are_kept() -> None:
    data = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"c"},"valueQuantity":{"value":80.10}}'
    )
    assert b"80.10" in subset("Observation", data, elements=None, summary="true")
    assert b"80.10" in subset("Observation", data, elements=["value"], summary=None)


def test_what_is_asked() -> None:
    assert asked([("_elements", "a,b"), ("_elements", "c"), ("x", "y")]) == (["a", "b", "c"], None)
    assert asked([("_summary", "false")]) == (None, None)
    assert asked([("_summary", "count")], counts=True) == (None, "count")
    for wrong in ([("_summary", "count")], [("_summary", "yes")], [("_summary", "true"), ("_elements", "a")]):
        with pytest.raises(Invalid):
            asked(wrong)


def test_over_http(connection: psycopg.Connection[Any]) -> None:
    client = Client(connection)
    client("PUT", "/Observation/o", OBSERVATION)
    for url in ("/Observation/o", "/Observation/o/_history/1"):
        answer = client("GET", f"{url}?_summary=text")
        assert (answer.status, answer.headers["ETag"]) == (200, 'W/"1"')
        assert set(answer.json) == KEPT | {"text", "status", "_status", "code"}
    assert client("GET", "/Observation/o?_summary=count").key == "rest.summary"
    found = client("GET", "/Observation?_elements=subject").json["entry"][0]["resource"]
    assert "note" not in found
    assert found["meta"]["tag"][-1] == SUBSETTED
    assert "note" in client("GET", "/Observation/o").json
    refused = client("PUT", "/Observation/o", found)
    assert (refused.status, refused.key) == (400, "store.subsetted")
