"""The morning that ``make bench-booking`` measures, small: what must be true after it, not how fast it was."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from django.db import connection

from bench import booking, morning, server
from yba.areas.booking.models import Seat
from yba.care.line.models import Ticket

DAY = date(2026, 11, 23)


@pytest.mark.slow
def test_a_morning_gives_everyone_one_time_one_message_and_one_number(committed: str, tmp_path: Path) -> None:
    size = morning.Size(facilities=2, rooms=4, journeys=22, minutes=1)
    made = morning.make(size, day=DAY)
    environ = server.environment(committed, tmp_path) | booking.clocked(made.begins, booking.TIMES)

    with server.site(environ, "bench.running_clock:application", threads=6, workers=1) as (url, _pid):
        outcome = booking.load(int(url.rsplit(":", 1)[-1]), made, clients=6, times=booking.TIMES)

    assert outcome.failures == []
    said: list[str] = []
    assert morning.faults(len(outcome.journeys), said.append) == 0, said
    assert Ticket.objects.filter(day=DAY).count() == Seat.objects.filter(kind="booking").count() == 22
    assert outcome.lost == 2, "of two who want the same time one chooses again"
    assert {one.way for one in made.journeys} == set(morning.WAYS)
    _the_check_sees_what_is_broken()


def _the_check_sees_what_is_broken() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "update line_ticket set number = number + 50 where id = (select max(id) from line_ticket)"
        )
        cursor.execute(
            "delete from messages where id = (select min(id) from messages where kind = 'booking.confirmed')"
        )
    said: list[str] = []
    assert morning.faults(23, said.append) == 3
    assert ["number" in said[1], "told" in said[0], "22 numbers drawn, 23 shown" in said[2]] == [True] * 3
