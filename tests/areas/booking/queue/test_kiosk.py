"""The kiosk: by code, card, phone; never another's data; one number for one form; and only for kiosks."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest
import segno
from django.test import Client
from django.urls import reverse

from tests.areas.booking import province
from tests.areas.booking.queue import desk
from tests.areas.booking.queue.test_pages import text_of
from yba.areas.booking.queue import kiosk, kiosk_pages
from yba.areas.booking.rules import code_of
from yba.care import coverages, people
from yba.care.line import queries as lines
from yba.care.line.models import Queue, Ticket
from yba.care.money import actions as money
from yba.care.money import rules, transfers, vietqr
from yba.care.money.models import BankAccount, Receipt
from yba.care.remote import mode
from yba.fhir import Record
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.invoice import Invoice
from yba.fhir.r4.patient import Patient

pytestmark = pytest.mark.django_db
QR = "046158000123||Nguyễn Thị Hạnh|05091958|Nữ|Tổ 4, Huế|01012024"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yba.ui.requests.now", province.clock)


@pytest.fixture
def house() -> Record:
    record = desk.build(people=2)
    record.update(people.with_number(record.read(Patient, "p1"), "046158000123", proved=True))
    return record


def find(client: Client, text: str) -> Any:
    return client.post(reverse("booking:kiosk_find"), {"q": text}, follow=True)


def action_in(page: str, name: str) -> str:
    """The address of the form that does this."""
    before = reverse(f"booking:{name}", args=["x"]).removesuffix("x")
    return page[page.index(before) :].split('"', 1)[0]


def test_by_code_one_sees_a_short_name_and_gets_a_number_once(house: Record) -> None:
    appointment = desk.booked(house)
    client = desk.signed_in("kiosk")
    page = text_of(find(client, code_of(appointment)))
    assert "Bà Nguyễn T." in page
    for hidden in ("Nguyễn Thị Hạnh", "Lê Văn Hùng", "Chóng mặt", "1958", "0905"):
        assert hidden not in page
    address = action_in(page, "kiosk_check_in")
    for _twice in range(2):
        number = client.post(address, follow=True)
        assert "A 001" in text_of(number).replace("\xa0", " ")
    assert Ticket.objects.count() == 1
    assert Ticket.objects.get().source == "app"
    again = find(client, code_of(appointment))
    assert "A 001" in text_of(again).replace("\xa0", " ")
    assert house.read(type(appointment), str(appointment.id)).status == "arrived"


def test_a_citizen_card_without_a_booking_chooses_a_room_with_its_wait(house: Record) -> None:
    client = desk.signed_in("kiosk")
    page = text_of(find(client, QR))
    assert "Tim mạch" in page
    assert "chờ 0–5" in page.replace("\xa0", " ")
    address = action_in(page, "kiosk_walk_in")
    for _twice in range(2):
        client.post(address, {"post": "vt", "once": "same"})
    ticket = Ticket.objects.get()
    assert (ticket.patient_id, ticket.source, ticket.code) == ("p1", "kiosk", "A 001")
    shown = text_of(find(client, QR))
    assert "A 001" in shown.replace("\xa0", " ")


def test_a_phone_needs_the_year_and_one_person_alone(house: Record) -> None:
    client = desk.signed_in("kiosk")
    address = reverse("booking:kiosk_phone")

    def ask(phone: str, year: str) -> Any:
        return client.post(address, {"phone": phone, "year": year}, follow=True)

    appointment = desk.booked(house)
    assert appointment.id
    assert "Đúng, lấy số" in text_of(ask("0905 000 001", "1958"))
    wrong = [ask("0905 000 001", "1960"), ask("0905 999 999", "1958"), ask("", ""), ask("0905", "19")]
    texts = {text_of(one).split("kiosk-who")[1].split("</p>")[0] for one in wrong}
    assert len(texts) == 1
    assert {one.status_code for one in wrong} == {422}
    second = house.read(Patient, "p2")
    second.telecom = house.read(Patient, "p1").telecom
    house.update(second)
    two = text_of(ask("0905 000 001", "1958"))
    assert "Cần nhân viên giúp" in two
    assert "Nguyễn" not in two


def test_a_visit_by_video_does_not_begin_at_a_kiosk(house: Record) -> None:
    appointment = desk.booked(house)
    house.update(mode.set_video(house.read(type(appointment), str(appointment.id)), True))
    client = desk.signed_in("kiosk")
    page = find(client, code_of(appointment))
    assert (page.status_code, "Cần nhân viên giúp" in text_of(page)) == (422, True)
    token = kiosk.signed("booking", str(appointment.id))
    assert client.post(reverse("booking:kiosk_check_in", args=[token])).status_code == 409
    assert not Ticket.objects.exists()


def test_what_a_kiosk_may_not_decide_leads_to_the_desk(house: Record) -> None:
    client = desk.signed_in("kiosk")
    assert find(client, "046158000123").status_code == 422  # a number typed is not a card held
    assert find(client, "Nguyễn Thị Hạnh").status_code == 422
    assert find(client, "").status_code == 422
    assert "Lấy số quầy tiếp đón" not in text_of(find(client, "ABC123"))
    Queue.objects.create(
        facility=province.HOSPITAL, code="td", name="Tiếp đón", letter="T", stage="reception", rooms=["p-204"]
    )
    stranger = QR.replace("046158000123", "046223000111")
    assert "Lấy số quầy tiếp đón" in text_of(find(client, stranger))
    for _twice in range(2):
        number = client.post(reverse("booking:kiosk_reception"), {"once": "k"}, follow=True)
    assert "T 001" in text_of(number).replace("\xa0", " ")
    ticket = Ticket.objects.get()
    assert (ticket.patient_id, ticket.patient_name, ticket.line) == ("", "", "td")


def test_a_step_of_another_or_of_long_ago_leads_nowhere(
    house: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = desk.signed_in("kiosk")
    booking = str(desk.booked(house).id)
    forged = [booking, f"booking~{booking}:x:y", kiosk.signed("person", booking)]
    for token in forged:
        assert client.post(reverse("booking:kiosk_check_in", args=[token])).status_code == 404
    token = kiosk.signed("booking", booking)
    monkeypatch.setattr(kiosk, "STEP", -1)
    assert client.post(reverse("booking:kiosk_check_in", args=[token])).status_code == 404
    assert Ticket.objects.count() == 0


def test_the_camera_s_picture_is_read_and_nothing_else() -> None:
    desk.build()
    client = desk.signed_in("kiosk")
    picture = io.BytesIO()
    segno.make(QR).save(picture, kind="png", scale=4)
    address = reverse("booking:kiosk_picture")

    def read(body: bytes) -> Any:
        return client.post(address, body, content_type="image/jpeg")

    assert read(picture.getvalue()).json() == {"text": QR}
    assert read(b"no picture").json() == {"text": ""}
    assert read(picture.getvalue()[:200]).json() == {"text": ""}
    assert read(b"x" * (kiosk.LARGEST + 1)).status_code == 413


def test_only_a_kiosk_and_only_of_its_house(house: Record) -> None:
    for role in ("receptionist", "wall", "citizen", "doctor"):
        assert desk.signed_in(role).get(reverse("booking:kiosk")).status_code == 404
    assert Client().get(reverse("booking:kiosk")).status_code == 302
    kiosk_here = desk.signed_in("kiosk")
    for name in ("booking:reception", "booking:wall", "booking:stations"):
        assert kiosk_here.get(reverse(name)).status_code == 404
    other = desk.signed_in("kiosk", facility="khac")
    assert find(other, code_of(desk.booked(house))).status_code == 422
    token = kiosk.signed("booking", str(desk.booked(house, skip=1).id))
    assert other.post(reverse("booking:kiosk_check_in", args=[token])).status_code == 409
    assert Ticket.objects.count() == 0


def an_account() -> None:
    BankAccount.objects.create(
        facility=province.HOSPITAL, bank="970436", number="0071000888888", holder="BENH VIEN HUONG GIANG", version=1,
        at=province.NOW,
    )  # fmt: skip


def transferred(house: Record, amount: int, content: str, reference: str = "FT1") -> None:
    credit = transfers.Credit("0071000888888", reference, Decimal(amount), content, province.NOW)
    transfers.arrived(house, province.HOSPITAL, credit, came_by="notice")


def test_the_fee_is_paid_by_transfer_and_the_kiosk_goes_on_by_itself_with_the_receipt(house: Record) -> None:
    an_account()
    appointment = desk.booked(house)
    client = desk.signed_in("kiosk")
    page = text_of(find(client, code_of(appointment)))
    shown = client.post(action_in(page, "kiosk_check_in"))
    assert reverse("booking:kiosk_fee", args=["x"]).removesuffix("x") in shown.url
    page = text_of(client.get(shown.url)).replace("\xa0", " ")
    invoice = house.find(Invoice)[0]
    content = vietqr.content_of(rules.number_of(invoice))
    assert all(one in page for one in ("45.000 đ", "A 001", content, "BENH VIEN HUONG GIANG", "<svg"))
    assert "Tim mạch" not in page, "no health words on a screen in a hall"
    assert 'http-equiv="refresh" content="8;' in page, "asks again without scripts"
    assert 'hx-trigger="yba:changed, every 10s"' in page
    assert client.get(shown.url, {"doi": "1"}).status_code == 204
    transferred(house, 44000, content)  # not the whole sum: a cashier looks at it, the kiosk waits on
    assert client.get(shown.url, {"doi": "1"}).status_code == 204
    transferred(house, 45000, content, "FT2")
    on = client.get(shown.url, {"doi": "1"}).headers["HX-Redirect"]
    receipt = Receipt.objects.get()
    number = text_of(client.get(on)).replace("\xa0", " ")
    assert f'Đã trả phí khám 45.000 đ, biên lai <b class="nowrap">{receipt.code}</b>.' in number
    assert client.get(shown.url).url.startswith(reverse("booking:kiosk_number", args=["x"]).removesuffix("x"))
    own = Client().get(reverse("booking:ticket", args=[lines.link_token(Ticket.objects.get())]))
    assert receipt.code in text_of(own)


def test_the_fee_page_is_left_when_nobody_is_there_and_nobody_s_debts_are_told(house: Record) -> None:
    an_account()
    appointment, client = desk.booked(house), desk.signed_in("kiosk")
    page = text_of(find(client, code_of(appointment)))
    shown = client.post(action_in(page, "kiosk_check_in")).url
    last = kiosk_pages.IDLE_FEE // kiosk_pages.AGAIN
    assert client.get(shown, {"lan": str(last - 1)}).status_code == 200
    on = client.get(shown, {"lan": str(last)}).url
    assert "trả ở quầy thu ngân, đưa số này" in text_of(client.get(on))
    ticket = Ticket.objects.get()
    by_phone = client.post(
        reverse("booking:kiosk_phone"), {"phone": "0905000001", "year": "1958"}, follow=True
    )
    assert "A 001" in text_of(by_phone).replace("\xa0", " ")
    assert "45.000" not in text_of(by_phone), "who knows a number and a year learns of no debt"
    assert "45.000" in text_of(find(client, code_of(appointment)))
    stranger = desk.signed_in("kiosk", facility="khac")
    token = kiosk.signed("told", str(ticket.pk))
    assert stranger.get(reverse("booking:kiosk_fee", args=[token])).status_code == 404
    for wrong in (kiosk.signed("ticket", str(ticket.pk)), "told~1"):
        assert client.get(reverse("booking:kiosk_fee", args=[wrong])).status_code == 404
    invoice = house.find(Invoice)[0]
    visit = house.read(Encounter, ticket.encounter_id)
    money.add_lines(
        house, encounter=visit, patient=house.read(Patient, "p1"), ticket=ticket.code,
        lines=[rules.Line("Xét nghiệm HIV", Decimal(90000), code="xn")],
    )  # fmt: skip
    later = text_of(find(client, code_of(appointment)))
    assert "135.000" not in later
    assert "HIV" not in later
    own = text_of(Client().get(reverse("booking:ticket", args=[lines.link_token(ticket)])))
    assert "Phí khám" not in own
    assert invoice.id


def test_who_has_an_insurance_card_or_no_account_to_pay_to_is_led_to_the_counter(house: Record) -> None:
    appointment, client = desk.booked(house), desk.signed_in("kiosk")
    page = text_of(find(client, code_of(appointment)))
    assert "/so/" in client.post(action_in(page, "kiosk_check_in")).url, (
        "no bank account: the counter takes it"
    )
    own = reverse("booking:ticket", args=[lines.link_token(Ticket.objects.get())])
    assert "Trả ở quầy thu ngân" in text_of(Client().get(own))
    an_account()
    assert "YBA HD" in text_of(Client().get(own))
    coverages.add_coverage(house, house.read(Patient, "p1"), card="HT3464612345678")
    found = find(client, code_of(appointment))
    assert "/so/" in found.redirect_chain[-1][0]
    assert "YBA HD" not in text_of(Client().get(own))
