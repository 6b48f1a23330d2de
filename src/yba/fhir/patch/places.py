"""Changing JSON where an element is: primitives keep their ``_x`` beside them, and nothing empty is left behind."""

from __future__ import annotations

from typing import Any

from yba.fhir.model.fhirpath import Node


def inside(node: Node) -> dict[str, Any]:
    """The object in which the element is a property: its holder's, or of a primitive holder its ``_x``."""
    assert node.holder is not None
    held = node.holder.value if isinstance(node.holder.value, dict) else node.holder.extra
    assert isinstance(held, dict)
    return held


def opened(node: Node) -> dict[str, Any]:
    """The object into which children of the element go; a primitive's ``_x`` is made when there is none."""
    if isinstance(node.value, dict):
        return node.value
    if isinstance(node.extra, dict):
        return node.extra
    held, beside = inside(node), "_" + node.key
    extra: dict[str, Any] = {}
    node.extra = extra
    if node.index is None:
        held[beside] = extra
    else:
        extras = held.setdefault(beside, [])
        _pad(extras, node.index + 1)
        extras[node.index] = extra
    return extra


def length(held: dict[str, Any], key: str) -> int:
    """How many repetitions there are."""
    return max(len(held.get(key) or ()), len(held.get("_" + key) or ()))


def put(held: dict[str, Any], key: str, content: Any, extra: Any) -> None:
    """Set an element that does not repeat."""
    if content is not None:
        held[key] = content
    if extra is not None:
        held["_" + key] = extra


def insert(held: dict[str, Any], key: str, index: int | None, content: Any, extra: Any) -> None:
    """Put a repetition at an index, or at the end."""
    count = length(held, key)
    at = count if index is None else index
    if extra is not None or "_" + key in held:
        extras = held.setdefault("_" + key, [])
        _pad(extras, count)
        extras.insert(at, extra)
    if content is None and key not in held:
        return
    values = held.setdefault(key, [])
    _pad(values, count)
    values.insert(at, content)


def move(held: dict[str, Any], key: str, source: int, destination: int) -> None:
    """Take a repetition out and put it in again."""
    count = length(held, key)
    for name in (key, "_" + key):
        if name in held:
            _pad(held[name], count)
            held[name].insert(destination, held[name].pop(source))


def replace(node: Node, key: str, content: Any, extra: Any) -> None:
    """Set another value, under the property of its type."""
    held = inside(node)
    if node.index is None:
        _renamed(held, node.key, key, content)
        held.pop("_" + node.key, None)
        if extra is not None:
            held["_" + key] = extra
        return
    count = length(held, node.key)
    for name, value in ((key, content), ("_" + key, extra)):
        if value is not None or name in held:
            values = held.setdefault(name, [])
            _pad(values, count)
            values[node.index] = value
            if not any(one is not None for one in values):
                del held[name]


def _renamed(held: dict[str, Any], old: str, new: str, content: Any) -> None:
    """Set the property where it stood, so that the order of the rest stays."""
    written = {
        (new if name == old else name): (content if name == old else value) for name, value in held.items()
    }
    if content is None:
        written.pop(new, None)
    elif new not in written:
        written[new] = content
    held.clear()
    held.update(written)


def remove(node: Node) -> None:
    """Take an element out, and what becomes empty by it."""
    held = inside(node)
    for name in (node.key, "_" + node.key):
        if name not in held:
            continue
        if node.index is None:
            del held[name]
            continue
        values = held[name]
        if node.index < len(values):
            del values[node.index]
        if not any(one is not None for one in values):
            del held[name]
    if held or node.holder is None or node.holder.holder is None:
        return
    if node.holder.value is None or isinstance(node.holder.value, dict):
        remove(node.holder)
    else:
        _close(node.holder)


def _close(node: Node) -> None:
    """Take away the empty ``_x`` of a primitive that has a value."""
    held, beside = inside(node), "_" + node.key
    if node.index is None:
        held.pop(beside, None)
        return
    held[beside][node.index] = None
    if not any(one is not None for one in held[beside]):
        del held[beside]


def _pad(values: list[Any], count: int) -> None:
    values += [None] * (count - len(values))
