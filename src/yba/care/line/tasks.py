"""The line's job: look at a line that moved, and tell those who have few before them."""

from __future__ import annotations

from procrastinate.contrib.django import app

from yba.care import jobs
from yba.care.line import telling


def later(facility: str, line: str) -> None:
    """Queue the look, in this transaction."""
    look.defer(facility=facility, line=line)


@app.task(name="line.look", queue="messages", retry=3)  # type: ignore[untyped-decorator]  # procrastinate is not followed
def look(facility: str, line: str) -> int:
    """Tell whoever in this line has few before them; twice tells nobody twice."""
    return telling.tell_who_is_near(jobs.record(), facility=facility, line=line)
