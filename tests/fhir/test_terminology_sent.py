"""Whatever is sent with a question is answered or refused, never a fault of the server."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import psycopg
import pytest

from tests.fhir.test_rest import Client
from tests.fhir.test_terminology_operations import ANIMALS, MAP, URL

Tree = Any
COMPOSE = {
    "include": [
        {"system": URL, "filter": [{"property": "concept", "op": "is-a", "value": "mammal"}]},
        {"system": URL, "concept": [{"code": "bird", "designation": [{"language": "vi", "value": "Chim"}]}]},
        {"valueSet": ["http://hl7.org/fhir/ValueSet/administrative-gender"]},
    ],
    "exclude": [{"system": URL, "concept": [{"code": "dog"}]}],
}
VALUE_SET = {"resourceType": "ValueSet", "url": "urn:vs", "status": "active", "compose": COMPOSE}
CODING = {"name": "coding", "valueCoding": {"system": URL, "code": "bird", "display": "Bird"}}
QUESTIONS: list[tuple[str, list[Tree]]] = [
    ("/ValueSet/$expand", [{"name": "valueSet", "resource": VALUE_SET}, {"name": "displayLanguage", "valueCode": "vi"},
                           {"name": "includeDesignations", "valueBoolean": True}]),
    ("/ValueSet/$validate-code", [{"name": "valueSet", "resource": VALUE_SET}, CODING]),
    ("/CodeSystem/$validate-code", [{"name": "codeSystem", "resource": ANIMALS}, CODING]),
    ("/CodeSystem/$lookup", [CODING, {"name": "property", "valueCode": "*"}]),
    ("/ConceptMap/$translate", [{"name": "conceptMap", "resource": MAP}, CODING]),
]  # fmt: skip
ODD: list[Tree] = [None, True, 0, -1, "", "x", [], {}, [None], [{}], {"a": 1}, "é" * 300, 10**20, ["x"]]


def places(tree: Tree) -> list[tuple[Tree, Any]]:
    """Every (holder, key) in a tree."""
    found = []
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, below in pairs:
        found.append((tree, key))
        found += places(below)
    return found


@pytest.mark.parametrize("seed", range(40))
def test_mangled_questions(connection: psycopg.Connection[Any], seed: int) -> None:
    client = Client(connection)
    chance = random.Random(seed)
    for path, rows in QUESTIONS:
        body = {"resourceType": "Parameters", "parameter": copy.deepcopy(rows)}
        body["parameter"].append({"name": "tx-resource", "resource": copy.deepcopy(ANIMALS)})  # type: ignore[attr-defined]  # a tree
        for _ in range(chance.randint(1, 3)):
            holder, key = chance.choice(places(body["parameter"]))
            if chance.random() < 0.2 and isinstance(holder, dict):
                del holder[key]
            else:
                holder[key] = copy.deepcopy(chance.choice(ODD))
        answer = client("POST", path, body)
        assert answer.status in (200, 400, 403, 404, 422), (path, json.dumps(body), answer.body)


def test_the_path_of_the_fault_is_told(connection: psycopg.Connection[Any]) -> None:
    sent = {**VALUE_SET, "compose": {"include": [{"system": URL, "concept": [{"code": 5}]}]}}
    answer = Client(connection)("POST", "/ValueSet/$expand", sent)
    assert answer.status == 400
    assert answer.json["issue"][0]["expression"] == ["ValueSet.compose.include[0].concept[0].code"]


def test_a_value_set_by_its_place(connection: psycopg.Connection[Any]) -> None:
    client = Client(connection)
    assert client("PUT", "/CodeSystem/animals", ANIMALS).status == 201
    assert client("PUT", "/ValueSet/own", {**VALUE_SET, "id": "own"}).status == 201
    assert client("GET", "/ValueSet/$expand?url=ValueSet/own").json["expansion"]["total"] == 7
