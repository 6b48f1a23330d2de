"""What is known of a code. Source: FHIR R4, codesystem-operation-lookup.html."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yba.fhir.terminology.concept import Concept, value_of
from yba.fhir.terminology.languages import PREFERRED, Languages, chosen, wordings
from yba.fhir.terminology.systems import System

Tree = Any


def looked_up(system: System, concept: Concept, *, properties: list[str], languages: Languages) -> Tree:
    """The Parameters that tell a concept: its names, texts and properties.

    ``properties`` names what is wanted beside the texts; none named, or ``*``, is everything.
    """
    head = system.head
    wants = _wanted(properties)
    texts = wordings(concept.display, head.get("language"), concept.designations)
    shown = chosen(texts, languages)
    rows: list[Tree] = [{"name": "name", "valueString": head.get("name") or head["url"]}]
    if head.get("version"):
        rows.append({"name": "version", "valueString": head["version"]})
    rows += [{"name": "code", "valueCode": concept.code}, {"name": "system", "valueUri": head["url"]}]
    # A code without words of its own is shown by itself: the element is required.
    rows.append({"name": "display", "valueString": shown.text if shown is not None else concept.code})
    if concept.definition:
        rows.append({"name": "definition", "valueString": concept.definition})
    rows.append({"name": "abstract", "valueBoolean": concept.abstract})
    if wants("designation"):
        rows += _designations(head, concept)
    rows += _properties(system, concept, wants)
    rows += [{"name": "used-supplement", "valueCanonical": one} for one in getattr(system, "used", ())]
    return {"resourceType": "Parameters", "parameter": rows}


def _wanted(properties: list[str]) -> Callable[[str], bool]:
    """Whether a property is wanted; ``lang.X`` asks for designations."""
    if not properties or "*" in properties:
        return lambda name: True
    named = {"designation" if one.startswith("lang.") else one for one in properties}
    return lambda name: name in named


def _designations(head: Tree, concept: Concept) -> list[Tree]:
    rows = []
    for one in concept.designations:
        parts: list[Tree] = []
        if one.get("language"):
            parts.append({"name": "language", "valueCode": one["language"]})
        if one.get("use"):
            parts.append({"name": "use", "valueCoding": one["use"]})
        parts.append({"name": "value", "valueString": one.get("value", "")})
        if one.get("source"):
            parts.append({"name": "source", "valueCanonical": one["source"]})
        rows.append({"name": "designation", "part": parts})
    if concept.display and head.get("language"):
        rows.append(
            {
                "name": "designation",
                "part": [
                    {"name": "language", "valueCode": head["language"]},
                    {"name": "use", "valueCoding": PREFERRED},
                    {"name": "value", "valueString": concept.display},
                ],
            }
        )
    return rows


def _properties(system: System, concept: Concept, wants: Callable[[str], bool]) -> list[Tree]:
    names = system.names
    rows = [_property("inactive", "valueBoolean", concept.inactive)]
    told = set()
    for one in concept.properties:
        code = one.get("code")
        kind = next((key for key in one if key.startswith("value")), None)
        if code is None or kind is None or code == "inactive" or not wants(code):
            continue
        told.add((code, str(value_of(one))))
        rows.append(_property(code, kind, value_of(one)))
    for code, others in ((names.parent, concept.parents), (names.child, system.children(concept.code))):
        if not wants(code):
            continue
        for other in others:
            if (code, other) in told:
                continue
            known = system.find(other)
            rows.append(_property(code, "valueCode", other, known.display if known is not None else None))
    return rows


def _property(code: str, kind: str, value: object, description: str | None = None) -> Tree:
    parts: list[Tree] = [{"name": "code", "valueCode": code}, {"name": "value", kind: value}]
    if description:
        parts.insert(1, {"name": "description", "valueString": description})
    return {"name": "property", "part": parts}
