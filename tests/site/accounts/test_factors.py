"""Second factors: asked, set up at the first sign-in, used once, recovered, kept by staff."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from tests import signing
from tests.site.accounts.passkeys import Passkey
from tests.site.accounts.test_sign_in import PHONE, acts
from yba.site.accounts import factors, roles, rules
from yba.site.accounts.models import Account

pytestmark = pytest.mark.django_db


def signed_in(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def fresh(name: str = "letan", role: str = roles.RECEPTIONIST) -> Account:
    """A member of staff who has only a password yet."""
    return Account.objects.create_account(name, role=role, password=signing.PASSWORD, name="Trang")


def begin(client: Client, name: str = "letan") -> Any:
    return client.post("/vao/nhan-vien", {"login": name, "password": signing.PASSWORD})


def secret_on(page: str) -> str:
    found = re.search(r'<code class="secret">([A-Z2-7]{32})</code>', page)
    assert found
    return found[1]


class TestEnrolment:
    """Staff without a factor see nothing until they have one."""

    @pytest.mark.parametrize("role", roles.SECOND_FACTOR)
    def test_every_role_of_staff_must(self, role: str) -> None:
        client = Client()
        fresh("ai", role)
        assert begin(client, "ai")["Location"] == "/vao/lop-thu-hai"
        assert signed_in(client) is None
        assert client.get("/tai-khoan/bao-mat")["Location"].startswith("/vao?")

    def test_screens_and_citizens_need_not(self, client: Client) -> None:
        fresh("man-hinh", roles.WALL)
        assert begin(client, "man-hinh")["Location"] == "/"
        assert signing.enter_citizen(Client(), PHONE)["Location"] == "/"

    def test_an_authenticator_and_codes_that_are_shown_once(self, client: Client) -> None:
        account = fresh()
        begin(client)
        secret = secret_on(client.get("/vao/lop-thu-hai").content.decode())
        assert client.post("/vao/lop-thu-hai", {"code": "000000"}).status_code == 422
        assert not Authenticator.objects.exists()
        answer = client.post("/vao/lop-thu-hai", {"code": signing.totp(secret)})
        assert (answer.status_code, answer["Location"]) == (302, "/vao/lop-thu-hai")
        page = client.get("/vao/lop-thu-hai").content.decode()
        codes = re.findall(r"<li>(\d{8})</li>", page)
        assert len(set(codes)) == 10
        assert signed_in(client) is None
        answer = client.post("/vao/lop-thu-hai", {"kept": "1"})
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert signed_in(client) == str(account.pk)
        assert codes[0] not in client.get("/tai-khoan/ma-du-phong").content.decode()
        assert ("factor", str(account.pk), "totp: set up at sign-in", "ok") in acts()

    def test_the_secret_is_enciphered_in_the_table(self, client: Client) -> None:
        fresh()
        begin(client)
        secret = secret_on(client.get("/vao/lop-thu-hai").content.decode())
        client.post("/vao/lop-thu-hai", {"code": signing.totp(secret)})
        row = Authenticator.objects.get(type="totp")
        assert secret not in str(row.data)

    def test_a_passkey_alone_is_enough(self, client: Client) -> None:
        account = fresh()
        begin(client)
        key = Passkey()
        made = key.create(client, "/vao/lop-thu-hai")
        assert client.post("/vao/lop-thu-hai", {"credential": made})["Location"] == "/vao/lop-thu-hai"
        client.post("/vao/lop-thu-hai", {"kept": "1"})
        assert signed_in(client) == str(account.pk)
        other = Client()
        begin(other)
        proof = key.get(other, "/vao/hai-lop")
        assert other.post("/vao/hai-lop", {"credential": proof})["Location"] == "/"
        assert signed_in(other) == str(account.pk)

    def test_a_passkey_signs_in_without_name_and_password(self, client: Client) -> None:
        account = fresh()
        begin(client)
        key = Passkey()
        client.post("/vao/lop-thu-hai", {"credential": key.create(client, "/vao/lop-thu-hai")})
        other = Client()
        asked = other.get("/vao/khoa-truy-cap", headers={"Accept": "application/json"}).json()
        proof = key.answer(asked["request_options"], user=account)
        answer = other.post("/vao/khoa-truy-cap", {"credential": proof})
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert signed_in(other) == str(account.pk)

    def test_another_account_s_passkey_opens_nothing(self, client: Client) -> None:
        fresh()
        begin(client)
        key = Passkey()
        client.post("/vao/lop-thu-hai", {"credential": key.create(client, "/vao/lop-thu-hai")})
        client.post("/vao/lop-thu-hai", {"kept": "1"})
        victim = signing.staff("bs", roles.DOCTOR)
        other = Client()
        asked = other.get("/vao/khoa-truy-cap", headers={"Accept": "application/json"}).json()
        other.post("/vao/khoa-truy-cap", {"credential": key.answer(asked["request_options"], user=victim)})
        assert signed_in(other) is None


BROKEN = [
    "", "{", "[]", "{}", "null", "7", '"x"', '{"id": 1}', '{"id": "x", "response": {}}',
    '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"clientDataJSON": "e30", "userHandle": "MQ"}}',
    '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"clientDataJSON": "e30",'
    ' "attestationObject": "oA", "authenticatorData": "AA", "signature": "AA", "userHandle": null}}',
]  # fmt: skip


@pytest.mark.parametrize("credential", BROKEN)
def test_what_is_no_credential_is_refused(client: Client, credential: str) -> None:
    client.raise_request_exception = True
    fresh()
    begin(client)
    assert client.post("/vao/lop-thu-hai", {"credential": credential}).status_code == 422
    other = Client()
    other.get("/vao/khoa-truy-cap", headers={"Accept": "application/json"})
    assert other.post("/vao/khoa-truy-cap", {"credential": credential}).status_code == 302
    signing.staff("bs", roles.DOCTOR)
    third = Client()
    begin(third, "bs")
    assert third.post("/vao/hai-lop", {"credential": credential}).status_code == 200
    signing.enter_staff(third, "bs")
    third.post("/khoa", {"lock": "1"})
    assert third.post("/khoa", {"credential": credential}).status_code == 422
    assert signed_in(client) is signed_in(other) is None


class TestAsked:
    def test_a_code_counts_once(self, client: Client) -> None:
        signing.staff("letan", roles.RECEPTIONIST)
        code = signing.totp()
        begin(client)
        assert client.post("/vao/hai-lop", {"code": code})["Location"] == "/"
        other = Client()
        begin(other)
        answer = other.post("/vao/hai-lop", {"code": code})
        assert answer.status_code == 200
        assert "Mã chưa đúng" in answer.content.decode()
        assert signed_in(other) is None

    def test_an_older_code_does_not_count_after_a_newer(self) -> None:
        account = signing.staff("letan", roles.RECEPTIONIST)
        assert factors.of_code(account, signing.totp(steps=1)) is not None
        assert factors.of_code(account, signing.totp()) is None

    @pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
    def test_a_clock_may_be_a_step_off(self, steps: int, counts: bool) -> None:
        account = signing.staff("letan", roles.RECEPTIONIST)
        assert (factors.of_code(account, signing.totp(steps=steps)) is not None) is counts

    def test_six_wrong_codes_close_it_for_a_while(self, client: Client) -> None:
        signing.staff("letan", roles.RECEPTIONIST)
        begin(client)
        for _ in range(6):
            client.post("/vao/hai-lop", {"code": "000000"})
        answer = client.post("/vao/hai-lop", {"code": signing.totp()})
        assert "Sai quá nhiều lần" in answer.content.decode()
        assert signed_in(client) is None
        assert acts()[-1][2:] == ("factor: too many", "refused")

    def test_a_recovery_code_counts_once(self, client: Client) -> None:
        account = signing.staff("letan", roles.RECEPTIONIST)
        codes = factors.fresh_codes(account)
        begin(client)
        assert client.post("/vao/hai-lop", {"code": codes[3]})["Location"] == "/"
        other = Client()
        begin(other)
        other.post("/vao/hai-lop", {"code": codes[3]})
        assert signed_in(other) is None
        other.post("/vao/hai-lop", {"code": f"{codes[4][:4]} {codes[4][4:]}"})
        assert signed_in(other) == str(account.pk)

    def test_a_citizen_with_an_authenticator_is_asked_after_the_code(self, client: Client) -> None:
        account = Account.objects.create_account(PHONE, role=roles.CITIZEN)
        factors.set_up_totp(account, signing.SECRET)
        assert signing.enter_citizen(client, PHONE)["Location"] == "/vao/hai-lop"
        assert signed_in(client) is None
        assert client.post("/vao/hai-lop", {"code": signing.totp()})["Location"] == "/"

    def test_a_staff_session_lasts_a_shift_and_a_citizens_a_fortnight(self, client: Client) -> None:
        signing.staff("letan", roles.RECEPTIONIST)
        signing.enter_staff(client, "letan")
        shift = int(rules.STAFF_SESSION.total_seconds())
        assert shift - 60 < client.session.get_expiry_age() <= shift
        other = Client()
        signing.enter_citizen(other, PHONE)
        assert other.session.get_expiry_age() == int(timedelta(days=14).total_seconds())

    def test_a_staff_session_does_not_begin_anew_by_being_used(self, client: Client) -> None:
        signing.staff("letan", roles.RECEPTIONIST)
        signing.enter_staff(client, "letan")
        ends = client.session.get_expiry_date()
        session = client.session
        session["seen_at"] = time.time() - 60  # so that the next request writes the session
        session.save()
        before = time.time()
        client.get("/tai-khoan/bao-mat")
        assert client.session["seen_at"] >= before
        assert client.session.get_expiry_date(modification=timezone.now() + timedelta(hours=6)) == ends


class TestDemo:
    def test_its_code_is_shown_and_may_be_shared(self, client: Client) -> None:
        account = fresh()
        Account.objects.update(is_demo=True)
        account.refresh_from_db()
        factors.keep_demo(account)
        for here in (client, Client()):
            begin(here)
            shown = re.search(r"data-demo-code>(\d{6})<", here.get("/vao/hai-lop").content.decode())
            assert shown
            assert here.post("/vao/hai-lop", {"code": shown[1]})["Location"] == "/"

    def test_nobody_elses_is(self, client: Client) -> None:
        signing.staff("letan", roles.RECEPTIONIST)
        begin(client)
        assert "data-demo-code" not in client.get("/vao/hai-lop").content.decode()

    def test_outside_the_demo_there_is_none(self, settings: Any) -> None:
        account = fresh()
        account.is_demo = True
        settings.YBA_DEMO = False
        assert factors.demo_code(account) == ""
        with pytest.raises(ValueError, match="Only demo accounts"):
            factors.keep_demo(account)
        assert not account.may_enter(timezone.now())


class TestKept:
    def test_staff_keep_one_factor(self, client: Client) -> None:
        signing.staff("letan", roles.RECEPTIONIST)
        signing.enter_staff(client, "letan")
        signing.forget_counter("letan")
        client.post("/tai-khoan/xac-nhan/ma", {"code": signing.totp()})
        page = client.get("/tai-khoan/ung-dung/bo").content.decode()
        assert "Đây là lớp bảo vệ thứ hai duy nhất" in page
        client.post("/tai-khoan/ung-dung/bo")
        assert Authenticator.objects.filter(type="totp").count() == 1

    def test_changing_factors_asks_for_a_fresh_proof(self, client: Client) -> None:
        account = Account.objects.create_account(PHONE, role=roles.CITIZEN)
        client.force_login(account)
        for path in (
            "/tai-khoan/ung-dung",
            "/tai-khoan/khoa/them",
            "/tai-khoan/mat-khau/dat",
            "/tai-khoan/so-dien-thoai",
        ):
            answer = client.get(path)
            assert (answer.status_code, answer["Location"].split("?")[0]) == (
                302,
                "/tai-khoan/xac-nhan/dien-thoai",
            )
        client.get("/tai-khoan/xac-nhan/dien-thoai?next=/tai-khoan/ung-dung")
        answer = client.post(
            "/tai-khoan/xac-nhan/dien-thoai?next=/tai-khoan/ung-dung", {"code": signing.code_sent(PHONE)}
        )
        assert (answer.status_code, answer["Location"]) == (302, "/tai-khoan/ung-dung")
        page = client.get("/tai-khoan/ung-dung").content.decode()
        client.post("/tai-khoan/ung-dung", {"code": signing.totp(secret_on(page))})
        assert Authenticator.objects.filter(user=account, type="totp").exists()
