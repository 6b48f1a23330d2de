"""read and vread. FHIR R4, http.html#read, #vread and #cread."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from yba.fhir import sniffing
from yba.fhir.record import Record
from yba.fhir.rest import binaries, subset
from yba.fhir.rest.request import Request
from yba.fhir.rest.response import Response, version_headers
from yba.fhir.store.rows import Stored


def read(record: Record, request: Request, type_name: str, identifier: str) -> Response:
    """The current version, or 304 when the asker has it already."""
    return _answer(request, record.read_stored(type_name, identifier))


def vread(record: Record, request: Request, type_name: str, identifier: str, version: str) -> Response:
    """One version."""
    return _answer(request, record.vread_stored(type_name, identifier, version))


def _answer(request: Request, stored: Stored) -> Response:
    headers = version_headers(stored)
    content = stored.content or b""
    if request.environ.get("QUERY_STRING"):
        elements, summary = subset.asked(request.query)
        content = subset.subset(stored.type, content, elements=elements, summary=summary)
    if _has_it(request, stored):
        return Response(304, b"", headers)
    if stored.type == "Binary" and (raw := binaries.as_asked(request, content)) is not None:
        data, kind = raw
        # What somebody uploaded is never run as a page of ours: it is saved, not shown, and never as what it is not.
        headers.append(("Content-Disposition", "attachment"))
        return Response(200, data, headers, content_type=sniffing.safe_kind(kind, data))
    return Response(200, content, headers)


def _has_it(request: Request, stored: Stored) -> bool:
    tags = request.header("IF_NONE_MATCH")
    if tags is not None:
        return tags.strip() == "*" or f'"{stored.version}"' in tags
    since = request.header("IF_MODIFIED_SINCE")
    if since is None:
        return False
    try:
        moment: datetime = parsedate_to_datetime(since)
    except (ValueError, OverflowError):  # a date that cannot be read is no condition (RFC 9110, 13.1.3)
        return False
    return stored.updated.replace(microsecond=0) <= (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
