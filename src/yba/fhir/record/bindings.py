"""Concepts that must come from a value set, held at every write. FHIR R4, terminologies.html#required.

Elements of the type code carry their codes in the generated types. Of CodeableConcepts R4 binds few so strictly; they
stand here by type, and a test holds them to the definitions. Their value sets are small and closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from yba.fhir.errors import Invalid
from yba.fhir.model import codec
from yba.fhir.r4.datatypes import CodeableConcept, Resource

_HL7 = "http://terminology.hl7.org/CodeSystem/"


def _of(system: str, codes: str) -> frozenset[tuple[str, str]]:
    return frozenset((_HL7 + system, code) for code in codes.split())


_NOTATION = _of("measure-improvement-notation", "increase decrease")
REQUIRED: Mapping[str, Mapping[str, frozenset[tuple[str, str]]]] = {
    "AdverseEvent": {
        "severity": _of("adverse-event-severity", "mild moderate severe"),
        "outcome": _of(
            "adverse-event-outcome", "resolved recovering ongoing resolvedWithSequelae fatal unknown"
        ),
    },
    "AllergyIntolerance": {
        "clinicalStatus": _of("allergyintolerance-clinical", "active inactive resolved"),
        "verificationStatus": _of(
            "allergyintolerance-verification", "unconfirmed confirmed refuted entered-in-error"
        ),
    },
    "Condition": {
        "clinicalStatus": _of("condition-clinical", "active recurrence relapse inactive remission resolved"),
        "verificationStatus": _of(
            "condition-ver-status",
            "unconfirmed provisional differential confirmed refuted entered-in-error",
        ),
    },
    "InsurancePlan": {
        "plan.specificCost.benefit.cost.applicability": _of(
            "applicability", "in-network out-of-network other"
        )
    },
    "Measure": {"improvementNotation": _NOTATION},
    "MeasureReport": {"improvementNotation": _NOTATION},
    "SupplyDelivery": {"type": _of("supply-item-type", "medication device")},
}
"""Type -> element -> the (system, code) pairs one of which it must have."""
_NAMES = tuple(f'"{name}"'.encode() for name in REQUIRED)


def check(resource: Resource) -> None:
    """Refuse a concept that is none of its required value set. Raises Invalid with the path."""
    name = type(resource).__name__
    _check(resource, name, name)
    for number, raw in enumerate(getattr(resource, "contained", ())):
        held = bytes(raw)
        if any(one in held for one in _NAMES):
            inner = codec.decode_raw(raw)
            _check(inner, type(inner).__name__, f"{name}.contained[{number}]")


def _check(resource: Resource, name: str, at: str) -> None:
    for element, allowed in REQUIRED.get(name, {}).items():
        for path, concept in _at(resource, element.split("."), at):
            if not _is_of(concept, allowed):
                said = ", ".join(f"{one.system or ''}#{one.code or ''}" for one in concept.coding)[:200]
                system = next(iter(allowed))[0]
                raise Invalid(
                    "store.required-binding",
                    f"{path}: {said or 'text alone'} is not one of the codes "
                    f"{', '.join(sorted(code for _, code in allowed))} of {system}.",
                    path=path,
                )


def _is_of(concept: CodeableConcept, allowed: frozenset[tuple[str, str]]) -> bool:
    """One code of the set is enough; where an extension says why there is none, none is needed."""
    if any((one.system, one.code) in allowed for one in concept.coding):
        return True
    coded = any(one.code is not None for one in concept.coding)
    return not coded and bool(concept.extension or any(one.extension for one in concept.coding))


def _at(value: Any, names: list[str], path: str) -> Iterator[tuple[str, Any]]:
    """Every value at a path of elements, with its FHIR path."""
    found = getattr(value, names[0])
    path = f"{path}.{names[0]}"
    several = [(f"{path}[{number}]", one) for number, one in enumerate(found)] if isinstance(found, list) else (
        [] if found is None else [(path, found)]
    )  # fmt: skip
    for place, one in several:
        if len(names) == 1:
            yield place, one
        else:
            yield from _at(one, names[1:], place)
