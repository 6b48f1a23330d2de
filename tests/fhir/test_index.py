"""From resources to index rows: every parameter compiles, and each kind of value makes the rows it should."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from yba.fhir.model import codec
from yba.fhir.r4 import MODULES
from yba.fhir.search.index import rows, unindexed
from yba.fhir.search.parameters import beside, of_type, param_number
from yba.fhir.search.principal import names_the_patient, sorts_by_occurred


def indexed(json: str) -> Any:
    return rows(codec.decode(json))


def values(found: list[tuple[Any, ...]], type_name: str, code: str) -> list[tuple[Any, ...]]:
    """The rows of one parameter, without its number."""
    number = param_number(type_name, code)
    return [row[1:] for row in found if row[0] == number]


def test_no_two_parameters_share_a_number() -> None:
    numbers = [param_number(name, code) for name in MODULES for code in of_type(name)]
    numbers += [beside(number) for number in numbers]
    assert len(numbers) > 1400
    assert len(set(numbers)) == len(numbers)
    assert all(-(2**31) <= number < 2**31 for number in numbers)
    assert param_number("Observation", "code") == -959628241


def test_every_parameter_is_read() -> None:
    gaps = {name: missing for name in MODULES if (missing := unindexed(codec.resource_class(name), name))}
    assert gaps == {}


def test_observation() -> None:
    found = indexed(
        '{"resourceType":"Observation","id":"o","status":"final",'
        '"category":[{"coding":[{"system":"http://c","code":"vital-signs"}]}],'
        '"code":{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Chiều cao"}],"text":"Cao"},'
        '"subject":{"reference":"Patient/p"},"performer":[{"reference":"Patient/mother"}],'
        '"effectiveDateTime":"2026-11-22T08:30:00+07:00",'
        '"valueQuantity":{"value":170.0,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}'
    )
    assert values(found.token, "Observation", "status") == [(None, "final", None)]
    assert values(found.token, "Observation", "category") == [("http://c", "vital-signs", None)]
    assert values(found.token, "Observation", "code") == [
        ("http://loinc.org", "8302-2", "chieu cao"),
        (None, None, "cao"),
    ]
    assert values(found.reference, "Observation", "patient") == [("Patient", "p", None, None, None)]
    assert values(found.reference, "Observation", "subject") == [("Patient", "p", None, None, None)]
    moment = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
    assert values(found.date, "Observation", "date") == [(moment, moment.replace(second=1))]
    value = Decimal("170.0")
    assert values(found.number, "Observation", "value-quantity") == [
        (value, value, value, "http://unitsofmeasure.org", "cm", "cm", Decimal("1.7"), Decimal("1.7"), "m")
    ]
    assert found.occurred == moment
    assert found.patient == "p"


def test_patient() -> None:
    found = indexed(
        '{"resourceType":"Patient","id":"p","name":[{"family":"Trần","given":["Thị Đào"]}],'
        '"telecom":[{"system":"phone","value":"0912 345 678"},{"system":"email","value":"a@b.vn"}],'
        '"identifier":[{"system":"http://s","value":"001"}],"birthDate":"1980-02",'
        '"address":[{"city":"Hà Nội","line":["1 Lê Lợi"]}]}'
    )
    assert values(found.string, "Patient", "name") == [
        ("tran", "Trần"),
        ("thi dao", "Thị Đào"),
        ("thi", ""),
        ("dao", ""),
    ]
    assert values(found.string, "Patient", "family") == [("tran", "Trần")]
    assert values(found.string, "Patient", "address") == [("1 le loi", "1 Lê Lợi"), ("ha noi", "Hà Nội")]
    assert values(found.token, "Patient", "phone") == [
        (None, "0912 345 678", None),
        ("phone", "0912 345 678", None),
        (None, "0912345678", None),
        ("phone", "0912345678", None),
    ]
    assert values(found.token, "Patient", "email") == [
        (None, "a@b.vn", None),
        ("email", "a@b.vn", None),
    ]
    assert values(found.token, "Patient", "identifier") == [("http://s", "001", None)]
    assert values(found.token, "Patient", "deceased") == [(None, "false", None)]
    assert values(found.date, "Patient", "birthdate") == [
        (datetime(1980, 1, 31, 17, tzinfo=UTC), datetime(1980, 2, 29, 17, tzinfo=UTC))
    ]
    assert found.patient == "p"


@pytest.mark.parametrize(
    ("json", "patient"),
    [
        (
            '{"resourceType":"Appointment","status":"booked","participant":['
            '{"actor":{"reference":"Patient/p"},"status":"accepted"},'
            '{"actor":{"reference":"Practitioner/d"},"status":"accepted"}]}',
            "p",
        ),
        (
            '{"resourceType":"Appointment","status":"booked","participant":['
            '{"actor":{"reference":"Patient/p"},"status":"accepted"},'
            '{"actor":{"reference":"Patient/q"},"status":"accepted"}]}',
            None,
        ),
        (
            '{"resourceType":"Coverage","status":"active","beneficiary":{"reference":"Patient/child"},'
            '"subscriber":{"reference":"Patient/mother"},"payor":[{"display":"BHXH"}]}',
            "child",
        ),
        (
            '{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Group/g"}}',
            None,
        ),
        ('{"resourceType":"Location","name":"204"}', None),
    ],
)
def test_whose_it_is(json: str, patient: str | None) -> None:
    assert indexed(json).patient == patient


def test_when_it_happened() -> None:
    encounter = indexed(
        '{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},'
        '"period":{"start":"2026-01-02T00:00:00Z"}}'
    )
    assert encounter.occurred == datetime(2026, 1, 2, tzinfo=UTC)
    condition = indexed(
        '{"resourceType":"Condition","subject":{"reference":"Patient/p"},"recordedDate":"2026-01-02T00:00:00Z"}'
    )
    assert condition.occurred == datetime(2026, 1, 2, tzinfo=UTC)
    assert sorts_by_occurred("Observation", "date")
    assert not sorts_by_occurred("Condition", "onset-date")


def test_which_parameters_are_the_patient_column() -> None:
    assert names_the_patient("Observation", "patient")
    assert names_the_patient("Observation", "subject")
    assert names_the_patient("Coverage", "beneficiary")
    assert not names_the_patient("Coverage", "subscriber")
    assert not names_the_patient("Appointment", "patient")
    assert not names_the_patient("Observation", "performer")


def test_values_too_long_for_an_index_entry_are_cut_alike() -> None:
    long = "x" * 5000
    found = indexed(f'{{"resourceType":"Patient","identifier":[{{"value":"{long}"}}]}}')
    ((_, code, _),) = values(found.token, "Patient", "identifier")
    assert len(code) == 245
    assert code.startswith("x" * 180 + "#")
