"""Choosing, projecting, walking and folding (FHIRPath N1, "Filtering and projection", "Tree navigation")."""

from __future__ import annotations

from yba.fhir.model.fhirpath.equality import Seen
from yba.fhir.model.fhirpath.functions.function import Function
from yba.fhir.model.fhirpath.node import Node
from yba.fhir.model.fhirpath.run import Compiled, Run
from yba.fhir.model.fhirpath.values import Items, boolean


def _where(run: Run, items: Items, criteria: Compiled) -> Items:
    return [item for item, result in run.each(items, criteria) if boolean(result, "where()") is True]


def _select(run: Run, items: Items, projection: Compiled) -> Items:
    return [one for _, result in run.each(items, projection) for one in result]


def _repeat(run: Run, items: Items, projection: Compiled) -> Items:
    found: Items = []
    places: set[int] = set()
    seen = Seen()
    waiting = items
    while waiting:
        fresh: Items = []
        for _, result in run.each(waiting, projection):
            run.spend(_weight(result))
            fresh += [one for one in result if _is_new(one, seen, places)]
        found += fresh
        waiting = fresh
    return found


def _weight(items: Items) -> int:
    """What items cost that are kept until the end: texts by their length, which may grow with each round."""
    return len(items) + sum(len(one) >> 4 for one in items if type(one) is str)


def _is_new(one: object, seen: Seen, places: set[int]) -> bool:
    """Two elements at different places are compared by value too; one met again is not walked twice."""
    if type(one) is Node and type(one.value) is dict:
        if id(one.value) in places:
            return False
        places.add(id(one.value))
    return seen.add(one)


def _repeat_all(run: Run, items: Items, projection: Compiled) -> Items:
    found: Items = []
    waiting = items
    while waiting:
        waiting = _select(run, waiting, projection)
        run.spend(_weight(waiting))
        found += waiting
    return found


def _children(run: Run, items: Items) -> Items:
    return [child for item in items if type(item) is Node for child in item.children()]


def _descendants(run: Run, items: Items) -> Items:
    found: Items = []
    level = _children(run, items)
    while level:
        run.spend(len(level))
        found += level
        level = _children(run, level)
    return found


def _aggregate(run: Run, items: Items, aggregator: Compiled, start: Compiled | None = None) -> Items:
    outer = run.total
    run.total = start(run) if start is not None else []
    for _, result in run.each(items, aggregator):
        run.total = result
    result, run.total = run.total, outer
    return result


FUNCTIONS = {
    "where": Function(_where, 1, 1, lazy=True),
    "select": Function(_select, 1, 1, lazy=True),
    "repeat": Function(_repeat, 1, 1, lazy=True),
    "repeatAll": Function(_repeat_all, 1, 1, lazy=True),
    "children": Function(_children),
    "descendants": Function(_descendants),
    "aggregate": Function(_aggregate, 1, 2, lazy=True),
}
