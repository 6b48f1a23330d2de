"""What a file is, by its bytes; what hides behind another name is found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yba.fhir.sniffing import ACTIVE, agrees, kind_of, safe_kind

FILES = {
    "application/pdf": b"%PDF-1.7\n",
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "image/png": b"\x89PNG\r\n\x1a\n\x00",
    "image/gif": b"GIF89a\x01\x00",
    "image/webp": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "audio/wav": b"RIFF\x10\x00\x00\x00WAVEfmt ",
    "image/heic": b"\x00\x00\x00\x18ftypheic",
    "video/mp4": b"\x00\x00\x00\x18ftypisom",
    "application/dicom": b"\x00" * 128 + b"DICM",
    "application/zip": b"PK\x03\x04",
    "application/gzip": b"\x1f\x8b\x08",
    "application/x-executable": b"MZ\x90\x00",
    "text/plain": "Sốt 38,6°C\n".encode(),
    "application/xml": b"<?xml version='1.0'?><a/>",
    "text/html": b"\n <!DOCTYPE html><p>",
    "image/svg+xml": b"<?xml version='1.0'?><!-- x --><svg width='1'/>",
}


@pytest.mark.parametrize("kind", FILES)
def test_each_format_is_known_by_its_bytes(kind: str) -> None:
    assert kind_of(FILES[kind]) == kind
    assert agrees(kind, FILES[kind])


@pytest.mark.parametrize(
    "content",
    [
        b"<script>x</script>", b"  <IFRAME src=x>", b"<!-- x --><script>", b"\xef\xbb\xbf<html>",
        "<html>".encode("utf-16"), b"<?xml version='1.0'?><x:html xmlns:x='http://www.w3.org/1999/xhtml'/>",
        b"<a:script xmlns:a='http://www.w3.org/1999/xhtml'>", b"<?xml-stylesheet href='x.xsl'?><a/>",
        b"<svg/onload=alert(1)>", b"<s:svg xmlns:s='http://www.w3.org/2000/svg'/>", b"<b>x", b"<img src=x onerror=y>",
    ],
)  # fmt: skip
def test_what_a_browser_would_run_is_found(content: bytes) -> None:
    assert kind_of(content) in ("text/html", "image/svg+xml")
    for said in ("text/plain", "application/pdf", "image/png", "application/json", "text/csv", "audio/mpeg"):
        assert not agrees(said, content)
        assert safe_kind(said, content) == "application/octet-stream"


@pytest.mark.parametrize(
    ("said", "kind"),
    [("image/png", "image/jpeg"), ("application/pdf", "text/plain"), ("image/jpeg", "application/zip"),
     ("text/plain", "application/x-executable"), ("image/webp", "audio/wav"), ("application/dicom", "image/png")],
)  # fmt: skip
def test_a_wrong_name_does_not_pass(said: str, kind: str) -> None:
    assert not agrees(said, FILES[kind])


def test_text_is_no_text_with_control_signs_and_ends_in_the_midst_of_a_letter() -> None:
    assert kind_of(b"a\x00b") is None
    assert kind_of(b"\xff\xfe\xfa\x80\x81") is not None or kind_of(b"\x80\x81abc") is None
    assert kind_of(("a" + "ộ" * 4000).encode()) == "text/plain"
    assert kind_of(b"") is None


@given(st.binary(max_size=300), st.sampled_from([*FILES, "text/csv", "application/fhir+json"]))
def test_what_is_sent_out_never_runs(content: bytes, said: str) -> None:
    sent = safe_kind(said, content)
    assert sent == "application/octet-stream" or (
        sent not in ACTIVE and kind_of(content) not in ("text/html", "image/svg+xml")
    )
