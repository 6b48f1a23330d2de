"""What happens in a follow-up: begun, measured, answered, alerted, acknowledged, ended. Each in one transaction.

All of it is written by a rule of the house, audited with who set it going, after the door let that one read the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Final, Literal

from django.utils.translation import gettext_lazy as _

from yba.areas.telehealth.chat.actions import writer_of
from yba.areas.telehealth.chat.queries import Matter
from yba.areas.telehealth.follow_up import duty, plans, queries
from yba.areas.telehealth.follow_up.measures import (
    MEASURES,
    RANK,
    SHOWN,
    Level,
    Measure,
    Unit,
    Verdict,
    judge,
    worst,
)
from yba.areas.telehealth.follow_up.plans import ALERT, LOINC, QUESTIONNAIRE, QUESTIONS, UCUM, Due, Plan
from yba.areas.telehealth.follow_up.templates import Item, Template, templates
from yba.areas.telehealth.models import FollowUp
from yba.care.identifiers import FACILITY_TAG
from yba.care.line.transaction import whole
from yba.care.refusal import Refusal, refuse
from yba.fhir.model.references import reference
from yba.fhir.r4.care_plan import CarePlan
from yba.fhir.r4.care_team import CareTeam, CareTeamParticipant
from yba.fhir.r4.codes import QuantityComparator, RequestPriority
from yba.fhir.r4.communication_request import CommunicationRequest, CommunicationRequestPayload
from yba.fhir.r4.datatypes import (
    Annotation,
    CodeableConcept,
    Coding,
    Extension,
    Meta,
    Period,
    Quantity,
    Reference,
)
from yba.fhir.r4.observation import Observation, ObservationComponent
from yba.fhir.r4.questionnaire import Questionnaire, QuestionnaireItem
from yba.fhir.r4.questionnaire_response import (
    QuestionnaireResponse,
    QuestionnaireResponseItem,
    QuestionnaireResponseItemAnswer,
)
from yba.fhir.record import Record
from yba.ui import words
from yba.ui.live import changed
from yba.ui.words import HANOI, local_day

INTERPRETATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
VITAL: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
HOME: Final = "https://yba.vn/fhir/CodeSystem/observation-category"
OUTCOME: Final = "https://yba.vn/fhir/CodeSystem/follow-up-outcome"
#: How the team closes an alert.
OUTCOMES: Final = {
    "called": _("Đã gọi, dặn tiếp tục theo dõi"), "treatment": _("Đã đổi thuốc hoặc liều"),
    "visit": _("Đã mời khám"), "emergency": _("Đã chuyển cấp cứu"), "measured-wrong": _("Đo sai, đã hướng dẫn lại"),
    "unreached": _("Không liên lạc được"),
}  # fmt: skip
_OUTCOMES_VI: Final = {
    "called": "Đã gọi, dặn tiếp tục theo dõi", "treatment": "Đã đổi thuốc hoặc liều", "visit": "Đã mời khám",
    "emergency": "Đã chuyển cấp cứu", "measured-wrong": "Đo sai, đã hướng dẫn lại", "unreached": "Không liên lạc được",
}  # fmt: skip
#: The facility reads a plan that has ended for as long as a visit that has (standing.yaml).
READ_AFTER: Final = timedelta(days=30)
#: The same numbers again within this are one form that was sent twice.
SENT_TWICE: Final = timedelta(minutes=10)


def instant(at: datetime) -> str:
    return at.astimezone(HANOI).isoformat(timespec="seconds")


def _tell(facility: str, plan: str) -> None:
    changed(f"follow-ups:{facility}")
    changed(f"follow-up:{plan}")


# -- beginning and ending ----------------------------------------------------------------------------------


def begin(
    record: Record, matter: Matter, template: Template, items: tuple[Item, ...], *, weeks: int
) -> str | Refusal:
    """Begin a plan from tomorrow morning's point of view: today is its first day. The id of the plan."""
    actor = record.actor
    if not actor.practitioner:
        return refuse("follow-up.doctor", _("Chỉ bác sĩ có tên trong danh sách hành nghề lập được kế hoạch."))
    system, now = record.as_system(), record.clock()
    first = local_day(now)
    last = first + timedelta(days=weeks * 7 - 1)
    with whole():
        system.lock(matter.type, matter.id)
        if any(
            one.template == template.key and one.active and one.facility == matter.facility
            for one in _plans_of(system, matter.patient)
        ):
            return refuse(
                "follow-up.twice", _("Người bệnh đang có kế hoạch này. Kết thúc kế hoạch cũ trước.")
            )
        if template.questions:
            _keep_questions(system, template)
        team = system.create(_team(matter, actor.practitioner, actor.name, first, last))
        made = system.create(
            plans.written(
                template, items, patient=matter.patient, patient_name=matter.patient_name, facility=matter.facility,
                doctor=actor.practitioner, doctor_name=actor.name, team=team.id or "", about=(matter.type, matter.id),
                first=first, last=last, security=matter.labels, now=now,
            )
        )  # fmt: skip
        plan = plans.plan_of(made)
        assert plan is not None
        FollowUp.objects.bulk_create([FollowUp(plan_id=plan.id, facility=plan.facility, next_at=now)])
        _tell(plan.facility, plan.id)
    return plan.id


def _plans_of(system: Record, patient: str) -> list[Plan]:
    found = system.find(
        CarePlan, ("category", f"{plans.CATEGORY}|{plans.FOLLOW_UP}"), ("subject", f"Patient/{patient}")
    )
    return [one for one in map(plans.plan_of, found) if one is not None]


def _team(matter: Matter, doctor: str, name: str, first: object, last: object) -> CareTeam:
    """Who follows: it opens the chart to the facility while the plan runs, and a month longer."""
    return CareTeam(
        meta=Meta(tag=[Coding(system=FACILITY_TAG, code=matter.facility)], security=matter.labels),
        status="active",
        name="Theo dõi từ xa",
        subject=reference("Patient", matter.patient, display=matter.patient_name or None),
        period=Period(start=str(first), end=str(last + READ_AFTER)),  # type: ignore[operator]  # a date
        participant=[CareTeamParticipant(member=reference("Practitioner", doctor, display=name or None))],
        managingOrganization=[reference("Organization", matter.facility)],
    )


def _keep_questions(system: Record, template: Template) -> None:
    url = f"{QUESTIONNAIRE}{template.key}"
    system.create(
        Questionnaire(
            url=url, version=template.version, status="active", title=template.name.vi, subjectType=["Patient"],
            item=[QuestionnaireItem(linkId=one.id, type="boolean", text=one.text.vi) for one in template.questions],
        ),
        if_none_exist=[("url", url), ("version", template.version)],
    )  # fmt: skip


def end(record: Record, plan: Plan, *, why: str) -> Refusal | None:
    """End a plan: nothing more is due, nothing is reminded of."""
    if not why.strip():
        return refuse("follow-up.why", _("Ghi lý do kết thúc."))
    system, now = record.as_system(), record.clock()
    with whole():
        found = system.lock(CarePlan, plan.id)
        if found.status != "active":
            return refuse("follow-up.over", _("Kế hoạch này đã kết thúc."))
        _stop(system, found, now, why=why.strip()[:300], by=record.actor.name)
    return None


def finish(system: Record, found: CarePlan, now: datetime) -> None:
    """End a plan whose last day is over. The caller holds it."""
    _stop(system, found, now, why="Hết thời gian theo dõi", by="")


def _stop(system: Record, found: CarePlan, now: datetime, *, why: str, by: str) -> None:
    """Write that a plan is over. The caller holds it."""
    plan = plans.plan_of(found)
    assert plan is not None
    day = local_day(now)
    found.status = "completed"
    found.period = Period(start=plan.first.isoformat(), end=max(plan.first, min(plan.last, day)).isoformat())
    found.note = [*found.note, Annotation(text=why, time=instant(now), authorString=by or None)]
    for one in found.activity:
        if one.detail is not None:
            one.detail.status = "completed"
    system.update(found)
    if plan.team:
        team = system.lock(CareTeam, plan.team)
        start = team.period.start if team.period else None
        team.period = Period(start=start, end=(day + READ_AFTER).isoformat())
        system.update(team)
    FollowUp.objects.filter(plan_id=plan.id).delete()
    _tell(plan.facility, plan.id)


# -- measuring and answering -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taken:
    """A reading that was found possible: part -> number, in the unit it was written in.

    ``beyond``: ``>`` or ``<`` where the meter showed letters; the number is then what it lies beyond.
    """

    measure: Measure
    unit: Unit
    values: Mapping[str, Decimal]
    beyond: str = ""


def keep(
    record: Record,
    plan: Plan,
    *,
    taken: list[tuple[Due | None, Taken]],
    answers: Mapping[str, bool],
    asked: Due | None,
) -> Level | Refusal:
    """Keep readings and answers a person sent; how grave the gravest is. What was kept before is not kept twice.

    Nothing that was measured is dropped because its hour is over or somebody else wrote first: it is kept beside.
    """
    system, now = record.as_system(), record.clock()
    gravest: Level = ""
    with whole():
        held = plans.plan_of(system.lock(CarePlan, plan.id))
        if held is None or not held.active:
            return refuse("follow-up.over", _("Kế hoạch này đã kết thúc."))
        by = reference("Patient", record.actor.person or plan.patient, display=record.actor.name or None)
        for due, one in taken:
            level = _keep_reading(system, held, one, due, by, now)
            gravest = max(gravest, level, key=lambda found: RANK[found])
        if answers:
            level = _keep_answers(system, held, answers, asked, by, now)
            gravest = max(gravest, level, key=lambda found: RANK[found])
        _tell(held.facility, held.id)
    return gravest


def _keep_reading(
    system: Record, plan: Plan, one: Taken, due: Due | None, by: Reference, now: datetime
) -> Level:
    item = plan.item(one.measure.key)
    slot = due.slot(plan.id) if due else ""
    if not slot or system.first(Observation, ("identifier", f"{plans.SLOT}|{slot}")) is not None:
        same = _just_kept(
            system, plan, one.measure.key, now, values=one.values, unit=one.unit, beyond=one.beyond
        )
        if same is not None:
            return same.level
        slot = _beside(system, Observation, plan, one.measure.key, now)
    verdicts: dict[str, Verdict] = {}
    for part in one.measure.parts:
        limits = item.limits.get(part.key) if item else None
        if limits is not None:
            before = _before(system, plan, one.measure, limits.gain[1], now) if limits.gain else []
            verdicts[part.key] = judge(limits, one.values[part.key], one.unit, before=before)
    if one.beyond:  # whatever the plan's limits are: a meter that can't show it is as grave as it gets
        verdicts[one.measure.parts[0].key] = Verdict("danger", "high" if one.beyond == ">" else "low")
    found = worst(list(verdicts.values()))
    made = system.create(_observation(plan, one, slot, verdicts, found, by, now, _labels(system, plan)))
    if found.level:
        said = f"{one.measure.name} {_said(one)}: {_SIDE[found.side]}"
        _alert(system, plan, slot, found.level, said, reference("Observation", made.id), now)
    return found.level


def _just_kept(
    system: Record, plan: Plan, item: str, now: datetime, *, values: Mapping[str, Decimal], unit: Unit | None = None,
    answers: Mapping[str, bool] | None = None, beyond: str = "",
) -> queries.Reading | None:  # fmt: skip
    """The same numbers or answers kept a moment ago: a form that was sent twice."""
    return next(
        (
            one
            for one in queries.readings_of(system, plan, since=local_day(now - SENT_TWICE))
            if one.item == item and one.at >= now - SENT_TWICE and one.values == values
            and one.unit == unit and one.answers == answers and one.beyond == beyond
        ),
        None,
    )  # fmt: skip


def _beside(
    system: Record,
    kind: type[Observation] | type[QuestionnaireResponse],
    plan: Plan,
    item: str,
    now: datetime,
) -> str:
    """The identifier of what nobody asked for at this hour. The caller holds the plan."""
    first = f"{plan.id}.{item}.x{now.astimezone(HANOI):%Y%m%dT%H%M%S}"
    names = (f"{first}-{number}" if number else first for number in count())
    return next(one for one in names if system.first(kind, ("identifier", f"{plans.SLOT}|{one}")) is None)


_COMPARATORS: Final[Mapping[str, QuantityComparator]] = {">": ">", "<": "<"}
_SIDE: Final = {"low": "thấp", "high": "cao", "": "bất thường"}


def _said(one: Taken) -> str:
    values = "/".join(words.decimal(one.values[part.key]) for part in one.measure.parts)
    if one.beyond:
        return f"{SHOWN[one.beyond]} ({'trên' if one.beyond == '>' else 'dưới'} {values} {one.unit.words})"
    return f"{values} {one.unit.words}"


def _before(system: Record, plan: Plan, measure: Measure, days: int, now: datetime) -> list[Decimal]:
    found = queries.readings_of(system, plan, since=local_day(now) - timedelta(days=days))
    return [
        value * one.unit.factor
        for one in found
        if one.item == measure.key and one.unit is not None
        for value in one.values.values()
    ]


def _labels(system: Record, plan: Plan) -> list[Coding]:
    found = system.read(CarePlan, plan.id)
    return list(found.meta.security) if found.meta else []


def _observation(
    plan: Plan, one: Taken, slot: str, verdicts: Mapping[str, Verdict], found: Verdict, by: Reference, now: datetime,
    labels: list[Coding],
) -> Observation:  # fmt: skip
    category = [CodeableConcept(coding=[Coding(system=HOME, code="home")], text="Đo tại nhà")]
    if one.measure.vital:
        category.insert(0, CodeableConcept(coding=[Coding(system=VITAL, code="vital-signs")]))
    quantities = {
        key: Quantity(
            value=value,
            comparator=_COMPARATORS.get(one.beyond),
            unit=one.unit.words,
            system=UCUM,
            code=one.unit.ucum,
        )
        for key, value in one.values.items()
    }
    many = len(one.measure.parts) > 1
    return Observation(
        meta=Meta(tag=[Coding(system=FACILITY_TAG, code=plan.facility)], security=labels),
        identifier=[plans.identifier(slot)],
        basedOn=[reference("CarePlan", plan.id)],
        status="final",
        category=category,
        code=CodeableConcept(coding=[Coding(system=LOINC, code=one.measure.code)], text=one.measure.name),
        subject=reference("Patient", plan.patient, display=plan.patient_name or None),
        effectiveDateTime=instant(now),
        performer=[by],
        interpretation=_interpretation(found),
        valueQuantity=None if many else quantities[one.measure.parts[0].key],
        component=[
            ObservationComponent(
                code=CodeableConcept(coding=[Coding(system=LOINC, code=part.code)], text=part.name),
                valueQuantity=quantities[part.key],
                interpretation=_interpretation(verdicts.get(part.key, Verdict("", ""))),
            )
            for part in one.measure.parts
        ]
        if many
        else [],
    )


def _interpretation(found: Verdict) -> list[CodeableConcept]:
    """Only what lies outside a limit is called something: inside is nobody's word that it is normal."""
    return [CodeableConcept(coding=[Coding(system=INTERPRETATION, code=found.code)])] if found.level else []


def _keep_answers(
    system: Record, plan: Plan, answers: Mapping[str, bool], due: Due | None, by: Reference, now: datetime
) -> Level:
    slot = due.slot(plan.id) if due else ""
    if not slot or system.first(QuestionnaireResponse, ("identifier", f"{plans.SLOT}|{slot}")) is not None:
        same = _just_kept(system, plan, QUESTIONS, now, values={}, answers=answers)
        if same is not None:
            return same.level
        slot = _beside(system, QuestionnaireResponse, plan, QUESTIONS, now)
    said_yes = [one for one in plan.questions if answers.get(one.id)]
    level: Level = max((one.yes for one in said_yes), key=lambda one: RANK[one], default="")
    template = templates()[plan.template]
    code = {"danger": "AA", "alert": "A"}.get(level)
    made = system.create(
        QuestionnaireResponse(
            meta=Meta(tag=[Coding(system=FACILITY_TAG, code=plan.facility)], security=_labels(system, plan)),
            identifier=plans.identifier(slot),
            basedOn=[reference("CarePlan", plan.id)],
            questionnaire=f"{QUESTIONNAIRE}{plan.template}|{template.version}",
            status="completed",
            subject=reference("Patient", plan.patient),
            author=by,
            source=by,
            authored=instant(now),
            extension=[Extension(url=plans.JUDGED, valueCode=code)] if code else [],
            item=[
                QuestionnaireResponseItem(
                    linkId=one.id, text=one.text.vi,
                    answer=[QuestionnaireResponseItemAnswer(valueBoolean=answers[one.id])],
                )
                for one in plan.questions
                if one.id in answers
            ],
        )
    )  # fmt: skip
    if level:
        said = "; ".join(f"{one.text.vi} Có" for one in said_yes)
        _alert(system, plan, slot, level, said, reference("QuestionnaireResponse", made.id), now)
    return level


# -- alerts ------------------------------------------------------------------------------------------------


def _alert(
    system: Record, plan: Plan, once: str, level: Level, said: str, about: Reference | None, now: datetime
) -> None:
    """Ask the team to speak with the person, once for what caused it."""
    code_system, code = ALERT
    priority: RequestPriority = "stat" if level == "danger" else "urgent" if level == "alert" else "routine"
    concept = CodeableConcept(coding=[Coding(system=code_system, code=code)], text="Báo động theo dõi từ xa")
    person = reference("Patient", plan.patient, display=plan.patient_name or None)
    made = system.create(
        CommunicationRequest(
            meta=Meta(tag=[Coding(system=FACILITY_TAG, code=plan.facility)], security=_labels(system, plan)),
            identifier=[plans.identifier(once)],
            basedOn=[reference("CarePlan", plan.id)],
            status="active",
            priority=priority,
            category=[concept],
            subject=person,
            about=[about] if about is not None else [],
            payload=[CommunicationRequestPayload(contentString=said[:500])],
            authoredOn=instant(now),
            requester=reference("Organization", plan.facility),
            recipient=[person],
            sender=reference("Practitioner", plan.doctor, display=plan.doctor_name or None)
            if plan.doctor
            else None,
        ),
        if_none_exist=[("identifier", f"{plans.SLOT}|{once}")],
    )
    duty.tell(system, facility=plan.facility, alert_id=made.id or "", level=level, now=now)


def missed(system: Record, plan: Plan, cells: list[queries.Cell], now: datetime, *, whole: bool) -> None:
    """Tell the team of a person who wrote nothing so many times in a row; once for each such run.

    ``whole``: these are all of the plan's days up to now; else a run that fills them was told of before.
    """
    names = {**{key: one.name for key, one in MEASURES.items()}, QUESTIONS: "Câu hỏi"}
    for item in dict.fromkeys(one.due.item for one in cells):
        run = queries.missed_in_row(cells, item)
        if (
            not whole
            and len(run) > plan.missed
            and run[0] == next(one for one in cells if one.due.item == item)
        ):
            continue  # it began before these days, and grows out of them day by day
        if plan.missed and len(run) >= plan.missed:
            once = f"missed.{run[0].due.slot(plan.id)}"
            _alert(system, plan, once, "", f"{names[item]}: {len(run)} lần liền không ghi", None, now)


def still_open(priority: str, outcome: str) -> bool:
    """Whether an alert is not closed by what was done about it."""
    return priority == "stat" and outcome == "unreached"


def close(
    record: Record,
    alert: CommunicationRequest,
    deed: Literal["take", "close"],
    *,
    outcome: str = "",
    note: str = "",
) -> bool:
    """Take an alert up, or close it with what was done; False where somebody did before.

    Where nobody was reached about danger it stays open, and nobody's: the next one tries, and the person goes on
    reading that they are to call 115.
    """
    system, now = record.as_system(), record.clock()
    with whole():
        found = system.lock(CommunicationRequest, alert.id or "")
        taken = any(one.url == plans.TAKEN for one in found.extension)
        if found.status != "active" or (deed == "take" and taken):
            return False
        by = writer_of(record).who
        if deed == "take":
            parts = [Extension(url="by", valueReference=by), Extension(url="at", valueInstant=instant(now))]
            found.extension = [*found.extension, Extension(url=plans.TAKEN, extension=parts)]
            found.sender = by
        else:
            said = note.strip()[:500]
            if still_open(found.priority or "", outcome):
                found.extension = [one for one in found.extension if one.url != plans.TAKEN]
                said = ". ".join(filter(None, [_OUTCOMES_VI[outcome], said]))
            else:
                found.status = "completed"
                coding = Coding(system=OUTCOME, code=outcome)
                found.statusReason = CodeableConcept(coding=[coding], text=_OUTCOMES_VI[outcome])
            if said:
                by_name = record.actor.name or None
                found.note = [*found.note, Annotation(text=said, time=instant(now), authorString=by_name)]
        system.update(found)
        _tell(record.actor.facility or "", queries.plan_ids([found]).get(found.id or "", ""))
    return True
