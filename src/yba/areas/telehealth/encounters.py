"""The visit in the record: an Encounter of class VR with its steps, who was there, and how the person was identified.

What happens in a call is written by a rule of the house, audited with who set it going.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, cast

from yba.areas.telehealth import rules
from yba.care.chart import HANOI
from yba.care.identifiers import FACILITY_TAG
from yba.care.messages.standing import taking_part
from yba.care.remote.mode import VIRTUAL, concept
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.codes import EncounterStatus
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Extension, Meta, Period, Reference
from yba.fhir.r4.encounter import Encounter, EncounterParticipant, EncounterStatusHistory
from yba.fhir.record import Record, facility_of

#: One step of the call: ``state``, ``at``, ``why`` (if told), ``by`` (who).
STEP: Final = "https://yba.vn/fhir/StructureDefinition/telehealth-step"
#: How the doctor knew who was in the picture: ``how``, ``at``, ``by``.
IDENTITY: Final = "https://yba.vn/fhir/StructureDefinition/telehealth-identity"
_PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_TYPES: Final = {
    "interpreter": Coding(
        system="http://terminology.hl7.org/CodeSystem/participant-type",
        code="translator",
        display="Translator",
    ),
    "relative": Coding(system=_PARTICIPATION, code="PART", display="Participation"),
}
_ATTENDER: Final = Coding(system=_PARTICIPATION, code="ATND", display="attender")


def instant(at: datetime) -> str:
    """A time as the record keeps it, on this country's clock."""
    return at.astimezone(HANOI).isoformat(timespec="seconds")


def opened(appointment: Appointment, *, at: datetime) -> Encounter:
    """The visit of an appointment as it begins: planned, at a distance, with the doctor."""
    doctor, doctor_name = taking_part(appointment, "Practitioner")
    patient, patient_name = taking_part(appointment, "Patient")
    facility = facility_of(appointment) or ""
    return Encounter(
        meta=Meta(tag=[Coding(system=FACILITY_TAG, code=facility)]),
        status="planned",
        class_=VIRTUAL,
        type=[concept()],
        subject=reference("Patient", patient, display=patient_name or None),
        appointment=[reference("Appointment", appointment.id)],
        participant=[
            EncounterParticipant(
                type=[CodeableConcept(coding=[_ATTENDER])],
                individual=reference("Practitioner", doctor, display=doctor_name or None),
            )
        ],
        serviceType=appointment.specialty[0] if appointment.specialty else None,
        serviceProvider=reference("Organization", facility),
        reasonCode=list(appointment.reasonCode),
        period=Period(start=instant(at)),
        extension=[step("opened", at=at)],
    )


def step(state: str, *, at: datetime, by: str = "", why: str = "") -> Extension:
    """A step of the call as it stands in the visit."""
    parts = [Extension(url="state", valueCode=state), Extension(url="at", valueInstant=instant(at))]
    if by:
        parts.append(Extension(url="by", valueString=by))
    if why:
        parts.append(Extension(url="why", valueString=why[:200]))
    return Extension(url=STEP, extension=parts)


def steps_of(encounter: Encounter) -> list[str]:
    """The states a call went through, in order."""
    return [
        part.valueCode or ""
        for one in encounter.extension
        if one.url == STEP
        for part in one.extension
        if part.url == "state"
    ]


def write_step(
    system: Record, encounter_id: str, state: str, *, at: datetime, by: str = "", why: str = ""
) -> Encounter:
    """Write a step, and the FHIR status that belongs to it with its history. The caller holds the transaction.

    A visit that has been signed meanwhile keeps its status.
    """
    encounter = system.lock(Encounter, encounter_id)
    encounter.extension = [*encounter.extension, step(state, at=at, by=by, why=why)]
    status = cast("EncounterStatus", rules.STATUS.get(state, encounter.status or "in-progress"))
    if encounter.status not in ("finished", "cancelled") and status != encounter.status:
        _turn(encounter, status, at=at)
    return system.update(encounter)


def note(system: Record, encounter_id: str, what: str, *, at: datetime, by: str = "", why: str = "") -> None:
    """Write something of the call that changes no status: a rung of the ladder, a doctor who did not come."""
    encounter = system.lock(Encounter, encounter_id)
    encounter.extension = [*encounter.extension, step(what, at=at, by=by, why=why)]
    system.update(encounter)


def _turn(encounter: Encounter, status: EncounterStatus, *, at: datetime) -> None:
    now = instant(at)
    before = encounter.statusHistory[-1].period.end if encounter.statusHistory else None
    begun = before or (encounter.period.start if encounter.period else None) or now
    past = EncounterStatusHistory(status=encounter.status, period=Period(start=begun, end=now))
    encounter.statusHistory = [*encounter.statusHistory, past]
    encounter.status = status
    if status == "cancelled" and encounter.period is not None:
        encounter.period.end = now


def write_identity(
    system: Record, encounter_id: str, how: str, *, at: datetime, by: Reference | None
) -> Encounter:
    """Write how the doctor knew the person; said again, the newer word stands."""
    encounter = system.lock(Encounter, encounter_id)
    parts = [Extension(url="how", valueCode=how), Extension(url="at", valueInstant=instant(at))]
    if by is not None:
        parts.append(Extension(url="by", valueReference=by))
    others = [one for one in encounter.extension if one.url != IDENTITY]
    encounter.extension = [*others, Extension(url=IDENTITY, extension=parts)]
    return system.update(encounter)


def identity_of(encounter: Encounter) -> str:
    """How the person was identified: a key of `IDENTITIES`; empty: not yet."""
    found = (one for one in encounter.extension if one.url == IDENTITY)
    return next((part.valueCode or "" for one in found for part in one.extension if part.url == "how"), "")


def write_guest(
    system: Record, encounter_id: str, kind: str, name: str, came: datetime, left: datetime | None
) -> None:
    """Write that somebody invited was let in, and later until when. By name: they are nobody of the roll."""
    encounter = system.lock(Encounter, encounter_id)
    start = instant(came)
    for one in encounter.participant:
        said = one.individual.display if one.individual else None
        if one.period is not None and (said, one.period.start) == (name, start):
            one.period.end = instant(left) if left else None
            break
    else:
        period = Period(start=start, end=instant(left) if left else None)
        kinds = [CodeableConcept(coding=[_TYPES[kind]])]
        part = EncounterParticipant(type=kinds, period=period, individual=Reference(display=name))
        encounter.participant = [*encounter.participant, part]
    system.update(encounter)
