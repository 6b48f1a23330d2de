"""Which date says when a resource happened, and which parameter says whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from yba.fhir.r4.compartments import COMPARTMENTS
from yba.fhir.search.parameters import builtin

# Types whose moment is not their parameter `date`; the first that has a value counts.
PRINCIPAL_DATES: Mapping[str, tuple[str, ...]] = {
    "Account": ("period",),
    "AllergyIntolerance": ("date",),
    "AuditEvent": ("date",),
    "BodyStructure": (),
    "CarePlan": ("date",),
    "ChargeItem": ("occurrence", "entered-date"),
    "Claim": ("created",),
    "ClaimResponse": ("created",),
    "Communication": ("sent", "received"),
    "CommunicationRequest": ("authored", "occurrence"),
    "Condition": ("onset-date", "recorded-date"),
    "CoverageEligibilityRequest": ("created",),
    "CoverageEligibilityResponse": ("created",),
    "DetectedIssue": ("identified",),
    "DeviceRequest": ("authored-on",),
    "DocumentManifest": ("created",),
    "ExplanationOfBenefit": ("created",),
    "Goal": ("start-date",),
    "ImagingStudy": ("started",),
    "Media": ("created",),
    "MedicationAdministration": ("effective-time",),
    "MedicationDispense": ("whenhandedover", "whenprepared"),
    "MedicationRequest": ("authoredon",),
    "MedicationStatement": ("effective",),
    "NutritionOrder": ("datetime",),
    "PaymentNotice": ("created",),
    "PaymentReconciliation": ("created",),
    "Provenance": ("recorded", "when"),
    "QuestionnaireResponse": ("authored",),
    "ServiceRequest": ("authored", "occurrence"),
    "Slot": ("start",),
    "Specimen": ("collected",),
    "Task": ("authored-on",),
    "VisionPrescription": ("datewritten",),
}

_WHOSE = ("patient", "subject")
# A list of people: no one of them is whose the resource is.
_MANY = frozenset({"Group", "Person", "Schedule", "Provenance", "AuditEvent"})


@lru_cache(maxsize=256)
def principal_dates(type_name: str) -> tuple[str, ...]:
    """The date parameters that say when it happened, the most telling first."""
    known = builtin(type_name)
    listed = PRINCIPAL_DATES.get(type_name, ("date",))
    return tuple(code for code in listed if code in known and known[code].kind == "date")


def sorts_by_occurred(type_name: str, code: str) -> bool:
    """Whether sorting by a parameter is sorting by the column ``occurred``."""
    return principal_dates(type_name) == (code,)


@lru_cache(maxsize=256)
def whose(type_name: str) -> tuple[tuple[str, ...], bool]:
    """The parameters that name the patient of the compartment, and whether they are the same as one element.

    Where a type says whose it is in one element (``subject``, ``patient``), that alone counts: a mother who
    performs her child's measurement does not get it into her own record. Elsewhere (Appointment's participants)
    every parameter of the compartment counts, and the patient must be the only one.
    """
    listed = COMPARTMENTS["Patient"].get(type_name, ())
    if not listed or type_name in _MANY:
        return (), False
    known = builtin(type_name)
    for code in _WHOSE:
        if code in known and _is_single(known[code].expression):
            return (code,), True
    return tuple(listed), False


def _is_single(expression: str) -> bool:
    """Whether the parameter reads one element that is at most once: ``Type.subject``, ``Type.patient`` ..."""
    element = expression.partition(".where(")[0]
    return "|" not in expression and element.count(".") == 1 and element.rpartition(".")[2] in _SINGLE


# Elements of R4 that hold whose a resource is and may be there once (0..1 or 1..1).
_SINGLE = frozenset({"subject", "patient", "beneficiary", "for", "individual", "candidate"})


@lru_cache(maxsize=1024)
def names_the_patient(type_name: str, code: str) -> bool:
    """Whether ``code=Patient/x`` asks exactly for the rows whose column ``patient`` is x."""
    codes, exact = whose(type_name)
    if not exact:
        return False
    if code == codes[0]:
        return True
    known = builtin(type_name)
    same = {known[one].expression.partition(".where(")[0] for one in (code, codes[0]) if one in known}
    return code in known and len(same) == 1
