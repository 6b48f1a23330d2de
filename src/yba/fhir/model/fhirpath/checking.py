"""Whether an expression fits the types it is asked of, before anything is evaluated.

FHIRPath N1, section "Type Safety and Strict Evaluation": a name that no possible type has, a text function on what is
no text, and, where asked for, a function that needs an order on what has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from yba.fhir.model.fhirpath.functions import FUNCTIONS, strings
from yba.fhir.model.fhirpath.node import ancestors, ways
from yba.fhir.model.fhirpath.syntax import (
    Call,
    Empty,
    Environment,
    Index,
    Literal,
    Member,
    Operation,
    Sign,
    Special,
    Syntax,
    TypeOperation,
    faulty,
    type_name,
)
from yba.fhir.model.fhirpath.types import SYSTEM
from yba.fhir.model.fhirpath.values import system_type
from yba.fhir.model.structures import is_primitive, structure

_OPEN = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})
_NEED_ORDER = frozenset({"first", "last", "tail", "skip", "take"})
_SAME = frozenset(
    {
        "where", "first", "last", "tail", "skip", "take", "single", "distinct", "intersect", "exclude", "trace",
        "defineVariable", "sort", "checkModifiers",
    }
)  # fmt: skip
_TEXT = frozenset(strings.FUNCTIONS) - {"join"}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a collection: the places that describe its items (``System.String`` and its like for System
    types), None when anything is possible; and whether it has an order."""

    places: frozenset[str] | None
    ordered: bool = True


_ANYTHING = Known(None)


def _system(name: str) -> Known:
    return Known(frozenset({f"System.{name}"}))


def check(syntax: Syntax, type_name: str | None, *, ordered: bool) -> None:
    """Raise Invalid at the first part that does not fit a context of this type (None: of any)."""
    context = Known(frozenset({type_name})) if type_name else _ANYTHING
    _Checker(context, ordered).known(syntax, context)


class _Checker:
    """The type of the whole context, and whether order is to be checked."""

    def __init__(self, context: Known, ordered: bool) -> None:
        self.context = context
        self.ordered = ordered

    def known(self, part: Syntax, this: Known) -> Known:
        return _CHECKS[type(part)](self, part, this)

    def literal(self, part: Literal, this: Known) -> Known:
        return _system(system_type(part.value) or "Any")

    def empty(self, part: Empty, this: Known) -> Known:
        return Known(frozenset())

    def special(self, part: Special, this: Known) -> Known:
        if part.name == "this":
            return this
        return _system("Integer") if part.name == "index" else _ANYTHING

    def environment(self, part: Environment, this: Known) -> Known:
        return self.context if part.name == "context" else _ANYTHING

    def member(self, part: Member, this: Known) -> Known:
        of = this if part.of is None else self.known(part.of, this)
        if of.places is None:
            return replace(_ANYTHING, ordered=of.ordered)
        if part.of is None and part.name[:1].isupper():
            same = frozenset(place for place in of.places if part.name in ancestors(place))
            if same:
                return Known(same, of.ordered)
        return self._children(part, of, of.places)

    def _children(self, part: Member, of: Known, places: frozenset[str]) -> Known:
        found: set[str] = set()
        possible = not places
        for place in places:
            if place in _OPEN or place.startswith("System.") or not ways(place):
                if not place.startswith("System.") or place in ("System.Any", "System.Quantity"):
                    return replace(_ANYTHING, ordered=of.ordered)
                continue
            for way in ways(place).get(part.name, ()):
                possible = True
                found.add(way.place)
        if not possible:
            shown = " or ".join(sorted(places)[:3])
            raise faulty(f"{shown} has no {part.name[:60]}.", part.at, "fhirpath.unknown-name")
        return Known(frozenset(found), of.ordered)

    def index(self, part: Index, this: Known) -> Known:
        of = self.known(part.of, this)
        self.known(part.position, this)
        self._needs_order(of, "[]", part)
        return of

    def _needs_order(self, of: Known, name: str, part: Syntax) -> None:
        if self.ordered and not of.ordered:
            raise faulty(
                f"{name} needs an order, and what it is asked of has none.", part.at, "fhirpath.unordered"
            )

    def call(self, part: Call, this: Known) -> Known:
        of = this if part.of is None else self.known(part.of, this)
        name = part.name
        if name in ("is", "as", "ofType") and part.arguments:
            space, wanted = type_name(part.arguments[0])
            return self._typed(name, of, space, wanted)
        if name in _NEED_ORDER:
            self._needs_order(of, f"{name}()", part)
        if name in _TEXT and of.places and all(_is_complex(place) for place in of.places):
            raise faulty(f"{name}() takes a string, not a {min(of.places)}.", part.at, "fhirpath.not-text")
        return self._result(part, of, this)

    def _result(self, part: Call, of: Known, this: Known) -> Known:
        name, function = part.name, FUNCTIONS.get(part.name)
        inner = of if (function is not None and function.lazy) or name == "sort" else this
        given = [self.known(argument, inner) for argument in part.arguments]
        if name in _SAME:
            return replace(of, ordered=True) if name == "sort" else of
        if name in ("union", "combine"):
            return _joined(of, given[0]) if given else of
        if name == "iif":
            return _joined(*given[1:]) if len(given) > 2 else _ANYTHING
        if name == "select":
            return replace(given[0], ordered=of.ordered and given[0].ordered) if given else _ANYTHING
        if name in ("repeat", "repeatAll"):
            return replace(given[0], ordered=False) if given else _ANYTHING
        if name in ("children", "descendants"):
            return Known(None, ordered=False)
        if name == "extension":
            return Known(frozenset({"Extension"}))
        return _system(function.returns) if function is not None and function.returns else _ANYTHING

    def _typed(self, operator: str, of: Known, space: str | None, name: str) -> Known:
        if operator == "is":
            return _system("Boolean")
        if space != "System" and structure(name) is not None:
            return Known(frozenset({name}), of.ordered) if name not in SYSTEM else replace(_ANYTHING)
        return Known(frozenset({f"System.{name}"}), of.ordered)

    def sign(self, part: Sign, this: Known) -> Known:
        return self.known(part.of, this)

    def operation(self, part: Operation, this: Known) -> Known:
        left, right = self.known(part.left, this), self.known(part.right, this)
        if part.operator == "|":
            return replace(_joined(left, right), ordered=False)
        if part.operator in "+-*/" or part.operator in ("div", "mod"):
            return _ANYTHING
        return _system("String" if part.operator == "&" else "Boolean")

    def type_operation(self, part: TypeOperation, this: Known) -> Known:
        return self._typed(part.operator, self.known(part.of, this), part.space, part.name)


def _is_complex(place: str) -> bool:
    return not place.startswith("System.") and place not in _OPEN and not is_primitive(place)


def _joined(*parts: Known) -> Known:
    places: frozenset[str] = frozenset()
    for part in parts:
        if part.places is None:
            return Known(None, all(one.ordered for one in parts))
        places |= part.places
    return Known(places, all(one.ordered for one in parts))


_CHECKS: dict[type[Syntax], Callable[[_Checker, Any, Known], Known]] = {
    Literal: _Checker.literal,
    Empty: _Checker.empty,
    Special: _Checker.special,
    Environment: _Checker.environment,
    Member: _Checker.member,
    Call: _Checker.call,
    Index: _Checker.index,
    Sign: _Checker.sign,
    Operation: _Checker.operation,
    TypeOperation: _Checker.type_operation,
}
