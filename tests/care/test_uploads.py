"""Files people bring: hostile ones stay outside, honest ones lose what they hide, none runs when it goes out."""

from __future__ import annotations

import base64
import io
import socket
import struct
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from tests.builders import a_patient
from yba import fhir
from yba.care.refusal import Refusal
from yba.care.uploads import Accepted, document, file_response, picture
from yba.care.uploads.forms import DocumentField, PictureField
from yba.care.uploads.rules import pdf_is_quiet, plain_name
from yba.fhir.r4.binary import Binary
from yba.fhir.r4.datatypes import Attachment, Reference
from yba.fhir.r4.document_reference import DocumentReference, DocumentReferenceContent
from yba.fhir.r4.patient import Patient
from yba.site.accounts.models import Account

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


def an_image(kind: str = "JPEG", size: tuple[int, int] = (40, 20), mode: str = "RGB", **saved: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 1 if mode == "1" else (200, 10, 10) if mode == "RGB" else None).save(
        out, kind, **saved
    )
    return out.getvalue()


def key_of(found: Accepted | Refusal) -> str:
    assert isinstance(found, Refusal), found
    return found.key


def test_a_picture_loses_its_place_and_owner_and_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "Phone of Hanh"
    exif.get_ifd(0x8825)[1] = "N"
    sent = an_image(exif=exif.tobytes(), comment=b"16.46 N 107.59 E")
    assert b"Phone of Hanh" in sent
    found = picture(sent, declared="image/jpeg", name="hạnh.JPG")
    assert isinstance(found, Accepted)
    assert (found.kind, found.name) == ("image/jpeg", "hạnh.jpg")
    assert b"Phone of Hanh" not in found.content
    assert b"107.59" not in found.content
    with Image.open(io.BytesIO(found.content)) as drawn:
        assert drawn.size == (20, 40)
        assert dict(drawn.getexif()) == {}


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_every_kind_of_picture_becomes_ours(kind: str) -> None:
    found = picture(an_image(kind), declared=f"image/{kind.lower()}")
    assert isinstance(found, Accepted)
    assert found.kind in ("image/jpeg", "image/png")
    assert isinstance(clear := picture(an_image("PNG", mode="RGBA")), Accepted)
    assert clear.kind == "image/png"


def test_a_second_format_behind_the_picture_is_gone() -> None:
    hidden = b"<script>alert(document.cookie)</script>PK\x03\x04"
    found = picture(an_image("PNG") + hidden)
    assert isinstance(found, Accepted)
    assert hidden not in found.content


def test_a_large_picture_becomes_smaller() -> None:
    found = picture(an_image(size=(4000, 1000)), longest=500)
    assert isinstance(found, Accepted)
    with Image.open(io.BytesIO(found.content)) as drawn:
        assert drawn.size == (500, 125)


def a_bomb() -> bytes:
    """A PNG of a few kilobytes that says it is 60,000 by 60,000 points."""

    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack("!L", len(data)) + name + data + struct.pack("!L", zlib.crc32(name + data))

    head = struct.pack("!LLBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", head)
        + part(b"IDAT", zlib.compress(bytes(1_000_000)))
        + part(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "declared", "key"),
    [
        (b"", "", "upload.empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml", "upload.kind"),
        (b"<html><script>alert(1)</script>", "image/png", "upload.kind"),
        (b"GIF89a/*<script>alert(1)</script>*/=1", "image/gif", "upload.broken"),
        (b"\x89PNG\r\n\x1a\n<html>", "image/png", "upload.broken"),
        (an_image("PNG"), "image/jpeg", "upload.declared"),
        (an_image("PNG"), "text/html", "upload.declared"),
        (an_image("JPEG")[:200], "image/jpeg", "upload.broken"),
        (a_bomb(), "image/png", "upload.points"),
        (an_image("PNG", (7000, 6000), "1"), "image/png", "upload.points"),
        (b"MZ\x90\x00" + bytes(100), "image/png", "upload.kind"),
        (an_image("BMP"), "image/bmp", "upload.kind"),
        (an_image("TIFF"), "image/tiff", "upload.kind"),
        (b"\xff\xd8\xff" + bytes(9_000_000), "image/jpeg", "upload.size"),
    ],
)  # fmt: skip
def test_a_hostile_picture_is_refused(content: bytes, declared: str, key: str) -> None:
    assert key_of(picture(content, declared=declared)) == key


def packed(inside: bytes) -> bytes:
    return (
        b"%PDF-1.7\n2 0 obj<</Type/ObjStm/Filter/FlateDecode>>stream\n"
        + zlib.compress(inside)
        + b"\nendstream endobj"
    )


def behind_an_end(inside: bytes) -> bytes:
    """Packed so that the bytes spell the end of the stream before the part that matters (RFC 1951, stored blocks)."""
    first = b"%endstream\n"
    size = len(first).to_bytes(2, "little")
    stored = b"\x00" + size + bytes(255 - one for one in size) + first
    rest = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = rest.compress(inside) + rest.flush()
    sum_of_it = zlib.adler32(first + inside).to_bytes(4, "big")
    head = b"%PDF-1.7\n2 0 obj<</Type/ObjStm/Filter/FlateDecode>>stream\n\x78\x9c"
    return head + stored + deflated + sum_of_it + b"\nendstream endobj"


def packed_twice(inside: bytes) -> bytes:
    head = b"%PDF-1.7\n2 0 obj<</Type/ObjStm/Filter[/ASCIIHexDecode/FlateDecode]>>stream\n"
    return head + zlib.compress(inside).hex().encode() + b">\nendstream endobj"


@pytest.mark.parametrize(
    "content",
    [
        PDF + b"<</S/JavaScript/JS(app.alert(1))>>", PDF + b"<</S/J#61vaScript>>", PDF + b"<</S /Launch /F(cmd.exe)>>",
        PDF + b"<</Names<</EmbeddedFiles 3 0 R>>>>", PDF + b"<</AcroForm<</XFA 4 0 R>>>>", PDF + b"<</Encrypt 5 0 R>>",
        packed(b"<</S/JavaScript>>"), packed(b"<</S/#4aavaScript >>"), packed(bytes(70_000_000)),
        behind_an_end(b"<</S/JavaScript>>" * 3), packed_twice(b"<</S/JavaScript>>"),
    ],
)  # fmt: skip
def test_a_paper_with_something_that_runs_is_refused(content: bytes) -> None:
    assert key_of(document(content, declared="application/pdf", name="a.pdf")) == "upload.active"


def test_an_honest_paper_stays_as_it_came() -> None:
    found = document(PDF, declared="application/pdf", name="../../etc/giấy ra viện.exe")
    assert found == Accepted(PDF, "application/pdf", "giấy ra viện.pdf")
    assert pdf_is_quiet(packed(b"<</Type/Catalog>>"))
    assert pdf_is_quiet(behind_an_end(b"<</Type/Catalog>>"))
    from yba.care.documents import pdf as made  # a paper of our own passes, too

    assert made is not None
    assert document("Sốt 3 ngày".encode(), declared="text/plain", name="ghi.txt") == Accepted(
        "Sốt 3 ngày".encode(), "text/plain", "ghi.txt"
    )
    assert isinstance(drawn := document(an_image("PNG"), name="phim.png"), Accepted)
    assert drawn.kind == "image/jpeg"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("../../../etc/passwd", "passwd.pdf"), ("C:\\x\\y.pdf", "y.pdf"), ("\u202egnp.fdp", "gnp.pdf"),
        ('a"; filename="b.html', "a__ filename=_b.pdf".replace("=", "_")), ("", "tep.pdf"), ("...", "tep.pdf"),
        ("x\r\nSet-Cookie: a.pdf", "xSet-Cookie_ a.pdf"), ("ơ" * 300, "ơ" * 80 + ".pdf"),
    ],
)  # fmt: skip
def test_a_name_leads_nowhere_and_ends_as_what_it_is(name: str, plain: str) -> None:
    assert plain_name(name, "application/pdf") == plain


class Scanner:
    """A daemon that speaks ClamAV's INSTREAM; what it heard is in ``heard``."""

    def __init__(self, path: Path, answer: bytes) -> None:
        self.heard = b""
        self.answer = answer
        self.door = socket.socket(socket.AF_UNIX)
        self.door.bind(str(path))
        self.door.listen(1)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        line, _ = self.door.accept()
        with line, line.makefile("rb") as reading:
            assert reading.read(10) == b"zINSTREAM\0"
            while size := struct.unpack("!L", reading.read(4))[0]:
                self.heard += reading.read(size)
            line.sendall(self.answer)


def test_a_scanner_hears_every_byte_and_is_believed(tmp_path: Path, settings: Any) -> None:
    settings.YBA_SCANNER = str(tmp_path / "clamd")
    content = PDF + b"%" + b"x" * 200_000
    clean = Scanner(tmp_path / "clamd", b"stream: OK\0")
    assert isinstance(document(content), Accepted)
    clean.thread.join(5)
    assert clean.heard == content
    (tmp_path / "clamd").unlink()
    Scanner(tmp_path / "clamd", b"stream: Eicar-Test-Signature FOUND\0")
    assert key_of(document(content)) == "upload.infected"
    (tmp_path / "clamd").unlink()
    Scanner(tmp_path / "clamd", b"")
    assert key_of(document(content)) == "upload.scanner"
    settings.YBA_SCANNER = str(tmp_path / "nowhere")
    assert key_of(document(content)) == "upload.scanner"


def test_a_form_gives_on_what_was_judged() -> None:
    sent = SimpleUploadedFile("a.png", an_image("PNG"), "image/png")
    assert isinstance(found := PictureField().clean(sent), Accepted)
    assert found.kind == "image/jpeg"
    for field, bad in (
        (PictureField(), SimpleUploadedFile("a.png", b"<svg/>", "image/png")),
        (DocumentField(), SimpleUploadedFile("a.pdf", PDF + b"/JavaScript ", "application/pdf")),
        (PictureField(), SimpleUploadedFile("a.jpg", b"\xff\xd8\xff" + bytes(9_000_000), "image/jpeg")),
    ):
        with pytest.raises(Exception, match=r"Chỉ nhận|tự chạy|lớn hơn 8"):
            field.clean(bad)
    assert DocumentField(required=False).clean(None) is None


def test_what_goes_out_is_saved_and_only_our_pictures_are_shown() -> None:
    for content, kind in (
        (b"<html><script>", "text/html"),
        (b"<svg onload=x>", "image/png"),
        (PDF, "application/pdf"),
    ):
        answer = file_response(content, kind=kind, name="x.html", shown=True)
        assert answer["Content-Disposition"].startswith("attachment;")
        assert "sandbox" in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Type"] == ("application/pdf" if content == PDF else "application/octet-stream")
        assert not answer["Content-Disposition"].endswith('.html"')
    assert file_response(an_image(), kind="image/jpeg", name="a", shown=True)[
        "Content-Disposition"
    ].startswith("inline")


@pytest.mark.django_db
def test_files_of_the_record_pass_its_door(record: fhir.Record, client: Client) -> None:
    def stored(content: bytes, kind: str) -> Attachment:
        return Attachment(contentType=kind, data=base64.b64encode(content).decode(), title="kết quả.html")

    photo = stored(an_image("PNG", comment="x"), "image/png")
    own = record.create(a_patient(photo=[photo]))
    other = record.create(a_patient("Lê Văn Bình", identifier=[], photo=[photo]))
    binary = record.create(Binary(contentType="text/html", data=base64.b64encode(b"<script>").decode()))
    papers = [
        record.create(
            DocumentReference(
                status="current", subject=Reference(reference=f"Patient/{whose.id}"),
                content=[
                    DocumentReferenceContent(attachment=stored(PDF, "application/pdf")),
                    DocumentReferenceContent(attachment=Attachment(url=f"Binary/{binary.id}", contentType="text/html")),
                    DocumentReferenceContent(attachment=Attachment(url=f"https://a.vn/fhir/Binary/{binary.id}")),
                ],
            )
        )
        for whose in (own, other)
    ]  # fmt: skip
    mine = f"/tep/DocumentReference/{papers[0].id}/0"
    assert client.get(mine).status_code == 302
    account = Account.objects.create_account("0905123456", role="citizen")
    account.links.create(patient_id=own.id, relation="ban-than")
    client.force_login(account)
    answer = client.get(mine)
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer["Content-Disposition"].startswith("attachment;")
    portrait = client.get(f"/tep/anh/Patient/{own.id}")
    assert (portrait.status_code, portrait["Content-Type"]) == (200, "image/jpeg")
    for hidden in (
        f"/tep/DocumentReference/{papers[1].id}/0", f"/tep/anh/Patient/{other.id}", f"/tep/Patient/{other.id}/0",
        f"/tep/Binary/{binary.id}/0", f"/tep/DocumentReference/{papers[0].id}/1",
        f"/tep/DocumentReference/{papers[0].id}/2",
        f"/tep/DocumentReference/{papers[0].id}/3", f"/tep/Observation/{own.id}/0", f"/tep/anh/Binary/{binary.id}",
    ):  # fmt: skip
        assert client.get(hidden).status_code == 404, hidden
    assert record.read(Patient, own.id or "").photo[0].data == photo.data
