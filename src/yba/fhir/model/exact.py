"""The slow, exact reading of JSON that the fast decoder had a doubt about: finds what it passes over silently."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from yba.fhir.errors import Invalid
from yba.fhir.model import explain
from yba.fhir.model.shapes import Element, elements

MAX_DIGITS = 256
MAX_EXPONENT = 999

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # FHIR R4, datatypes.html#string
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written, keys given twice included."""


class _Number(str):
    """A number as it was written."""


def check(data: bytes, kind: type[msgspec.Struct], at: str) -> None:
    """Raise Invalid for the first fault; return if there is none. The text is well-formed JSON and not too deep."""
    read = json.loads(data, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number)
    _object(read, kind, at, top=True)


def _object(pairs: _Pairs, kind: type[msgspec.Struct], at: str, *, top: bool = False) -> None:
    if not pairs:
        raise Invalid("codec.empty", f"{at}: an object must not be empty.", path=at)
    known = elements(kind)
    held: dict[str, Any] = {}
    for name, value in pairs:
        if name in held:
            raise Invalid("codec.duplicate", f"{at}.{name} is given twice.", path=f"{at}.{name}")
        held[name] = value
    for name, value in pairs:
        if top and name == "resourceType":
            continue
        element = known.get(name)
        if element is None:
            raise explain.unknown(name, kind, at)
        if element.kind == "resource":
            continue  # checked by its own type
        companion = held.get(name[1:] if name.startswith("_") else f"_{name}")
        _element(value, element, companion, f"{at}.{name}")


def _element(value: Any, element: Element, companion: Any, at: str) -> None:
    if not element.many:
        _single(value, element, at)
        if element.name.startswith("_") and companion is None:
            _stands_alone(value, at)
        return
    if not isinstance(value, list) or isinstance(value, _Pairs):
        raise Invalid("codec.wrong-type", f"{at}: expected an array.", path=at)
    others = companion if isinstance(companion, list) else []
    for index, item in enumerate(value):
        path = f"{at}[{index}]"
        other = others[index] if index < len(others) else None
        primitive = element.struct is None or element.name.startswith("_")
        if item is None and primitive:
            if other is None:
                raise Invalid(
                    "codec.null", f"{path}: null may only stand beside an extension of the value.", path=path
                )
            continue
        _single(item, element, path)
        if element.name.startswith("_") and other is None:
            _stands_alone(item, path)


def _stands_alone(companion: _Pairs, at: str) -> None:
    """A primitive without a value must have an extension (FHIR R4, element.html, ele-1)."""
    if not any(name == "extension" for name, _ in companion):
        raise Invalid("codec.empty", f"{at}: neither the value nor an extension is given.", path=at)


def _single(value: Any, element: Element, at: str) -> None:
    if value is None:
        raise explain.null(at)
    if isinstance(value, _Pairs):
        if element.struct is None:
            raise Invalid("codec.wrong-type", f"{at}: expected a {element.kind}, found an object.", path=at)
        _object(value, element.struct, at)
    elif isinstance(value, _Number):
        _number(value, at)
    elif isinstance(value, str):
        if element.kind == "decimal":
            raise Invalid("codec.wrong-type", f"{at}: expected a number, found text.", path=at)
        _text(value, at)


def _text(value: str, at: str) -> None:
    found = _CONTROL.search(value)
    if found is not None:
        raise Invalid(
            "codec.control-character",
            f"{at}: the control character U+{ord(found[0]):04X} is not allowed.",
            path=at,
        )
    if _SURROGATE.search(value):
        raise explain.surrogate(at)


def _number(value: _Number, at: str) -> None:
    digits, _, exponent = value.lower().partition("e")
    size = len(exponent.lstrip("+-").lstrip("0"))
    if len(digits) > MAX_DIGITS or size > len(str(MAX_EXPONENT)):
        raise Invalid(
            "codec.number-size", f"{at}: the number is too long or too large to be a measure.", path=at
        )
