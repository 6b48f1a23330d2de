"""A citizen's numbers: several, a lost one, one that was silent and may have a new owner; and the devices."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests import signing
from tests.builders import a_patient
from tests.site.accounts.test_sign_in import PHONE, acts
from yba import fhir
from yba.care.messages.models import Message
from yba.fhir.r4.datatypes import Identifier
from yba.site.accounts import actions, factors, roles, rules
from yba.site.accounts.models import Account, Phone, SignInCode

pytestmark = pytest.mark.django_db
NEW = "0387654321"
NUMBER = "046158000123"


def signed_in(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


@pytest.fixture
def owner(record: fhir.Record) -> Account:
    """An account whose own record says 5 September 1958 and a citizen number."""
    identifier = [Identifier(system="https://yba.vn/fhir/sid/cccd", value=NUMBER)]
    patient = record.create(a_patient(birthDate="1958-09-05", identifier=identifier))
    account = Account.objects.create_account(PHONE, role=roles.CITIZEN, name="Hạnh")
    account.links.create(patient_id=patient.id, relation="ban-than")
    return account


def silence(days: float) -> None:
    Phone.objects.update(used_at=timezone.now() - timedelta(days=days))


class TestSilence:
    def test_after_long_silence_a_code_alone_opens_nothing(self, client: Client, owner: Account) -> None:
        silence(rules.SILENCE.days)
        assert signing.enter_citizen(client, PHONE)["Location"] == "/vao/chu-so"
        assert signed_in(client) is None
        assert client.get("/so/")["Location"].startswith("/vao?")

    def test_before_it_does(self, client: Client, owner: Account) -> None:
        silence(rules.SILENCE.days - 1)
        assert signing.enter_citizen(client, PHONE)["Location"] == "/"
        assert Phone.objects.get().used_at > timezone.now() - timedelta(minutes=1)

    @pytest.mark.parametrize(
        "proof", ["05/09/1958", "5-9-1958", "05091958", "046 158 000 123", "046158000123"]
    )
    def test_birth_date_or_citizen_number_open_it(self, client: Client, owner: Account, proof: str) -> None:
        silence(400)
        signing.enter_citizen(client, PHONE)
        assert client.post("/vao/chu-so", {"proof": proof})["Location"] == "/"
        assert signed_in(client) == str(owner.pk)
        assert signing.enter_citizen(Client(), PHONE) is not None
        assert not rules.is_silent(Phone.objects.get().used_at, timezone.now())

    @pytest.mark.parametrize("proof", ["06/09/1958", "1958", "09/1958", "046158000124", "x"])
    def test_anything_else_does_not(self, client: Client, owner: Account, proof: str) -> None:
        silence(400)
        signing.enter_citizen(client, PHONE)
        assert client.post("/vao/chu-so", {"proof": proof}).status_code == 422
        assert signed_in(client) is None
        assert acts()[-1] == ("sign-in-failed", str(owner.pk), "second proof: wrong", "refused")

    def test_five_wrong_proofs_a_day(self, client: Client, owner: Account) -> None:
        silence(400)
        signing.enter_citizen(client, PHONE)
        for _ in range(5):
            client.post("/vao/chu-so", {"proof": "01/01/1990"})
        answer = client.post("/vao/chu-so", {"proof": "05/09/1958"})
        assert answer.status_code == 422
        assert "Mang căn cước tới quầy" in answer.content.decode()

    def test_a_new_owner_begins_a_book_of_their_own(self, client: Client, owner: Account) -> None:
        silence(400)
        signing.enter_citizen(client, PHONE)
        assert client.post("/vao/chu-so", {"mine": "1"})["Location"] == "/"
        newcomer = Account.objects.get(pk=signed_in(client))
        assert newcomer.pk != owner.pk
        assert (newcomer.phone, newcomer.persons) == (PHONE, frozenset())
        owner.refresh_from_db()
        assert owner.phone == ""
        assert owner.login != PHONE
        assert len(owner.persons) == 1

    def test_an_empty_account_is_not_asked(self, client: Client) -> None:
        Account.objects.create_account(PHONE, role=roles.CITIZEN)
        silence(400)
        assert signing.enter_citizen(client, PHONE)["Location"] == "/"

    def test_an_authenticator_is_the_better_second_proof(self, client: Client, owner: Account) -> None:
        factors.set_up_totp(owner, signing.SECRET)
        silence(400)
        assert signing.enter_citizen(client, PHONE)["Location"] == "/vao/hai-lop"
        assert client.post("/vao/hai-lop", {"code": signing.totp()})["Location"] == "/"


class TestSeveral:
    def add(self, client: Client, number: str) -> Any:
        client.post("/tai-khoan/so-dien-thoai", {"phone": number})
        return client.post("/tai-khoan/so-dien-thoai/ma", {"code": signing.code_sent(number)})

    def test_a_second_number_signs_in_too(self, client: Client) -> None:
        signing.enter_citizen(client, PHONE)
        account = Account.objects.get()
        assert self.add(client, NEW)["Location"] == "/tai-khoan/bao-mat"
        SignInCode.objects.all().delete()
        other = Client()
        signing.enter_citizen(other, NEW)
        assert signed_in(other) == str(account.pk)
        told = Message.objects.filter(kind="accounts.changed")
        assert [one.to_phone for one in told] == [PHONE]
        assert ("factor", str(account.pk), "phone: added", "ok") in acts()

    def test_a_number_of_another_account_stays_there(self, client: Client) -> None:
        other = Account.objects.create_account(NEW, role=roles.CITIZEN)
        signing.enter_citizen(client, PHONE)
        assert self.add(client, NEW).status_code == 422
        assert Phone.objects.get(number=NEW).account == other

    def test_the_last_number_stays(self, client: Client) -> None:
        signing.enter_citizen(client, PHONE)
        row = Phone.objects.get()
        client.post(f"/tai-khoan/so-dien-thoai/{row.pk}/bo")
        assert Phone.objects.filter(pk=row.pk).exists()

    def test_a_dropped_number_is_free_and_opens_nothing_of_before(self, client: Client) -> None:
        signing.enter_citizen(client, PHONE)
        self.add(client, NEW)
        account = Account.objects.get()
        row = Phone.objects.get(number=PHONE)
        client.post(f"/tai-khoan/so-dien-thoai/{row.pk}/bo")
        SignInCode.objects.all().delete()
        other = Client()
        signing.enter_citizen(other, PHONE)
        assert signed_in(other) not in (None, str(account.pk))

    def test_anothers_number_is_not_there(self, client: Client) -> None:
        Account.objects.create_account(NEW, role=roles.CITIZEN)
        signing.enter_citizen(client, PHONE)
        row = Phone.objects.get(number=NEW)
        assert client.post(f"/tai-khoan/so-dien-thoai/{row.pk}/bo").status_code == 404
        assert Phone.objects.filter(pk=row.pk).exists()

    def test_five_at_most(self, client: Client) -> None:
        signing.enter_citizen(client, PHONE)
        account = Account.objects.get()
        for n in range(4):
            assert actions.add_phone(account, f"039000000{n}", now=timezone.now())
        assert client.get("/tai-khoan/so-dien-thoai")["Location"] == "/tai-khoan/bao-mat"


class TestLost:
    def ask(self, client: Client, *, old: str = PHONE, proof: str = "", code: str | None = None) -> Any:
        SignInCode.objects.update(sent_at=datetime(2026, 1, 1, tzinfo=timezone.get_default_timezone()))
        client.post("/vao/mat-so", {"phone": NEW})
        sent = code or signing.code_sent(NEW)
        return client.post("/vao/lay-lai", {"old_phone": old, "proof": proof, "code": sent})

    def test_a_recovery_code_moves_the_account_to_the_new_number(
        self, client: Client, owner: Account
    ) -> None:
        code = factors.set_up_totp(owner, signing.SECRET)[0]
        assert self.ask(client, proof=code)["Location"] == "/vao"
        assert [one.number for one in owner.phones.all()] == [NEW]
        assert Message.objects.filter(to_phone=PHONE, kind="accounts.changed").count() == 1
        assert ("factor", str(owner.pk), "phone: changed by recovery", "ok") in acts()

    def test_so_does_a_password_where_there_is_no_factor(self, client: Client, owner: Account) -> None:
        owner.set_password(signing.PASSWORD)
        owner.save()
        assert self.ask(client, proof=signing.PASSWORD)["Location"] == "/vao"
        assert owner.phone == NEW

    def test_the_phone_that_was_lost_is_signed_out(self, client: Client, owner: Account) -> None:
        owner.set_password(signing.PASSWORD)
        owner.save()
        lost = Client()
        signing.enter_citizen(lost, PHONE)
        assert signed_in(lost) == str(owner.pk)
        assert self.ask(client, proof=signing.PASSWORD)["Location"] == "/vao"
        assert signed_in(lost) is None

    def test_not_where_there_is_one(self, client: Client, owner: Account) -> None:
        owner.set_password(signing.PASSWORD)
        owner.save()
        factors.set_up_totp(owner, signing.SECRET)
        assert self.ask(client, proof=signing.PASSWORD).status_code == 422
        assert owner.phone == PHONE

    def test_the_new_number_must_be_proved(self, client: Client, owner: Account) -> None:
        code = factors.set_up_totp(owner, signing.SECRET)[0]
        wrong = f"{(int(signing_code(client)) + 1) % 1_000_000:06d}"
        assert self.ask(client, proof=code, code=wrong).status_code == 422
        assert owner.phone == PHONE

    def test_known_and_unknown_numbers_answer_the_same(self, client: Client, owner: Account) -> None:
        pages = [
            self.ask(Client(), old=old, proof="sai").content.decode().replace(old, "")
            for old in (PHONE, "0911111111")
        ]
        import re

        cleaned = [re.sub(r"[A-Za-z0-9]{64}|\b\d{6}\b", "", page) for page in pages]
        assert cleaned[0] == cleaned[1]
        assert "chưa khớp" in cleaned[0]

    def test_five_tries_a_day_for_a_number(self, client: Client, owner: Account) -> None:
        code = factors.set_up_totp(owner, signing.SECRET)[0]
        client.post("/vao/mat-so", {"phone": NEW})
        for _ in range(5):
            client.post("/vao/lay-lai", {"old_phone": PHONE, "proof": "sai", "code": "000000"})
        answer = client.post(
            "/vao/lay-lai", {"old_phone": PHONE, "proof": code, "code": signing.code_sent(NEW)}
        )
        assert "Mang căn cước tới quầy" in answer.content.decode()
        assert owner.phone == PHONE

    def test_a_number_with_a_book_of_its_own_is_not_taken(
        self, client: Client, owner: Account, record: fhir.Record
    ) -> None:
        code = factors.set_up_totp(owner, signing.SECRET)[0]
        other = Account.objects.create_account(NEW, role=roles.CITIZEN)
        other.links.create(patient_id=record.create(a_patient()).id, relation="ban-than")
        assert self.ask(client, proof=code).status_code == 422
        assert other.phone == NEW


def signing_code(client: Client) -> str:
    client.post("/vao/mat-so", {"phone": NEW})
    return signing.code_sent(NEW)


class TestDevices:
    def test_each_is_listed_and_can_be_ended(self, client: Client) -> None:
        signing.enter_citizen(client, PHONE)
        SignInCode.objects.all().delete()
        other = Client(headers={"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Safari/605.1"})
        signing.enter_citizen(other, PHONE)
        page = client.get("/tai-khoan/bao-mat").content.decode()
        assert "Safari · iPhone" in page
        from allauth.usersessions.models import UserSession

        row = UserSession.objects.get(session_key=other.session.session_key)
        assert client.post(f"/tai-khoan/thiet-bi/{row.pk}/ra")["Location"] == "/tai-khoan/bao-mat"
        assert other.get("/tai-khoan/bao-mat").status_code == 302
        assert client.get("/tai-khoan/bao-mat").status_code == 200

    def test_all_others_at_once(self, client: Client) -> None:
        others = [Client() for _ in range(3)]
        for one in (client, *others):
            SignInCode.objects.all().delete()
            signing.enter_citizen(one, PHONE)
        client.post("/tai-khoan/thiet-bi/ra-het")
        assert [one.get("/tai-khoan/bao-mat").status_code for one in others] == [302, 302, 302]
        assert client.get("/tai-khoan/bao-mat").status_code == 200

    def test_anothers_device_is_not_there(self, client: Client) -> None:
        signing.enter_citizen(client, PHONE)
        other = Client()
        signing.enter_citizen(other, NEW)
        from allauth.usersessions.models import UserSession

        row = UserSession.objects.get(session_key=other.session.session_key)
        assert client.post(f"/tai-khoan/thiet-bi/{row.pk}/ra").status_code == 404
        assert other.get("/tai-khoan/bao-mat").status_code == 200
