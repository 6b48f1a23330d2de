"""Messages go through gateways that keep what they get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # conftest files are read before Django is ready
    from yba.care.messages.port import Gateway


@pytest.fixture
def here(settings: Any) -> Iterator[dict[str, Gateway]]:
    from tests.care.messages import gateways

    settings.YBA_GATEWAYS = "tests.care.messages.gateways.gateway_of"
    gateways.HERE.clear()
    gateways.HERE["sms"] = gateways.Kept()
    yield gateways.HERE
    gateways.HERE.clear()
