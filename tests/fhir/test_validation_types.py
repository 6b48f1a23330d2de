"""Validation by the types of FHIR R4: each kind of fault, at its place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir.validating import TERMINOLOGY, faults, observation, patient
from yba.fhir.validation import outcome, validate, validate_json
from yba.fhir.validation.primitives import fault_of


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"nonsense": 1}, [("Patient.nonsense", "unknown")]),
        ({"_nonsense": {}}, [("Patient._nonsense", "unknown")]),
        ({"name": {"text": "An"}}, [("Patient.name", "array")]),
        ({"name": []}, [("Patient.name", "empty")]),
        ({"name": ["An"]}, [("Patient.name[0]", "object")]),
        ({"name": [{}]}, [("Patient.name[0]", "empty"), ("Patient.name[0]", "invariant.ele-1")]),
        ({"gender": ["male"]}, [("Patient.gender", "array")]),
        ({"active": "true"}, [("Patient.active", "format")]),
        ({"active": None}, [("Patient.active", "null")]),
        ({"birthDate": "2001-02-29"}, [("Patient.birthDate", "format")]),
        ({"gender": "strange"}, [("Patient.gender", "binding.required")]),
        (
            {"deceasedBoolean": True, "deceasedDateTime": "2020"},
            [("Patient.deceased", "choice")],
        ),
        ({"deceasedString": "yes"}, [("Patient.deceasedString", "unknown")]),
        ({"name": [{"given": ["A", None]}]}, [("Patient.name[0].given[1]", "null")]),
        (
            {"name": [{"given": ["A", None], "_given": [None, {"id": "x"}]}]},
            [("Patient.name[0].given[1]", "invariant.ele-1")],
        ),
        ({"contact": [{"relationship": [{"text": "x"}]}]}, [("Patient.contact[0]", "invariant.pat-1")]),
        ({"link": [{"other": {"reference": "Patient/1"}}]}, [("Patient.link[0].type", "minimum")]),
        ({"managingOrganization": {"reference": "Patient/1"}}, [("Patient.managingOrganization", "reference.target")]),
        (
            {"managingOrganization": {"reference": "1234"}},
            [("Patient.managingOrganization.reference", "reference.form")],
        ),
        ({"managingOrganization": {"reference": "#o"}}, [("Patient.managingOrganization", "invariant.ref-1")]),
        ({"identifier": [{"system": "oid", "value": "1"}]}, [("Patient.identifier[0].system", "absolute")]),
        ({"extension": [{"valueString": "x"}]}, [("Patient.extension[0].url", "minimum")]),
        ({"extension": [{"url": "http://a.b/c"}]}, [("Patient.extension[0]", "invariant.ext-1")]),
        ({"extension": [{"url": "relative", "valueString": "x"}]}, [("Patient.extension[0].url", "extension.url")]),
        ({"name": [{"id": "1"}, {"id": "1", "text": "x"}, {"text": "y", "_text": {"id": "1"}}]}, [
            ("Patient.name[0]", "invariant.ele-1"),
            ("Patient.name[1].id", "same-id"),
            ("Patient.name[2].text.id", "same-id"),
        ]),
        ({"id": "a b"}, [("Patient.id", "format")]),
        ({"text": {"status": "generated", "div": "<div>x</div>"}}, [("Patient.text.div", "xhtml-namespace")]),
    ],
)  # fmt: skip
def test_one_fault(said: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert faults(patient(**said)) == expected


SMALL = {"url": "http://a.b/c", "valueCode": "x"}


@pytest.mark.parametrize(
    "said",
    [
        {"name": [{"given": ["A", None], "_given": [None, {"extension": [SMALL]}]}]},
        {"_birthDate": {"extension": [SMALL]}},
        {"contained": [{"resourceType": "Organization", "id": "o", "name": "O"}],
         "managingOrganization": {"reference": "#o"}},
        {"multipleBirthInteger": 2},
    ],
)  # fmt: skip
def test_no_fault(said: dict[str, Any]) -> None:
    assert faults(patient(**said)) == []


NS = 'xmlns="http://www.w3.org/1999/xhtml"'


@pytest.mark.parametrize(
    ("div", "expected"),
    [
        (f"<div {NS}>x <b>y</b> <a href='#z'>z</a> <img src='a.png' alt='a'/></div>", []),
        (f"<div {NS}>x<script>y()</script></div>", ["invariant.txt-1"]),
        (f"<div {NS} onclick='x()'>x</div>", ["invariant.txt-1"]),
        (
            f"<div {NS}><a href='java script:x()'>x</a></div>".replace("java script", "javascript"),
            ["invariant.txt-1"],
        ),
        (f"<div {NS}><form>x</form></div>", ["invariant.txt-1"]),
        (f"<div {NS}> <p> </p> </div>", ["invariant.txt-2"]),
        (f"<div {NS}>x", ["xhtml"]),
        (f"<div {NS}>&nbsp;x</div>", ["xhtml"]),
        (f"<!DOCTYPE div [<!ENTITY a 'b'>]><div {NS}>&a;</div>", ["xhtml"]),
        (f"<p {NS}>x</p>", ["invariant.txt-1"]),
    ],
)
def test_narrative(div: str, expected: list[str]) -> None:
    found = faults(patient(text={"status": "generated", "div": div}))
    assert found == [("Patient.text.div", key) for key in expected]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("date", ["2020", "2020-02", "2020-02-29"],
         ["2019-02-29", "20-01-01", "2020-13", "0000", "2020-01-01T00:00:00Z"]),
        ("dateTime", ["2020", "2020-01-01T00:00:00Z", "2020-01-01T23:59:60.123+14:00"],
         ["2020-01-01T00:00:00", "2020-01-01T24:00:00Z", "2020-02-30T00:00:00Z"]),
        ("instant", ["2020-01-01T00:00:00.1Z"], ["2020-01-01", "2020-01-01T00:00Z"]),
        ("time", ["00:00:00"], ["24:00:00", "10:00"]),
        ("code", ["a b"], [" a", "a  b", ""]),
        ("id", ["a-1.B"], ["a_b", "x" * 65]),
        ("oid", ["urn:oid:1.2.3"], ["1.2.3", "urn:oid:3.1", "urn:oid:1.02"]),
        ("uuid", ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"], ["urn:uuid:C757873D-EC9A-4326-A141-556F43239520"]),
        ("uri", ["a", "urn:oid:1.2"], ["a b", "", "urn:oid:x"]),
        ("base64Binary", ["YQ==", "YWJj", "YW\nJj", ""][:3], ["YQ=", "Y*==", "====", "YQ==YQ=="]),
        ("positiveInt", [1], [0, -1, 2**31, True]),
        ("unsignedInt", [0], [-1, "0"]),
        ("integer", [-(2**31)], [-(2**31) - 1, 1.5]),
        ("boolean", [True], ["true", 1]),
        ("string", ["x"], ["", " ", "\x00", 1]),
    ],
)  # fmt: skip
def test_primitives(kind: str, good: list[Any], bad: list[Any]) -> None:
    assert [one for one in good if fault_of(one, kind) is not None] == []
    assert [one for one in bad if fault_of(one, kind) is None] == []


def test_bundles() -> None:
    def bundle(kind: str, *entries: Any, **said: Any) -> Any:
        return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **said}

    one = {"fullUrl": "http://a.b/Patient/1", "resource": patient(id="1", active=True)}
    assert faults(bundle("collection", one)) == []
    assert faults(bundle("collection", one, one)) == [("Bundle", "invariant.bdl-7")]
    assert faults(bundle("collection", {**one, "fullUrl": "http://a.b/Patient/2"})) == [
        ("Bundle.entry[0].fullUrl", "bundle.full-url")
    ]
    assert faults(bundle("collection", {**one, "resource": patient(id="1", active=1)})) == [
        ("Bundle.entry[0].resource.active", "format")
    ]
    assert faults(bundle("searchset", {"fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
                                       "resource": patient(active=True)})) == [
        ("Bundle.entry[0].resource", "bundle.no-id")
    ]  # fmt: skip
    link = [{"relation": "self", "url": "http://a.b"}] * 2
    assert faults(bundle("searchset", link=link, total=0) | {"entry": [one]}) == [
        ("Bundle.link[1]", "bundle.link")
    ]


def test_documents_hold_together() -> None:
    composition = {
        "resourceType": "Composition", "id": "c", "status": "final", "type": {"text": "x"}, "date": "2020",
        "author": [{"reference": "Practitioner/1"}], "title": "T", "subject": {"reference": "Patient/1"},
    }  # fmt: skip
    sent = {
        "resourceType": "Bundle", "type": "document", "timestamp": "2020-01-01T00:00:00Z",
        "identifier": {"system": "urn:oid:1.2", "value": "1"},
        "entry": [
            {"fullUrl": "http://a.b/Composition/c", "resource": composition},
            {"fullUrl": "http://a.b/Practitioner/1", "resource": {"resourceType": "Practitioner", "id": "1"}},
            {"fullUrl": "http://other/Patient/1", "resource": patient(id="1", active=True)},
        ],
    }  # fmt: skip
    assert faults(sent) == [("Bundle.entry[0].resource.subject", "bundle.missing")]


def test_codes() -> None:
    hl7 = "http://terminology.hl7.org/CodeSystem/observation-category"
    own = {"system": "http://hl7.org/fhir/resource-types", "code": "nonsense"}
    assert faults(observation(category=[{"coding": [{"system": hl7, "code": "vital-signs"}]}])) == []
    assert faults(observation(category=[{"coding": [{"system": hl7, "code": "nonsense"}]}])) == [
        ("Observation.category[0].coding[0].code", "coding.unknown")
    ]
    later = {
        "system": hl7,
        "code": "nonsense",
        "version": "9.0",
    }  # of a version that is not here nothing is known
    assert faults(observation(category=[{"coding": [later]}])) == []
    assert faults(observation(category=[{"coding": [own]}])) == [
        ("Observation.category[0].coding[0].code", "coding.unknown")
    ]
    wrong = validate(
        observation(
            category=[{"coding": [{"system": hl7, "code": "vital-signs", "display": "Something else"}]}]
        ),
        terminology=TERMINOLOGY,
    )
    assert ("warning", "Observation.category[0].coding[0].display") in [
        (one.severity, one.path) for one in wrong
    ]
    at = {"system": "http://hl7.org/fhir/ValueSet/observation-category", "code": "x"}
    assert faults(observation(category=[{"coding": [at]}])) == [
        ("Observation.category[0].coding[0].system", "coding.value-set")
    ]


def test_known_extensions() -> None:
    core = "http://hl7.org/fhir/StructureDefinition/"
    place = {"url": core + "patient-birthPlace", "valueAddress": {"city": "Huế"}}
    assert faults(patient(extension=[place])) == []
    assert faults(observation(extension=[place])) == [("Observation.extension[0]", "extension.context")]
    assert faults(patient(modifierExtension=[place])) == [
        ("Patient.modifierExtension[0]", "extension.modifier")
    ]
    wrong = {"url": core + "patient-birthPlace", "valueString": "Huế"}
    assert faults(patient(extension=[wrong])) == [
        ("Patient.extension[0].value.ofType(string)", "profile.type")
    ]


def test_extensions_nobody_knows() -> None:
    """Unknown ones are let be, but not under FHIR's own names, and not where they change a meaning."""

    def found(url: str, name: str) -> list[tuple[str, str]]:
        return faults(patient(**{name: [{"url": url, "valueBoolean": True}]}))

    core = "http://hl7.org/fhir/StructureDefinition/patient-nonsense"
    at, modifies = "Patient.extension[0]", "Patient.modifierExtension[0]"
    assert found("https://a.vn/StructureDefinition/x", "extension") == []
    assert found("http://hl7.org/fhir/uv/sdc/StructureDefinition/x", "extension") == []
    assert found(core, "extension") == [(at, "extension.not-core")]
    assert found(core, "modifierExtension") == [(modifies, "extension.not-core")]
    assert found("https://a.vn/x", "modifierExtension") == [(modifies, "extension.unknown-modifier")]
    assert found("https://example.org.vn/x", "modifierExtension") == [
        (modifies, "extension.unknown-modifier")
    ]
    for example in ("http://example.org/x", "https://fhir.example.com:8080/x", "https://he-thong.example/x"):
        assert found(example, "modifierExtension") == []


@pytest.mark.parametrize(
    ("system", "code", "right"),
    [
        ("http://snomed.info/sct", "138875005", True),
        ("http://snomed.info/sct", "73211009", True),
        ("http://snomed.info/sct", "900000000000207008", True),
        ("http://snomed.info/sct", "73211008", False),
        ("http://snomed.info/sct", "73211090", False),
        ("http://snomed.info/sct", "1", False),
        ("http://snomed.info/sct", "0138875005", False),
        ("http://snomed.info/sct", "1" * 19, False),
        ("http://snomed.info/sct", "73211009 : 246112005 = 24484000", True),
        ("http://loinc.org", "12345-6", False),
        ("http://loinc.org", "12345-5", True),
        ("http://loinc.org", "9" * 5000 + "-1", False),
        ("http://loinc.org", "LP00000-1", True),
        ("http://unitsofmeasure.org", "mg", True),
        ("http://unitsofmeasure.org", "mcg", False),
        ("urn:ietf:bcp:47", "vi-VN", True),
        ("urn:ietf:bcp:47", "vietnamese-", False),
        ("http://hl7.org/fhir/sid/icd-10", "123456", True),  # of an edition that may not be here: a warning
        ("https://a.vn/CodeSystem/x", "whatever", True),
    ],
)
def test_codes_that_cannot_be_their_systems(system: str, code: str, right: bool) -> None:
    found = faults(observation(code={"coding": [{"system": system, "code": code}]}))
    assert found == ([] if right else [("Observation.code.coding[0].code", "coding.unknown")])


def test_codes_a_value_set_names_are_there() -> None:
    include = {
        "system": "http://hl7.org/fhir/administrative-gender",
        "concept": [{"code": "male"}, {"code": "man"}],
    }
    tree = {"resourceType": "ValueSet", "status": "draft", "compose": {"include": [include]}}
    assert faults(tree) == [("ValueSet.compose.include[0].concept[1].code", "coding.unknown")]


def test_a_unit_that_ucum_has_not() -> None:
    def of(system: str, unit: str) -> list[tuple[str, str]]:
        return faults(observation(valueQuantity={"value": 1, "system": system, "code": unit}))

    assert of("http://unitsofmeasure.org", "10*9/L") == []
    assert of("http://unitsofmeasure.org", "ea") == [
        ("Observation.value.ofType(Quantity).code", "coding.unit")
    ]
    assert of("https://a.vn/don-vi", "ea") == []


def test_vital_signs_by_their_code() -> None:
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
    found = faults(observation(code=code, valueQuantity={"value": 80}))
    assert ("Observation.category", "profile.slice.minimum") in found
    assert ("Observation.subject", "profile.element.minimum") in found


def test_what_is_no_resource() -> None:
    assert [one.key for one in validate([])] == ["validation.object"]
    assert [one.key for one in validate({})] == ["validation.resource-type"]
    assert [one.key for one in validate({"resourceType": "Unheard"})] == ["validation.resource-type"]
    assert [(one.severity, one.key) for one in validate_json(b"{")] == [("fatal", "tree.json")]
    assert outcome([])["issue"][0]["severity"] == "information"


def test_references_are_followed_where_they_can_be() -> None:
    sent = patient(generalPractitioner=[{"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}])
    entries = [
        {"fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "resource": observation(), "request":
         {"method": "POST", "url": "Observation"}},
        {"fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239521", "resource": sent, "request":
         {"method": "POST", "url": "Patient"}},
    ]  # fmt: skip
    assert faults({"resourceType": "Bundle", "type": "transaction", "entry": entries}) == [
        ("Bundle.entry[1].resource.generalPractitioner[0]", "reference.target")
    ]
