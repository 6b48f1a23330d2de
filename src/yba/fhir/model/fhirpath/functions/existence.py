"""Whether there is something, and whether all of it is so (FHIRPath N1, section "Existence")."""

from __future__ import annotations

from yba.fhir.model.fhirpath.equality import Seen, distinct
from yba.fhir.model.fhirpath.functions.function import Function
from yba.fhir.model.fhirpath.run import Compiled, Run
from yba.fhir.model.fhirpath.values import Items, atom, boolean, fault, shown


def _empty(run: Run, items: Items) -> Items:
    return [not items]


def _exists(run: Run, items: Items, criteria: Compiled | None = None) -> Items:
    if criteria is None:
        return [bool(items)]
    return [any(boolean(result, "exists()") is True for _, result in run.each(items, criteria))]


def _all(run: Run, items: Items, criteria: Compiled) -> Items:
    return [all(boolean(result, "all()") is True for _, result in run.each(items, criteria))]


def _not(run: Run, items: Items) -> Items:
    value = boolean(items, "not()")
    return [] if value is None else [not value]


def _booleans(items: Items, name: str) -> list[bool]:
    values = [atom(item) for item in items]
    for value in values:
        if type(value) is not bool:
            raise fault(f"{name} takes Booleans, not {shown(value)}.")
    return values


def _all_true(run: Run, items: Items) -> Items:
    return [all(_booleans(items, "allTrue()"))]


def _any_true(run: Run, items: Items) -> Items:
    return [any(_booleans(items, "anyTrue()"))]


def _all_false(run: Run, items: Items) -> Items:
    return [not any(_booleans(items, "allFalse()"))]


def _any_false(run: Run, items: Items) -> Items:
    return [not all(_booleans(items, "anyFalse()"))]


def _subset_of(run: Run, items: Items, other: Items) -> Items:
    kept = Seen(other)
    return [all(item in kept for item in items)]


def _superset_of(run: Run, items: Items, other: Items) -> Items:
    return _subset_of(run, other, items)


def _count(run: Run, items: Items) -> Items:
    return [len(items)]


def _distinct(run: Run, items: Items) -> Items:
    return distinct(items)


def _is_distinct(run: Run, items: Items) -> Items:
    return [len(distinct(items)) == len(items)]


FUNCTIONS = {
    "empty": Function(_empty, returns="Boolean"),
    "exists": Function(_exists, 0, 1, lazy=True, returns="Boolean"),
    "all": Function(_all, 1, 1, lazy=True, returns="Boolean"),
    "not": Function(_not, returns="Boolean"),
    "allTrue": Function(_all_true, returns="Boolean"),
    "anyTrue": Function(_any_true, returns="Boolean"),
    "allFalse": Function(_all_false, returns="Boolean"),
    "anyFalse": Function(_any_false, returns="Boolean"),
    "subsetOf": Function(_subset_of, 1, 1, returns="Boolean"),
    "supersetOf": Function(_superset_of, 1, 1, returns="Boolean"),
    "count": Function(_count, returns="Integer"),
    "distinct": Function(_distinct),
    "isDistinct": Function(_is_distinct, returns="Boolean"),
}
