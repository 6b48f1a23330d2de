"""One patient's whole day, from the first sign-up to the last receipt, by seven people at seven screens."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psycopg
from playwright.sync_api import Page, expect

from tests.journeys import signing
from tests.journeys.asking import Api, api
from tests.journeys.browsing import DESK, PHONE, look, picture, settled
from tests.journeys.conftest import Screens

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
DOCTOR = "Trần Minh Khôi"
NAME = "Đặng Thị Ngọc Ẩn"
CHILD = "Lê Đức Anh"
REASON = "Đau họng ba ngày nay"
SYMPTOMS = "Nuốt đau, sốt nhẹ về chiều, chưa dùng thuốc gì"


@dataclass
class Day:
    """What the day learns as it goes; each run has a person nobody has met before."""

    screens: Screens
    phone: str = field(default_factory=lambda: f"09{secrets.randbelow(10**8):08d}")
    number: str = field(default_factory=lambda: f"046190{secrets.randbelow(10**6):06d}")
    card: str = field(default_factory=lambda: f"DN446{secrets.randbelow(10**10):010d}")
    person: str = ""
    appointment: str = ""
    code: str = ""
    ticket: str = ""
    visit: str = ""
    prescription: str = ""

    @cached_property
    def system(self) -> Api:
        """Another system that may read everything: it sees what really stands in the record."""
        return api(self.screens.house, "system")

    @property
    def citizen(self) -> Page:
        return self.screens.made["citizen"].page


def now() -> datetime:
    return datetime.now(VIETNAM)


STEPS = (
    "signs_up fills_in_the_profile adds_the_card adds_a_child books the_desk_confirms reception_checks_in "
    "the_wall_shows_the_line the_doctor_calls the_doctor_writes the_doctor_prescribes the_doctor_finishes "
    "the_pharmacy_dispenses the_cashier_settles the_book_shows_it the_api_shows_it nothing_was_lost "
    "strangers_see_nothing"
)


def test_a_whole_day(screens: Screens) -> None:
    day = Day(screens)
    for step in STEPS.split():
        try:
            globals()[step](day)
        except BaseException:
            for name, one in screens.made.items():
                picture(one.page, f"failed-{name}")
            raise
    for one in screens.made.values():
        one.quiet()


# -- 1. the citizen comes in ----------------------------------------------------------------------------


def signs_up(day: Day) -> None:
    who = day.screens.new("citizen", PHONE)
    day.screens.made["citizen"] = who
    page = who.open("/")
    look(page, "welcome", also=DESK)
    page.get_by_role("link", name="Đăng nhập bằng số điện thoại").click()
    look(page, "sign-in", also=DESK)
    page.get_by_label("Số điện thoại").fill("0912")
    page.get_by_role("button", name="Gửi mã").click()
    expect(page.get_by_text("Số điện thoại chưa đúng").first).to_be_visible()
    page.get_by_label("Số điện thoại").fill(day.phone)
    page.get_by_role("button", name="Gửi mã").click()
    look(page, "enter-code", also=DESK)
    code = signing.code_in(signing.sent_to(page, day.phone)[0])
    page.get_by_label("Mã gồm 6 chữ số").fill(f"{(int(code) + 1) % 10**6:06d}")
    page.get_by_role("button", name="Vào sổ").click()
    expect(page.get_by_text("Mã chưa đúng").first).to_be_visible()
    page.get_by_label("Mã gồm 6 chữ số").fill(code)
    page.get_by_role("button", name="Vào sổ").click()
    page.wait_for_url("**/so/ho-so/")


def fills_in_the_profile(day: Day) -> None:
    page = day.citizen
    look(page, "profile-new", also=DESK)
    qr = f"{day.number}|201234567|{NAME}|05091990|Nữ|12 Nguyễn Huệ, Vỹ Dạ, Huế|01012022"
    page.get_by_label("Nội dung mã QR").fill(qr.replace(day.number, day.number[:11]))
    page.get_by_role("button", name="Điền từ mã QR").click()
    expect(page.get_by_text("12 chữ số").first).to_be_visible()
    page.get_by_label("Nội dung mã QR").fill(qr)
    page.get_by_role("button", name="Điền từ mã QR").click()
    expect(page.get_by_label("Họ và tên")).to_have_value(NAME)
    expect(page.get_by_label("Ngày sinh")).to_have_value("05/09/1990")
    expect(page.get_by_label("Nữ")).to_be_checked()
    look(page, "profile-filled")
    page.get_by_role("button", name="Ghi hồ sơ").click()
    page.wait_for_url("**/so/the-bhyt/**")
    day.person = page.url.rstrip("/").rsplit("/", 1)[-1]


def adds_the_card(day: Day) -> None:
    page = day.citizen
    look(page, "insurance-card", also=DESK)
    page.get_by_label("Số thẻ BHYT").fill("DN4" + "00" + day.card[5:])
    page.get_by_label("Có giá trị từ ngày").fill("1/1/25")
    page.get_by_label("Đến ngày").fill("31/12/2099")
    page.get_by_role("button", name="Ghi thẻ này").click()
    expect(page.get_by_text("không có trong danh mục mã tỉnh").first).to_be_visible()
    look(page, "insurance-card-refused")
    page.get_by_label("Số thẻ BHYT").fill(day.card)
    page.get_by_role("button", name="Ghi thẻ này").click()
    page.wait_for_url("**/so/")
    look(page, "home-new", also=DESK)
    expect(page.get_by_text(NAME).first).to_be_visible()


def adds_a_child(day: Day) -> None:
    page = day.citizen
    page.get_by_role("link", name="Hồ sơ").click()
    look(page, "profile", also=DESK)
    page.get_by_role("link", name="Người thân").click()
    look(page, "family", also=DESK)
    page.get_by_role("link", name="Thêm người thân").last.click()
    look(page, "child", also=DESK)
    page.get_by_label("Họ và tên").fill(CHILD.lower())
    page.get_by_label("Ngày sinh").fill("020320")
    page.get_by_label("Nam", exact=True).check()
    page.get_by_role("button", name="Thêm người này").click()
    page.wait_for_url("**/so/gia-dinh/")
    expect(page.get_by_role("main").get_by_text(CHILD).first).to_be_visible()
    page.get_by_role("main").get_by_role("link", name=NAME).first.click()
    page.wait_for_url("**/so/**")


# -- 2. finds a doctor and holds a time -----------------------------------------------------------------


def opens_a_time_today(day: Day) -> None:
    """Late in the evening the doctor's day has no time left; then the house opens one more."""
    found = now() + timedelta(minutes=3)
    midnight = (found + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    schedule = "Schedule/lich-tran-minh-khoi"
    free = day.system.find("Slot", schedule=schedule, start=f"ge{found.isoformat()}", status="free")
    if any(datetime.fromisoformat(one["start"]) < midnight for one in free):
        return
    slot = free[0] | {"id": f"extra-{found:%Y%m%d-%H%M%S}", "start": found.isoformat("T", "seconds")}
    slot["end"] = (found + timedelta(minutes=20)).isoformat("T", "seconds")
    slot.pop("meta")
    status, said = day.system.ask(f"Slot/{slot['id']}", method="PUT", body=slot)
    assert status == 201, said


def books(day: Day) -> None:
    opens_a_time_today(day)
    page = day.citizen
    page.get_by_role("link", name="Đặt khám").first.click()
    look(page, "find", also=DESK)
    page.get_by_label("Bác sĩ, chuyên khoa hoặc triệu chứng").fill("tim mach")
    page.get_by_role("button", name="Tìm", exact=True).click()
    expect(page.get_by_role("link", name=re.compile(DOCTOR)).first).to_be_visible()
    look(page, "find-found", also=DESK)
    page.get_by_role("link", name=re.compile(DOCTOR)).first.click()
    page.wait_for_url("**/bac-si/**")
    look(page, "book", also=DESK)
    choose_today(page)
    page.get_by_label("Lý do khám").fill(REASON)
    page.get_by_label("Triệu chứng, thuốc đang dùng").fill(SYMPTOMS)
    page.get_by_role("radio", name=re.compile(NAME)).check()
    page.get_by_role("button", name="Giữ chỗ này").dblclick()
    page.wait_for_url("**/phieu/**")
    look(page, "slip-pending", also=DESK)
    day.appointment = page.url.rstrip("/").rsplit("/", 1)[-1]
    expect(page.get_by_role("main")).to_contain_text("Chờ bệnh viện gọi")
    held = day.system.find("Appointment", patient=f"Patient/{day.person}")
    assert [(one["id"], one["status"]) for one in held] == [(day.appointment, "pending")]
    assert held[0]["reasonCode"] == [{"text": REASON}]
    assert held[0]["comment"] == SYMPTOMS
    slot = day.system.read(held[0]["slot"][0]["reference"])
    assert slot["status"] == "busy"


def choose_today(page: Page) -> None:
    """Today's first free time, as a finger would: the day, then the time."""
    today = page.locator(f'input[name="ngay"][value="{now():%Y-%m-%d}"]')
    if not today.is_checked():
        today.check()
        page.wait_for_url("**ngay=**")
    page.locator('input[name="slot"]:not([disabled])').first.check()


# -- 3. the care desk calls -----------------------------------------------------------------------------


def the_desk_confirms(day: Day) -> None:
    page = day.screens.staff("customer_care").open("/")
    page.wait_for_url("**/sang-loc/")
    look(page, "screening")
    page.get_by_role("link", name=re.compile(NAME)).first.click()
    page.wait_for_url("**/sang-loc/*/")
    expect(page.get_by_role("link", name=re.compile(r"09\d\d"))).to_have_attribute("href", f"tel:{day.phone}")
    page.get_by_role("button", name="Giữ để gọi").click()
    expect(page.get_by_role("button", name="Trả lại danh sách")).to_be_visible()
    look(page, "screening-open", also=PHONE)
    page.get_by_label("Lý do khám, sửa theo lời người bệnh").fill(f"{REASON}, ho khan")
    page.get_by_role("button", name="Ghi lại").click()
    expect(page.get_by_text("Đã ghi lại theo lời người bệnh").first).to_be_visible()
    page.get_by_role("button", name="Xác nhận").dblclick()
    expect(page.get_by_text("Đã xác nhận").first).to_be_visible()
    look(page, "screening-confirmed")
    booked = day.system.read(f"Appointment/{day.appointment}")
    assert booked["status"] == "booked"
    assert booked["reasonCode"] == [{"text": f"{REASON}, ho khan"}]
    day.code = next(
        one["value"] for one in booked["identifier"] if one["system"].endswith("/registration-code")
    )
    assert "đã xác nhận từ trước" in again(page, f"/dat-kham/sang-loc/{day.appointment}/xac-nhan")
    told = [text for text in signing.sent_to(day.citizen, day.phone) if day.code in text]
    assert len(told) == 1, "one message with the code, however often one clicks"
    expect(day.citizen.get_by_role("main")).to_contain_text(day.code)  # came by itself
    look(day.citizen, "slip-confirmed", also=DESK)


# -- 4. reception ---------------------------------------------------------------------------------------


def reception_checks_in(day: Day) -> None:
    page = day.screens.staff("receptionist").open("/")
    look(page, "reception")
    expect(page.get_by_role("link", name=re.compile(NAME)).first).to_be_visible()
    page.get_by_label("Quét mã hoặc gõ tên").fill(day.code.lower())
    page.get_by_label("Quét mã hoặc gõ tên").press("Enter")
    page.wait_for_url("**/hen/**")
    look(page, "reception-check-in", also=PHONE)
    page.get_by_role("button", name="Cấp số và in phiếu").click()
    expect(page.get_by_text("Đối chiếu họ tên và ngày sinh với").first).to_be_visible()
    look(page, "reception-refused")
    page.locator("select[name='method']").select_option(label="Tiền mặt")
    page.get_by_label("Đã đối chiếu họ tên và ngày sinh").check()
    page.get_by_role("button", name="Cấp số và in phiếu").dblclick()
    page.wait_for_url("**/so/**")
    look(page, "ticket-issued", also=PHONE)
    day.ticket = page.locator(".ticket-number").inner_text()
    assert re.fullmatch(r"[A-ZĐ]{1,2}\s\d{3}", day.ticket), day.ticket
    for name in ("In phiếu số", "In biên lai 80 mm", "Biên lai A5"):
        words = paper(page, page.get_by_role("link", name=re.compile(name)).get_attribute("href"))
        assert (
            not words
            or re.sub(r"\s", "", day.ticket) in re.sub(r"\s", "", words)
            or "BIÊN LAI" in words.upper()
        )
    visits = day.system.find("Encounter", subject=f"Patient/{day.person}")
    assert [one["status"] for one in visits] == ["arrived"]
    assert visits[0]["appointment"] == [{"reference": f"Appointment/{day.appointment}"}]
    day.visit = visits[0]["id"]
    assert day.system.read(f"Appointment/{day.appointment}")["status"] == "arrived"
    bills = day.system.find("Invoice", subject=f"Patient/{day.person}")
    assert [one["status"] for one in bills] == ["balanced"]
    # The same code once more shows the same number.
    page.get_by_label("Quét mã hoặc gõ tên").fill(day.code)
    page.get_by_label("Quét mã hoặc gõ tên").press("Enter")
    look(page, "reception-found")
    page.get_by_role("main").get_by_role("link").filter(has_text=day.ticket).first.click()
    expect(page.locator(".ticket-number")).to_have_text(day.ticket)


def again(page: Page, path: str, **form: str) -> str:
    """Send a form past the page's own guard, as a second window or a bad network does; what came back."""
    token = next(one["value"] for one in page.context.cookies() if one["name"] == "csrftoken")
    answer = page.request.post(path, form=form, headers={"X-CSRFToken": token})
    assert answer.status < 500, f"{path}: {answer.status}"
    return answer.text()


def paper(page: Page, address: str | None) -> str:
    """The words of a PDF; empty where pdftotext is not installed."""
    assert address is not None
    answer = page.request.get(address)
    assert answer.ok, f"{address}: {answer.status}"
    assert answer.body().startswith(b"%PDF-")
    if shutil.which("pdftotext") is None:
        return ""
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=answer.body(), capture_output=True, check=True
    ).stdout.decode()


# -- 5. the wall ----------------------------------------------------------------------------------------


def the_wall_shows_the_line(day: Day) -> None:
    page = day.screens.staff("wall").open("/")
    look(page, "wall-waiting")
    expect(page.get_by_role("main")).to_contain_text(day.ticket)
    mine = day.citizen
    mine.goto("/so/")
    expect(mine.get_by_role("main")).to_contain_text(day.ticket)
    look(mine, "home-waiting", also=DESK)


# -- 6. the doctor --------------------------------------------------------------------------------------


def the_doctor_calls(day: Day) -> None:
    page = day.screens.staff("doctor").open("/")
    look(page, "room-waiting", also=PHONE)
    row = page.get_by_role("row").filter(has_text=day.ticket)
    row.get_by_role("button", name="Mời").dblclick()
    expect(page.get_by_role("button", name="Vào khám")).to_be_visible()
    look(page, "room-called")
    wall = day.screens.staff("wall").page
    expect(wall.locator("#call")).to_contain_text(day.ticket)
    look(wall, "wall-calling")
    expect(day.citizen.get_by_role("main")).to_contain_text("Mời vào phòng")
    page.get_by_role("button", name="Vào khám").dblclick()
    page.wait_for_url("**/clinic/visit/**")
    look(page, "visit-empty", also=PHONE)
    assert day.system.read(f"Encounter/{day.visit}")["status"] == "in-progress"


def pick(page: Page, label: str, words: str, option: str) -> None:
    """Type into a field that searches, and take an answer."""
    page.get_by_role("combobox", name=label, exact=True).press_sequentially(words, delay=15)
    page.get_by_role("option", name=re.compile(option, re.IGNORECASE)).first.click()


def saved(page: Page) -> None:
    settled(page)
    expect(page.locator("#state")).to_contain_text("Đã lưu")


def the_doctor_writes(day: Day) -> None:
    page = day.screens.staff("doctor").page
    page.get_by_role("button", name="Ghi dị ứng").first.click()
    pick(page, "Chất gây dị ứng", "penicil", "penicillin")
    page.get_by_label("Biểu hiện").fill("Nổi mề đay")
    look(page, "visit-allergy")
    page.locator("#allergy").get_by_role("button", name="Ghi dị ứng").click()
    expect(page.locator(".allergy")).to_contain_text(re.compile("penicillin", re.IGNORECASE))
    page.get_by_role("button", name="Ký và kết thúc").click()
    expect(page.get_by_text("Chưa ký được").first).to_be_visible()
    look(page, "visit-not-signed")
    page.get_by_label("Lý do khám và bệnh sử").fill("Đau họng ba ngày, ho khan, sốt nhẹ về chiều.")
    for label, value in (
        ("Mạch", "82"),
        ("Nhiệt độ", "37,9"),
        ("HA tâm thu", "118"),
        ("HA tâm trương", "76"),
        ("Cân nặng", "52,5"),
    ):
        field = page.locator(".vital-field").filter(has_text=label).locator("input")
        field.fill(value)
    page.get_by_label("Khám", exact=True).fill("Họng đỏ, amiđan không mủ, phổi trong.")
    pick(page, "Thêm chẩn đoán", "viem hong cap", r"J02\.9")
    expect(page.locator("#diagnoses")).to_contain_text("J02.9")


def the_doctor_prescribes(day: Day) -> None:
    page = day.screens.staff("doctor").page
    adding = "Thêm thuốc, xét nghiệm, dịch vụ"
    pick(page, adding, "amoxicil", "^.*Amoxicillin")
    expect(page.get_by_text("Dừng: người bệnh dị ứng").first).to_be_visible()
    page.get_by_role("button", name="Ký và kết thúc").click()
    expect(page.get_by_text("Chưa ký được").first).to_be_visible()
    look(page, "visit-allergy-stop", also=PHONE)
    page.get_by_role("button", name="Bỏ thuốc này").first.click()
    expect(page.get_by_text("Dừng: người bệnh dị ứng")).to_have_count(0)
    pick(page, adding, "panadol", "Panadol")
    expect(page.locator("#orders")).to_contain_text("Paracetamol (Panadol)")
    pick(page, adding, "decolgen", "Decolgen")
    expect(page.get_by_text("Trùng hoạt chất").first).to_be_visible()
    look(page, "visit-duplicate-stop")
    page.locator("li.drug").filter(has_text="Decolgen").get_by_role(
        "button", name="Bỏ thuốc này"
    ).first.click()
    expect(page.get_by_text("Trùng hoạt chất")).to_have_count(0)
    dose(page, "Panadol", times="3", days="5")


def dose(page: Page, name: str, **values: str) -> None:
    """Fill in how a medicine is taken; what is typed is kept by itself."""
    line = page.locator("li.drug").filter(has_text=name)
    if line.locator("details.dose-form").get_attribute("open") is None:
        line.get_by_text("Liều dùng", exact=True).click()
    for key, value in values.items():
        line.locator(f"input[name$='-{key}']").fill(value)
    with page.expect_response(lambda answer: answer.url.endswith("/save")):
        line.locator("input[name$='-note']").fill("uống sau ăn, khi sốt trên 38,5")
    saved(page)


def the_doctor_finishes(day: Day) -> None:
    page = day.screens.staff("doctor").page
    page.get_by_label("Dặn người bệnh").fill("Súc họng nước muối, uống nhiều nước. Khó thở thì đến ngay.")
    page.get_by_label("Hẹn khám lại").fill("7")
    saved(page)
    expect(page.locator("#sign-note")).to_contain_text("Hẹn lại")
    look(page, "visit-written", also=PHONE)
    # A lost page loses nothing: what was typed is there again.
    page.reload()
    expect(page.get_by_label("Dặn người bệnh")).to_have_value(re.compile("Súc họng"))
    page.get_by_role("button", name="Ký và kết thúc").dblclick()
    expect(page.get_by_text("Đã ký").first).to_be_visible()
    look(page, "visit-signed", also=PHONE)
    order = paper(page, page.get_by_role("link", name="In đơn thuốc").get_attribute("href"))
    slip = paper(page, page.get_by_role("link", name="In phiếu hẹn").get_attribute("href"))
    if order:
        assert "ĐƠN THUỐC" in order.upper()
        for words in (NAME, "Panadol", "Viêm họng cấp", "Súc họng"):
            assert words in one_line(order), f"{words} is not on the prescription"
    if slip:
        assert f"{now() + timedelta(days=7):%d/%m/%Y}" in one_line(slip)
    visit = day.system.read(f"Encounter/{day.visit}")
    assert visit["status"] == "finished"
    assert visit["period"]["end"]
    assert day.system.read(f"Appointment/{day.appointment}")["status"] == "fulfilled"
    here = f"Encounter/{day.visit}"
    codes = [one["code"]["coding"][0]["code"] for one in day.system.find("Condition", encounter=here)]
    assert codes == ["J02.9"]
    drugs = day.system.find("MedicationRequest", encounter=here)
    assert [one["medicationCodeableConcept"]["coding"][0]["code"] for one in drugs] == ["T0001"]
    assert drugs[0]["status"] == "active"
    assert drugs[0]["dispenseRequest"]["quantity"]["value"] == 15
    day.prescription = drugs[0]["groupIdentifier"]["value"]
    if order:
        assert day.prescription.lower() in re.sub(r"\s", "", order).lower()
    vitals = day.system.find("Observation", encounter=here, category="vital-signs")
    assert vitals
    allergies = day.system.find("AllergyIntolerance", patient=f"Patient/{day.person}")
    assert len(allergies) == 1
    assert allergies[0]["reaction"][0]["manifestation"][0]["text"] == "Nổi mề đay"
    ahead = day.system.find("ServiceRequest", encounter=here)
    assert any(
        one.get("occurrenceDateTime", "")[:10] == f"{now() + timedelta(days=7):%Y-%m-%d}" for one in ahead
    )
    # Signed is locked: writing on does nothing.
    said = again(page, f"/clinic/visit/{day.visit}/save", complaint="sửa sau khi ký")
    assert "sửa sau khi ký" not in said
    assert day.system.read(here)["meta"]["versionId"] == visit["meta"]["versionId"]


def one_line(text: str) -> str:
    return " ".join(text.split())


# -- 7. the pharmacy and the cashier --------------------------------------------------------------------


def the_pharmacy_dispenses(day: Day) -> None:
    page = day.screens.staff("pharmacist").open("/")
    look(page, "pharmacy", also=PHONE)
    receives_a_lot(page)
    page.goto("/")
    page.get_by_label("Tìm đơn thuốc").fill(day.prescription)
    page.get_by_label("Tìm đơn thuốc").press("Enter")
    page.wait_for_url("**/prescription/**")
    look(page, "pharmacy-prescription", also=PHONE)
    expect(page.get_by_label("Lấy Paracetamol (Panadol)")).to_have_value("15")
    page.get_by_role("button", name=re.compile("^Giao thuốc")).dblclick()
    expect(page.get_by_text("Đã giao thuốc").first).to_be_visible()
    look(page, "pharmacy-given")
    given = day.system.find("MedicationDispense", subject=f"Patient/{day.person}")
    assert [(one["status"], one["quantity"]["value"]) for one in given] == [("completed", 15)]
    again(page, f"/pharmacy/prescription/{day.prescription}/give", once=secrets.token_hex(8))
    assert len(day.system.find("MedicationDispense", subject=f"Patient/{day.person}")) == 1
    look_at_labels = page.get_by_role("link", name=re.compile("In nhãn")).get_attribute("href")
    assert look_at_labels is not None
    page.goto(look_at_labels)
    look(page, "pharmacy-labels")


def receives_a_lot(page: Page) -> None:
    """Goods come in, so that the shelf never runs out however often the day is played."""
    page.get_by_role("link", name=re.compile("^Nhập kho")).click()
    page.wait_for_url("**/pharmacy/stock")
    look(page, "pharmacy-stock", also=PHONE)
    pick(page, "Thuốc", "panadol", "Panadol")
    page.locator("input[name='number']").fill(f"PA{secrets.randbelow(10**6):06d}")
    page.locator("input[name='expiry']").fill("31/12/2030")
    page.locator("input[name='quantity']").fill("100")
    page.get_by_role("button", name=re.compile("^Nhập kho")).dblclick()
    expect(page.get_by_text(re.compile("Đã nhập lô .* nay còn 100")).first).to_be_visible()


def the_cashier_settles(day: Day) -> None:
    page = day.screens.staff("cashier").open("/")
    look(page, "cashier", also=PHONE)
    page.get_by_role("main").get_by_role("link").filter(has_text=day.ticket).first.click()
    page.wait_for_url("**/hoa-don/**")
    look(page, "cashier-invoice", also=PHONE)
    expect(page.get_by_role("main")).to_contain_text("18.000")  # 15 times 1,200
    page.get_by_label("Chuyển khoản").check()
    page.get_by_role("button", name="Thu tiền").dblclick()
    expect(page.get_by_text("Đã thu").first).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("In biên lai A5"))).to_be_visible()
    look(page, "cashier-paid")
    words = paper(page, page.get_by_role("link", name=re.compile("In biên lai A5")).get_attribute("href"))
    assert not words or "18.000" in words
    paper(page, page.get_by_role("link", name=re.compile("In biên lai 80")).get_attribute("href"))
    receipt = re.search(r"BL\d\d-\d+", page.get_by_role("main").inner_text())
    assert receipt is not None
    said = again(page, urlsplit(page.url).path, amount="18000", method="cash", once=secrets.token_hex(8))
    assert receipt[0] in said, "paying again shows the receipt that was made"
    bills = day.system.find("Invoice", subject=f"Patient/{day.person}")
    assert sorted(one["status"] for one in bills) == ["balanced", "balanced"]
    assert sum(one["totalGross"]["value"] for one in bills) == 168_000


# -- 8. the citizen's book ------------------------------------------------------------------------------


def the_book_shows_it(day: Day) -> None:
    page = day.citizen
    page.goto("/")
    look(page, "home-after", also=DESK)
    expect(page.get_by_role("main")).to_contain_text("Panadol")
    page.get_by_role("link", name="Sổ y bạ").last.click()
    page.wait_for_url("**/so/trang/")
    look(page, "book-after", also=DESK)
    shown = page.get_by_role("main")
    expect(shown).to_contain_text("Viêm họng cấp")
    expect(shown).to_contain_text("18.000")
    shown.get_by_role("link", name=re.compile("Tim mạch|Viêm họng|Khám")).first.click()
    page.wait_for_url("**/lan-kham/**")
    look(page, "book-visit", also=DESK)
    for words in ("Viêm họng cấp", "Súc họng", "Panadol", day.prescription, "37,9"):
        expect(shown).to_contain_text(words)
    page.goto("/dat-kham/lich-hen/")
    look(page, "bookings-after", also=DESK)
    expect(page.get_by_role("main")).to_contain_text("Đã khám")


def the_api_shows_it(day: Day) -> None:
    mine = api(day.screens.house, "citizen", "--person", day.person)
    person = f"Patient/{day.person}"
    assert [one["id"] for one in mine.find("Encounter", subject=person)] == [day.visit]
    assert [one["status"] for one in mine.find("MedicationRequest", subject=person)] != []
    assert len(mine.find("MedicationDispense", subject=person)) == 1
    assert len(mine.find("Invoice", subject=person)) == 2
    assert [one["id"] for one in mine.find("Appointment", patient=person)] == [day.appointment]
    assert mine.find("ServiceRequest", subject=person)
    # Others' are not there: somebody else's record exists, and is not found.
    other = next(
        one
        for one in day.system.find("Encounter", status="finished", _count="1000")[:50]
        if one["subject"]["reference"] != person
    )
    assert mine.ask(f"Encounter/{other['id']}")[0] in (403, 404)
    assert mine.find("Encounter", subject=other["subject"]["reference"]) == []
    assert mine.find("Patient", name="Nguyễn Thị Hạnh") == []


def nothing_was_lost(day: Day) -> None:
    """Every change has its audit row, with who did it."""
    with psycopg.connect(day.screens.house.conninfo) as connection:
        rows = connection.execute(
            "select distinct act, role from record.audit where type = 'Encounter' and id = %s", (day.visit,)
        ).fetchall()
        strangers = connection.execute(
            "select count(*) from record.audit where patient = %s and actor = ''", (day.person,)
        ).fetchone()
    assert {("create", "receptionist"), ("update", "doctor"), ("read", "citizen")} <= set(rows)
    assert strangers == (0,)


def strangers_see_nothing(day: Day) -> None:
    """Another hospital's doctor, another citizen, nobody: no page of the day is there for them."""
    screens = day.screens
    bill = day.system.find("Invoice", subject=f"Patient/{day.person}")[0]["id"]
    theirs = {
        "citizen": [
            f"/dat-kham/phieu/{day.appointment}/",
            f"/dat-kham/phieu/{day.appointment}/lich.ics",
            f"/so/lan-kham/{day.visit}/",
            f"/so/the-bhyt/{day.person}/",
        ],
        "customer_care": [f"/dat-kham/sang-loc/{day.appointment}/"],
        "doctor": [f"/clinic/visit/{day.visit}", f"/clinic/prescription/{day.prescription}.pdf"],
        "pharmacist": [f"/pharmacy/prescription/{day.prescription}"],
        "cashier": [f"/billing/hoa-don/{bill}"],
        "receptionist": [screens.staff("receptionist").page.url.removeprefix(screens.house.address)],
    }
    strangers = {
        "another doctor": screens.staff("other_doctor").page,
        "another citizen": screens.citizen("0914555002").page,
        "nobody": screens.new("nobody").page,
    }
    for role, paths in theirs.items():
        owner = screens.made[role].page
        for path in paths:
            assert owner.request.get(path).status == 200, f"{role} sees {path}"
            for name, page in strangers.items():
                answer = page.request.get(path, max_redirects=0)
                where = answer.headers.get("location", "")
                hidden = answer.status == 404 or (
                    name == "nobody" and answer.status == 302 and "/vao" in where
                )
                assert hidden, f"{name} gets {answer.status} {where} for {path}"
