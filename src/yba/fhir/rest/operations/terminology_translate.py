"""``ConceptMap/$translate``. Source: FHIR R4, conceptmap-operation-translate.html."""

from __future__ import annotations

from typing import Any

from yba.fhir.errors import Invalid, NotFound
from yba.fhir.rest.operations import terminology
from yba.fhir.rest.operations.call import Call, Operation, Parameter, answer_tree
from yba.fhir.rest.response import Response
from yba.fhir.terminology.failures import refused
from yba.fhir.terminology.library import Library, split
from yba.fhir.terminology.sent import checked
from yba.fhir.terminology.translating import Asked, translate

Tree = Any
# R4's names, and R5's, which clients of both send.
_NAMES = {
    "code": ("code", "sourceCode"),
    "coding": ("coding", "sourceCoding"),
    "codeableConcept": ("codeableConcept", "sourceCodeableConcept"),
}


@terminology.told
def run(call: Call) -> Response:
    """Translate a code, a Coding or a CodeableConcept by one map or all that fit."""
    found = terminology.library(call)
    asked = Asked(
        codings=_codings(call),
        maps=_maps(call, found),
        source=call.text("source") or call.text("sourceScope"),
        target=call.text("target") or call.text("targetScope"),
        target_system=call.text("targetsystem") or call.text("targetSystem"),
        dependencies=[pair for one in call.all("dependency") for pair in _dependency(one)],
        reverse=call.flag("reverse"),
    )
    return answer_tree(translate(found, asked))


def _codings(call: Call) -> list[Tree]:
    given = [(name, asked) for name, others in _NAMES.items() for asked in others if call.all(asked)]
    if len(given) != 1:
        raise Invalid(
            "operation.value", "$translate takes one of 'code', 'coding' and 'codeableConcept'.",
            path="Parameters.parameter",
        )  # fmt: skip
    ((kind, name),) = given
    if kind == "code":
        return [{"system": call.needed("system"), "code": call.needed(name)}]
    value = terminology.coded(call, name, "Coding" if kind == "coding" else "CodeableConcept") or {}
    return [value] if kind == "coding" else list(value.get("coding", ()))


def _maps(call: Call, found: Library) -> list[Tree]:
    """The one map that is sent, addressed or named; none: all that fit."""
    one = terminology.resource(call, "conceptMap", "ConceptMap") or terminology.own_resource(call)
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
    checked(concept, "CodeableConcept" if "coding" in concept else "Coding", "Parameters.dependency")
    return [(element, coding) for coding in concept.get("coding", [concept])]


OPERATIONS = (
    Operation(
        "translate", run, type_level=True, instance=True, types=frozenset({"ConceptMap"}), body="conceptMap",
        definition="http://hl7.org/fhir/OperationDefinition/ConceptMap-translate",
    ),
)  # fmt: skip
