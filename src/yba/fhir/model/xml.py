"""FHIR's XML: read into the JSON the record speaks, and written from it, losing nothing either way.

What an element is called, in which order elements stand, what repeats and what is an attribute comes from the
definitions (``structures``). A narrative is kept to the letter. Document types are refused, so there are no entities
to expand. Source: FHIR R4, xml.html and json.html.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.model import tree
from yba.fhir.model.structures import Element, below, structure
from yba.fhir.model.xml_nodes import FHIR, XHTML, Node, read
from yba.fhir.r4 import MODULES

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)|[+]?[1-9][0-9]*")
_WHOLE_KINDS = frozenset({"integer", "positiveInt", "unsignedInt"})
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = re.compile(r'[&<>"\n\r\t]')
_ESCAPES = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;",
}  # fmt: skip
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})


class Unwritable(Unsupported):
    """A resource that XML cannot hold: it is answered in JSON only."""

    status = 406


# -- reading -------------------------------------------------------------------------------------------------


def to_json(data: bytes, *, ordered: bool = False) -> bytes:
    """The JSON of a resource in XML. Raises Invalid with the path of what FHIR does not know.

    ``ordered``: elements must stand in the order of the schema, repetitions of one together (xml.html). What is sent
    to the record is held to it; HL7's own inputs of FHIRPath cases do not all keep it.
    """
    node = read(data)
    if ordered and node.name in MODULES:
        _check_order(node, node.name, node.name)
    return tree.dump(_resource(node, None))


def _resource(node: Node, path: str | None) -> dict[str, Any]:
    at = path or node.name
    if node.space != FHIR:
        raise Invalid("xml.namespace", f"{at} is not in the namespace {FHIR}.", path=at)
    if node.name not in MODULES:
        raise Invalid("codec.unknown-type", f"{node.name} is not a resource type of FHIR R4.", path=path)
    if node.attributes:
        raise _unknown(f"{at}.@{next(iter(node.attributes))}")
    return {"resourceType": node.name, **_members(node, node.name, at)}


def _members(node: Node, where: str, path: str) -> dict[str, Any]:
    """The members of a complex element: its attributes, then its children by name."""
    known = _properties(where)
    found: dict[str, Any] = {}
    for name, text in node.attributes.items():
        element, _ = known.get(name, (None, ""))
        if element is None or not element.xml_attribute:
            raise _unknown(f"{path}.@{name}")
        found[name] = text
    groups: dict[str, list[Node]] = {}
    for child in node.children:
        groups.setdefault(child.name, []).append(child)
    for name, children in groups.items():
        element, code = known.get(name, (None, ""))
        if element is None or element.xml_attribute:
            raise _unknown(f"{path}.{name}")
        found.update(_member(name, children, element, code, where, f"{path}.{name}"))
    return found


def _check_order(node: Node, where: str, path: str) -> None:
    """Raise Invalid for the first element that does not stand where its definition has it."""
    known, order = _properties(where), _order(where)
    counts: dict[str, int] = {}
    reached, before = -1, ""
    for child in node.children:
        element, code = known.get(child.name, (None, ""))
        if element is None:
            return  # what FHIR does not know is said by the reading
        number = counts[child.name] = counts.get(child.name, -1) + 1
        at = f"{path}.{child.name}" + (f"[{number}]" if element.max != 1 else "")
        if order[child.name] < reached:
            raise Invalid(
                "xml.order",
                f"{at} stands after {before}: elements stand in the order of their definition, and repetitions "
                "of one together.",
                path=at,
            )
        reached, before = order[child.name], child.name
        if code == "Resource":
            for one in child.children:
                _check_order(one, one.name, at)
        elif code != "xhtml":
            _check_order(child, "Element" if _is_primitive(code) else below(where, element, code), at)


def _member(
    name: str, children: list[Node], element: Element, code: str, where: str, path: str
) -> dict[str, Any]:
    many = element.max is None or element.max > 1
    if not many and len(children) > 1:
        raise Invalid("xml.repeated", f"{path} may be there once only.", path=path)
    paths = [f"{path}[{number}]" if many else path for number in range(len(children))]
    if code == "xhtml":
        return {name: _narrative(children[0], path)}
    for child, at in zip(children, paths, strict=True):
        if child.space != FHIR:
            raise Invalid("xml.namespace", f"{at} is not in the namespace {FHIR}.", path=at)
    if _is_primitive(code):
        return _primitives(name, children, code, paths, many=many)
    inside = below(where, element, code)
    values = [
        _inner_resource(child, at) if code == "Resource" else _members(child, inside, at)
        for child, at in zip(children, paths, strict=True)
    ]
    return {name: values if many else values[0]}


def _inner_resource(node: Node, path: str) -> dict[str, Any]:
    if len(node.children) != 1 or node.attributes:
        raise Invalid("xml.resource", f"{path} holds one resource.", path=path)
    return _resource(node.children[0], path)


def _primitives(
    name: str, children: list[Node], code: str, paths: list[str], *, many: bool
) -> dict[str, Any]:
    values: list[Any] = []
    companions: list[dict[str, Any] | None] = []
    for child, path in zip(children, paths, strict=True):
        text = child.attributes.pop("value", None)
        companion = _members(child, "Element", path)
        if text is None and not companion:
            raise Invalid("xml.empty", f"{path} has no value.", path=path)
        values.append(None if text is None else _value(text, code, path))
        companions.append(companion or None)
    found: dict[str, Any] = {}
    if any(value is not None for value in values):
        found[name] = values if many else values[0]
    if any(companions):
        found[f"_{name}"] = companions if many else companions[0]
    return found


def _value(text: str, code: str, path: str) -> Any:
    if code == "boolean":
        if text not in ("true", "false"):
            raise Invalid("codec.value", f"{path}: '{text[:50]}' is not true or false.", path=path)
        return text == "true"
    if code in _WHOLE_KINDS:
        if not _WHOLE.fullmatch(text) or len(text) > 12:
            raise Invalid("codec.value", f"{path}: '{text[:50]}' is not a whole number.", path=path)
        return int(text)
    if code == "decimal":
        if not _NUMBER.fullmatch(text):
            raise Invalid("codec.value", f"{path}: '{text[:50]}' is not a number.", path=path)
        return tree.parse(text) if len(text) < 300 else _too_long(path)
    return text


def _too_long(path: str) -> Any:
    raise Invalid("codec.value", f"{path}: the number has too many digits.", path=path)


def _narrative(node: Node, path: str) -> str:
    if node.space != XHTML or node.name != "div":
        raise Invalid("xml.narrative", f"{path} is a div in the namespace {XHTML}.", path=path)
    return node.source


def _unknown(path: str) -> Invalid:
    return Invalid("codec.unknown-element", f"FHIR R4 has no {path}.", path=path)


# -- writing -------------------------------------------------------------------------------------------------


def from_json(data: bytes, *, pretty: bool = False) -> bytes:
    """The XML of a resource in JSON. Raises Unwritable for text that XML cannot hold."""
    lines = "".join(_written_resource(tree.parse(data), 0 if pretty else None, top=True))
    return f'<?xml version="1.0" encoding="UTF-8"?>{lines}'.encode()


def _written_resource(value: dict[str, Any], depth: int | None, *, top: bool = False) -> Iterator[str]:
    name = value["resourceType"]
    space = f' xmlns="{FHIR}"' if top else ""
    inner = list(_written(value, name, None if depth is None else depth + 1))
    yield _indent(depth)
    if inner:
        yield f"<{name}{space}>"
        yield from inner
        yield f"{_indent(depth)}</{name}>"
    else:
        yield f"<{name}{space}/>"


def _written(value: dict[str, Any], where: str, depth: int | None) -> Iterator[str]:
    """The children of an element, in the order of its definition."""
    for name, (element, code) in _properties(where).items():
        if element.xml_attribute:
            continue
        held, companion = value.get(name), value.get(f"_{name}")
        if held is None and companion is None:
            continue
        if _is_primitive(code):
            yield from _written_primitives(name, held, companion, depth)
            continue
        for one in held if isinstance(held, list) else [held]:
            yield from _written_one(name, one, code, below(where, element, code), depth)


def _written_primitives(name: str, held: Any, companion: Any, depth: int | None) -> Iterator[str]:
    values = held if isinstance(held, list) else [held]
    companions = companion if isinstance(companion, list) else [companion]
    for number in range(max(len(values), len(companions))):
        value = values[number] if number < len(values) else None
        more = companions[number] if number < len(companions) else None
        text = "" if value is None else f' value="{_escaped(_text(value))}"'
        yield from _element(name, text, more or {}, "Element", depth)


def _written_one(name: str, value: Any, code: str, inside: str, depth: int | None) -> Iterator[str]:
    if code == "xhtml":
        yield _indent(depth) + _checked_narrative(value)
    elif code == "Resource":
        yield f"{_indent(depth)}<{name}>"
        yield from _written_resource(value, None if depth is None else depth + 1)
        yield f"{_indent(depth)}</{name}>"
    else:
        yield from _element(name, "", value, inside, depth)


def _element(
    name: str, attributes: str, value: dict[str, Any], where: str, depth: int | None
) -> Iterator[str]:
    own = "".join(
        f' {key}="{_escaped(value[key])}"'
        for key, (element, _) in _properties(where).items()
        if element.xml_attribute and key in value
    )
    inner = list(_written(value, where, None if depth is None else depth + 1)) if value else []
    yield f"{_indent(depth)}<{name}{own}{attributes}"
    if inner:
        yield ">"
        yield from inner
        yield f"{_indent(depth)}</{name}>"
    else:
        yield "/>"


def _indent(depth: int | None) -> str:
    return "" if depth is None else "\n" + "  " * depth


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return tree.dump(value).decode() if isinstance(value, Decimal) else str(value)


def _escaped(text: str) -> str:
    if _UNWRITABLE.search(text):
        raise Unwritable("xml.character", "The resource holds characters that XML can't. Ask for it in JSON.")
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)


def _checked_narrative(text: str) -> str:
    """A narrative as it is; entities of HTML, which XML doesn't know, by their numbers."""
    text = _ENTITY.sub(_numbered, text)
    try:
        node = read(text.encode(), fragment=True)
    except (Invalid, UnicodeEncodeError):
        node = None
    if node is None or node.name != "div" or node.space != XHTML:
        raise Unwritable("xml.narrative", "The narrative is not XHTML. Ask for the resource in JSON.")
    return text


def _numbered(found: re.Match[str]) -> str:
    number = None if found[1] in _XML_ENTITIES else html.entities.name2codepoint.get(found[1])
    return found[0] if number is None else f"&#{number};"


# -- definitions ---------------------------------------------------------------------------------------------


def _properties(where: str) -> dict[str, tuple[Element, str]] | Any:
    known = structure(where.partition(".")[0])
    return {} if known is None else known.properties(where)


@lru_cache(maxsize=2048)
def _order(where: str) -> dict[str, int]:
    """Where each child of an element stands; the types of a choice share one place."""
    places: dict[str, int] = {}
    return {
        name: places.setdefault(element.path, len(places))
        for name, (element, _) in _properties(where).items()
    }


def _is_primitive(code: str) -> bool:
    if code.startswith("http://hl7.org/fhirpath/System."):
        return True
    return code[:1].islower() and code != "xhtml"
