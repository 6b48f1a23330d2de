"""Signing in with a one-time code or a password, and tokens."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests import signing
from tests.signing import enter_citizen
from tests.site.accounts.who import actor_of_token
from yba.care.messages.models import Message
from yba.site.accounts import actions, factors, limits, roles, rules
from yba.site.accounts.models import Account, Phone, SignInCode, Token
from yba.site.accounts.rules import Refusal

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
        assert (answer.status_code, answer["Location"]) == (302, "/vao/tam-khoa")
        assert client.get("/vao/tam-khoa").status_code == 403
        assert "_auth_user_id" not in client.session

    def test_staff_enter_with_a_password_and_an_authenticator(self, client: Client) -> None:
        account = signing.staff("letan", roles.RECEPTIONIST)
        answer = client.post("/vao/nhan-vien", {"login": "LeTan ", "password": signing.PASSWORD})
        assert (answer.status_code, answer["Location"]) == (302, "/vao/hai-lop")
        assert "_auth_user_id" not in client.session
        answer = client.post("/vao/hai-lop", {"code": signing.totp()})
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert client.session["_auth_user_id"] == str(account.pk)
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
        for wanted, found in (("https://example.org/", "/"), ("//example.org", "/"), ("/x", "/x")):
            here = Client()
            number = f"09051234{len(wanted):02d}"
            here.post("/vao", {"phone": number, "next": wanted})
            assert here.post("/vao/ma", {"code": code_sent(number)})["Location"] == found

    def test_messages_page_lists_the_code_in_demo_mode(self, client: Client) -> None:
        self.ask(client)
        page = client.get("/demo/messages").content.decode()
        assert code_sent() in page
        rows = client.get(f"/demo/messages?format=json&phone={PHONE}").json()["messages"]
        assert [row["kind"] for row in rows] == ["accounts.code"]

    def test_every_page_has_the_strict_policy(self, client: Client) -> None:
        policy = client.get("/vao")["Content-Security-Policy"]
        assert "default-src 'none'" in policy
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

    def test_a_token_carries_departments_programme_and_rights(self) -> None:
        text = actions.make_token(
            role="nurse", facility="f1", departments=["d1", "d2"], programme="p1", rights=["HIV"], now=NOW
        )
        actor = actor_of_token(text)
        assert actor is not None
        assert (actor.departments, actor.programme, actor.rights, actor.person) == (
            frozenset({"d1", "d2"}),
            "p1",
            frozenset({"HIV"}),
            None,
        )

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
        assert actor.person == "p1"
        for change, back in (
            ({"is_active": False}, {"is_active": True}),
            ({"suspended_at": NOW}, {"suspended_at": None}),
            ({"expires_at": NOW - timedelta(days=400)}, {"expires_at": None}),
        ):
            Account.objects.update(**change)
            assert actor_of_token(text) is None
            Account.objects.update(**back)
            assert actor_of_token(text) is not None


def acts() -> list[tuple[str, str, str | None, str]]:
    """Act, actor, detail and outcome of what accounts noted, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select act, actor, detail, outcome from record.audit where act in"
            " ('sign-in', 'sign-in-failed', 'sign-out', 'lock', 'factor', 'policy') order by seq"
        )
        return cursor.fetchall()


@pytest.mark.django_db
class TestNotes:
    """Signing in, failing and out are in the audit, with no secret and nothing typed."""

    def test_in_failed_and_out(self, client: Client) -> None:
        client.post("/vao", {"phone": PHONE})
        client.post("/vao/ma", {"code": wrong(code_sent())})
        client.post("/vao/ma", {"code": code_sent()})
        account = Account.objects.get()
        client.post("/ra")
        assert acts() == [
            ("sign-in-failed", "anonymous", "code: wrong", "refused"),
            ("sign-in", str(account.pk), "code", "ok"),
            ("sign-out", str(account.pk), None, "ok"),
        ]

    def test_a_wrong_password_names_the_account_and_not_what_was_typed(self, client: Client) -> None:
        account = signing.staff("letan", roles.RECEPTIONIST)
        client.post("/vao/nhan-vien", {"login": "letan", "password": "sai bét"})
        client.post("/vao/nhan-vien", {"login": "mat-khau-go-nham", "password": "sai bét"})
        assert acts() == [
            ("sign-in-failed", str(account.pk), "password: wrong", "refused"),
            ("sign-in-failed", "anonymous", "password: wrong", "refused"),
        ]

    def test_a_step_that_fails_is_noted(self, client: Client) -> None:
        account = signing.staff("letan", roles.RECEPTIONIST)
        signing.enter_staff(client, "letan", code="000000")
        assert acts()[-1] == ("sign-in-failed", str(account.pk), "factor: wrong", "refused")
        signing.enter_staff(client, "letan")
        assert acts()[-1] == ("sign-in", str(account.pk), "password+totp", "ok")


@pytest.mark.django_db
class TestPassword:
    """A citizen's optional password: the same page, limits and answers for known and unknown numbers."""

    def made(self) -> Account:
        return Account.objects.create_account(PHONE, role=roles.CITIZEN, password=signing.PASSWORD)

    def test_it_opens_in_place_of_a_code(self, client: Client) -> None:
        account = self.made()
        answer = client.post("/vao/mat-khau", {"phone": "0905 123 456", "password": signing.PASSWORD})
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert client.session["_auth_user_id"] == str(account.pk)

    def test_wrong_unknown_and_none_set_read_the_same(self, client: Client) -> None:
        self.made()
        Account.objects.create_account("0905123457", role=roles.CITIZEN)
        pages = []
        for number in (PHONE, "0905123457", "0905123458"):
            answer = client.post("/vao/mat-khau", {"phone": number, "password": "sai"})
            text = re.sub(r"[A-Za-z0-9]{64}|0905\d{6}", "", answer.content.decode())
            pages.append((answer.status_code, text))
        assert pages[0] == pages[1] == pages[2]
        assert pages[0][0] == 422
        assert "Số điện thoại hoặc mật khẩu chưa đúng" in pages[0][1]

    def test_limits_hold_for_known_and_unknown(self, client: Client) -> None:
        self.made()
        for number in (PHONE, "0905123458"):
            for _ in range(10):
                client.post("/vao/mat-khau", {"phone": number, "password": "sai"})
            answer = client.post("/vao/mat-khau", {"phone": number, "password": signing.PASSWORD})
            assert answer.status_code == 422
            assert "Sai quá nhiều lần" in answer.content.decode()

    def test_staff_do_not_enter_here_nor_citizens_there(self, client: Client) -> None:
        self.made()
        signing.staff("letan", roles.RECEPTIONIST)
        answer = client.post("/vao/nhan-vien", {"login": PHONE, "password": signing.PASSWORD})
        assert answer.status_code == 422
        assert "Tên đăng nhập hoặc mật khẩu chưa đúng" in answer.content.decode()
        assert "_auth_user_id" not in client.session

    def test_fifty_wrong_passwords_close_an_address(self, client: Client) -> None:
        for n in range(50):
            client.post("/vao/nhan-vien", {"login": f"ai-{n}", "password": "sai"})
        answer = client.post("/vao/nhan-vien", {"login": "ai-51", "password": "sai"})
        assert "Sai quá nhiều lần" in answer.content.decode()
        answer = client.post("/vao/nhan-vien", {"login": "ai-51", "password": "sai"}, REMOTE_ADDR="10.9.9.9")
        assert "Tên đăng nhập hoặc mật khẩu chưa đúng" in answer.content.decode()


def test_unknown_names_cost_the_work_of_known_ones(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One hash is computed for a wrong password, for an unknown name and for an account without a password."""
    from django.contrib.auth.hashers import Argon2PasswordHasher

    signing.staff("letan", roles.RECEPTIONIST)
    Account.objects.create_account("0905123457", role=roles.CITIZEN)
    worked: list[str] = []
    for method in ("encode", "verify"):
        plain = getattr(Argon2PasswordHasher, method)
        monkeypatch.setattr(Argon2PasswordHasher, method, _counted(plain, worked))
    counts = []
    for name in ("letan", "khongco", "0905123457"):
        worked.clear()
        Client().post("/vao/nhan-vien", {"login": name, "password": "sai"})
        counts.append(len(worked))
    assert counts == [1, 1, 1]


def _counted(plain: Any, worked: list[str]) -> Any:
    def counted(*args: Any, **more: Any) -> Any:
        worked.append("")
        return plain(*args, **more)

    return counted


def test_one_code_counts_once_for_many_at_once(committed: str) -> None:
    """Eight browsers send the same right code at the same moment: one of them is in."""
    from django.db import connections

    assert actions.send_code(PHONE, address="10.0.0.1", now=datetime.now(UTC)) is None
    code = code_sent()
    gate = threading.Barrier(8)

    def one(_: int) -> Refusal | None:
        try:
            gate.wait(10)
            return actions.use_code(PHONE, code, now=datetime.now(UTC))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(one, range(8)))
    assert found.count(None) == 1
    assert set(found) - {None} == {Refusal.EXPIRED}


def test_one_new_number_makes_one_account_for_many_at_once(committed: str) -> None:
    from django.db import connections

    gate = threading.Barrier(6)

    def one(_: int) -> int:
        try:
            gate.wait(10)
            return actions.citizen_account(PHONE).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(one, range(6)))) == 1
    assert Account.objects.count() == Phone.objects.count() == 1


def test_one_authenticator_code_counts_once_for_many_at_once(committed: str) -> None:
    from django.db import connections

    account = signing.staff("letan", roles.RECEPTIONIST)
    code, gate = signing.totp(), threading.Barrier(6)

    def one(_: int) -> bool:
        try:
            gate.wait(10)
            return factors.of_code(account, code) is not None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(one, range(6))) == [False] * 5 + [True]


@pytest.mark.django_db
def test_a_shift_that_signs_in_from_one_address_is_not_shut_out() -> None:
    """Right passwords do not count against the address they come from."""
    first = Account.objects.create_account("ca-0", role=roles.WALL, password=signing.PASSWORD)
    for n in range(1, 52):
        Account.objects.create(login=f"ca-{n}", role=roles.WALL, password=first.password)
    for n in range(52):
        answer = Client().post("/vao/nhan-vien", {"login": f"ca-{n}", "password": signing.PASSWORD})
        assert (n, answer.status_code) == (n, 302)


@pytest.mark.django_db
def test_a_suspended_account_is_out_at_the_next_request(client: Client) -> None:
    enter_citizen(client, PHONE)
    assert client.get("/tai-khoan/bao-mat").status_code == 200
    for change, back in (
        ({"suspended_at": NOW}, {"suspended_at": None}),
        ({"expires_at": NOW - timedelta(days=400)}, {"expires_at": None}),
        ({"is_active": False}, {"is_active": True}),
    ):
        Account.objects.update(**change)
        assert client.get("/tai-khoan/bao-mat").status_code == 302
        Account.objects.update(**back)
        assert client.get("/tai-khoan/bao-mat").status_code == 200


@pytest.mark.django_db
def test_a_demo_account_is_nobody_outside_the_demo(client: Client, settings: Any) -> None:
    signing.staff("bs", roles.DOCTOR, is_demo=True)
    settings.YBA_DEMO = False
    settings.SECURE_SSL_REDIRECT = False
    answer = signing.enter_staff(client, "bs")
    assert answer["Location"] == "/vao/tam-khoa"
