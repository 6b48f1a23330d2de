"""The operations of a FHIRPath Patch, read from its Parameters (FHIR R4, fhirpatch.html)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yba.fhir.errors import Invalid, TooCostly
from yba.fhir.model.fhirpath import Budget
from yba.fhir.model.structures import is_primitive

MOST_FOUND = 1_000_000
KINDS = frozenset({"add", "insert", "delete", "replace", "move"})
_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Value:
    """What a ``value[x]``, a resource or parts give; ``kind`` is "" for parts, ``extra`` a primitive's ``_x``."""

    kind: str
    content: Any
    extra: Any = None


class Found:
    """How many elements the paths of one patch have found together: each operation looks for its own anew.

    ``budget``: the steps of FHIRPath they share.
    """

    __slots__ = ("budget", "count")

    def __init__(self) -> None:
        self.count = 0
        self.budget = Budget()

    def add(self, count: int) -> None:
        """Raises TooCostly beyond the limit."""
        self.count += count
        if self.count > MOST_FOUND:
            raise TooCostly(
                "patch.too-costly",
                f"The paths of the patch find more than {MOST_FOUND} elements. Send fewer operations at a time.",
            )


@dataclass(frozen=True, slots=True)
class Change:
    """One operation; ``at`` is where it stands in the Parameters."""

    at: str
    kind: str
    path: str
    parts: Mapping[str, tuple[Mapping[str, Any], str]]
    found: Found

    def text(self, name: str) -> str:
        """The part's text. Raises Invalid without one."""
        value = self.value(name).content
        if not isinstance(value, str):
            raise invalid("patch.part", f"The part {name} is a text.", self.parts[name][1])
        return value

    def number(self, name: str) -> int:
        """The part's whole number. Raises Invalid without one."""
        value = self.value(name).content
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid("patch.part", f"The part {name} is a whole number.", self.parts[name][1])
        return value

    def value(self, name: str) -> Value:
        """The part's value. Raises Invalid without one."""
        if name not in self.parts:
            raise invalid("patch.part", f"A patch of type {self.kind} needs a part {name}.", self.at)
        return read_value(*self.parts[name])


def changes(parameters: Any) -> list[Change]:
    """Every operation in order. Raises Invalid with the path of what is wrong."""
    if not isinstance(parameters, dict) or parameters.get("resourceType") != "Parameters":
        raise invalid("patch.parameters", "A FHIRPath Patch is a Parameters resource.", "Parameters")
    found = Found()
    return [
        _change(one, f"Parameters.parameter[{place}]", found)
        for place, one in enumerate(_listed(parameters, "parameter", "Parameters"))
    ]


def _change(parameter: Any, at: str, found: Found) -> Change:
    if not isinstance(parameter, dict) or parameter.get("name") != "operation":
        raise invalid("patch.parameter", "Every parameter of a FHIRPath Patch is named operation.", at)
    parts: dict[str, tuple[Mapping[str, Any], str]] = {}
    for place, part in enumerate(_listed(parameter, "part", at)):
        where = f"{at}.part[{place}]"
        if not isinstance(part, dict) or not isinstance(part.get("name"), str):
            raise invalid("patch.part", "Every part has a name.", where)
        if part["name"] in parts:
            raise invalid("patch.part", f"The part {part['name'][:40]} is given twice.", where)
        parts[part["name"]] = (part, where)
    read = Change(at, "", "", parts, found)
    kind = read.text("type")
    if kind not in KINDS:
        raise invalid("patch.type", "The type is add, insert, delete, replace or move.", parts["type"][1])
    return Change(at, kind, read.text("path"), parts, found)


def _listed(holder: Mapping[str, Any], name: str, at: str) -> list[Any]:
    listed = holder.get(name, [])
    if not isinstance(listed, list):
        raise invalid("patch.list", f"{name} is a list.", f"{at}.{name}")
    return listed


def read_value(part: Mapping[str, Any], at: str) -> Value:
    """The value a part gives. Raises Invalid when it gives none or several."""
    keys = [
        key for key in part if key.startswith("value") or (key.startswith("_value") and key[1:] not in part)
    ]
    given = len(keys) + ("resource" in part) + ("part" in part)
    if given != 1:
        raise invalid("patch.value", "A part has one value: a value[x], a resource or parts.", at)
    if "resource" in part:
        return Value("Resource", part["resource"])
    if "part" in part:
        return Value("", _assembled(part, at))
    key = keys[0].removeprefix("_")
    name = key.removeprefix("value")
    lower = name[:1].lower() + name[1:]
    return Value(lower if is_primitive(lower) else name, part.get(key), part.get("_" + key))


def _assembled(part: Mapping[str, Any], at: str) -> list[tuple[str, Value, str]]:
    """Nested parts as named values, in order; what they are named is known when the target's type is."""
    found = []
    for place, one in enumerate(_listed(part, "part", at)):
        where = f"{at}.part[{place}]"
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise invalid("patch.part", "Every part has a name.", where)
        found.append((one["name"], read_value(one, where), where))
    return found


def invalid(key: str, message: str, at: str) -> Invalid:
    """A patch that cannot be applied."""
    return Invalid(key, f"{at}: {message}", path=at)
