"""Decimals as they were written: ``1E2`` stays ``1E2`` and ``-0`` stays ``-0``, wherever the value goes.

The precision of a decimal is part of its meaning (FHIR R4, datatypes.html#decimal), and Python's Decimal keeps it; how
an exponent was written it does not keep. What is spelled otherwise than Python would is rare, and is held by a
Decimal that remembers.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import cache
from typing import Any, Self

import msgspec

from yba.fhir.model.shapes import elements

_OWN = re.compile(rb"[0-9]E[+-][0-9]")
_SENT = re.compile(rb":\s*(?:-?[0-9.]+[eE]|-0[\s,}])")


class Spelled(Decimal):
    """A decimal with its spelling. What is reckoned with it is a plain Decimal again."""

    spelling: str

    def __new__(cls, spelling: str) -> Self:
        made = super().__new__(cls, spelling)
        made.spelling = spelling
        return made

    def __str__(self) -> str:
        return self.spelling

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (self.spelling,)


def read(text: str) -> Decimal:
    """The decimal of a JSON number, with its spelling where that is its own."""
    plain = Decimal(text)
    return plain if str(plain) == text else Spelled(text)


def encoded(value: Any) -> msgspec.Raw:
    """A spelled decimal as JSON: the hook of an encoder."""
    if isinstance(value, Spelled):
        return msgspec.Raw(value.spelling.encode())
    raise NotImplementedError(f"a resource holds no {type(value).__name__}")


def may_differ(data: bytes, written: bytes) -> bool:
    """Whether a number of a JSON text may be spelled otherwise in what was read of it and written again."""
    if (b"E-" in written or b"E+" in written) and _OWN.search(written):
        return True
    counts_differ = any(data.count(letter) != written.count(letter) for letter in (b"e", b"E", b"-"))
    return counts_differ and _SENT.search(data) is not None


class _Number(str):
    """A number as it was written."""


def keep(resource: msgspec.Struct, data: bytes) -> None:
    """Give the decimals of a resource the spelling they have in its JSON, which is well-formed and fits it."""
    _keep(resource, json.loads(data, parse_int=_Number, parse_float=_Number))


def _keep(held: msgspec.Struct, said: Any) -> None:
    known = _names(type(held))
    for name, value in said.items():
        if name not in known:
            continue
        attribute, kind = known[name]
        if kind == "decimal":
            if isinstance(value, _Number):
                setattr(held, attribute, read(value))
        elif isinstance(value, dict):
            _keep(getattr(held, attribute), value)
        elif isinstance(value, list):
            for one, inner in zip(getattr(held, attribute), value, strict=True):
                if isinstance(inner, dict):
                    _keep(one, inner)


@cache
def _names(kind: type[msgspec.Struct]) -> dict[str, tuple[str, str]]:
    """Elements that are decimals or may hold some, by JSON name: what they are called in Python, and their kind."""
    attributes = {field.encode_name: field.name for field in msgspec.structs.fields(kind)}
    return {
        name: (attributes[name], one.kind)
        for name, one in elements(kind).items()
        if one.kind == "decimal" or one.struct is not None
    }
