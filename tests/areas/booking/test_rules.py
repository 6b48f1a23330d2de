"""Booking's rules: who may do what, what the messages say, which openings a timetable gives."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from yba.areas.booking import rules, timetable
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.datatypes import Period, Reference
from yba.fhir.r4.practitioner_role import (
    PractitionerRole,
    PractitionerRoleAvailableTime,
    PractitionerRoleNotAvailable,
)
from yba.fhir.r4.schedule import Schedule

MONDAY = date(2026, 11, 23)
START = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


def a_booking(status="pending", **more):
    who = AppointmentParticipant(actor=Reference(reference="Patient/p1"), status="accepted")
    return Appointment(
        status=status, participant=[who], slot=[Reference(reference="Slot/s")],
        start="2026-11-24T09:30:00+07:00", end="2026-11-24T09:50:00+07:00", **more,
    )  # fmt: skip


def a_role(**more):
    times = PractitionerRoleAvailableTime(
        daysOfWeek=["mon"], availableStartTime="07:30:00", availableEndTime="08:25:00"
    )
    return PractitionerRole(active=True, availableTime=[times], **more)


def given(role, day):
    """The openings of a Schedule that says no hours of its own."""
    schedule = Schedule(actor=[Reference(reference="PractitionerRole/vt")])
    return timetable.openings(timetable.timetable_of(schedule, role), day, role=role)


def test_openings_fill_the_session_and_leave_a_short_rest():
    found = [one.start.strftime("%H:%M") for one in given(a_role(), MONDAY)]
    assert found == ["07:30", "07:50"]


def test_no_openings_on_other_days_nor_when_away():
    away = PractitionerRoleNotAvailable(
        description="Nghỉ", during=Period(start="2026-11-20", end="2026-11-23")
    )
    assert given(a_role(), MONDAY + timedelta(days=1)) == []
    assert given(a_role(notAvailable=[away]), MONDAY) == []
    assert given(a_role(period=Period(end="2026-11-01")), MONDAY) == []


def test_an_opening_is_named_after_its_schedule_and_local_time():
    assert given(a_role(), MONDAY)[0].id_in("lich") == "lich.20261123-0730"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (None, a_booking(), None),
        (None, a_booking("booked"), "booking.citizen-status"),
        (a_booking(), a_booking("cancelled"), None),
        (a_booking("booked"), a_booking("cancelled"), None),
        (a_booking("fulfilled"), a_booking("cancelled"), "booking.citizen-status"),
        (a_booking(), None, "booking.citizen-delete"),
        (a_booking(), a_booking("cancelled", identifier=[]), None),
    ],
)
def test_what_a_citizen_may_do(old, new, key):
    assert rules.citizen_refusal(old, new) == key


def test_a_citizen_cannot_swap_the_time_while_cancelling():
    moved = a_booking("cancelled")
    moved.start = "2026-11-25T09:30:00+07:00"
    assert rules.citizen_refusal(a_booking(), moved) == "booking.citizen-change"


def test_the_nearest_free_times_come_in_clock_order():
    free = [START + timedelta(minutes=at) for at in (-60, 30, 90, 240)]
    assert rules.nearest(free, START) == [free[0], free[1]]


def test_a_slot_is_past_for_a_citizen_once_begun_and_for_staff_once_over():
    end = START + timedelta(minutes=20)
    during = START + timedelta(minutes=5)
    assert rules.is_past(START, end, now=during, by="citizen")
    assert not rules.is_past(START, end, now=during, by="receptionist")
    assert rules.is_past(START, end, now=end, by="receptionist")


def test_danger_is_heard_without_accents():
    assert rules.sounds_dangerous("Đau ngực khi đi lại")
    assert rules.sounds_dangerous("suýt ngất sáng nay")
    assert not rules.sounds_dangerous("ngứa tay")


def test_the_calendar_entry_says_no_health_words():
    text = rules.calendar_entry(a_booking(), place="BV Hương Giang, Huế", now=START).decode()
    assert "DTSTART:20261124T023000Z" in text
    assert r"LOCATION:BV Hương Giang\, Huế" in text
