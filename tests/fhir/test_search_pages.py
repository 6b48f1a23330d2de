"""Pages while others write, scores, parts and links: search.html#paging, #summary and #elements; over HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fhir.searches import found, observation, patient, put, resource
from tests.fhir.test_rest import BASE, Client
from yba import fhir
from yba.fhir.access import SYSTEM

QUIET = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
SORTS = [
    None, "_id", "-_id", "_lastUpdated", "-_lastUpdated", "date", "-date", "code", "-value-quantity,date",
    "value-quantity,-_id", "status,-date,_lastUpdated", "subject",
]  # fmt: skip


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    return fhir.open(connection, actor=SYSTEM)


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    return Client(connection)


def measured(number: int, of: str = "Patient/p") -> str:
    date = f',"effectiveDateTime":"2026-01-{1 + number % 5:02}"' if number % 4 else ""
    value = f',"valueQuantity":{{"value":{number % 3}}}' if number % 3 else ""
    return observation(f"o{number:03}", of, f"c{number % 4}", date + value)


@QUIET
@given(
    sort=st.sampled_from(SORTS),
    count=st.integers(1, 9),
    narrowed=st.sampled_from([(), (("patient", "p"),), (("status", "final"),), (("_id:not", "x"),)]),
    written=st.lists(st.integers(100, 140), max_size=4),
    start=st.integers(0, 3),
)
def test_every_match_comes_once_while_others_write(
    connection: psycopg.Connection[Any],
    sort: str | None,
    count: int,
    narrowed: tuple[tuple[str, str], ...],
    written: list[int],
    start: int,
) -> None:
    record = fhir.open(connection, actor=SYSTEM)
    with connection.transaction(force_rollback=True):
        put(record, *(measured(number) for number in range(start, 20)))
        asked = [*narrowed, ("_count", str(count)), *([("_sort", sort)] if sort else [])]
        before = {
            one.id for one in record.search_stored("Observation", [*narrowed, ("_count", "100")]).matches
        }
        seen: list[str] = []
        cursor: str | None = None
        left = list(written)
        while True:
            page = record.search_stored(
                "Observation", [*asked, *([("_cursor", cursor)] if cursor else [])], strict=True
            )
            seen += [one.id for one in page.matches]
            cursor = page.next
            if cursor is None:
                break
            if left:
                put(record, measured(left.pop()))
        assert len(seen) == len(set(seen))
        assert before <= set(seen)


# -- words and scores --------------------------------------------------------------------------------------


@pytest.fixture
def told(record: fhir.Record) -> fhir.Record:
    put(
        record,
        observation("once", "Patient/p", rest=',"valueString":"đau đầu và sốt, ho nhiều ngày, mệt mỏi"'),
        observation("often", "Patient/p", rest=',"valueString":"đau đầu, đau đầu, đau đầu"'),
        observation("never", "Patient/p", rest=',"valueString":"khoẻ"'),
    )
    return record


def test_scores(told: fhir.Record) -> None:
    page = told.search_stored("Observation", [("_content", "dau dau"), ("_sort", "_score")])
    assert [one.id for one in page.matches] == ["often", "once"]
    assert page.scores == sorted(page.scores, reverse=True)
    assert all(0 < score <= 1 for score in page.scores)
    worst = told.search_stored("Observation", [("_content", "dau dau"), ("_sort", "-_score")])
    assert [one.id for one in worst.matches] == ["once", "often"]


def test_pages_by_score(told: fhir.Record) -> None:
    asked = [("_content", "đau"), ("_sort", "_score"), ("_count", "1")]
    first = told.search_stored("Observation", asked)
    assert [one.id for one in first.matches] == ["often"]
    assert first.next is not None
    second = told.search_stored("Observation", [*asked, ("_cursor", first.next)])
    assert ([one.id for one in second.matches], second.next) == (["once"], None)


def test_a_search_without_words_scores_alike(told: fhir.Record) -> None:
    page = told.search_stored("Observation", [("_sort", "_score")])
    assert page.scores == [1.0, 1.0, 1.0]
    assert told.search_stored("Observation", []).scores == []


# -- over HTTP ---------------------------------------------------------------------------------------------


def links(bundle: Any) -> dict[str, str]:
    return {one["relation"]: one["url"] for one in bundle["link"]}


def ids(bundle: Any, mode: str = "match") -> list[str]:
    return [one["resource"]["id"] for one in bundle.get("entry", []) if one["search"]["mode"] == mode]


def test_links(client: Client, record: fhir.Record) -> None:
    put(record, *(measured(number) for number in range(5)))
    page = client("GET", "/Observation?patient=p&_count=2&_sort=_id").json
    assert links(page)["self"] == links(page)["first"] == f"{BASE}/Observation?patient=p&_count=2&_sort=_id"
    second = client("GET", links(page)["next"]).json
    third = client("GET", links(second)["next"]).json
    assert ids(page) + ids(second) + ids(third) == [f"o{number:03}" for number in range(5)]
    assert "next" not in links(third)
    assert links(third)["first"] == links(page)["self"]
    assert links(second)["self"] == links(page)["next"]


def test_an_own_address_is_cut_from_references_only(client: Client, record: fhir.Record) -> None:
    put(
        record,
        observation("o", "Patient/p"),
        resource("ValueSet/v", f',"status":"active","url":"{BASE}/ValueSet/v"'),
        patient("q", f',"identifier":[{{"system":"{BASE}/ids","value":"1"}}]'),
    )
    assert ids(client("GET", f"/Observation?patient={quote(BASE)}/Patient/p").json) == ["o"]
    assert ids(client("GET", f"/ValueSet?url={quote(BASE)}/ValueSet/v").json) == ["v"]
    assert ids(client("GET", f"/ValueSet?url={quote(BASE)}/ValueSet/w").json) == []
    assert ids(client("GET", f"/Patient?identifier={quote(BASE + '/ids|1')}").json) == ["q"]


def test_everything_and_compartments(client: Client, record: fhir.Record) -> None:
    put(record, patient("p"), observation("o", "Patient/p"), observation("x", "Patient/q"))
    page = client("GET", "?_type=Patient,Observation&_sort=_id&_count=2").json
    assert ids(page) == ["o", "p"]
    assert links(page)["self"].startswith(f"{BASE}?_type=Patient")
    assert ids(client("GET", links(page)["next"]).json) == ["x"]
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert ids(client("POST", "/_search", b"_type=Patient&_id=p", **form).json) == ["p"]
    own = client("GET", "/Patient/p/Observation?code=8302-2").json
    assert (ids(own), links(own)["self"]) == (["o"], f"{BASE}/Patient/p/Observation?code=8302-2")
    assert sorted(ids(client("GET", "/Patient/p/*").json)) == ["o", "p"]
    assert ids(client("POST", "/Patient/p/Observation/_search", b"status=final", **form).json) == ["o"]
    assert client("GET", "/Patient/p/Organization").status == 404


def test_parts(client: Client, record: fhir.Record) -> None:
    put(
        record,
        patient("p", ',"active":true,"birthDate":"1980-01-01","photo":[{"title":"x"}]'),
        observation("o", "Patient/p"),
    )
    (entry,) = client("GET", "/Patient?_id=p&_elements=birthDate").json["entry"]
    assert entry["resource"]["birthDate"] == "1980-01-01"
    assert "photo" not in entry["resource"]
    assert entry["resource"]["meta"]["tag"][-1]["code"] == "SUBSETTED"
    summed = client("GET", "/Observation?_id=o&_summary=true&_include=Observation:subject").json["entry"]
    assert [one["search"]["mode"] for one in summed] == ["match", "include"]
    assert all(one["resource"]["meta"]["tag"][-1]["code"] == "SUBSETTED" for one in summed)
    assert "photo" not in summed[1]["resource"]
    counted = client("GET", "/Patient?_summary=count").json
    assert (counted["total"], "entry" in counted) == (1, False)
    assert client("GET", "/Patient?_summary=text&_include=Patient:organization").key == "search.summary"
    assert client("GET", "/Patient?_summary=true&_elements=id").key == "search.summary"


def test_scores_are_told(client: Client, told: fhir.Record) -> None:
    entries = client("GET", "/Observation?_content=khoe").json["entry"]
    assert [one["resource"]["id"] for one in entries] == ["never"]
    assert 0 < entries[0]["search"]["score"] <= 1
    assert "score" not in client("GET", "/Observation?_id=never").json["entry"][0]["search"]


def test_strict_and_lenient(client: Client, record: fhir.Record) -> None:
    put(record, patient("p"))
    lenient = client("GET", "/Patient?organization.nmae=x").json
    assert (ids(lenient), ids({"entry": lenient["entry"][:1]})) == (["p"], ["p"])
    assert lenient["entry"][1]["search"]["mode"] == "outcome"
    assert dict(parse_qsl(urlsplit(links(lenient)["self"]).query)) == {}
    strict = client("GET", "/Patient?organization.nmae=x", prefer="handling=strict")
    assert (strict.status, strict.key) == (400, "search.unknown-parameter")


def test_an_answer_of_all_kinds_says_nothing_of_sql(client: Client, record: fhir.Record) -> None:
    put(record, patient("p"))
    for query in (
        "_filter=name%20co%20'%20or%201=1", "subject:Patient.name=x'--", "_has:A:b:c=1", "_list=';", "_sort=_score,';",
        "_include=*;drop", "_type=Patient';--", "name=%25s", "name=%7B%7D", "_content=%27%26%7C%21%28",
        "_id:not=%25(p0)s",
    ):  # fmt: skip
        answer = client("GET", f"/Patient?{query}")
        assert answer.status in (200, 400), query
        assert b"select" not in answer.body.lower(), query
        assert b"record." not in answer.body.replace(b"record.test", b""), query


def test_braces_and_percents_in_values_are_values(record: fhir.Record) -> None:
    put(record, patient("p", ',"name":[{"text":"a{}b"}],"identifier":[{"system":"%s","value":"{x}"}]'))
    assert found(record, "Patient", ("name", "a{}")) == ["p"]
    assert found(record, "Patient", ("identifier", "%s|{x}")) == ["p"]
    assert found(record, "Patient", ("_filter", 'name co "{}"')) == ["p"]
