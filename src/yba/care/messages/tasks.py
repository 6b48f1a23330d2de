"""The jobs of the outbox: go on with one message; write the reminders that are due; look for what was left behind."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from procrastinate.contrib.django import app

from yba.care import jobs
from yba.care.messages import incoming, kinds, outbox, reminders
from yba.care.messages.models import Heard, Message, Report

#: Messages older than this are forgotten, with what they cost: a year can be compared with the one before.
KEPT = timedelta(days=800)
URGENT, NORMAL = 100, 0


def later(message: int, at: datetime | None, urgent: bool) -> None:
    """Queue the job that goes on with a message, in this transaction; a code goes before everything else."""
    deliver.configure(schedule_at=at, priority=URGENT if urgent else NORMAL).defer(message=message)


@app.task(name="messages.deliver", queue="messages", retry=5)  # type: ignore[untyped-decorator]  # procrastinate is not followed
def deliver(message: int) -> None:
    """Go on with a message; run as often as one likes, it is sent once a try."""
    outbox.advance(message, now=timezone.now, later=later)


def hear_later(phone: str, at: datetime | None) -> None:
    """Queue the job that answers what a number texted, in this transaction; who texted looks at the screen."""
    hear.configure(schedule_at=at, priority=URGENT).defer(phone=phone)


@app.task(name="messages.hear", queue="messages", retry=5)  # type: ignore[untyped-decorator]  # the same
def hear(phone: str) -> None:
    """Answer what a number has texted; run as often as one likes, each text is answered once."""
    incoming.answer_all(phone, now=timezone.now, later=hear_later)


@app.periodic(cron="*/5 * * * *", periodic_id="messages.remind")  # type: ignore[untyped-decorator]  # the same
@app.task(name="messages.remind", queueing_lock="messages.remind")  # type: ignore[untyped-decorator]  # the same
def remind(timestamp: int = 0) -> int:
    """Write the reminders of visits that are due."""
    return reminders.remind(jobs.record())


@app.periodic(cron="* * * * *", periodic_id="messages.look-after")  # type: ignore[untyped-decorator]  # the same
@app.task(name="messages.look_after", queueing_lock="messages.look_after")  # type: ignore[untyped-decorator]  # the same
def look_after(timestamp: int = 0) -> int:
    """Queue again what was left behind by a worker that died, and keep lines to providers open for their reports."""
    from yba.care.messages import port

    for channel in kinds.CHANNELS:
        awake = getattr(port.gateway_of(channel), "stay_awake", None)
        if awake is not None:
            awake()
    incoming.sweep(now=timezone.now(), later=hear_later)
    found = list(outbox.left_behind(timezone.now()).values_list("pk", "kind")[:1000])
    for number, kind in found:
        later(number, None, kinds.kind_of(kind).urgent)
    return len(found)


@app.periodic(cron="40 3 * * *", periodic_id="messages.forget")  # type: ignore[untyped-decorator]  # the same
@app.task(name="messages.forget", queueing_lock="messages.forget")  # type: ignore[untyped-decorator]  # the same
def forget(timestamp: int = 0) -> None:
    """Forget old messages and the reports of those long done."""
    Message.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    Heard.objects.filter(at__lt=timezone.now() - KEPT).delete()
    Report.objects.filter(at__lt=timezone.now() - timedelta(days=14)).delete()
