"""Searches: a page as stored, found through the door, noted and masked; a page decoded; every match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from yba.fhir import search
from yba.fhir.access import policy
from yba.fhir.audit import search as audit_search
from yba.fhir.errors import TooCostly
from yba.fhir.model import codec
from yba.fhir.r4.datatypes import Resource
from yba.fhir.record.failures import translated
from yba.fhir.record.reading import content_of
from yba.fhir.search.parameters import without
from yba.fhir.store.rows import Stored

if TYPE_CHECKING:
    from yba.fhir.record.handle import Parameter, Record

FIND_LIMIT = 5_000
PAGE = 500
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search, decoded: matches in order, what was included, and how to go on."""

    matches: list[Resource]
    included: list[Resource] = field(default_factory=list)
    total: int | None = None
    next: str | None = None
    unknown: list[str] = field(default_factory=list)


def search_stored(
    record: Record,
    type_name: str | None,
    params: Sequence[Parameter],
    *,
    strict: bool,
    compartment: search.Compartment | None,
    contained: bool,
) -> search.Found:
    """See ``Record.search_stored``."""
    if audit_search.is_audit(type_name, params):
        return audit_search.search_events(record, params, strict=strict, compartment=compartment)
    audit_search.check_links(params)
    with translated, without(policy.hidden_codes(record.actor)):
        found = search.run(
            record.untold, type_name, params,
            access=lambda name: record.may(name, "search"), strict=strict,
            now=record.clock(), base_url=record.base_url, compartment=compartment,
            terminology=record.terminology, contained=contained, walled=record.walled,
            told=search.Told(record.asked, lambda: record.connection),
        )  # fmt: skip
    _note(record, type_name, params, compartment, found)
    if policy.is_masked(record.actor):
        found.matches = [record.shown(one) for one in found.matches]
        found.included = [record.shown(one) for one in found.included]
    return found


def _note(
    record: Record,
    type_name: str | None,
    params: Sequence[Parameter],
    compartment: search.Compartment | None,
    found: search.Found,
) -> None:
    """Whose records a page answered, those that came along included; of an empty one, who was asked for."""
    answered = [*found.matches, *found.included]
    patients = {one.patient for one in answered if one.patient is not None}
    subject = None
    if not patients:
        asked = next((value for name, value in params if name in ("patient", "subject")), None)
        if compartment is not None and compartment.type == "Patient":
            asked = compartment.id
        if asked is not None and "," not in asked:
            subject = Stored(type_name or "*", "", 0, _NEVER, None, asked.rpartition("Patient/")[2])
    record.audit(
        "search",
        type_name=type_name,
        stored=subject,
        detail="&".join(f"{name}={value}" for name, value in params)[:2000],
        patients=patients,
        answered=len(answered) or found.total or 0,
        rows=answered,
    )


def page(record: Record, type_name: str, params: Sequence[Parameter], *, strict: bool) -> Page:
    """One page of a search, decoded."""
    found = record.search_stored(type_name, params, strict=strict)
    return Page(
        matches=[codec.decode(content_of(one), one.type) for one in found.matches],
        included=[codec.decode(content_of(one), one.type) for one in found.included],
        total=found.total,
        next=found.next,
        unknown=found.unknown,
    )


def find(record: Record, type_name: str, params: Sequence[Parameter]) -> list[Resource]:
    """See ``Record.find``."""
    matches: list[Resource] = []
    after: str | None = None
    while True:
        asked = [*params, ("_count", str(PAGE))] + ([("_cursor", after)] if after else [])
        one = record.search(type_name, asked)
        matches += one.matches
        after = one.next
        if after is None:
            return matches
        if len(matches) >= FIND_LIMIT:
            raise TooCostly(
                "search.too-many",
                f"More than {FIND_LIMIT} {type_name} match. Narrow the question.",
                type=type_name,
            )
