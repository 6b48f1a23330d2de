"""Code systems by one face: those held in memory, those checked by rule, those with supplements.

A system held in the database's tables has the same face (``tables``). Source: FHIR R4, codesystem.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from yba.fhir.terminology.concept import Concept, PropertyNames, concept_of, merged, property_names

Tree = Any


class System(Protocol):
    """A code system; ``head`` is its CodeSystem without concepts."""

    head: Tree
    names: PropertyNames

    def find(self, code: str) -> Concept | None:
        """The concept of a code, with regard to case as the system says."""

    def concepts(self) -> Iterable[Concept] | None:
        """All in the order of definition, parents first; None where they cannot be counted."""

    def children(self, code: str) -> list[str]:
        """The codes right below."""

    def descendants(self, code: str) -> Iterable[str]:
        """All codes below, in the order of definition."""

    def ancestors(self, code: str) -> set[str]:
        """All codes above."""


def url_of(system: System) -> str:
    """Its canonical url."""
    return str(system.head["url"])


def version_of(system: System) -> str | None:
    """Its version, if it says one."""
    version = system.head.get("version")
    return None if version is None else str(version)


def fits(version: object, wanted: str | None) -> bool:
    """Whether a version is the one wanted: the same, a longer one (1.0 wants 1.0.3), or with x for any number."""
    if wanted is None or version == wanted:
        return True
    have, want = str(version or "").split("."), wanted.split(".")
    return len(have) >= len(want) and all(
        two in ("x", "X", "*") or one == two for one, two in zip(have, want, strict=False)
    )


def canonical(head: Tree) -> str:
    """url|version, or the url alone."""
    return f"{head['url']}|{head['version']}" if head.get("version") else str(head["url"])


def is_partial(system: System) -> bool:
    """Whether a code that is not found may exist all the same."""
    return str(system.head.get("content", "complete")) != "complete"


class Listed:
    """A code system whose concepts are all in memory."""

    def __init__(self, tree: Tree) -> None:
        self.head = {key: value for key, value in tree.items() if key != "concept"}
        self.names = property_names(tree.get("property", []))
        self._concepts: dict[str, Concept] = {}
        self._children: dict[str, list[str]] = {}
        self._folded: dict[str, str] | None = None
        self._add(tree.get("concept", ()), ())
        self._link()

    def _add(self, trees: Iterable[Tree], above: tuple[str, ...]) -> None:
        for tree in trees:
            code = tree.get("code")
            if not isinstance(code, str):
                continue
            if code not in self._concepts:
                self._concepts[code] = concept_of(tree, self.names, above)
            self._add(tree.get("concept", ()), (code,))

    def _link(self) -> None:
        for concept in self._concepts.values():
            for parent in concept.parents:
                self._children.setdefault(parent, []).append(concept.code)
        for concept in self._concepts.values():
            for one in concept.properties:
                below = one.get("valueCode")
                if one.get("code") == self.names.child and below in self._concepts:
                    known = self._children.setdefault(concept.code, [])
                    if below not in known:
                        known.append(below)

    def find(self, code: str) -> Concept | None:
        found = self._concepts.get(code)
        if found is not None or self.head.get("caseSensitive", True):
            return found
        if self._folded is None:
            self._folded = {known.casefold(): known for known in self._concepts}
        known = self._folded.get(code.casefold())
        return None if known is None else self._concepts[known]

    def concepts(self) -> Iterable[Concept]:
        return self._concepts.values()

    def children(self, code: str) -> list[str]:
        return self._children.get(code, [])

    def descendants(self, code: str) -> Iterable[str]:
        return walked(code, self.children)

    def ancestors(self, code: str) -> set[str]:
        return set(walked(code, self._parents))

    def _parents(self, code: str) -> tuple[str, ...]:
        found = self._concepts.get(code)
        return found.parents if found is not None else ()

    def __len__(self) -> int:
        return len(self._concepts)


def walked(start: str, step: Callable[[str], Iterable[str]]) -> Iterator[str]:
    """Every code reached from one, once, nearest branch first; a ring ends by itself."""
    seen = {start}
    waiting = list(reversed(list(step(start))))
    while waiting:
        code = waiting.pop()
        if code in seen:
            continue
        seen.add(code)
        yield code
        waiting += reversed(list(step(code)))


class Ruled:
    """A code system whose codes follow a rule: too many to list, each can be checked."""

    def __init__(self, head: Tree, check: Callable[[str], Concept | None]) -> None:
        self.head = head
        self.names = PropertyNames()
        self._check = check

    def find(self, code: str) -> Concept | None:
        return self._check(code)

    def concepts(self) -> None:
        return None

    def children(self, code: str) -> list[str]:
        return []

    def descendants(self, code: str) -> Iterable[str]:
        return ()

    def ancestors(self, code: str) -> set[str]:
        return set()


class Supplemented:
    """A code system with what supplements add to its concepts."""

    def __init__(self, system: System, supplements: list[Listed]) -> None:
        self.head = dict(system.head)
        declared = list(self.head.get("property", ()))
        for one in supplements:
            declared += [new for new in one.head.get("property", ()) if new not in declared]
        if declared:
            self.head["property"] = declared
        self.names = system.names
        self._system = system
        self._supplements = supplements
        self.used = [canonical(one.head) for one in supplements]

    def _merged(self, concept: Concept) -> Concept:
        for one, source in zip(self._supplements, self.used, strict=True):
            extra = one.find(concept.code)
            if extra is not None:
                concept = merged(concept, extra, source)
        return concept

    def find(self, code: str) -> Concept | None:
        found = self._system.find(code)
        return None if found is None else self._merged(found)

    def concepts(self) -> Iterable[Concept] | None:
        found = self._system.concepts()
        return None if found is None else (self._merged(one) for one in found)

    def children(self, code: str) -> list[str]:
        return self._system.children(code)

    def descendants(self, code: str) -> Iterable[str]:
        return self._system.descendants(code)

    def ancestors(self, code: str) -> set[str]:
        return self._system.ancestors(code)
