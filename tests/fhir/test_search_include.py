"""``_include`` and ``_revinclude``: search.html#include."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fhir.searches import added, citizen, encounter, observation, patient, put, resource
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM
from yba.fhir.search import includes

BASE = "http://record.test/fhir"


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    record = fhir.open(connection, actor=SYSTEM)
    put(
        record,
        resource("Organization/h", ',"name":"Viện"'),
        resource("Organization/c", ',"name":"Phòng khám","partOf":{"reference":"Organization/h"}'),
        resource("Practitioner/d"),
        resource("Location/l", ',"managingOrganization":{"reference":"Organization/c"}'),
        patient(
            "p",
            ',"managingOrganization":{"reference":"Organization/c"},'
            '"generalPractitioner":[{"reference":"Practitioner/d"},{"reference":"Organization/h"}]',
        ),
        patient("q"),
        encounter("e", "Patient/p", ',"location":[{"location":{"reference":"Location/l"}}]'),
        observation(
            "a",
            "Patient/p",
            rest=',"encounter":{"reference":"Encounter/e"},"performer":[{"reference":"Practitioner/d"}]',
        ),
        observation("b", "Patient/q", rest=',"hasMember":[{"reference":"Observation/a"}]'),
        observation("c", "Location/l", rest=',"hasMember":[{"reference":"Observation/b"}]'),
        resource(
            "Provenance/v",
            ',"target":[{"reference":"Observation/a"}],"recorded":"2026-01-01T00:00:00Z",'
            '"agent":[{"who":{"reference":"Practitioner/d"}}]',
        ),
    )
    return record


A = ("_id", "a")
C = ("_id", "c")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([A, ("_include", "Observation:subject")], {"Patient/p"}),
        ([A, ("_include", "Observation:subject:Patient")], {"Patient/p"}),
        ([A, ("_include", "Observation:subject:Group")], set()),
        ([A, ("_include", "Observation:patient"), ("_include", "Observation:encounter")],
         {"Patient/p", "Encounter/e"}),
        ([A, ("_include", "Observation:patient,Observation:encounter")], {"Patient/p", "Encounter/e"}),
        ([A, ("_include", "Observation:*")], {"Patient/p", "Encounter/e", "Practitioner/d"}),
        ([A, ("_include", "*")], {"Patient/p", "Encounter/e", "Practitioner/d"}),
        ([A, ("_include", "Observation:*:Practitioner")], {"Practitioner/d"}),
        ([A, ("_include", "Patient:organization")], set()),
        ([A, ("_include", "Observation:patient"), ("_include", "Patient:organization")], {"Patient/p"}),
        ([A, ("_include", "Observation:patient"), ("_include:iterate", "Patient:organization")],
         {"Patient/p", "Organization/c"}),
        ([A, ("_include", "Observation:patient"), ("_include:recurse", "Patient:organization"),
          ("_include:iterate", "Organization:partof")], {"Patient/p", "Organization/c", "Organization/h"}),
        ([A, ("_include:iterate", "Organization:partof"), ("_include:iterate", "Patient:organization"),
          ("_include", "Observation:patient")], {"Patient/p", "Organization/c", "Organization/h"}),
        ([A, ("_include:iterate", "*")],
         {"Patient/p", "Encounter/e", "Practitioner/d", "Organization/c", "Organization/h", "Location/l"}),
        ([C, ("_include", "Observation:has-member")], {"Observation/b"}),
        ([C, ("_include:iterate", "Observation:has-member")], {"Observation/b", "Observation/a"}),
        ([C, ("_include:iterate", "Observation:has-member"), ("_revinclude:iterate", "Provenance:target")],
         {"Observation/b", "Observation/a", "Provenance/v"}),
        ([A, ("_revinclude", "Provenance:target")], {"Provenance/v"}),
        ([A, ("_revinclude", "Provenance:target:Observation")], {"Provenance/v"}),
        ([A, ("_revinclude", "Provenance:target:Patient")], set()),
        ([A, ("_revinclude", "Observation:has-member")], {"Observation/b"}),
        ([A, ("_revinclude:iterate", "Observation:has-member")], {"Observation/b", "Observation/c"}),
        ([A, ("_revinclude", "*")], {"Observation/b", "Provenance/v"}),
        ([A, ("_revinclude", "Observation:*")], {"Observation/b"}),
        ([("_id", "a,b"), ("_include", "Observation:has-member")], set()),
    ],
)  # fmt: skip
def test_includes(record: fhir.Record, asked: list[tuple[str, str]], expected: set[str]) -> None:
    assert set(added(record, "Observation", *asked)) == expected


def test_what_points_to_a_patient(record: fhir.Record) -> None:
    own = ("_id", "p")
    assert added(record, "Patient", own, ("_revinclude", "Observation:patient")) == ["Observation/a"]
    assert added(record, "Patient", own, ("_revinclude", "Observation:subject")) == ["Observation/a"]
    assert added(record, "Patient", own, ("_revinclude", "Encounter:patient"),
                 ("_include:iterate", "Encounter:location")) == ["Encounter/e", "Location/l"]  # fmt: skip


def test_each_comes_once_and_no_match_again(record: fhir.Record) -> None:
    page = record.search_stored(
        "Observation",
        [("_include", "Observation:has-member"), ("_include", "Observation:performer"), ("_include", "*")],
    )
    keys = [f"{one.type}/{one.id}" for one in (*page.matches, *page.included)]
    assert len(keys) == len(set(keys)) == 8


def test_a_named_version_is_included_as_it_was(record: fhir.Record) -> None:
    put(record, patient("q", ',"active":true'))
    put(
        record,
        observation("old", "Patient/q/_history/1"),
        observation("now", "Patient/q/_history/2"),
        observation("none", "Patient/q/_history/9"),
        observation("both", "Patient/q/_history/1", rest=',"focus":[{"reference":"Patient/q"}]'),
    )

    def versions(identifier: str) -> list[int]:
        page = record.search_stored(
            "Observation",
            [("_id", identifier), ("_include", "Observation:patient"), ("_include", "Observation:focus")],
        )
        return sorted(one.version for one in page.included)

    assert versions("old") == [1]
    assert versions("now") == [2]
    assert versions("none") == []
    assert versions("both") == [1, 2]


def test_a_version_that_was_another_persons_is_not_included(
    record: fhir.Record, connection: psycopg.Connection[Any]
) -> None:
    put(record, observation("misfiled", "Patient/p"))
    put(record, observation("misfiled", "Patient/q"))
    put(
        record,
        observation(
            "points", "Patient/q", rest=',"hasMember":[{"reference":"Observation/misfiled/_history/1"}]'
        ),
    )
    asked = (("_id", "points"), ("_include", "Observation:has-member"))
    assert added(citizen(connection, "q"), "Observation", *asked) == []


def test_canonical_and_own_absolute_addresses(connection: psycopg.Connection[Any]) -> None:
    record = fhir.open(connection, actor=SYSTEM, base_url=BASE)
    url = "http://x.vn/form"
    put(
        record,
        patient("p"),
        resource("Questionnaire/one", f',"status":"active","url":"{url}","version":"1"'),
        resource("Questionnaire/two", f',"status":"active","url":"{url}","version":"2"'),
        resource("Questionnaire/other", ',"status":"active","url":"http://x.vn/other"'),
        resource("QuestionnaireResponse/v", f',"status":"completed","questionnaire":"{url}|1"'),
        resource("QuestionnaireResponse/n", f',"status":"completed","questionnaire":"{url}"'),
        observation("far", f"{BASE}/Patient/p"),
    )  # fmt: skip
    include = ("_include", "QuestionnaireResponse:questionnaire")
    assert added(record, "QuestionnaireResponse", ("_id", "v"), include) == ["Questionnaire/one"]
    assert added(record, "QuestionnaireResponse", ("_id", "n"), include) == ["Questionnaire/two"]
    assert added(record, "Observation", ("_id", "far"), ("_include", "Observation:subject")) == ["Patient/p"]


def test_an_address_of_this_record_is_only_a_name(connection: psycopg.Connection[Any]) -> None:
    """What stands in a reference never becomes part of a statement: it named a type, and opened every chart."""
    record = fhir.open(connection, actor=SYSTEM, base_url=BASE)
    own = citizen(connection, "q")
    own.base_url = BASE
    put(record, patient("p"), patient("q"))
    evil = (
        "x' or r.type = 'Patient' or 'a' = '/p",
        "x'/1",
        "Nothing/1",
        "Patient/p/more",
        "Patient/p/_history/a'",
    )
    put(record, *(observation(f"o{at}", f"{BASE}/{one}") for at, one in enumerate(evil)))
    put(record, *(observation(f"m{at}", "Patient/q", rest=f',"focus":[{{"reference":"{BASE}/{one}"}}]')
                  for at, one in enumerate(evil)))  # fmt: skip
    assert added(record, "Observation", ("_include", "Observation:subject")) == ["Patient/p", "Patient/q"]
    assert added(own, "Observation", ("_include", "*")) == ["Patient/q"]


def test_what_is_hidden_is_not_included(record: fhir.Record, connection: psycopg.Connection[Any]) -> None:
    own = citizen(connection, "q")
    put(record, observation("mine", "Patient/q", rest=',"hasMember":[{"reference":"Observation/a"}]'))
    assert added(record, "Observation", ("_id", "mine"), ("_include:iterate", "*")) != ["Patient/q"]
    assert added(own, "Observation", ("_id", "mine"), ("_include:iterate", "*")) == ["Patient/q"]
    assert added(own, "Practitioner", ("_revinclude", "*")) == []
    assert added(record, "Practitioner", ("_revinclude", "*")) == [
        "Observation/a",
        "Patient/p",
        "Provenance/v",
    ]


def test_more_than_may_be_included_is_an_error(record: fhir.Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(includes, "LARGEST_INCLUDE", 2)
    assert len(added(record, "Observation", A, ("_include", "Observation:patient"))) == 1
    for asked in (
        [A, ("_include", "*")],
        [A, ("_include", "Observation:patient"), ("_include:iterate", "*")],
        [("_revinclude", "*")],
    ):
        with pytest.raises(errors.TooCostly):
            added(record, "Patient" if len(asked) == 1 else "Observation", *asked)
