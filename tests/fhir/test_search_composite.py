"""Composites: both values must stand in the same element (FHIR R4, search.html#composite)."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fhir.searching import found, observation, put, quantity
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM

LOINC = "http://loinc.org"


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    return fhir.open(connection, actor=SYSTEM)


def pressure(identifier: str, systolic: str, diastolic: str) -> str:
    def part(code: str, value: str) -> str:
        return (
            f'{{"code":{{"coding":[{{"system":"{LOINC}","code":"{code}"}}]}},'
            f'"valueQuantity":{quantity(value, "mm[Hg]")}}}'
        )

    return observation(
        identifier, f',"component":[{part("8480-6", systolic)},{part("8462-4", diastolic)}]', code="85354-9"
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("component-code-value-quantity", "8480-6$gt140", {"high"}),
        ("component-code-value-quantity", "8462-4$gt140", set()),
        ("component-code-value-quantity", f"{LOINC}|8480-6$150", {"high"}),
        ("component-code-value-quantity", "http://other|8480-6$150", set()),
        ("component-code-value-quantity", "8480-6$gt18|http://unitsofmeasure.org|kPa", {"high"}),
        ("component-code-value-quantity", "8480-6$lt130,8462-4$95", {"high", "normal"}),
        ("code-value-quantity", "8302-2$170|http://unitsofmeasure.org|cm", {"tall"}),
        ("code-value-quantity", "8302-2$1.70|http://unitsofmeasure.org|m", {"tall"}),
        ("code-value-quantity", "8302-2$le170.0||cm", {"tall"}),
        ("code-value-quantity", "8480-6$gt140", set()),
        ("combo-code-value-quantity", "8480-6$gt140", {"high"}),
        ("combo-code-value-quantity", "8302-2$gt100", {"tall"}),
        ("code-value-concept", "group$http://b|A", {"blood"}),
        ("code-value-concept", "group$http://b|B", set()),
        ("code-value-string", "note$dau", {"told"}),
        ("code-value-date", "when$2026-01", {"dated"}),
        ("code-value-date", "when$gt2026-02", set()),
        ("code-value-quantity:missing", "true", {"high", "normal", "blood", "told", "dated"}),
    ],
)
def test_observations(record: fhir.Record, name: str, value: str, expected: set[str]) -> None:
    put(
        record,
        pressure("high", "150", "95"),
        pressure("normal", "120", "80"),
        observation("tall", f',"valueQuantity":{quantity("170.0", "cm")}'),
        observation(
            "blood", ',"valueCodeableConcept":{"coding":[{"system":"http://b","code":"A"}]}', code="group"
        ),
        observation("told", ',"valueString":"Đau đầu"', code="note"),
        observation("dated", ',"valueDateTime":"2026-01-05"', code="when"),
    )
    assert found(record, "Observation", (name, value)) == expected


def test_groups(record: fhir.Record) -> None:
    put(
        record,
        '{"resourceType":"Group","id":"g","type":"person","actual":true,"characteristic":['
        '{"code":{"coding":[{"code":"gender"}]},"valueCodeableConcept":{"coding":[{"code":"male"}]},"exclude":false},'
        '{"code":{"coding":[{"code":"owner"}]},"valueBoolean":true,"exclude":false}]}',
    )
    assert found(record, "Group", ("characteristic-value", "gender$male")) == {"g"}
    assert found(record, "Group", ("characteristic-value", "owner$true")) == {"g"}
    assert found(record, "Group", ("characteristic-value", "owner$male")) == set()


def test_three_parts_and_the_resource_itself(record: fhir.Record) -> None:
    put(
        record,
        '{"resourceType":"MolecularSequence","id":"m","coordinateSystem":0,"referenceSeq":{"chromosome":'
        '{"coding":[{"code":"2"}]},"windowStart":10,"windowEnd":20,"referenceSeqId":{"coding":[{"code":"NC_9"}]}},'
        '"variant":[{"start":12,"end":13},{"start":17,"end":18}]}',
    )
    name = "chromosome-window-coordinate"
    assert found(record, "MolecularSequence", (name, "2$ge5$le30")) == {"m"}
    assert found(record, "MolecularSequence", (name, "2$ge11$le30")) == set()
    name = "chromosome-variant-coordinate"
    assert found(record, "MolecularSequence", (name, "2$12$13")) == {"m"}
    assert found(record, "MolecularSequence", (name, "2$12$18")) == set()


def test_a_reference_and_a_code(record: fhir.Record) -> None:
    put(
        record,
        '{"resourceType":"DocumentReference","id":"d","status":"current","content":[{"attachment":{"title":"x"}}],'
        '"relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/old"}}]}',
    )
    name = "relationship"
    assert found(record, "DocumentReference", (name, "DocumentReference/old$replaces")) == {"d"}
    assert found(
        record, "DocumentReference", (name, "old$http://hl7.org/fhir/document-relationship-type|replaces")
    ) == {"d"}
    assert found(record, "DocumentReference", (name, "DocumentReference/old$signs")) == set()


@pytest.mark.parametrize("value", ["8480-6", "8480-6$", "$140", "8480-6$140$3", "8480-6$much"])
def test_refusals(record: fhir.Record, value: str) -> None:
    with pytest.raises(errors.Invalid):
        found(record, "Observation", ("code-value-quantity", value))
    with pytest.raises(errors.Unsupported):
        found(record, "Observation", ("code-value-quantity:not", "a$1"))
