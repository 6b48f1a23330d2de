"""One plain parameter of a type to its condition: by the module of its kind, or by a column where one says the same.

What follows links from there to other resources is in ``conditions.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache

import msgspec

from yba.fhir.condition import FACILITY_TAG
from yba.fhir.errors import Unsupported
from yba.fhir.model.codec import resource_class
from yba.fhir.model.dates import period_of
from yba.fhir.search import composite, date, near, number, reference, string, text, token, uri
from yba.fhir.search.clause import Clause, either, every, has_any, negated, of_patients
from yba.fhir.search.index import unindexed
from yba.fhir.search.limits import check as check_limits
from yba.fhir.search.parameters import ANY_TYPE, Parameter, limits_of, param_number
from yba.fhir.search.principal import names_the_patient
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.values import plain, prefixed, split

_CLAUSES: Mapping[str, Callable[[Question], Clause]] = {
    "token": token.clause,
    "reference": reference.clause,
    "string": string.clause,
    "date": date.clause,
    "number": number.clause,
    "quantity": number.clause,
    "uri": uri.clause,
    "composite": composite.clause,
    "special": near.clause,
}
_TABLES = {kind: kind for kind in _CLAUSES} | {"quantity": "number", "special": "position"}
KINDS = frozenset(_CLAUSES)
"""The kinds of parameter that are answered."""
_SORTED = {
    "token": "text", "reference": "text", "string": "text", "uri": "text", "date": "date", "number": "number",
    "quantity": "number",
}  # fmt: skip
SORTED_KINDS = frozenset(_SORTED)
"""The kinds of parameter that can be sorted by."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_FACILITY = FACILITY_TAG + "|"


def answer(question: Question) -> Clause:
    """The condition of a parameter with its modifier and value. Raises Invalid, Unsupported."""
    parameter = question.parameter
    limits = limits_of(question.type, parameter)
    if limits is not None and question.modifier != "missing":
        check_limits(limits, question)
    own = _OF_CODE.get(parameter.code)
    if own is not None:
        return own(question)
    if parameter.kind not in _CLAUSES or parameter.code in gaps(question.type):
        raise Unsupported(
            "search.kind", f"'{parameter.code}' is a {parameter.kind} parameter that is not offered yet."
        )
    if question.modifier == "missing":
        return _missing(question)
    if parameter.kind == "reference" and names_the_patient(question.type, parameter.code):
        by_column = _of_patient(question)
        if by_column is not None:
            return by_column
    if parameter.code == "_tag" and question.modifier is None and question.value.startswith(_FACILITY):
        by_column = _of_facility(question)
        if by_column is not None:
            return by_column
    found = _CLAUSES[parameter.kind](question)
    if question.modifier in _NARROW_MODIFIERS and _is_narrow(parameter):
        found = msgspec.structs.replace(found, narrow=True)
    if _INSTANTS.get(question.type) == parameter.code and question.modifier is None:
        return _near_the_moment(question, found)
    return found


# What names one thing, or one of a few: so few rows that any plan but "find these, then sort" is wrong.
_NARROW_TARGETS = frozenset({"Patient", "Encounter", "Schedule", "Appointment", "ServiceRequest"})
_NARROW_MODIFIERS = (None, "identifier", *_NARROW_TARGETS)


def _is_narrow(parameter: Parameter) -> bool:
    if parameter.kind == "token":
        return parameter.code == "identifier"
    if parameter.kind != "reference" or not parameter.targets:
        return False
    return parameter.code == "patient" or _NARROW_TARGETS.issuperset(parameter.targets)


def sorted_as(kind: str) -> str:
    """What the values of a kind are compared as: only like ones can be sorted together."""
    return _SORTED[kind]


@lru_cache(maxsize=256)
def gaps(type_name: str) -> frozenset[str]:
    """Parameters that have no index rows: an empty answer would be untrue."""
    if type_name == ANY_TYPE:
        return frozenset()
    return frozenset(unindexed(resource_class(type_name), type_name))


def _ids(question: Question) -> Clause:
    if question.modifier == "missing":
        return _always(question)
    if question.modifier not in (None, "not"):
        raise unsupported_modifier(question)
    asked = [plain(one) for one in split(question.value, ",")]
    for one in asked:
        if not _ID.fullmatch(one):
            raise invalid(question, one, "ids of 1 to 64 letters, digits, '-' and '.'")
    found = (
        Clause("r.id = {}", (asked[0],), narrow=True)
        if len(asked) == 1
        else Clause("r.id = any({})", (asked,), narrow=True)
    )
    return negated(found) if question.modifier == "not" else found


def _updated(question: Question) -> Clause:
    return _always(question) if question.modifier == "missing" else date.on_updated(question)


def _always(question: Question) -> Clause:
    """``:missing`` of what every resource has."""
    return Clause("false" if _is_missing(question) else "true")


_OF_CODE: Mapping[str, Callable[[Question], Clause]] = {
    "_id": _ids,
    "_lastUpdated": _updated,
    "_text": text.clause,
    "_content": text.clause,
}


def _missing(question: Question) -> Clause:
    found = has_any(_TABLES[question.parameter.kind], param_number(question.type, question.parameter.code))
    return negated(found) if _is_missing(question) else found


def _is_missing(question: Question) -> bool:
    if question.value not in ("true", "false"):
        raise invalid(question, question.value, "true or false")
    return question.value == "true"


def _of_facility(question: Question) -> Clause | None:
    """The one facility tag of a resource is a column: a facility's worklist needs no index rows."""
    value = question.value.removeprefix(_FACILITY)
    if not value or "," in value or "\\" in value:
        return None
    return Clause("r.facility = {}", (value,))


def _of_patient(question: Question) -> Clause | None:
    """The patient of the compartment is a column: asking for Patients by it needs no index rows."""
    if question.modifier not in (None, "Patient"):
        return None
    values = [plain(one) for one in split(question.value, ",")]
    if any(reference.is_more_than_an_id(question, one) for one in values):
        return None
    targets = [reference.asked_target(question, one) for one in values]
    if any(kind != "Patient" for kind, _ in targets):
        return None
    ids = [identifier for _, identifier in targets]
    if question.asking is not None and question.asking.inside:  # what is contained lies with its container
        return Clause("r.patient = any({})", (ids,), narrow=True)
    return of_patients(ids)


# Types whose one moment is an instant: its index row begins where the column `occurred` is and ends within a minute.
_INSTANTS: Mapping[str, str] = {"Appointment": "date", "Slot": "start"}
_MINUTE = timedelta(minutes=1)


def _near_the_moment(question: Question, found: Clause) -> Clause:
    """The condition on the index row, and what follows from it for the column, which orders the worklist's index."""
    bounds = [_bound(plain(one)) for one in split(question.value, ",")]
    if any(one is None for one in bounds):
        return found
    return every([either([one for one in bounds if one is not None]), found])


def _bound(text: str) -> Clause | None:
    prefix, rest = prefixed(text)
    if prefix in ("ne", "ap"):
        return None
    low, high = period_of(rest.replace(" ", "+"))
    if prefix == "eq":
        return Clause("(r.occurred >= {} and r.occurred < {})", (low, high))
    if prefix in ("lt", "le", "eb"):
        return Clause("r.occurred < {}", (high,))
    return Clause("r.occurred >= {}", (low - _MINUTE,))
