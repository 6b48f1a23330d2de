"""Concepts with a required binding are held to it at every write."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir.test_rest import Client, client
from yba.fhir.model.structures import structure
from yba.fhir.r4 import MODULES
from yba.fhir.record.bindings import REQUIRED
from yba.fhir.terminology import Terminology

__all__ = ["client"]

HL7 = "http://terminology.hl7.org/CodeSystem/"
# Sets without end or not ours to list: held by $validate.
OPEN = {"http://hl7.org/fhir/ValueSet/ucum-units|4.0.1", "http://loinc.org/vs/LL379-9|4.0.1"}


def test_the_table_is_what_the_definitions_say() -> None:
    terminology = Terminology()
    found: dict[str, dict[str, frozenset[tuple[str, str]]]] = {}
    for name in MODULES:
        known = structure(name)
        assert known is not None
        for element in known.elements:
            binding = element.binding
            if binding is None or binding.strength != "required" or binding.value_set in OPEN:
                continue
            if [one.code for one in element.types] == ["code"]:
                continue
            assert [one.code for one in element.types] == ["CodeableConcept"], element.path
            codes = frozenset(terminology.codes(binding.value_set) or ())
            found.setdefault(name, {})[element.path.removeprefix(f"{name}.")] = codes
    assert found == {name: dict(elements) for name, elements in REQUIRED.items()}


def condition(**fields: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, **fields}


def coded(*codes: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": HL7 + system, "code": code} for system, code in codes], **more}


@pytest.mark.parametrize(
    "status",
    [
        coded(("condition-clinical", "active")),
        coded(("v3-ActCode", "x"), ("condition-clinical", "resolved")),
        {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]},
    ],
)  # fmt: skip
def test_taken(client: Client, status: dict[str, Any]) -> None:
    assert client("PUT", "/Condition/c", condition(clinicalStatus=status)).status == 201


@pytest.mark.parametrize(
    "status",
    [
        coded(("condition-clinical", "foo")),
        coded(("v3-ActCode", "active")),
        {"coding": [{"code": "active"}]},
        {"text": "đang mắc"},
    ],
)
def test_refused(client: Client, status: dict[str, Any]) -> None:
    answer = client("PUT", "/Condition/c", condition(clinicalStatus=status))
    assert (answer.status, answer.key) == (400, "store.required-binding")
    assert answer.json["issue"][0]["expression"] == ["Condition.clinicalStatus"]
    assert client("GET", "/Condition/c").status == 404


def test_refused_by_patch_in_a_transaction_and_inside_others(client: Client) -> None:
    wrong = coded(("condition-clinical", "foo"))
    client("PUT", "/Condition/c", condition())
    patch = [{"op": "add", "path": "/clinicalStatus", "value": wrong}]
    answer = client("PATCH", "/Condition/c", patch, content_type="application/json-patch+json")
    assert (answer.status, answer.key) == (400, "store.required-binding")
    entry = {"resource": condition(clinicalStatus=wrong), "request": {"method": "PUT", "url": "Condition/c"}}
    answer = client("POST", "/", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert (answer.status, answer.key) == (400, "store.required-binding")
    holder = {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "contained": [condition(clinicalStatus=wrong)], "focus": [{"reference": "#c"}],
    }  # fmt: skip
    answer = client("POST", "/Observation", holder)
    assert answer.json["issue"][0]["expression"] == ["Observation.contained[0].clinicalStatus"]


def test_deep_elements(client: Client) -> None:
    cost = {"type": {"text": "x"}, "applicability": {"text": "x"}}
    plan = {
        "specificCost": [{"category": {"text": "x"}, "benefit": [{"type": {"text": "x"}, "cost": [cost]}]}]
    }
    answer = client("POST", "/InsurancePlan", {"resourceType": "InsurancePlan", "name": "a", "plan": [plan]})
    path = "InsurancePlan.plan[0].specificCost[0].benefit[0].cost[0].applicability"
    assert answer.json["issue"][0]["expression"] == [path]
    delivery = {"resourceType": "SupplyDelivery", "type": {"text": "x"}}
    assert client("POST", "/SupplyDelivery", delivery).key == "store.required-binding"


@pytest.mark.parametrize(
    ("kind", "element", "value", "path"),
    [
        ("Basic", "extension", {"url": "http://x", "valueMoney": {"value": 1, "currency": "DONG"}},
         "Basic.extension[0].valueMoney.currency"),
        ("Basic", "extension", {"url": "http://x", "valueAttachment": {"contentType": "pdf", "title": "x"}},
         "Basic.extension[0].valueAttachment.contentType"),
    ],
)  # fmt: skip
def test_codes_of_lists_that_others_keep(
    client: Client, kind: str, element: str, value: dict[str, Any], path: str
) -> None:
    """ISO 4217 and RFC 6838: valueset-currencies.html, valueset-mimetypes.html."""
    sent = {"resourceType": kind, "code": {"text": "x"}, element: [value]}
    answer = client("POST", f"/{kind}", sent)
    assert (answer.status, answer.json["issue"][0]["expression"]) == (400, [path])
    inner = next(one for name, one in value.items() if name != "url")
    inner.update(currency="VND") if "currency" in inner else inner.update(contentType="application/pdf")
    assert client("POST", f"/{kind}", sent).status == 201
