"""Composition/$document: complete or refused; the Composition first; for who may see all of it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fhir.operation_calls import BASE, Answer, Client, client_of, put
from yba.fhir.model import codec

P = {"reference": "Patient/p"}


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = client_of(connection)
    put(found, "Organization", "top", name="Sở")
    put(found, "Organization", "org", name="Bệnh viện", partOf={"reference": "Organization/top"})
    put(found, "Practitioner", "dr", name=[{"text": "Bác sĩ"}])
    put(found, "Patient", "p", managingOrganization={"reference": "Organization/org"})
    put(found, "Encounter", "e", facility="a", status="finished", **{"class": {"code": "AMB"}}, subject=P)
    for name in ("deep", "o1", "o2"):
        member = {"hasMember": [{"reference": "Observation/deep"}]} if name == "o1" else {}
        put(found, "Observation", name, facility="a", status="final", code={"text": "x"}, subject=P, **member)
    put(found, "DiagnosticReport", "r", facility="a", status="final", code={"text": "x"}, subject=P,
        result=[{"reference": "Observation/o1"}])  # fmt: skip
    put(found, "Composition", "old", facility="a", status="final", type={"text": "x"}, subject=P, date="2023",
        author=[{"display": "?"}], title="Cũ")  # fmt: skip
    composition(found, "c")
    return found


def composition(client: Client, identifier: str, **fields: Any) -> None:
    fields = {
        "custodian": {"reference": f"{BASE}/Organization/org"},
        "relatesTo": [{"code": "replaces", "targetReference": {"reference": "Composition/old"}}],
        "section": [
            {"title": "1", "entry": [{"reference": "DiagnosticReport/r"}],
             "section": [{"title": "1.1", "entry": [{"reference": "Observation/o2"}]}]}
        ],
        **fields,
    }  # fmt: skip
    put(client, "Composition", identifier, facility="a", status="final", type={"text": "x"}, subject=P, date="2024",
        author=[{"reference": "Practitioner/dr"}], title="Ra viện", **fields)  # fmt: skip


def contents(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    codec.decode(answer.body, "Bundle")
    body = answer.json
    assert body["type"] == "document"
    assert body["identifier"]["value"].startswith("urn:uuid:")
    assert body["timestamp"].endswith("Z")
    for one in body["entry"]:
        assert one["fullUrl"] == f"{BASE}/{one['resource']['resourceType']}/{one['resource']['id']}"
        assert "search" not in one
    return [one["fullUrl"].removeprefix(BASE + "/") for one in body["entry"]]


def test_the_document(client: Client) -> None:
    answer = client("GET", "/Composition/c/$document")
    assert contents(answer) == [
        "Composition/c", "Patient/p", "Organization/org", "Practitioner/dr", "DiagnosticReport/r", "Observation/o2",
        "Organization/top", "Observation/deep", "Observation/o1",
    ]  # fmt: skip
    assert answer.json["entry"][0]["resource"] == client("GET", "/Composition/c").json
    assert "Location" not in answer.headers


def test_by_id_and_post(client: Client) -> None:
    found = contents(client("GET", "/Composition/c/$document"))
    for said in ("c", "Composition/c", f"{BASE}/Composition/c"):
        assert contents(client("GET", f"/Composition/$document?id={said}")) == found
    sent = {"resourceType": "Parameters", "parameter": [{"name": "id", "valueUri": "c"}]}
    assert contents(client("POST", "/Composition/$document", sent)) == found
    assert contents(client("POST", "/Composition/c/$document")) == found


def test_persist(client: Client) -> None:
    answer = client("POST", "/Composition/c/$document?persist=true")
    contents(answer)
    assert answer.headers["Location"] == f"{BASE}/Bundle/{answer.json['id']}"
    assert client("GET", answer.headers["Location"]).json == answer.json
    assert client("POST", "/Composition/c/$document?persist=true", token="doctor-a").status == 403


def test_a_version_that_is_named(client: Client) -> None:
    put(client, "Observation", "o2", facility="a", status="amended", code={"text": "x"}, subject=P)
    composition(client, "c", section=[{"title": "1", "entry": [{"reference": "Observation/o2/_history/1"}]}])
    (one,) = [
        one["resource"]
        for one in client("GET", "/Composition/c/$document").json["entry"]
        if one["resource"]["id"] == "o2"
    ]
    assert one["status"] == "final"


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ("Observation/none", "document.incomplete"),
        ("Observation/o1/_history/9", "document.incomplete"),
        ("http://elsewhere/fhir/Observation/1", "document.elsewhere"),
        ("urn:uuid:2d9a8b62-2e08-4c8b-9d8a-2f3f6b1f4d60", "document.elsewhere"),
    ],
)
def test_never_a_part(client: Client, target: str, key: str) -> None:
    composition(client, "c", section=[{"title": "1", "entry": [{"reference": target}]}])
    answer = client("GET", "/Composition/c/$document")
    assert (answer.status, answer.key) == (409, key)


def test_access(client: Client) -> None:
    """A document of which a part is hidden is none."""
    assert contents(client("GET", "/Composition/c/$document", token="citizen"))[0] == "Composition/c"
    assert contents(client("GET", "/Composition/c/$document", token="doctor-a"))[0] == "Composition/c"
    for token in ("stranger", "doctor-b", "wall", "desk"):
        assert client("GET", "/Composition/c/$document", token=token).status == 404
    put(client, "Patient", "other")
    put(
        client,
        "Observation",
        "of-other",
        status="final",
        code={"text": "x"},
        subject={"reference": "Patient/other"},
    )
    composition(client, "c", section=[{"title": "1", "entry": [{"reference": "Observation/of-other"}]}])
    hidden = client("GET", "/Composition/c/$document", token="citizen")
    assert (hidden.status, hidden.key) == (409, "document.incomplete")
    assert "Observation/of-other" in contents(client("GET", "/Composition/c/$document"))


@pytest.mark.parametrize(
    ("url", "status", "key"),
    [
        ("/Composition/c/$document?id=c", 400, "document.id"),
        ("/Composition/$document", 400, "operation.missing"),
        ("/Composition/$document?id=http://elsewhere/Composition/1", 400, "document.elsewhere"),
        ("/Composition/c/$document?graph=http://x", 400, "document.graph"),
        ("/Composition/c/$document?persist=1", 400, "operation.value"),
        ("/Composition/none/$document", 404, "store.not-found"),
    ],
)
def test_refused(client: Client, url: str, status: int, key: str) -> None:
    answer = client("GET", url)
    assert (answer.status, answer.key) == (status, key)
