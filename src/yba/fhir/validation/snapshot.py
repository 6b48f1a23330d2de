"""A snapshot out of a differential and the snapshot it is built on. FHIR R4, profiling.html#snapshot.

Elements of the differential find theirs in the base by id; what is deeper than the base goes is unfolded from the
type, from the element another one refers to, and for a slice from the element it is a slice of.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from yba.fhir.errors import Invalid
from yba.fhir.model.structures import CORE

Tree = Any
Find = Callable[[str], Tree | None]
"""A StructureDefinition with a snapshot by canonical url, or None."""

_REPLACED = (
    "min", "max", "type", "binding", "maxLength", "short", "isModifier", "isSummary", "slicing", "sliceName",
    "mustSupport", "definition",
)  # fmt: skip
_VALUES = ("fixed", "pattern", "minValue", "maxValue", "defaultValue")
_PARENTS = frozenset({"Element", "BackboneElement"})


def generate(definition: Tree, base: Tree, find: Find) -> Tree:
    """The definition with a snapshot. Raises Invalid with the path of an element that fits nowhere."""
    try:
        made = _Snapshot(definition, base, find)
        made.apply((definition.get("differential") or {}).get("element") or [])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Invalid(
            "validation.snapshot",
            f"No snapshot can be made of the profile {definition.get('url')}: it is not formed as one.",
            path="StructureDefinition.differential",
        ) from None
    return {**definition, "snapshot": {"element": made.elements}}


class _Snapshot:
    """Elements in order, and where each stands."""

    def __init__(self, definition: Tree, base: Tree, find: Find) -> None:
        self.url = str(definition.get("url"))
        self.find = find
        self.elements: list[Tree] = []
        self.chosen: dict[str, set[str]] = {}  # choices named by their types (valueQuantity), and which
        for one in base["snapshot"]["element"]:
            copy = deepcopy(one)
            copy.setdefault("id", copy["path"])
            self.elements.append(copy)
        root = self.elements[0]["path"]
        wanted = str(definition.get("type", root)).removeprefix(CORE)
        if wanted != root:
            raise self._refused(f"it is for {wanted}, but what it is built on is for {root}", root)

    def apply(self, differential: list[Tree]) -> None:
        """Merge the elements of the differential, in their order."""
        named: list[str] = []  # the ids of the elements before, for those without an id of their own
        for number, one in enumerate(differential):
            at = f"StructureDefinition.differential.element[{number}]"
            path = one.get("path")
            if not isinstance(path, str):
                raise self._refused("an element has no path", at)
            said = one.get("id")
            identifier = said if isinstance(said, str) and _agrees(said, path) else _id_of(one, named)
            identifier = self._plain(identifier, one, at)
            named.append(identifier)
            place = self._place(identifier, at)
            self._merge(self.elements[place], one)
        self._close()

    # -- finding -------------------------------------------------------------------------------------------------

    def _index(self, identifier: str) -> int | None:
        return next((at for at, one in enumerate(self.elements) if one["id"] == identifier), None)

    def _place(self, identifier: str, at: str) -> int:
        """Where the element of an id stands; made when it is a slice or deeper than the base goes."""
        found = self._index(identifier)
        if found is not None:
            return found
        parent, _, last = identifier.rpartition(".")
        if not parent:
            raise self._refused(f"{identifier} is no element of the base", at)
        if ":" in last:
            return self._slice(identifier, at)
        holder = self._place(parent, at)
        if not self._has_children(parent):
            self._unfold(holder, at)
        found = self._index(identifier)
        if found is None:
            raise self._refused(f"{identifier} is no element of the base", at)
        return found

    def _slice(self, identifier: str, at: str) -> int:
        """A new slice: a copy of the element it is a slice of, after it and its other slices."""
        origin = (
            identifier.rpartition("/")[0]
            if "/" in identifier.rpartition(":")[2]
            else identifier.rpartition(":")[0]
        )
        place = self._place(origin, at)
        copy = deepcopy(self.elements[place])
        copy["id"] = identifier
        copy["sliceName"] = identifier.rpartition(":")[2]
        copy.pop("slicing", None)
        copy["min"] = 0
        plain = origin.rpartition(":")[0] if ":" in origin.rpartition(".")[2] else origin
        after = place + 1
        while after < len(self.elements) and self._belongs(self.elements[after]["id"], plain):
            after += 1
        self.elements.insert(after, copy)
        return after

    @staticmethod
    def _belongs(identifier: str, origin: str) -> bool:
        """Whether an element is a slice of another, or below it or one of its slices."""
        return identifier.startswith((origin + ".", origin + ":"))

    def _has_children(self, identifier: str) -> bool:
        return any(one["id"].startswith(identifier + ".") for one in self.elements)

    def _unfold(self, place: int, at: str) -> None:
        """Give an element the children its slice's origin, its type or the element it refers to has."""
        element = self.elements[place]
        identifier = element["id"]
        copies = (
            self._from_origin(identifier) or self._from_reference(element) or self._from_type(element, at)
        )
        self.elements[place + 1 : place + 1] = copies

    def _from_origin(self, identifier: str) -> list[Tree]:
        last = identifier.rpartition(".")[2]
        if ":" not in last:
            return []
        origin = identifier.rpartition(":")[0]
        return self._copied(origin, identifier)

    def _copied(self, origin: str, identifier: str) -> list[Tree]:
        copies = []
        for one in self.elements:
            if one["id"].startswith(origin + "."):
                copy = deepcopy(one)
                copy["id"] = identifier + one["id"][len(origin) :]
                copies.append(copy)
        return copies

    def _from_reference(self, element: Tree) -> list[Tree]:
        said = element.get("contentReference")
        if not isinstance(said, str):
            return []
        origin = said.rpartition("#")[2]
        copies = self._copied(origin, element["id"])
        for copy in copies:
            copy["path"] = element["path"] + copy["path"][len(origin) :]
        place = self._index(origin)
        if place is not None:
            element["type"] = deepcopy(self.elements[place].get("type", []))
            element.pop("contentReference")
        return copies

    def _from_type(self, element: Tree, at: str) -> list[Tree]:
        types = element.get("type") or []
        if len(types) != 1:
            raise self._refused(
                f"{element['path']} has {len(types)} types, so nothing can be said below it: choose one", at
            )
        profiles = types[0].get("profile") or []
        code = str(types[0].get("code"))
        name = profiles[0] if len(profiles) == 1 and code not in _PARENTS else CORE + code
        definition = self.find(name) or self.find(CORE + code)
        if definition is None:
            raise self._refused(f"the type {name} of {element['path']} is not known here", at)
        below = definition["snapshot"]["element"]
        root = below[0]["path"]
        copies = []
        for one in below[1:]:
            copy = deepcopy(one)
            copy["path"] = element["path"] + one["path"][len(root) :]
            copy["id"] = element["id"] + one.get("id", one["path"])[len(root) :]
            copies.append(copy)
        return copies

    # -- merging -------------------------------------------------------------------------------------------------

    def _plain(self, identifier: str, one: Tree, at: str) -> str:
        """``Observation.valueQuantity`` is the slice ``Observation.value[x]:valueQuantity``."""
        steps = identifier.split(".")
        for number in range(1, len(steps)):
            so_far = ".".join(steps[: number + 1])
            if self._index(so_far) is not None or ":" in steps[number]:
                continue
            choice = self._choice(".".join(steps[:number]), steps[number], at)
            if choice is not None:
                stem, code = choice
                steps[number] = f"{stem}:{steps[number]}"
                place = self._place(".".join(steps[: number + 1]), at)
                self._typed(place, ".".join([*steps[:number], stem]), code)
        return ".".join(steps)

    def _choice(self, parent: str, name: str, at: str) -> tuple[str, str] | None:
        place = self._index(parent)
        if place is not None and not self._has_children(parent):
            try:
                self._unfold(place, at)
            except Invalid:
                return None
        for one in self.elements:
            stem = one["id"].rpartition(".")[2]
            if one["id"].rpartition(".")[0] != parent or not stem.endswith("[x]"):
                continue
            for kind in one.get("type", ()):
                code = str(kind.get("code"))
                if name == stem[:-3] + code[:1].upper() + code[1:]:
                    return stem, code
        return None

    def _typed(self, place: int, choice: str, code: str) -> None:
        element = self.elements[place]
        element["type"] = [kind for kind in element["type"] if kind.get("code") == code]
        self.chosen.setdefault(choice, set()).add(code)
        origin = self._index(choice)
        if origin is not None:
            self.elements[origin].setdefault(
                "slicing", {"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"}
            )

    def _close(self) -> None:
        """A choice named by its types has those and no others."""
        for choice, codes in self.chosen.items():
            place = self._index(choice)
            if place is not None:
                element = self.elements[place]
                element["type"] = [kind for kind in element.get("type", ()) if kind.get("code") in codes]
                element["slicing"] = {**element["slicing"], "rules": "closed"}

    def _merge(self, element: Tree, change: Tree) -> None:
        for key, value in change.items():
            if key == "constraint":
                told = {one["key"] for one in element.get("constraint", ())}
                fresh = [one for one in value if one.get("key") not in told]
                element["constraint"] = [*element.get("constraint", ()), *deepcopy(fresh)]
            elif key in _REPLACED or key.startswith(_VALUES):
                if key.startswith(_VALUES):
                    start = next(one for one in _VALUES if key.startswith(one))
                    for old in [old for old in element if old.startswith(start)]:
                        del element[old]
                element[key] = deepcopy(value)
        self._sliced(element)

    def _sliced(self, element: Tree) -> None:
        """A slice of extensions needs no slicing said: they are told apart by url."""
        name = element["id"].rpartition(".")[2].partition(":")
        if not name[1]:
            return
        origin = self._index(element["id"].rpartition(":")[0])
        if (
            origin is not None
            and "slicing" not in self.elements[origin]
            and name[0] in ("extension", "modifierExtension")
        ):
            self.elements[origin]["slicing"] = {
                "discriminator": [{"type": "value", "path": "url"}], "rules": "open"
            }  # fmt: skip

    def _refused(self, why: str, at: str) -> Invalid:
        return Invalid(
            "validation.snapshot", f"No snapshot can be made of the profile {self.url}: {why}.", path=at
        )


def _id_of(one: Tree, named: list[str]) -> str:
    """The id of an element of a differential that has none, from its path and the slices it stands in."""
    path, name = str(one["path"]), one.get("sliceName")
    parent, _, last = path.rpartition(".")
    for before in reversed(named):
        if _without_slices(before) == parent:
            parent = before
            break
    identifier = f"{parent}.{last}" if parent else last
    return f"{identifier}:{name}" if isinstance(name, str) else identifier


def _agrees(identifier: str, path: str) -> bool:
    """Whether an id is one of an element of this path; a choice may be written with its type in the path."""
    plain, steps = _without_slices(identifier).split("."), path.split(".")
    return len(plain) == len(steps) and all(
        one == other or (one.endswith("[x]") and other.startswith(one[:-3]))
        for one, other in zip(plain, steps, strict=True)
    )


def _without_slices(identifier: str) -> str:
    return ".".join(step.partition(":")[0] for step in identifier.split("."))
