"""From a typed resource to its index rows, by getters compiled once a type.

Read after ``paths.py`` (FHIRPath to getters) and the module of a kind (value to row).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from yba.fhir.search import composite, date, near, number, reference, string, token, uri
from yba.fhir.search.parameters import COLUMN_CODES, TEXT_CODES, Parameter, builtin, hashed
from yba.fhir.search.paths import Handler, Leaf, Step, branches, handlers
from yba.fhir.search.principal import principal_dates, whose
from yba.fhir.search.rows import DateRow, Gathered, IndexRows, ReferenceRow, index_rows

__all__ = ["IndexRows", "rows", "unindexed"]

# kind of parameter -> given the parameter's number, what makes rows of a value
_LEAVES: Mapping[str, Callable[[int], Leaf]] = {
    "token": token.leaf,
    "reference": reference.leaf,
    "string": string.leaf,
    "date": date.leaf,
    "number": number.leaf,
    "quantity": number.leaf,
    "uri": uri.leaf,
    "special": near.leaf,
}
VERSION = 3
"""What index rows are made by now. A store that holds older ones makes them anew in the background (``reindex``)."""


class Getters:
    """What is read from one type: its attributes in order, and what each one's value is given to."""

    __slots__ = ("attributes", "by_attribute", "dates", "patient_from", "whole")

    def __init__(self, cls: type[Any], type_name: str) -> None:
        grouped: dict[str, list[Handler]] = {}
        self.whole: list[Handler] = [_deceased] if type_name == "Patient" else []
        for code, parameter in builtin(type_name).items():
            if code in COLUMN_CODES or code in TEXT_CODES:
                continue
            for attribute, handler in readers(cls, type_name, parameter, hashed(type_name, code)):
                if attribute is None:
                    self.whole.append(handler)
                else:
                    grouped.setdefault(attribute, []).append(handler)
        self.attributes = attrgetter(*grouped, "id") if grouped else None
        self.by_attribute = [tuple(found) for found in grouped.values()]
        self.dates = [hashed(type_name, code) for code in principal_dates(type_name)]
        self.patient_from = frozenset(hashed(type_name, code) for code in whose(type_name)[0])


KINDS = frozenset({*_LEAVES, "composite"}) - {"special"}
"""The kinds of parameter that a user may add."""


def leaf(kind: str, number: int) -> Leaf:
    """What makes the rows of a value of a kind."""
    return _LEAVES[kind](number)


def readers(
    cls: type[Any], type_name: str, parameter: Parameter, number: int
) -> list[tuple[str | None, Handler]]:
    """Pairs of a type's attribute (None: the whole resource) and what makes rows of its value."""
    if parameter.kind == "composite":
        return composite.readers(cls, type_name, parameter, number)
    if parameter.kind not in _LEAVES:
        return []
    made = _LEAVES[parameter.kind](number)
    return [pair for steps in _paths(parameter.expression) for pair in handlers(cls, steps, made)]


def _paths(expression: str) -> list[list[Step]]:
    """The paths of an expression that can be followed; ``Patient.deceased`` is read by a rule of its own."""
    if ".exists() and " in expression:
        return []
    return [steps for steps in branches(expression) if steps]


def _deceased(patient: Any, gathered: Gathered) -> None:
    """``Patient.deceased.exists() and Patient.deceased != false``."""
    dead = bool(patient.deceasedBoolean) or patient.deceasedDateTime is not None
    gathered.token.append((hashed("Patient", "deceased"), None, "true" if dead else "false", None))


@lru_cache(maxsize=256)
def _getters(cls: Any) -> Getters:
    return Getters(cls, cls.__name__.rstrip("_"))


def rows(resource: Any) -> IndexRows:
    """The index rows of a resource, its moment and its patient."""
    kind: Any = type(resource)
    getters = _getters(kind)
    gathered = Gathered(resource=resource)
    if getters.attributes is not None:
        for value, found in zip(getters.attributes(resource), getters.by_attribute, strict=False):
            if value or (value is not None and type(value) is not list):  # false and 0 are values
                for handler in found:
                    handler(value, gathered)
    for handler in getters.whole:
        handler(resource, gathered)
    return index_rows(
        gathered,
        occurred=_occurred(getters.dates, gathered.date),
        patient=_patient(resource, getters.patient_from, gathered.reference),
        resource=resource,
    )


def _occurred(params: list[int], found: list[DateRow]) -> datetime | None:
    for param in params:
        lows = [low for number, low, _ in found if number == param and low > date.OPEN_LOW]
        if lows:
            return min(lows)
    return None


def _patient(resource: Any, params: frozenset[int], found: list[ReferenceRow]) -> str | None:
    if type(resource).__name__ == "Patient":
        identifier: str | None = resource.id
        return identifier
    own = {row[2] for row in found if row[0] in params and row[1] == "Patient"}
    return own.pop() if len(own) == 1 else None


def unindexed(cls: type[Any], type_name: str) -> list[str]:
    """Parameters that no getter could be made for; a test holds that there are none but those named here."""
    return [
        code
        for code, parameter in builtin(type_name).items()
        if code not in COLUMN_CODES
        and code not in TEXT_CODES
        and (type_name, code) != ("Patient", "deceased")
        and not readers(cls, type_name, parameter, 0)
    ]
