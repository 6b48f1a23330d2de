"""JSON to typed resources and back, strictly: nothing is dropped or altered on the way in.

``decode`` is fast because the generated types check as they read, and because what they let pass silently (a key given
twice, null, a number written as text) leaves a trace: written back, the JSON has fewer quotes or colons. Only then, and
where the text holds something rare (nulls, extensions of primitives, risky escapes), ``exact.check`` reads it again.
"""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Iterator
from functools import cache
from typing import TypeVar, cast

import msgspec

from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.model import exact, explain, spelling
from yba.fhir.r4 import MODULES
from yba.fhir.r4.datatypes import DomainResource, Resource

R = TypeVar("R", bound=Resource)

MAX_DEPTH = 100
"""Objects and arrays inside each other; published examples reach about 20."""

_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=spelling.encoded)

_TYPE_FIRST = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"')
# Escapes that may hide a quote, a colon, a control character or half a surrogate pair.
_RISKY_ESCAPE = re.compile(rb"\\(?:[bf]|u(?:00(?:[01]|22|3[aA]|7[fF])|[dD][89a-fA-F]))")
_HUGE_EXPONENT = re.compile(rb"[0-9]E[+-][0-9]{4}")
_LONG_DIGITS = re.compile(rb"[0-9]{16}")  # in every 16th byte: some 256 digits in a row
_TOO_DEEP = b"\n" + b" " * (MAX_DEPTH + 1)


class _Head(msgspec.Struct):
    resourceType: str | None = None


_head = msgspec.json.Decoder(_Head)


@cache
def resource_class(type_name: str) -> type[Resource]:
    """The class of a resource type, its module loaded now. Raises Unsupported for a type R4 does not have."""
    if type_name not in MODULES:
        raise Unsupported(
            "codec.unknown-type", f"{type_name} is not a resource type of FHIR R4.", type=type_name
        )
    module = importlib.import_module(f"yba.fhir.r4.{MODULES[type_name]}")
    return cast(type[Resource], getattr(module, type_name))


# msgspec does not guard the making of a decoder: two threads that make one at once crash the process.
_making = threading.Lock()


@cache
def _decoder(kind: type[R]) -> msgspec.json.Decoder[R]:
    with _making:
        return msgspec.json.Decoder(kind)


def _read_head(data: bytes, at: str) -> str:
    try:
        name = _head.decode(data).resourceType
    except explain.DECODING as problem:
        raise explain.head(problem, data, at) from None
    if name is None:
        raise Invalid("codec.no-type", f"{at or 'The resource'} has no resourceType.", path=at or None)
    return name


def decode(data: bytes | str, type_name: str | None = None, *, deep: bool = True) -> Resource:
    """A resource from JSON. ``type_name``: the type it must have. Raises Invalid with the FHIR path of the fault.

    ``deep=False`` leaves the resources inside (contained, Bundle entries, Parameters) undecoded and unchecked, for a
    caller that decodes each of them itself, as a batch must.
    """
    return decode_with_bytes(data, type_name, deep=deep)[0]


def decode_as(data: bytes | str, kind: type[R]) -> R:
    """A resource of a known class from JSON. Raises Invalid."""
    return cast(R, decode(data, kind.__name__))


def decode_with_bytes(
    data: bytes | str, type_name: str | None = None, *, deep: bool = True
) -> tuple[Resource, bytes]:
    """The resource and its JSON as ``encode`` writes it, which the decoder has made already."""
    if isinstance(data, str):
        try:
            data = data.encode()
        except UnicodeEncodeError:
            raise explain.surrogate("") from None
    return _decode(data, type_name, "", deep)


def decode_known(data: bytes, type_name: str) -> Resource:
    """A resource from JSON that this module has written, perhaps with other values of plain strings since.

    Types and formats are checked again; what the exact reading looks for in a client's text can't be there. Raises
    Invalid.
    """
    kind: type[Resource] = resource_class(type_name)
    try:
        found: Resource = _decoder(kind).decode(data)
    except explain.DECODING as problem:
        raise explain.fault(problem, data, kind, type_name) from None
    if spelling.may_differ(data, _encoder.encode(found)):
        spelling.keep(found, data)
    return found


def decode_raw(raw: msgspec.Raw, type_name: str | None = None) -> Resource:
    """A resource kept inside another one. Raises Invalid with a path that starts at the inner resource."""
    return _decode(bytes(raw), type_name, "", deep=True)[0]


def encode(resource: Resource) -> bytes:
    """The JSON of a resource: no spaces, elements in FHIR's order, decimals with the digits they have."""
    return _encoder.encode(resource)


def to_raw(resource: Resource) -> msgspec.Raw:
    """A resource ready to be put into another one (contained, Bundle entry, Parameters)."""
    return msgspec.Raw(_encoder.encode(resource))


def check(resource: Resource) -> bytes:
    """The JSON of a resource built or changed in Python, proved valid by reading it back. Raises Invalid."""
    try:
        data = _encoder.encode(resource)
    except UnicodeEncodeError:
        raise explain.surrogate(type(resource).__name__) from None
    except RecursionError:
        raise explain.depth("", MAX_DEPTH) from None
    return _decode(data, type(resource).__name__, "", deep=True)[1]


def _decode(data: bytes, type_name: str | None, at: str, deep: bool) -> tuple[Resource, bytes]:
    first = _TYPE_FIRST.match(data)
    name = first[1].decode() if first is not None else _read_head(data, at)
    where = at or name
    if name not in MODULES:
        raise Invalid(
            "codec.unknown-type",
            f"{at or 'resourceType'}: {name} is not a resource type of FHIR R4.",
            path=at or None,
        )
    if type_name is not None and name != type_name:
        raise Invalid("codec.other-type", f"Expected a {type_name}, found a {name}.", path=where)
    kind = resource_class(name)
    try:
        if not deep:
            data.decode()  # the decoder does not look at text inside what it leaves undecoded
        resource = _decoder(kind).decode(data)
    except RecursionError:
        raise explain.depth(where, MAX_DEPTH) from None
    except explain.DECODING as problem:
        raise explain.fault(problem, data, kind, where) from None
    if not at and _too_deep(data):
        raise explain.depth(where, MAX_DEPTH)
    if deep:
        for path, holder, attribute, index in _inner(resource, where):
            _settle(path, holder, attribute, index)
    try:
        written = _encoder.encode(resource)
    except UnicodeEncodeError:
        raise explain.surrogate(where) from None
    if not _plainly_same(data, written):
        exact.check(data, kind, where)
    if data != written and spelling.may_differ(data, written):
        spelling.keep(resource, data)
        written = _encoder.encode(resource)
    return resource, written


def _plainly_same(data: bytes, written: bytes) -> bool:
    """Whether nothing can have been lost: reading only ever loses quotes and colons, or meets what is listed here."""
    # One-byte searches come first: they cost next to nothing, and mostly answer.
    return (
        (
            data == written
            or (data.count(b'"') == written.count(b'"') and data.count(b":") == written.count(b":"))
        )
        and not (b"_" in data and b'"_' in data)
        and not (b"\\" in data and _RISKY_ESCAPE.search(data))
        and not ((b"E+" in written or b"E-" in written) and _HUGE_EXPONENT.search(written))
        and not (len(data) > 256 and _LONG_DIGITS.search(data[::16]))
        and b"null" not in data
        and b"{}" not in written
    )


def _too_deep(data: bytes) -> bool:
    if data.count(b"{") < MAX_DEPTH // 2:  # FHIR never puts an array straight into an array
        return False
    try:
        return _TOO_DEEP in msgspec.json.format(data, indent=1)
    except RecursionError:
        return True


def _settle(path: str, holder: msgspec.Struct, attribute: str, index: int | None) -> None:
    """Decode a resource kept inside another, and keep it as ``encode`` writes it."""
    value = getattr(holder, attribute)
    raw = bytes(value if index is None else value[index])
    if raw[:1] != b"{":
        raise explain.not_an_object(raw, path)
    resource, written = _decode(raw, None, path, deep=True)
    if attribute == "contained" and isinstance(resource, DomainResource) and resource.contained:
        raise Invalid(
            "codec.contained-twice", f"{path} is contained and must not contain resources itself.", path=path
        )
    if index is None:
        setattr(holder, attribute, msgspec.Raw(written))
    else:
        value[index] = msgspec.Raw(written)


def _inner(resource: Resource, at: str) -> Iterator[tuple[str, msgspec.Struct, str, int | None]]:
    """Where resources are kept undecoded: (path, holder, attribute, index)."""
    if isinstance(resource, DomainResource):
        for index in range(len(resource.contained)):
            yield f"{at}.contained[{index}]", resource, "contained", index
    elif type(resource).__name__ == "Bundle":
        for index, entry in enumerate(resource.entry):  # type: ignore[attr-defined]  # loaded only when needed
            if entry.resource is not None:
                yield f"{at}.entry[{index}].resource", entry, "resource", None
            if entry.response is not None and entry.response.outcome is not None:
                yield f"{at}.entry[{index}].response.outcome", entry.response, "outcome", None
    elif type(resource).__name__ == "Parameters":
        yield from _parameters(resource.parameter, f"{at}.parameter")  # type: ignore[attr-defined]  # as above


def _parameters(
    parameters: list[msgspec.Struct], at: str
) -> Iterator[tuple[str, msgspec.Struct, str, int | None]]:
    for index, parameter in enumerate(parameters):
        path = f"{at}[{index}]"
        if parameter.resource is not None:  # type: ignore[attr-defined]  # loaded only when needed
            yield f"{path}.resource", parameter, "resource", None
        yield from _parameters(getattr(parameter, "part", []), f"{path}.part")
