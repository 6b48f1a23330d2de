"""Another time for a booking, and calling it off: cut-offs, so many moves, the override; test 3 of the peers' page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests.areas.booking.province import HOSPITAL, NOW, build, citizen, first_slot, opened
from yba.areas.booking import actions, holds, moving, policies
from yba.areas.booking.models import Contact, Seat
from yba.areas.booking.policies import Policy
from yba.care.messages.models import Message
from yba.fhir.access import Actor
from yba.fhir.errors import Conflict, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot

DESK = Actor(user="td", role="receptionist", facility=HOSPITAL, name="Trang")


@pytest.fixture
def house(db):
    connection.ensure_connection()
    build(opened(connection), people=3)
    return connection


def with_policy(house, policy):
    record = opened(house)
    schedule = record.find(Schedule)[0]
    schedule.extension = [policies.policy_extension(policy)]
    record.update(schedule)


def slots(house):
    return [one.id for one in opened(house).find(Slot, ("_sort", "start"))]


def booked(house, person="p1", at=0):
    made = actions.book_appointment(
        opened(house, citizen(person)),
        slot_id=slots(house)[at],
        patient_id=person,
        reason="Ho",
        phone="0905123456",
    )
    return actions.confirm_request(opened(house, DESK), made.id).appointment


def move(house, made, at, *, actor=None, now=NOW, **more):
    record = opened(house, actor or citizen("p1"), lambda: now)
    return moving.reschedule(record, made.id, slot_id=slots(house)[at], **more)


def test_peer_03_the_cap_is_told_and_staff_override_it_with_a_reason_that_is_kept(house):
    with_policy(house, Policy(most_moves=2))
    made = booked(house)
    for at in (1, 2):
        assert move(house, made, at).result == "done"
    with pytest.raises(Conflict) as refused:
        move(house, made, 3)
    assert (refused.value.key, refused.value.params["moves"]) == ("booking.moves-used", 2)
    with pytest.raises(Conflict):
        move(house, made, 3, actor=DESK)
    assert move(house, made, 3, actor=DESK, reason="Người nhà mất").result == "done"
    noted = Contact.objects.get(appointment_id=made.id, kind="overridden")
    assert noted.note.endswith("Người nhà mất")
    assert noted.agent_name == "Trang"
    stored = opened(house).read(Appointment, made.id)
    assert moving.moves_of(stored) == 3
    assert list(Seat.objects.values_list("slot_id", "holder")) == [(slots(house)[3], made.id)]
    assert [opened(house).read(Slot, one).status for one in slots(house)[:4]] == [
        "free",
        "free",
        "free",
        "busy",
    ]
    assert Message.objects.filter(kind="booking.moved").count() == 3


def test_a_move_to_a_taken_time_keeps_the_old_one(house):
    made, other = booked(house), booked(house, "p2", 1)
    with pytest.raises(Conflict) as refused:
        move(house, made, 1)
    assert refused.value.key == "booking.slot-taken"
    assert {one.holder: one.slot_id for one in Seat.objects.all()} == {
        made.id: slots(house)[0], other.id: slots(house)[1],
    }  # fmt: skip


def test_a_move_to_the_time_one_holds_takes_it_and_the_same_time_again_changes_nothing(house):
    made = booked(house)
    holds.hold(opened(house, citizen("p1")), [slots(house)[1]])
    assert move(house, made, 1).result == "done"
    assert move(house, made, 1).result == "already"
    assert list(Seat.objects.values_list("kind", "slot_id")) == [("booking", slots(house)[1])]


def test_nobody_moves_onto_a_closed_time_nor_one_held_by_others_nor_too_late(house):
    made = booked(house)
    record = opened(house)
    closed = record.read(Slot, slots(house)[1])
    closed.status = "busy-unavailable"
    record.update(closed)
    holds.hold(opened(house, citizen("p2")), [slots(house)[2]])
    for at in (1, 2):
        with pytest.raises(Conflict):
            move(house, made, at)
    with_policy(house, Policy(move_before=timedelta(hours=2)))
    with pytest.raises(Conflict) as refused:
        move(house, made, 5)
    assert refused.value.key == "booking.move-late"
    with_policy(house, Policy(notice=timedelta(days=30)))
    with pytest.raises(Conflict) as refused:
        move(house, made, 5)
    assert refused.value.key == "booking.too-late"


def test_a_stranger_moves_nothing_and_learns_nothing(house):
    made = booked(house)
    with pytest.raises(NotFound):
        move(house, made, 3, actor=citizen("p2"))


def test_calling_off_has_its_cut_off_for_the_person_and_none_for_staff(house):
    with_policy(house, Policy(cancel_before=timedelta(hours=2)))
    made = booked(house)
    with pytest.raises(Conflict) as refused:
        actions.cancel_appointment(opened(house, citizen("p1")), made.id)
    assert refused.value.key == "booking.cancel-late"
    assert actions.cancel_appointment(opened(house, DESK), made.id, reason="Gọi đến báo").result == "done"
    assert opened(house).read(Appointment, made.id).cancelationReason.text == "Gọi đến báo"


# -- pages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def person(house, monkeypatch):
    from yba.site.accounts.models import Account

    monkeypatch.setattr("yba.ui.requests.now", lambda: NOW)
    account = Account.objects.create_account("0905123456", role="citizen")
    account.links.create(patient_id="p1", relation="ban-than")
    client = Client()
    client.force_login(account)
    return client


def test_the_person_moves_on_the_page_and_reads_why_not(house, person):
    with_policy(house, Policy(most_moves=1))
    made = booked(house)
    url = reverse("booking:reschedule", args=[made.id])
    assert (
        reverse("booking:reschedule", args=[made.id])
        in person.get(reverse("booking:slip", args=[made.id])).content.decode()
    )
    answer = person.post(url, {"slot": slots(house)[2]}, follow=True).content.decode()
    assert "Đã đổi sang 8:10, thứ Hai 23/11." in answer
    again = person.post(url, {"slot": slots(house)[3]})
    assert again.status_code == 409
    assert "Lượt này đã đổi giờ 1 lần, không đổi thêm được." in again.content.decode()
    assert person.post(url, {}).status_code == 422


def test_the_person_calls_off_with_a_reason_or_reads_until_when_it_was_possible(house, person):
    made, url = booked(house), reverse
    with_policy(house, Policy(cancel_before=timedelta(hours=2)))
    answer = person.post(
        url("booking:cancel", args=[made.id]), {"ly-do": "ban"}, follow=True
    ).content.decode()
    assert "Chỉ hủy được đến 5:30, thứ Hai 23/11." in answer
    with_policy(house, Policy())
    person.post(url("booking:cancel", args=[made.id]), {"ly-do": "ban"})
    assert opened(house).read(Appointment, made.id).cancelationReason.text == "Bận, không đến được"
    assert first_slot(opened(house)) == slots(house)[0]
