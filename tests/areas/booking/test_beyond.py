"""One more than the seats on the staff's pages, as far as the timetable lets the role; and what is told of own acts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.areas.booking.province import HOSPITAL, NOW, agent, another_timetable, build, citizen, opened
from yba.areas.booking import actions, beyond, directory, moving, policies, rules
from yba.areas.booking.models import Seat
from yba.areas.booking.policies import Policy
from yba.areas.booking.queue import queries as reception
from yba.care import people
from yba.care.messages.models import Message
from yba.fhir.access import Actor
from yba.fhir.errors import Conflict
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import ContactPoint
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.site.accounts.models import Account
from yba.ui.words import local_day

DESK = Actor(user="td", role="receptionist", facility=HOSPITAL, name="Trang")


@pytest.fixture
def house(db: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    connection.ensure_connection()
    monkeypatch.setattr("yba.ui.requests.now", lambda: NOW)
    record = opened(connection)
    build(record, days=1, people=6)
    schedule = record.find(Schedule)[0]
    schedule.extension = [policies.policy_extension(Policy(overbooking={"receptionist": 2}))]
    record.update(schedule)
    return connection


def slots(house: Any) -> list[str]:
    return [one.id or "" for one in opened(house).find(Slot, ("_sort", "start"))]


def booked(house: Any, person: str, at: int = 0, **more: str) -> Appointment:
    return actions.book_for_caller(
        opened(house, DESK), slot_id=slots(house)[at], patient_id=person, reason="Ho", phone="0905123456",
        channel="desk", once="", **more,
    )  # fmt: skip


def seat_of(name: str, role: str) -> Client:
    browser = Client()
    browser.force_login(Account.objects.create_account(name, role=role, name=name, facility=HOSPITAL))
    return browser


def page_of(person: str) -> str:
    return f"/dat-kham/dat-ho/?nguoi={person}&bac-si=vt"


def test_a_full_time_shows_what_the_role_may_add_asks_why_counts_and_stands_marked_in_the_day(
    house: Any,
) -> None:
    booked(house, "p1")
    desk, care = seat_of("le.tan", "receptionist"), seat_of("cskh", "customer_care")
    first = slots(house)[0]
    page = desk.get(page_of("p2")).content.decode()
    assert "Giờ đã đầy, còn nhận thêm được 2 lượt trong ngày (đã thêm 0 trên 2)." in page
    assert page.count(f'value="{first}"') == 1
    form = {"slot": first, "reason": "Đau họng", "phone": "0905000002"}
    answer = desk.post(page_of("p2"), form)
    assert (answer.status_code, "viết lý do nhận thêm" in answer.content.decode()) == (422, True)
    assert desk.post(page_of("p2"), form | {"beyond": "Người từ huyện xa"}).status_code == 302
    assert sorted(Seat.objects.values_list("seat_no", "over")) == [(1, False), (2, True)]
    # Counted, also across times of the day; the third is told clearly, and the ledger says the same.
    booked(house, "p3", 1)
    assert "đã thêm 1 trên 2" in desk.get(page_of("p4")).content.decode()
    assert desk.post(page_of("p4"), form | {"slot": slots(house)[1], "beyond": "Nặng"}).status_code == 302
    refused = desk.post(page_of("p5"), form | {"beyond": "Xin thêm"})
    assert (refused.status_code, "đã nhận thêm đủ 2 lượt" in refused.content.decode()) == (409, True)
    with pytest.raises(Conflict) as said:
        booked(house, "p5", beyond="Xin thêm")
    assert said.value.key == "booking.overbooked"
    # Another role sees why not, and gets no further by asking.
    page = care.get(page_of("p5")).content.decode()
    assert str(beyond.NO_ALLOWANCE) in page
    assert "Lý do nhận thêm" not in page
    refused = care.post(page_of("p5"), form | {"beyond": "Xin thêm"})
    assert (refused.status_code, str(beyond.NO_ALLOWANCE) in refused.content.decode()) == (409, True)
    assert Seat.objects.count() == 4
    day = reception.bookings_of_day(opened(house, DESK), facility=HOSPITAL, day=local_day(NOW))
    assert sorted(one.beyond for one in day) == ["", "", "Người từ huyện xa", "Nặng"]
    page = desk.get("/dat-kham/tiep-nhan").content.decode()
    assert page.count("Ngoài số chỗ") == 2
    assert "2 lượt ngoài số chỗ" in page


def test_a_day_without_a_free_time_can_be_chosen_by_who_may_add_and_a_shut_time_by_nobody(house: Any) -> None:
    for one in opened(house).find(Slot, ("_sort", "start"))[1:]:
        one.status = "busy-unavailable"
        opened(house).update(one)
    booked(house, "p1")
    desk, care = seat_of("le.tan", "receptionist"), seat_of("cskh", "customer_care")
    day = local_day(NOW).isoformat()
    schedules = opened(house).find(Schedule)
    assert [one.slot.id for one in beyond.full_times(opened(house, DESK), schedules)] == slots(house)[:1]

    def choosable(browser: Client) -> bool:
        page = browser.get(page_of("p2")).content.decode()
        [field] = [one for one in page.split("<input") if f'value="{day}"' in one]
        return "disabled" not in field.split(">")[0]

    assert (choosable(desk), choosable(care)) == (True, False)
    form = {"slot": slots(house)[0], "reason": "Ho", "phone": "0905000002", "beyond": "Cấp bách"}
    assert desk.post(f"{page_of('p2')}&ngay={day}", form).status_code == 302


def test_who_calls_off_or_moves_is_told_once_whoever_of_the_household_it_was(house: Any) -> None:
    """The mother (p1) books for her child (p2), whose record has a number of its own; hers is the one to call."""
    child = opened(house).read(Patient, "p2")
    child.birthDate, child.telecom = "2020-05-01", [ContactPoint(system="phone", value="0905000002")]
    opened(house).update(child)
    people.add_relative(opened(house), child, relative=opened(house).read(Patient, "p1"), relation="parent")
    mother = Actor(user="me", role="citizen", person="p1", persons=frozenset({"p1", "p2"}), name="Mẹ")

    def asked(at: int) -> Appointment:
        return actions.book_appointment(
            opened(house, mother), slot_id=slots(house)[at], patient_id="p2", reason="Sốt", phone="0905777888"
        )

    one = asked(0)
    moved = moving.reschedule(opened(house, mother), one.id or "", slot_id=slots(house)[1]).appointment
    told = Message.objects.get()
    assert (told.kind, told.to_phone, told.dedupe_key) == (
        "booking.request-moved", "0905777888", f"{one.id}:{moved.meta.versionId}:booking.request-moved",
    )  # fmt: skip
    assert actions.cancel_appointment(opened(house, mother), one.id or "").result == "done"
    assert actions.cancel_appointment(opened(house, mother), one.id or "").result == "already"
    gone = opened(house).read(Appointment, one.id or "")
    told = Message.objects.get(kind="booking.cancelled")
    assert (told.to_phone, told.subject, told.dedupe_key) == (
        "0905777888", one.id, f"{one.id}:{gone.meta.versionId}:booking.cancelled",
    )  # fmt: skip
    assert len(told.text) <= 160
    assert "da huy" in told.text
    two = actions.confirm_request(opened(house, DESK), asked(2).id or "").appointment
    moving.reschedule(opened(house, mother), two.id or "", slot_id=slots(house)[3])
    actions.cancel_appointment(opened(house, DESK), two.id or "", reason="Gọi đến báo")
    assert sorted(Message.objects.filter(subject=two.id).values_list("kind", "to_phone")) == [
        ("booking.cancelled", "0905777888"),
        ("booking.confirmed", "0905777888"),
        ("booking.moved", "0905777888"),
    ]
    assert not Message.objects.exclude(to_phone="0905777888").exists()
    # Who only waits for a seat and no longer wants it is told of no time.
    waiting = opened(house).create(
        Appointment(
            status="waitlist",
            participant=two.participant[:1],
            meta=two.meta,
            created="2026-11-23T06:00:00+07:00",
        )
    )
    actions.cancel_appointment(opened(house, mother), waiting.id or "")
    assert not Message.objects.filter(subject=waiting.id).exists()


def test_for_any_doctor_the_full_hours_can_be_added_to_as_far_as_the_timetables_of_all_let_it(
    house: Any,
) -> None:
    record = opened(house)
    policy = [policies.policy_extension(Policy(overbooking={"receptionist": 1}))]
    for number, key in enumerate(("hai", "ba")):
        like = record.read(Slot, slots(house)[0])
        another_timetable(record, key, practitioner=f"bs-{key}", room=f"p-{key}", like=like,
                          minutes_later=0)  # fmt: skip
        if number == 0:
            made = record.read(Schedule, f"lich-{key}")
            made.extension = policy
            record.update(made)
    directory.rebuild(record)
    desk = seat_of("le.tan", "receptionist")

    def page(person: str) -> str:
        return f"/dat-kham/dat-ho/?nguoi={person}&bac-si=khoa:tim-mach"

    first = rules.instant(rules.moment(record.read(Slot, slots(house)[0]).start or ""))
    form = {"slot": first, "reason": "Ho", "phone": "0905000002"}
    for person in ("p1", "p2", "p3"):
        assert desk.post(page(person), form).status_code == 302
    assert Seat.objects.filter(over=True).count() == 0
    # Nobody is free at that hour: the first timetable lets add two in the day, the second one, the third none.
    assert "còn nhận thêm được 3 lượt trong ngày (đã thêm 0 trên 3)" in desk.get(page("p4")).content.decode()
    assert desk.post(page("p4"), form).status_code == 422
    for person in ("p4", "p5", "p6"):
        assert desk.post(page(person), form | {"beyond": "Từ huyện xa"}).status_code == 302
    over = Seat.objects.filter(over=True).values_list("schedule_id", flat=True)
    assert Counter("hai" if one == "lich-hai" else "vt" for one in over) == {"vt": 2, "hai": 1}
    answer = desk.post(page("p1"), form | {"beyond": "Xin thêm", "once": "k9"})
    assert (answer.status_code, "đã nhận thêm đủ 3 lượt" in answer.content.decode()) == (409, True)


def test_the_desk_moves_a_request_into_a_full_hour_with_a_reason_that_goes_no_further(
    house: Any,
) -> None:
    record = opened(house)
    schedule = record.find(Schedule)[0]
    schedule.extension = [policies.policy_extension(Policy(overbooking={"customer_care": 1}))]
    record.update(schedule)
    booked(house, "p1", 0)
    asked = actions.book_appointment(
        opened(house, citizen("p2")), slot_id=slots(house)[3], patient_id="p2", reason="Ho"
    )
    other = actions.book_appointment(
        opened(house, citizen("p3")), slot_id=slots(house)[4], patient_id="p3", reason="Ho"
    )
    care = seat_of("cskh", "customer_care")
    page = care.get(f"/dat-kham/sang-loc/{asked.id}/").content.decode()
    assert "còn nhận thêm được 1 lượt trong ngày" in page
    assert page.count(f'value="{slots(house)[0]}"') == 1

    def moved(key: str | None, **more: str) -> list[str]:
        answer = care.post(
            f"/dat-kham/sang-loc/{key}/doi-gio", {"slot": slots(house)[0], **more}, follow=True
        )
        return [str(one) for one in answer.context["messages"]]

    assert moved(asked.id) == ["Giờ này đã đầy: viết lý do nhận thêm."]
    assert "Đang giữ" in moved(asked.id, **{"nhan-them": "Mổ hôm trước"})[0]
    assert "đã nhận thêm đủ 1 lượt" in moved(other.id, **{"nhan-them": "Xin thêm"})[0]
    assert list(Seat.objects.filter(over=True).values_list("holder", flat=True)) == [asked.id]
    # Moved on to a free hour, what was said of the full one is gone.
    actions.move_request(opened(house, agent()), asked.id or "", slot_id=slots(house)[5])
    assert [
        one.url for one in record.read(Appointment, asked.id or "").extension if "overbooking" in str(one.url)
    ] == []
