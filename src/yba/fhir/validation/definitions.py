"""Where profiles and extension definitions are found: those published, those given, those kept in the record.

A canonical url may carry a version (``url|1.0``). FHIR R4, references.html#canonical.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from yba.fhir.errors import Invalid
from yba.fhir.model import tree
from yba.fhir.model.structures import CORE, Structure, read, structure
from yba.fhir.validation import snapshot

Tree = Any
Find = Callable[[str, str | None], Tree | None]
"""A StructureDefinition by canonical url and version, or None."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A definition ready to validate by; ``contexts`` (pairs of type and expression) of an extension."""

    url: str
    version: str | None
    structure: Structure
    contexts: tuple[tuple[str, str], ...] = ()
    invariants: tuple[str, ...] = ()


class Definitions:
    """Profiles by canonical url. ``given`` come before what ``find`` gives, and that before those published."""

    def __init__(self, given: Iterable[Tree] = (), find: Find | None = None) -> None:
        self._given: dict[str, list[Tree]] = {}
        for one in given:
            if one.get("resourceType") == "StructureDefinition" and isinstance(one.get("url"), str):
                self._given.setdefault(one["url"], []).append(one)
        self._find = find
        self._known: dict[str, Profile | None] = {}
        self._making: set[str] = set()

    def profile(self, canonical: str) -> Profile | None:
        """The profile of a canonical url; None when there is none. Raises Invalid when it cannot be used."""
        canonical = canonical.partition("#")[0]
        if canonical not in self._known:
            own = self._own(canonical)
            self._known[canonical] = self._made(own) if own is not None else published(canonical)
        return self._known[canonical]

    def tree(self, canonical: str) -> Tree | None:
        """A StructureDefinition with a snapshot, as a tree: a type's, or a profile's."""
        own = self._own(canonical)
        if own is not None:
            return self._complete(own)
        url = canonical.partition("|")[0]
        found = _published_tree(url)
        return found if found is not None else _type_tree(url)

    def _own(self, canonical: str) -> Tree | None:
        url, _, version = canonical.partition("|")
        for one in self._given.get(url, ()):
            if not version or _fits(one.get("version"), version):
                return one
        return self._find(url, version or None) if self._find is not None else None

    def _made(self, definition: Tree) -> Profile:
        try:
            return _profile(self._complete(definition))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Invalid(
                "validation.profile",
                f"The profile {definition.get('url')} is not formed as a StructureDefinition.",
            ) from None

    def _complete(self, definition: Tree) -> Tree:
        """With a snapshot, made of the differential where there is none. Raises Invalid."""
        if (definition.get("snapshot") or {}).get("element"):
            return definition
        url = str(definition.get("url"))
        if url in self._making:
            raise Invalid("validation.profile-circle", f"The profile {url} is built on itself.")
        base = definition.get("baseDefinition")
        self._making.add(url)
        try:
            below = self.tree(base) if isinstance(base, str) else None
            if below is None:
                raise Invalid(
                    "validation.no-base",
                    f"The profile {url} has no snapshot, and the definition it is built on, {base}, is not known. "
                    "Give that too, or publish the profile with a snapshot.",
                )
            return snapshot.generate(definition, below, self.tree)
        finally:
            self._making.discard(url)


def published(canonical: str) -> Profile | None:
    """A profile, an extension or a type of FHIR R4 itself."""
    url, _, version = canonical.partition("|")
    if version and not _fits("4.0.1", version):
        return None
    return _published(url)


@lru_cache(maxsize=1024)
def _published(url: str) -> Profile | None:
    found = _published_tree(url)
    if found is not None:
        return _profile(found)
    known = structure(url) if url.startswith(CORE) else None
    return Profile(known.url, "4.0.1", known) if known is not None else None


def _fits(have: str | None, wanted: str) -> bool:
    """Whether a version is meant: ``1.0`` means ``1.0.2`` too."""
    return have is None or have == wanted or have.startswith(wanted + ".")


def _profile(definition: Mapping[str, Any]) -> Profile:
    return Profile(
        definition["url"],
        definition.get("version"),
        read(definition),
        tuple((one.get("type", ""), one.get("expression", "")) for one in definition.get("context", ())),
        tuple(definition.get("contextInvariant", ())),
    )


@lru_cache(maxsize=1)
def _index() -> Mapping[str, tuple[str, int, int]]:
    text = resources.files("yba.fhir.r4").joinpath("profiles", "index.json").read_bytes()
    return {url: (name, at, size) for url, (name, at, size) in tree.parse(text).items()}


@lru_cache(maxsize=64)
def _published_tree(url: str) -> Tree | None:
    place = _index().get(url)
    if place is None:
        return None
    name, at, size = place
    with resources.files("yba.fhir.r4").joinpath("profiles", f"{name}.json").open("rb") as opened:
        opened.seek(at)
        return tree.parse(opened.read(size))


def _type_tree(url: str) -> Tree | None:
    name = url.removeprefix(CORE)
    if not name.isalnum():
        return None
    try:
        return tree.parse(resources.files("yba.fhir.r4").joinpath("structures", f"{name}.json").read_bytes())
    except FileNotFoundError:
        return None
