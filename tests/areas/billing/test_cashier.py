"""The counter: what is unpaid, paying once, receipts, sums, and nobody else's money."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.care.test_money import EXAM, a_visit, as_role, clock_of
from yba.areas.billing import rules
from yba.care.money import actions
from yba.care.money.models import Receipt
from yba.fhir.r4.invoice import Invoice
from yba.site.accounts.models import Account

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages read the tests' clock."""
    monkeypatch.setattr("yba.ui.requests.now", clock_of)


def signed_in(role: str = "cashier", facility: str = "f") -> Client:
    account = Account.objects.create_account(
        f"{role}.{facility}", role=role, name="Quỳnh Chi", facility=facility
    )
    client = Client()
    client.force_login(account)
    return client


def charged(name: str = "Nguyễn Thị Hạnh", ticket: str = "B 027") -> Invoice:
    visit, patient = a_visit(name=name, phone="0905123456")
    return actions.charge(
        as_role("receptionist"), encounter=visit, patient=patient, lines=[EXAM], ticket=ticket
    )


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().replace("\xa0", " ").replace("&nbsp;", " ").split())


def pay(client: Client, invoice: Invoice, **fields: str) -> Any:
    return client.post(
        reverse("billing:invoice", args=[invoice.id]),
        {"method": "cash", "amount": "45000", "once": "o", **fields},
    )


def test_the_day_starts_with_what_is_unpaid() -> None:
    client = signed_in()
    assert "Không còn ai chưa trả" in text_of(client.get(reverse("billing:cashier")))
    charged()
    page = text_of(client.get(reverse("billing:cashier")))
    assert "Nguyễn Thị Hạnh" in page
    assert "45.000 đ" in page


@pytest.mark.parametrize("asked", ["B 027", "b27", "nguyen hanh", "Hạnh", "0905 123 456", "HD26-000001"])
def test_an_invoice_is_found_by_ticket_name_phone_number(asked: str) -> None:
    invoice = charged()
    found = signed_in().get(reverse("billing:cashier"), {"q": asked})
    assert found.headers["Location"] == reverse("billing:invoice", args=[invoice.id])


@pytest.mark.parametrize(("asked", "found"), [("nguyen hanh", True), ("HD26-000001", True), ("B 027", False)])
def test_what_was_left_unpaid_yesterday_is_still_found_but_not_by_its_old_ticket(
    asked: str, found: bool
) -> None:
    invoice = charged()
    invoice.date = "2026-11-23T23:50:00+07:00"
    as_role("system").update(invoice)
    answer = signed_in().get(reverse("billing:cashier"), {"q": asked})
    assert (answer.status_code == 302) is found


def test_what_is_not_there_says_so() -> None:
    charged()
    answer = signed_in().get(reverse("billing:cashier"), {"q": "Trần Văn Không"})
    assert "Không tìm thấy hóa đơn" in text_of(answer)


def test_paying_gives_a_receipt_and_paying_again_the_same() -> None:
    invoice = charged()
    client = signed_in()
    for _ in range(2):
        assert pay(client, invoice).headers["Location"] == reverse("billing:invoice", args=[invoice.id])
    receipt = Receipt.objects.get()
    assert (receipt.code, receipt.by_name, receipt.method) == ("BL26-000001", "Quỳnh Chi", "cash")
    page = text_of(client.get(reverse("billing:invoice", args=[invoice.id])))
    assert "BL26-000001" in page
    assert "Đã thu hôm nay: 1 phiếu, 45.000 đ" in page
    for size in ("80", "a5"):
        paper = client.get(reverse("billing:receipt_paper", args=[receipt.pk, size]))
        assert paper.content.startswith(b"%PDF")
    again = pay(client, invoice, once="another page")
    assert again.status_code == 409
    assert "đã thu tiền rồi" in text_of(again)
    assert client.get(reverse("billing:cashier"), {"q": "BL26-000001"}).status_code == 302


@pytest.mark.parametrize("amount", ["44999", "", "-1", "45000.5", "1e5"])
def test_a_sum_that_is_not_on_the_invoice_takes_nothing(amount: str) -> None:
    invoice = charged()
    answer = pay(signed_in(), invoice, amount=amount)
    assert answer.status_code == 409
    assert Receipt.objects.count() == 0


def test_lines_added_meanwhile_stop_the_old_page() -> None:
    visit, patient = a_visit()
    invoice = actions.charge(as_role("receptionist"), encounter=visit, patient=patient, lines=[EXAM])
    actions.add_lines(as_role("doctor"), encounter=visit, patient=patient, lines=[EXAM])
    answer = pay(signed_in(), invoice)
    assert answer.status_code == 409
    assert "90.000" in text_of(answer)
    assert pay(signed_in("cashier", "f2"), invoice, amount="90000").status_code == 404


def test_other_roles_and_other_facilities_find_nothing() -> None:
    invoice = charged()
    pay(signed_in(), invoice)
    receipt = Receipt.objects.get()
    pages = [
        reverse("billing:invoice", args=[invoice.id]), reverse("billing:receipt_paper", args=[receipt.pk, "a5"]),
    ]  # fmt: skip
    for client in (signed_in("cashier", "g"), signed_in("receptionist"), signed_in("citizen", "")):
        for page in pages:
            assert client.get(page).status_code == 404
    assert "Nguyễn Thị Hạnh" not in text_of(Client().get(pages[0]))


@pytest.mark.parametrize(("text", "ticket"), [("b27", "B 027"), ("B 027", "B 027"), ("Bảo", ""), ("27", "")])
def test_a_ticket_typed_anyhow(text: str, ticket: str) -> None:
    assert rules.ticket_in(text) == ticket
