"""Who is next, what may follow what, and how long it will take. Pure: no clock, no database.

The order is data (``CLASSES``): emergencies, then those passed often enough, those the law and custom put first
(Law on Medical Examination and Treatment 2023, art. 3: under 6, pregnant, severely disabled, 75 and over), those who
booked and came in time, then the others by arrival.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from django.utils.translation import gettext_lazy as _

from yba.care.refusal import Refusal, refuse

MOST_PASSED: Final = 3
ON_TIME: Final = timedelta(minutes=15)
EARLY: Final = timedelta(minutes=30)
USUAL_MINUTES: Final = (6, 9, 12, 15, 20)
LETTERS: Final = "ABCDEGHKLMNPSTUVXY"
FIRST: Final = frozenset({"over_75", "under_6", "pregnant", "disabled"})
CLASSES: Final[Mapping[str, int]] = {"urgent": 0, "passed": 1, "first": 2, "booked": 3, "other": 4}


class Waiting(Protocol):
    """What the order looks at."""

    priority: str
    number: int
    queued_at: datetime
    due_at: datetime | None
    passed: int


def class_of(one: Waiting, *, now: datetime) -> str:
    """The key of ``CLASSES`` a waiting person falls in at this moment."""
    if one.priority == "urgent":
        return "urgent"
    if one.passed >= MOST_PASSED:
        return "passed"
    if one.priority in FIRST:
        return "first"
    if one.due_at and one.queued_at <= one.due_at + ON_TIME and now >= one.due_at - EARLY:
        return "booked"
    return "other"


def order_key(one: Waiting, *, now: datetime) -> tuple[int, datetime, datetime, int]:
    """Sorts a line: class, then the booked time for the booked, then arrival, then number."""
    kind = class_of(one, now=now)
    first = one.due_at if kind == "booked" and one.due_at else one.queued_at
    return CLASSES[kind], first, one.queued_at, one.number


def passed_by(called: Waiting, waiting: Iterable[Waiting]) -> list[Waiting]:
    """Those who came before the called one and stay waiting; an emergency passes nobody."""
    if called.priority == "urgent":
        return []
    mark = (called.queued_at, called.number)
    return [one for one in waiting if one is not called and (one.queued_at, one.number) < mark]


#: act -> (states it may start from, state it leads to); repeated acts find the ticket already there.
ACTS: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "call": (frozenset({"waiting", "called", "missed"}), "called"),
    "start": (frozenset({"called", "waiting", "missed"}), "in_room"),
    "finish": (frozenset({"in_room", "called", "waiting"}), "done"),
    "miss": (frozenset({"called"}), "missed"),
    "rejoin": (frozenset({"missed"}), "waiting"),
    "cancel": (frozenset({"waiting", "called", "missed"}), "cancelled"),
}


def may(act: str, status: str, *, code: str) -> Refusal | None:
    """Whether an act may follow; ``None`` is yes."""
    allowed, _leads = ACTS[act]
    if status in allowed:
        return None
    return refuse(f"line.{act}", SENTENCES[status], code=code)


SENTENCES: Final = {
    "waiting": _("Số %(code)s còn đang chờ, chưa được mời. Mời số này trước."),
    "called": _("Số %(code)s đang được mời."),
    "in_room": _("Số %(code)s đang khám. Kết thúc lượt khám trước."),
    "done": _("Số %(code)s đã khám xong."),
    "missed": _("Số %(code)s đã lỡ lượt. Đưa trở lại hàng chờ hoặc mời lại."),
    "cancelled": _("Số %(code)s đã hủy. Lấy số mới ở quầy tiếp đón."),
}


NOBODY: Final = _("Không còn ai chờ phòng này.")
NO_TICKET: Final = _("Không tìm thấy số này trong hàng chờ hôm nay.")


def usual_priority(age_years: int | None, *, booked: bool) -> str:
    """The priority a person has without saying anything: by age, else by booking."""
    if age_years is not None and age_years >= 75:
        return "over_75"
    if age_years is not None and age_years < 6:
        return "under_6"
    return "booked" if booked else "none"


def letter_of(room: str, rooms: Sequence[str]) -> str:
    """The letter of a room among its facility's rooms in their order; rooms that share a letter share numbers."""
    return LETTERS[rooms.index(room) % len(LETTERS)] if room in rooms else LETTERS[-1]


@dataclass(frozen=True, slots=True)
class Wait:
    """How long it may take, in whole minutes; eight of ten simulated mornings end inside."""

    low: int
    high: int


def wait_range(
    *, ahead: int, durations: Sequence[float], elapsed: float | None = None, seed: int = 0, runs: int = 200
) -> Wait:
    """Play the line ``runs`` times with visits drawn from recent ones; the 10th and 90th percentile, in fives.

    ``ahead``: waiting before; ``elapsed``: minutes the one in the room has been there, ``None`` when it is empty.
    The seed makes the same line give the same answer, so that the number on a page doesn't flicker.
    """
    pool = [max(one, 1.0) for one in durations] or [float(one) for one in USUAL_MINUTES]
    if len(pool) < len(USUAL_MINUTES):
        pool += [float(one) for one in USUAL_MINUTES]
    dice = random.Random(seed)  # noqa: S311 - a simulation, not a secret
    sums = sorted(
        sum(dice.choices(pool, k=ahead))
        + (max(dice.choice(pool) - elapsed, 1.0) if elapsed is not None else 0.0)
        for _run in range(runs)
    )
    low, high = sums[runs // 10], sums[runs * 9 // 10]
    down = int(low // 5) * 5
    return Wait(down, max(-int(-high // 5) * 5, down + 5))
