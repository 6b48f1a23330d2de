"""What the operators do with their two sides: evaluated collections, or, of logic, parts evaluated when needed.

FHIRPath N1, sections "Equality", "Comparison", "Collections" and "Boolean logic".
"""

from __future__ import annotations

from collections.abc import Callable

from yba.fhir.model.fhirpath import arithmetic
from yba.fhir.model.fhirpath.equality import Seen, distinct, equal_collections, equivalent_collections, order
from yba.fhir.model.fhirpath.run import Compiled, Run
from yba.fhir.model.fhirpath.values import Items, boolean, fault


def _equal(left: Items, right: Items) -> Items:
    same = equal_collections(left, right)
    return [] if same is None else [same]


def _not_equal(left: Items, right: Items) -> Items:
    same = equal_collections(left, right)
    return [] if same is None else [not same]


def _ordered(operator: str, holds: Callable[[int], bool]) -> Callable[[Items, Items], Items]:
    def compare(left: Items, right: Items) -> Items:
        if len(left) > 1 or len(right) > 1:
            raise fault(f"'{operator}' takes one item on either side.")
        if not left or not right:
            return []
        way = order(left[0], right[0])
        return [] if way is None else [holds(way)]

    return compare


def _in(left: Items, right: Items) -> Items:
    if len(left) > 1:
        raise fault(f"'in' and 'contains' look for one item, not {len(left)}.")
    return [left[0] in Seen(right)] if left else []


def _contains(left: Items, right: Items) -> Items:
    return _in(right, left)


OPERATORS: dict[str, Callable[[Items, Items], Items]] = {
    "=": _equal,
    "!=": _not_equal,
    "~": lambda left, right: [equivalent_collections(left, right)],
    "!~": lambda left, right: [not equivalent_collections(left, right)],
    "<": _ordered("<", lambda way: way < 0),
    ">": _ordered(">", lambda way: way > 0),
    "<=": _ordered("<=", lambda way: way <= 0),
    ">=": _ordered(">=", lambda way: way >= 0),
    "|": lambda left, right: distinct(left + right),
    "in": _in,
    "contains": _contains,
    "&": arithmetic.concatenated,
}


def _and(left: Compiled, right: Compiled) -> Compiled:
    def both(run: Run) -> Items:
        one = boolean(left(run), "'and'")
        if one is False:
            return [False]
        other = boolean(right(run), "'and'")
        if other is False:
            return [False]
        return [True] if one and other else []

    return both


def _or(left: Compiled, right: Compiled) -> Compiled:
    def either(run: Run) -> Items:
        one = boolean(left(run), "'or'")
        if one is True:
            return [True]
        other = boolean(right(run), "'or'")
        if other is True:
            return [True]
        return [] if one is None or other is None else [False]

    return either


def _xor(left: Compiled, right: Compiled) -> Compiled:
    def one_of(run: Run) -> Items:
        one, other = boolean(left(run), "'xor'"), boolean(right(run), "'xor'")
        return [] if one is None or other is None else [one is not other]

    return one_of


def _implies(left: Compiled, right: Compiled) -> Compiled:
    def follows(run: Run) -> Items:
        one = boolean(left(run), "'implies'")
        if one is False:
            return [True]
        other = boolean(right(run), "'implies'")
        if other is True:
            return [True]
        return [] if one is None or other is None else [False]

    return follows


LOGIC: dict[str, Callable[[Compiled, Compiled], Compiled]] = {
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
}
