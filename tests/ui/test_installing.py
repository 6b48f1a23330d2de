"""The app on a phone: its manifest, its worker, what is marked as to be kept and for whom."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, RequestFactory

from tests.site.test_home import signed_in
from yba.site.accounts import roles
from yba.site.accounts.models import Account
from yba.ui import assets, keeping

pytestmark = pytest.mark.django_db


def test_the_manifest_names_the_first_page_of_the_role() -> None:
    said = json.loads(signed_in(roles.CITIZEN).get("/manifest.webmanifest").content)
    assert (said["start_url"], said["display"], said["lang"]) == ("/so/", "standalone", "vi")
    assert said["theme_color"] == "#0b4650"
    answer = Client().get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    assert json.loads(answer.content)["start_url"] == "/"


@pytest.mark.parametrize("name", assets.ICONS)
def test_an_icon_is_as_large_as_the_manifest_says(name: str, client: Client) -> None:
    answer = client.get(f"/ui/{name}")
    assert answer["Content-Type"] == "image/png"
    assert struct.unpack(">II", answer.content[16:24]) == (assets.ICONS[name][0],) * 2


def test_one_worker_shows_pushes_and_keeps_pages(client: Client) -> None:
    answer = client.get("/worker.js")
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    text = answer.content.decode()
    assert "showNotification" in text
    assert "X-Yba-Keep" in text
    face = json.loads(text.partition("const FACE = ")[2].partition(";\n")[0])
    assert face["signOut"] == "/ra"
    assert all(client.get(one).status_code == 200 for one in [*face["files"], face["offline"]])


def test_the_page_without_a_network_is_made_for_nobody() -> None:
    text = Client().get("/ui/offline?lang=en").content.decode()
    assert ('<html lang="en"' in text, 'data-whose="' in text) == (True, False)
    assert "Không có mạng" in Client().get("/ui/offline?lang=xx").content.decode()


def test_who_asks_gets_their_key_and_a_token() -> None:
    client = signed_in(roles.CITIZEN)
    said = json.loads(client.get("/ui/whose").content)
    assert len(said["whose"]) == 32
    assert said["whose"] == client.get("/so/ho-so/")[keeping.WHOSE]
    assert json.loads(Client().get("/ui/whose").content)["whose"] == ""
    assert Client().get("/")[keeping.WHOSE] == "nobody"


def test_staff_keep_nothing_and_a_choice_is_its_makers_alone() -> None:
    client = signed_in(roles.DOCTOR, practitioner="bs-thu")
    page = client.get("/tai-khoan/bao-mat")
    assert page[keeping.WHOSE].endswith(" none")
    assert "data-worker" not in page.content.decode()
    client.post("/ui/preferences", {"keep": "yes"})
    assert " " not in client.get("/tai-khoan/bao-mat")[keeping.WHOSE]
    cookie = client.cookies[keeping.COOKIE]
    assert cookie["httponly"]
    other: Any = signed_in(roles.NURSE)
    other.cookies[keeping.COOKIE] = cookie.value
    assert other.get("/tai-khoan/bao-mat")[keeping.WHOSE].endswith(" none")


def test_a_covered_desk_says_that_nothing_stays() -> None:
    client = signed_in(roles.DOCTOR, practitioner="bs-thu")
    client.post("/ui/preferences", {"keep": "yes"})
    client.post("/khoa", {"lock": "1"})
    assert client.get("/khoa")[keeping.WHOSE].endswith(" none")


def test_what_is_kept_of_a_line_ends_with_the_clinics_day() -> None:
    late = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)  # 23:30 in Hà Nội
    assert keeping.rest_of_day(late) == timedelta(minutes=30)
    assert keeping.rest_of_day(late + timedelta(minutes=30)) == timedelta(days=1)


def test_nothing_is_kept_for_longer_than_a_week(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = Account.objects.create_account("0905000113", role="citizen")
    days = [
        keeping.kept(request, HttpResponse(), length=timedelta(days=n))[keeping.KEEP_FOR] for n in (1, 30)
    ]
    assert days == ["86400", "604800"]
    assert not keeping.kept(request, HttpResponse(status=404)).has_header(keeping.KEEP)


def test_a_new_page_without_a_network_makes_a_new_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Browsers fetch the worker at each visit and take it anew when a byte of it differs."""
    answer = Client().get("/worker.js")
    assert answer["Cache-Control"] == "no-cache"
    assert Client().get("/worker.js").content == answer.content
    monkeypatch.setattr(assets, "offline_version", lambda: "another")
    assert Client().get("/worker.js").content != answer.content
    english = Client()
    english.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    assert english.get("/worker.js").content != Client().get("/worker.js").content


def test_the_worker_may_only_do_what_pages_may() -> None:
    said = Client().get("/worker.js")["Content-Security-Policy"]
    assert "default-src 'none'" in said
    assert "script-src 'self';" in said
    assert "unsafe" not in said
