"""The kiosk in the hall, and the phone that follows the number it gave: clean, by keyboard, without scripts."""

from __future__ import annotations

import io
import re

import zxingcpp
from PIL import Image
from playwright.sync_api import expect

from tests.journeys import browsing, signing
from tests.journeys.browsing import look, sideways, unclean
from tests.journeys.conftest import Screens

KIOSK = {"width": 1080, "height": 1920}
SMALL = {"width": 360, "height": 640}


def test_a_number_from_the_kiosk_is_followed_on_a_phone(screens: Screens) -> None:
    admin = screens.staff("facility_administrator").open("/dat-kham/hang-cho/")
    look(admin, "queues")
    if not admin.get_by_role("link", name="Quầy tiếp đón").count():
        admin.get_by_role("link", name="Hàng chờ mới").first.click()
        admin.get_by_label("Tên hàng chờ").fill("Quầy tiếp đón")
        admin.get_by_label("Làm gì ở đây").select_option("reception")
        admin.get_by_label("Chữ của số").select_option("T")
        admin.get_by_label("Tiếp đón").check()
        admin.get_by_role("button", name="Ghi hàng chờ này").click()
    kiosk = browsing.visit(screens.browser, screens.house.address, "kiosk", size=KIOSK)
    screens.made["kiosk"] = kiosk
    signing.enter_as_staff(kiosk, "kiosk")
    page = kiosk.page
    page.clock.install()
    page.goto("/")
    look(page, "kiosk-start")
    expect(page.locator("#q")).to_be_focused()
    for sign in ("Z", "9", "Xóa"):
        page.get_by_role("button", name=sign, exact=True).click()
    expect(page.locator("#q")).to_have_value("Z")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Chưa đọc được mã")
    look(page, "kiosk-stopped")
    page.get_by_role("button", name="Lấy số quầy tiếp đón").press("Enter")
    number = page.locator(".ticket-number").inner_text()
    assert re.fullmatch(r"T\s\d{3}", number)
    look(page, "kiosk-number")
    link = zxingcpp.read_barcodes(Image.open(io.BytesIO(page.screenshot())).convert("L"))[0].text
    page.clock.fast_forward(21_000)
    page.wait_for_url("**/dat-kham/kiosk/")

    phone = screens.new("stranger", SMALL, java_script_enabled=False)
    own = phone.open(link)
    expect(own.locator(".ticket-number")).to_have_text(number)
    assert sideways(own) == 0
    assert 'http-equiv="refresh"' in own.content()
    with_script = screens.new("stranger", SMALL).open(link)
    assert unclean(with_script) == []
    desk = screens.staff("receptionist").open("/dat-kham/goi/")
    look(desk, "stations")
    desk.get_by_role("link", name="Tiếp đón").last.click()
    look(desk, "station-waiting")
    desk.get_by_role("row").filter(has_text=number).get_by_role("button", name="Mời số").click()
    look(desk, "station-called")
    expect(with_script.get_by_text("Mời vào phòng Tiếp đón ngay.")).to_be_visible()
    own.reload()
    expect(own.get_by_text("Mời vào phòng Tiếp đón ngay.")).to_be_visible()
    desk.get_by_role("button", name="Vào").first.click()
    desk.get_by_role("button", name=re.compile("^Xong")).click()
    expect(with_script.get_by_text("Đã xong.")).to_be_visible()
    kiosk.quiet()
