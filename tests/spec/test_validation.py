"""Published resources through validation: what HL7's validator accepts and rejects, and why we differ where we do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.spec.published import folder
from yba.fhir.errors import RecordError
from yba.fhir.terminology import Terminology
from yba.fhir.validation import Definitions, Issue, files, validate
from yba.fhir.validation.issue import of_error

CASES: list[dict[str, Any]] = json.loads((folder("validation") / "manifest.json").read_text())
EXAMPLES = sorted(folder("fhir-r4-examples").glob("*.json"))
TERMINOLOGY = Terminology()
DEFINITIONS = Definitions()

_UNKNOWN_EXTENSION = (
    "an extension nobody knows here is information: FHIR forbids to refuse it (extensibility.html)"
)
_DISPLAY = "a display that is not the system's is a warning; LOINC, CVX are not here whole besides"
# Cases where we do not say what HL7's validator says, each with the reason.
DIFFER = {
    "q-bp": _UNKNOWN_EXTENSION,
    "pat-dob-ext": _UNKNOWN_EXTENSION,
    "target-ref-profile-empty": _UNKNOWN_EXTENSION,
    "sdoh-type-slice": _DISPLAY,
    "cvx": _DISPLAY,
    "pat-security-bad-string": "needs the option to refuse text that looks like HTML; it is legal FHIR",
    "bad-markdown-no-html": "needs the option to refuse HTML in markdown; it is legal FHIR",
    "parameters-reference-bad": "needs the option to demand that references lead somewhere",
}
# Official examples that break FHIR's own rules, and how.
FAULTY = {
    "ActivityDefinition-blood-tubes-supply": {"invariant.txt-2"},
    "ActivityDefinition-heart-valve-replacement": {"invariant.txt-2"},
    "EventDefinition-example": {"invariant.txt-2"},
    "Questionnaire-zika-virus-exposure-assessment": {"invariant.txt-2"},
    "Bundle-lri-example": {"bundle.full-url"},  # .../Observation/lri-growth1 holds Observation growth1
    "CapabilityStatement-knowledge-repository": {"capabilities.type"},  # version is a token, not a string
    "CapabilityStatement-measure-processor": {"capabilities.type"},
    "DeviceMetric-example": {"reference.target"},  # parent is a DeviceDefinition
    "DeviceUseStatement-example": {"reference.target"},  # reasonReference is a Procedure
    # Units UCUM has not: tbl, TAB, mcg, ea, [lb_i]
    "Bundle-father": {"coding.unit"},
    "Bundle-ussg-fht": {"coding.unknown"},
    "Claim-760151": {"coding.unit"},
    "Claim-760152": {"coding.unit"},
    **{f"MedicationDispense-meddisp{number}": {"coding.unit"} for number in ("0318", "0324", "0329")},
    **{
        f"MedicationRequest-medrx{number}": {"coding.unit"}
        for number in ("0325", "0326", "0328", "0334", "0335")
    },
    "Library-zika-virus-intervention-logic": {"format"},  # urn:oid:X.Y.Z
    "TerminologyCapabilities-example": {"format"},  # a UUID in capitals
}


def judged(path: Path) -> list[Issue]:
    ((_, read),) = files.resources(path.name, path.read_bytes())
    if isinstance(read, RecordError):
        return [of_error(read)]
    return validate(read, structures=DEFINITIONS, terminology=TERMINOLOGY)


def faults(issues: list[Issue]) -> list[Issue]:
    return [one for one in issues if one.is_fault]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_verdicts(case: dict[str, Any]) -> None:
    found = faults(judged(folder("validation") / case["file"]))
    if case["name"] in DIFFER:
        assert case["valid"] is False
        assert case["second_judge_medplum_rejects"] is False
        assert found == []
    else:
        assert (not found) is case["valid"], [one.message for one in found]


def _plain(path: str) -> str:
    """A path as HL7's validator writes it, without what it says of resources on the way."""
    path = re.sub(r"/\*[^*]*\*/", "", path).rstrip(".")
    return re.sub(r"^/f:|/f:", ".", path).lstrip(".")


def _located() -> Iterator[Any]:
    for case in CASES:
        if case["valid"] or case["name"] in DIFFER or case["file"].endswith(".xml"):
            continue
        paths = {_plain(one) for error in case["errors"] for one in error["expression"] or ()}
        yield pytest.param(case, paths, id=case["name"])


# Where the text is no JSON, so that there is no element to name, or where we name the element itself.
ELSEWHERE = {"json-comma-bad-1", "json-no-quotes-1", "bad-json-close", "obs-mz"}


@pytest.mark.parametrize(("case", "paths"), list(_located()))
def test_places(case: dict[str, Any], paths: set[str]) -> None:
    """Some fault is where HL7's validator has one: at the element, or where a missing one would be."""
    if case["name"] in ELSEWHERE:
        pytest.skip("the text is not JSON, or we name the element itself")
    ours = {one.path for one in faults(judged(folder("validation") / case["file"]))}
    near = ours | {one.rpartition(".")[0] for one in ours}
    assert near & paths, (sorted(ours), sorted(paths))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_official_examples(path: Path) -> None:
    found = {one.key.removeprefix("validation.") for one in faults(judged(path))}
    assert found == FAULTY.get(path.stem, set())
