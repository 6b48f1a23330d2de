"""What booking adds to a new demo province: open slots for the days to come, and the desk's scripts."""

from __future__ import annotations

from datetime import timedelta

from yba.areas.booking import directory, opening, rules
from yba.areas.booking.desk import scripts
from yba.areas.booking.ratings import questions
from yba.fhir.record import Record
from yba.ui.words import local_day


def load(record: Record) -> None:
    """Open two weeks of slots; put the scripts into the record."""
    today = local_day(record.clock())
    scripts.load(record)
    questions.load(record)
    opening.open_slots(record, until=today + timedelta(days=rules.HORIZON_DAYS), today=today)
    directory.rebuild(record)
