"""Read the published definitions out of the archive."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_WANTED = (
    "StructureDefinition",
    "SearchParameter",
    "ValueSet",
    "CodeSystem",
    "ConceptMap",
    "CompartmentDefinition",
)


@dataclass
class Definitions:
    """The parts of the package the generator reads."""

    structures: dict[str, Json] = field(default_factory=dict)  # by type
    primitives: dict[str, Json] = field(default_factory=dict)  # by type
    search_parameters: list[Json] = field(default_factory=list)
    value_sets: dict[str, Json] = field(default_factory=dict)  # by canonical url
    code_systems: dict[str, Json] = field(default_factory=dict)  # by canonical url
    concept_maps: dict[str, Json] = field(default_factory=dict)  # by canonical url
    profiles: list[Json] = field(default_factory=list)  # profiles and extensions with a snapshot
    compartments: dict[str, Json] = field(default_factory=dict)  # by code: Patient, Encounter, ...

    def add(self, resource: Json) -> None:
        match resource["resourceType"]:
            case "StructureDefinition" if is_base_type(resource):
                self.structures[resource["type"]] = resource
            case "StructureDefinition" if resource["kind"] == "primitive-type":
                self.primitives[resource["type"]] = resource
            case "StructureDefinition" if is_profile(resource):
                self.profiles.append(resource)
            case "SearchParameter" if resource["url"].startswith("http://hl7.org/fhir/SearchParameter/"):
                self.search_parameters.append(resource)
            case "ValueSet":
                self.value_sets[resource["url"]] = resource
            case "CodeSystem":
                self.code_systems[resource["url"]] = resource
            case "ConceptMap" if "url" in resource:
                self.concept_maps[resource["url"]] = resource
            case "CompartmentDefinition" if resource["id"] != "example":
                self.compartments[resource["code"]] = resource


def is_base_type(structure: Json) -> bool:
    """Whether this defines a resource or data type of the base specification: no profile, primitive or pattern."""
    return structure["kind"] in {"resource", "complex-type"} and structure.get("derivation") != "constraint"


def is_profile(structure: Json) -> bool:
    """Whether this constrains a type of the base specification, and says all of it."""
    return (
        structure.get("derivation") == "constraint"
        and structure["url"].startswith("http://hl7.org/fhir/StructureDefinition/")
        and "snapshot" in structure
    )


def read(archive: Path) -> Definitions:
    found = Definitions()
    for resource in _resources(archive):
        found.add(resource)
    found.search_parameters.sort(key=lambda parameter: str(parameter["url"]))
    return found


def _resources(archive: Path) -> Iterator[Json]:
    with tarfile.open(archive) as package:
        members = {Path(member.name).name: member for member in package if member.isfile()}
        for name in sorted(members):
            if name.startswith(_WANTED) and name.endswith(".json"):
                opened = package.extractfile(members[name])
                assert opened is not None
                yield json.loads(opened.read())
