"""What FHIR adds to FHIRPath (FHIR R4, fhirpath.html#functions)."""

from __future__ import annotations

from typing import Any

from yba.fhir.model.fhirpath.functions.function import Function
from yba.fhir.model.fhirpath.functions.narrative import is_narrative
from yba.fhir.model.fhirpath.node import Node, ancestors, root
from yba.fhir.model.fhirpath.run import Run
from yba.fhir.model.fhirpath.values import Items, atom, fault, single, string
from yba.fhir.model.structures import structure


def _extension(run: Run, items: Items, url: Items) -> Items:
    wanted = string(url, "extension()")
    found: Items = []
    for item in items:
        if type(item) is Node:
            item.child("extension", found)
    return [one for one in found if isinstance(one.value, dict) and one.value.get("url") == wanted]


def _has_value(run: Run, items: Items) -> Items:
    return [len(items) == 1 and _has(items[0])]


def _has(item: Any) -> bool:
    return type(item) is not Node or (item.value is not None and not isinstance(item.value, dict))


def _get_value(run: Run, items: Items) -> Items:
    return [atom(items[0])] if len(items) == 1 and _has(items[0]) else []


# -- references ----------------------------------------------------------------------------------------------


def _resolve(run: Run, items: Items) -> Items:
    found = []
    for item in items:
        target = _reference_of(item)
        resolved = _resolved(run, item, target) if target else None
        if resolved is not None:
            found.append(resolved)
    return found


def _reference_of(item: Any) -> str | None:
    value = item.value if type(item) is Node else item
    if isinstance(value, dict):
        value = value.get("reference")
    return value if isinstance(value, str) else None


def _resolved(run: Run, item: Any, target: str) -> Node | None:
    around: list[Node] = [
        *_resources_around(item),
        *run.environment["resource"],
        *run.environment["rootResource"],
    ]
    if target.startswith("#"):
        for resource in around:
            if target == "#" and resource.key != "contained":
                return resource
            held = _contained(resource, target[1:])
            if held is not None:
                return held
        return None
    for resource in around:
        entry = _in_bundle(run, resource, target) if resource.kind == "Bundle" else None
        if entry is not None:
            return entry
    tree = run.resolve(target) if run.resolve is not None else None
    if isinstance(tree, Node):
        return tree
    return root(tree) if isinstance(tree, dict) else None


def _resources_around(item: Any) -> list[Node]:
    found = []
    node = item if type(item) is Node else None
    while node is not None:
        if isinstance(node.value, dict) and "resourceType" in node.value:
            found.append(node)
        node = node.holder
    return found


def _contained(resource: Node, wanted: str) -> Node | None:
    found: Items = []
    resource.child("contained", found)
    for one in found:
        if isinstance(one, Node) and isinstance(one.value, dict) and one.value.get("id") == wanted:
            return one
    return None


def _in_bundle(run: Run, bundle: Node, target: str) -> Node | None:
    kept = run.entries.get(id(bundle.value))
    if kept is None or kept[0] is not bundle.value:
        kept = run.entries[id(bundle.value)] = (bundle.value, _entries(bundle))
    plain = target.partition("/_history/")[0]
    entry = kept[1].get(target) or kept[1].get(plain)
    if entry is None:
        return None
    found: list[Node] = []
    entry.child("resource", found)
    return found[0] if found else None


def _entries(bundle: Node) -> dict[str, Node]:
    """The entries of a bundle by their ``fullUrl``, and by its ``Type/id`` where it is an address."""
    entries: Items = []
    bundle.child("entry", entries)
    known: dict[str, Node] = {}
    for entry in entries:
        url = entry.value.get("fullUrl") if isinstance(entry.value, dict) else None
        if isinstance(url, str):
            known.setdefault(url, entry)
            if "://" in url:
                known.setdefault("/".join(url.rsplit("/", 2)[1:]), entry)
    return known


# -- profiles and codes --------------------------------------------------------------------------------------


def _conforms_to(run: Run, items: Items, profile: Items) -> Items:
    url, item = string(profile, "conformsTo()"), single(items, "conformsTo()")
    if url is None or item is None:
        return []
    known = structure(url) if url.startswith("http://hl7.org/fhir/StructureDefinition/") else None
    if known is not None:
        return [type(items[0]) is Node and known.type in ancestors(items[0].kind)]
    return _conforms_to_profile(run, items[0], url)


def _conforms_to_profile(run: Run, item: Any, url: str) -> Items:
    result = run.conforms(item, url) if run.conforms is not None else None
    if result is None:
        raise fault(f"the profile {url[:200]} is not known.", "fhirpath.unknown-profile")
    return [result]


def _codes(item: Any) -> list[tuple[str | None, str]]:
    """The codes of a code, Coding, CodeableConcept or Quantity, each with its system."""
    value = item.value if type(item) is Node else item
    if isinstance(value, str):
        return [(None, value)]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("coding"), list):
        return [pair for coding in value["coding"] for pair in _codes(coding)]
    code = value.get("code")
    return [(value.get("system"), code)] if isinstance(code, str) else []


def _member_of(run: Run, items: Items, value_set: Items) -> Items:
    url, item = string(value_set, "memberOf()"), single(items, "memberOf()")
    if url is None or item is None or run.terminology is None:
        return []
    answers = [run.terminology.member(url, system, code) for system, code in _codes(items[0])]
    if any(answers):
        return [True]
    return [] if None in answers or not answers else [False]


def _subsumes(run: Run, items: Items, other: Items) -> Items:
    return _related(run, items, other, "subsumes")


def _subsumed_by(run: Run, items: Items, other: Items) -> Items:
    return _related(run, items, other, "subsumed-by")


def _related(run: Run, items: Items, other: Items, wanted: str) -> Items:
    if len(items) != 1 or len(other) != 1 or run.terminology is None:
        return []
    known = False
    for system, code in _codes(items[0]):
        for other_system, other_code in _codes(other[0]):
            if system is None or other_system != system:
                continue
            answer = run.terminology.subsumes(system, code, other_code)
            if answer in ("equivalent", wanted):
                return [True]
            known = known or answer is not None
    return [False] if known else []


# -- checks --------------------------------------------------------------------------------------------------


def _html_checks(run: Run, items: Items) -> Items:
    return [all(is_narrative(str(atom(item))) for item in items)] if items else []


def _check_modifiers(run: Run, items: Items, *known: Items) -> Items:
    urls = {string(url, "checkModifiers()") for url in known}
    for item in items:
        found: Items = []
        if type(item) is Node:
            item.child("modifierExtension", found)
        for one in found:
            if isinstance(one.value, dict) and one.value.get("url") not in urls:
                raise fault("an element has a modifier extension that is not known.", "fhirpath.modifier")
    return items


def _nothing(run: Run, items: Items, *given: Items) -> Items:
    """slice() and elementDefinition() answer only where a profile is being looked at: here they know none."""
    return []


FUNCTIONS = {
    "extension": Function(_extension, 1, 1),
    "hasValue": Function(_has_value, returns="Boolean"),
    "getValue": Function(_get_value),
    "resolve": Function(_resolve),
    "conformsTo": Function(_conforms_to, 1, 1, returns="Boolean"),
    "memberOf": Function(_member_of, 1, 1, returns="Boolean"),
    "subsumes": Function(_subsumes, 1, 1, returns="Boolean"),
    "subsumedBy": Function(_subsumed_by, 1, 1, returns="Boolean"),
    "htmlChecks": Function(_html_checks, returns="Boolean"),
    "htmlChecks2": Function(_html_checks, returns="Boolean"),
    "checkModifiers": Function(_check_modifiers, 0, 50),
    "elementDefinition": Function(_nothing),
    "slice": Function(_nothing, 2, 2),
}
