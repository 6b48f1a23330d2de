"""What a profile asks beyond its type: cardinality, types, fixed and pattern values, slices, bindings, invariants.

FHIR R4, profiling.html and elementdefinition.html. The type itself has been walked before (``walk``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from yba.fhir.errors import RecordError
from yba.fhir.model.dates import period_of
from yba.fhir.model.structures import CORE, Element, ElementType, Structure, is_primitive, structure
from yba.fhir.validation import codings, links, slices
from yba.fhir.validation.definitions import Profile
from yba.fhir.validation.invariants import rules_of
from yba.fhir.validation.state import Scope, State
from yba.fhir.validation.values import holds, is_equal, shown

Tree = Any

_ROOTS = frozenset({"Resource", "DomainResource"})
_PARENTS = frozenset({"BackboneElement", "Element"})


@dataclass(frozen=True, slots=True)
class Item:
    """A value met on the way: itself, what stands beside a primitive, its type, and its path."""

    value: Tree
    extra: Tree
    code: str
    path: str


def by_meta(state: State, scope: Scope) -> None:
    """Hold a resource against the profiles its ``meta.profile`` names."""
    meta = scope.tree.get("meta")
    named = meta.get("profile") if isinstance(meta, dict) else None
    for index, canonical in enumerate(named if isinstance(named, list) else []):
        if isinstance(canonical, str):
            by_name(state, scope, canonical, f"{scope.path}.meta.profile[{index}]")


# A vital sign of these codes is recorded by its profile (FHIR R4, observation-vitalsigns.html).
_VITAL_SIGNS = {
    "85353-1": "vitalspanel", "9279-1": "resprate", "8867-4": "heartrate", "2708-6": "oxygensat",
    "8310-5": "bodytemp", "8302-2": "bodyheight", "9843-4": "headcircum", "29463-7": "bodyweight",
    "39156-5": "bmi", "85354-9": "bp", "59408-5": "oxygensat",
}  # fmt: skip


def by_code(state: State, scope: Scope) -> None:
    """Hold a vital sign against the profile of its code."""
    code = scope.tree.get("code")
    codings = code.get("coding") if isinstance(code, dict) else None
    for one in codings if isinstance(codings, list) else []:
        if isinstance(one, dict) and one.get("system") == "http://loinc.org":
            name = one.get("code")
            if isinstance(name, str) and name in _VITAL_SIGNS:
                by_name(state, scope, CORE + _VITAL_SIGNS[name], f"{scope.path}.code")
                return


def by_name(state: State, scope: Scope, canonical: str, named_at: str, *, asked: bool = False) -> None:
    """Hold a resource against a profile, or say that it is not known: a fault where it was asked for."""
    profile = _profile(state, canonical, named_at, asked=asked)
    if profile is None:
        return
    wanted = profile.structure.type
    if wanted != scope.kind and wanted not in _ROOTS:
        state.error(
            "structure", scope.path, "profile.type",
            f"is a {scope.kind}, but the profile {canonical} is for {wanted}.",
        )  # fmt: skip
        return
    conform(state, scope.tree, scope.kind, profile, scope.path, scope)


def _profile(state: State, canonical: str, at: str, *, asked: bool = False) -> Profile | None:
    try:
        profile = state.definitions.profile(canonical)
    except RecordError as error:
        state.add(
            "error", "not-supported", at, error.key.removeprefix("validation."), f"{at}: {error.message}"
        )
        return None
    if profile is None:
        state.add(
            "error" if asked else "warning", "not-found", at, "profile.unknown",
            f"{at}: the profile {canonical[:200]} is not known here, so nothing was held against it.",
        )  # fmt: skip
    return profile


def conform(state: State, value: Tree, code: str, profile: Profile, path: str, scope: Scope) -> None:
    """Hold a value against a profile."""
    known = profile.structure
    if known.derivation != "constraint":
        return  # the type itself, or what it is built on
    name = (id(value), profile.url)
    if name in state.matching:
        return  # a circle: it is being judged
    state.matching.add(name)
    try:
        with state.deeper():
            _one(state, known, known.root, Item(value, None, code, path), scope)
    finally:
        state.matching.discard(name)


def conforms(state: State, value: Tree, code: str, profile: Profile, path: str, scope: Scope) -> bool:
    """Whether a value meets a profile."""
    name = (id(value), profile.url)
    known = state.met.get(name)
    if known is None:
        with state.aside() as issues:
            conform(state, value, code, profile, path, scope)
            known = (not any(issue.is_fault for issue in issues.values()), value)
        state.met[name] = known  # asked once: references lead to one thing from many sides
    return known[0]


# -- elements --------------------------------------------------------------------------------------------------


def children(state: State, known: Structure, element: Element, item: Item, scope: Scope) -> None:
    """The children of an element, where the profile says something of them."""
    found = known.children(element.id)
    if not found and element.content_reference is not None:
        found = known.children(element.content_reference.rpartition("#")[2])
    holder = (
        item.value if isinstance(item.value, dict) else item.extra if isinstance(item.extra, dict) else {}
    )
    groups: dict[str, tuple[Element | None, list[Element]]] = {}
    for one in found:
        base, sliced = groups.get(one.path, (None, []))
        groups[one.path] = (one, sliced) if one.slice_name is None else (base, [*sliced, one])
    for base, sliced in groups.values():
        first = base or sliced[0]
        if is_primitive(item.code) and first.name not in ("id", "extension"):
            continue
        held = list(items_of(holder, first, item.path, item.code))
        if base is not None:
            counted(state, known, base, held, item.path)
            for item_held in held:
                _one(state, known, base, item_held, scope)
        if sliced:
            slices.check(state, known, first, sliced, held, item.path, scope)


def items_of(holder: Tree, element: Element, path: str, code: str = "") -> Iterator[Item]:
    """The values an element has in an object."""
    for name, kind, step in _names(element, holder):
        value, extra = holder.get(name), holder.get("_" + name) if is_primitive(kind) else None
        if isinstance(value, list) or isinstance(extra, list):
            items = value if isinstance(value, list) else []
            extras = extra if isinstance(extra, list) else []
            for index in range(max(len(items), len(extras))):
                one = items[index] if index < len(items) else None
                more = extras[index] if index < len(extras) else None
                if one is not None or more is not None:
                    yield Item(one, more, _kind_of(kind, one), f"{path}{step}[{index}]")
        elif value is not None or extra is not None:
            yield Item(value, extra, _kind_of(kind, value), path + step)


def _names(element: Element, holder: Tree) -> Iterator[tuple[str, str, str]]:
    """JSON name, type and path step, of what of an element is in the object."""
    if not element.is_choice:
        code = element.types[0].code if element.types else ""
        if element.name in holder or "_" + element.name in holder:
            yield element.name, code, _step(element, code)
        return
    for name in holder:
        plain = name.lstrip("_")
        if plain.startswith(element.name) and (name == plain or plain not in holder):
            said = plain[len(element.name) :]
            if said[:1].isupper():
                lower = said[0].lower() + said[1:]
                code = lower if is_primitive(lower) else said
                if structure(code) is not None:
                    yield plain, code, f".{element.name}.ofType({code})"


def _step(element: Element, code: str) -> str:
    """How the path goes on; a choice written with its type (``valueQuantity``) is said as FHIRPath has it."""
    ending = code[:1].upper() + code[1:]
    last = element.path.rpartition(".")[2]
    if code and last.startswith("value") and last == "value" + ending:
        return f".value.ofType({code})"
    return f".{element.name}"


def _kind_of(kind: str, value: Tree) -> str:
    """The type of a value, of a resource the one it says."""
    if kind in _ROOTS or not kind:
        said = value.get("resourceType") if isinstance(value, dict) else None
        return said if isinstance(said, str) else kind
    if isinstance(value, dict) and isinstance(value.get("resourceType"), str):
        return str(value["resourceType"])
    return kind


def counted(
    state: State, known: Structure, element: Element, held: Sequence[Item], path: str, name: str = ""
) -> None:
    """Hold the number of values against min and max."""
    at = f"{path}.{element.name}"
    by = f"by {known.url}"
    what = f"the slice {name} of {element.name}" if name else element.name
    key = "slice" if name else "element"
    if len(held) < element.min:
        if not name and element.min == 1 and not held and _needed_anyway(known, element):
            return
        times = "once" if element.min == 1 else f"{element.min} times"
        state.add("error", "required", at, f"profile.{key}.minimum",
                  f"{path}: {what} is needed at least {times} {by}, found {len(held)}.")  # fmt: skip
    if element.max is not None and len(held) > element.max:
        text = f"{path}: {what} is not allowed {by}" if element.max == 0 else (
            f"{path}: {what} may be given {element.max} times at most {by}, found {len(held)}"
        )  # fmt: skip
        where = held[element.max].path if held else at
        state.add("error", "structure", where, f"profile.{key}.maximum", f"{text}.")


def _needed_anyway(known: Structure, element: Element) -> bool:
    """Whether the type itself asks for it, so that it has been told already."""
    of = structure(known.type)
    own = of.element(element.path) if of is not None else None
    return own is not None and own.min >= 1


def _one(state: State, known: Structure, element: Element, item: Item, scope: Scope) -> None:
    """Hold one value against an element of a profile, and go down."""
    kind = _type_of(state, known, element, item)
    _fixed(state, known, element, item)
    _limits(state, known, element, item)
    own = _own(known, element)
    if element.binding is not None and (own is None or own.binding != element.binding):
        codings.bound(state, item.value, item.code, element.binding, item.path, choice=len(element.types) > 1)
    _invariants(state, known, element, own, item, scope)
    if kind is not None:
        _typed(state, kind, element, item, scope)
    children(state, known, element, item, scope)


def only(state: State, known: Structure, element: Element, item: Item, scope: Scope) -> None:
    """Hold one value against a slice's element: what ``children`` does for others."""
    _one(state, known, element, item, scope)


def _own(known: Structure, element: Element) -> Element | None:
    """The element of the type, if the path is one of its own."""
    of = structure(known.type)
    return of.element(element.path) if of is not None else None


def _type_of(state: State, known: Structure, element: Element, item: Item) -> ElementType | None:
    if not element.types or "." not in element.path:
        return None
    for kind in element.types:
        if kind.code in (item.code, "*") or kind.code in _ROOTS or kind.code in _PARENTS:
            return kind
        if kind.code.startswith("http://hl7.org/fhirpath/"):
            return kind
    if item.code and not _is_under(item.code, element):
        allowed = ", ".join(kind.code for kind in element.types)
        state.error(
            "structure",
            item.path,
            "profile.type",
            f"is of the type {item.code}; {known.url} allows {allowed}.",
        )
    return None


def _is_under(code: str, element: Element) -> bool:
    """Whether a type is built on one that is allowed (an Age is a Quantity)."""
    allowed = {kind.code for kind in element.types}
    of = structure(code)
    while of is not None and of.base:
        name = of.base.removeprefix(CORE)
        if name in allowed:
            return True
        of = structure(name)
    return False


def _fixed(state: State, known: Structure, element: Element, item: Item) -> None:
    for wanted, key, fits in ((element.fixed, "fixed", is_equal), (element.pattern, "pattern", holds)):
        if wanted is not None and not fits(item.value, wanted[1]):
            what = "must be" if key == "fixed" else "must hold"
            state.error("value", item.path, f"profile.{key}",
                        f"{what} {shown(wanted[1])} by {known.url}, found {shown(item.value)}.")  # fmt: skip


def _limits(state: State, known: Structure, element: Element, item: Item) -> None:
    value = item.value
    if element.max_length is not None and isinstance(value, str) and len(value) > element.max_length:
        state.error("value", item.path, "profile.length",
                    f"has {len(value)} characters; {known.url} allows {element.max_length}.")  # fmt: skip
    for limit, sign, key in ((element.min_value, -1, "least"), (element.max_value, 1, "most")):
        if limit is not None and value is not None and _beyond(value, limit) == sign:
            state.error("value", item.path, f"profile.{key}",
                        f"is {shown(value)}; {known.url} allows at {key} {shown(limit)}.")  # fmt: skip


def _beyond(value: Tree, limit: Tree) -> int:
    """1 when above the limit, -1 when below, 0 when equal or not to be compared."""
    if isinstance(value, dict) and isinstance(limit, dict):
        if any(value.get(name) != limit.get(name) for name in ("system", "code") if name in limit):
            return 0
        return _beyond(value.get("value"), limit.get("value"))
    if isinstance(value, int | Decimal) and isinstance(limit, int | Decimal):
        return (value > limit) - (value < limit)
    if isinstance(value, str) and isinstance(limit, str):
        try:
            low, limited = period_of(value), period_of(limit)
        except ValueError:
            return (value > limit) - (value < limit)
        return 1 if low[0] >= limited[1] else -1 if low[1] <= limited[0] else 0
    return 0


def _invariants(
    state: State, known: Structure, element: Element, own: Element | None, item: Item, scope: Scope
) -> None:
    told = {(one.key, one.expression) for one in own.constraints} if own is not None else set()
    fresh = tuple(one for one in element.constraints if (one.key, one.expression) not in told)
    if "." in element.path:
        of = structure(item.code)
        if of is not None:
            inherited = {(one.key, one.expression) for one in of.root.constraints}
            fresh = tuple(one for one in fresh if (one.key, one.expression) not in inherited)
    if not fresh:
        return
    place = item.code if item.code and item.code not in _PARENTS else _place(known, element)
    for rule in rules_of(fresh, place):
        if item.value is not None or item.extra is not None:
            rule.ask(state, item.value, item.extra, scope, item.path)


def _place(known: Structure, element: Element) -> str:
    if element.content_reference is not None:
        return element.content_reference.rpartition("#")[2]
    return element.path


def _typed(state: State, kind: ElementType, element: Element, item: Item, scope: Scope) -> None:
    """What the element's type adds: profiles of the type, targets of a reference."""
    if kind.profiles and isinstance(item.value, dict):
        _profiles(state, kind.profiles, item, scope)
    if kind.target_profiles and item.code == "Reference" and isinstance(item.value, dict):
        links.check(state, item.value, kind.target_profiles, item.path, scope)
        _target(state, kind.target_profiles, item, scope)


def _profiles(state: State, canonicals: Sequence[str], item: Item, scope: Scope) -> None:
    """A value meets one of the profiles at least."""
    known = [one for one in (_profile(state, name, item.path) for name in canonicals) if one is not None]
    if len(known) < len(canonicals):
        return  # one that is not known may be met
    inner = scope
    if isinstance(item.value.get("resourceType"), str):
        inner = Scope(item.value, item.code, item.path, root=None, bundle=scope.bundle, holder=scope)
    if len(known) == 1:
        if item.code and known[0].structure.type not in (item.code, *_ROOTS):
            state.error("structure", item.path, "profile.type",
                        f"is a {item.code}; {known[0].url} is for {known[0].structure.type}.")  # fmt: skip
            return
        conform(state, item.value, item.code, known[0], item.path, inner)
    elif not any(one.structure.type in (item.code, *_ROOTS)
                 and conforms(state, item.value, item.code, one, item.path, inner) for one in known):  # fmt: skip
        names = ", ".join(one.url for one in known)
        state.error("structure", item.path, "profile.none", f"meets none of the profiles {names}.")


def _target(state: State, canonicals: Sequence[str], item: Item, scope: Scope) -> None:
    """What a reference leads to meets one of the target profiles, where it is at hand and they are more than types."""
    text = item.value.get("reference")
    plain = [name for name in canonicals if structure(name.partition("|")[0]) is not None]
    if not isinstance(text, str) or len(plain) == len(canonicals):
        return
    target = links.found(state, scope, text)
    if not isinstance(target, dict) or not isinstance(target.get("resourceType"), str):
        return
    kind = str(target["resourceType"])
    if any(name.partition("|")[0].removeprefix(CORE) in (kind, *_ROOTS) for name in plain):
        return
    known = [one for one in (_profile(state, name, item.path) for name in canonicals) if one is not None]
    if len(known) < len(canonicals):
        return
    inner = Scope(target, kind, kind, root=scope.root if text.startswith("#") else None, bundle=scope.bundle)
    if not any(
        one.structure.type == kind and conforms(state, target, kind, one, kind, inner) for one in known
    ):
        names = ", ".join(one.url for one in known)
        state.error("value", item.path, "profile.target", f"leads to a {kind} that meets none of {names}.")
