"""What a type looks like, between the published snapshot and the written Python."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from typing import Any

from tools.r4.bindings import MIME_TYPES, Codes
from tools.r4.definitions import Definitions, Json

PRIMITIVES = {
    "base64Binary": "Base64Binary",
    "boolean": "bool",
    "canonical": "Canonical",
    "code": "Code",
    "date": "Date",
    "dateTime": "DateTime",
    "decimal": "Decimal",
    "id": "Id",
    "instant": "Instant",
    "integer": "Integer",
    "markdown": "Markdown",
    "oid": "Oid",
    "positiveInt": "PositiveInt",
    "string": "String",
    "time": "Time",
    "unsignedInt": "UnsignedInt",
    "uri": "Uri",
    "url": "Url",
    "uuid": "Uuid",
    "xhtml": "Xhtml",
}
_SYSTEM = "http://hl7.org/fhirpath/System."
_FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"


@dataclass(frozen=True)
class Member:
    """One JSON property: an element, or one type of a choice element."""

    name: str  # FHIR's
    type: str  # Python's
    many: bool
    required: bool
    primitive: bool = False  # has an `_x` companion
    system: bool = False  # a primitive of the notation itself (id, Extension.url, div): no companion
    source: str = (
        ""  # room the type is imported from: primitives, codes, datatypes, or "" for the same module
    )

    @property
    def attribute(self) -> str:
        return self.name + "_" if keyword.iskeyword(self.name) else self.name


@dataclass
class Choice:
    """An element of several types: `value[x]`."""

    name: str
    required: bool
    members: list[Member]


@dataclass
class Shape:
    """One Python class."""

    name: str
    base: str  # "" for the roots Element and Resource
    short: str
    resource: bool
    parts: list[Member | Choice] = field(default_factory=list)

    def members(self) -> list[Member]:
        return [m for part in self.parts for m in (part.members if isinstance(part, Choice) else [part])]


def attributes(member: Member) -> list[str]:
    """The Python attributes of a member, in the order of the fields."""
    return [member.attribute, f"{member.name}_ext"] if member.primitive else [member.attribute]


def class_name(path: str) -> str:
    """`Patient.contact` is PatientContact."""
    return "".join(segment[0].upper() + segment[1:] for segment in path.split("."))


def snake(type_name: str) -> str:
    """`AllergyIntolerance` lives in allergy_intolerance."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type_name).lower()


def shapes_of(structure: Json, definitions: Definitions, codes: Codes) -> list[Shape]:
    """The classes of one StructureDefinition, innermost first, the type itself last."""
    elements: list[Json] = structure["snapshot"]["element"]
    paths = {element["path"] for element in elements}
    parents = {path.rpartition(".")[0] for path in paths}
    root = structure["type"]
    resource = structure["kind"] == "resource"
    shapes: dict[str, Shape] = {}
    for element in elements:
        path: str = element["path"]
        if path == root:
            base = structure.get("baseDefinition", "").rpartition("/")[2]
            shapes[path] = Shape(root, base, _sentence(structure, element), resource)
            continue
        if element.get("base", {}).get("path", path) != path:
            continue  # inherited
        if path in parents:
            code = element["type"][0]["code"]
            shapes[path] = Shape(class_name(path), code, element["short"].strip(), resource=False)
        part = _part(element, path in parents, codes, definitions)
        if part is not None:
            shapes[path.rpartition(".")[0]].parts.append(part)
    return [shapes[path] for path in sorted(shapes, key=lambda p: (-p.count("."), list(shapes).index(p)))]


def _sentence(structure: Json, element: Json) -> str:
    return str(element.get("short") or structure.get("description") or structure["name"]).strip()


def _part(element: Json, nested: bool, codes: Codes, definitions: Definitions) -> Member | Choice | None:
    name = element["path"].rpartition(".")[2]
    many = element["max"] == "*"
    required = element["min"] > 0
    if element["max"] == "0":
        return None
    if nested:
        return Member(name, class_name(element["path"]), many, required)
    if "contentReference" in element:
        return Member(name, class_name(element["contentReference"].removeprefix("#")), many, required)
    if not name.endswith("[x]"):
        return _member(name, element["type"][0], element, many, required, codes, definitions)
    stem = name.removesuffix("[x]")
    members = [
        _member(
            stem + kind["code"][0].upper() + kind["code"][1:], kind, element, many, False, codes, definitions
        )
        for kind in element["type"]
    ]
    return Choice(stem, required, members)


def _member(
    name: str,
    kind: dict[str, Any],
    element: Json,
    many: bool,
    required: bool,
    codes: Codes,
    definitions: Definitions,
) -> Member:
    code: str = kind["code"]
    if code.startswith(_SYSTEM):
        named = [
            e.get("valueUrl") or e.get("valueUri")
            for e in kind.get("extension", ())
            if e["url"] == _FHIR_TYPE
        ]
        url = named[0] if named else "string"
        type_name = "Id" if element["path"] == "Resource.id" else PRIMITIVES.get(url, "String")
        return Member(name, type_name, many, required, system=True, source="primitives")
    if code == "xhtml":
        return Member(name, "Xhtml", many, required, system=True, source="primitives")
    if code in PRIMITIVES:
        bound = codes.name_for(element) if code == "code" else None
        if bound is not None:
            return Member(name, bound, many, required, primitive=True, source="codes")
        source = "" if code == "boolean" else "primitives"
        type_name = "MimeType" if _is_mime_type(element) else PRIMITIVES[code]
        return Member(name, type_name, many, required, primitive=True, source=source)
    if definitions.structures[code]["kind"] == "resource":
        if many:
            return Member(name, "Raw", many, required, source="msgspec")
        return Member(name, "OptionalRaw", many, required, source="primitives")
    return Member(name, code, many, required, source="datatypes")


def _is_mime_type(element: Json) -> bool:
    binding = element.get("binding", {})
    return bool(
        binding.get("strength") == "required" and binding.get("valueSet", "").partition("|")[0] == MIME_TYPES
    )
