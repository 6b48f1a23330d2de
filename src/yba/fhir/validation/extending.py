"""Extensions: known ones by their definition, where they may stand, and what the unknown ones must still keep.

FHIR R4, extensibility.html and defining-extensions.html#context.
"""

from __future__ import annotations

import re
from typing import Any

from yba.fhir.errors import RecordError
from yba.fhir.model import fhirpath
from yba.fhir.model.structures import structure
from yba.fhir.validation import profiled
from yba.fhir.validation.definitions import Profile
from yba.fhir.validation.plan import Property
from yba.fhir.validation.state import Scope, State

Tree = Any

# Where FHIR R4's own definitions use extensions outside the context they were published with.
_WIDER = {
    "http://hl7.org/fhir/StructureDefinition/regex": "ElementDefinition.type",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type": "ElementDefinition.type",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-normative-version": "Element",
}
_CORE = "http://hl7.org/fhir/StructureDefinition/"
_EXAMPLE = re.compile(r"https?://([^/?#]*\.)?example(\.(com|net|org))?(:[0-9]+)?(/|$)")
_INDEX = re.compile(r"\[[0-9]+\]")
_CAST = re.compile(r"\.ofType\(([A-Za-z0-9]+)\)")


def check(state: State, known: Property, value: Tree, at: str, scope: Scope) -> None:
    """The rules of one extension."""
    _one_or_other(state, value, at)
    url = value.get("url")
    if not isinstance(url, str) or not url.strip():
        return
    inside = _is_nested(at)
    if ":" not in url:
        if not inside:
            state.error("value", f"{at}.url", "extension.url", f"'{url[:80]}' must be an absolute URL.")
        return
    try:
        profile = state.definitions.profile(url)
    except RecordError as error:
        state.add("warning", "not-supported", at, "extension.definition", f"{at}: {error.message}")
        return
    modifier = known.element.name == "modifierExtension"
    if profile is None:
        _not_known(state, url, modifier, at)
        return
    if profile.structure.type != "Extension":
        state.error(
            "structure",
            f"{at}.url",
            "extension.not-one",
            f"'{url}' is no extension but a {profile.structure.type}.",
        )
        return
    if modifier != profile.structure.root.is_modifier:
        right = "modifierExtension" if profile.structure.root.is_modifier else "extension"
        state.error(
            "structure", at, "extension.modifier", f"must be given as {right}: that is how {url} is defined."
        )
    if profile.contexts and not _fits(state, profile, at, scope):
        places = ", ".join(expression for _, expression in profile.contexts)
        state.error("structure", at, "extension.context", f"may not stand here: {url} belongs to {places}.")
    profiled.conform(state, value, "Extension", profile, at, scope)


def _one_or_other(state: State, value: Tree, at: str) -> None:
    """ext-1: a value or extensions, not both."""
    has_value = any(name.lstrip("_").startswith("value") for name in value)
    if has_value == ("extension" in value):
        what = "both a value and extensions" if has_value else "neither a value nor extensions"
        state.error("invariant", at, "invariant.ext-1", f"breaks ext-1: it has {what}.")


def _not_known(state: State, url: str, modifier: bool, at: str) -> None:
    if url.startswith(_CORE):
        state.error("extension", at, "extension.not-core", f"{url[:150]} is no extension of FHIR R4's own.")
    elif modifier and not _is_example(url):
        state.error(
            "extension", at, "extension.unknown-modifier",
            f"{url[:150]} is not known here and changes the meaning of what it stands in; who does not know it "
            "must not use that.",
        )  # fmt: skip
    else:
        state.add(
            "warning" if modifier else "information", "extension", at, "extension.unknown",
            f"{at}: {url[:150]} is not known here; only its form was judged.",
        )  # fmt: skip


def _is_example(url: str) -> bool:
    """Whether a name is one of those kept for examples, which nobody can know (RFC 2606)."""
    return _EXAMPLE.match(url) is not None


def _is_nested(at: str) -> bool:
    parent = at.rpartition(".")[0].rpartition(".")[2]
    return _INDEX.sub("", parent) in ("extension", "modifierExtension")


def _fits(state: State, profile: Profile, at: str, scope: Scope) -> bool:
    places = _places(at, scope)
    if _WIDER.get(profile.url) in places:
        return True
    for kind, expression in profile.contexts:
        if kind == "element" and expression.removesuffix("[x]").replace("[x].", ".") in places:
            return True
        if kind == "extension" and _is_nested(at):
            return True
        if kind == "fhirpath" and _in_fhirpath(state, expression, scope):
            return True
    return False


def _in_fhirpath(state: State, expression: str, scope: Scope) -> bool:
    try:
        return bool(
            fhirpath.compile(expression).evaluate(scope.tree, budget=state.budget)
        ) or expression in _places("", scope)
    except RecordError:
        return True  # whether it fits cannot be told


def _places(at: str, scope: Scope) -> set[str]:
    """What a context may call the element an extension stands in: paths from each type on the way, and types."""
    inner = _CAST.sub(r":\1", _INDEX.sub("", scope.below(at.rpartition(".")[0]))) if at else scope.kind
    typed = [step.partition(":") for step in inner.split(".")]
    steps = [name for name, _, _ in typed]
    found = {"Element", ".".join(steps)} | ({"Resource", "DomainResource"} if len(steps) == 1 else set())
    if "extension" in steps[1:] or "modifierExtension" in steps[1:]:
        found.add("Extension")
    place = steps[0]
    for number, (name, _, cast) in enumerate(typed[1:], 1):
        place, own = _step(place, name, cast)
        if own is None:
            return found
        found |= {".".join([one, *steps[number + 1 :]]) for one in own}
    return found


def _step(place: str, name: str, cast: str) -> tuple[str, list[str] | None]:
    """Where a step leads, and what that is called: its path, its types and what they are built on."""
    known = structure(place.partition(".")[0])
    element = next((one for one in known.children(place) if one.name == name), None) if known else None
    if element is None:
        return place, None
    path = element.path.removesuffix("[x]")
    if element.content_reference is not None:
        origin = element.content_reference.rpartition("#")[2]
        return origin, [path, origin]
    codes = [cast] if cast else [kind.code for kind in element.types]
    names = [path, *codes]
    for code in codes:
        parent = structure(code)
        while parent is not None and parent.base:
            names.append(parent.base.rpartition("/")[2])
            parent = structure(parent.base)
    if codes and codes[0] in ("BackboneElement", "Element"):
        return element.path, names
    return (codes[0] if len(codes) == 1 else element.path), names
