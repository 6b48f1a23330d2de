"""Accounts in a browser: an invitation with a passkey, a desk that covers itself over unsaved work, one's security."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.houses import House
from tests.journeys import browsing, signing
from tests.journeys.browsing import DESK, PHONE, Visitor, look
from tests.journeys.conftest import Screens

NEW_PHONE = "0977000222"


@pytest.fixture
def newcomer(browser: Browser, house: House) -> Iterator[Visitor]:
    """A screen with an authenticator of its own; passkeys want a name for the address."""
    found = browsing.visit(browser, f"http://localhost:{house.port}", "newcomer", size=PHONE)
    session = found.context.new_cdp_session(found.page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    yield found
    found.context.close()


def test_a_nurse_is_invited_and_comes_in_by_passkey(screens: Screens, newcomer: Visitor) -> None:
    boss = screens.staff("facility_administrator").open("/nhan-vien")
    look(boss, "staff", also=PHONE)
    boss.get_by_role("link", name="Mời nhân viên").click()
    boss.get_by_label("Họ và tên").fill("Tôn Nữ Hoàng Phương Thảo Nguyên")
    boss.get_by_label("Số điện thoại").fill(NEW_PHONE)
    boss.get_by_label("Vai trò").select_option(label="Điều dưỡng")
    look(boss, "staff-invite", also=PHONE)
    boss.get_by_role("button", name="Gửi lời mời").click()
    boss.get_by_text("Đã gửi lời mời tới").wait_for()

    link = re.search(r"(/moi/\S+)", signing.sent_to(boss, NEW_PHONE)[0])
    assert link
    page = newcomer.open(link[1])
    look(page, "invitation", also=DESK)
    page.get_by_label("Tên đăng nhập").fill("thao.nguyen")
    page.get_by_label("Mật khẩu", exact=True).fill("hoa lan tháng tư")
    page.get_by_label("Nhập lại mật khẩu").fill("hoa lan tháng tư")
    page.get_by_role("button", name="Tạo tài khoản").click()
    page.wait_for_url("**/vao/lop-thu-hai")
    look(page, "enrol", also=DESK)
    page.get_by_role("button", name="Tạo khóa trên máy này").click()
    page.get_by_role("button", name="Tôi đã cất mã").wait_for()
    assert page.locator(".codes li").count() == 10
    look(page, "recovery-codes")
    page.get_by_role("button", name="Tôi đã cất mã").click()
    page.wait_for_url(lambda url: "/vao" not in url)
    page.goto("/tai-khoan/bao-mat")
    look(page, "security-staff", also=DESK)

    page.locator(".head-out", has_text="Ra").click()
    page.goto("/vao/nhan-vien")
    page.get_by_role("button", name="Dùng khóa truy cập (passkey)").click()
    page.wait_for_url(lambda url: "/vao" not in url)
    page.goto("/tai-khoan/bao-mat")
    page.get_by_text("thao.nguyen").wait_for()
    page.goto("/khoa")  # not covered: nothing to open
    newcomer.quiet()


def test_a_covered_desk_keeps_what_was_typed(screens: Screens, house: House) -> None:
    who = screens.new("lock", DESK)
    page = signing.enter_as_staff(who, "khth")
    page.goto("/danh-tinh")
    page.locator("input[name=q]").fill("nửa câu đang gõ")
    page.get_by_role("button", name="Khóa", exact=True).click()
    dialog = page.get_by_role("dialog", name="Màn hình đang khóa")
    dialog.get_by_label("Mật khẩu").wait_for()
    look(page, "covered")
    assert not page.locator("main").is_visible()
    other = who.context.new_page()
    other.goto("/danh-tinh")
    assert "/khoa?next=" in other.url
    look(other, "unlock", also=PHONE)
    other.close()

    dialog.get_by_label("Mật khẩu").fill("sai")
    dialog.get_by_role("button", name="Mở khóa").click()
    dialog.get_by_text("Chưa đúng. Thử lại.").wait_for()
    page.keyboard.press("Escape")
    assert dialog.is_visible()
    dialog.get_by_label("Mật khẩu").fill(signing.PASSWORD)
    dialog.get_by_role("button", name="Mở khóa").click()
    dialog.wait_for(state="detached")
    assert page.locator("input[name=q]").input_value() == "nửa câu đang gõ"
    assert page.locator("main").is_visible()


def test_a_citizen_sees_how_they_sign_in(screens: Screens) -> None:
    page = screens.new("sign-in", PHONE).open("/vao")
    look(page, "sign-in-choices", also=DESK)
    page.get_by_role("link", name="Dùng mật khẩu").click()
    look(page, "sign-in-password")
    page.goto("/vao/mat-so")
    look(page, "lost-phone")
    who = screens.citizen("0905123456")
    page = who.open("/tai-khoan/bao-mat")
    look(page, "security", also=DESK)
    page.get_by_role("link", name="Thêm ứng dụng xác thực").click()
    look(page, "authenticator")
    who.open("/so/")


def test_the_second_page_of_a_demo_account_shows_its_code(screens: Screens) -> None:
    page = screens.new("second", PHONE).open("/vao/nhan-vien")
    look(page, "staff-sign-in", also=DESK)
    page.get_by_label("Tên đăng nhập").fill("tiepdon")
    page.get_by_label("Mật khẩu").fill(signing.PASSWORD)
    page.get_by_role("button", name="Đăng nhập", exact=True).click()
    page.wait_for_url("**/vao/hai-lop")
    look(page, "second-factor", also=DESK)


def test_a_desk_finds_and_verifies(screens: Screens) -> None:
    page = screens.staff("records_office").open("/danh-tinh?q=0905123456")
    look(page, "identity", also=PHONE)
    page.locator(".rows a").first.click()
    look(page, "identity-person", also=PHONE)
    page.get_by_role("link", name="Danh tính").click()
    page.get_by_role("link", name="Đối chiếu người trùng").click()
    look(page, "doubts")
