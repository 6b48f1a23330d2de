"""Who is called next: the published rule (`priority.yaml`) read once, and the order it makes. No clock, no database.

Emergencies; who was passed so often as the rule allows; who the law puts first; who comes back to the doctor who
began; who booked and came in time; then all others by arrival (Law 15/2023/QH15, article 3, clause 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import yaml

RULE: Final = Path(__file__).with_name("priority.yaml")


@dataclass(frozen=True, slots=True)
class Class:
    """One class of the order, with the words and the source people read."""

    key: str
    name: Mapping[str, str]
    why: Mapping[str, str]
    sources: tuple[Mapping[str, str], ...]
    people: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """The whole rule; every number of it is in the file."""

    version: str
    most_passed: int
    early: timedelta
    on_time: timedelta
    booked_within: timedelta
    rejoin_within: timedelta
    rejoin_behind: int
    rejoin_most: int
    park_most: timedelta
    undo_within: timedelta
    calls: int
    tell_ahead: int
    classes: tuple[Class, ...]
    rank: Mapping[str, int]
    first: frozenset[str]
    ages: Mapping[str, Mapping[str, int]]
    usual_minutes: Mapping[str, tuple[float, ...]]


@cache
def rule() -> Rule:
    """The rule in force."""
    told: dict[str, Any] = yaml.safe_load(RULE.read_text("utf-8"))
    late, rejoin = told["late"], told["rejoin"]
    numbers = {
        "most": told["most-passed"], "early": late["early-minutes"], "late": late["on-time-minutes"],
    }  # fmt: skip
    classes = tuple(_class(one, told["sources"], numbers) for one in told["classes"])
    return Rule(
        version=told["version"],
        most_passed=told["most-passed"],
        early=timedelta(minutes=late["early-minutes"]),
        on_time=timedelta(minutes=late["on-time-minutes"]),
        booked_within=timedelta(minutes=told["booked"]["within-minutes"]),
        rejoin_within=timedelta(minutes=rejoin["within-minutes"]),
        rejoin_behind=rejoin["behind"],
        rejoin_most=rejoin["most"],
        park_most=timedelta(minutes=told["park"]["most-minutes"]),
        undo_within=timedelta(minutes=told["undo"]["minutes"]),
        calls=told["call"]["times"],
        tell_ahead=told["tell"]["ahead"],
        classes=classes,
        rank={one.key: at for at, one in enumerate(classes)},
        first=next(one.people for one in classes if one.key == "first"),
        ages=told["ages"],
        usual_minutes={
            stage: tuple(float(one) for one in minutes) for stage, minutes in told["usual-minutes"].items()
        },
    )


def _class(
    told: Mapping[str, Any], sources: Mapping[str, Mapping[str, str]], numbers: Mapping[str, int]
) -> Class:
    named = [told["source"], *([told["also"]] if "also" in told else [])]
    name, why = (
        {language: words.format(**numbers) for language, words in told[part].items()}
        for part in ("name", "why")
    )
    return Class(told["key"], name, why, tuple(sources[one] for one in named), frozenset(told["people"]))


class Waiting(Protocol):
    """What the order looks at. ``queued_at``: the place; ``joined_at``: since when they really wait here."""

    @property
    def priority(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def queued_at(self) -> datetime: ...
    @property
    def joined_at(self) -> datetime: ...
    @property
    def due_at(self) -> datetime | None: ...
    @property
    def passed(self) -> int: ...
    @property
    def is_back(self) -> bool: ...


W = TypeVar("W", bound=Waiting)


def class_of(one: Waiting, *, now: datetime) -> str:
    """The key of the class a waiting person falls in at this moment."""
    known = rule()
    if one.priority == "urgent":
        return "urgent"
    if one.passed >= known.most_passed:
        return "passed"
    if one.priority in known.first:
        return "first"
    if one.is_back:
        return "back"
    if one.due_at and one.queued_at <= one.due_at + known.on_time and now >= one.due_at - known.early:
        return "booked"
    return "other"


def order_key(one: Waiting, *, now: datetime) -> tuple[int, datetime, datetime, int]:
    """Sorts a line: class, then the booked time for the booked, then the place, then number.

    Who was passed often enough goes by when they joined: a place that was kept passes nobody among them.
    """
    kind = class_of(one, now=now)
    firsts = {"passed": one.joined_at, "booked": one.due_at}
    return rule().rank[kind], firsts.get(kind) or one.queued_at, one.queued_at, one.number


def passed_by(called: Waiting, waiting: Iterable[W]) -> list[W]:
    """Those who joined before the called one and stay waiting; an emergency passes nobody."""
    if called.priority == "urgent":
        return []
    mark = (called.joined_at, called.number)
    return [one for one in waiting if one is not called and (one.joined_at, one.number) < mark]


def usual_priority(age_years: int | None, *, booked: bool) -> str:
    """The priority a person has without saying anything: by age, else by booking."""
    for key, bounds in rule().ages.items():
        if age_years is not None and bounds.get("from", 0) <= age_years < bounds.get("below", 200):
            return key
    return "booked" if booked else "none"
