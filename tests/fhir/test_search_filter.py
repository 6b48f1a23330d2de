"""``_filter``: the language and what each operator finds. filter.html."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fhir.searches import found, observation, patient, put, resource
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM
from yba.fhir.search.filter_grammar import Both, Node, Not, Step, Test, parse

Test.__test__ = False  # type: ignore[attr-defined]  # not a test class of pytest's


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    record = fhir.open(connection, actor=SYSTEM)
    people(record)
    return record


def people(record: fhir.Record) -> None:
    put(
        record,
        resource("Organization/h", ',"name":"Bạch Mai"'),
        patient("a", ',"gender":"female","birthDate":"1980-02-29","active":true,"name":[{"text":"Nguyễn An",'
                '"given":["An"]}],"identifier":[{"system":"http://s","value":"1"}],"managingOrganization":{"reference":"Organization/h"}'),
        patient("b", ',"gender":"male","birthDate":"1990","active":false,"name":[{"text":"Trần Bình"}],'
                '"identifier":[{"system":"http://s","value":"2"},{"value":"X-9"}]'),
        patient("c", ',"name":[{"text":"Lê (Tư) Châu"}]'),
        observation("o1", "Patient/a", rest=',"valueQuantity":{"value":170,"system":"http://u","code":"cm"},'
                    '"effectiveDateTime":"2026-01-02T08:00:00Z"'),
        observation("o2", "Patient/b", "29463-7", ',"valueQuantity":{"value":60},'
                    '"effectivePeriod":{"start":"2026-01-01","end":"2026-01-31"}'),
        resource("ValueSet/v", ',"status":"active","url":"http://x.vn/a/b"'),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gender eq male", "b"),
        ('gender eq "male"', "b"),
        ("gender ne male", "a"),
        ("not (gender eq male)", "ac"),
        ("not(gender eq male)", "ac"),
        ("gender pr true", "ab"),
        ("gender pr false", "c"),
        ("active eq true", "a"),
        ("name co guy", "a"),
        ("name sw tran", "b"),
        ("name ew chau", "c"),
        ('name eq "nguyễn an"', "a"),
        ("given eq an", "a"),
        ('name co "(tu) c"', "c"),
        ("name gt m", "ab"),
        ("name ne an", "abc"),
        ("birthdate ge 1990", "b"),
        ("birthdate lt 1985-01-01", "a"),
        ("birthdate eq 1980-02-29", "a"),
        ("birthdate ne 1980-02-29", "b"),
        ("birthdate po 1980", "a"),
        ("birthdate sa 1980", "b"),
        ("birthdate eb 1990", "a"),
        ("identifier eq http://s|1", "a"),
        ("identifier ne http://s|2", "ab"),
        ("identifier sw x-", "b"),
        ("identifier co 9", "b"),
        ("identifier ew -9", "b"),
        ("_id eq a", "a"),
        ("_id ne a", "bc"),
        ("organization re Organization/h", "a"),
        ("organization eq h", "a"),
        ("organization pr false", "bc"),
        ("organization.name co bach", "a"),
        ("organization[name sw bach].name ew mai", "a"),
        ("organization[name sw viet].name ew mai", ""),
        ("_lastUpdated gt 2000-01-01", "abc"),
        ("_lastUpdated po 2000", ""),
        ("_lastUpdated pr true", "abc"),
        ("gender eq male and birthdate ge 1990", "b"),
        ("gender eq male or gender eq female", "ab"),
        ("gender eq male and active eq true or name co chau", "c"),
        ("name co chau or gender eq male and active eq true", ""),
        ("name co chau or (gender eq female and active eq true)", "ac"),
        ("not (gender eq male or (name co chau))", "a"),
        ("(gender eq female) and not (name co chau)", "a"),
    ],
)
def test_patients(record: fhir.Record, text: str, expected: str) -> None:
    assert set(found(record, "Patient", ("_filter", text))) == set(expected)


@pytest.mark.parametrize(
    ("type_name", "text", "expected"),
    [
        ("Patient", "telecom ne 0241234567", ["two"]),
        ("Patient", 'phone ne "024 123 4567"', ["two"]),
        ("Patient", "telecom ne phone|0241234567", ["two"]),
        ("Patient", "telecom ne 999", ["two", "one"]),
        ("ValueSet", "url ne http://x.vn/v", []),
        ("Questionnaire", "_profile ne http://x.vn/q|1", ["q2"]),
        ("Questionnaire", "_profile ne http://x.vn/q", ["q2"]),
        ("PlanDefinition", "definition ne http://x.vn/a", ["d2"]),
        ("PlanDefinition", "definition ne http://x.vn/a|1", ["d2"]),
    ],
)
def test_a_value_with_several_index_rows_is_one_value(
    record: fhir.Record, type_name: str, text: str, expected: list[str]
) -> None:
    put(
        record,
        patient("one", ',"telecom":[{"system":"phone","use":"home","value":"024 123 4567"}]'),
        patient("two", ',"telecom":[{"system":"phone","use":"home","value":"024 123 4567"},'
                '{"system":"phone","value":"999"}]'),
        resource("ValueSet/v", ',"status":"active","url":"http://x.vn/v"'),
        resource("Questionnaire/q1", ',"status":"active","meta":{"profile":["http://x.vn/q|1"]}'),
        resource("Questionnaire/q2", ',"status":"active","meta":{"profile":["http://x.vn/q|1","http://x.vn/r"]}'),
        resource("PlanDefinition/d1", ',"status":"active","action":[{"definitionCanonical":"http://x.vn/a|1"}]'),
        resource("PlanDefinition/d2", ',"status":"active","action":[{"definitionCanonical":"http://x.vn/a|1"},'
                 '{"definitionCanonical":"http://x.vn/b|1"}]'),
    )  # fmt: skip
    assert found(record, type_name, ("_filter", text)) == expected


@pytest.mark.parametrize(
    ("type_name", "text", "expected"),
    [
        ("Observation", "code eq http://loinc.org|8302-2", ["o1"]),
        ("Observation", "subject.name co nguyen", ["o1"]),
        ("Observation", "subject:Patient.organization.name sw bach", ["o1"]),
        ("Observation", "patient[gender eq male].birthdate eq 1990", ["o2"]),
        ("Observation", "value-quantity gt 100", ["o1"]),
        ("Observation", "value-quantity eq 170|http://u|cm", ["o1"]),
        ("Observation", "value-quantity le 60", ["o2"]),
        ("Observation", "date po 2026-01-15", ["o2"]),
        ("Observation", "date po 2026-02", []),
        ("Observation", "date eq 2026-01-02", ["o1"]),
        ("Observation", "patient eq Patient/a", ["o1"]),
        ("Observation", "patient ne Patient/a", ["o2"]),
        ("Observation", "not (patient eq Patient/a)", ["o2"]),
        ("ValueSet", "url eq http://x.vn/a/b", ["v"]),
        ("ValueSet", "url sw http://x.vn/", ["v"]),
        ("ValueSet", "url ss http://x.vn/a", ["v"]),
        ("ValueSet", "url ne http://x.vn/a", ["v"]),
    ],
)
def test_other_types(record: fhir.Record, type_name: str, text: str, expected: list[str]) -> None:
    assert found(record, type_name, ("_filter", text)) == expected


def test_a_comma_and_a_backslash_are_themselves(record: fhir.Record) -> None:
    put(record, patient("d", r',"identifier":[{"value":"x,y\\z"}]'))
    assert found(record, "Patient", ("_filter", r'identifier eq "x,y\\z"')) == ["d"]
    assert found(record, "Patient", ("_filter", "identifier eq x,y")) == []


def test_the_text_of_a_concept_is_none_of_its_codes(record: fhir.Record) -> None:
    coded = '"coding":[{"system":"http://loinc.org","code":"8302-2"}]'
    put(
        record,
        resource("Observation/t", f',"status":"final","code":{{{coded},"text":"Chiều cao"}}'),
        resource("Observation/u", ',"status":"final","code":{"text":"Chiều cao"}'),
    )
    assert found(record, "Observation", ("_filter", "code ne 8302-2")) == ["o2"]


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("", None, ""),
        ("gender", "search.filter", "column 7"),
        ("gender is male", "search.filter", "column 8"),
        ("gender eq", "search.filter", "column 10"),
        ("gender eq male and", "search.filter", "column 19"),
        ("gender eq male birthdate", "search.filter", "column 16"),
        ("(gender eq male", "search.filter", "column 16"),
        ("gender eq male)", "search.filter", "column 15"),
        ('gender eq "male', "search.filter", "column 11"),
        (r'_source co "\u0000"', "search.filter", "column 12"),
        ("organization[name eq x]", "search.filter", "'.'"),
        ("height eq 3", "search.filter", "'height'"),
        ("gender.name eq x", "search.filter", "'gender.name'"),
        ("gender po 2026", "search.filter", "does not fit"),
        ("name po 2026", "search.filter", "does not fit"),
        ("birthdate co 2026", "search.filter", "does not fit"),
        ("birthdate pr maybe", "search.filter", "does not fit"),
        ("birthdate eq soon", "search.value", "birthdate"),
        ("birthdate po soon", "search.filter", "does not fit"),
        ("(" * 30 + "gender eq male" + ")" * 30, "search.filter-too-large", "parentheses"),
        (" or ".join(["gender eq male"] * 31), "search.filter-too-large", "tests"),
        ("gender eq " + "m" * 10_000, "search.filter-too-large", "characters"),
    ],
)
def test_refusals(record: fhir.Record, text: str, key: str | None, said: str) -> None:
    if key is None:
        assert len(found(record, "Patient", ("_filter", text))) == 3
        return
    with pytest.raises(errors.RecordError) as caught:
        found(record, "Patient", ("_filter", text))
    assert (caught.value.key, said in caught.value.message) == (key, True), caught.value.message


# -- the language, by writing trees down and reading them back ----------------------------------------------------

_tests = st.builds(
    Test,
    st.just((Step("gender"),)) | st.just((Step("organization"), Step("name"))),
    st.sampled_from(["eq", "ne", "co", "pr"]),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(["and", "not", "a)b", "true", 'say "x"', "\\"]),
    st.just(0),
)
_trees: st.SearchStrategy[Node] = st.recursive(
    _tests, lambda inner: st.builds(Both, st.sampled_from(["and", "or"]), inner, inner) | st.builds(Not, inner),
    max_leaves=12,
)  # fmt: skip


def written(node: Node) -> str:
    if isinstance(node, Test):
        path = ".".join(step.name for step in node.path)
        return f"{path} {node.operator} {json.dumps(node.value)}"
    if isinstance(node, Not):
        return f"not ({written(node.inner)})"
    return f"({written(node.left)}) {node.word} ({written(node.right)})"


def bare(node: Node) -> Node:
    if isinstance(node, Test):
        return Test(node.path, node.operator, node.value, 0)
    if isinstance(node, Not):
        return Not(bare(node.inner))
    return Both(node.word, bare(node.left), bare(node.right))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_trees)
def test_what_is_written_is_read_back(tree: Node) -> None:
    assert bare(parse(written(tree))) == tree


@settings(deadline=None)
@given(st.text(alphabet='ab ()[]."\\:_-eqnot|and1', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(errors.Invalid, errors.TooCostly):
        parse(text)
