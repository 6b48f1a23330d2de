"""What requests are made of: the types, parameters and operations a server offers, and example resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from bench.fuzz import trees, values
from bench.fuzz.dice import Dice

JSON = "application/fhir+json"
FORM = "application/x-www-form-urlencoded"
Parts = tuple[str, str, bytes, dict[str, str]]
"""Method, URL, body and headers."""
#: Types that are there for each person, and for all.
PERSONAL, SHARED = values.WORDS["personal"], values.WORDS["shared"]
SEEDED = ["Patient", "Patient", *PERSONAL, *SHARED]


@dataclass(frozen=True)
class Asked:
    """One request: the URL under the base, raw as it stands on the wire."""

    role: str
    method: str
    url: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """What requests are made of: types with their search parameters, operations, example resources."""

    types: list[str]
    parameters: Mapping[str, list[tuple[str, str]]]
    operations: Mapping[str, list[str]]
    examples: Mapping[str, list[trees.Tree]]


def world(statement: Any, examples: Mapping[str, list[trees.Tree]]) -> World:
    """Read a CapabilityStatement."""
    (rest,) = statement["rest"]
    everywhere = [(one["name"], one["type"]) for one in rest["searchParam"]]
    operations = {"": [one["name"] for one in rest.get("operation", ())]}
    parameters = {}
    for one in rest["resource"]:
        parameters[one["type"]] = [
            (two["name"], two["type"]) for two in one.get("searchParam", ())
        ] + everywhere
        operations[one["type"]] = [two["name"] for two in one.get("operation", ())]
    return World([one["type"] for one in rest["resource"]], parameters, operations, examples)


def any_type(known: World, random: Dice) -> str:
    """A type, more often one of which something is there."""
    if random.random() < (0.7 if random.tame else 0.4):
        return str(random.choice(SEEDED))
    return random.choice(known.types) if random.random() < 0.97 else "Nonsense"


def path_of(*parts: str) -> str:
    """A path of these segments."""
    return "/" + "/".join(quote(part, safe="$") for part in parts)


def with_query(random: Dice, url: str, pairs: list[tuple[str, str]]) -> str:
    text = urlencode(pairs) if random.random() < 0.9 else "&".join(f"{name}={value}" for name, value in pairs)
    return f"{url}?{text.encode('utf-8', 'replace').decode('utf-8')}" if pairs else url
