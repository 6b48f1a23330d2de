"""Rooms that call: who may, what each act does, taking it back; the queues of a facility; the way of a check-in."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests.areas.booking import province
from tests.areas.booking.queue import desk
from tests.areas.booking.queue.test_pages import form, text_of
from yba.care.line import actions as line
from yba.care.line.models import Queue, Stop, Ticket
from yba.fhir.r4.datatypes import Reference
from yba.fhir.r4.location import Location
from yba.site.accounts.models import Account

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yba.ui.requests.now", province.clock)


def built(**queues: dict[str, Any]) -> None:
    """The house with rooms v (vitals) and x (laboratory) beside 204, and these queues."""
    record = desk.build(people=3)
    organization = Reference(reference=f"Organization/{province.HOSPITAL}")
    for key, name in (("v", "Sinh hiệu 1"), ("x", "Lấy máu 2")):
        record.update(Location(id=key, name=name, meta=province.TAG, managingOrganization=organization))
    for code, fields in queues.items():
        Queue.objects.create(
            facility=province.HOSPITAL, code=code, **{"name": code, "letter": code[0].upper(), **fields}
        )


VITALS = {"stage": "vitals", "rooms": ["v"], "then": ["kham"], "name": "Đo sinh hiệu"}
EXAM = {"stage": "doctor", "rooms": ["p-204"], "name": "Khám tim mạch"}
LAB = {"stage": "laboratory", "rooms": ["x"], "name": "Xét nghiệm máu"}


def reception() -> Client:
    """The desk, which is the same one all day."""
    if not Account.objects.filter(login=f"receptionist.{province.HOSPITAL}").exists():
        return desk.signed_in("receptionist")
    client = Client()
    client.force_login(Account.objects.get(login=f"receptionist.{province.HOSPITAL}"))
    return client


def checked_in(patient: str = "p1") -> Ticket:
    reception().post(reverse("booking:walk_in", args=[patient]), form(once=f"o-{patient}"))
    return Ticket.objects.get(patient_id=patient)


def act(client: Client, room: str, ticket: Ticket, deed: str, **data: Any) -> int:
    answer = client.post(reverse("booking:station_deed", args=[room, ticket.pk, deed]), data)
    ticket.refresh_from_db()
    return answer.status_code


def test_a_number_goes_from_vitals_to_the_doctor_to_the_laboratory_and_back() -> None:
    built(sinh=VITALS, kham=EXAM, mau=LAB)
    ticket = checked_in()
    assert (ticket.code, ticket.line) == ("S 001", "sinh")
    nurse, doctor, laboratory = (desk.signed_in(role) for role in ("nurse", "doctor", "laboratory"))
    nurse.post(reverse("booking:station_next", args=["v"]), {"once": "n1"})
    page = text_of(nurse.get(reverse("booking:station", args=["v"])))
    assert "S 001" in page.replace("\xa0", " ")
    assert act(nurse, "v", ticket, "vao") == 302
    stop = ticket.stop
    for _twice in range(2):
        assert act(nurse, "v", ticket, "xong", stop=stop) == 302
    assert (ticket.status, ticket.line) == ("waiting", "kham")
    doctor.post(reverse("booking:station_next", args=["p-204"]), {"once": "d1"})
    assert act(doctor, "p-204", ticket, "vao") == 404  # a visit begins on the doctor's own pages
    line.start(desk.at_desk(), ticket=ticket.pk)
    ticket.refresh_from_db()
    assert act(doctor, "p-204", ticket, "chuyen", to="mau", back="on", stop=ticket.stop) == 302
    assert (ticket.line, ticket.route) == ("mau", [{"queue": "kham", "room": "p-204", "back": True}])
    laboratory.post(reverse("booking:station_next", args=["x"]), {"once": "l1"})
    act(laboratory, "x", ticket, "vao")
    act(laboratory, "x", ticket, "xong", stop=ticket.stop)
    assert (ticket.line, ticket.room, ticket.is_back) == ("kham", "p-204", True)
    assert [one.line for one in Stop.objects.order_by("id")] == ["sinh", "kham", "mau", "kham"]


def test_each_act_of_a_desk_and_taking_it_back() -> None:
    built(mau=LAB, khac={"stage": "imaging", "rooms": ["v"], "name": "X-quang"})
    record = desk.at_desk()
    ticket = line.draw(
        record,
        facility=province.HOSPITAL,
        room="",
        waits_in="mau",
        letter="M",
        patient_id="p1",
        patient_name="Hạnh",
    )
    client = desk.signed_in("laboratory")
    page = text_of(client.get(reverse("booking:stations")))
    assert "Lấy máu 2" in page
    assert "X-quang" not in page
    for deed, status in (
        ("tam-roi", "parked"),
        ("tro-lai", "waiting"),
        ("moi", "called"),
        ("vang", "missed"),
    ):
        assert act(client, "x", ticket, deed) == 302
        assert ticket.status == status
        assert client.get(reverse("booking:station", args=["x"])).status_code == 200
    act(client, "x", ticket, "lay-lai")
    assert ticket.status == "called"
    act(client, "x", ticket, "chuyen", to="khac")
    assert (ticket.status, ticket.line) == ("waiting", "khac")
    assert "chuyển tới X-quang" in text_of(client.get(reverse("booking:station", args=["x"])))
    act(client, "x", ticket, "lay-lai")
    assert (ticket.status, ticket.line) == ("called", "mau")
    assert act(client, "x", ticket, "khong-co") == 404


def test_only_whose_work_it_is_calls_and_only_at_home() -> None:
    built(mau=LAB)
    ticket = line.draw(
        desk.at_desk(), facility=province.HOSPITAL, room="", waits_in="mau", letter="M", patient_id="p1",
        patient_name="Hạnh",
    )  # fmt: skip
    address = reverse("booking:station", args=["x"])
    assert desk.signed_in("laboratory").get(address).status_code == 200
    for role in ("cashier", "pharmacist", "doctor", "receptionist", "citizen", "wall"):
        client = desk.signed_in(role)
        assert client.get(address).status_code == 404
        assert act(client, "x", ticket, "moi") == 404
    other = desk.signed_in("laboratory", facility="khac")
    assert other.get(address).status_code == 404
    assert act(other, "x", ticket, "lay-lai") == 404
    assert ticket.status == "waiting"
    assert Client().get(address).status_code == 302


def test_an_administrator_opens_a_queue_for_several_rooms() -> None:
    built(mau=LAB)
    client = desk.signed_in("facility_administrator")
    new = reverse("booking:queue_new")
    assert "Lấy máu 2" in text_of(client.get(new))
    sent = {
        "name": "Khám tim mạch",
        "stage": "doctor",
        "letter": "K",
        "rooms": ["p-204", "x"],
        "active": "on",
    }
    refused = client.post(new, sent)
    assert refused.status_code == 422
    assert "đã gọi từ hàng chờ Xét nghiệm máu" in text_of(refused)
    assert client.post(new, {**sent, "rooms": ["p-204", "v"], "then": ["mau"]}).status_code == 302
    made = Queue.objects.get(code="kham-tim-mach")
    assert (made.rooms, made.then, made.letter, made.active) == (["p-204", "v"], ["mau"], "K", True)
    assert "Khám tim mạch" in text_of(client.get(reverse("booking:queues")))
    checked_in()
    edit = reverse("booking:queue", args=["kham-tim-mach"])
    closed = client.post(edit, {**sent, "rooms": ["p-204"], "active": ""})
    assert "Còn người chờ" in text_of(closed)
    assert reception().get(edit).status_code == 404
    other = desk.signed_in("facility_administrator", facility="khac")
    assert other.get(edit).status_code == 404


def test_a_walk_in_waits_for_whoever_is_free_and_the_booked_for_their_doctor() -> None:
    built(kham={**EXAM, "rooms": ["p-204", "v"]})
    walk_in = checked_in("p2")
    assert (walk_in.code, walk_in.line, walk_in.room, walk_in.doctor) == ("K 001", "kham", "", "")
    appointment = desk.booked(province.opened(connection), "p1")
    client = reception()
    client.post(reverse("booking:check_in", args=[appointment.id]), form(once="b"))
    booked = Ticket.objects.get(appointment_id=appointment.id)
    assert (booked.code, booked.line, booked.room) == ("K 002", "kham", "p-204")
    page = text_of(client.get(reverse("booking:reception")))
    assert page.count(">K\xa0001<") <= 2
    again = client.post(reverse("booking:walk_in", args=["p2"]), form(once="again"))
    assert "đã có số K 001" in text_of(again).replace("\xa0", " ")
