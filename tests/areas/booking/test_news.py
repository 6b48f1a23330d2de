"""A bare FHIR write of a visit tells its person as the pages do: once, what is true then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from tests.areas.booking.province import NOW, agent, opened
from tests.areas.booking.test_operations import House, slots
from yba.areas.booking import actions, news
from yba.areas.booking.models import News
from yba.care.messages.models import Message
from yba.fhir.r4.appointment import Appointment


@pytest.fixture
def house(db: None, monkeypatch: pytest.MonkeyPatch) -> House:
    """The FHIR endpoint as it runs: on a connection that is not Django's own (here only its name differs)."""
    made = House()
    monkeypatch.setattr("yba.areas.booking.news.connection", type("Other", (), {"connection": None})())
    return made


def booked(at: str, person: str = "p1") -> Any:
    return actions.book_for_caller(
        opened(connection, agent()), slot_id=at, patient_id=person, reason="Ho", phone="0905123456", channel="phone",
        once="",
    )  # fmt: skip


def told() -> list[str]:
    news.tell_due(opened(connection))
    return list(Message.objects.order_by("pk").values_list("kind", flat=True))


def put(house: House, who: str, key: str, **changes: Any) -> int:
    body = house(who, "GET", f"/Appointment/{key}").body
    return house(who, "PUT", f"/Appointment/{key}", body | changes).status


def test_called_off_by_a_bare_update_is_told_once_and_by_cancel_no_second_time(house: House) -> None:
    first, second, third = slots(house)[:3]
    one, other = booked(first), booked(second, "p2")
    News.objects.all().delete()
    assert put(house, "p1", one.id, status="cancelled") == 200
    assert [*News.objects.values_list("appointment_id", "kind")] == [(one.id, "cancelled")]
    assert told() == ["booking.confirmed", "booking.confirmed", "booking.cancelled"]
    assert (told()[2:], News.objects.count()) == (["booking.cancelled"], 0)
    # Somebody who took it back before anything was said is told nothing of it.
    News.objects.create(appointment_id=other.id, kind="cancelled", at=NOW)
    assert told()[2:] == ["booking.cancelled"]
    assert third


def test_moved_or_confirmed_by_a_bare_update_is_told_and_other_changes_are_not(house: House) -> None:
    first, second = slots(house)[:2]
    one = booked(first)
    News.objects.all().delete()
    record = opened(connection, agent())
    row = record.read(Appointment, one.id)
    row.comment = "Cần xe lăn"
    record.update(row)
    assert News.objects.count() == 0
    to = house("p1", "GET", f"/Slot/{second}").body
    changes = {"slot": [{"reference": f"Slot/{second}"}], "start": to["start"], "end": to["end"]}
    row = record.read(Appointment, one.id)
    before = news.kind_of(row, row)
    after = record.read(Appointment, one.id)
    after.start, after.end, after.slot = to["start"], to["end"], [actions.reference("Slot", second)]
    assert (before, news.kind_of(row, after), changes["start"]) == (None, "moved", after.start)
    record.update(after)
    assert told() == ["booking.confirmed", "booking.moved"]
    asked = actions.book_appointment(opened(connection, agent()), slot_id=first, patient_id="p2", reason="Ho")
    row = record.read(Appointment, asked.id or "")
    row.status = "booked"
    record.update(row)
    assert [*News.objects.values_list("kind", flat=True)] == ["confirmed"]
    past = opened(connection, at=lambda: NOW + timedelta(days=40))
    assert news.tell_due(past) == 0
