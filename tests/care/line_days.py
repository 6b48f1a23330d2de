"""Days of a clinic played without a clock or a database: people come, rooms call by the rule, visits take their time.

The world of these days (who comes, how long visits take) is known only here; what is told to people is worked out by
the house's own code from what it could measure on the days before.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.builders import NOW
from yba.care.line import measures, order, queries
from yba.care.line.models import Queue, Status, Ticket
from yba.care.line.waiting import Measured, Wait

OPENS = NOW.replace(hour=0, minute=30)  # 7:30 in Vietnam
MIDDLE, SPREAD = 9.0, 0.45
#: Somebody who is called and is not there costs the room so long.
ABSENT = 1.5


@dataclass
class Person:
    """One who came: what was told, and what happened."""

    ticket: Ticket
    told: Wait
    kind: str
    called: datetime | None = None
    passed: int = 0

    @property
    def waited(self) -> float:
        assert self.called is not None
        return (self.called - self.ticket.arrived_at).total_seconds() / 60


@dataclass
class World:
    """How busy a day is: rooms, share of those who book, load of the rooms (1 is all they can do)."""

    rooms: int = 1
    booked: float = 0.5
    first: float = 0.12
    load: float = 0.85
    hours: float = 4.0


@dataclass
class Day:
    """A day as it went, and what was measured on it."""

    people: list[Person] = field(default_factory=list)
    minutes: list[float] = field(default_factory=list)
    begins: float = 0.0


def visit(dice: random.Random) -> float:
    return MIDDLE * dice.lognormvariate(0.0, SPREAD)


def comers(world: World, dice: random.Random) -> list[tuple[datetime, str, datetime | None]]:
    """Arrivals of a day in their order: when, priority, booked time. Booked times follow each other evenly."""
    mean = MIDDLE * 2.718281828 ** (SPREAD**2 / 2)
    total = world.hours * 60 / mean * world.rooms * world.load
    found: list[tuple[datetime, str, datetime | None]] = []
    slots = int(total * world.booked)
    for at in range(slots):
        due = OPENS + timedelta(minutes=world.hours * 60 / max(slots, 1) * at)
        came = due + timedelta(minutes=dice.gauss(-15, 10))
        found.append((max(came, OPENS - timedelta(minutes=40)), "booked", due))
    for _one in range(int(total * (1 - world.booked))):
        came = OPENS + timedelta(minutes=dice.uniform(-30, world.hours * 60 - 20))
        found.append((came, "over_75" if dice.random() < world.first else "none", None))
    return sorted(found, key=lambda one: one[0])


def played(world: World, known: measures.Known, dice: random.Random) -> Day:
    """One day from the first arrival to the last call."""
    return _Play(world, known, dice).day()


class _Play:
    def __init__(self, world: World, known: measures.Known, dice: random.Random) -> None:
        self.world, self.known, self.dice = world, known, dice
        names = [f"r{number}" for number in range(world.rooms)]
        self.queue = Queue(facility="f", code="q", rooms=names, stage="doctor")
        opens = OPENS + timedelta(minutes=dice.uniform(-5, 10))
        self.free = dict.fromkeys(names, opens)
        self.inside: dict[str, Ticket] = {}
        self.last: dict[str, datetime] = {}
        self.waiting: list[Person] = []
        self.made = Day(begins=(opens - OPENS).total_seconds() / 60 + 7.5 * 60)

    def day(self) -> Day:
        coming = comers(self.world, self.dice)
        while coming or self.waiting:
            room = min(self.free, key=lambda one: self.free[one])
            if coming and (not self.waiting or coming[0][0] <= self.free[room]):
                self._comes(*coming.pop(0))
            else:
                self._calls(room)
        return self.made

    def _comes(self, at: datetime, priority: str, due: datetime | None) -> None:
        ticket = Ticket(
            pk=len(self.made.people) + 1, facility="f", waits_in="q", room="", number=len(self.made.people) + 1,
            letter="A", priority=priority, due_at=due, arrived_at=at, queued_at=at, joined_at=at, day=at.date(),
            status=Status.WAITING,
        )  # fmt: skip
        place = queries.Place(
            "q", "f", self.queue,
            inside=[one for room, one in self.inside.items() if self.free[room] > at],
            waiting=[one.ticket for one in self.waiting],
        )  # fmt: skip
        known = measures.Known(self.known.measured, measures.Today(dict(self.last)))
        told = queries.expected(place, ticket, known, now=at)
        person = Person(ticket, told, order.class_of(ticket, now=at))
        self.made.people.append(person)
        self.waiting.append(person)

    def _calls(self, room: str) -> None:
        now = max(self.free[room], min(one.ticket.arrived_at for one in self.waiting))
        here = [one for one in self.waiting if one.ticket.arrived_at <= now]
        chosen = min(here, key=lambda one: order.order_key(one.ticket, now=now))
        for one in order.passed_by(chosen.ticket, [one.ticket for one in here]):
            one.passed += 1
        self.waiting.remove(chosen)
        minutes = visit(self.dice)
        chosen.called, chosen.passed = now, chosen.ticket.passed
        chosen.ticket.room, chosen.ticket.status = room, Status.IN_ROOM
        chosen.ticket.called_at = chosen.ticket.started_at = now
        self.inside[room], self.last[room] = chosen.ticket, now
        self.free[room] = now + timedelta(minutes=minutes)
        self.made.minutes.append(minutes)


def days(world: World, count: int, *, seed: int, before: int = 3) -> Iterator[Day]:
    """So many days, told from what the last ones measured; the first ``before`` only measure."""
    dice = random.Random(seed)
    minutes: list[float] = []
    passed: dict[str, list[int]] = {}
    begins: list[float] = []
    for number in range(before + count):
        known = measures.Known(
            Measured(
                tuple(minutes[-measures.VISITS :]),
                {kind: tuple(found[-measures.VISITS :]) for kind, found in passed.items()},
                tuple(begins[-10:]),
            )
        )
        day = played(world, known, dice)
        minutes += day.minutes
        begins.append(day.begins)
        for one in day.people:
            passed.setdefault(one.kind, []).append(one.passed)
        if number >= before:
            yield day
