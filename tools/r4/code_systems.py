"""The code systems of plain codes: `Patient.gender` holds `male`, and its required value set says of which system.

FHIR R4, search.html#token: for a code element the namespace is the system of its value set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.r4.definitions import Definitions, Json

_CAST = re.compile(r"\(\s*([\w.]+)\s+as\s+(\w+)\s*\)")


def implied_systems(base: str, expressions: list[str], definitions: Definitions) -> list[str]:
    """The systems of the code elements that a token parameter's branches end at, sorted."""
    found: set[str] = set()
    if base not in definitions.structures:
        return []
    for expression in expressions:
        plain = _CAST.sub(r"\1.as(\2)", expression).strip("() ")
        steps = re.sub(r"\.(where|as|ofType)\([^)]*\)+|\[0\]", "", plain).split(".")
        if steps[0] == base:
            for element in _reached(base, steps[1:], definitions):
                if [kind["code"] for kind in element.get("type", ())] == ["code"] and "binding" in element:
                    found.update(_systems(element["binding"].get("valueSet", ""), definitions))
    return sorted(found)


def _reached(base: str, steps: list[str], definitions: Definitions) -> Iterator[Json]:
    path = base
    for at, step in enumerate(steps):
        path = f"{path}.{step}"
        element = _element(definitions.structures[base], path)
        if element is None:
            return
        if at == len(steps) - 1:
            yield element
        elif "contentReference" in element:
            path = element["contentReference"].partition("#")[2]
        elif element["type"][0]["code"] not in ("BackboneElement", "Element"):
            inner = element["type"][0]["code"]
            if inner in definitions.structures:
                yield from _reached(inner, steps[at + 1 :], definitions)
            return


def _element(structure: Json, path: str) -> Json | None:
    elements: list[Json] = structure["snapshot"]["element"]
    return next((one for one in elements if one["path"] == path), None)


def _systems(value_set: str, definitions: Definitions) -> Iterator[str]:
    found = definitions.value_sets.get(value_set.partition("|")[0])
    if found is None:
        return
    for include in found.get("compose", {}).get("include", ()):
        if "system" in include:
            yield include["system"]
        for inner in include.get("valueSet", ()):
            yield from _systems(inner, definitions)
