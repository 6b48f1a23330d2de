"""What the generated classes say about their elements, asked by JSON name."""

from __future__ import annotations

import types
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from yba.fhir.r4 import primitives


class Element(NamedTuple):
    """One JSON property of a class."""

    name: str
    many: bool
    struct: type[msgspec.Struct] | None  # of a complex type
    kind: str  # FHIR's word: a primitive type, "code" for a closed list, "resource", or the class name
    codes: tuple[str, ...] = ()  # of a closed list
    media: bool = False  # a code that is a media type


_ALIASES: tuple[tuple[str, Any], ...] = (
    ("base64Binary", primitives.Base64Binary),
    ("code", primitives.Code),
    ("date", primitives.Date),
    ("dateTime", primitives.DateTime),
    ("id", primitives.Id),
    ("instant", primitives.Instant),
    ("integer", primitives.Integer),
    ("oid", primitives.Oid),
    ("positiveInt", primitives.PositiveInt),
    ("string", primitives.String),
    ("time", primitives.Time),
    ("unsignedInt", primitives.UnsignedInt),
    ("uri", primitives.Uri),
    ("uuid", primitives.Uuid),
    ("xhtml", primitives.Xhtml),
)
_KINDS: dict[Any, str] = {alias.__metadata__: name for name, alias in _ALIASES}
_PLAIN: dict[Any, str] = {
    primitives.Decimal: "decimal",
    bool: "boolean",
    str: "string",
    msgspec.Raw: "resource",
}


@cache
def elements(kind: type[msgspec.Struct]) -> dict[str, Element]:
    """The properties of a class by their JSON names, `_x` companions included."""
    return {field.encode_name: _element(field) for field in msgspec.structs.fields(kind)}


def _element(field: msgspec.structs.FieldInfo) -> Element:
    inner, many = _strip(field.type)
    if get_origin(inner) is Literal:
        return Element(field.encode_name, many, None, "code", get_args(inner))
    if inner == primitives.MimeType:
        return Element(field.encode_name, many, None, "code", media=True)
    if get_origin(inner) is Annotated:
        return Element(field.encode_name, many, None, _KINDS[inner.__metadata__])
    if inner in _PLAIN:
        return Element(field.encode_name, many, None, _PLAIN[inner])
    return Element(field.encode_name, many, inner, inner.__name__)


def _strip(annotation: Any) -> tuple[Any, bool]:
    """The type inside Optional and list, and whether there was a list."""
    if get_origin(annotation) in {Union, types.UnionType}:
        (annotation,) = (part for part in get_args(annotation) if part is not type(None))
        return _strip(annotation)
    if get_origin(annotation) is Annotated and get_origin(annotation.__origin__) is list:
        return _strip(get_args(annotation.__origin__)[0])[0], True
    return annotation, False
