"""Required bindings of code elements, expanded to the codes they allow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pycountry

from tools.r4.definitions import Definitions, Json

MIME_TYPES = "http://hl7.org/fhir/ValueSet/mimetypes"
CURRENCIES = "http://hl7.org/fhir/ValueSet/currencies"


class Unbounded(Exception):
    """The value set names a code system that the package does not enumerate."""


@dataclass
class Codes:
    """The value sets met so far, each under the name its Literal has."""

    definitions: Definitions
    taken: frozenset[str]  # names the Literals must not have
    literals: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)  # name -> (url, codes)

    def name_for(self, element: Json) -> str | None:
        """The Literal of a code element, or None where its codes are not listed."""
        binding = element.get("binding", {})
        if binding.get("strength") != "required" or "valueSet" not in binding:
            return None
        url = binding["valueSet"].partition("|")[0]
        try:
            allowed = tuple(expand(url, self.definitions))
        except Unbounded:
            return None
        name = self._name(url)
        self.literals[name] = (url, allowed)
        return name

    def _name(self, url: str) -> str:
        name = "".join(
            word[0].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", url.rpartition("/")[2])
        )
        if name in self.taken:
            name += "Code"
        if self.literals.get(name, (url,))[0] != url:
            raise ValueError(f"two value sets are named {name}: {url} and {self.literals[name][0]}")
        return name


def expand(url: str, definitions: Definitions) -> list[str]:
    """The codes of a value set, in the order published, each once. Raises Unbounded."""
    if url == CURRENCIES:
        return sorted(one.alpha_3 for one in pycountry.currencies)
    if url not in definitions.value_sets:
        raise Unbounded(url)
    compose = definitions.value_sets[url]["compose"]
    if "exclude" in compose:
        raise Unbounded(f"{url} excludes codes")
    codes = [code for include in compose["include"] for code in _included(include, definitions)]
    return list(dict.fromkeys(codes))


def _included(include: dict[str, Any], definitions: Definitions) -> Iterator[str]:
    if "filter" in include:
        raise Unbounded(f"{include['system']} is filtered")
    for url in include.get("valueSet", ()):
        yield from expand(url.partition("|")[0], definitions)
    if "concept" in include:
        yield from (concept["code"] for concept in include["concept"])
    elif "system" in include:
        system = definitions.code_systems.get(include["system"])
        if system is None or system["content"] != "complete":
            raise Unbounded(include["system"])
        yield from _nested(system["concept"])


def _nested(concepts: list[dict[str, Any]]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _nested(concept.get("concept", []))
