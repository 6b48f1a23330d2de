"""The first, the last, the rest (FHIRPath N1, section "Subsetting")."""

from __future__ import annotations

from yba.fhir.model.fhirpath.equality import Seen
from yba.fhir.model.fhirpath.functions.function import Function
from yba.fhir.model.fhirpath.run import Run
from yba.fhir.model.fhirpath.values import Items, fault, integer


def _single(run: Run, items: Items) -> Items:
    if len(items) > 1:
        raise fault(f"single() takes one item, not {len(items)}.")
    return items


def _first(run: Run, items: Items) -> Items:
    return items[:1]


def _last(run: Run, items: Items) -> Items:
    return items[-1:]


def _tail(run: Run, items: Items) -> Items:
    return items[1:]


def _skip(run: Run, items: Items, number: Items) -> Items:
    count = integer(number, "skip()")
    return [] if count is None else items[max(0, count) :]


def _take(run: Run, items: Items, number: Items) -> Items:
    count = integer(number, "take()")
    return [] if count is None else items[: max(0, count)]


def _intersect(run: Run, items: Items, other: Items) -> Items:
    kept, seen = Seen(other), Seen()
    return [item for item in items if item in kept and seen.add(item)]


def _exclude(run: Run, items: Items, other: Items) -> Items:
    kept = Seen(other)
    return [item for item in items if item not in kept]


FUNCTIONS = {
    "single": Function(_single),
    "first": Function(_first),
    "last": Function(_last),
    "tail": Function(_tail),
    "skip": Function(_skip, 1, 1),
    "take": Function(_take, 1, 1),
    "intersect": Function(_intersect, 1, 1),
    "exclude": Function(_exclude, 1, 1),
}
