"""FHIRPath Patch: operations on elements found by FHIRPath, all of them or none (FHIR R4, fhirpatch.html)."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from yba.fhir.errors import Invalid
from yba.fhir.model import fhirpath
from yba.fhir.model.fhirpath import Node
from yba.fhir.model.fhirpath.node import Way, ancestors, json_ways, place_of, ways
from yba.fhir.model.fhirpath.syntax import Member
from yba.fhir.model.structures import is_primitive
from yba.fhir.model.tree import Tree
from yba.fhir.patch import places
from yba.fhir.patch.parameters import Change, Value, changes, invalid

MOST_OPERATIONS = 10_000


def fhirpath_patch(tree: Tree, parameters_tree: Tree) -> Tree:
    """The resource after all operations, the given one unchanged.

    Raises Invalid, its path naming the operation in the Parameters, for one that is malformed, that does not find
    the one element it needs, or that goes beyond the bounds of a list.
    """
    changed = deepcopy(tree)
    asked = changes(parameters_tree)
    if len(asked) > MOST_OPERATIONS:
        raise invalid("patch.long", f"A patch has at most {MOST_OPERATIONS} operations.", "Parameters")
    for change in asked:
        _WORK[change.kind](fhirpath.root(changed), change)
    return changed


# -- operations ----------------------------------------------------------------------------------------------


def _add(top: Node, change: Change) -> None:
    target = _one(top, change)
    name = change.text("name").removesuffix("[x]")
    value = change.value("value")
    way = _way(target.place, name, value, change.at)
    held = places.opened(target)
    many = _repeats(way)
    if not many and (way.key in held or "_" + way.key in held or _other_choice(target, way, held)):
        raise invalid("patch.exists", f"{target.path()}.{name} is there already: replace it.", change.at)
    content, extra = _built(value, way, change.at)
    if many:
        places.insert(held, way.key, None, content, extra)
    else:
        places.put(held, way.key, content, extra)


def _insert(top: Node, change: Change) -> None:
    held, way, count = _list(top, change)
    index = change.number("index")
    if not 0 <= index <= count:
        raise invalid("patch.index", f"The index {index} is not from 0 to {count}.", change.parts["index"][1])
    content, extra = _built(change.value("value"), way, change.at)
    places.insert(held, way.key, index, content, extra)


def _delete(top: Node, change: Change) -> None:
    found = _found(top, change)
    if not found:
        return
    if len(found) > 1:
        raise _several(change, len(found))
    if found[0].holder is None:
        raise invalid(
            "patch.root", "The whole resource cannot be deleted by a patch.", change.parts["path"][1]
        )
    places.remove(found[0])


def _replace(top: Node, change: Change) -> None:
    target = _one(top, change)
    if target.holder is None:
        raise invalid(
            "patch.root", "The whole resource cannot be replaced by a patch.", change.parts["path"][1]
        )
    value = change.value("value")
    name = target.element.name if target.element is not None else target.key
    way = _way(target.holder.place, name, value, change.at)
    content, extra = _built(value, way, change.at)
    places.replace(target, way.key, content, extra)


def _move(top: Node, change: Change) -> None:
    held, way, count = _list(top, change)
    source, destination = change.number("source"), change.number("destination")
    for name, index in (("source", source), ("destination", destination)):
        if not 0 <= index < count:
            last = f"from 0 to {count - 1}" if count else "in an empty list"
            raise invalid("patch.index", f"The {name} {index} is not {last}.", change.parts[name][1])
    places.move(held, way.key, source, destination)


_WORK: dict[str, Callable[[Node, Change], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}


# -- finding -------------------------------------------------------------------------------------------------


def _evaluated(top: Node, expression: fhirpath.Expression, change: Change, at: str) -> list[Node]:
    try:
        items = expression.evaluate(top, budget=change.found.budget)
    except Invalid as error:
        raise invalid("patch.path", error.message, at) from None
    for item in items:
        if not isinstance(item, Node) or _top(item) is not top:
            raise invalid("patch.path", "The path gives what is no element of the resource.", at)
    return items


def _compiled(text: str, at: str) -> fhirpath.Expression:
    try:
        return fhirpath.compile(text)
    except Invalid as error:
        raise invalid("patch.path", error.message, at) from None


def _top(node: Node) -> Node:
    while node.holder is not None:
        node = node.holder
    return node


def _found(top: Node, change: Change) -> list[Node]:
    at = change.parts["path"][1]
    found = _evaluated(top, _compiled(change.path, at), change, at)
    change.found.add(len(found))
    return found


def _one(top: Node, change: Change) -> Node:
    found = _found(top, change)
    if not found:
        raise invalid(
            "patch.nothing",
            f"There is nothing at {change.path[:200]} to {change.kind}.",
            change.parts["path"][1],
        )
    if len(found) > 1:
        raise _several(change, len(found))
    return found[0]


def _several(change: Change, count: int) -> Invalid:
    return invalid(
        "patch.several", f"{change.path[:200]} finds {count} elements, not one.", change.parts["path"][1]
    )


def _list(top: Node, change: Change) -> tuple[dict[str, Any], Way, int]:
    """The object that holds a list, the way to it, and how long it is."""
    at = change.parts["path"][1]
    found = _found(top, change)
    if not found:
        return _empty_list(top, change, at)
    first = found[0]
    held = places.inside(first) if first.holder is not None else {}
    if first.index is None or any(
        one.key != first.key or one.index is None or places.inside(one) is not held for one in found
    ):
        raise invalid("patch.list", f"{change.path[:200]} is not one list.", at)
    count = places.length(held, first.key)
    if len(found) != count and len(found) != 1:
        raise invalid("patch.list", f"{change.path[:200]} is a part of a list, not the list.", at)
    return held, place_of(first), count


def _empty_list(top: Node, change: Change, at: str) -> tuple[dict[str, Any], Way, int]:
    syntax = _compiled(change.path, at).syntax
    if isinstance(syntax, Member) and syntax.of is not None:
        holders = _evaluated(top, fhirpath.Expression(change.path, syntax.of), change, at)
        if len(holders) == 1 and isinstance(holders[0].value, dict):
            known = ways(holders[0].place).get(syntax.name, ())
            if len(known) == 1 and _repeats(known[0]):
                return holders[0].value, known[0], 0
    raise invalid("patch.nothing", f"There is no list at {change.path[:200]}.", at)


# -- values --------------------------------------------------------------------------------------------------


def _way(place: str, name: str, value: Value, at: str) -> Way:
    """Where a value of this type belongs under a name: a choice takes the property of the value's type."""
    known = ways(place).get(name, ()) or ((json_ways(place)[name],) if name in json_ways(place) else ())
    if not known:
        raise invalid("patch.name", f"{place} has no element {name[:60]}.", at)
    if len(known) == 1:
        return known[0]
    for way in known:
        if way.kind == value.kind:
            return way
    raise invalid("patch.choice", f"{place}.{name} is not of type {value.kind or 'parts'}.", at)


def _repeats(way: Way) -> bool:
    return way.element is not None and way.element.max != 1


def _other_choice(target: Node, way: Way, held: dict[str, Any]) -> bool:
    """Whether a choice is made already, of another type."""
    element = way.element
    if element is None or not element.is_choice:
        return False
    return any(
        other.key in held or "_" + other.key in held for other in ways(target.place).get(element.name, ())
    )


def _fits(kind: str, way: Way) -> bool:
    """Whether a value's type may stand there: one primitive may be given as another, such as a code as a string."""
    if way.primitive or is_primitive(kind):
        return way.primitive is is_primitive(kind)
    return kind in ancestors(way.kind) or way.kind in ancestors(kind)


def _built(value: Value, way: Way, at: str) -> tuple[Any, Any]:
    """The value as JSON for its place, and its ``_x``."""
    if value.kind:
        if not _fits(value.kind, way):
            raise invalid("patch.value", f"A {value.kind} cannot stand as {way.key}.", at)
        return deepcopy(value.content), deepcopy(value.extra)
    if way.primitive:
        raise invalid("patch.value", f"{way.key} is a simple value and has no parts.", at)
    built: dict[str, Any] = {}
    for name, part, where in value.content:
        under = _way(way.place, name.removesuffix("[x]"), part, where)
        content, extra = _built(part, under, where)
        if _repeats(under):
            places.insert(built, under.key, None, content, extra)
        elif under.key in built:
            raise invalid("patch.value", f"{name[:60]} is given twice.", where)
        else:
            places.put(built, under.key, content, extra)
    if not built:
        raise invalid("patch.value", "The value has no parts.", at)
    return built, None
