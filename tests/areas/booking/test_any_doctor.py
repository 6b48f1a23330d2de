"""Any doctor of the specialty: the fewest first, one transaction, every door, and a crowd that asks at once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client, RequestFactory

from tests.areas.booking.province import HOSPITAL, NOW, agent, build, citizen, opened
from tests.areas.booking.test_operations import House, given
from yba.areas.booking import any_doctor, choosing, directory, holds, rules
from yba.areas.booking.models import Seat
from yba.care.identifiers import SPECIALTY_CS
from yba.fhir.errors import Conflict
from yba.fhir.r4.datatypes import CodeableConcept, Coding, HumanName, Reference
from yba.fhir.r4.location import Location
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.site.accounts.models import Account
from yba.ui import keeping, waited

EIGHT, NINE, TWO = (NOW + timedelta(hours=hours) for hours in (2, 3, 8))
WHO: dict[str, Any] = {"facility": HOSPITAL, "specialty": "mat"}


def an_eye_doctor(record: Any, key: str, *starts: Any) -> None:
    concept = CodeableConcept(coding=[Coding(system=SPECIALTY_CS, code="mat")], text="Mắt")
    role = record.read(PractitionerRole, "vt")
    role.id, role.availableTime, role.specialty = f"vt-{key}", [], [concept]
    role.practitioner = Reference(reference=f"Practitioner/bs-{key}")
    role.location = [Reference(reference=f"Location/p-{key}")]
    record.update(
        Practitioner(id=f"bs-{key}", active=True, name=[HumanName(text=f"BS. {key}")], meta=role.meta)
    )
    record.update(Location(id=f"p-{key}", name=key, meta=role.meta))
    record.update(role)
    actors = [Reference(reference=f"PractitionerRole/vt-{key}"), role.practitioner, *role.location]
    record.update(Schedule(id=f"l-{key}", active=True, actor=actors, specialty=[concept], meta=role.meta))
    for number, at in enumerate(starts):
        record.update(
            Slot(
                id=f"k-{key}-{number}", schedule=Reference(reference=f"Schedule/l-{key}"), status="free",
                specialty=[concept], meta=role.meta, start=rules.instant(at),
                end=rules.instant(at + timedelta(minutes=20)),
            )
        )  # fmt: skip


def three_doctors(record: Any) -> None:
    for key in ("a", "b", "c"):
        an_eye_doctor(record, key, EIGHT, NINE, TWO)


@pytest.fixture
def eyes(db: None) -> Any:
    connection.ensure_connection()
    record = opened(connection)
    build(record, people=4)
    three_doctors(record)
    directory.catch_up(record)
    return record


def booked(person: str, at: Any, **more: Any) -> str:
    record = opened(connection, citizen(person))
    made = any_doctor.book(record, **WHO, starts=at, patient_id=person, reason="Mờ mắt", **more)
    return str(rules.practitioner_id_of(made))


def test_times_are_those_at_which_somebody_is_free_each_once(eyes: Any) -> None:
    def times() -> list[Any]:
        return [one.start for one in any_doctor.times(opened(connection, citizen("p1")), **WHO)]

    assert times() == [EIGHT, NINE, TWO]
    for person in ("p1", "p2", "p3"):
        booked(person, EIGHT)
    assert times() == [NINE, TWO]
    with pytest.raises(Conflict) as refused:
        booked("p4", EIGHT)
    assert refused.value.key == "booking.none-free"


def test_the_one_with_the_fewest_in_the_session_then_on_the_day_is_chosen(eyes: Any) -> None:
    first = booked("p1", EIGHT)
    second = booked("p2", NINE)
    third = booked("p3", NINE)
    assert {first, second, third} == {"bs-a", "bs-b", "bs-c"}  # nobody has a second before all have one
    # In the afternoon all have none in that session and one on the day; a hold counts as somebody who comes.
    slot = next(f"k-{key}-2" for key in "abc" if f"bs-{key}" not in (first, second))
    holds.hold(opened(connection, citizen("p4")), [slot])
    chosen = booked("p1", TWO)
    assert chosen != f"bs-{slot[2]}"


def test_who_is_first_among_equals_turns_with_the_day(eyes: Any) -> None:
    days = [NOW + timedelta(days=ahead, hours=2) for ahead in range(12)]
    for key in "abc":
        for number, at in enumerate(days[1:], 10):
            slot = eyes.read(Slot, f"k-{key}-0")
            slot.id, slot.status = f"k-{key}-{number}", "free"
            slot.start, slot.end = rules.instant(at), rules.instant(at + timedelta(minutes=20))
            eyes.update(slot)
    with eyes.atomic():
        firsts = [any_doctor.choose(eyes, **WHO, starts=at)[2] for at in days]
        again = [any_doctor.choose(eyes, **WHO, starts=at)[2] for at in days]
    assert firsts == again
    assert len(set(firsts)) == 3


def test_the_same_form_twice_is_one_booking(eyes: Any) -> None:
    assert booked("p1", EIGHT, once="form") == booked("p1", EIGHT, once="form")
    assert Seat.objects.count() == 1


def test_what_waited_on_a_phone_is_told_as_done(eyes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yba.ui.requests.now", lambda: NOW)
    account = Account.objects.create_account("c-p1", role="citizen", name="Hạnh")
    account.links.create(patient_id="p1", relation="ban-than")
    phone = Client()
    phone.force_login(account)
    request = RequestFactory().get("/")
    request.user = account
    form = {
        "slot": rules.instant(EIGHT),
        "patient": "p1",
        "reason": "Mờ mắt",
        "phone": "0912345678",
        "once": "k",
    }
    address, sent = f"/dat-kham/khoa/{HOSPITAL}/mat/", {waited.SENT_BY: keeping.key_of(request)}
    for _twice in range(2):
        said = phone.post(address, form, headers=sent).json()
        assert said["state"] == "done"
        assert "8:00" in said["said"]
        assert said["url"].startswith("/dat-kham/phieu/")
    assert Seat.objects.count() == 1
    for never in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-11-24T08:00:00", "x"):
        assert phone.post(address, form | {"slot": never, "once": "other"}).status_code == 422, never


def test_one_of_forty_doctors_is_asked_for_each_time(eyes: Any) -> None:
    for number in range(12):
        an_eye_doctor(eyes, f"n{number}", EIGHT, NINE, TWO)
    booked("p1", EIGHT)
    record = opened(connection, citizen("p2"))
    seen: list[int] = []
    whole = choosing.slots_by_id

    def counted(record: Any, ids: Any) -> Any:
        seen.append(len(ids))
        return whole(record, ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choosing, "slots_by_id", counted)
        assert [one.start for one in any_doctor.times(record, **WHO)] == [EIGHT, NINE, TWO]
    assert sum(seen) <= 4  # three times, and one that was taken


def test_the_care_desk_books_it_confirmed(eyes: Any) -> None:
    made = any_doctor.book(
        opened(connection, agent()), **WHO, starts=EIGHT, patient_id="p2", reason="Mờ mắt", phone="0912345678",
        channel="phone", once="k", confirmed=True,
    )  # fmt: skip
    assert (made.status, len(rules.code_of(made))) == ("booked", 5)


def test_over_fhir_times_are_found_without_a_name_and_booked_with_one(db: None) -> None:
    house = House()
    three_doctors(opened(connection))
    asked = f"organization={HOSPITAL}&specialty=mat&any-practitioner=true"
    said = house("p1", "GET", f"/Appointment/$find?{asked}")
    assert said.status == 200, said.body
    found = [one["resource"] for one in said.body["entry"]]
    assert [one["start"] for one in found] == [rules.instant(at) for at in (EIGHT, NINE, TWO)]
    assert all("slot" not in one and "Practitioner" not in str(one["participant"]) for one in found[:1])
    body = given(organization=HOSPITAL, specialty="mat", start=found[0]["start"], patient="p1", key="x")
    first, again = (house("p1", "POST", "/Appointment/$book", body) for _ in range(2))
    assert first.status == 200, first.body
    assert (first.body["status"], first.body["id"]) == ("pending", again.body["id"])
    assert first.body["slot"][0]["reference"].startswith("Slot/k-")
    refused = house("p1", "GET", "/Appointment/$find?specialty=mat&any-practitioner=true")
    assert refused.status == 400


def test_who_asks_at_once_is_spread_evenly_and_nobody_is_taken_twice(committed: str) -> None:
    """Three ask for three hours of a morning: one each. Four ask for one hour: three have it, one is told."""
    connection.ensure_connection()
    record = opened(connection)
    build(record, people=7)
    for key in ("a", "b", "c"):
        an_eye_doctor(record, key, EIGHT, NINE, NINE + timedelta(hours=1), TWO)
    directory.catch_up(record)
    start = threading.Barrier(7)
    outcomes: list[tuple[str, str]] = []

    def ask(number: int, at: datetime) -> None:
        try:
            connection.ensure_connection()
            own = opened(connection, citizen(f"p{number}"))
            start.wait(30)
            made = own.attempt(
                lambda: any_doctor.book(own, **WHO, starts=at, patient_id=f"p{number}", reason="x")
            )
            outcomes.append((str(rules.practitioner_id_of(made)), made.start or ""))
        except Conflict as refusal:
            outcomes.append((refusal.key, rules.instant(at)))
        finally:
            connections.close_all()

    hours = [EIGHT, NINE, NINE + timedelta(hours=1), TWO, TWO, TWO, TWO]
    threads = [threading.Thread(target=ask, args=one) for one in enumerate(hours, 1)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    morning = [who for who, at in outcomes if at < rules.instant(TWO)]
    assert sorted(morning) == ["bs-a", "bs-b", "bs-c"]
    afternoon = [who for who, at in outcomes if at == rules.instant(TWO)]
    assert sorted(afternoon) == ["booking.none-free", "bs-a", "bs-b", "bs-c"]
