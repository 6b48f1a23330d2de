"""A person's agreement with an app, as the record keeps it: a FHIR Consent, made and withdrawn with the connection.

Luật Bảo vệ dữ liệu cá nhân 91/2025/QH15: agreement is for a purpose, in parts, until a date; it can be shown and
withdrawn.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from yba.fhir.errors import RecordError
from yba.fhir.r4.consent import Consent, ConsentPolicy, ConsentProvision, ConsentProvisionActor
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Extension, Identifier, Period, Reference
from yba.fhir.record import Record
from yba.site.oauth import scopes, subjects
from yba.site.oauth.models import App, Connection

#: How an app is named as who a Consent is given to: a Device by its client id.
APP: Final = "https://yba.vn/fhir/sid/app"
SCOPES: Final = "https://yba.vn/fhir/StructureDefinition/consent-scopes"
#: The words of the consent page, by version: who agreed to what is told by it.
TEXT: Final = "https://yba.vn/consent/apps/1"
_ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_TERMS: Final = "http://terminology.hl7.org/CodeSystem/"


def give(record: Record, connection: Connection, given: list[str], *, by: str | None, now: datetime) -> str:
    """Keep the agreement of a person (``by``: Patient id of who decided) and return its id."""
    app = connection.app
    consent = Consent(
        status="active",
        scope=_concept("consentscope", "patient-privacy"),
        category=[_concept("v3-ActCode", "IDSCL")],
        patient=Reference(reference=f"Patient/{connection.patient}"),
        dateTime=now.isoformat(timespec="seconds"),
        performer=[Reference(reference=f"Patient/{by}")] if by else [],
        policy=[ConsentPolicy(uri=TEXT)],
        provision=ConsentProvision(
            type="permit",
            period=Period(
                start=now.isoformat(timespec="seconds"), end=connection.until.isoformat(timespec="seconds")
            ),
            actor=[ConsentProvisionActor(role=_concept("v3-RoleClass", "CAGNT"), reference=reference(app))],
            action=[_concept("consentaction", one) for one in _acts(given)],
            purpose=[Coding(system=_ACT_REASON, code="PATRQT")],
            class_=[
                Coding(system="http://hl7.org/fhir/resource-types", code=one)
                for one in subjects.types_of(given) or []
            ],
        ),
        extension=[Extension(url=SCOPES, valueString=" ".join(given))],
    )
    return record.as_system().create(consent).id or ""


def reference(app: App) -> Reference:
    """An app as the one a Consent is given to."""
    return Reference(type="Device", identifier=Identifier(system=APP, value=app.client_id), display=app.name)


def withdraw(record: Record, connection: Connection) -> None:
    """Set the agreement to inactive: its history stays. One that is gone is withdrawn already."""
    if not connection.consent:
        return
    system = record.as_system()
    try:
        consent = system.read(Consent, connection.consent)
    except RecordError:
        return
    if consent.status == "active":
        consent.status = "inactive"
        system.update(consent)


def client_of(consent: Consent) -> str | None:
    """The client id of the app a Consent is given to; None when it is given to anything else."""
    if consent.provision is None:
        return None
    for actor in consent.provision.actor:
        found = actor.reference.identifier if actor is not None and actor.reference is not None else None
        if found is not None and found.system == APP:
            return found.value
    return None


def _acts(given: list[str]) -> list[str]:
    letters = frozenset().union(*(one.interactions for one in scopes.resources(given)))
    return (["access"] if letters & {"r", "s"} else []) + (["correct"] if letters & {"c", "u", "d"} else [])


def _concept(system: str, code: str) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=_TERMS + system, code=code)])
