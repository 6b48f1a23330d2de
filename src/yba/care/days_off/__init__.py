"""The days offices do not work, and the holidays timetables are closed on: fixed, announced, by the lunar calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Final

import yaml

HERE: Final = Path(__file__).resolve().parent
_FIXED: Final = {
    (1, 1): "Tết Dương lịch",
    (4, 30): "Ngày Chiến thắng",
    (5, 1): "Quốc tế Lao động",
    (9, 2): "Quốc khánh",
}
#: Tết is five days (Bộ luật Lao động Đ112): where nothing is announced yet, from the eve on.
_TET_DAYS: Final = range(-1, 4)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days offices work."""

    every_year: frozenset[tuple[int, int]]
    announced: frozenset[date]
    worked: frozenset[date]
    #: Every holiday by name, those of years not yet announced as the law has them.
    named: Mapping[date, str] = field(default_factory=dict)
    #: The first and the last year whose lunar days are known.
    known: tuple[int, int] = (0, 0)

    def is_working(self, day: date) -> bool:
        """Whether offices work on a day."""
        if day in self.worked:
            return True
        return day.weekday() < 5 and (day.month, day.day) not in self.every_year and day not in self.announced

    def holiday(self, day: date) -> str:
        """The holiday a day is, in Vietnamese; empty for every other day."""
        return self.named.get(day) or _FIXED.get((day.month, day.day), "")


@cache
def calendar() -> Calendar:
    """The calendar of Vietnam's offices."""
    found = yaml.safe_load((HERE / "holidays.yaml").read_text(encoding="utf-8"))
    fixed = frozenset((int(one[:2]), int(one[3:])) for one in found["every_year"])
    announced = {one["day"]: one["for"] for one in found["announced"]}
    told = {day.year for day in announced}
    named = dict(announced)
    for one in found["lunar"]:
        if one["tet"].year not in told:
            named |= {one["tet"] + timedelta(days=after): f"Tết {one['name']}" for after in _TET_DAYS}
            named[one["hung"]] = "Giỗ Tổ Hùng Vương"
    years = sorted(one["tet"].year for one in found["lunar"])
    return Calendar(fixed, frozenset(announced), frozenset(found["worked"]), named, (years[0], years[-1]))
