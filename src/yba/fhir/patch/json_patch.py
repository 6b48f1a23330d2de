"""JSON Patch: operations by JSON Pointer, all of them or none (RFC 6902 and RFC 6901)."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

from yba.fhir.errors import Invalid, TooCostly
from yba.fhir.model.tree import DEPTH, Tree

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_MISSING: Any = object()
MOST_OPERATIONS = 10_000
MOST_COPIED = 1_000_000
"""Values that the copies of one patch may add, ten letters counting as one: each may copy what others copied."""


def json_patch(tree: Tree, operations: Any) -> Tree:
    """The tree after all operations, the given one unchanged.

    Raises Invalid, its path naming the operation (``[2].path``), for one that is malformed, has no target, or is a
    test that fails.
    """
    if not isinstance(operations, list):
        raise _invalid("patch.list", "A JSON Patch is a list of operations.", "")
    if len(operations) > MOST_OPERATIONS:
        raise _invalid("patch.long", f"A JSON Patch has at most {MOST_OPERATIONS} operations.", "")
    changed = deepcopy(tree)
    copied = 0
    for place, operation in enumerate(operations):
        at = f"[{place}]"
        if isinstance(operation, dict) and operation.get("op") == "copy":
            copied += _size(
                _found(changed, _pointer(operation, "from", at), f"{at}.from"), MOST_COPIED - copied
            )
        changed = _applied(changed, operation, at)
    return changed


def _size(value: Any, most: int) -> int:
    """How much a copy adds. Raises TooCostly when they are more than are left."""
    size, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        size += 1 + (len(one) // 10 if isinstance(one, str) else 0)
        if size > most:
            raise TooCostly(
                "patch.copies", f"The copies of a JSON Patch add more than {MOST_COPIED} values. Send fewer."
            )
        waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return size


def _applied(tree: Tree, operation: Any, at: str) -> Tree:
    if not isinstance(operation, dict):
        raise _invalid("patch.operation", f"The operation {at} is no object.", at)
    work = _OPERATIONS.get(operation.get("op")) if isinstance(operation.get("op"), str) else None
    if work is None:
        raise _invalid(
            "patch.op",
            f"The operation {at} has no op of add, remove, replace, move, copy and test.",
            f"{at}.op",
        )
    return work(tree, operation, at)


# -- operations ----------------------------------------------------------------------------------------------


def _add(tree: Tree, operation: dict[str, Any], at: str) -> Tree:
    return _put(tree, _pointer(operation, "path", at), deepcopy(_value(operation, at)), f"{at}.path")


def _remove(tree: Tree, operation: dict[str, Any], at: str) -> Tree:
    return _taken(tree, _pointer(operation, "path", at), f"{at}.path")


def _replace(tree: Tree, operation: dict[str, Any], at: str) -> Tree:
    pointer, value = _pointer(operation, "path", at), deepcopy(_value(operation, at))
    _found(tree, pointer, f"{at}.path")
    if not pointer:
        return value
    holder = _found(tree, pointer[:-1], f"{at}.path")
    holder[int(pointer[-1]) if isinstance(holder, list) else pointer[-1]] = value
    return tree


def _move(tree: Tree, operation: dict[str, Any], at: str) -> Tree:
    source, target = _pointer(operation, "from", at), _pointer(operation, "path", at)
    value = _found(tree, source, f"{at}.from")
    if source == target:
        return tree
    if target[: len(source)] == source:
        raise _invalid("patch.move", f"The operation {at} moves a value into itself.", f"{at}.path")
    return _put(_taken(tree, source, f"{at}.from"), target, value, f"{at}.path")


def _copy(tree: Tree, operation: dict[str, Any], at: str) -> Tree:
    source, target = _pointer(operation, "from", at), _pointer(operation, "path", at)
    return _put(tree, target, deepcopy(_found(tree, source, f"{at}.from")), f"{at}.path")


def _test(tree: Tree, operation: dict[str, Any], at: str) -> Tree:
    wanted = _value(operation, at)
    if not same(_found(tree, _pointer(operation, "path", at), f"{at}.path"), wanted):
        raise _invalid(
            "patch.test", f"The test {at} fails: what is at {operation['path'][:200]!r} is another value.", at
        )
    return tree


_OPERATIONS: dict[Any, Callable[[Tree, dict[str, Any], str], Tree]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: numbers by value (1.0 is 1, true is not), objects in any order."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | Decimal) and isinstance(other, int | Decimal):
        return one == other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


# -- pointers ------------------------------------------------------------------------------------------------


def _value(operation: dict[str, Any], at: str) -> Any:
    value = operation.get("value", _MISSING)
    if value is _MISSING:
        raise _invalid("patch.value", f"The operation {at} has no value.", f"{at}.value")
    return value


def _pointer(operation: dict[str, Any], name: str, at: str) -> list[str]:
    text = operation.get(name)
    if not isinstance(text, str) or (text and not text.startswith("/")) or re.search(r"~(?![01])", text):
        raise _invalid(
            "patch.pointer",
            f"The operation {at} has no JSON Pointer as its {name}, such as /a/0.",
            f"{at}.{name}",
        )
    parts = [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]
    if len(parts) > DEPTH:
        raise _invalid(
            "patch.pointer",
            f"The {name} of the operation {at} goes deeper than {DEPTH} levels.",
            f"{at}.{name}",
        )
    return parts


def _found(tree: Tree, pointer: list[str], at: str) -> Any:
    for part in pointer:
        if isinstance(tree, dict) and part in tree:
            tree = tree[part]
        elif isinstance(tree, list) and _INDEX.fullmatch(part) and int(part) < len(tree):
            tree = tree[int(part)]
        else:
            raise _no_target(pointer, at)
    return tree


def _put(tree: Tree, pointer: list[str], value: Any, at: str) -> Tree:
    if not pointer:
        return value
    holder, last = _found(tree, pointer[:-1], at), pointer[-1]
    if isinstance(holder, dict):
        holder[last] = value
    elif isinstance(holder, list) and last == "-":
        holder.append(value)
    elif isinstance(holder, list) and _INDEX.fullmatch(last) and int(last) <= len(holder):
        holder.insert(int(last), value)
    else:
        raise _no_target(pointer, at)
    return tree


def _taken(tree: Tree, pointer: list[str], at: str) -> Tree:
    if not pointer:
        raise _invalid("patch.root", "The whole document cannot be removed.", at)
    holder = _found(tree, pointer[:-1], at)
    _found(holder, pointer[-1:], at)
    del holder[int(pointer[-1]) if isinstance(holder, list) else pointer[-1]]
    return tree


def _no_target(pointer: list[str], at: str) -> Invalid:
    shown = "/" + "/".join(pointer)
    return _invalid("patch.target", f"There is nothing at {shown[:200]} for the operation {at}.", at)


def _invalid(key: str, message: str, at: str) -> Invalid:
    return Invalid(key, message, path=at or None)
