"""Errors as OperationOutcome. Source: FHIR R4, operationoutcome.html."""

from __future__ import annotations

from yba.fhir.errors import RecordError
from yba.fhir.r4.datatypes import CodeableConcept, Coding
from yba.fhir.r4.operation_outcome import OperationOutcome, OperationOutcomeIssue

KEYS = "https://yba.vn/fhir/cs/error"


def outcome_of(error: RecordError) -> OperationOutcome:
    """One error as an OperationOutcome: issue code, key, sentence and the element it speaks of."""
    return OperationOutcome(
        issue=[
            OperationOutcomeIssue(
                severity="error",
                code=error.issue,  # type: ignore[arg-type]  # the eight errors name codes of issue-type
                details=CodeableConcept(coding=[Coding(system=KEYS, code=error.key)], text=error.message),
                diagnostics=error.message,
                expression=[error.path] if error.path else [],
            )
        ]
    )
