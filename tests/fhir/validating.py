"""Profiles made by hand, as differentials, and what they find."""

from __future__ import annotations

from typing import Any

from yba.fhir.model.structures import CORE
from yba.fhir.terminology import Terminology
from yba.fhir.validation import Definitions, validate

Tree = Any
URL = "http://example.org/StructureDefinition/"
TERMINOLOGY = Terminology()


def element(identifier: str, **said: Any) -> Tree:
    """An element of a differential by its id: path and slice name are in it."""
    path = ".".join(step.partition(":")[0] for step in identifier.split("."))
    name = identifier.rpartition(".")[2].partition(":")[2]
    return {"id": identifier, "path": path, **({"sliceName": name} if name else {}), **said}


def slicing(kind: str, path: str, rules: str = "open", *, ordered: bool = False) -> Tree:
    return {"discriminator": [{"type": kind, "path": path}], "rules": rules, "ordered": ordered}


def profile(name: str, kind: str, *elements: Tree, base: str | None = None, **said: Any) -> Tree:
    return {
        "resourceType": "StructureDefinition", "url": URL + name, "name": name, "status": "draft",
        "kind": "complex-type" if kind[0].islower() or kind in ("Extension", "Quantity") else "resource",
        "abstract": False, "type": kind, "baseDefinition": base or CORE + kind, "derivation": "constraint",
        "differential": {"element": list(elements)}, **said,
    }  # fmt: skip


def faults(tree: Tree, *given: Tree, by: str | None = None) -> list[tuple[str, str]]:
    """Paths and keys of the errors against the first profile given (or ``by``), without what every test has."""
    issues = validate(
        tree, profiles=[by or given[0]["url"]] if given else [], structures=Definitions(given),
        terminology=TERMINOLOGY,
    )  # fmt: skip
    return [(one.path, one.key.removeprefix("validation.")) for one in issues if one.is_fault]


def patient(**said: Any) -> Tree:
    return {"resourceType": "Patient", **said}


def observation(**said: Any) -> Tree:
    return {
        "resourceType": "Observation", "status": "final", "code": {"text": "something"}, **said,
    }  # fmt: skip
