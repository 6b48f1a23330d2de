"""Walking through all kinds of pages that a role is led to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.journeys.browsing import Visitor
from tests.journeys.conftest import Screens

HANH = "0905123456"
ROLES = (
    "citizen", "customer_care", "receptionist", "doctor", "nurse", "pharmacist", "cashier", "records_office",
    "facility_administrator", "system_administrator", "auditor", "wall",
)  # fmt: skip
#: Not pages: papers, tables, calendar entries, other schemes.
NOT_A_PAGE = re.compile(r"\.(pdf|ics|svg|csv)$|^/ra$|^/ui/preferences|^/i18n")


def who_is(screens: Screens, role: str) -> Visitor:
    return screens.citizen(HANH) if role == "citizen" else screens.staff(role)


def kind_of(address: str) -> str:
    """The address without what names one thing: pages of the same kind are looked at once."""
    path = urlsplit(address).path
    return re.sub(r"/(?=[^/]*\d)[^/]{3,}|/(vt|nb|p|bvdk|hg|pk|ttyt|tyt)-[^/]+|/\d+", "/*", path)


class Walks:
    """Walks through the house: each role is led by its links once, and goes the same way again in another look."""

    def __init__(self) -> None:
        self.ways: dict[str, list[str]] = {}
        self.shown: dict[str, set[str]] = {}

    def first(self, who: Visitor, role: str) -> Iterator[Page]:
        """Every kind of page that links lead to from a role's home."""
        way: list[str] = []
        seen: set[str] = set()
        waiting = ["/"]
        while waiting:
            address = waiting.pop(0)
            who.page.goto(address)
            here = kind_of(who.page.url)
            if here in seen:
                continue
            seen.add(here)
            way.append(address)
            yield who.page
            links = who.page.eval_on_selector_all(
                "a[href]:not([download])", "all => all.map(one => one.href)"
            )
            for link in links:
                if not link.startswith("http") or urlsplit(link).netloc != urlsplit(who.page.url).netloc:
                    continue
                path = urlsplit(link).path
                if not NOT_A_PAGE.search(path) and kind_of(link) not in seen | {
                    kind_of(one) for one in waiting
                }:
                    waiting.append(link)
        self.ways[role] = way

    def again(self, who: Visitor, role: str, look: str) -> Iterator[Page]:
        """The role's home, and each further kind of page no role has been shown in this look."""
        if role not in self.ways:
            for _ in self.first(who, role):
                pass
        shown = self.shown.setdefault(look, set())
        for address in self.ways[role]:
            if address != "/" and kind_of(address) in shown:
                continue
            who.page.goto(address)
            shown.add(kind_of(who.page.url))
            yield who.page


def name_of(role: str, page: Page) -> str:
    return "page-" + role + kind_of(page.url).replace("*", "x").replace("/", "-").rstrip("-")
