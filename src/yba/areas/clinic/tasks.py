"""The clinic's job: prescriptions go to the national system."""

from __future__ import annotations

from procrastinate.contrib.django import app

from yba.areas.clinic import sending
from yba.care import jobs


@app.periodic(cron="* * * * *", periodic_id="clinic.send-prescriptions")  # type: ignore[untyped-decorator]  # not followed
@app.task(name="clinic.send_prescriptions", queueing_lock="clinic.send_prescriptions", retry=1)  # type: ignore[untyped-decorator]  # the same
def send_prescriptions(timestamp: int = 0) -> int:
    """Send the prescriptions that are due."""
    return sending.send_due(jobs.record())
