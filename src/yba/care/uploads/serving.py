"""Giving a file out: saved, not shown, and whatever it is, nothing in it runs under our address."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from yba.care.uploads.rules import plain_name
from yba.fhir import sniffing

#: Shown in a page when they were drawn by us: points, and nothing else.
SHOWN: Final = frozenset({sniffing.JPEG, sniffing.PNG})
POLICY: Final = "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def file_response(content: bytes, *, kind: str, name: str, shown: bool = False) -> HttpResponse:
    """The one answer with somebody's file in it. ``shown``: a picture `picture` has drawn, to stand in a page."""
    real = sniffing.safe_kind(kind, content)
    inline = shown and real in SHOWN
    response = HttpResponse(content, content_type=real)
    filename = plain_name(name, sniffing.bare(real))
    response["Content-Disposition"] = content_disposition_header(not inline, filename) or "attachment"
    response["Content-Security-Policy"] = POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "no-store, private"
    return response
