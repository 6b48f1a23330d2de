"""Masks: elements that are taken out of every answer to a role, and what may then no longer be asked by.

A masked resource carries the tag SUBSETTED, whether or not the element was there, so that it is never written back.
Source: FHIR R4, search.html#summary; valueset-observation-value (SUBSETTED).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import msgspec

from yba.fhir.search.parameters import TEXT_CODES, builtin
from yba.fhir.store.rows import Stored

_TAG = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
_Tree = dict[str, msgspec.Raw]
_tree = msgspec.json.Decoder(_Tree)
_list = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode
_ID = re.compile(rb'"id":"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Mask:
    """``elements``: names that are taken out; ``codes``: search parameters that would tell of them."""

    type: str
    elements: frozenset[str]
    keys: frozenset[str]
    codes: frozenset[str]

    def applied(self, content: bytes) -> bytes:
        """The resource without the elements: and without its narrative, which repeats them."""
        tree = {name: value for name, value in _tree.decode(content).items() if name not in self.keys}
        meta = _tree.decode(tree["meta"]) if "meta" in tree else {}
        tags = msgspec.json.decode(meta["tag"]) if "tag" in meta else []
        meta["tag"] = msgspec.Raw(_encode([*tags, _TAG]))
        made = {"resourceType": tree.pop("resourceType"), **tree, "meta": msgspec.Raw(_encode(meta))}
        if "contained" in made:
            _prune(made)
        return _encode(made)

    def stored(self, one: Stored) -> Stored:
        """A version with its content masked."""
        if one.content is None:
            return one
        return msgspec.structs.replace(one, content=self.applied(one.content))


def _prune(made: dict[str, msgspec.Raw]) -> None:
    """Contained resources stay as far as what is left points to them."""
    held = _list.decode(made.pop("contained"))
    rest = _encode(made)
    kept = []
    for one in held:
        found = _ID.search(bytes(one))
        if found is not None and b'"#' + found[1] + b'"' in rest:
            kept.append(one)
    if kept:
        made["contained"] = msgspec.Raw(_encode(kept))


@cache
def mask_of(type_name: str, elements: frozenset[str]) -> Mask:
    """The mask of a type's elements, with the search parameters that read them."""
    return Mask(type_name, elements, frozenset(_keys(type_name, elements)), _codes(type_name, elements))


def _keys(type_name: str, elements: frozenset[str]) -> list[str]:
    from yba.fhir.model.codec import resource_class

    names = [one.rstrip("_") for one in resource_class(type_name).__struct_fields__]
    found = [one for one in names if one in elements]
    return [*found, *(f"_{one}" for one in found), "text", "_text"]


def _codes(type_name: str, elements: frozenset[str]) -> frozenset[str]:
    known: Mapping[str, object] = builtin(type_name)
    touched = re.compile(rf"\b{type_name}\.({'|'.join(sorted(elements))})\b")
    inner = re.compile(rf"^({'|'.join(sorted(elements))})\b")
    found = set(TEXT_CODES)
    for code in known:
        parameter = builtin(type_name)[code]
        if touched.search(parameter.expression) or any(
            inner.search(one.expression.removeprefix(f"{type_name}.")) for one in parameter.components
        ):
            found.add(code)
    return frozenset(found)
