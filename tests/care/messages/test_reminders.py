"""Reminders follow the visit as it is when they leave: moved, cancelled, late, at night. Peers' test 3."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from icalendar import Calendar

from tests.areas.booking.province import HOSPITAL, NOW, agent, build, citizen, opened
from tests.care.messages.gateways import Kept
from yba.areas.booking import actions, rules
from yba.care.messages import outbox, reminders, standing
from yba.care.messages.models import Message, Preference
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.slot import Slot
from yba.site.accounts.models import Account

pytestmark = pytest.mark.django_db
PHONE = "0905123456"


@pytest.fixture
def sms(here: Any) -> Any:
    return here["sms"]


class House:
    """The hospital's clock, its desk, and the worker that runs every half hour."""

    def __init__(self) -> None:
        self.now = NOW
        connection.ensure_connection()
        build(self.record(), days=6)

    def clock(self) -> datetime:
        return self.now

    def record(self, actor: Any = None) -> Any:
        return opened(connection, actor, at=self.clock) if actor else opened(connection, at=self.clock)

    def desk(self) -> Any:
        return self.record(agent())

    def slot(self, *, days: int, at: int = 0) -> str:
        """The ``at``-th free slot of a day from today."""
        day = rules.day_bounds((NOW + timedelta(hours=7, days=days)).date())
        found = self.record().find(
            Slot, ("status", "free"), ("start", f"ge{day[0]}"), ("start", f"lt{day[1]}"), ("_sort", "start")
        )
        return found[at].id or ""

    def booked(self, slot_id: str) -> Appointment:
        return actions.book_for_caller(
            self.desk(),
            slot_id=slot_id,
            patient_id="p1",
            reason="Khám",
            phone=PHONE,
            channel="phone",
            once=slot_id,
        )

    def pass_until(self, until: datetime) -> None:
        """Sweep and work off what waits, every half hour."""
        while self.now <= until:
            reminders.remind(self.record())
            for number in Message.objects.filter(status="waiting").values_list("pk", flat=True):
                outbox.advance(number, now=self.clock, later=lambda *said: None)
            self.now += timedelta(minutes=30)


@pytest.fixture
def house(sms: Kept) -> House:
    return House()


def texts(sms: Kept) -> list[str]:
    return [one.text for one in sms.got]


def test_a_visit_is_reminded_three_days_one_day_and_two_hours_before(house, sms):
    made = house.booked(house.slot(days=5, at=6))  # 9:30
    house.pass_until(NOW + timedelta(days=6))
    code = rules.code_of(made)
    tail = (
        f"BV Huong Giang: 9:30 thu Bay 28/11, phong 204, ma {code}. Huy: vao Y Ba, Lich hen. Hoi: 02343555017"
    )
    assert texts(sms) == [tail, *[f"Nhac hen {tail}"] * 3]
    found = Message.objects.filter(kind__startswith="booking.reminder").order_by("pk")
    assert [(one.kind, one.created_at is not None, one.facility, one.person) for one in found] == [
        (f"booking.reminder-{lead}", True, HOSPITAL, "p1") for lead in ("3d", "1d", "2h")
    ]
    start = datetime(2026, 11, 28, 2, 30, tzinfo=UTC)
    sent = [start - one for one in found.values_list("deliveries__sent_at", flat=True)]
    assert sent == [timedelta(days=3), timedelta(days=1), timedelta(hours=2)]


def test_peer_03_moved_five_times_it_has_one_live_set_of_reminders_all_of_the_last_time(house, sms):
    """Peers' test 3: reschedule five times, exactly one live reminder set."""
    made = house.booked(house.slot(days=4))
    for at in range(1, 6):
        house.now += timedelta(hours=1)
        assert actions.move_request(house.desk(), made.id, slot_id=house.slot(days=5, at=at)).result == "done"
    last = rules.moment(house.record().read(Appointment, made.id).start)
    told_before = len(sms.got)
    house.pass_until(NOW + timedelta(days=6))
    live = Message.objects.filter(kind__startswith="booking.reminder", status="sent")
    assert sorted(live.values_list("kind", "about_at")) == [
        (f"booking.reminder-{lead}", last) for lead in ("1d", "2h", "3d")
    ]
    reminded = [one for one in texts(sms)[told_before:] if one.startswith("Nhac hen")]
    assert len(reminded) == 3
    assert len(set(reminded)) == 1


def test_a_reminder_that_waits_is_void_once_the_visit_moved(house, sms):
    made = house.booked(house.slot(days=4))
    start = rules.moment(made.start)
    house.now = start - timedelta(days=3)
    assert reminders.remind(house.record()) == 1
    assert reminders.remind(house.record()) == 0  # written once
    waiting = Message.objects.get(kind="booking.reminder-3d")
    actions.move_request(house.desk(), made.id, slot_id=house.slot(days=5))
    outbox.advance(waiting.pk, now=house.clock, later=lambda *said: None)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.problem) == ("void", "the visit is at another time or place")
    assert not any(one.startswith("Nhac hen") for one in texts(sms))


def test_a_visit_that_was_cancelled_reminds_nobody(house, sms):
    made = house.booked(house.slot(days=4))
    house.now = rules.moment(made.start) - timedelta(days=3)
    reminders.remind(house.record())
    actions.cancel_appointment(house.record(citizen("p1")), made.id)
    house.pass_until(NOW + timedelta(days=5))
    assert not any(one.startswith("Nhac hen") for one in texts(sms))
    assert Message.objects.get(kind="booking.reminder-3d").problem == "the visit is cancelled"


def test_a_corrected_name_makes_no_second_reminder(house, sms):
    made = house.booked(house.slot(days=4))
    house.pass_until(rules.moment(made.start) - timedelta(days=2))
    actions.correct_request(house.desk(), made.id, name="", phone=PHONE, reason="Tái khám", symptoms="")
    house.pass_until(rules.moment(made.start))
    found = Message.objects.filter(kind__startswith="booking.reminder").values_list("kind", flat=True)
    assert sorted(found) == ["booking.reminder-1d", "booking.reminder-2h", "booking.reminder-3d"]


def test_a_visit_booked_for_tomorrow_is_not_reminded_of_days_that_have_passed(house, sms):
    house.now = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # 10:00
    made = house.booked(house.slot(days=1, at=3))  # tomorrow 8:30
    house.pass_until(rules.moment(made.start))
    found = Message.objects.filter(kind__startswith="booking.reminder").values_list("kind", flat=True)
    assert list(found) == ["booking.reminder-2h"]
    # 6:30 is at night: it waits for 7:00, still before the visit.
    assert Message.objects.get(kind="booking.reminder-2h").deliveries.get().sent_at == datetime(
        2026, 11, 24, 0, 0, tzinfo=UTC
    )


def test_who_wants_no_reminders_gets_none_and_what_changed_all_the_same(house, sms):
    account = Account.objects.create_account(PHONE, role="citizen")
    Preference.objects.create(account=account, reminders=False)
    house.booked(house.slot(days=4))
    house.pass_until(NOW + timedelta(days=5))
    assert len(sms.got) == 1
    assert set(
        Message.objects.filter(kind__startswith="booking.reminder").values_list("status", flat=True)
    ) == {"void"}


def test_moved_there_and_back_is_told_each_time(house, sms):
    first, second = house.slot(days=4), house.slot(days=5)
    made = house.booked(first)
    for slot in (second, first, second):
        actions.move_request(house.desk(), made.id, slot_id=slot)
    assert Message.objects.filter(kind="booking.moved").count() == 3


def test_a_notice_held_for_the_morning_is_void_when_it_moved_again(house, sms):
    made = house.booked(house.slot(days=4))
    Message.objects.all().delete()
    house.now = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # 22:00
    actions.move_request(house.desk(), made.id, slot_id=house.slot(days=5))
    actions.move_request(house.desk(), made.id, slot_id=house.slot(days=5, at=1))
    house.pass_until(datetime(2026, 11, 24, 1, 0, tzinfo=UTC))
    assert sorted(Message.objects.values_list("status", flat=True)) == ["sent", "void"]
    assert len(sms.got) == 1


def test_the_letters_calendar_file_moves_the_entry_it_made_before(house, sms):
    made = house.booked(house.slot(days=4))
    row = Message.objects.get()
    before = Calendar.from_ical(standing.calendar_of(row)).walk("VEVENT")[0]
    actions.move_request(house.desk(), made.id, slot_id=house.slot(days=5))
    moved = Message.objects.get(kind="booking.moved")
    after = Calendar.from_ical(standing.calendar_of(moved)).walk("VEVENT")[0]
    assert before["UID"] == after["UID"] == f"{made.id}@yba.vn"
    assert after["SEQUENCE"] > before["SEQUENCE"]
    assert after.decoded("DTSTART") == rules.moment(house.record().read(Appointment, made.id).start)
    assert (str(after["SUMMARY"]), str(after["LOCATION"])) == (
        "Lượt hẹn",
        "Phòng 204, Bệnh viện Đa khoa Hương Giang",
    )
    assert b"Tim" not in standing.calendar_of(moved)
