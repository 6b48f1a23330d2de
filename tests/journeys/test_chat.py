"""A conversation between a phone and a desk, with and without scripts; and a follow-up of what is measured at home."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.houses import House
from tests.journeys import browsing
from tests.journeys.browsing import DESK, PATIENCE, PHONE, Visitor, look
from tests.journeys.conftest import Screens
from tests.journeys.test_video import HANH, a_visit, with_devices
from yba.ui.words import HANOI


@pytest.fixture
def callers(screens: Screens) -> Iterator[dict[str, Visitor]]:
    """The person's phone and the doctor's desk, in a browser with a made-up microphone."""
    own = with_devices(screens)
    person, doctor = (one.context.storage_state() for one in (screens.citizen(HANH), screens.staff("doctor")))
    address = screens.house.address
    found = {
        "person": browsing.visit(
            own, address, "hanh", size=PHONE, permissions=["microphone"], storage_state=person
        ),
        "doctor": browsing.visit(own, address, "khoi", size=DESK, storage_state=doctor),
    }
    yield found
    own.close()


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (240, 160), "#a5231a").save(out, "JPEG")
    return out.getvalue()


def test_a_person_asks_and_the_team_answers(house: House, callers: dict[str, Visitor]) -> None:
    visit = a_visit(house, code="CHAT01")
    person, doctor = callers["person"], callers["doctor"]

    page = person.open("/so/")
    page.get_by_role("link", name="Trò chuyện với bác sĩ").click()
    look(page, "chat-list")
    page.goto(f"{house.address}/kham-tu-xa/tro-chuyen/ve/Appointment/{visit}")
    page.get_by_role("textbox", name="Tin nhắn").fill("Vết mổ hơi đỏ, có cần khám sớm không?")
    page.get_by_label("Ảnh, giấy tờ, lời ghi âm").set_input_files(
        {"name": "vet-mo.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    )
    page.get_by_role("button", name="Ghi âm", exact=True).click()
    page.wait_for_timeout(700)
    page.get_by_role("button", name="Dừng ghi âm").click()
    page.get_by_text("Đã ghi âm. Bấm nút gửi để gửi.").wait_for()
    look(page, "chat-first")
    page.get_by_role("button", name="Gửi tin").click()
    page.wait_for_function("() => document.querySelector('.chat-file img')?.naturalWidth === 240")
    sound = page.locator(".chat-file audio")
    assert page.evaluate(
        """async element => { element.load(); element.preload = 'auto';
        return await new Promise(done => {
            element.onloadedmetadata = () => done(true); element.onerror = () => done(false);
        }); }""",
        sound.element_handle(),
    )
    thread = re.sub(r".*/|#.*", "", page.url)
    look(page, "chat-said")

    desk = doctor.open("/kham-tu-xa/tin/")
    look(desk, "chat-inbox")
    desk.get_by_role("link", name="Nguyễn Thị Hạnh").first.click()
    desk.wait_for_url(f"**/tin/{thread}")
    look(desk, "chat-desk", also={"width": 390, "height": 800})
    desk.get_by_role("textbox", name="Tin nhắn").fill("Chụp thêm ảnh sáng mai, chưa cần đến.")
    desk.get_by_role("button", name="Gửi tin").click()
    page.get_by_text("Chụp thêm ảnh sáng mai").wait_for(
        timeout=2 * PATIENCE
    )  # told by the event, or by the next poll
    desk.get_by_role("button", name="Mời đặt khám").click()
    page.get_by_text("Nên gặp để khám.").wait_for(timeout=2 * PATIENCE)
    assert (
        page.get_by_role("link", name="Xem lượt hẹn").count()
        + page.get_by_role("link", name="Đặt lịch khám").count()
    )

    page.get_by_role("textbox", name="Tin nhắn").fill("Mẹ tôi đang khó thở dữ dội, môi tím")
    page.get_by_role("button", name="Gửi tin").click()
    page.get_by_text("Có thể là cấp cứu: gọi 115 ngay").wait_for()
    look(page, "chat-alarm")
    desk.goto(f"{house.address}/kham-tu-xa/tin/")
    desk.get_by_text("Lời báo động").first.wait_for()
    look(desk, "chat-inbox-alarm")

    plain = browsing.visit(
        page.context.browser or pytest.fail("no browser"), house.address, "plain", size=PHONE,
        storage_state=person.context.storage_state(), java_script_enabled=False,
    )  # fmt: skip
    without = plain.open(f"/kham-tu-xa/tro-chuyen/{thread}")
    without.get_by_role("textbox", name="Tin nhắn").fill("Đã gọi 115.")
    without.get_by_role("button", name="Gửi tin").click()
    without.get_by_text("Đã gọi 115.").wait_for()
    plain.context.close()
    desk.goto(f"{house.address}/kham-tu-xa/tin/{thread}")
    desk.get_by_role("textbox", name="Tin nhắn").fill("Xe đang đến.")
    desk.get_by_role("button", name="Gửi tin").click()
    desk.emulate_media(color_scheme="dark")
    look(desk, "chat-desk-dark")
    page.reload()
    page.emulate_media(color_scheme="dark")
    look(page, "chat-said-dark")
    follows_up(page, desk)
    for one in (person, doctor):
        one.quiet()


def follows_up(page: Page, desk: Page) -> None:
    """A plan from the conversation, a reading of danger at home, the team's answer."""
    desk.emulate_media(color_scheme="light")
    page.emulate_media(color_scheme="light")
    desk.get_by_role("link", name="Theo dõi tại nhà").click()
    desk.get_by_role("link", name="Tăng huyết áp").click()
    desk.get_by_role("textbox", name="Giờ đo").first.fill(f"{datetime.now(HANOI):%H:%M}")
    look(desk, "follow-begin")
    desk.get_by_role("button", name="Bắt đầu theo dõi").click()
    desk.wait_for_url(re.compile(r"/theo-doi/[^/?]+$"))
    plan = desk.url.rsplit("/", 1)[1]
    page.goto(desk.url.split("/kham-tu-xa/")[0] + "/kham-tu-xa/so-do/")
    look(page, "follow-plans")
    page.get_by_role("link", name="Tăng huyết áp").click()
    page.get_by_label("HA tâm thu").fill("1900")
    page.get_by_label("HA tâm trương").fill("125")
    page.get_by_role("button", name="Lưu số đo").click()
    page.get_by_text("1900 mmHg không thể có.").first.wait_for()
    look(page, "follow-refused")
    page.get_by_label("HA tâm thu").fill("190")
    page.get_by_role("button", name="Lưu số đo").click()
    page.get_by_text("Số đo nguy hiểm: gọi 115 ngay").wait_for()
    look(page, "follow-danger")
    look(desk, "follow-plan")
    desk.get_by_text("190/125").first.wait_for(timeout=2 * PATIENCE)
    desk.goto(desk.url.replace(plan, ""))
    desk.get_by_text("Đóng báo động").click()
    look(desk, "follow-team", also={"width": 390, "height": 800})
    desk.get_by_label("Đã làm gì").select_option("emergency")
    desk.get_by_role("button", name="Đóng", exact=True).click()
    desk.get_by_text("Không có báo động nào").wait_for()
    page.reload()
    assert not page.get_by_text("Số đo nguy hiểm").count()
