"""Every function an expression may call, by its name; a module a family (FHIRPath N1, section "Functions")."""

from __future__ import annotations

from yba.fhir.model.fhirpath.functions import (
    boundaries,
    combining,
    conversion,
    existence,
    fhir,
    filtering,
    math,
    strings,
    subsetting,
    utility,
)
from yba.fhir.model.fhirpath.functions.function import Function

FUNCTIONS: dict[str, Function] = {
    name: function
    for family in (
        existence,
        filtering,
        subsetting,
        combining,
        conversion,
        strings,
        math,
        utility,
        boundaries,
        fhir,
    )
    for name, function in family.FUNCTIONS.items()
}
