"""References: versions, what is contained, identifiers, hierarchies, canonicals (FHIR R4, search.html#reference)."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fhir.searching import found, observation, put
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    return fhir.open(connection, actor=SYSTEM)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Practitioner/1", {"plain", "second"}),
        ("1", {"plain", "second"}),
        ("Practitioner/1/_history/2", {"second"}),
        ("Practitioner/1/_history/3", set()),
        ("https://elsewhere.vn/fhir/Practitioner/1", {"far"}),
        ("#doctor", {"inner"}),
    ],
)
def test_forms(record: fhir.Record, value: str, expected: set[str]) -> None:
    put(
        record,
        observation("plain", ',"performer":[{"reference":"Practitioner/1"}]'),
        observation("second", ',"performer":[{"reference":"Practitioner/1/_history/2"}]'),
        observation("far", ',"performer":[{"reference":"https://elsewhere.vn/fhir/Practitioner/1"}]'),
        observation(
            "inner",
            ',"contained":[{"resourceType":"Practitioner","id":"doctor"}],"performer":[{"reference":"#doctor"}]',
        ),
        observation("told", ',"performer":[{"display":"Bs. Lan"}]'),
        observation("none"),
    )
    assert found(record, "Observation", ("performer", value)) == expected
    assert found(record, "Observation", ("performer:missing", "true")) == {"none"}


@pytest.fixture
def house(record: fhir.Record) -> fhir.Record:
    for identifier, parent in (
        ("site", ""),
        ("wing", "site"),
        ("room", "wing"),
        ("bed", "room"),
        ("other", ""),
    ):
        part = f',"partOf":{{"reference":"Location/{parent}"}}' if parent else ""
        put(record, f'{{"resourceType":"Location","id":"{identifier}"{part}}}')
        put(
            record,
            f'{{"resourceType":"Encounter","id":"in-{identifier}","status":"finished","class":{{"code":"AMB"}},'
            f'"location":[{{"location":{{"reference":"Location/{identifier}"}}}}]}}',
        )
    return record


def test_hierarchies(house: fhir.Record) -> None:
    assert found(house, "Encounter", ("location:below", "Location/wing")) == {"in-wing", "in-room", "in-bed"}
    assert found(house, "Encounter", ("location:above", "room")) == {"in-site", "in-wing", "in-room"}
    assert found(house, "Encounter", ("location:below", "other")) == {"in-other"}
    assert found(house, "Location", ("partof:below", "Location/wing")) == {"room", "bed"}
    assert found(house, "Location", ("partof:below", "site,other")) == {"wing", "room", "bed"}
    with pytest.raises(errors.Invalid):
        found(house, "Encounter", ("subject:below", "Patient/p"))


def test_a_circle_ends(record: fhir.Record) -> None:
    put(
        record,
        '{"resourceType":"Organization","id":"a","partOf":{"reference":"Organization/b"}}',
        '{"resourceType":"Organization","id":"b","partOf":{"reference":"Organization/a"}}',
    )
    assert found(record, "Organization", ("partof:below", "Organization/a")) == {"a", "b"}


def test_canonicals(record: fhir.Record) -> None:
    for identifier, version in (("a", "|1"), ("b", "|1.2"), ("c", "|2"), ("d", "")):
        put(
            record,
            f'{{"resourceType":"QuestionnaireResponse","id":"{identifier}","status":"completed",'
            f'"questionnaire":"http://x.vn/q{version}"}}',
        )
    url = "http://x.vn/q"
    assert found(record, "QuestionnaireResponse", ("questionnaire", url)) == {"a", "b", "c", "d"}
    assert found(record, "QuestionnaireResponse", ("questionnaire", url + "|1")) == {"a"}
    assert found(record, "QuestionnaireResponse", ("questionnaire:below", url + "|1")) == {"a", "b"}
    assert found(record, "QuestionnaireResponse", ("questionnaire:above", url + "|1.2")) == {"a", "b"}


def test_the_first_of_a_document(record: fhir.Record) -> None:
    put(
        record,
        '{"resourceType":"Bundle","id":"d","type":"document","entry":[{"resource":{"resourceType":"Composition",'
        '"id":"c","status":"final","type":{"text":"x"},"date":"2026","author":[{"display":"x"}],"title":"x"}},'
        '{"resource":{"resourceType":"Patient","id":"p"}}]}',
    )
    assert found(record, "Bundle", ("composition", "c")) == {"d"}
    assert found(record, "Bundle", ("composition", "Composition/c")) == {"d"}
    assert found(record, "Bundle", ("composition", "p")) == set()


def test_this_servers_own_address(record: fhir.Record) -> None:
    record.base_url = "http://here.vn/fhir"
    put(
        record,
        observation("near", ',"subject":{"reference":"Patient/p"}'),
        observation("named", ',"subject":{"reference":"http://here.vn/fhir/Patient/p"}'),
        observation("far", ',"subject":{"reference":"http://there.vn/fhir/Patient/p"}'),
    )
    assert found(record, "Observation", ("subject", "http://here.vn/fhir/Patient/p")) == {"near", "named"}
    assert found(record, "Observation", ("subject", "http://there.vn/fhir/Patient/p")) == {"far"}
    assert found(record, "Observation", ("subject", "Patient/p")) == {"near", "named"}
