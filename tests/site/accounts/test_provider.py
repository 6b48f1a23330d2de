"""An identity provider's word, from a real OpenID Connect provider in a process of its own."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.test import Client

from tests import signing
from tests.builders import a_patient
from tests.site.accounts.test_sign_in import PHONE, acts
from yba import fhir
from yba.fhir.r4.datatypes import Identifier
from yba.site.accounts import roles
from yba.site.accounts.models import BY_PROVIDER, UNVERIFIED, Account, Doubt

pytestmark = pytest.mark.django_db
CCCD = "https://yba.vn/fhir/sid/cccd"
HANH = {
    "name": "Nguyễn Thị Hạnh",
    "birthdate": "1968-03-12",
    "gender": "female",
    "citizen_number": "046168001234",
    "phone_number": "+84905123456",
    "phone_number_verified": True,
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """`oidc-provider-mock`, an OpenID Connect provider on a port of this machine."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(f"{address}/.well-known/openid-configuration").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(autouse=True)
def house(issuer: str, settings: Any) -> None:
    """The house asks this provider."""
    app = {
        "provider_id": "dinh-danh", "name": "Định danh thử", "client_id": "yba", "secret": "mật",
        "settings": {
            "server_url": issuer, "oauth_pkce_enabled": True, "scope": ["openid", "profile", "phone"],
        },
    }  # fmt: skip
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}


def vouch(
    client: Client, issuer: str, claims: dict[str, Any], *, process: str = "", deny: bool = False
) -> Any:
    """Walk to the provider as a browser does, be somebody there, and come back; the last answer here."""
    sub = str(claims.get("citizen_number", "ai"))
    httpx.put(f"{issuer}/users/{sub}", json=claims).raise_for_status()
    start = f"/vao/dinh-danh/dinh-danh{'?process=' + process if process else ''}"
    away = client.post(start)
    assert away.status_code == 302
    assert away["Location"].startswith(f"{issuer}/oauth2/authorize?")
    asked = parse_qs(urlsplit(away["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    body = {"action": "deny"} if deny else {"sub": sub}
    back = httpx.post(away["Location"], data=body).headers["location"]
    parts = urlsplit(back)
    assert parts.path == "/vao/dinh-danh/dinh-danh/ve"
    return client.get(f"{parts.path}?{parts.query}")


def who(client: Client) -> Account:
    return Account.objects.get(pk=client.session["_auth_user_id"])


def known(record: fhir.Record, **fields: Any) -> str:
    identifier = [Identifier(system=CCCD, value="046168001234")]
    return record.create(a_patient(**{"identifier": identifier, "phone": "0900000001"} | fields)).id or ""


def test_the_page_offers_it_and_its_form_may_lead_there(client: Client, issuer: str) -> None:
    answer = client.get("/vao")
    assert "Đăng nhập bằng Định danh thử" in answer.content.decode()
    action = re.search(r"form-action ([^;]*)", answer["Content-Security-Policy"])
    assert action
    assert action[1].split() == ["'self'", issuer]


@pytest.mark.parametrize("named", ["khac", "a%00b", "%27%3B--"])
def test_another_provider_is_not_there(client: Client, named: str) -> None:
    for path in (f"/vao/dinh-danh/{named}", f"/vao/dinh-danh/{named}/ve"):
        assert (client.get(path).status_code, client.post(path).status_code) == (404, 404), path


def test_somebody_new_is_entered_as_the_provider_says(
    client: Client, issuer: str, record: fhir.Record
) -> None:
    assert vouch(client, issuer, HANH)["Location"] == "/"
    account = who(client)
    assert (account.role, account.identity, account.has_usable_password()) == ("citizen", BY_PROVIDER, False)
    assert account.person is not None
    patient = record.read("Patient", account.person)
    assert (patient.birthDate, patient.gender) == ("1968-03-12", "female")  # type: ignore[attr-defined]
    assert acts()[-1][2] == "socialaccount"
    again = Client()
    vouch(again, issuer, HANH)
    assert who(again) == account


def test_the_provider_is_the_further_proof_for_a_known_number(
    client: Client, issuer: str, record: fhir.Record
) -> None:
    theirs = known(record)
    vouch(client, issuer, HANH)
    assert who(client).person == theirs
    assert who(client).identity == BY_PROVIDER
    assert not Doubt.objects.exists()


@pytest.mark.parametrize("change", [{"birthDate": "1968-03-13"}, {"name": "Trần Thị Khác"}])
def test_a_number_with_other_words_goes_to_a_human(
    client: Client, issuer: str, record: fhir.Record, change: dict[str, str]
) -> None:
    theirs = known(record, **change)
    vouch(client, issuer, HANH)
    assert who(client).persons == frozenset()
    assert who(client).identity == UNVERIFIED
    assert Doubt.objects.get().candidates == [theirs]


def test_a_person_another_account_holds_goes_to_a_human(
    client: Client, issuer: str, record: fhir.Record
) -> None:
    theirs = known(record)
    other = Account.objects.create_account("0911111111", role=roles.CITIZEN)
    other.links.create(patient_id=theirs, relation="ban-than")
    vouch(client, issuer, HANH)
    assert who(client).persons == frozenset()
    assert Doubt.objects.get().account == who(client)
    assert other.person == theirs


def test_a_signed_in_citizen_is_verified_by_it(client: Client, issuer: str, record: fhir.Record) -> None:
    signing.enter_citizen(client, PHONE)
    account = who(client)
    account.links.create(patient_id=known(record, identifier=[]), relation="ban-than")
    assert vouch(client, issuer, HANH, process="connect")["Location"] == "/tai-khoan/bao-mat"
    account.refresh_from_db()
    assert who(client) == account
    assert account.identity == BY_PROVIDER
    patient = record.read("Patient", account.person or "")
    assert [one.value for one in patient.identifier] == ["046168001234"]  # type: ignore[attr-defined]


def test_another_s_word_does_not_verify(client: Client, issuer: str, record: fhir.Record) -> None:
    signing.enter_citizen(client, PHONE)
    account = who(client)
    own = known(record)
    account.links.create(patient_id=own, relation="ban-than")
    vouch(client, issuer, HANH | {"name": "Lê Văn Khác", "citizen_number": "046099000111"}, process="connect")
    account.refresh_from_db()
    assert account.identity == UNVERIFIED
    assert Doubt.objects.get().candidates == [own]


def test_without_name_or_birth_date_nobody_enters(client: Client, issuer: str) -> None:
    answer = vouch(client, issuer, {"citizen_number": "046168001234", "name": "Hạnh"})
    assert answer["Location"] == "/vao"
    assert "_auth_user_id" not in client.session
    assert not Account.objects.exists()


def test_a_refusal_at_the_provider_is_said(client: Client, issuer: str) -> None:
    answer = vouch(client, issuer, HANH, deny=True)
    assert answer.status_code == 302
    assert "Chưa xác minh" in client.get("/vao").content.decode()
    assert "_auth_user_id" not in client.session


def test_a_forged_answer_is_refused(client: Client, issuer: str) -> None:
    client.get("/vao/dinh-danh/dinh-danh/ve?code=x&state=y")
    assert "_auth_user_id" not in client.session
    assert not Account.objects.exists()


def test_an_unknown_provider_is_not_there(client: Client) -> None:
    assert client.post("/vao/dinh-danh/khac").status_code == 404
