"""Counting how often something is asked, under a row lock: many clients at once can't pass the limit."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.db import transaction

from yba.site.accounts.models import Limit


def take(key: str, *, most: int, window: timedelta, now: datetime) -> bool:
    """Count one more; False (and nothing counted) when `most` are used up within the window."""
    with transaction.atomic():
        Limit.objects.bulk_create([Limit(key=key[:120], started_at=now, count=0)], ignore_conflicts=True)
        row = Limit.objects.select_for_update().get(key=key[:120])
        if row.started_at + window <= now:
            row.started_at, row.count = now, 0
        if row.count >= most:
            return False
        row.count += 1
        row.save(update_fields=["started_at", "count"])
        return True


def wait(key: str, *, most: int, window: timedelta, now: datetime) -> int:
    """How many whole seconds until one more may be counted; 0: now. Counts nothing."""
    row = Limit.objects.filter(key=key[:120], count__gte=most, started_at__gt=now - window).first()
    return max(1, math.ceil((row.started_at + window - now).total_seconds())) if row is not None else 0


def give_back(key: str) -> None:
    """Take back one that was no wrong try: many who share an address sign in at the change of a shift."""
    with transaction.atomic():
        row = Limit.objects.select_for_update().filter(key=key[:120]).first()
        if row is not None and row.count:
            row.count -= 1
            row.save(update_fields=["count"])


def clear(key: str) -> None:
    """Forget what was counted, after a success."""
    Limit.objects.filter(key=key[:120]).delete()
