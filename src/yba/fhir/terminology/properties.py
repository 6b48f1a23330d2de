"""Properties of concepts in an expansion, by the extensions R5 gives for R4.

Source: FHIR R5, valueset-definitions.html#ValueSet.expansion.property; HL7 terminology ecosystem, R4 and the tests.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from yba.fhir.terminology.concept import CONCEPT_PROPERTIES, STANDARDS_STATUS, Concept
from yba.fhir.terminology.systems import System

Tree = Any
DECLARED = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.property"
OF_LINE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.contains.property"
_BASE = "http://hl7.org/fhir/StructureDefinition/"
# extension in a code system, extension in a value set -> property
_BY_EXTENSION = (
    ("label", "codesystem-label", "valueset-label", "label"),
    ("order", "codesystem-conceptOrder", "valueset-conceptOrder", "order"),
    ("weight", "itemWeight", "itemWeight", "itemWeight"),
)


class Told:
    """The properties an expansion has told, each to be declared once."""

    def __init__(self) -> None:
        self._uris: dict[str, str] = {}

    def add(self, code: str, uri: str) -> None:
        self._uris.setdefault(code, uri)

    def declared(self) -> list[Tree]:
        return [
            {
                "extension": [{"url": "uri", "valueUri": uri}, {"url": "code", "valueCode": code}],
                "url": DECLARED,
            }
            for code, uri in self._uris.items()
        ]


def told_properties(
    system: System, concept: Concept, said: Tree | None, asked: list[str], told: Told
) -> list[Tree]:
    """The extensions that tell a concept's properties: those asked for, its place, and why it is inactive."""
    rows: list[tuple[str, str, str, Any]] = []
    if "definition" in asked and concept.definition:
        rows.append(("definition", CONCEPT_PROPERTIES + "definition", "valueString", concept.definition))
    extensions = {one.get("url"): one for one in concept.extensions}
    said_extensions = {one.get("url"): one for one in (said or {}).get("extension", ())}
    for code, in_system, in_value_set, name in _BY_EXTENSION:
        found = said_extensions.get(_BASE + in_value_set) or extensions.get(_BASE + in_system)
        if found is not None:
            kind, value = _valued(found)
            if kind in ("valueInteger", "valueDecimal"):
                kind, value = "valueDecimal", Decimal(str(value))
            rows.append((code, CONCEPT_PROPERTIES + name, kind, value))
    rows += _own(system, concept, asked)
    status = concept.status
    is_standing = STANDARDS_STATUS in extensions
    tells = concept.inactive or (status is not None and (is_standing or system.names.status in asked))
    if tells and not any(row[0] == system.names.status for row in rows):
        rows.append((system.names.status, CONCEPT_PROPERTIES + "status", "valueCode", status or "inactive"))
    for code, uri, _, _ in rows:
        told.add(code, uri)
    return [
        {"extension": [{"url": "code", "valueCode": code}, {"url": "value", kind: value}], "url": OF_LINE}
        for code, _, kind, value in rows
    ]


def _own(system: System, concept: Concept, asked: list[str]) -> list[tuple[str, str, str, Any]]:
    """The properties its code system gives it that were asked for."""
    uris = {one.get("code"): one.get("uri") for one in system.head.get("property", ())}
    rows: list[tuple[str, str, str, Any]] = []
    everything = "*" in asked
    for one in concept.properties:
        code = one.get("code")
        if code is not None and (everything or code in asked):
            kind, value = _valued(one)
            rows.append((code, uris.get(code) or CONCEPT_PROPERTIES + code, kind, value))
    if system.names.parent in asked or everything:
        told = {row[3] for row in rows if row[0] == system.names.parent}
        rows += [
            (system.names.parent, CONCEPT_PROPERTIES + "parent", "valueCode", code)
            for code in concept.parents
            if code not in told
        ]
    if system.names.child in asked or everything:
        rows += [
            (system.names.child, CONCEPT_PROPERTIES + "child", "valueCode", code)
            for code in system.children(concept.code)
        ]
    if "inactive" in asked:
        rows.append(("inactive", CONCEPT_PROPERTIES + "inactive", "valueBoolean", concept.inactive))
    return rows


def _valued(part: Tree) -> tuple[str, Any]:
    return next(((key, value) for key, value in part.items() if key.startswith("value")), ("valueString", ""))
