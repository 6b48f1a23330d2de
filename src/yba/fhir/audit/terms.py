"""What an event that was sent is found by: the values of its search parameters as texts in one array.

A few such events stand among many rows of ours, so one column serves all parameters of R4's AuditEvent. Rows of ours
are found by their own columns (``asked.py``).
"""

from __future__ import annotations

from typing import Any

from yba.fhir.search.index import rows as index_rows
from yba.fhir.search.parameters import of_type, param_number

BETWEEN = "\x1f"
ANY = "*"
TYPE = "AuditEvent"


def term(code: str, *parts: str) -> str:
    """One value of a parameter."""
    return BETWEEN.join((code, *parts))


def terms_of(resource: Any) -> list[str]:
    """All values of all parameters of an event."""
    codes = {param_number(TYPE, code): code for code in of_type(TYPE)}
    index = index_rows(resource)
    found: set[str] = set()
    for number, system, code, *_ in index.token:
        if number in codes:
            found |= _token(codes[number], system, code)
    for number, kind, target, system, value, *_ in index.reference:
        if number in codes:
            found |= _reference(codes[number], kind, target, system, value)
    found |= {term(codes[one[0]], one[1]) for one in index.string if one[0] in codes}
    found |= {term(codes[one[0]], one[1]) for one in index.uri if one[0] in codes}
    return sorted(found)


def _token(name: str, system: str | None, code: str | None) -> set[str]:
    """Of a code the index row, which has its case folded (yba.fhir.search.casing)."""
    found = {term(name, ANY, code)} if code is not None else set()
    if system:
        found.add(term(name, system, ANY))
        if code is not None:
            found.add(term(name, system, code))
    elif code is not None:
        found.add(term(name, "", code))
    return found


def _reference(name: str, kind: str | None, target: str, system: str | None, value: str | None) -> set[str]:
    found = set()
    if kind is not None:
        found |= {term(name, f"{kind}/{target}"), term(name, f"{ANY}/{target}")}
    elif target:
        found.add(term(name, target))
    if value is not None:
        found |= {term(f"{name}:identifier", system or "", value), term(f"{name}:identifier", ANY, value)}
    return found
