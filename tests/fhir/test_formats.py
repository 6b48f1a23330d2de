"""Which format is answered and read, and Binary in its own. FHIR R4, http.html#mime-type and binary.html#rest."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import psycopg
import pytest

from tests.fhir.test_rest import Client, patient
from yba.fhir.model import xml

JSON, XML = "application/fhir+json; charset=utf-8", "application/fhir+xml; charset=utf-8"


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = Client(connection)
    found("PUT", "/Patient/p", patient(name=[{"text": "Đức"}]))
    return found


@pytest.mark.parametrize(
    ("accept", "mime"),
    [
        ("*/*", JSON),
        ("application/fhir+json", JSON),
        ("application/json", "application/json; charset=utf-8"),
        ("text/json", "text/json; charset=utf-8"),
        ("application/fhir+xml", XML),
        ("application/xml", "application/xml; charset=utf-8"),
        ("text/xml", "text/xml; charset=utf-8"),
        ("application/fhir+xml;q=0.5, application/fhir+json;q=0.9", JSON),
        ("application/fhir+json;q=0.5, application/fhir+xml;q=0.9", XML),
        (
            "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8",
            "application/xml; charset=utf-8",
        ),
        ("*/*, application/fhir+xml", XML),
        ("application/fhir+xml; fhirVersion=4.0", XML),
        ("application/fhir+xml; fhirVersion=3.0, application/fhir+json", JSON),
        ("APPLICATION/FHIR+XML", XML),
        ("application/fhir+xml;q=x, application/fhir+json;q=0.1", JSON),
        ("", JSON),
    ],
)
def test_accept(client: Client, accept: str, mime: str) -> None:
    answer = client("GET", "/Patient/p", accept=accept)
    assert (answer.status, answer.headers["Content-Type"]) == (200, mime)
    assert answer.headers["Content-Length"] == str(len(answer.body))
    body = xml.to_json(answer.body) if "xml" in mime else answer.body
    assert json.loads(body)["name"] == [{"text": "Đức"}]


@pytest.mark.parametrize(
    ("said", "mime"),
    [
        ("json", JSON), ("application/json", JSON), ("application/fhir%2Bjson", JSON), ("application/fhir+json", JSON),
        ("xml", XML), ("text/xml", XML), ("application/xml", XML), ("application/fhir+xml", XML),
    ],
)  # fmt: skip
def test_format_wins_over_accept(client: Client, said: str, mime: str) -> None:
    other = "application/fhir+json" if "xml" in mime else "application/fhir+xml"
    for url in ("/Patient/p", "/Patient", "/Patient/p/_history", "/metadata"):
        answer = client("GET", f"{url}?_format={said}", accept=other)
        assert (answer.status, answer.headers["Content-Type"]) == (200, mime)


def test_a_posted_search_asks_for_its_format_in_the_form(client: Client) -> None:
    kind = "application/x-www-form-urlencoded"
    found = client("POST", "/Patient/_search", b"_id=p&_format=xml&_pretty=true", content_type=kind)
    assert found.headers["Content-Type"] == XML
    assert b"\n  <type value=" in found.body
    assert client("POST", "/Patient/_search", b"_id=p&_format=ttl", content_type=kind).status == 406


@pytest.mark.parametrize("accept", ["text/turtle", "text/html", "application/fhir+json;q=0", "image/png"])
def test_not_acceptable(client: Client, accept: str) -> None:
    refused = client("GET", "/Patient/p", accept=accept)
    assert (refused.status, refused.key) == (406, "rest.accept")
    assert client("GET", f"/Patient/p?_format={accept.partition(';')[0]}x").status == 406


def test_errors_are_written_as_asked(client: Client) -> None:
    answer = client("GET", "/Patient/nobody", accept="application/fhir+xml")
    assert (answer.status, answer.headers["Content-Type"]) == (404, XML)
    assert json.loads(xml.to_json(answer.body))["resourceType"] == "OperationOutcome"


def test_pretty(client: Client) -> None:
    assert client("GET", "/Patient/p?_pretty=true").body.startswith(b'{\n  "resourceType": "Patient"')
    pretty = client("GET", "/Patient/p?_pretty=true&_format=xml").body
    assert b'\n  <name>\n    <text value="' in pretty
    assert b"\n" not in client("GET", "/Patient/p?_pretty=false").body


def test_xml_is_taken_everywhere(client: Client) -> None:
    body = xml.from_json(json.dumps(patient("x", active=True)).encode())
    made = client(
        "PUT", "/Patient/x", body, content_type="application/fhir+xml", accept="application/fhir+xml"
    )
    assert (made.status, made.headers["Content-Type"]) == (201, XML)
    assert client("GET", "/Patient/x").json["active"] is True
    bundle = {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [{"resource": patient(None), "request": {"method": "POST", "url": "Patient"}}],
    }  # fmt: skip
    sent = xml.from_json(json.dumps(bundle).encode())
    assert (
        client("POST", "/", sent, content_type="text/xml; charset=UTF-8").json["type"]
        == "transaction-response"
    )
    refused = client("POST", "/Patient", b"<Patient>", content_type="application/xml")
    assert (refused.status, refused.key) == (400, "xml.syntax")


@pytest.mark.parametrize(
    ("said", "status", "key"),
    [
        ("text/turtle", 415, "rest.content-type"),
        ("", 415, "rest.content-type"),
        ("application/json; charset=latin-1", 415, "rest.charset"),
        ("application/fhir+xml; charset=utf-16", 415, "rest.charset"),
        ("application/fhir+json; fhirVersion=5.0", 415, "rest.version"),
        ('application/fhir+json; fhirVersion="4.0"; charset="UTF-8"', 201, None),
    ],
)
def test_what_is_sent(client: Client, said: str, status: int, key: str | None) -> None:
    answer = client("POST", "/Patient", patient(None), content_type=said)
    assert answer.status == status
    if key is not None:
        assert answer.key == key


def test_a_packed_body(client: Client) -> None:
    packed = gzip.compress(json.dumps(patient(None, active=True)).encode())
    assert client("POST", "/Patient", packed, content_encoding="gzip").json["active"] is True
    for body, coding, status, key in (
        (packed[:-9], "gzip", 400, "rest.gzip"),
        (packed + b"x", "gzip", 400, "rest.gzip"),
        (b"{}", "gzip", 400, "rest.gzip"),
        (packed, "br", 415, "rest.coding"),
        (gzip.compress(b" " * 200_000), "gzip", 413, "rest.too-large"),
    ):
        refused = client("POST", "/Patient", body, content_encoding=coding)
        assert (refused.status, refused.key) == (status, key)


# -- Binary --------------------------------------------------------------------------------------------------

PDF = b"%PDF-1.7 \xff\x00"


def test_a_binary_in_its_own_format(client: Client) -> None:
    made = client("POST", "/Binary", PDF, content_type="application/pdf", x_security_context="Patient/p")
    assert made.status == 201
    assert made.json["contentType"] == "application/pdf"
    assert base64.b64decode(made.json["data"]) == PDF
    assert made.json["securityContext"] == {"reference": "Patient/p"}
    url = f"/Binary/{made.json['id']}"
    raw = client("GET", url, accept="application/pdf")
    assert (raw.status, raw.headers["Content-Type"], raw.body) == (200, "application/pdf", PDF)
    assert raw.headers["ETag"] == 'W/"1"'
    for accept in ("application/fhir+json", "*/*", "application/fhir+json, application/pdf"):
        assert client("GET", url, accept=accept).json["contentType"] == "application/pdf"
    changed = client("PUT", url, b"text", content_type="text/plain")
    assert (changed.status, changed.json["id"]) == (200, made.json["id"])
    assert client("GET", url, accept="text/plain").body == b"text"
    assert client("GET", f"{url}/_history/1", accept="application/pdf").body == PDF
    assert client("GET", url, if_none_match='W/"2"', accept="text/plain").status == 304
    assert client("POST", "/Binary", b"", content_type="application/pdf").key == "rest.body"
    assert client("POST", "/Binary", b"x", content_type="").key == "rest.content-type"


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ("text/html", b"<script>alert(1)</script>"),
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("application/pdf", b"<!doctype html><script>alert(1)</script>"),
        ("image/png", b"GIF89a/*"),
        ("text/plain", b"\xef\xbb\xbf <html><body onload=alert(1)>"),
        ("application/xhtml+xml; charset=utf-8", b"<?xml version='1.0'?><html/>"),
    ],
)
def test_what_would_run_is_sent_as_bytes_to_keep(client: Client, said: str, body: bytes) -> None:
    made = client("POST", "/Binary", body, content_type=said)
    raw = client("GET", f"/Binary/{made.json['id']}", accept=said)
    assert (raw.status, raw.body) == (200, body)
    assert raw.headers["Content-Type"] == "application/octet-stream"
    assert raw.headers["Content-Disposition"] == "attachment"


def test_no_answer_runs_is_framed_or_kept(client: Client) -> None:
    made = client("POST", "/Binary", PDF, content_type="application/pdf")
    url = f"/Binary/{made.json['id']}"
    for answer in (
        made,
        client("GET", url),
        client("GET", url, accept="application/pdf"),
        client("GET", "/x"),
    ):
        found = answer.headers
        assert found["Cache-Control"] == "no-store"
        assert found["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
        assert (found["X-Content-Type-Options"], found["X-Frame-Options"]) == ("nosniff", "DENY")
        assert (found["Referrer-Policy"], found["Cross-Origin-Resource-Policy"]) == (
            "no-referrer",
            "same-origin",
        )
