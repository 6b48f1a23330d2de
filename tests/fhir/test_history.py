"""History at three levels: what, since when, at what time, in which order and pages. FHIR R4, http.html#history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest

from tests.builders import a_patient, an_actor, an_observation
from tests.fhir.test_rest import BASE, Client, patient
from yba import fhir
from yba.fhir import errors, rest
from yba.fhir.access import SYSTEM
from yba.fhir.r4.datatypes import Coding, Meta, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.store.audit import Journal

FACILITY = "https://yba.vn/fhir/facility"
START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    """A client whose clock goes on by a minute a write: p at 8:00, 8:01, 8:03 (deleted), q at 8:02."""
    found = Client(connection)
    times = _minutes()
    found.application = rest.application(
        lambda: connection, found.actors.get, base_url=BASE, journal=cast("Journal", found.journal),
        clock=lambda: next(times),
    )  # fmt: skip
    return found


def _minutes() -> Iterator[datetime]:
    """The same time for one write whatever it asks of the clock: tests set it."""
    while True:
        yield NOW[0]


NOW = [START]


def at(minute: int) -> None:
    NOW[0] = START + timedelta(minutes=minute)


@pytest.fixture
def told(client: Client) -> Client:
    at(0)
    client("PUT", "/Patient/p", patient(active=True))
    at(1)
    client("PUT", "/Patient/p", patient(active=False))
    at(2)
    client("PUT", "/Patient/q", patient("q"))
    at(3)
    client("DELETE", "/Patient/p")
    at(4)
    client("POST", "/Organization", {"resourceType": "Organization", "name": "x"})
    at(10)
    return client


def test_a_version_kept_by_another_facility_is_hidden_at_every_way(
    connection: psycopg.Connection[Any], client: Client
) -> None:
    """Filed at B, put right to A: who works at A sees it from then on."""
    system = fhir.open(connection, actor=SYSTEM)
    patient_id = str(system.create(a_patient()).id)

    def kept(facility: str) -> Meta:
        return Meta(tag=[Coding(system=FACILITY, code=facility)])

    visit = Encounter(
        status="in-progress", class_=Coding(code="AMB"), meta=kept("A"),
        subject=Reference(reference=f"Patient/{patient_id}"),
    )  # fmt: skip
    system.create(visit)
    filed = system.create(an_observation(patient_id, meta=kept("B")))
    filed.meta = kept("A")
    identifier = str(system.update(filed).id)
    points = an_observation(patient_id, meta=kept("A"))
    points.hasMember = [Reference(reference=f"Observation/{identifier}/_history/1")]
    holder = str(system.create(points).id)
    asked = [("_id", holder), ("_include", "Observation:has-member")]
    doctor = fhir.open(connection, actor=an_actor("doctor", facility="A"))
    assert doctor.vread_stored("Observation", identifier, "2").version == 2
    with pytest.raises(errors.NotFound):
        doctor.vread_stored("Observation", identifier, "1")
    assert [one.version for _, one in doctor.history_stored("Observation", identifier)] == [2]
    assert {one.id: one.version for _, one in doctor.history_stored("Observation", None)} == {
        identifier: 2,
        holder: 1,
    }
    assert doctor.search_stored("Observation", asked).included == []
    assert system.vread_stored("Observation", identifier, "1").version == 1
    assert [one.version for _, one in system.history_stored("Observation", identifier)] == [2, 1]


def versions(answer: Any) -> list[str]:
    return [
        one["fullUrl"].rpartition("/")[2] + "@" + one["response"]["etag"][3:-1]
        for one in answer.json.get("entry", [])
    ]


def test_of_one(told: Client) -> None:
    answer = told("GET", "/Patient/p/_history")
    assert (answer.json["type"], answer.json["total"]) == ("history", 3)
    assert versions(answer) == ["p@3", "p@2", "p@1"]
    gone, changed, made = answer.json["entry"]
    assert (gone["request"], "resource" in gone) == ({"method": "DELETE", "url": "Patient/p"}, False)
    assert changed["request"] == {"method": "PUT", "url": "Patient/p"}
    assert [one["response"]["status"] for one in (gone, changed, made)] == ["204", "200", "201"]
    assert made["response"]["lastModified"] == "2026-11-22T08:00:00.000Z"
    assert made["resource"]["meta"]["versionId"] == "1"
    assert told("GET", "/Patient/nobody/_history").status == 404


def test_of_a_type_and_of_everything(told: Client) -> None:
    assert versions(told("GET", "/Patient/_history")) == ["p@3", "q@1", "p@2", "p@1"]
    everything = told("GET", "/_history")
    assert len(everything.json["entry"]) == 5
    assert everything.json["entry"][0]["request"] == {"method": "POST", "url": "Organization"}
    assert everything.json["total"] == 5


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("_since=2026-11-22T08:01:00Z", ["p@3", "q@1", "p@2"]),
        ("_since=2026-11-22T15:01:00.001%2B07:00", ["p@3", "q@1"]),
        ("_since=2026-11-22T15:01:00.001+07:00", ["p@3", "q@1"]),
        ("_since=2027", []),
        ("_at=2026-11-22T08:00:30Z", ["p@1"]),
        ("_at=2026-11-22T08:02:30Z", ["q@1", "p@2"]),
        ("_at=2026-11-22T08:01Z", ["p@2"]),
        ("_at=2026-11-22", ["p@3", "q@1", "p@2", "p@1"]),
        ("_at=2026-11-21", []),
        ("_at=2026-12", ["p@3", "q@1"]),
        ("_at=lt2026-11-22T08:01:30Z", ["p@2", "p@1"]),
        ("_at=ge2026-11-22T08:02:30Z", ["p@3", "q@1", "p@2"]),
        ("_sort=_lastUpdated", ["p@1", "p@2", "q@1", "p@3"]),
        ("_sort=-_lastUpdated", ["p@3", "q@1", "p@2", "p@1"]),
    ],
)
def test_which(told: Client, query: str, found: list[str]) -> None:
    answer = told("GET", f"/Patient/_history?{query}")
    assert (answer.status, versions(answer)) == (200, found)


@pytest.mark.parametrize("order", ["", "&_sort=_lastUpdated"])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_pages_hold_everything_once_while_others_write(told: Client, size: int, order: str) -> None:
    url, seen = f"/Patient/_history?_count={size}{order}", []
    whole = versions(told("GET", f"/Patient/_history?_count=100{order}"))
    pages = 0
    while url:
        answer = told("GET", url)
        seen += versions(answer)
        pages += 1
        links = {link["relation"]: link["url"] for link in answer.json["link"]}
        url = links.get("next", "")
        if pages == 1 and not order:
            at(20)
            told("PUT", "/Patient/late", patient("late"))
    assert seen == whole


def test_count_zero_and_summary_count_tell_the_number(told: Client) -> None:
    for query in ("_count=0", "_summary=count"):
        answer = told("GET", f"/Patient/_history?{query}").json
        assert (answer["total"], "entry" in answer) == (4, False)
        assert [link["relation"] for link in answer["link"]] == ["self"]


def test_a_part_of_each_version(told: Client) -> None:
    entry = told("GET", "/Patient/q/_history?_elements=gender").json["entry"][0]
    assert entry["resource"]["meta"]["tag"][-1]["code"] == "SUBSETTED"


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("_since=soon", "rest.since"),
        ("_at=soon", "rest.at"),
        ("_at=2026&_since=2026", "rest.history-parameter"),
        ("_count=x", "rest.count"),
        ("_sort=name", "rest.sort"),
        ("name=x", "rest.history-parameter"),
        ("_cursor=x", "rest.cursor"),
    ],
)
def test_what_is_refused(told: Client, query: str, key: str) -> None:
    answer = told("GET", f"/Patient/_history?{query}")
    assert (answer.status, answer.key) == (400, key)


def test_only_what_one_may_see(told: Client) -> None:
    assert versions(told("GET", "/Patient/_history", token="citizen")) == ["p@3", "p@2", "p@1"]
    assert told("GET", "/Patient/_history?_count=0", token="citizen").json["total"] == 3
    assert versions(told("GET", "/Patient/_history?_at=2026-11-22", token="citizen")) == ["p@3", "p@2", "p@1"]
    assert told("GET", "/Patient/q/_history", token="citizen").status == 404
    assert told("GET", "/_history", token="citizen").status == 403
