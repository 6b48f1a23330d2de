"""Every page of every role: clean, by keyboard, in large letters and in the dark, in English, small, without scripts.

One walk finds the pages of a role, and looks at each in every way while it stands there.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys import browsing
from tests.journeys.asking import api
from tests.journeys.browsing import DESK, PHONE, Visitor, look, pictured, settled, sideways, unclean
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
def test_peer_13_every_page(screens: Screens, walks: Walks, record_words: re.Pattern[str], role: str) -> None:
    """One walk: each page as it stands and by keyboard, then in the dark and large, then in English."""
    who = who_is(screens, role)
    abroad = in_english(screens, who)
    found = []
    left: dict[str, set[str]] = {}
    for page in walks.first(who, role):
        found.append(kind_of(page.url))
        name = name_of(role, page)
        if walks.tells_new(page):
            look(page, name, also={"citizen": DESK, "wall": None}.get(role, PHONE))
            browsing.FAULTS.extend(f"{name}: {one}" for one in by_keyboard(page))
        if role != "wall" and walks.unseen(page, "dark"):  # a wall has one look
            large_and_dark(page, name, narrow=role == "citizen")
        if walks.unseen(page, "english") and (rest := not_english(abroad, page, record_words)):
            left[kind_of(page.url)] = rest
    assert len(found) >= {"citizen": 8, "receptionist": 3, "pharmacist": 2}.get(role, 1), found
    assert left == {}
    abroad.close()
    who.quiet()


def by_keyboard(page: Page) -> list[str]:
    """The first stop is the way past the navigation; the page's main act can be reached."""
    if page.locator("body.wall").count():
        return []
    page.evaluate(
        "() => { document.activeElement.blur(); window.scrollTo(0, 0); window.stops = [];"
        " document.addEventListener('focusin', ({ target }) => window.stops.push("
        " [target.tagName, String(target.className || ''), target.matches(':focus-visible')])) }"
    )
    main = page.locator(".button-main:visible").count()
    at_once = 8 if main else 1
    for _turn in range(120 // at_once):
        for _press in range(at_once):
            page.keyboard.press("Tab")
        stops = page.evaluate("() => window.stops")
        if not stops or ("skip" not in stops[0][1] and not page.locator("[autofocus]").count()):
            return [f"the first Tab lands on {stops[:1]}, not on the skip link"]
        wanted = next((one for one in stops if not main or "button-main" in one[1]), None)
        if wanted is not None:
            return [] if wanted[2] else ["no visible focus"]
    return ["Tab never reaches the main act"]


def large_and_dark(page: Page, name: str, *, narrow: bool) -> None:
    """The largest letters, for a citizen at the narrowest screen, in the dark: still nothing to find.

    The house says both by these two attributes alone (`test_preferences_and_language`); a paper is always light.
    """
    page.evaluate(
        "() => { const said = document.documentElement.dataset; document.activeElement?.blur();"
        " said.text = 'large'; said.theme ??= 'dark'; document.body.getBoundingClientRect();"
        " document.getAnimations().forEach(one => one.finish()) }"  # what changes slowly has changed
    )
    settled(page)
    faults = unclean(page, SEEN)
    size = page.viewport_size
    if narrow:
        page.set_viewport_size({"width": 320, "height": 640})
    faults += [f"{too_wide} px sideways"] if (too_wide := sideways(page)) else []
    pictured(page, f"{name}-dark", faults)
    if narrow and size is not None:
        page.set_viewport_size(size)
    browsing.FAULTS.extend(f"{name}-dark ({page.url}): {one}" for one in faults)


@pytest.fixture(scope="module")
def record_words(screens: Screens) -> re.Pattern[str]:
    """Names that stand in the record as they are, in whatever language one reads."""
    found = api(screens.house, "system")
    names = {one["name"] for one in found.find("HealthcareService")} | {"Y Bạ"}
    people = (*found.find("Patient"), *found.find("Practitioner"))
    names |= {name["text"] for one in people for name in one.get("name", ()) if "text" in name}
    return re.compile("|".join(re.escape(one) for one in sorted(names, key=len, reverse=True)))


def in_english(screens: Screens, who: Visitor) -> BrowserContext:
    """The same person, who reads English; without a window."""
    found = screens.browser.new_context(
        base_url=screens.house.address, storage_state=who.context.storage_state()
    )
    found.add_cookies([{"name": "yba_language", "value": "en", "url": screens.house.address}])
    return found


def not_english(abroad: BrowserContext, page: Page, record_words: re.Pattern[str]) -> set[str]:
    """The house's own words that are left in Vietnamese where English is asked for."""
    answer = abroad.request.get(page.url)
    assert answer.ok, (page.url, answer.status)
    language, words = page.evaluate(
        "([html, own, data]) => { const page = new DOMParser().parseFromString(html, 'text/html');"
        " const all = [...page.querySelectorAll(own)].filter(e => !e.closest(data) && !e.querySelector(data));"
        " return [page.documentElement.lang, all.map(e => e.textContent)] }",
        [answer.text(), OWN_WORDS, DATA],
    )
    assert language == "en"
    kept = (record_words.sub("", one.replace("\u00a0đ", "")).strip() for one in words)
    return {one for one in kept if VIETNAMESE.search(one)}


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


#: What must be there before anything is seen: a second of slow 3G (400 kbit/s), said in bytes, which no busy machine
#: changes. With the answers a line of 400 ms needs (name, connection, page, style) the first view takes some 3 s.
FIRST_BYTES = 50_000
SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
FIRST_VIEW = """() => {
    const page = performance.getEntriesByType('navigation')[0];
    const held = performance.getEntriesByType('resource').filter(one => one.renderBlockingStatus === 'blocking');
    const paint = performance.getEntriesByName('first-contentful-paint')[0];
    return {
        bytes: [page, ...held].reduce((sum, one) => sum + one.transferSize, 0),
        last: Math.max(page.responseEnd, ...held.map(one => one.responseEnd)),
        waits: new Set(held.map(one => one.initiatorType)).size,
        painted: paint ? paint.startTime : null,
        scripts: held.filter(one => one.initiatorType === 'script').length,
    };
}"""


@pytest.mark.parametrize("path", ["/vao", "/dat-kham/"])
def test_peer_13_the_first_view_on_a_slow_line(screens: Screens, path: str) -> None:
    """On slow 3G, cold: what is waited for before the first paint is small, and no script is."""
    who = (
        screens.new("slow-stranger", PHONE)
        if path == "/vao"
        else screens.like(screens.citizen(HANH), "slow", PHONE)
    )
    wire = who.context.new_cdp_session(who.page)
    wire.send("Network.enable")
    wire.send("Network.emulateNetworkConditions", SLOW_3G)
    who.open(path)
    settled(who.page)
    seen = who.page.evaluate(FIRST_VIEW)
    assert seen["painted"], "something was painted"
    assert seen["bytes"] > 1000, "the line carried it"
    assert seen["bytes"] <= FIRST_BYTES, seen
    assert seen["scripts"] == 0, seen
    assert seen["last"] >= SLOW_3G["latency"], "the line was slow"


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
