"""What is asked of follow-up: plans, readings, answers, alerts. All through the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from yba.areas.telehealth.follow_up import plans
from yba.areas.telehealth.follow_up.measures import MEASURES, Level, Unit
from yba.areas.telehealth.follow_up.plans import (
    ALERT,
    CATEGORY,
    FOLLOW_UP,
    QUESTIONS,
    SLOT,
    Due,
    Plan,
    plan_of,
)
from yba.care.identifiers import FACILITY_TAG
from yba.fhir.errors import NotFound
from yba.fhir.model import references
from yba.fhir.r4.care_plan import CarePlan
from yba.fhir.r4.communication_request import CommunicationRequest
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.questionnaire_response import QuestionnaireResponse
from yba.fhir.record import Record, facility_of
from yba.ui.words import HANOI, local_day, moment

#: Days a plan's page shows at once, back from today.
SHOWN_DAYS: Final = 14
LISTED: Final = 100


def _none(identifier: str) -> NotFound:
    return NotFound("follow-up.none", "There is no such plan.", id=identifier)


def own_plan(record: Record, plan_id: str) -> Plan:
    """A plan of oneself, or of somebody one acts for. Raises NotFound."""
    found = plan_of(record.read(CarePlan, plan_id))
    if found is None or found.patient not in record.actor.persons:
        raise _none(plan_id)
    return found


def staff_plan(record: Record, plan_id: str) -> Plan:
    """A plan of the own facility's. Raises NotFound."""
    found = plan_of(record.read(CarePlan, plan_id))
    if found is None or not found.facility or found.facility != record.actor.facility:
        raise _none(plan_id)
    return found


def own_plans(record: Record) -> list[Plan]:
    """The plans of everybody one acts for, the running first."""
    people = ",".join(f"Patient/{one}" for one in sorted(record.actor.persons))
    if not people:
        return []
    found = record.find(CarePlan, ("category", f"{CATEGORY}|{FOLLOW_UP}"), ("subject", people))
    known = [one for one in map(plan_of, found) if one is not None]
    return sorted(known, key=lambda one: (not one.active, -one.first.toordinal()))


def team_plans(record: Record, *, page: int = 1) -> tuple[list[Plan], bool]:
    """The running plans of the own facility; whether there are more."""
    found = record.search(
        CarePlan,
        [("category", f"{CATEGORY}|{FOLLOW_UP}"), ("status", "active"), _here(record), ("_sort", "-date"),
         ("_count", str(LISTED * page))],
    )  # fmt: skip
    known = [plan_of(one) for one in found.matches if isinstance(one, CarePlan)]
    return [one for one in known if one is not None], found.next is not None


def _here(record: Record) -> tuple[str, str]:
    return "_tag", f"{FACILITY_TAG}|{record.actor.facility}"


# -- readings and answers ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured or answered. ``values``: part -> number as written; ``slot``: what it answers."""

    id: str
    item: str
    at: datetime
    slot: str
    level: Level
    values: Mapping[str, Decimal]
    unit: Unit | None = None
    answers: Mapping[str, bool] | None = None
    #: ``>`` or ``<``: the meter showed letters, and this is what it lies beyond.
    beyond: str = ""


def readings_of(record: Record, plan: Plan, *, since: date) -> list[Reading]:
    """Readings and answers of a plan from a day on, oldest first."""
    based, start = ("based-on", f"CarePlan/{plan.id}"), f"ge{since.isoformat()}T00:00:00+07:00"
    seen = record.find(Observation, based, ("date", start))
    told = record.find(QuestionnaireResponse, based, ("authored", start))
    found = [one for one in (*map(_reading, seen), *map(_answer, told)) if one is not None]
    return sorted(found, key=lambda one: one.at)


def _reading(found: Observation) -> Reading | None:
    slot = next((one.value for one in found.identifier if one.system == SLOT and one.value), "")
    code = {one.code for one in found.code.coding}
    measure = next((one for one in MEASURES.values() if one.code in code), None)
    if not slot or measure is None or not found.effectiveDateTime or found.status == "entered-in-error":
        return None
    quantities = {part.key: found.valueQuantity for part in measure.parts} if found.valueQuantity else {}
    for one in found.component:
        part = next((p for p in measure.parts if p.code in {each.code for each in one.code.coding}), None)
        if part is not None and one.valueQuantity is not None:
            quantities[part.key] = one.valueQuantity
    values = {key: one.value for key, one in quantities.items() if one is not None and one.value is not None}
    used = next((one.code for one in quantities.values() if one is not None), "")
    unit = next((one for one in measure.units if one.ucum == used), measure.unit)
    codes = {one.code or "" for each in found.interpretation for one in each.coding}
    return Reading(
        found.id or "",
        measure.key,
        moment(found.effectiveDateTime),
        slot,
        plans.level_of(codes),
        values,
        unit,
        beyond=next((one.comparator or "" for one in quantities.values() if one is not None), ""),
    )


def _answer(found: QuestionnaireResponse) -> Reading | None:
    slot = (
        found.identifier.value if found.identifier is not None and found.identifier.system == SLOT else None
    )
    if not slot or not found.authored:
        return None
    answers = {one.linkId or "": one.answer[0].valueBoolean for one in found.item if one.answer}
    codes = {one.valueCode or "" for one in found.extension if one.url == plans.JUDGED}
    return Reading(
        found.id or "", QUESTIONS, moment(found.authored), slot, plans.level_of(codes), {},
        answers={key: bool(one) for key, one in answers.items()},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """Something that was due, and what became of it: ``done``, ``now``, ``later`` or ``missed``; never "normal"."""

    due: Due
    state: str
    reading: Reading | None = None


def cells_of(plan: Plan, readings: list[Reading], *, first: date, last: date, now: datetime) -> list[Cell]:
    """Everything due on these days with what became of it."""
    known = {one.slot: one for one in readings}
    found = []
    for due in plans.due_between(plan, first, last):
        reading = known.get(due.slot(plan.id))
        state = "done" if reading else "later" if now < due.opens else "now" if now < due.closes else "missed"
        if state != "missed" or plan.begun is None or due.at >= plan.begun:
            found.append(Cell(due, state, reading))
    return found


def missed_in_row(cells: list[Cell], item: str) -> list[Cell]:
    """How many of an item were missed one after the other up to now."""
    run: list[Cell] = []
    for one in cells:
        if one.due.item != item or one.state in ("now", "later"):
            continue
        run = [*run, one] if one.state == "missed" else []
    return run


def since(plan: Plan, now: datetime) -> date:
    """The first day a page of a plan shows."""
    end = min(local_day(now), plan.last)
    return max(plan.first, end - timedelta(days=SHOWN_DAYS - 1))


# -- alerts ------------------------------------------------------------------------------------------------


def _asked(status: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
    system, code = ALERT
    return [("category", f"{system}|{code}"), ("status", status), *more]


def open_alerts(record: Record, *, plan: str = "") -> list[CommunicationRequest]:
    """Alerts nobody has closed, the gravest first, then the oldest."""
    more = [("based-on", f"CarePlan/{plan}")] if plan else []
    found = record.find(CommunicationRequest, *_asked("active", _here(record), *more))
    rank = {"stat": 0, "urgent": 1}
    return sorted(found, key=lambda one: (rank.get(one.priority or "", 2), one.authoredOn or ""))


def alert_of(record: Record, alert_id: str) -> CommunicationRequest:
    """One of them, of the own facility. Raises NotFound."""
    found = record.read(CommunicationRequest, alert_id)
    codes = {(one.system, one.code) for each in found.category for one in each.coding}
    if ALERT not in codes or not record.actor.facility or facility_of(found) != record.actor.facility:
        raise _none(alert_id)
    return found


def danger_waits(record: Record, plan: Plan) -> bool:
    """Whether a reading of danger of this plan is still unanswered by the team."""
    more = (("based-on", f"CarePlan/{plan.id}"), ("priority", "stat"))
    return record.first(CommunicationRequest, *_asked("active", *more)) is not None


def plan_ids(alerts: list[CommunicationRequest]) -> dict[str, str]:
    """Alert -> its plan."""
    found: dict[str, str] = {}
    for one in alerts:
        target = next((t for each in one.basedOn if (t := references.target(each)) is not None), None)
        if target is not None and target[0] == "CarePlan":
            found[one.id or ""] = target[1]
    return found


def day_of(due: Due) -> date:
    return due.at.astimezone(HANOI).date()
