"""What booking adds to a new demo province: open slots for the days to come, and a few requests to call about."""

from __future__ import annotations

from datetime import timedelta

from yba.areas.booking import opening, rules
from yba.fhir.record import Record
from yba.ui.words import local_day


def load(record: Record) -> None:
    """Open two weeks of slots."""
    today = local_day(record.clock())
    opening.open_slots(record, until=today + timedelta(days=rules.HORIZON_DAYS), today=today)
