"""Searches of everything and of compartments; totals, parts, scores: http.html#search and search.html#return."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fhir.searches import citizen, encounter, found, observation, patient, put, resource
from yba import fhir
from yba.fhir import errors, search
from yba.fhir.access import SYSTEM


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    record = fhir.open(connection, actor=SYSTEM)
    put(
        record,
        resource("Practitioner/d"),
        patient("p", ',"identifier":[{"system":"http://s","value":"1"}]'),
        patient("q", ',"link":[{"other":{"reference":"Patient/p"},"type":"seealso"}]'),
        encounter("e", "Patient/p", ',"identifier":[{"system":"http://s","value":"1"}],'
                  '"participant":[{"individual":{"reference":"Practitioner/d"}}],"period":{"start":"2026-01-02"}'),
        observation("a", "Patient/p", rest=',"encounter":{"reference":"Encounter/e"},"effectiveDateTime":"2026-01-03"'),
        observation("b", "Patient/q", rest=',"performer":[{"reference":"Patient/p"}],"effectiveDateTime":"2026-01-01"'),
        observation("c", "Patient/q", rest=',"device":{"reference":"Device/v"}'),
        resource("Device/v", ',"patient":{"reference":"Patient/p"}'),
    )  # fmt: skip
    return record


def names(
    record: fhir.Record, *params: tuple[str, str], compartment: search.Compartment | None = None
) -> list[str]:
    page = record.search_stored(None, params, strict=True, compartment=compartment)
    return [f"{one.type}/{one.id}" for one in page.matches]


EVERYTHING = [
    "Device/v", "Encounter/e", "Observation/a", "Observation/b", "Observation/c", "Patient/p", "Patient/q",
    "Practitioner/d",
]  # fmt: skip


def test_everything(record: fhir.Record) -> None:
    assert sorted(names(record)) == EVERYTHING
    assert names(record)[0] == "Device/v"  # the newest first, of whatever type
    assert sorted(names(record, ("_type", "Patient,Encounter"))) == ["Encounter/e", "Patient/p", "Patient/q"]
    assert names(record, ("_type", "Patient,Encounter"), ("identifier", "http://s|1"), ("_sort", "_id")) == [
        "Encounter/e", "Patient/p",
    ]  # fmt: skip
    assert names(record, ("_id", "p,a")) == ["Observation/a", "Patient/p"]
    assert names(record, ("_type", "Encounter,Observation"), ("date", "ge2026-01-01"), ("_sort", "-date")) == [
        "Observation/a", "Encounter/e", "Observation/b",
    ]  # fmt: skip
    assert names(record, ("_type", "Observation,Encounter"), ("patient.identifier", "1"), ("_sort", "_id")) == [
        "Observation/a", "Encounter/e",
    ]  # fmt: skip
    assert names(record, ("_type", "Group,Basic")) == []
    assert record.search_stored(None, [("_summary", "count")]).total == len(EVERYTHING)
    assert record.search_stored(None, [("_type", "Observation"), ("_count", "0")]).total == 3


@pytest.mark.parametrize("sort", [None, "_id", "-_id", "_lastUpdated", "date", "-date", "date,-_lastUpdated"])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_pages_of_several_types(record: fhir.Record, sort: str | None, count: int) -> None:
    asked = [("_type", "Observation,Encounter"), ("_count", str(count))] + ([("_sort", sort)] if sort else [])
    whole = names(record, *(pair for pair in asked if pair[0] != "_count"))
    assert len(whole) == 4
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = record.search_stored(None, [*asked, *([("_cursor", cursor)] if cursor else [])], strict=True)
        seen += [f"{one.type}/{one.id}" for one in page.matches]
        cursor = page.next
        if cursor is None:
            break
        put(record, encounter(f"new-{len(seen)}", "Patient/zz")) if sort is None else None
    assert seen == whole


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ([("_type", "Sheep")], "search.type"),
        ([("_type", "Patient,Observation"), ("birthdate", "2020")], "search.unknown-parameter"),
        ([("birthdate", "2020")], "search.unknown-parameter"),
        ([("_type", "Patient,Observation"), ("_sort", "birthdate")], "search.sort"),
    ],
)
def test_refusals(record: fhir.Record, params: list[tuple[str, str]], key: str) -> None:
    with pytest.raises(errors.RecordError) as caught:
        names(record, *params)
    assert caught.value.key == key


def test_what_is_hidden_is_in_no_search_of_everything(
    record: fhir.Record, connection: psycopg.Connection[Any]
) -> None:
    own = citizen(connection, "p")
    mine = ["Encounter/e", "Observation/a", "Patient/p", "Practitioner/d"]
    assert sorted(names(own)) == mine
    assert own.search_stored(None, [("_summary", "count")]).total == len(mine)
    assert names(own, compartment=search.Compartment("Patient", "q")) == []
    inside = sorted(names(own, compartment=search.Compartment("Patient", "p")))
    assert inside == ["Encounter/e", "Observation/a", "Patient/p"]


@pytest.mark.parametrize(
    ("kind", "identifier", "expected"),
    [
        (
            "Patient",
            "p",
            ["Encounter/e", "Observation/a", "Observation/b", "Patient/p", "Patient/q"],
        ),
        ("Patient", "q", ["Observation/b", "Observation/c", "Patient/q"]),
        ("Patient", "none", []),
        ("Encounter", "e", ["Encounter/e", "Observation/a"]),
        ("Practitioner", "d", ["Encounter/e", "Practitioner/d"]),
        ("Device", "v", ["Device/v", "Observation/c"]),
        ("RelatedPerson", "r", []),
    ],
)
def test_compartments(record: fhir.Record, kind: str, identifier: str, expected: list[str]) -> None:
    compartment = search.Compartment(kind, identifier)
    # R4's patient compartment lists no Device.
    assert sorted(names(record, compartment=compartment)) == expected


def test_a_compartment_by_type(record: fhir.Record) -> None:
    of = search.Compartment("Patient", "p")

    def ids(type_name: str, *params: tuple[str, str]) -> list[str]:
        return [
            one.id for one in record.search_stored(type_name, params, strict=True, compartment=of).matches
        ]

    assert sorted(ids("Observation")) == ["a", "b"]
    assert ids("Observation", ("date", "ge2026-01-02")) == ["a"]
    assert ids("Encounter") == ["e"]
    assert sorted(names(record, ("_type", "Observation"), compartment=of)) == [
        "Observation/a",
        "Observation/b",
    ]
    for kind, type_name in (("Patient", "Organization"), ("Organization", "Patient")):
        with pytest.raises(errors.NotFound):
            record.search_stored(type_name, [], compartment=search.Compartment(kind, "p"))


# -- totals ------------------------------------------------------------------------------------------------


def test_estimates(record: fhir.Record, connection: psycopg.Connection[Any]) -> None:
    page = record.search_stored("Observation", [("_count", "2"), ("_total", "estimate")])
    assert page.total is not None
    assert page.total >= 3  # at least what is seen to be there
    # Who may see a part of the rows gets a true number: statistics speak of everybody's.
    own = citizen(connection, "q")
    assert own.search_stored("Observation", [("_count", "1"), ("_total", "estimate")]).total == 2
    assert own.search_stored("Observation", [("_count", "0"), ("_total", "estimate")]).total == 2


def test_count_only(record: fhir.Record) -> None:
    for asked in ([("_summary", "count")], [("_count", "0")]):
        page = record.search_stored("Observation", [*asked, ("_include", "Observation:patient")])
        assert (page.matches, page.included, page.total, page.next) == ([], [], 3, None)


def test_id_forms(record: fhir.Record) -> None:
    assert set(found(record, "Patient", ("_id:not", "p"))) == {"q"}
    assert found(record, "Patient", ("_id:missing", "true")) == []
    assert set(found(record, "Patient", ("_id:missing", "false"))) == {"p", "q"}
    assert set(found(record, "Patient", ("_lastUpdated:missing", "false"))) == {"p", "q"}


def test_what_is_refused_tells_nothing_of_what_is_hidden(
    record: fhir.Record, connection: psycopg.Connection[Any]
) -> None:
    """A search of every type is answered or refused alike, whatever rows are hidden from who asks."""
    questions = [
        ("code", "x"), ("birthdate", "2020"), ("name", "x"), ("date", "2020"), ("_sort", "date"), ("_sort", "-_id"),
        ("patient", "p"), ("subject.name", "x"), ("_has:Observation:subject:code", "8302-2"), ("status", "final"),
        ("_has:Observation:device:code", "8302-2"), ("_has:Provenance:target:agent", "x"), ("_filter", "code eq x"),
        ("_filter", "_id eq a"), ("_id", ",".join(["a"] * 99)), ("_has:List:item:nothing", "x"), ("_list", "l"),
    ]  # fmt: skip

    def answers(own: fhir.Record, where: search.Compartment | None) -> list[Any]:
        found: list[Any] = []
        for question in questions:
            try:
                page = own.search_stored(None, [question], strict=True, compartment=where)
                found.append([one.id for one in page.matches])
            except errors.RecordError as error:
                found.append((error.key, error.message))
        return found

    places = [None, search.Compartment("Patient", "p"), search.Compartment("Practitioner", "d")]
    nobody = citizen(connection, "nobody")
    before = [answers(nobody, where) for where in places]
    assert ("search.unknown-parameter" in [one[0] for one in before[0] if isinstance(one, tuple)]) is True
    for one in EVERYTHING[:-1]:  # a practitioner is seen by everybody
        record.delete(*one.split("/"))
    put(record, resource("Basic/b", ',"code":{"text":"x"}'), patient("z"))
    assert [answers(nobody, where) for where in places] == before
    put(
        record,
        resource(
            "Coverage/v",
            ',"status":"active","beneficiary":{"reference":"Patient/z"},"payor":[{"display":"x"}]',
        ),
    )
    assert [answers(nobody, where) for where in places] == before


def test_links_to_one_type_are_asked_of_all(record: fhir.Record) -> None:
    assert names(record, ("_has:Observation:subject:code", "8302-2"), ("_sort", "_id")) == [
        "Patient/p",
        "Patient/q",
    ]
