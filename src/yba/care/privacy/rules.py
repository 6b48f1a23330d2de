"""When an answer is due, how long a record must be kept, who may take a copy of a book: decided without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from yba.care.days_off import Calendar, calendar
from yba.care.privacy.tables import Class, Deadline, classes, deadlines

#: A notice to the authority after a breach was found. Luật 91/2025/QH15 Đ23; NĐ 356/2025 Đ28.
NOTICE_WITHIN: Final = timedelta(hours=72)
#: Files of a breach of biometric or location data are kept so long. NĐ 356/2025 Đ29.
BREACH_KEPT_YEARS: Final = 5
#: Below this age a guardian acts for a child. NĐ 330 Đ60; Luật Trẻ em 2016 Đ1.
CHILD_UNDER: Final = 16
#: A copy waits so long to be fetched.
COPY_WAITS: Final = timedelta(hours=24)
#: More resources than these are put together in the background.
AT_ONCE: Final = 300


def deadline_of(kind: str, on: date) -> Deadline:
    """The row that holds on a day. Raises LookupError for a kind the law does not know."""
    found = [one for one in deadlines() if one.kind == kind and one.since <= on]
    if not found:
        found = [one for one in deadlines() if one.kind == kind]
    if not found:
        raise LookupError(f"no deadline for {kind!r}")
    return max(found, key=lambda one: one.since)


def due(kind: str, asked: date, *, extended: bool = False, days_off: Calendar | None = None) -> date:
    """The last day for an answer; the day of the request does not count (Bộ luật Dân sự 2015 Đ147 k2)."""
    row, days_off = deadline_of(kind, asked), days_off or calendar()
    count = row.extended if extended else row.days
    if row.unit == "working":
        return after_working_days(asked, count, days_off)
    last = asked + timedelta(days=count)
    while not days_off.is_working(last):
        last += timedelta(days=1)
    return last


def after_working_days(start: date, count: int, days_off: Calendar) -> date:
    """The ``count``-th working day after a day."""
    day = start
    while count > 0:
        day += timedelta(days=1)
        count -= days_off.is_working(day)
    return day


def working_days_left(today: date, last: date, days_off: Calendar | None = None) -> int:
    """Working days from tomorrow to the last day; negative when it has passed."""
    days_off = days_off or calendar()
    first, end, sign = (today, last, 1) if today <= last else (last, today, -1)
    count = sum(
        days_off.is_working(first + timedelta(days=step)) for step in range(1, (end - first).days + 1)
    )
    return sign * count if count else (0 if today <= last else -1)


@dataclass(frozen=True, slots=True)
class Kept:
    """Until when a record must be kept, and by which class; ``until`` None: for ever."""

    by: Class
    until: date | None

    def is_past(self, today: date) -> bool:
        return self.until is not None and self.until < today


def kept(*, ended: date, codes: Iterable[str], died: bool = False) -> Kept:
    """How long the record of a visit is kept: the class that keeps it longest of those it falls under."""
    codes = list(codes)
    found = [
        Kept(one, until_of(one, ended))
        for one in classes()
        if not one.beside and _falls_under(one, codes, died)
    ]
    return max(found, key=lambda one: one.until or date.max)


def _falls_under(one: Class, codes: Sequence[str], died: bool) -> bool:
    if one.death:
        return died
    return not one.icd10 or any(code.startswith(one.icd10) for code in codes)


def until_of(one: Class, ended: date) -> date | None:
    """Counted from 31 December of the year in which the work ended (TT 33/2025/TT-BYT Đ3)."""
    return None if one.years is None else date(ended.year + one.years, 12, 31)


def age_on(birth_date: str, today: date) -> int | None:
    """Whole years; of a birth year alone the fewest it can be."""
    if not birth_date[:4].isdigit():
        return None
    year = int(birth_date[:4])
    month, day = (
        (int(birth_date[5:7] or 12), int(birth_date[8:10] or 31)) if len(birth_date) >= 7 else (12, 31)
    )
    return today.year - year - ((today.month, today.day) < (month, day))


def may_take_copy(*, own: bool, birth_date: str, today: date) -> bool:
    """One's own book, and a child's one answers for: an adult of the family asks for their own (Luật 91/2025 Đ4)."""
    if own:
        return True
    age = age_on(birth_date, today)
    return age is not None and age < CHILD_UNDER
