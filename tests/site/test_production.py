"""A house that runs as one before the world: https, cookies of this host alone, nothing of a demo."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from tests.houses import House, free_port, roof

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("production")
    settings = {"YBA_ENV": "production", "YBA_HOSTS": "yba.example", "YBA_ORIGIN": "https://yba.example"}
    house = House(folder / "house", port=free_port(), settings=settings)
    roof(house.data)
    house.start()
    try:
        yield house
    finally:
        house.stop()


def asked(
    house: House, path: str, *, tls: bool = True, body: dict[str, str] | None = None, **headers: str
) -> http.client.HTTPResponse:
    """A request as a proxy on this machine hands it on."""
    line = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
    given = {"Host": "yba.example", "X-Forwarded-Proto": "https" if tls else "http", **headers}
    if body is not None:
        given |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://yba.example"}
    line.request(
        "GET" if body is None else "POST", path, urlencode(body) if body is not None else None, given
    )
    answer = line.getresponse()
    answer.text = answer.read().decode()  # type: ignore[attr-defined]
    return answer


def test_pages_are_led_to_https(production: House) -> None:
    clear = asked(production, "/vao", tls=False)
    assert (clear.status, clear.headers["Location"]) == (301, "https://yba.example/vao")
    safe = asked(production, "/vao")
    assert safe.status == 200
    assert safe.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "upgrade-insecure-requests" in safe.headers["Content-Security-Policy"]
    assert asked(production, "/fhir/metadata", tls=False).status == 403
    record = asked(production, "/fhir/metadata")
    assert record.status == 200
    assert record.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert asked(production, "/health", tls=False).status == 200


def test_cookies_are_of_this_host_alone(production: House) -> None:
    page = asked(production, "/vao")
    (csrf,) = page.headers.get_all("Set-Cookie") or []
    assert csrf.startswith("__Host-yba_csrf=")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)  # type: ignore[attr-defined]
    assert token is not None
    sent = {"phone": "0905123456", "csrfmiddlewaretoken": token.group(1)}
    signed = asked(
        production, "/vao", body=sent, Cookie=csrf.split(";")[0], Referer="https://yba.example/vao"
    )
    assert signed.status == 302
    cookies = [csrf, *(signed.headers.get_all("Set-Cookie") or [])]
    assert any(one.startswith("__Host-yba_session=") for one in cookies)
    for one in cookies:
        parts = {part.strip().lower() for part in one.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= parts, one
        assert not any(part.startswith("domain") for part in parts)


def test_another_host_is_not_answered(production: House) -> None:
    assert asked(production, "/vao", Host="evil.example").status == 400


def test_nothing_of_a_demo_is_there(production: House) -> None:
    assert asked(production, "/demo/messages").status == 404
    assert "yba-demo" not in asked(production, "/vao/nhan-vien").text  # type: ignore[attr-defined]
    assert production.command("demo-reset", "--yes").returncode == 1


def test_no_answer_names_a_version(production: House) -> None:
    for path in ("/vao", "/fhir/metadata", "/khong-co", "/fhir/Patient/x"):
        headers = asked(production, path).headers
        assert "X-Powered-By" not in headers
        assert not re.search(r"\d", headers.get("Server", "")), headers.get("Server")


def test_passwords_are_long() -> None:
    validate_password("hoa lan t11x")
    for bad in ("hoa lan 11x", "123456789012", "password1234"):
        with pytest.raises(ValidationError):
            validate_password(bad)
