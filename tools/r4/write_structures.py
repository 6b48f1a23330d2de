"""Write structures/: the StructureDefinition of every type with what a program needs of it, an element a line."""

from __future__ import annotations

import json

from tools.r4.definitions import Json

_KEPT_HEAD = ("resourceType", "url", "name", "kind", "abstract", "type", "baseDefinition", "derivation")
_KEPT = (
    "id", "path", "representation", "sliceName", "short", "min", "max", "contentReference", "maxLength",
    "isModifier", "isSummary", "slicing",
)  # fmt: skip
_VALUES = ("fixed", "pattern", "minValue", "maxValue")
_REFERENCE_KINDS = ("profile", "targetProfile", "versioning")
# Every element has these two; validation knows them without being told 7,000 times.
_EVERYWHERE = frozenset({"ele-1", "ext-1"})


def structure_file(structure: Json) -> str:
    """The trimmed definition as JSON text: still a StructureDefinition with a snapshot."""
    head = {key: structure[key] for key in _KEPT_HEAD if key in structure}
    lines = [json.dumps(_element(one, structure["type"]), ensure_ascii=False, separators=(",", ":"))
             for one in structure["snapshot"]["element"]]  # fmt: skip
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
    return text[:-1] + ',"snapshot":{"element":[\n' + ",\n".join(lines) + "\n]}}\n"


def _element(element: Json, of: str) -> Json:
    kept = {key: element[key] for key in _KEPT if key in element and element[key] is not False}
    kept |= {key: value for key, value in element.items() if key.startswith(_VALUES)}
    if "type" in element:
        kept["type"] = [_type(one) for one in element["type"]]
    if "binding" in element and element["binding"].get("valueSet"):
        kept["binding"] = {key: element["binding"][key] for key in ("strength", "valueSet")}
    constraints = [
        {key: one[key] for key in ("key", "severity", "human", "expression", "source") if key in one}
        for one in element.get("constraint", ())
        if one["key"] not in _EVERYWHERE or of in {"Element", "Extension"}
    ]
    if constraints:
        kept["constraint"] = constraints
    return kept


def _type(one: Json) -> Json:
    found = {"code": _code(one)}
    return found | {key: one[key] for key in _REFERENCE_KINDS if key in one}


def _code(one: Json) -> str:
    """The FHIR type: for ``id``, ``url`` and the values of primitives the definitions name FHIRPath's own."""
    code = str(one["code"])
    for extension in one.get("extension", ()):
        if extension["url"].endswith("structuredefinition-fhir-type"):
            code = str(extension.get("valueUrl", code))
    return code
