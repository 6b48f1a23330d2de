"""The desk in figures: calls, outcomes and the time to the first call, by agent and by hour of the day."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median
from typing import Final

from yba.areas.booking import rules as booking
from yba.areas.booking.models import Contact
from yba.ui.words import HANOI

#: The longest span of days one page answers.
MOST_DAYS: Final = 92
CALLS: Final = frozenset({"called", "taken-over"})
OUTCOMES: Final = ("confirmed", "moved", "refused", "unreached", "duplicate")


@dataclass(frozen=True, slots=True)
class Line:
    """One agent's, or one hour's figures. ``first``: minutes from the asking to the first call, the middle one."""

    name: str
    calls: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    first: int | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """All of them, and in all."""

    agents: list[Line]
    hours: list[Line]
    total: Line


@dataclass(frozen=True, slots=True)
class _Row:
    appointment: str
    kind: str
    agent: str
    agent_name: str
    at: datetime
    asked_at: datetime | None


def figures(facility: str, *, first: date, last: date, agent: str = "") -> Figures:
    """Of the days from ``first`` to ``last``, both included; of one ``agent`` where one is named.

    The first call of a request counts for the agent and in the hour who made it and when, once, whenever it was asked.
    """
    begin, end = booking.day_bounds(first)[0], booking.day_bounds(last)[1]
    found = (
        Contact.objects.filter(facility=facility, at__gte=begin, at__lt=end)
        .exclude(agent="")
        .order_by("at", "id")
    )
    fields = ("appointment_id", "kind", "agent", "agent_name", "at", "asked_at")
    rows = [_Row(*one) for one in found.values_list(*fields)]
    firsts = _first_calls(rows)
    if agent:
        rows = [one for one in rows if one.agent == agent]
        firsts = [one for one in firsts if one.agent == agent]
    names = {one.agent: one.agent_name for one in rows}
    agents = _by(rows, firsts, lambda one: one.agent)
    hours = _by(rows, firsts, lambda one: f"{one.at.astimezone(HANOI).hour:02}")
    return Figures(
        agents=sorted(
            (Line(names[one.name], one.calls, one.outcomes, one.first) for one in agents),
            key=lambda one: (-one.calls, one.name),
        ),
        hours=sorted(hours, key=lambda one: one.name),
        total=next(iter(_by(rows, firsts, lambda one: "")), Line("")),
    )


def _first_calls(rows: Sequence[_Row]) -> list[_Row]:
    """The first call of each request: those whose first call lay before these days are left out."""
    first: dict[str, _Row] = {}
    for one in rows:
        if one.kind in CALLS:
            first.setdefault(one.appointment, one)
    earlier = Contact.objects.filter(appointment_id__in=list(first), kind__in=CALLS)
    begun = dict(earlier.order_by("-at", "-id").values_list("appointment_id", "at"))
    return [one for one in first.values() if begun.get(one.appointment) == one.at]


def _by(rows: Iterable[_Row], firsts: Iterable[_Row], key: Callable[[_Row], str]) -> list[Line]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    waits: dict[str, list[float]] = defaultdict(list)
    for one in rows:
        counts[key(one)][one.kind] += 1
    for one in firsts:
        if one.asked_at is not None:
            waits[key(one)].append((one.at - one.asked_at) / timedelta(minutes=1))
    return [
        Line(
            name,
            sum(counts[name][kind] for kind in CALLS),
            {kind: counts[name][kind] for kind in OUTCOMES},
            round(median(waits[name])) if waits[name] else None,
        )
        for name in counts
    ]


def as_csv(found: Figures, *, head: Sequence[str], agents: str, hours: str) -> bytes:
    """A table for a spreadsheet: UTF-8 with its mark; no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    for kind, lines in ((agents, found.agents), (hours, found.hours)):
        for one in lines:
            first = "" if one.first is None else one.first
            writer.writerow(
                [kind, _cell(one.name), one.calls, *(one.outcomes[name] for name in OUTCOMES), first]
            )
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _cell(text: str) -> str:
    """A cell that a table program shows as it is and does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
