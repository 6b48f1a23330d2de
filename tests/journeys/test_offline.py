"""A phone without a network: what it may still read, what waits, and what it must have forgotten."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.houses import House
from tests.journeys import signing
from tests.journeys.asking import Api, api
from tests.journeys.browsing import DESK, PHONE, look
from tests.journeys.conftest import Screens

HANH = "0905123456"
MAI = "0914555002"
OTHER = "0977000333"
#: A moment far ahead, so that it is not too old.
NEVER_SENT = 4_000_000_000_000
#: Milliseconds in which what waited has gone, on a slow machine too.
SOON = 60_000
KEPT = "async () => (await caches.keys()).filter(one => one.startsWith('yba-kept-'))"
WAITING = """() => new Promise((done) => {
  const open = indexedDB.open("yba", 1);
  open.onupgradeneeded = () => open.result.createObjectStore("waiting", { keyPath: "id" });
  open.onsuccess = () => {
    const asked = open.result.transaction("waiting").objectStore("waiting").getAll();
    asked.onsuccess = () => { open.result.close(); done(asked.result); };
  };
})"""


def controlled(page: Page, path: str) -> Page:
    """A page that the worker has seen, and what it keeps of it is there."""
    page.goto(path)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    page.reload()  # a page on its way while the worker became active may stand without it
    page.wait_for_function("() => navigator.serviceWorker.controller")
    page.wait_for_function(
        "async (path) => (await Promise.all((await caches.keys()).filter(n => n.startsWith('yba-kept-'))"
        ".map(async n => (await (await caches.open(n)).keys()).map(r => new URL(r.url).pathname)))).flat()"
        ".includes(path)",
        arg=path,
    )
    return page


def booked(page: Page) -> str:
    """A time held for a cancelling; the address of its slip."""
    page.goto("/dat-kham/?q=nhi")
    page.locator(".doctor h3 a").first.click()
    page.locator('input[name="slot"]:not([disabled])').last.check()
    page.get_by_label("Lý do khám").fill("Tái khám")
    page.get_by_role("button", name="Giữ chỗ này").click()
    page.wait_for_url("**/phieu/**")
    return urlsplit(page.url).path


def status_of(system: Api, slip: str) -> str:
    found = system.read(f"Appointment/{slip.rstrip('/').rsplit('/', 1)[-1]}")
    return str(found["status"])


def put_waiting(page: Page, item: dict[str, object]) -> None:
    """Something waits on this device."""
    page.evaluate(WAITING)
    page.evaluate(
        """(item) => new Promise((done) => { const open = indexedDB.open("yba", 1);
        open.onsuccess = () => { const work = open.result.transaction("waiting", "readwrite");
        work.objectStore("waiting").put(item); work.oncomplete = () => { open.result.close(); done(); }; }; })""",
        item,
    )


def call_off(page: Page) -> None:
    """Press what calls a visit off, on its slip, and say so once more."""
    page.get_by_role("button", name="Hủy lượt này").click()
    page.get_by_role("dialog").get_by_role("button", name="Hủy lượt này").click()


def test_a_phone_without_a_network(screens: Screens, house: House) -> None:
    phone = screens.new("offline", PHONE)
    page, context = signing.enter_as_citizen(phone, MAI), phone.context
    system = api(house, "system")
    controlled(page, "/so/")
    slip = booked(page)
    controlled(page, slip)
    controlled(page, "/so/")

    context.set_offline(True)
    page.goto("/so/")
    bar = page.locator(".offline")
    expect(bar).to_contain_text(re.compile(r"Bản giữ lúc \d{1,2}:\d\d (hôm nay|ngày)"))
    hours = ("2026-03-01T17:00:00Z", "2026-03-02T02:07:00Z", "2026-03-02T05:30:00Z")
    said = [re.search(r"\S*:\S*", page.evaluate("at => window.yba.moment(at, 'kept')", one)) for one in hours]
    assert [one and one[0] for one in said] == ["0:00", "9:07", "12:30"]
    expect(page.get_by_role("heading", name="Lượt khám sắp tới")).to_be_visible()
    look(page, "offline-day", also=DESK)
    page.goto("/so/ho-so/")  # never marked: not there
    expect(page.locator("h1")).to_have_text("Không có mạng")
    expect(page.get_by_role("link", name=re.compile("Hôm nay"))).to_be_visible()
    look(page, "offline", also=DESK)

    page.goto(slip)
    call_off(page)
    waiting = page.get_by_role("region", name="Ghi lúc không có mạng")
    expect(waiting).to_contain_text("Chưa gửi, chưa có hiệu lực")
    call_off(page)  # once more: still one
    expect(waiting.get_by_role("listitem")).to_have_count(1)
    look(page, "offline-waiting", also=DESK)
    assert status_of(system, slip) == "pending"
    page.get_by_role("button", name="Ra khỏi sổ").click()  # leaving would lose it: asked first
    page.get_by_role("button", name="Ở lại, chờ gửi").click()
    before = page.evaluate(WAITING)

    context.set_offline(False)
    expect(waiting).to_contain_text("Đã hủy lượt khám", timeout=SOON)
    expect(page.locator(".offline")).to_have_count(
        0, timeout=SOON
    )  # read anew: what was kept is not shown any more
    assert status_of(system, slip) == "cancelled"
    assert page.evaluate(WAITING)[0]["fields"] == []  # what was typed is not kept after the answer
    # The answer was lost on the way and it is sent once more: the same act, and the server says so.
    put_waiting(page, before[0])
    page.goto("/so/")
    expect(waiting).to_contain_text("đã hủy từ trước", timeout=SOON)
    look(page, "offline-sent", also=DESK)

    assert page.evaluate(KEPT) != []
    context.set_offline(True)  # leaving without a network empties the phone; the server hears of it later
    page.get_by_role("button", name="Ra khỏi sổ").click()
    expect(page.get_by_role("main")).to_contain_text("Máy chủ chưa biết")
    look(page, "offline-left", also=DESK)
    assert page.evaluate(KEPT) == []
    assert page.evaluate(WAITING) == []
    context.set_offline(False)
    page.goto("/so/")
    expect(page).to_have_url(re.compile("/vao"))
    context.set_offline(True)
    page.goto("/so/")
    expect(page.get_by_text("Máy này chưa giữ trang nào.")).to_be_visible()
    context.set_offline(False)


def test_what_is_refused_is_said_and_leads_on(screens: Screens, house: House) -> None:
    """A time given to somebody else meanwhile, and a visit moved meanwhile: neither is shown as done."""
    phone = screens.like(screens.citizen(HANH), "offline-late", PHONE)
    page, context = phone.page, phone.context
    system = api(house, "system")
    slip = booked(page)
    controlled(page, slip)
    context.set_offline(True)
    call_off(page)
    waiting = page.get_by_role("region", name="Ghi lúc không có mạng")
    expect(waiting).to_contain_text("Chưa gửi, chưa có hiệu lực")
    elsewhere = screens.citizen(HANH).page  # moved meanwhile, from another phone
    elsewhere.goto(f"{slip}doi-gio")
    elsewhere.locator('input[name="slot"]:not([disabled])').first.check()
    elsewhere.get_by_role("button", name="Đổi sang giờ này").click()
    expect(elsewhere.get_by_role("main")).to_contain_text("Đã đổi sang")
    context.set_offline(False)
    expect(waiting).to_contain_text("nên chưa hủy", timeout=SOON)
    expect(page.locator(".offline")).to_have_count(0, timeout=SOON)
    expect(waiting).to_contain_text("Không được nhận")
    look(page, "offline-refused", also=DESK)
    assert status_of(system, slip) == "pending"
    waiting.get_by_role("link", name="Mở trang, làm lại").click()
    expect(page).to_have_url(re.compile(slip))
    page.get_by_role("region", name="Ghi lúc không có mạng").get_by_role("button", name="Đã xem").click()
    expect(waiting).to_have_count(0)
    call_off(page)
    expect(page.get_by_role("main")).to_contain_text("Đã hủy")


def test_another_account_finds_nothing_of_the_first(screens: Screens) -> None:
    phone = screens.like(screens.citizen(HANH), "offline-other", PHONE)
    page, context = phone.page, phone.context
    controlled(page, "/so/")
    first = page.evaluate(KEPT)
    assert len(first) == 1
    key = page.evaluate("() => document.body.dataset.whose")
    put_waiting(page, {
        "id": f"{key} x", "key": key, "action": "/ra", "page": "/so/", "fields": [], "what": "x", "at": NEVER_SENT,
        "state": "refused", "said": "", "url": "/so/", "tries": 0,
    })  # fmt: skip
    page.goto("about:blank")  # nothing under way that would set one again
    context.clear_cookies()  # the session ended without signing out
    signing.enter_as_citizen(phone, OTHER)
    page.goto("/so/ho-so/")
    page.wait_for_function("async (name) => !(await caches.keys()).includes(name)", arg=first[0])
    page.wait_for_function(f"async () => (await ({WAITING})()).length === 0")
    expect(page.get_by_role("region", name="Ghi lúc không có mạng")).to_have_count(0)


def test_a_desk_keeps_nothing_until_its_doctor_chooses(screens: Screens, house: House) -> None:
    who = screens.new("offline-doctor", DESK)
    page = signing.enter_as_staff(who, "bs.khoi")
    page.goto("/clinic/")
    assert page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0
    assert page.evaluate("() => caches.keys()") == []
    page.goto("/ui/preferences")
    look(page, "preferences-keep", also=PHONE)
    page.get_by_label("Giữ trên máy này").check()
    page.get_by_role("button", name="Đổi như đã chọn").click()
    controlled(page, "/clinic/")
    page.get_by_role("button", name="Khóa").click()
    page.wait_for_function("async () => !(await caches.keys()).some(one => one.startsWith('yba-kept-'))")
