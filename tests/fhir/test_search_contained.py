"""Resources inside others: chains lead into them, and ``_contained`` asks for them (search.html#contained)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.fhir.searches import found, observation, patient, put, resource
from tests.fhir.test_rest import Client, client
from tests.wholeness import halves, misindexed
from yba import fhir
from yba.fhir import errors, jobs
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.store import parameters, reindex

__all__ = ["client"]

MEDICATION = (
    '{{"resourceType":"Medication","id":"{id}","ingredient":[{{"itemCodeableConcept":'
    '{{"coding":[{{"system":"http://x.vn/m","code":"{code}"}}]}}}}]}}'
)


def request(identifier: str, contained: str, rest: str = "", medication: str = "#m") -> str:
    return resource(
        f"MedicationRequest/{identifier}",
        f',"status":"active","intent":"order","subject":{{"reference":"Patient/p"}},"contained":[{contained}],'
        f'"medicationReference":{{"reference":"{medication}"}}{rest}',
    )


def observed(identifier: str, contained: str, subject: str, rest: str = "") -> str:
    return observation(identifier, subject, rest=f',"contained":[{contained}]{rest}')


PERSON = (
    '{"resourceType":"Patient","id":"p","name":[{"text":"An"}],"managingOrganization":{"reference":"#o"}}'
)
HOUSE = '{"resourceType":"Organization","id":"o","name":"Bạch Mai","partOf":{"reference":"Organization/h"}}'
DOCTOR = '{"resourceType":"Practitioner","id":"d","name":[{"text":"Lê Hà"}]}'


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    record = fhir.open(connection, actor=SYSTEM)
    put(
        record,
        patient("p", ',"name":[{"text":"Bình"}]'),
        resource("Organization/h", ',"name":"Bộ Y tế"'),
        resource("Medication/m", ',"code":{"text":"stored"}'),
        request("r1", MEDICATION.format(id="m", code="Abc")),
        request("r2", MEDICATION.format(id="m", code="def") + "," + MEDICATION.format(id="n", code="abc")),
        request("r3", MEDICATION.format(id="n", code="abc"), medication="Medication/m"),
        observed("o1", f"{PERSON},{HOUSE},{DOCTOR}", "#p", ',"performer":[{"reference":"#d"}]'),
        observed("o2", f"{PERSON},{HOUSE}", "Patient/p", ',"focus":[{"reference":"#p"},{"reference":"#o"}]'),
        observation("o3", "Patient/p"),
        '{"resourceType":"QuestionnaireResponse","id":"q","status":"completed","questionnaire":"#k","contained":['
        '{"resourceType":"Questionnaire","id":"k","status":"active","title":"Khai bệnh"}]}',
    )
    return record


@pytest.mark.parametrize(
    ("type_name", "name", "value", "expected"),
    [
        ("MedicationRequest", "medication.ingredient-code", "http://x.vn/m|abc", {"r1"}),
        ("MedicationRequest", "medication:Medication.ingredient-code", "def", {"r2"}),
        ("MedicationRequest", "medication.ingredient-code:not", "abc", {"r2", "r3"}),
        ("MedicationRequest", "medication.ingredient-code:missing", "true", {"r3"}),
        ("MedicationRequest", "medication.code:text", "stored", {"r3"}),
        ("Observation", "subject.name", "an", {"o1"}),
        ("Observation", "subject:Patient.name", "binh", {"o2", "o3"}),
        ("Observation", "patient.name", "an", {"o1"}),
        ("Observation", "patient.name", "an,binh", {"o1", "o2", "o3"}),
        ("Observation", "focus:Patient.name", "an", {"o2"}),
        ("Observation", "focus:Organization.name", "bach", {"o2"}),
        ("Observation", "performer:Practitioner.name", "ha", {"o1"}),
        ("Observation", "performer.name", "ha", {"o1"}),
        ("Observation", "subject:Patient.organization.name", "bach", {"o1"}),
        ("Observation", "subject:Patient.organization.partof.name", "bo y te", {"o1"}),
        ("Observation", "subject:Patient.organization:missing", "false", {"o1"}),
        ("Observation", "_filter", 'subject:Patient.name eq "an"', {"o1"}),
        ("Observation", "subject:Patient._has:Observation:focus:code", "8302-2", set()),
        ("Observation", "focus:Patient._has:Observation:focus:code", "8302-2", {"o2"}),
        ("Observation", "subject:Patient._has:MedicationRequest:subject:status", "active", {"o2", "o3"}),
        ("QuestionnaireResponse", "questionnaire.title", "khai", {"q"}),
        ("Patient", "_has:Observation:subject:subject:Patient.name", "an", set()),
        ("Patient", "_has:Observation:patient:focus:Patient.name", "an", {"p"}),
        # A search of their type does not find them, whatever it asks.
        ("Medication", "ingredient-code", "abc", set()),
        ("Medication", "ingredient-code:missing", "true", {"m"}),
        ("Patient", "name", "an", set()),
        ("Patient", "_content", "an", set()),
        ("Organization", "_has:Patient:organization:name", "an", set()),
        ("Organization", "_has:Organization:partof:name", "bach", set()),
        ("Organization", "name:missing", "false", {"h"}),
        ("Observation", "subject", "#p", {"o1"}),
        ("Observation", "subject", "p", {"o2", "o3"}),
    ],
)
def test_chains_lead_inside(
    record: fhir.Record, type_name: str, name: str, value: str, expected: set[str]
) -> None:
    assert set(found(record, type_name, (name, value))) == expected


def test_a_chain_to_the_container(record: fhir.Record) -> None:
    put(
        record,
        resource(
            "Organization/big",
            ',"name":"Lớn","contained":[{"resourceType":"Organization","id":"s","name":"Nhỏ","partOf":{"reference":"#"}}],'
            '"partOf":{"reference":"#s"}',
        ),
    )
    assert found(record, "Organization", ("partof.partof.name", "lon")) == ["big"]
    assert found(record, "Organization", ("partof.name", "lon")) == []


def test_rows_inside_follow_their_container(record: fhir.Record, connection: psycopg.Connection[Any]) -> None:
    asked = ("MedicationRequest", ("medication.ingredient-code", "abc"))
    put(record, request("r1", MEDICATION.format(id="m", code="new")))
    assert found(record, *asked) == []
    assert found(record, "MedicationRequest", ("medication.ingredient-code", "new")) == ["r1"]
    record.update(record.read(MedicationRequest, "r1"))
    assert found(record, "MedicationRequest", ("medication.ingredient-code", "new")) == ["r1"]
    record.delete("MedicationRequest", "r1")
    assert found(record, "MedicationRequest", ("medication.ingredient-code", "new")) == []
    put(record, request("r1", MEDICATION.format(id="m", code="abc")))
    with record.atomic(), record.together():
        put(
            record,
            request("r2", MEDICATION.format(id="m", code="abc")),
            request("r4", MEDICATION.format(id="m", code="abc")),
        )
    assert set(found(record, *asked)) == {"r1", "r2", "r4"}
    put(
        record,
        resource(
            "MedicationRequest/r2",
            ',"status":"active","intent":"order","subject":{"reference":"Patient/p"},'
            '"medicationReference":{"reference":"Medication/m"}',
        ),
    )
    assert set(found(record, *asked)) == {"r1", "r4"}
    assert halves(connection) == []
    assert misindexed(connection) == []


def answered(record: fhir.Record, type_name: str | None, *params: tuple[str, str]) -> list[str]:
    """What a page holds, as Type/id, with #id where the contained resource alone is meant; sorted."""
    page = record.search_stored(type_name, params, strict=True, contained=True)
    fragments = page.fragments or [None] * len(page.matches)
    return sorted(
        f"{one.type}/{one.id}" + (f"#{part}" if part else "")
        for one, part in zip(page.matches, fragments, strict=True)
    )


ALONE = ("_containedType", "contained")


@pytest.mark.parametrize(
    ("type_name", "params", "expected"),
    [
        ("Medication", [("ingredient-code", "abc"), ("_contained", "true")], ["r1", "r2", "r3"]),
        ("Medication", [("ingredient-code", "def"), ("_contained", "true")], ["r2"]),
        (
            "Medication",
            [("_contained", "true"), ("_lastUpdated", "gt2000"), ("_sort", "-_id")],
            ["r1", "r2", "r3"],
        ),
        ("Medication", [("_contained", "true"), ("_lastUpdated", "lt2000")], []),
        ("Medication", [("_contained", "true"), ("ingredient-code:missing", "true")], []),
    ],
)
def test_containers_are_answered(
    record: fhir.Record, type_name: str, params: list[tuple[str, str]], expected: list[str]
) -> None:
    found = answered(record, type_name, *params)
    assert found == [f"MedicationRequest/{one}" for one in expected]
    assert record.search_stored(type_name, [*params, ("_count", "0")], contained=True).total == len(expected)


def test_contained_resources_are_answered(record: fhir.Record) -> None:
    asked = ("ingredient-code", "abc")
    alone = ["MedicationRequest/r1#m", "MedicationRequest/r2#n", "MedicationRequest/r3#n"]
    assert answered(record, "Medication", asked, ("_contained", "true"), ALONE) == alone
    assert answered(record, "Medication", ("_contained", "both"), ("_id", "m")) == [
        "Medication/m", "MedicationRequest/r1", "MedicationRequest/r2",
    ]  # fmt: skip
    assert answered(record, "Medication", ("_contained", "both"), ("_id", "m"), ALONE) == [
        "Medication/m", "MedicationRequest/r1#m", "MedicationRequest/r2#m",
    ]  # fmt: skip
    assert answered(record, "Medication", asked, ("_contained", "false")) == []
    inside = [("_contained", "true"), ("organization.name", "bach")]
    assert answered(record, "Patient", *inside) == ["Observation/o1", "Observation/o2"]
    assert answered(record, "Patient", *inside, ALONE) == ["Observation/o1#p", "Observation/o2#p"]
    assert answered(record, "Patient", *inside, ("name", "binh")) == []
    assert answered(record, "Patient", ("_contained", "true"), ("_has:Observation:focus:code", "8302-2")) == [
        "Observation/o2"
    ]
    assert answered(record, None, ("_type", "Organization,Patient"), ("_contained", "true"), ("_id", "o"), ALONE) == [
        "Observation/o1#o", "Observation/o2#o",
    ]  # fmt: skip
    page = record.search_stored(
        "Organization", [("_contained", "both"), ("_count", "2"), ALONE], contained=True
    )
    assert len(page.matches) == 2
    again = record.search_stored(
        "Organization",
        [("_contained", "both"), ("_count", "2"), ALONE, ("_cursor", page.next or "")],
        contained=True,
    )
    both = [
        *zip(page.matches, page.fragments, strict=True),
        *zip(again.matches, again.fragments, strict=True),
    ]
    assert sorted((one.id, part or "") for one, part in both) == [("h", ""), ("o1", "o"), ("o2", "o")]
    assert again.next is None


def test_containers_are_seen_or_not(record: fhir.Record, connection: psycopg.Connection[Any]) -> None:
    put(record, patient("q"), observed("o9", PERSON, "Patient/q", ',"focus":[{"reference":"#p"}]'))
    own = fhir.open(connection, actor=Actor(user="c", role="citizen", person="q", persons=frozenset({"q"})))
    for more in ([], [ALONE]):
        assert len(answered(record, "Patient", ("_contained", "true"), ("name", "an"), *more)) == 3
        assert len(answered(own, "Patient", ("_contained", "true"), ("name", "an"), *more)) == 1
    assert found(own, "Observation", ("focus:Patient.name", "an")) == ["o9"]
    assert found(own, "Observation", ("subject:Patient.name", "an")) == []


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ([("_contained", "perhaps")], "search.contained"),
        ([("_containedType", "all")], "search.contained"),
        ([("_contained", "true"), ("_sort", "code")], "search.contained-sort"),
    ],
)
def test_refusals(record: fhir.Record, params: list[tuple[str, str]], key: str) -> None:
    with pytest.raises(errors.RecordError) as refused:
        answered(record, "Medication", *params)
    assert refused.value.key == key


def test_only_a_search_takes_containers_for_what_was_asked(record: fhir.Record) -> None:
    """Not a conditional write, a subscription, an export: these would take the container for a match."""
    with pytest.raises(errors.Unsupported):
        found(record, "Medication", ("_contained", "true"))


def test_the_face_cuts_out_what_is_meant(client: Client) -> None:
    client("PUT", "/MedicationRequest/r", json.loads(request("r", MEDICATION.format(id="m", code="abc"))))
    page = client("GET", "/Medication?ingredient-code=abc&_contained=true&_containedType=contained").json
    assert page["total"] == 1
    assert page["entry"][0]["fullUrl"].endswith("/MedicationRequest/r#m")
    assert page["entry"][0]["resource"] == json.loads(MEDICATION.format(id="m", code="abc"))
    assert page["entry"][0]["search"] == {"mode": "match"}
    page = client("GET", "/Medication?ingredient-code=abc&_contained=true").json
    assert page["entry"][0]["fullUrl"].endswith("/MedicationRequest/r")
    assert page["entry"][0]["resource"]["resourceType"] == "MedicationRequest"
    assert client("GET", "/Patient/p/Medication?_contained=true").status in (400, 404)


def test_old_rows_are_made_anew(own_database: str) -> None:
    """A store of before has no rows of what is contained: the job that makes index rows anew makes them."""

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(own_database, autocommit=True)

    with connect() as connection:
        record = fhir.open(connection, actor=SYSTEM)
        put(record, request("r", MEDICATION.format(id="m", code="abc")))
        for table in ("contained", "token", "reference", "text"):
            connection.execute(f"delete from record.{table} where rid < 0".encode())
        connection.execute("update record.search_state set version = 2, generation = gen_random_uuid()")
        parameters.refreshed(connection)
        asked = ("medication.ingredient-code", "abc")
        assert found(record, "MedicationRequest", asked) == []
        with pytest.raises(errors.Unavailable):
            answered(record, "Medication", ("_contained", "true"))
        assert reindex.due(connection, datetime.now(UTC)) is not None
        assert jobs.drain(connect, {parameters.KIND: reindex.run}) == 1
        parameters.refreshed(connection)
        assert found(record, "MedicationRequest", asked) == ["r"]
        assert answered(record, "Medication", ("_contained", "true")) == ["MedicationRequest/r"]
        assert halves(connection) == []
        assert misindexed(connection) == []


@pytest.mark.parametrize(
    "kept",
    [
        '{"resourceType":"Parameters","id":"k","parameter":[{"name":"a","valueString":"b"}]}',
        '{"resourceType":"Bundle","id":"k","type":"collection"}',
        '{"resourceType":"Binary","id":"k","contentType":"text/plain"}',
    ],
)
def test_what_is_inside_need_not_be_able_to_contain(record: fhir.Record, kept: str) -> None:
    """GuidanceResponse.outputParameters of HL7's own example leads to Parameters inside (found by the fuzz)."""
    put(record, observed("o9", f"{HOUSE},{kept}", "Patient/p", ',"focus":[{"reference":"#k"}]'))
    assert found(record, "Observation", ("_id", "o9")) == ["o9"]
