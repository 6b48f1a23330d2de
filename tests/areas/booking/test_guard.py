"""The guard on Appointment: one seat a slot, whoever asks and whichever way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from tests.areas.booking.province import NOW, agent, build, citizen, first_slot, opened
from yba.areas.booking import actions, opening
from yba.fhir.errors import Conflict, Forbidden, Invalid, RecordError
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.slot import Slot
from yba.ui.words import local_day


def book(record, patient="p1", slot=None, **more):
    return actions.book_appointment(
        record, slot_id=slot or first_slot(record), patient_id=patient, reason="Chóng mặt", **more
    )


@pytest.fixture
def house(db):
    connection.ensure_connection()
    build(opened(connection))
    return connection


def test_a_request_is_pending_and_its_slot_busy(house):
    made = book(opened(house, citizen("p1")))
    assert made.status == "pending"
    assert opened(house).read(Slot, made.slot[0].reference.removeprefix("Slot/")).status == "busy"


def test_the_second_one_is_refused_with_a_key(house):
    slot = first_slot(opened(house))
    book(opened(house, citizen("p1")), slot=slot)
    with pytest.raises(Conflict) as refused, transaction.atomic():
        book(opened(house, citizen("p2")), "p2", slot)
    assert refused.value.key == "booking.slot-taken"
    assert refused.value.params["slot"] == slot


def test_the_same_form_twice_books_once(house):
    record = opened(house, citizen("p1"))
    slot = first_slot(record)
    one, two = book(record, slot=slot, once="k1"), book(record, slot=slot, once="k1")
    assert one.id == two.id


def test_cancelling_frees_the_slot_and_a_second_click_changes_nothing(house):
    record = opened(house, citizen("p1"))
    made = book(record)
    assert actions.cancel_appointment(record, made.id).result == "done"
    assert actions.cancel_appointment(record, made.id).result == "already"
    slot = made.slot[0].reference.removeprefix("Slot/")
    assert record.read(Slot, slot).status == "free"
    assert book(opened(house, citizen("p2")), "p2", slot).status == "pending"


def test_moving_keeps_the_old_time_when_the_new_one_is_taken(house):
    record = opened(house, citizen("p1"))
    made, other = book(record), book(opened(house, citizen("p2")), "p2", first_slot(record, skip=1))
    taken = other.slot[0].reference.removeprefix("Slot/")
    with pytest.raises(Conflict):
        actions.move_request(opened(house, agent()), made.id, slot_id=taken)
    kept = record.read(Appointment, made.id)
    assert kept.slot == made.slot
    assert opened(house).read(Slot, made.slot[0].reference.removeprefix("Slot/")).status == "busy"


def test_overlapping_slots_of_one_doctor_exclude_each_other(house):
    system = opened(house)
    slot = system.read(Slot, first_slot(system))
    later = system.create(
        Slot(schedule=slot.schedule, status="free", start=slot.start.replace("30:00", "40:00"),
             end=slot.end.replace("50:00", "59:00"), meta=slot.meta)
    )  # fmt: skip
    book(opened(house, citizen("p1")), slot=slot.id)
    with pytest.raises(Conflict):
        book(opened(house, citizen("p2")), "p2", later.id)


def draft(record, **changes):
    slot = record.read(Slot, first_slot(record))
    made = Appointment(status="pending", participant=[actions.participant_of(record.read("Patient", "p1"))])
    actions.place(made, slot, actions.queries.slot_and_post(record, slot.id)[1])
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("changes", "kind", "key"),
    [
        ({"status": "booked"}, Forbidden, "booking.citizen-status"),
        ({"slot": []}, Forbidden, "booking.citizen-slot"),
        ({"start": "2026-11-23T08:10:00+07:00"}, Invalid, "booking.times-differ"),
        ({"slot": [actions.reference("Slot", "none")]}, Invalid, "booking.slot-unknown"),
    ],
)
def test_what_a_citizen_may_not_ask_for(house, changes, kind, key):
    record = opened(house, citizen("p1"))
    with pytest.raises(RecordError) as refused:
        record.create(draft(record, **changes))
    assert isinstance(refused.value, kind)
    assert refused.value.key == key


def test_a_slot_in_the_past_is_refused(house):
    slot = first_slot(opened(house))
    record = opened(house, citizen("p1"), lambda: NOW + timedelta(days=1))
    with pytest.raises(Invalid) as refused:
        book(record, slot=slot)
    assert refused.value.key == "booking.slot-past"


def test_a_citizen_may_not_change_or_delete(house):
    record = opened(house, citizen("p1"))
    made = book(record)
    made.comment = "khác"
    with pytest.raises(Forbidden):
        record.update(made)
    with pytest.raises(Forbidden):
        record.delete("Appointment", made.id)


def test_deleting_by_the_system_frees_the_slot(house):
    made = book(opened(house, citizen("p1")))
    opened(house).delete("Appointment", made.id)
    assert opened(house).read(Slot, made.slot[0].reference.removeprefix("Slot/")).status == "free"


def test_opening_slots_again_makes_none(house):

    today = local_day(NOW)
    assert opening.open_slots(opened(house), until=today, today=today) == 0


def test_an_imported_booking_can_be_checked_in(house):
    from yba import fhir
    from yba.fhir.access import SYSTEM, Actor

    imported = fhir.open(house.connection, actor=SYSTEM, transaction=transaction.atomic)
    slot = imported.read(Slot, first_slot(imported))
    slot.status = "busy"
    imported.update(slot)
    made = draft(opened(house), status="booked")
    actions.place(made, slot, actions.queries.slot_and_post(imported, slot.id)[1])
    kept = imported.create(made)
    kept.status = "arrived"
    desk = Actor(user="td", role="receptionist", facility="bv", name="Trang")
    assert opened(house, desk).update(kept).status == "arrived"
    with pytest.raises(Conflict):
        book(opened(house, citizen("p2")), "p2", slot.id)
