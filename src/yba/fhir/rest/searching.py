"""search by GET and POST. FHIR R4, http.html#search."""

from __future__ import annotations

from yba.fhir.errors import Invalid
from yba.fhir.r4.datatypes import CodeableConcept
from yba.fhir.r4.operation_outcome import OperationOutcome, OperationOutcomeIssue
from yba.fhir.record import Record
from yba.fhir.rest.bundles import searchset
from yba.fhir.rest.content import check_form
from yba.fhir.rest.request import Pairs, Request
from yba.fhir.rest.response import Response
from yba.fhir.search import Found


def search(record: Record, request: Request, type_name: str) -> Response:
    """One page of matches."""
    return _answer(record, request, type_name, request.query)


def search_posted(record: Record, request: Request, type_name: str) -> Response:
    """The same with the parameters in a form, or in both places."""
    check_form(request)
    return _answer(record, request, type_name, [*request.query, *request.form])


def _answer(record: Record, request: Request, type_name: str, params: Pairs) -> Response:
    handling = request.prefers("handling")
    if handling not in (None, "strict", "lenient"):
        raise Invalid("rest.prefer", f"Prefer: handling is strict or lenient, not '{handling}'.")
    local = f"{request.base_url}/"
    asked = [(name, value.replace(local, "") if local in value else value) for name, value in params]
    found = record.search_stored(type_name, asked, strict=handling == "strict")
    outcome = _ignored(type_name, found) if found.unknown or found.capped else None
    return Response(200, searchset(request.base_url, type_name, params, found, outcome))


def _ignored(type_name: str, found: Found) -> OperationOutcome:
    issues = [
        OperationOutcomeIssue(
            severity="warning",
            code="not-supported",
            details=CodeableConcept(
                text=f"{type_name} has no search parameter '{name[:100]}'; it was ignored."
            ),
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
