"""The rungs of the ladder: lighter picture, sound alone, the telephone, another time; and what a held visit costs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from tests.areas.booking import province
from tests.areas.clinic.stage import as_role, put, tagged
from tests.areas.telehealth.stage import (
    NAME,
    PERSON,
    citizen,
    doctors_seat,
    open_as_doctor,
    seated,
    staff,
    stage,
    told,
    video_visit,
)
from tests.areas.telehealth.test_visit import Clock, clock, encounter_of, visit  # noqa: F401 - fixtures
from yba import fhir
from yba.areas.booking import guards as booking_guards
from yba.areas.telehealth import encounters, falling, tasks
from yba.areas.telehealth.models import Room
from yba.care import catalogues
from yba.care.identifiers import SERVICE, SERVICE_CS, SPECIALTY_CS
from yba.care.remote import mode
from yba.fhir.access import SYSTEM
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.charge_item_definition import (
    ChargeItemDefinition,
    ChargeItemDefinitionPropertyGroup,
    ChargeItemDefinitionPropertyGroupPriceComponent,
)
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Identifier, Money, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.invoice import Invoice
from yba.fhir.r4.slot import Slot
from yba.fhir.r4.task import Task
from yba.fhir.record import Record


def in_call(visit: Appointment) -> tuple[Any, Any, str, Room]:  # noqa: F811 - not the fixture
    """Person and doctor connected."""
    person, doctor = citizen(PERSON), staff()
    key = seated(person, visit)
    room = open_as_doctor(doctor, visit, admit=True)
    told(person, key, joined=True, connected=True)
    told(doctor, doctors_seat(room).key, joined=True, connected=True)
    return person, doctor, key, Room.objects.get()


def test_rungs_one_and_two_are_noted_once_each_in_the_visit(record: Record, visit: Appointment) -> None:  # noqa: F811
    person, doctor, key, room = in_call(visit)
    for rung in ("low", "low", "audio", "video"):
        assert told(person, key, "bac", rung=rung, why="network").json() == {"rung": rung}
    steps = encounters.steps_of(encounter_of(record, visit))
    assert steps == ["opened", "waiting", "admitted", "in-call", "rung-low", "rung-audio", "rung-video"]
    assert Room.objects.get().rung == "video"
    for wrong in ("phone", "rebooked", "hd", None):
        assert told(person, key, "bac", rung=wrong).status_code == 400
    doctor.post(f"/kham-tu-xa/phong/{room.name}/ket-thuc")
    told(person, key, "bac", rung="low")
    assert Room.objects.get().rung == "video"  # after the end nothing is noted


def test_rung_three_puts_a_task_on_the_desks_list(record: Record, visit: Appointment, clock: Clock) -> None:  # noqa: F811
    person, doctor, key, room = in_call(visit)
    for _ in range(2):
        assert person.post(f"/kham-tu-xa/ghe/{key}/goi-dien").status_code == 302
    (task,) = record.find(Task, ("encounter", f"Encounter/{room.encounter_id}"))
    assert (task.status, task.intent, task.priority) == ("requested", "order", "urgent")
    found = encounter_of(record, visit)
    assert (found.status, encounters.steps_of(found)[-1]) == ("onleave", "phone")
    assert "Bệnh viện sẽ gọi điện" in person.get(f"/kham-tu-xa/ghe/{key}").content.decode()
    clock.now += timedelta(minutes=6)
    desk = staff("customer_care", name="Mai Linh")
    page = desk.get("/kham-tu-xa/goi-lai").content.decode()
    assert NAME in page
    assert "0905 123 456" in page
    assert "6 phút" in page
    assert "Tăng huyết áp" not in page
    desk.post(f"/kham-tu-xa/goi-lai/{task.id}/take")
    desk.post(f"/kham-tu-xa/goi-lai/{task.id}/unreached")
    assert "1 lần không nghe máy" in desk.get("/kham-tu-xa/goi-lai").content.decode()
    desk.post(f"/kham-tu-xa/goi-lai/{task.id}/reached")
    assert NAME not in desk.get("/kham-tu-xa/goi-lai").content.decode()
    task = record.read(Task, task.id or "")
    assert (task.status, [one.authorString for one in task.note]) == ("completed", ["Mai Linh"] * 3)
    doctor.post(f"/kham-tu-xa/phong/{room.name}/ket-thuc")
    assert encounters.steps_of(encounter_of(record, visit))[-1] == "ended"


def test_the_desk_sees_such_tasks_of_its_house_and_no_other(record: Record, visit: Appointment) -> None:  # noqa: F811
    person, _doctor, key, _room = in_call(visit)
    person.post(f"/kham-tu-xa/ghe/{key}/goi-dien")
    other = put(
        record,
        Task(meta=tagged(), status="requested", intent="order", code=CodeableConcept(coding=[Coding(code="lab")]),
             for_=Reference(reference=f"Patient/{PERSON}")),
        "viec-khac",
    )  # fmt: skip
    own, elsewhere = as_role(record, "customer_care"), as_role(record, "customer_care", facility="pk-khac")
    assert [one.description for one in own.find(Task)] == ["Video không nối được, người bệnh chờ gọi điện"]
    assert elsewhere.find(Task) == []
    desk, away = staff("customer_care"), staff("customer_care", facility="pk-khac")
    (task,) = own.find(Task)
    for client, wanted in ((desk, other.id), (away, task.id)):
        assert client.post(f"/kham-tu-xa/goi-lai/{wanted}/take").status_code == 404
    assert desk.post(f"/kham-tu-xa/goi-lai/{task.id}/delete").status_code == 404
    for role in ("nurse", "receptionist", "citizen"):
        client = citizen("nb-khac") if role == "citizen" else staff(role)
        assert client.get("/kham-tu-xa/goi-lai").status_code == 404


def test_the_doctor_telephones_and_the_picture_may_come_back(record: Record, visit: Appointment) -> None:  # noqa: F811
    person, doctor, key, room = in_call(visit)
    doctor.post(f"/kham-tu-xa/phong/{room.name}/goi-dien")
    assert Room.objects.get().state == "phone"
    assert record.find(Task, ("encounter", f"Encounter/{room.encounter_id}")) == []
    told(person, key, epoch="f" * 12)
    told(person, key, epoch="f" * 12, connected=True)
    assert Room.objects.get().state == "in-call"
    assert encounter_of(record, visit).status == "in-progress"


# -- another time ------------------------------------------------------------------------------------------


@pytest.fixture
def booked(db: None, monkeypatch: pytest.MonkeyPatch) -> tuple[Record, Appointment]:
    """A visit by video in a real timetable, begun now; the record with booking's guards."""
    moment = province.NOW + timedelta(hours=1, minutes=31)

    def at() -> Any:
        return moment

    monkeypatch.setattr("yba.ui.requests.now", at)
    system = province.opened(connection)
    province.build(system, days=2)
    slot = system.find(Slot, ("status", "free"), ("_sort", "start"))[0]
    visit = Appointment(  # noqa: F811 - not the fixture
        meta=province.TAG, status="booked", slot=[Reference(reference=f"Slot/{slot.id}")], start=slot.start,
        end=slot.end,
        participant=[
            AppointmentParticipant(actor=Reference(reference="Patient/p1", display=NAME), status="accepted"),
            AppointmentParticipant(actor=Reference(reference="Practitioner/bs", display="BS"), status="accepted"),
        ],
    )  # fmt: skip
    own = fhir.open(
        connection.connection,
        actor=SYSTEM,
        clock=at,
        guards=booking_guards.GUARDS,
        transaction=transaction.atomic,
    )
    return own, own.create(mode.set_video(visit, True))


def test_rung_four_moves_the_same_booking_free_of_charge(booked: tuple[Record, Appointment]) -> None:
    system, made = booked
    person, doctor = citizen("p1"), staff(practitioner="bs", facility=province.HOSPITAL)
    page = f"/kham-tu-xa/hen-lai/{made.id}"
    assert "chưa mở phòng" in person.get(page).content.decode()
    key = seated(person, made)
    open_as_doctor(doctor, made, admit=True)
    shown = person.get(page).content.decode()
    assert "lượt chưa khám được không tính tiền" in shown
    before = made.slot[0].reference
    new = next(one for one in falling.free_times(system, system.read(Appointment, made.id or "")))
    assert f'value="{new.id}"' in shown
    taken = person.post(page, {"slot": "khong-co"})
    assert taken.status_code == 409
    assert "vừa có người đặt" in taken.content.decode()
    answer = person.post(page, {"slot": new.id}, follow=True).content.decode()
    assert "Đã hẹn lại" in answer
    moved = system.read(Appointment, made.id or "")
    assert (moved.status, moved.start, moved.slot[0].reference) == ("booked", new.start, f"Slot/{new.id}")
    assert mode.is_video(moved)
    assert system.read(Slot, (before or "").removeprefix("Slot/")).status == "free"
    assert system.read(Slot, new.id or "").status == "busy"
    (old,) = system.find(Encounter, ("appointment", f"Appointment/{made.id}"))
    assert (old.status, encounters.steps_of(old)[-1]) == ("cancelled", "rebooked")
    assert told(person, key).json()["over"] is True
    assert tasks.charge_rooms(system) == 0
    assert system.find(Invoice) == []
    assert "chưa mở phòng" in person.get(page).content.decode()  # of the new time there is no room yet


def test_a_visit_that_was_held_is_not_booked_again(record: Record, visit: Appointment) -> None:  # noqa: F811
    person, doctor, _key, room = in_call(visit)
    doctor.post(f"/kham-tu-xa/phong/{room.name}/ket-thuc")
    assert "đã kết thúc" in person.get(f"/kham-tu-xa/hen-lai/{visit.id}").content.decode()
    assert citizen("nb-khac").get(f"/kham-tu-xa/hen-lai/{visit.id}").status_code == 404


def test_where_the_doctor_never_came_the_person_books_again(
    record: Record, visit: Appointment, clock: Clock  # noqa: F811 - fixtures
) -> None:  # fmt: skip
    person = citizen(PERSON)
    seated(person, visit)
    clock.now += timedelta(minutes=81)
    assert tasks.close_rooms_at(record, clock.now) == 1
    page = person.get(f"/kham-tu-xa/hen-lai/{visit.id}").content.decode()
    assert "Chưa có giờ trống" in page  # allowed; the stage has no timetable
    assert encounters.steps_of(encounter_of(record, visit)) == ["opened", "waiting", "doctor-missed"]


# -- money -------------------------------------------------------------------------------------------------


def test_a_held_visit_is_charged_once_and_only_after_it(record: Record, clock: Clock) -> None:  # noqa: F811
    stage(record)
    exam = next(one for one in catalogues.services() if one.group == "exam" and one.specialty == "tim-mach")
    amount = Money(value=Decimal(150000), currency="VND")
    price = ChargeItemDefinitionPropertyGroupPriceComponent(type="base", amount=amount)
    put(
        record,
        ChargeItemDefinition(
            meta=tagged(), url="https://yba.vn/fhir/ChargeItemDefinition/x", status="active", title=exam.name_vi,
            identifier=[Identifier(system=SERVICE, value=exam.code)],
            code=CodeableConcept(coding=[Coding(system=SERVICE_CS, code=exam.code)]),
            propertyGroup=[ChargeItemDefinitionPropertyGroup(priceComponent=[price])],
        ),
        "gia-1",
    )  # fmt: skip
    held = video_visit(record)
    held.specialty = [CodeableConcept(coding=[Coding(system=SPECIALTY_CS, code="tim-mach")])]
    held = record.update(held)
    _person, doctor, _key, room = in_call(held)
    assert tasks.charge_rooms(record) == 0
    doctor.post(f"/kham-tu-xa/phong/{room.name}/ket-thuc")
    assert [tasks.charge_rooms(record), tasks.charge_rooms(record)] == [1, 0]
    (bill,) = record.find(Invoice, ("subject", f"Patient/{PERSON}"))
    assert bill.totalGross is not None
    assert (bill.status, bill.totalGross.value) == ("issued", Decimal(150000))
