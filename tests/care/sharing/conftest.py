"""The village, and browsers of its people."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.care.sharing.village import Village
from yba import fhir


@pytest.fixture
def village(record: fhir.Record, monkeypatch: pytest.MonkeyPatch) -> Village:
    return Village(record, monkeypatch)


@pytest.fixture
def citizen(village: Village) -> Client:
    client: Any = Client()
    client.force_login(village.hanh)
    return client  # type: ignore[no-any-return]  # Django's client


@pytest.fixture
def desk(village: Village) -> Client:
    client: Any = Client()
    client.force_login(village.doctor_account)
    return client  # type: ignore[no-any-return]  # Django's client
