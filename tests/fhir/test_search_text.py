"""Words, long texts, URLs and places."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fhir.searching import found, patient, put
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM
from yba.fhir.search import text


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    return fhir.open(connection, actor=SYSTEM)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("_text", "sốt", {"a"}),
        ("_text", "sot cao", {"a"}),
        ("_text", "cao or ho", {"a", "b"}),
        ("_text", '"cao sot"', set()),
        ("_text", "duc", set()),
        ("_content", "duc", {"a"}),
        ("_content", "sot", {"a"}),
        ("_content", "Đức -hue", {"a"}),
        ("_content", "hue", {"b"}),
        ("_content", "xhtml", set()),
    ],
)
def test_words(record: fhir.Record, name: str, value: str, expected: set[str]) -> None:
    def told(words: str) -> str:
        return f',"text":{{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">{words}</div>"}}'

    put(
        record,
        patient("a", told("Sốt &amp; <b>cao</b>") + ',"name":[{"text":"Nguyễn Văn Đức"}]'),
        patient("b", told("Ho") + ',"address":[{"city":"Huế"}]'),
    )
    assert found(record, "Patient", (name, value)) == expected


def test_what_is_no_word(record: fhir.Record) -> None:
    with pytest.raises(errors.Invalid):
        found(record, "Patient", ("_text", "!!"))
    with pytest.raises(errors.Unsupported):
        found(record, "Patient", ("_content:exact", "a"))


def test_a_long_text_loses_no_word() -> None:
    words = [f"tu{number}" for number in range(40_000)]
    rows = text.rows(('{"resourceType":"Basic","code":{"text":"' + " ".join(words) + '"}}').encode())
    assert len(rows) == 4
    assert {word for _, content in rows for word in content.split()} == set(words)
    assert all(len(content) <= text.PART for _, content in rows)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("description:contains", "cuối cùng", {"l"}),
        ("description", "x" * 300, {"l"}),
        ("description", "x" * 300 + "y", set()),
        ("description:contains", "cuoi cung.", set()),
        ("description:exact", "X" * 300 + " Cuối cùng", {"l"}),
        ("description:exact", "x" * 300 + " Cuối cùng", set()),
    ],
)
def test_all_of_a_long_text(record: fhir.Record, name: str, value: str, expected: set[str]) -> None:
    put(
        record,
        '{"resourceType":"Library","id":"l","status":"active","type":{"text":"x"},'
        '"description":"' + "X" * 300 + ' Cuối cùng"}',
    )
    assert found(record, "Library", (name, value)) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("url:below", "http://x.vn/a", {"a", "b", "c"}),
        ("url:below", "http://x.vn/a/b", {"b", "c"}),
        ("url:below", "http://x.vn/a/b,http://x.vn/z", {"b", "c"}),
        ("url:above", "http://x.vn/a/b/c", {"a", "b", "c"}),
        ("url:above", "http://x.vn/a", {"a"}),
        ("url:below", "http://x", set()),
    ],
)
def test_urls(record: fhir.Record, name: str, value: str, expected: set[str]) -> None:
    for identifier, url in (("a", "a"), ("b", "a/b"), ("c", "a/b/c"), ("d", "ab")):
        put(
            record,
            f'{{"resourceType":"ValueSet","id":"{identifier}","status":"active","url":"http://x.vn/{url}"}}',
        )
    assert found(record, "ValueSet", (name, value)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("21.0285|105.8542|5|km", {"hanoi"}),
        ("21.0285|105.8542|5", {"hanoi"}),
        ("21.0285|105.8542|1000|m", {"hanoi"}),
        ("21.0285|105.8542|10|m", set()),
        ("21.0285|105.8542|100", {"hanoi", "haiphong"}),
        ("21.0285|105.8542|85|km", set() | {"hanoi"}),
        ("21.0285|105.8542|60|[mi_us]", {"hanoi", "haiphong"}),
        ("21.0285|105.8542", {"hanoi"}),
        ("0|179.9|100|km", {"pacific"}),
        ("0|-179.9|100|km", {"pacific"}),
        ("0|0|100000|km", {"hanoi", "haiphong", "pacific"}),
    ],
)
def test_near(record: fhir.Record, value: str, expected: set[str]) -> None:
    for identifier, latitude, longitude in (
        ("hanoi", "21.03", "105.85"),
        ("haiphong", "20.8449", "106.6881"),
        ("pacific", "0", "180"),
    ):
        put(
            record,
            f'{{"resourceType":"Location","id":"{identifier}","position":'
            f'{{"latitude":{latitude},"longitude":{longitude}}}}}',
        )
    put(record, '{"resourceType":"Location","id":"nowhere"}')
    assert found(record, "Location", ("near", value)) == expected


@pytest.mark.parametrize("value", ["1", "a|b", "91|0", "0|181", "0|0|-1", "0|0|1|kg", "0|0|1|km|x", "NaN|0"])
def test_near_refused(record: fhir.Record, value: str) -> None:
    with pytest.raises(errors.Invalid):
        found(record, "Location", ("near", value))
