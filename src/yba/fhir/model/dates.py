"""What stretch of time a FHIR date, dateTime or instant means (FHIR R4, search.html#date)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

CLINIC_ZONE = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Where a date without a zone is lived. Kept at +07:00 for all years, so that a day of 1970 holds what was written
with +07:00 on that day, although Saigon's clocks then differed."""

_SHAPE = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})"
    r"(?:T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?"
)
# What nearly every moment looks like: Python's own reading of it is right and twelve times as fast.
_WHOLE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3}(?:[0-9]{3})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
# How long the instant is, by the length of the text without its zone.
_STEPS = {19: timedelta(seconds=1), 23: timedelta(milliseconds=1), 26: timedelta(microseconds=1)}
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def instant(moment: datetime) -> str:
    """A FHIR instant in milliseconds, UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def period_of(text: str) -> tuple[datetime, datetime]:
    """Bounds in UTC, the upper one excluded: `2024` is the whole year, `10:30:05` the whole second.

    Text may also stop at the minute or leave the zone out, as search values may. Raises ValueError for anything else.
    Beyond the years 1 to 9999, and finer than a microsecond, bounds are the nearest that Python can say.
    """
    if _WHOLE.fullmatch(text):
        try:
            low = datetime.fromisoformat(text)
        except ValueError:
            pass  # a leap second, or no time at all
        else:
            step = _STEPS[len(text) - (1 if text[-1] == "Z" else 6)]
            return _utc(low), _utc(_shifted(low, step))
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a FHIR date or time")
    year, month, day, hour, minute, second = (
        int(found[name] or least)
        for name, least in (("year", 1), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))
    )
    leap = second == 60  # a leap second is the first of the next minute to every clock that has none
    low = datetime(year, month, day, hour, minute, 59 if leap else second, tzinfo=_zone(found["zone"]))
    low = _shifted(low, timedelta(seconds=1)) if leap else low
    if found["fraction"] is not None:
        digits = found["fraction"]
        low += timedelta(microseconds=int(digits[:6].ljust(6, "0")))
        step = timedelta(microseconds=10 ** max(0, 6 - len(digits)))
    elif found["second"] is not None:
        step = timedelta(seconds=1)
    elif found["hour"] is not None:
        step = timedelta(minutes=1)
    else:
        step = timedelta(days=1)
    if found["day"] is None:
        return _utc(low), _utc(_next_start(low, whole_year=found["month"] is None))
    return _utc(low), _utc(_shifted(low, step))


def _zone(text: str | None) -> timezone:
    if text is None:
        return CLINIC_ZONE
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def _next_start(low: datetime, *, whole_year: bool) -> datetime:
    year, month = (low.year + 1, 1) if whole_year or low.month == 12 else (low.year, low.month + 1)
    return datetime(year, month, 1, tzinfo=low.tzinfo) if year <= 9999 else _LAST


def _shifted(moment: datetime, step: timedelta) -> datetime:
    try:
        return moment + step
    except OverflowError:
        return _LAST


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _FIRST if moment.year == 1 else _LAST
