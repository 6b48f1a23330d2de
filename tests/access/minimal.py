"""The least resource of each type, made from what the generated classes require."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tests.access.facts import names
from yba.fhir.model.codec import resource_class
from yba.fhir.model.shapes import Element, elements

PRIMITIVES: dict[str, Any] = {
    "base64Binary": "TWFu", "boolean": True, "canonical": "http://e.x/c", "code": "x", "date": "2026-06-01",
    "dateTime": "2026-06-01", "decimal": 1, "id": "x", "instant": "2026-06-01T10:00:00+07:00", "integer": 1,
    "oid": "urn:oid:1.2.3", "positiveInt": 1, "string": "x", "time": "10:00:00", "unsignedInt": 1, "uri": "http://e.x/u",
    "url": "http://e.x/u", "uuid": "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7",
    "xhtml": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>', "markdown": "x",
}  # fmt: skip

# Where whose a row is stands: the element that the compartment of a Patient reads (R4, compartmentdefinition-patient).
SUBJECT = names(
    "Account AdverseEvent Basic CarePlan CareTeam ChargeItem ClinicalImpression Communication CommunicationRequest"
    " Composition Condition DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference"
    " Encounter Flag Goal ImagingStudy Invoice List MeasureReport Media MedicationAdministration MedicationDispense"
    " MedicationRequest MedicationStatement Observation Procedure QuestionnaireResponse RequestGroup RiskAssessment"
    " ServiceRequest Specimen"
)
PATIENT = names(
    "AllergyIntolerance BodyStructure Claim ClaimResponse Consent CoverageEligibilityRequest"
    " CoverageEligibilityResponse DetectedIssue EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory"
    " Immunization ImmunizationEvaluation"
    " ImmunizationRecommendation MolecularSequence NutritionOrder RelatedPerson SupplyDelivery VisionPrescription"
)
LINKS: dict[str, str] = {
    **dict.fromkeys(SUBJECT, "subject"),
    **dict.fromkeys(PATIENT, "patient"),
    "Coverage": "beneficiary", "EnrollmentRequest": "candidate", "ResearchSubject": "individual",
    "Appointment": "participant", "AppointmentResponse": "actor",
}  # fmt: skip
"""The types that lie in a person's chart, and the element that says in whose."""

FILLED: dict[str, Any] = {
    "CodeableConcept": {"text": "x"}, "Reference": {"display": "x"}, "Coding": {"code": "x"},
    "Attachment": {"title": "x"}, "Period": {"start": "2026-01-01"}, "Quantity": {"value": 1}, "Money": {"value": 1},
}  # fmt: skip
"""Of datatypes in which nothing must be there, but something has to."""

# What the classes do not say, but the record asks at every write (required bindings, invariants of its guards).
ALSO: dict[str, dict[str, Any]] = {
    "Binary": {"contentType": "text/plain"},
    "CapabilityStatement": {"format": ["application/fhir+json"]},
    "RelatedPerson": {"active": True},
    "Appointment": {"status": "cancelled"},
    "Encounter": {"status": "cancelled", "class": {"code": "AMB"}},
    "CareTeam": {"status": "inactive"},
    "EpisodeOfCare": {"status": "cancelled"},
    "ServiceRequest": {"status": "draft"},
    "Consent": {"status": "draft"},
    "Subscription": {"status": "off", "criteria": "Slot?status=free", "channel": {"type": "message"}},
    "SearchParameter": {"status": "draft", "type": "token", "base": ["Slot"], "code": "x"},
}
"""A row that opens a chart must not do so by chance: here are statuses that open nothing."""


UNDATED = frozenset(
    names(
        "AllergyIntolerance ClinicalImpression DeviceRequest DeviceUseStatement FamilyMemberHistory SupplyDelivery"
    )
)
"""Types whose least resource has a date that is not when it happened: a consent for some time passes them by."""
UNSAID = ("deceasedBoolean", "multipleBirthBoolean")
"""Choices that need not be made, and would say much."""


def minimal(type_name: str) -> dict[str, Any]:
    """JSON of a resource without an id: nothing but what must be there."""
    built = {"resourceType": type_name, **_struct(resource_class(type_name))}
    for name in UNSAID:
        built.pop(name, None)
    return built | ALSO.get(type_name, {})


def linked(built: dict[str, Any], patient: str) -> bool:
    """Put a resource into a person's chart; whether its type can be in one."""
    name = built["resourceType"]
    element = LINKS.get(name)
    if element is None:
        return False
    reference = {"reference": f"Patient/{patient}"}
    if element == "participant":
        built[element] = [{"status": "accepted", "actor": reference}]
    else:
        many = elements(resource_class(name))[element].many
        built[element] = [reference] if many else reference
    return True


def _struct(kind: type[msgspec.Struct]) -> dict[str, Any]:
    known = elements(kind)
    check = getattr(kind, "__post_init__", None)
    named = [] if check is None else [text for text in check.__code__.co_consts if isinstance(text, str)]
    needed = {one.encode_name for one in msgspec.structs.fields(kind) if one.required}
    needed |= {name for name in named if name in known}
    for stem in (name for name in named if name not in known):
        choices = [name for name in known if re.match(rf"{stem}[A-Z]", name)]
        simple = [name for name in choices if known[name].struct is None]
        needed |= set((simple or choices)[:1])
    return {name: _value(known[name]) for name in sorted(needed)}


def _value(element: Element) -> Any:
    if element.codes:
        one: Any = element.codes[0]
    elif element.struct is None:
        one = PRIMITIVES[element.kind]
    else:
        one = FILLED.get(element.kind) or _struct(element.struct)
    return [one] if element.many else one
