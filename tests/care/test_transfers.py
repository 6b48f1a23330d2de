"""Money that comes by transfer: its code, its words, paid once, and never lost."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections
from hypothesis import given
from hypothesis import strategies as st

from tests.care.test_money import EXAM, a_visit, as_role
from yba.care.money import accounts, actions, rules, transfers, vietqr
from yba.care.money.models import BankAccount, Receipt, Transfer
from yba.care.refusal import Refusal
from yba.fhir.errors import Forbidden
from yba.fhir.r4.invoice import Invoice

AT = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)


def crc(text: str) -> str:
    """CRC-16/CCITT-FALSE by its definition (EMV QRCPS 1.1, 4.7.3), apart from the library's table."""
    found = 0xFFFF
    for byte in text.encode():
        found ^= byte << 8
        for _ in range(8):
            found = ((found << 1) ^ 0x1021 if found & 0x8000 else found << 1) & 0xFFFF
    return f"{found:04X}"


def fields(text: str) -> dict[str, str]:
    """The fields of a code: two digits of name, two of length, value."""
    found, at = {}, 0
    while at < len(text):
        size = int(text[at + 2 : at + 4])
        found[text[at : at + 2]] = text[at + 4 : at + 4 + size]
        at += 4 + size
    return found


class TestCode:
    """What a bank's app reads."""

    def test_it_says_account_sum_and_words(self) -> None:
        text = vietqr.payload(
            bank="970436", account="0071000888888", amount=Decimal(45000), content="YBA HD26000123"
        )
        said = fields(text)
        assert (said["00"], said["01"], said["53"], said["54"], said["58"]) == (
            "01",
            "12",
            "704",
            "45000",
            "VN",
        )
        where = fields(said["38"])
        assert (where["00"], where["02"]) == ("A000000727", "QRIBFTTA")
        assert fields(where["01"]) == {"00": "970436", "01": "0071000888888"}
        assert fields(said["62"]) == {"08": "YBA HD26000123"}
        assert text[-8:-4] == "6304"
        assert text[-4:] == crc(text[:-4])

    @given(
        amount=st.integers(1, 10**12), number=st.text("0123456789", min_size=6, max_size=19),
        invoice=st.integers(1, 9_999_999),
    )  # fmt: skip
    def test_any_invoice_comes_back_from_its_words(self, amount: int, number: str, invoice: int) -> None:
        known = f"HD26-{invoice:06}"
        text = vietqr.payload(
            bank="970415", account=number, amount=Decimal(amount), content=vietqr.content_of(known)
        )
        said = fields(text)
        assert (said["54"], text[-4:]) == (str(amount), crc(text[:-4]))
        assert vietqr.numbers_in(fields(said["62"])["08"]) == {known}

    @pytest.mark.parametrize(
        ("content", "found"),
        [
            ("YBA HD26000123", {"HD26-000123"}),
            ("MBVCB.7781.YBA HD26000123.CT tu 0071 toi 0123", {"HD26-000123"}),
            ("yba hd26-000123 nguyen thi hanh", {"HD26-000123"}),
            ("YBAHD26000123CHUYENTIEN", {"HD26-000123"}),
            ("HD 26 000123", {"HD26-000123"}),
            ("YBA HD260001230905123456", set()),  # digits run into a telephone number: nobody guesses
            ("YBA HD26000123 HD26000124", {"HD26-000123", "HD26-000124"}),
            ("tien kham cho me", set()),
        ],
    )
    def test_words_as_banks_send_them(self, content: str, found: set[str]) -> None:
        assert vietqr.numbers_in(content) == found


def an_account(facility: str = "f") -> BankAccount:
    officer = as_role("facility_administrator", facility=facility)
    return accounts.set_account(officer, bank="970436", number="0071000888888", holder="BV HUONG GIANG")


def charged(name: str = "Nguyễn Thị Hạnh") -> Invoice:
    visit, patient = a_visit(name=name, phone="0905123456")
    return actions.charge(
        as_role("receptionist"), encounter=visit, patient=patient, lines=[EXAM], ticket="B 027"
    )


def credit(content: str, amount: int = 45000, reference: str = "FT1") -> transfers.Credit:
    return transfers.Credit("0071000888888", reference, Decimal(amount), content, AT, "NGUYEN THI HANH")


def come(
    content: str, amount: int = 45000, reference: str = "FT1", facility: str = "f"
) -> tuple[Transfer, bool]:
    return transfers.arrived(
        as_role("anonymous"), facility, credit(content, amount, reference), came_by="notice"
    )


@pytest.mark.django_db
class TestAccount:
    def test_only_the_administrator_says_it(self) -> None:
        with pytest.raises(Forbidden):
            accounts.set_account(as_role("cashier"), bank="970436", number="0071000888888", holder="X")
        assert accounts.account_of("f") is None

    def test_the_same_said_again_changes_nothing_and_another_renews_the_secret(self) -> None:
        first = an_account()
        secret = accounts.notice_secret(first)
        assert accounts.notice_secret(an_account()) == secret
        other = accounts.set_account(
            as_role("facility_administrator"), bank="970436", number="0071000999999", holder="BV HUONG GIANG"
        )
        assert (other.version, accounts.notice_secret(other) == secret) == (2, False)

    def test_a_code_is_for_what_is_still_due(self) -> None:
        invoice, account = charged(), an_account()
        code = accounts.code_for(invoice, account)
        assert code is not None
        assert (code.content, fields(code.payload)["54"]) == ("YBA HD26000001", "45000")
        assert accounts.code_for(invoice, None) is None
        actions.pay(as_role("cashier"), invoice.id or "", method="cash", amount=Decimal(45000), key="k")
        paid = as_role("cashier").read(Invoice, invoice.id or "")
        assert accounts.code_for(paid, account) is None


@pytest.mark.django_db
class TestArriving:
    def test_the_right_sum_with_the_right_words_pays(self) -> None:
        invoice = charged()
        kept, new = come("MBVCB.1.YBA HD26000001.CT")
        assert (kept.state, new, kept.invoice_number) == ("matched", True, "HD26-000001")
        receipt = Receipt.objects.get(invoice_id=invoice.id)
        assert (receipt.method, receipt.amount, kept.receipt_id) == ("transfer", Decimal(45000), receipt.pk)
        assert as_role("cashier").read(Invoice, invoice.id or "").status == "balanced"

    def test_said_again_it_is_the_same(self) -> None:
        charged()
        first, _new = come("YBA HD26000001")
        again, new = come("YBA HD26000001")
        assert (again.pk, new, Receipt.objects.count(), Transfer.objects.count()) == (first.pk, False, 1, 1)

    @pytest.mark.parametrize(
        ("content", "amount", "why"),
        [
            ("tien kham", 45000, "unnamed"),
            ("YBA HD26000001 HD26000002", 45000, "several"),
            ("YBA HD26000009", 45000, "unknown"),
            ("YBA HD26000001", 44000, "money.amount"),
            ("YBA HD26000001", 45001, "money.amount"),
        ],
    )
    def test_anything_else_waits_for_a_person(self, content: str, amount: int, why: str) -> None:
        invoice = charged()
        kept, new = come(content, amount)
        assert (kept.state, kept.why, new, Receipt.objects.count()) == ("open", why, True, 0)
        assert as_role("cashier").read(Invoice, invoice.id or "").status == "issued"

    def test_paid_twice_the_second_waits(self) -> None:
        charged()
        come("YBA HD26000001")
        second, new = come("YBA HD26000001", reference="FT2")
        assert (second.state, second.why, new, Receipt.objects.count()) == ("open", "money.paid", True, 1)

    def test_another_facilitys_invoice_is_not_paid(self) -> None:
        charged()
        kept, _new = come("YBA HD26000001", facility="g")
        assert (kept.state, kept.why, Receipt.objects.count()) == ("open", "unknown", 0)


@pytest.mark.django_db
class TestSettling:
    def test_two_halves_pay_one_invoice(self) -> None:
        charged()
        halves = [come("tien kham", 20000, "A")[0].pk, come("con lai", 25000, "B")[0].pk]
        found = transfers.settle(as_role("cashier"), halves, number="hd26 000001")
        assert isinstance(found, Receipt)
        assert found.amount == Decimal(45000)
        assert list(Transfer.objects.values_list("state", "receipt_id", "decided_by").distinct()) == [
            ("settled", found.pk, as_role("cashier").actor.user)
        ]

    def test_too_little_too_much_and_none(self) -> None:
        charged()
        less, more = come("x", 44000, "A")[0].pk, come("y", 50000, "B")[0].pk
        desk = as_role("cashier")
        assert key_of(transfers.settle(desk, [less], number="HD26-000001")) == "money.amount"
        assert key_of(transfers.settle(desk, [more], number="HD26-000001")) == "money.too-much"
        assert key_of(transfers.settle(desk, [], number="HD26-000001")) == "money.no-transfer"
        assert key_of(transfers.settle(desk, [less], number="HD26-000009")) == "money.no-invoice"
        assert set(Transfer.objects.values_list("state", flat=True)) == {"open"}
        taken = transfers.settle(desk, [more], number="HD26-000001", reason="trả lại 5.000 đ tiền mặt")
        assert isinstance(taken, Receipt)
        assert taken.amount == Decimal(45000)

    def test_another_facilitys_money_is_not_there(self) -> None:
        charged()
        theirs = come("x", 45000, "A", facility="g")[0].pk
        assert (
            key_of(transfers.settle(as_role("cashier"), [theirs], number="HD26-000001"))
            == "money.no-transfer"
        )
        assert key_of(transfers.give_back(as_role("cashier"), theirs, reason="x")) == "money.no-transfer"

    def test_given_back_it_pays_nothing_any_more(self) -> None:
        charged()
        one = come("x", 45000, "A")[0].pk
        desk = as_role("cashier")
        assert key_of(transfers.give_back(desk, one, reason="")) == "money.reason"
        found = transfers.give_back(desk, one, reason="chuyển nhầm, đã trả 24/11")
        assert isinstance(found, Transfer)
        assert (found.state, found.reason) == ("returned", "chuyển nhầm, đã trả 24/11")
        assert key_of(transfers.settle(desk, [one], number="HD26-000001")) == "money.decided"


def key_of(found: object) -> str:
    assert isinstance(found, Refusal), found
    return found.key


def test_peer_02_eight_notices_at_once_are_one_receipt(committed: str) -> None:
    """The bank sends the same credit on eight lines at the same moment, a cashier presses at that moment too."""
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    invoice = charged()
    answers: list[Any] = []
    gate = threading.Barrier(9)

    def notice() -> None:
        gate.wait()
        answers.append(come("YBA HD26000001")[1])
        connections.close_all()

    def press() -> None:
        gate.wait()
        desk = as_role("cashier")
        answers.append(actions.pay(desk, invoice.id or "", method="cash", amount=Decimal(45000), key="press"))
        connections.close_all()

    threads = [threading.Thread(target=notice) for _ in range(8)] + [threading.Thread(target=press)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(1 for one in answers if one is True) == 1  # one notice was new
    assert (Transfer.objects.count(), Receipt.objects.count()) == (1, 1)
    kept, receipt = Transfer.objects.get(), Receipt.objects.get()
    assert (kept.state, kept.why) in {("matched", ""), ("open", "money.paid")}
    assert (receipt.method == "transfer") is (kept.state == "matched")
    assert rules.number_of(invoice) == receipt.invoice_number
