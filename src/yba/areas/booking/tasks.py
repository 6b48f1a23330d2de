"""Booking's jobs: every night the timetable grows by one more day; every minute what has run out is swept away."""

from __future__ import annotations

from datetime import timedelta

from procrastinate.contrib.django import app

from yba.areas.booking import directory, holds, misses, news, opening, outward, rules, waiting
from yba.areas.booking.desk import closing, scripts, telephone
from yba.areas.booking.guards import GUARDS
from yba.care import jobs
from yba.care.telephone import exchange
from yba.fhir.record import now
from yba.ui.words import local_day


@app.periodic(cron="30 18 * * *", periodic_id="booking.open-slots")  # type: ignore[untyped-decorator]  # not followed; 01:30 here
@app.task(name="booking.open_slots", queueing_lock="booking.open_slots", retry=3)  # type: ignore[untyped-decorator]  # the same
def open_slots(timestamp: int = 0) -> int:
    """Open the slots of the days to come, and keep the desk's scripts; running it twice makes nothing twice."""
    record = jobs.record()
    scripts.load(record)
    today = local_day(now())
    opened = opening.open_slots(record, until=today + timedelta(days=rules.HORIZON_DAYS), today=today)
    directory.rebuild(record)
    return opened


@app.periodic(cron="* * * * *", periodic_id="booking.sweep")  # type: ignore[untyped-decorator]  # not followed
@app.task(name="booking.sweep", queueing_lock="booking.sweep", retry=1)  # type: ignore[untyped-decorator]  # the same
def sweep(timestamp: int = 0) -> int:
    """Take away holds whose time is over and calls of yesterday; end offers of the waiting list, tell of new ones."""
    telephone.forget(now=now())
    record = jobs.record(GUARDS)
    directory.catch_up(record)
    return holds.sweep(record) + waiting.sweep(record)


@app.periodic(cron="45 16 * * *", periodic_id="booking.close-days")  # type: ignore[untyped-decorator]  # not followed; 23:45 here
@app.task(name="booking.close_days", queueing_lock="booking.close_days", retry=3)  # type: ignore[untyped-decorator]  # the same
def close_days(timestamp: int = 0) -> int:
    """Mark the visits of the day nobody came to, where the facility's rule says so; end requests nobody decided."""
    record = jobs.record(GUARDS)
    return closing.close_unanswered(record) + misses.close_days(record)


@app.periodic(cron="* * * * *", periodic_id="booking.tell-hospitals")  # type: ignore[untyped-decorator]  # not followed
@app.task(name="booking.tell_hospitals", queueing_lock="booking.tell_hospitals", retry=1)  # type: ignore[untyped-decorator]  # the same
def tell_hospitals(timestamp: int = 0) -> int:
    """Tell hospitals' own systems of the visits that changed."""
    return outward.send_due(jobs.record())


@app.periodic(cron="* * * * *", periodic_id="booking.tell-people")  # type: ignore[untyped-decorator]  # not followed
@app.task(name="booking.tell_people", queueing_lock="booking.tell_people", retry=1)  # type: ignore[untyped-decorator]  # the same
def tell_people(timestamp: int = 0) -> int:
    """Tell people of what bare FHIR writes changed of their visits."""
    return news.tell_due(jobs.record())


@app.periodic(cron="* * * * *", periodic_id="booking.hear-telephone")  # type: ignore[untyped-decorator]  # not followed
@app.task(name="booking.hear_telephone", queueing_lock="booking.hear_telephone")  # type: ignore[untyped-decorator]  # the same
def hear_telephone(timestamp: int = 0) -> None:
    """Keep listening to the telephone exchange, where one is connected."""
    found = exchange()
    if found is not None:
        found.stay_awake()
