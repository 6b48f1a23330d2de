"""What tests of operations share: a client with several actors, and rows to ask about."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

import psycopg

from tests.fhir.test_rest import BASE, Answer, Client
from yba.fhir import rest
from yba.fhir.access import Actor, consent
from yba.fhir.model import codec
from yba.fhir.r4.datatypes import Reference
from yba.fhir.store.audit import Journal

__all__ = [
    "BASE",
    "Answer",
    "Client",
    "a_consent",
    "a_guardian",
    "a_visit",
    "client_of",
    "entries",
    "names",
    "put",
]

#: Two facilities' doctors, a citizen for `p` and her child, a citizen for somebody else, a desk, a wall.
ACTORS = {
    "doctor-a": Actor(user="da", role="doctor", facility="a"),
    "doctor-b": Actor(user="db", role="doctor", facility="b"),
    "citizen": Actor(user="c", role="citizen", persons=frozenset({"p", "child"}), person="p"),
    "stranger": Actor(user="s", role="citizen", persons=frozenset({"other"}), person="other"),
    "desk": Actor(user="desk", role="customer_care", facility="a"),
    "wall": Actor(user="w", role="wall"),
}


def client_of(connection: psycopg.Connection[Any]) -> Client:
    client = Client(connection)
    client.actors.update(ACTORS)
    client.application = rest.application(
        lambda: connection, client.actors.get, base_url=BASE, journal=cast("Journal", client.journal)
    )
    return client


def put(
    client: Client, type_name: str, identifier: str, /, *, facility: str | None = None, **fields: Any
) -> Any:
    """Store a resource under an id as the system; what was stored."""
    sent: dict[str, Any] = {"resourceType": type_name, "id": identifier}
    if facility is not None:
        sent["meta"] = {"tag": [{"system": "https://yba.vn/fhir/facility", "code": facility}]}
    answer = client("PUT", f"/{type_name}/{identifier}", sent | fields)
    assert answer.status in (200, 201), answer.body
    return answer.json


def a_visit(client: Client, patient: str, facility: str) -> None:
    """A visit that is open: the facility sees what it keeps of the person."""
    put(
        client, "Encounter", f"open-{patient}-{facility}", facility=facility, status="in-progress",
        **{"class": {"code": "AMB"}}, subject={"reference": f"Patient/{patient}"},
    )  # fmt: skip


def a_consent(client: Client, patient: str, facility: str) -> None:
    """A person shares the whole book with a facility; labelled rows are no part of it."""
    made = consent.sharing(
        patient, [Reference(reference=f"Organization/{facility}")], now=datetime(2020, 1, 1, tzinfo=UTC)
    )
    put(client, "Consent", f"share-{patient}-{facility}", **json.loads(codec.encode(made)))


def a_guardian(client: Client, child: str, guardian: str) -> None:
    """Somebody of the record answers for a child."""
    put(
        client, "RelatedPerson", f"{guardian}-of-{child}", patient={"reference": f"Patient/{child}"},
        relationship=[{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "GUARD"}]}],
        extension=[
            {
                "url": "https://yba.vn/fhir/StructureDefinition/related-person-patient",
                "valueReference": {"reference": f"Patient/{guardian}"},
            }
        ],
    )  # fmt: skip


def entries(answer: Answer) -> list[Any]:
    assert answer.status == 200, answer.body
    found: list[Any] = answer.json.get("entry", [])
    return found


def names(answer: Answer, mode: str | None = None) -> list[str]:
    """``Type/id`` of each entry, in order; of one search mode only."""
    return [
        f"{one['resource']['resourceType']}/{one['resource']['id']}"
        for one in entries(answer)
        if mode is None or one["search"]["mode"] == mode
    ]
