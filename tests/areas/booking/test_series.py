"""Recurring visits as one act: planned, booked whole or not at all, confirmed, moved and called off together."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.urls import reverse

from tests.areas.booking.province import HOSPITAL, NOW, TAG, agent, another_timetable, build, citizen, opened
from yba.areas.booking import (
    actions,
    holds,
    moving,
    opening,
    planning,
    policies,
    queries,
    rules,
    series,
    timetable,
)
from yba.areas.booking.desk import actions as desk
from yba.areas.booking.desk.queries import waiting_list
from yba.areas.booking.models import Contact, Seat
from yba.areas.booking.policies import Policy
from yba.areas.booking.rhythm import Rhythm, days_of
from yba.areas.booking.series import Wish
from yba.areas.booking.timetable import Exceptional, Session, Timetable
from yba.care.messages.models import Message
from yba.fhir.access import Actor
from yba.fhir.errors import Conflict, Forbidden, Invalid, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Identifier, Reference
from yba.fhir.r4.location import Location
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot

DESK = Actor(user="td", role="receptionist", facility=HOSPITAL, name="Trang")
CARE = agent()
#: Monday, Wednesday, Friday at 8:05, beyond the days that are open; 29/1 to 10/2/2027 lie around Tết.
THREE = frozenset({0, 2, 4})


@pytest.fixture
def house(db):
    connection.ensure_connection()
    build(opened(connection), people=3)
    return connection


def lich(house, said=None, policy=None):
    """The doctor's timetable; open from 7:30 to 11:30 but on holidays, away on 4 December."""
    record = opened(house)
    schedule = record.find(Schedule, ("actor", "PractitionerRole/vt"))[0]
    timetable.write_into(
        schedule,
        said
        or Timetable(
            sessions=(Session((), time(7, 30), time(11, 30)),), open_on_holidays=False,
            exceptions=(Exceptional(date(2026, 12, 4), date(2026, 12, 4), reason="Họp khoa"),),
        ),
    )  # fmt: skip
    if policy is not None:
        others = [one for one in schedule.extension if one.url != policies.POLICY]
        schedule.extension = [*others, policies.policy_extension(policy)]
    return record.update(schedule)


def planned(house, days, *, actor=DESK, at=time(8, 5), schedule=None):
    record = opened(house, actor)
    return planning.plan(record, planning.house_of(record, (schedule or lich(house)).id), days, at)


def dialysis(first=date(2026, 11, 27), times=6):
    return days_of(Rhythm(first, time(8, 5), weekdays=THREE, times=times))


def book(house, times, *, actor=DESK, person="p1", once="k", schedule=None, **more):
    """Book these times; what a page sends."""
    record = opened(house, actor)
    channel = "app" if actor.role == "citizen" else "desk"
    wish = Wish(person, "Chạy thận", "0905123456", channel=channel, **more)
    return series.book(record, schedule_id=(schedule or lich(house)).id, slot_ids=times, wish=wish, once=once)


def times_of(house, times=6, first=date(2026, 11, 27), **more):
    return [one.time.id for one in planned(house, dialysis(first, times), **more) if one.time]


def starts(found):
    return [rules.moment(one.start).astimezone(rules.HANOI).strftime("%d/%m %H:%M") for one in found]


def test_each_day_has_its_nearest_time_or_says_why_there_is_none(house):
    found = planned(house, dialysis())
    assert [(f"{one.day:%d/%m}", one.why, one.named) for one in found] == [
        ("27/11", "", ""), ("30/11", "", ""), ("02/12", "", ""), ("04/12", "leave", "Họp khoa"),
        ("07/12", "", ""), ("09/12", "", ""),
    ]  # fmt: skip
    assert [f"{one.time.start.astimezone(rules.HANOI):%H:%M}" for one in found if one.time] == ["08:10"] * 5
    assert {f"{one.start.astimezone(rules.HANOI):%d/%m}" for one in found[3].others} <= {
        "01/12", "02/12", "03/12", "05/12", "06/12", "07/12",
    }  # fmt: skip
    assert all(one.free and one.id not in {o.time.id for o in found if o.time} for one in found[3].others)
    tet = planned(house, [date(2027, 2, 5) + timedelta(days=at) for at in range(6)])
    assert [(one.why, one.named) for one in tet] == [("holiday", "Tết Đinh Mùi")] * 5 + [("", "")]


def test_a_full_day_a_taken_hour_and_the_same_day_twice(house):
    first = date(2026, 11, 27)
    whole = [one.id for one in planning.times(opened(house, DESK), planning.house_of(opened(house), lich(house).id),
                                               first, first)]  # fmt: skip
    assert len(whole) == 12
    book(house, whole[2:3], person="p2", once="a")
    (line,) = planned(house, [first])
    assert f"{line.time.start.astimezone(rules.HANOI):%H:%M}" == "07:50"
    two = planned(house, [first, first])
    assert len({one.time.id for one in two}) == 2
    book(house, [one for one in whole if one != whole[2]], person="p3", once="b")
    (full,) = planned(house, [first])
    assert (full.time, full.why) == (None, "full")
    assert full.others[0].start.date() in (date(2026, 11, 26), date(2026, 11, 28))


def test_staff_book_all_at_once_with_codes_and_one_message(house):
    asked = times_of(house)
    assert opened(house).find(Slot, ("_id", ",".join(asked))) == [], "these days are not open yet"
    made = book(house, asked)
    assert starts(made) == ["27/11 08:10", "30/11 08:10", "02/12 08:10", "07/12 08:10", "09/12 08:10"]
    assert [one.status for one in made] == ["booked"] * 5
    assert [rules.number_of(one) for one in made] == [1, 2, 3, 4, 5]
    assert len({rules.series_of(one) for one in made}) == 1
    assert len({rules.code_of(one) for one in made} - {""}) == 5
    assert sorted(Seat.objects.values_list("slot_id", "holder", "kind")) == sorted(
        (rules.slot_id_of(one), one.id, "booking") for one in made
    )
    (told,) = Message.objects.all()
    assert (told.kind, told.values["count"], told.subject) == ("booking.series", "5", made[0].id)
    assert "5 luot hen" in told.text
    assert len(told.text) <= 160
    again = book(house, asked)
    assert [one.id for one in again] == [one.id for one in made]
    assert Message.objects.count() == 1
    found = opened(house, DESK).find(
        Appointment, ("identifier", f"{rules.SERIES}|{rules.series_of(made[0])}")
    )
    assert len(found) == 5


def test_what_went_meanwhile_is_named_and_nothing_is_booked(house):
    asked = times_of(house)
    book(house, [asked[1]], person="p2", once="x")
    book(house, [asked[3]], person="p2", once="y")
    before = (Seat.objects.count(), opened(house).count(Slot), Message.objects.count())
    with pytest.raises(Conflict) as refused:
        book(house, asked)
    assert refused.value.key == "booking.series-taken"
    assert set(refused.value.params["gone"].split(",")) == {asked[1], asked[3]}
    assert (Seat.objects.count(), opened(house).count(Slot), Message.objects.count()) == before
    with pytest.raises(Invalid):
        book(house, [f"{lich(house).id}.20261127-0811"])
    schedule = lich(house, policy=Policy(series_most=2))
    with pytest.raises(Conflict) as refused:
        book(house, asked[:3], schedule=schedule, once="z")
    assert (refused.value.key, refused.value.params["most"]) == ("booking.series-long", 2)


def test_a_citizen_asks_for_a_series_further_than_the_timetable_is_open_and_no_further_than_a_series(house):
    hanh = citizen("p1")
    schedule = lich(house, policy=Policy(series_ahead=20, notice=timedelta(days=5)))
    near, far = date(2026, 11, 27), date(2026, 12, 14)
    assert [one.why for one in planned(house, [near, far], actor=hanh, schedule=schedule)] == ["late", "far"]
    asked = times_of(house, 8, date(2026, 11, 30), actor=hanh, schedule=schedule)
    assert len(asked) == 5, "30/11, 2/12, 7, 9, 11/12"
    made = book(house, asked, actor=hanh, schedule=schedule)
    assert {one.status for one in made} == {"pending"}
    assert Seat.objects.filter(kind="hold").count() == 0
    assert Message.objects.count() == 0
    with pytest.raises(Conflict) as refused:  # one by one the timetable's own days ahead hold
        actions.book_appointment(
            opened(house, hanh),
            slot_id=first_of(house, schedule, date(2026, 12, 10)),
            patient_id="p1",
            reason="Ho",
        )
    assert refused.value.key == "booking.too-early"
    actions.check_count(opened(house, hanh), "p1")
    for at in range(policies.rules.MOST_OPEN - 1):
        actions.book_appointment(opened(house, CARE), slot_id=free(house)[0], patient_id="p1", reason=str(at))
    with pytest.raises(Conflict) as refused:
        actions.check_count(opened(house, hanh), "p1")
    assert refused.value.params["held"] == rules.MOST_OPEN, "the series counts once"


def first_of(house, schedule, day):
    record = opened(house)
    found = planning.house_of(record, schedule.id)
    one = planning.times(record, found, day, day)[0].id
    planning.opened(record, found, [one])
    return one


def free(house):
    return [one.id for one in opened(house).find(Slot, ("status", "free"), ("_sort", "start"))]


def test_a_citizen_books_for_their_own_alone_and_joins_nothing_by_hand(house):
    asked = times_of(house, 2)
    with pytest.raises(NotFound):
        book(house, asked, actor=citizen("p1"), person="p2")
    assert Seat.objects.count() == 0
    made = book(house, asked, actor=citizen("p1"))
    record = opened(house, citizen("p1"))
    for joined in (rules.series_of(made[0]), "s-mine"):
        one = Appointment(
            status="pending", participant=[actions.participant_of(record.read("Patient", "p1"))],
            identifier=[Identifier(system=rules.SERIES, value=joined)],
        )  # fmt: skip
        actions.place(one, *queries.slot_and_post(record, free(house)[0]))
        with pytest.raises(Forbidden) as refused:
            record.create(one)
        assert refused.value.key == "booking.citizen-series"
    book(house, times_of(house, 2, date(2026, 12, 14)), actor=citizen("p1"), once="2")
    with pytest.raises(Conflict) as refused:
        book(house, times_of(house, 2, date(2026, 12, 21)), actor=citizen("p1"), once="3")
    assert refused.value.key == "booking.too-many-series"


def test_one_s_own_hold_is_part_of_the_series_and_another_s_is_not(house):
    near = free(house)[:2]
    holds.hold(opened(house, citizen("p1")), near[:1])
    holds.hold(opened(house, citizen("p2")), near[1:])
    with pytest.raises(Conflict) as refused:
        book(house, near, actor=citizen("p1"))
    assert refused.value.params["gone"] == near[1]
    assert len(book(house, near[:1], actor=citizen("p1"))) == 1


def test_the_desk_sees_a_series_once_and_confirms_it_whole_in_one_message(house):
    made = book(house, times_of(house), actor=citizen("p1"))
    (row,) = waiting_list(opened(house, CARE), now=NOW)
    assert (row.booking.id, row.booking.series_count) == (made[0].id, 5)
    outcome = desk.confirm(opened(house, CARE), made[0].id)
    assert (outcome.result, outcome.appointment.status) == ("done", "booked")
    found = series.visits_of(opened(house), made[0])
    assert {one.status for one in found} == {"booked"}
    assert len({rules.code_of(one) for one in found} - {""}) == 5
    assert [(one.kind, one.values["count"]) for one in Message.objects.all()] == [("booking.series", "5")]
    assert desk.confirm(opened(house, CARE), made[0].id).result == "already"


def test_calling_off_one_or_this_and_all_after_it_with_the_cut_off_of_each(house):
    made = book(house, times_of(house, 8))
    joined = rules.series_of(made[0])
    assert actions.cancel_appointment(opened(house, citizen("p1")), made[1].id).result == "done"
    off = series.cancel_following(opened(house, citizen("p1")), joined, number=3)
    assert [one.id for one in off] == [one.id for one in made[2:]]
    assert [one.status for one in series.find(opened(house, DESK), joined)] == [
        "booked", *["cancelled"] * (len(made) - 1),
    ]  # fmt: skip
    assert list(Seat.objects.values_list("holder", flat=True)) == [made[0].id]
    other = book(house, times_of(house, 3, date(2026, 12, 14)), once="2")
    strict = lich(house, policy=Policy(cancel_before=timedelta(days=22)))
    with pytest.raises(Conflict) as refused:
        series.cancel_following(opened(house, citizen("p1")), rules.series_of(other[0]), number=1)
    assert refused.value.key == "booking.cancel-late"
    assert {one.status for one in series.visits_of(opened(house), other[0])} == {"booked"}
    assert strict.id
    off = series.cancel_following(
        opened(house, DESK), rules.series_of(other[0]), number=1, reason="Bác sĩ nghỉ"
    )
    assert len(off) == 3
    told = Message.objects.filter(kind="booking.series-cancelled").order_by("id")
    assert [one.values["count"] for one in told] == [str(len(made) - 2), "3"]
    with pytest.raises(NotFound):
        series.cancel_following(opened(house, citizen("p2")), joined, number=1)


def test_moving_this_and_all_after_it_into_each_other_s_times(house):
    made = book(house, times_of(house, 3, date(2026, 11, 30)))  # 30/11, 2/12; 4/12 is away
    joined, schedule = rules.series_of(made[0]), lich(house)
    target = f"{schedule.id}.20261207-0810"
    chosen = {made[0].id: rules.slot_id_of(made[1]), made[1].id: target}
    moved = series.move_following(opened(house, citizen("p1")), joined, chosen=chosen)
    assert starts(moved) == ["02/12 08:10", "07/12 08:10"]
    assert [rules.number_of(one) for one in moved] == [1, 2]
    assert Message.objects.filter(kind="booking.series-moved").get().values["count"] == "2"
    assert sorted(Seat.objects.values_list("slot_id", flat=True)) == sorted(chosen.values())
    taken = book(house, times_of(house, 1, date(2026, 12, 9)), person="p2", once="o")
    with pytest.raises(Conflict) as refused:
        series.move_following(
            opened(house, DESK), joined,
            chosen={made[0].id: rules.slot_id_of(taken[0]), made[1].id: f"{schedule.id}.20261211-0810"},
        )  # fmt: skip
    assert refused.value.params["gone"] == rules.slot_id_of(taken[0])
    now = {one.id: rules.slot_id_of(one) for one in series.find(opened(house), joined)}
    assert now == chosen
    swap = {made[0].id: now[made[1].id], made[1].id: now[made[0].id]}
    with pytest.raises(Conflict) as refused:
        series.move_following(opened(house, DESK), joined, chosen=swap)
    assert refused.value.key == "booking.series-crossed"
    lich(house, policy=Policy(most_moves=1))
    with pytest.raises(Conflict) as refused:
        series.move_following(
            opened(house, citizen("p1")), joined, chosen={made[0].id: f"{schedule.id}.20261214-0810"}
        )
    assert refused.value.key == "booking.moves-used"
    back = {made[0].id: f"{schedule.id}.20261214-0810"}
    assert len(series.move_following(opened(house, DESK), joined, chosen=back, reason="Đi vắng")) == 1
    assert Contact.objects.filter(kind="overridden").get().note.endswith("Đi vắng")


def test_a_room_alone_has_series_too_and_a_changed_timetable_touches_only_what_lost_its_time(house):
    record = opened(house)
    record.update(Location(id="ghe-1", name="Ghế chạy thận 1", meta=TAG))
    room = Schedule(
        active=True, actor=[Reference(reference="Location/ghe-1", display="Ghế chạy thận 1")], meta=TAG
    )
    said = Timetable(sessions=(Session(("mon", "wed", "fri"), time(7), time(11)),), minutes=240)
    timetable.write_into(room, said)
    room = record.create(room)
    found = planned(house, dialysis(times=12), schedule=room)
    made = book(house, [one.time.id for one in found if one.time], schedule=room)
    assert len(made) == 12
    assert rules.location_id_of(made[0]) == "ghe-1"
    assert rules.practitioner_id_of(made[0]) is None
    timetable.write_into(room, Timetable(sessions=(Session(("mon", "wed"), time(7), time(11)),), minutes=240))
    change = opening.looked_at(opened(house), room)
    assert [one.appointment_id for one in change.touched] == [
        one.id for one in made if rules.moment(one.start).astimezone(rules.HANOI).weekday() == 4
    ]
    assert change.opened <= 6, "none are opened further ahead than the timetable is"


# -- pages ------------------------------------------------------------------------------------------------------

RHYTHM = {"kieu": "thu", "thu": ["0", "2", "4"], "gio": "8:05", "tu": "27/11/2026", "lan": "6"}


@pytest.fixture
def browser(house, monkeypatch):
    from django.test import Client

    from yba.site.accounts.models import Account

    monkeypatch.setattr("yba.ui.requests.now", lambda: NOW)

    def of(role, **more):
        account = Account.objects.create_account(more.pop("login"), role=role, **more)
        if role == "citizen":
            account.links.create(patient_id="p1", relation="ban-than")
        client = Client()
        client.force_login(account)
        return client

    return of


def chosen_of(page):
    """What the selects of a page say, as its form would send them."""
    found = {}
    for name, body in re.findall(r'<select[^>]* name="(luot-\d+)">(.*?)</select>', page, re.S):
        found[name] = re.search(r'<option value="([^"]*)" selected', body)[1]
    return found


def test_the_citizen_sees_each_day_and_books_them_all_without_a_script(house, browser):
    schedule, hanh = lich(house), browser("citizen", login="0905123456")
    assert "chuoi/moi/?bac-si=vt" in hanh.get(reverse("booking:book", args=["vt"])).content.decode()
    asked = RHYTHM | {"bac-si": "vt", "lich": schedule.id, "nguoi": "p1"}
    url = f"{reverse('booking:new_series')}?{urlencode(asked, doseq=True)}"
    page = hanh.get(url).content.decode()
    assert "5 lượt có giờ, 1 ngày chưa có giờ" in page
    assert "Họp khoa. Bỏ lượt này hoặc chọn giờ ngày gần đó." in page
    sent = chosen_of(page)
    assert [bool(one) for one in sent.values()] == [True, True, True, False, True, True]
    rest = {"reason": "Chạy thận", "phone": "0905123456", "once": "k"}
    book(house, [sent["luot-1"]], person="p2", once="x")
    again = hanh.post(url, sent | rest)
    assert again.status_code == 409
    body = again.content.decode()
    assert "Có giờ vừa được người khác đặt. Chưa lượt nào được ghi" in body
    assert "Giờ 8:10 vừa có người đặt. Đã chọn giờ gần nhất còn lại." in body
    assert Seat.objects.count() == 1
    next_best = chosen_of(body)
    assert next_best == sent | {"luot-1": f"{schedule.id}.20261130-0750"}
    done = hanh.post(url, next_best | rest, follow=True).content.decode()
    assert "Đã giữ 5 lượt. Bệnh viện gọi một lần cho cả chuỗi." in done
    assert done.count("Chờ bệnh viện gọi") == 5
    assert hanh.post(url, next_best | rest).status_code == 302
    assert Seat.objects.count() == 6
    for wrong, said in (({"thu": []}, "Chọn ít nhất một thứ."), ({"lan": ""}, "Viết bao nhiêu lượt")):
        answer = hanh.get(
            reverse("booking:new_series"), RHYTHM | {"lich": schedule.id, "nguoi": "p1"} | wrong
        )
        assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert (
        hanh.get(reverse("booking:new_series"), RHYTHM | {"lich": schedule.id, "nguoi": "p2"}).status_code
        == 404
    )


def test_reception_books_a_series_and_moves_and_cancels_what_follows(house, browser):
    schedule = lich(house)
    desk_page = browser("receptionist", login="nv-td", facility=HOSPITAL, name="Trang")
    asked = RHYTHM | {"lich": schedule.id, "nguoi": "p1"}
    url = f"{reverse('booking:new_series')}?{urlencode(asked, doseq=True)}"
    sent = chosen_of(desk_page.get(url).content.decode())
    rest = {"reason": "Thay băng", "phone": "0905123456", "once": "k"}
    answer = desk_page.post(url, sent | rest, follow=True)
    assert "Đã đặt 5 lượt cho Nguyễn Thị Hạnh, nhắn một tin." in answer.content.decode()
    series_id = rules.series_of(opened(house).find(Appointment)[0])
    move = reverse("booking:move_series", args=[series_id]) + "?tu=4&gio=9:00&doi=1"
    page = desk_page.get(move).content.decode()
    assert list(chosen_of(page).values()) == [f"{schedule.id}.20261208-0850", f"{schedule.id}.20261210-0850"]
    moved = desk_page.post(move, chosen_of(page), follow=True).content.decode()
    assert "Đã đổi giờ 2 lượt." in moved
    assert "8:50, thứ Ba 08/12" in moved
    cancel = reverse("booking:cancel_series", args=[series_id]) + "?tu=3"
    assert "Hủy 3 lượt?" in desk_page.get(cancel).content.decode()
    off = desk_page.post(cancel, {"vi-sao": "Chuyển viện"}, follow=True).content.decode()
    assert "Đã hủy 3 lượt." in off
    found = series.find(opened(house, DESK), series_id)
    assert [one.status for one in found] == ["booked", "booked", "cancelled", "cancelled", "cancelled"]
    assert found[-1].cancelationReason.text == "Chuyển viện"
    one = reverse("booking:cancel_series", args=[series_id]) + "?tu=1&chi=1"
    assert "Hủy 1 lượt?" in desk_page.get(one).content.decode()
    desk_page.post(one, {"vi-sao": "Bận"})
    assert [one.status for one in series.find(opened(house, DESK), series_id)][:2] == ["cancelled", "booked"]
    other = browser("receptionist", login="nv-khac", facility="bv-khac", name="Lan")
    assert other.get(reverse("booking:series", args=[series_id])).status_code == 404


def test_a_series_called_off_is_told_once_by_whomever(house):
    """Twelve visits that come off are one message, not thirteen."""
    made = book(house, times_of(house))
    series.cancel_following(opened(house, DESK), rules.series_of(made[0]), number=1, reason="Bác sĩ nghỉ")
    other = book(house, times_of(house, 3, date(2026, 12, 14)), once="2")
    series.cancel_following(opened(house, citizen("p1")), rules.series_of(other[0]), number=2)
    off = Message.objects.filter(kind__contains="cancelled").order_by("id")
    assert [(one.kind, one.values["count"]) for one in off] == [
        ("booking.series-cancelled", "5"), ("booking.series-cancelled", "2"),
    ]  # fmt: skip
    series.cancel_following(opened(house, citizen("p1")), rules.series_of(other[0]), number=1, alone=True)
    assert [one.kind for one in off.all()][2:] == ["booking.cancelled"]


def test_what_was_not_confirmed_in_time_is_not_confirmed_afterwards(house):
    """Else the day's end would count visits as missed of which nobody was ever told."""
    made = book(house, times_of(house), actor=citizen("p1"))
    late = rules.moment(made[1].end) + timedelta(minutes=1)
    outcome = desk.confirm(opened(house, CARE, at=lambda: late), made[0].id)
    assert (outcome.result, outcome.appointment.id) == ("done", made[2].id)
    assert desk.confirm(opened(house, CARE, at=lambda: late), made[0].id).result == "missing"
    assert [one.status for one in series.visits_of(opened(house), made[0])] == ["pending"] * 2 + [
        "booked"
    ] * 3
    assert [one.values["count"] for one in Message.objects.all()] == ["3"]
    (slot,) = free(house)[:1]
    one = actions.book_appointment(opened(house, citizen("p1")), slot_id=slot, patient_id="p1", reason="Ho")
    over = rules.moment(one.end) + timedelta(minutes=1)
    assert desk.confirm(opened(house, CARE, at=lambda: over), one.id).result == "missing"
    assert opened(house).read(Appointment, one.id).status == "pending"


def test_a_series_that_is_refused_leaves_alone_what_was_confirmed_under_the_lock(house, monkeypatch):
    made = book(house, times_of(house), actor=citizen("p1"))
    record = opened(house, CARE)
    seen = series.visits_of(record, made[0])
    actions.confirm_request(record, made[1].id)
    monkeypatch.setattr(
        series, "visits_of", lambda record, one: seen
    )  # read before another agent confirmed it
    first = record.read(Appointment, made[0].id)
    first.status = "cancelled"
    series.refuse_rest(record, record.update(first))
    assert [opened(house).read(Appointment, one.id).status for one in made] == [
        "cancelled", "booked", "cancelled", "cancelled", "cancelled",
    ]  # fmt: skip


def test_visits_with_another_doctor_by_now_stay_there_when_the_series_moves(house):
    made = book(house, times_of(house, 3, date(2026, 11, 30)))
    record, schedule = opened(house), lich(house)
    another_timetable(record, "an", practitioner="bs-an", room="p-205", like=made[0], minutes_later=5)
    moving.reschedule(opened(house, DESK), made[0].id, slot_id="khung-an", reason="Bác sĩ bận")
    joined = rules.series_of(made[0])
    chosen = {made[0].id: f"{schedule.id}.20261207-0810", made[1].id: f"{schedule.id}.20261209-0810"}
    with pytest.raises(Conflict) as refused:
        series.move_following(opened(house, citizen("p1")), joined, chosen=chosen)
    assert refused.value.key == "booking.move-elsewhere"
    assert rules.slot_id_of(opened(house).read(Appointment, made[1].id)) == rules.slot_id_of(made[1])
    one = {made[1].id: chosen[made[1].id]}
    assert len(series.move_following(opened(house, citizen("p1")), joined, chosen=one)) == 1


def test_a_visit_that_begins_between_page_and_form_moves_no_other(house, browser, monkeypatch):
    """A page shown at 8:09 and sent at 8:11: what was chosen for the first visit must not fall on the second."""
    schedule = lich(house)
    made = book(house, times_of(house))
    desk_page = browser("receptionist", login="nv-td", facility=HOSPITAL, name="Trang")
    move = reverse("booking:move_series", args=[rules.series_of(made[0])]) + "?tu=1&gio=9:00&doi=0"
    sent = chosen_of(desk_page.get(move).content.decode())
    assert list(sent) == [f"luot-{at}" for at in range(1, 6)]
    began = rules.moment(made[0].start) + timedelta(minutes=1)
    monkeypatch.setattr("yba.ui.requests.now", lambda: began)
    answer = desk_page.post(move, sent, follow=True).content.decode()
    assert "Đã đổi giờ 4 lượt." in answer
    now = [rules.slot_id_of(opened(house).read(Appointment, one.id)) for one in made]
    assert now == [rules.slot_id_of(made[0]), *list(sent.values())[1:]]
    assert schedule.id in now[1]


def test_another_series_begins_with_the_same_doctor(house, browser):
    """The button on a series' page leads to a form that can be filled in."""
    hanh, schedule = browser("citizen", login="0905123456"), lich(house)
    made = book(
        house, times_of(house), actor=Actor(user="x", role="citizen", persons=frozenset({"p1"}), person="p1")
    )
    page = hanh.get(reverse("booking:series", args=[rules.series_of(made[0])])).content.decode()
    link = f"{reverse('booking:new_series')}?lich={schedule.id}"
    assert link in page
    assert f'<option value="{schedule.id}" selected' in hanh.get(link).content.decode()
