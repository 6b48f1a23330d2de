"""A timetable: weekly hours in split sessions, validity, exceptions, holidays, and the slots they give. Pure.

Kept in FHIR: `Schedule` (of a PractitionerRole with its Practitioner and room, or of a room alone; the
HealthcareService it is for; `planningHorizon` is its validity) with extensions of the house for what R4 has no element
for. A Schedule that says no hours takes those of `PractitionerRole.availableTime`; `notAvailable` of the role closes
days in any case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final

from yba.areas.booking import capacity
from yba.areas.booking.capacity import Places
from yba.care.days_off import calendar
from yba.fhir.r4.datatypes import Extension, Period
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule
from yba.ui.words import HANOI

_EXTENSION: Final = "https://yba.vn/fhir/extension/"
#: Weekly hours of a Schedule: `days` (code, repeated), `from`, `to` (time).
HOURS: Final = _EXTENSION + "timetable-hours"
#: Days that are otherwise: `period` (Period of days), `from` and `to` (time; none: closed), `reason` (string).
EXCEPTION: Final = _EXTENSION + "timetable-exception"
#: How slots are cut: `minutes`, `seats`, `rest-before`, `rest-after`, `kept` (`share`, `percent`), `freed` (minutes
#: before the start from which kept seats are everybody's), `holidays` (boolean: open on public holidays).
SHAPE: Final = _EXTENSION + "timetable-shape"
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
USUAL_MINUTES: Final = 20


@dataclass(frozen=True, slots=True)
class Session:
    """Hours on some days of the week."""

    days: tuple[str, ...]
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Exceptional:
    """Days that are otherwise: closed where no hours are said, else these hours alone."""

    first: date
    last: date
    start: time | None = None
    end: time | None = None
    reason: str = ""

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Timetable:
    """Everything that decides which slots there are."""

    sessions: tuple[Session, ...] = ()
    minutes: int = USUAL_MINUTES
    seats: int = 1
    rest_before: int = 0
    rest_after: int = 0
    kept: Mapping[str, int] = field(default_factory=dict)
    freed_minutes: int | None = None
    open_on_holidays: bool = True
    valid_from: date | None = None
    valid_to: date | None = None
    exceptions: tuple[Exceptional, ...] = ()

    def hours_on(self, day: date) -> list[tuple[time, time]]:
        """From and to of the sessions of a day, in order. An exception is stronger than the week and the holidays."""
        if (self.valid_from and day < self.valid_from) or (self.valid_to and self.valid_to < day):
            return []
        said = [one for one in self.exceptions if one.covers(day)]
        if said:
            return sorted(
                (one.start, one.end) for one in said if one.start is not None and one.end is not None
            )
        if not self.open_on_holidays and calendar().holiday(day):
            return []
        week = DAYS[day.weekday()]
        return sorted((one.start, one.end) for one in self.sessions if not one.days or week in one.days)


@dataclass(frozen=True, slots=True)
class Opening:
    """A time that can be booked, with how many and for whom."""

    start: datetime
    end: datetime
    places: Places = field(default_factory=Places)

    def id_in(self, schedule_id: str) -> str:
        """The slot's id: the same opening is made once."""
        return f"{schedule_id}.{self.start.astimezone(HANOI):%Y%m%d-%H%M}"


def openings(timetable: Timetable, day: date, *, role: PractitionerRole | None = None) -> list[Opening]:
    """The openings of a day, in order; none outside the validity, or when the practitioner is away."""
    if role is not None and (role.active is False or not _in_period(role, day) or _is_away(role, day)):
        return []
    found: dict[datetime, Opening] = {}
    for start, end in timetable.hours_on(day):
        for one in _of_session(
            timetable, datetime.combine(day, start, HANOI), datetime.combine(day, end, HANOI)
        ):
            found.setdefault(one.start, one)
    return [found[at] for at in sorted(found)]


def _of_session(timetable: Timetable, begins: datetime, ends: datetime) -> Iterator[Opening]:
    visit = timedelta(minutes=timetable.minutes)
    before, after = timedelta(minutes=timetable.rest_before), timedelta(minutes=timetable.rest_after)
    starts = []
    at = begins
    while at + visit <= ends:
        starts.append(at)
        at += visit + max(before + after, timedelta())
    shares = capacity.shares_of(timetable.kept, slots=len(starts), seats=timetable.seats)
    for start, kept in zip(starts, shares, strict=True):
        freed = (
            start - timedelta(minutes=timetable.freed_minutes)
            if kept and timetable.freed_minutes is not None
            else None
        )
        yield Opening(start, start + visit, Places(timetable.seats, kept, freed, before, after))


def _in_period(role: PractitionerRole, day: date) -> bool:
    period = role.period
    if period is None:
        return True
    text = day.isoformat()
    starts, ends = (period.start or "")[:10], (period.end or "")[:10]
    return (not starts or starts <= text) and (not ends or text <= ends)


def _is_away(role: PractitionerRole, day: date) -> bool:
    text = day.isoformat()
    for one in role.notAvailable:
        during = one.during
        if during and (during.start or "")[:10] <= text <= ((during.end or "9999")[:10]):
            return True
    return False


# -- in FHIR ---------------------------------------------------------------------------------------------


def timetable_of(schedule: Schedule, role: PractitionerRole | None = None) -> Timetable:
    """What a Schedule says; hours of the role where it has none of its own."""
    shape = {one.url: one for ext in schedule.extension if ext.url == SHAPE for one in ext.extension}
    hours = tuple(_session(one) for one in schedule.extension if one.url == HOURS)
    if not hours and not shape and role is not None:
        hours = tuple(_hours_of_role(role))
    horizon = schedule.planningHorizon
    holidays = shape["holidays"].valueBoolean if "holidays" in shape else None
    freed = shape["freed"].valueUnsignedInt if "freed" in shape else None
    return Timetable(
        sessions=hours,
        minutes=_count(shape, "minutes") or USUAL_MINUTES,
        seats=_count(shape, "seats") or 1,
        rest_before=_count(shape, "rest-before"),
        rest_after=_count(shape, "rest-after"),
        kept=dict(_kept(schedule)),
        freed_minutes=freed,
        open_on_holidays=holidays is not False,
        valid_from=_day(horizon.start) if horizon else None,
        valid_to=_day(horizon.end) if horizon else None,
        exceptions=tuple(_exception(one) for one in schedule.extension if one.url == EXCEPTION),
    )


def _count(parts: Mapping[str, Extension], name: str) -> int:
    return (parts[name].valueUnsignedInt or 0) if name in parts else 0


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text and len(text) >= 10 else None


def _session(one: Extension) -> Session:
    days = tuple(part.valueCode for part in one.extension if part.url == "days" and part.valueCode)
    return Session(days, _time(one, "from") or time(), _time(one, "to") or time())


def _time(one: Extension, name: str) -> time | None:
    text = next((part.valueTime for part in one.extension if part.url == name), None)
    return time.fromisoformat(text) if text else None


def _hours_of_role(role: PractitionerRole) -> Iterator[Session]:
    for part in role.availableTime:
        if part.availableStartTime and part.availableEndTime:
            days = tuple(one for one in part.daysOfWeek if one)
            yield Session(
                days, time.fromisoformat(part.availableStartTime), time.fromisoformat(part.availableEndTime)
            )


def _kept(schedule: Schedule) -> Iterator[tuple[str, int]]:
    for ext in schedule.extension:
        for one in ext.extension if ext.url == SHAPE else ():
            if one.url == "kept":
                parts = {part.url: part for part in one.extension}
                share, percent = parts.get("share"), parts.get("percent")
                if share and share.valueCode and percent and percent.valueUnsignedInt:
                    yield share.valueCode, percent.valueUnsignedInt


def _exception(one: Extension) -> Exceptional:
    parts = {part.url: part for part in one.extension}
    period = parts["period"].valuePeriod if "period" in parts else None
    first = _day(period.start) if period else None
    last = _day(period.end) if period else None
    reason = parts["reason"].valueString if "reason" in parts else ""
    return Exceptional(
        first or date.min, last or date.max, _time(one, "from"), _time(one, "to"), reason or ""
    )


def write_into(schedule: Schedule, timetable: Timetable) -> None:
    """Put a timetable into its Schedule; other extensions stay."""
    others = [one for one in schedule.extension if one.url not in (HOURS, EXCEPTION, SHAPE)]
    schedule.extension = [
        *others,
        *(_hours(one) for one in timetable.sessions),
        *(_exceptional(one) for one in timetable.exceptions),
        _shape(timetable),
    ]
    first, last = timetable.valid_from, timetable.valid_to
    schedule.planningHorizon = (
        Period(start=first.isoformat() if first else None, end=last.isoformat() if last else None)
        if first or last
        else None
    )


def _hours(one: Session) -> Extension:
    return Extension(
        url=HOURS,
        extension=[
            *(Extension(url="days", valueCode=day) for day in one.days),
            Extension(url="from", valueTime=one.start.isoformat()),
            Extension(url="to", valueTime=one.end.isoformat()),
        ],
    )


def _exceptional(one: Exceptional) -> Extension:
    period = Period(start=one.first.isoformat(), end=one.last.isoformat())
    parts = [Extension(url="period", valuePeriod=period)]
    if one.start is not None and one.end is not None:
        parts.append(Extension(url="from", valueTime=one.start.isoformat()))
        parts.append(Extension(url="to", valueTime=one.end.isoformat()))
    if one.reason:
        parts.append(Extension(url="reason", valueString=one.reason))
    return Extension(url=EXCEPTION, extension=parts)


def _shape(timetable: Timetable) -> Extension:
    parts = [
        Extension(url=name, valueUnsignedInt=value)
        for name, value in (
            ("minutes", timetable.minutes),
            ("seats", timetable.seats),
            ("rest-before", timetable.rest_before),
            ("rest-after", timetable.rest_after),
        )
    ]
    for share in capacity.SHARES:
        if timetable.kept.get(share):
            pair = [
                Extension(url="share", valueCode=share),
                Extension(url="percent", valueUnsignedInt=timetable.kept[share]),
            ]
            parts.append(Extension(url="kept", extension=pair))
    if timetable.freed_minutes is not None:
        parts.append(Extension(url="freed", valueUnsignedInt=timetable.freed_minutes))
    parts.append(Extension(url="holidays", valueBoolean=timetable.open_on_holidays))
    return Extension(url=SHAPE, extension=parts)


# -- as people type hours ---------------------------------------------------------------------------------

_RANGE: Final = re.compile(r"\s*(\d{1,2})(?:[:hg.](\d{2})?)?\s*[-–—]\s*(\d{1,2})(?:[:hg.](\d{2})?)?\s*")


def hours_from(text: str) -> list[tuple[time, time]]:
    """ "7:30-11:30, 13h30–16h30" as times. Raises ValueError with the part that is not understood."""
    found: list[tuple[time, time]] = []
    for part in filter(None, (one.strip() for one in re.split(r"[,;]", text))):
        known = _RANGE.fullmatch(part)
        if known is None:
            raise ValueError(part)
        h1, m1, h2, m2 = (int(one or 0) for one in known.groups())
        if h1 > 23 or h2 > 23 or m1 > 59 or m2 > 59 or (h1, m1) >= (h2, m2):
            raise ValueError(part)
        found.append((time(h1, m1), time(h2, m2)))
    found.sort()
    for (_, end), (start, __) in pairwise(found):
        if start < end:
            raise ValueError(text.strip())
    return found


def hours_text(hours: Sequence[tuple[time, time]]) -> str:
    """Times as they are typed."""
    return ", ".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in hours)


def by_day(sessions: Sequence[Session]) -> dict[str, list[tuple[time, time]]]:
    """Hours of each day of the week."""
    return {
        day: sorted((one.start, one.end) for one in sessions if not one.days or day in one.days)
        for day in DAYS
    }


def by_hours(days: Mapping[str, Sequence[tuple[time, time]]]) -> tuple[Session, ...]:
    """Sessions again, the days of the same hours together."""
    found: dict[tuple[time, time], list[str]] = {}
    for day in DAYS:
        for hours in days.get(day, ()):
            found.setdefault(hours, []).append(day)
    return tuple(Session(tuple(found[hours]), *hours) for hours in sorted(found))
