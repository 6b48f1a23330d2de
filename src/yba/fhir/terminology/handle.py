"""The handle on terminology: what validation, search and FHIRPath ask of code systems and value sets.

Opened over a connection and an actor it knows what the record keeps; without, what is published and what follows
a rule. It lives as long as the request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import uuid4

import psycopg

from yba.fhir.condition import Condition
from yba.fhir.errors import RecordError
from yba.fhir.terminology import packaged, translating
from yba.fhir.terminology.compose import Selection, systems_of
from yba.fhir.terminology.concept import Concept
from yba.fhir.terminology.expanding import Asked, expand
from yba.fhir.terminology.library import Library, Shelf, split
from yba.fhir.terminology.systems import url_of

Tree = Any


class Terminology:
    """Questions about codes. None for an answer means that it cannot be known here."""

    def __init__(self, shelf: Shelf | None = None, extra: Sequence[Tree] = ()) -> None:
        self.library = Library(shelf, extra)
        self._plain = not extra

    @classmethod
    def over(cls, connection: psycopg.Connection[Any], access: Callable[[str], Condition]) -> Terminology:
        """The handle that also knows what the record keeps, as far as its door lets."""
        from yba.fhir.terminology.stored import RecordShelf  # needs the search, which asks this handle

        return cls(RecordShelf(lambda: connection, access))

    def member(
        self,
        value_set: str,
        system: str | None,
        code: str,
        *,
        display: str | None = None,
        version: str | None = None,
    ) -> bool | None:
        """Whether a code is in the value set of a canonical url; without a system, whether any such code is.

        None: the value set, or a system that decides, is not known. ``display`` is not judged: see ``validating``.
        """
        if self._plain and version is None:
            codes = _published(value_set)
            if codes is not None:
                if (system, code) in codes if system is not None else any(one == code for _, one in codes):
                    return True
                if not _folds(value_set):
                    return False
        url, wanted = split(value_set)
        tree = self.library.resource("ValueSet", url, wanted)
        if tree is None:
            return None
        selection = Selection(self.library)
        try:
            if system is not None:
                return selection.holds(tree, system, code, version=version)
            answers = [selection.holds(tree, one, code) for one in systems_of(self.library, tree)]
        except RecordError:
            return None
        return True if any(answers) else None if None in answers else False

    def codes(self, value_set: str) -> list[tuple[str, str]] | None:
        """Every (system, code) of a value set; None when it is not known.

        Raises TooCostly when the codes cannot be listed.
        """
        url, wanted = split(value_set)
        tree = self.library.resource("ValueSet", url, wanted)
        if tree is None:
            return None
        entries = Selection(self.library).entries(tree).values()
        return list(dict.fromkeys((url_of(one.system), one.concept.code) for one in entries))

    def concept(self, system: str, code: str, *, version: str | None = None) -> Concept | None:
        """What is known of a code; None for an unknown one, or a system that is not known."""
        found = self.library.system(system, version)
        return None if found is None else found.find(code)

    lookup = concept

    def expand(self, value_set: str, asked: Asked | None = None, *, at: datetime) -> Tree | None:
        """The value set of a canonical url with its expansion; None when it is not known. Raises TooCostly."""
        url, wanted = split(value_set)
        tree = self.library.resource("ValueSet", url, wanted)
        if tree is None:
            return None
        return expand(self.library, tree, asked or Asked(), identifier=f"urn:uuid:{uuid4()}", at=at)

    def translate(self, system: str, code: str, **asked: Any) -> Tree:
        """Every match for a code as a Parameters tree; ``asked`` as in ``translating.Asked``."""
        coding = {"system": system, "code": code}
        return translating.translate(self.library, translating.Asked([coding], **asked))

    def knows(self, system: str, *, version: str | None = None) -> bool:
        """Whether a code that is not found in this system is wrong: the system is here, and whole."""
        found = self.library.system(system, version)
        return found is not None and found.head.get("content", "complete") == "complete"

    def subsumes(self, system: str, a: str, b: str, *, version: str | None = None) -> str | None:
        """``equivalent``, ``subsumes`` (a is above b), ``subsumed-by`` or ``not-subsumed``; None if unknown."""
        found = self.library.system(system, version)
        one, other = (found.find(a), found.find(b)) if found is not None else (None, None)
        if found is None or one is None or other is None:
            return None
        if one.code == other.code:
            return "equivalent"
        if one.code in found.ancestors(other.code):
            return "subsumes"
        return "subsumed-by" if other.code in found.ancestors(one.code) else "not-subsumed"

    def descendants(self, system: str, code: str) -> list[str]:
        """The codes below one, itself not among them."""
        found = self.library.system(system)
        return [] if found is None else list(found.descendants(code))

    def ancestors(self, system: str, code: str) -> list[str]:
        """The codes above one, itself not among them."""
        found = self.library.system(system)
        return [] if found is None else sorted(found.ancestors(code))


@lru_cache(maxsize=512)
def _published(value_set: str) -> frozenset[tuple[str, str]] | None:
    """The codes of a published value set of moderate size; None for any other: those are asked one by one."""
    url, wanted = split(value_set)
    tree = packaged.value_set(url)
    if tree is None or (wanted is not None and tree.get("version") != wanted):
        return None
    library = Library()
    selection = Selection(library)
    try:
        if any(library.system(one) is not packaged.system(one) for one in systems_of(library, tree)):
            return None
        codes = frozenset(selection.entries(tree))
    except RecordError:
        return None
    partial = not all(_is_whole(one) for one in systems_of(library, tree))
    return None if partial or len(codes) > 5_000 else codes


@lru_cache(maxsize=512)
def _folds(value_set: str) -> bool:
    """Whether a system of the value set takes codes in any case."""
    tree = packaged.value_set(split(value_set)[0]) or {}
    systems = (packaged.system(one) for one in systems_of(Library(), tree))
    return any(one is not None and not one.head.get("caseSensitive", True) for one in systems)


def _is_whole(url: str) -> bool:
    """Whether a published system has all its codes here."""
    found = packaged.system(url)
    return found is not None and found.head.get("content") == "complete"
