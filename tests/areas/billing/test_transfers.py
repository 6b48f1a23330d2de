"""The counter's pages of transfers: code, notices, statements, and what a cashier decides."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.areas.billing.test_cashier import charged, signed_in, text_of
from tests.builders import NOW
from tests.care.test_money import as_role, clock_of
from tests.care.test_transfers import an_account, come
from yba.areas.billing import statements
from yba.areas.billing.notices import signature
from yba.care.money import accounts
from yba.care.money.models import BankAccount, Receipt, Transfer

pytestmark = pytest.mark.django_db
ACCOUNT = "0071000888888"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages read the tests' clock."""
    monkeypatch.setattr("yba.ui.requests.now", clock_of)


def notice(kept: BankAccount, *, facility: str = "f", late: int = 0, secret: str = "", **said: Any) -> Any:
    body = json.dumps({
        "account": ACCOUNT, "reference": "FT1", "amount": 45000, "content": "YBA HD26000001",
        "at": "2026-11-24T08:30:00+07:00", **said,
    }).encode()  # fmt: skip
    at = str(int(NOW.timestamp()) + late)
    return Client().post(
        reverse("billing:notice", args=[facility]), body, content_type="application/json",
        headers={
            "X-Yba-Time": at, "X-Yba-Signature": signature(secret or accounts.notice_secret(kept), at, body),
        },
    )  # fmt: skip


class TestNotice:
    def test_a_signed_one_pays_and_the_cashier_sees_it(self) -> None:
        invoice, account = charged(), an_account()
        answer = notice(account)
        assert (answer.status_code, answer.json()) == (
            200,
            {"reference": "FT1", "state": "matched", "new": True},
        )
        assert notice(account).json() == {"reference": "FT1", "state": "matched", "new": False}
        client = signed_in()
        page = text_of(client.get(reverse("billing:transfers")))
        assert "Đã khớp hóa đơn" in page
        assert Receipt.objects.get().code in page
        sought = client.get(reverse("billing:transfers"), {"q": "\0FT1\0"})
        assert (sought.status_code, Receipt.objects.get().code in text_of(sought)) == (200, True)
        waiting = client.get(reverse("billing:invoice", args=[invoice.id]), {"doi": "1"})
        assert (waiting.status_code, waiting.headers.get("HX-Refresh")) == (204, "true")

    @pytest.mark.parametrize(
        "wrong", [{"late": 301}, {"late": -301}, {"secret": "f" * 64}, {"facility": "g"}], ids=str
    )
    def test_any_other_learns_nothing(self, wrong: dict[str, Any]) -> None:
        charged()
        assert notice(an_account(), **wrong).status_code == 404
        assert Transfer.objects.count() == 0

    @pytest.mark.parametrize(
        "wrong",
        [
            {"amount": 0},
            {"amount": -45000},
            {"amount": "45000"},
            {"account": "1"},
            {"reference": ""},
            {"at": "hôm qua"},
        ],
        ids=str,
    )
    def test_what_makes_no_sense_is_said(self, wrong: dict[str, Any]) -> None:
        charged()
        answer = notice(an_account(), **wrong)
        assert answer.status_code == 422
        assert next(iter(wrong)) in answer.json()["error"]
        assert Transfer.objects.count() == 0

    def test_strange_signs_are_answered_and_break_nothing(self) -> None:
        account, at = an_account(), str(int(NOW.timestamp()))
        answer = Client().post(
            reverse("billing:notice", args=["f"]), b"{}", content_type="application/json",
            headers={"X-Yba-Time": at, "X-Yba-Signature": "sha256=é"},
        )  # fmt: skip
        assert answer.status_code == 404
        assert notice(account, content="YBA\0HD26000001").status_code == 422
        assert not Transfer.objects.exists()

    def test_a_changed_account_ends_the_secret(self) -> None:
        old = an_account()
        secret = accounts.notice_secret(old)
        officer = as_role("facility_administrator")
        new = accounts.set_account(officer, bank="970436", number="0071000999999", holder="BV HUONG GIANG")
        assert notice(new, secret=secret, account="0071000999999").status_code == 404


STATEMENT = """Ngân hàng Ví Dụ;;;;
Tài khoản 0071000888888;;;;
Ngày giao dịch;Số tham chiếu;Ghi nợ;Ghi có;Nội dung
24/11/2026 08:30:00;FT1;;45.000;YBA HD26000001 NGUYEN THI HANH
24/11/2026 09:00:00;FT2;12.000;;Phi dich vu
24/11/2026 09:10:00;FT3;;50.000,00;tien kham me
"""


class TestStatement:
    def sent(self, client: Client, text: str | bytes) -> Any:
        body = text.encode() if isinstance(text, str) else text
        file = SimpleUploadedFile("sao-ke.csv", body, "text/csv")
        return client.post(reverse("billing:statement"), {"statement": file}, follow=True)

    def test_it_is_read_and_read_again(self) -> None:
        charged()
        an_account()
        client = signed_in()
        page = text_of(self.sent(client, STATEMENT))
        assert "Sao kê có 2 khoản tiền về, 2 khoản mới, 1 khoản tự khớp hóa đơn." in page
        assert list(Transfer.objects.order_by("pk").values_list("reference", "amount", "state")) == [
            ("FT1", Decimal(45000), "matched"), ("FT3", Decimal(50000), "open"),
        ]  # fmt: skip
        assert "0 khoản mới, 0 khoản tự khớp" in text_of(self.sent(client, STATEMENT))
        assert Transfer.objects.count() == 2

    def test_one_bad_line_and_nothing_is_taken(self) -> None:
        charged()
        an_account()
        bad = STATEMENT + "25/13/2026;FT4;;1.000;x\n25/11/2026;;;2.000;y\n25/11/2026;FT5;;12,3,4;z\n"
        answer = self.sent(signed_in(), bad)
        assert answer.status_code == 422
        page = text_of(answer)
        assert "Dòng 7: ngày “25/13/2026” không đọc được" in page
        assert "Dòng 8: không có số tham chiếu" in page
        assert "Dòng 9: “12,3,4” không phải số tiền đồng." in page
        assert Transfer.objects.count() == 0

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("a,b,c\n1,2,3\n", "Tệp thiếu cột: ngày giao dịch, số tham chiếu, ghi có, nội dung."),
            ("Ngày,Ghi có,Nội dung\n24/11/2026,5,x\n", "Tệp thiếu cột: số tham chiếu."),
            (b"\xff\xfe\x00N", "Tệp không phải CSV mã UTF-8."),
        ],
    )
    def test_a_file_that_is_no_statement_is_told_so(self, text: str | bytes, said: str) -> None:
        an_account()
        assert said in text_of(self.sent(signed_in(), text))

    @pytest.mark.parametrize(
        ("text", "amount"),
        [
            ("45.000", 45000),
            ("45,000.00", 45000),
            ("+1.234.567 VND", 1234567),
            ("45000", 45000),
            ("", 0),
            ("0,00", 0),
        ],
    )
    def test_sums_as_banks_write_them(self, text: str, amount: int) -> None:
        assert statements.amount_in(text) == Decimal(amount)


class TestPages:
    def test_the_code_stands_at_the_counter_once_there_is_an_account(self) -> None:
        invoice = charged()
        here = reverse("billing:invoice", args=[invoice.id])
        client = signed_in()
        assert "Mã VietQR" not in client.get(here).content.decode()
        an_account()
        page = client.get(here).content.decode()
        assert "Mã VietQR chuyển 45.000" in page.replace("\xa0", " ")
        assert "YBA HD26000001" in page

    def test_the_cashier_settles_what_named_nothing(self) -> None:
        charged()
        one = come("tien kham me")[0]
        client = signed_in()
        refused = client.post(reverse("billing:settle"), {"chosen": one.pk, "number": "HD26-000009"})
        assert (refused.status_code, "Cơ sở không có hóa đơn số HD26-000009." in text_of(refused)) == (
            409,
            True,
        )
        done = client.post(
            reverse("billing:settle"), {"chosen": one.pk, "number": "HD26-000001"}, follow=True
        )
        assert f"Đã thu hóa đơn HD26-000001, biên lai {Receipt.objects.get().code}." in text_of(done)

    def test_what_pays_nothing_is_noted_with_why(self) -> None:
        one = come("nham")[0]
        client = signed_in()
        here = reverse("billing:give_back", args=[one.pk])
        assert client.get(here).status_code == 200
        assert client.post(here, {"reason": ""}).status_code == 422
        done = client.post(here, {"reason": "Chuyển nhầm, đã trả lại 24/11"}, follow=True)
        assert "Chuyển nhầm, đã trả lại 24/11" in text_of(done)
        assert client.get(here).status_code == 404

    def test_another_facilitys_money_and_other_roles_see_nothing(self) -> None:
        one = come("tien kham me")[0]
        other = signed_in(facility="g")
        assert "tien kham me" not in text_of(other.get(reverse("billing:transfers")))
        assert other.get(reverse("billing:give_back", args=[one.pk])).status_code == 404
        doctor = signed_in("doctor")
        for name in ("transfers", "account"):
            assert doctor.get(reverse(f"billing:{name}")).status_code == 404
        assert signed_in("cashier", "h").get(reverse("billing:account")).status_code == 404

    def test_the_administrator_says_the_account(self, settings: Any) -> None:
        settings.YBA_FRESH_PROOF = ""
        client = signed_in("facility_administrator")
        here = reverse("billing:account")
        wrong = client.post(here, {"bank": "970436", "number": "12 ab?", "holder": "Bệnh viện"})
        assert wrong.status_code == 422
        assert "Số tài khoản có 6 đến 19 chữ số" in text_of(wrong)
        right = {"bank": "970436", "number": "0071 000 888 888", "holder": "Bệnh viện Hương Giang"}
        page = text_of(client.post(here, right, follow=True))
        assert "BENH VIEN HUONG GIANG" in page
        kept = accounts.account_of("f")
        assert kept is not None
        assert (kept.bank, kept.number, kept.holder) == ("970436", ACCOUNT, "BENH VIEN HUONG GIANG")
        assert accounts.notice_secret(kept) not in page
        assert accounts.notice_secret(kept) in text_of(client.get(here, {"khoa": "1"}))

    def test_a_change_asks_who_one_is(self) -> None:
        client = signed_in("facility_administrator")
        answer = client.post(
            reverse("billing:account"), {"bank": "970436", "number": ACCOUNT, "holder": "X Y"}
        )
        assert answer.status_code == 302
        assert accounts.account_of("f") is None
