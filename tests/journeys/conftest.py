"""The journeys' fixtures: one browser a run, a screen for each role, the house they all walk through.

The browser closes with this package: while it is open its event loop runs in the main thread, and Django
refuses to touch the database there.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.houses import House
from tests.journeys import browsing, signing
from tests.journeys.browsing import DESK, PHONE, WALL, Visitor


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "journeys" in item.path.parts:
            item.add_marker(pytest.mark.journey)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = browsing.launch(playwright)
        yield found
        found.close()


@pytest.fixture(autouse=True)
def faultless() -> Iterator[None]:
    """Every page looked at was clean; told together at the end of a test."""
    browsing.FAULTS.clear()
    yield
    assert browsing.FAULTS == []


class Screens:
    """Makes screens, signs them in once, closes them all."""

    def __init__(self, browser: Browser, house: House) -> None:
        self.browser = browser
        self.house = house
        self.made: dict[str, Visitor] = {}

    def new(self, name: str, size: dict[str, int] = PHONE, **options: object) -> Visitor:
        """A screen nobody has signed in at."""
        found = browsing.visit(self.browser, self.house.address, name, size=size, **options)
        self.made[f"{name}-{len(self.made)}"] = found
        return found

    def staff(self, role: str) -> Visitor:
        """The screen of a role, signed in."""
        if role not in self.made:
            size = WALL if role == "wall" else DESK
            self.made[role] = browsing.visit(self.browser, self.house.address, role, size=size)
            signing.enter_as_staff(self.made[role], signing.STAFF[role])
        return self.made[role]

    def citizen(self, phone: str) -> Visitor:
        """The phone of a citizen, signed in, and at their own book: a story before may have left it at another's."""
        if phone not in self.made:
            self.made[phone] = browsing.visit(self.browser, self.house.address, phone, size=PHONE)
            signing.enter_as_citizen(self.made[phone], phone)
        found = self.made[phone]
        own = found.open("/so/").get_by_role("link", name="Tôi", exact=True)
        if own.count():
            own.click()
        return found

    def like(self, who: Visitor, name: str, size: dict[str, int], **options: object) -> Visitor:
        """Another screen of the same person, for instance one without scripts."""
        return self.new(name, size, storage_state=who.context.storage_state(), **options)

    def close(self) -> None:
        for one in self.made.values():
            one.context.close()


@pytest.fixture(scope="package")
def screens(browser: Browser, house: House) -> Iterator[Screens]:
    found = Screens(browser, house)
    yield found
    found.close()


__all__ = ["DESK", "PHONE", "WALL", "Screens"]
