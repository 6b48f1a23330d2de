"""The jobs of ratings: asking after visits, and every night the Questionnaire and what labels have come to."""

from __future__ import annotations

from procrastinate.contrib.django import app

from yba.areas.booking.ratings import asking, keeping, questions
from yba.care import jobs


@app.periodic(cron="*/30 * * * *", periodic_id="ratings.ask")  # type: ignore[untyped-decorator]  # not followed
@app.task(name="ratings.ask", queueing_lock="ratings.ask", retry=1)  # type: ignore[untyped-decorator]  # the same
def ask(timestamp: int = 0) -> int:
    """Ask people how their visit was."""
    return asking.ask(jobs.record())


@app.periodic(cron="15 19 * * *", periodic_id="ratings.look-again")  # type: ignore[untyped-decorator]  # not followed; 02:15 here
@app.task(name="ratings.look_again", queueing_lock="ratings.look_again", retry=3)  # type: ignore[untyped-decorator]  # the same
def look_again(timestamp: int = 0) -> int:
    """Keep the Questionnaire in the record; withhold what a sensitive label has come to."""
    record = jobs.record()
    questions.load(record)
    return keeping.look_again(record)
