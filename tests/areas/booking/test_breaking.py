"""What breaks between holding, booking and telling leaves all or nothing: test 2 of the peers' page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from tests.areas.booking.province import NOW, agent, build, citizen, first_slot, opened
from yba.areas.booking import actions, holds, ledger
from yba.areas.booking.models import Seat
from yba.care import messages
from yba.care.messages.models import Message
from yba.fhir.r4.appointment import Appointment


class Broken(Exception):
    """The process ends here."""


def breaks(*_args, **_more):
    raise Broken


@pytest.fixture
def house(db):
    connection.ensure_connection()
    build(opened(connection), people=2)
    return connection


def ask(house, person, slot, *, now=NOW):
    record = opened(house, citizen(person), lambda: now)
    return actions.book_appointment(
        record, slot_id=slot, patient_id=person, reason="Ho", phone="0905123456", once="k"
    )


def seats():
    return list(Seat.objects.values_list("kind", "holder"))


def test_peer_02_between_hold_and_booking_the_hold_stays_and_its_time_comes_back(house, monkeypatch):
    slot = first_slot(opened(house))
    held = holds.hold(opened(house, citizen("p1")), [slot])
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "_show", breaks)
        with pytest.raises(Broken):
            ask(house, "p1", slot)
    assert seats() == [("hold", held.id)]
    assert opened(house).find(Appointment) == []

    over = NOW + holds.LASTS + timedelta(seconds=1)
    made = ask(house, "p2", slot, now=over)
    assert seats() == [("booking", made.id)]


def test_peer_02_between_booking_and_outbox_nothing_is_confirmed_and_again_tells_once(house, monkeypatch):
    made = ask(house, "p1", first_slot(opened(house)))
    with monkeypatch.context() as patch:
        patch.setattr(messages, "write", breaks)
        with pytest.raises(Broken):
            actions.confirm_request(opened(house, agent()), made.id)
    assert opened(house).read(Appointment, made.id).status == "pending"
    assert Message.objects.count() == 0

    for result in ("done", "already"):
        assert actions.confirm_request(opened(house, agent()), made.id).result == result
    assert opened(house).read(Appointment, made.id).status == "booked"
    assert Message.objects.filter(kind="booking.confirmed", subject=made.id).count() == 1
    assert seats() == [("booking", made.id)]
