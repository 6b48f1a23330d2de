"""Test 1 of the peers' page: crowds at the doors of a running house, and each time is given once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.areas.booking import doors as door
from tests.areas.booking.doors import Answer
from tests.areas.booking.province import HOSPITAL, another_timetable, build, opened
from yba.areas.booking import actions, queries, rules
from yba.areas.booking.models import Seat
from yba.care.messages.models import Message
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import now
from yba.ui.words import local_day

CLIENTS = 200
EACH = CLIENTS // 4


@pytest.fixture
def server(committed: str, tmp_path: Path) -> Iterator[int]:
    with door.serving(committed, tmp_path) as port:
        yield port


@pytest.mark.slow
def test_peer_01_two_hundred_clients_four_ways_in_and_one_slot(server: int) -> None:
    record = house(days=5, people=CLIENTS)
    free = [one.id or "" for one in record.find(Slot, ("status", "free"), ("_sort", "-start"))]
    slot, others = free[0], free[1 : EACH // 2 + 1]
    asked = [
        actions.book_appointment(record, slot_id=other, patient_id=f"p{number}", reason="Ho")
        for number, other in enumerate(others, EACH + 1)
    ]
    agent, desk = staff("customer_care"), staff("receptionist")
    wanted = Appointment(status="pending", participant=[actions.participant_of(record.read("Patient", "p1"))])  # type: ignore[arg-type]
    actions.place(wanted, *queries.slot_and_post(record, slot))
    crowd: list[tuple[str, Callable[[], Answer]]] = []
    crowd += [("citizen", door.citizen(server, slot, number)) for number in range(1, EACH + 1)]
    crowd += [("move", door.move(server, slot, one.id or "", agent)) for one in asked]
    first = EACH + len(asked) + 1
    crowd += [("care desk", door.desk(server, slot, n, agent)) for n in range(first, 2 * EACH + 1)]
    crowd += [("reception", door.desk(server, slot, n, desk)) for n in range(2 * EACH + 1, 3 * EACH + 1)]
    crowd += [("fhir", door.api(server, wanted, n)) for n in range(3 * EACH + 1, CLIENTS + 1)]
    assert len(crowd) == CLIENTS

    answers = door.all_at_once(crowd)

    holders = [
        one.id for one in record.find(Appointment, ("slot", f"Slot/{slot}")) if one.status in rules.HOLDING
    ]
    assert len(holders) == 1
    assert list(Seat.objects.filter(slot_id=slot).values_list("holder", flat=True)) == holders
    assert record.read(Slot, slot).status == "busy"
    told = Counter((one.door, door.verdict(one)) for one in answers)
    assert sum(count for (_door, verdict), count in told.items() if verdict == "strange") == 0, told
    won = sum(count for (_door, verdict), count in told.items() if verdict == "won")
    moved = sum(rules.slot_id_of(record.read(Appointment, one.id or "")) == slot for one in asked)
    assert won + moved == 1, told
    refused = sum(count for (_door, verdict), count in told.items() if verdict == "refused")
    assert refused == CLIENTS - len(asked) - won, told
    held = Seat.objects.filter(slot_id__in=others).count()
    assert held == len(asked) - moved, "who lost the new time keeps the old one"


def staff(role: str) -> str:
    from yba.site.accounts.models import Account

    return door.sign_in(
        Account.objects.create_account(f"nv-{role}", role=role, facility=HOSPITAL, name="Linh")
    )


def house(days: int = 2, people: int = 40) -> Any:
    connection.ensure_connection()
    record = opened(connection, at=now)
    build(record, days=days, people=people)
    return record


@pytest.mark.slow
def test_peer_01_overlapping_slots_of_one_doctor_or_room_are_one_time(server: int) -> None:
    record = house()
    slot = record.find(Slot, ("status", "free"), ("_sort", "-start"))[0]
    other = another_timetable(record, "khac", practitioner="bs", room="p-9", like=slot, minutes_later=10)
    third = another_timetable(record, "ba", practitioner="bs-2", room="p-204", like=slot, minutes_later=15)
    agent = staff("customer_care")
    crowd: list[tuple[str, Callable[[], Answer]]] = []
    for number in range(1, 37, 3):
        crowd.append(("citizen", door.citizen(server, slot.id, number)))
        crowd.append(("citizen", door.citizen(server, other.id, number + 1, role_id="vt-khac")))
        crowd.append(("care desk", door.desk(server, third.id, number + 2, agent, role_id="vt-ba")))

    answers = door.all_at_once(crowd)

    held = set(Seat.objects.values_list("slot_id", flat=True))
    assert held in ({slot.id}, {other.id, third.id}), (
        "the first excludes both; these two share nobody and no room"
    )
    assert Counter(door.verdict(one) for one in answers) == {"won": len(held), "refused": 36 - len(held)}
    booked = [rules.slot_id_of(one) for one in record.find(Appointment) if one.status in rules.HOLDING]
    assert sorted(booked) == sorted(held)


@pytest.mark.slow
def test_peer_01_a_request_is_confirmed_once_while_others_ask_for_its_time(server: int) -> None:
    record = house()
    slot = record.find(Slot, ("status", "free"), ("_sort", "-start"))[0].id or ""
    asked = actions.book_appointment(record, slot_id=slot, patient_id="p40", reason="Ho", phone="0905123456")
    agent = staff("customer_care")

    def confirm() -> Answer:
        return door.post(server, f"/dat-kham/sang-loc/{asked.id}/xac-nhan", agent)

    crowd: list[tuple[str, Callable[[], Answer]]] = [("confirm", confirm) for _ in range(8)]
    crowd += [("citizen", door.citizen(server, slot, number)) for number in range(1, 21)]
    crowd += [("care desk", door.desk(server, slot, number, agent)) for number in range(21, 33)]

    answers = door.all_at_once(crowd)

    told = Counter((one.door, one.status) for one in answers)
    assert told == {("confirm", 302): 8, ("citizen", 409): 20, ("care desk", 409): 12}
    stored = record.read(Appointment, asked.id or "")
    assert stored.status == "booked"
    assert sum(one.system == actions.REGISTRATION_CODE for one in stored.identifier) == 1
    assert list(Seat.objects.values_list("slot_id", "holder")) == [(slot, asked.id)]
    assert Message.objects.filter(kind="booking.confirmed").count() == 1


@pytest.mark.slow
def test_peer_01_a_time_is_held_for_one_and_becomes_their_booking(server: int) -> None:
    record = house()
    slot = record.find(Slot, ("status", "free"), ("_sort", "-start"))[0].id or ""
    people = {number: door.citizen(server, slot, number) for number in range(1, 21)}

    apps = [(f"fhir {number}", door.holding_by_fhir(server, slot, number)) for number in range(21, 31)]
    book = door.booking_by_fhir(server, slot, 31)

    answers = door.all_at_once([*((str(one), door.holding(server, slot, one)) for one in people), *apps])

    in_apps = [one.status for one in answers if one.door.startswith("fhir")]
    winner = [one for one in answers if "cho riêng mình" in one.text]
    losers = [one for one in answers if "vừa có người đặt" in one.text]
    assert sorted(in_apps) == [200] * (1 - len(winner)) + [409] * (9 + len(winner))
    assert len(winner) + len(losers) == 20
    assert book().status == 409
    assert Seat.objects.filter(slot_id=slot, kind="hold").count() == 1
    assert people[int(losers[0].door)]().status == 409
    booked = [people[int(one.door)]() for one in winner]
    booked += [door.booking_by_fhir(server, slot, number)() for number in _holder_in_app(answers)]
    assert [one.status for one in booked] in ([302], [200])
    assert list(Seat.objects.filter(slot_id=slot).values_list("kind", flat=True)) == ["booking"]


def _holder_in_app(answers: list[Answer]) -> list[int]:
    return [
        int(one.door.removeprefix("fhir "))
        for one in answers
        if one.door.startswith("fhir") and one.status == 200
    ]


@pytest.mark.slow
def test_series_that_cross_are_booked_whole_or_not_at_all(server: int) -> None:
    """Citizens and reception, over the same days, beyond those that are open, while others book single times."""
    record = house(days=3, people=40)
    schedule = record.find(Schedule)[0].id or ""
    today = local_day(now())
    session = staff("receptionist")
    first = [today + timedelta(days=1), *(today + timedelta(days=20 + at) for at in range(5))]
    slots = [f"{schedule}.{day:%Y%m%d}-0830" for day in first]
    crowd: list[tuple[str, Callable[[], Answer]]] = []
    for number in range(1, 13):
        crowd.append(("citizen", door.series(server, schedule, slots, number)))
        turned = slots[number % 6 :] + slots[: number % 6]
        wanted = [*turned[:3], f"{schedule}.{today + timedelta(days=30 + number):%Y%m%d}-0850"]
        crowd.append(("reception", door.series(server, schedule, wanted, number + 12, session)))
        crowd.append(("single", door.citizen(server, slots[0], number + 24)))

    answers = door.all_at_once(crowd)

    joined: dict[str, set[str]] = {}
    for one in record.find(Appointment, ("status", "pending,booked")):
        joined.setdefault(rules.series_of(one) or (one.id or ""), set()).add(rules.slot_id_of(one) or "")
    held = list(Seat.objects.values_list("slot_id", flat=True))
    assert len(held) == len(set(held)), "each time once"
    assert sorted(held) == sorted(slot for its in joined.values() for slot in its)
    assert not Seat.objects.filter(kind="hold").exists()
    sizes = Counter(len(its) for its in joined.values())
    assert set(sizes) <= {1, 4, 6}, f"a whole series or none of it: {sizes}"
    told = Counter((one.door, door.series_verdict(one)) for one in answers)
    assert sum(count for (_door, said), count in told.items() if said == "strange") == 0, told
    assert sum(count for (_door, said), count in told.items() if said == "won") == len(joined)
    again = crowd[0][1](), crowd[1][1]()
    assert {door.series_verdict(Answer("", one.status, one.text, one.where)) for one in again} <= {
        "won",
        "refused",
    }
    assert Seat.objects.count() == len(held), "the same key books nothing twice"
