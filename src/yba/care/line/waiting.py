"""How long it will take, as a range: the line is played by its own rule, then many times with measured visits. Pure.

First the line is played once with visits of middling length (`people_before`): who is really called before the one
who asks, the booked whose time comes and those who may be passed no more included. Then that many visits are drawn
from measured ones, over the rooms that work, `RUNS` times; the 10th and 90th percentile are told. Two things nobody
can see from the line are drawn from what was measured as well: how often people of this class were passed by others
who came later, and when the first is called on a day that has not begun.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from statistics import median
from typing import Final, TypeVar

from yba.care.line import order

RUNS: Final = 200
#: So many of ten simulated lines end inside the range that is told.
NOMINAL: Final = 0.8
#: Fewer measured visits than this are mixed with the usual ones of the stage.
ENOUGH: Final = 5
#: A longer line is not played step by step: the sum of so many visits is normal, and the answer comes at once.
LONG: Final = 80


@dataclass(frozen=True, slots=True)
class Wait:
    """How long it may take, in whole minutes; eight of ten simulated mornings end inside."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured at a line: minutes from one call to the next while people waited, how often those of a class
    were passed, minutes of the day at which the first was called."""

    minutes: tuple[float, ...] = ()
    passed: dict[str, tuple[int, ...]] | None = None
    begins: tuple[float, ...] = ()

    def pool(self, stage: str = "doctor") -> list[float]:
        """Minutes to draw from; the stage's usual ones as long as too few were measured."""
        found = [max(one, 0.5) for one in self.minutes]
        return found if len(found) >= ENOUGH else [*found, *order.rule().usual_minutes[stage]]


@dataclass(frozen=True, slots=True)
class Scene:
    """A line at one moment, as far as one who waits in it is concerned.

    ``rooms``: of each room that works, for how many whole minutes somebody has been inside; None when it is free.
    ``passes``: how many who come later may still be called before. ``opens``: minutes until the first call, when the
    day has not begun.
    """

    ahead: int
    rooms: tuple[float | None, ...]
    minutes: tuple[float, ...]
    passes: tuple[int, ...] = ()
    opens: tuple[float, ...] = ()


W = TypeVar("W", bound=order.Waiting)


def people_before(one: W, waiting: Sequence[W], *, rooms: int, minutes: float, now: datetime) -> list[W]:
    """Who of those waiting is called before ``one``, in that order, when every visit takes ``minutes``."""
    left = sorted(waiting, key=lambda each: order.order_key(each, now=now))
    if len(left) > LONG:
        return left[: left.index(one)]
    passed = {id(each): each.passed for each in left}  # numbers of two series may be the same
    before: list[W] = []
    step = timedelta(minutes=minutes / max(rooms, 1))
    while True:
        at = now + step * len(before)
        called = min(left, key=lambda each: order.order_key(_Seen(each, passed[id(each)]), now=at))
        if called is one:
            return before
        left.remove(called)
        before.append(called)
        for each in order.passed_by(called, left):
            passed[id(each)] += 1


class _Seen:
    """Somebody who waits, with the times passed of the game instead of their own."""

    __slots__ = ("_one", "passed")

    def __init__(self, one: order.Waiting, passed: int) -> None:
        self._one = one
        self.passed = passed

    @property
    def priority(self) -> str:
        return self._one.priority

    @property
    def number(self) -> int:
        return self._one.number

    @property
    def queued_at(self) -> datetime:
        return self._one.queued_at

    @property
    def joined_at(self) -> datetime:
        return self._one.joined_at

    @property
    def due_at(self) -> datetime | None:
        return self._one.due_at

    @property
    def is_back(self) -> bool:
        return self._one.is_back


def simulated(scene: Scene, *, seed: int, runs: int = RUNS) -> list[float]:
    """Minutes until the call in so many plays, sorted. The same scene and seed give the same answer."""
    dice = random.Random(seed)  # noqa: S311 - a simulation, not a secret
    pool = list(scene.minutes)
    mean = sum(pool) / len(pool)
    spread = (sum((one - mean) ** 2 for one in pool) / len(pool)) ** 0.5
    return sorted(_play(scene, dice, pool, mean, spread) for _run in range(runs))


def _play(scene: Scene, dice: random.Random, pool: list[float], mean: float, spread: float) -> float:
    opens = max(dice.choice(scene.opens), 0.0) if scene.opens else 0.0
    free = [opens if one is None else opens + _rest(one, pool, dice) for one in scene.rooms] or [opens]
    ahead = scene.ahead + (dice.choice(scene.passes) if scene.passes else 0)
    if ahead > LONG:
        total = ahead * mean + dice.gauss(0.0, spread) * math.sqrt(ahead)
        return sum(free) / len(free) + max(total, 0.0) / len(free)
    if len(free) == 1:
        return free[0] + sum(dice.choices(pool, k=ahead))
    heapq.heapify(free)
    for minutes in dice.choices(pool, k=ahead):
        heapq.heapreplace(free, free[0] + minutes)
    return free[0]


def _rest(elapsed: float, pool: list[float], dice: random.Random) -> float:
    """How much longer a visit takes that has lasted so long: of the measured ones, those that lasted longer."""
    longer = [one - elapsed for one in pool if one > elapsed]
    return dice.choice(longer) if longer else dice.random() * median(pool) / 2


@lru_cache(maxsize=4096)
def expected(scene: Scene, *, seed: int) -> Wait:
    """The range people are told, in fives, rounded outwards.

    The same scene and seed give the same answer, so a line that lies as it lay is not played again: a page with fifty
    rooms asks fifty times. A scene names nobody.
    """
    times = simulated(scene, seed=seed)
    cut = round(len(times) * (1 - NOMINAL) / 2)
    low, high = times[cut], times[-cut - 1]
    down = int(low // 5) * 5
    return Wait(down, max(-int(-high // 5) * 5, down + 5))
