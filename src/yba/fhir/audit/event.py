"""A row of the audit as FHIR's AuditEvent, after IHE's Basic Audit Log Patterns.

Agents: who asked (``requestor``), the rule of the house that acted for them, the app it came through, and the record
itself. Entities: each person whose record it was about, the resource, the question as it was asked, the request's id.
An event that somebody sent is given back as it came. What a person is told of acts about themselves leaves out other
persons, the question, the address and the session: they are about others (``own`` of ``event``).
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from ipaddress import ip_address
from typing import Any

from yba.fhir.audit.acts import OUTCOMES, Code, codings, kind_of
from yba.fhir.audit.rows import Row
from yba.fhir.model import codec
from yba.fhir.r4 import MODULES
from yba.fhir.r4.audit_event import (
    AuditEvent,
    AuditEventAgent,
    AuditEventAgentNetwork,
    AuditEventEntity,
    AuditEventEntityDetail,
    AuditEventSource,
)
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Identifier, Meta, Reference

PREFIX = "log-"
"""What the ids of our own events begin with; no event that is sent gets such an id."""
ROLE = "https://yba.vn/fhir/role"
ACCOUNT = "https://yba.vn/fhir/account"
APP = "https://yba.vn/fhir/app"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
SOURCE_TYPE = "http://terminology.hl7.org/CodeSystem/security-source-type"
BALP_ENTITY = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
HOUSE = "Y Bạ"
_ACCOUNT = "account-"
_AUTHORS = {"C": "AUT", "U": "AUT", "D": "CST"}


def identifier_of(row: Row) -> str:
    """The id of a row's event."""
    return row.id or "" if row.content is not None else f"{PREFIX}{row.seq}"


def content_of(row: Row, own: Collection[str] | None = None) -> bytes:
    """The event's JSON. With ``own`` it is what these persons are told of it."""
    if row.content is not None:
        return row.content
    return codec.encode(event(row, own))


def event(row: Row, own: Collection[str] | None = None) -> AuditEvent:
    """The AuditEvent of a row of ours."""
    kind = kind_of(row.act)
    moment = row.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    outcome = OUTCOMES.get(row.outcome, "8")
    reasons = [CodeableConcept(coding=[Coding(system=REASON, code=row.purpose)])] if row.purpose else []
    return AuditEvent(
        id=identifier_of(row),
        meta=Meta(versionId="1", lastUpdated=moment),
        type=_coding(kind.type),
        subtype=[_coding(one) for one in codings(row.act)],
        action=kind.action,  # type: ignore[arg-type]  # codes of audit-event-action
        recorded=moment,
        outcome=outcome,  # type: ignore[arg-type]  # codes of audit-event-outcome
        outcomeDesc=row.detail if outcome != "0" else None,
        purposeOfEvent=reasons,
        agent=_agents(row, kind.action, told=own is not None),
        source=AuditEventSource(
            site=row.actor_facility or row.facility or HOUSE,
            observer=Reference(
                display=HOUSE, identifier=Identifier(system="https://yba.vn/fhir/system", value="record")
            ),
            type=[Coding(system=SOURCE_TYPE, code="4", display="Application Server")],
        ),
        entity=_entities(row, own),
    )


def _coding(code: Code) -> Coding:
    return Coding(system=code.system, code=code.code, display=code.display)


def _concept(system: str, code: str, display: str | None = None) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=system, code=code, display=display)])


# -- who -----------------------------------------------------------------------------------------------------


def _agents(row: Row, action: str, *, told: bool) -> list[AuditEventAgent]:
    by_rule = row.origin is not None
    agents = [
        AuditEventAgent(
            type=_concept(PARTICIPATION, _AUTHORS.get(action, "IRCP")),
            role=[] if by_rule else [_concept(ROLE, row.role)],
            who=_who(row),
            altId=row.origin or row.actor,
            name=row.name,
            requestor=True,
            network=None if told else _network(row.address),
            purposeOfUse=[_concept(REASON, row.purpose)] if row.purpose else [],
        )
    ]
    if by_rule:
        agents.append(
            AuditEventAgent(
                type=_concept(DICOM, "110150", "Application"),
                role=[_concept(ROLE, row.role)],
                altId=row.actor,
                name=HOUSE,
                requestor=False,
            )
        )
    if row.app is not None:
        agents.append(
            AuditEventAgent(
                type=_concept(DICOM, "110153", "Source Role ID"),
                who=Reference(identifier=Identifier(system=APP, value=row.app)),
                altId=row.app,
                requestor=False,
            )
        )
    server = _concept(DICOM, "110152", "Destination Role ID")
    agents.append(AuditEventAgent(type=server, who=Reference(display=HOUSE), requestor=False))
    return agents


def _who(row: Row) -> Reference:
    """A practitioner or a person where the account is one; always the account."""
    place = f"Practitioner/{row.practitioner}" if row.practitioner else None
    if place is None and row.person is not None:
        place = f"Patient/{row.person}"
    account = Identifier(system=ACCOUNT, value=row.origin or row.actor)
    return Reference(reference=place, identifier=account, display=row.name)


def _network(address: str | None) -> AuditEventAgentNetwork | None:
    if not address:
        return None
    try:
        ip_address(address)
    except ValueError:
        return AuditEventAgentNetwork(address=address, type="1")
    return AuditEventAgentNetwork(address=address, type="2")


# -- what ----------------------------------------------------------------------------------------------------


def _entities(row: Row, own: Collection[str] | None) -> list[AuditEventEntity]:
    persons = [one for one in row.persons if own is None or one in own]
    found = [_person(one, row) for one in persons]
    if row.type in MODULES and row.id and not (row.type == "Patient" and row.id in persons):
        found.append(_resource(row))
    elif row.type is None and row.id and row.id.startswith(_ACCOUNT):
        found.append(_account(row.id.removeprefix(_ACCOUNT)))
    if own is not None:
        return found
    if row.detail and kind_of(row.act).action in ("E", "R"):
        found.append(_question(row))
    if row.request is not None:
        found.append(
            AuditEventEntity(
                what=Reference(identifier=Identifier(value=row.request)),
                type=Coding(system=BALP_ENTITY, code="XrequestId"),
                detail=[AuditEventEntityDetail(type="session", valueString=row.session)]
                if row.session
                else [],
            )
        )
    return found


def _person(identifier: str, row: Row) -> AuditEventEntity:
    place = f"Patient/{identifier}"
    if row.type == "Patient" and row.id == identifier and row.version is not None:
        place += f"/_history/{row.version}"
    return AuditEventEntity(
        what=Reference(reference=place),
        type=Coding(system=ENTITY_TYPE, code="1", display="Person"),
        role=Coding(system=OBJECT_ROLE, code="1", display="Patient"),
    )


def _resource(row: Row) -> AuditEventEntity:
    place = f"{row.type}/{row.id}"
    if row.version is not None:
        place += f"/_history/{row.version}"
    return AuditEventEntity(
        what=Reference(reference=place),
        type=Coding(system=ENTITY_TYPE, code="2", display="System Object"),
        role=Coding(system=OBJECT_ROLE, code="4", display="Domain Resource"),
    )


def _account(number: str) -> AuditEventEntity:
    """The account that was signed in to or changed."""
    return AuditEventEntity(
        what=Reference(identifier=Identifier(system=ACCOUNT, value=number)),
        type=Coding(system=ENTITY_TYPE, code="2", display="System Object"),
        role=Coding(system=OBJECT_ROLE, code="6", display="User"),
    )


def _question(row: Row) -> AuditEventEntity:
    """The search as it was asked, as a client would have written it; of other acts, their words."""
    detail = row.detail or ""
    role = Coding(system=OBJECT_ROLE, code="24", display="Query")
    made: dict[str, Any] = {"description": detail}
    if row.act == "search":
        made = {"query": base64.b64encode(f"{row.type or ''}?{detail}".encode()).decode()}
        if row.answered is not None:
            made["detail"] = [AuditEventEntityDetail(type="answered", valueString=str(row.answered))]
    return AuditEventEntity(
        type=Coding(system=ENTITY_TYPE, code="2", display="System Object"), role=role, **made
    )
