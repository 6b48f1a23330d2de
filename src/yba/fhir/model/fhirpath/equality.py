"""Equal, equivalent, before and after (FHIRPath N1, sections "Equality" and "Comparison")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from typing import Any

from yba.fhir.errors import TooCostly
from yba.fhir.model.fhirpath import moments
from yba.fhir.model.fhirpath.moments import Moment, Time
from yba.fhir.model.fhirpath.node import Node
from yba.fhir.model.fhirpath.units import compared, equivalent_quantities, sameness
from yba.fhir.model.fhirpath.values import EXACT, Items, Quantity, atom, fault, shown, single

_NUMBERS = (int, Decimal)
MOST_PAIRS = 200_000


def equal_collections(ours: Items, theirs: Items) -> bool | None:
    """``=``: None when either is empty, or when it cannot be known."""
    if not ours or not theirs:
        return None
    if len(ours) != len(theirs):
        return False
    result: bool | None = True
    for mine, yours in zip(ours, theirs, strict=True):
        same = equal(mine, yours)
        if same is False:
            return False
        if same is None:
            result = None
    return result


def equal(one: Any, other: Any) -> bool | None:
    """Whether two items are equal; None when it cannot be known."""
    one, other = atom(one), atom(other)
    mine, yours = type(one), type(other)
    if mine is yours and (mine is str or mine is bool or mine is int or mine is Decimal):
        return bool(one == other)
    if mine in _NUMBERS and yours in _NUMBERS:
        return bool(one == other)
    if isinstance(one, Moment) and isinstance(other, Moment):
        return _equal_moments(one, other)
    if mine is Quantity or yours is Quantity:
        return _equal_quantities(one, other)
    if mine is Node and yours is Node:
        return bool(_content(one) == _content(other))
    return bool(mine is yours and one == other)


def _equal_moments(one: Moment, other: Moment) -> bool | None:
    if isinstance(one, Time) is not isinstance(other, Time):
        return False
    order = moments.compare(one, other)
    return None if order is None else order == 0


def _equal_quantities(one: Any, other: Any) -> bool | None:
    ours, theirs = as_quantity(one), as_quantity(other)
    if ours is None or theirs is None:
        return False
    order = compared(ours, theirs)
    return None if order is None else order == 0


def as_quantity(value: Any) -> Quantity | None:
    """A Quantity, or a number as one without a unit."""
    if type(value) is Quantity:
        return value
    return Quantity(Decimal(value), "1") if type(value) in _NUMBERS else None


def _content(node: Node) -> Any:
    return node.value if node.value is not None else node.extra


# -- equivalent ----------------------------------------------------------------------------------------------


class _Pairs:
    """How many pairs one comparison has held against each other."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def add(self) -> None:
        self.count += 1
        if self.count > MOST_PAIRS:
            raise TooCostly(
                "fhirpath.too-costly",
                f"'~' would hold more than {MOST_PAIRS} pairs of items against each other. Ask for fewer items.",
            )


def equivalent_collections(ours: Items, theirs: Items, pairs: _Pairs | None = None) -> bool:
    """``~``: in any order. Raises TooCostly for too many that are not plain texts."""
    if len(ours) != len(theirs):
        return False
    one, other = [atom(item) for item in ours], [atom(item) for item in theirs]
    mine, yours = _texts(one), _texts(other)
    if mine is not None and yours is not None:
        return mine == yours
    pairs = pairs or _Pairs()
    for item in one:
        found = next((place for place, held in enumerate(other) if _equivalent(item, held, pairs)), None)
        if found is None:
            return False
        del other[found]
    return True


def _texts(items: Items) -> Counter[str] | None:
    """How often each text is there, as equivalence sees it; None where not all are texts."""
    if not all(type(item) is str for item in items):
        return None
    return Counter(map(folded, items))


def equivalent(one: Any, other: Any) -> bool:
    """Whether two items mean the same: text without case and spaces, numbers to the lesser precision."""
    return _equivalent(atom(one), atom(other), _Pairs())


def _equivalent(one: Any, other: Any, pairs: _Pairs) -> bool:
    pairs.add()
    mine, yours = type(one), type(other)
    if mine is str and yours is str:
        return folded(one) == folded(other)
    if mine in _NUMBERS and yours in _NUMBERS:
        return equivalent_numbers(Decimal(one), Decimal(other))
    if isinstance(one, Moment) and isinstance(other, Moment):
        return _equal_moments(one, other) is True
    if mine is Quantity or yours is Quantity:
        ours, theirs = as_quantity(one), as_quantity(other)
        return ours is not None and theirs is not None and equivalent_quantities(ours, theirs)
    if mine is Node and yours is Node:
        return _equivalent_nodes(one, other, pairs)
    return bool(mine is yours and one == other)


def folded(text: str) -> str:
    """Text as equivalence sees it: no case, any run of space as one."""
    return " ".join(text.casefold().split())


def equivalent_numbers(one: Decimal, other: Decimal) -> bool:
    """Equal when both are rounded to the places of the one that has fewer."""
    places = min(_places(one), _places(other))
    step = Decimal(1).scaleb(-places)
    try:
        return one.quantize(step, ROUND_HALF_UP, EXACT) == other.quantize(step, ROUND_HALF_UP, EXACT)
    except DecimalException:
        return one == other


def _places(number: Decimal) -> int:
    exponent = EXACT.normalize(number).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _equivalent_nodes(one: Node, other: Node, pairs: _Pairs) -> bool:
    ours, theirs = _named(one), _named(other)
    if not ours and not theirs:
        return bool(_content(one) == _content(other))
    if ours.keys() != theirs.keys():
        return False
    return all(equivalent_collections(items, theirs[name], pairs) for name, items in ours.items())


def _named(node: Node) -> dict[str, Items]:
    found: dict[str, Items] = {}
    for child in node.children():
        if child.key != "id":
            found.setdefault(child.key, []).append(child)
    return found


# -- order ---------------------------------------------------------------------------------------------------


def order(one: Any, other: Any) -> int | None:
    """-1, 0 or 1 for two items; None when it cannot be known. Raises Invalid for what has no common order."""
    one, other = single([one], "an order"), single([other], "an order")
    if one is None or other is None:
        return None
    mine, yours = type(one), type(other)
    if (mine in _NUMBERS and yours in _NUMBERS) or (mine is str and yours is str):
        return int(one > other) - int(one < other)
    if isinstance(one, Moment) and isinstance(other, Moment):
        if isinstance(one, Time) is isinstance(other, Time):
            return moments.compare(one, other)
    elif mine is Quantity or yours is Quantity:
        ours, theirs = as_quantity(one), as_quantity(other)
        if ours is not None and theirs is not None:
            return compared(ours, theirs)
    raise fault(f"{shown(one)} and {shown(other)} cannot be put in order.")


# -- sets ----------------------------------------------------------------------------------------------------


class Seen:
    """Items of which each is kept once, by ``=``; quick, since all but types are hashed."""

    __slots__ = ("_others", "_plain", "_quantities")

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._plain: set[Any] = set()
        self._quantities: dict[Any, list[Quantity]] = {}
        self._others: Items = []
        for item in items:
            self.add(item)

    def add(self, item: Any) -> bool:
        """Keep it; False if it was there."""
        value = atom(item)
        if type(value) is Quantity:
            alike = self._quantities.setdefault(sameness(value), [])
            return _added(value, alike)
        key = _hashed(value)
        if key is None:
            return _added(value, self._others)
        if key in self._plain:
            return False
        self._plain.add(key)
        return True

    def __contains__(self, item: Any) -> bool:
        value = atom(item)
        measure = as_quantity(value) if self._quantities else None
        if measure is not None and any(
            equal(measure, kept) for kept in self._quantities.get(sameness(measure), ())
        ):
            return True
        key = _hashed(value)
        if key is not None:
            return key in self._plain
        return any(equal(value, kept) for kept in self._others)


def _added(value: Any, kept: list[Any]) -> bool:
    if any(equal(value, one) for one in kept):
        return False
    kept.append(value)
    return True


def _hashed(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return value
    if kind is bool:
        return ("boolean", value)
    if kind is int or kind is Decimal:
        return ("number", value)
    if isinstance(value, Moment):
        return (type(value) is Time, *moments.key(value))
    if kind is Node:
        return ("element", _frozen(_content(value)))
    return None


def _frozen(content: Any) -> Any:
    """A tree's value as something to hash, equal for equal trees."""
    if type(content) is dict:
        return frozenset((name, _frozen(one)) for name, one in content.items())
    return tuple(map(_frozen, content)) if type(content) is list else content


def distinct(items: Items) -> Items:
    """Each item once, in order of first appearance."""
    seen = Seen()
    return [item for item in items if seen.add(item)]
