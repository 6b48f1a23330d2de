"""Where a request came from: only our own proxies are believed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yba.site.proxies import believing

OURS = ("10.0.0.0/24", "127.0.0.0/8", "::1/128")


def seen(**environ: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        found.update(environ)
        return []

    believing(OURS, application)(dict(environ), lambda *_: None)
    return found


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),  # a stranger says what he likes
        ("10.0.0.5", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.5", "6.6.6.6, 1.2.3.4", "1.2.3.4"),  # what the client itself wrote stands left
        ("10.0.0.5", "6.6.6.6, 1.2.3.4, 10.0.0.7", "1.2.3.4"),
        ("::ffff:10.0.0.5", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.5", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.5", "nonsense", "10.0.0.5"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("", "1.2.3.4", ""),
    ],
)
def test_the_client_is_the_last_that_is_no_proxy_of_ours(peer: str, said: str, client: str) -> None:
    assert seen(REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=said)["REMOTE_ADDR"] == client


def test_what_a_stranger_says_of_tls_and_hosts_is_taken_away() -> None:
    names = {
        "HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_FOR": "1.2.3.4", "HTTP_FORWARDED": "for=1.2.3.4",
        "HTTP_X_FORWARDED_HOST": "evil.vn", "HTTP_X_FORWARDED_PORT": "1", "HTTP_X_REAL_IP": "1.2.3.4",
    }  # fmt: skip
    assert seen(REMOTE_ADDR="203.0.113.9", **names) == {"REMOTE_ADDR": "203.0.113.9"}
    assert seen(REMOTE_ADDR="10.0.0.5", **names) == {
        "REMOTE_ADDR": "1.2.3.4",
        "HTTP_X_FORWARDED_PROTO": "https",
    }
    assert "HTTP_X_FORWARDED_PROTO" not in seen(REMOTE_ADDR="10.0.0.5", HTTP_X_FORWARDED_PROTO="https,http")


@given(st.text(max_size=60))
def test_no_header_makes_a_stranger_somebody_else(said: str) -> None:
    assert seen(REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_FOR=said)["REMOTE_ADDR"] == "203.0.113.9"
