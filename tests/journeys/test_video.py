"""A call between browsers of their own, with made-up cameras: both get frames, a third joins, the record has it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.houses import House
from tests.journeys import browsing, failing
from tests.journeys.browsing import DESK, PATIENCE, PHONE, Visitor, look
from tests.journeys.conftest import Screens
from yba import fhir
from yba.care.identifiers import FACILITY_TAG, REGISTRATION_CODE
from yba.care.remote import mode
from yba.fhir.access import SYSTEM
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Identifier, Meta, Reference
from yba.fhir.r4.encounter import Encounter
from yba.gateways.video.turn import Relays

HANH, DOCTOR, HOSPITAL = "0905123456", "bs-tran-minh-khoi", "bvdk-huong-giang"
FAKE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
MOVING = """count => {
    const all = Array.from(document.querySelectorAll('[data-call-others] video'));
    return all.length === count && all.every(one => one.videoWidth && one.currentTime > 0.5);
}"""
#: A picture may be long in coming on a machine that does much else, or be given up for the sound; the way is there.
CONNECTED = """() => {
    const peers = [...(document.querySelector('[data-call]')?.callState?.peers?.values() ?? [])];
    return peers.length === 1 && peers[0].pc.connectionState === 'connected';
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
def callers(screens: Screens) -> Iterator[Any]:
    """Browsers with made-up cameras, one process a person, closed after the test; signed in ``like`` a screen."""
    made: list[Browser] = []

    def caller(name: str, size: dict[str, int] = PHONE, *, like: Visitor | None = None) -> Visitor:
        made.append(with_devices(screens))
        state = like.context.storage_state() if like else None
        return browsing.visit(made[-1], screens.house.address, name, size=size, storage_state=state)

    yield caller
    for one in made:
        one.close()


def with_devices(screens: Screens) -> Browser:
    """Another browser, with a made-up camera and microphone."""
    kind = screens.browser.browser_type
    return kind.launch(executable_path=browsing.chromium(), args=[*browsing.FLAGS, *FAKE])


def sees(page: Page, count: int) -> None:
    """So many others are shown, with moving pictures."""
    page.wait_for_function(MOVING, arg=count, timeout=2 * PATIENCE)


def decoded(page: Page) -> int:
    """Frames of the others that this browser decoded."""
    return int(page.evaluate(DECODED))


def go_in(page: Page, visit: str) -> None:
    page.goto(f"/kham-tu-xa/luot/{visit}")
    page.get_by_label("Đã đọc và đồng ý khám từ xa").check()
    page.get_by_role("button", name="Vào phòng chờ").click()
    page.wait_for_url("**/ghe/*")


def test_two_browsers_and_a_third_see_each_other(house: House, screens: Screens, callers: Any) -> None:
    visit = a_visit(house, code="VIDE01")
    person, doctor, son = *two(screens, callers), callers("nam")
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


def two(screens: Screens, callers: Any) -> tuple[Visitor, Visitor]:
    """The person at their phone and the doctor at the desk."""
    person = callers("hanh", PHONE, like=screens.citizen(HANH))
    return person, callers("khoi", DESK, like=screens.staff("doctor"))


def connected(
    screens: Screens, callers: Any, code: str, prepare: Any = lambda page: None
) -> tuple[Page, Page, str]:
    """The person's and the doctor's page in a call, and the visit."""
    visit = a_visit(screens.house, code=code)
    person, doctor = two(screens, callers)
    for one in (person, doctor):
        prepare(one.page)
    go_in(person.page, visit)
    desk = doctor.open("/kham-tu-xa/")
    line = desk.locator("tr", has=desk.locator(f'form[action$="/{visit}"]'))
    line.get_by_role("button", name="Mời Nguyễn Thị Hạnh vào").click()
    desk.wait_for_url("**/clinic/visit/*")
    for page in (desk, person.page):
        page.wait_for_function(CONNECTED, timeout=2 * PATIENCE)
    return person.page, desk, visit


def steps_of(house: House, visit: str) -> list[str | None]:
    with opened(house) as record:
        (found,) = record.find(Encounter, ("appointment", f"Appointment/{visit}"))
        return [part.valueCode for one in found.extension for part in one.extension if part.url == "state"]


# -- a relay -----------------------------------------------------------------------------------------------

SECRET = "a-secret-of-the-relay-and-this-house"
PAIRS = """async () => {
    const found = [];
    for (const peer of document.querySelector('[data-call]').callState.peers.values()) {
        const all = new Map();
        (await peer.pc.getStats()).forEach(one => all.set(one.id, one));
        for (const one of all.values())
            if (one.type === 'candidate-pair' && one.nominated) found.push(all.get(one.localCandidateId).candidateType);
    }
    return found;
}"""


def own_address() -> str:
    """An address of this machine that is not the loopback: browsers relay through no loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return ""
        return str(one.getsockname()[0])


@pytest.fixture
def relay(tmp_path: Any) -> Iterator[str]:
    """coturn, as the distribution has it, with the secret both sides share; its address."""
    program, address = shutil.which("turnserver"), own_address()
    if program is None or not address or address.startswith("127."):
        pytest.skip("no coturn here (Debian: apt-get install coturn), or no network beside the loopback")
    with socket.socket() as free:
        free.bind((address, 0))
        port = free.getsockname()[1]
    line = [
        program, "-n", "--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=yba.test", "--no-cli",
        "--no-tls", "--no-dtls", "--log-file=stdout", f"--pidfile={tmp_path}/pid", f"--userdb={tmp_path}/db",
        f"--listening-ip={address}", f"--relay-ip={address}", f"--listening-port={port}",
    ]  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(line, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as one:
                if one.connect_ex((address, port)) == 0:
                    break
            time.sleep(0.1)
        yield f"turn:{address}:{port}"
    finally:
        process.kill()
        process.wait(10)


GATHERED = """async ice => {
    const pc = new RTCPeerConnection({iceServers: ice, iceTransportPolicy: 'relay'});
    pc.createDataChannel('x');
    const kinds = [];
    pc.onicecandidate = event => { if (event.candidate) kinds.push(event.candidate.type); };
    await pc.setLocalDescription(await pc.createOffer());
    for (let at = 0; at < 40 && pc.iceGatheringState !== 'complete' && !kinds.length; at++)
        await new Promise(next => setTimeout(next, 100));
    pc.close();
    return kinds;
}"""


def only_by(relay: str) -> Any:
    """The house's answer to a page, with the relay of this test in it and no other way."""
    until = datetime.now(UTC) + timedelta(minutes=10)

    def answer(route: Any) -> None:
        found = route.fetch()
        said = found.json()
        if "entrance" in said:
            ice = Relays((relay,), SECRET).ice("seat", until=until)
            said["entrance"] |= {"ice": list(ice), "policy": "relay"}
        route.fulfill(response=found, body=json.dumps(said))

    return lambda page: page.route("**/dong-bo", answer)


def test_a_real_relay_carries_the_call_and_takes_our_passes_alone(
    screens: Screens, callers: Any, relay: str
) -> None:
    until = datetime.now(UTC) + timedelta(minutes=10)
    page, desk, _visit = connected(screens, callers, "VIDE02", only_by(relay))
    assert page.evaluate(PAIRS) == ["relay"]
    assert desk.evaluate(PAIRS) == ["relay"]
    right = [dict(one) for one in Relays((relay,), SECRET).ice("a", until=until)]
    assert "relay" in page.evaluate(GATHERED, right)
    expired = Relays((relay,), SECRET).ice("a", until=datetime.now(UTC) - timedelta(minutes=1))
    other = Relays((relay,), "another-secret-than-the-relays").ice("a", until=until)
    for wrong in (expired, other):
        assert page.evaluate(GATHERED, [dict(one) for one in wrong]) == []


# -- the ladder -------------------------------------------------------------------------------------------


RUNG = "() => document.querySelector('[data-call]').callState.rung()"
MEASURED = "() => document.querySelector('[data-call]').callState.samples.length > 0"
SOUND_ALONE = "() => document.querySelector('[data-call]').callState.rung() === 'audio'"


def test_peer_08_a_failing_network_leads_from_rung_to_rung_by_what_is_measured(
    screens: Screens, callers: Any, relay: str
) -> None:
    """Nobody touches a page: packets are lost on the way to the relay, then all of them."""
    with failing.line_to(relay) as line:
        page, desk, visit = connected(screens, callers, "VIDE09", only_by(line.address))
        page.wait_for_function(MEASURED, timeout=2 * PATIENCE)
        assert line.carried > 50
        trouble = page.locator("details[data-call-trouble]")
        expect(trouble).not_to_have_attribute("open", "")
        line.loss = 0.35
        page.wait_for_function(SOUND_ALONE, timeout=2 * PATIENCE)
        assert line.lost > 50
        expect(trouble).not_to_have_attribute("open", "")
        line.loss = 1.0
        expect(trouble).to_have_attribute("open", "", timeout=2 * PATIENCE)
        expect(trouble.get_by_role("button", name="Nhờ bệnh viện gọi điện")).to_be_visible()
        expect(trouble.get_by_role("link", name="Hẹn lại, không mất phí")).to_be_visible()
    noted = steps_of(screens.house, visit)
    assert noted.index("rung-low") < noted.index("rung-audio")
    assert desk.evaluate(RUNG) == "audio"


LADDER = "([rung, samples, ceiling]) => window.ybaLadder.next(rung, samples, ceiling)"
FINE = {"loss": 0, "rtt": 0.05, "kbps": 2000, "stalled": False}
LOSS, SLOW, DEAD = {**FINE, "loss": 0.2}, {**FINE, "kbps": 120}, {**FINE, "stalled": True}


def test_the_ladder_by_itself(house: House, callers: Any) -> None:
    """Down after three bad samples, up after fifteen good ones, never above what the person wants."""
    page = callers("nobody").open("/kham-tu-xa/thu-thiet-bi")
    page.add_script_tag(url="/static/telehealth/ladder.js")
    look(page, "video-check", also={"width": 1280, "height": 800})

    def leads(rung: str, samples: list[dict[str, Any]], ceiling: str = "video") -> Any:
        return page.evaluate(LADDER, [rung, samples, ceiling])

    assert leads("video", [LOSS] * 2) == "video"
    assert leads("video", [LOSS] * 3) == "low"
    assert leads("video", [SLOW] * 3) == "low"
    assert leads("low", [SLOW] * 3) == "low"  # enough for the lighter picture
    assert leads("low", [LOSS] * 3) == "audio"
    assert leads("audio", [LOSS] * 30) == "audio"
    assert leads("video", [DEAD] * 6) == "audio"
    assert leads("audio", [DEAD] * 6) == "broken"
    assert leads("low", [FINE] * 14) == "low"
    assert leads("low", [FINE] * 15) == "video"
    assert leads("audio", [FINE] * 15) == "low"
    assert leads("low", [*[FINE] * 14, LOSS]) == "low"
    assert leads("low", [FINE] * 15, "low") == "low"
    assert leads("video", [FINE], "audio") == "audio"
