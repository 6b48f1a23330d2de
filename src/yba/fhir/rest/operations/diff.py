"""$diff: what leads from one version or resource to another, as a FHIRPath Patch.

On an instance: from the version before the current one (or ``from``) to the current one (or ``to``); both are numbers
of versions. On a type or the whole record: ``from`` and ``to`` name two resources of one type, each with a version if
wanted. The answer is a Parameters resource of FHIR R4's fhirpatch.html: applied to the first, it gives the second.
``resourceType`` and ``id`` never differ by a patch, and ``meta`` is compared only with ``includeMeta=true``.

How it is made: an element that both have is compared part by part; what is new is added or replaced before what is gone
is deleted, so that no holder is empty on the way (an empty one would vanish). Repetitions are lined up by what is equal
and changed from the last to the first, so that a path still counts what it counted before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from yba.fhir.errors import Invalid, TooCostly
from yba.fhir.model import references, tree
from yba.fhir.model.fhirpath.node import Way, json_ways
from yba.fhir.patch.fhirpath_patch import MOST_OPERATIONS
from yba.fhir.rest.operations.call import Call, Operation, answer_tree
from yba.fhir.rest.response import Response
from yba.fhir.store.rows import Stored

Tree = Any
MOST_PAIRS = 1_000_000
Change = dict[str, Any]
Item = tuple[Tree, Tree]
"""A value and its ``_x``."""
# Words of FHIRPath that elements are called by, too.
_WORDS = frozenset(
    {"and", "as", "contains", "div", "false", "implies", "in", "is", "mod", "or", "true", "xor"}
)


# -- the operation ---------------------------------------------------------------------------------------------


def diff(call: Call) -> Response:
    """The patch between two versions, or two resources."""
    if call.id is None:
        call.refuse_unknown(("from", "to", "includeMeta"))
        first, second = _named(call, "from"), _named(call, "to")
        if first.type != second.type:
            raise Invalid(
                "diff.types", f"A {first.type} is not compared with a {second.type}.", path="Parameters.to"
            )
    else:
        call.refuse_unknown(("from", "fromVersion", "to", "toVersion", "includeMeta"))
        first, second = _versions(call)
    found = difference(
        tree.parse(first.content or b"{}"), tree.parse(second.content or b"{}"), meta=call.flag("includeMeta")
    )
    return answer_tree(found)


def _named(call: Call, name: str) -> Stored:
    """A resource by reference, with or without a version."""
    text = call.needed(name)
    target = references.parse(text.removeprefix(call.request.base_url + "/"))
    if target is None or target.base or call.type_name not in (None, target.type):
        wanted = call.type_name or "Type"
        raise Invalid(
            "operation.value", f"The parameter '{name}' takes '{wanted}/id', not '{text[:100]}'.",
            path=f"Parameters.{name}",
        )  # fmt: skip
    if target.version is None:
        return call.record.read_stored(target.type, target.id)
    return call.record.vread_stored(target.type, target.id, target.version)


def _versions(call: Call) -> tuple[Stored, Stored]:
    assert call.type_name is not None
    assert call.id is not None
    start, end = call.text("from") or call.text("fromVersion"), call.text("to") or call.text("toVersion")
    second = (
        call.record.read_stored(call.type_name, call.id)
        if end is None
        else call.record.vread_stored(call.type_name, call.id, end)
    )
    if start is None:
        if second.version == 1:
            raise Invalid("diff.first", "There is no version before the first. Name one by 'from'.")
        start = str(second.version - 1)
    return call.record.vread_stored(call.type_name, call.id, start), second


# -- the difference ---------------------------------------------------------------------------------------------


def difference(first: Tree, second: Tree, *, meta: bool = False) -> Tree:
    """A Parameters resource that, applied to the first tree as a FHIRPath Patch, gives the second.

    Both are resources of one type. The ids (and without ``meta`` the metas) are left as they are.
    """
    kept = {"resourceType", "id"} if meta else {"resourceType", "id", "meta"}
    kind = first["resourceType"]
    one, other = (
        {name: value for name, value in side.items() if name not in kept} for side in (first, second)
    )
    found = list(_object(one, other, kind, kind))
    result: dict[str, Any] = {"resourceType": "Parameters"}
    if len(found) > MOST_OPERATIONS:
        raise TooCostly(
            "diff.too-much", f"The two differ in more than {MOST_OPERATIONS:,} places. Read both instead."
        )
    if found:
        result["parameter"] = found
    return result


def _object(one: Mapping[str, Tree], other: Mapping[str, Tree], place: str, path: str) -> Iterator[Change]:
    """The changes between two objects of one place: first what is there afterwards, then what is not."""
    known = json_ways(place)
    names = {name.removeprefix("_"): None for name in [*other, *one]}
    gone: list[Change] = []
    replaced: set[str] = set()
    for name in names:
        before, after = (_items(side, name) for side in (one, other))
        if before == after:
            continue
        way = known[name]
        at = f"{path}.{_word(_called(way))}"
        if isinstance(before, list) or isinstance(after, list):
            if after is None:
                assert isinstance(before, list)
                gone += [_delete(f"{at}[{number}]") for number in reversed(range(len(before)))]
            else:
                assert isinstance(after, list)
                yield from _list(before if isinstance(before, list) else [], after, way, path, at)
        elif after is None:
            gone.append(_delete(at))
        elif before is None:
            same_choice = next(
                (key for key in names if key not in replaced and key != name and _same_choice(known, key, name)
                 and _items(one, key) is not None and _items(other, key) is None), None,
            )  # fmt: skip
            if same_choice is None:
                yield _operation("add", path, ("name", {"valueString": _called(way)}), _value(after, way))
            else:
                replaced.add(same_choice)
                yield _operation("replace", at, _value(after, way))
        else:
            yield from _one(before, after, way, at)
    choices = {f"{path}.{_word(_called(known[name]))}" for name in replaced}
    yield from (one for one in gone if _path_of(one) not in choices)


def _items(side: Mapping[str, Tree], name: str) -> Item | list[Item] | None:
    value, extra = side.get(name), side.get("_" + name)
    if value is None and extra is None:
        return None
    if not isinstance(value, list) and not isinstance(extra, list):
        return value, extra
    values, extras = value or [], extra or []
    count = max(len(values), len(extras))
    return [
        (values[at] if at < len(values) else None, extras[at] if at < len(extras) else None)
        for at in range(count)
    ]


def _called(way: Way) -> str:
    """The element's name in FHIRPath: a choice without its type."""
    return way.element.name.removesuffix("[x]") if way.element is not None else way.key


def _same_choice(known: Mapping[str, Way], one: str, other: str) -> bool:
    element = known[one].element
    return element is not None and element.is_choice and known[other].element is element


def _word(name: str) -> str:
    return f"`{name}`" if name in _WORDS else name


def _one(before: Item, after: Item, way: Way, at: str) -> Iterator[Change]:
    """The changes between two values of one element."""
    if isinstance(before[0], dict) and isinstance(after[0], dict) and "resourceType" not in after[0]:
        yield from _object(before[0], after[0], way.place, at)
    else:
        yield _operation("replace", at, _value(after, way))


def _list(before: list[Item], after: list[Item], way: Way, path: str, at: str) -> Iterator[Change]:
    if not before:
        for item in after:
            yield _operation("add", path, ("name", {"valueString": _called(way)}), _value(item, way))
        return
    for start, end, low, high in reversed(list(_unlike(before, after))):
        both = min(end - start, high - low)
        for number in reversed(range(start + both, end)):
            yield _delete(f"{at}[{number}]")
        for shift in range(both, high - low):
            index = ("index", {"valueInteger": start + shift})
            yield _operation("insert", at, index, _value(after[low + shift], way))
        for shift in range(both):
            yield from _one(before[start + shift], after[low + shift], way, f"{at}[{start + shift}]")


def _unlike(before: list[Item], after: list[Item]) -> Iterator[tuple[int, int, int, int]]:
    """The stretches in which two lists differ: from and to in the one, from and to in the other."""
    one, other = ([tree.dump(list(item)) for item in side] for side in (before, after))
    head = 0
    while head < min(len(one), len(other)) and one[head] == other[head]:
        head += 1
    tail = 0
    while tail < min(len(one), len(other)) - head and one[-1 - tail] == other[-1 - tail]:
        tail += 1
    middle, other_middle = one[head : len(one) - tail], other[head : len(other) - tail]
    if len(middle) * len(other_middle) > MOST_PAIRS:  # to line up so many would take too long
        yield head, len(one) - tail, head, len(other) - tail
        return
    for tag, *places in SequenceMatcher(None, middle, other_middle, autojunk=False).get_opcodes():
        if tag != "equal":
            start, end, low, high = (place + head for place in places)
            yield start, end, low, high


# -- operations as parameters -------------------------------------------------------------------------------------

Part = tuple[str, dict[str, Any]]


def _operation(kind: str, path: str, *parts: Part) -> Change:
    listed: list[Part] = [("type", {"valueCode": kind}), ("path", {"valueString": path}), *parts]
    return {"name": "operation", "part": [{"name": name, **value} for name, value in listed]}


def _delete(path: str) -> Change:
    return _operation("delete", path)


def _path_of(change: Change) -> str:
    return str(change["part"][1]["valueString"])


@lru_cache(maxsize=1)
def _value_keys() -> Mapping[str, str]:
    """``value[x]`` of a parameter, by type."""
    return {
        way.kind: key for key, way in json_ways("Parameters.parameter").items() if key.startswith("value")
    }


def _value(item: Item, way: Way) -> Part:
    return "value", _given(item, way)


def _given(item: Item, way: Way) -> dict[str, Any]:
    """A value as a part has it: ``value[x]``, a resource, or parts of its own where no ``value[x]`` is of its type."""
    content, extra = item
    if isinstance(content, dict):
        if "resourceType" in content:
            return {"resource": content}
        key = _value_keys().get(way.kind)
        return (
            {key: content}
            if key is not None and way.place == way.kind
            else {"part": list(_parts(content, way))}
        )
    key = _value_keys().get(way.kind, "valueString")
    given = {} if content is None else {key: content}
    return given if extra is None else {**given, "_" + key: extra}


def _parts(content: Mapping[str, Tree], way: Way) -> Iterator[dict[str, Any]]:
    known = json_ways(way.place)
    for name in {name.removeprefix("_"): None for name in content}:
        under = known[name]
        items = _items(content, name)
        for item in items if isinstance(items, list) else [items]:
            assert item is not None
            yield {"name": _called(under), **_given(item, under)}


OPERATIONS = (
    Operation(
        "diff", diff, system=True, type_level=True, instance=True,
        definition="https://yba.vn/fhir/OperationDefinition/diff",
    ),
)  # fmt: skip
