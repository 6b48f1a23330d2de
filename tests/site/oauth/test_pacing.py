"""The endpoints programs ask have limits of their own: by address, by app, and for wrong secrets."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.test import Client

from tests.site.oauth.steps import SECRET, a_confidential_app
from yba.site.oauth import pacing
from yba.site.oauth.models import App

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
ENDPOINTS = ("token", "introspect", "revoke")


def ask(endpoint: str, app: App, secret: str = SECRET, *, address: str = "203.0.113.7") -> Any:
    basic = base64.b64encode(f"{app.client_id}:{secret}".encode()).decode()
    body = "grant_type=refresh_token&refresh_token=x" if endpoint == "token" else "token=x"
    return Client().post(
        f"/oauth/{endpoint}", body, content_type=FORM, headers={"Authorization": f"Basic {basic}"},
        REMOTE_ADDR=address,
    )  # fmt: skip


def later(answer: Any, within: int) -> None:
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= within
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["error"] == "temporarily_unavailable"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_one_address_has_a_limit_and_another_has_its_own(
    monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setattr(pacing, "OF_ADDRESS", 2)
    app = a_confidential_app()
    usual = [ask(endpoint, app).status_code for _ in range(2)]
    assert 429 not in usual
    later(ask(endpoint, app), 60)
    assert ask(endpoint, app, address="203.0.113.8").status_code == usual[0]
    for other in set(ENDPOINTS) - {endpoint}:
        assert ask(other, app).status_code != 429


def test_one_app_has_a_limit_from_wherever_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "OF_APP", 2)
    app, other = a_confidential_app(), a_confidential_app(name="Khác")
    for turn in range(2):
        assert ask("introspect", app, address=f"203.0.113.{turn}").status_code == 200
    later(ask("introspect", app, address="203.0.113.9"), 60)
    assert ask("introspect", other, address="203.0.113.9").status_code == 200


def test_nobody_uses_up_the_share_of_an_app_by_naming_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "OF_APP", 2)
    app = a_confidential_app()
    for _ in range(5):
        assert ask("introspect", app, "wrong", address="198.51.100.1").status_code in (400, 401)
    assert ask("introspect", app).status_code == 200


def test_secrets_can_not_be_tried_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "WRONG", 3)
    app = a_confidential_app()
    for _ in range(3):
        assert ask("token", app, "wrong").status_code in (400, 401)
    later(ask("token", app), 900)
    later(ask("introspect", app), 900)
    assert ask("introspect", app, address="203.0.113.8").status_code == 200
