"""How a plan of remote follow-up stands in the record: a CarePlan, its activities, the team as CareTeam.

Each thing to measure is an activity with its LOINC code, a Timing, and the extension `LIMITS` (by part: the ranges the
team and the person are told at; FHIR R4 has a target range for a goal, none for an alert). Questions are one activity
that names a Questionnaire. A reading is an Observation ``basedOn`` the plan, an answer a QuestionnaireResponse; each
carries the identifier `SLOT`, so that what was due is answered once. What alerts the team is a CommunicationRequest of
category `ALERT`, to speak with the person (a Task of R4 is in nobody's compartment, so the door could not hold it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from yba.areas.telehealth.follow_up.measures import MEASURES, Bounds, Level, Limits
from yba.areas.telehealth.follow_up.templates import Item, Question, Template, templates
from yba.care.identifiers import FACILITY_TAG
from yba.fhir.model import references
from yba.fhir.model.references import reference
from yba.fhir.r4.care_plan import CarePlan, CarePlanActivity, CarePlanActivityDetail
from yba.fhir.r4.datatypes import (
    CodeableConcept,
    Coding,
    Extension,
    Identifier,
    Meta,
    Period,
    Quantity,
    Range,
    Timing,
    TimingRepeat,
)
from yba.fhir.record import facility_of
from yba.ui.words import HANOI, as_date, moment

CATEGORY: Final = "https://yba.vn/fhir/CodeSystem/care-plan-category"
FOLLOW_UP: Final = "remote-follow-up"
TEMPLATE: Final = "https://yba.vn/fhir/CodeSystem/follow-up-template"
_EXTENSION: Final = "https://yba.vn/fhir/StructureDefinition/"
#: Of an activity: ``part``, ``alert`` and ``danger`` (Range), ``gain`` (Quantity) over ``days``.
LIMITS: Final = _EXTENSION + "follow-up-limits"
#: Of a plan: how many in a row may be missed (positiveInt).
MISSED: Final = _EXTENSION + "follow-up-missed"
#: Of a reading, an answer or an alert: <plan>.<item>.<moment>.
SLOT: Final = "https://yba.vn/fhir/sid/follow-up"
#: Of answers: how grave they were judged (code of v3-ObservationInterpretation).
JUDGED: Final = _EXTENSION + "follow-up-judged"
#: What a request to speak with the person is for.
ALERT: Final = ("https://yba.vn/fhir/CodeSystem/communication-category", "follow-up-alert")
#: Of an alert: who took it up (``by``), and when (``at``).
TAKEN: Final = _EXTENSION + "follow-up-taken"
QUESTIONNAIRE: Final = "https://yba.vn/fhir/Questionnaire/follow-up-"
QUESTIONS: Final = "questions"
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as the pages and rules see it. ``begun``: nothing before it was missed."""

    id: str
    patient: str
    patient_name: str
    facility: str
    doctor: str
    doctor_name: str
    template: str
    title: str
    status: str
    first: date
    last: date
    items: tuple[Item, ...]
    questions: tuple[Question, ...]
    missed: int
    team: str = ""
    begun: datetime | None = None

    @property
    def active(self) -> bool:
        return self.status == "active"

    def item(self, measure: str) -> Item | None:
        return next((one for one in self.items if one.measure == measure), None)


def plan_of(found: CarePlan) -> Plan | None:
    """The plan a CarePlan is; None for one of another kind."""
    ours = any(
        (one.system, one.code) == (CATEGORY, FOLLOW_UP) for each in found.category for one in each.coding
    )
    subject = references.target(found.subject)
    period = found.period or Period()
    first, last = as_date(period.start), as_date(period.end)
    if not ours or subject is None or first is None or last is None:
        return None
    author = references.target(found.author)
    key = next(
        (one.code or "" for each in found.category for one in each.coding if one.system == TEMPLATE), ""
    )
    known = templates().get(key)
    asks = any(one.detail is not None and one.detail.instantiatesCanonical for one in found.activity)
    return Plan(
        found.id or "", subject[1], (found.subject.display or ""), facility_of(found) or "",
        author[1] if author and author[0] == "Practitioner" else "",
        (found.author.display if found.author else "") or "", key, found.title or "", found.status or "", first, last,
        tuple(item for one in found.activity if (item := _item(one)) is not None),
        known.questions if known is not None and asks else (),
        next((one.valuePositiveInt or 0 for one in found.extension if one.url == MISSED), 0),
        team=next((target[1] for one in found.careTeam if (target := references.target(one))), ""),
        begun=moment(found.created) if found.created and "T" in found.created else None,
    )  # fmt: skip


def written(
    template: Template, items: tuple[Item, ...], *, patient: str, patient_name: str, facility: str, doctor: str,
    doctor_name: str, team: str, about: tuple[str, str], first: date, last: date, security: list[Coding], now: datetime,
) -> CarePlan:  # fmt: skip
    """A new plan."""
    activities = [CarePlanActivity(detail=_detail(one)) for one in items]
    if template.questions:
        times = sorted({one.at for one in template.questions})
        activities.append(
            CarePlanActivity(
                detail=CarePlanActivityDetail(
                    status="in-progress",
                    instantiatesCanonical=[f"{QUESTIONNAIRE}{template.key}|{template.version}"],
                    scheduledTiming=_timing(tuple(times), 1),
                    description="Trả lời câu hỏi",
                )
            )
        )
    category = [
        CodeableConcept(coding=[Coding(system=CATEGORY, code=FOLLOW_UP)]),
        CodeableConcept(coding=[Coding(system=TEMPLATE, code=template.key)]),
    ]
    return CarePlan(
        meta=Meta(tag=[Coding(system=FACILITY_TAG, code=facility)], security=security),
        extension=[Extension(url=MISSED, valuePositiveInt=template.missed)],
        status="active",
        intent="plan",
        category=category,
        title=template.name.vi,
        subject=reference("Patient", patient, display=patient_name or None),
        encounter=reference(*about) if about[0] == "Encounter" else None,
        period=Period(start=first.isoformat(), end=last.isoformat()),
        created=now.astimezone(HANOI).isoformat(timespec="seconds"),
        author=reference("Practitioner", doctor, display=doctor_name or None),
        careTeam=[reference("CareTeam", team)],
        activity=activities,
    )


def _detail(item: Item) -> CarePlanActivityDetail:
    measure = MEASURES[item.measure]
    limits = [_limits(key, one, measure.unit.ucum) for key, one in item.limits.items()]
    return CarePlanActivityDetail(
        extension=limits,
        status="in-progress",
        code=CodeableConcept(coding=[Coding(system=LOINC, code=measure.code)], text=measure.name),
        scheduledTiming=_timing(item.times, item.every),
    )


def _timing(times: tuple[time, ...], every: int) -> Timing:
    repeat = TimingRepeat(
        frequency=1, period=Decimal(every), periodUnit="d", timeOfDay=[one.isoformat() for one in times]
    )
    return Timing(repeat=repeat)


def _limits(part: str, limits: Limits, ucum: str) -> Extension:
    parts = [Extension(url="part", valueCode=part)]
    for name, bounds in (("alert", limits.alert), ("danger", limits.danger)):
        if bounds != (None, None):
            low, high = (
                Quantity(value=one, system=UCUM, code=ucum) if one is not None else None for one in bounds
            )
            parts.append(Extension(url=name, valueRange=Range(low=low, high=high)))
    if limits.gain is not None:
        parts.append(
            Extension(url="gain", valueQuantity=Quantity(value=limits.gain[0], system=UCUM, code=ucum))
        )
        parts.append(Extension(url="days", valuePositiveInt=limits.gain[1]))
    return Extension(url=LIMITS, extension=parts)


def _item(found: CarePlanActivity) -> Item | None:
    detail = found.detail
    if detail is None or detail.code is None or detail.scheduledTiming is None:
        return None
    codes = {one.code for one in detail.code.coding if one.system == LOINC}
    measure = next((one for one in MEASURES.values() if one.code in codes), None)
    repeat = detail.scheduledTiming.repeat
    if measure is None or repeat is None:
        return None
    times = tuple(time.fromisoformat(one) for one in repeat.timeOfDay if one)
    said = dict(_read(one) for one in detail.extension if one.url == LIMITS)
    limits = {one.key: said.get(one.key, Limits()) for one in measure.parts}
    return Item(measure.key, times, int(repeat.period or 1), limits)


def _read(found: Extension) -> tuple[str, Limits]:
    parts: Mapping[str, Extension] = {one.url or "": one for one in found.extension}
    gain, days = parts.get("gain"), parts.get("days")
    more = None
    if (
        gain is not None
        and gain.valueQuantity is not None
        and gain.valueQuantity.value is not None
        and days is not None
    ):
        more = (gain.valueQuantity.value, days.valuePositiveInt or 1)
    part = parts.get("part")
    return (part.valueCode or "") if part else "", Limits(
        _range(parts.get("alert")), _range(parts.get("danger")), more
    )


def _range(found: Extension | None) -> Bounds:
    if found is None or found.valueRange is None:
        return None, None
    low, high = found.valueRange.low, found.valueRange.high
    return (low.value if low else None), (high.value if high else None)


# -- what is due -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """Something to measure or to answer. ``opens``, ``closes``: when it may be; after that it was missed."""

    at: datetime
    item: str
    opens: datetime
    closes: datetime

    def slot(self, plan: str) -> str:
        """The identifier of what answers it."""
        return slot(plan, self.item, self.at)


def slot(plan: str, item: str, at: datetime) -> str:
    """The identifier of a reading or an answer."""
    return f"{plan}.{item}.{at.astimezone(HANOI):%Y%m%dT%H%M}"


#: A reading may come so much before its hour, and so long after it where nothing else is due first.
EARLY: Final = timedelta(hours=3)
LATE: Final = timedelta(hours=8)


def due_between(plan: Plan, first: date, last: date) -> list[Due]:
    """Everything that is due on these days, in order."""
    found: list[Due] = []
    asked = sorted({one.at for one in plan.questions})
    series = [(one.measure, one.times, one.every) for one in plan.items]
    series += [(QUESTIONS, tuple(asked), 1)] if asked else []
    for item, times, every in series:
        moments = [
            datetime.combine(day, one, HANOI)
            for day in _days(max(first, plan.first), min(last + timedelta(days=every), plan.last))
            if (day - plan.first).days % max(every, 1) == 0
            for one in sorted(times)
        ]
        for number, at in enumerate(moments):
            after = moments[number + 1] - EARLY if number + 1 < len(moments) else at + LATE
            if at.date() <= last:
                found.append(Due(at, item, at - EARLY, min(at + LATE, max(after, at + timedelta(hours=1)))))
    return sorted(found)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=one) for one in range((last - first).days + 1)]


def next_after(plan: Plan, at: datetime) -> datetime | None:
    """The first moment after another at which something is due or was missed: the next look at the plan."""
    day = at.astimezone(HANOI).date()
    found = due_between(
        plan, day - timedelta(days=1), day + timedelta(days=max((one.every for one in plan.items), default=1))
    )
    moments = [each for one in found for each in (one.at, one.closes) if each > at]
    return min(moments, default=None)


def level_of(codes: set[str]) -> Level:
    """How grave a reading was judged, by its interpretation."""
    if codes & {"HH", "LL", "AA"}:
        return "danger"
    return "alert" if codes & {"H", "L", "A"} else ""


def identifier(value: str) -> Identifier:
    return Identifier(system=SLOT, value=value)
