"""Timetables: the slots they give, and what a change does to the bookings it touches."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.areas.booking.province import HOSPITAL, NOW, TAG, build, citizen, first_slot, opened
from yba.areas.booking import actions, capacity, holds, opening, policies, queries, timetable
from yba.areas.booking.models import Seat
from yba.areas.booking.policies import Policy
from yba.areas.booking.timetable import Exceptional, Session, Timetable
from yba.care.messages.models import Message
from yba.fhir.access import Actor
from yba.fhir.errors import Forbidden
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.healthcare_service import HealthcareService
from yba.fhir.r4.location import Location
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot

#: Nothing here is timed: the machine may be busy.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MONDAY = date(2026, 11, 23)
MORNING = Session(("mon", "tue", "wed", "thu", "fri"), time(7, 30), time(9, 0))
AFTERNOON = Session(("mon", "wed"), time(13, 30), time(14, 30))
BOSS = Actor(user="qt", role="facility_administrator", facility=HOSPITAL, name="Quản")


def at(said, day):
    return [f"{one.start:%H:%M}" for one in timetable.openings(said, day)]


def test_split_sessions_give_both_and_rests_lie_between_visits():
    said = Timetable(sessions=(AFTERNOON, MORNING), minutes=20, rest_after=10)
    assert at(said, MONDAY) == ["07:30", "08:00", "08:30", "13:30", "14:00"]
    assert at(said, MONDAY + timedelta(days=1)) == ["07:30", "08:00", "08:30"]
    assert at(said, MONDAY + timedelta(days=6)) == []


def test_a_timetable_holds_within_its_validity_only():
    said = Timetable(sessions=(MORNING,), minutes=45, valid_from=MONDAY, valid_to=MONDAY + timedelta(days=1))
    days = [MONDAY + timedelta(days=one) for one in (-3, 0, 1, 2)]
    assert [len(at(said, day)) for day in days] == [0, 2, 2, 0]


def test_exceptions_close_days_or_give_them_other_hours_and_open_days_off():
    said = Timetable(
        sessions=(MORNING,), minutes=30,
        exceptions=(
            Exceptional(MONDAY, MONDAY, reason="Họp"),
            Exceptional(MONDAY + timedelta(days=1), MONDAY + timedelta(days=1), time(17), time(18)),
            Exceptional(MONDAY + timedelta(days=5), MONDAY + timedelta(days=5), time(8), time(9)),
        ),
    )  # fmt: skip
    assert at(said, MONDAY) == []
    assert at(said, MONDAY + timedelta(days=1)) == ["17:00", "17:30"]
    assert at(said, MONDAY + timedelta(days=5)) == ["08:00", "08:30"]


def test_tet_closes_a_timetable_that_keeps_holidays_unless_a_day_is_said_to_be_worked():
    eve = date(2027, 2, 5)
    said = Timetable(sessions=(Session((), time(8), time(9)),), minutes=30, open_on_holidays=False)
    days = [eve + timedelta(days=one) for one in range(-1, 6)]
    assert [bool(at(said, day)) for day in days] == [True, False, False, False, False, False, True]
    duty = Timetable(
        sessions=said.sessions, minutes=30, open_on_holidays=False,
        exceptions=(Exceptional(eve, eve, time(8), time(8, 30), "Trực Tết"),),
    )  # fmt: skip
    assert at(duty, eve) == ["08:00"]


def test_shares_are_spread_over_a_session_and_freed_in_time():
    said = Timetable(
        sessions=(Session((), time(8), time(10)),),
        minutes=20,
        kept={"walk-in": 34, "phone": 17},
        freed_minutes=60,
    )
    found = timetable.openings(said, MONDAY)
    assert [dict(one.places.kept) for one in found] == [
        {},
        {"walk-in": 1},
        {},
        {"phone": 1},
        {"walk-in": 1},
        {},
    ]
    assert found[1].places.freed_at == found[1].start - timedelta(minutes=60)
    assert found[0].places.freed_at is None


hours = st.tuples(st.integers(0, 22), st.integers(1, 23)).filter(lambda one: one[0] < one[1])
sessions = st.builds(
    lambda days, span: Session(tuple(d for d in timetable.DAYS if d in days), time(span[0]), time(span[1])),
    st.sets(st.sampled_from(timetable.DAYS), min_size=1),
    hours,
)
tables = st.builds(
    Timetable,
    sessions=st.lists(sessions, max_size=3).map(tuple),
    minutes=st.integers(5, 90),
    seats=st.integers(1, 9),
    rest_before=st.integers(0, 15),
    rest_after=st.integers(0, 15),
    kept=st.dictionaries(st.sampled_from(capacity.SHARES), st.integers(1, 25)),
    freed_minutes=st.none() | st.integers(0, 600),
    open_on_holidays=st.booleans(),
    valid_from=st.none() | st.dates(date(2026, 1, 1), date(2026, 6, 1)),
    valid_to=st.none() | st.dates(date(2026, 7, 1), date(2027, 6, 1)),
)


@UNHURRIED
@given(said=tables)
def test_a_timetable_comes_back_from_its_schedule_as_it_was_written(said):
    schedule = Schedule(actor=[reference("Location", "p")])
    timetable.write_into(schedule, said)
    assert timetable.timetable_of(schedule) == said


@UNHURRIED
@given(said=tables, day=st.dates(date(2026, 1, 1), date(2026, 12, 31)))
def test_openings_of_one_session_never_meet_rests_included(said, day):
    lone = Timetable(
        sessions=said.sessions[:1],
        minutes=said.minutes,
        rest_before=said.rest_before,
        rest_after=said.rest_after,
    )
    found = timetable.openings(lone, day)
    for one, two in pairwise(found):
        assert one.end + one.places.rest_after <= two.start - two.places.rest_before


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("07:30-11:30, 13:30-16:30", [(time(7, 30), time(11, 30)), (time(13, 30), time(16, 30))]),
        ("13h30–16h30; 7h - 11h", [(time(7), time(11)), (time(13, 30), time(16, 30))]),
        ("", []),
    ],
)
def test_hours_as_people_type_them(text, found):
    assert timetable.hours_from(text) == found
    assert timetable.hours_from(timetable.hours_text(found)) == found


@pytest.mark.parametrize("text", ["sáng", "11:00-07:00", "25:00-26:00", "7:00-9:00, 8:00-10:00", "7-"])
def test_hours_that_make_no_sense_are_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        timetable.hours_from(text)


# -- changing ---------------------------------------------------------------------------------------------------


@pytest.fixture
def house(db):
    connection.ensure_connection()
    build(opened(connection), people=4, days=3)
    return connection


def changed(house, said, *, choices=None, policy=None, look=False, active=True):
    record = opened(house, BOSS)
    schedule = record.find(Schedule)[0]
    schedule.active = active
    timetable.write_into(schedule, said)
    if policy is not None:
        schedule.extension = [*schedule.extension, policies.policy_extension(policy)]
    if look:
        return opening.looked_at(record, schedule)
    return opening.change_timetable(record, schedule, choices=choices or {})


def book(house, person, slot):
    return actions.book_appointment(
        opened(house, citizen(person)), slot_id=slot, patient_id=person, reason="Ho"
    )


def free_times(house, person="p4"):
    record = opened(house, citizen(person))
    schedules = queries.schedules_of(record, ["vt"])["vt"]
    return [
        f"{one.start:%d %H:%M}"
        for one in queries.times_of(record, queries.ids_of(schedules), now=NOW)
        if one.free
    ]


LATER = Timetable(sessions=(Session((), time(8, 30), time(10, 30)),), minutes=20)


def test_a_change_closes_and_opens_slots_and_says_what_it_touches_before_it_is_done(house):
    made = book(house, "p1", first_slot(opened(house)))
    before = opened(house).find(Slot)
    seen = changed(house, LATER, look=True)
    assert [(one.appointment_id, one.choice) for one in seen.touched] == [(made.id, "keep")]
    assert seen.touched[0].to_start == datetime(2026, 11, 23, 1, 30, tzinfo=NOW.tzinfo)
    assert [(one.id, one.status) for one in opened(house).find(Slot)] == [
        (one.id, one.status) for one in before
    ]
    assert changed(house, LATER).touched == seen.touched
    assert free_times(house)[:3] == ["23 01:30", "23 01:50", "23 02:10"]


def test_who_is_touched_is_moved_kept_or_called_off_as_was_chosen(house):
    slots = [one.id for one in opened(house).find(Slot, ("_sort", "start"))]
    one, two, three = (book(house, person, slots[at]) for at, person in enumerate(("p1", "p2", "p3")))
    desk = opened(house, Actor(user="cs", role="customer_care", facility=HOSPITAL, name="Linh"))
    actions.confirm_request(desk, one.id)
    change = changed(house, LATER, choices={one.id: "move", three.id: "cancel"})
    assert [each.choice for each in change.touched] == ["move", "keep", "cancel"]
    read = opened(house).read
    assert read(Appointment, one.id).start == "2026-11-23T08:30:00+07:00"
    assert Message.objects.filter(kind="booking.moved").count() == 1
    assert read(Appointment, two.id).start == two.start
    assert read(Appointment, three.id).status == "cancelled"
    assert dict(Seat.objects.values_list("holder", "slot_id")) == {one.id: slots[3], two.id: slots[1]}
    assert read(Slot, slots[1]).status == "busy-unavailable"
    actions.cancel_appointment(opened(house, citizen("p2")), two.id)
    assert read(Slot, slots[1]).status == "busy-unavailable", (
        "a time the timetable has no more is not opened again"
    )


def test_moved_bookings_get_different_times(house):
    slots = [one.id for one in opened(house).find(Slot, ("_sort", "start"))]
    made = [book(house, f"p{at + 1}", slots[at]) for at in range(3)]
    change = changed(house, LATER, choices={one.id: "move" for one in made})
    assert len({one.to_slot for one in change.touched}) == 3
    assert Seat.objects.values("slot_id").distinct().count() == 3


def test_a_timetable_that_comes_back_opens_its_times_again(house):
    was = free_times(house)
    changed(house, Timetable())
    assert free_times(house) == []
    changed(house, Timetable(sessions=(Session((), time(7, 30), time(11, 30)),)))
    assert free_times(house)[: len(was)] == was


def test_closing_a_timetable_gives_holds_back_and_its_night_opens_nothing(house):
    holds.hold(opened(house, citizen("p1")), [first_slot(opened(house))])
    changed(house, LATER, active=False)
    assert Seat.objects.count() == 0
    assert opened(house).find(Slot, ("status", "free")) == []
    assert opening.open_slots(opened(house), until=MONDAY + timedelta(days=30), today=MONDAY) == 0
    assert len(opened(house).find(Schedule)) == 1


def test_longer_visits_keep_the_booked_time_and_nobody_is_booked_over_it(house):
    made = book(house, "p1", first_slot(opened(house), skip=1))  # 7:50-8:10
    change = changed(house, Timetable(sessions=(Session((), time(7, 30), time(9)),), minutes=30))
    assert [one.appointment_id for one in change.touched] == [made.id]
    assert free_times(house)[:2] == ["23 01:30", "24 00:30"], "7:30 and 8:00 cross the booked time"


def test_only_the_facilitys_own_administrator_changes_its_timetables(house):
    other = Actor(user="qt2", role="facility_administrator", facility="khac", name="Khác")
    record = opened(house, other)
    schedule = record.find(Schedule)[0]
    with pytest.raises(Forbidden):
        opening.change_timetable(record, schedule, choices={})


def test_a_room_without_a_practitioner_has_a_timetable_of_its_own(house):
    record = opened(house, BOSS)
    opened(house).update(Location(id="p-sieu-am", name="Siêu âm 1", meta=TAG))
    schedule = Schedule(actor=[reference("Location", "p-sieu-am", display="Siêu âm 1")], meta=TAG)
    timetable.write_into(schedule, Timetable(sessions=(Session((), time(8), time(9)),), minutes=15, seats=2))
    change = opening.change_timetable(record, schedule, choices={})
    found = opened(house).find(Slot, ("schedule", f"Schedule/{change.schedule.id}"), ("_sort", "start"))
    assert len(found) == change.opened == 4 * 15
    assert capacity.places_of(found[0]).seats == 2


def test_a_timetable_open_further_ahead_is_opened_further(house):
    changed(house, LATER, policy=Policy(days_ahead=20))
    last = opened(house).find(Slot, ("_sort", "-start"))[0]
    assert last.start == "2026-12-13T10:10:00+07:00"


# -- pages ------------------------------------------------------------------------------------------------------


def signed_in(role="facility_administrator", facility=HOSPITAL):
    from yba.site.accounts.models import Account

    client = Client()
    client.force_login(
        Account.objects.create_account(f"nv-{role}-{facility}", role=role, facility=facility, name="Lê Quản")
    )
    return client


def filled(**more):
    form = {f"hours_{day}": "" for day in timetable.DAYS} | {"hours_mon": "08:30-10:30", "hours_tue": "8h-9h"}
    form |= {f"kept_{one.replace('-', '_')}": "0" for one in capacity.SHARES}
    form |= {f"over_{one}": "0" for one in ("receptionist", "customer_care", "doctor", "head_of_department")}
    return form | {
        "who": "vt", "room": "", "service": "", "active": "on", "minutes": "20", "seats": "1", "rest_before": "0",
        "rest_after": "0", "notice": "60", "closes": "16h", "days_ahead": "14", "cancel_before": "120",
        "move_before": "120", "most_moves": "2", "series_most": "40", "series_ahead": "120",
    } | more  # fmt: skip


@pytest.fixture
def today(monkeypatch):
    monkeypatch.setattr("yba.ui.requests.now", lambda: NOW)


def test_the_administrator_sees_the_touched_bookings_and_decides_before_anything_is_stored(house, today):
    made = book(house, "p1", first_slot(opened(house)))
    client, schedule = signed_in(), opened(house).find(Schedule)[0]
    url = reverse("booking:timetable", args=[schedule.id])
    assert "07:30-11:30" in client.get(url).content.decode()
    seen = client.post(url, filled()).content.decode()
    assert "Nguyễn Thị Hạnh" in seen
    assert "7:30, thứ Hai 23/11" in seen
    assert "Đổi sang 8:30, thứ Hai 23/11" in seen
    assert opened(house).read(Schedule, schedule.id).extension == []
    answer = client.post(url, filled(**{"da-xem": "1", f"luot-{made.id}": "move"}), follow=True)
    assert "Đã đổi giờ 1 lượt." in answer.content.decode()
    assert opened(house).read(Appointment, made.id).start == "2026-11-23T08:30:00+07:00"
    stored = opened(house).read(Schedule, schedule.id)
    assert policies.policy_of(stored).closes == time(16)
    assert "T2 08:30–10:30" in client.get(reverse("booking:timetables")).content.decode()


def test_a_wrong_timetable_is_told_where_and_stores_nothing(house, today):
    client, schedule = signed_in(), opened(house).find(Schedule)[0]
    url = reverse("booking:timetable", args=[schedule.id])
    sent = filled(hours_mon="sáng", kept_walk_in="80", kept_app="40", off_0_from="", off_0_to="24/11/2026")
    answer = client.post(url, sent)
    assert answer.status_code == 422
    told = answer.content.decode()
    assert "Chưa hiểu “sáng”" in told
    assert "Tổng phần giữ riêng không quá 100%." in told
    assert "Thiếu ngày đầu." in told
    assert opened(house).read(Schedule, schedule.id).extension == []


def test_a_service_is_written_and_its_preparation_is_read_by_who_books(house, today):
    client = signed_in()
    client.post(
        reverse("booking:services"),
        {"name": "Siêu âm bụng", "specialty": "tim-mach", "mode": "on-site", "minutes": "20", "price": "250000",
         "preparation": "Nhịn ăn 6 giờ.", "active": "on"},
    )  # fmt: skip
    service = opened(house).find(HealthcareService)[0]
    assert "250.000" in client.get(reverse("booking:services")).content.decode()
    schedule = opened(house).find(Schedule)[0]
    client.post(reverse("booking:timetable", args=[schedule.id]), filled(service=service.id))
    person = signed_in("citizen", "")
    from yba.site.accounts.models import Account

    Account.objects.get(role="citizen").links.create(patient_id="p1", relation="ban-than")
    page = person.get(reverse("booking:book", args=["vt"])).content.decode()
    assert "Nhịn ăn 6 giờ." in page
    desk = Actor(user="td", role="receptionist", facility=HOSPITAL)
    made = actions.book_for_caller(
        opened(house, desk), slot_id=first_slot(opened(house)), patient_id="p1", reason="Đau", phone="0905123456",
        channel="desk", once="",
    )  # fmt: skip
    assert "Nhịn ăn 6 giờ." in person.get(reverse("booking:slip", args=[made.id])).content.decode()
    assert "250.000" in page


@pytest.mark.parametrize("name", ["timetables", "new_timetable", "services"])
def test_nobody_else_reaches_the_pages(house, name):
    for role in ("receptionist", "doctor", "citizen"):
        client = signed_in(role, HOSPITAL if role != "citizen" else "")
        assert client.get(reverse(f"booking:{name}")).status_code == 404
    assert (
        signed_in("facility_administrator", "khac")
        .get(reverse("booking:timetable", args=[opened(house).find(Schedule)[0].id]))
        .status_code
        == 404
    )
