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
#: Not pages: papers, tables, calendar entries, files people sent, other schemes.
NOT_A_PAGE = re.compile(r"\.(pdf|ics|svg|csv)$|/tep/|^/ra$|^/ui/preferences|^/i18n")


def who_is(screens: Screens, role: str) -> Visitor:
    return screens.citizen(HANH) if role == "citizen" else screens.staff(role)


def kind_of(address: str) -> str:
    """The address without what names one thing: pages of the same kind are looked at once."""
    path = urlsplit(address).path
    path = re.sub(r"/(dich-vu|lich-lam-viec)/(?!moi)[^/]+", r"/\1/*", path)
    return re.sub(r"/(?=[^/]*\d)[^/]{3,}|/(vt|nb|p|bvdk|hg|pk|ttyt|tyt)-[^/]+|/\d+", "/*", path)


#: A page in two parts: what stands around and what it is about, without what is new each time.
PARTS = """() => {
    const all = document.body.cloneNode(true);
    const own = all.querySelector('main');
    own?.remove();
    all.removeAttribute('hx-headers');
    const plain = one => (one?.outerHTML ?? '').replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, '');
    return [plain(all), plain(own)];
}"""


class Walks:
    """Walks through the house: each role is led by its links, and what another role has shown is not shown again."""

    def __init__(self) -> None:
        self.shown: dict[str, set[str]] = {}
        self.home = ""

    def first(self, who: Visitor, role: str) -> Iterator[Page]:
        """Every kind of page that links lead to from a role's home."""
        seen: set[str] = set()
        waiting = ["/"]
        while waiting:
            address = waiting.pop(0)
            who.page.goto(address)
            here = kind_of(who.page.url)
            if here in seen:
                continue
            seen.add(here)
            if address == "/":
                self.home = who.page.url
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

    def unseen(self, page: Page, look: str) -> bool:
        """Whether this is the role's home, or of a kind that no role has been shown in this look."""
        shown = self.shown.setdefault(look, set())
        new = kind_of(page.url) not in shown or page.url == self.home
        shown.add(kind_of(page.url))
        return new

    def tells_new(self, page: Page) -> bool:
        """Whether its frame or its content stands here for the first time: the same twice is looked at once."""
        shown = self.shown.setdefault("parts", set())
        parts = page.evaluate(PARTS)
        new = not shown.issuperset(parts)
        shown.update(parts)
        return new


def name_of(role: str, page: Page) -> str:
    return "page-" + role + kind_of(page.url).replace("*", "x").replace("/", "-").rstrip("-")
