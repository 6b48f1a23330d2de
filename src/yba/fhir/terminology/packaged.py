"""What HL7 publishes with R4 4.0.1: found by url in a small index, read a line at a time, kept for a while."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from yba.fhir.terminology.systems import Listed, fits

Tree = Any
_FILES = {
    "CodeSystem": "code_systems.json",
    "ValueSet": "value_sets.json",
    "ConceptMap": "concept_maps.json",
}
_FOLDER = resources.files("yba.fhir.r4").joinpath("terminology")


@cache
def _index() -> dict[str, dict[str, list[Any]]]:
    read: dict[str, dict[str, list[Any]]] = json.loads(_FOLDER.joinpath("index.json").read_bytes())
    return read


def urls(kind: str) -> list[str]:
    """The canonical urls of a kind."""
    return list(_index()[kind])


def version(kind: str, url: str) -> str | None:
    """The version kept of a url; None where there is none or it says none."""
    place = _index()[kind].get(url)
    return None if place is None else place[2]


@cache
def wholes() -> dict[str, str]:
    """The value set of all codes of a system, by CodeSystem.valueSet -> the system; where it is not kept itself."""
    return {place[3]: url for url, place in _index()["CodeSystem"].items() if len(place) > 3}


def resource(kind: str, url: str, wanted: str | None = None) -> Tree | None:
    """The resource of a canonical url, or None; with a version, only that one."""
    place = _index()[kind].get(url)
    if place is None or not fits(place[2], wanted):
        return None
    with _FOLDER.joinpath(_FILES[kind]).open("rb") as opened:
        opened.seek(place[0])
        return json.loads(opened.read(place[1]), parse_float=Decimal)


@lru_cache(maxsize=256)
def system(url: str) -> Listed | None:
    """The code system of a url with its concepts; None for one that is not kept or is a supplement."""
    tree = resource("CodeSystem", url)
    if tree is None or tree["content"] in ("supplement", "not-present"):
        return None
    return Listed(tree)


@lru_cache(maxsize=512)
def value_set(url: str) -> Tree | None:
    """The value set of a url; not to be changed by who gets it."""
    return resource("ValueSet", url)
