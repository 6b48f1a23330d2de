"""The line on a real database: numbers, calls, repeats, other facilities, rollback."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from tests.builders import NOW, an_actor
from yba import fhir
from yba.care.line import actions, queries
from yba.care.line.models import Ticket
from yba.care.refusal import Refusal

pytestmark = pytest.mark.django_db


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def later(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)


def desk(clock: Clock | None = None, facility: str = "f") -> fhir.Record:
    connection.ensure_connection()
    actor = an_actor("receptionist", facility=facility)
    return fhir.open(
        connection.connection, actor=actor, clock=clock or Clock(), transaction=transaction.atomic
    )


def draw(record: fhir.Record, name: str = "Nguyễn Văn An", **fields: Any) -> Ticket:
    known = {"facility": "f", "room": "r", "letter": "B", "patient_id": name, "patient_name": name}
    return actions.draw(record, **{**known, **fields})


def taken(found: Ticket | Refusal) -> Ticket:
    assert isinstance(found, Ticket), found
    return found


def test_peer_05_numbers_count_from_one_in_each_queue_and_day_of_vietnam() -> None:
    clock = Clock()
    record = desk(clock)
    assert [draw(record).code for _ in range(3)] == ["B 001", "B 002", "B 003"]
    assert draw(record, room="r2", letter="C").code == "C 001"
    assert draw(record, facility="g").code == "B 001"
    clock.now = datetime.fromisoformat("2026-11-24T23:59:00+07:00")
    assert draw(record).code == "B 004"
    clock.now = datetime.fromisoformat("2026-11-25T00:00:00+07:00")
    assert draw(record).code == "B 001"


def test_a_check_in_that_fails_gives_its_number_back() -> None:
    record = desk()
    draw(record)

    def fails() -> None:
        with record.atomic():
            assert draw(record).number == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert draw(record).number == 2
    assert Ticket.objects.count() == 2


def test_the_same_form_or_booking_gets_the_ticket_it_has() -> None:
    record = desk()
    first = draw(record, key="k", appointment_id="a")
    assert draw(record, key="k").pk == first.pk
    assert draw(record, key="other", appointment_id="a").pk == first.pk
    assert draw(record).number == 2


def test_calling_twice_calls_one() -> None:
    record = desk()
    first, second = draw(record), draw(record)
    called = taken(actions.call_next(record, room="r", key="k1"))
    assert called.pk == first.pk
    assert taken(actions.call_next(record, room="r", key="k1")).pk == first.pk
    assert taken(actions.call_next(record, room="r", key="k2")).pk == first.pk
    assert Ticket.objects.get(pk=first.pk).call_count == 1
    taken(actions.start(record, ticket=first.pk))
    assert taken(actions.call_next(record, room="r", key="k1")).pk == first.pk
    assert taken(actions.call_next(record, room="r", key="k3")).pk == second.pk


def test_calling_again_counts_and_missing_frees_the_room() -> None:
    record = desk()
    first, second = draw(record), draw(record)
    actions.call_next(record, room="r")
    assert taken(actions.call_again(record, ticket=first.pk, key="x")).call_count == 2
    assert taken(actions.call_again(record, ticket=first.pk, key="x")).call_count == 2
    assert taken(actions.missed(record, ticket=first.pk)).status == "missed"
    assert taken(actions.call_next(record, room="r")).pk == second.pk
    assert taken(actions.rejoin(record, ticket=first.pk)).status == "waiting"
    assert [one.code for one in queries.line_of(record, room="r").waiting] == ["B 001"]


def test_finishing_twice_keeps_the_first_time() -> None:
    clock = Clock()
    record = desk(clock)
    ticket = draw(record)
    actions.start(record, ticket=ticket.pk)
    clock.later(10)
    done = taken(actions.finish(record, ticket=ticket.pk)).done_at
    clock.later(10)
    assert taken(actions.finish(record, ticket=ticket.pk)).done_at == done
    refused = actions.start(record, ticket=ticket.pk)
    assert isinstance(refused, Refusal)
    assert refused.message == "Số B 001 đã khám xong."


def test_an_empty_line_says_so() -> None:
    refused = actions.call_next(desk(), room="r")
    assert isinstance(refused, Refusal)
    assert refused.key == "line.empty"


def test_another_facility_has_neither_ticket_nor_line() -> None:
    ticket = draw(desk())
    other = desk(facility="g")
    for act in (actions.call, actions.start, actions.finish, actions.missed, actions.cancel):
        refused = act(other, ticket=ticket.pk)
        assert isinstance(refused, Refusal)
        assert refused.key == "line.no-ticket"
    refused = actions.call_next(other, room="r")
    assert isinstance(refused, Refusal)
    assert Ticket.objects.get(pk=ticket.pk).status == "waiting"


def test_those_passed_are_counted_and_come_next_after_three() -> None:
    clock = Clock()
    record = desk(clock)
    patient = draw(record, "Chờ Lâu")
    for number in range(4):
        clock.later(1)
        draw(record, f"Ưu tiên {number}", priority="over_75")
    order = []
    for _ in range(5):
        ticket = taken(actions.call_next(record, room="r"))
        actions.start(record, ticket=ticket.pk)
        actions.finish(record, ticket=ticket.pk)
        order.append(ticket.number)
    assert order == [2, 3, 4, 1, 5]
    assert Ticket.objects.get(pk=patient.pk).passed == 3


def test_the_wait_comes_from_the_rooms_own_visits() -> None:
    clock = Clock()
    record = desk(clock)
    for _ in range(6):
        ticket = draw(record)
        actions.start(record, ticket=ticket.pk)
        clock.later(20)
        actions.finish(record, ticket=ticket.pk)
    draw(record)
    mine = draw(record)
    wait = queries.wait_range(record, ticket=mine)
    assert (wait.low, wait.high) == (20, 25)
    place = queries.place_of(record, facility="f", key="r", day=mine.day)
    assert [one.number for one in queries.ahead_of(mine, place)] == [7]


def test_a_link_cannot_be_guessed() -> None:
    ticket = draw(desk())
    token = queries.link_token(ticket)
    found = queries.ticket_of_link(token)
    assert found is not None
    assert found.pk == ticket.pk
    assert queries.ticket_of_link(f"{ticket.pk}:{'x' * 43}") is None
    assert queries.ticket_of_link(str(ticket.pk)) is None


def test_lines_of_a_facility_take_two_queries_and_one_more_for_what_changed(
    django_assert_num_queries: Any,
) -> None:
    record = desk()
    for room in ("r1", "r2"):
        for _ in range(3):
            draw(record, room=room, letter=room)
    with django_assert_num_queries(3):
        lines = queries.lines_of(record, facility="f")
    assert {room: len(line.waiting) for room, line in lines.items()} == {"r1": 3, "r2": 3}
    with django_assert_num_queries(2):
        again = queries.lines_of(record, facility="f")
    assert again == lines
    assert again["r1"] is lines["r1"], "what lies as it lay is put in order once"
