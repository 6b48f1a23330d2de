"""Rights of staff by two people, a number somebody typed at the desk, a child's own account, a question: seen."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.journeys.browsing import DESK, PHONE, look, reloaded_until
from tests.journeys.conftest import Screens
from tests.journeys.signing import code_in, enter_as_citizen, enter_as_staff, sent_to
from yba.ui.words import local_day

PHONE_390 = {"width": 390, "height": 844}
HANH = "0905123456"


def both(page: Page, name: str) -> None:
    """In the light and in the dark, wide and narrow."""
    look(page, name, also=PHONE if page.viewport_size == DESK else DESK)
    page.emulate_media(color_scheme="dark")
    look(page, f"{name}-dark", also=PHONE_390)
    page.emulate_media(color_scheme="light")


def test_a_right_is_given_by_two_and_taken_away(screens: Screens) -> None:
    page = enter_as_staff(screens.new("quyen-mot", DESK), "quantri")
    page.goto("/nhan-vien/quyen")
    both(page, "quyen-trong")
    page.goto("/nhan-vien")
    page.get_by_role("row", name=re.compile("bs.khoi")).get_by_role("link").first.click()
    page.get_by_role("link", name="Quyền riêng: mục nhạy cảm, cấp cứu").click()
    page.get_by_role("button", name="Cấp quyền này").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    both(page, "quyen-thieu")
    page.get_by_label("Xem mục HIV/AIDS").check()
    page.get_by_label("Vì sao cần").fill("Phòng khám ngoại trú HIV từ tuần tới")
    page.get_by_label("Đến hết ngày").fill(f"{local_day(datetime.now(UTC)) + timedelta(days=60):%d/%m/%Y}")
    page.get_by_role("button", name="Cấp quyền này").press("Enter")
    expect(page.get_by_text("Chờ người thứ hai duyệt").first).to_be_visible()
    both(page, "quyen-cho")
    second = enter_as_staff(screens.new("quyen-hai", DESK), "hethong")
    second.goto("/nhan-vien/quyen")
    both(second, "quyen-duyet")
    second.get_by_role("button", name=re.compile("^Duyệt Xem mục HIV")).press("Enter")
    expect(second.get_by_text("dùng được quyền này ngay")).to_be_visible()
    both(second, "quyen-co")
    page.goto("/nhan-vien/quyen")
    page.get_by_role("link", name=re.compile("^Thu lại Xem mục HIV")).click()
    both(page, "quyen-thu-lai")
    page.get_by_label("Vì sao").fill("Chuyển khoa")
    page.get_by_role("button", name="Thu lại quyền").press("Enter")
    expect(page.get_by_text("có hiệu lực ngay")).to_be_visible()
    both(page, "quyen-het")


def test_a_typed_number_is_seen_as_such_at_the_desk(screens: Screens) -> None:
    phone = enter_as_citizen(screens.new("tu-khai", PHONE), "0905333001")
    phone.goto("/so/ho-so/")
    phone.get_by_label("Họ và tên").fill("Tôn Nữ Hoàng Phương Thảo Nguyên")
    phone.get_by_label("Ngày sinh").fill("12/03/1968")
    phone.get_by_label("Nữ").check()
    phone.get_by_label("Số căn cước").fill("046168007777")
    phone.locator("form").filter(has=phone.get_by_label("Họ và tên")).get_by_role("button").last.click()
    expect(phone.get_by_text("đang chờ xác minh").first).to_be_visible()
    both(phone, "tu-khai-so")
    page = enter_as_staff(screens.new("tu-khai-ban", DESK), "tiepdon")
    page.goto("/danh-tinh?q=046168007777")
    both(page, "danh-tinh-tim")
    page.get_by_role("link", name=re.compile("Thảo Nguyên")).click()
    both(page, "danh-tinh-tu-khai")
    page.get_by_label("Căn cước", exact=True).check()
    page.get_by_label("Đã so ảnh với người").check()
    page.get_by_role("button", name="Xác minh người này").click()
    both(page, "danh-tinh-thieu-so")
    page.get_by_label("Số căn cước đọc từ giấy tờ").fill("046168007777")
    page.get_by_role("button", name="Xác minh người này").press("Enter")
    expect(page.get_by_text("tại quầy.")).to_be_visible()
    both(page, "danh-tinh-da-xac-minh")


def test_a_childs_own_account(screens: Screens) -> None:
    page = screens.citizen(HANH).page
    born = local_day(datetime.now(UTC)) - timedelta(days=365 * 10)
    page.goto("/so/gia-dinh/them")
    page.get_by_label("Họ và tên").fill("Nguyễn Bé Na")
    page.get_by_label("Ngày sinh").fill(f"{born:%d/%m/%Y}")
    page.get_by_label("Nữ").check()
    page.get_by_role("button", name="Thêm người này").click()
    page.get_by_role("link", name="Tài khoản riêng của Nguyễn Bé Na").click()
    both(page, "con-tai-khoan")
    page.get_by_label("Số điện thoại riêng của trẻ").fill("0905333002")
    page.get_by_label("Tôi là cha mẹ hoặc người giám hộ").check()
    page.get_by_role("button", name=re.compile("hỏi trẻ$")).press("Enter")
    expect(page.get_by_text("Đang chờ trẻ trả lời")).to_be_visible()
    both(page, "con-tai-khoan-cho")
    child = enter_as_citizen(screens.new("con", PHONE), "0905333002")
    child.goto("/so/")
    child.wait_for_url("**/tai-khoan-cua-em")
    both(child, "con-dong-y")
    child.get_by_role("button", name=re.compile("^Em đồng ý")).press("Enter")
    expect(child.get_by_text("Từ giờ tự xem được sổ của mình.")).to_be_visible()
    child.goto("/so/gia-dinh/tai-khoan-cua-em")
    both(child, "con-dong")


def test_an_opening_is_asked_about(screens: Screens) -> None:
    desk = enter_as_staff(screens.new("hoi-ban", DESK), "tiepdon")
    desk.goto("/danh-tinh?q=046158001234")
    desk.get_by_role("link", name=re.compile("Nguyễn Thị Hạnh")).click()
    expect(desk.get_by_role("heading", name="Nguyễn Thị Hạnh")).to_be_visible()
    page = screens.citizen(HANH).open("/so/ai-da-mo/")
    line = page.get_by_role("listitem").filter(has_text="Hoàng Thị Thu Trang").first
    reloaded_until(page, line)  # the audit's reads are written a little later
    expect(line).to_contain_text("Lễ tân")
    both(page, "ai-da-mo")
    line.get_by_role("link", name=re.compile("^Hỏi về lần mở này")).click()
    page.get_by_role("button", name="Gửi câu hỏi").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    both(page, "hoi-mot-lan")
    page.get_by_label("Muốn hỏi điều gì").fill("Hôm đó không đi khám.")
    page.get_by_role("button", name="Gửi câu hỏi").press("Enter")
    expect(page.get_by_text("Hỏi về một lần mở sổ").first).to_be_visible()
    both(page, "hoi-da-gui")
    asked = page.url
    office = enter_as_staff(screens.new("hoi-tra-loi", DESK), "quantri")
    office.goto("/quan-tri/du-lieu/")
    both(office, "hoi-danh-sach")
    office.get_by_role("row", name=re.compile("Nguyễn Thị Hạnh.*Hỏi")).get_by_role("link").first.click()
    both(office, "hoi-mot-cau")
    office.get_by_label("Câu trả lời gửi người xin").fill(
        "Nhân viên tiếp đón so giấy tờ theo lịch hẹn sáng nay."
    )
    office.get_by_role("button", name=re.compile("^Mở đúng việc, trả lời")).press("Enter")
    expect(office.get_by_text("Người xin thấy ngay trong sổ của mình.")).to_be_visible()
    page.goto("/so/du-lieu/")
    both(page, "hoi-du-lieu")
    page.goto(asked)
    expect(page.get_by_text("so giấy tờ theo lịch hẹn sáng nay").first).to_be_visible()
    both(page, "hoi-co-tra-loi")


def test_staff_keep_a_number_and_an_administrator_can_send_there(screens: Screens) -> None:
    page = enter_as_staff(screens.new("so-tin-nhan", DESK), "dieuduong")
    page.goto("/tai-khoan/bao-mat")
    both(page, "bao-mat-nhan-vien")
    page.get_by_role("link", name=re.compile("^(Ghi|Đổi) số$")).click()
    page.get_by_label("Số điện thoại").fill("0905333003")
    page.get_by_role("button", name="Gửi mã").press("Enter")
    page.get_by_label("Mã gồm 6 chữ số").fill(code_in(sent_to(page, "0905333003")[0]))
    both(page, "so-tin-nhan-ma")
    page.get_by_role("button", name="Thêm số này").press("Enter")
    expect(page.get_by_text("Tin nhắn từ nay tới số")).to_be_visible()
    desk = enter_as_staff(screens.new("gui-duong", DESK), "quantri")
    desk.goto("/nhan-vien")
    desk.get_by_role("row", name=re.compile("dieuduong ")).get_by_role("link").first.click()
    both(desk, "nhan-vien-mot")
    desk.get_by_role("button", name="Gửi đường đặt mật khẩu mới").press("Enter")
    expect(desk.get_by_role("button", name="Giữ mật khẩu")).to_be_focused()
    both(desk, "nhan-vien-mat-khau")
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("button", name="Gửi đường này")).to_be_hidden()
    stranger = screens.new("duong-cu", PHONE)
    both(stranger.open("/mat-khau-moi/da-dung-roi"), "mat-khau-duong-cu")
    stranger.troubles.clear()  # it is gone, and says so
