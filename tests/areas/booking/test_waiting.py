"""The waiting list; test 4 of the peers' page: an offer holds the seat, goes to the next, and never comes too late."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests.areas.booking.province import HOSPITAL, NOW, build, citizen, opened
from yba.areas.booking import actions, free, policies, waiting
from yba.areas.booking.models import Offer, Seat
from yba.areas.booking.policies import Policy
from yba.care.messages.models import Message
from yba.fhir.access import Actor
from yba.fhir.errors import Conflict, Gone
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot

DESK = Actor(user="td", role="receptionist", facility=HOSPITAL, name="Trang")
TODAY = date(2026, 11, 23)


@pytest.fixture
def house(db):
    connection.ensure_connection()
    build(opened(connection), people=4, days=1)
    return connection


def slots(house):
    return [one.id for one in opened(house).find(Slot, ("_sort", "start"))]


def book(house, person, slot, at=NOW):
    record = opened(house, citizen(person), lambda: at)
    return actions.book_appointment(record, slot_id=slot, patient_id=person, reason="Ho")


def wait(house, person, *, first=TODAY, last=TODAY, minute=0):
    record = opened(house, citizen(person), lambda: NOW + timedelta(minutes=minute))
    return waiting.join(
        record, role_id="vt", patient_id=person, first=first, last=last, reason="Ho", phone="0905123456"
    )


def give_back(house, made, at=NOW):
    person = made.participant[0].actor.reference.removeprefix("Patient/")
    actions.cancel_appointment(opened(house, citizen(person), lambda: at), made.id)


def offers():
    return list(Offer.objects.order_by("made_at").values_list("patient_id", "outcome"))


def sweep(house, at):
    return waiting.sweep(opened(house, at=lambda: at))


AT = NOW + timedelta(hours=2)  # 8:00 in Vietnam


def test_peer_04_an_offer_holds_the_seat_ends_and_goes_to_the_next(house):
    late = slots(house)[-1]
    made = book(house, "p1", late)
    first, second = wait(house, "p2", minute=1), wait(house, "p3", minute=2)
    give_back(house, made, AT)
    assert offers() == [("p2", "open")]
    assert opened(house).read(Slot, late).status == "busy-tentative"
    slot = [opened(house).read(Slot, late)]
    assert free.free_for(opened(house, citizen("p4"), lambda: AT), slot) == set()
    with pytest.raises(Conflict):
        book(house, "p4", late, AT)
    ends = Offer.objects.get().expires_at
    assert ends == AT + waiting.LASTS
    sweep(house, ends)
    assert offers() == [("p2", "expired"), ("p3", "open")]
    with pytest.raises(Gone):
        waiting.accept(opened(house, citizen("p2"), lambda: ends), Offer.objects.get(outcome="expired").pk)
    outcome = waiting.accept(opened(house, citizen("p3"), lambda: ends), Offer.objects.get(outcome="open").pk)
    assert (outcome.result, outcome.appointment.id, outcome.appointment.status) == (
        "done",
        second.id,
        "pending",
    )
    assert list(Seat.objects.values_list("kind", "holder", "slot_id")) == [("booking", second.id, late)]
    assert opened(house).read(Slot, late).status == "busy"
    assert opened(house).read(Appointment, first.id).status == "waitlist"


def test_peer_04_no_offer_after_the_notice_nor_when_it_could_not_be_answered_in_time(house):
    early = slots(house)[0]  # 7:30
    made = book(house, "p1", early)
    wait(house, "p2")
    give_back(house, made, datetime(2026, 11, 23, 0, 21, tzinfo=UTC))
    assert offers() == []
    assert opened(house).read(Slot, early).status == "free"
    record = opened(house)
    schedule = record.find(Schedule)[0]
    made = book(house, "p1", slots(house)[6])  # 9:30
    schedule.extension = [policies.policy_extension(Policy(notice=timedelta(hours=2)))]
    record.update(schedule)
    give_back(house, made, AT)
    assert offers() == []


@pytest.mark.parametrize(
    ("now", "starts", "last", "ends"),
    [
        ((23, 2, 0), (23, 8, 0), (23, 8, 0), (23, 2, 30)),
        ((23, 2, 0), (23, 2, 20), (23, 2, 20), (23, 2, 20)),
        ((23, 2, 0), (23, 2, 9), (23, 2, 9), None),
        ((23, 2, 0), (23, 8, 0), (23, 1, 0), None),
        ((23, 15, 0), (24, 8, 0), (24, 8, 0), (24, 0, 30)),
        ((23, 20, 0), (24, 8, 0), (24, 8, 0), (24, 0, 30)),
    ],
)
def test_an_offer_ends_in_half_an_hour_in_the_morning_or_when_time_is_up(now, starts, last, ends):
    def at(said):
        return datetime(2026, 11, *said, tzinfo=UTC)

    assert waiting.ends_at(at(starts), at(last), now=at(now)) == (at(ends) if ends else None)


def test_who_declines_is_passed_over_and_nobody_else_means_free_for_all(house):
    late = slots(house)[-1]
    made = book(house, "p1", late)
    wait(house, "p2")
    wait(house, "p2", minute=3)
    assert len(opened(house).find(Appointment, ("status", "waitlist"))) == 1, "waiting twice is waiting once"
    give_back(house, made, AT)
    waiting.decline(opened(house, citizen("p2"), lambda: AT), Offer.objects.get().pk)
    assert offers() == [("p2", "declined")]
    assert opened(house).read(Slot, late).status == "free"
    assert book(house, "p4", late, AT).status == "pending"


def test_only_days_one_waits_for_are_offered_and_only_to_them(house):
    made = book(house, "p1", slots(house)[-1])
    wait(house, "p2", first=TODAY + timedelta(days=1), last=TODAY + timedelta(days=2))
    give_back(house, made, AT)
    assert offers() == []
    made = book(house, "p1", slots(house)[-1], AT)
    wait(house, "p3")
    give_back(house, made, AT)
    assert offers() == [("p3", "open")]
    for act in (waiting.accept, waiting.decline):
        with pytest.raises(Gone):
            act(opened(house, citizen("p4"), lambda: AT), Offer.objects.get().pk)


def test_a_moved_booking_gives_its_old_time_to_who_waits(house):
    made = book(house, "p1", slots(house)[-1])
    wait(house, "p2")
    actions.move_request(opened(house, DESK, lambda: AT), made.id, slot_id=slots(house)[-2])
    assert offers() == [("p2", "open")]


def test_people_are_told_once_and_answer_on_their_page(house, monkeypatch):
    from yba.site.accounts.models import Account

    late = slots(house)[-1]
    made = book(house, "p1", late)
    monkeypatch.setattr("yba.ui.requests.now", lambda: AT)
    account = Account.objects.create_account("0905123456", role="citizen")
    account.links.create(patient_id="p2", relation="ban-than")
    client = Client()
    client.force_login(account)
    client.post(reverse("booking:wait", args=["vt"]), {"patient": "p2"})
    assert client.post(reverse("booking:wait", args=["vt"]), {"patient": "p1"}).status_code == 404
    give_back(house, made, AT)
    assert [sweep(house, AT), sweep(house, AT)] == [1, 0]
    assert Message.objects.filter(kind="booking.offered").count() == 1
    page = client.get(reverse("booking:mine")).content.decode()
    assert "Có chỗ 11:10, thứ Hai 23/11 với BS. CKII Trần Minh Khôi" in page
    answer = client.post(reverse("booking:offer", args=[Offer.objects.get().pk]), {"nhan": "co"}, follow=True)
    assert "Đã giữ chỗ 11:10, thứ Hai 23/11." in answer.content.decode()
    again = client.post(reverse("booking:offer", args=[Offer.objects.get().pk]), {"nhan": "co"}, follow=True)
    assert again.status_code == 200
    assert Seat.objects.count() == 1
