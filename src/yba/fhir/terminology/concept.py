"""One concept of a code system, whatever the system is kept in. Source: FHIR R4, codesystem.html#concept."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from yba.fhir.model.fold import fold

Tree = Any
CONCEPT_PROPERTIES = "http://hl7.org/fhir/concept-properties#"
STANDARDS_STATUS = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"
_WITHIN = re.compile(r"[-(/\[,;:]+")
_INACTIVE_STATES = frozenset({"inactive", "retired", "deprecated", "withdrawn"})


@dataclass(frozen=True, slots=True)
class Concept:
    """A code with what is said of it; ``status`` and the two flags are read from its properties."""

    code: str
    display: str | None = None
    definition: str | None = None
    designations: tuple[Tree, ...] = ()  # as in CodeSystem; one of a supplement names it under "source"
    properties: tuple[Tree, ...] = ()
    extensions: tuple[Tree, ...] = ()
    parents: tuple[str, ...] = ()
    inactive: bool = False
    abstract: bool = False
    status: str | None = None


@dataclass(frozen=True, slots=True)
class PropertyNames:
    """What a code system calls the properties FHIR defines; each is known by its URI, else by its usual code."""

    inactive: str = "inactive"
    not_selectable: str = "notSelectable"
    status: str = "status"
    parent: str = "parent"
    child: str = "child"


def property_names(declared: list[Tree]) -> PropertyNames:
    """The names a CodeSystem.property list gives. Source: FHIR R4, codesystem.html#defined-props."""
    by_uri = {one["uri"]: one["code"] for one in declared if "uri" in one and "code" in one}

    def name(code: str) -> str:
        return str(by_uri.get(CONCEPT_PROPERTIES + code, code))

    return PropertyNames(
        name("inactive"), name("notSelectable"), name("status"), name("parent"), name("child")
    )


def value_of(part: Tree) -> Any:
    """The value of a property or parameter, whatever its type; None where there is none."""
    return next((value for key, value in part.items() if key.startswith("value")), None)


def concept_of(tree: Tree, names: PropertyNames, above: tuple[str, ...] = ()) -> Concept:
    """The concept a CodeSystem.concept describes; ``above`` is the concept it stands under."""
    properties = tuple(tree.get("property", ()))
    extensions = tuple(tree.get("extension", ()))
    values = {one.get("code"): value_of(one) for one in properties}
    own = (str(value_of(one)) for one in properties if one.get("code") == names.parent)
    parents = above + tuple(code for code in own if code not in above)
    status = values.get(names.status)
    inactive = values.get(names.inactive)
    hidden = values.get(names.not_selectable)
    if hidden is None and names.not_selectable != "abstract":
        hidden = values.get("abstract")
    standing = next((value_of(one) for one in extensions if one.get("url") == STANDARDS_STATUS), None)
    return Concept(
        code=tree["code"],
        display=tree.get("display"),
        definition=tree.get("definition"),
        designations=tuple(tree.get("designation", ())),
        properties=properties,
        extensions=extensions,
        parents=parents,
        inactive=_is_true(inactive)
        if inactive is not None
        else (status in _INACTIVE_STATES or standing == "withdrawn"),
        abstract=_is_true(hidden),
        status=status if isinstance(status, str) else standing,
    )


def _is_true(value: object) -> bool:
    return value is True or value == "true"


def merged(concept: Concept, extra: Concept, source: str) -> Concept:
    """The concept with what a supplement adds to it. Source: FHIR R4, codesystem.html#supplements."""
    return replace(
        concept,
        designations=concept.designations + tuple({**one, "source": source} for one in extra.designations),
        properties=concept.properties + extra.properties,
        extensions=extra.extensions
        + tuple(
            one
            for one in concept.extensions
            if one.get("url") not in {other.get("url") for other in extra.extensions}
        ),
    )


def spoken(concept: Concept, said: Tree | None = None) -> str:
    """All words a reader may look for a concept by, folded, each after a blank: code, display, designations.

    A word within a compound is found too: ``type-2`` by ``type`` and by ``2``.
    """
    texts = [concept.code, concept.display or ""]
    texts += [str(one.get("value", "")) for one in concept.designations]
    if said is not None:
        texts += [
            said.get("display", ""),
            *(str(one.get("value", "")) for one in said.get("designation", ())),
        ]
    joined = " ".join(fold(text) for text in texts if text)
    parted = _WITHIN.sub(" ", joined)
    return f" {joined}" if parted == joined else f" {joined} {parted}"
