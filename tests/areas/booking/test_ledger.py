"""The ledger of seats: holds, shares, seats of a group, overbooking, rests and walk-ins, by the house's clock."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.areas.booking.province import (
    HOSPITAL,
    NOW,
    TAG,
    agent,
    another_timetable,
    build,
    citizen,
    first_slot,
    opened,
)
from yba.areas.booking import actions, capacity, free, holds, ledger, policies, queries
from yba.areas.booking.capacity import Places
from yba.areas.booking.models import Seat
from yba.areas.booking.policies import Policy
from yba.fhir.access import Actor
from yba.fhir.errors import Conflict, Gone
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Coding, Extension, Period
from yba.fhir.r4.encounter import Encounter, EncounterParticipant
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.ui.words import HANOI

#: Nothing here is timed: the machine may be busy.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
DESK = Actor(user="td", role="receptionist", facility=HOSPITAL, name="Trang")


@pytest.fixture
def house(db):
    connection.ensure_connection()
    build(opened(connection), people=4)
    return connection


def book(house, person, slot, *, actor=None, at=lambda: NOW, **more):
    record = opened(house, actor or citizen(person), at)
    with transaction.atomic():
        return actions.book_appointment(record, slot_id=slot, patient_id=person, reason="Ho", **more)


def shaped(house, places, *, policy=None):
    """The first slot, with these figures; its timetable with this policy."""
    record = opened(house)
    slot = record.read(Slot, first_slot(record))
    slot.extension = capacity.written(places)
    record.update(slot)
    if policy is not None:
        schedule = record.read(Schedule, queries.target_id(slot.schedule, "Schedule"))
        schedule.extension = [policies.policy_extension(policy)]
        record.update(schedule)
    return slot.id


def state(house, slot):
    return opened(house).read(Slot, slot).status


# -- holds --------------------------------------------------------------------------------------------------


def test_a_held_time_is_taken_for_others_and_free_for_its_owner(house):
    slot = first_slot(opened(house))
    made = holds.hold(opened(house, citizen("p1")), [slot])
    assert made.until == NOW + holds.LASTS
    slots = [opened(house).read(Slot, slot)]
    assert free.free_for(opened(house, citizen("p1")), slots) == {slot}
    assert free.free_for(opened(house, citizen("p2")), slots) == set()
    with pytest.raises(Conflict) as refused:
        book(house, "p2", slot)
    assert refused.value.key == "booking.slot-taken"
    assert book(house, "p1", slot).status == "pending"
    assert list(Seat.objects.values_list("kind", "seat_no")) == [("booking", 1)]


def test_going_back_and_choosing_again_finds_the_same_hold_and_does_not_lengthen_it(house):
    slot = first_slot(opened(house))
    one = holds.hold(opened(house, citizen("p1")), [slot])
    later = opened(house, citizen("p1"), lambda: NOW + timedelta(minutes=4))
    assert holds.hold(later, [slot]) == one
    assert [each.id for each in holds.own_holds(later, holds.owners_of(later))] == [one.id]


def test_another_time_gives_the_first_back(house):
    record = opened(house)
    one, two = first_slot(record), first_slot(record, skip=1)
    holds.hold(opened(house, citizen("p1")), [one])
    holds.hold(opened(house, citizen("p1")), [two])
    assert list(Seat.objects.values_list("slot_id", flat=True)) == [two]


def test_a_hold_runs_out_by_itself_and_is_swept_later(house):
    slot = first_slot(opened(house))
    made = holds.hold(opened(house, citizen("p1")), [slot])
    after = NOW + holds.LASTS
    late = opened(house, citizen("p1"), lambda: after)
    assert holds.own_holds(late, holds.owners_of(late)) == []
    with pytest.raises(Gone):
        holds.own_hold(late, made.id, holds.owners_of(late))
    assert Seat.objects.count() == 1, "nobody has swept yet"
    assert book(house, "p2", slot, at=lambda: after).status == "pending"
    holds.hold(opened(house, citizen("p3")), [first_slot(opened(house), skip=1)])
    assert holds.sweep(opened(house, at=lambda: after)) == 1
    assert list(Seat.objects.values_list("kind", flat=True)) == ["booking"]


def test_what_the_hotline_holds_is_found_by_the_number_in_the_app_and_by_another_agent(house):
    slot, phone = first_slot(opened(house)), "0905000001"
    held = holds.hold(opened(house, agent()), [slot], phone=phone)
    other = opened(house, agent("Thu"))
    assert [one.id for one in holds.own_holds(other, holds.owners_of(other, phone=phone))] == [held.id]
    caller = opened(house, citizen("p1"))
    assert holds.own_holds(caller, holds.owners_of(caller)) == []
    assert book(house, "p1", slot, called_from=[phone]).status == "pending"
    assert phone not in "".join(Seat.objects.values_list("owner", flat=True))


def test_an_agent_books_what_was_held_for_the_caller(house):
    slot, phone = first_slot(opened(house)), "0905000001"
    holds.hold(opened(house, agent()), [slot], phone=phone)
    with pytest.raises(Conflict):
        book(house, "p2", slot, actor=agent("Thu"), phone="0905999999", channel="phone")
    assert book(house, "p1", slot, actor=agent("Thu"), phone=phone, channel="phone").status == "pending"


def test_a_citizen_does_not_get_a_hold_by_typing_the_number_of_its_owner(house):
    slot, phone = first_slot(opened(house)), "0905000001"
    holds.hold(opened(house, agent()), [slot], phone=phone)
    with pytest.raises(Conflict):
        book(house, "p2", slot, phone=phone)


def test_only_its_owner_gives_a_hold_back(house):
    slot = first_slot(opened(house))
    made = holds.hold(opened(house, citizen("p1")), [slot])
    assert holds.let_go(opened(house, citizen("p2")), made.id) is False
    assert holds.let_go(opened(house, citizen("p1")), made.id) is True
    assert book(house, "p2", slot).status == "pending"


# -- seats and shares ---------------------------------------------------------------------------------------


def test_a_group_slot_takes_as_many_as_it_has_seats(house):
    slot = shaped(house, Places(seats=2))
    first = book(house, "p1", slot)
    assert state(house, slot) == "free"
    book(house, "p2", slot)
    assert state(house, slot) == "busy"
    with pytest.raises(Conflict):
        book(house, "p3", slot)
    actions.cancel_appointment(opened(house, citizen("p1")), first.id or "")
    assert state(house, slot) == "free"
    book(house, "p3", slot)
    assert sorted(Seat.objects.filter(slot_id=slot).values_list("seat_no", flat=True)) == [1, 2]


def test_seats_kept_for_the_door_are_not_given_to_the_app_until_they_are_freed(house):
    freed = NOW + timedelta(hours=1)
    slot = shaped(house, Places(seats=2, kept={"walk-in": 1}, freed_at=freed))
    book(house, "p1", slot)
    slots = [opened(house).read(Slot, slot)]
    assert free.free_for(opened(house, citizen("p2")), slots) == set()
    with pytest.raises(Conflict) as refused:
        book(house, "p2", slot)
    assert refused.value.key == "booking.kept"
    assert free.free_for(opened(house, DESK), slots, channel="desk") == {slot}
    assert book(house, "p2", slot, at=lambda: freed).status == "pending"


def test_a_citizen_is_the_app_whatever_the_appointment_says(house):
    slot = shaped(house, Places(kept={"walk-in": 1}))
    with pytest.raises(Conflict):
        book(house, "p1", slot, channel="desk")
    assert book(house, "p1", slot, actor=DESK, channel="desk").status == "pending"


@UNHURRIED
@given(
    seats=st.integers(1, 12),
    kept=st.dictionaries(st.sampled_from(capacity.SHARES), st.integers(0, 4)),
    asked=st.lists(st.sampled_from(capacity.SHARES), max_size=30),
)
def test_shares_never_give_more_than_there_is_and_keep_what_they_keep(seats, kept, asked):
    kept = {one: count for one, count in kept.items() if sum(kept.values()) <= seats}
    used = dict.fromkeys(capacity.SHARES, 0)
    for share in asked:
        if capacity.left_for(share, seats=seats, kept=kept, used=used) > 0:
            used[share] += 1
    assert sum(used.values()) <= seats
    for share, count in kept.items():
        asks = asked.count(share)
        assert used[share] >= min(asks, count), "what is kept for a way in is there for it"


@UNHURRIED
@given(slots=st.integers(0, 40), seats=st.integers(1, 5), percent=st.integers(0, 25))
def test_kept_shares_of_a_session_are_spread_and_rounded_down(slots, seats, percent):
    found = capacity.shares_of(dict.fromkeys(capacity.SHARES, percent), slots=slots, seats=seats)
    assert len(found) == slots
    for share in capacity.SHARES:
        total = sum(one.get(share, 0) for one in found)
        assert total <= slots * seats * percent // 100
    assert all(sum(one.values()) <= seats for one in found)


def test_the_figures_of_a_slot_come_back_as_they_were_written():
    places = Places(3, {"phone": 1, "walk-in": 2}, NOW, timedelta(minutes=5), timedelta(minutes=10))
    slot = Slot(
        schedule=actions.reference("Schedule", "a"), status="free", start="2026-11-23T08:00:00+07:00",
        end="2026-11-23T08:20:00+07:00", extension=capacity.written(places),
    )  # fmt: skip
    assert capacity.places_of(slot) == places


# -- rests, rooms, overbooking --------------------------------------------------------------------------------


def test_the_rest_after_a_visit_excludes_what_begins_in_it(house):
    slot = shaped(house, Places(rest_after=timedelta(minutes=15)))
    like = opened(house).read(Slot, slot)
    other = another_timetable(
        opened(house), "khac", practitioner="bs", room="p-9", like=like, minutes_later=30
    )
    book(house, "p1", slot)
    with pytest.raises(Conflict):
        book(house, "p2", other.id)


def test_a_room_takes_as_many_visits_at_once_as_it_says(house):
    record = opened(house)
    like = record.read(Slot, first_slot(record))
    other = another_timetable(record, "khac", practitioner="bs-2", room="p-204", like=like, minutes_later=5)
    book(house, "p1", like.id)
    with pytest.raises(Conflict):
        book(house, "p2", other.id)
    room = record.read("Location", "p-204")
    room.extension = [Extension(url=ledger.AT_ONCE, valuePositiveInt=2)]
    record.update(room)
    assert book(house, "p2", other.id).status == "pending"


def over(house, person, slot, *, actor, reason):
    record = opened(house, actor)
    made = Appointment(
        status="booked", participant=[actions.participant_of(record.read("Patient", person))],
        extension=[Extension(url=capacity.OVERBOOKED, valueString=reason)] if reason else [],
    )  # fmt: skip
    actions.place(made, *queries.slot_and_post(record, slot))
    with transaction.atomic():
        return record.create(made)


def test_staff_overbook_as_far_as_their_role_may_and_say_why(house):
    slot = shaped(house, Places(), policy=Policy(overbooking={"receptionist": 1}))
    book(house, "p1", slot)
    with pytest.raises(Conflict):
        over(house, "p2", slot, actor=DESK, reason="")
    with pytest.raises(Conflict):
        over(house, "p2", slot, actor=agent(), reason="Sốt cao")
    over(house, "p2", slot, actor=DESK, reason="Sốt cao, từ xa đến")
    assert opened(house).read(Slot, slot).overbooked is True
    with pytest.raises(Conflict) as refused:
        over(house, "p3", slot, actor=DESK, reason="Nữa")
    assert refused.value.key == "booking.overbooked"
    assert sorted(Seat.objects.filter(slot_id=slot).values_list("seat_no", "over")) == [(1, False), (2, True)]


# -- notice, closing hour, how far ahead ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "at", "key"),
    [
        (Policy(notice=timedelta(hours=1)), NOW + timedelta(minutes=29), None),
        (Policy(notice=timedelta(hours=1)), NOW + timedelta(minutes=31), "booking.too-late"),
        (Policy(closes=time(16)), datetime(2026, 11, 22, 15, 59, tzinfo=HANOI), None),
        (Policy(closes=time(16)), datetime(2026, 11, 22, 16, 1, tzinfo=HANOI), "booking.too-late"),
        (Policy(days_ahead=7), datetime(2026, 11, 16, 8, 0, tzinfo=HANOI), None),
        (Policy(days_ahead=7), datetime(2026, 11, 15, 23, 59, tzinfo=HANOI), "booking.too-early"),
    ],
)
def test_a_citizen_asks_in_time_and_staff_when_they_must(house, policy, at, key):
    slot = shaped(house, Places(), policy=policy)
    slots = [opened(house).read(Slot, slot)]
    assert free.free_for(opened(house, citizen("p1"), lambda: at), slots) == (set() if key else {slot})
    if key is None:
        assert book(house, "p1", slot, at=lambda: at).status == "pending"
        return
    with pytest.raises(Conflict) as refused:
        book(house, "p1", slot, at=lambda: at)
    assert refused.value.key == key
    assert book(house, "p1", slot, actor=DESK, channel="desk", at=lambda: at).status == "pending"


def test_what_was_held_in_time_is_booked_after_the_notice(house):
    slot = shaped(house, Places(), policy=Policy(notice=timedelta(hours=1)))
    holds.hold(opened(house, citizen("p1"), lambda: NOW + timedelta(minutes=28)), [slot])
    assert book(house, "p1", slot, at=lambda: NOW + timedelta(minutes=33)).status == "pending"


def test_a_policy_comes_back_as_it_was_written():
    policy = Policy(
        timedelta(hours=2),
        time(16, 30),
        30,
        timedelta(hours=4),
        timedelta(hours=6),
        2,
        {"doctor": 3, "receptionist": 1},
    )
    schedule = Schedule(
        actor=[actions.reference("Location", "p")], extension=[policies.policy_extension(policy)]
    )
    assert policies.policy_of(schedule) == policy
    assert policies.policy_of(Schedule(actor=schedule.actor)) == Policy()


# -- who walks in -------------------------------------------------------------------------------------------------


def visit(house, person="p1", **more):
    record = opened(house, DESK)
    made = Encounter(
        status="arrived", class_=Coding(code="AMB"), subject=actions.reference("Patient", person),
        participant=[EncounterParticipant(individual=actions.reference("Practitioner", "bs"))],
        period=Period(start="2026-11-23T06:00:00+07:00"), meta=TAG, **more,
    )  # fmt: skip
    return record.create(made)


def test_who_walks_in_takes_the_next_seat_and_gives_it_back_when_it_was_a_mistake(house):
    slot = first_slot(opened(house))
    came = visit(house)
    assert list(Seat.objects.values_list("slot_id", "kind", "holder")) == [(slot, "walk-in", came.id)]
    assert state(house, slot) == "busy"
    with pytest.raises(Conflict):
        book(house, "p2", slot)
    came.status = "cancelled"
    opened(house, DESK).update(came)
    assert state(house, slot) == "free"


def test_a_walk_in_uses_the_seat_kept_for_the_door_and_joins_without_one_when_all_are_taken(house):
    slot = shaped(house, Places(kept={"walk-in": 1}))
    visit(house)
    assert Seat.objects.get().slot_id == slot
    for one in opened(house).find(Slot, ("status", "free")):
        one.status = "busy-unavailable"
        opened(house).update(one)
    assert visit(house, "p2").status == "arrived"
    assert Seat.objects.count() == 1


def test_a_visit_with_a_booking_takes_no_second_seat(house):
    made = book(house, "p1", first_slot(opened(house)))
    visit(house, appointment=[actions.reference("Appointment", made.id)])
    assert Seat.objects.count() == 1
