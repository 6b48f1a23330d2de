"""Decimals as they were written, by every way in and out."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fhir.test_formats import client  # noqa: F401 - a fixture
from tests.fhir.test_rest import Client
from yba.fhir import patch
from yba.fhir.model import codec, fhirpath, tree, xml

SPELLED = [
    "1E2",
    "1e2",
    "1E+2",
    "1e-10",
    "-0",
    "-0.0",
    "0e5",
    "1.50E-3",
    "12E+2",
    "10E-3",
    "1E02",
    "0.00000010",
    "7",
]


def observation(number: str, more: str = "") -> bytes:
    return (
        '{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},'
        f'"valueQuantity":{{"value":{number},"system":"http://unitsofmeasure.org","code":"mg"}}{more}}}'
    ).encode()


def spelled(body: bytes) -> str:
    value: str = json.loads(body, parse_float=str, parse_int=str)["valueQuantity"]["value"]
    return value


@pytest.mark.parametrize("number", SPELLED)
def test_through_codec_tree_and_xml(number: str) -> None:
    sent = observation(number)
    resource, written = codec.decode_with_bytes(sent)
    assert written == codec.encode(resource) == codec.encode(deepcopy(resource)) == sent
    assert codec.check(resource) == sent
    assert codec.encode(codec.decode_known(sent, "Observation")) == sent
    assert tree.dump(tree.parse(sent)) == sent
    assert xml.to_json(xml.from_json(sent)) == sent
    assert f'<value value="{number}"/>'.encode() in xml.from_json(sent)


decimals = st.from_regex(r"-?(0|[1-9][0-9]{0,6})(\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)


@given(decimals, st.sampled_from(["", " ", "\n\t"]))
def test_any_decimal_comes_back_as_it_was_written(number: str, space: str) -> None:
    sent = (
        f'{{"status":"final","code":{{"text":"é E-1 x-0"}},"resourceType":"Observation",'
        f'"component":[{{"code":{{"text":"y"}},"valueRange":{{"high":{{"value":{space}{number}{space}}}}}}}],'
        f'"contained":[{{"resourceType":"Basic","code":{{"text":"z"}},"extension":[{{"url":"http://x.vn/d",'
        f'"valueDecimal":{space}{number}}}]}}]}}'
    ).encode()
    written = json.loads(codec.decode_with_bytes(sent)[1], parse_float=str, parse_int=str)
    assert written["component"][0]["valueRange"]["high"]["value"] == number
    assert written["contained"][0]["extension"][0]["valueDecimal"] == number
    assert tree.parse(number) == Decimal(number)


def test_a_spelled_number_is_a_number() -> None:
    held = tree.parse(observation("1E2"))
    assert fhirpath.compile("value.value = 100 and value = 100 'mg' and value.value + 1 = 101").true(held)
    assert fhirpath.compile("(value.value | 100).count() = 1 and value.value is decimal").true(held)
    assert fhirpath.compile("value.value.round(0)").values(held) == [Decimal(100)]


def test_through_patches() -> None:
    """What a patch does not touch stays; what it brings comes as it was sent."""
    held = tree.parse(observation("1E2"))
    operation = {"op": "add", "path": "/component", "value": [{"valueQuantity": {"value": tree.parse("-0")}}]}
    changed = tree.dump(patch.json_patch(held, [operation]))
    assert spelled(changed) == "1E2"
    assert b'"component":[{"valueQuantity":{"value":-0}}]' in changed
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Observation.value.value"},
        {"name": "value", "valueDecimal": tree.parse("5e1")},
    ]
    operations = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    assert spelled(tree.dump(patch.fhirpath_patch(held, operations))) == "5e1"


def test_through_the_rest_of_the_record(client: Client) -> None:  # noqa: F811
    for number in ("1E2", "12e+1", "-0", "0.00000010"):
        assert client("PUT", "/Observation/o", observation(number)).status in (200, 201)
        for asked in ("/Observation/o", "/Observation/o?_pretty=true", "/Observation/o?_elements=value"):
            assert spelled(client("GET", asked).body) == number, asked
        xml_body = client("GET", "/Observation/o", accept="application/fhir+xml").body
        assert spelled(xml.to_json(xml_body, ordered=True)) == number
    assert client("PUT", "/Observation/o", observation("1E2")).status == 200
    assert client("GET", "/Observation?value-quantity=100||mg").json["total"] == 1
    assert client("GET", "/Observation?value-quantity=gt100||mg").json["total"] == 0


def test_in_a_transaction(client: Client) -> None:  # noqa: F811
    entry: dict[str, Any] = {"request": {"method": "PUT", "url": "Observation/o"}, "resource": 0}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    body = json.dumps(bundle).encode().replace(b'"resource": 0', b'"resource": ' + observation("1E2"))
    assert client("POST", "/", body).status == 200
    assert spelled(client("GET", "/Observation/o").body) == "1E2"
    assert client("GET", "/Observation?value-quantity=100||mg").json["total"] == 1
