"""Doors of booking tried from outside: another app, another facility, another person. Over FHIR, as programs come."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from tests.areas.booking import test_operations
from tests.areas.booking.province import HOSPITAL, another_timetable, citizen, opened
from tests.areas.booking.test_operations import House, given, key_of, slots
from yba.areas.booking import actions, rules
from yba.areas.booking.models import Seat
from yba.care.identifiers import REGISTRATION_CODE
from yba.fhir.access import Actor
from yba.fhir.access.actor import Scope
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import CodeableConcept, Coding, HumanName, Meta, Reference
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot

OTHER = "bv2"
TAG = Meta(tag=[Coding(system=rules.FACILITY_TAG, code=OTHER)])
READS = (Scope("user", "*", frozenset("rs")),)
WRITES = (Scope("user", "*", frozenset("cruds")),)


def app(scopes: tuple[Scope, ...]) -> Actor:
    return replace(citizen("p1"), app="app-1", scopes=scopes, launched="p1")


ACTORS = {
    **test_operations.ACTORS,
    "reads": app(READS),
    "writes": app(WRITES),
    "desk2": Actor(user="td2", role="receptionist", facility=OTHER, name="Vân"),
    "head": Actor(user="qt", role="facility_administrator", facility=HOSPITAL, name="Quản"),
    "head2": Actor(user="qt2", role="facility_administrator", facility=OTHER, name="Trị"),
    "his2": Actor(user="his2", role="outside_system", facility=OTHER, name="HIS2", app="his2"),
}


@pytest.fixture
def house(db: None, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(test_operations, "ACTORS", ACTORS)
    made = House()
    _another_hospital()
    return made


def _another_hospital() -> None:
    """A second hospital with a doctor of its own, at the hours of the first one's."""
    record = opened(connection)
    specialty = CodeableConcept(coding=[Coding(system=actions.SPECIALTY_CS, code="da-lieu")], text="Da liễu")
    record.update(Organization(id=OTHER, name="Bệnh viện Phú Bài", active=True, meta=TAG))
    record.update(Practitioner(id="bs2", active=True, name=[HumanName(text="BS. Lê An")], meta=TAG))
    role = Reference(reference="PractitionerRole/vt2")
    who = Reference(reference="Practitioner/bs2", display="BS. Lê An")
    record.update(
        PractitionerRole(
            id="vt2", active=True, meta=TAG, practitioner=who, specialty=[specialty],
            organization=Reference(reference=f"Organization/{OTHER}"),
        )
    )  # fmt: skip
    record.update(Schedule(id="lich2", active=True, meta=TAG, actor=[role, who], specialty=[specialty]))
    like = record.find(Slot, ("_sort", "start"))
    for number, one in enumerate(like[4:8]):
        record.update(
            Slot(
                id=f"khung2-{number}", meta=TAG, status="free", specialty=[specialty], start=one.start, end=one.end,
                schedule=Reference(reference="Schedule/lich2"),
            )
        )  # fmt: skip


def booked(house: House, slot: str, person: str = "p1") -> str:
    made = house("desk", "POST", "/Appointment/$book", given(slot=slot, patient=person, phone="0905123456"))
    assert (made.status, made.body["status"]) == (200, "booked"), made.body
    return str(made.body["id"])


def plain(slot_id: str, *who: str, facility: str = HOSPITAL, **more: Any) -> dict[str, Any]:
    """An Appointment as a citizen's program sends it by a bare create."""
    slot = opened(connection).read(Slot, slot_id)
    return {
        "resourceType": "Appointment", "status": "pending", "slot": [{"reference": f"Slot/{slot_id}"}],
        "start": slot.start, "end": slot.end, "meta": {"tag": [{"system": rules.FACILITY_TAG, "code": facility}]},
        "participant": [{"actor": {"reference": one}, "status": "accepted"} for one in who or ("Patient/p1",)],
        **more,
    }  # fmt: skip


def stored(appointment: str) -> Appointment:
    return opened(connection).read(Appointment, appointment)


def test_an_app_that_may_only_read_moves_nothing_and_holds_nothing(house: House) -> None:
    one, two = slots(house, count="2", organization=HOSPITAL)
    made = booked(house, one)
    for path, body in (
        (f"/Appointment/{made}/$reschedule", given(slot=two)),
        (f"/Appointment/{made}/$cancel", given()),
        ("/Appointment/$hold", given(slot=two)),
        ("/Appointment/$book", given(slot=two, patient="p1")),
    ):
        said = house("reads", "POST", path, body)
        assert (path, said.status, key_of(said)) == (path, 403, "access.write")
    assert (stored(made).status, rules.slot_id_of(stored(made))) == ("booked", one)
    assert list(Seat.objects.values_list("kind", "slot_id")) == [("booking", one)]
    moved = house("writes", "POST", f"/Appointment/{made}/$reschedule", given(slot=two))
    assert (moved.status, rules.slot_id_of(stored(made))) == (200, two)


def test_a_confirmed_booking_is_not_moved_into_another_hospital_or_to_another_doctor(house: House) -> None:
    one = slots(house, count="1", organization=HOSPITAL)[0]
    record = opened(connection)
    near = another_timetable(
        record, "khac", practitioner="bs-khac", room="p-9", like=record.read(Slot, one), minutes_later=60
    )
    made = booked(house, one)
    for who, slot in (("p1", "khung2-0"), ("p1", near.id), ("desk", "khung2-0")):
        said = house(who, "POST", f"/Appointment/{made}/$reschedule", given(slot=slot))
        assert (slot, said.status, key_of(said)) == (slot, 409, "booking.move-elsewhere")
    assert rules.slot_id_of(stored(made)) == one
    assert house("desk2", "GET", f"/Appointment/{made}").status == 404
    assert house("desk", "POST", f"/Appointment/{made}/$reschedule", given(slot=near.id)).status == 200
    assert rules.practitioner_id_of(stored(made)) == "bs-khac", "the desk says who sees them instead"


def test_staff_hold_and_book_times_of_their_own_facility_alone(house: House) -> None:
    slot = slots(house, count="1", organization=HOSPITAL)[0]
    for who in ("desk2", "his2"):
        held = house(who, "POST", "/Appointment/$hold", given(slot=slot))
        assert (who, held.status, key_of(held)) == (who, 403, "booking.not-here")
    book = house("desk2", "POST", "/Appointment/$book", given(slot=slot, patient="p2"))
    assert (book.status, key_of(book)) == (403, "access.write")
    assert Seat.objects.count() == 0
    assert house("desk", "POST", "/Appointment/$hold", given(slot=slot, phone="0905123456")).status == 200
    assert house("p1", "POST", "/Appointment/$hold", given(slot="khung2-0")).status == 200


def test_one_person_fills_no_hospital_by_bare_creates(house: House) -> None:
    times = slots(house, count="20", organization=HOSPITAL)[: rules.MOST_OPEN + 1]
    made = [house("p1", "POST", "/Appointment", plain(one)) for one in times]
    assert [one.status for one in made] == [201] * rules.MOST_OPEN + [409]
    assert key_of(made[-1]) == "booking.too-many"
    assert house("p2", "POST", "/Appointment", plain(times[-1], "Patient/p2")).status == 201


def test_a_bare_create_names_neither_a_code_nor_another_person_nor_another_doctor(house: House) -> None:
    slot = slots(house, count="1", organization=HOSPITAL)[0]
    code = [{"system": REGISTRATION_CODE, "value": "7K2M9Q"}]
    for wanted, status, key in (
        (plain(slot, identifier=code), 403, "booking.citizen-code"),
        (plain(slot, "Patient/p1", "Patient/p2"), 403, "access.write"),
        (plain(slot, "Patient/p2"), 404, "store.not-found"),
        (plain(slot, "Patient/p1", "Practitioner/bs2"), 400, "booking.practitioner-differs"),
        (plain(slot, facility=OTHER), 400, "booking.facility-differs"),
    ):
        said = house("p1", "POST", "/Appointment", wanted)
        assert (key, said.status, key_of(said)) == (key, status, key)
    assert house("p1", "POST", "/Appointment", plain(slot, "Patient/p1", "Practitioner/bs")).status == 201


def test_who_calls_off_leaves_the_booking_where_it_was(house: House) -> None:
    slot = slots(house, count="1", organization=HOSPITAL)[0]
    made = house("p1", "POST", "/Appointment", plain(slot)).body
    away = {**made, "status": "cancelled", "meta": {"tag": [{"system": rules.FACILITY_TAG, "code": OTHER}]}}
    said = house("p1", "PUT", f"/Appointment/{made['id']}", away)
    assert (said.status, key_of(said)) == (403, "booking.citizen-change")
    off = house("p1", "PUT", f"/Appointment/{made['id']}", {**made, "status": "cancelled"})
    assert (off.status, off.body["status"]) == (200, "cancelled")


def test_a_request_is_called_back_at_a_number_that_can_be_dialled(house: House) -> None:
    slot = slots(house, count="1", organization=HOSPITAL)[0]
    said = plain(slot, extension=[{"url": actions.CALL_BACK, "valueContactPoint": {"value": "0" * 40}}])
    answer = house("p1", "POST", "/Appointment", said)
    assert (answer.status, key_of(answer)) == (400, "booking.call-back")
    said["extension"][0]["valueContactPoint"]["value"] = "0905123456"
    assert house("p1", "POST", "/Appointment", said).status == 201


def test_no_facility_puts_its_times_into_anothers_timetable(house: House) -> None:
    theirs = opened(connection).find(Schedule, ("_tag", f"{rules.FACILITY_TAG}|{HOSPITAL}"))[0]
    like = house("head2", "GET", "/Slot/khung2-0").body
    planted = {**like, "schedule": {"reference": f"Schedule/{theirs.id}"}}
    for method, path, body in (
        ("POST", "/Slot", {key: value for key, value in planted.items() if key != "id"}),
        ("PUT", "/Slot/khung2-0", planted),
    ):
        said = house("head2", method, path, body)
        assert (method, said.status, key_of(said)) == (method, 400, "booking.timetable-differs")
    mine = house("head2", "GET", "/Schedule/lich2").body
    for actor in ("Practitioner/bs", "PractitionerRole/vt", "Location/p-204"):
        said = house("head2", "PUT", "/Schedule/lich2", {**mine, "actor": [{"reference": actor}]})
        assert (actor, said.status, key_of(said)) == (actor, 400, "booking.actor-elsewhere")
    assert house("head2", "PUT", "/Schedule/lich2", {**mine, "comment": "Chiều nghỉ"}).status == 200
    assert house("head2", "PUT", "/Slot/khung2-0", {**like, "status": "busy-unavailable"}).status == 200


def test_a_time_somebody_has_is_neither_moved_nor_deleted_under_them(house: House) -> None:
    slot, free = slots(house, count="2", organization=HOSPITAL)
    booked(house, slot)
    one = house("head", "GET", f"/Slot/{slot}").body
    for method, body in (("PUT", {**one, "start": one["end"], "end": one["end"]}), ("DELETE", None)):
        said = house("head", method, f"/Slot/{slot}", body)
        assert (method, said.status, key_of(said)) == (method, 409, "booking.slot-in-use")
    assert house("head", "DELETE", f"/Slot/{free}").status == 204
