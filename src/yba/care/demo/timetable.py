"""Slots from a timetable: pure, so that whoever opens the days (booking) gets the same slots every time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from yba.care.demo.building import VIETNAM, moment
from yba.fhir.r4.datatypes import Reference
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def slots_of(role: PractitionerRole, schedule: Schedule, day: date, *, minutes: int = 20) -> list[Slot]:
    """The free slots of one day by the role's ``availableTime``, in order; none on a day off.

    Ids are ``<schedule id>.20261124-0930``, so opening a day twice makes nothing new. A rest shorter than
    ``minutes`` at the end of a session is not used. ``notAvailable`` periods (FHIR dates, inclusive) close
    a day.
    """
    if any(
        _covers(period.during.start, period.during.end, day) for period in role.notAvailable if period.during
    ):
        return []
    found: dict[str, Slot] = {}
    for session in role.availableTime:
        if (
            _DAYS[day.weekday()] in session.daysOfWeek
            and session.availableStartTime
            and session.availableEndTime
        ):
            start = _at(day, session.availableStartTime)
            end = _at(day, session.availableEndTime)
            while start + timedelta(minutes=minutes) <= end:
                slot = _slot(schedule, start, minutes)
                found[slot.id or ""] = slot
                start += timedelta(minutes=minutes)
    return [found[id] for id in sorted(found)]


def _slot(schedule: Schedule, start: datetime, minutes: int) -> Slot:
    return Slot(
        id=f"{schedule.id}.{start:%Y%m%d-%H%M}",
        meta=schedule.meta,
        schedule=Reference(reference=f"Schedule/{schedule.id}"),
        specialty=schedule.specialty,
        status="free",
        start=moment(start),
        end=moment(start + timedelta(minutes=minutes)),
    )


def _at(day: date, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day.isoformat()}T{clock}").replace(tzinfo=VIETNAM)


def _covers(start: str | None, end: str | None, day: date) -> bool:
    said = day.isoformat()
    return (not start or start[:10] <= said) and (not end or said <= end[:10])
