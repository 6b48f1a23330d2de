"""What the desk writes: a vaccination, that it was put off, the watch after it, a reaction, the next day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from django.utils.translation import gettext_lazy as _

from yba.areas.programmes import rules
from yba.areas.programmes.rules import Offer
from yba.areas.programmes.screening import instant
from yba.care.identifiers import BASE, FACILITY_TAG
from yba.care.line.transaction import whole
from yba.care.refusal import Refusal, refuse
from yba.care.vaccines.fhir import SNOMED, vaccine_code
from yba.care.vaccines.reading import Chart, advice_of
from yba.care.vaccines.schedule import Question, schedule
from yba.care.vaccines.values import Verdict
from yba.fhir.errors import NotFound
from yba.fhir.model.references import reference
from yba.fhir.r4.adverse_event import AdverseEvent, AdverseEventSuspectEntity
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance, AllergyIntoleranceReaction
from yba.fhir.r4.datatypes import (
    Annotation,
    CodeableConcept,
    Coding,
    Extension,
    Identifier,
    Meta,
    Reference,
)
from yba.fhir.r4.immunization import (
    Immunization,
    ImmunizationPerformer,
    ImmunizationProtocolApplied,
    ImmunizationReaction,
)
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.service_request import ServiceRequest
from yba.fhir.record import Record, facility_of
from yba.ui.words import moment

SCREENING: Final = "https://yba.vn/fhir/extension/vaccination-screening"
WATCHED: Final = ("https://yba.vn/fhir/cs/observation", "post-vaccination-watch")
NEXT: Final = BASE + "vaccination-day"
_V3: Final = "http://terminology.hl7.org/CodeSystem/v3-"
_HL7: Final = "http://terminology.hl7.org/CodeSystem/"
_ROUTES: Final = {"intramuscular": "IM", "subcutaneous": "SQ", "intradermal": "IDINJ", "oral": "PO"}
Grade = Literal["none", "mild", "moderate", "severe"]


@dataclass(frozen=True, slots=True)
class Shot:
    """What the nurse writes of a shot."""

    lot: str
    expiry: date
    site: str
    decided_by: str = ""
    why: str = ""


def _meta(record: Record) -> Meta:
    return Meta(tag=[Coding(system=FACILITY_TAG, code=record.actor.facility)])


def give(
    record: Record, patient_id: str, *, product: str, shot: Shot, screening: str,
    questions: tuple[Question, ...], answers: Mapping[str, bool], encounter: str,
) -> str | Refusal:  # fmt: skip
    """Write a vaccination down as given now; the id, or why not. All is asked again under the person's lock."""
    made = schedule()
    with whole():
        record.as_system().lock("Patient", patient_id)
        chart, advice = advice_of(record, patient_id)
        offer = rules.offer_of(made, chart, advice, made.products[product], questions, answers)
        refused = rules.refusal(
            chart, advice, offer, expiry=shot.expiry, decided_by=shot.decided_by, why=shot.why
        )
        if refused is not None:
            return refused
        row = _written(record, chart, offer, shot, screening, encounter)
        return record.create(row).id or ""


def _written(
    record: Record, chart: Chart, offer: Offer, shot: Shot, screening: str, encounter: str
) -> Immunization:
    actor, product = record.actor, offer.product
    house = record.read(Organization, actor.facility or "").name
    now = instant(record.clock())
    who = reference("Practitioner", actor.practitioner) if actor.practitioner else Reference()
    who.display = actor.name or None
    notes = (
        [f"Bác sĩ {shot.decided_by.strip()} quyết định tiêm: {shot.why.strip()}"] if shot.decided_by else []
    )
    by_mouth = product.route == "oral"
    return Immunization(
        meta=_meta(record),
        status="completed",
        vaccineCode=vaccine_code(product),
        patient=reference("Patient", chart.patient.id),
        encounter=reference("Encounter", encounter) if encounter else None,
        occurrenceDateTime=now,
        recorded=now,
        primarySource=True,
        lotNumber=shot.lot,
        expirationDate=shot.expiry.isoformat(),
        site=None if by_mouth else CodeableConcept(
            coding=[Coding(system=_V3 + "ActSite", code=shot.site)], text=str(rules.SITES[shot.site])
        ),
        route=CodeableConcept(
            coding=[Coding(system=_V3 + "RouteOfAdministration", code=_ROUTES[product.route])]
        ),
        performer=[
            ImmunizationPerformer(actor=who, function=_concept(_HL7 + "v2-0443", "AP")),
            ImmunizationPerformer(actor=reference("Organization", actor.facility, display=house or None)),
        ],
        note=[Annotation(text=one, time=now, authorString=actor.name or None) for one in notes],
        protocolApplied=[_applied(one) for one in offer.counts],
        extension=[
            Extension(url=SCREENING, valueReference=reference("QuestionnaireResponse", screening))
        ],
    )  # fmt: skip


def _concept(system: str, code: str, text: str | None = None) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=system, code=code)], text=text)


def _applied(found: Verdict) -> ImmunizationProtocolApplied:
    """The dose it counts as, by the schedule of that day."""
    made = schedule()
    series = made.series[found.series]
    diseases = [made.antigens[one] for one in series.antigens]
    return ImmunizationProtocolApplied(
        series=series.name.vi,
        authority=Reference(display=f"{made.about.names.vi}, {made.about.version}"),
        targetDisease=[_concept(SNOMED, one.snomed, one.name.vi) for one in diseases],
        doseNumberPositiveInt=found.dose,
    )


def note_past(
    record: Record, patient_id: str, *, product: str, day: date, lot: str, place: str
) -> str | Refusal:
    """Write down a dose of a paper book: reported, not seen here (``primarySource`` false). Once for a day."""
    made = schedule()
    with whole():
        record.as_system().lock("Patient", patient_id)
        chart, _advice = advice_of(record, patient_id)
        if chart.person.birth is not None and day < chart.person.birth:
            return refuse("vaccination.before-birth", _("Ngày tiêm trước ngày sinh."))
        if rules.given_today(chart, day, made.products[product]):
            return refuse("vaccination.known", _("Sổ đã có mũi này vào ngày đó."))
        row = Immunization(
            meta=_meta(record),
            status="completed",
            vaccineCode=vaccine_code(made.products[product]),
            patient=reference("Patient", patient_id),
            occurrenceDateTime=day.isoformat(),
            recorded=instant(record.clock()),
            primarySource=False,
            reportOrigin=_concept(_HL7 + "immunization-origin", "record", "Sổ tiêm chủng giấy"),
            lotNumber=lot or None,
            location=Reference(display=place) if place else None,
        )
        return record.create(row).id or ""


def put_off(record: Record, patient_id: str, *, product: str, why: str, encounter: str) -> str:
    """Write down that a vaccine that was due is not given today, and why."""
    made, now = schedule(), instant(record.clock())
    row = Immunization(
        meta=_meta(record),
        status="not-done",
        statusReason=_concept(_V3 + "ActReason", "MEDPREC", why),
        vaccineCode=vaccine_code(made.products[product]),
        patient=reference("Patient", patient_id),
        encounter=reference("Encounter", encounter) if encounter else None,
        occurrenceDateTime=now,
        recorded=now,
        primarySource=True,
    )
    return record.create(row).id or ""


# -- after the shot ----------------------------------------------------------------------------------------


def own_shot(record: Record, identifier: str) -> Immunization:
    """A vaccination this facility gave. Raises NotFound."""
    found = record.read(Immunization, identifier)
    if found.status != "completed" or facility_of(found) != record.actor.facility:
        raise NotFound("vaccination.none", "There is no such vaccination here.", id=identifier)
    return found


def end_watch(record: Record, shot: Immunization, *, grade: Grade, what: str) -> Refusal | None:
    """What the watch after a shot showed. "Nothing" counts after half an hour only; a reaction at any moment."""
    now = record.clock()
    until = rules.watched_until(moment(shot.occurrenceDateTime or instant(now)))
    if grade == "none" and now < until:
        left = int((until - now).total_seconds() // 60) + 1
        return refuse("vaccination.watch", _("Chưa đủ 30 phút: còn %(left)s phút."), left=left)
    if grade != "none" and not what.strip():
        return refuse("vaccination.reaction", _("Ghi phản ứng đã thấy."))
    with whole():
        record.as_system().lock("Immunization", shot.id or "")
        seen = record.create(
            Observation(
                meta=_meta(record),
                status="final",
                code=_concept(*WATCHED, "Theo dõi 30 phút sau tiêm"),
                subject=shot.patient,
                partOf=[reference("Immunization", shot.id)],
                effectiveDateTime=instant(now),
                valueString=what.strip() if grade != "none" else "Không phản ứng",
            )
        )
        if grade != "none":
            _react(record, shot, seen, grade, what.strip())
    return None


def _react(record: Record, shot: Immunization, seen: Observation, grade: Grade, what: str) -> None:
    """A reaction: on the vaccination, as an adverse event; a severe one also as an allergy everybody reads."""
    now = instant(record.clock())
    current = record.read(Immunization, shot.id or "")
    current.reaction = [
        *current.reaction,
        ImmunizationReaction(date=now, detail=reference("Observation", seen.id), reported=False),
    ]
    record.update(current)
    record.create(
        AdverseEvent(
            meta=_meta(record),
            actuality="actual",
            event=CodeableConcept(text=what),
            subject=shot.patient,
            date=now,
            recordedDate=now,
            seriousness=_concept(
                _HL7 + "adverse-event-seriousness", "serious" if grade == "severe" else "non-serious"
            ),
            severity=_concept(_HL7 + "adverse-event-severity", grade),
            suspectEntity=[AdverseEventSuspectEntity(instance=reference("Immunization", shot.id))],
        )
    )
    if grade == "severe":
        _warn(record, shot, what, now)


def _warn(record: Record, shot: Immunization, what: str, now: str) -> None:
    record.create(
        AllergyIntolerance(
            meta=_meta(record),
            clinicalStatus=_concept(_HL7 + "allergyintolerance-clinical", "active"),
            verificationStatus=_concept(_HL7 + "allergyintolerance-verification", "unconfirmed"),
            category=["medication"],
            criticality="high",
            code=shot.vaccineCode,
            patient=shot.patient,
            recordedDate=now,
            reaction=[
                AllergyIntoleranceReaction(
                    manifestation=[CodeableConcept(text=what)], onset=now, severity="severe"
                )
            ],
        )
    )


def appoint(record: Record, patient_id: str, *, on: date) -> None:
    """Ask the person to come back on the next day of the schedule; once for a day. The book shows it, with booking.

    By a rule of the house: the nurse orders nothing, the schedule does.
    """
    identifier = Identifier(system=NEXT, value=f"{patient_id}.{on.isoformat()}")
    record.as_system().create(
        ServiceRequest(
            meta=_meta(record),
            identifier=[identifier],
            status="active",
            intent="plan",
            code=_concept(SNOMED, "390906007", "Hẹn tiêm chủng"),
            subject=reference("Patient", patient_id),
            occurrenceDateTime=on.isoformat(),
            authoredOn=instant(record.clock()),
            requester=reference("Organization", record.actor.facility),
            note=[Annotation(text="Tiêm chủng theo lịch. Mang theo sổ tiêm.")],
        ),
        if_none_exist=[("identifier", f"{NEXT}|{identifier.value}")],
    )
