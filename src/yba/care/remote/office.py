"""When a facility answers what people write: office hours and the answer time, kept as a HealthcareService of its own.

`availableTime` holds the hours by day of the week, the extension `ANSWER` how many office hours an answer may take
(FHIR R4 has no element for a promise). Where a facility has said nothing, `USUAL` holds. Offices are shut on the
country's holidays (`yba.care.days_off`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Final

from yba.care.days_off import Calendar, calendar
from yba.fhir.condition import FACILITY_TAG
from yba.fhir.model.references import reference
from yba.fhir.r4.codes import DaysOfWeek
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Duration, Extension, Meta
from yba.fhir.r4.healthcare_service import HealthcareService, HealthcareServiceAvailableTime
from yba.fhir.record import Record
from yba.ui.words import HANOI

KIND: Final = "https://yba.vn/fhir/CodeSystem/service-kind"
CHAT: Final = "chat"
ANSWER: Final = "https://yba.vn/fhir/StructureDefinition/answer-within"
DAYS: Final[tuple[DaysOfWeek, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Nobody is promised an answer further away than is looked for it.
MOST_DAYS: Final = 60


@dataclass(frozen=True, slots=True)
class Span:
    """An open time: ``days`` are 0 (Monday) to 6."""

    days: frozenset[int]
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Office:
    """Hours, and how long an answer may take of them. ``set_``: the facility has said so itself."""

    spans: tuple[Span, ...]
    within: timedelta
    set_: bool = False


USUAL: Final = Office(
    (
        Span(frozenset(range(5)), time(7, 30), time(11, 30)),
        Span(frozenset(range(5)), time(13, 30), time(16, 30)),
    ),
    timedelta(hours=7),
)


def is_chat(service: HealthcareService) -> bool:
    """Whether a service is that of answering what people write: nothing one books."""
    return any((one.system, one.code) == (KIND, CHAT) for each in service.category for one in each.coding)


def service_of(record: Record, facility: str) -> HealthcareService | None:
    """The facility's own word, or None where it has said nothing."""
    found = record.find(
        HealthcareService,
        ("organization", f"Organization/{facility}"),
        ("service-category", f"{KIND}|{CHAT}"),
    )
    return next((one for one in found if one.active is not False), None)


def office_of(record: Record, facility: str) -> Office:
    """When a facility answers."""
    found = service_of(record, facility)
    return USUAL if found is None else read(found)


def read(service: HealthcareService) -> Office:
    """Hours and answer time of a service; what it does not say is as usual."""
    spans = tuple(
        Span(
            frozenset(DAYS.index(day) for day in one.daysOfWeek if day),
            time.fromisoformat(one.availableStartTime or "00:00"),
            time.fromisoformat(one.availableEndTime or "23:59:59"),
        )
        for one in service.availableTime
        if one.daysOfWeek
    )
    told = next((one.valueDuration for one in service.extension if one.url == ANSWER), None)
    hours = told.value if told is not None and told.value else None
    within = timedelta(hours=float(hours)) if hours else USUAL.within
    return Office(spans or USUAL.spans, within, set_=True)


def written(
    service: HealthcareService | None, office: Office, *, facility: str, name: str
) -> HealthcareService:
    """The service with these hours: the given one, or a new one of the facility."""
    made = service or HealthcareService(
        meta=Meta(tag=[Coding(system=FACILITY_TAG, code=facility)]),
        providedBy=reference("Organization", facility),
        category=[CodeableConcept(coding=[Coding(system=KIND, code=CHAT)])],
    )
    made.active, made.name, made.appointmentRequired = True, name, False
    made.availableTime = [
        HealthcareServiceAvailableTime(
            daysOfWeek=[DAYS[day] for day in sorted(one.days)],
            availableStartTime=one.opens.isoformat(), availableEndTime=one.closes.isoformat(),
        )
        for one in office.spans
    ]  # fmt: skip
    hours = Decimal(int(office.within.total_seconds() // 60)) / 60
    value = Duration(value=hours.normalize(), unit="h", system="http://unitsofmeasure.org", code="h")
    others = [one for one in made.extension if one.url != ANSWER]
    made.extension = [*others, Extension(url=ANSWER, valueDuration=value)]
    return made


def is_open(office: Office, at: datetime, days: Calendar | None = None) -> bool:
    """Whether somebody sits there now."""
    here = at.astimezone(HANOI)
    return any(start <= here < end for start, end in _spans_of(office, here, days or calendar(), count=1))


def answer_by(office: Office, asked: datetime, days: Calendar | None = None) -> datetime:
    """Until when what was asked then is answered, counted in office hours; of an office that never opens: at once."""
    here, left = asked.astimezone(HANOI), office.within
    for start, end in _spans_of(office, here, days or calendar(), count=MOST_DAYS):
        begins = max(start, here)
        if end <= begins:
            continue
        if end - begins >= left:
            return begins + left
        left -= end - begins
    return here


def _spans_of(
    office: Office, here: datetime, days: Calendar, *, count: int
) -> Iterator[tuple[datetime, datetime]]:
    for after in range(count):
        day = here.date() + timedelta(days=after)
        if day in days.announced or (day.month, day.day) in days.every_year or days.holiday(day):
            continue
        for one in _in_order(office.spans):
            if day.weekday() in one.days:
                yield datetime.combine(day, one.opens, HANOI), datetime.combine(day, one.closes, HANOI)


def _in_order(spans: Iterable[Span]) -> Sequence[Span]:
    return sorted(spans, key=lambda one: one.opens)
