"""Errors as OperationOutcome. Source: FHIR R4, operationoutcome.html."""

from __future__ import annotations

import re
from typing import cast

from yba.fhir.errors import NotValid, RecordError
from yba.fhir.model import codec, tree
from yba.fhir.r4.datatypes import CodeableConcept, Coding
from yba.fhir.r4.operation_outcome import OperationOutcome, OperationOutcomeIssue

KEYS = "https://yba.vn/fhir/cs/error"
# What a string of FHIR cannot hold (datatypes.html#string), and halves of pairs, which no bytes can.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def shown(text: str) -> str:
    """A text that may repeat what was sent, as one that an answer can hold."""
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def outcome_of(error: RecordError) -> OperationOutcome:
    """One error as an OperationOutcome: issue code, key, sentence and the element it speaks of.

    What validation found comes whole, an issue each.
    """
    if isinstance(error, NotValid):
        from yba.fhir.validation.issue import outcome  # loads all of validation, which few need

        return cast("OperationOutcome", codec.decode(tree.dump(outcome(error.issues)), "OperationOutcome"))
    message = shown(error.message)
    return OperationOutcome(
        issue=[
            OperationOutcomeIssue(
                severity="error",
                code=error.issue,  # type: ignore[arg-type]  # the eight errors name codes of issue-type
                details=CodeableConcept(coding=[Coding(system=KEYS, code=error.key)], text=message),
                diagnostics=message,
                expression=[shown(error.path)] if error.path else [],
            )
        ]
    )
