"""From a typed resource to its index rows, by getters compiled once a type.

Read after ``paths.py`` (FHIRPath to getters) and the module of a kind (value to row).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from yba.fhir.search import date, number, reference, string, token, uri
from yba.fhir.search.parameters import COLUMN_CODES, of_type, param_number
from yba.fhir.search.paths import Handler, Leaf, Step, branches, handlers
from yba.fhir.search.principal import principal_dates, whose
from yba.fhir.search.rows import DateRow, Gathered, IndexRows, ReferenceRow, columns

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
}


class Getters:
    """What is read from one type: its attributes in order, and what each one's value is given to."""

    __slots__ = ("always", "attributes", "by_attribute", "dates", "patient_from")

    def __init__(self, cls: type[Any], type_name: str) -> None:
        grouped: dict[str, list[Handler]] = {}
        for code, parameter in of_type(type_name).items():
            if code not in COLUMN_CODES and parameter.kind in _LEAVES:
                leaf = _LEAVES[parameter.kind](param_number(type_name, code))
                for steps in _paths(parameter.expression):
                    for attribute, handler in handlers(cls, steps, leaf):
                        grouped.setdefault(attribute, []).append(handler)
        self.attributes = attrgetter(*grouped, "id") if grouped else None
        self.by_attribute = [tuple(found) for found in grouped.values()]
        self.dates = [param_number(type_name, code) for code in principal_dates(type_name)]
        self.patient_from = frozenset(param_number(type_name, code) for code in whose(type_name)[0])
        self.always = _deceased if type_name == "Patient" else None


def _paths(expression: str) -> list[list[Step]]:
    """The paths of an expression that can be followed; ``Patient.deceased`` is read by a rule of its own."""
    if ".exists() and " in expression:
        return []
    return [steps for steps in branches(expression) if steps]


def _deceased(patient: Any, gathered: Gathered) -> None:
    """``Patient.deceased.exists() and Patient.deceased != false``."""
    dead = bool(patient.deceasedBoolean) or patient.deceasedDateTime is not None
    gathered.token.append((param_number("Patient", "deceased"), None, "true" if dead else "false", None))


@lru_cache(maxsize=256)
def _getters(cls: Any) -> Getters:
    return Getters(cls, cls.__name__.rstrip("_"))


def rows(resource: Any) -> IndexRows:
    """The index rows of a resource, its moment and its patient."""
    kind: Any = type(resource)
    getters = _getters(kind)
    gathered = Gathered()
    if getters.attributes is not None:
        for value, found in zip(getters.attributes(resource), getters.by_attribute, strict=False):
            if value is not None and value != []:
                for handler in found:
                    handler(value, gathered)
    if getters.always is not None:
        getters.always(resource, gathered)
    return IndexRows(
        token=columns(gathered.token, 4),
        reference=columns(gathered.reference, 5),
        string=columns(gathered.string, 3),
        date=columns(gathered.date, 3),
        number=columns(gathered.number, 7),
        uri=columns(gathered.uri, 2),
        occurred=_occurred(getters.dates, gathered.date),
        patient=_patient(resource, getters.patient_from, gathered.reference),
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
    """Parameters of indexed kinds that no getter could be made for: named in the capability statement's gaps."""
    missing = []
    for code, parameter in of_type(type_name).items():
        if (
            code in COLUMN_CODES
            or parameter.kind not in _LEAVES
            or (type_name, code) == ("Patient", "deceased")
        ):
            continue
        leaf = _LEAVES[parameter.kind](0)
        if not any(handlers(cls, steps, leaf) for steps in _paths(parameter.expression)):
            missing.append(code)
    return missing
