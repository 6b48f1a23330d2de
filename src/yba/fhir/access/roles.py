"""Roles as data: ``roles.yaml`` read strictly, so that a mistake in it ends the start and never opens a record.

A word that is not known (a type, a relation, an interaction, an element, a label) raises ``Wrong`` with its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Final, Literal, get_args

import yaml

from yba.fhir.access.labels import DECEASED, EVERY, bits_of
from yba.fhir.model.codec import resource_class
from yba.fhir.r4 import MODULES

Interaction = Literal["read", "search", "history", "create", "update", "patch", "delete", "export"]
Relation = Literal[
    "all", "own-facility", "own-department", "own-patients", "treating", "shared", "self", "ward", "delegated"
]
INTERACTIONS: Final[tuple[str, ...]] = get_args(Interaction)
RELATIONS: Final[tuple[str, ...]] = get_args(Relation)
OPERATIONS: Final = frozenset({"reindex", "export", "import", "views", "materialize", "history"})
ANY: Final = "*"
_SHORT: Final[Mapping[str, tuple[str, ...]]] = {
    "see": ("read", "search", "history"),
    "write": ("create", "update", "patch"),
}
WRITES: Final = frozenset({"create", "update", "patch"})
_KEPT_BY: Final = frozenset({"own-department", "own-patients", "treating"})
_OF_CITIZENS: Final = frozenset({"self", "ward", "delegated"})
_ROLE_WORDS: Final = frozenset(
    {"grants", "labels", "masks", "purpose", "operations", "client-ids", "includes"}
)
_GRANT_WORDS: Final = frozenset({"types", "may", "of", "kept", "where", "labels"})


class Wrong(ValueError):
    """``roles.yaml`` (or what stands in its place) says something that is not known; the message says where."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What may be done with types, in relations; ``labels``: bits it lets through; ``criteria``: by type."""

    types: frozenset[str]
    may: frozenset[str]
    of: tuple[str, ...]
    kept_here: bool = True
    labels: int = 0
    criteria: Mapping[str, str] = field(default_factory=dict)

    def gives(self, type_name: str, interaction: str) -> bool:
        """Whether the grant speaks of an interaction with a type."""
        return interaction in self.may and (type_name in self.types or ANY in self.types)


@dataclass(frozen=True, slots=True)
class Role:
    """A role, with the grants of those it includes."""

    key: str
    grants: tuple[Grant, ...]
    masks: Mapping[str, frozenset[str]]
    operations: frozenset[str]
    purpose: str | None = None
    client_ids: bool = False


@cache
def roles() -> Mapping[str, Role]:
    """Every role by its key, from the package's own ``roles.yaml``. Raises Wrong."""
    text = resources.files("yba.fhir.access").joinpath("roles.yaml").read_text(encoding="utf-8")
    return read(text)


def read(text: str) -> Mapping[str, Role]:
    """Roles of a YAML text. Raises Wrong with the place of what is not understood."""
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Wrong(f"the roles are no YAML: {error}") from error
    _only(tree, frozenset({"groups", "roles"}), "the roles")
    groups = {name: _types(found, {}, f"groups.{name}") for name, found in tree.get("groups", {}).items()}
    said = tree.get("roles", {})
    made: dict[str, Role] = {}
    for key in said:
        _role(key, said, groups, made, ())
    return made


def _role(
    key: str,
    said: Mapping[str, Any],
    groups: Mapping[str, frozenset[str]],
    made: dict[str, Role],
    inside: tuple[str, ...],
) -> Role:
    if key in made:
        return made[key]
    at = f"roles.{key}"
    if key in inside:
        raise Wrong(f"{at}: it includes itself")
    if key not in said:
        raise Wrong(f"roles.{inside[-1]}.includes: there is no role '{key}'")
    own = said[key]
    _only(own, _ROLE_WORDS, at)
    labels = _labels(own.get("labels", []), f"{at}.labels")
    grants = [
        _grant(one, groups, labels, f"{at}.grants[{number}]")
        for number, one in enumerate(own.get("grants") or [])
    ]
    masks = _masks(own.get("masks", {}), f"{at}.masks")
    operations = frozenset(_words(own.get("operations", []), OPERATIONS, f"{at}.operations"))
    for other in _list(own.get("includes", []), f"{at}.includes"):
        found = _role(other, said, groups, made, (*inside, key))
        if found.masks:
            raise Wrong(f"{at}.includes: '{other}' has masks, which would hold for all of '{key}'")
        grants += found.grants
        operations |= found.operations
    made[key] = Role(
        key, tuple(grants), masks, operations, own.get("purpose"), client_ids=own.get("client-ids") is True
    )
    _check_masks(made[key], at)
    return made[key]


def _grant(said: Any, groups: Mapping[str, frozenset[str]], labels: int, at: str) -> Grant:
    _only(said, _GRANT_WORDS, at)
    for word in ("types", "may", "of"):
        if word not in said:
            raise Wrong(f"{at}: it does not say '{word}'")
    types = _types(said["types"], groups, f"{at}.types")
    may: set[str] = set()
    for word in _list(said["may"], f"{at}.may"):
        may.update(_SHORT.get(word, (word,)))
    _words(may, INTERACTIONS, f"{at}.may")
    of = tuple(_words(_list(said["of"], f"{at}.of"), RELATIONS, f"{at}.of"))
    kept = said.get("kept", "here")
    if kept not in ("here", "anywhere") or ("kept" in said and not _KEPT_BY.issuperset(of)):
        raise Wrong(f"{at}.kept: 'here' or 'anywhere', of {', '.join(sorted(_KEPT_BY))} only")
    own = labels | _labels(said.get("labels", []), f"{at}.labels")
    if not _OF_CITIZENS.intersection(of):
        own |= DECEASED
    return Grant(types, frozenset(may), of, kept == "here", own, _criteria(said.get("where"), types, at))


def _criteria(said: Any, types: frozenset[str], at: str) -> Mapping[str, str]:
    if said is None:
        return {}
    found = dict.fromkeys(types, said) if isinstance(said, str) else said
    if not isinstance(found, dict):
        raise Wrong(f"{at}.where: criteria, or criteria by type")
    from yba.fhir.access.criteria import check  # reads search parameters, which most roles do without

    for type_name, text in found.items():
        if type_name not in types:
            raise Wrong(f"{at}.where: '{type_name}' is none of the grant's types")
        check(type_name, str(text), f"{at}.where")
    return {type_name: str(text) for type_name, text in found.items()}


# -- words -------------------------------------------------------------------------------------------------


def _only(said: Any, known: frozenset[str], at: str) -> None:
    if not isinstance(said, dict):
        raise Wrong(f"{at}: names with values are wanted")
    for word in said:
        if word not in known:
            raise Wrong(f"{at}: there is no '{word}'; these are: {', '.join(sorted(known))}")


def _list(said: Any, at: str) -> list[str]:
    found = [said] if isinstance(said, str) else said
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Wrong(f"{at}: a word or a list of words is wanted")
    return found


def _words(said: Iterable[str], known: Iterable[str], at: str) -> Iterable[str]:
    for word in said:
        if word not in known:
            raise Wrong(f"{at}: there is no '{word}'; these are: {', '.join(sorted(known))}")
    return said


def _types(said: Any, groups: Mapping[str, frozenset[str]], at: str) -> frozenset[str]:
    found: set[str] = set()
    for word in _list(said, at):
        if word in groups:
            found |= groups[word]
        elif word in MODULES or word == ANY:
            found.add(word)
        else:
            raise Wrong(f"{at}: '{word}' is no resource type of FHIR R4 and no group")
    return frozenset(found)


def _labels(said: Any, at: str) -> int:
    if said == "all":
        return EVERY
    try:
        return bits_of(_list(said, at))
    except KeyError as error:
        raise Wrong(f"{at}: there is no label {error}") from None


def _masks(said: Any, at: str) -> Mapping[str, frozenset[str]]:
    if not isinstance(said, dict):
        raise Wrong(f"{at}: elements by type are wanted")
    for type_name, elements in said.items():
        if type_name not in MODULES:
            raise Wrong(f"{at}: '{type_name}' is no resource type of FHIR R4")
        known = {one.rstrip("_") for one in resource_class(type_name).__struct_fields__}
        for element in _list(elements, f"{at}.{type_name}"):
            if element not in known or element in ("id", "meta", "resourceType"):
                raise Wrong(f"{at}.{type_name}: '{element}' is no element of it that can be taken out")
    return {type_name: frozenset(elements) for type_name, elements in said.items()}


def _check_masks(role: Role, at: str) -> None:
    """What is shown in part is never written: it would be written in part."""
    for type_name in role.masks:
        for grant in role.grants:
            if WRITES & grant.may and (type_name in grant.types or ANY in grant.types):
                raise Wrong(f"{at}.masks: the role writes {type_name}, which it sees in part only")
