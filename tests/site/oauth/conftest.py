"""A citizen with a child, an approved app, and a browser in which the citizen is signed in."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.builders import a_patient
from tests.site.oauth.steps import Steps, an_account, an_app, own
from yba.site.accounts.models import Account
from yba.site.oauth.models import App


@pytest.fixture
def person(record: Any) -> str:
    return record.create(a_patient("Nguyễn Thị Hạnh")).id


@pytest.fixture
def child(record: Any) -> str:
    return record.create(a_patient("Lê Đức Anh", identifier=[], birthDate="2020-05-01")).id


@pytest.fixture
def citizen(db: None, person: str) -> Account:
    account = an_account(name="Nguyễn Thị Hạnh")
    own(account, person)
    return account


@pytest.fixture
def app(db: None) -> App:
    return an_app()


@pytest.fixture
def browser(citizen: Account) -> Client:
    found = Client()
    found.force_login(citizen)
    return found


@pytest.fixture
def steps(app: App, browser: Client) -> Steps:
    return Steps(app, browser)
