"""``ConceptMap/$translate``. Source: FHIR R4, conceptmap-operation-translate.html."""

from __future__ import annotations

from typing import Any

from yba.fhir.errors import Invalid, NotFound
from yba.fhir.rest.operations import terminology
from yba.fhir.rest.operations.call import Call, Operation, Parameter, answer_tree
from yba.fhir.rest.response import Response
from yba.fhir.terminology.failures import refused
from yba.fhir.terminology.library import Library, split
from yba.fhir.terminology.translating import Asked, translate

Tree = Any


@terminology.told
def run(call: Call) -> Response:
    """Translate a code, a Coding or a CodeableConcept by one map or all that fit."""
    found = terminology.library(call)
    asked = Asked(
        codings=_codings(call),
        maps=_maps(call, found),
        source=call.text("source"),
        target=call.text("target"),
        target_system=call.text("targetsystem"),
        dependencies=[pair for one in call.all("dependency") for pair in _dependency(one)],
        reverse=call.flag("reverse"),
    )
    return answer_tree(translate(found, asked))


def _codings(call: Call) -> list[Tree]:
    given = [name for name in ("code", "coding", "codeableConcept") if call.all(name)]
    if len(given) != 1:
        raise Invalid(
            "operation.value", "$translate takes one of 'code', 'coding' and 'codeableConcept'.",
            path="Parameters.parameter",
        )  # fmt: skip
    if given == ["code"]:
        coding = {"system": call.needed("system"), "code": call.needed("code")}
        return [coding]
    value = call.value(given[0])
    if not isinstance(value, dict):
        raise Invalid(
            "operation.value", f"'{given[0]}' is sent in the body, as a Parameters resource.",
            path=f"Parameters.{given[0]}",
        )  # fmt: skip
    return (
        [value] if given == ["coding"] else [one for one in value.get("coding", ()) if isinstance(one, dict)]
    )


def _maps(call: Call, found: Library) -> list[Tree]:
    """The one map that is sent, addressed or named; none: all that fit."""
    one = call.resource("conceptMap") or terminology.own_resource(call)
    if one is not None:
        return [one]
    named = call.text("url")
    if named is None:
        return []
    url, version = split(named)
    one = found.resource("ConceptMap", url, call.text("conceptMapVersion") or version)
    if one is None:
        raise refused(
            NotFound, "map-unknown", f"A definition for ConceptMap '{named}' could not be found", "not-found"
        )
    return [one]


def _dependency(one: Parameter) -> list[tuple[str, Tree]]:
    element = next((part.value for part in one.parts if part.name == "element"), None)
    concept = next((part.value for part in one.parts if part.name == "concept"), None)
    if not isinstance(element, str) or not isinstance(concept, dict):
        raise Invalid(
            "operation.value", "'dependency' has the parts 'element' (uri) and 'concept' (CodeableConcept).",
            path="Parameters.dependency",
        )  # fmt: skip
    return [(element, coding) for coding in concept.get("coding", [concept])]


OPERATIONS = (
    Operation(
        "translate", run, type_level=True, instance=True, types=frozenset({"ConceptMap"}), body="conceptMap",
        definition="http://hl7.org/fhir/OperationDefinition/ConceptMap-translate",
    ),
)  # fmt: skip
