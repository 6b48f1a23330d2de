"""The site's own periodic jobs."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from procrastinate.contrib.django import app

from yba.site.accounts.models import Limit, SignInCode
from yba.site.oauth.issuing import forget_old as forget_tokens


@app.periodic(cron="* * * * *")  # type: ignore[untyped-decorator]  # procrastinate is not followed
@app.task(name="site.retry_stalled", queueing_lock="site.retry_stalled", pass_context=True)  # type: ignore[untyped-decorator]  # the same
async def retry_stalled(context: object, timestamp: int) -> None:
    """A job whose worker was killed is queued again: jobs are written so that twice does no harm."""
    manager = context.app.job_manager  # type: ignore[attr-defined]  # nor its contexts
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=60):
        await manager.retry_job(job)


@app.periodic(cron="17 3 * * *")  # type: ignore[untyped-decorator]  # procrastinate is not followed
@app.task(name="site.forget_old", queueing_lock="site.forget_old")  # type: ignore[untyped-decorator]  # the same
def forget_old(timestamp: int) -> None:
    """Drop codes, counts and tokens nobody needs any more, and sessions that ended."""
    from django.core.management import call_command

    day_ago = timezone.now() - timedelta(days=1)
    SignInCode.objects.filter(expires_at__lt=day_ago).delete()
    Limit.objects.filter(started_at__lt=day_ago).delete()
    forget_tokens(timezone.now())
    call_command("clearsessions")
