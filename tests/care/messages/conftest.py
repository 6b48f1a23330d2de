"""Messages go through gateways that keep what they get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.care.messages import gateways
from tests.care.messages.gateways import Kept
from yba.care.messages.port import Gateway


@pytest.fixture
def here(settings: Any) -> Iterator[dict[str, Gateway]]:
    settings.YBA_GATEWAYS = "tests.care.messages.gateways.gateway_of"
    gateways.HERE.clear()
    gateways.HERE["sms"] = Kept()
    yield gateways.HERE
    gateways.HERE.clear()
