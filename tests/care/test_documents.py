"""Papers carry every Vietnamese letter, with fonts of their own, and never run what people typed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from yba.care.documents import pdf, qr_svg

LETTERS = "Ẩn Ẵm Ỡm Ệch Ngẫng ỷ ỵ ữ ợ Đ đ Ư ơ Tôn Nữ Hoàng Phương Thảo Nguyên"
TYPED = '#pagebreak() *đậm* $x$ "trích" \\ [ngoặc] <b>'


@dataclass
class Paper:
    code: str = "B 027"
    facility: str = "Bệnh viện Đa khoa Hương Giang"
    day: str = "thứ Hai 23/11/2026"
    room: str = "204"
    room_words: str = "Nội tim mạch"
    doctor: str = "BS. CKII Trần Minh Khôi"
    person: str = LETTERS
    birth_year: str = "1958"
    due: str = ""
    arrived: str = TYPED
    wait: Decimal = field(default=Decimal("20.50"))
    qr: str = field(default_factory=lambda: qr_svg("https://yba.vn/x"))


def text_in(content: bytes, folder: Path) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (package poppler-utils)")
    (folder / "paper.pdf").write_bytes(content)
    done = subprocess.run(
        ["pdftotext", str(folder / "paper.pdf"), "-"], capture_output=True, text=True, check=True
    )
    return " ".join(done.stdout.split())


def test_text_comes_out_as_it_went_in(tmp_path: Path) -> None:
    text = text_in(pdf("line/ticket_80.typ", Paper()), tmp_path)
    for words in (
        "B 027",
        "Tôn Nữ Hoàng Phương Thảo",
        "Ẩn Ẵm Ỡm Ệch Ngẫng",
        "Bệnh viện Đa khoa Hương Giang",
        "20.50",
    ):
        assert words in text
    assert "#pagebreak() *đậm* $x$" in text


def test_the_fonts_are_inside_and_no_machine_is_asked() -> None:
    content = pdf("line/ticket_80.typ", Paper())
    assert b"LibertinusSerif" in content
    assert b"pdfaid" in content


def test_an_unknown_template_is_an_error() -> None:
    for name in ("line/nothing.typ", "../../pyproject.toml"):
        with pytest.raises(LookupError):
            pdf(name, {})
