"""Errors as OperationOutcome. Source: FHIR R4, operationoutcome.html."""

from __future__ import annotations

from typing import cast

from yba.fhir.errors import NotValid, RecordError
from yba.fhir.model import codec, tree
from yba.fhir.r4.datatypes import CodeableConcept, Coding
from yba.fhir.r4.operation_outcome import OperationOutcome, OperationOutcomeIssue

KEYS = "https://yba.vn/fhir/cs/error"


def outcome_of(error: RecordError) -> OperationOutcome:
    """One error as an OperationOutcome: issue code, key, sentence and the element it speaks of.

    What validation found comes whole, an issue each.
    """
    if isinstance(error, NotValid):
        from yba.fhir.validation.issue import outcome  # loads all of validation, which few need

        return cast("OperationOutcome", codec.decode(tree.dump(outcome(error.issues)), "OperationOutcome"))
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
