"""An app comes in by what it says of itself and another's word; both can be read later."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from tests.site.oauth.steps import SECRET, Steps, a_confidential_app, a_developer, an_account
from yba.site.accounts.models import Account
from yba.site.oauth import registering
from yba.site.oauth.bearer import actor_of_bearer
from yba.site.oauth.forms import wrong_address
from yba.site.oauth.models import App

SAID = {
    "name": "Sổ tim mạch", "description": "Vẽ huyết áp theo thời gian.", "home": "https://app.example.vn/",
    "contact": "an@example.vn", "privacy": "Chỉ hiện trên máy.", "method": "none",
    "addresses": "https://app.example.vn/back\nvn.example.app:/back", "scopes": "openid patient/Observation.rs",
    "needed": "patient/Observation.rs", "for_citizens": "on",
}  # fmt: skip
pytestmark = pytest.mark.django_db


def signed_in(account: Account) -> Client:
    found = Client()
    found.force_login(account)
    return found


@pytest.fixture
def developer() -> Client:
    return signed_in(a_developer())


@pytest.fixture
def administrator() -> Client:
    return signed_in(an_account("system_administrator", "quantri"))


def registered(developer: Client, **changes: Any) -> App:
    answer = developer.post("/ung-dung/dang-ky/moi", {**SAID, **changes})
    assert answer.status_code == 302, answer.context["page"].form.errors
    return App.objects.get(client_id=answer["Location"].rsplit("/", 1)[1])


def judge(client: Client, app: App, act: str, note: str = "Đã xem", **more: str) -> Any:
    newest = app.events.first()
    said = {"seen": str(newest.pk) if newest else "", "act": act, "note": note, **more}
    return client.post(f"/ung-dung/dang-ky/{app.client_id}/quyet", said)


def test_an_app_waits_for_anothers_word(developer: Client, administrator: Client) -> None:
    app = registered(developer)
    assert (app.state, app.redirect_uris) == (
        "waiting",
        ["https://app.example.vn/back", "vn.example.app:/back"],
    )
    assert [row.name for row in administrator.get("/ung-dung/dang-ky/").context["page"].waiting] == [
        "Sổ tim mạch"
    ]
    assert judge(administrator, app, "approve").status_code == 302
    app.refresh_from_db()
    assert app.state == "approved"
    assert [one.act for one in app.events.all()] == ["approve", "register"]
    assert app.events.first().said["scopes"] == SAID["scopes"]  # type: ignore[union-attr]  # there are two


def test_what_was_changed_since_it_was_seen_is_not_approved(developer: Client, administrator: Client) -> None:
    app = registered(developer)
    page = administrator.get(f"/ung-dung/dang-ky/{app.client_id}")
    seen = page.context["page"].seen
    assert f'name="seen" value="{seen}"' in page.content.decode()
    wider = SAID | {"scopes": "patient/*.cruds", "needed": "", "addresses": "https://evil.example.vn/back"}
    assert developer.post(f"/ung-dung/dang-ky/{app.client_id}/sua", wider).status_code == 302
    judge(administrator, app, "approve", seen=seen)
    app.refresh_from_db()
    assert app.state == "waiting"
    judge(administrator, app, "approve")
    app.refresh_from_db()
    assert (app.state, app.redirect_uris) == ("approved", ["https://evil.example.vn/back"])


def test_nobody_judges_ones_own_app(administrator: Client) -> None:
    app = registered(administrator)
    assert judge(administrator, app, "approve").status_code == 404
    other = signed_in(an_account("system_administrator", "quantri.hai"))
    assert judge(other, app, "approve").status_code == 302


@pytest.mark.parametrize(
    ("role", "facility", "may"),
    [
        ("facility_administrator", "f1", True),
        ("facility_administrator", "f2", False),
        ("facility_administrator", "", False),
        ("doctor", "f1", False),
        ("auditor", "", False),
        ("citizen", "", False),
    ],
)
def test_a_facility_judges_apps_of_its_own_staff(
    developer: Client, role: str, facility: str, may: bool
) -> None:
    app = registered(developer, for_citizens="", for_staff="on", facility="f1")
    judging = signed_in(an_account(role, "nguoi.duyet", facility=facility))
    assert judge(judging, app, "approve").status_code == (302 if may else 404)
    assert judging.get(f"/ung-dung/dang-ky/{app.client_id}").status_code == (200 if may else 404)
    for_all = registered(developer, facility="f1")
    assert judge(judging, for_all, "approve").status_code == 404


def test_refusing_and_stopping_say_why(developer: Client, administrator: Client) -> None:
    app = registered(developer)
    assert judge(administrator, app, "refuse", note=" ").status_code == 422
    judge(administrator, app, "refuse", note="Chưa rõ dữ liệu đi đâu.")
    assert App.objects.get().state == "refused"
    assert "Chưa rõ dữ liệu đi đâu." in developer.get(f"/ung-dung/dang-ky/{app.client_id}").content.decode()
    assert (
        judge(administrator, app, "suspend", note="x").status_code == 302
    )  # nothing to suspend: said, not done
    assert App.objects.get().state == "refused"


def test_a_change_of_an_approved_app_waits(developer: Client, administrator: Client) -> None:
    app = registered(developer)
    judge(administrator, app, "approve")
    change = {**SAID, "scopes": "openid patient/*.cruds", "addresses": "https://evil.example/back"}
    assert developer.post(f"/ung-dung/dang-ky/{app.client_id}/sua", change).status_code == 302
    app.refresh_from_db()
    assert (app.state, app.scopes, app.redirect_uris[0]) == (
        "approved",
        SAID["scopes"],
        "https://app.example.vn/back",
    )
    shown = administrator.get(f"/ung-dung/dang-ky/{app.client_id}").context["page"].changes
    assert [(old, new) for _, old, new in shown] == [
        ("https://app.example.vn/back\nvn.example.app:/back", "https://evil.example/back"),
        ("openid patient/Observation.rs", "openid patient/*.cruds"),
    ]
    judge(administrator, app, "refuse", note="Không.")
    app.refresh_from_db()
    assert (app.state, app.proposed, app.scopes) == ("approved", None, SAID["scopes"])


def test_nobody_changes_or_sees_the_app_of_another(developer: Client) -> None:
    app = registered(developer)
    stranger = signed_in(an_account(login="0905444333"))
    path = f"/ung-dung/dang-ky/{app.client_id}"
    assert stranger.get(path).status_code == 404
    assert stranger.post(f"{path}/sua", SAID).status_code == 404
    assert stranger.post(f"{path}/mat-khau").status_code == 404


def test_stopping_an_app_ends_its_tokens(browser: Client, administrator: Client) -> None:
    app = a_confidential_app()
    steps = Steps(app, browser)
    scope = "launch/patient patient/Observation.rs offline_access"
    tokens = steps.exchange(steps.agree(scope=scope)["code"], client_secret=SECRET).json()
    judge(administrator, app, "suspend", note="Rò dữ liệu.")
    assert actor_of_bearer(tokens["access_token"]) is None
    judge(administrator, app, "resume")
    assert actor_of_bearer(tokens["access_token"]) is None  # what ended stays ended
    assert steps.refresh(tokens["refresh_token"], client_secret=SECRET).json()["error"] == "invalid_grant"


def test_a_secret_is_shown_once_and_kept_as_a_hash(developer: Client) -> None:
    app = registered(developer, method="client_secret_basic")
    assert developer.post(f"/ung-dung/dang-ky/{app.client_id}/mat-khau").status_code == 302
    path = f"/ung-dung/dang-ky/{app.client_id}"
    text = developer.get(path).context["page"].secret
    assert len(text) >= 40
    assert developer.get(path).context["page"].secret == ""
    app.refresh_from_db()
    assert app.check_client_secret(text)
    assert text not in {str(value) for value in App.objects.values().get().values()}
    before = text
    developer.post(f"{path}/mat-khau")
    app.refresh_from_db()
    assert not app.check_client_secret(before)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"addresses": ""}, "addresses"),
        ({"addresses": "http://app.example.vn/back"}, "addresses"),
        ({"addresses": "javascript:alert(1)"}, "addresses"),
        ({"addresses": "https://*.example.vn/back"}, "addresses"),
        ({"addresses": "https://app.example.vn/back#x"}, "addresses"),
        ({"addresses": "https://u@app.example.vn/"}, "addresses"),
        ({"addresses": "myapp:/back"}, "addresses"),
        ({"scopes": "patient/Observation.sr"}, "scopes"),
        ({"scopes": "system/*.rs"}, "scopes"),
        ({"scopes": "openid", "needed": "patient/*.rs"}, "needed"),
        ({"scopes": "openid launch", "needed": ""}, "launch_url"),
        ({"launch_url": "http://app.example.vn/"}, "launch_url"),
        ({"launch_url": "https://10.0.0.1/"}, "launch_url"),
        ({"method": "private_key_jwt"}, "jwks_url"),
        ({"method": "private_key_jwt", "jwks_url": "https://localhost/keys"}, "jwks_url"),
        ({"method": "private_key_jwt", "keys": '{"keys": [{"kty": "oct", "kid": "a", "k": "AA"}]}'}, "keys"),
        ({"backend": "on"}, "method"),
        ({"for_citizens": ""}, "for_citizens"),
        ({"privacy": ""}, "privacy"),
        ({"contact": ""}, "contact"),
    ],
)
def test_what_can_not_be_judged_is_asked_again(
    developer: Client, changes: dict[str, str], field: str
) -> None:
    answer = developer.post("/ung-dung/dang-ky/moi", {**SAID, **changes})
    assert answer.status_code == 422
    assert field in answer.context["page"].form.errors
    assert not App.objects.exists()


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:8080/back", "http://localhost/back", "http://[::1]:5000/", "vn.example.app:/back"],
)
def test_apps_on_ones_own_device_are_led_to(address: str) -> None:
    assert wrong_address(address, own_apps=True) == ""


def a_picture(size: int = 900) -> SimpleUploadedFile:
    found = io.BytesIO()
    Image.new("RGB", (size, size), "teal").save(found, "PNG", pnginfo=None)
    return SimpleUploadedFile(
        "logo.png", found.getvalue() + b"<script>alert(1)</script>", content_type="image/png"
    )


def test_a_logo_is_drawn_anew_and_small(developer: Client, administrator: Client) -> None:
    app = registered(developer, picture=a_picture())
    assert app.logo is not None
    assert b"<script>" not in bytes(app.logo)
    assert Image.open(io.BytesIO(bytes(app.logo))).size == (256, 256)
    path = f"/ung-dung/bieu-tuong/{app.client_id}"
    assert Client().get(path).status_code == 404  # of an app nobody has judged yet
    judge(administrator, app, "approve")
    answer = Client().get(path)
    assert answer.status_code == 200
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    bad = SimpleUploadedFile("logo.png", b"<svg onload=alert(1)>", content_type="image/png")
    assert developer.post("/ung-dung/dang-ky/moi", {**SAID, "picture": bad}).status_code == 422


def test_one_account_does_not_fill_the_reviewers_desk(developer: Client) -> None:
    for number in range(registering.MOST_WAITING):
        registered(developer, name=f"Ứng dụng {number}")
    assert developer.get("/ung-dung/dang-ky/moi")["Location"] == "/ung-dung/dang-ky/"


def test_strangers_sign_in_first() -> None:
    for path in ("/ung-dung/", "/ung-dung/dang-ky/", "/ung-dung/dang-ky/moi", "/ung-dung/mo"):
        assert Client().get(path)["Location"].startswith("/vao")
