"""$everything of a person and of a visit: what is in it, what is not, for whom, and page by page."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.fhir.operation_calls import (
    BASE,
    Client,
    a_consent,
    a_guardian,
    a_visit,
    client_of,
    entries,
    names,
    put,
)

P = {"reference": "Patient/p"}
OF_P = ["Patient/p", "Encounter/e", "Observation/o1", "Observation/o2", "MedicationRequest/m", "Appointment/two",
        "Observation/measured"]  # fmt: skip
NEEDED = ["Organization/top", "Organization/org", "Practitioner/dr", "Location/room", "Medication/drug"]


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = client_of(connection)
    put(found, "Organization", "top", name="Sở Y tế")
    put(found, "Organization", "org", name="Bệnh viện", partOf={"reference": "Organization/top"})
    put(found, "Organization", "unrelated", name="Khác")
    put(found, "Practitioner", "dr", name=[{"text": "Bác sĩ"}])
    put(found, "Location", "room", managingOrganization={"reference": f"{BASE}/Organization/org"})
    put(found, "Medication", "drug", code={"text": "Paracetamol"})
    put(found, "Patient", "p", managingOrganization={"reference": "Organization/org"})
    put(found, "Patient", "other")
    put(found, "Patient", "child", birthDate="2020-01-01")
    a_guardian(found, "child", "p")
    put(
        found, "Encounter", "e", facility="a", status="finished",
        **{"class": {"code": "AMB"}}, subject=P, period={"start": "2024-03-01", "end": "2024-03-20"},
        location=[{"location": {"reference": "Location/room"}}],
    )  # fmt: skip
    put(
        found, "Observation", "o1", facility="a", status="final", code={"text": "x"}, subject=P,
        encounter={"reference": "Encounter/e"}, effectiveDateTime="2024-03-02",
        performer=[{"reference": "Practitioner/dr"}],
    )  # fmt: skip
    put(
        found, "Observation", "o2", facility="b", status="final", code={"text": "y"}, subject=P,
        effectiveDateTime="2025-01-01", derivedFrom=[{"reference": "Observation/of-other"}],
    )  # fmt: skip
    put(
        found, "MedicationRequest", "m", facility="a", status="active", intent="order", subject=P,
        medicationReference={"reference": "Medication/drug"},
        extension=[
            {
                "url": "http://hl7.org/fhir/StructureDefinition/encounter-associatedEncounter",
                "valueReference": {"reference": "Encounter/e"},
            }
        ],
    )  # fmt: skip
    put(
        found, "Appointment", "two", facility="a", status="booked",
        participant=[{"actor": one, "status": "accepted"} for one in (P, {"reference": "Patient/other"})],
    )  # fmt: skip
    put(
        found, "Observation", "measured", facility="a", status="final", code={"text": "z"},
        subject={"reference": "Patient/child"}, performer=[P],
    )  # fmt: skip
    put(
        found,
        "Observation",
        "of-other",
        status="final",
        code={"text": "z"},
        subject={"reference": "Patient/other"},
    )
    put(found, "Observation", "gone", status="final", code={"text": "z"}, subject=P)
    found("DELETE", "/Observation/gone")
    return found


def test_all_of_a_person_and_what_it_needs(client: Client) -> None:
    answer = client("GET", "/Patient/p/$everything")
    assert names(answer, "match") == OF_P
    assert sorted(names(answer, "include")) == sorted(NEEDED)
    body = answer.json
    assert (body["type"], body["total"]) == ("searchset", len(OF_P))
    assert body["link"] == [{"relation": "self", "url": f"{BASE}/Patient/p/$everything"}]
    assert body["entry"][1]["fullUrl"] == f"{BASE}/Encounter/e"
    assert body["entry"][1]["resource"] == client("GET", "/Encounter/e").json
    assert client("POST", "/Patient/p/$everything", {"resourceType": "Parameters"}).body == answer.body


def test_bytes_are_those_stored(client: Client) -> None:
    put(client, "Observation", "exact", status="final", code={"text": "q"}, subject=P)
    sent = (
        b'{"resourceType":"Observation","id":"exact","status":"final","code":{"text":"q"},'
        b'"subject":{"reference":"Patient/p"},"valueQuantity":{"value":80.10}}'
    )
    client("PUT", "/Observation/exact", sent)
    assert client("GET", "/Observation/exact").body in client("GET", "/Patient/p/$everything").body


def test_care_dates(client: Client) -> None:
    """A visit that was going on counts; what has no time is always in scope."""
    asked = client(
        "GET", "/Patient/p/$everything?start=2024-03-10&end=2024-12-31&_type=Encounter,Observation,Patient"
    )
    assert names(asked) == ["Patient/p", "Encounter/e", "Observation/measured"]
    later = client("GET", "/Patient/p/$everything?start=2024-12-31&_type=Encounter,Observation")
    assert names(later, "match") == ["Observation/o2", "Observation/measured"]
    assert names(later, "include") == ["Encounter/e"]  # the prescription, which has no date, names it
    # Nobody named in what is left out is included.
    assert "Practitioner/dr" not in names(client("GET", "/Patient/p/$everything?start=2025-01-01"))


def test_types(client: Client) -> None:
    asked = client("GET", "/Patient/p/$everything?_type=Practitioner,Encounter&_type=Organization")
    assert names(asked, "match") == ["Encounter/e"]
    assert names(asked, "include") == ["Organization/top", "Organization/org", "Practitioner/dr"]


def test_since(client: Client) -> None:
    moment = client("GET", "/Observation/of-other").json["meta"]["lastUpdated"]
    put(client, "Practitioner", "dr", name=[{"text": "Bác sĩ khác"}])
    put(client, "Observation", "new", status="final", code={"text": "x"}, subject=P)
    asked = client("GET", f"/Patient/p/$everything?_since={moment}")
    assert names(asked) == ["Observation/new", "Practitioner/dr"]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 8, 11, 12, 13])
def test_pages_hold_each_once(client: Client, count: int) -> None:
    whole = names(client("GET", "/Patient/p/$everything"))
    found: list[str] = []
    url = f"/Patient/p/$everything?_count={count}"
    while url:
        answer = client("GET", url)
        page = names(answer)
        assert 0 < len(page) <= count
        found += page
        url = next((one["url"] for one in answer.json["link"] if one["relation"] == "next"), "")
    assert found == whole


def test_a_large_chart_goes_on_by_itself(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit there is a link to the rest, and no total that would pass for all."""
    whole = names(client("GET", "/Patient/p/$everything"))
    monkeypatch.setattr("yba.fhir.rest.operations.everything.LARGEST", 5)
    first = client("GET", "/Patient/p/$everything")
    assert "total" not in first.json
    found, url = names(first), first.json["link"][1]["url"]
    while url:
        answer = client("GET", url)
        found += names(answer)
        url = next((one["url"] for one in answer.json["link"] if one["relation"] == "next"), "")
    assert found == whole


def test_pages_stand_still_while_others_write(client: Client) -> None:
    first = client("GET", "/Patient/p/$everything?_count=4")
    put(client, "Observation", "o1", facility="a", status="amended", code={"text": "x"}, subject=P)
    put(client, "Observation", "late", status="final", code={"text": "x"}, subject=P)
    url = next(one["url"] for one in first.json["link"] if one["relation"] == "next")
    rest = names(client("GET", url))
    assert "Observation/o1" in names(first)
    assert rest[0] == "MedicationRequest/m"


def test_access(client: Client) -> None:
    """Each row passes the door by itself: nothing of another facility's patient, nothing a role has no grant for."""
    assert client("GET", "/Patient/p/$everything", token="stranger").status == 404
    own = names(client("GET", "/Patient/p/$everything", token="citizen"), "match")
    assert own == ["Patient/p", "Encounter/e", "Observation/o1", "Observation/o2", "MedicationRequest/m",
                   "Observation/measured"]  # fmt: skip
    assert client("GET", "/Patient/p/$everything", token="doctor-b").status == 404
    desk = names(client("GET", "/Patient/p/$everything", token="desk"))
    assert "Patient/p" in desk
    assert "Encounter/e" in desk
    assert (
        not [one for one in desk if one.startswith(("Observation", "Medication"))]
        or desk.count("Medication/drug") == 1
    )
    seen = names(client("GET", "/Patient/p/$everything", token="doctor-a"), "match")
    assert seen == [
        one for one in OF_P if one not in ("Observation/o2", "Appointment/two", "Observation/measured")
    ]
    a_consent(client, "p", "a")
    shared = names(client("GET", "/Patient/p/$everything", token="doctor-a"), "match")
    assert set(shared) - set(seen) == {"Observation/o2", "Consent/share-p-a"}
    assert client("GET", "/Patient/p/$everything", token="wall").status == 404


def test_rows_of_a_person_that_are_hidden(client: Client) -> None:
    """Who registered a person sees the person and the own facility's rows; what another one keeps is not there."""
    put(client, "Patient", "r", facility="b")
    a_visit(client, "r", "b")
    for facility in ("a", "b"):
        put(client, "Observation", f"at-{facility}", facility=facility, status="final", code={"text": "x"},
            subject={"reference": "Patient/r"})  # fmt: skip
    assert names(client("GET", "/Patient/r/$everything")) == [
        "Patient/r",
        "Encounter/open-r-b",
        "Observation/at-a",
        "Observation/at-b",
    ]
    assert names(client("GET", "/Patient/r/$everything", token="doctor-b")) == [
        "Patient/r",
        "Encounter/open-r-b",
        "Observation/at-b",
    ]
    assert names(client("GET", "/Observation/$lastn?patient=r&code:text=x", token="doctor-b")) == [
        "Observation/at-b"
    ]
    assert client("GET", "/Patient/r/$everything", token="doctor-a").status == 404


def test_of_all_own_persons(client: Client) -> None:
    asked = names(client("GET", "/Patient/$everything", token="citizen"), "match")
    assert asked == ["Patient/p", "Patient/child", "RelatedPerson/p-of-child", "Encounter/e", "Observation/o1",
                     "Observation/o2", "MedicationRequest/m", "Observation/measured"]  # fmt: skip
    refused = client("GET", "/Patient/$everything", token="doctor-a")
    assert (refused.status, refused.key) == (403, "everything.whose")


def test_encounter(client: Client) -> None:
    answer = client("GET", "/Encounter/e/$everything")
    assert names(answer, "match") == ["Encounter/e", "Observation/o1", "MedicationRequest/m"]
    assert sorted(names(answer, "include")) == sorted(
        [
            "Patient/p",
            "Location/room",
            "Organization/org",
            "Organization/top",
            "Practitioner/dr",
            "Medication/drug",
        ]
    )
    assert client("GET", "/Encounter/e/$everything", token="stranger").status == 404
    assert client("GET", "/Encounter/none/$everything").status == 404
    dated = client("GET", "/Encounter/e/$everything?start=2024-03-03")
    assert names(dated, "match") == ["Encounter/e", "MedicationRequest/m"]
    pages = client("GET", "/Encounter/e/$everything?_count=2")
    assert names(pages) == ["Encounter/e", "Observation/o1"]


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("_count=0", "everything.count"),
        ("_count=x", "operation.value"),
        ("start=yesterday", "operation.value"),
        ("_since=2024-13-01", "operation.value"),
        ("_type=Pateint", "operation.value"),
        ("_cursor=1", "everything.cursor"),
        ("name=x", "operation.parameter"),
        ("start=2024&start=2025", "operation.repeated"),
    ],
)
def test_refused(client: Client, query: str, key: str) -> None:
    answer = client("GET", f"/Patient/p/$everything?{query}")
    assert (answer.status, answer.key) == (400, key)


def test_nobody(client: Client) -> None:
    assert client("GET", "/Patient/none/$everything").status == 404
    client("DELETE", "/Patient/child")
    assert client("GET", "/Patient/child/$everything").status == 410
    assert client("DELETE", "/Patient/p/$everything").status == 405


def test_few_statements(client: Client, connection: psycopg.Connection[Any]) -> None:
    """The chart is one statement; each round of what it points to is one more."""
    count = _statements(client, connection)
    for number in range(30):
        put(client, "Observation", f"more{number}", status="final", code={"text": "x"}, subject=P)
    assert _statements(client, connection) == count == 4
    assert len(entries(client("GET", "/Patient/p/$everything"))) == len(OF_P) + len(NEEDED) + 30


def _statements(client: Client, connection: psycopg.Connection[Any]) -> int:
    from yba.fhir.rest.operations import chart
    from yba.fhir.store import rows

    seen: list[object] = []
    original = rows.execute

    def counted(*args: Any, **kwargs: Any) -> Any:
        seen.append(args[1])
        return original(*args, **kwargs)

    from yba.fhir.store import asking

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chart, "execute", counted)
        patch.setattr(asking, "execute", counted)
        json.dumps(client("GET", "/Patient/p/$everything").json)
    return len(seen)
