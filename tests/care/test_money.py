"""Charging and paying: whole numbers, one receipt, honest sums."""

from __future__ import annotations

import threading
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from tests.builders import NOW, a_patient, an_actor
from yba import fhir
from yba.care.money import actions, papers, prices, queries, rules
from yba.care.money.models import Receipt
from yba.care.money.words import amount_in_words
from yba.care.refusal import Refusal
from yba.fhir.access import SYSTEM
from yba.fhir.errors import Forbidden, NotFound
from yba.fhir.r4.charge_item_definition import (
    ChargeItemDefinition,
    ChargeItemDefinitionPropertyGroup,
    ChargeItemDefinitionPropertyGroupPriceComponent,
)
from yba.fhir.r4.datatypes import Coding, Identifier, Meta, Money, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.invoice import Invoice
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.ui.words import local_day

EXAM = rules.Line("Công khám Nội tim mạch", Decimal(45000), code="KB01")
PILLS = rules.Line("Amlodipin 5 mg", Decimal(650), Decimal(30), "AMLO5", unit="viên")


def clock_of() -> datetime:
    return NOW


def as_role(role: str, facility: str = "f") -> fhir.Record:
    connection.ensure_connection()
    actor = an_actor(role, facility=facility) if role != "system" else SYSTEM
    return fhir.open(connection.connection, actor=actor, clock=clock_of, transaction=transaction.atomic)


def a_visit(**person: Any) -> tuple[Encounter, Patient]:
    system = as_role("system")
    house = Organization(id="f", name="Bệnh viện Đa khoa Hương Giang")
    system.update(house)
    patient = system.create(a_patient(**person))
    visit = Encounter(
        status="arrived",
        class_=Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="AMB"),
        subject=Reference(reference=f"Patient/{patient.id}"),
        serviceProvider=Reference(reference="Organization/f"),
        meta=Meta(tag=[Coding(system="https://yba.vn/fhir/facility", code="f")]),
    )
    return system.create(visit), patient


def an_invoice(*lines: rules.Line) -> Invoice:
    visit, patient = a_visit()
    return actions.charge(
        as_role("receptionist"),
        encounter=visit,
        patient=patient,
        lines=lines or [EXAM, PILLS],
        ticket="B 027",
    )


def paid(found: Receipt | Refusal) -> Receipt:
    assert isinstance(found, Receipt), found
    return found


@pytest.mark.django_db
def test_an_invoice_says_what_is_to_be_paid() -> None:
    invoice = an_invoice()
    assert invoice.status == "issued"
    assert rules.number_of(invoice) == "HD26-000001"
    assert rules.ticket_of(invoice) == "B 027"
    assert rules.sum_of(invoice) == Decimal(64500)
    assert invoice.totalGross is not None
    assert invoice.totalGross.currency == "VND"
    assert rules.lines_of(invoice) == [EXAM, PILLS]


@pytest.mark.django_db
def test_lines_are_added_to_the_open_invoice_and_after_paying_to_a_new_one() -> None:
    visit, patient = a_visit()
    first = actions.charge(as_role("receptionist"), encounter=visit, patient=patient, lines=[EXAM])
    more = actions.add_lines(as_role("pharmacist"), encounter=visit, patient=patient, lines=[PILLS])
    assert (more.id, rules.sum_of(more)) == (first.id, Decimal(64500))
    paid(actions.pay(as_role("cashier"), str(first.id), method="cash", amount=Decimal(64500), key="k"))
    third = actions.add_lines(as_role("doctor"), encounter=visit, patient=patient, lines=[EXAM])
    assert third.id != first.id
    assert rules.number_of(third) == "HD26-000002"
    assert len(queries.invoices_of(as_role("cashier"), encounter=str(visit.id))) == 2


@pytest.mark.django_db
def test_what_is_added_on_a_later_day_stands_on_that_days_list() -> None:
    visit, patient = a_visit()
    first = actions.charge(as_role("receptionist"), encounter=visit, patient=patient, lines=[EXAM])
    first.date = "2026-11-22T16:00:00+07:00"
    as_role("system").update(first)
    grown = actions.add_lines(as_role("pharmacist"), encounter=visit, patient=patient, lines=[PILLS])
    assert grown.id == first.id
    today = queries.unpaid(as_role("cashier"), facility="f", day=local_day(NOW))
    assert [one.id for one in today] == [first.id]


@pytest.mark.django_db
def test_paying_balances_the_invoice_and_gives_one_receipt() -> None:
    invoice = an_invoice()
    cashier = as_role("cashier")
    receipt = paid(actions.pay(cashier, str(invoice.id), method="cash", amount=Decimal(64500), key="k"))
    assert receipt.code == "BL26-000001"
    assert cashier.read(Invoice, str(invoice.id)).status == "balanced"
    again = paid(actions.pay(cashier, str(invoice.id), method="cash", amount=Decimal(64500), key="k"))
    assert again.pk == receipt.pk
    refused = actions.pay(cashier, str(invoice.id), method="card", amount=Decimal(64500), key="other")
    assert isinstance(refused, Refusal)
    assert refused.message == "Hóa đơn HD26-000001 đã thu tiền rồi, không thu lần nữa."
    assert Receipt.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "amount", "key"),
    [("cash", 64499, "money.amount"), ("cash", 0, "money.amount"), ("gold", 64500, "money.method")],
)  # fmt: skip
def test_a_wrong_sum_or_way_takes_nothing(method: str, amount: int, key: str) -> None:
    invoice = an_invoice()
    refused = actions.pay(as_role("cashier"), str(invoice.id), method=method, amount=Decimal(amount), key="k")
    assert isinstance(refused, Refusal)
    assert refused.key == key
    assert Receipt.objects.count() == 0
    assert as_role("cashier").read(Invoice, str(invoice.id)).status == "issued"


@pytest.mark.django_db
def test_a_cancelled_invoice_and_a_used_key_are_refused() -> None:
    invoice, other = an_invoice(), an_invoice()
    cashier = as_role("cashier")
    paid(actions.pay(cashier, str(other.id), method="cash", amount=Decimal(64500), key="k"))
    refused = actions.pay(cashier, str(invoice.id), method="cash", amount=Decimal(64500), key="k")
    assert isinstance(refused, Refusal)
    assert refused.key == "money.key"
    invoice.status = "cancelled"
    cashier.update(invoice)
    refused = actions.pay(cashier, str(invoice.id), method="cash", amount=Decimal(64500), key="k2")
    assert isinstance(refused, Refusal)
    assert refused.key == "money.closed"


@pytest.mark.django_db
def test_another_facility_neither_sees_nor_charges() -> None:
    visit, patient = a_visit()
    invoice = actions.charge(as_role("receptionist"), encounter=visit, patient=patient, lines=[EXAM])
    with pytest.raises(NotFound):
        actions.pay(as_role("cashier", "g"), str(invoice.id), method="cash", amount=Decimal(45000), key="k")
    for role, facility in (("receptionist", "g"), ("citizen", "f"), ("wall", "f")):
        with pytest.raises(Forbidden):
            actions.charge(as_role(role, facility), encounter=visit, patient=patient, lines=[EXAM])
    assert queries.unpaid(as_role("cashier", "g"), facility="g", day=NOW.date()) == []
    assert [one.id for one in queries.unpaid(as_role("cashier"), facility="f", day=NOW.date())] == [
        invoice.id
    ]


@pytest.mark.django_db
def test_sums_of_the_day_by_method() -> None:
    for method in ("cash", "cash", "card"):
        invoice = an_invoice(EXAM)
        paid(
            actions.pay(
                as_role("cashier"), str(invoice.id), method=method, amount=Decimal(45000), key=str(invoice.id)
            )
        )
    found = queries.taken(facility="f", day=NOW.date(), by="test-cashier")
    assert [(one.method, one.count, one.amount) for one in found] == [
        ("cash", 2, Decimal(90000)), ("transfer", 0, Decimal(0)), ("card", 1, Decimal(45000)),
    ]  # fmt: skip


@pytest.mark.django_db
def test_prices_are_the_facilitys_own() -> None:
    system = as_role("system")
    for facility, price in (("f", 45000), ("g", 60000)):
        component = ChargeItemDefinitionPropertyGroupPriceComponent(
            type="base", amount=Money(value=Decimal(price), currency="VND")
        )
        system.create(
            ChargeItemDefinition(
                url=f"https://yba.vn/{facility}", status="active", title="Công khám",
                identifier=[Identifier(system="https://yba.vn/fhir/sid/service", value="KB01")],
                meta=Meta(tag=[Coding(system="https://yba.vn/fhir/facility", code=facility)]),
                propertyGroup=[ChargeItemDefinitionPropertyGroup(priceComponent=[component])],
            )
        )  # fmt: skip
    assert prices.price_of(as_role("receptionist"), "KB01", "f") == Decimal(45000)
    assert prices.price_of(as_role("receptionist"), "KB01", "g") == Decimal(60000)
    assert prices.price_of(as_role("receptionist"), "KB01", "h") is None
    assert prices.line_for(as_role("doctor"), "KB01", "f") == rules.Line(
        "Công khám", Decimal(45000), code="KB01"
    )


@pytest.mark.django_db
def test_the_receipt_says_it_in_words() -> None:
    invoice = an_invoice()
    receipt = paid(
        actions.pay(as_role("cashier"), str(invoice.id), method="cash", amount=Decimal(64500), key="k")
    )
    paper = papers.paper_of(as_role("cashier"), receipt)
    assert paper.total == "64.500"
    assert paper.words == "Sáu mươi tư nghìn năm trăm đồng."
    assert [line.quantity for line in paper.lines] == ["1", "30 viên"]
    assert papers.receipt_pdf(as_role("cashier"), receipt, size="80").startswith(b"%PDF")


@pytest.mark.parametrize("keys", ["same", "different"])
def test_twenty_hands_on_one_invoice_take_the_money_once(
    committed: str, django_db_blocker: Any, keys: str
) -> None:
    with django_db_blocker.unblock():
        invoice_id = str(an_invoice().id)
        found: list[Receipt | Refusal] = []
        gate = threading.Barrier(20)

        def press(hand: int) -> None:
            try:
                record = as_role("cashier")
                gate.wait()
                key = "k" if keys == "same" else f"k{hand}"
                found.append(actions.pay(record, invoice_id, method="cash", amount=Decimal(64500), key=key))
            finally:
                connection.close()

        hands = [threading.Thread(target=press, args=(one,)) for one in range(20)]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join()
        receipts = [one for one in found if isinstance(one, Receipt)]
        assert len(found) == 20
        assert len(receipts) == (20 if keys == "same" else 1)
        assert {one.code for one in receipts} == {"BL26-000001"}
        assert Receipt.objects.count() == 1
        assert as_role("cashier").read(Invoice, invoice_id).meta.versionId == "2"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "Không đồng"), (5, "Năm đồng"), (15, "Mười lăm đồng"), (21, "Hai mươi mốt đồng"), (11, "Mười một đồng"),
        (105, "Một trăm lẻ năm đồng"), (1005, "Một nghìn không trăm lẻ năm đồng"), (10_000, "Mười nghìn đồng"),
        (64_500, "Sáu mươi tư nghìn năm trăm đồng"), (14_000, "Mười bốn nghìn đồng"), (1_000_000, "Một triệu đồng"),
        (271_420, "Hai trăm bảy mươi mốt nghìn bốn trăm hai mươi đồng"),
        (2_000_000_024, "Hai tỷ không trăm hai mươi tư đồng"),
    ],
)  # fmt: skip
def test_amounts_in_words(amount: int, words: str) -> None:
    assert amount_in_words(amount) == words
