"""Booking by text from an old telephone: times, a hold, a call-back; the desk finds the number and books."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.journeys.browsing import DESK, PHONE, look
from tests.journeys.conftest import Screens

STRANGER = "0987654321"


def texted(page: Page, text: str, answer: str) -> None:
    page.get_by_label("Nhắn từ số").fill(STRANGER)
    page.get_by_label(re.compile("Nội dung")).fill(text)
    page.get_by_role("button", name="Nhắn tới 8000").click()
    expect(page.get_by_text(re.compile(answer)).first).to_be_visible(timeout=30_000)


def test_a_number_of_nobody_books_by_text_and_is_called_back(screens: Screens) -> None:
    page = screens.new("texting", PHONE).open("/demo/messages")
    texted(page, "Khám Hương Giang Tim mạch", r"BV Huong Giang, Tim mach: 1\) ")
    texted(page, "1", "Benh vien se goi so nay")
    look(page, "texting", also=DESK)
    desk = screens.staff("customer_care").open("/dat-kham/sang-loc/")
    expect(desk.get_by_role("heading", name="Gọi lại theo tin nhắn")).to_be_visible()
    look(desk, "texting-desk", also=PHONE)
    dark = screens.like(screens.staff("customer_care"), "texting-dark", DESK, color_scheme="dark")
    look(dark.open("/dat-kham/sang-loc/"), "texting-desk-dark", also=PHONE)
    desk.get_by_role("button", name="Gọi và đặt").click()
    expect(desk.get_by_text("Hỏi tên người khám rồi tìm sổ.")).to_be_visible()
    look(desk, "texting-call", also=PHONE)
    desk.get_by_label("Tên, điện thoại, căn cước hoặc số thẻ").fill("Nguyễn Thị Hạnh")
    desk.get_by_role("button", name="Tìm").click()
    desk.get_by_role("link", name=re.compile("Nguyễn Thị Hạnh")).first.click()
    desk.get_by_label("Lý do khám").fill("Hồi hộp")
    look(desk, "texting-book", also=PHONE)
    desk.get_by_role("button", name="Đặt và nhắn mã").click()
    desk.wait_for_url("**/sang-loc/")
    expect(desk.get_by_text("Gọi lại theo tin nhắn")).to_have_count(0)
    whole = screens.staff("system_administrator").open("/tin-nhan/da-den")
    expect(whole.get_by_text("Chọn giờ", exact=True).first).to_be_visible()
    look(whole, "texting-heard", also=PHONE)
