"""Finishing a visit: from what was typed to the resources of the record, inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import connection

from yba.areas.clinic import queries, rules, sending
from yba.areas.clinic.content import Content, DrugLine
from yba.areas.clinic.models import Draft
from yba.areas.clinic.rules import Dose, Lack
from yba.care import catalogues, people
from yba.care.chart import (
    BLOOD_PRESSURE,
    BODY_MASS_INDEX,
    HANOI,
    SNOMED,
    VITAL_SIGNS,
    VitalSign,
    direction_of,
    id_of,
    medicines_of,
    recorded_allergies,
)
from yba.care.diagnoses import diagnosis
from yba.care.identifiers import (
    ATC,
    DRUG_CS,
    ICD10,
    LOINC,
    PRESCRIPTION,
    SERVICE_CS,
    UCUM,
    new_prescription_code,
)
from yba.care.line import actions as line
from yba.care.line.queries import ticket_of
from yba.care.money import actions as money
from yba.care.money.prices import line_for
from yba.care.money.rules import Line
from yba.care.refusal import Refusal
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.clinical_impression import ClinicalImpression
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import (
    Annotation,
    CodeableConcept,
    Coding,
    Duration,
    Identifier,
    Period,
    Quantity,
    Reference,
)
from yba.fhir.r4.encounter import Encounter, EncounterDiagnosis, EncounterStatusHistory
from yba.fhir.r4.medication_request import MedicationRequest, MedicationRequestDispenseRequest
from yba.fhir.r4.medication_statement import MedicationStatement
from yba.fhir.r4.observation import Observation, ObservationComponent
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.service_request import ServiceRequest
from yba.fhir.record import Record, facility_of, find_of, one_person
from yba.ui.live import changed

HL7: Final = "http://terminology.hl7.org/CodeSystem/"
#: A prescription may be bought for five days. Source: TT 26/2025/TT-BYT.
VALID_DAYS: Final = 5

_TAKE_CODE = """
insert into clinic_prescription (code, encounter_id, facility, given_at) values (%s, %s, %s, %s)
on conflict do nothing returning code
"""


@dataclass(frozen=True, slots=True)
class Signed:
    """A finished visit. ``again``: it had been finished before, nothing was written."""

    encounter_id: str
    prescription: str = ""
    again: bool = False


@dataclass(slots=True)
class _Visit:
    """What every resource of the visit says the same."""

    record: Record
    encounter: Encounter
    patient: Patient
    now: datetime
    conditions: list[Condition] = field(default_factory=list)

    @property
    def moment(self) -> str:
        return self.now.isoformat(timespec="seconds")

    @property
    def subject(self) -> Reference:
        return reference("Patient", self.patient.id, display=people.name_of(self.patient) or None)

    @property
    def visit(self) -> Reference:
        return reference("Encounter", self.encounter.id)

    @property
    def doctor(self) -> Reference | None:
        actor = self.record.actor
        return (
            reference("Practitioner", actor.practitioner, display=actor.name or None)
            if actor.practitioner
            else None
        )


def sign(
    record: Record, *, encounter: Encounter, patient: Patient, content: Content
) -> Signed | tuple[Lack, ...]:
    """Check against the record as it is now, then write everything. The caller holds the visit's lock."""
    now = record.clock().astimezone(HANOI)
    person = queries.person_of(patient, today=now.date())
    allergies = recorded_allergies(record, patient.id or "")
    who = one_person(record, patient.id or "")
    requests = find_of(record, MedicationRequest, who)
    current = medicines_of(requests, find_of(record, MedicationStatement, who), today=now.date())
    missing = rules.lacks(
        content, person=person, allergies=allergies, current=current, today=now.date(),
        remote=encounter.class_.code == "VR",
    )  # fmt: skip
    if missing:
        return missing
    this = _Visit(record, encounter, patient, now)
    for observation in _vitals(this, content, adult=person.adult):
        record.create(observation)
    this.conditions = [record.create(_condition(this, code)) for code in content.diagnoses]
    record.create(_impression(this, content))
    code = _prescribe(this, content, requests)
    _order(this, content)
    _follow_up(this, content)
    _close(this)
    Draft.objects.filter(encounter_id=encounter.id).delete()
    facility = record.actor.facility
    for topic in (f"visit:{encounter.id}", f"pharmacy:{facility}", f"book:{patient.id}"):
        changed(topic)
    return Signed(encounter.id or "", code)


# -- vital signs -----------------------------------------------------------------------------------------


def _vitals(this: _Visit, content: Content, *, adult: bool) -> list[Observation]:
    typed = {
        key: value for key, text in content.vitals.items() if (value := rules.number_of(text)) is not None
    }
    found = [
        _observation(this, VITAL_SIGNS[key], value, adult)
        for key, value in typed.items()
        if key in VITAL_SIGNS and key not in ("systolic", "diastolic")
    ]
    if "systolic" in typed and "diastolic" in typed:
        found.insert(0, _blood_pressure(this, typed["systolic"], typed["diastolic"], adult))
    if "weight" in typed and "height" in typed:
        metres = typed["height"] / 100
        index = (typed["weight"] / (metres * metres)).quantize(Decimal("0.1"))
        one = _vital(this, BODY_MASS_INDEX, "BMI")
        one.valueQuantity = Quantity(value=index, unit="kg/m²", system=UCUM, code="kg/m2")
        found.append(one)
    return found


def _vital(this: _Visit, code: str, text: str) -> Observation:
    kind = Coding(system=HL7 + "observation-category", code="vital-signs", display="Vital Signs")
    return Observation(
        status="final",
        category=[CodeableConcept(coding=[kind])],
        code=CodeableConcept(coding=[Coding(system=LOINC, code=code)], text=text),
        subject=this.subject,
        encounter=this.visit,
        effectiveDateTime=this.moment,
        performer=[this.doctor] if this.doctor else [],
    )


def _observation(this: _Visit, sign_: VitalSign, value: Decimal, adult: bool) -> Observation:
    one = _vital(this, sign_.code, sign_.name)
    one.valueQuantity = _measure(sign_, value)
    one.interpretation = _interpretation(sign_, value, adult)
    return one


def _blood_pressure(this: _Visit, upper: Decimal, lower: Decimal, adult: bool) -> Observation:
    """The panel with its two components (FHIR R4, observation-vitalsigns.html, bp)."""
    one = _vital(this, BLOOD_PRESSURE, "Huyết áp")
    one.component = [
        ObservationComponent(
            code=CodeableConcept(coding=[Coding(system=LOINC, code=part.code)], text=part.name),
            valueQuantity=_measure(part, value),
            interpretation=_interpretation(part, value, adult),
        )
        for part, value in ((VITAL_SIGNS["systolic"], upper), (VITAL_SIGNS["diastolic"], lower))
    ]
    return one


def _measure(sign_: VitalSign, value: Decimal) -> Quantity:
    return Quantity(value=value, unit=sign_.unit, system=UCUM, code=sign_.ucum)


def _interpretation(sign_: VitalSign, value: Decimal, adult: bool) -> list[CodeableConcept]:
    direction, grave = direction_of(sign_, value)
    if not adult or not direction:
        return []
    code = ("H" if direction == "high" else "L") * (2 if grave else 1)
    return [CodeableConcept(coding=[Coding(system=HL7 + "v3-ObservationInterpretation", code=code)])]


# -- diagnoses and the note ------------------------------------------------------------------------------


def _condition(this: _Visit, code: str) -> Condition:
    known = diagnosis(code, on=this.now.date())
    name = known.name if known else code
    return Condition(
        clinicalStatus=CodeableConcept(coding=[Coding(system=HL7 + "condition-clinical", code="active")]),
        verificationStatus=CodeableConcept(
            coding=[Coding(system=HL7 + "condition-ver-status", code="confirmed")]
        ),
        category=[
            CodeableConcept(coding=[Coding(system=HL7 + "condition-category", code="encounter-diagnosis")])
        ],
        code=CodeableConcept(coding=[Coding(system=ICD10, code=code, display=name)], text=name),
        subject=this.subject,
        encounter=this.visit,
        recordedDate=this.moment,
        recorder=this.doctor,
        asserter=this.doctor,
    )


def _impression(this: _Visit, content: Content) -> ClinicalImpression:
    advice = content.advice.strip()
    return ClinicalImpression(
        status="completed",
        description=content.complaint.strip(),
        summary=content.examination.strip() or None,
        subject=this.subject,
        encounter=this.visit,
        effectiveDateTime=this.moment,
        date=this.moment,
        assessor=this.doctor,
        problem=[reference(one) for one in this.conditions],
        note=[Annotation(text=advice, time=this.moment, authorReference=this.doctor)] if advice else [],
    )


# -- the prescription ------------------------------------------------------------------------------------


def _prescribe(this: _Visit, content: Content, requests: list[MedicationRequest]) -> str:
    """The lines of the prescription under one code; what they replace is stopped."""
    if not content.drugs:
        return ""
    code = take_code(this.record, encounter_id=this.encounter.id or "")
    known = {one.id: one for one in requests}
    for number, typed in enumerate(content.drugs, 1):
        dose = rules.dose_of(typed)
        if not isinstance(dose, Dose):  # pragma: no cover - `lacks` has refused this
            raise ValueError(dose.key)
        this.record.create(_request(this, code, number, typed, dose))
        for old in typed.stops:
            if old in known:
                _stop(this, known[old], dose)
    sending.note(this.record, code=code, encounter_id=this.encounter.id or "")
    return code


def take_code(record: Record, *, encounter_id: str) -> str:
    """A code nobody has, drawn again until the table takes it."""
    facility = record.actor.facility or ""
    number = queries.facility_code(record)
    while True:
        code = new_prescription_code(number)
        with connection.cursor() as cursor:
            cursor.execute(_TAKE_CODE, [code, encounter_id, facility, record.clock()])
            if cursor.fetchone() is not None:
                return code


def _request(this: _Visit, code: str, number: int, typed: DrugLine, dose: Dose) -> MedicationRequest:
    drug = dose.drug
    codings = [Coding(system=DRUG_CS, code=drug.code, display=drug.label)]
    if drug.atc:
        codings.append(Coding(system=ATC, code=drug.atc))
    reason = typed.reason.strip()
    last = this.now.date().toordinal() + VALID_DAYS - 1
    return MedicationRequest(
        identifier=[
            Identifier(system=PRESCRIPTION, value=code),
            Identifier(system=queries.LINE, value=f"{code}/{number}"),
        ],
        groupIdentifier=Identifier(system=PRESCRIPTION, value=code),
        status="active",
        intent="order",
        category=[
            CodeableConcept(coding=[Coding(system=HL7 + "medicationrequest-category", code="outpatient")])
        ],
        medicationCodeableConcept=CodeableConcept(coding=codings, text=drug.label),
        subject=this.subject,
        encounter=this.visit,
        authoredOn=this.moment,
        requester=this.doctor,
        reasonReference=[reference(one) for one in this.conditions[:1]],
        note=[Annotation(text=reason, time=this.moment, authorReference=this.doctor)] if reason else [],
        dosageInstruction=[dose.dosage],
        dispenseRequest=MedicationRequestDispenseRequest(
            validityPeriod=Period(
                start=this.now.date().isoformat(), end=this.now.date().fromordinal(last).isoformat()
            ),
            quantity=Quantity(value=Decimal(dose.quantity), unit=drug.unit),
            expectedSupplyDuration=Duration(value=Decimal(dose.days), unit="ngày", system=UCUM, code="d"),
        ),
    )


def _stop(this: _Visit, old: MedicationRequest, dose: Dose) -> None:
    """Own prescriptions are stopped; another facility's stays as sent and a statement says it is not taken.

    So does one under an older record of the person, whoever keeps it.
    """
    why = CodeableConcept(text=f"Thay bằng {dose.drug.label}")
    if facility_of(old) == this.record.actor.facility and id_of(old.subject) == this.patient.id:
        current = this.record.lock(MedicationRequest, old.id or "")
        if current.status == "active":
            current.status = "stopped"
            current.statusReason = why
            this.record.update(current)
        return
    this.record.create(
        MedicationStatement(
            status="stopped",
            statusReason=[why],
            basedOn=[reference(old)],
            medicationCodeableConcept=old.medicationCodeableConcept,
            medicationReference=old.medicationReference,
            subject=this.subject,
            context=this.visit,
            effectiveDateTime=this.moment,
            dateAsserted=this.moment,
            informationSource=this.doctor,
        )
    )


# -- orders, follow-up, closing --------------------------------------------------------------------------


def _order(this: _Visit, content: Content) -> None:
    """Services ordered, and their price on the visit's invoice."""
    lines: list[Line] = []
    for code in content.orders:
        service = catalogues.service(code)
        if service is None:  # pragma: no cover - `lacks` has refused this
            continue
        codings = [Coding(system=SERVICE_CS, code=code, display=service.name_vi)]
        codings += [Coding(system=LOINC, code=service.loinc)] if service.loinc else []
        concept = CodeableConcept(coding=codings, text=service.name_vi)
        this.record.create(_service(this, concept, intent="order"))
        listed = line_for(this.record, code, this.record.actor.facility or "")
        lines.append(listed or Line(service.name_vi, Decimal(service.price), code=code))
    if lines:
        ticket = ticket_of(this.record, encounter=this.encounter.id or "")
        money.add_lines(
            this.record,
            encounter=this.encounter,
            patient=this.patient,
            lines=lines,
            ticket=ticket.code if ticket else "",
        )


def _service(this: _Visit, concept: CodeableConcept, *, intent: str) -> ServiceRequest:
    return ServiceRequest(
        status="active",
        intent="plan" if intent == "plan" else "order",
        code=concept,
        subject=this.subject,
        encounter=this.visit,
        authoredOn=this.moment,
        requester=this.doctor,
        reasonReference=[reference(one) for one in this.conditions[:1]],
    )


def _follow_up(this: _Visit, content: Content) -> None:
    day = rules.follow_up_day(content.follow_up, today=this.now.date())
    if day is None or isinstance(day, Refusal):
        return
    coding = Coding(system=SNOMED, code=queries.FOLLOW_UP, display="Follow-up encounter")
    plan = _service(this, CodeableConcept(coding=[coding], text="Khám lại"), intent="plan")
    plan.occurrenceDateTime = day.isoformat()
    this.record.create(plan)


def _close(this: _Visit) -> None:
    """The visit, its booking and its ticket are over."""
    encounter, record = this.encounter, this.record
    begun = encounter.statusHistory[-1].period.end if encounter.statusHistory else None
    begun = begun or (encounter.period.start if encounter.period else None)
    past = EncounterStatusHistory(status=encounter.status, period=Period(start=begun, end=this.moment))
    encounter.statusHistory = [*encounter.statusHistory, past]
    encounter.status = "finished"
    encounter.period = Period(start=encounter.period.start if encounter.period else begun, end=this.moment)
    encounter.diagnosis = [_diagnosis(one, rank) for rank, one in enumerate(this.conditions, 1)]
    record.update(encounter)
    for booked in encounter.appointment:
        appointment = record.lock(Appointment, id_of(booked))
        if appointment.status in ("booked", "arrived", "checked-in"):
            appointment.status = "fulfilled"
            record.update(appointment)
    ticket = ticket_of(record, encounter=encounter.id or "")
    if ticket is not None:
        line.finish(record, ticket=ticket.pk, visit_over=True)


def _diagnosis(condition: Condition, rank: int) -> EncounterDiagnosis:
    """The main diagnosis is DD with rank 1, the others CM (FHIR R4, valueset-diagnosis-role)."""
    use = Coding(system=HL7 + "diagnosis-role", code="DD" if rank == 1 else "CM")
    return EncounterDiagnosis(condition=reference(condition), use=CodeableConcept(coding=[use]), rank=rank)
