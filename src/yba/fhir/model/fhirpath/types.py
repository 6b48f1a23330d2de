"""``is``, ``as`` and ``ofType()`` over FHIR's types and the System ones (FHIRPath N1, section "Types")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yba.fhir.model.fhirpath.node import Node, ancestors
from yba.fhir.model.fhirpath.run import Compiled, Run
from yba.fhir.model.fhirpath.syntax import faulty
from yba.fhir.model.fhirpath.values import Items, fault, system_type
from yba.fhir.model.structures import is_primitive, structure

SYSTEM = frozenset(
    {"Any", "Boolean", "String", "Integer", "Long", "Decimal", "Date", "DateTime", "Time", "Quantity"}
)


def type_operation(operator: str, of: Compiled, space: str | None, name: str, at: int) -> Compiled:
    """The operator or function with its type; raises Invalid for a type there is not.

    HL7's cases ask ``is System.Patient``, which is false and no error: System's types are known for good.
    """
    if operator == "is" and space == "System" and name not in SYSTEM:
        return _is(of, lambda item: False)
    if operator == "is":
        return _is(of, tester(space, name, at, inherited=True))
    test = tester(space, name, at, inherited=not is_primitive(name))
    return _as(of, test) if operator == "as" else _of_type(of, test)


def tester(space: str | None, name: str, at: int, *, inherited: bool) -> Callable[[Any], bool]:
    """Whether an item is of the type. A primitive is cast only to its very own: a code is no string then."""
    system = space in (None, "System") and name in SYSTEM
    fhir = space in (None, "FHIR") and structure(name) is not None
    if not system and not fhir:
        full = f"{space}.{name}" if space else name
        raise faulty(f"there is no type {full[:60]}.", at, "fhirpath.unknown-type")

    def test(item: Any) -> bool:
        if type(item) is Node:
            if not fhir:
                return system and name == "Any"
            return bool(item.kind == name or (inherited and name in ancestors(item.kind)))
        return system and name in ("Any", system_type(item))

    return test


def _is(of: Compiled, test: Callable[[Any], bool]) -> Compiled:
    def check(run: Run) -> Items:
        items = of(run)
        if len(items) > 1:
            raise fault(f"'is' takes one item, not {len(items)}.")
        return [test(items[0])] if items else []

    return check


def _as(of: Compiled, test: Callable[[Any], bool]) -> Compiled:
    """R4's own invariants cast whole collections (dom-3), so that only a strict run holds to one item."""

    def cast(run: Run) -> Items:
        items = of(run)
        if len(items) > 1 and run.strict:
            raise fault(f"'as' takes one item, not {len(items)}: use ofType().")
        return [item for item in items if test(item)]

    return cast


def _of_type(of: Compiled, test: Callable[[Any], bool]) -> Compiled:
    return lambda run: [item for item in of(run) if test(item)]
