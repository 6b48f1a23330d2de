"""The generator, on small things, and what it wrote."""

from __future__ import annotations

import importlib
from typing import Any, get_args

import pytest

from tools.r4.bindings import Codes, Unbounded, expand
from tools.r4.definitions import Definitions
from tools.r4.shapes import class_name, shapes_of, snake
from tools.r4.write_codes import codes_module
from tools.r4.write_compartments import compartments_module
from tools.r4.write_search import branches, narrowed
from tools.r4.write_types import module
from yba.fhir.r4 import MODULES, codes
from yba.fhir.r4.compartments import COMPARTMENTS
from yba.fhir.r4.search_parameters import PARAMETERS, Component, parameter


def _definitions() -> Definitions:
    found = Definitions()
    system = {"resourceType": "CodeSystem", "url": "http://s", "content": "complete"}
    found.add({**system, "concept": [{"code": "a", "concept": [{"code": "b"}]}, {"code": "c"}]})
    found.add(
        {
            "resourceType": "ValueSet",
            "url": "http://v/my-codes",
            "compose": {"include": [{"system": "http://s"}]},
        }
    )
    twice = [{"system": "http://s", "concept": [{"code": "b"}]}, {"valueSet": ["http://v/my-codes|1"]}]
    found.add({"resourceType": "ValueSet", "url": "http://v/2", "compose": {"include": twice}})
    found.add(
        {"resourceType": "ValueSet", "url": "http://v/3", "compose": {"include": [{"system": "urn:x"}]}}
    )
    return found


def test_value_sets_expand_to_nested_codes_each_once() -> None:
    assert expand("http://v/my-codes", _definitions()) == ["a", "b", "c"]
    assert expand("http://v/2", _definitions()) == ["b", "a", "c"]
    with pytest.raises(Unbounded):
        expand("http://v/3", _definitions())


def _element(path: str, kind: str = "", low: int = 0, high: str = "1", **more: Any) -> dict[str, Any]:
    return {
        "path": path,
        "min": low,
        "max": high,
        "short": path,
        "type": [{"code": kind}] if kind else [],
        **more,
    }


def test_a_structure_becomes_classes_innermost_first() -> None:
    found = _definitions()
    bound: dict[str, Any] = {"binding": {"strength": "required", "valueSet": "http://v/my-codes|4.0.1"}}
    two: dict[str, Any] = {"type": [{"code": "boolean"}, {"code": "dateTime"}]}
    structure = {
        "type": "Thing",
        "kind": "resource",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/DomainResource",
        "snapshot": {
            "element": [
                _element("Thing"),
                _element("Thing.text", "Narrative", base={"path": "DomainResource.text"}),
                _element("Thing.class", "code", 1, **bound),
                _element("Thing.value[x]", **two),
                _element("Thing.part", "BackboneElement", 1, "*"),
                _element("Thing.part.name", "string", 0, "*"),
                _element("Thing.part.part", contentReference="#Thing.part", high="*"),
            ]
        },
    }
    codes_met = Codes(found, frozenset({"MyCodes"}))
    text = module(
        "Things", shapes_of(structure, found, codes_met), {"DomainResource": 10, "BackboneElement": 3}
    )
    expected = '''
class ThingPart(BackboneElement, kw_only=True):
    """Thing.part"""

    name: Some[String | None] = []
    name_ext: Some[Element | None] = []
    part: Some["ThingPart"] = []


class Thing(DomainResource, kw_only=True):
    """Thing"""

    class_: MyCodesCode | None = None
    class_ext: Element | None = None
    valueBoolean: bool | None = None
    valueBoolean_ext: Element | None = None
    valueDateTime: DateTime | None = None
    valueDateTime_ext: Element | None = None
    part: Some[ThingPart]

    def __post_init__(self) -> None:
        if self.class_ is None and bare(self.class_ext):
            raise missing("class")
        values = astuple(self)
        if values[12:16].count(None) < 3:
            check_choice(self, "value", 12, 16, False)
'''
    assert text.partition("missing\n")[2].strip() == expected.strip()
    assert 'MyCodesCode = Literal["a", "b", "c"]' in codes_module(codes_met.literals)


def test_names() -> None:
    assert snake("AllergyIntolerance") == "allergy_intolerance"
    assert class_name("Bundle.entry.request") == "BundleEntryRequest"


def test_expressions_are_narrowed_to_one_base() -> None:
    union = "A.code | (B.value as Quantity) | B.x.where(y='a|b') | AB.code"
    assert list(branches(union)) == ["A.code", "(B.value as Quantity)", "B.x.where(y='a|b')", "AB.code"]
    assert narrowed(union, "B") == "(B.value as Quantity) | B.x.where(y='a|b')"
    assert narrowed(union, "A") == "A.code"
    assert narrowed("name | alias", "A") == "A.name | A.alias"
    assert narrowed("Resource.id", "Resource") == "Resource.id"
    with pytest.raises(ValueError, match="no branch"):
        narrowed("A.code", "C")


def test_compartments_leave_out_the_focus_itself() -> None:
    rows = [{"code": "B", "param": ["x", "y"]}, {"code": "A", "param": ["{def}"]}, {"code": "C"}]
    assert '"P": {\n        "B": ("x", "y"),\n    },' in compartments_module({"P": {"resource": rows}})


def test_all_types_were_written_and_load() -> None:
    assert len(MODULES) == 146
    for name, room in MODULES.items():
        kind = getattr(importlib.import_module(f"yba.fhir.r4.{room}"), name)
        assert kind.__struct_config__.tag == name


def test_what_was_written() -> None:
    assert get_args(codes.AdministrativeGender) == ("male", "female", "other", "unknown")
    assert COMPARTMENTS["Patient"]["Observation"] == ("subject", "performer")
    assert COMPARTMENTS["Patient"]["AllergyIntolerance"] == ("patient", "recorder", "asserter")
    assert set(COMPARTMENTS) == {"Patient", "Encounter", "Practitioner", "RelatedPerson", "Device"}
    code = parameter("Observation", "code")
    assert code is not None
    assert (code.kind, code.expression) == ("token", "Observation.code")
    composite = PARAMETERS["Observation"]["code-value-quantity"]
    assert composite.components[1] == Component("value-quantity", "quantity", "value.as(Quantity)")
    assert parameter("Patient", "_lastUpdated") is not None
    assert parameter("Patient", "nothing") is None
