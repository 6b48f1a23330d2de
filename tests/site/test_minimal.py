"""Rows that hold no more than FHIR R4 wants of them: every page that may meet one answers, and none of them breaks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from yba import fhir
from yba.fhir.errors import RecordError
from yba.fhir.model import codec
from yba.site.accounts import roles
from yba.site.accounts.models import Account
from yba.site.guards import guards

pytestmark = pytest.mark.slow

HOSPITAL = "bv"
TAG = {"tag": [{"system": "https://yba.vn/fhir/facility", "code": HOSPITAL}]}
CODE = {"text": "x"}
PATIENT = {"reference": "Patient/p1"}
CHAT = {"system": "https://yba.vn/fhir/CodeSystem/communication-category"}
#: Codes of prescriptions as an address holds them.
PRESCRIPTIONS = ("46a010000001-c", "46a010000002-c")
#: p1 is the mother of p2.
PARENT = {
    "patient": {"reference": "Patient/p2"},
    "relationship": [
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "PRN"}]}
    ],
    "identifier": [{"system": "https://yba.vn/fhir/sid/patient", "value": "p1"}],
}
BARE: dict[str, list[dict[str, Any]]] = {
    "Patient": [{}, {}],
    "Practitioner": [{}],
    "PractitionerRole": [{}],
    "Location": [{}],
    "RelatedPerson": [{"patient": PATIENT}, PARENT],
    "Appointment": [  # app-3: these alone may lack a start and an end
        {"status": status, "participant": [{"actor": PATIENT, "status": "accepted"}]}
        for status in ("proposed", "cancelled", "waitlist")
    ],
    "Encounter": [
        {"status": status, "class": {"code": "AMB"}, "subject": PATIENT}
        for status in ("planned", "arrived", "triaged", "in-progress", "finished", "cancelled", "unknown")
    ],
    "Observation": [{"status": "final", "code": CODE, "subject": PATIENT}],
    "Condition": [{"subject": PATIENT}],
    "AllergyIntolerance": [{"patient": PATIENT}],
    "Procedure": [{"status": "completed", "subject": PATIENT}],
    "DiagnosticReport": [{"status": "final", "code": CODE, "subject": PATIENT}],
    "ServiceRequest": [
        {"status": "active", "intent": "order", "subject": PATIENT},
        *(
            {"status": "active", "intent": "plan", "subject": PATIENT, "occurrenceDateTime": "2026-12",
             "encounter": {"reference": f"Encounter/encounter-{number}"},
             "code": {"coding": [{"system": "http://snomed.info/sct", "code": "390906007"}]}}
            for number in (4, 5)
        ),
    ],
    "MedicationRequest": [
        {"status": "active", "intent": "order", "medicationCodeableConcept": CODE, "subject": PATIENT},
        *(
            {"status": "active", "intent": "order", "medicationCodeableConcept": CODE, "subject": PATIENT,
             "encounter": {"reference": f"Encounter/encounter-{number}"},
             "identifier": [{"system": "https://yba.vn/fhir/sid/prescription", "value": code}]}
            for number, code in enumerate(PRESCRIPTIONS, 4)
        ),
    ],
    "MedicationStatement": [{"status": "active", "medicationCodeableConcept": CODE, "subject": PATIENT}],
    "MedicationDispense": [{"status": "completed", "medicationCodeableConcept": CODE, "subject": PATIENT}],
    "Immunization": [
        {"status": "completed", "vaccineCode": CODE, "patient": PATIENT, "occurrenceString": "?"}
    ],
    "Coverage": [{"status": "active", "beneficiary": PATIENT, "payor": [{"display": "?"}]}],
    "CarePlan": [{"status": "active", "intent": "plan", "subject": PATIENT}],
    "CareTeam": [{"subject": PATIENT}],
    "Composition": [
        {"status": "final", "type": CODE, "date": "2026", "author": [{"display": "?"}], "title": "?",
         "subject": PATIENT}
    ],
    "DocumentReference": [{"status": "current", "subject": PATIENT, "content": [{"attachment": {"title": "?"}}]}],
    "QuestionnaireResponse": [
        {"status": "completed", "subject": PATIENT},
        {"status": "completed", "subject": PATIENT, "questionnaire": "https://yba.vn/fhir/Questionnaire/first-help|1"},
    ],
    "Consent": [
        {"status": status, "scope": {"coding": [{"code": "patient-privacy"}]}, "category": [CODE], "patient": PATIENT,
         "policyRule": CODE}
        for status in ("active", "proposed", "draft", "inactive", "rejected", "entered-in-error")
    ],
    "Invoice": [{"status": "issued", "subject": PATIENT}, {"status": "draft", "subject": PATIENT}],
    "ChargeItem": [{"status": "billable", "code": CODE, "subject": PATIENT}],
    "Account": [{"status": "active", "subject": [PATIENT]}],
    "Communication": [
        {"status": "completed", "subject": PATIENT},
        {"status": "in-progress", "subject": PATIENT, "category": [{"coding": [CHAT | {"code": "chat-thread"}]}]},
        {"status": "completed", "subject": PATIENT, "category": [{"coding": [CHAT | {"code": "chat-message"}]}],
         "partOf": [{"reference": "Communication/communication-2"}]},
    ],
    "CommunicationRequest": [{"status": "active", "subject": PATIENT}],
    "Task": [{"status": "requested", "intent": "order", "for": PATIENT}],
    "Media": [{"status": "completed", "content": {"title": "?"}, "subject": PATIENT}],
    "ImagingStudy": [{"status": "available", "subject": PATIENT}],
    "Specimen": [{"subject": PATIENT}],
    "Device": [{"patient": PATIENT}],
    "EpisodeOfCare": [{"status": "active", "patient": PATIENT}],
    "FamilyMemberHistory": [{"status": "completed", "patient": PATIENT, "relationship": CODE}],
    "Goal": [{"lifecycleStatus": "active", "description": CODE, "subject": PATIENT}],
    "Schedule": [{"actor": [{"display": "?"}]}],
    "HealthcareService": [{}],
}  # fmt: skip
#: What a date says that is known by its year alone: where R4 has `dateTime` or `date`, never where it has `instant`.
YEAR = {
    "Patient": {"birthDate": "1958", "deceasedDateTime": None},
    "RelatedPerson": {"birthDate": "1958"},
    "Encounter": {"period": {"start": "2026", "end": "2026-11"}},
    "Observation": {"effectiveDateTime": "2026"},
    "Condition": {"onsetDateTime": "1999", "recordedDate": "2026", "abatementDateTime": "2026-01"},
    "AllergyIntolerance": {"recordedDate": "2026", "onsetDateTime": "1999", "lastOccurrence": "2026-01"},
    "Procedure": {"performedDateTime": "2026"},
    "DiagnosticReport": {"effectiveDateTime": "2026"},
    "ServiceRequest": {"authoredOn": "2026", "occurrenceDateTime": "2026"},
    "MedicationRequest": {"authoredOn": "2026"},
    "MedicationStatement": {"effectivePeriod": {"start": "2026"}, "dateAsserted": "2026"},
    "MedicationDispense": {"whenHandedOver": "2026", "whenPrepared": "2026"},
    "Immunization": {"occurrenceString": None, "occurrenceDateTime": "2026", "recorded": "2026"},
    "Coverage": {"period": {"start": "2026", "end": "2027"}},
    "CarePlan": {"period": {"start": "2026"}, "created": "2026"},
    "CareTeam": {"period": {"start": "2026"}},
    "QuestionnaireResponse": {"authored": "2026"},
    "Consent": {"dateTime": "2026", "provision": {"type": "permit", "period": {"start": "2026", "end": "2030"}}},
    "Invoice": {"date": "2026"},
    "ChargeItem": {"occurrenceDateTime": "2026", "enteredDate": "2026"},
    "Account": {"servicePeriod": {"start": "2026"}},
    "Communication": {"sent": "2026", "received": "2026"},
    "Task": {"authoredOn": "2026", "lastModified": "2026"},
    "Media": {"createdDateTime": "2026"},
    "ImagingStudy": {"started": "2026"},
    "Specimen": {"receivedTime": "2026"},
    "EpisodeOfCare": {"period": {"start": "2026"}},
    "PractitionerRole": {"period": {"start": "2026"}},
    "Practitioner": {"birthDate": "1970"},
}  # fmt: skip
SHAPES = ("bare", "year", "hollow")
#: What stands in an address for a row: the name of the part -> its type.
PARTS = {
    "alert_id": "CommunicationRequest",
    "appointment": "Appointment",
    "appointment_id": "Appointment",
    "code": "MedicationRequest",
    "consent_id": "Consent",
    "encounter_id": "Encounter",
    "immunization_id": "Immunization",
    "invoice": "Invoice",
    "message_id": "Communication",
    "patient": "Patient",
    "patient_id": "Patient",
    "plan_id": "CarePlan",
    "role_id": "PractitionerRole",
    "schedule_id": "Schedule",
    "service_id": "HealthcareService",
    "task_id": "Task",
    "thread_id": "Communication",
    "visit_id": "Encounter",
}
#: What stands in an address and names no row of the record.
OTHERS = {
    "account_id", "act", "channel", "client_id", "copy", "deed", "doubt_id", "facility", "hold_id", "identifier",
    "invitation_id", "key", "name", "number", "offer_id", "phone_id", "pk", "place", "provider_id", "receipt",
    "right_id", "room", "series_id", "session_id", "size", "specialty", "ticket", "ticket_id", "token", "transfer",
    "type_name", "what", "which",
}  # fmt: skip
#: Who is tried where a page does not say whom it is for.
ANYBODY = (roles.CITIZEN, roles.FACILITY_ADMINISTRATOR, roles.RECEPTIONIST)
#: Not of this house, or it ends what the test stands on.
NOT_OPENED = ("logout", "ra", "i18n/")


#: An element that is there and says nothing but why (FHIR R4, ele-1, data-absent-reason).
UNSAID = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    ]
}


def hollow(tree: dict[str, Any]) -> dict[str, Any]:
    """A row with every element it may have, none of which says anything."""
    kind = tree["resourceType"]
    found = dict(tree)
    for one in sorted(msgspec.structs.fields(type(decoded(tree))), key=lambda one: one.encode_name):
        name = one.encode_name
        if name in found or name in (
            "text",
            "contained",
            "extension",
            "modifierExtension",
            "implicitRules",
            "language",
            "slot",  # a guard wants it whole
        ):
            continue
        for value in ([UNSAID], UNSAID):
            try:
                decoded(found | {name: value})
            except RecordError:
                continue
            found[name] = value
            break
    assert len(found) > len(tree), kind
    return found


def decoded(tree: dict[str, Any]) -> Any:
    return codec.decode(json.dumps(tree).encode())


def shaped(shape: str, tree: dict[str, Any]) -> dict[str, Any]:
    if shape == "year":
        tree = tree | YEAR.get(tree["resourceType"], {})
        return {name: value for name, value in tree.items() if value is not None}
    return hollow(tree) if shape == "hollow" else tree


def rows(record: fhir.Record, shape: str) -> dict[str, list[str]]:
    """A row of each type (and status) in one person's book at one hospital; their ids by type."""
    guarded = fhir.open(record.connection, actor=record.actor, clock=record.clock, guards=guards())
    guarded.update(decoded({"resourceType": "Organization", "id": HOSPITAL, "name": "?"}))
    ids: dict[str, list[str]] = {}
    for kind, found in BARE.items():
        for given in found:
            number = len(ids.setdefault(kind, [])) + 1
            identifier = f"p{number}" if kind == "Patient" else f"{kind.lower()}-{number}"
            guarded.update(
                decoded(shaped(shape, {"resourceType": kind, "id": identifier, "meta": TAG, **given}))
            )
            ids[kind].append(identifier)
    return ids


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address as ``a/<str:b>/``, and what answers there."""
    for one in resolver.url_patterns:
        path = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from patterns(one, path)
        else:
            yield path, one


def addresses(ids: dict[str, list[str]]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Every address of the house for each row that a part of it can stand for, its kind, and whom it is for."""
    for path, one in patterns(get_resolver()):
        if path.startswith(NOT_OPENED) or "(?P" in path or "^" in path:
            continue
        who = getattr(one.callback, "roles", ANYBODY)
        parts = list(one.pattern.converters)
        named = [name for name in parts if name in PARTS]
        values = ids[PARTS[named[0]]] if named else [""]
        for value in (*values, *PRESCRIPTIONS) if "code" in named else values:
            found = path
            for name in parts:
                found = re.sub(rf"<\w+:{name}>", value if name in PARTS else "1", found)
            yield f"/{found}", path, who
        if "type_name" in parts:
            for kind, all_ in ids.items():
                for value in all_:
                    named_so = path.replace("<str:type_name>/<str:identifier>", f"{kind}/{value}")
                    yield "/" + named_so.replace("<int:number>", "0"), path, who


def test_every_part_of_an_address_is_known() -> None:
    parts = {name for _path, one in patterns(get_resolver()) for name in one.pattern.converters}
    assert parts - PARTS.keys() - OTHERS == set()


WHO = [
    role for role in roles.NAMES if role not in (roles.SYSTEM, roles.GUARDIAN, roles.DELEGATE, roles.DEVICE)
]


@pytest.mark.parametrize("shape", SHAPES)
def test_no_page_breaks_at_a_row_that_holds_the_least(record: fhir.Record, shape: str) -> None:
    ids = rows(record, shape)
    found = list(addresses(ids))
    broken, seen = set(), 0
    for role in WHO:
        account = Account.objects.create_account(
            f"ai-{role}", role=role, name="Ai đó", facility="" if role == roles.CITIZEN else HOSPITAL,
            practitioner="" if role == roles.CITIZEN else "practitioner-1",
        )  # fmt: skip
        if role == roles.CITIZEN:
            account.links.create(patient_id="p1", relation="ban-than")
            account.links.create(patient_id="p2", relation="con")
        browser = Client(raise_request_exception=False)
        browser.force_login(account)
        posted: set[str] = set()
        for path, kind in ((path, kind) for path, kind, who in found if role in who):
            if kind in posted:
                continue
            answer = browser.get(path)
            if answer.status_code == 405:
                posted.add(kind)
            seen += answer.status_code == 200
            if answer.status_code >= 500:
                broken.add(f"{role} {path}")
    assert sorted(broken) == []
    assert seen >= 100
