"""Which recorded vaccinations count: one path of one series, dose by dose, in the order of days.

Strict on purpose: a day too early or too close does not count (no days of grace), and what can't be judged does not
count. An interval is measured from the last dose that was given, counted or not (CDC, CDSi Logic Specification,
"preferable interval"), unless the series says ``interval-from: counted``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from yba.care.vaccines.schedule import Dose, Path, Schedule, Series
from yba.care.vaccines.values import Given, Reason, Verdict

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Judged:
    """A path judged: its verdicts in order, and how many doses it takes for this person."""

    path: Path
    verdicts: tuple[Verdict, ...]
    doses: int

    @property
    def counted(self) -> int:
        return sum(one.counts for one in self.verdicts)

    @property
    def complete(self) -> bool:
        return self.counted >= self.doses

    @property
    def days(self) -> list[date]:
        """The days of the doses that count."""
        return [one.given.day for one in self.verdicts if one.counts and one.given.day is not None]


def unusable(given: Given, *, birth: date, on: date) -> Reason | None:
    """Why a vaccination can count to nothing at all; None when it can."""
    if given.status != "completed":
        return "error" if given.status == "entered-in-error" else "not-given"
    if given.product is None:
        return "unknown-vaccine"
    if given.day is None:
        return "no-day"
    if given.day > on:
        return "future"
    if given.day < birth:
        return "before-birth"
    return "spoilt" if given.spoilt else None


def in_order(history: Iterable[Given]) -> list[Given]:
    """By day; those of one day always the same way, however they came."""
    return sorted(
        history, key=lambda one: (one.last or date.max, one.product.code if one.product else "", one.id)
    )


def judge_path(
    made: Schedule, series: Series, path: Path, history: Sequence[Given], *, birth: date, on: date
) -> Judged:
    """The verdict on each usable vaccination of the path's vaccines; ``history`` in order."""
    verdicts: list[Verdict] = []
    wanted = antigens_of(series, path)
    for given in history:
        if given.product is None or not wanted <= set(given.product.antigens):
            continue
        if unusable(given, birth=birth, on=on) or not _belongs(series, given, birth):
            continue
        if given.product.code not in path.products:
            verdicts.append(Verdict(given, series.key, "other-kind"))
            continue
        verdicts.append(_verdict(made, series, path, given, history, verdicts, birth=birth, on=on))
    return Judged(path, tuple(verdicts), doses_of(path, _first(verdicts), birth=birth, on=on))


def antigens_of(series: Series, path: Path) -> set[str]:
    """What a vaccine must hold to count."""
    return set(path.antigens or series.antigens)


def _belongs(series: Series, given: Given, birth: date) -> bool:
    day = given.day
    assert day is not None
    if series.counts_from is not None and day < series.counts_from.after(birth):
        return False
    return series.counts_until is None or day < series.counts_until.after(birth)


def _first(verdicts: Sequence[Verdict]) -> date | None:
    return next((one.given.day for one in verdicts if one.counts), None)


def doses_of(path: Path, first: date | None, *, birth: date, on: date) -> int:
    """How many doses it takes for whoever had, or would have, the first on a day."""
    doses = len(path.doses)
    for late in path.late:
        if (first or on) >= late.first_from.after(birth) and late.doses is not None:
            doses = late.doses
    return doses


def _verdict(
    made: Schedule, series: Series, path: Path, given: Given, history: Sequence[Given],
    before: Sequence[Verdict], *, birth: date, on: date,
) -> Verdict:  # fmt: skip
    """One vaccination, after those before it."""
    day = given.day
    assert day is not None
    counted = [one for one in before if one.counts]
    if counted and counted[-1].given.day == day:
        return Verdict(given, series.key, "same-day")
    if len(counted) >= doses_of(path, _first(before) or day, birth=birth, on=on):
        return Verdict(given, series.key, "extra")
    dose = path.doses[len(counted)]
    allowed = dose.min.after(birth)
    if day < allowed:
        return Verdict(given, series.key, "too-young", until=allowed)
    allowed = least_after(series, path, dose, counted, history, day)
    if day < allowed:
        return Verdict(given, series.key, "too-close", until=allowed)
    allowed = live_after(made, given.product is not None and given.product.live == "injected", history, day)
    if day < allowed:
        return Verdict(given, series.key, "live-apart", until=allowed)
    late = dose.latest is not None and day >= dose.latest.after(birth)
    return Verdict(given, series.key, "late" if late else "counted", len(counted) + 1)


# -- spacing -----------------------------------------------------------------------------------------------


def _before(history: Iterable[Given], day: date) -> list[tuple[Given, date]]:
    """What was, or may have been, given before a day, each with the last day it can have been."""
    return [
        (one, min(one.last, day - _DAY))
        for one in history
        if one.status == "completed" and one.first is not None and one.last is not None and one.first < day
    ]


def least_after(
    series: Series, path: Path, dose: Dose, counted: Sequence[Verdict], history: Sequence[Given], day: date
) -> date:
    """The first day that is far enough from the dose before, seen from a day."""
    last = last_given(series, path, counted, history, day)
    return date.min if last is None or dose.interval is None else dose.interval.after(last)


def last_given(
    series: Series, path: Path, counted: Sequence[Verdict], history: Sequence[Given], day: date
) -> date | None:
    """The day from which intervals to a dose on ``day`` are measured."""
    if series.interval_from == "counted":
        return max((one.given.day for one in counted if one.given.day is not None), default=None)
    wanted = antigens_of(series, path)
    found = [
        last
        for one, last in _before(history, day)
        if one.product is not None and wanted <= set(one.product.antigens)
    ]
    return max(found, default=None)


def live_after(
    made: Schedule, injected: bool, history: Sequence[Given], day: date, *, unknown: bool = False
) -> date:
    """The first day that is far enough from every other injected live vaccine before a day.

    ``unknown``: a vaccine that is not known may be one.
    """
    if not injected:
        return date.min
    found = [
        last
        for one, last in _before(history, day)
        if (unknown if one.product is None else one.product.live == "injected")
    ]
    return made.about.live_apart.after(max(found)) if found else date.min
