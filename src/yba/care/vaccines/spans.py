"""Ages and intervals as circulars say them: 28 days, 6 weeks, 9 months, 7 years; by the calendar, to the day."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Final

_SPAN: Final = re.compile(r"(\d{1,4})([dwmy])")
#: How many days a unit lasts at least: to compare spans of two units.
_LEAST: Final = {"d": 1, "w": 7, "m": 28, "y": 365}


class Span:
    """A number of days, weeks, months or years (``d w m y``)."""

    __slots__ = ("count", "unit")

    def __init__(self, count: int, unit: str) -> None:
        self.count: Final = count
        self.unit: Final = unit

    def after(self, day: date) -> date:
        """The day this long after a day.

        Months and years go by the calendar: from the 5th to the 5th. Where the month has no such day it is the first
        of the next (31 January + 1 month = 1 March; 29 February + 1 year = 1 March), so that nobody is put earlier
        than the whole span. The same rule as in CDC, CDSi Logic Specification, "Date rules".
        """
        if self.unit in "dw":
            return _later(day, self.count * _LEAST[self.unit])
        months = day.year * 12 + day.month - 1 + self.count * (12 if self.unit == "y" else 1)
        year, month = divmod(months, 12)
        if year > date.max.year - 1:
            return date.max
        if day.day <= monthrange(year, month + 1)[1]:
            return date(year, month + 1, day.day)
        return date(year + (month == 11), (month + 1) % 12 + 1, 1)

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    def __repr__(self) -> str:
        return f"Span({self.count}, {self.unit!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span) and (self.count, self.unit) == (other.count, other.unit)

    def __hash__(self) -> int:
        return hash((self.count, self.unit))


def _later(day: date, days: int) -> date:
    return day + timedelta(days=min(days, (date.max - day).days))


def span(text: object) -> Span:
    """Read ``28d``, ``6w``, ``9m``, ``7y``. Raises ValueError."""
    found = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"'{text}' is no span; write a number and d, w, m or y, as 28d")
    return Span(int(found[1]), found[2])
