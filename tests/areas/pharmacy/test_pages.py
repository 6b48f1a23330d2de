"""The counter over HTTP: who reaches it, a prescription in hand, the second click, goods received."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.areas.clinic.stage import HOUSE, Stage, allergy, drug, drug_code, stage
from tests.areas.clinic.test_pages import signed_in
from tests.builders import NOW
from yba.areas.pharmacy.models import Handover, Lot
from yba.fhir.record import Record

CODE = "paracetamol"


@pytest.fixture
def room(record: Record, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr("yba.ui.requests.now", lambda: NOW)
    return stage(record)


def prescribed(room: Stage, *ingredients: str) -> str:
    lines = [drug(drug_code(one), f"d{at}") for at, one in enumerate(ingredients or (CODE,), 1)]
    room.write(drugs=tuple(lines))
    return str(room.finish().prescription)


def shelf(balance: int, ingredient: str = CODE, *, expiry: str = "2027-03-01") -> Lot:
    return Lot.objects.create(
        facility=HOUSE, drug=drug_code(ingredient), number="L24", expiry=expiry, balance=balance
    )


@pytest.mark.parametrize("role", ["doctor", "receptionist", "cashier", "citizen"])
def test_other_roles_find_nothing(room: Stage, role: str) -> None:
    code = prescribed(room)
    client = signed_in(role)
    for path in ("", f"prescription/{code}", f"prescription/{code}/labels", "stock"):
        assert client.get(f"/pharmacy/{path}").status_code == 404


def test_another_house_finds_nothing(room: Stage) -> None:
    code = prescribed(room)
    client = signed_in("pharmacist", facility="pk-khac")
    assert "Nguyễn Thị Hạnh" not in client.get("/pharmacy/").content.decode()
    assert client.get(f"/pharmacy/prescription/{code}").status_code == 404
    assert client.post(f"/pharmacy/prescription/{code}/give", {"once": "k"}).status_code == 404


def test_a_search_that_finds_one_opens_it(room: Stage) -> None:
    code = prescribed(room)
    client = signed_in("pharmacist")
    assert "Nguyễn Thị Hạnh" in client.get("/pharmacy/").content.decode()
    found = client.get("/pharmacy/", {"q": "hanh"})
    assert (found.status_code, found["Location"]) == (302, f"/pharmacy/prescription/{code}")
    assert "Không tìm thấy đơn nào" in client.get("/pharmacy/", {"q": "zzz"}).content.decode()


def line_of(client: Client, code: str) -> tuple[str, str]:
    """The name of the first field of the form, and its page's text."""
    text = client.get(f"/pharmacy/prescription/{code}").content.decode()
    return text.split('name="take-')[1].split('"')[0], text


def test_two_clicks_hand_over_once(room: Stage) -> None:
    code = prescribed(room)
    lot = shelf(4)
    client = signed_in("pharmacist")
    line, text = line_of(client, code)
    assert "Thiếu 6 viên" in text
    for _click in range(2):
        client.post(f"/pharmacy/prescription/{code}/give", {"once": "k1", f"take-{line}": "4"})
    lot.refresh_from_db()
    assert (lot.balance, Handover.objects.count()) == (0, 1)
    after = client.get(f"/pharmacy/prescription/{code}").content.decode()
    assert "đã giao 4" in after
    assert "Hết hàng" in after


def test_expired_goods_are_not_shown_and_an_allergy_closes_the_line(record: Record, room: Stage) -> None:
    code = prescribed(room, CODE, "amoxicillin")
    shelf(50, expiry="2026-11-23")
    shelf(50, "amoxicillin")
    allergy(record, "Penicillin", code="A001")
    text = signed_in("pharmacist").get(f"/pharmacy/prescription/{code}").content.decode()
    assert "Hết hàng" in text
    assert "Không giao thuốc này" in text
    assert 'name="take-' not in text
    assert "Không có thuốc nào giao được lúc này." in text


def test_goods_received_show_on_the_shelf(room: Stage) -> None:
    client = signed_in("pharmacist")
    code = drug_code(CODE)
    goods = {"drug": code, "number": "m118", "expiry": "01/03/2027", "quantity": "40", "once": "k1"}
    assert client.post("/pharmacy/stock", goods).status_code == 302
    assert client.post("/pharmacy/stock", goods).status_code == 302
    assert Lot.objects.get().balance == 40
    assert "M118" in client.get("/pharmacy/stock", {"drug": code}).content.decode()
    refused = client.post("/pharmacy/stock", {**goods, "expiry": "01/03/2020", "once": "k2"})
    assert refused.status_code == 422
    assert client.post("/pharmacy/stock", {**goods, "drug": "", "once": "k3"}).status_code == 422
