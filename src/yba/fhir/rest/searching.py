"""search by GET and POST: of a type, of a compartment, of everything. FHIR R4, http.html#search."""

from __future__ import annotations

from yba.fhir.errors import Invalid
from yba.fhir.outcome import shown
from yba.fhir.r4.datatypes import CodeableConcept
from yba.fhir.r4.operation_outcome import OperationOutcome, OperationOutcomeIssue
from yba.fhir.record import Record
from yba.fhir.rest.bundles import searchset
from yba.fhir.rest.content import check_form
from yba.fhir.rest.request import Pairs, Request
from yba.fhir.rest.response import Response
from yba.fhir.search import Compartment, Found


def search(record: Record, request: Request, type_name: str) -> Response:
    """One page of matches of a type."""
    return _answer(record, request, type_name, request.query)


def search_posted(record: Record, request: Request, type_name: str) -> Response:
    """The same with the parameters in a form, or in both places."""
    return _answer(record, request, type_name, _posted(request))


def search_system(record: Record, request: Request) -> Response:
    """Matches of every type, or of those ``_type`` names: ``GET [base]?...``."""
    return _answer(record, request, None, request.query)


def search_system_posted(record: Record, request: Request) -> Response:
    """The same by ``POST [base]/_search``."""
    return _answer(record, request, None, _posted(request))


def search_compartment(
    record: Record, request: Request, compartment: str, identifier: str, type_name: str
) -> Response:
    """What belongs to one resource, of a type or (``*``) of all: ``GET [base]/Patient/123/Observation?...``."""
    return _in_compartment(record, request, compartment, identifier, type_name, request.query)


def search_compartment_posted(
    record: Record, request: Request, compartment: str, identifier: str, type_name: str
) -> Response:
    """The same by ``POST [base]/Patient/123/Observation/_search``."""
    return _in_compartment(record, request, compartment, identifier, type_name, _posted(request))


def _in_compartment(
    record: Record, request: Request, compartment: str, identifier: str, type_name: str, params: Pairs
) -> Response:
    asked = None if type_name == "*" else type_name
    return _answer(record, request, asked, params, Compartment(compartment, identifier))


def _posted(request: Request) -> Pairs:
    check_form(request)
    return [*request.query, *request.form]


def _answer(
    record: Record,
    request: Request,
    type_name: str | None,
    params: Pairs,
    compartment: Compartment | None = None,
) -> Response:
    handling = request.prefers("handling")
    if handling not in (None, "strict", "lenient"):
        raise Invalid("rest.prefer", f"Prefer: handling is strict or lenient, not '{handling}'.")
    found = record.search_stored(
        type_name, params, strict=handling == "strict", compartment=compartment, contained=True
    )
    outcome = _ignored(type_name, found) if found.unknown or found.capped else None
    place = type_name or ""
    if compartment is not None:
        place = f"{compartment.type}/{compartment.id}/{type_name or '*'}"
    return Response(200, searchset(request.base_url, place, params, found, outcome))


def _ignored(type_name: str | None, found: Found) -> OperationOutcome:
    of = f"{type_name} has no" if type_name else "Not every type has the"
    issues = [
        OperationOutcomeIssue(
            severity="warning",
            code="not-supported",
            details=CodeableConcept(text=shown(f"{of} search parameter '{name[:100]}'; it was ignored.")),
        )
        for name in found.unknown
    ]
    if found.capped:
        text = f"A page holds at most {found.count} matches; follow the link 'next' for the rest."
        issues.append(
            OperationOutcomeIssue(
                severity="information", code="informational", details=CodeableConcept(text=text)
            )
        )
    return OperationOutcome(issue=issues)
