"""Token parameters: namespaces of plain codes, texts, types of identifiers, contacts (FHIR R4, search.html#token)."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fhir.searching import found, observation, patient, put
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM
from yba.fhir.search import casing, token
from yba.fhir.store import parameters

GENDER = "http://hl7.org/fhir/administrative-gender"
KINDS = "http://terminology.hl7.org/CodeSystem/v2-0203"


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    return fhir.open(connection, actor=SYSTEM)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("gender", "male", {"a"}),
        ("gender", f"{GENDER}|male", {"a"}),
        ("gender", f"{GENDER}|", {"a", "b"}),
        ("gender", "http://elsewhere|male", set()),
        ("gender:not", "male", {"b", "c"}),
        ("gender:not", f"{GENDER}|male,{GENDER}|female", {"c"}),
        ("active", "http://terminology.hl7.org/CodeSystem/special-values|true", {"c"}),
        ("identifier:of-type", f"{KINDS}|MR|12345", {"a"}),
        ("identifier:of-type", f"{KINDS}|MR|99", set()),
        ("identifier:of-type", f"{KINDS}|SS|99", {"a"}),
        ("identifier:of-type", f"{KINDS}|SS|12345", {"b"}),
        ("identifier:text", "ho so", {"a"}),
        ("identifier:text", "so", set()),
        ("telecom", "home|0243 111", {"a"}),
        ("telecom", "work|0243 111", set()),
        ("telecom", "phone|0243111", {"a"}),
        ("phone", "0243111", {"a"}),
        ("email", "0243111", set()),
    ],
)
def test_patients(record: fhir.Record, name: str, value: str, expected: set[str]) -> None:
    put(
        record,
        patient(
            "a",
            f',"gender":"male","identifier":[{{"type":{{"coding":[{{"system":"{KINDS}","code":"MR"}}],"text":"Hồ sơ"}},'
            f'"value":"12345"}},{{"type":{{"coding":[{{"system":"{KINDS}","code":"SS"}}]}},"value":"99"}}],'
            '"telecom":[{"system":"phone","use":"home","value":"0243 111"}]',
        ),
        patient(
            "b",
            f',"gender":"female","identifier":[{{"type":{{"coding":[{{"system":"{KINDS}","code":"SS"}}]}},'
            '"value":"12345"}]',
        ),
        patient("c", ',"active":true'),
    )
    assert found(record, "Patient", (name, value)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("headache", {"a"}),
        ("Đau", {"b"}),
        ("dau dau", {"b"}),
        ("ache", set()),
        ("head,dau", {"a", "b"}),
    ],
)
def test_text(record: fhir.Record, value: str, expected: set[str]) -> None:
    put(
        record,
        '{"resourceType":"Condition","id":"a","subject":{"reference":"Patient/p"},'
        '"code":{"coding":[{"code":"1","display":"Headache"}]}}',
        '{"resourceType":"Condition","id":"b","subject":{"reference":"Patient/p"},"code":{"text":"Đau đầu"}}',
    )
    assert found(record, "Condition", ("code:text", value)) == expected


def test_media_types_have_an_order(record: fhir.Record) -> None:
    for number, kind in enumerate(("image/png", "image/jpeg", "text/plain;charset=UTF-8")):
        put(
            record,
            f'{{"resourceType":"DocumentReference","id":"d{number}","status":"current",'
            f'"content":[{{"attachment":{{"contentType":"{kind}"}}}}]}}',
        )
    assert found(record, "DocumentReference", ("contenttype:below", "image")) == {"d0", "d1"}
    assert found(record, "DocumentReference", ("contenttype:below", "text/plain")) == {"d2"}
    assert found(record, "DocumentReference", ("contenttype:above", "image/png")) == {"d0"}
    assert found(record, "DocumentReference", ("contenttype", "urn:ietf:bcp:13|image/png")) == {"d0"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("identifier:of-type", "MR|12345"),
        ("identifier:text", " "),
        ("identifier:exact", "1"),
        ("gender:below", "male|x|y"),
    ],
)
def test_refusals(record: fhir.Record, name: str, value: str) -> None:
    with pytest.raises(errors.RecordError):
        found(record, "Patient", (name, value))


SET = "http://example.vn/vs/height"


def test_value_sets(record: fhir.Record) -> None:
    put(
        record,
        '{"resourceType":"ValueSet","id":"vs","status":"active","url":"' + SET + '","compose":{"include":['
        '{"system":"http://loinc.org","concept":[{"code":"8302-2"},{"code":"3141-9"}]}]}}',
        observation("a"),
        observation("b", code="3141-9"),
        observation("c", code="other"),
        '{"resourceType":"Observation","id":"d","status":"final","code":{"coding":[{"system":"http://x","code":"8302-2"}]}}',
    )
    assert found(record, "Observation", ("code:in", SET)) == {"a", "b"}
    assert found(record, "Observation", ("code:not-in", SET)) == {"c", "d"}
    assert found(record, "Observation", ("code:in", "ValueSet/vs")) == {"a", "b"}
    with pytest.raises(errors.Invalid):
        found(record, "Observation", ("code:in", "http://example.vn/vs/unknown"))


def test_a_set_of_plain_codes(record: fhir.Record) -> None:
    put(record, patient("a", ',"gender":"male"'), patient("b", ',"gender":"unknown"'))
    assert found(record, "Patient", ("gender:in", "http://hl7.org/fhir/ValueSet/administrative-gender")) == {
        "a",
        "b",
    }


def test_above_and_below(record: fhir.Record) -> None:
    put(
        record,
        '{"resourceType":"CodeSystem","id":"cs","status":"active","content":"complete","url":"http://x.vn/cs",'
        '"hierarchyMeaning":"is-a","concept":[{"code":"A","concept":[{"code":"B","concept":[{"code":"C"}]}]}]}',
        *(
            f'{{"resourceType":"Condition","id":"{code.lower()}","subject":{{"reference":"Patient/p"}},'
            f'"code":{{"coding":[{{"system":"http://x.vn/cs","code":"{code}"}}]}}}}'
            for code in "ABC"
        ),
    )
    assert found(record, "Condition", ("code:below", "http://x.vn/cs|B")) == {"b", "c"}
    assert found(record, "Condition", ("code:above", "http://x.vn/cs|B")) == {"a", "b"}
    with pytest.raises(errors.Invalid):
        found(record, "Condition", ("code:below", "http://x.vn/none|B"))
    assert found(record, "Condition", ("code:below", "http://x.vn/cs|b")) == {"b", "c"}


MRN = "http://Example.vn/MRN"
CASED = (
    patient(
        "a",
        f',"meta":{{"tag":[{{"system":"http://x.vn/t","code":"Red"}}],"security":[{{"code":"R"}}]}},'
        f'"identifier":[{{"system":"{MRN}","value":"Bn-001","type":{{"coding":[{{"system":"{KINDS}","code":"MR"}}]}}}}],'
        '"telecom":[{"system":"email","value":"An@X.vn"}],"managingOrganization":{"identifier":{"value":"Hosp-1"}}',
    ),
    patient(
        "b",
        f',"meta":{{"tag":[{{"system":"http://x.vn/t","code":"red"}}]}},"identifier":[{{"system":"{MRN}","value":"BN-002"}}]',
    ),
    patient(
        "c",
        ',"identifier":[{"system":"http://unitsofmeasure.org","value":"mPa"}]',
    ),
)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("identifier", "bn-001", {"a"}),
        ("identifier", f"{MRN}|BN-001", {"a"}),
        ("identifier", f"{MRN.lower()}|BN-001", set()),
        ("identifier", "bn-001,bn-002", {"a", "b"}),
        ("identifier:not", "bn-001", {"b", "c"}),
        ("identifier:of-type", f"{KINDS}|mr|bN-001", {"a"}),
        ("identifier", "http://unitsofmeasure.org|mPa", {"c"}),
        ("identifier", "http://unitsofmeasure.org|MPa", set()),
        ("identifier", "mPa", {"c"}),
        ("email", "an@x.VN", {"a"}),
        ("organization:identifier", "hosp-1", {"a"}),
        ("_tag", "http://x.vn/t|RED", {"a", "b"}),
        ("_tag", "red", {"a", "b"}),
        ("_tag", "http://x.vn/t|Red", {"a", "b"}),
        ("_tag:not", "rEd", {"c"}),
        ("_security", "r", {"a"}),
        ("_security:missing", "false", {"a"}),
        ("_filter", "identifier eq BN-001", {"a"}),
        ("_filter", "identifier ne bn-001", {"b", "c"}),
        ("_filter", "identifier sw BN", {"a", "b"}),
        ("_filter", "_tag ne rED", set()),
        ("_filter", "_tag ne http://x.vn/u|red", {"a", "b"}),
        ("_has:Observation:subject:code", "abc", {"a"}),
    ],
)
def test_case_is_passed_over(record: fhir.Record, name: str, value: str, expected: set[str]) -> None:
    put(record, *CASED, observation("o", ',"subject":{"reference":"Patient/a"}', code="Abc"))
    assert found(record, "Patient", (name, value)) == expected


def test_case_is_passed_over_in_sets_pairs_and_conditions(record: fhir.Record) -> None:
    put(
        record,
        '{"resourceType":"ValueSet","id":"vs","status":"active","url":"' + SET + '","compose":{"include":['
        '{"system":"http://loinc.org","concept":[{"code":"LA-1"}]}]}}',
        observation("a", ',"valueQuantity":{"value":5}', code="la-1"),
        observation("b", ',"valueQuantity":{"value":5}', code="LA-2"),
    )
    assert found(record, "Observation", ("code:in", SET)) == {"a"}
    assert found(record, "Observation", ("code:not-in", SET)) == {"b"}
    assert found(record, "Observation", ("code-value-quantity", "http://loinc.org|LA-1$5")) == {"a"}
    assert found(record, "Observation", ("combo-code-value-quantity", "lA-2$5")) == {"b"}
    assert found(record, "Observation", ("status", "FINAL"), ("_sort", "code")) == {"a", "b"}


def test_the_version_of_a_canonical_keeps_its_case(record: fhir.Record) -> None:
    put(
        record,
        '{"resourceType":"Questionnaire","id":"q","status":"active","url":"http://x.vn/q","version":"1-Beta","title":"An"}',
        '{"resourceType":"QuestionnaireResponse","id":"r","status":"completed","questionnaire":"http://x.vn/q|1-Beta"}',
    )
    assert found(record, "QuestionnaireResponse", ("questionnaire.title", "an")) == {"r"}
    assert found(record, "Questionnaire", ("version", "1-BETA")) == {"q"}


def test_rows_of_before_are_found_as_before(
    record: fhir.Record, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until old index rows are made anew they are found as they are written, and new ones by any case."""
    monkeypatch.setattr(casing, "folded", lambda _system, code: code)
    monkeypatch.setattr(token, "folded", lambda _system, code: code)
    put(record, patient("old", f',"identifier":[{{"system":"{MRN}","value":"Bn-001"}}]'))
    monkeypatch.undo()
    put(record, patient("new", f',"identifier":[{{"system":"{MRN}","value":"BN-001"}}]'))
    connection.execute("update record.search_state set version = 2, generation = gen_random_uuid()")
    parameters.refreshed(connection)
    assert found(record, "Patient", ("identifier", f"{MRN}|Bn-001")) == {"old", "new"}
    assert found(record, "Patient", ("identifier", f"{MRN}|bn-001")) == {"new"}
    assert found(record, "Patient", ("identifier", "Bn-001")) == {"old", "new"}
