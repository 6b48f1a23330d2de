"""Slicing: telling the repetitions of an element apart by discriminators, and what each slice asks.

FHIR R4, profiling.html#slicing: value, exists, pattern, type and profile discriminators; open, closed, openAtEnd;
ordered; a slice may be sliced again (``name/part``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from yba.fhir.errors import RecordError
from yba.fhir.model.structures import Element, Slicing, Structure, structure
from yba.fhir.validation import codings, links, profiled
from yba.fhir.validation.state import Scope, State
from yba.fhir.validation.values import holds, is_equal

if TYPE_CHECKING:
    from yba.fhir.validation.profiled import Item

Tree = Any
Place = tuple[Structure, Element, bool]
"""An element of a definition; whether it is, or is below, a slice that one value at least must be of."""

DEFAULT = "@default"
_BY_TYPE = Slicing((("type", "$this"),), "open", False)
_STEP = re.compile(
    r"(\$this)|extension\(\s*'([^']*)'\s*\)|(resolve)\(\)|(?:ofType|as)\(\s*([A-Za-z0-9]+)\s*\)|([A-Za-z0-9_]+)(?:\[x\])?"
)


def check(
    state: State, known: Structure, base: Element, sliced: Sequence[Element], held: Sequence[Item],
    path: str, scope: Scope,
) -> None:  # fmt: skip
    """Sort the values into the slices, and hold each against its own."""
    top = [one for one in sliced if "/" not in (one.slice_name or "")]
    _sort(state, known, base, base.slicing or _implied(base), top or sliced, sliced, held, path, scope)


def _implied(base: Element) -> Slicing | None:
    """Choices are sliced by type without saying so, extensions by url."""
    if base.is_choice:
        return _BY_TYPE
    if base.name in ("extension", "modifierExtension"):
        return Slicing((("value", "url"),), "open", False)
    return None


def _sort(
    state: State, known: Structure, base: Element, slicing: Slicing | None, these: Sequence[Element],
    all_slices: Sequence[Element], held: Sequence[Item], path: str, scope: Scope,
) -> None:  # fmt: skip
    if slicing is None or not slicing.discriminators:
        if slicing is not None:
            _undiscriminated(state, known, these, held, path, scope)
        return
    found: dict[str, list[Item]] = {one.id: [] for one in these}
    rest: list[Item] = []
    order: list[int] = []
    for item in held:
        number = _slice_of(state, known, slicing, these, item, scope)
        if number is None:
            rest.append(item)
            if slicing.rules == "openAtEnd":
                order.append(len(these))
            continue
        found[these[number].id].append(item)
        order.append(number)
    rest = _default(these, found, rest)
    _rules(state, known, base, slicing, rest, order, held)
    for one in these:
        mine = found[one.id]
        profiled.counted(state, known, one, mine, path, name=one.slice_name or "")
        for item in mine:
            profiled.only(state, known, one, item, scope)
        _again(state, known, one, all_slices, mine, path, scope)


def _default(these: Sequence[Element], found: dict[str, list[Item]], rest: list[Item]) -> list[Item]:
    """What fits no slice belongs to the default slice where there is one."""
    for one in these:
        if one.slice_name == DEFAULT:
            found[one.id] += rest
            return []
    return rest


def _again(
    state: State, known: Structure, one: Element, all_slices: Sequence[Element], mine: Sequence[Item],
    path: str, scope: Scope,
) -> None:  # fmt: skip
    """A slice that is sliced itself."""
    stem = f"{one.slice_name}/"
    names = {other.id: other.slice_name or "" for other in all_slices}
    inner = [
        other
        for other in all_slices
        if names[other.id].startswith(stem) and "/" not in names[other.id][len(stem) :]
    ]
    if inner:
        _sort(state, known, one, one.slicing, inner, all_slices, mine, path, scope)


def _rules(
    state: State, known: Structure, base: Element, slicing: Slicing, rest: Sequence[Item], order: list[int],
    held: Sequence[Item],
) -> None:  # fmt: skip
    if slicing.rules == "closed":
        for item in rest:
            state.error("structure", item.path, "slicing.closed",
                        f"fits no slice of {base.name}, and {known.url} allows no others.")  # fmt: skip
    if slicing.ordered or slicing.rules == "openAtEnd":
        numbers = order if slicing.ordered else [int(one == max(order, default=0)) for one in order]
        if slicing.rules == "openAtEnd" and not slicing.ordered:
            numbers = [int(_is_rest(item, rest)) for item in held]
        for index in range(1, len(numbers)):
            if numbers[index] < numbers[index - 1]:
                at = held[index].path if len(numbers) == len(held) else base.path
                state.error(
                    "structure",
                    at,
                    "slicing.order",
                    f"stands in the wrong place: {known.url} orders the slices of {base.name}.",
                )
                return


def _is_rest(item: Item, rest: Sequence[Item]) -> bool:
    return any(item is one for one in rest)


def _undiscriminated(
    state: State, known: Structure, these: Sequence[Element], held: Sequence[Item], path: str, scope: Scope
) -> None:
    """Without discriminators a value belongs to each slice whose rules it meets (profiling.html#discriminator)."""
    for one in these:
        mine = []
        for item in held:
            with state.aside() as issues:
                profiled.only(state, known, one, item, scope)
                if not any(issue.is_fault for issue in issues.values()):
                    mine.append(item)
        profiled.counted(state, known, one, mine, path, name=one.slice_name or "")


def _slice_of(
    state: State, known: Structure, slicing: Slicing, these: Sequence[Element], item: Item, scope: Scope
) -> int | None:
    """The number of the slice a value belongs to."""
    for number, one in enumerate(these):
        if one.slice_name == DEFAULT:
            continue
        if all(_fits(state, known, one, kind, way, item, scope) for kind, way in slicing.discriminators):
            return number
    return None


# -- discriminators ----------------------------------------------------------------------------------------------


def _fits(
    state: State, known: Structure, one: Element, kind: str, way: str, item: Item, scope: Scope
) -> bool:
    """Whether a value is of a slice by one discriminator."""
    places = list(_places(state, known, one, way))
    values = list(_values(state, item, way, scope))
    if not places:
        return True  # the slice says nothing of it
    if kind == "exists":
        return _exists(places[0][1], values)
    if not values:
        return all(_may_lack(place[1]) for place in places)
    needed = [place for place in places if place[2]]
    if needed:
        return all(
            any(_meets(state, place, kind, way, value, inner) for value, inner in values) for place in needed
        )
    return any(
        all(_meets(state, place, kind, way, value, inner) for value, inner in values) for place in places
    )


def _may_lack(element: Element) -> bool:
    return element.max == 0


def _exists(element: Element, values: Sequence[Any]) -> bool:
    if element.max == 0:
        return not values
    return bool(values) or element.min == 0


def _meets(state: State, place: Place, kind: str, way: str, item: Item, scope: Scope) -> bool:
    known, element, _ = place
    if element.max == 0:
        return False
    if kind == "type":
        codes = {one.code for one in element.types}
        if "." not in element.path:
            codes = {known.type}
        return not codes or item.code in codes or bool(codes & {"Resource", "DomainResource"})
    if kind == "profile":
        return _by_profile(state, element, known, way, item, scope)
    return _by_value(state, place, item, scope)


def _by_profile(state: State, element: Element, known: Structure, way: str, item: Item, scope: Scope) -> bool:
    names = [name for one in element.types for name in (one.profiles or one.target_profiles)]
    if "." not in element.path and known.derivation == "constraint":
        names = [known.url]
    if not names:
        return True
    for name in names:
        try:
            profile = state.definitions.profile(name)
        except RecordError:
            profile = None
        if profile is None or profile.structure.type not in (item.code, "Resource", "DomainResource"):
            continue
        if profiled.conforms(state, item.value, item.code, profile, item.path, scope):
            return True
    return False


def _by_value(state: State, place: Place, item: Item, scope: Scope) -> bool:
    """By fixed value, pattern or required binding; else by all that the slice says of the element."""
    known, element, _ = place
    said = False
    if element.fixed is not None:
        said = True
        if not is_equal(item.value, element.fixed[1]):
            return False
    if element.pattern is not None:
        said = True
        if not holds(item.value, element.pattern[1]):
            return False
    if said:
        return True
    if (
        element.binding is not None
        and element.binding.strength == "required"
        and not known.children(element.id)
    ):
        with state.aside() as issues:
            codings.bound(state, item.value, item.code, element.binding, item.path)
            return not any(issue.is_fault for issue in issues.values())
    with state.aside() as issues:
        profiled.only(state, known, element, item, scope)
        return not any(issue.is_fault for issue in issues.values())


def _steps(way: str) -> list[re.Match[str]]:
    return [found for found in _STEP.finditer(way) if found[0]]


def _places(state: State, known: Structure, one: Element, way: str) -> Iterator[Place]:
    """Where the profile describes what a discriminator's path leads to, from a slice's element."""
    places: list[Place] = [(known, one, False)]
    for step in _steps(way):
        if step[1] or step[4]:
            continue
        places = [after for place in places for after in _down(state, place, step)]
    yield from places


def _down(state: State, place: Place, step: re.Match[str]) -> Iterator[Place]:
    known, element, needed = place
    if step[3]:
        for kind in element.types:
            for name in kind.target_profiles:
                yield from _root_of(state, name)
        return
    name = step[5] or "extension"
    children = [one for one in known.children(element.id) if one.name == name]
    if not children and element.slice_name is not None:
        origin = _unsliced(known, element)
        children = [one for one in known.children(origin.id) if one.name == name] if origin else []
    if children:
        yield from _chosen(known, children, step[2], needed)
        return
    for kind in element.types:
        for profile in kind.profiles or (kind.code,):
            for root, top, _ in _root_of(state, profile):
                found = [one for one in root.children(top.id) if one.name == name]
                yield from _chosen(root, found, step[2], needed)


def _chosen(known: Structure, children: list[Element], url: str | None, needed: bool) -> Iterator[Place]:
    """Of the children of one name the element itself and the slices that must be there, or the extension of a url."""
    for one in children:
        if url is not None:
            if any(url in kind.profiles for kind in one.types):
                yield known, one, needed
        elif one.slice_name is None:
            yield known, one, needed
        elif one.min:
            yield known, one, True


def _root_of(state: State, name: str) -> Iterator[Place]:
    if "/" not in name:
        known = structure(name)
        if known is not None:
            yield known, known.root, False
        return
    try:
        profile = state.definitions.profile(name)
    except RecordError:
        return
    if profile is not None:
        yield profile.structure, profile.structure.root, False


def _unsliced(known: Structure, element: Element) -> Element | None:
    return known.element(element.id.rpartition(":")[0])


def _values(state: State, item: Item, way: str, scope: Scope) -> Iterator[tuple[Item, Scope]]:
    """What a discriminator's path leads to in a value."""
    found: list[tuple[Item, Scope]] = [(item, scope)]
    for step in _steps(way):
        if step[1]:
            continue
        found = [after for one, inner in found for after in _along(state, one, step, inner)]
    yield from found


def _along(state: State, item: Item, step: re.Match[str], scope: Scope) -> Iterator[tuple[Item, Scope]]:
    if step[3]:
        reference = item.value.get("reference") if isinstance(item.value, dict) else None
        target = links.found(state, scope, reference) if isinstance(reference, str) else None
        if isinstance(target, dict) and isinstance(reference, str):
            kind = str(target.get("resourceType", ""))
            inner = Scope(
                target,
                kind,
                item.path,
                root=scope.root if reference.startswith("#") else None,
                bundle=scope.bundle,
            )
            yield profiled.Item(target, None, kind, item.path), inner
        elif isinstance(reference, str):
            said = links.parts(reference)
            if said is not None:  # of what is not at hand, the type is known
                yield profiled.Item({"resourceType": said["type"]}, None, said["type"], item.path), scope
        return
    if step[4]:
        if item.code == step[4]:
            yield item, scope
        return
    holder = (
        item.value if isinstance(item.value, dict) else item.extra if isinstance(item.extra, dict) else {}
    )
    for one in _named(item, holder, step[5] or "extension"):
        if step[2] is None or (isinstance(one.value, dict) and one.value.get("url") == step[2]):
            yield one, scope


def _named(item: Item, holder: Tree, name: str) -> Iterator[Item]:
    """The children of a value of one name, typed by its definition."""
    of = structure(item.code)
    element = None
    if of is not None:
        element = next((one for one in of.children(of.root.id) if one.name == name), None)
    if element is None:
        # of a backbone element the type does not say; a name that is not there as such may be a choice
        choice = name not in holder and "_" + name not in holder
        element = Element(id=name, path=name, name=name, min=0, max=None, types=(), is_choice=choice)
    yield from profiled.items_of(holder, element, item.path)
