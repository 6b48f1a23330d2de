"""The outbox: once a try, the next way after the last try, reports, a death while sending, and what is void."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections, transaction

from tests.care.messages import gateways
from tests.care.messages.gateways import Kept
from yba.care import messages
from yba.care.messages import outbox, port, rules
from yba.care.messages.models import Delivery, Message, Preference, Report
from yba.site.accounts.models import Account

#: Ten in the morning here.
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PHONE = "0905123456"
VISIT = {"facility": "Bệnh viện Hương Giang", "when": "2026-11-28T09:30:00+07:00", "code": "K7M2X"}
pytestmark = pytest.mark.usefixtures("here")


class Later(list[tuple[int, datetime | None, bool]]):
    def __call__(self, number: int, at: datetime | None, urgent: bool) -> None:
        self.append((number, at, urgent))


def go(row: Message, at: datetime = NOW) -> Later:
    later = Later()
    outbox.advance(row.pk, now=lambda: at, later=later)
    row.refresh_from_db()
    return later


def told(kind: str = "booking.confirmed", **more: Any) -> Message:
    assert messages.write(kind, PHONE, VISIT, now=NOW, **more)
    return Message.objects.latest("pk")


def ways(row: Message) -> list[tuple[str, str]]:
    return [(one.channel, one.state) for one in row.deliveries.order_by("pk")]


def citizen(language: str = "", **wishes: Any) -> Account:
    account = Account.objects.create_account(PHONE, role="citizen", language=language)
    if wishes:
        Preference.objects.create(account=account, **wishes)
    return account


@pytest.mark.django_db
class TestOneWay:
    def test_it_is_sent_once_with_its_cost_and_then_left_alone(self) -> None:
        row = told()
        go(row)
        go(row)
        sms = gateways.HERE["sms"]
        assert [one.text for one in sms.got] == [
            "BV Huong Giang: 9:30 thu Bay 28/11, ma K7M2X. Huy: vao Y Ba, Lich hen."
        ]
        way = row.deliveries.get()
        assert (way.state, way.provider_id, way.parts, way.cost, way.tries) == ("sent", "p1", 1, 350, 1)
        assert row.status == "sent"

    def test_a_change_that_is_rolled_back_tells_nothing(self) -> None:
        with transaction.atomic():
            told()
            transaction.set_rollback(True)
        assert not Message.objects.exists()

    def test_the_same_thing_is_told_once(self) -> None:
        told(dedupe_key="b:1:confirmed")
        assert not messages.write("booking.confirmed", PHONE, VISIT, dedupe_key="b:1:confirmed")
        assert Message.objects.count() == 1

    def test_a_try_that_failed_is_repeated_later_with_the_same_key(self) -> None:
        sms = gateways.HERE["sms"] = Kept([port.Failed("busy")])
        row = told()
        assert go(row) == [(row.pk, NOW + timedelta(seconds=30), False)]
        assert go(row, NOW + timedelta(seconds=29)) == []
        assert len(sms.got) == 1
        go(row, NOW + timedelta(seconds=30))
        assert [one.id for one in sms.got] == [row.deliveries.get().key.hex] * 2
        assert (row.status, row.deliveries.get().tries) == ("sent", 2)

    def test_after_the_last_try_it_has_failed_and_says_why(self) -> None:
        sms = gateways.HERE["sms"] = Kept([port.Failed("busy")] * 9)
        row, at = told(), NOW
        for _ in range(9):
            at += timedelta(minutes=11)
            go(row, at)
        assert len(sms.got) == 4
        assert (row.status, row.problem, ways(row)) == ("failed", "busy", [("sms", "failed")])

    def test_what_a_gateway_did_not_expect_is_a_failed_try(self) -> None:
        gateways.HERE["sms"] = Kept([ValueError("secret words")])
        row = told()
        assert go(row)[0][1] == NOW + timedelta(seconds=30)
        assert row.deliveries.get().error == "ValueError"

    def test_without_a_gateway_it_fails_and_does_not_count_as_sent(self) -> None:
        gateways.HERE.clear()
        row = told()
        go(row)
        assert (row.status, row.problem) == ("failed", "no way to reach this person")

    def test_at_night_it_waits_for_the_morning(self) -> None:
        row = told()
        night = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # 22:00 here
        assert go(row, night) == [(row.pk, datetime(2026, 11, 25, 0, 0, tzinfo=UTC), False)]
        assert gateways.HERE["sms"].got == []
        go(row, datetime(2026, 11, 25, 0, 0, tzinfo=UTC))
        assert len(gateways.HERE["sms"].got) == 1

    def test_what_waited_too_long_is_not_sent(self) -> None:
        row = told()
        go(row, NOW + timedelta(days=3))
        assert (row.status, gateways.HERE["sms"].got) == ("expired", [])


@pytest.mark.django_db
class TestCodes:
    def test_a_code_goes_at_night_by_text_alone_and_its_words_are_forgotten(self) -> None:
        citizen(first="email", email="h@example.vn", email_proved_at=NOW)
        gateways.HERE["email"] = Kept()
        messages.send(PHONE, "Mã đăng nhập Y Bạ là 123456", "accounts.code")
        row = Message.objects.get()
        go(row, datetime.now(UTC))
        assert [one.text for one in gateways.HERE["sms"].got] == ["Ma dang nhap Y Ba la 123456"]
        assert gateways.HERE["email"].got == []
        assert (row.text, row.values, ways(row)) == ("", {}, [("sms", "sent")])

    def test_a_code_that_cannot_be_sent_takes_no_second_way(self) -> None:
        citizen(voice=True, email="h@example.vn", email_proved_at=NOW)
        gateways.HERE.update(
            sms=Kept([port.Refused("no such number")]), voice=Kept(), email=Kept(), zalo=Kept()
        )
        messages.send(PHONE, "Mã 123456", "accounts.code")
        row = Message.objects.get()
        go(row, datetime.now(UTC))
        assert (row.status, ways(row)) == ("failed", [("sms", "failed")])
        assert row.text == ""

    def test_an_old_code_is_never_sent(self) -> None:
        messages.send(PHONE, "Mã 123456", "accounts.code")
        row = Message.objects.get()
        go(row, datetime.now(UTC) + timedelta(minutes=6))
        assert (row.status, row.text, gateways.HERE["sms"].got) == ("expired", "", [])

    def test_a_code_is_queued_before_everything_else(self) -> None:
        from procrastinate.contrib.django.models import ProcrastinateJob

        told()
        messages.send(PHONE, "Mã 123456", "accounts.code")
        found = ProcrastinateJob.objects.filter(task_name="messages.deliver").order_by("-priority", "id")
        assert [one.priority for one in found] == [100, 0]
        assert found[0].args == {"message": Message.objects.get(kind="accounts.code").pk}


@pytest.mark.django_db
class TestNextWay:
    def test_a_refused_address_leads_to_the_next_way_at_once(self) -> None:
        gateways.HERE["zalo"] = Kept([port.Refused("no account there")])
        row = told()
        go(row)
        assert ways(row) == [("zalo", "failed"), ("sms", "sent")]
        assert gateways.HERE["zalo"].got[0].values["when"] == "9:30, thứ Bảy 28/11"

    def test_a_report_that_it_did_not_arrive_leads_to_the_next_way(self) -> None:
        gateways.HERE["zalo"] = Kept()
        row, later = told(), Later()
        go(row)
        assert outbox.note_report("zalo", "p1", delivered=False, error="UNDELIV", now=NOW, later=later)
        assert later == [(row.pk, None, False)]
        go(row)
        assert ways(row) == [("zalo", "failed"), ("sms", "sent")]

    def test_a_report_that_it_arrived_ends_it(self) -> None:
        row = told()
        go(row)
        assert outbox.note_report("sms", "p1", delivered=True, error="", now=NOW, later=Later())
        row.refresh_from_db()
        assert (row.status, row.delivered_at, ways(row)) == ("delivered", NOW, [("sms", "delivered")])
        outbox.note_report("sms", "p1", delivered=False, error="late", now=NOW, later=Later())
        row.refresh_from_db()
        assert row.status == "delivered"

    def test_a_report_that_was_quicker_than_our_own_note_counts(self) -> None:
        def quick(parcel: port.Parcel) -> port.Sent:
            assert not outbox.note_report("sms", "q1", delivered=True, error="", now=NOW, later=Later())
            return port.Sent(provider_id="q1")

        gateways.HERE["sms"] = Kept([quick])
        row = told()
        go(row)
        assert (row.status, ways(row), Report.objects.count()) == ("delivered", [("sms", "delivered")], 1)

    def test_the_language_and_the_box_are_the_readers(self) -> None:
        account = citizen("en")
        row = told()
        go(row)
        assert (
            gateways.HERE["sms"].got[0].text.startswith("BV Huong Giang: 9:30 Sat 28/11, code K7M2X. Cancel")
        )
        box = Delivery.objects.get(channel="app")
        assert (box.account_id, box.state, box.cost) == (account.pk, "delivered", 0)

    def test_an_address_that_is_not_proved_is_not_used(self) -> None:
        citizen(first="email", email="h@example.vn")
        gateways.HERE["email"] = Kept()
        row = told()
        go(row)
        assert ways(row) == [("app", "delivered"), ("sms", "sent")]

    def test_push_that_is_not_opened_is_followed_by_a_text(self) -> None:
        account = citizen(first="push")
        account_devices(account, "a", "b")
        gateways.HERE["push"] = Kept([port.Gone("410"), port.Sent()])
        row = told()
        assert go(row) == [(row.pk, NOW + rules.UNSEEN, False)]
        assert [one.endpoint for one in devices(account)] == ["https://push.example/b"]
        assert gateways.HERE["sms"].got == []
        go(row, NOW + rules.UNSEEN)
        assert ways(row) == [("app", "delivered"), ("push", "failed"), ("sms", "sent")]

    def test_push_that_was_opened_is_enough(self) -> None:
        account_devices(citizen(first="push"), "a")
        gateways.HERE["push"] = Kept()
        row = told()
        go(row)
        Message.objects.update(read_at=NOW)
        go(row, NOW + rules.UNSEEN)
        assert (row.status, gateways.HERE["sms"].got) == ("delivered", [])

    def test_an_administrator_sends_what_failed_again_by_all_ways(self) -> None:
        gateways.HERE["sms"] = Kept([port.Refused("no")])
        row = told()
        go(row)
        assert row.status == "failed"
        assert outbox.send_again(row.pk, now=NOW, later=Later())
        go(row)
        assert (row.status, ways(row)) == ("sent", [("sms", "failed"), ("sms", "sent")])
        assert not outbox.send_again(row.pk, now=NOW, later=Later())


def account_devices(account: Account, *names: str) -> None:
    from yba.care.messages.models import Subscription

    for one in names:
        Subscription.objects.create(
            account=account, endpoint=f"https://push.example/{one}", p256dh="k", auth="a"
        )


def devices(account: Account) -> list[Any]:
    from yba.care.messages.models import Subscription

    return list(Subscription.objects.filter(account=account).order_by("pk"))


class Died(BaseException):
    """As if the process were killed: nothing after it runs."""


@pytest.mark.django_db
class TestDeath:
    def test_killed_after_handing_over_it_is_tried_again_with_the_same_key(self) -> None:
        def out_and_dead(parcel: port.Parcel) -> port.Sent:
            raise Died

        sms = gateways.HERE["sms"] = Kept([out_and_dead])
        row = told()
        with pytest.raises(Died):
            go(row)
        assert ways(row) == [("sms", "sending")]
        now = NOW + rules.CLAIM_LASTS
        go(row, now - timedelta(seconds=1))
        assert len(sms.got) == 1
        Message.objects.update(created_at=NOW)
        assert list(outbox.left_behind(now)) == [row]
        go(row, now)
        assert [one.id for one in sms.got] == [row.deliveries.get().key.hex] * 2
        assert (row.status, ways(row)) == ("sent", [("sms", "sent")])
        assert list(outbox.left_behind(now + timedelta(days=1))) == []

    def test_who_comes_late_with_a_failure_does_not_undo_the_others_work(self) -> None:
        sms = gateways.HERE["sms"] = Kept()

        def slow(parcel: port.Parcel) -> port.Sent:
            go(row, NOW + rules.CLAIM_LASTS)  # another worker, after the claim has lapsed
            raise port.Failed("timed out")

        sms.answers = [slow]
        row = told()
        go(row)
        assert (row.status, ways(row), row.deliveries.get().tries) == ("sent", [("sms", "sent")], 2)

    def test_a_job_that_was_lost_is_found(self) -> None:
        row = told()
        Message.objects.update(created_at=NOW - rules.CLAIM_LASTS)
        assert list(outbox.left_behind(NOW)) == [row]
        go(row)
        assert list(outbox.left_behind(NOW + timedelta(hours=1))) == []


def test_two_workers_never_send_one_delivery_twice(committed: str, django_db_blocker: Any) -> None:
    sms = gateways.HERE["sms"]
    with django_db_blocker.unblock():
        for number in range(20):
            assert messages.write("booking.confirmed", f"09051234{number:02}", VISIT, now=NOW)
        rows = list(Message.objects.order_by("pk"))
        start = threading.Barrier(4)

        def work() -> None:
            start.wait()
            for row in rows:
                outbox.advance(row.pk, now=lambda: NOW, later=Later())
            connections.close_all()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert sorted(one.to for one in sms.got) == [f"09051234{number:02}" for number in range(20)]
        assert set(Delivery.objects.values_list("state", "tries")) == {("sent", 1)}
