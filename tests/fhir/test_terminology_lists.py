"""The lists the house ships: in two languages, as fresh as the catalogues, ICD-10 with its hierarchy."""

from __future__ import annotations

import pytest

from tools import lists as copying
from yba.fhir.terminology import Terminology, lists, packaged

TERMINOLOGY = Terminology()


def test_copied_lists_are_fresh() -> None:
    assert copying.stale() == []


@pytest.mark.parametrize("url", [one for one in lists.urls() if one.startswith(lists.SYSTEMS)])
def test_every_code_has_a_name_in_both_languages(url: str) -> None:
    system = lists.system(url)
    assert system is not None
    assert system.head["language"] == "vi"
    for concept in system.concepts():
        assert concept.display, concept.code
        assert [one["language"] for one in concept.designations] == ["en"], concept.code


@pytest.mark.parametrize(
    ("name", "count", "code", "vietnamese", "english"),
    [
        ("ethnicity", 54, "02", "Tày", "Tày"),
        ("occupation", 10, "9", "Lao động giản đơn", "Elementary occupations"),
        ("visit-type", 16, "14", "Khám bệnh từ xa", "Telehealth"),
        ("sex", 3, "2", "Nữ", "Female"),
        ("transfer-reason", 3, "3", "Theo yêu cầu của người bệnh", "At the patient's request"),
    ],
)
def test_a_list(name: str, count: int, code: str, vietnamese: str, english: str) -> None:
    codes = TERMINOLOGY.codes(f"https://yba.vn/fhir/vs/{name}")
    assert codes is not None
    assert len(codes) == count
    found = TERMINOLOGY.concept(f"https://yba.vn/fhir/cs/{name}", code)
    assert found is not None
    assert (found.display, found.designations[0]["value"]) == (vietnamese, english)


def test_icd10() -> None:
    found = TERMINOLOGY.concept(lists.ICD10, "A01.0")
    assert found is not None
    assert found.display == "Typhoid fever"
    assert found.designations == ({"language": "vi", "value": "Thương hàn"},)
    assert TERMINOLOGY.subsumes(lists.ICD10, "I", "A01.0") == "subsumes"
    assert set(TERMINOLOGY.ancestors(lists.ICD10, "A01.0")) == {"A01", "A00-A09", "I"}


def test_loinc_is_known_in_part() -> None:
    found = TERMINOLOGY.concept(lists.LOINC, "718-7")
    assert found is not None
    assert {one["language"]: one["value"] for one in found.designations}["vi"] == "Huyết sắc tố (Hb)"
    assert TERMINOLOGY.knows(lists.LOINC) is False
    vital_sign = TERMINOLOGY.concept(lists.LOINC, "8480-6")
    assert vital_sign is not None
    assert vital_sign.display == "Systolic blood pressure"
    assert [one["value"] for one in vital_sign.designations] == [
        "Huyết áp tâm thu",
        "Systolic blood pressure",
    ]


def test_administrative_units() -> None:
    assert TERMINOLOGY.ancestors(lists.UNITS, "00070") == ["01"]
    found = TERMINOLOGY.concept(lists.UNITS, "01")
    assert found is not None
    assert (found.display, found.designations[0]["value"]) == ("Thành phố Hà Nội", "Hà Nội City")


def test_everything_published_can_be_read() -> None:
    for kind in ("CodeSystem", "ValueSet", "ConceptMap"):
        for url in packaged.urls(kind):
            found = packaged.resource(kind, url)
            assert found is not None
            assert (found["resourceType"], found["url"]) == (kind, url)
