"""What a file really is, by its first bytes: what its sender says of it is a claim.

Used where a file is taken in, and where stored bytes are sent out in their own format. The signatures are those of the
formats' own specifications; what is text that a browser would run is told as WHATWG's MIME Sniffing (7.1) does.
"""

from __future__ import annotations

import re
from typing import Final

PDF, JPEG, PNG, GIF, WEBP = "application/pdf", "image/jpeg", "image/png", "image/gif", "image/webp"
HTML, SVG, XML = "text/html", "image/svg+xml", "application/xml"
PROGRAM, OFFICE, ZIP = "application/x-executable", "application/x-ole-storage", "application/zip"

_SIGNS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF-", PDF), (b"\xff\xd8\xff", JPEG), (b"\x89PNG\r\n\x1a\n", PNG), (b"GIF87a", GIF), (b"GIF89a", GIF),
    (b"II*\x00", "image/tiff"), (b"MM\x00*", "image/tiff"), (b"BM", "image/bmp"), (b"PK\x03\x04", ZIP),
    (b"\x1f\x8b", "application/gzip"), (b"OggS", "application/ogg"), (b"\x1aE\xdf\xa3", "video/webm"),
    (b"ID3", "audio/mpeg"), (b"MZ", PROGRAM), (b"\x7fELF", PROGRAM), (b"#!", PROGRAM),
    (b"\xcf\xfa\xed\xfe", PROGRAM), (b"\xca\xfe\xba\xbe", PROGRAM), (b"\xd0\xcf\x11\xe0", OFFICE),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"), (b"Rar!", "application/vnd.rar"),
)  # fmt: skip
_RIFF: Final = {b"WEBP": WEBP, b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS: Final = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heic", b"avif": "image/avif"}
_RUN: Final = re.compile(
    rb"\s*<(?:!doctype\s+html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|img|form|meta|link"
    rb"|object|embed|base|input|video|audio|details|!--)(?=[\s>/-]|$)",
    re.IGNORECASE,
)
_SVG: Final = re.compile(rb"<(?:[a-z0-9_-]+:)?svg(?=[\s>/:])", re.IGNORECASE)
_XHTML: Final = re.compile(rb"<(?:[a-z0-9_-]+:)?(?:html|script)(?=[\s>/])|<\?xml-stylesheet", re.IGNORECASE)
_LOOKED_AT: Final = 4096

#: What a browser runs, or builds pages from, when it is opened as what it says it is.
ACTIVE: Final = frozenset(
    {
        HTML, SVG, PROGRAM, "application/xhtml+xml", "text/javascript", "application/javascript",
        "application/ecmascript", "text/ecmascript", "application/x-shockwave-flash", "text/css", "text/xsl",
        "application/xslt+xml", "multipart/related", "message/rfc822", "application/x-mimearchive", "text/vbscript",
    }
)  # fmt: skip
_NAMED_BY_SIGN: Final = frozenset(
    {PDF, JPEG, PNG, GIF, WEBP, "image/tiff", "image/bmp", "image/heic", "application/dicom"}
)


def bare(declared: str) -> str:
    """``Text/HTML; charset=x`` -> ``text/html``."""
    return declared.partition(";")[0].strip().lower()


def kind_of(content: bytes) -> str | None:
    """The media type the bytes show; ``text/plain`` for text that is nothing else; None when nothing tells."""
    for sign, kind in _SIGNS:
        if content.startswith(sign):
            return kind
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12])
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12], "video/mp4")
    if content[128:132] == b"DICM":
        return "application/dicom"
    return _text(content)


def _text(content: bytes) -> str | None:
    head = content[:_LOOKED_AT]
    for mark, coding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            head = head[len(mark) :].decode(coding, "ignore").encode()
            break
    if _RUN.match(head):
        return HTML
    if head.lstrip().startswith(b"<"):
        if _SVG.search(head):
            return SVG
        return HTML if _XHTML.search(head) else XML
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head) or not head:
        return None
    try:
        head.decode()
    except UnicodeDecodeError as problem:
        # The last letter may be cut in two by the end of what is looked at.
        if len(content) <= _LOOKED_AT or problem.start < len(head) - 3:
            return None
    return "text/plain"


def agrees(declared: str, content: bytes) -> bool:
    """Whether bytes may be taken for what they are declared as: nothing hidden, nothing that runs unsaid."""
    said, found = bare(declared), kind_of(content)
    if found == said:
        return True
    if said in _NAMED_BY_SIGN:
        return False
    if said in ACTIVE:
        return found in (HTML, SVG, XML, PROGRAM, "text/plain", None)
    if found in (HTML, SVG, PROGRAM):
        return found == SVG and said.endswith("xml")
    if said.startswith(("image/", "audio/", "video/")):
        # Formats without a sign of their own (raw MPEG audio) pass as long as the bytes are no other format.
        return found is None or found.split("/")[0] == said.split("/")[0] or (said, found) in _SAME_BOX
    return True


_SAME_BOX: Final = frozenset(
    {
        ("audio/ogg", "application/ogg"), ("video/ogg", "application/ogg"), ("audio/webm", "video/webm"),
        ("audio/mp4", "video/mp4"), ("video/quicktime", "video/mp4"),
    }
)  # fmt: skip


def safe_kind(declared: str, content: bytes) -> str:
    """The type to send stored bytes as: the declared one, or none at all where the bytes say otherwise or would run."""
    if bare(declared) in ACTIVE or not agrees(declared, content):
        return "application/octet-stream"
    return declared
