"""What the handle answers about published systems, systems by rule, and membership."""

from __future__ import annotations

import pytest

from yba.fhir.errors import TooCostly
from yba.fhir.terminology import Terminology

VS = "http://hl7.org/fhir/ValueSet/"
GENDER = "http://hl7.org/fhir/administrative-gender"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


@pytest.fixture
def terminology() -> Terminology:
    return Terminology()


@pytest.mark.parametrize(
    ("value_set", "system", "code", "verdict"),
    [
        ("administrative-gender", GENDER, "male", True),
        ("administrative-gender|4.0.1", GENDER, "male", True),
        ("administrative-gender|9", GENDER, "male", None),
        ("administrative-gender", GENDER, "Male", False),
        ("administrative-gender", "http://example.org/other", "male", False),
        ("administrative-gender", None, "male", True),
        ("administrative-gender", None, "man", False),
        ("not-there", GENDER, "male", None),
        ("all-languages", "urn:ietf:bcp:47", "vi-VN", True),
        ("all-languages", "urn:ietf:bcp:47", "zh-Hant-TW", True),
        ("all-languages", "urn:ietf:bcp:47", "xq", False),
        ("mimetypes", "urn:ietf:bcp:13", "application/fhir+json; fhirVersion=4.0", True),
        ("mimetypes", "urn:ietf:bcp:13", "text", False),
        ("currencies", "urn:iso:std:iso:4217", "VND", True),
        ("currencies", "urn:iso:std:iso:4217", "vnd", False),
        ("ucum-units", "http://unitsofmeasure.org", "mm[Hg]", True),
        ("ucum-units", "http://unitsofmeasure.org", "mmHg", False),
        ("all-time-units", "http://unitsofmeasure.org", "min", True),
        ("all-time-units", "http://unitsofmeasure.org", "mm", False),
        ("c80-doc-typecodes", "http://loinc.org", "34133-9", True),
        ("observation-codes", "http://loinc.org", "99999-9", None),
        ("iso3166-1-2", "urn:iso:std:iso:3166", "VN", True),
        ("iso3166-1-2", "urn:iso:std:iso:3166", "XX", False),
    ],
)
def test_member(
    terminology: Terminology, value_set: str, system: str | None, code: str, verdict: bool | None
) -> None:
    assert terminology.member(VS + value_set, system, code) is verdict


def test_codes_come_in_the_order_of_definition(terminology: Terminology) -> None:
    assert terminology.codes(VS + "administrative-gender") == [
        (GENDER, code) for code in ("male", "female", "other", "unknown")
    ]
    assert terminology.codes(VS + "not-there") is None


def test_codes_that_cannot_be_listed_are_not_cut_off(terminology: Terminology) -> None:
    with pytest.raises(TooCostly):
        terminology.codes(VS + "observation-codes")
    with pytest.raises(TooCostly):
        terminology.codes(VS + "ucum-units")


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ("_ActEncounterCode", "AMB", "subsumes"),
        ("AMB", "_ActEncounterCode", "subsumed-by"),
        ("AMB", "AMB", "equivalent"),
        ("AMB", "IMP", "not-subsumed"),
        ("AMB", "nothing", None),
    ],
)
def test_subsumes(terminology: Terminology, a: str, b: str, verdict: str | None) -> None:
    assert terminology.subsumes(ACT_CODE, a, b) == verdict


def test_what_is_above_and_below(terminology: Terminology) -> None:
    assert terminology.descendants(ACT_CODE, "IMP") == ["ACUTE", "NONAC"]
    assert terminology.ancestors(ACT_CODE, "ACUTE")[0] == "IMP"
    assert "_ActEncounterCode" in terminology.ancestors(ACT_CODE, "ACUTE")
    assert terminology.descendants("http://example.org/none", "x") == []


def test_a_language_has_its_names(terminology: Terminology) -> None:
    found = terminology.concept("urn:ietf:bcp:47", "vi-VN")
    assert found is not None
    assert found.display == "Vietnamese (Viet Nam)"
