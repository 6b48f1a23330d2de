"""What validation has to look at in an object of a type, compiled once from its definition."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from yba.fhir.model.structures import Binding, Element, below, is_primitive, structure
from yba.fhir.validation.invariants import Rule, rules_of


@dataclass(frozen=True, slots=True)
class Property:
    """A JSON property: its element, its type, and how its path goes on.

    ``place`` is where its own properties are described; "" of a primitive.
    """

    element: Element
    code: str
    step: str
    place: str
    many: bool
    most: int | None
    is_primitive: bool
    rules: tuple[Rule, ...]
    binding: Binding | None
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """An object: its properties by JSON name, what must be there, choices, and the rules of the type itself."""

    place: str
    is_resource: bool
    properties: dict[str, Property]
    needed: tuple[tuple[str, tuple[str, ...]], ...]
    choices: tuple[tuple[str, frozenset[str]], ...]
    rules: tuple[Rule, ...]


@lru_cache(maxsize=4096)
def plan_of(place: str) -> Plan | None:
    """The plan of a type (``Quantity``) or of the path of a backbone element; None for an unknown one."""
    known = structure(place.partition(".")[0])
    if known is None:
        return None
    children = known.children(place)
    properties: dict[str, Property] = {}
    needed, choices = [], []
    for name, (element, code) in known.properties(place).items():
        if name == "id" and known.kind == "resource" and "." not in place:
            code = "id"  # the definitions say string; resource.html#id says what an id is
        properties[name] = _property(name, element, code)
    for child in children:
        names = tuple(name for name, found in properties.items() if found.element is child)
        if child.min:
            needed.append((child.name + ("[x]" if child.is_choice else ""), names))
        if child.is_choice:
            choices.append((child.name + "[x]", frozenset(names)))
    whole = "." not in place
    return Plan(
        place, known.kind == "resource" and whole, properties, tuple(needed), tuple(choices),
        rules_of(known.root.constraints, place) if whole else (),
    )  # fmt: skip


def _property(name: str, element: Element, code: str) -> Property:
    primitive = is_primitive(code)
    kind = next((one for one in element.types if one.code == code), None)
    place = "" if primitive else below(element.path, element, code)
    whose = code if primitive else place
    if element.content_reference is not None:
        known = structure(place.partition(".")[0])
        origin = known.element(place) if known is not None else None
        constraints = origin.constraints if origin is not None else ()
    else:
        constraints = element.constraints
    return Property(
        element=element,
        code=code,
        step=f".{element.name}.ofType({code})" if element.is_choice else f".{name}",
        place=place,
        many=element.max is None or element.max > 1,
        most=element.max,
        is_primitive=primitive,
        rules=rules_of(constraints, whose),
        binding=element.binding,
        targets=kind.target_profiles if kind is not None else (),
    )
