"""The worker process: runs the jobs that transactions queued, and the periodic ones."""

from __future__ import annotations

import contextlib
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yba.site.settings")


#: Nightly jobs that are also due whenever the house starts: it may have slept for days.
AT_START = ("booking.open_slots",)


def _queue_what_was_missed(app: Any) -> None:
    """Queue each of these jobs that exists and does not wait already."""
    from procrastinate.exceptions import AlreadyEnqueued

    for name in AT_START:
        if name in app.tasks:
            with contextlib.suppress(AlreadyEnqueued):
                app.tasks[name].defer(timestamp=0)


def main() -> None:
    """Work until stopped; a job under way is finished first."""
    if os.environ.get("YBA_CHILD"):
        from yba.site.lifetime import die_with_parent

        die_with_parent()
    from yba.site import setup

    setup.django()
    from django.db import connections
    from procrastinate import PsycopgConnector
    from procrastinate.contrib.django import app, connector_params

    # The worker listens and waits, so it needs its own asynchronous connections, not Django's.
    _queue_what_was_missed(app)
    connections.close_all()
    with app.replace_connector(
        PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=4)
    ) as working:
        working.run_worker(concurrency=2, delete_jobs="successful", fetch_job_polling_interval=2.0)


if __name__ == "__main__":
    main()
