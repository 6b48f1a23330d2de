"""A call between browsers of their own, with made-up cameras: both get frames, a third joins, the record has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page

from tests.houses import House
from tests.journeys import browsing, signing
from tests.journeys.browsing import DESK, PHONE, Visitor, look
from yba import fhir
from yba.care.identifiers import FACILITY_TAG, REGISTRATION_CODE
from yba.care.remote import mode
from yba.fhir.access import SYSTEM
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Identifier, Meta, Reference
from yba.fhir.r4.encounter import Encounter

HANH, DOCTOR, HOSPITAL = "0905123456", "bs-tran-minh-khoi", "bvdk-huong-giang"
FAKE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
MOVING = """count => {
    const all = Array.from(document.querySelectorAll('[data-call-others] video'));
    return all.length === count && all.every(one => one.videoWidth && one.currentTime > 0.5);
}"""
DECODED = """async () => {
    let found = 0;
    for (const peer of document.querySelector('[data-call]').callState.peers.values())
        (await peer.pc.getStats()).forEach(one => {
            if (one.type === 'inbound-rtp' && one.kind === 'video') found += one.framesDecoded || 0;
        });
    return found;
}"""


@contextmanager
def opened(house: House) -> Iterator[fhir.Record]:
    with psycopg.connect(house.conninfo) as connection:
        yield fhir.open(connection, actor=SYSTEM)


def a_visit(house: House, *, code: str) -> str:
    """A confirmed visit by video that began a minute ago; its id."""
    with opened(house) as record:
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
        role = next(one for one in demo_roles(record) if one)
        made = record.create(
            mode.set_video(
                Appointment(
                    meta=Meta(tag=[Coding(system=FACILITY_TAG, code=HOSPITAL)]),
                    status="booked",
                    identifier=[Identifier(system=REGISTRATION_CODE, value=code)],
                    start=start.isoformat(),
                    end=(start + timedelta(minutes=20)).isoformat(),
                    reasonCode=[CodeableConcept(text="Xin đơn thuốc huyết áp")],
                    participant=[
                        AppointmentParticipant(
                            actor=Reference(reference=f"Patient/{role[0]}", display=role[1]),
                            status="accepted",
                        ),
                        AppointmentParticipant(
                            actor=Reference(reference=f"Practitioner/{role[2]}", display=role[3]),
                            status="accepted",
                        ),
                    ],
                ),
                True,
            )
        )
        return made.id or ""


def demo_roles(record: fhir.Record) -> Iterator[tuple[str, str, str, str]]:
    """The heroine and her cardiologist, as the demo knows them."""
    from yba.care.demo.facilities import doctors
    from yba.care.demo.people import HEROINE

    khoi = next(one for one in doctors() if "Khôi" in one.name)
    yield HEROINE, "Nguyễn Thị Hạnh", khoi.id, khoi.display


@pytest.fixture
def callers(browser: Browser, house: House) -> Iterator[Any]:
    """Browsers with made-up cameras, one process a person, closed after the test."""
    made: list[Browser] = []

    def caller(name: str, size: dict[str, int] = PHONE) -> Visitor:
        own = browser.browser_type.launch(executable_path=browsing.chromium(), args=[*browsing.FLAGS, *FAKE])
        made.append(own)
        return browsing.visit(own, house.address, name, size=size)

    yield caller
    for one in made:
        one.close()


def sees(page: Page, count: int) -> None:
    """So many others are shown, with moving pictures."""
    page.wait_for_function(MOVING, arg=count, timeout=30_000)


def decoded(page: Page) -> int:
    """Frames of the others that this browser decoded."""
    return int(page.evaluate(DECODED))


def go_in(page: Page, visit: str) -> None:
    page.goto(f"/kham-tu-xa/luot/{visit}")
    page.get_by_label("Đã đọc và đồng ý khám từ xa").check()
    page.get_by_role("button", name="Vào phòng chờ").click()
    page.wait_for_url("**/ghe/*")


def test_two_browsers_and_a_third_see_each_other(house: House, callers: Any) -> None:
    visit = a_visit(house, code="VIDE01")
    person, doctor, son = callers("hanh"), callers("khoi", DESK), callers("nam")
    signing.enter_as_citizen(person, HANH)
    signing.enter_as_staff(doctor, signing.STAFF["doctor"])
    page = person.page
    page.goto(f"/kham-tu-xa/luot/{visit}")
    look(page, "video-visit")
    go_in(page, visit)
    page.get_by_text("Đang trong phòng chờ. Bác sĩ chưa vào.").wait_for()
    look(page, "video-waiting")
    desk = doctor.open("/kham-tu-xa/")
    look(desk, "video-today")
    desk.get_by_role("button", name="Mời Nguyễn Thị Hạnh vào").click()
    desk.wait_for_url("**/clinic/visit/*")
    sees(desk, 1)
    sees(page, 1)
    assert decoded(desk) > 0
    assert decoded(page) > 0
    page.get_by_text("Đã nối. Hai bên nghe và thấy nhau.").wait_for()
    look(desk, "video-note")
    look(page, "video-call")
    page.get_by_text("Mời người nhà hoặc phiên dịch").click()
    page.get_by_label("Họ tên người được mời").fill("Trần Văn Nam")
    page.get_by_role("button", name="Tạo liên kết mời").click()
    link = page.locator(".invite-link").inner_text()
    guest = son.page
    guest.goto("/kham-tu-xa/moi/" + link.rsplit("/", 1)[1])
    guest.get_by_role("button", name="Tôi là Trần Văn Nam, vào phòng chờ").click()
    desk.get_by_role("button", name="Cho Trần Văn Nam vào").click()
    for one in (guest, page, desk):
        sees(one, 2)
    look(guest, "video-three")
    for one in (page, desk):
        assert "Trần Văn Nam · người nhà" in one.locator("[data-call-others]").inner_text()
    desk.get_by_role("button", name="Kết thúc cuộc gọi").click()
    page.get_by_text("Cuộc gọi đã kết thúc.").wait_for()
    with opened(house) as record:
        (found,) = record.find(Encounter, ("appointment", f"Appointment/{visit}"))
        steps = [part.valueCode for one in found.extension for part in one.extension if part.url == "state"]
        assert steps == ["opened", "waiting", "admitted", "in-call", "ended"]
    for one in (person, doctor, son):
        one.quiet()
