"""Write terminology/: code systems, value sets and concept maps of the package, one a line, and where each begins."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tools.r4.definitions import Definitions, Json

_KEPT = {
    "CodeSystem": (
        "resourceType", "id", "language", "url", "version", "name", "title", "status", "experimental", "date",
        "caseSensitive", "valueSet", "hierarchyMeaning", "compositional", "versionNeeded", "content",
        "supplements", "filter", "property", "sample", "concept",
    ),
    "ValueSet": (
        "resourceType", "id", "language", "contained", "url", "version", "name", "title", "status",
        "experimental", "date", "compose", "expansion",
    ),
    "ConceptMap": (
        "resourceType", "id", "url", "version", "name", "title", "status", "sourceUri", "sourceCanonical",
        "targetUri", "targetCanonical", "group",
    ),
}  # fmt: skip
_FILES = {"CodeSystem": "code_systems", "ValueSet": "value_sets", "ConceptMap": "concept_maps"}
# Checked by rule or carried whole by other packages, so no part of them is kept.
_BY_RULE = (
    "http://unitsofmeasure.org", "urn:ietf:bcp:47", "urn:ietf:bcp:13", "urn:ietf:rfc:3986", "http://example.com",
    "urn:iso:std:iso:3166", "urn:iso:std:iso:3166:-2", "urn:iso:std:iso:4217", "#hacked",
)  # fmt: skip
# Comments on a concept for its editors, and what the meta model says of it: nothing asks for them.
_DROPPED_EXTENSIONS = (
    "http://hl7.org/fhir/StructureDefinition/codesystem-concept-comments",
    "http://hl7.org/fhir/StructureDefinition/valueset-concept-comments",
)


def terminology_files(definitions: Definitions) -> dict[str, str]:
    """File name -> text: the index, and a file a kind."""
    resources = {
        "CodeSystem": [*_fragments(definitions), *definitions.code_systems.values()],
        "ValueSet": list(definitions.value_sets.values()),
        "ConceptMap": list(definitions.concept_maps.values()),
    }
    index: dict[str, dict[str, list[object]]] = {}
    texts: dict[str, str] = {}
    for kind, found in resources.items():
        lines: list[str] = []
        places: dict[str, list[object]] = {}
        at = len("[\n")
        for resource in sorted(_once(found), key=lambda one: str(one["url"])):
            line = json.dumps(
                _trimmed(resource, _KEPT[kind]), ensure_ascii=False, separators=(",", ":"), sort_keys=False
            )
            size = len(line.encode())
            places[resource["url"]] = [at, size, resource.get("version")]
            whole = resource.get(
                "valueSet"
            )  # of all codes; named only where no value set of that url is kept
            if kind == "CodeSystem" and whole and whole not in definitions.value_sets:
                places[resource["url"]].append(whole)
            lines.append(line)
            at += size + len(",\n")
        texts[f"terminology/{_FILES[kind]}.json"] = "[\n" + ",\n".join(lines) + "\n]\n"
        index[kind] = places
    rows = ",\n".join(f"{json.dumps(kind)}:{_rows(places)}" for kind, places in index.items())
    texts["terminology/index.json"] = "{" + rows + "}\n"
    return texts


def _rows(places: dict[str, list[object]]) -> str:
    lines = (f"{json.dumps(url)}:{json.dumps(place, separators=(',', ':'))}" for url, place in places.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def _once(resources: Iterable[Json]) -> list[Json]:
    """Each url once, the first: a fragment made of value sets wins over a code system without concepts."""
    by_url: dict[str, Json] = {}
    for resource in resources:
        by_url.setdefault(resource["url"], resource)
    return list(by_url.values())


def _trimmed(resource: Json, keys: tuple[str, ...]) -> Json:
    kept = {key: resource[key] for key in keys if key in resource}
    if "compose" in kept:
        kept.pop("expansion", None)
    cut: Json = _without_comments(kept)
    return cut


def _without_comments(value: Any) -> Any:
    """The same value without extensions that are for editors, without ids of elements, and without narratives."""
    if isinstance(value, list):
        return [_without_comments(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, one in value.items():
        if key == "text" and isinstance(one, dict) and "div" in one:
            continue
        if key == "extension":
            one = [extension for extension in one if extension["url"] not in _DROPPED_EXTENSIONS]
            if not one:
                continue
        kept[key] = _without_comments(one)
    return kept


def _fragments(definitions: Definitions) -> list[Json]:
    """Of systems the package does not carry: the concepts its value sets name, with their displays."""
    found: dict[str, dict[str, str]] = {}
    for value_set in definitions.value_sets.values():
        for include in value_set.get("compose", {}).get("include", ()):
            system = include.get("system")
            if system is None or system in _BY_RULE or _is_whole(definitions, system):
                continue
            for concept in include.get("concept", ()):
                if "display" in concept:
                    found.setdefault(system, {}).setdefault(concept["code"], concept["display"])
    return [_fragment(definitions, system, concepts) for system, concepts in sorted(found.items())]


def _is_whole(definitions: Definitions, system: str) -> bool:
    known = definitions.code_systems.get(system)
    return known is not None and known["content"] != "not-present"


def _fragment(definitions: Definitions, system: str, concepts: dict[str, str]) -> Json:
    known = definitions.code_systems.get(system, {})
    made = {
        "resourceType": "CodeSystem",
        "url": system,
        "name": known.get("name", system.rpartition("/")[2]),
        "status": "active",
        "caseSensitive": True,
        "content": "fragment",
        "sample": True,  # ours: gathered from value sets, so no answer about all codes can be given
        "concept": [{"code": code, "display": display} for code, display in sorted(concepts.items())],
    }
    return known | made
