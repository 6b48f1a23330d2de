"""Choosing by a condition, sorting, tracing, the clock, variables (FHIRPath N1 and its STU, "Utility functions")."""

from __future__ import annotations

from functools import cmp_to_key

from yba.fhir.model.fhirpath import units
from yba.fhir.model.fhirpath.equality import as_quantity, order
from yba.fhir.model.fhirpath.functions.function import Function
from yba.fhir.model.fhirpath.moments import Date, Time
from yba.fhir.model.fhirpath.node import Node
from yba.fhir.model.fhirpath.run import Compiled, Run
from yba.fhir.model.fhirpath.values import Items, TypeInfo, fault, shown, single, string, system_type

OWN = frozenset(
    {"context", "resource", "rootResource", "ucum", "sct", "loinc", "terminologies", "factory", "server"}
)


def _iif(
    run: Run, items: Items, criterion: Compiled, true_result: Compiled, otherwise: Compiled | None = None
) -> Items:
    if len(items) > 1:
        raise fault(f"iif() takes one item, not {len(items)}.")
    outer, run.this = run.this, items
    value = single(criterion(run), "the condition of iif()")
    if value is not None and type(value) is not bool:
        raise fault(f"the condition of iif() is a Boolean, not {shown(value)}.")
    result = true_result(run) if value is True else otherwise(run) if otherwise is not None else []
    run.this = outer
    return result


def _coalesce(run: Run, items: Items, *values: Compiled) -> Items:
    for value in values:
        found = value(run)
        if found:
            return found
    return []


def _trace(run: Run, items: Items, name: Compiled, projection: Compiled | None = None) -> Items:
    if run.trace is not None:
        told = items
        if projection is not None:
            told = [one for _, result in run.each(items, projection) for one in result]
        run.trace(string(name(run), "trace()") or "", told)
    return items


def _now(run: Run, items: Items) -> Items:
    return [run.now()]


def _today(run: Run, items: Items) -> Items:
    return [Date(run.now().parts[:3])]


def _time_of_day(run: Run, items: Items) -> Items:
    return [Time(run.now().parts[3:])]


def _define_variable(run: Run, items: Items, name: Compiled, value: Compiled | None = None) -> Items:
    called = string(name(run), "defineVariable()")
    if called is None:
        raise fault("defineVariable() needs a name.")
    if called in run.variables or called in run.environment or called in OWN:
        raise fault(f"%{called[:40]} is defined already.")
    given = items
    if value is not None:
        outer, run.this = run.this, items
        given, run.this = value(run), outer
    run.variables = {**run.variables, called: given}
    return items


def _comparable(run: Run, items: Items, other: Items) -> Items:
    one, two = single(items, "comparable()"), single(other, "comparable()")
    if one is None or two is None:
        return []
    ours, theirs = as_quantity(one), as_quantity(two)
    if ours is None or theirs is None:
        raise fault("comparable() takes quantities.")
    return [units.comparable(ours, theirs)]


def _type(run: Run, items: Items) -> Items:
    found: Items = []
    for item in items:
        if type(item) is Node:
            found.append(TypeInfo("FHIR", item.place if item.kind == "BackboneElement" else item.kind))
        else:
            found.append(TypeInfo("System", system_type(item) or "Any"))
    return found


def sort(items: Items, keys: list[list[Items]], downward: list[bool]) -> Items:
    """The items by their keys, of which there is a row an item; what has no key comes after what has one.

    ``downward`` turns the order of a key round, that of missing ones too.
    """

    def before(one: int, other: int) -> int:
        for place, down in enumerate(downward):
            way = _before(keys[one][place], keys[other][place])
            if way:
                return -way if down else way
        return one - other

    return [items[place] for place in sorted(range(len(items)), key=cmp_to_key(before))]


def _before(one: Items, other: Items) -> int:
    mine, yours = single(one, "sort()"), single(other, "sort()")
    if mine is None or yours is None:
        return (mine is None) - (yours is None)
    return order(mine, yours) or 0


FUNCTIONS = {
    "iif": Function(_iif, 2, 3, lazy=True),
    "coalesce": Function(_coalesce, 1, 50, lazy=True),
    "trace": Function(_trace, 1, 2, lazy=True),
    "now": Function(_now, returns="DateTime"),
    "today": Function(_today, returns="Date"),
    "timeOfDay": Function(_time_of_day, returns="Time"),
    "defineVariable": Function(_define_variable, 1, 2, lazy=True),
    "comparable": Function(_comparable, 1, 1, returns="Boolean"),
    "type": Function(_type),
}
