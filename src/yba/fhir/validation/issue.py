"""What validation finds: issues, and the OperationOutcome of several. FHIR R4, operationoutcome.html."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yba.fhir.errors import RecordError
from yba.fhir.outcome import KEYS, shown

FAULTS = ("fatal", "error")


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding. ``severity`` is fatal, error, warning or information; ``code`` a FHIR issue code.

    ``path`` is FHIRPath from the resource's type with indices; ``key`` is stable, e.g. ``validation.minimum``.
    """

    severity: str
    code: str
    path: str
    key: str
    message: str

    @property
    def is_fault(self) -> bool:
        """Whether the resource is not valid because of it."""
        return self.severity in FAULTS


def of_error(error: RecordError, path: str = "") -> Issue:
    """An error of reading as an issue: nothing after it could be judged."""
    code = "structure" if error.issue == "invalid" else error.issue
    return Issue("fatal", code, error.path or path, error.key, error.message)


def outcome(issues: Sequence[Issue]) -> dict[str, Any]:
    """The OperationOutcome, faults first; one issue says so when nothing was found."""
    if not issues:
        issues = [Issue("information", "informational", "", "validation.valid", "Nothing was found.")]
    ranks = {"fatal": 0, "error": 1, "warning": 2, "information": 3}
    ordered = sorted(issues, key=lambda issue: ranks[issue.severity])
    return {"resourceType": "OperationOutcome", "issue": [_issue(one) for one in ordered]}


def _issue(issue: Issue) -> dict[str, Any]:
    message = shown(issue.message)
    written: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "details": {"coding": [{"system": KEYS, "code": issue.key}], "text": message},
        "diagnostics": message,
    }
    if issue.path:
        written["expression"] = [shown(issue.path)]
    return written
