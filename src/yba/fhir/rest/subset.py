"""A part of a resource: ``_summary`` and ``_elements``. FHIR R4, search.html#summary and #elements.

What is mandatory and what changes the meaning of the rest (modifiers) is always there, and the tag SUBSETTED says that
something may be missing, so that nobody stores a part as the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from yba.fhir.errors import Invalid
from yba.fhir.model import tree
from yba.fhir.model.structures import Element, below, structure

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
SUMMARIES = frozenset({"true", "false", "text", "data", "count"})
_ALWAYS = frozenset({"resourceType", "id", "meta", "implicitRules"})
_members: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode


def asked(
    params: Iterable[tuple[str, str]], *, counts: bool = False
) -> tuple[Sequence[str] | None, str | None]:
    """``elements`` and ``summary`` for ``subset``, out of the parameters of a request. Raises Invalid.

    With ``counts`` the summary may be ``count``, which is the caller's to answer.
    """
    elements: list[str] | None = None
    summary: str | None = None
    for name, value in params:
        if name == "_elements" and value.strip():
            elements = [*(elements or ()), *(one.strip() for one in value.split(",") if one.strip())]
        elif name == "_summary" and value:
            if value not in SUMMARIES or (value == "count" and not counts):
                raise Invalid(
                    "rest.summary",
                    f"'_summary' is true, text, data{', count' if counts else ''} or false, not '{value[:50]}'.",
                )
            summary = None if value == "false" else value
    if elements is not None and summary not in (None, "count"):
        raise Invalid("rest.summary", "Ask for '_elements' or for '_summary', not for both.")
    return elements, summary


def subset(type_name: str, data: bytes, *, elements: Sequence[str] | None, summary: str | None) -> bytes:
    """The part of a resource that was asked for, as JSON; the whole when nothing was."""
    if elements is not None:
        names = frozenset(_element_name(type_name, one) for one in elements)
        return _parted(data, _always(type_name) | _resolved(type_name, names))
    if summary == "text":
        return _parted(data, _mandatory(type_name) | {"text"})
    if summary == "data":
        return _parted(data, None)
    if summary == "true":
        return _summary(type_name, data)
    return data


def _parted(data: bytes, kept: frozenset[str] | None) -> bytes:
    """The members whose names are kept, or with None all but the narrative; the bytes of each as they are."""
    members = _members.decode(data)
    found = {
        name: raw
        for name, raw in members.items()
        if name in _ALWAYS or (name != "text" if kept is None else name.lstrip("_") in kept)
    }
    found["meta"] = msgspec.Raw(
        tree.dump(_tagged(tree.parse(bytes(members["meta"])) if "meta" in members else {}))
    )
    return _encode(found)


def _summary(type_name: str, data: bytes) -> bytes:
    whole = tree.parse(data)
    found = {"resourceType": type_name, **_filtered(whole, type_name, top=True)}
    if "meta" not in found:
        found = {
            **{name: found[name] for name in ("resourceType", "id") if name in found}, "meta": {}, **found,
        }  # fmt: skip
    found["meta"] = _tagged(whole.get("meta") or {})
    return tree.dump(found)


def _tagged(meta: dict[str, Any]) -> dict[str, Any]:
    tags = meta.get("tag") or []
    if any(one.get("code") == "SUBSETTED" and one.get("system") == SUBSETTED["system"] for one in tags):
        return meta
    return {**meta, "tag": [*tags, SUBSETTED]}


def _filtered(value: dict[str, Any], where: str, *, top: bool = False) -> dict[str, Any]:
    """The members of an object that belong to the summary, each filtered in its turn."""
    found: dict[str, Any] = {}
    known = _properties(where)
    for name, inner in value.items():
        if top and name in _ALWAYS:
            found[name] = inner
            continue
        element, code = known.get(name.lstrip("_"), (None, ""))
        if element is None or not _in_summary(element):
            continue
        part = inner if name[0] == "_" else _inner(inner, below(where, element, code))
        if part not in ({}, []):
            found[name] = part
    return found


def _inner(value: Any, where: str) -> Any:
    if isinstance(value, dict):
        if "resourceType" in value:  # a resource inside another stays whole
            return value
        return _filtered(value, where)
    if isinstance(value, list):
        return [part for one in value if (part := _inner(one, where)) != {}]
    return value


def _in_summary(element: Element) -> bool:
    return element.is_summary or element.min > 0 or element.is_modifier or element.name == "id"


@lru_cache(maxsize=2048)
def _properties(where: str) -> dict[str, tuple[Element, str]]:
    known = structure(where.partition(".")[0])
    return dict(known.properties(where)) if known is not None else {}


@lru_cache(maxsize=256)
def _mandatory(type_name: str) -> frozenset[str]:
    return frozenset(name for name, (element, _) in _properties(type_name).items() if element.min > 0)


@lru_cache(maxsize=256)
def _always(type_name: str) -> frozenset[str]:
    """What is mandatory, and what changes the meaning of the rest."""
    known = _properties(type_name)
    return frozenset(name for name, (element, _) in known.items() if element.min > 0 or element.is_modifier)


def _element_name(type_name: str, asked: str) -> str:
    """``name`` for ``Patient.name``, ``name`` and ``name.family``: parts are given with the whole they are of."""
    asked = asked.removeprefix(type_name + ".")
    return asked.partition(".")[0].removesuffix("[x]")


def _resolved(type_name: str, names: frozenset[str]) -> frozenset[str]:
    """JSON names of elements: a choice by its own name means all its types."""
    known = _properties(type_name)
    return names | {name for name, (element, _) in known.items() if element.name in names}
