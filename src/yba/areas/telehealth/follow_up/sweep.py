"""The job of follow-up: reminds of what is due, counts what was missed, ends plans whose time is over."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from yba.areas.telehealth.follow_up import actions, plans, queries
from yba.areas.telehealth.follow_up.plans import Plan
from yba.areas.telehealth.models import FollowUp
from yba.care import messages, people
from yba.care.line.transaction import whole
from yba.fhir.errors import Gone, NotFound, RecordError
from yba.fhir.r4.care_plan import CarePlan
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.ui.words import HANOI, local_day

log = logging.getLogger(__name__)
MOST: Final = 500
#: A plan that could not be looked at is tried again after this.
AGAIN: Final = timedelta(hours=1)
#: A reminder later than this is none: a house that slept leaves it.
WORTH: Final = timedelta(hours=2)
#: Days looked back for a run of what was missed, at least; a run that fills them was told of before.
BACK: Final = 35
_CLAIM: Final = "select * from telehealth_followup where id = %s and next_at <= %s for update"


def sweep(system: Record, now: datetime) -> int:
    """Look at the plans whose moment has come; how many. Run as often as one likes, by as many as one likes."""
    count = 0
    due = FollowUp.objects.filter(next_at__lte=now).order_by("next_at").values_list("pk", "plan_id")
    for pk, plan_id in list(due[:MOST]):
        try:
            with whole():
                count += _claimed(system, pk, plan_id, now)
        except RecordError:  # one plan that can't be read keeps no other waiting
            log.exception("follow-up: the plan %s could not be looked at", plan_id)
            FollowUp.objects.filter(pk=pk).update(next_at=now + AGAIN)
    return count


def _claimed(system: Record, pk: int, plan_id: str, now: datetime) -> bool:
    """Look at one plan, if nobody else does. The plan is locked before its row, as whoever ends it does."""
    try:
        found = system.lock(CarePlan, plan_id)
    except (NotFound, Gone):
        FollowUp.objects.filter(pk=pk).delete()
        return False
    row = next(iter(FollowUp.objects.raw(_CLAIM, [pk, now])), None)
    if row is None:
        return False
    _look(system, row, found, now)
    return True


def _look(system: Record, row: FollowUp, found: CarePlan, now: datetime) -> None:
    plan = plans.plan_of(found)
    if plan is None or not plan.active:
        FollowUp.objects.filter(pk=row.pk).delete()
        return
    first = max(plan.first, local_day(now - _back(plan)))
    readings = queries.readings_of(system, plan, since=first)
    cells = queries.cells_of(plan, readings, first=first, last=min(local_day(now), plan.last), now=now)
    actions.missed(system, plan, cells, now, whole=first == plan.first)
    _remind(system, plan, cells, now)
    upcoming = plans.next_after(plan, now)
    if upcoming is None:
        actions.finish(system, found, now)
        return
    FollowUp.objects.filter(pk=row.pk).update(next_at=upcoming)


def _back(plan: Plan) -> timedelta:
    """So far that a run of what is measured seldom shows whole, and one before it."""
    return timedelta(days=max([BACK, *((plan.missed + 2) * one.every for one in plan.items)]))


def _remind(system: Record, plan: Plan, cells: list[queries.Cell], now: datetime) -> None:
    """One message for all that is due at an hour, with nothing of what is measured."""
    due = [one.due for one in cells if one.state == "now" and one.due.at <= now < one.due.at + WORTH]
    if not due:
        return
    try:
        phone = people.phone_of(system.read(Patient, plan.patient))
        facility = system.read(Organization, plan.facility).name or ""
    except (NotFound, Gone):
        return
    at = max(one.at for one in due)
    if phone:
        key = f"follow-up:{plan.id}:{at.astimezone(HANOI):%Y%m%dT%H%M}"
        messages.write("follow-up.due", phone, {"facility": facility or "Y Ba"}, dedupe_key=key, now=now)
