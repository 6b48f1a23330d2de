"""The tickets of a facility's day, each row of them read once a version: many look at the whole line, little changes.

Which versions are there is asked every time, so nothing is older than the answer; what is kept is what one version of
one row says. ``xmin`` and ``ctid`` are PostgreSQL's own marks of a version, new with every change, whoever makes it.
A kept ticket is shared by requests and never changed: acts lock and read their own.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from typing import Any, Final

from django.db import connection

from yba.care import asked
from yba.care.line.models import Ticket

#: Days of facilities that are kept; the one asked for longest ago goes first.
MOST: Final = 64
_MARKS: Final = "select id, xmin::text || ctid::text from line_ticket where facility = %s and day = %s"
_ROWS: Final = "select {columns} from line_ticket where id = any(%s)"


@dataclass(slots=True)
class Day:
    """The tickets of one facility on one day as they are now, with the mark of each; ``made``: what was worked out of
    them, by whoever did (``queries``)."""

    tickets: list[Ticket] = field(default_factory=list)
    marks: dict[int, str] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)


_days: OrderedDict[tuple[str, date], Day] = OrderedDict()
_lock = Lock()


def day_of(facility: str, day: date) -> Day:
    """Every ticket of the day, cancelled ones too, by id."""
    with connection.cursor() as cursor:
        cursor.execute(_MARKS, [facility, day])
        marks: dict[int, str] = dict(cursor.fetchall())
    key = (facility, day)
    before = _days.get(key) or Day()
    known = {one.pk: one for one in before.tickets if marks.get(one.pk) == before.marks[one.pk]}
    missing = [one for one in marks if one not in known]
    if missing:
        # One that changed since it was marked is newer than its mark, and is read again at the next question.
        known |= {one.pk: one for one in asked.rows(Ticket, _ROWS, [missing])}
    tickets = [known[one] for one in sorted(marks) if one in known]
    found = Day(tickets, marks, before.made)
    with _lock:
        _days[key] = found
        _days.move_to_end(key)
        while len(_days) > MOST:
            _days.popitem(last=False)
    return found
