"""Filters of a value set on one concept. Source: FHIR R4, valueset-filter-operator; R5 adds child-of and leaf ops."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import re2

from yba.fhir.model import ucum
from yba.fhir.terminology.concept import Concept, value_of
from yba.fhir.terminology.failures import bad_filter
from yba.fhir.terminology.systems import System, url_of

Tree = Any
Test = Callable[[Concept], bool]
_ITSELF = ("concept", "code")
UCUM = "http://unitsofmeasure.org"
_FEW = 3


def tests_of(system: System, filters: list[Tree]) -> list[Test]:
    """One test a filter; a concept is selected when all hold. Raises Unsupported for a filter not understood."""
    return [_test(system, one) for one in filters]


def candidates(system: System, filters: list[Tree]) -> Iterable[Concept] | None:
    """The concepts to test: those of a branch where a filter names one, else all; None if not countable."""
    for one in filters:
        if one.get("property") not in _ITSELF:
            continue
        value = str(one.get("value", ""))
        match op_of(one):
            case "=":
                return _found(system, [value])
            case "in":
                return _found(system, _listed(value))
            case "is-a":
                return _found(system, [value, *system.descendants(value)])
            case "descendent-of" | "descendent-leaf":
                return _found(system, system.descendants(value))
            case "child-of":
                return _found(system, system.children(value))
            case "generalizes":
                return _found(system, [value, *system.ancestors(value)])
    return system.concepts()


def op_of(asked: Tree) -> str:
    """A filter's operator; one that only R5 has stands in an extension of the element."""
    for one in asked.get("_op", {}).get("extension", ()):
        code = one.get("valueCode", one.get("valueString"))
        if isinstance(code, str):
            return code
    return str(asked.get("op"))


def _found(system: System, codes: Iterable[str]) -> Iterable[Concept]:
    several = getattr(system, "several", None)  # a system in rows finds many at once
    if several is not None:
        found: Iterable[Concept] = several(list(codes))
        return found
    return (concept for concept in map(system.find, codes) if concept is not None)


def _under(system: System, value: str) -> Callable[[str], bool]:
    """Whether a code is below another: a few by looking up from them, many by looking down once."""
    asked = 0
    below: set[str] | None = None

    def test(code: str) -> bool:
        nonlocal asked, below
        asked += 1
        if asked <= _FEW:
            return value in system.ancestors(code)
        if below is None:
            below = set(system.descendants(value))
        return code in below

    return test


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(",")]


def _test(system: System, asked: Tree) -> Test:
    name, op, value = str(asked.get("property", "")), op_of(asked), asked.get("value")
    if not isinstance(value, str):
        raise bad_filter(url_of(system), f"{name} {op}", "it has no value")
    if name in _ITSELF or op in (
        "is-a",
        "descendent-of",
        "is-not-a",
        "generalizes",
        "child-of",
        "descendent-leaf",
    ):
        found = _on_code(system, name, str(op), value)
    else:
        found = _on_property(system, name, str(op), value)
    if found is None:
        raise bad_filter(url_of(system), f"{name} {op} {value}", "no such property or operator here")
    return found


def _on_code(system: System, name: str, op: str, value: str) -> Test | None:
    if name not in (*_ITSELF, system.names.parent):
        return None
    under = _under(system, value)
    match op:
        case "=":
            return lambda concept: concept.code == value
        case "is-a":
            return lambda concept: concept.code == value or under(concept.code)
        case "descendent-of":
            return lambda concept: under(concept.code)
        case "is-not-a":
            return lambda concept: concept.code != value and not under(concept.code)
        case "generalizes":
            above = {value, *system.ancestors(value)}
            return lambda concept: concept.code in above
        case "child-of":
            below = set(system.children(value))
            return lambda concept: concept.code in below
        case "descendent-leaf":
            return lambda concept: under(concept.code) and not system.children(concept.code)
        case "in" | "not-in":
            wanted = set(_listed(value))
            return lambda concept: (concept.code in wanted) == (op == "in")
        case "regex":
            return _by_pattern(system, value, lambda concept: (concept.code,))
        case "exists":
            return lambda concept: value == "true"
    return None


def _on_property(system: System, name: str, op: str, value: str) -> Test | None:
    read = _reader(system, name)
    if read is None:
        return None
    match op:
        case "=" if url_of(system) == UCUM:
            return lambda concept: ucum.comparable(concept.code, value)
        case "=":
            return lambda concept: value in read(concept)
        case "in" | "not-in":
            wanted = set(_listed(value))
            return lambda concept: bool(wanted.intersection(read(concept))) == (op == "in")
        case "exists":
            return lambda concept: bool(tuple(read(concept))) == (value == "true")
        case "regex":
            return _by_pattern(system, value, read)
    return None


def _reader(system: System, name: str) -> Callable[[Concept], Iterable[str]] | None:
    """How the values of a property are read off a concept, or None if the system has no such property."""
    names = system.names
    if name == "display":
        return lambda concept: (concept.display,) if concept.display else ()
    if name == "definition":
        return lambda concept: (concept.definition,) if concept.definition else ()
    if name == "designation":
        return lambda concept: tuple(str(one.get("value", "")) for one in concept.designations)
    if name == names.parent:
        return lambda concept: concept.parents
    if name == names.child:
        return lambda concept: system.children(concept.code)
    if name == names.inactive:
        return lambda concept: ("true" if concept.inactive else "false",)
    if name == names.not_selectable:
        return lambda concept: ("true" if concept.abstract else "false",)
    declared = {one.get("code") for one in system.head.get("property", ())}
    declared |= {one.get("code") for one in system.head.get("filter", ())}
    if name not in declared and name != names.status:
        return None
    return lambda concept: tuple(_text(one) for one in concept.properties if one.get("code") == name)


def _text(part: Tree) -> str:
    """A property's value as a filter writes it: a Coding by its code."""
    value = value_of(part)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return str(value.get("code", ""))
    return str(value)


@lru_cache(maxsize=256)
def _pattern(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(text, options)


def _by_pattern(system: System, text: str, read: Callable[[Concept], Iterable[str]]) -> Test:
    """The whole value must match. RE2 takes time in proportion to the text, whatever the pattern."""
    try:
        pattern = _pattern(text)
    except re2.error:
        raise bad_filter(url_of(system), f"regex {text[:100]}", "it is no regular expression") from None
    return lambda concept: any(pattern.fullmatch(value) is not None for value in read(concept))
