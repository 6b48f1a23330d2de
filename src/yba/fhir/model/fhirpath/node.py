"""An element of a resource, as FHIRPath walks it: a value of the JSON tree with its FHIR type.

FHIR R4, fhirpath.html: choice elements are found by their name without the type; primitives have an id and
extensions beside their value (``_x`` in JSON); what is contained has the type it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from yba.fhir.model.fhirpath import moments
from yba.fhir.model.spelling import Spelled
from yba.fhir.model.structures import CORE, Element, below, is_primitive, structure


class Way(NamedTuple):
    """A JSON property that may hold a child; of a primitive ``beside`` is the key of its ``_x``, else None."""

    key: str
    kind: str
    place: str
    primitive: bool
    element: Element | None
    beside: str | None


def _way(key: str, kind: str, place: str, element: Element | None, *, primitive: bool) -> Way:
    return Way(key, kind, place, primitive, element, "_" + key if primitive else None)


_ANY_RESOURCE = frozenset({"Resource", "DomainResource"})
_QUANTITIES = frozenset(
    {"Quantity", "Age", "Duration", "Distance", "Count", "SimpleQuantity", "MoneyQuantity"}
)
_UCUM = "http://unitsofmeasure.org"
_NUMBERS = frozenset({"integer", "positiveInt", "unsignedInt"})
_UNREAD: Any = object()


class Node:
    """``value`` is the JSON value (None of a primitive that has only extensions), ``extra`` its ``_x``.

    ``kind`` is the type's code, ``place`` where its children are described (a type, or the path of a backbone
    element). ``holder``, ``key`` and ``index`` say where it was found: the node, the JSON property, the repetition.
    """

    __slots__ = ("_system", "element", "extra", "holder", "index", "key", "kind", "place", "value")

    def __init__(
        self,
        value: Any,
        kind: str,
        place: str,
        extra: Any = None,
        holder: Node | None = None,
        key: str = "",
        index: int | None = None,
        element: Element | None = None,
    ) -> None:
        self.value = value
        self.kind = kind
        self.place = place
        self.extra = extra
        self.holder = holder
        self.key = key
        self.index = index
        self.element = element
        self._system: Any = _UNREAD

    def __repr__(self) -> str:
        return f"Node({self.kind} at {self.path()})"

    def path(self) -> str:
        """Where the element is: ``Patient.name[0].given[1]``."""
        if self.holder is None:
            return self.kind
        at = f"[{self.index}]" if self.index is not None else ""
        return f"{self.holder.path()}.{self.key}{at}"

    def system(self) -> Any:
        """The System value that stands for the element; the node itself where none does."""
        if self._system is _UNREAD:
            self._system = _system(self)
        return self._system

    def child(self, name: str, found: list[Any]) -> None:
        """Add the children of this name to ``found``."""
        value = self.value
        if type(value) is not dict:
            if self.extra is not None and name in ("id", "extension"):
                self._extra_child(name, found)
            return
        for way in ways(self.place).get(name) or _guessed(self.place, value, name):
            held = value.get(way.key)
            if held is not None or (way.beside is not None and way.beside in value):
                self._along(way, held, value, found)

    def children(self) -> Iterator[Node]:
        """All children, in the order in which they are written."""
        found: list[Any] = []
        value = self.value
        if type(value) is not dict:
            if self.extra is not None:
                self._extra_child("id", found)
                self._extra_child("extension", found)
            return iter(found)
        known = json_ways(self.place)
        for key in value:
            if key == "resourceType" or key == "fhir_comments":
                continue
            if key.startswith("_"):
                if key[1:] in value:
                    continue
                key = key[1:]
            held = value.get(key)
            self._along(known.get(key) or _unknown(key, held), held, value, found)
        return iter(found)

    def _extra_child(self, name: str, found: list[Any]) -> None:
        if type(self.extra) is dict and name in self.extra:
            kind = "string" if name == "id" else "Extension"
            way = _way(name, kind, kind, None, primitive=name == "id")
            self._along(way, self.extra[name], self.extra, found)

    def _along(self, way: Way, held: Any, value: dict[str, Any], found: list[Any]) -> None:
        key, kind, place, _, element, beside = way
        extra = value.get(beside) if beside is not None else None
        if type(held) is list or type(extra) is list:
            self._many(way, held, extra, found)
            return
        if held is None and extra is None:
            return
        if kind in _ANY_RESOURCE and type(held) is dict:
            kind = place = held.get("resourceType", kind)
        found.append(Node(held, kind, place, extra, self, key, None, element))

    def _many(self, way: Way, held: Any, extra: Any, found: list[Any]) -> None:
        key, kind, place, _, element, _ = way
        if extra is None and kind not in _ANY_RESOURCE:
            found += [
                Node(one, kind, place, None, self, key, index, element)
                for index, one in enumerate(held)
                if one is not None
            ]
            return
        values = held if type(held) is list else []
        extras = extra if type(extra) is list else []
        resources = kind in _ANY_RESOURCE
        for index in range(max(len(values), len(extras))):
            one = values[index] if index < len(values) else None
            beside = extras[index] if index < len(extras) else None
            if one is None and beside is None:
                continue
            if resources and type(one) is dict:
                kind = place = one.get("resourceType", "Resource")
            found.append(Node(one, kind, place, beside, self, key, index, element))


def root(tree: Any, type_name: str | None = None) -> Node:
    """The node a tree begins with; its type is what the tree says, or else what is given."""
    said = tree.get("resourceType") if isinstance(tree, dict) else None
    kind = said if isinstance(said, str) and (type_name is None or type_name in _ANY_RESOURCE) else type_name
    place = kind or ""
    if kind and "." in kind:
        kind = "BackboneElement"
    return Node(tree, kind or "", place)


def resource_of(node: Node) -> Node:
    """The resource an element stands in; the node itself where none is known."""
    place: Node | None = node
    while place is not None:
        if type(place.value) is dict and "resourceType" in place.value:
            return place
        place = place.holder
    return node


def place_of(node: Node) -> Way:
    """The way on which a node was found."""
    return _way(node.key, node.kind, node.place, node.element, primitive=is_primitive(node.kind))


# -- where children are --------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def ways(place: str) -> dict[str, tuple[Way, ...]]:
    """The children described at a place by their FHIRPath name: a choice has a way for each type."""
    found: dict[str, tuple[Way, ...]] = {}
    for key, way in json_ways(place).items():
        name = way.element.name if way.element is not None else key
        found[name] = (*found.get(name, ()), way)
    return found


@lru_cache(maxsize=4096)
def json_ways(place: str) -> dict[str, Way]:
    """The children described at a place, by their JSON name."""
    known = structure(place.partition(".")[0]) if place else None
    if known is None:
        return {}
    found: dict[str, Way] = {}
    for key, (element, code) in known.properties(place).items():
        kind = code.rpartition("/")[2].removeprefix("System.")
        if kind[:1].isupper() and "/" in code:  # a System type, as the id of an element has
            kind = kind[0].lower() + kind[1:]
        under = below(place, element, code)
        found[key] = _way(
            key, kind or "BackboneElement", under or kind, element, primitive=is_primitive(kind)
        )
    return found


def _guessed(place: str, value: dict[str, Any], name: str) -> tuple[Way, ...]:
    """Children of a thing whose type is not known: by the property's own name."""
    if json_ways(place) or (name not in value and "_" + name not in value):
        return ()
    return (_unknown(name, value.get(name)),)


def _unknown(key: str, value: Any) -> Way:
    one = value[0] if isinstance(value, list) and value else value
    return _way(key, _kind_of(one), "", None, primitive=not isinstance(one, dict))


def _kind_of(value: Any) -> str:
    if isinstance(value, dict):
        said = value.get("resourceType")
        return said if isinstance(said, str) else ""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "decimal" if isinstance(value, Decimal) else "string"


# -- types ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def ancestors(kind: str) -> frozenset[str]:
    """A type's name and those of all it is a kind of."""
    found: set[str] = set()
    name: str | None = kind
    while name and name not in found:
        found.add(name)
        known = structure(name)
        name = known.base.removeprefix(CORE) if known is not None and known.base else None
    return frozenset(found)


# -- values --------------------------------------------------------------------------------------------------


def _system(node: Node) -> Any:
    value, kind = node.value, node.kind
    if type(value) is str:
        read: Any = None
        if kind == "date":
            read = moments.read_date(value)
        elif kind in ("dateTime", "instant"):
            read = moments.read_date_time(value)
        elif kind == "time":
            read = moments.read_time(value)
        return value if read is None else read
    if type(value) is int:
        return value if kind in _NUMBERS else Decimal(value) if kind == "decimal" else value
    if type(value) is dict:
        return _quantity(node, value) if kind in _QUANTITIES else node
    if type(value) is Spelled:
        return Decimal(value)
    return node if value is None else value


def _quantity(node: Node, value: dict[str, Any]) -> Any:
    """A FHIR Quantity as a System Quantity, unless it is only compared to or not in a unit (fhirpath.html)."""
    from yba.fhir.model.fhirpath.values import Quantity

    amount = value.get("value")
    if not isinstance(amount, int | Decimal) or isinstance(amount, bool) or "comparator" in value:
        return node
    code = value.get("code")
    if value.get("system") == _UCUM and isinstance(code, str):
        unit = {"a": "year", "mo": "month"}.get(code, code)
    else:
        unit = code or value.get("unit") or "1"
    return Quantity(Decimal(amount), str(unit))
