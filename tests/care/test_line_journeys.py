"""One number through the house: shared queues, on and back, away for a while, taken back, told when near."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from tests.builders import NOW, an_actor
from tests.care.test_line import Clock, desk, draw, taken
from yba import fhir
from yba.care.line import actions, queries, telling
from yba.care.line.actions import Leg
from yba.care.line.models import Event, Queue, Stop, Ticket
from yba.care.messages.models import Message
from yba.care.refusal import Refusal
from yba.fhir.access import SYSTEM
from yba.fhir.r4.datatypes import ContactPoint, HumanName
from yba.fhir.r4.location import Location
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient

pytestmark = pytest.mark.django_db


def queue(code: str, *rooms: str, **fields: Any) -> Queue:
    known = {"facility": "f", "name": code, "letter": code[:1].upper(), "rooms": list(rooms)}
    return Queue.objects.create(code=code, **{**known, **fields})


def shared(record: fhir.Record, code: str = "q", **fields: Any) -> Ticket:
    return draw(record, fields.pop("name", "An"), room="", waits_in=code, **fields)


def done(record: fhir.Record, found: Ticket | Refusal, room: str = "") -> Ticket:
    ticket = taken(found)
    taken(actions.start(record, ticket=ticket.pk, room=room))
    return taken(actions.finish(record, ticket=ticket.pk))


def refused(found: Ticket | Refusal) -> str:
    assert isinstance(found, Refusal), found
    return found.key


def stops(ticket: Ticket) -> list[tuple[str, str]]:
    return list(Stop.objects.filter(ticket=ticket).order_by("id").values_list("line", "outcome"))


def test_several_rooms_call_from_one_queue_and_never_the_same_person() -> None:
    queue("q", "r1", "r2")
    record = desk()
    tickets = [shared(record, name=f"Người {number}") for number in range(4)]
    first, second = (taken(actions.call_next(record, room=room)) for room in ("r1", "r2"))
    assert [(one.number, one.room) for one in (first, second)] == [(1, "r1"), (2, "r2")]
    assert refused(actions.call_next(record, room="r3")) == "line.empty"
    lines = queries.lines_of(record, facility="f")
    assert {room: [one.number for one in line.waiting] for room, line in lines.items()} == {
        "r1": [3, 4], "r2": [3, 4],
    }  # fmt: skip
    assert [one.number for one in queries.line_of(record, room="r1").called] == [1]
    taken(actions.start(record, ticket=first.pk))
    assert taken(actions.call(record, ticket=tickets[3].pk, room="r1")).room == "r1"
    assert Ticket.objects.get(pk=tickets[2].pk).passed == 1


def test_out_of_turn_is_refused_when_somebody_may_be_passed_no_more() -> None:
    record = desk()
    old = draw(record, "Chờ Lâu")
    for number in range(3):
        done(record, actions.call(record, ticket=draw(record, f"Sau {number}").pk))
    late, urgent = draw(record, "Sau nữa"), draw(record, "Cấp cứu", priority="urgent")
    assert refused(actions.call(record, ticket=late.pk)) == "line.passes"
    assert taken(actions.call(record, ticket=urgent.pk)).status == "called"
    assert Ticket.objects.get(pk=old.pk).passed == 3


def test_from_vitals_to_the_doctor_the_laboratory_and_back_then_to_pay_and_for_medicine() -> None:
    queue("sinh-hieu", "v", stage="vitals")
    queue("kham", "r1", "r2", then=["thu-ngan", "thuoc"])
    queue("xet-nghiem", "x", stage="laboratory")
    queue("thu-ngan", "c", stage="cashier")
    queue("thuoc", "p", stage="pharmacy")
    record = desk()
    waits = shared(record, "kham", name="Đến Trước")
    ticket = shared(record, "sinh-hieu", name="Hạnh", route=[Leg("kham")])
    assert done(record, actions.call_next(record, room="v")).line == "kham"
    assert done(record, actions.call_next(record, room="r1")).pk == waits.pk
    seen = taken(actions.call_next(record, room="r2"))
    assert (seen.pk, seen.code) == (ticket.pk, ticket.code)
    taken(actions.start(record, ticket=ticket.pk))
    sent = taken(actions.send(record, ticket=ticket.pk, to=[Leg("xet-nghiem")], back=True))
    assert (sent.line, sent.room, sent.status) == ("xet-nghiem", "", "waiting")
    came = [shared(record, "kham", name=f"Mới {number}") for number in range(2)]
    back = done(record, actions.call_next(record, room="x"))
    assert (back.line, back.room, back.is_back) == ("kham", "r2", True)
    assert taken(actions.call_next(record, room="r1")).pk == came[0].pk
    assert done(record, actions.call_next(record, room="r2")).line == "thu-ngan"
    for _person in (waits, ticket):
        assert done(record, actions.call_next(record, room="c")).line == "thuoc"
    done(record, actions.call_next(record, room="p"))
    over = done(record, actions.call_next(record, room="p"))
    assert over.status == "done"
    assert [line for line, _outcome in stops(ticket)] == [
        "sinh-hieu", "kham", "xet-nghiem", "kham", "thu-ngan", "thuoc",
    ]  # fmt: skip
    assert {outcome for _line, outcome in stops(ticket)} == {"done", "sent"}


def test_a_place_that_is_not_there_is_no_way() -> None:
    queue("q", "r1")
    record = desk()
    ticket = shared(record)
    assert refused(actions.send(record, ticket=ticket.pk, to=[Leg("khong-co")])) == "line.no-queue"
    assert refused(actions.send(record, ticket=ticket.pk, to=[])) == "line.no-queue"
    other = desk(facility="g")
    assert refused(actions.send(other, ticket=ticket.pk, to=[Leg("q")])) == "line.no-ticket"


def test_finishing_a_form_sent_twice_ends_one_wait_only() -> None:
    queue("a", "r1", then=["b"])
    queue("b", "r2")
    record = desk()
    ticket = shared(record, "a")
    stop = taken(actions.start(record, ticket=ticket.pk, room="r1")).stop
    for _ in range(2):
        assert taken(actions.finish(record, ticket=ticket.pk, stop=stop)).line == "b"
    assert stops(ticket) == [("a", "done"), ("b", "")]


def test_a_visit_that_is_over_needs_nobody_back() -> None:
    queue("kham", "r1")
    queue("xn", "x")
    record = desk()
    ticket = shared(record, "kham")
    taken(actions.start(record, ticket=ticket.pk, room="r1"))
    taken(actions.send(record, ticket=ticket.pk, to=[Leg("xn")], back=True))
    assert taken(actions.finish(record, ticket=ticket.pk, visit_over=True)).line == "xn"
    assert done(record, actions.call_next(record, room="x")).status == "done"


def test_the_place_is_kept_for_an_hour() -> None:
    clock = Clock()
    record = desk(clock)
    first, _second = draw(record, "Một"), draw(record, "Hai")
    assert taken(actions.park(record, ticket=first.pk)).status == "parked"
    assert taken(actions.park(record, ticket=first.pk)).status == "parked"
    assert [one.number for one in queries.line_of(record, room="r").parked] == [1]
    clock.later(59)
    draw(record, "Ba")
    taken(actions.resume(record, ticket=first.pk))
    assert [one.number for one in queries.line_of(record, room="r").waiting] == [1, 2, 3]
    taken(actions.park(record, ticket=first.pk))
    clock.later(61)
    taken(actions.resume(record, ticket=first.pk))
    assert [one.number for one in queries.line_of(record, room="r").waiting] == [2, 3, 1]


def test_missing_the_call_too_often_needs_a_new_number() -> None:
    record = desk()
    ticket = draw(record)
    for _ in range(3):
        taken(actions.call(record, ticket=ticket.pk))
        taken(actions.missed(record, ticket=ticket.pk))
        taken(actions.rejoin(record, ticket=ticket.pk))
    taken(actions.call(record, ticket=ticket.pk))
    taken(actions.missed(record, ticket=ticket.pk))
    assert refused(actions.rejoin(record, ticket=ticket.pk)) == "line.rejoined"


@pytest.mark.parametrize("act", ["call", "missed", "park", "send"])
def test_an_act_taken_back_leaves_everything_as_before(act: str) -> None:
    queue("xn", "x")
    clock = Clock()
    record = desk(clock)
    old = draw(record, "Trước")
    ticket = draw(record, "Người này", priority="over_75")
    if act == "missed":
        taken(actions.call(record, ticket=ticket.pk))
    snapshot = list(Ticket.objects.order_by("id").values()), list(Stop.objects.order_by("id").values())
    clock.later(1)
    given = {"to": [Leg("xn")]} if act == "send" else {}
    taken(getattr(actions, act)(record, ticket=ticket.pk, **given))
    assert Ticket.objects.get(pk=old.pk).passed == (act in ("call", "missed"))
    assert snapshot[0] != list(Ticket.objects.order_by("id").values())
    taken(actions.undo(record, ticket=ticket.pk))
    assert snapshot == (
        list(Ticket.objects.order_by("id").values()),
        list(Stop.objects.order_by("id").values()),
    )
    assert Event.objects.filter(act="undo").count() == 1


def test_nothing_old_nothing_twice_and_no_visit_is_taken_back() -> None:
    clock = Clock()
    record = desk(clock)
    ticket = draw(record, encounter_id="v")
    assert refused(actions.undo(record, ticket=ticket.pk)) == "line.undo"
    taken(actions.call(record, ticket=ticket.pk))
    taken(actions.undo(record, ticket=ticket.pk))
    assert refused(actions.undo(record, ticket=ticket.pk)) == "line.undo"
    taken(actions.call(record, ticket=ticket.pk))
    taken(actions.start(record, ticket=ticket.pk))
    found = actions.undo(record, ticket=ticket.pk)
    assert isinstance(found, Refusal)
    assert "hồ sơ khám" in found.message
    other = draw(record, "Khác")
    taken(actions.park(record, ticket=other.pk))
    clock.later(6)
    assert refused(actions.undo(record, ticket=other.pk)) == "line.undo"


# -- what is measured and told -----------------------------------------------------------------------------


def test_what_was_told_when_joining_is_kept_with_what_came_of_it() -> None:
    clock = Clock()
    record = desk(clock)
    first, second = draw(record, "Một"), draw(record, "Hai")
    actions.call_next(record, room="r")
    taken(actions.start(record, ticket=first.pk))
    clock.later(7)
    taken(actions.finish(record, ticket=first.pk))
    taken(actions.call_next(record, room="r"))
    stop = Stop.objects.get(ticket=second)
    assert (stop.ahead, stop.kind, stop.whole, stop.room, stop.stage) == (1, "other", True, "r", "doctor")
    assert stop.low is not None
    assert stop.high is not None
    assert stop.low < stop.high
    assert stop.called_at == NOW + timedelta(minutes=7)


def test_before_the_day_has_begun_the_wait_starts_when_other_days_did() -> None:
    clock = Clock()
    record = desk(clock)
    for day in (1, 2, 3):
        clock.now = NOW + timedelta(days=day)
        done(record, actions.call(record, ticket=draw(record).pk))
    clock.now = NOW + timedelta(days=4) - timedelta(minutes=50)
    place = queries.line_of(record, room="r").place
    wait = queries.wait_of_next(record, place=place)
    assert (wait.low, wait.high) == (50, 55)


def the_system(clock: Clock) -> fhir.Record:
    connection.ensure_connection()
    return fhir.open(connection.connection, actor=SYSTEM, clock=clock, transaction=transaction.atomic)


def test_who_has_three_before_is_told_once_and_only_who_came_when_there_were_more() -> None:
    clock = Clock()
    system, record = the_system(clock), desk(clock)
    system.update(Organization(id="f", name="Bệnh viện Đa khoa Hương Giang"))
    system.update(Location(id="r", name="204"))
    for number in range(1, 7):
        phone = [ContactPoint(system="phone", value=f"090500000{number}")]
        system.update(Patient(id=f"p{number}", name=[HumanName(text=f"Người {number}")], telecom=phone))
    tickets = [draw(record, f"Người {number}", patient_id=f"p{number}") for number in range(1, 7)]

    def look() -> int:
        return telling.tell_who_is_near(system, facility="f", line="r")

    assert look() == 0
    done(record, actions.call_next(record, room="r"))
    assert (look(), look()) == (1, 0)
    message = Message.objects.get()
    assert message.to_phone == "0905000005"
    assert message.text.endswith("so B 005 con 3 nguoi phia truoc. Toi cho o phong 204.")
    assert len(message.text) <= 160
    taken(actions.cancel(record, ticket=tickets[5].pk))
    done(record, actions.call_next(record, room="r"))
    assert look() == 0
    assert Message.objects.count() == 1


def test_a_stranger_to_the_facility_takes_nothing_back() -> None:
    ticket = draw(desk())
    taken(actions.call(desk(), ticket=ticket.pk))
    connection.ensure_connection()
    other = fhir.open(
        connection.connection, actor=an_actor("receptionist", facility="g"), transaction=transaction.atomic
    )
    assert refused(actions.undo(other, ticket=ticket.pk)) == "line.no-ticket"
