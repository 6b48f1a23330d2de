"""What the desk decides: deadlines, order of the list, when to call again. Pure; the figures are in ``desk.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import yaml
from django.utils.translation import get_language

from yba.areas.booking import rules as booking
from yba.ui.words import HANOI

Level = Literal["emergency", "urgent", "routine"]
#: From the most to the least pressing.
LEVELS: Final[tuple[Level, ...]] = ("emergency", "urgent", "routine")
#: Appointment.priority of a level (RFC 5545, 3.8.1.9: 1 is the highest, 5 the middle; none is 0).
PRIORITY: Final[Mapping[Level, int]] = {"emergency": 1, "urgent": 3}


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, and after how long, somebody who does not answer is called again."""

    attempts: int
    waits: tuple[timedelta, ...]
    before_visit: timedelta


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason an agent may give; ``fhir``: its code when the appointment is called off for it."""

    code: str
    words: Mapping[str, str]
    fhir: str = ""

    def __str__(self) -> str:
        return self.words["en" if (get_language() or "").startswith("en") else "vi"]


@dataclass(frozen=True, slots=True)
class Book:
    """``desk.yaml`` as values."""

    opens: time
    closes: time
    claim: timedelta
    within: Mapping[Level, timedelta]
    services: Mapping[str, Mapping[Level, timedelta]]
    retry: Mapping[Level, Retry]
    reasons: Mapping[str, Mapping[str, Reason]]


class DataProblem(ValueError):
    """The desk's file can't be used; the sentence says where."""


@cache
def book() -> Book:
    """The desk's file. Raises DataProblem."""
    return read(files("yba.areas.booking.desk").joinpath("desk.yaml").read_text("utf-8"))


def read(text: str) -> Book:
    """A file like ``desk.yaml``. Raises DataProblem."""
    try:
        said: dict[str, Any] = yaml.safe_load(text)
        unknown = set(said) - {"hours", "claim", "call-within", "services", "retry", "reasons"}
        if unknown:
            raise DataProblem(f"desk.yaml names {', '.join(sorted(unknown))}")
        found = Book(
            opens=time.fromisoformat(said["hours"]["from"]),
            closes=time.fromisoformat(said["hours"]["to"]),
            claim=timedelta(minutes=said["claim"]),
            within=_minutes(said["call-within"]),
            services={code: _minutes(one) for code, one in said.get("services", {}).items()},
            retry={_level(name): _retry(one) for name, one in said["retry"].items()},
            reasons={
                kind: {
                    code: Reason(code, {"vi": one["vi"], "en": one["en"]}, one.get("fhir", ""))
                    for code, one in some.items()
                }
                for kind, some in said["reasons"].items()
            },
        )
    except (KeyError, TypeError, AttributeError, yaml.YAMLError) as problem:
        raise DataProblem(f"desk.yaml: {type(problem).__name__} {problem}") from None
    missing = [one for one in LEVELS if one not in found.within or one not in found.retry]
    if missing:
        raise DataProblem(f"desk.yaml says nothing of {', '.join(missing)}")
    if found.opens >= found.closes:
        raise DataProblem("desk.yaml: the desk closes before it opens")
    return found


def _level(name: str) -> Level:
    if name not in LEVELS:
        raise DataProblem(f"desk.yaml: {name} is no level; there are {', '.join(LEVELS)}")
    return name


def _minutes(said: Mapping[str, int]) -> dict[Level, timedelta]:
    return {_level(name): timedelta(minutes=count) for name, count in said.items()}


def _retry(said: Mapping[str, Any]) -> Retry:
    waits = tuple(timedelta(minutes=one) for one in said["waits"])
    if len(waits) != said["attempts"] - 1:
        raise DataProblem(f"desk.yaml: {said['attempts']} attempts have {said['attempts'] - 1} waits between")
    return Retry(said["attempts"], waits, timedelta(minutes=said["before-visit"]))


# -- deadlines ------------------------------------------------------------------------------------------


def level_of(flagged: str, complaint: str) -> Level:
    """How pressing a request is: what the script found, else what the complaint sounds like."""
    if flagged in LEVELS and flagged != "routine":
        return flagged
    return "urgent" if booking.sounds_dangerous(complaint) else "routine"


def higher(one: Level, other: Level) -> Level:
    """The more pressing of two."""
    return min(one, other, key=LEVELS.index)


def due_at(asked_at: datetime, *, level: Level, specialty: str) -> datetime:
    """By when somebody who asked should be called."""
    known = book()
    within = known.services.get(specialty, {}).get(level, known.within[level])
    if level == "emergency":
        return asked_at + within
    return in_hours(asked_at, within, known)


def in_hours(start: datetime, length: timedelta, known: Book) -> datetime:
    """``length`` later, counting only the hours in which the desk telephones."""
    at, left = start.astimezone(HANOI), length
    while True:
        opens, closes = _bounds(at.date(), known)
        at = max(at, opens)
        if at < closes and left <= closes - at:
            return (at + left).astimezone(UTC)
        left -= max(closes - at, timedelta())
        at = _bounds(at.date() + timedelta(days=1), known)[0]


def _bounds(day: date, known: Book) -> tuple[datetime, datetime]:
    return datetime.combine(day, known.opens, HANOI), datetime.combine(day, known.closes, HANOI)


def next_attempt(
    attempts: int, *, level: Level, now: datetime, visit: datetime | None, later: datetime | None = None
) -> datetime | None:
    """When to call again after ``attempts`` calls nobody answered; None: no more, the request ends.

    ``later``: when the person asked to be called; it counts as an attempt, and decides the time.
    """
    known = book()
    retry = known.retry[level]
    if attempts >= retry.attempts:
        return None
    wanted = later or now + retry.waits[attempts - 1]
    at = wanted if level == "emergency" else in_hours(wanted, timedelta(), known)
    if visit is None:
        return at
    last = visit - retry.before_visit
    if at <= last:
        return at
    last = last if level == "emergency" else _latest(last, known)
    return last if last > now + timedelta(minutes=5) else None


def _latest(at: datetime, known: Book) -> datetime:
    """The last moment of the desk's hours that is not after ``at``."""
    local = at.astimezone(HANOI)
    opens, closes = _bounds(local.date(), known)
    if local < opens:
        return _bounds(local.date() - timedelta(days=1), known)[1].astimezone(UTC)
    return min(local, closes).astimezone(UTC)


def order(
    *, level: Level, due: datetime, next_at: datetime | None, now: datetime
) -> tuple[int, int, datetime]:
    """The place in the list: the pressing first, then by deadline; who is to be called later comes last."""
    resting = next_at is not None and next_at > now
    return (1 if resting else 0, LEVELS.index(level), next_at if resting and next_at else due)
