"""Fixed and pattern values held against what was given. FHIR R4, elementdefinition.html (fixed[x], pattern[x])."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from yba.fhir.model import tree

Tree = Any


def is_equal(given: Tree, fixed: Tree) -> bool:
    """Exactly the same, ids and extensions included; the order of properties is of no matter."""
    if isinstance(fixed, dict):
        return isinstance(given, dict) and given.keys() == fixed.keys() and all(
            is_equal(given[name], value) for name, value in fixed.items()
        )  # fmt: skip
    if isinstance(fixed, list):
        return isinstance(given, list) and len(given) == len(fixed) and all(map(is_equal, given, fixed))
    return _same(given, fixed)


def holds(given: Tree, pattern: Tree) -> bool:
    """At least what the pattern has: every property of it, of a list every item of it somewhere."""
    if isinstance(pattern, dict):
        return isinstance(given, dict) and all(
            name in given and holds(given[name], value) for name, value in pattern.items()
        )  # fmt: skip
    if isinstance(pattern, list):
        return isinstance(given, list) and all(any(holds(one, wanted) for one in given) for wanted in pattern)
    return _same(given, pattern)


def _same(given: Tree, wanted: Tree) -> bool:
    if isinstance(given, bool) or isinstance(wanted, bool):
        return given is wanted
    if isinstance(given, int | Decimal) and isinstance(wanted, int | Decimal):
        return given == wanted
    return type(given) is type(wanted) and bool(given == wanted)


def shown(value: Tree) -> str:
    """A value for a message, cut where it is long."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else tree.dump(value).decode()
    return f"'{text[:117]}...'" if len(text) > 120 else f"'{text}'"
