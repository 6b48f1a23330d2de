"""References that must lead somewhere, where the record is told so. FHIR R4, http.html#integrity."""

from __future__ import annotations

from typing import Any, cast

import psycopg
import pytest

from tests.fhir.test_bundle_rules import ONE, TWO, bundle, entry, observation
from tests.fhir.test_rest import BASE, Client, patient
from yba.fhir import rest
from yba.fhir.store.audit import Journal


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = Client(connection)
    found.application = rest.application(
        lambda: connection,
        found.actors.get,
        base_url=BASE,
        journal=cast("Journal", found.journal),
        integrity=True,
    )
    return found


def test_a_reference_must_lead_somewhere(client: Client) -> None:
    sent = observation("Patient/p", hasMember=[{"reference": "#x"}, {"reference": "Observation/none"}])
    refused = client("POST", "/Observation", sent)
    assert (refused.status, refused.key) == (400, "store.reference")
    assert refused.json["issue"][0]["expression"] == ["Observation.subject.reference"]
    client("PUT", "/Patient/p", patient())
    refused = client("POST", "/Observation", sent)
    assert refused.json["issue"][0]["expression"] == ["Observation.hasMember[1].reference"]
    elsewhere = [{"reference": "http://there.example/fhir/Observation/1"}, {"reference": "urn:uuid:x"}]
    assert client("POST", "/Observation", observation("Patient/p", hasMember=elsewhere)).status == 201
    assert client("POST", "/Observation", observation(f"{BASE}/Patient/p")).status == 201
    assert client("POST", "/Observation", observation(f"{BASE}/Patient/q")).key == "store.reference"
    assert client("GET", "/Observation?_count=0").json["total"] == 2


def test_a_deleted_target_is_none(client: Client) -> None:
    client("PUT", "/Patient/p", patient())
    client("DELETE", "/Patient/p")
    assert client("POST", "/Observation", observation("Patient/p")).key == "store.reference"


def test_a_hidden_target_is_none(client: Client) -> None:
    client("PUT", "/Patient/p", patient())
    client("PUT", "/Encounter/e", encounter("q", client))
    booking = {
        "resourceType": "Appointment", "status": "booked",
        "participant": [{"actor": {"reference": "Patient/p"}, "status": "accepted"}],
        "supportingInformation": [{"reference": "Encounter/e"}],
    }  # fmt: skip
    refused = client("POST", "/Appointment", booking, token="citizen")
    assert (refused.status, refused.key) == (400, "store.reference")
    assert client("POST", "/Appointment", booking).status == 201


def encounter(person: str, client: Client) -> dict[str, object]:
    client("PUT", f"/Patient/{person}", patient(person))
    return {
        "resourceType": "Encounter", "id": "e", "status": "planned",
        "class": {"code": "AMB"}, "subject": {"reference": f"Patient/{person}"},
    }  # fmt: skip


def test_what_is_referred_to_is_not_deleted(client: Client) -> None:
    client("PUT", "/Patient/p", patient())
    made = client("POST", "/Observation", observation("Patient/p"))
    refused = client("DELETE", "/Patient/p")
    assert (refused.status, refused.key) == (409, "store.referenced")
    assert client("GET", "/Patient/p").status == 200
    assert client("DELETE", f"/Observation/{made.json['id']}").status == 204
    assert client("DELETE", "/Patient/p").status == 204


def test_a_transaction_is_checked_as_a_whole(client: Client) -> None:
    pair = bundle(
        entry("POST", "Observation", observation(TWO, hasMember=[{"reference": ONE}]),
              "urn:uuid:33333333-3333-4333-8333-333333333333"),
        entry("POST", "Observation", observation(TWO), ONE),
        entry("POST", "Patient", patient(None), TWO),
    )  # fmt: skip
    answer = client("POST", "/", pair)
    assert answer.status == 200, answer.body
    names = [one["response"]["location"].partition("/_history")[0] for one in answer.json["entry"]]
    assert client("POST", "/", bundle(entry("DELETE", names[2]))).key == "store.referenced"
    assert client("POST", "/", bundle(*(entry("DELETE", name) for name in names))).status == 200
    broken = client("POST", "/", bundle(entry("POST", "Observation", observation("Patient/none"))))
    assert (broken.status, broken.key) == (400, "store.reference")
    each = client(
        "POST", "/",
        bundle(
            entry("POST", "Observation", observation("Patient/none")), entry("POST", "Patient", patient(None)),
            kind="batch",
        ),
    )  # fmt: skip
    assert [one["response"]["status"][:3] for one in each.json["entry"]] == ["400", "201"]


def test_off_by_default(connection: psycopg.Connection[Any]) -> None:
    assert Client(connection)("POST", "/Observation", observation("Patient/none")).status == 201
