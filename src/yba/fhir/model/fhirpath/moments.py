"""Date, DateTime and Time, as precise as they are written (FHIRPath N1, sections Date, DateTime and Time)."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta
from decimal import Context, Decimal

Part = int | Decimal

_DATE = r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?"
_CLOCK = r"([0-9]{2})(?::([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?))?)?"
_DATE_SHAPE = re.compile(_DATE)
_DATE_TIME_SHAPE = re.compile(_DATE + rf"(?:T(?:{_CLOCK})?(Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?")
_TIME_SHAPE = re.compile(_CLOCK)
_LEAST = (0, 1, 1, 0, 0, Decimal(0))
_UNKNOWN_ZONES = (14 * 60, -12 * 60)
"""A time without a zone is somewhere between these, in minutes."""


class Moment:
    """``parts`` go from the year (of a Time: the hour) to the last that is written; seconds are a Decimal.

    ``zone`` is as written (``Z``, ``+07:00``) or None.
    """

    __slots__ = ("parts", "zone")

    def __init__(self, parts: tuple[Part, ...], zone: str | None = None) -> None:
        self.parts = parts
        self.zone = zone

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"


class Date(Moment):
    """A day, or only its month or year."""

    __slots__ = ()

    def __str__(self) -> str:
        return _days(self.parts)


class DateTime(Moment):
    """A moment, or only its minute, hour, day, month or year."""

    __slots__ = ()

    def __str__(self) -> str:
        if len(self.parts) <= 3:
            return _days(self.parts)
        return f"{_days(self.parts[:3])}T{_clock(self.parts[3:])}{self.zone or ''}"

    @property
    def minutes(self) -> int | None:
        """How many minutes the zone is ahead of UTC."""
        return zone_minutes(self.zone)


class Time(Moment):
    """A time of day."""

    __slots__ = ()

    def __str__(self) -> str:
        return _clock(self.parts)


def _days(parts: tuple[Part, ...]) -> str:
    return "-".join(f"{part:04d}" if place == 0 else f"{part:02d}" for place, part in enumerate(parts))


def _clock(parts: tuple[Part, ...]) -> str:
    return ":".join(_seconds(part) if isinstance(part, Decimal) else f"{part:02d}" for part in parts)


def _seconds(second: Decimal) -> str:
    text = format(second, "f")
    return text if len(text.partition(".")[0]) == 2 else "0" + text


def zone_minutes(zone: str | None) -> int | None:
    """``+07:00`` is 420."""
    if zone is None:
        return None
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


# -- reading -------------------------------------------------------------------------------------------------


def literal(text: str) -> Moment | None:
    """A literal without its ``@``: with a T it is a DateTime, beginning with T a Time, else a Date."""
    if text.startswith("T"):
        return read_time(text[1:])
    return read_date_time(text) if "T" in text else read_date(text)


def read_date(text: str) -> Date | None:
    """``2024``, ``2024-02`` or ``2024-02-29``; None for no such date."""
    found = _DATE_SHAPE.fullmatch(text)
    if found is None:
        return None
    parts = tuple(int(part) for part in found.groups() if part is not None)
    return Date(parts) if _is_day(parts) else None


def read_date_time(text: str) -> DateTime | None:
    """A date, or a date and a time down to any precision, with or without a zone."""
    found = _DATE_TIME_SHAPE.fullmatch(text)
    if found is None:
        return None
    *written, second, zone = found.groups()
    parts: tuple[Part, ...] = tuple(int(part) for part in written if part is not None)
    if second is not None:
        parts += (Decimal(second),)
    if len(parts) > 3 and found[3] is None:
        return None
    if zone is not None and (len(parts) <= 3 or not _is_zone(zone)):
        return None
    return DateTime(parts, zone) if _is_day(parts[:3]) and _is_clock(parts[3:]) else None


def read_time(text: str) -> Time | None:
    """``10``, ``10:30``, ``10:30:05`` or ``10:30:05.123``."""
    found = _TIME_SHAPE.fullmatch(text)
    if found is None:
        return None
    hour, minute, second = found.groups()
    parts: tuple[Part, ...] = tuple(int(part) for part in (hour, minute) if part is not None)
    if second is not None:
        parts += (Decimal(second),)
    return Time(parts) if _is_clock(parts) else None


def _is_day(parts: tuple[Part, ...]) -> bool:
    year, month, day = (*(int(part) for part in parts), 1, 1)[:3]
    return year >= 1 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def _is_clock(parts: tuple[Part, ...]) -> bool:
    return all(part < limit for part, limit in zip(parts, (24, 60, 61), strict=False))


def _is_zone(zone: str) -> bool:
    return zone == "Z" or (int(zone[1:3]) <= 14 and int(zone[4:6]) < 60)


def of_datetime(now: datetime) -> DateTime:
    """A moment to the millisecond, with the zone it has."""
    second = Decimal(now.second) + Decimal(now.microsecond // 1000).scaleb(-3)
    offset = now.utcoffset()
    zone = None
    if offset is not None:
        minutes = int(offset.total_seconds() // 60)
        zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    return DateTime((now.year, now.month, now.day, now.hour, now.minute, second), zone)


# -- comparing -----------------------------------------------------------------------------------------------


def compare(one: Moment, other: Moment) -> int | None:
    """-1, 0 or 1; None where it depends on what is not written (a precision, a zone)."""
    ours, theirs = zone_minutes(one.zone), zone_minutes(other.zone)
    if ours is None and theirs is None:
        return _by_parts(one.parts, other.parts)
    if ours is not None and theirs is not None:
        return _by_parts(one.parts, other.parts if ours == theirs else _moved(other.parts, ours - theirs))
    low, high = _bounds(one)
    other_low, other_high = _bounds(other)
    if high < other_low:
        return -1
    return 1 if low > other_high else None


def key(one: Moment) -> tuple[bool, tuple[Part, ...]]:
    """The same for moments that are equal."""
    minutes = zone_minutes(one.zone)
    return minutes is not None, _moved(one.parts, -minutes) if minutes else one.parts


def _by_parts(ours: tuple[Part, ...], theirs: tuple[Part, ...]) -> int | None:
    for mine, yours in zip(ours, theirs, strict=False):
        if mine != yours:
            return -1 if mine < yours else 1
    return 0 if len(ours) == len(theirs) else None


def _moved(parts: tuple[Part, ...], minutes: int) -> tuple[Part, ...]:
    """The same moment in a zone so many minutes further."""
    year, month, day, hour, minute, second = _filled(parts)
    try:
        moved = datetime(year, month, day, hour, minute) + timedelta(minutes=minutes)  # noqa: DTZ001 - the zone is kept beside
    except OverflowError:
        return parts
    return (moved.year, moved.month, moved.day, moved.hour, moved.minute, second)[: len(parts)]


def _filled(parts: tuple[Part, ...]) -> tuple[int, int, int, int, int, Decimal]:
    year, month, day, hour, minute = (int(part) for part in (*parts, *_LEAST[len(parts) :])[:5])
    return year, month, day, hour, minute, Decimal(parts[5]) if len(parts) > 5 else Decimal(0)


def _bounds(one: Moment) -> tuple[Decimal, Decimal]:
    """The first and last second it may mean, counted in UTC."""
    zone = zone_minutes(one.zone)
    ahead, behind = _UNKNOWN_ZONES if zone is None else (zone, zone)
    return _count(one.parts) - ahead * 60, _count(latest(one.parts)) - behind * 60


def latest(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts filled up to the last millisecond they may mean."""
    year, month, day, hour, minute, _ = _filled(parts)
    month = month if len(parts) > 1 else 12
    day = day if len(parts) > 2 else monthrange(year, month)[1]
    hour = hour if len(parts) > 3 else 23
    minute = minute if len(parts) > 4 else 59
    return year, month, day, hour, minute, parts[5] if len(parts) > 5 else Decimal("59.999")


def _count(parts: tuple[Part, ...]) -> Decimal:
    year, month, day, hour, minute, second = _filled(parts)
    return Decimal((datetime(year, month, day).toordinal() * 24 + hour) * 3600 + minute * 60) + second  # noqa: DTZ001 - a day, not a moment


# -- reckoning -----------------------------------------------------------------------------------------------

_MONTHS = {"year": 12, "month": 1}
_SECONDS = {
    "week": Decimal(604800), "day": Decimal(86400), "hour": Decimal(3600), "minute": Decimal(60),
    "second": Decimal(1), "millisecond": Decimal("0.001"),
}  # fmt: skip
_WIDE = Context(prec=2500)
_OF_PRECISION = {3: Decimal(86400), 4: Decimal(3600), 5: Decimal(60), 6: Decimal("0.001")}


def plus(one: Moment, amount: Decimal, unit: str) -> Moment | None:
    """So much later; ``unit`` is a calendar word. None beyond the years 1 to 9999.

    A fraction counts only of seconds; what is finer than the precision is dropped (section Date/Time Arithmetic).
    """
    if unit not in {"second", "millisecond"}:
        amount = Decimal(int(amount))
    if isinstance(one, Time):
        return _plus_time(one, amount, unit)
    try:
        if unit in _MONTHS:
            parts = _plus_months(one.parts, int(amount) * _MONTHS[unit])
        else:
            parts = _plus_seconds(one.parts, amount * _SECONDS[unit])
    except (OverflowError, ValueError):
        return None
    return type(one)(parts, one.zone)


def _plus_time(one: Time, amount: Decimal, unit: str) -> Time | None:
    if unit not in {"hour", "minute", "second", "millisecond"}:
        raise ValueError(f"a Time has no {unit}")
    turn = _WIDE.remainder(_WIDE.multiply(amount, _SECONDS[unit]), Decimal(86400))
    parts = _plus_seconds((2000, 1, 1, *one.parts), turn)
    return Time(parts[3:])


def _plus_months(parts: tuple[Part, ...], months: int) -> tuple[Part, ...]:
    year = int(parts[0])
    if len(parts) == 1:
        return (_year(year + int(months / 12)),)
    total = year * 12 + int(parts[1]) - 1 + months
    year, month = _year(total // 12), total % 12 + 1
    if len(parts) == 2:
        return year, month
    return year, month, min(int(parts[2]), monthrange(year, month)[1]), *parts[3:]


def _year(year: int) -> int:
    if not 1 <= year <= 9999:
        raise OverflowError
    return year


def _plus_seconds(parts: tuple[Part, ...], seconds: Decimal) -> tuple[Part, ...]:
    if len(parts) < 3:
        days = int(seconds / 86400)
        return _plus_months(parts, int(days / 365) * 12 if len(parts) == 1 else int(days / 30))
    step = _OF_PRECISION[len(parts)]
    if len(parts) < 6:
        seconds = int(seconds / step) * step
    year, month, day, hour, minute, second = _filled(parts)
    total = second + seconds
    whole = int(total.to_integral_value(rounding="ROUND_FLOOR"))
    moved = datetime(year, month, day, hour, minute) + timedelta(seconds=whole)  # noqa: DTZ001 - the zone is kept beside
    rest = total - whole
    if rest and rest.as_tuple().exponent > -3:  # type: ignore[operator]  # a finite Decimal has a number here
        rest = rest.quantize(Decimal("0.001"))
    return (moved.year, moved.month, moved.day, moved.hour, moved.minute, moved.second + rest)[: len(parts)]
