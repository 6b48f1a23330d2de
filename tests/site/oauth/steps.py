"""An app's steps through the authorization server, as a test takes them: what it sends and what comes back."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.conf import settings
from django.test import Client

from yba.care.keys import digest
from yba.site.accounts.models import Account, AccountPerson
from yba.site.oauth.models import APPROVED, App

FHIR = f"{settings.YBA_ORIGIN}/fhir"
TOKEN = f"{settings.YBA_ORIGIN}/oauth/token"
BACK = "https://app.example.vn/back"
SECRET = "a-secret-of-the-tests-0123456789"


def an_account(role: str = "citizen", login: str = "0905000111", **fields: Any) -> Account:
    return Account.objects.create_account(login, role=role, name=fields.pop("name", "Người thử"), **fields)


def a_developer() -> Account:
    return Account.objects.filter(login="0905999000").first() or an_account(
        login="0905999000", name="Người làm"
    )


def own(account: Account, patient: str, relation: str = "ban-than") -> None:
    AccountPerson.objects.create(account=account, patient_id=patient, relation=relation)


def an_app(**fields: Any) -> App:
    return App.objects.create(
        **{
            "state": APPROVED,
            "name": "Sổ tim mạch",
            "description": "Vẽ huyết áp theo thời gian.",
            "contact": "Nguyễn An, an@example.vn",
            "privacy": "Chỉ hiện trên máy của người dùng.",
            "redirect_uris": [BACK],
            "scopes": "openid fhirUser profile launch/patient patient/*.cruds user/*.rs offline_access online_access",
            "registered_by": a_developer(),
            **fields,
        }
    )


def a_confidential_app(**fields: Any) -> App:
    return an_app(method="client_secret_basic", secret_digest=digest(SECRET), **fields)


@dataclass
class Steps:
    """One app in one browser."""

    app: App
    browser: Client
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    def query(self, **changes: Any) -> dict[str, str]:
        """The parameters of an authorization request; None takes one away."""
        found = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": BACK,
            "scope": "launch/patient patient/Observation.rs",
            "state": self.state,
            "aud": FHIR,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in found.items() if value is not None}

    def ask(self, **changes: Any) -> Any:
        return self.browser.get("/oauth/authorize", self.query(**changes))

    def decide(self, said: dict[str, Any], **changes: Any) -> Any:
        return self.browser.post(f"/oauth/decide?{urlencode(self.query(**changes))}", said)

    def agree(self, *lines: str, **changes: Any) -> dict[str, str]:
        """Tick these lines (all, if none is named) and go back to the app: what it is told."""
        said: dict[str, Any] = {"quyet": "cho", "thoi_han": changes.pop("days", "30")}
        for name in ("nguoi", "nhay_cam"):
            if name in changes:
                said[name] = changes.pop(name)
        page = self.ask(**changes)
        assert page.status_code == 200, page.headers.get("Location", page.status_code)
        shown = page.context["page"]
        every = [line.key for group in shown.groups for line in group.lines]
        assert set(lines) <= set(every), every
        said["phan"] = list(lines) or every
        if "nguoi" not in said and shown.people:
            said["nguoi"] = shown.people[0].id
        return back(self.decide(said, **changes))

    def exchange(self, code: str, *, browser: Client | None = None, **changes: Any) -> Any:
        """A code for tokens; a public app names itself."""
        data = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": BACK,
            "client_id": self.app.client_id,
            "code_verifier": self.verifier,
            **changes,
        }
        return post("/oauth/token", {name: value for name, value in data.items() if value is not None})

    def tokens(self, *lines: str, **changes: Any) -> dict[str, Any]:
        """The whole way at once."""
        answer = self.exchange(self.agree(*lines, **changes)["code"])
        assert answer.status_code == 200, answer.content
        found: dict[str, Any] = answer.json()
        return found

    def refresh(self, token: str, **changes: Any) -> Any:
        data = {
            "grant_type": "refresh_token", "refresh_token": token, "client_id": self.app.client_id, **changes,
        }  # fmt: skip
        return post("/oauth/token", {name: value for name, value in data.items() if value is not None})


def post(path: str, data: dict[str, Any], **headers: str) -> Any:
    """As a program sends it: a form, no cookies, and a strict check of CSRF that must not be asked."""
    return Client(enforce_csrf_checks=True).post(
        path, urlencode(data, doseq=True), content_type="application/x-www-form-urlencoded", headers=headers
    )


def back(response: Any) -> dict[str, str]:
    """What an app learns from the address the browser is led to."""
    assert response.status_code == 302, (response.status_code, response.content[:300])
    parts = urlsplit(response["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == BACK
    found = parse_qs(parts.query, keep_blank_values=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}
