"""Every element of a type, by name and chosen type, over HL7's examples: both databases give what FHIRPath gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.fhir.view_engines import ENGINES, table_of
from tests.spec.published import folder
from yba.fhir.model import fhirpath, structures, tree
from yba.fhir.model.structures import Element

TYPES = (
    "Appointment", "CarePlan", "ClaimResponse", "Composition", "Condition", "Device", "DiagnosticReport",
    "Encounter", "Group", "Immunization", "Location", "MedicationRequest", "Observation",
    "Organization", "Patient", "Procedure", "Questionnaire", "QuestionnaireResponse",
    "ServiceRequest", "Specimen", "Task",
)  # fmt: skip
DEPTH = 2
MOST_COLUMNS = 400


def examples() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for path in sorted(folder("fhir-r4-examples").rglob("*.json")):
        resource = tree.parse(path.read_bytes())
        # Its value has more noughts than a tree reads back once a database has written them out.
        if resource.get("id") != "decimal":
            found[resource["resourceType"]].append(resource)
    return found


EXAMPLES = examples()


def paths(where: str, before: str, depth: int) -> Iterator[str]:
    """Paths to the simple elements below a type or backbone element."""
    known = structures.structure(where.partition(".")[0])
    assert known is not None
    for element in known.children(where):
        if element.name in {"contained", "modifierExtension", "extension", "text", "resource"}:
            continue
        if element.is_choice:
            for kind in element.types:
                yield from _below(f"{before}{element.name}.ofType({kind.code})", kind.code, element, depth)
        else:
            code = element.types[0].code if element.types else ""
            yield from _below(before + element.name, structures.below(where, element, code), element, depth)


def _below(path: str, kind: str, element: Element, depth: int) -> Iterator[str]:
    if kind.startswith("http://hl7.org/fhirpath") or structures.is_primitive(kind):
        yield path
    elif depth:
        yield from paths(kind, path + ".", depth - 1)


@pytest.mark.parametrize("type_name", TYPES)
def test_every_element_of(connection: psycopg.Connection[Any], type_name: str) -> None:
    asked = list(paths(type_name, "", DEPTH))[:MOST_COLUMNS]
    columns = [{"name": f"c{number}", "path": path, "collection": True} for number, path in enumerate(asked)]
    view = {"resource": type_name, "select": [{"column": columns}]}
    compiled = [fhirpath.compile(path) for path in asked]
    resources = EXAMPLES[type_name]
    assert resources
    expected = [
        {path: one.values(resource, type_name=type_name) for path, one in zip(asked, compiled, strict=True)}
        for resource in resources
    ]
    for engine in ENGINES:
        _, rows = table_of(engine, connection, view, resources)
        assert [dict(zip(asked, row, strict=True)) for row in rows] == expected, engine
