"""The care desk: a call by its script, a red flag, a double, nobody answering, and the list that two agents share."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.journeys.asking import Api, api
from tests.journeys.browsing import DESK, PHONE, look, pictured, settled, sideways, unclean
from tests.journeys.conftest import Screens

HOUSE = "bvdk-huong-giang"
FACILITY = "https://yba.vn/fhir/facility"


def test_the_desk(screens: Screens) -> None:
    system = api(screens.house, "system")
    person = next(
        one for one in system.find("Patient", _count="50") if one.get("telecom") and one.get("name")
    )
    name = person["name"][0].get("text") or person["name"][0]["family"]
    first, second = (
        asked(system, person, name, reason) for reason in ("Hồi hộp một tuần", "Hồi hộp, khám lại")
    )
    page = screens.staff("customer_care").open("/dat-kham/sang-loc/")
    page.goto(f"{screens.house.address}/dat-kham/sang-loc/{first}/")
    others = page.get_by_text("Người này còn 1 lượt khác")
    expect(others).to_be_visible()
    page.get_by_role("button", name="Giữ để gọi").click()
    expect(page.get_by_role("button", name="Trả lại danh sách")).to_be_visible()
    ask_by_the_script(page)
    look(page, "desk-emergency", also=PHONE)
    in_the_dark(screens, page)
    without_scripts(screens, page)
    page.get_by_role("link", name="Mở hồ sơ người gọi").click()
    expect(page.get_by_role("heading", name="Lượt sắp tới")).to_be_visible()
    look(page, "desk-caller", also=PHONE)
    page.get_by_role("link", name="Về cuộc gọi").click()
    page.get_by_role("button", name="Trùng, giữ lượt kia").click()
    expect(page.get_by_text("Đã bỏ lượt trùng")).to_be_visible()
    gone = system.read(f"Appointment/{first}")
    assert (gone["status"], gone["cancelationReason"]["coding"][0]["code"]) == ("cancelled", "oth-oerr")
    page.goto(f"{screens.house.address}/dat-kham/sang-loc/{second}/?khoa=tim-mach&toi=1")
    page.get_by_text("Không liên lạc được", exact=True).click()
    page.get_by_role("button", name="Ghi và gọi lại sau").click()
    expect(page.get_by_text("Đã ghi lần gọi 1.")).to_be_visible()
    assert "khoa=tim-mach" in page.url, "the filters stay"
    expect(page.get_by_text(re.compile(r"Không hiện \d+ yêu cầu khác"))).to_be_visible()
    look(page, "desk-filtered", also=PHONE)
    page.get_by_role("link", name="Số liệu").click()
    expect(page.get_by_role("heading", name="Theo giờ trong ngày")).to_be_visible()
    look(page, "desk-figures", also=PHONE)
    kept = system.find(
        "QuestionnaireResponse", identifier=f"https://yba.vn/fhir/sid/screening-answers|{first}"
    )
    assert [one["questionnaire"] for one in kept] == [
        "https://yba.vn/fhir/Questionnaire/screening-cardiology|1.0.0"
    ]


def asked(system: Api, person: Any, name: str, reason: str) -> str:
    """A pending request for a free time of the hospital's cardiology, as it came from the app."""
    status, bundle = system.ask(
        f"Slot?status=free&_tag={FACILITY}|{HOUSE}&specialty=tim-mach&start=gt2000&_sort=-start&_count=1"
    )
    assert status == 200, bundle
    slot = bundle["entry"][0]["resource"]
    tags = [*slot["meta"]["tag"], {"system": "https://yba.vn/fhir/cs/channel", "code": "app"}]
    status, made = system.ask(
        "Appointment",
        method="POST",
        body={
            "resourceType": "Appointment", "status": "pending", "start": slot["start"], "end": slot["end"],
            "slot": [{"reference": f"Slot/{slot['id']}"}], "specialty": slot["specialty"], "meta": {"tag": tags},
            "reasonCode": [{"text": reason}],
            "participant": [
                {"actor": {"reference": f"Patient/{person['id']}", "display": name}, "status": "accepted"}
            ],
        },
    )  # fmt: skip
    assert status == 201, made
    return str(made["id"])


def ask_by_the_script(page: Page) -> None:
    """A choice that can't wait shows at once what to do, and the list has the request on top."""
    with page.expect_response(re.compile("/cau-hoi")):
        page.get_by_label("Đau ngực thế nào?").select_option(value="now")
    alert = page.get_by_role("alert").filter(has_text="khuyên gọi 115 ngay")
    expect(alert).to_be_visible()
    expect(alert).to_contain_text("vã mồ hôi")
    with page.expect_response(re.compile("/cau-hoi")):
        page.get_by_role("radiogroup", name="Đã đặt stent").get_by_role("radio", name="Có").check()
    expect(page.get_by_label("Năm nào, ở đâu?")).to_be_visible()
    expect(page.locator("#danh-sach .request").first).to_contain_text("Cấp cứu")


def without_scripts(screens: Screens, page: Page) -> None:
    """The answers are kept by the button as well."""
    plain = screens.like(screens.staff("customer_care"), "desk-plain", DESK, java_script_enabled=False)
    plain.page.goto(page.url)
    plain.page.get_by_label("Năm nào, ở đâu?").fill("2020, Huế")
    plain.page.get_by_role("button", name="Ghi câu trả lời").click()
    expect(plain.page.get_by_text("Đã ghi câu trả lời.")).to_be_visible()
    expect(plain.page.get_by_label("Năm nào, ở đâu?")).to_have_value("2020, Huế")


def in_the_dark(screens: Screens, page: Page) -> None:
    dark = screens.like(screens.staff("customer_care"), "desk-dark", DESK)
    dark.context.add_cookies([{"name": "yba_theme", "value": "dark", "url": screens.house.address}])
    dark.page.goto(page.url)
    settled(dark.page)
    pictured(dark.page, "desk-dark", ())
    assert unclean(dark.page, ("color-contrast",)) == []
    assert sideways(dark.page) == 0
