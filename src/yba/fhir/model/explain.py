"""Say in a clear sentence, with the FHIR path, why JSON was refused."""

from __future__ import annotations

import json
import re

import msgspec

from yba.fhir.errors import Invalid
from yba.fhir.model.shapes import Element, elements

DECODING = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the fast decoder raises."""

_AT = re.compile(r" - at `(?:key in )?\$(.*)`\Z", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_BYTE = re.compile(r"(?:JSON is malformed: )?(.*) \(byte (\d+)\)\Z", re.DOTALL)
_EXPECTED = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")

_FOUND = {"str": "text", "int": "a number", "float": "a number", "bool": "true or false", "null": "null"}
_FOUND |= {"object": "an object", "array": "an array"}
_HINTS = {
    "base64Binary": "is not base64 text",
    "code": "is not a code: no spaces at its ends, none doubled",
    "date": "is not a date that exists, written YYYY-MM-DD, YYYY-MM or YYYY",
    "dateTime": (
        "is not a moment that exists, written YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone"
    ),
    "id": "is not an id: 1 to 64 letters, digits, '-' and '.'",
    "instant": "is not an instant that exists, written YYYY-MM-DDThh:mm:ss with a time zone",
    "integer": "is not a whole number from -2147483648 to 2147483647",
    "oid": "is not an OID, written urn:oid:1.2.3",
    "positiveInt": "is not a whole number from 1 to 2147483647",
    "string": "is empty or longer than 1048576 characters",
    "time": "is not a time of day, written hh:mm:ss",
    "unsignedInt": "is not a whole number from 0 to 2147483647",
    "uri": "is not a URI: it is empty or has spaces",
    "uuid": "is not a UUID, written urn:uuid: and lower-case digits",
    "xhtml": "is empty",
}


def unknown(name: str, kind: type[msgspec.Struct], at: str) -> Invalid:
    path = f"{at}.{name}"
    return Invalid(
        "codec.unknown-element", f"{path} is not an element of {kind.__name__}.", path=path, element=name
    )


def null(at: str) -> Invalid:
    return Invalid("codec.null", f"{at}: null is not a value; leave the element out.", path=at)


def depth(at: str, limit: int) -> Invalid:
    return Invalid(
        "codec.depth", f"{at or 'The body'} is nested deeper than {limit} levels.", path=at or None
    )


def surrogate(at: str) -> Invalid:
    return Invalid(
        "codec.surrogate", f"{at or 'The body'}: half a surrogate pair is not a character.", path=at or None
    )


def not_an_object(data: bytes, at: str) -> Invalid:
    first = data.lstrip()[:1]
    found = {b"[": "an array", b'"': "text", b"n": "null", b"t": "true", b"f": "false"}.get(first, "a number")
    return Invalid(
        "codec.not-an-object",
        f"{at or 'The body'}: expected a resource, an object, found {found}.",
        path=at or None,
    )


def head(problem: Exception, data: bytes, at: str) -> Invalid:
    """Why not even the resourceType could be read."""
    where = at or None
    if not data.strip():
        return Invalid("codec.no-body", "The body is empty; expected a resource in JSON.", path=where)
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return Invalid(
            "codec.bom", "The body starts with a byte order mark; send UTF-8 without it.", path=where
        )
    if isinstance(problem, RecursionError):
        return depth(at, 100)
    if isinstance(problem, msgspec.ValidationError):
        if "resourceType" in str(problem):
            return Invalid("codec.no-type", f"{at + '.' if at else ''}resourceType must be text.", path=where)
        return not_an_object(data, at)
    return malformed(problem, data, at)


def fault(problem: Exception, data: bytes, kind: type[msgspec.Struct], at: str) -> Invalid:
    """Why the typed decoder refused."""
    if isinstance(problem, msgspec.ValidationError):
        return _mismatch(str(problem), kind, at)
    return malformed(problem, data, at)


def malformed(problem: Exception, data: bytes, at: str) -> Invalid:
    try:
        data.decode()
    except UnicodeDecodeError as wrong:
        place = _place(data, wrong.start)
        return Invalid("codec.encoding", f"The JSON is not valid UTF-8 at {place}.", path=at or None)
    told = _BYTE.match(str(problem))
    if told is not None:
        what, offset = told[1], int(told[2])
    else:
        try:
            json.loads(data)
        except json.JSONDecodeError as wrong:
            what, offset = "it ends too early", len(data[: len(data)].decode()[: wrong.pos].encode())
            if data[offset:].strip():
                what = "it ends inside this text"
        except RecursionError:
            return depth(at, 100)
        else:
            return surrogate(at)
    place = _place(data, offset)
    return Invalid("codec.malformed", f"The JSON is malformed at {place}: {what}.", path=at or None)


def _place(data: bytes, offset: int) -> str:
    before = data[:offset]
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
    return f"line {line}, column {column}"


def _mismatch(message: str, kind: type[msgspec.Struct], at: str) -> Invalid:
    place = _AT.search(message)
    steps = _STEP.findall(place[1]) if place is not None else []
    what = message[: place.start()] if place is not None else message
    path = at + (place[1] if place is not None else "")
    holder, element, inside = _walk(steps, kind)
    named = re.match(r"Object (contains unknown|missing required) field `([^`]*)`", what)
    if named is not None:
        if named[1] == "contains unknown":
            return unknown(named[2], holder, path)
        return Invalid("codec.missing", f"{path}.{named[2]} is required.", path=f"{path}.{named[2]}")
    if what.startswith("Object has more than one"):
        given = what.rpartition(": ")[2]
        stem = re.search(r"`(.*)\[x\]`", what)
        path = f"{path}.{stem[1]}[x]" if stem is not None else path
        return Invalid("codec.choice", f"{path}: only one may be given, found {given}.", path=path)
    expected = _EXPECTED.match(what)
    if expected is not None:
        return _wrong_type(expected[2], element, inside, path)
    if "length >= 1" in what and "array" in what:
        return Invalid("codec.empty", f"{path}: an array must not be empty.", path=path)
    if what.startswith("Invalid enum value") and element is not None:
        value = re.search(r"'(.*)'", what, re.DOTALL)
        codes = list(element.codes)
        shown = ", ".join(codes if len(codes) <= 20 else [*codes[:20], "..."])
        text = value[1] if value is not None else ""
        return Invalid(
            "codec.unknown-code", f"{path}: '{text}' is not one of the codes {shown}.", path=path, code=text
        )
    if element is not None and element.kind == "decimal":
        return Invalid("codec.bad-value", f"{path} is not a decimal number.", path=path)
    if element is not None and element.media:
        return Invalid("codec.bad-value", f"{path} is not a media type, as application/pdf is.", path=path)
    if element is not None and element.kind in _HINTS:
        return Invalid("codec.bad-value", f"{path} {_HINTS[element.kind]}.", path=path)
    return Invalid("codec.bad-value", f"{path}: {what}.", path=path)


def _wrong_type(found: str, element: Element | None, inside: bool, path: str) -> Invalid:
    if found == "null":
        return null(path)
    if element is not None and element.many and not inside:
        wanted = "an array"
    elif element is None or element.struct is not None:
        wanted = "an object"
    elif element.kind in {"integer", "positiveInt", "unsignedInt"}:
        wanted = "a whole number"
    else:
        wanted = {"decimal": "a number", "boolean": "true or false"}.get(element.kind, "text")
    what = (
        "a number with a fraction or exponent"
        if found == "float" and wanted == "a whole number"
        else _FOUND[found]
    )
    return Invalid("codec.wrong-type", f"{path}: expected {wanted}, found {what}.", path=path)


def _walk(
    steps: list[tuple[str, str]], kind: type[msgspec.Struct]
) -> tuple[type[msgspec.Struct], Element | None, bool]:
    """Where a path ends: the class it is in, the element, and whether it names an item of an array."""
    element: Element | None = None
    inside = False
    for name, _ in steps:
        if not name:
            inside = True
            continue
        inside = False
        element = elements(kind).get(name)
        if element is None:
            break
        if element.struct is not None:
            kind = element.struct
    return kind, element, inside
