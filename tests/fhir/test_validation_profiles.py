"""Profiles made by hand: what each rule of a profile finds, and where."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir.validating import TERMINOLOGY as TERMS
from tests.fhir.validating import URL, element, faults, observation, patient, profile, slicing
from yba.fhir.model.structures import CORE
from yba.fhir.validation import Definitions, validate

LOINC = "http://loinc.org"
IDENTIFIERS = profile(
    "identifiers", "Patient",
    element("Patient.identifier", slicing=slicing("value", "system"), min=1),
    element("Patient.identifier:national", min=1, max="1"),
    element("Patient.identifier:national.system", min=1, fixedUri="urn:oid:1.2.3"),
    element("Patient.identifier:national.value", min=1, maxLength=12),
    element("Patient.identifier:local", min=0, max="1"),
    element("Patient.identifier:local.system", min=1, fixedUri="urn:oid:1.2.4"),
)  # fmt: skip


def identifier(system: str, value: str = "1") -> dict[str, str]:
    return {"system": system, "value": value}


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ([identifier("urn:oid:1.2.3")], []),
        ([identifier("urn:oid:1.2.3"), identifier("urn:oid:9.9".replace("9.9", "1.9"))], []),
        (
            [],
            [
                ("Patient.identifier", "profile.element.minimum"),
                ("Patient.identifier", "profile.slice.minimum"),
            ],
        ),
        ([identifier("urn:oid:1.2.4")], [("Patient.identifier", "profile.slice.minimum")]),
        (
            [identifier("urn:oid:1.2.3"), identifier("urn:oid:1.2.3")],
            [("Patient.identifier[1]", "profile.slice.maximum")],
        ),
        ([identifier("urn:oid:1.2.3", "1234567890123")], [("Patient.identifier[0].value", "profile.length")]),
        ([{"system": "urn:oid:1.2.3"}], [("Patient.identifier[0].value", "profile.element.minimum")]),
    ],
)
def test_slices_by_value(held: list[Any], expected: list[tuple[str, str]]) -> None:
    sent = patient(identifier=held) if held else patient(active=True)
    assert faults(sent, IDENTIFIERS) == expected


def categories(rules: str = "open", *, ordered: bool = False) -> Any:
    return profile(
        "categories", "Observation",
        element("Observation.category", slicing=slicing("pattern", "$this", rules, ordered=ordered)),
        element("Observation.category:first", min=1, max="1",
                patternCodeableConcept={"coding": [{"system": "urn:oid:1.2", "code": "a"}]}),
        element("Observation.category:second", min=0, max="1",
                patternCodeableConcept={"coding": [{"system": "urn:oid:1.2", "code": "b"}]}),
    )  # fmt: skip


def category(code: str) -> Any:
    return {"coding": [{"system": "urn:oid:1.2", "code": code, "display": code.upper()}]}


@pytest.mark.parametrize(
    ("codes", "rules", "ordered", "expected"),
    [
        ("ab", "open", False, []),
        ("cab", "open", False, []),
        ("ac", "closed", False, [("Observation.category[1]", "slicing.closed")]),
        ("ca", "openAtEnd", False, [("Observation.category[1]", "slicing.order")]),
        ("bac", "openAtEnd", False, []),
        ("ba", "open", True, [("Observation.category[1]", "slicing.order")]),
        ("ab", "open", True, []),
        ("b", "open", False, [("Observation.category", "profile.slice.minimum")]),
    ],
)
def test_slices_by_pattern(codes: str, rules: str, ordered: bool, expected: list[tuple[str, str]]) -> None:
    sent = observation(category=[category(code) for code in codes])
    assert faults(sent, categories(rules, ordered=ordered)) == expected


def test_slices_by_exists() -> None:
    known = profile(
        "exists", "Patient",
        element("Patient.contact", slicing=slicing("exists", "name", "closed")),
        element("Patient.contact:named", min=0, max="1"),
        element("Patient.contact:named.name", min=1),
        element("Patient.contact:named.telecom", min=1),
        element("Patient.contact:nameless", min=0, max="*"),
        element("Patient.contact:nameless.name", max="0"),
    )  # fmt: skip
    named: dict[str, Any] = {"name": {"text": "An"}}
    telecom = {"telecom": [{"system": "phone", "value": "1"}]}
    assert faults(patient(contact=[named | telecom, telecom, telecom]), known) == []
    assert faults(patient(contact=[named]), known) == [
        ("Patient.contact[0].telecom", "profile.element.minimum")
    ]


def test_slices_by_type() -> None:
    known = profile(
        "types", "Observation",
        element("Observation.value[x]", slicing=slicing("type", "$this", "closed")),
        element("Observation.value[x]:valueQuantity", min=0, max="1", type=[{"code": "Quantity"}]),
        element("Observation.value[x]:valueQuantity.unit", min=1),
    )  # fmt: skip
    assert faults(observation(valueQuantity={"value": 1, "unit": "kg"}), known) == []
    at = "Observation.value.ofType(Quantity)"
    assert faults(observation(valueQuantity={"value": 1}), known) == [
        (f"{at}.unit", "profile.element.minimum")
    ]
    assert faults(observation(valueString="x"), known) == [
        ("Observation.value.ofType(string)", "slicing.closed")
    ]


def test_a_choice_named_by_its_type() -> None:
    known = profile(
        "choice", "Observation",
        element("Observation.valueQuantity", min=1, max="1"),
        element("Observation.valueQuantity.code", min=1, patternCode="kg"),
    )  # fmt: skip
    unit = {"system": "http://unitsofmeasure.org", "value": 1}
    assert faults(observation(valueQuantity={**unit, "code": "kg"}), known) == []
    assert faults(observation(valueQuantity={**unit, "code": "g"}), known) == [
        ("Observation.value.ofType(Quantity).code", "profile.pattern")
    ]
    assert faults(observation(valueString="x"), known) == [
        ("Observation.value.ofType(string)", "profile.type"),
        ("Observation.value.ofType(string)", "slicing.closed"),
        ("Observation.value", "profile.slice.minimum"),
    ]


def test_slices_by_profile() -> None:
    grams = profile("grams", "Quantity", element("Quantity.code", min=1, patternCode="g"))
    known = profile(
        "profiles", "Observation",
        element("Observation.component", slicing=slicing("profile", "value", "closed")),
        element("Observation.component:weight", min=1, max="1"),
        element("Observation.component:weight.value[x]", min=1,
                type=[{"code": "Quantity", "profile": [grams["url"]]}]),
    )  # fmt: skip
    part = {"code": {"text": "x"}}
    weighed = {**part, "valueQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "g"}}
    other = {**part, "valueQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "m"}}
    assert faults(observation(component=[weighed]), known, grams) == []
    assert faults(observation(component=[weighed, other]), known, grams) == [
        ("Observation.component[1]", "slicing.closed")
    ]


def test_slices_by_what_a_reference_leads_to() -> None:
    known = profile(
        "resolved", "Observation",
        element("Observation.performer", slicing=slicing("type", "resolve()")),
        element("Observation.performer:doctor", min=1, max="1",
                type=[{"code": "Reference", "targetProfile": [CORE + "Practitioner"]}]),
    )  # fmt: skip
    contained = [
        {"resourceType": "Practitioner", "id": "d"},
        {"resourceType": "Organization", "id": "o", "name": "O"},
    ]
    both = [{"reference": "#o"}, {"reference": "#d"}]
    assert faults(observation(contained=contained, performer=both), known) == []
    assert faults(observation(performer=[{"reference": "Practitioner/1"}]), known) == []
    assert faults(observation(performer=[{"reference": "Patient/1"}]), known) == [
        ("Observation.performer", "profile.slice.minimum")
    ]


def test_slices_by_an_extension_of_the_item() -> None:
    kind = profile(
        "kind", "Extension",
        element("Extension.url", fixedUri=URL + "kind"), element("Extension.value[x]", min=1, type=[{"code": "code"}]),
        context=[{"type": "element", "expression": "Element"}],
    )  # fmt: skip
    way = f"extension('{URL}kind').value"
    known = profile(
        "marked", "Patient",
        element("Patient.name", slicing=slicing("value", way)),
        element("Patient.name:legal", min=1, max="1"),
        element("Patient.name:legal.extension", slicing=slicing("value", "url")),
        element("Patient.name:legal.extension:kind", min=1, max="1",
                type=[{"code": "Extension", "profile": [URL + "kind"]}]),
        element("Patient.name:legal.extension:kind.value[x]", fixedCode="legal"),
    )  # fmt: skip

    def name(code: str) -> Any:
        return {"text": "An", "extension": [{"url": URL + "kind", "valueCode": code}]}

    assert faults(patient(name=[name("nick"), name("legal")]), known, kind) == []
    assert faults(patient(name=[name("nick")]), known, kind) == [("Patient.name", "profile.slice.minimum")]


def test_slices_inside_slices_and_slices_sliced_again() -> None:
    known = profile(
        "nested", "Patient",
        element("Patient.contact", slicing=slicing("pattern", "relationship")),
        element("Patient.contact:kin", min=0, max="*"),
        element("Patient.contact:kin.relationship", min=1, patternCodeableConcept={"text": "kin"}),
        element("Patient.contact:kin.telecom", slicing=slicing("value", "system")),
        element("Patient.contact:kin.telecom:phone", min=1, max="1"),
        element("Patient.contact:kin.telecom:phone.system", min=1, fixedCode="phone"),
    )  # fmt: skip
    kin = {"relationship": [{"text": "kin"}], "telecom": [{"system": "phone", "value": "1"}]}
    friend = {"relationship": [{"text": "friend"}], "name": {"text": "B"}}
    assert faults(patient(contact=[kin, friend]), known) == []
    silent = {**kin, "telecom": [{"system": "email", "value": "a@b"}]}
    assert faults(patient(contact=[friend, silent]), known) == [
        ("Patient.contact[1].telecom", "profile.slice.minimum")
    ]
    again = profile(
        "again", "Observation",
        element("Observation.component", slicing=slicing("pattern", "code", "closed")),
        element("Observation.component:a", min=0, max="*", slicing=slicing("exists", "dataAbsentReason")),
        element("Observation.component:a.code", patternCodeableConcept={"text": "a"}),
        element("Observation.component:a/unknown", min=0, max="1"),
        element("Observation.component:a/unknown.dataAbsentReason", min=1),
    )  # fmt: skip
    absent = {"code": {"text": "a"}, "dataAbsentReason": {"text": "lost"}}
    assert faults(observation(component=[absent, {"code": {"text": "a"}}]), again) == []
    assert faults(observation(component=[absent, absent]), again) == [
        ("Observation.component[1]", "profile.slice.maximum")
    ]


@pytest.mark.parametrize(
    ("said", "given", "expected"),
    [
        ({"fixedString": "An"}, "An", []),
        ({"fixedString": "An"}, "Binh", [("Patient.name[0].text", "profile.fixed")]),
        ({"maxLength": 2}, "Binh", [("Patient.name[0].text", "profile.length")]),
        ({"max": "0"}, "An", [("Patient.name[0].text", "profile.element.maximum")]),
    ],
)
def test_what_is_said_of_one_value(said: Any, given: str, expected: list[tuple[str, str]]) -> None:
    known = profile("one", "Patient", element("Patient.name"), element("Patient.name.text", **said))
    assert faults(patient(name=[{"text": given}]), known) == expected


def test_limits() -> None:
    known = profile(
        "limits", "Observation",
        element("Observation.effective[x]", type=[{"code": "dateTime"}], minValueDateTime="2020-01-01"),
        element("Observation.value[x]", type=[{"code": "integer"}], minValueInteger=1, maxValueInteger=3),
    )  # fmt: skip
    assert faults(observation(effectiveDateTime="2020-01-01", valueInteger=3), known) == []
    assert faults(observation(effectiveDateTime="2019-12-31", valueInteger=4), known) == [
        ("Observation.effective.ofType(dateTime)", "profile.least"),
        ("Observation.value.ofType(integer)", "profile.most"),
    ]
    assert faults(observation(valueString="x"), known) == [
        ("Observation.value.ofType(string)", "profile.type")
    ]


def test_fixed_values_are_whole_and_patterns_are_parts() -> None:
    coding = {"system": "urn:oid:1.2", "code": "a"}
    fixed = profile(
        "fixed", "Observation", element("Observation.code", fixedCodeableConcept={"coding": [coding]})
    )
    pattern = profile(
        "pattern", "Observation", element("Observation.code", patternCodeableConcept={"coding": [coding]})
    )
    exact, more = (
        {"coding": [coding]},
        {"coding": [{"code": "z", "system": "urn:oid:1.2"}, {**coding, "display": "A"}]},
    )
    assert faults(observation(code=exact), fixed) == []
    assert faults(observation(code=more), fixed) == [("Observation.code", "profile.fixed")]
    assert faults(observation(code=more), pattern) == []
    assert faults(observation(code={"text": "a"}), pattern) == [("Observation.code", "profile.pattern")]


@pytest.mark.parametrize(
    ("strength", "severity"), [("required", "error"), ("extensible", "warning"), ("preferred", "information")]
)
def test_bindings_by_strength(strength: str, severity: str) -> None:
    known = profile(
        "bound", "Patient",
        element("Patient.maritalStatus", binding={
            "strength": strength, "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender",
        }),
    )  # fmt: skip
    gender = {"system": "http://hl7.org/fhir/administrative-gender", "code": "male"}
    wrong = {"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M"}

    def told(*codings: Any) -> list[tuple[str, str]]:
        issues = validate(
            patient(maritalStatus={"coding": list(codings)}), profiles=[known["url"]],
            structures=Definitions([known]), terminology=TERMS,
        )  # fmt: skip
        return [(one.severity, one.path) for one in issues if one.key == f"validation.binding.{strength}"]

    assert told(wrong) == [(severity, "Patient.maritalStatus")]
    assert told(wrong, gender) == []


def test_invariants_of_a_profile() -> None:
    rule = {
        "key": "x-1",
        "severity": "error",
        "human": "A name has a family.",
        "expression": "family.exists()",
    }
    broken = {"key": "x-2", "severity": "error", "human": "Nobody knows.", "expression": "family.unheardOf()"}
    known = profile("rules", "Patient", element("Patient.name", constraint=[rule]))
    assert faults(patient(name=[{"family": "An"}, {"text": "B"}]), known) == [
        ("Patient.name[1]", "invariant.x-1")
    ]
    strange = profile("strange", "Patient", element("Patient.name", constraint=[broken]))
    issues = validate(
        patient(name=[{"text": "B"}]), profiles=[strange["url"]], structures=Definitions([strange])
    )
    assert [(one.severity, one.key) for one in issues if "x-2" in one.key] == [
        ("warning", "validation.invariant.x-2")
    ]


def test_a_profile_on_a_profile_and_by_meta() -> None:
    parent = profile("parent", "Patient", element("Patient.active", min=1))
    child = profile("child", "Patient", element("Patient.gender", min=1), base=parent["url"])
    sent = patient(meta={"profile": [child["url"]]}, birthDate="2000")
    issues = validate(sent, structures=Definitions([parent, child]))
    assert [one.path for one in issues if one.is_fault] == ["Patient.active", "Patient.gender"]
    assert faults({"resourceType": "Group"} | {"type": "person", "actual": False}, child, parent) == [
        ("Group", "profile.type")
    ]
    unknown = validate(patient(meta={"profile": ["http://example.org/none"]}, active=True))
    assert ("warning", "validation.profile.unknown") in [(one.severity, one.key) for one in unknown]


def test_no_snapshot_of_what_fits_nowhere() -> None:
    known = profile("wrong", "Patient", element("Patient.nonsense", min=1))
    (told,) = [one for one in validate(patient(active=True), profiles=[known["url"]], structures=Definitions([known]))
               if one.is_fault]  # fmt: skip
    assert told.key == "validation.snapshot"
    assert "Patient.nonsense is no element of the base" in told.message
    baseless = profile("baseless", "Patient", base="http://example.org/unheard-of")
    issues = validate(patient(active=True), profiles=[baseless["url"]], structures=Definitions([baseless]))
    (told,) = [one for one in issues if one.is_fault]
    assert told.key == "validation.no-base"


def test_what_many_references_lead_to_is_judged_once() -> None:
    known = profile(
        "chain", "Patient",
        element("Patient.link", min=0),
        element("Patient.link.other", type=[{"code": "Reference", "targetProfile": [URL + "chain"]}]),
    )  # fmt: skip
    sent = {
        "resourceType": "Bundle", "type": "collection",
        "entry": [
            {"fullUrl": f"http://a.b/Patient/{one}", "resource": patient(
                id=str(one), meta={"profile": [URL + "chain"]},
                link=[{"type": "seealso", "other": {"reference": f"Patient/{one + 1}"}}] * 3,
            )} for one in range(25)
        ],
    }  # fmt: skip
    issues = validate(sent, structures=Definitions([known]))
    assert [one.key for one in issues if one.is_fault] == []


def test_circles_end() -> None:
    known = profile(
        "circle", "Patient",
        element("Patient.link", min=0),
        element("Patient.link.other", type=[{"code": "Reference", "targetProfile": [URL + "circle"]}]),
    )  # fmt: skip
    sent = {
        "resourceType": "Bundle", "type": "collection",
        "entry": [
            {"fullUrl": f"http://a.b/Patient/{one}", "resource": patient(
                id=one, meta={"profile": [URL + "circle"]},
                link=[{"type": "seealso", "other": {"reference": f"Patient/{other}"}}],
            )} for one, other in (("1", "2"), ("2", "1"))
        ],
    }  # fmt: skip
    assert [one for one in validate(sent, structures=Definitions([known])) if one.is_fault] == []


def test_entries_of_a_bundle_by_type_and_profile() -> None:
    named = profile("named", "Patient", element("Patient.name", min=1))
    known = profile(
        "document", "Bundle",
        element("Bundle.entry", slicing=slicing("type", "resource", "closed")),
        element("Bundle.entry:person", min=1, max="1"),
        element("Bundle.entry:person.resource", min=1, type=[{"code": "Patient", "profile": [named["url"]]}]),
        element("Bundle.entry:value", min=0, max="*"),
        element("Bundle.entry:value.resource", min=1, type=[{"code": "Observation"}]),
    )  # fmt: skip

    def bundle(*held: Any) -> Any:
        return {"resourceType": "Bundle", "type": "collection", "entry": [
            {"fullUrl": f"http://a.b/{one['resourceType']}/{number}", "resource": {**one, "id": str(number)}}
            for number, one in enumerate(held)
        ]}  # fmt: skip

    good, bare = patient(name=[{"text": "An"}]), patient(active=True)
    assert faults(bundle(observation(), good), known, named) == []
    assert faults(
        bundle(good, {"resourceType": "Group", "type": "person", "actual": True}), known, named
    ) == [("Bundle.entry[1]", "slicing.closed")]
    assert faults(bundle(bare), known, named) == [
        ("Bundle.entry[0].resource.name", "profile.element.minimum")
    ]
    assert faults(bundle(observation()), known, named) == [("Bundle.entry", "profile.slice.minimum")]


def test_targets_of_references_meet_their_profiles() -> None:
    named = profile("named", "Patient", element("Patient.name", min=1))
    known = profile(
        "about", "Observation",
        element("Observation.subject", min=1, type=[{"code": "Reference", "targetProfile": [named["url"]]}]),
    )  # fmt: skip

    def about(**person: Any) -> Any:
        return observation(contained=[patient(id="p", **person)], subject={"reference": "#p"})

    assert faults(about(name=[{"text": "An"}]), known, named) == []
    assert faults(about(active=True), known, named) == [("Observation.subject", "profile.target")]
    other = observation(subject={"reference": "Group/1"})
    assert faults(other, known, named) == [("Observation.subject", "reference.target")]


def test_extensions_a_profile_asks_for() -> None:
    core = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
    known = profile(
        "born", "Patient",
        element("Patient.extension:place", min=1, max="1", type=[{"code": "Extension", "profile": [core]}]),
    )  # fmt: skip
    place = {"url": core, "valueAddress": {"city": "Huế"}}
    other = {"url": "http://a.b/c", "valueCode": "x"}
    assert faults(patient(extension=[other, place]), known) == []
    assert faults(patient(extension=[other]), known) == [("Patient.extension", "profile.slice.minimum")]
    assert faults(patient(extension=[place, place]), known) == [
        ("Patient.extension[1]", "profile.slice.maximum")
    ]
