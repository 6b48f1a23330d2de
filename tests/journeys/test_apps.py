"""A real SMART client (npm fhirclient) in a browser: it gets what was given, and nothing else is answered to it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.houses import House
from tests.journeys import signing
from tests.journeys.asking import api
from tests.journeys.browsing import DESK, PHONE, Visitor, look
from tests.journeys.conftest import Screens

CLIENTS = Path(__file__).parents[1] / "clients"
HANH = "0905123456"
ASKED = "openid fhirUser launch/patient patient/Patient.rs patient/Observation.rs patient/Condition.rs offline_access"
EHR = "openid fhirUser launch patient/Patient.r patient/Observation.rs?category=vital-signs user/Practitioner.rs"


@dataclass
class SmartApp:
    """The app's own server: two pages, the library, and what the test wants it to ask."""

    port: int = 0
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Pages(SimpleHTTPRequestHandler):
    def __init__(self, *args: Any, app: SmartApp, **kwargs: Any) -> None:
        self.app = app
        super().__init__(*args, directory=str(CLIENTS / "smart_app"), **kwargs)

    def do_GET(self) -> None:
        if self.path.startswith("/config.json"):
            body, kind = json.dumps(self.app.config).encode(), "application/json"
        elif self.path.startswith("/fhir-client.js"):
            build = CLIENTS / "node_modules" / "fhirclient" / "build" / "fhir-client.pure.min.js"
            body, kind = build.read_bytes(), "text/javascript"
        elif self.path == "/favicon.ico":
            body, kind = b"", "image/x-icon"
        else:
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: what goes wrong is seen in the browser."""


@pytest.fixture(scope="module")
def smart_app() -> Iterator[SmartApp]:
    if shutil.which("npm") is None:
        pytest.fail("npm is missing: .ci/run installs it.")
    if not (CLIENTS / "node_modules" / "fhirclient").is_dir():
        command = ["npm", "ci", "--no-audit", "--no-fund", "--silent", "--ignore-scripts"]
        done = subprocess.run(command, cwd=CLIENTS, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr[-500:]
    found = SmartApp()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Pages, app=found))
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()


ADMINISTRATOR = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "yba.site.settings"
import django
django.setup()
from yba.site.accounts import factors
from yba.site.accounts.models import Account
account = Account.objects.filter(login="quantri.ung.dung").first()
if account is None:
    account = Account.objects.create_account(
        "quantri.ung.dung", role="system_administrator", password="yba-demo", name="Quản trị hệ thống", is_demo=True
    )
    factors.keep_demo(account)
"""


def an_administrator(house: House) -> None:
    """The one who judges apps: a house of the demo has none."""
    done = subprocess.run(
        [sys.executable, "-c", ADMINISTRATOR], env=house.environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]


def register(page: Page, app: SmartApp, *, name: str, scope: str, staff: bool = False) -> str:
    """The developer's way: the form, and the client id it gives."""
    page.goto("/ung-dung/dang-ky/")
    page.get_by_role("link", name="Đăng ký ứng dụng").click()
    page.get_by_label("Tên ứng dụng").fill(name)
    page.get_by_label("Ứng dụng làm gì cho người dùng").fill("Vẽ huyết áp và cân nặng theo thời gian.")
    page.get_by_label("Người chịu trách nhiệm").fill("Nguyễn An, an@example.vn")
    page.get_by_label("Dữ liệu được dùng thế nào").fill("Chỉ hiện trong trình duyệt, không gửi đi đâu.")
    if staff:
        page.get_by_label("Người dân dùng").uncheck()
        page.get_by_label("Nhân viên y tế dùng").check()
        page.get_by_label("Địa chỉ mở từ trang của Y Bạ").fill(f"{app.address}/launch.html?app=ehr")
    page.get_by_label("Quyền muốn xin").fill(scope)
    page.get_by_label("Địa chỉ quay về").fill(f"{app.address}/index.html")
    look(page, f"app-form-{'staff' if staff else 'citizen'}", also=DESK)
    page.get_by_role("button", name="Gửi để duyệt").click()
    expect(page.get_by_text("Chờ duyệt").first).to_be_visible()
    look(page, "app-waiting", also=DESK)
    return page.url.rstrip("/").rsplit("/", 1)[1]


def approve(page: Page, client_id: str) -> None:
    page.goto("/ung-dung/dang-ky/")
    look(page, "apps-waiting", also=PHONE)
    page.goto(f"/ung-dung/dang-ky/{client_id}")
    look(page, "app-judged", also=PHONE)
    page.get_by_label("Lý do").fill("Đã xem trang và người chịu trách nhiệm.")
    page.get_by_role("button", name="Duyệt", exact=True).click()
    expect(page.get_by_text("Đã duyệt").first).to_be_visible()


def arrived(page: Page) -> dict[str, Any]:
    """What the app was told, once it is back with its tokens."""
    page.wait_for_url("**/index.html**")
    page.wait_for_function("document.getElementById('found').textContent.startsWith('{')")
    found: dict[str, Any] = json.loads(page.locator("#found").inner_text())
    assert "error" not in found, found
    return found


def asked(page: Page, path: str, **options: Any) -> tuple[Any, Any]:
    """Status and body of what the app asks through fhirclient."""
    found = page.evaluate("([path, options]) => window.ask(path, options)", [path, options])
    return found["status"], found.get("body")


def ids(bundle: Any) -> set[str]:
    return {
        f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entry in bundle.get("entry", [])
    }


@pytest.fixture(scope="module")
def clients(screens: Screens, smart_app: SmartApp) -> SmartApp:
    """Two apps, registered and judged through the pages."""
    house = screens.house
    an_administrator(house)
    developer: Visitor = screens.citizen("0914555002")
    administrator = screens.new("administrator", DESK)
    signing.enter_as_staff(administrator, "quantri.ung.dung")
    for key, name, scope in (("standalone", "CardioBook", ASKED), ("ehr", "VitalChart", EHR)):
        client_id = register(developer.page, smart_app, name=name, scope=scope, staff=key == "ehr")
        approve(administrator.page, client_id)
        smart_app.config[key] = {"clientId": client_id, "scope": scope}
    smart_app.config["iss"] = f"{house.address}/fhir"
    for one in (developer, administrator):
        one.quiet()
    return smart_app


def test_a_citizen_gives_an_app_a_part_of_the_book(screens: Screens, clients: SmartApp) -> None:
    who = screens.citizen(HANH)
    page = who.page
    page.goto(f"{clients.address}/launch.html?app=standalone")
    page.wait_for_url("**/oauth/authorize**")
    expect(page.get_by_role("heading", level=1)).to_contain_text("CardioBook")
    look(page, "consent", also=DESK)
    assert page.locator("input[name=phan]:checked").count() == 0
    page.get_by_label("Nguyễn Thị Hạnh").check()
    page.get_by_label("Thông tin cá nhân").check()
    page.get_by_label("Kết quả đo và xét nghiệm").check()
    page.get_by_label("30 ngày").check()
    page.get_by_role("button", name="Cho phép").click()
    told = arrived(page)
    patient = told["patient"]
    assert told["user"] == f"Patient/{patient}"
    assert told["refresh"] is True
    assert (
        told["scope"]
        == "openid fhirUser launch/patient patient/Patient.rs patient/Observation.rs offline_access"
    )

    record = api(screens.house, "system")
    own = ids(record.read(f"Observation?subject=Patient/{patient}&_count=200"))
    assert own
    assert {
        f"Condition/{x['resource']['id']}"
        for x in record.read(f"Condition?subject=Patient/{patient}")["entry"]
    }
    status, person = asked(page, f"Patient/{patient}")
    assert (status, person["id"]) == (200, patient)
    status, seen = asked(page, "Observation?_count=200")
    assert status == 200
    assert ids(seen) == own
    fresh = page.evaluate("client.refresh().then(() => client.state.tokenResponse.access_token)")
    assert fresh != told["token"]
    assert ids(asked(page, "Observation?_count=200")[1]) == own
    _refused(page, record, patient, own | {f"Patient/{patient}"})

    page.goto(f"{screens.house.address}/ung-dung/")
    look(page, "connected", also=DESK)
    expect(page.get_by_text("Dùng lần cuối")).to_be_visible()
    page.get_by_role("button", name="Ngừng CardioBook").click()
    expect(page.get_by_text("Đã ngừng CardioBook")).to_be_visible()
    for token in (told["token"], fresh):
        assert api_with(screens.house, token, f"Patient/{patient}") == 401
    page.goto("/so/")


def nothing(answer: tuple[Any, Any]) -> bool:
    """An answer without a row: what is hidden is not there."""
    return answer[0] == 200 and ids(answer[1]) == set()


def _refused(page: Page, record: Any, patient: str, allowed: set[str]) -> None:
    """Everything that was not given: other types, other people, other ways, and writing."""
    others = [
        x["resource"]["id"]
        for x in record.read("Patient?_count=50")["entry"]
        if x["resource"]["id"] != patient
    ]
    condition = record.read(f"Condition?subject=Patient/{patient}")["entry"][0]["resource"]["id"]
    assert asked(page, f"Condition/{condition}")[0] == 404
    assert asked(page, f"Condition/{condition}/_history")[0] == 404
    for path in (
        "Condition",
        f"Condition?patient={patient}",
        "MedicationRequest",
        "Encounter",
        f"Patient/{patient}/Condition",
    ):
        assert nothing(asked(page, path)), path
    for other in others[:5]:
        assert asked(page, f"Patient/{other}")[0] == 404
        assert nothing(asked(page, f"Observation?subject=Patient/{other}"))
    assert ids(asked(page, "Patient?_count=200")[1]) == {f"Patient/{patient}"}
    for path in (
        f"Patient?_id={patient}&_revinclude=Condition:patient&_revinclude=Encounter:patient",
        "Observation?_count=200&_include=Observation:encounter&_include=Observation:performer:Practitioner",
        f"Patient/{patient}/$everything?_count=500",
    ):
        status, body = asked(page, path)
        assert status == 200, path
        assert ids(body) <= allowed, path
    assert (
        ids(asked(page, f"Patient?_id={patient}&_has:Condition:patient:code:missing=false")[1] or {}) == set()
    )
    written = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{patient}"},
    }
    status, _ = asked(
        page,
        "Observation",
        method="POST",
        body=json.dumps(written),
        headers={"Content-Type": "application/fhir+json"},
    )
    assert status == 403
    assert asked(page, "$export")[0] == 403


def api_with(house: House, token: str, path: str) -> int:
    """The status an access token gets."""
    from tests.journeys.asking import Api

    return Api(house.address, token).ask(path)[0]


CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def made(record: Any, resource: dict[str, Any]) -> str:
    status, found = record.ask(resource["resourceType"], method="POST", body=resource)
    assert status == 201, found
    identifier: str = found["id"]
    return identifier


def a_visit(record: Any) -> tuple[str, str]:
    """Somebody the doctor is seeing, with a reading and a laboratory result."""
    here = {"tag": [{"system": "https://yba.vn/fhir/facility", "code": "bvdk-huong-giang"}]}
    patient = made(record, {"resourceType": "Patient", "name": [{"text": "Hồ Văn Thử"}], "gender": "male"})
    subject = {"reference": f"Patient/{patient}"}
    visit = made(
        record,
        {
            "resourceType": "Encounter", "status": "in-progress", "meta": here, "subject": subject,
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "participant": [{"individual": {"reference": "Practitioner/bs-tran-minh-khoi"}}],
            "serviceProvider": {"reference": "Organization/bvdk-huong-giang"},
        },
    )  # fmt: skip
    for category, code in (("vital-signs", "8867-4"), ("laboratory", "2345-7")):
        made(
            record,
            {
                "resourceType": "Observation", "status": "final", "meta": here, "subject": subject,
                "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "encounter": {"reference": f"Encounter/{visit}"}, "effectiveDateTime": "2026-11-20",
                "valueQuantity": {"value": 72, "unit": "/min"},
            },
        )  # fmt: skip
    return patient, visit


def test_a_doctor_opens_an_app_for_a_visit(screens: Screens, clients: SmartApp) -> None:
    who = screens.staff("doctor")
    page = who.page
    record = api(screens.house, "system")
    patient, visit = a_visit(record)
    page.goto(f"/ung-dung/mo?luot={visit}")
    look(page, "open-app", also=PHONE)
    with who.context.expect_page() as opened:
        page.get_by_role("button", name="Mở VitalChart").click()
    window = opened.value
    window.wait_for_url("**/oauth/authorize**")
    look(window, "consent-doctor", also=PHONE)
    for box in window.locator("input[name=phan]").all():
        box.check()
    window.get_by_role("button", name="Cho phép").click()
    told = arrived(window)
    assert (told["patient"], told["encounter"], told["banner"]) == (patient, visit, True)
    assert told["scope"] == EHR
    assert told["user"] == "Practitioner/bs-tran-minh-khoi"
    assert asked(window, f"Patient/{patient}")[0] == 200
    status, seen = asked(window, f"Observation?subject=Patient/{patient}&_count=500")
    assert status == 200
    assert ids(seen) == ids(
        record.read(f"Observation?subject=Patient/{patient}&category=vital-signs&_count=500")
    )
    (laboratory,) = ids(record.read(f"Observation?subject=Patient/{patient}&category=laboratory"))
    assert asked(window, laboratory)[0] == 404
    assert asked(window, f"Encounter/{visit}")[0] == 404
    assert nothing(asked(window, "Patient"))  # read was given, not search
    window.close()

    page.reload()
    with who.context.expect_page() as opened:  # the second time nobody is asked
        page.get_by_role("button", name="Mở VitalChart").click()
    assert arrived(opened.value)["encounter"] == visit
    opened.value.close()
    page.goto("/")
