"""The Python client fhirpy against a running house: what its users do all day."""

from __future__ import annotations

from typing import Any

import pytest
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

from tests.houses import House


@pytest.fixture(scope="module")
def client(house: House) -> SyncFHIRClient:
    token = house.command("token", "--role", "system").stdout.strip().splitlines()[-1]
    return SyncFHIRClient(f"{house.address}/fhir", authorization=f"Bearer {token}")


def a_person(client: SyncFHIRClient, family: str, **elements: Any) -> Any:
    person = client.resource("Patient", name=[{"family": family, "given": ["An"]}], **elements)
    person.save()
    return person


def test_create_read_change_and_delete(client: SyncFHIRClient) -> None:
    person = a_person(client, "Fhirpy", gender="female")
    assert person["meta"]["versionId"] == "1"
    again = client.reference("Patient", person["id"]).to_resource()
    assert again["name"] == [{"family": "Fhirpy", "given": ["An"]}]
    again["birthDate"] = "1980-02-29"
    again.save()
    assert client.get("Patient", person["id"])["meta"]["versionId"] == "2"
    again.patch(gender="male")
    assert client.get("Patient", person["id"])["gender"] == "male"
    again.delete()
    with pytest.raises(ResourceNotFound):
        client.get("Patient", person["id"])


def test_search_with_sort_limit_count_and_all_pages(client: SyncFHIRClient) -> None:
    person = a_person(client, "Fhirpysearch")
    for number in range(25):
        client.resource(
            "Observation", status="final", code={"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
            subject=person.to_reference(), effectiveDateTime=f"2026-01-{number + 1:02}",
            valueQuantity={"value": 60 + number, "unit": "/min"},
        ).save()  # fmt: skip
    asked = client.resources("Observation").search(subject=person.to_reference())
    assert asked.count() == 25
    assert [one["valueQuantity"]["value"] for one in asked.sort("-date").limit(3).fetch()] == [84, 83, 82]
    days = [one["effectiveDateTime"] for one in asked.sort("date").limit(10).fetch_all()]
    assert days == [f"2026-01-{number + 1:02}" for number in range(25)]
    assert asked.search(date__ge="2026-01-20").count() == 6
    assert client.resources("Observation").search(subject__Patient__family="Fhirpysearch").count() == 25
    with_person = asked.include("Observation", "subject").limit(1).fetch_raw()
    assert [entry["resource"]["resourceType"] for entry in with_person["entry"]] == ["Observation", "Patient"]
    revincluded = (
        client.resources("Patient").search(_id=person["id"]).revinclude("Observation", "subject").fetch_raw()
    )
    assert len(revincluded["entry"]) == 26
    assert client.resources("Patient").search(family="Fhirpysearch").get()["id"] == person["id"]


def test_conditional_create_update_and_delete(client: SyncFHIRClient) -> None:
    identifier = [{"system": "urn:fhirpy", "value": "conditional"}]
    asked = client.resources("Patient").search(identifier="urn:fhirpy|conditional")
    first, made = asked.get_or_create(client.resource("Patient", identifier=identifier))
    assert made
    second, made_again = asked.get_or_create(client.resource("Patient", identifier=identifier))
    assert (second["id"], made_again) == (first["id"], False)
    updated, made_new = asked.update(client.resource("Patient", identifier=identifier, active=True))
    assert (updated["id"], updated["active"], made_new) == (first["id"], True, False)
    patched = asked.patch(active=False)
    assert patched["active"] is False
    a_person(client, "Twin", identifier=identifier)
    with pytest.raises(MultipleResourcesFound):
        asked.get_or_create(client.resource("Patient", identifier=identifier))


def test_a_transaction_and_an_operation(client: SyncFHIRClient) -> None:
    bundle = client.resource(
        "Bundle", type="transaction",
        entry=[
            {
                "fullUrl": "urn:uuid:7d1f3c9a-6a5e-4d0e-9f4e-8d1b3c0a2e11",
                "resource": {"resourceType": "Patient", "name": [{"family": "Fhirpybundle"}]},
                "request": {"method": "POST", "url": "Patient"},
            },
            {
                "resource": {
                    "resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"},
                    "subject": {"reference": "urn:uuid:7d1f3c9a-6a5e-4d0e-9f4e-8d1b3c0a2e11"},
                },
                "request": {"method": "POST", "url": "Encounter"},
            },
        ],
    )  # fmt: skip
    answer = client.execute("/", method="POST", data=bundle.serialize())
    assert [entry["response"]["status"] for entry in answer["entry"]] == ["201 Created", "201 Created"]
    patient = client.resources("Patient").search(family="Fhirpybundle").get()
    everything = patient.execute("$everything", method="GET")
    assert sorted(entry["resource"]["resourceType"] for entry in everything["entry"]) == [
        "Encounter",
        "Patient",
    ]
    assert client.resource("Patient", gender="female").is_valid()
    assert not client.resource("Patient", gender="fimale").is_valid()


def test_a_refusal_reaches_the_user_in_words(client: SyncFHIRClient) -> None:
    with pytest.raises(OperationOutcome) as refused:
        client.resource("Patient", birthDate="2026-02-30").save()
    assert '"Patient.birthDate"' in str(refused.value)
    assert "YYYY-MM-DD" in str(refused.value)
