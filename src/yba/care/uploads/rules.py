"""Whether a file may come in: what it is by its bytes, how large, whether anything in it runs. Source: ASVS 4.0.3, 12.

Pictures are drawn anew, so that what else lay in the file (place and owner in EXIF, a second format after the first)
stays outside. Papers stay byte for byte, because somebody may have signed them; what could run in them is refused.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from django.utils.translation import gettext_lazy as _

from yba.care.refusal import Refusal, refuse
from yba.care.uploads import pictures, scanning
from yba.fhir import sniffing

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_PICTURE_BYTES: Final = 8 * 1024 * 1024
PICTURES: Final = frozenset({sniffing.JPEG, sniffing.PNG, sniffing.WEBP, sniffing.GIF})
DOCUMENTS: Final = PICTURES | {sniffing.PDF, "text/plain"}
#: What a voice note is by its bytes -> the type it is kept as. A box that may hold pictures is looked into.
VOICES: Final = {
    "video/webm": "audio/webm", "application/ogg": "audio/ogg", "video/mp4": "audio/mp4", "audio/mpeg": "audio/mpeg",
    "audio/wav": "audio/wav",
}  # fmt: skip
EXTENSIONS: Final = {
    sniffing.JPEG: ".jpg", sniffing.PNG: ".png", sniffing.WEBP: ".webp", sniffing.GIF: ".gif",
    sniffing.PDF: ".pdf", "text/plain": ".txt", "audio/webm": ".webm", "audio/ogg": ".ogg", "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3", "audio/wav": ".wav", "video/webm": ".webm", "application/ogg": ".ogg", "video/mp4": ".m4a",
    "application/dicom": ".dcm", "application/json": ".json", "application/fhir+json": ".json", "text/csv": ".csv",
}  # fmt: skip
#: What is looked into of a PDF's packed parts, altogether.
MOST_UNPACKED: Final = 64 * 1024 * 1024
_PART: Final = 16 * 1024

_STREAM: Final = re.compile(rb"stream\r?\n")
#: Objects packed together (7.5.7) by anything but Flate: no writer of today does, and nothing else is unpacked here.
_OTHERWISE: Final = rb"/(?:ASCIIHexDecode|AHx|ASCII85Decode|A85|LZWDecode|LZW|RunLengthDecode|RL)(?=[\s/>\]])"
_TOGETHER: Final = rb"/ObjStm(?=[\s/>\]])"
_PACKED_OTHERWISE: Final = re.compile(
    _TOGETHER + rb".{0,400}?" + _OTHERWISE + rb"|" + _OTHERWISE + rb".{0,400}?" + _TOGETHER, re.DOTALL
)
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
# ISO 32000-2: actions (12.6), embedded files (7.11.4), forms of scripts (12.7.8), encryption hides the rest (7.6).
# An action with a script always names its kind, so that `/JS` itself, three letters that chance writes, is not asked.
_RUNS: Final = re.compile(
    rb"/(?:JavaScript|Rendition|Launch|EmbeddedFiles?|XFA|RichMedia|ImportData|SubmitForm|GoToE|Encrypt)"
    rb"(?=[\s/<(\[>]|$)"
)


#: How the boxes of Matroska (codec ids), MP4 (handler) and Ogg (codec heads) say that a track has pictures.
_MOVES: Final = re.compile(
    rb"V_(?:VP|AV1|MPEG|MS|THEORA|UNCOMPRESSED)|hdlr.{8}vide|\x80theora|\x01video", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A file that may be kept: ``content`` as it is to be stored, ``kind`` its real type, ``name`` a plain name."""

    content: bytes
    kind: str
    name: str


def picture(
    content: bytes, *, declared: str = "", name: str = "", most: int = MOST_PICTURE_BYTES, longest: int = 2000
) -> Accepted | Refusal:
    """A picture drawn anew as JPEG or PNG, its longer side at most ``longest`` pixels."""
    wrong = _unfit(content, declared=declared, kinds=PICTURES, most=most)
    if wrong is not None:
        return wrong
    drawn = pictures.redrawn(content, longest=longest)
    if isinstance(drawn, Refusal):
        return drawn
    return Accepted(drawn.content, drawn.kind, plain_name(name, drawn.kind))


def document(
    content: bytes,
    *,
    declared: str = "",
    name: str = "",
    kinds: Collection[str] = DOCUMENTS,
    most: int = MOST_BYTES,
) -> Accepted | Refusal:
    """A paper as it came (PDF, text), or a picture of one, drawn anew."""
    wrong = _unfit(content, declared=declared, kinds=kinds, most=most)
    if wrong is not None:
        return wrong
    kind = sniffing.kind_of(content) or ""
    if kind in PICTURES:
        return picture(content, declared=declared, name=name, most=most, longest=4000)
    if kind == sniffing.PDF and not pdf_is_quiet(content):
        return refuse(
            "upload.active",
            _(
                "Tệp PDF này có phần tự chạy, tệp gắn kèm hoặc mật khẩu. Lưu lại dưới dạng PDF thường rồi gửi."
            ),
        )
    return Accepted(content, kind, plain_name(name, kind))


def voice(
    content: bytes, *, declared: str = "", name: str = "", most: int = MOST_BYTES
) -> Accepted | Refusal:
    """A voice note as it came: sound alone, never a film."""
    wrong = _unfit(content, declared=declared, kinds=VOICES, most=most)
    if wrong is not None:
        return wrong
    if _MOVES.search(content):
        return refuse("upload.film", _("Tệp này là phim. Chỉ nhận lời ghi âm, ảnh và giấy tờ."))
    kind = VOICES[sniffing.kind_of(content) or ""]
    return Accepted(content, kind, plain_name(name, kind))


def anything(
    content: bytes, *, declared: str = "", name: str = "", most: int = MOST_BYTES
) -> Accepted | Refusal:
    """A picture, a paper or a voice note, whichever its bytes show."""
    judge = voice if sniffing.kind_of(content) in VOICES else document
    return judge(content, declared=declared, name=name, most=most)


def _unfit(content: bytes, *, declared: str, kinds: Collection[str], most: int) -> Refusal | None:
    if not content:
        return refuse("upload.empty", _("Tệp không có gì bên trong."))
    if len(content) > most:
        return refuse(
            "upload.size", _("Tệp lớn hơn %(most)s MB. Gửi tệp nhỏ hơn."), most=f"{most / 1024 / 1024:g}"
        )
    kind = sniffing.kind_of(content)
    if kind not in kinds:
        names = ", ".join(sorted({EXTENSIONS.get(one, one).lstrip(".").upper() for one in kinds}))
        return refuse("upload.kind", _("Chỉ nhận tệp %(names)s."), names=names)
    said = sniffing.bare(declared)
    if said and said != "application/octet-stream" and not sniffing.agrees(said, content):
        return refuse("upload.declared", _("Bên trong tệp khác với tên và loại của nó. Kiểm tra lại tệp."))
    return scanning.refusal(content)


def pdf_is_quiet(content: bytes) -> bool:
    """Whether nothing in a PDF runs, opens or hides something; packed parts are looked into as well."""
    left = MOST_UNPACKED
    plain = _plain(content)
    if _RUNS.search(plain) or _PACKED_OTHERWISE.search(plain):
        return False
    for part in _STREAM.finditer(content):
        found = _unpacked(content, part.end(), left)
        left -= len(found)
        if left <= 0 or _RUNS.search(_plain(found)):
            return False
    return True


def _unpacked(content: bytes, start: int, most: int) -> bytes:
    """A stream to its own end, whatever its bytes spell on the way (``endstream`` among them); b"" if not Flate."""
    unpacking, found = zlib.decompressobj(), bytearray()
    for at in range(start, len(content), _PART):
        part = content[at : at + _PART]
        try:
            while part and len(found) <= most:
                found += unpacking.decompress(part, most - len(found) + 1)
                part = unpacking.unconsumed_tail
        except zlib.error:
            break  # not packed this way, or broken from here on: its bytes were looked at as they are
        if unpacking.eof or len(found) > most:
            break
    return bytes(found)


def _plain(content: bytes) -> bytes:
    """Names of a PDF without their escapes: ``/J#61vaScript`` is ``/JavaScript`` (ISO 32000-2, 7.3.5)."""
    if b"#" not in content:
        return content
    return _ESCAPED.sub(lambda found: bytes([int(found.group(1), 16)]), content)


def plain_name(name: str, kind: str) -> str:
    """A file name without folders, control signs or a misleading end: the end says the real type."""
    last = PurePosixPath(name.replace("\\", "/")).name
    kept = "".join(one for one in last if one.isprintable() and unicodedata.category(one) != "Cf")
    stem = re.sub(r"[^\w\- .()]", "_", kept.rpartition(".")[0] or kept).strip(" .")[:80]
    return (stem or "tep") + EXTENSIONS.get(kind, ".bin")
