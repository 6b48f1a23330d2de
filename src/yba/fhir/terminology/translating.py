"""A code in the words of another system. Source: FHIR R4, conceptmap-operation-translate.html and conceptmap.html."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from yba.fhir.terminology.library import Library, split
from yba.fhir.terminology.systems import canonical

Tree = Any
_REVERSED = {
    "wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes",
}  # fmt: skip
_NO_MATCH = frozenset({"unmatched", "disjoint"})
_DEPTH = 5


@dataclass(slots=True)
class Asked:
    """What is to be translated, by which maps, where to."""

    codings: list[Tree]
    maps: list[Tree] = field(default_factory=list)  # named or sent; none: all that fit
    source: str | None = None  # value set the code comes from
    target: str | None = None  # value set to translate to
    target_system: str | None = None
    dependencies: list[tuple[str, Tree]] = field(default_factory=list)  # element -> Coding
    reverse: bool = False


def translate(library: Library, asked: Asked) -> Tree:
    """The Parameters that answer: every match of every map."""
    matches: list[Tree] = []
    for concept_map in asked.maps or _fitting(library, asked):
        for coding in asked.codings:
            for match in _translated(library, concept_map, coding, asked, 0):
                if match not in matches:
                    matches.append(match)
    found = any(
        part["valueCode"] not in _NO_MATCH
        for match in matches
        for part in match["part"]
        if part["name"] == "equivalence"
    )
    rows: list[Tree] = [{"name": "result", "valueBoolean": found}]
    if not found:
        rows.append({"name": "message", "valueString": "No map here translates this code."})
    return {"resourceType": "Parameters", "parameter": rows + matches}


def _fitting(library: Library, asked: Asked) -> Iterator[Tree]:
    """The maps between the value sets and systems that were named; each canonical once."""
    seen: set[str] = set()
    for one in library.maps():
        source, target = _end(one, "source"), _end(one, "target")
        if asked.reverse:
            source, target = target, source
        if one.get("url") in seen or not _fits(asked.source, source) or not _fits(asked.target, target):
            continue
        seen.add(str(one.get("url")))
        yield one


def _end(concept_map: Tree, name: str) -> str | None:
    found = concept_map.get(f"{name}Canonical", concept_map.get(f"{name}Uri"))
    return None if found is None else str(found)


def _fits(wanted: str | None, there: str | None) -> bool:
    if wanted is None:
        return True
    return there is not None and (wanted == there or split(wanted)[0] == split(there)[0])


def _translated(
    library: Library, concept_map: Tree, coding: Tree, asked: Asked, depth: int
) -> Iterator[Tree]:
    system, code = coding.get("system"), coding.get("code")
    for group in concept_map.get("group", ()):
        from_, to = group.get("source"), group.get("target")
        if asked.reverse:
            from_, to = to, from_
        if (system is not None and from_ is not None and from_ != system) or (
            asked.target_system is not None and to != asked.target_system
        ):
            continue
        mapped = False
        for element, target in _pairs(group, str(code), reverse=asked.reverse):
            mapped = True
            if _depends_right(target, asked.dependencies):
                yield _match(library, concept_map, element, target, to, asked)
        if not mapped and not asked.reverse:
            yield from _unmapped(library, concept_map, group, coding, asked, depth)


def _pairs(group: Tree, code: str, *, reverse: bool) -> Iterator[tuple[Tree, Tree]]:
    """(source element, target) of each mapping of the code."""
    for element in group.get("element", ()):
        if not reverse and element.get("code") != code:
            continue
        targets = element.get("target", ())
        if not reverse and not targets:
            yield element, {"equivalence": "unmatched"}
        for target in targets:
            if not reverse or target.get("code") == code:
                yield element, target


def _depends_right(target: Tree, dependencies: list[tuple[str, Tree]]) -> bool:
    """Whether what a mapping depends on was said so. What was not said does not hold."""
    for need in target.get("dependsOn", ()):
        said = [concept for element, concept in dependencies if element == need.get("property")]
        if not any(
            one.get("code") == need.get("value") and need.get("system") in (None, one.get("system"))
            for one in said
        ):
            return False
    return True


def _match(
    library: Library, concept_map: Tree, element: Tree, target: Tree, system: str | None, asked: Asked
) -> Tree:
    equivalence = target.get("equivalence", "equivalent")
    given = element if asked.reverse else target
    if asked.reverse:
        equivalence = _REVERSED.get(equivalence, equivalence)
    parts: list[Tree] = [{"name": "equivalence", "valueCode": equivalence}]
    if given.get("code"):
        parts.append({"name": "concept", "valueCoding": _coding(library, system, given)})
    if not asked.reverse:
        for product in target.get("product", ()):
            concept = {
                key: product[name]
                for key, name in (("system", "system"), ("code", "value"), ("display", "display"))
                if name in product
            }
            parts.append(
                {
                    "name": "product",
                    "part": [
                        {"name": "element", "valueUri": product.get("property", "")},
                        {"name": "concept", "valueCoding": concept},
                    ],
                }
            )
    if concept_map.get("url"):
        parts.append({"name": "source", "valueUri": canonical(concept_map)})
    return {"name": "match", "part": parts}


def _coding(library: Library, system: str | None, given: Tree) -> Tree:
    coding = {"system": system} if system else {}
    coding["code"] = given["code"]
    display = given.get("display")
    if display is None and system:
        found = library.system(system)
        known = found.find(given["code"]) if found is not None else None
        display = known.display if known is not None else None
    return coding | ({"display": display} if display else {})


def _unmapped(
    library: Library, concept_map: Tree, group: Tree, coding: Tree, asked: Asked, depth: int
) -> Iterable[Tree]:
    """What the map says of codes it does not list: the same code, a fixed one, or another map."""
    rule = group.get("unmapped")
    if rule is None or (coding.get("system") is None and group.get("source") is not None):
        return []
    match rule.get("mode"):
        case "provided":
            target = {"code": coding.get("code"), "equivalence": "equal"}
            return [_match(library, concept_map, {}, target, group.get("target"), asked)]
        case "fixed":
            target = {"code": rule.get("code"), "display": rule.get("display"), "equivalence": "inexact"}
            return [_match(library, concept_map, {}, target, group.get("target"), asked)]
        case "other-map" if depth < _DEPTH:
            other = library.resource("ConceptMap", *split(str(rule.get("url", ""))))
            return [] if other is None else list(_translated(library, other, coding, asked, depth + 1))
    return []
