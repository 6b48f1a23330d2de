"""The desk: claims, corrections, confirming, moving and refusing, in the right order and the wrong one."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.areas.booking.province import HOSPITAL, agent, build, citizen, first_slot, opened
from yba.areas.booking import actions, queries, rules
from yba.areas.booking.models import Contact
from yba.care import people
from yba.care.messages.models import Message
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.slot import Slot


@pytest.fixture
def house(db):
    connection.ensure_connection()
    build(opened(connection))
    return connection


@pytest.fixture
def asked(house):
    record = opened(house, citizen("p1"))
    return actions.book_appointment(
        record, slot_id=first_slot(record), patient_id="p1", reason="Chóng mặt", phone="0912345678"
    )


def desk(house, name="Mai Linh"):
    return opened(house, agent(name))


def test_confirming_gives_a_code_tells_the_person_and_reception_sees_it(house, asked):
    outcome = actions.confirm_request(desk(house), asked.id)
    assert outcome.result == "done"
    kept = queries.booking_of(desk(house).read(Appointment, asked.id))
    assert kept.status == "booked"
    assert len(kept.code) == 5
    message = Message.objects.get()
    assert message.to_phone == "0912345678"
    assert message.text == (
        f"BV Huong Giang: 7:30 thu Hai 23/11, phong 204, ma {kept.code}. Huy: vao Y Ba, Lich hen. Hoi: 02343555017"
    )


def test_confirming_again_changes_nothing_and_sends_nothing(house, asked):
    first = actions.confirm_request(desk(house), asked.id)
    second = actions.confirm_request(desk(house), asked.id)
    assert second.result == "already"
    assert rules.code_of(second.appointment) == rules.code_of(first.appointment)
    assert Message.objects.count() == 1
    assert Contact.objects.filter(kind="confirmed").count() == 1


def test_what_the_person_cancelled_is_not_confirmed(house, asked):
    actions.cancel_appointment(opened(house, citizen("p1")), asked.id)
    assert actions.confirm_request(desk(house), asked.id).result == "cancelled"
    assert actions.refuse_request(desk(house), asked.id, reason="Hết chỗ").result == "already"
    assert list(Message.objects.values_list("kind", flat=True)) == ["booking.cancelled"]


def test_moving_takes_the_new_time_and_frees_the_old(house, asked):
    old = rules.slot_id_of(asked)
    new = first_slot(opened(house), skip=2)
    assert actions.move_request(desk(house), asked.id, slot_id=new).result == "done"
    assert actions.move_request(desk(house), asked.id, slot_id=new).result == "already"
    record = opened(house)
    assert (record.read(Slot, old).status, record.read(Slot, new).status) == ("free", "busy")
    assert record.read(Appointment, asked.id).start == record.read(Slot, new).start


def test_refusing_frees_the_time_and_keeps_the_reason_for_the_person(house, asked):
    assert actions.refuse_request(desk(house), asked.id, reason="Bác sĩ đi công tác").result == "done"
    mine = queries.bookings_of(opened(house, citizen("p1")), ["p1"])[0]
    assert (mine.status, mine.refusal) == ("cancelled", "Bác sĩ đi công tác")
    assert opened(house).read(Slot, rules.slot_id_of(asked)).status == "free"
    assert "Bác" not in Message.objects.get().text


def test_correcting_writes_what_the_caller_said(house, asked):
    outcome = actions.correct_request(
        desk(house),
        asked.id,
        name="Nguyễn Thị Hạnh",
        phone="0987654321",
        reason="Chóng mặt một tuần",
        symptoms="",
    )
    assert outcome.result == "done"
    kept = desk(house).read(Appointment, asked.id)
    assert rules.reason_of(kept) == "Chóng mặt một tuần"
    assert actions.call_back_of(kept) == "0987654321"
    assert people.name_of(desk(house).read(Patient, "p1")) == "Nguyễn Thị Hạnh"
    assert rules.reference_of(kept, "Patient").display == "Nguyễn Thị Hạnh"


def test_a_caller_is_booked_confirmed_and_told_at_once(house):
    made = actions.book_for_caller(
        desk(house), slot_id=first_slot(opened(house)), patient_id="p2", reason="Đau lưng",
        phone="0912345678", channel="phone", once="k",
    )  # fmt: skip
    assert made.status == "booked"
    assert rules.code_of(made)
    assert actions.facility_of(made) == HOSPITAL
    assert Message.objects.count() == 1
