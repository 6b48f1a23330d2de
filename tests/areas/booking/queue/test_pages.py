"""Reception, wall and own number in the browser's eyes."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.areas.booking import province
from tests.areas.booking.queue import desk
from yba.areas.booking import actions as booking_actions
from yba.areas.booking.queue import queries, walls
from yba.care.identifiers import REGISTRATION_CODE
from yba.care.line import actions as line
from yba.care.line import queries as lines
from yba.care.line.models import Ticket
from yba.care.people import let_book
from yba.fhir.r4.datatypes import HumanName, Reference
from yba.fhir.r4.location import Location
from yba.fhir.r4.patient import Patient
from yba.site.accounts.models import AccountPerson
from yba.ui import keeping

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages read the province's clock."""
    monkeypatch.setattr("yba.ui.requests.now", province.clock)


def form(**fields: Any) -> dict[str, Any]:
    return {
        "post": "vt",
        "priority": "",
        "card": "",
        "card_end": "",
        "method": "later",
        "seen": "on",
        "once": "o1",
        **fields,
    }


def checked_in(client: Client, patient: str = "p1") -> Ticket:
    answer = client.post(reverse("booking:walk_in", args=[patient]), form(once=f"o-{patient}"))
    assert answer.status_code == 302, answer.content.decode()
    return Ticket.objects.get(patient_id=patient)


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_reception_expects_todays_bookings_and_finds_them_by_code() -> None:
    appointment = desk.booked(desk.build())
    client = desk.signed_in("receptionist")
    page = text_of(client.get(reverse("booking:reception")))
    assert "Nguyễn Thị Hạnh" in page
    code = next(
        one.value for one in appointment.identifier if one.system and one.system.endswith("registration-code")
    )
    found = client.get(reverse("booking:reception"), {"q": code})
    assert found.headers["Location"] == reverse("booking:check_in", args=[appointment.id])
    assert client.get(reverse("booking:reception"), {"q": "khong ai ca"}).status_code == 200


@pytest.mark.parametrize("asked", ["nguyen thi hanh", "0905 000 001"])
def test_reception_finds_people_without_booking(asked: str) -> None:
    desk.build()
    page = text_of(desk.signed_in("receptionist").get(reverse("booking:reception"), {"q": asked}))
    assert reverse("booking:walk_in", args=["p1"]) in page


def test_check_in_by_the_form_and_again() -> None:
    appointment = desk.booked(desk.build())
    client = desk.signed_in("receptionist")
    address = reverse("booking:check_in", args=[appointment.id])
    assert "Công khám Tim mạch, 45.000" in text_of(client.get(address))
    first = client.post(address, form(method="cash"))
    ticket = Ticket.objects.get()
    assert first.headers["Location"] == reverse("booking:issued", args=[ticket.pk])
    assert (
        client.post(address, form(method="cash", once="o2")).headers["Location"] == first.headers["Location"]
    )
    issued = text_of(client.get(first.headers["Location"]))
    assert "A 001" in issued.replace("\xa0", " ")
    assert "BL26-000001" in issued
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"card": "HT3994612345678"}, "Mã tỉnh “99”"),
        ({"card": "HT346461234567"}, "mã vừa nhập có 14"),
        ({"card": "HT3464612345678", "card_end": "31/12/2025"}, "đã hết hạn từ ngày 31/12/2025"),
        ({"seen": ""}, "Đối chiếu họ tên và ngày sinh"),
    ],
)
def test_a_bad_form_says_what_is_wrong_and_stores_nothing(fields: dict[str, str], sentence: str) -> None:
    appointment = desk.booked(desk.build())
    answer = desk.signed_in("receptionist").post(
        reverse("booking:check_in", args=[appointment.id]), form(**fields)
    )
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert Ticket.objects.count() == 0


def test_a_new_person_is_filled_in_from_the_card_and_numbered() -> None:
    system = desk.build()
    client = desk.signed_in("receptionist")
    qr = "046223000111||Trần Gia Bảo|02052023|Nam|Tổ 4, Huế|01012024"
    page = text_of(client.get(reverse("booking:new_person"), {"q": qr}))
    assert 'value="Trần Gia Bảo"' in page
    assert 'value="046 223 000 111"' in page
    person = {"name": "Trần Gia Bảo", "birth": "2/5/2023", "sex": "male", "citizen_number": "046 223 000 111"}
    answer = client.post(reverse("booking:new_person"), form(**person))
    ticket = Ticket.objects.get()
    assert answer.headers["Location"] == reverse("booking:issued", args=[ticket.pk])
    assert system.read(Patient, ticket.patient_id).name[0].text == "Trần Gia Bảo"
    known = client.post(reverse("booking:new_person"), form(**{**person, "once": "o9"}))
    assert known.headers["Location"] == reverse("booking:walk_in", args=[ticket.patient_id])
    future = client.post(reverse("booking:new_person"), form(**{**person, "birth": "1/1/2031", "once": "o8"}))
    assert future.status_code == 422


def test_a_pending_booking_is_refused_with_a_way_out() -> None:
    system = desk.build()
    asked = booking_actions.book_appointment(
        system, slot_id=province.first_slot(system), patient_id="p1", reason="Đau", once="x"
    )
    answer = desk.signed_in("receptionist").get(reverse("booking:check_in", args=[asked.id]))
    assert answer.status_code == 409
    assert "chưa được xác nhận" in text_of(answer)
    assert reverse("booking:walk_in", args=["p1"]) in text_of(answer)


def test_papers_are_pdf() -> None:
    desk.build()
    client = desk.signed_in("receptionist")
    client.post(reverse("booking:walk_in", args=["p1"]), form(method="card"))
    ticket = Ticket.objects.get()
    for name, args in (
        ("ticket_paper", [ticket.pk]),
        ("receipt_paper", [ticket.pk, "80"]),
        ("receipt_paper", [ticket.pk, "a5"]),
    ):
        answer = client.get(reverse(f"booking:{name}", args=args))
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")


def test_missing_and_joining_again_by_the_desk() -> None:
    desk.build()
    client = desk.signed_in("receptionist")
    ticket = checked_in(client)
    line.call_next(desk.at_desk(), room="p-204")
    client.post(reverse("booking:change", args=[ticket.pk, "lo-luot"]))
    assert Ticket.objects.get().status == "missed"
    client.post(reverse("booking:change", args=[ticket.pk, "tro-lai"]))
    client.post(reverse("booking:change", args=[ticket.pk, "tro-lai"]))
    assert Ticket.objects.get().status == "waiting"
    assert client.get(reverse("booking:change", args=[ticket.pk, "huy"])).status_code == 405
    assert client.post(reverse("booking:change", args=[ticket.pk, "xoa"])).status_code == 404


def test_other_roles_and_other_facilities_find_nothing() -> None:
    appointment = desk.booked(desk.build())
    ticket = checked_in(desk.signed_in("receptionist"), "p2")
    pages = [
        reverse("booking:check_in", args=[appointment.id]), reverse("booking:issued", args=[ticket.pk]),
        reverse("booking:ticket_paper", args=[ticket.pk]),
    ]  # fmt: skip
    other = desk.signed_in("receptionist", facility="khac")
    for page in pages:
        assert other.get(page).status_code == 404
    for role in ("citizen", "cashier", "wall"):
        client = desk.signed_in(role)
        assert client.get(reverse("booking:reception")).status_code == 404
    assert Client().get(reverse("booking:reception")).status_code == 302
    assert other.get(reverse("booking:wall_of", args=["p-204"])).status_code == 404
    assert other.get(reverse("booking:wall_of", args=[province.HOSPITAL])).status_code == 404


def test_the_wall_calls_without_full_names_and_survives() -> None:
    desk.build()
    checked_in(desk.signed_in("receptionist"))
    line.call_next(desk.at_desk(), room="p-204")
    wall = desk.signed_in("wall")
    for address in (reverse("booking:wall"), reverse("booking:wall_of", args=["p-204"])):
        page = text_of(wall.get(address))
        assert 'data-speak="Mời số A không không một vào phòng 204"' in page
        assert "Bà Nguyễn T. H." in page
        assert "Nguyễn Thị Hạnh" not in page
    part = text_of(wall.get(reverse("booking:wall"), headers={"HX-Request": "true", "HX-Target": "call"}))
    assert "A 001" in part
    assert "<html" not in part


HOSTILE = '<img src=x onerror="alert(1)">Nguyễn \u202eHạnh\u2066 ' + "Dài" * 300


def test_a_hostile_name_is_only_a_name_on_the_wall_the_queue_and_the_papers() -> None:
    record = desk.build()
    person = record.read(Patient, "p1")
    person.name = [HumanName(text=HOSTILE)]
    record.update(person)
    reception = desk.signed_in("receptionist")
    ticket = checked_in(reception)
    waiting = text_of(reception.get(reverse("booking:reception")))
    assert "&lt;img src=x" in waiting
    line.call_next(desk.at_desk(), room="p-204")
    wall = text_of(desk.signed_in("wall").get(reverse("booking:wall")))
    assert "Bà &lt;img S. O. H. D." in wall
    for page in (waiting, wall, text_of(reception.get(reverse("booking:issued", args=[ticket.pk])))):
        assert "<img src=x" not in page
        assert not set("\u202a\u202e\u2066") & set(page)
        assert "A 001" in page.replace("\xa0", " ")


def test_a_room_without_a_doctor_has_a_quiet_wall() -> None:
    organization = Reference(reference=f"Organization/{province.HOSPITAL}")
    made = desk.build().create(Location(name="999", meta=province.TAG, managingOrganization=organization))
    assert desk.signed_in("wall").get(reverse("booking:wall_of", args=[made.id])).status_code == 200


def test_a_signed_link_shows_the_wall_to_a_screen_without_account() -> None:
    desk.build()
    for place in ("p-204", province.HOSPITAL):
        assert Client().get(reverse("booking:linked_wall", args=[walls.wall_token(place)])).status_code == 200
    assert Client().get(reverse("booking:linked_wall", args=["p-204:xxxx"])).status_code == 404
    assert (
        Client().get(reverse("booking:linked_wall", args=[walls.wall_token("khong-co")])).status_code == 404
    )


def test_ones_own_number_by_link_and_by_account() -> None:
    record = desk.build()
    client = desk.signed_in("receptionist")
    first = checked_in(client, "p1")
    second = checked_in(client, "p2")
    page = text_of(Client().get(reverse("booking:ticket", args=[lines.link_token(second)])))
    assert "Còn 1 người phía trước" in page
    assert "Chờ khoảng" in page
    assert second.patient_name not in page
    assert Client().get(reverse("booking:ticket", args=[f"{second.pk}:abc"])).status_code == 404
    citizen = desk.signed_in("citizen")
    own = citizen.get(reverse("booking:own_numbers"))
    assert "Hôm nay chưa có số nào" in text_of(own)
    account = own.wsgi_request.user
    AccountPerson.objects.create(account=account, patient_id="p1")
    alone = citizen.get(reverse("booking:own_numbers"))
    assert first.code in text_of(alone)
    assert alone.has_header(keeping.KEEP)
    assert int(alone[keeping.KEEP_FOR]) <= 86400
    by_link = Client().get(reverse("booking:ticket", args=[lines.link_token(first)]))
    assert not by_link.has_header(keeping.KEEP)  # whoever has the paper
    AccountPerson.objects.create(account=account, patient_id="p2", relation="child")
    page = text_of(citizen.get(reverse("booking:own_numbers")))
    assert second.code not in page  # what one calls somebody gives no right
    let_book(record, record.read(Patient, "p2"), delegate=record.read(Patient, "p1"))
    assert "Số của tôi" in text_of(citizen.get(reverse("booking:own_numbers")))


def test_a_long_line_shows_its_beginning_and_the_way_to_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yba.areas.booking.queue.pages.ROWS", 3)
    desk.build(people=5)
    client = desk.signed_in("receptionist")
    for number in range(1, 6):
        checked_in(client, f"p{number}")
    page = text_of(client.get(reverse("booking:reception")))
    assert page.count('<th scope="row"') == 3
    assert "Xem thêm, còn 2 người" in page
    page = text_of(client.get(reverse("booking:reception"), {"hien": "het"}))
    assert page.count('<th scope="row"') == 5
    assert "Xem thêm" not in page


def test_who_is_found_leads_on_before_the_rooms_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    appointment = desk.booked(desk.build())
    client, read = desk.signed_in("receptionist"), queries.rooms_of
    asked: list[str] = []

    def rooms_of(*args: Any, **more: Any) -> list[queries.RoomState]:
        asked.append("rooms")
        return read(*args, **more)

    monkeypatch.setattr(queries, "rooms_of", rooms_of)
    code = next(one.value for one in appointment.identifier if one.system == REGISTRATION_CODE)
    answer = client.get(reverse("booking:reception"), {"q": code})
    here = reverse("booking:check_in", args=[appointment.id])
    assert (answer.status_code, answer["Location"], asked) == (302, here, [])
    assert client.get(here).status_code == 200
    assert asked == ["rooms"]
    assert client.post(here, form()).status_code == 302
    assert asked == ["rooms"]


def test_the_list_costs_the_same_for_one_and_for_many(django_assert_max_num_queries: Any) -> None:
    desk.build(people=12)
    client = desk.signed_in("receptionist")
    counts = []
    for people in (1, 12):
        for number in range(1, people + 1):
            if not Ticket.objects.filter(patient_id=f"p{number}").exists():
                checked_in(client, f"p{number}")
        with django_assert_max_num_queries(40) as seen:
            client.get(reverse("booking:reception"))
        counts.append(len(seen))
    assert counts[0] == counts[1]
