"""How each role comes in: citizens by phone and code, staff by name and password."""

from __future__ import annotations

import re

from playwright.sync_api import Page, TimeoutError

from tests.journeys.browsing import Visitor

PASSWORD = "yba-demo"
STAFF = {
    "customer_care": "cskh",
    "receptionist": "tiepdon",
    "doctor": "bs.khoi",
    "other_doctor": "bs.tam",
    "pharmacist": "duocsi",
    "cashier": "thungan",
    "records_office": "khth",
    "facility_administrator": "quantri",
    "system_administrator": "hethong",
    "auditor": "kiemtra",
    "nurse": "dieuduong",
    "wall": "manhinh",
    "kiosk": "kiosk",
}


def sent_to(page: Page, phone: str) -> list[str]:
    """The messages sent to a phone, newest first, as the demo's outbox shows them."""
    answer = page.request.get(f"/demo/messages?phone={phone}&format=json")
    assert answer.ok
    return [one["text"] for one in answer.json()["messages"]]


def code_in(text: str) -> str:
    found = re.search(r"\b(\d{6})\b", text)
    assert found is not None, text
    return found[1]


def enter_as_citizen(who: Visitor, phone: str) -> Page:
    """Sign in, or sign up, by phone and the code in the message."""
    page = who.open("/vao")
    page.get_by_label("Số điện thoại").fill(phone)
    page.get_by_role("button", name="Gửi mã").click()
    try:
        page.wait_for_url("**/vao/ma")
    except TimeoutError as late:  # why no code was sent stands on the page
        raise AssertionError(f"{page.url}: {page.locator('body').inner_text()}") from late
    page.get_by_label("Mã gồm 6 chữ số").fill(code_in(sent_to(page, phone)[0]))
    page.get_by_role("button", name="Vào sổ").click()
    page.wait_for_url(lambda url: "/vao" not in url)
    return page


def enter_as_staff(who: Visitor, login: str) -> Page:
    page = who.open("/vao/nhan-vien")
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập", exact=True).click()
    page.wait_for_url(lambda url: "/vao/nhan-vien" not in url)
    if "/vao/hai-lop" in page.url:
        prove(page)
    return page


def prove(page: Page) -> None:
    """Type what the authenticator shows, as the demo shows it; its next code, when another screen has used this one."""
    for _ in range(2):
        code = page.locator("[data-demo-code]").inner_text()
        page.get_by_label("Mã xác thực").fill(code)
        with page.expect_navigation():
            page.get_by_role("button", name="Đăng nhập", exact=True).click()
        if "/vao" not in page.url:
            return
        for _ in range(35):
            page.wait_for_timeout(1000)
            page.goto(page.url)
            if page.locator("[data-demo-code]").inner_text() != code:
                break
    raise AssertionError(f"not in: {page.locator('main').inner_text()}")
