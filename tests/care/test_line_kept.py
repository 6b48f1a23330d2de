"""The day's tickets as they are kept between questions: after any acts, what is kept is what is read anew.

Also what is asked of ordinary tables by statements of our own: the same rows and values as Django's.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tests.care.test_line import Clock, desk, draw
from yba.care import asked
from yba.care.line import actions, kept, queries
from yba.care.line.models import Queue, Stop, Ticket

pytestmark = pytest.mark.django_db
ACTS = (
    actions.call, actions.start, actions.finish, actions.missed, actions.rejoin, actions.park, actions.resume,
    actions.undo, actions.cancel,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_what_is_kept_of_a_line_is_the_line(seed: int) -> None:
    chance, clock = random.Random(seed), Clock()
    record = desk(clock)
    Queue.objects.create(
        facility="f", code="q", name="Nội", stage="doctor", letter="Q", rooms=["q1", "q2"], then=[]
    )
    for number in range(40):
        clock.later(chance.random() * 6)
        if number < 8 or chance.random() < 0.4:
            due = clock.now + timedelta(minutes=chance.randint(-40, 60)) if chance.random() < 0.5 else None
            where = chance.choice(
                ({"room": "r1"}, {"room": "r2"}, {"room": "", "waits_in": "q", "letter": "Q"})
            )
            priority = chance.choice(("none", "booked", "over_75", "urgent"))
            draw(record, f"Người {number}", **{"letter": "B", **where}, priority=priority, due_at=due)
        else:
            ticket = chance.choice(list(Ticket.objects.all()))
            with transaction.atomic():
                chance.choice(ACTS)(record, ticket=ticket.pk)
                if chance.random() < 0.2:  # what is taken back by the database was never there
                    queries.lines_of(record, facility="f")
                    transaction.set_rollback(True)
        kept_lines = queries.lines_of(record, facility="f")
        assert _said(kept_lines) == _said(_anew(record))
        waits = {
            room: queries.wait_of_next(record, place=line.place)
            for room, line in kept_lines.items()
            if line.waiting
        }
        fresh = _anew(record)
        assert waits == {room: queries.wait_of_next(record, place=fresh[room].place) for room in waits}


def _anew(record: Any) -> dict[str, queries.Line]:
    """The lines as one reads them who has kept nothing."""
    before = kept._days.copy()
    kept._days.clear()
    try:
        return queries.lines_of(record, facility="f")
    finally:
        kept._days.clear()
        kept._days.update(before)


def _said(lines: dict[str, queries.Line]) -> dict[str, Any]:
    def rows(tickets: list[Ticket]) -> list[dict[str, Any]]:
        return [{k: v for k, v in vars(one).items() if k != "_state"} for one in tickets]

    return {
        room: (
            *(
                rows(one)
                for one in (line.called, line.in_room, line.waiting, line.missed, line.parked, line.done)
            ),
            *(rows(one) for one in (line.place.called, line.place.inside, line.place.waiting)),
            (line.place.key, line.place.rooms, line.place.stage),
        )
        for room, line in sorted(lines.items())
    }


def test_a_booked_time_that_comes_near_puts_the_line_in_another_order() -> None:
    clock = Clock()
    record = desk(clock)
    due = clock.now + timedelta(minutes=90)
    first = draw(record, "Không hẹn")
    booked = draw(record, "Có hẹn", due_at=due, priority="booked")
    assert [one.pk for one in queries.lines_of(record, facility="f")["r"].waiting] == [first.pk, booked.pk]
    clock.later(80)
    assert [one.pk for one in queries.lines_of(record, facility="f")["r"].waiting] == [booked.pk, first.pk]


def test_only_what_changed_is_read_again(django_assert_num_queries: Any) -> None:
    record = desk()
    drawn = [draw(record) for _ in range(3)]
    before = kept.day_of("f", drawn[0].day)
    with django_assert_num_queries(1):
        assert kept.day_of("f", drawn[0].day).tickets == before.tickets
    actions.call(record, ticket=drawn[0].pk)
    with django_assert_num_queries(2):
        after = kept.day_of("f", drawn[0].day)
    same = [one is other for one, other in zip(after.tickets, before.tickets, strict=True)]
    assert same == [False, True, True]
    assert [one.status for one in before.tickets] == ["waiting"] * 3, "a kept ticket is never changed"


def test_rows_said_by_hand_are_those_of_django() -> None:
    record = desk()
    drawn = draw(record, due_at=record.clock(), route=[actions.Leg("x", "y")])
    found = asked.first(Ticket, "select {columns} from line_ticket where id = %s", [drawn.pk])
    known = Ticket.objects.get(pk=drawn.pk)
    assert found is not None
    assert {k: v for k, v in vars(found).items() if k != "_state"} == {
        k: v for k, v in vars(known).items() if k != "_state"
    }
    assert found.route == [{"queue": "x", "room": "y", "back": False}]
    found.status = "called"
    found.save()
    assert Ticket.objects.get(pk=drawn.pk).status == "called"


def test_a_row_written_by_hand_is_as_django_writes_it_and_a_known_one_is_none() -> None:
    record = desk()
    ticket = draw(record)
    stop = Stop.objects.get(pk=ticket.stop)
    other = Stop(
        **{
            one.attname: getattr(stop, one.attname)
            for one in Stop._meta.concrete_fields
            if not one.primary_key
        }
    )
    assert asked.insert(other)
    assert other.pk > stop.pk
    same = Stop.objects.get(pk=other.pk)
    assert {k: v for k, v in vars(same).items() if k not in ("_state", "id")} == {
        k: v for k, v in vars(stop).items() if k not in ("_state", "id")
    }
    again = Queue(facility="f", code="q", name="Nội", stage="doctor", letter="Q", rooms=["q1"], then=[])
    assert asked.insert(again)
    twice = Queue(
        id=again.pk, facility="f", code="q2", name="Nội", stage="doctor", letter="Q", rooms=[], then=[]
    )
    assert not asked.insert(twice, unless="id")
    assert Queue.objects.get(pk=again.pk).rooms == ["q1"]
    with pytest.raises(IntegrityError), transaction.atomic():
        asked.insert(Queue(facility="f", code="q", name="", stage="doctor", letter="Q", rooms=[], then=[]))
