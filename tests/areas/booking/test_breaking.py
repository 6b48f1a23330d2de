"""What breaks between holding, booking and telling leaves all or nothing: test 2 of the peers' page."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
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


# -- a process that is killed ------------------------------------------------------------------------------


def killed(act: Callable[[], object], module: object, name: str) -> int:
    """The signal that ended a process of its own which acts, and is killed as it comes to this function."""
    connection.close()  # a line to the database belongs to one process
    child = os.fork()
    if child == 0:
        try:
            setattr(module, name, lambda *_args, **_more: os.kill(os.getpid(), signal.SIGKILL))
            connection.ensure_connection()
            act()
        finally:
            os._exit(0)
    _child, status = os.waitpid(child, 0)
    connection.ensure_connection()
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def test_peer_02_a_process_killed_between_hold_booking_and_outbox_leaves_all_or_nothing(
    committed: str,
) -> None:
    """SIGKILL at these very points: nothing can tidy up, and what was not committed never was."""
    connection.ensure_connection()
    build(opened(connection), people=2)
    slot = first_slot(opened(connection))
    held = holds.hold(opened(connection, citizen("p1")), [slot])
    assert killed(lambda: ask(connection, "p1", slot), ledger, "_show") == signal.SIGKILL
    assert seats() == [("hold", held.id)]
    assert opened(connection).find(Appointment) == []

    made = ask(connection, "p1", slot)  # the same form again, from the page that got no answer
    assert seats() == [("booking", made.id)]
    confirm = lambda: actions.confirm_request(opened(connection, agent()), made.id)  # noqa: E731 - for two
    assert killed(confirm, messages, "write") == signal.SIGKILL
    assert opened(connection).read(Appointment, made.id).status == "pending"
    assert Message.objects.count() == 0
    assert [confirm().result, confirm().result] == ["done", "already"]
    assert Message.objects.filter(kind="booking.confirmed", subject=made.id).count() == 1

    # Told and committed, killed before anything was sent: the row stands, and is sent by whoever comes next.
    other = ask(connection, "p2", first_slot(opened(connection)))

    def told_then_killed() -> None:
        actions.confirm_request(opened(connection, agent()), other.id)
        os.kill(os.getpid(), signal.SIGKILL)

    assert killed(told_then_killed, messages, "send") == signal.SIGKILL
    assert opened(connection).read(Appointment, other.id).status == "booked"
    waiting = Message.objects.get(kind="booking.confirmed", subject=other.id)
    assert not waiting.deliveries.exclude(state="queued").exists()
