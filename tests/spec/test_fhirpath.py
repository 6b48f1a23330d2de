"""HL7's FHIRPath cases for R4, as data (see SOURCES.md beside them)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import pytest

from tests.spec.published import folder
from yba.fhir.errors import Invalid
from yba.fhir.model import fhirpath, tree, xml
from yba.fhir.model.fhirpath.functions.conversion import to_string
from yba.fhir.model.fhirpath.values import atom, boolean, system_type

FOLDER = folder("fhirpath")
NOW = datetime(2026, 11, 22, 10, 30, 0, 123000, tzinfo=UTC)
EXCEPTIONS: dict[str, str] = {}


def _cases() -> list[Any]:
    found = []
    for group in ElementTree.parse(FOLDER / "tests-fhir-r4.xml").getroot().iter("group"):
        for test in group.iter("test"):
            name = f"{group.get('name')}/{test.get('name')}"
            reason = EXCEPTIONS.get(test.get("name", ""))
            marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
            found.append(pytest.param(test, id=name, marks=marks))
    return found


@lru_cache
def _input(name: str) -> Any:
    data = (FOLDER / "input" / name).read_bytes()
    return tree.parse(xml.to_json(data) if name.endswith(".xml") else data)


def _evaluated(test: ElementTree.Element) -> list[Any]:
    expression = test.find("expression")
    assert expression is not None
    resource = _input(test.get("inputfile", "patient-example.xml"))
    compiled = fhirpath.compile(expression.text or "")
    compiled.check(resource["resourceType"], ordered=test.get("checkOrderedFunctions") == "true")
    items = compiled.evaluate(resource, now=NOW, strict=True)
    return [boolean(items, "predicate") is True] if test.get("predicate") == "true" else items


def _shown(item: Any) -> tuple[str, str]:
    value = atom(item)
    kind = item.kind if isinstance(item, fhirpath.Node) else system_type(value) or ""
    return kind[:1].lower() + kind[1:], to_string(value) or repr(item)


def _expected(output: ElementTree.Element) -> tuple[str, str]:
    kind = output.get("type") or ""
    return kind[:1].lower() + kind[1:], (output.text or "").removeprefix("@").removeprefix("T")


@pytest.mark.parametrize("test", _cases())
def test_published(test: ElementTree.Element) -> None:
    expression = test.find("expression")
    assert expression is not None
    if expression.get("invalid"):
        with pytest.raises(Invalid):
            _evaluated(test)
        return
    given = [_shown(item) for item in _evaluated(test)]
    wanted = [_expected(output) for output in test.findall("output")]
    if test.get("ordered") == "false":
        given, wanted = sorted(given), sorted(wanted)
    assert [text for _, text in given] == [text for _, text in wanted]
    assert all(not want or kind == want for (kind, _), (want, _) in zip(given, wanted, strict=True))
