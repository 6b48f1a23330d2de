"""The box, the wishes, an address proved, browsers, and what those who look after messages see."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from tests.care.messages.gateways import Kept
from yba.care import messages
from yba.care.messages import box, callback, outbox, port
from yba.care.messages.models import Delivery, Message, Preference, Subscription
from yba.site.accounts.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("here")]
PHONE = "0905123456"
VISIT = {"facility": "Bệnh viện Hương Giang", "when": "2099-11-28T09:30:00+07:00", "code": "K7M2X"}


@pytest.fixture
def hanh() -> Account:
    return Account.objects.create_account(PHONE, role="citizen", name="Hạnh")


def signed_in(account: Account) -> Client:
    client = Client()
    client.force_login(account)
    return client


def told(phone: str = PHONE, facility: str = "", **values: str) -> Message:
    assert messages.write("booking.confirmed", phone, VISIT | values)
    row = Message.objects.latest("pk")
    if facility:
        Message.objects.filter(pk=row.pk).update(facility=facility)
    noon = timezone.now().replace(hour=5)
    outbox.advance(row.pk, now=lambda: noon, later=lambda *said: None)
    row.refresh_from_db()
    return row


class TestBox:
    def test_it_has_its_own_messages_and_marks_what_is_unread(self, hanh):
        other = Account.objects.create_account("0905999999", role="citizen")
        told("0905999999", code="OTHER")
        told()
        page = signed_in(hanh).get("/tin-nhan/").content.decode()
        assert page.count("Lượt hẹn đã được xác nhận") == 1
        assert "Có 1 tin chưa đọc." in page
        number = Delivery.objects.get(channel="app", account=hanh).pk
        opened = signed_in(hanh).get(f"/tin-nhan/{number}/").content.decode()
        assert "Bệnh viện Hương Giang, 9:30, thứ Bảy 28/11. Mã đăng ký: K7M2X." in opened
        page = signed_in(hanh).get("/tin-nhan/").content.decode()
        assert "chưa đọc" not in page
        assert box.unread(other.pk) == 1
        assert signed_in(other).get(f"/tin-nhan/{number}/").status_code == 404

    def test_an_english_reader_reads_english(self, hanh):
        told()
        hanh.language = "en"
        hanh.save()
        assert "Your visit is confirmed" in signed_in(hanh).get("/tin-nhan/").content.decode()

    def test_all_is_read_by_one_button(self, hanh):
        told()
        told(code="K7M2Y")
        assert box.unread(hanh.pk) == 2
        assert signed_in(hanh).post("/tin-nhan/doc-het").status_code == 302
        assert box.unread(hanh.pk) == 0

    def test_an_empty_box_says_so(self, hanh):
        assert "Chưa có tin nào" in signed_in(hanh).get("/tin-nhan/").content.decode()

    def test_older_messages_are_one_page_on_and_none_is_lost(self, hanh):
        for number in range(53):
            told(code=f"C{number:03}")
        client = signed_in(hanh)
        first = client.get("/tin-nhan/").content.decode()
        older = re.search(r'href="(/tin-nhan/\?truoc=\d+)"', first)
        assert older is not None
        second = client.get(older[1]).content.decode()
        assert (first.count("row-title"), second.count("row-title")) == (50, 3)

    @pytest.mark.parametrize("path", ["", "cach-nhan"])
    def test_staff_have_no_box(self, path):
        doctor = Account.objects.create_account("bs", role="doctor", password="x" * 12)
        assert signed_in(doctor).get(f"/tin-nhan/{path}").status_code == 404
        assert Client().get(f"/tin-nhan/{path}").status_code == 302

    def test_an_erased_account_leaves_no_message(self, hanh):
        from yba.site.erasing import erase_account

        told()
        Preference.objects.create(account=hanh)
        erase_account(hanh)
        assert (Message.objects.count(), Delivery.objects.count(), Preference.objects.count()) == (0, 0, 0)


def wished(**more: str) -> dict[str, str]:
    return {
        "first": "email", "zalo": "on", "reminders": "on", "quiet_from": "22:00", "quiet_to": "06:30",
        "language": "en", "email": "hanh@example.vn",
    } | more  # fmt: skip


class TestWishes:
    def test_only_connected_ways_are_offered(self, hanh):
        page = signed_in(hanh).get("/tin-nhan/cach-nhan").content.decode()
        assert re.findall(r'name="first" value="(\w*)"', page) == ["", "sms"]
        assert 'name="email"' not in page

    def test_they_are_kept_and_a_new_address_has_to_be_proved(self, hanh, here):
        here.update(email=Kept(), zalo=Kept())
        assert signed_in(hanh).post("/tin-nhan/cach-nhan", wished()).status_code == 302
        kept = Preference.objects.get(account=hanh)
        assert (kept.first, kept.zalo, kept.voice, str(kept.quiet_from), kept.email_proved_at) == (
            "email", True, False, "22:00:00", None,
        )  # fmt: skip
        hanh.refresh_from_db()
        assert hanh.language == "en"
        row = Message.objects.get(kind="messages.confirm-email")
        outbox.advance(row.pk, now=timezone.now, later=lambda *said: None)
        letter = here["email"].got[0]
        assert letter.to == "hanh@example.vn"
        link = re.search(r"/tin-nhan/thu/\S+", letter.text)
        assert link is not None
        assert Client().get(link[0]).status_code == 200
        kept.refresh_from_db()
        assert kept.email_proved_at is None  # a scanner that opens links proves nothing
        assert Client().post(link[0]).status_code == 302
        kept.refresh_from_db()
        assert kept.email_proved_at is not None
        row.refresh_from_db()
        assert row.values == {}

    def test_a_link_of_an_address_that_was_changed_proves_nothing(self, hanh):
        Preference.objects.create(account=hanh, email="new@example.vn")
        token = signing.dumps([hanh.pk, "old@example.vn"], salt="yba.messages.email")
        assert Client().post(f"/tin-nhan/thu/{token}").status_code == 404
        assert Client().get("/tin-nhan/thu/nonsense").status_code == 404

    def test_letters_of_proof_end_after_five_a_day(self, hanh, here):
        here["email"] = Kept()
        for number in range(7):
            signed_in(hanh).post("/tin-nhan/cach-nhan", wished(email=f"a{number}@example.vn"))
        assert Message.objects.filter(kind="messages.confirm-email").count() == 5

    def test_a_wrong_address_and_hour_are_said(self, hanh, here):
        here["email"] = Kept()
        answer = signed_in(hanh).post("/tin-nhan/cach-nhan", wished(email="x", quiet_from="25"))
        assert answer.status_code == 422
        assert "Viết địa chỉ thư như ten@vidu.vn." in answer.content.decode()
        assert "Viết giờ như 21:00." in answer.content.decode()


class TestBrowsers:
    def test_a_browser_of_an_allowed_service_is_kept_once(self, hanh, settings):
        settings.YBA_PUSH_PLACE = "tests.care.messages.test_pages.only_good"
        said = {"endpoint": "https://good.example/1", "p256dh": "BK", "auth": "x"}
        client = signed_in(hanh)
        for _ in range(2):
            assert client.post("/tin-nhan/bao-tren-may", said).status_code == 302
        assert [one.as_push()["keys"] for one in Subscription.objects.all()] == [
            {"p256dh": "BK", "auth": "x"}
        ]
        client.post("/tin-nhan/bao-tren-may", said | {"endpoint": "http://10.0.0.1/"})
        assert Subscription.objects.count() == 1
        client.post("/tin-nhan/tat-bao")
        assert not Subscription.objects.exists()


def only_good(endpoint: str) -> bool:
    return endpoint.startswith("https://good.example/")


class TestReports:
    def test_a_report_by_http_needs_the_channels_key(self, here):
        class Reads(Kept):
            def read_report(self, said: dict[str, str]) -> tuple[str, bool, str] | None:
                return said["message.id"], said["state"] == "5", ""

        here["sms"] = Reads()
        row = told()
        body = {"message": {"id": "p1"}, "state": "5"}
        wrong = callback.address_of("voice").rpartition("/")[2]
        assert Client().post(f"/tin-nhan/bao-cao/sms/{wrong}", body, "application/json").status_code == 404
        good = f"/tin-nhan/bao-cao/sms/{callback.key_of('sms')}"
        assert Client(enforce_csrf_checks=True).post(good, body, "application/json").content == b"OK"
        row.refresh_from_db()
        assert row.status == "delivered"


class TestStaff:
    def administrator(self, facility: str = "bv") -> Client:
        role = "facility_administrator" if facility else "system_administrator"
        return signed_in(
            Account.objects.create_account(f"qt-{facility}", role=role, facility=facility, password="x" * 12)
        )

    def test_templates_are_shown_as_they_leave_with_their_length_and_price(self):
        page = self.administrator().get("/tin-nhan/mau").content.decode()
        assert "BV Huong Giang: 9:30 thu Ba 24/11, phong 204, ma 7K2M9Q. Huy: vao Y Ba, Lich hen." in page
        assert "Reminder. BV Huong Giang: 9:30 Tue 24/11" in page
        assert "350\u00a0đ" in page
        assert "chưa nối" in page
        assert re.search(r"\d+ ký tự, 1 tin", page)

    def test_deliveries_are_those_of_the_facility_without_words_or_whole_numbers(self):
        told(facility="bv")
        told("0905777888", facility="other")
        page = self.administrator().get("/tin-nhan/da-gui").content.decode()
        assert "0905***456" in page
        assert "0905***888" not in page
        assert PHONE not in page
        assert "K7M2X" not in page
        whole = self.administrator("").get("/tin-nhan/da-gui").content.decode()
        assert "0905***888" in whole

    def test_what_failed_is_found_and_sent_again_by_the_own_facility_alone(self, here):
        here["sms"] = Kept([port.Refused("no such number")])
        row = told(facility="bv")
        assert row.status == "failed"
        page = self.administrator().get("/tin-nhan/da-gui?loi=1").content.decode()
        assert "no such number" in page
        again = f"/tin-nhan/da-gui/{row.pk}/gui-lai"
        assert again in page
        assert self.administrator("other").post(again).status_code == 404
        client = signed_in(Account.objects.get(login="qt-bv"))
        assert client.post(again).status_code == 302
        row.refresh_from_db()
        assert row.status == "waiting"

    def test_money_by_month_and_channel_is_the_sum_of_what_was_sent(self):
        for _ in range(3):
            told(facility="bv")
            Message.objects.update(dedupe_key=None)
        page = self.administrator().get("/tin-nhan/chi-phi").content.decode()
        assert "Tổng cộng: 1.050\u00a0đ" in page
        assert f"{timezone.localtime():%m/%Y}" in page

    @pytest.mark.parametrize("path", ["mau", "da-gui", "chi-phi"])
    def test_others_learn_nothing(self, path, hanh):
        assert signed_in(hanh).get(f"/tin-nhan/{path}").status_code == 404

    def test_a_list_costs_the_same_reads_at_one_and_at_thirty(self, django_assert_max_num_queries):
        client = self.administrator()
        for _ in range(30):
            told(facility="bv")
        with django_assert_max_num_queries(14):
            client.get("/tin-nhan/da-gui")


def test_the_old_are_forgotten_and_the_young_kept():
    from yba.care.messages import tasks

    told()
    told(code="OLD")
    Message.objects.filter(values__code="OLD").update(
        created_at=timezone.now() - tasks.KEPT - timedelta(days=1)
    )
    tasks.forget(0)
    assert [one.values["code"] for one in Message.objects.all()] == ["K7M2X"]
