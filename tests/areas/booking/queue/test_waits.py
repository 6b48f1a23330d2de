"""Waits against the ministry's targets: the reckoning, the page, the table, and who may see them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from tests.areas.booking import province
from tests.areas.booking.queue import desk
from tests.areas.booking.queue.test_pages import text_of
from yba.areas.booking.queue import waits
from yba.care.line.models import Stop, Ticket

NOW = province.NOW


def a_stop(minutes: float, **fields: object) -> Stop:
    known = {"line": "r", "room": "r", "low": 5, "high": 20, "whole": True}
    return Stop(joined_at=NOW, called_at=NOW + timedelta(minutes=minutes), **{**known, **fields})


def test_waits_by_a_name_give_the_middle_nine_of_ten_and_the_longest() -> None:
    stops = [a_stop(minutes) for minutes in range(1, 11)] + [a_stop(40, room="x")]
    found = waits.rows(stops, lambda one: one.room)
    assert [(one.name, one.people, one.middle, one.ninth, one.longest) for one in found] == [
        ("r", 10, 5.5, 9, 10), ("x", 1, 40, 40, 40),
    ]  # fmt: skip


def test_the_range_is_held_against_waits_the_line_alone_decided() -> None:
    stops = [a_stop(4), a_stop(5), a_stop(20), a_stop(21), a_stop(10, whole=False), a_stop(10, low=None)]
    (found,) = waits.coverage(stops, lambda one: one.line)
    assert (found.people, found.inside, found.sooner, found.later, found.percent) == (4, 2, 1, 1, 50)


def test_visits_are_held_against_decision_1313() -> None:
    known = waits.targets()
    assert [(one.techniques, one.minutes) for one in known] == [(0, 120), (1, 180), (2, 210), (3, 240)]
    found = waits.visits([(100, 0), (150, 0), (170, 1), (300, 5)], known)
    assert [(one.people, one.average, one.target, one.within, one.is_met) for one in found] == [
        (2, 125, 120, 1, False), (1, 170, 180, 1, True), (1, 300, 240, 0, False),
    ]  # fmt: skip


@pytest.mark.django_db
def test_the_manager_sees_the_waits_of_their_own_house_and_takes_them_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("yba.ui.requests.now", province.clock)
    desk.build()
    for facility, minutes in ((province.HOSPITAL, 12), ("khac", 777)):
        ticket = Ticket.objects.create(
            facility=facility, queue="A", room="p-204", day=NOW.date() + timedelta(days=1), number=1, letter="A",
            patient_id="p1", patient_name="Nguyễn Thị Hạnh", arrived_at=NOW, queued_at=NOW, joined_at=NOW,
            status="done", done_at=NOW + timedelta(minutes=90),
        )  # fmt: skip
        stop = a_stop(minutes, line="p-204", room="p-204", facility=facility, day=ticket.day)
        stop.ticket, stop.specialty, stop.stage = ticket, "=Tim mạch", "doctor"
        stop.save()
    client = desk.signed_in("facility_administrator")
    page = text_of(client.get(reverse("booking:waits")))
    assert "12 phút" in page
    assert "777" not in page
    assert "1313/QĐ-BYT" in page
    assert "100%" in page
    assert "Hạnh" not in page
    table = client.get(reverse("booking:waits_csv"), {"days": "30"})
    lines = table.content.decode("utf-8-sig").splitlines()
    assert "Dịch vụ,'=Tim mạch,1,12,12,12,," in lines
    assert "Lượt khám,Khám lâm sàng đơn thuần,1,90,,,120,1" in lines
    assert "Hạnh" not in table.content.decode()
    for role in ("receptionist", "doctor", "kiosk", "citizen"):
        assert desk.signed_in(role).get(reverse("booking:waits")).status_code == 404
    assert client.get(reverse("booking:waits"), {"days": "9" * 9}).status_code == 200
