"""Every page of every role in large letters, in the dark, on a narrow screen."""

from __future__ import annotations

import pytest

from tests.journeys import browsing
from tests.journeys.browsing import DESK, PHONE, picture, settled, sideways, unclean
from tests.journeys.conftest import Screens
from tests.journeys.walking import ROLES, name_of, pages_of, who_is


@pytest.mark.parametrize("role", ROLES)
def test_large_and_dark(screens: Screens, role: str) -> None:
    """The largest letters at the narrowest screen, in the dark: still nothing to find."""
    if role == "wall":
        return  # a wall has one look
    who = screens.like(who_is(screens, role), f"{role}-dark", PHONE if role == "citizen" else DESK)
    for name, value in (("yba_text", "large"), ("yba_theme", "dark")):
        who.context.add_cookies([{"name": name, "value": value, "url": screens.house.address}])
    for page in pages_of(who):
        name = f"{name_of(role, page)}-dark"
        settled(page)
        picture(page, name)
        faults = unclean(page)
        if role == "citizen":
            page.set_viewport_size({"width": 320, "height": 640})
        faults += [f"{sideways(page)} px sideways"] if sideways(page) else []
        if role == "citizen":
            page.set_viewport_size(PHONE)
        browsing.FAULTS.extend(f"{name} ({page.url}): {one}" for one in faults)
    who.quiet()
