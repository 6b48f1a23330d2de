"""Two collections as one (FHIRPath N1, section "Combining")."""

from __future__ import annotations

from yba.fhir.model.fhirpath.equality import distinct
from yba.fhir.model.fhirpath.functions.function import Function
from yba.fhir.model.fhirpath.run import Run
from yba.fhir.model.fhirpath.values import Items, boolean


def _union(run: Run, items: Items, other: Items) -> Items:
    return distinct(items + other)


def _combine(run: Run, items: Items, other: Items, preserve_order: Items | None = None) -> Items:
    boolean(preserve_order or [], "combine()")
    run.spend(len(items) + len(other))
    return items + other


FUNCTIONS = {
    "union": Function(_union, 1, 1),
    "combine": Function(_combine, 1, 2),
}
