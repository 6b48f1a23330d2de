"""Signing in with a one-time code or a password, and tokens."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from yba.care.messages.models import Message
from yba.site.accounts import actions, limits, roles, rules
from yba.site.accounts.models import Account, SignInCode, Token
from yba.site.accounts.rules import Refusal
from yba.site.accounts.tokens import actor_of_token, remembering

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
PHONE = "0905123456"


def code_sent(phone: str = PHONE) -> str:
    text = Message.objects.filter(to_phone=phone).latest("pk").text
    found = re.search(r"\b\d{6}\b", text)
    assert found
    return found[0]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0905 123 456", "0905123456"),
        ("+84 905.123.456", "0905123456"),
        ("84905123456", "0905123456"),
        ("+33612345678", "+33612345678"),
        ("0105123456", None),
        ("090512345", None),
        ("+84105123456", None),
        ("abc", None),
        ("", None),
    ],
)
def test_a_phone_number_has_one_form(typed: str, kept: str | None) -> None:
    assert rules.normal_phone(typed) == kept


@pytest.mark.django_db
class TestCodes:
    def send(self, now: datetime = NOW, phone: str = PHONE, address: str = "10.0.0.1") -> Refusal | None:
        return actions.send_code(phone, address=address, now=now)

    def test_a_code_counts_once(self) -> None:
        assert self.send() is None
        code = code_sent()
        assert actions.use_code(PHONE, code, now=NOW) is None
        assert actions.use_code(PHONE, code, now=NOW) == Refusal.EXPIRED

    def test_the_table_does_not_hold_the_code(self) -> None:
        self.send()
        row = SignInCode.objects.get(phone=PHONE)
        assert code_sent() not in row.digest
        assert len(row.digest) == 64

    def test_a_code_ends_after_five_minutes(self) -> None:
        self.send()
        code = code_sent()
        assert actions.use_code(PHONE, code, now=NOW + timedelta(minutes=5)) == Refusal.EXPIRED
        assert actions.use_code(PHONE, code, now=NOW + timedelta(minutes=4, seconds=59)) is None

    def test_five_wrong_tries_end_a_code(self) -> None:
        self.send()
        code = code_sent()
        for _ in range(5):
            assert actions.use_code(PHONE, wrong(code), now=NOW) == Refusal.WRONG
        assert actions.use_code(PHONE, code, now=NOW) == Refusal.EXPIRED

    def test_a_code_of_another_number_does_not_count(self) -> None:
        self.send()
        self.send(phone="0905123457")
        assert actions.use_code("0905123457", code_sent(PHONE), now=NOW) in (Refusal.WRONG, None)
        assert SignInCode.objects.get(phone=PHONE).digest

    def test_a_new_code_waits_a_minute_and_replaces_the_old(self) -> None:
        self.send()
        first = code_sent()
        assert self.send(NOW + timedelta(seconds=59)) == Refusal.TOO_SOON
        assert Message.objects.count() == 1
        assert self.send(NOW + timedelta(seconds=60)) is None
        second = code_sent()
        if first != second:
            assert actions.use_code(PHONE, first, now=NOW + timedelta(seconds=61)) == Refusal.WRONG
        assert actions.use_code(PHONE, second, now=NOW + timedelta(seconds=61)) is None

    def test_five_codes_an_hour_a_number(self) -> None:
        sent = [self.send(NOW + timedelta(minutes=2 * n)) for n in range(6)]
        assert sent == [None] * 5 + [Refusal.TOO_MANY]
        assert self.send(NOW + timedelta(minutes=61)) is None

    def test_thirty_codes_an_hour_an_address(self) -> None:
        sent = [self.send(phone=f"09051{n:05d}") for n in range(31)]
        assert sent == [None] * 30 + [Refusal.TOO_MANY]
        assert self.send(phone="0905999999", address="10.0.0.2") is None

    def test_tries_are_limited_across_codes(self) -> None:
        for n in range(3):
            self.send(NOW + timedelta(minutes=2 * n))
            for _ in range(5):
                actions.use_code(PHONE, wrong(code_sent()), now=NOW + timedelta(minutes=2 * n))
        self.send(NOW + timedelta(minutes=8))
        assert actions.use_code(PHONE, code_sent(), now=NOW + timedelta(minutes=8)) == Refusal.TOO_MANY

    def test_a_limit_begins_anew_after_its_window(self) -> None:
        hour = timedelta(hours=1)
        assert limits.take("k", most=1, window=hour, now=NOW)
        assert not limits.take("k", most=1, window=hour, now=NOW + timedelta(minutes=59))
        assert limits.take("k", most=1, window=hour, now=NOW + hour)


@pytest.mark.django_db
class TestPages:
    def ask(self, client: Client, phone: str = PHONE) -> object:
        return client.post("/vao", {"phone": phone})

    def test_a_new_number_gets_an_account_when_it_is_proved(self, client: Client) -> None:
        assert self.ask(client).status_code == 302
        assert not Account.objects.exists()
        answer = client.post("/vao/ma", {"code": code_sent()})
        assert (answer.status_code, answer["Location"]) == (302, "/")
        account = Account.objects.get()
        assert (account.login, account.role, account.has_usable_password()) == (PHONE, roles.CITIZEN, False)
        assert client.session["_auth_user_id"] == str(account.pk)

    def test_the_same_number_finds_its_account_again(self, client: Client) -> None:
        account = Account.objects.create_account(PHONE, role=roles.CITIZEN)
        self.ask(client)
        client.post("/vao/ma", {"code": code_sent()})
        assert client.session["_auth_user_id"] == str(account.pk)
        assert Account.objects.count() == 1

    def test_known_and_unknown_numbers_look_the_same(self, client: Client) -> None:
        Account.objects.create_account(PHONE, role=roles.CITIZEN)
        known, unknown = self.ask(client), self.ask(Client(), "0905123457")
        assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
        pages = []
        for phone, one in ((PHONE, client), ("0905123457", None)):
            one = one or Client()
            if one is not client:
                one.post("/vao", {"phone": phone})
            text = one.post("/vao/ma", {"code": wrong(code_sent(phone))}).content.decode()
            pages.append(re.sub(r"[A-Za-z0-9]{64}|\d[\d ]{4,10}\d", "", text))
        assert pages[0] == pages[1]

    def test_a_wrong_code_is_said_on_the_page(self, client: Client) -> None:
        self.ask(client)
        answer = client.post("/vao/ma", {"code": wrong(code_sent())})
        assert answer.status_code == 422
        assert "Mã chưa đúng" in answer.content.decode()
        assert "_auth_user_id" not in client.session

    def test_a_wrong_number_is_said_on_the_page(self, client: Client) -> None:
        answer = self.ask(client, "12345")
        assert answer.status_code == 422
        assert "Số điện thoại chưa đúng" in answer.content.decode()
        assert not Message.objects.exists()

    def test_a_closed_account_does_not_enter(self, client: Client) -> None:
        Account.objects.create_account(PHONE, role=roles.CITIZEN, is_active=False)
        self.ask(client)
        answer = client.post("/vao/ma", {"code": code_sent()})
        assert answer.status_code == 422
        assert "_auth_user_id" not in client.session

    def test_staff_enter_with_a_password(self, client: Client) -> None:
        Account.objects.create_account("letan", role=roles.RECEPTIONIST, password="mật khẩu dài")
        answer = client.post("/vao/nhan-vien", {"login": "LeTan ", "password": "mật khẩu dài"})
        assert answer.status_code == 302
        assert client.post("/ra").status_code == 302
        assert "_auth_user_id" not in client.session

    def test_wrong_name_and_wrong_password_read_the_same(self, client: Client) -> None:
        Account.objects.create_account("letan", role=roles.RECEPTIONIST, password="mật khẩu dài")
        texts = [
            client.post("/vao/nhan-vien", {"login": name, "password": "sai"}).content.decode()
            for name in ("letan", "khongco")
        ]
        assert all("Tên đăng nhập hoặc mật khẩu chưa đúng" in text for text in texts)

    def test_ten_wrong_passwords_close_the_door_for_a_while(self, client: Client) -> None:
        Account.objects.create_account("letan", role=roles.RECEPTIONIST, password="mật khẩu dài")
        for _ in range(10):
            client.post("/vao/nhan-vien", {"login": "letan", "password": "sai"})
        answer = client.post("/vao/nhan-vien", {"login": "letan", "password": "mật khẩu dài"})
        assert "Sai quá nhiều lần" in answer.content.decode()

    def test_only_addresses_of_this_site_are_followed(self, client: Client) -> None:
        Account.objects.create_account("letan", role=roles.RECEPTIONIST, password="mật khẩu dài")
        form = {"login": "letan", "password": "mật khẩu dài", "next": "https://example.org/"}
        assert client.post("/vao/nhan-vien", form)["Location"] == "/"
        assert client.post("/vao/nhan-vien", form | {"next": "/x"})["Location"] == "/x"

    def test_messages_page_lists_the_code_in_demo_mode(self, client: Client) -> None:
        self.ask(client)
        page = client.get("/demo/messages").content.decode()
        assert code_sent() in page
        rows = client.get(f"/demo/messages?format=json&phone={PHONE}").json()["messages"]
        assert [row["kind"] for row in rows] == ["accounts.code"]

    def test_every_page_has_the_strict_policy(self, client: Client) -> None:
        policy = client.get("/vao")["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy


@pytest.mark.django_db
class TestTokens:
    def test_a_token_names_its_actor_and_only_its_hash_is_kept(self) -> None:
        text = actions.make_token(role="doctor", facility="f1", practitioner="p1", now=NOW)
        actor = actor_of_token(text)
        assert actor is not None
        assert (actor.role, actor.facility, actor.practitioner, actor.persons) == (
            "doctor",
            "f1",
            "p1",
            frozenset(),
        )
        assert not Token.objects.filter(digest__contains=text).exists()
        assert actor_of_token(text + "x") is None

    def test_a_citizens_token_is_for_one_person(self) -> None:
        actor = actor_of_token(actions.make_token(role="citizen", person="p7", now=NOW))
        assert actor is not None
        assert actor.persons == frozenset({"p7"})

    def test_an_expired_or_revoked_token_is_nobody(self) -> None:
        text = actions.make_token(role="system", life=timedelta(days=-1), now=datetime.now(UTC))
        assert actor_of_token(text) is None
        text = actions.make_token(role="system", now=NOW)
        assert actor_of_token(text) is not None
        Token.objects.update(revoked_at=NOW)
        assert actor_of_token(text) is None

    def test_an_accounts_token_ends_with_the_account(self) -> None:
        account = Account.objects.create_account(PHONE, role=roles.CITIZEN)
        account.links.create(patient_id="p1")
        text = actions.make_token(role="citizen", account=account, now=NOW)
        actor = actor_of_token(text)
        assert actor is not None
        assert actor.persons == frozenset({"p1"})
        account.is_active = False
        account.save()
        assert actor_of_token(text) is None

    def test_what_works_is_remembered_for_ten_seconds(self) -> None:
        text = actions.make_token(role="system", now=NOW)
        asked, clock = [], [0.0]

        def ask(given: str) -> object:
            asked.append(given)
            return actor_of_token(given)

        authenticate = remembering(ask, clock=lambda: clock[0])
        assert authenticate(text) is not None
        Token.objects.update(revoked_at=NOW)
        clock[0] = 9.9
        assert authenticate(text) is not None
        clock[0] = 10.0
        assert authenticate(text) is None
        assert len(asked) == 2
