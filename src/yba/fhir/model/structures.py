"""StructureDefinitions as values: the types of FHIR R4, generated into ``r4/structures``, and any profile.

FHIR R4, structuredefinition.html and elementdefinition.html. What is published of each type is trimmed to what a
program needs; ``read`` takes a whole one as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any

from yba.fhir.errors import Invalid
from yba.fhir.model import tree

CORE = "http://hl7.org/fhir/StructureDefinition/"


@dataclass(frozen=True, slots=True)
class ElementType:
    """One type an element may have: its code, the profiles it must meet, what a reference may point to."""

    code: str
    profiles: tuple[str, ...] = ()
    target_profiles: tuple[str, ...] = ()
    versioning: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """``strength`` is required, extensible, preferred or example."""

    strength: str
    value_set: str


@dataclass(frozen=True, slots=True)
class Constraint:
    """An invariant; ``severity`` is error or warning, ``expression`` FHIRPath ("" where there is none)."""

    key: str
    severity: str
    human: str
    expression: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Slicing:
    """How the repetitions of an element are told apart: pairs of discriminator type and path."""

    discriminators: tuple[tuple[str, str], ...]
    rules: str
    ordered: bool


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a snapshot. ``name`` is its JSON name, of a choice the part before ``[x]``.

    ``max`` None is ``*``. ``fixed`` and ``pattern`` are pairs of the value's type and the value as a tree.
    """

    id: str
    path: str
    name: str
    min: int
    max: int | None
    types: tuple[ElementType, ...]
    content_reference: str | None = None
    binding: Binding | None = None
    constraints: tuple[Constraint, ...] = ()
    is_choice: bool = False
    is_modifier: bool = False
    is_summary: bool = False
    xml_attribute: bool = False
    fixed: tuple[str, Any] | None = None
    pattern: tuple[str, Any] | None = None
    slicing: Slicing | None = None
    slice_name: str | None = None
    max_length: int | None = None
    min_value: Any = None
    max_value: Any = None
    short: str = ""


@dataclass(frozen=True)
class Structure:
    """A type or a profile. ``kind`` is primitive-type, complex-type, resource or logical."""

    url: str
    name: str
    type: str
    kind: str
    abstract: bool
    base: str | None
    derivation: str | None
    elements: tuple[Element, ...] = field(repr=False)

    @property
    def root(self) -> Element:
        return self.elements[0]

    @cached_property
    def _by_id(self) -> Mapping[str, Element]:
        return {one.id: one for one in self.elements}

    @cached_property
    def _children(self) -> Mapping[str, tuple[Element, ...]]:
        found: dict[str, list[Element]] = {}
        for one in self.elements[1:]:
            found.setdefault(one.id.rpartition(".")[0], []).append(one)
        return {parent: tuple(children) for parent, children in found.items()}

    @cached_property
    def _properties(self) -> Mapping[str, Mapping[str, tuple[Element, str]]]:
        return {parent: _json_names(children) for parent, children in self._children.items()}

    def element(self, identifier: str) -> Element | None:
        """The element of this id (``Patient.contact``, ``Observation.category:lab``)."""
        return self._by_id.get(identifier)

    def children(self, identifier: str) -> tuple[Element, ...]:
        """Direct children of an element by its id, slices as elements of their own, in order."""
        return self._children.get(identifier, ())

    def properties(self, identifier: str) -> Mapping[str, tuple[Element, str]]:
        """JSON name -> element and type code ("" for content references), of the children of an element."""
        return self._properties.get(identifier, {})


def _json_names(children: tuple[Element, ...]) -> Mapping[str, tuple[Element, str]]:
    found: dict[str, tuple[Element, str]] = {}
    for one in children:
        if one.slice_name is not None:
            continue
        if one.is_choice:
            for kind in one.types:
                found[one.name + kind.code[0].upper() + kind.code[1:]] = (one, kind.code)
        else:
            found[one.name] = (one, one.types[0].code if one.types else "")
    return found


@lru_cache(maxsize=512)
def structure(name: str) -> Structure | None:
    """The definition of an R4 resource, complex or primitive type, by name or canonical url; None if unknown."""
    name = name.removeprefix(CORE)
    if not name.isalnum():
        return None
    file = resources.files("yba.fhir.r4").joinpath("structures", f"{name}.json")
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return None
    return read(tree.parse(text))


def property_of(where: str, json_name: str) -> tuple[Element, str] | None:
    """The element a JSON property is, and its concrete type code; None when there is none.

    ``where`` is a type (``Observation``, ``Quantity``) or the path of a backbone element
    (``Observation.component``). The code is "" where the element is another's content (``contentReference``).
    """
    known = structure(where.partition(".")[0])
    return known.properties(where).get(json_name) if known is not None else None


def below(where: str, element: Element, code: str) -> str:
    """Where to look up the properties of an element's value: its type, or its path when it has parts of its own."""
    if element.content_reference is not None:
        return element.content_reference.rpartition("#")[2]
    if code in {"BackboneElement", "Element"}:
        return element.id
    return code


# -- reading -------------------------------------------------------------------------------------------------


def read(definition: Mapping[str, Any]) -> Structure:
    """A StructureDefinition with a snapshot, as a tree. Raises Invalid when it has none or lacks what names it."""
    elements = (definition.get("snapshot") or {}).get("element") or []
    for needed in ("url", "type", "kind"):
        if not isinstance(definition.get(needed), str):
            raise Invalid(
                "structures.incomplete", f"The StructureDefinition has no {needed}.",
                path=f"StructureDefinition.{needed}",
            )  # fmt: skip
    if not elements:
        raise Invalid(
            "structures.no-snapshot",
            f"The StructureDefinition {definition['url']} has no snapshot. Publish it with one.",
            path="StructureDefinition.snapshot",
        )
    return Structure(
        url=definition["url"],
        name=definition.get("name", definition["type"]),
        type=definition["type"].removeprefix(CORE),
        kind=definition["kind"],
        abstract=bool(definition.get("abstract")),
        base=definition.get("baseDefinition"),
        derivation=definition.get("derivation"),
        elements=tuple(_element(one) for one in elements),
    )


def _element(one: Mapping[str, Any]) -> Element:
    path = one["path"]
    name = path.rpartition(".")[2]
    binding = one.get("binding")
    return Element(
        id=one.get("id", path),
        path=path,
        name=name.removesuffix("[x]"),
        min=one.get("min", 0),
        max=None if one.get("max", "*") == "*" else int(one["max"]),
        types=tuple(_type(kind) for kind in one.get("type", ())),
        content_reference=one.get("contentReference"),
        binding=Binding(binding["strength"], binding["valueSet"])
        if binding and binding.get("valueSet")
        else None,
        constraints=tuple(_constraint(rule) for rule in one.get("constraint", ())),
        is_choice=name.endswith("[x]"),
        is_modifier=bool(one.get("isModifier")),
        is_summary=bool(one.get("isSummary")),
        xml_attribute="xmlAttr" in one.get("representation", ()),
        fixed=_typed(one, "fixed"),
        pattern=_typed(one, "pattern"),
        slicing=_slicing(one.get("slicing")),
        slice_name=one.get("sliceName"),
        max_length=one.get("maxLength"),
        min_value=(_typed(one, "minValue") or (None, None))[1],
        max_value=(_typed(one, "maxValue") or (None, None))[1],
        short=one.get("short", ""),
    )


def _type(one: Mapping[str, Any]) -> ElementType:
    code = one["code"]
    for extension in one.get("extension", ()):
        if extension.get("url", "").endswith("structuredefinition-fhir-type"):
            code = extension.get("valueUrl") or extension.get("valueUri") or code
    return ElementType(
        code, tuple(one.get("profile", ())), tuple(one.get("targetProfile", ())), one.get("versioning")
    )


def _constraint(one: Mapping[str, Any]) -> Constraint:
    return Constraint(
        one["key"],
        one.get("severity", "error"),
        one.get("human", ""),
        one.get("expression", ""),
        one.get("source"),
    )


def _slicing(one: Mapping[str, Any] | None) -> Slicing | None:
    if one is None:
        return None
    return Slicing(
        tuple((by["type"], by["path"]) for by in one.get("discriminator", ())),
        one.get("rules", "open"),
        bool(one.get("ordered")),
    )


def _typed(one: Mapping[str, Any], start: str) -> tuple[str, Any] | None:
    """The value of ``fixed[x]`` and its like, with its type's code."""
    for key, value in one.items():
        if key.startswith(start):
            name = key[len(start) :]
            lower = name[:1].lower() + name[1:]
            return (lower if is_primitive(lower) else name, value)
    return None


def is_primitive(name: str) -> bool:
    """Whether a type code is a primitive's: those begin with a small letter."""
    return name in _PRIMITIVES


_PRIMITIVES = frozenset(
    {
        "base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant", "integer",
        "markdown", "oid", "positiveInt", "string", "time", "unsignedInt", "uri", "url", "uuid", "xhtml",
    }
)  # fmt: skip
