"""Holidays: each lunar day of the table is reckoned again from the moon and the sun, by Vietnam's clock."""

from __future__ import annotations

from datetime import date
from math import pi, sin

import pytest
import yaml

from yba.care.days_off import HERE, calendar

LUNAR = yaml.safe_load((HERE / "holidays.yaml").read_text(encoding="utf-8"))["lunar"]
DEGREE = pi / 180


def day_of_new_moon(k: int) -> int:
    """The day, as a Julian day number at 7 hours east, of the k-th new moon since 1900 (Meeus, ch. 49)."""
    t = k / 1236.85
    j = 2415020.75933 + 29.53058868 * k + 0.0001178 * t**2 - 0.000000155 * t**3
    j += 0.00033 * sin((166.56 + 132.87 * t - 0.009173 * t**2) * DEGREE)
    sun = (359.2242 + 29.10535608 * k - 0.0000333 * t**2 - 0.00000347 * t**3) * DEGREE
    moon = (306.0253 + 385.81691806 * k + 0.0107306 * t**2 + 0.00001236 * t**3) * DEGREE
    node = (21.2964 + 390.67050646 * k - 0.0016528 * t**2 - 0.00000239 * t**3) * DEGREE
    j += (
        (0.1734 - 0.000393 * t) * sin(sun)
        + 0.0021 * sin(2 * sun)
        - 0.4068 * sin(moon)
        + 0.0161 * sin(2 * moon)
    )
    j += (
        -0.0004 * sin(3 * moon) + 0.0104 * sin(2 * node) - 0.0051 * sin(sun + moon) - 0.0074 * sin(sun - moon)
    )
    j += 0.0004 * sin(2 * node + sun) - 0.0004 * sin(2 * node - sun) - 0.0006 * sin(2 * node + moon)
    j += 0.0010 * sin(2 * node - moon) + 0.0005 * sin(sun + 2 * moon)
    return int(j + 0.000278 - 0.000265 * t + 0.5 + 7 / 24)


def sign_of_sun(day: int) -> int:
    """Which twelfth of its way the sun is in at midnight here (Meeus, ch. 25)."""
    t = (day - 0.5 - 7 / 24 - 2451545.0) / 36525
    mean = 357.52910 + 35999.05030 * t
    longitude = 280.46645 + 36000.76983 * t + (1.9146 - 0.004817 * t) * sin(DEGREE * mean)
    longitude += 0.019993 * sin(2 * DEGREE * mean) + 0.00029 * sin(3 * DEGREE * mean)
    return int(longitude % 360 / 30)


def julian(day: date) -> int:
    return day.toordinal() + 1721425


def months_of(year: int) -> dict[int, date]:
    """First days of the first and third lunar month, leap months left out: the eleventh has the winter solstice."""
    k = int((julian(date(year - 1, 12, 31)) - 2415021) / 29.530588853)
    if sign_of_sun(day_of_new_moon(k)) >= 9:
        k -= 1
    number, found, leap = 11, {}, _is_leap_year(k)
    for step in range(1, 8):
        start, after = day_of_new_moon(k + step), day_of_new_moon(k + step + 1)
        if leap and sign_of_sun(start) == sign_of_sun(after):
            leap = False  # the first without a new sign of the sun is the leap month: it repeats the number before
            continue
        number = number % 12 + 1
        found.setdefault(number, date.fromordinal(start - 1721425))
    return found


def _is_leap_year(k: int) -> bool:
    """Thirteen months from one eleventh month to the next."""
    return next(step for step in (12, 13) if sign_of_sun(day_of_new_moon(k + step + 1)) >= 9) == 13


@pytest.mark.parametrize("row", LUNAR, ids=lambda row: str(row["tet"].year))
def test_tet_and_the_day_of_the_kings_are_where_moon_and_sun_put_them(row):
    months = months_of(row["tet"].year)
    assert months[1] == row["tet"]
    assert date.fromordinal(months[3].toordinal() + 9) == row["hung"]


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 2, 16), "Tết Bính Ngọ"),
        (date(2026, 2, 21), ""),
        (date(2027, 2, 5), "Tết Đinh Mùi"),
        (date(2027, 2, 9), "Tết Đinh Mùi"),
        (date(2027, 2, 10), ""),
        (date(2027, 4, 16), "Giỗ Tổ Hùng Vương"),
        (date(2030, 2, 1), "Tết Canh Tuất"),
        (date(2030, 9, 2), "Quốc khánh"),
        (date(2026, 11, 24), ""),
    ],
)
def test_holidays_by_name(day, name):
    assert calendar().holiday(day) == name


def test_the_table_reaches_five_years_on():
    assert calendar().known[1] >= 2031
