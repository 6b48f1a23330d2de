"""What every answer says to the browser: pages, papers, the record's endpoint, the stream of events."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, RequestFactory

from tests.builders import an_organization
from tests.site.test_home import signed_in
from yba import fhir
from yba.care.uploads import rules as uploads
from yba.site import headers, live
from yba.site.accounts import roles


def policy_of(answer: Any) -> dict[str, list[str]]:
    parts = [one.split() for one in answer.headers["Content-Security-Policy"].split("; ")]
    return {name: values for name, *values in parts}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/vao", "/design", "/so/", "/khong-co"])
def test_a_page_runs_only_our_files_and_stays_in_no_cache(path: str, client: Client) -> None:
    answer = client.get(path)
    policy = policy_of(answer)
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == ["'none'"]
    assert policy["form-action"] == ["'self'"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "no-store" in answer.headers["Cache-Control"]
    assert "microphone=()" in answer.headers["Permissions-Policy"]


@pytest.mark.django_db
def test_an_old_cookie_opens_nothing_after_signing_out_and_no_page_was_kept() -> None:
    client = signed_in(roles.RECEPTIONIST)
    page = client.get("/tai-khoan/bao-mat")
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]
    kept = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert client.post("/ra").status_code == 302
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = kept
    answer = thief.get("/tai-khoan/bao-mat")
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/vao")


@pytest.mark.django_db
@pytest.mark.parametrize("said", [str(settings.YBA_MOST_SENT + 1), "9" * 40, "-1", "abc", "²"])
def test_a_body_beyond_the_largest_form_is_refused_unread(said: str, client: Client) -> None:
    class Unread(io.BytesIO):
        def read(self, *size: Any) -> bytes:
            raise AssertionError("read")

    answer = client.generic(
        "POST",
        "/vao",
        b"x",
        "multipart/form-data; boundary=b",
        CONTENT_LENGTH=said,
        **{"wsgi.input": Unread()},
    )
    assert answer.status_code == 413
    assert "nhiều nhất 12 MB" in answer.content.decode()
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.django_db
def test_what_a_form_may_send_is_taken(client: Client) -> None:
    assert settings.YBA_MOST_SENT > uploads.MOST_BYTES
    answer = client.post("/vao", {"phone": "x", "file": io.BytesIO(b"x" * uploads.MOST_BYTES)})
    assert answer.status_code == 422


@pytest.mark.django_db
def test_a_file_with_its_hash_in_the_name_is_kept(client: Client) -> None:
    page = client.get("/").content.decode()
    (style,) = set(re.findall(r'href="(/ui/face\.[0-9a-f]+\.css)"', page))
    assert "immutable" in client.get(style).headers["Cache-Control"]


def test_a_form_may_lead_to_an_app_only_where_a_view_says_so(rf: RequestFactory) -> None:
    request = rf.get("/")
    assert "form-action 'self' https://app.vn;" in headers.content_policy(
        request, form_action=["https://app.vn"]
    )
    assert "form-action 'self';" in headers.content_policy(request)


def asked(application: headers.Application, **environ: str) -> tuple[str, dict[str, str], bytes]:
    said: list[Any] = []
    body = b"".join(application({"REQUEST_METHOD": "GET", **environ}, lambda *start: said.extend(start[:2])))
    return said[0], dict(said[1]), body


def answers(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "application/fhir+json")])
    return [b"{}"]


def test_the_record_says_to_come_by_https() -> None:
    status, found, body = asked(headers.strict_transport(answers, "max-age=1"))
    assert (status, body) == ("200 OK", b"{}")
    assert found == {"Content-Type": "application/fhir+json", "Strict-Transport-Security": "max-age=1"}


def test_a_token_in_clear_text_is_not_answered() -> None:
    guarded = headers.insecure_refused(answers)
    status, found, body = asked(guarded, **{"wsgi.url_scheme": "http"})
    assert (status, found["Cache-Control"]) == ("403 Forbidden", "no-store")
    assert b'"code":"security"' in body
    assert asked(guarded, HTTP_X_FORWARDED_PROTO="https")[0] == "200 OK"
    assert asked(guarded, **{"wsgi.url_scheme": "https"})[0] == "200 OK"
    assert asked(guarded, HTTP_X_FORWARDED_PROTO="http", **{"wsgi.url_scheme": "https"})[0] == "403 Forbidden"


@pytest.mark.django_db
def test_a_post_without_the_forms_token_is_refused_at_every_address(record: fhir.Record) -> None:
    """Addresses that take programs instead of pages name themselves here; each proves its caller in another way."""
    from django.urls import URLPattern, URLResolver, get_resolver

    exempt = []

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> None:
        for one in patterns:
            here = before + str(one.pattern)
            if isinstance(one, URLResolver):
                walk(one.url_patterns, here)
            elif getattr(one.callback, "csrf_exempt", False):
                exempt.append(here)

    walk(get_resolver().url_patterns, "")
    programs = ("oauth/", "o/", "tin-nhan/bao-cao/", "tin-nhan/den/", "kham-tu-xa/jitsi/", "billing/bao-co/")
    assert [one for one in exempt if not one.startswith(programs)] == []
    record.update(an_organization(id="co-so"))
    for role in (roles.CITIZEN, roles.RECEPTIONIST):
        browser = signed_in(role, **({} if role == roles.CITIZEN else {"facility": "co-so"}))
        browser.handler.enforce_csrf_checks = True
        for path in ("/ra", "/ui/preferences", "/so/ho-so/", "/dat-kham/tiep-nhan/moi"):
            assert browser.post(path, {"name": "x"}).status_code == 403, path


@pytest.mark.parametrize(
    ("origin", "host", "found"),
    [
        (None, b"127.0.0.1:8001", ""),
        (b"http://127.0.0.1:8000", b"127.0.0.1:8001", "http://127.0.0.1:8000"),
        (b"https://yba.example", b"elsewhere.example", "https://yba.example"),
        (b"https://evil.example", b"127.0.0.1:8001", None),
        (b"null", b"127.0.0.1:8001", None),
        (b"http://127.0.0.1:8000\r\nx: y", b"127.0.0.1:8001", None),
        (b"http://127.0.0.1@evil.example", b"127.0.0.1:8001", None),
        (b"http://rebound.example:8001", b"rebound.example:8001", None),
        (b"http://[", b"127.0.0.1:8001", None),
    ],
)
def test_only_pages_of_this_house_hear_its_events(
    origin: bytes | None, host: bytes, found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "YBA_ORIGIN", "https://yba.example")
    monkeypatch.setattr(settings, "ALLOWED_HOSTS", ["127.0.0.1", "elsewhere.example"])
    given = {b"host": host} | ({b"origin": origin} if origin is not None else {})
    assert live.allowed_origin(given) == found
