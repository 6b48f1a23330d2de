"""Every page of every role: clean, by keyboard, in large letters and in the dark, in English, small, without scripts.

One walk finds the pages of a role; the looks after it go the same way.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import browsing
from tests.journeys.asking import api
from tests.journeys.browsing import DESK, PHONE, look, picture, settled, sideways, unclean
from tests.journeys.conftest import Screens
from tests.journeys.walking import HANH, ROLES, Walks, kind_of, name_of, who_is

MOST_BYTES = 100_000
VIETNAMESE = re.compile(
    "[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]", re.IGNORECASE
)
#: The words of the house itself, not of the record: they have a translation.
OWN_WORDS = (
    "h1.cover-title, button:not([aria-label]), label, legend, summary, th[scope=col], .tabs a, .keys, .field-help, "
    ".spine-item, .tabbar-item, .status, .blank, .section-head h2, .sheet-head h2, .pane-title, a.button"
)
#: Words that stay: names of places, people, drugs and specialties are data.
DATA = "h2.label-name, .doctor h3, .choice label, .room, .request, .ticket, .pick label, .tab-person, option, select"
#: What axe finds by colours; all else is the same in every look.
SEEN = ("color-contrast",)


@pytest.fixture(scope="module")
def walks() -> Walks:
    return Walks()


@pytest.mark.parametrize("role", ROLES)
def test_peer_13_every_page(screens: Screens, walks: Walks, role: str) -> None:
    who = who_is(screens, role)
    found = []
    for page in walks.first(who, role):
        found.append(kind_of(page.url))
        name = name_of(role, page)
        look(page, name, also={"citizen": DESK, "wall": None}.get(role, PHONE))
        browsing.FAULTS.extend(f"{name}: {one}" for one in by_keyboard(page))
    assert len(found) >= {"citizen": 8, "receptionist": 3, "pharmacist": 2}.get(role, 1), found
    who.quiet()


def by_keyboard(page: Page) -> list[str]:
    """The first stop is the way past the navigation; the page's main act can be reached."""
    if page.locator("body.wall").count():
        return []
    page.evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0) }")
    main = page.locator(".button-main:visible").count()
    for step in range(120):
        page.keyboard.press("Tab")
        at = page.evaluate(
            "() => { const at = document.activeElement;"
            " return [at.tagName, at.className || '', at.matches(':focus-visible')] }"
        )
        if step == 0 and "skip" not in at[1] and not page.locator("[autofocus]").count():
            return [f"the first Tab lands on {at[:2]}, not on the skip link"]
        if not main or "button-main" in at[1]:
            return [] if at[2] else ["no visible focus"]
    return ["Tab never reaches the main act"]


@pytest.mark.parametrize("role", [one for one in ROLES if one != "wall"])  # a wall has one look
def test_large_and_dark(screens: Screens, walks: Walks, role: str) -> None:
    """The largest letters at the narrowest screen, in the dark: still nothing to find."""
    who = screens.like(who_is(screens, role), f"{role}-dark", PHONE if role == "citizen" else DESK)
    for name, value in (("yba_text", "large"), ("yba_theme", "dark")):
        who.context.add_cookies([{"name": name, "value": value, "url": screens.house.address}])
    for page in walks.again(who, role, "dark"):
        name = f"{name_of(role, page)}-dark"
        settled(page)
        picture(page, name)
        faults = unclean(page, SEEN)
        if role == "citizen":
            page.set_viewport_size({"width": 320, "height": 640})
        faults += [f"{sideways(page)} px sideways"] if sideways(page) else []
        if role == "citizen":
            page.set_viewport_size(PHONE)
        browsing.FAULTS.extend(f"{name} ({page.url}): {one}" for one in faults)
    who.quiet()


@pytest.fixture(scope="module")
def record_words(screens: Screens) -> re.Pattern[str]:
    """Names that stand in the record as they are, in whatever language one reads."""
    found = api(screens.house, "system")
    names = {one["name"] for one in found.find("HealthcareService")} | {"Y Bạ"}
    names |= {name["text"] for one in found.find("Patient") for name in one.get("name", ()) if "text" in name}
    return re.compile("|".join(re.escape(one) for one in sorted(names, key=len, reverse=True)))


@pytest.mark.parametrize("role", ROLES)
def test_english_is_complete(
    screens: Screens, walks: Walks, record_words: re.Pattern[str], role: str
) -> None:
    """Nothing of the house's own words is left in Vietnamese."""
    who = screens.like(who_is(screens, role), f"{role}-english", PHONE if role == "citizen" else DESK)
    who.context.add_cookies([{"name": "yba_language", "value": "en", "url": screens.house.address}])
    left: dict[str, set[str]] = {}
    for page in walks.again(who, role, "english"):
        assert page.locator("html").get_attribute("lang") == "en"
        words = page.eval_on_selector_all(
            OWN_WORDS,
            "(all, data) => all.filter(e => !e.closest(data) && !e.querySelector(data)).map(e => e.innerText)",
            DATA,
        )
        kept = (record_words.sub("", one.replace("\u00a0đ", "")).strip() for one in words)
        rest = {one for one in kept if VIETNAMESE.search(one)}
        if rest:
            left[kind_of(page.url)] = rest
    assert left == {}


@pytest.mark.parametrize("path", ["/vao", "/", "/dat-kham/", "/so/trang/", "/so/ho-so/"])
def test_peer_13_first_load_is_small(screens: Screens, path: str) -> None:
    """Everything a phone with an empty cache fetches, as it comes over the wire."""
    who = screens.like(screens.citizen(HANH), f"cold{path}", PHONE)
    wire = who.context.new_cdp_session(who.page)
    wire.send("Network.enable")
    sizes: list[float] = []
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    who.open(path)
    settled(who.page)
    assert len(sizes) >= 3  # page, style, script
    assert sum(sizes) <= MOST_BYTES, sizes


def test_peer_13_without_scripts(screens: Screens) -> None:
    """Find, book, see and cancel on a phone that runs no script."""
    who = screens.like(screens.citizen(HANH), "no-script", PHONE, java_script_enabled=False)
    page = who.open("/dat-kham/")
    page.get_by_label("Bác sĩ, chuyên khoa hoặc triệu chứng").fill("nhi")
    page.get_by_role("button", name="Tìm", exact=True).click()
    page.locator(".doctor h3 a").first.click()
    days = page.locator('input[name="ngay"]:not([disabled])')
    days.nth(min(3, days.count() - 1)).check()
    page.get_by_role("button", name="Xem giờ của ngày này").click()
    page.locator('input[name="slot"]:not([disabled])').last.check()
    page.get_by_label("Lý do khám").fill("Cháu biếng ăn")
    page.get_by_role("button", name="Giữ chỗ này").click()
    expect(page).to_have_url(re.compile("/phieu/"))
    slip = page.url
    expect(page.get_by_role("main")).to_contain_text("Chờ bệnh viện gọi")
    page.goto("/dat-kham/theo-doi")
    expect(page.locator("h1")).to_contain_text("Số của")
    page.goto(slip)
    page.get_by_role("button", name="Hủy lượt này").last.click()
    expect(page.get_by_role("main")).to_contain_text("Đã hủy")
    who.quiet()


def test_preferences_and_language(screens: Screens) -> None:
    """Letters, background and language are changed on one page, without scripts, and stay."""
    who = screens.new("chooser", PHONE)
    page = who.open("/ui/preferences?next=/vao")
    look(page, "preferences", also=DESK)
    page.get_by_label("Chữ to").check()
    page.get_by_label("Tối").check()
    page.get_by_label("English").check()
    page.get_by_role("button", name="Đổi như đã chọn").click()
    page.wait_for_url("**/vao")
    html = page.locator("html")
    assert [html.get_attribute(one) for one in ("lang", "data-text", "data-theme")] == ["en", "large", "dark"]
    look(page, "sign-in-english-dark-large")
    who.quiet()


def test_the_design_page(screens: Screens) -> None:
    """Every component, in every state, on one page."""
    who = screens.new("design", DESK)
    who.open("/design")
    look(who.page, "design", also=PHONE)
    who.quiet()
