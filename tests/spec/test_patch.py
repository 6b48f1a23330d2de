"""HL7's FHIRPath Patch cases and JSON Patch cases, as data (see SOURCES.md beside them)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from copy import deepcopy
from typing import Any

import pytest

from tests.spec.published import folder
from yba.fhir import patch
from yba.fhir.errors import Invalid
from yba.fhir.model import tree, xml

FOLDER = folder("patch")
JSON_CASES = tree.parse((FOLDER / "json-patch-tests.json").read_bytes())
FHIR_CASES = list(ElementTree.parse(FOLDER / "fhir-patch-tests.xml").getroot().iter("case"))


@pytest.mark.parametrize("case", JSON_CASES, ids=lambda case: case["comment"])
def test_json_patch(case: dict[str, Any]) -> None:
    before = deepcopy(case["doc"])
    if "error" in case:
        with pytest.raises(Invalid):
            patch.json_patch(case["doc"], case["patch"])
    else:
        assert patch.json_patch(case["doc"], case["patch"]) == case["expected"]
    assert case["doc"] == before


def _resource(case: ElementTree.Element, name: str) -> Any:
    found = case.find(name)
    assert found is not None
    return tree.parse(xml.to_json(ElementTree.tostring(found[0])))


@pytest.mark.parametrize("case", FHIR_CASES, ids=lambda case: case.get("name"))
def test_fhirpath_patch(case: ElementTree.Element) -> None:
    given, diff = _resource(case, "input"), _resource(case, "diff")
    before = deepcopy(given)
    if case.find("error") is not None:
        with pytest.raises(Invalid):
            patch.fhirpath_patch(given, diff)
    else:
        changed = patch.fhirpath_patch(given, diff)
        assert _without_spaces(changed) == _without_spaces(_resource(case, "output"))
    assert given == before


def _without_spaces(resource: Any) -> Any:
    """The narrative of one case is laid out anew by its authors."""
    if isinstance(resource, dict) and "text" in resource:
        text = resource["text"]
        div = ElementTree.tostring(ElementTree.fromstring(text["div"]), encoding="unicode")
        return {**resource, "text": {**text, "div": "".join(div.split())}}
    return resource
