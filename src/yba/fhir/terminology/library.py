"""Where a canonical url leads: to what came with the request, what HL7 publishes, what the record keeps, or a rule.

What is published whole is found before what is stored, so that a required binding means the same everywhere and
costs no question to the database; what is published in part (LOINC, SNOMED CT, ICD-10) gives way to what is stored.
A version that is asked for is the one that is found. Source: FHIR R4, references.html#canonical.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from yba.fhir.terminology import lists, packaged, rules
from yba.fhir.terminology.failures import missing_supplement
from yba.fhir.terminology.systems import Listed, Supplemented, System, fits, is_partial, version_of

Tree = Any


class Shelf(Protocol):
    """What the record keeps; see ``stored``."""

    def resource(self, kind: str, url: str, version: str | None) -> Tree | None:
        """The newest resource of a canonical url the actor may read."""

    def by_id(self, kind: str, identifier: str) -> Tree | None:
        """The resource of an id, if the actor may read it."""

    def system(self, url: str, version: str | None) -> System | None:
        """The newest code system of a url with its concepts."""

    def maps(self) -> Iterable[Tree]:
        """Every concept map the actor may read."""

    def other_names(self, url: str) -> list[str]:
        """What else a NamingSystem calls the system of this name, the preferred first."""


def split(canonical: str) -> tuple[str, str | None]:
    """A canonical's url and its version."""
    url, _, version = canonical.partition("|")
    return url, version or None


class Library:
    """Resources by canonical url, for one request."""

    def __init__(self, shelf: Shelf | None = None, extra: Sequence[Tree] = ()) -> None:
        self._shelf = shelf
        self._extra = extra
        self._systems: dict[tuple[str, str | None], System | None] = {}

    def system(self, url: str, version: str | None = None) -> System | None:
        """The code system of a url, or None."""
        key = (url, version)
        if key not in self._systems:
            self._systems[key] = None  # a name that leads back to itself ends here
            self._systems[key] = self._find_system(url, version)
        return self._systems[key]

    def _find_system(self, url: str, version: str | None) -> System | None:
        given = self._given("CodeSystem", url, version)
        if given is not None:
            return None if given.get("content") == "supplement" else Listed(given)
        for found in (rules.system(url), packaged.system(url)):
            if found is not None and not is_partial(found) and fits(version_of(found), version):
                return found
        if self._shelf is not None:
            stored = self._shelf.system(url, version)
            if stored is not None:
                return stored
        return self._partial(url, version) or self._renamed(url, version)

    def _partial(self, url: str, version: str | None) -> System | None:
        for partial in (lists.system(url), packaged.system(url)):
            if partial is not None and fits(version_of(partial), version):
                return partial
        return None

    def _renamed(self, url: str, version: str | None) -> System | None:
        """The system under another of its names, where a NamingSystem tells them (an OID for a URL)."""
        for other in self._shelf.other_names(url) if self._shelf is not None else ():
            found = self.system(other, version) if (other, version) not in self._systems else None
            if found is not None:
                return found
        return None

    def _given(self, kind: str, url: str, version: str | None) -> Tree | None:
        found = [
            one
            for one in self._extra
            if one.get("resourceType") == kind and one.get("url") == url and fits(one.get("version"), version)
        ]
        return max(found, key=lambda one: sortable(one.get("version")), default=None)

    def resource(self, kind: str, url: str, version: str | None = None) -> Tree | None:
        """The resource of a canonical url: ValueSet, ConceptMap or CodeSystem. Not to be changed."""
        given = self._given(kind, url, version)
        if given is not None:
            return given
        if url.startswith(f"{kind}/"):
            return None if self._shelf is None else self._shelf.by_id(kind, url.partition("/")[2])
        if kind == "ValueSet":
            found = packaged.value_set(url)
            if found is not None and fits(found.get("version"), version):
                return found
            found = lists.value_set(url)
        else:
            found = packaged.resource(kind, url, version)
        if found is None and self._shelf is not None:
            found = self._shelf.resource(kind, url, version)
        return found if found is not None else self._implicit(kind, url)

    def _implicit(self, kind: str, url: str) -> Tree | None:
        """The value set of all codes of a system, by the url its CodeSystem.valueSet gives or ``?fhir_vs``."""
        if kind != "ValueSet":
            return None
        system = url.removesuffix("?fhir_vs") if url.endswith("?fhir_vs") else lists.whole_of(url)
        if system is None or self.system(system) is None:
            return None
        return {
            "resourceType": "ValueSet", "url": url, "status": "active",
            "compose": {"include": [{"system": system}]},
        }  # fmt: skip

    def supplemented(self, system: System, canonicals: Iterable[str]) -> System:
        """The system with the supplements that belong to it. Raises NotFound for one that is nowhere."""
        found = []
        for canonical in canonicals:
            one = self.supplement(canonical)
            if split(str(one.head.get("supplements", "")))[0] == system.head.get("url"):
                found.append(one)
        return Supplemented(system, found) if found else system

    def supplement(self, canonical: str) -> Listed:
        """A supplement by its canonical. Raises NotFound."""
        url, version = split(canonical)
        tree = self.resource("CodeSystem", url, version)
        if tree is None or tree.get("content") != "supplement":
            raise missing_supplement(canonical)
        return Listed(tree)

    def maps(self) -> Iterable[Tree]:
        """Every concept map there is: given, stored, published."""
        yield from (one for one in self._extra if one.get("resourceType") == "ConceptMap")
        if self._shelf is not None:
            yield from self._shelf.maps()
        for url in packaged.urls("ConceptMap"):
            found = packaged.resource("ConceptMap", url)
            if found is not None:
                yield found


def sortable(version: object) -> tuple[tuple[int, int, str], ...]:
    """A version so that 1.10 comes after 1.9, and a date after an earlier one."""
    parts = str(version or "").replace("-", ".").split(".")
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)
