"""Published resources in XML as JSON trees, read by the definitions; enough for test inputs."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from decimal import Decimal
from pathlib import Path
from typing import Any

from yba.fhir.model import tree
from yba.fhir.model.fhirpath.node import json_ways

_FHIR = "{http://hl7.org/fhir}"
_NUMBERS = {"integer", "positiveInt", "unsignedInt"}


def read_file(path: Path) -> Any:
    """A resource in JSON or XML."""
    if path.suffix == ".json":
        return tree.parse(path.read_bytes())
    return resource(ElementTree.parse(path).getroot())


def resource(element: ElementTree.Element) -> dict[str, Any]:
    name = element.tag.removeprefix(_FHIR)
    return {"resourceType": name, **_children(element, name)}


def _children(element: ElementTree.Element, place: str) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for attribute in ("id", "url"):
        if attribute in element.attrib:
            read[attribute] = element.attrib[attribute]
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = child.tag.rpartition("}")[2]
        key, kind, under, primitive, definition = json_ways(place)[name]
        assert definition is not None
        many = definition.max != 1
        if kind == "xhtml":
            read[key] = ElementTree.tostring(child, encoding="unicode")
        elif primitive:
            _primitive(read, key, kind, child, many)
        else:
            value = resource(child[0]) if kind == "Resource" else _children(child, under)
            if many:
                read.setdefault(key, []).append(value)
            else:
                read[key] = value
    return read


def _primitive(read: dict[str, Any], key: str, kind: str, child: ElementTree.Element, many: bool) -> None:
    value = _value(kind, child.attrib.get("value"))
    beside = _children(child, kind) or None
    if not many:
        if value is not None:
            read[key] = value
        if beside:
            read["_" + key] = beside
        return
    read.setdefault(key, []).append(value)
    if beside or "_" + key in read:
        extras = read.setdefault("_" + key, [])
        extras += [None] * (len(read[key]) - 1 - len(extras)) + [beside]


def _value(kind: str, text: str | None) -> Any:
    if text is None:
        return None
    if kind == "boolean":
        return text == "true"
    if kind in _NUMBERS:
        return int(text)
    return Decimal(text) if kind == "decimal" else text
