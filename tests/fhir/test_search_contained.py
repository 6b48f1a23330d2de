"""Resources inside others: chains lead into them, and ``_contained`` asks for them (search.html#contained)."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fhir.searches import found, observation, patient, put, resource
from tests.wholeness import halves, misindexed
from yba import fhir
from yba.fhir.access import SYSTEM
from yba.fhir.r4.medication_request import MedicationRequest

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
