"""One stylesheet and one script, put together from their parts and named by their content.

Cascade layers keep the order of rules; within the components' layer ``grown.css`` comes last, as it mends the others.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import django_htmx
from django.conf import settings

HERE = Path(__file__).parent / "static" / "ui"
#: The mark as pictures, for a phone's first page; the last leaves room for any shape it is cut to.
ICONS = {
    "icon-192.png": (192, "any"),
    "icon-512.png": (512, "any"),
    "icon-maskable-512.png": (512, "maskable"),
}
HTMX = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to send: ``name`` carries the hash of ``body``; ``packed`` is the same, gzipped."""

    name: str
    content_type: str
    body: bytes
    packed: bytes


def style_files() -> list[Path]:
    """The parts of the stylesheet, in order."""
    css = HERE / "css"
    components = sorted((css / "components").glob("*.css"))
    return [css / "tokens.css", css / "base.css", *components, css / "grown.css", css / "utilities.css"]


def script_files() -> list[Path]:
    """htmx from its package, then our own."""
    return [HTMX, *sorted((HERE / "js").glob("*.js"))]


def bundle(kind: str) -> Asset:
    """The asset of ``kind`` ``css`` or ``js``; while debugging, made anew each time."""
    return _make(kind) if settings.DEBUG else _kept(kind)


@cache
def _kept(kind: str) -> Asset:
    return _make(kind)


def _make(kind: str) -> Asset:
    if kind == "css":
        text = "\n".join(_without_comments(path.read_text(encoding="utf-8")) for path in style_files())
        content_type = "text/css; charset=utf-8"
    else:
        text = ";\n".join(path.read_text(encoding="utf-8") for path in script_files())
        content_type = "text/javascript; charset=utf-8"
    body = text.encode()
    name = f"face.{hashlib.sha256(body).hexdigest()[:12]}.{kind}"
    return Asset(name=name, content_type=content_type, body=body, packed=gzip.compress(body, 9, mtime=0))


def worker(face: str) -> str:
    """The one worker of this origin: pushes, and what is kept. ``face``: what it is told of this house, as JSON."""
    parts = sorted((HERE / "worker").glob("*.js"))
    return ";\n".join([f"const FACE = {face}", *(path.read_text(encoding="utf-8") for path in parts)])


@cache
def offline_version() -> str:
    """What the page without a network looks like now: another word makes browsers fetch it anew."""
    pages = HERE.parents[1] / "templates" / "ui"
    read = [(pages / f"{name}.html").read_bytes() for name in ("page", "plain", "offline", "_keep")]
    return hashlib.sha256(b"\0".join(read)).hexdigest()[:8]


def token(name: str) -> str:
    """The light value of a colour of ``tokens.css``. Raises KeyError for one that is not there."""
    text = (HERE / "css" / "tokens.css").read_text(encoding="utf-8")
    found = re.search(rf"--{re.escape(name)}:\s+var\(--light, (#[0-9a-f]+)\)", text)
    if found is None:
        raise KeyError(name)
    return found[1]


def _without_comments(css: str) -> str:
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return re.sub(r"\n\s+|\n+", "\n", css).strip()
