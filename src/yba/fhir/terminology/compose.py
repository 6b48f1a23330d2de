"""What a value set's definition selects: its codes in order, or whether one code is among them.

Source: FHIR R4, valueset.html#compositions (an include's parts intersect, includes unite, excludes take away).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from yba.fhir.errors import Invalid, RecordError
from yba.fhir.terminology.concept import Concept
from yba.fhir.terminology.failures import (
    endless,
    no_content,
    not_countable,
    refused,
    too_costly,
    unknown_system,
    unknown_value_set,
)
from yba.fhir.terminology.filters import candidates, op_of, tests_of
from yba.fhir.terminology.library import Library, split
from yba.fhir.terminology.systems import Listed, System, canonical, fits, is_partial, url_of

Tree = Any
Key = tuple[str, str]
LIMIT = 50_000


@dataclass(slots=True)
class Entry:
    """One selected code: the concept, where it is defined, and what the value set says of it itself."""

    system: System
    concept: Concept
    said: Tree | None = None  # the ValueSet.compose.include.concept that names it
    nests: bool = False  # whether it was selected by place in a hierarchy rather than by name
    whole: bool = False  # whether all its system was selected
    versioned: bool = False  # whether the value set draws from several versions of its system

    @property
    def key(self) -> Key:
        """By what a selected code is told apart: its system, with the version where there are several."""
        url = canonical(self.system.head) if self.versioned else url_of(self.system)
        return url, self.concept.code


@dataclass(slots=True)
class Versions:
    """Which versions of systems are to be used. Source: FHIR R4, ValueSet/$expand."""

    default: dict[str, str] = field(default_factory=dict)  # where the value set names none
    check: dict[str, str] = field(default_factory=dict)  # another one is an error
    force: dict[str, str] = field(default_factory=dict)  # in any case

    def of(self, system: str, named: str | None) -> str | None:
        """The version to use. Raises Invalid when it is not the one that was to be checked."""
        version = self.force.get(system) or named or self.default.get(system) or self.check.get(system)
        wanted = self.check.get(system)
        if wanted is not None and version is not None and not fits(version, wanted):
            raise refused(
                Invalid,
                "version-check",
                f"The version '{version}' is not allowed for system '{system}': required to be '{wanted}' by a "
                "version-check parameter",
                "version-error",
            )
        return version


class Selection:
    """The reading of value sets for one question; it remembers what it used."""

    def __init__(
        self,
        library: Library,
        *,
        versions: Versions | None = None,
        supplements: Iterable[str] = (),
        excluded_systems: Iterable[str] = (),
        words: list[str] | None = None,
    ) -> None:
        self.library = library
        self.versions = versions or Versions()
        self.supplements = list(supplements)
        self.excluded_systems = frozenset(excluded_systems)
        self.words = words or []  # folded; only codes that speak of them are wanted in the end
        self.used_systems: dict[str, None] = {}
        self.used_value_sets: dict[str, None] = {}
        self.used_supplements: dict[str, None] = {}
        self.unknown_systems: dict[str, None] = {}
        self._reading: list[str] = []
        self._several: frozenset[str] = frozenset()  # systems of which the value set names several versions

    # -- finding -------------------------------------------------------------------------------------

    def system(self, url: str, named: str | None = None) -> System | None:
        """The code system to use for a url and the version a value set names, with supplements."""
        version = self.versions.of(url, named)
        found = self.library.system(url, version)
        if found is None:
            self.unknown_systems[f"{url}|{version}" if version else url] = None
            return None
        self.used_systems[canonical(found.head)] = None
        if self.supplements:
            found = self.library.supplemented(found, self.supplements)
            for one in getattr(found, "used", ()):
                self.used_supplements[one] = None
        return found

    def imported(self, reference: str, within: Tree) -> Tree:
        """The value set another one imports. Raises NotFound."""
        if reference.startswith("#"):
            for one in within.get("contained", ()):
                if one.get("id") == reference[1:]:
                    return {**one, "contained": within.get("contained", [])}
            raise unknown_value_set(reference)
        url, version = split(reference)
        found = self.library.resource("ValueSet", url, version)
        if found is None:
            raise unknown_value_set(reference)
        self.used_value_sets[canonical(found)] = None
        return found

    # -- all codes -------------------------------------------------------------------------------------

    def entries(self, value_set: Tree) -> dict[Key, Entry]:
        """Every code selected, each once, in order. Raises TooCostly where they cannot be listed."""
        name = str(value_set.get("url") or value_set.get("id") or "")
        if name and name in self._reading:
            raise endless(name)
        self._reading.append(name)
        try:
            compose = value_set.get("compose")
            if compose is None:
                return self._expanded(value_set)
            found = self._composed(compose, value_set, name)
        finally:
            self._reading.pop()
        if compose.get("inactive") is False:
            return {key: entry for key, entry in found.items() if not entry.concept.inactive}
        return found

    def _composed(self, compose: Tree, value_set: Tree, name: str) -> dict[Key, Entry]:
        outer, self._several = self._several, _of_several_versions(compose)
        try:
            found: dict[Key, Entry] = {}
            for include in compose.get("include", ()):
                for key, entry in self._part(include, value_set).items():
                    found.setdefault(key, entry)
                if len(found) > LIMIT:
                    raise too_costly(name, LIMIT)
            for exclude in compose.get("exclude", ()):
                without = self._part(exclude, value_set)
                if exclude.get("system") in self._several and "version" not in exclude:
                    gone = {(exclude["system"], code) for _, code in without}
                    found = {
                        key: one
                        for key, one in found.items()
                        if (url_of(one.system), one.concept.code) not in gone
                    }
                for key in without:
                    found.pop(key, None)
        finally:
            self._several = outer
        return found

    def _expanded(self, value_set: Tree) -> dict[Key, Entry]:
        """The codes of a value set that holds only its expansion."""
        found: dict[Key, Entry] = {}
        waiting = list(reversed(value_set.get("expansion", {}).get("contains", ())))
        while waiting:
            one = waiting.pop()
            waiting += reversed(one.get("contains", ()))
            if "code" not in one or one.get("abstract") or "system" not in one:
                continue
            system = self.system(one["system"], one.get("version")) or _named_only(one["system"])
            concept = system.find(one["code"]) or Concept(one["code"], display=one.get("display"))
            entry = Entry(system, concept, one)
            found.setdefault(entry.key, entry)
        return found

    def _part(self, part: Tree, value_set: Tree) -> dict[Key, Entry]:
        """The codes of one include or exclude."""
        found: dict[Key, Entry] | None = None
        if "system" in part:
            if part["system"] in self.excluded_systems:
                return {}
            found = self._of_system(part)
        for reference in part.get("valueSet", ()):
            imported = self.entries(self.imported(reference, value_set))
            if found is None:
                found = {
                    key: Entry(one.system, one.concept, one.said)
                    for key, one in imported.items()
                    if url_of(one.system) not in self.excluded_systems
                }
            else:
                found = {key: one for key, one in found.items() if key in imported}
        return found or {}

    def _of_system(self, part: Tree) -> dict[Key, Entry]:
        url = part["system"]
        system = self.system(url, part.get("version"))
        if "concept" in part:
            return _named(system, part, versioned=url in self._several)
        if system is None:
            raise unknown_system(url, self.versions.of(url, part.get("version")))
        filters = part.get("filter", [])
        if _is_sample(system):
            raise not_countable(url)
        if system.head.get("content") in ("example", "not-present"):
            raise no_content(url, str(system.head["content"]))
        tests = tests_of(system, filters)
        concepts = self._searched(system, part) if self.words else candidates(system, filters)
        if concepts is None:
            raise not_countable(url)
        nests = not filters or any(op_of(one) in ("is-a", "descendent-of") for one in filters)
        found: dict[Key, Entry] = {}
        for concept in concepts:
            if all(test(concept) for test in tests):
                entry = Entry(system, concept, None, nests, not filters, url in self._several)
                found[entry.key] = entry
                if len(found) > LIMIT:
                    raise too_costly(url, LIMIT)
        return found

    def _searched(self, system: System, part: Tree) -> Iterable[Concept] | None:
        """The concepts to test where words were asked for: a system in rows finds them itself."""
        matching = getattr(system, "matching", None)
        filters = part.get("filter", [])
        if matching is None or filters or "valueSet" in part or len(self._reading) > 1:
            return candidates(system, filters)
        found: Iterable[Concept] = matching(self.words)
        return found

    # -- one code --------------------------------------------------------------------------------------

    def holds(
        self, value_set: Tree, system_url: str, code: str, *, version: str | None = None
    ) -> bool | None:
        """Whether a code is selected; None where that cannot be known (an unknown system or value set)."""
        name = str(value_set.get("url") or value_set.get("id") or "")
        if name and name in self._reading:
            raise endless(name)
        self._reading.append(name)
        try:
            compose = value_set.get("compose")
            if compose is None:
                return (system_url, code) in self._expanded(value_set)
            answer: bool | None = False
            for include in compose.get("include", ()):
                within = self._part_holds(include, value_set, system_url, code, version)
                if within:
                    answer = True
                    break
                answer = None if within is None else answer
            for exclude in compose.get("exclude", ()) if answer is not False else ():
                without = self._part_holds(exclude, value_set, system_url, code, version)
                if without:
                    return False
                answer = None if without is None else answer
            if answer and compose.get("inactive") is False:
                system = self.library.system(system_url, version)
                found = system.find(code) if system is not None else None
                return found is None or not found.inactive
            return answer
        finally:
            self._reading.pop()

    def _part_holds(
        self, part: Tree, value_set: Tree, system_url: str, code: str, version: str | None
    ) -> bool | None:
        answer: bool | None = True
        if "system" in part:
            if part["system"] != system_url:
                return False
            if version is not None and part.get("version") and not fits(version, part["version"]):
                return False
            answer = self._system_holds(part, code, version)
            if answer is False:
                return False
        for reference in part.get("valueSet", ()):
            try:
                imported = self.imported(reference, value_set)
            except RecordError:
                answer = None
                continue
            within = self.holds(imported, system_url, code, version=version)
            if within is False:
                return False
            answer = None if within is None else answer
        return answer

    def _system_holds(self, part: Tree, code: str, version: str | None) -> bool | None:
        if "concept" in part and "filter" not in part:
            if any(one.get("code") == code for one in part["concept"]):
                return True
            system = self.system(part["system"], part.get("version") or version)
            if system is None or system.head.get("caseSensitive", True):
                return False
            known = system.find(code)
            return known is not None and any(one.get("code") == known.code for one in part["concept"])
        system = self.system(part["system"], part.get("version") or version)
        if system is None:
            return None
        concept = system.find(code)
        if concept is None:
            return None if is_partial(system) else False
        if _is_sample(system) and part.get("filter"):
            return None
        return all(test(concept) for test in tests_of(system, part.get("filter", [])))


def systems_of(library: Library, value_set: Tree, depth: int = 0) -> list[str]:
    """The systems a value set draws from, imports included."""
    found: dict[str, None] = {}
    compose = value_set.get("compose", {})
    for include in compose.get("include", ()):
        if "system" in include:
            found[include["system"]] = None
        for reference in include.get("valueSet", ()) if depth < 20 else ():
            imported = library.resource("ValueSet", *split(reference))
            if imported is not None:
                found |= dict.fromkeys(systems_of(library, imported, depth + 1))
    for one in value_set.get("expansion", {}).get("contains", ()) if not compose else ():
        if "system" in one:
            found[one["system"]] = None
    return list(found)


def _is_sample(system: System) -> bool:
    """Whether only some codes are known here, gathered from value sets: no answer for all can be given."""
    return bool(system.head.get("sample"))


def _of_several_versions(compose: Tree) -> frozenset[str]:
    """The systems of which a definition names several versions."""
    versions: dict[str, set[str | None]] = {}
    for include in compose.get("include", ()):
        if "system" in include:
            versions.setdefault(include["system"], set()).add(include.get("version"))
    return frozenset(url for url, named in versions.items() if len(named) > 1)


def _named(system: System | None, part: Tree, *, versioned: bool) -> dict[Key, Entry]:
    """The concepts an include names; those its system does not have are left out, as the expansion says."""
    url = part["system"]
    found: dict[Key, Entry] = {}
    for said in part["concept"]:
        code = said.get("code")
        if not isinstance(code, str):
            continue
        concept = system.find(code) if system is not None else None
        if concept is None:
            if system is not None and not is_partial(system):
                continue
            concept = Concept(code, display=said.get("display"))
        entry = Entry(system or _named_only(url), concept, said, versioned=versioned)
        found[entry.key] = entry
    return found


def _named_only(url: str) -> System:
    """A system of which nothing is known but its name."""
    return Listed({"url": url, "content": "not-present"})
