"""What a granted correction leaves in the record: an addendum and its Provenance; what was signed stays as it was.

Source: Luật Khám bệnh, chữa bệnh 15/2023/QH15 Đ7 k10 (nothing of a record is erased or falsified); FHIR R4,
provenance.html, composition.html.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Final, Literal

from yba.care import identifiers, people
from yba.care.identifiers import FACILITY_TAG, LOINC
from yba.care.privacy.models import Request
from yba.fhir.model.references import reference
from yba.fhir.r4.compartments import COMPARTMENTS
from yba.fhir.r4.composition import Composition, CompositionSection
from yba.fhir.r4.datatypes import (
    CodeableConcept,
    Coding,
    Identifier,
    Meta,
    Narrative,
    Reference,
    Resource,
)
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.provenance import Provenance, ProvenanceAgent, ProvenanceEntity
from yba.fhir.record import Record
from yba.fhir.search.compartment import Compartment

REQUEST: Final = identifiers.BASE + "privacy-request"
OPERATION: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
#: "Annotation comment [Interpretation] Narrative".
COMMENT: Final = "48767-8"


@dataclass(frozen=True, slots=True)
class Written:
    """References of what was written, as ``Composition/1``."""

    addendum: str
    provenance: str


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is right about a person; empty parts stay as they are."""

    name: str = ""
    birth_date: str = ""
    sex: Literal["", "female", "male", "other"] = ""
    citizen_number: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.name or self.birth_date or self.sex or self.citizen_number)


def append(record: Record, row: Request, answer: str) -> Written:
    """An addendum to a visit: what stood, what is right, who answered. The visit itself is not touched."""
    system = record.as_system()
    type_name, _slash, identifier = row.subject.partition("/")
    subject = system.read(type_name, identifier)
    moment = record.clock().isoformat(timespec="seconds")
    house = reference("Organization", row.facility, display=row.facility_name or None)
    author = (
        reference("Practitioner", record.actor.practitioner, display=record.actor.name or None)
        if record.actor.practitioner
        else house
    )
    made = system.create(
        Composition(
            meta=_kept_by(row.facility),
            status="final",
            type=CodeableConcept(coding=[Coding(system=LOINC, code=COMMENT)], text="Phụ lục đính chính"),
            subject=reference("Patient", row.patient_id, display=row.patient_name),
            encounter=reference("Encounter", identifier) if isinstance(subject, Encounter) else None,
            date=moment,
            author=[author],
            custodian=house,
            title=f"Phụ lục đính chính theo yêu cầu {row.number}",
            identifier=Identifier(system=REQUEST, value=row.number),
            section=[
                CompositionSection(
                    title="Đính chính",
                    text=_narrative(
                        ("Sổ đang ghi", row.wrong),
                        ("Người bệnh đề nghị", row.right),
                        ("Cơ sở trả lời", answer),
                    ),
                    entry=[Reference(reference=row.subject)],
                )
            ],
        )
    )
    return Written(
        f"Composition/{made.id}",
        _provenance(record, row, [_version_of(subject), f"Composition/{made.id}"], "APPEND", moment),
    )


def change_particulars(record: Record, row: Request, right: Particulars) -> Written:
    """New particulars of a person, the old version kept in the history, with their Provenance."""
    system = record.as_system()
    patient = system.lock(Patient, row.patient_id)
    if right.name:
        people.with_name(patient, right.name)
    patient.birthDate = right.birth_date or patient.birthDate
    if right.sex:
        patient.gender = right.sex
    if right.citizen_number:
        others = [one for one in patient.identifier if one.system != identifiers.CCCD]
        number = Identifier(use="official", system=identifiers.CCCD, value=right.citizen_number)
        patient.identifier = [*others, number]
    changed = system.update(patient)
    moment = record.clock().isoformat(timespec="seconds")
    return Written("", _provenance(record, row, [_version_of(changed)], "UPDATE", moment))


def _provenance(record: Record, row: Request, targets: list[str], operation: str, moment: str) -> str:
    house = reference("Organization", row.facility, display=row.facility_name or None)
    who = (
        reference("Practitioner", record.actor.practitioner, display=record.actor.name or None)
        if record.actor.practitioner
        else Reference(display=record.actor.name or "Phòng lưu trữ hồ sơ", type="Practitioner")
    )
    made = record.as_system().create(
        Provenance(
            meta=_kept_by(row.facility),
            target=[Reference(reference=one) for one in targets],
            recorded=moment,
            reason=[
                CodeableConcept(coding=[Coding(system=REASON, code="PATRQT")], text="Người bệnh xin sửa")
            ],
            activity=CodeableConcept(coding=[Coding(system=OPERATION, code=operation)]),
            agent=[ProvenanceAgent(who=who, onBehalfOf=house)],
            entity=[
                ProvenanceEntity(
                    role="source",
                    what=Reference(
                        identifier=Identifier(system=REQUEST, value=row.number),
                        display=f"Yêu cầu {row.number}",
                    ),
                )
            ],
        )
    )
    return f"Provenance/{made.id}"


def _version_of(resource: Resource) -> str:
    version = resource.meta.versionId if resource.meta else None
    name = f"{type(resource).__name__}/{resource.id}"
    return f"{name}/_history/{version}" if version else name


def _kept_by(facility: str) -> Meta:
    return Meta(tag=[Coding(system=FACILITY_TAG, code=facility)])


def _narrative(*pairs: tuple[str, str]) -> Narrative:
    inside = "".join(
        f"<p><b>{html.escape(name)}:</b> {html.escape(words)}</p>" for name, words in pairs if words
    )
    return Narrative(status="additional", div=f'<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>')


def erase_visit(system: Record, visit: str) -> int:
    """Delete a visit and what was written in it; how many resources went. Versions stay for the head's decision."""
    count = 0
    inside = Compartment("Encounter", visit)
    for type_name in sorted({*COMPARTMENTS["Encounter"]} - {"Encounter", "AuditEvent", "Provenance"}):
        while found := system.search_stored(
            type_name, [("_count", "200")], strict=True, compartment=inside
        ).matches:
            for one in found:
                system.delete(type_name, one.id)
            count += len(found)
    system.delete("Encounter", visit)
    return count + 1
