"""One function: the name of a template and its data to the bytes of a PDF."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import segno
import typst
from django.http import HttpResponse
from django.template.utils import get_app_template_dirs

ROOT = Path(__file__).resolve().parents[2]


@cache
def template(name: str) -> Path:
    """The file of ``"billing/receipt_a5.typ"``: beside the pages of the app it belongs to. Raises LookupError."""
    for folder in get_app_template_dirs("templates"):
        path = Path(folder) / name
        if path.is_file() and path.resolve().is_relative_to(ROOT):
            return path.resolve()
    raise LookupError(f"no Typst template named {name}")


def pdf(name: str, data: Mapping[str, Any] | object) -> bytes:
    """A PDF (PDF/A-2b) made from a template of an installed app and a mapping or dataclass.

    The template begins with ``#import "/care/documents/paper.typ": *`` and finds the values in ``data``. Decimals
    arrive as text in their own precision, dates as ISO text: say them in Vietnamese before handing them over.
    """
    if dataclasses.is_dataclass(data) and not isinstance(data, type):
        data = dataclasses.asdict(data)
    made = typst.compile(
        str(template(name)),
        root=str(ROOT),
        sys_inputs={"data": json.dumps(data, ensure_ascii=False, default=_plain)},
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards="a-2b",
    )
    return bytes(made)


def pdf_response(content: bytes, filename: str) -> HttpResponse:
    """The answer of a page that shows the paper in the browser; ``filename`` is plain ASCII."""
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{filename}"'
    response["Cache-Control"] = "private, no-store"
    return response


def qr_svg(text: str) -> str:
    """A QR code as SVG text, for ``qr(data.code)`` in a template."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="svg", border=2, xmldecl=False)
    return out.getvalue().decode()


def _plain(value: object) -> str:
    if isinstance(value, Decimal | date | datetime):
        return str(value) if isinstance(value, Decimal) else value.isoformat()
    return str(value)
