"""A book is shared, seen, withdrawn; another is opened in an emergency, told and judged: on phone and desk."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.houses import House
from tests.journeys.asking import Api, api
from tests.journeys.browsing import DESK, look
from tests.journeys.conftest import Screens
from tests.journeys.signing import enter_as_staff, sent_to

HANH = "0905123456"
NUMBER = "046158001234"
PHONE_390 = {"width": 390, "height": 844}
CLINIC = "pk-song-huong"


def seen(doctor: Api) -> set[str]:
    """What a doctor of the clinic finds of the heroine's results."""
    return {one["id"] for one in doctor.find("Observation", patient="nb-hanh")}


def in_the_dark(page: Page, name: str) -> None:
    page.emulate_media(color_scheme="dark")
    look(page, f"{name}-dark")
    page.emulate_media(color_scheme="light")


def test_a_share_is_given_seen_and_taken_back(screens: Screens, house: House) -> None:
    doctor = api(house, "doctor", "--facility", CLINIC)
    before = seen(doctor)
    page = screens.citizen(HANH).open("/so/chia-se/")
    page.set_viewport_size(PHONE_390)  # type: ignore[arg-type]  # a size
    look(page, "chia-se")
    page.get_by_role("link", name="Chia sẻ với một nơi").click()
    page.get_by_label("Tên cơ sở, bác sĩ hoặc chương trình").fill("song huong")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile("Phòng khám Chuyên khoa Sông Hương")).click()
    assert page.locator("input:checked").count() == 0
    look(page, "chia-se-chon", also=DESK)
    page.get_by_role("button", name="Xem trước những gì sẽ cho xem").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    look(page, "chia-se-thieu")
    page.get_by_label("Khám và chữa bệnh").check()
    page.get_by_label("Cả sổ, trừ mục nhạy cảm").check()
    page.get_by_label("30 ngày").check()
    page.get_by_role("button", name="Xem trước những gì sẽ cho xem").click()
    heading = page.get_by_role("heading", name=re.compile(r"Được xem thêm \d+ mục"))
    expect(heading).to_be_visible()
    page.get_by_text(re.compile("^Kết quả xét nghiệm, hình ảnh, số đo:")).click()
    look(page, "chia-se-xem-truoc", also=DESK)
    in_the_dark(page, "chia-se-xem-truoc")
    assert seen(doctor) == before  # to look is not to share
    page.get_by_role("button", name=re.compile("^Đồng ý chia sẻ với")).click()
    expect(page.get_by_text("Đã chia sẻ với Phòng khám Chuyên khoa Sông Hương.")).to_be_visible()
    look(page, "chia-se-da-cho")
    assert len(seen(doctor)) > len(before)
    page.get_by_role("link", name=re.compile("^Phòng khám Chuyên khoa Sông Hương")).first.click()
    look(page, "chia-se-mot", also=DESK)
    page.get_by_role("button", name="Rút lại ngay").press("Enter")
    expect(page.get_by_text("Từ lúc này người nhận không xem được nữa.")).to_be_visible()
    assert seen(doctor) == before
    screens.citizen(HANH).quiet()


def test_an_emergency_is_told_and_judged(screens: Screens) -> None:
    doctor = screens.new("cap-cuu", DESK)
    page = enter_as_staff(doctor, "bs.tam")
    page.goto("/clinic/emergency/")
    page.get_by_label("Số căn cước, thẻ BHYT hoặc điện thoại").fill(NUMBER)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nguyễn Thị Hạnh")).to_be_visible()
    look(page, "cap-cuu-tim", also=PHONE_390)
    page.get_by_label("Hôn mê, không nói được").check()
    page.get_by_label("Tình trạng người bệnh").fill("Bất tỉnh ngoài đường, xe 115 đưa tới")
    page.get_by_role("button", name=re.compile("Mở sổ cấp cứu, ba giờ")).click()
    expect(page.get_by_text(re.compile("Sổ đang mở cấp cứu: còn"))).to_be_visible()
    expect(page.get_by_role("heading", name="Thuốc đang dùng")).to_be_visible()
    look(page, "cap-cuu-so", also=PHONE_390)
    in_the_dark(page, "cap-cuu-so")
    assert any("vì cấp cứu" in one for one in sent_to(page, HANH))
    phone = screens.citizen(HANH).open("/so/chia-se/")
    expect(phone.get_by_text("Đang mở cấp cứu")).to_be_visible()
    page.get_by_role("button", name=re.compile("Đóng sổ ngay")).click()
    expect(page.get_by_text("Không có sổ nào đang mở cấp cứu.")).to_be_visible()
    auditor = screens.new("kiem-toan", DESK)
    desk = enter_as_staff(auditor, "kiemtra.ac")
    desk.goto("/quan-tri/mo-cap-cuu/")
    look(desk, "mo-cap-cuu", also=PHONE_390)
    desk.get_by_role("link", name="Nguyễn Thị Hạnh").first.click()
    desk.get_by_label("Có lý do chính đáng", exact=True).check()
    desk.get_by_label("Căn cứ").fill("Phiếu cấp cứu số 12")
    look(desk, "mo-cap-cuu-mot")
    in_the_dark(desk, "mo-cap-cuu-mot")
    desk.get_by_role("button", name=re.compile("Ghi kết luận")).click()
    expect(desk.get_by_text("Đã ghi kết luận.")).to_be_visible()
    doctor.quiet()
    auditor.quiet()
