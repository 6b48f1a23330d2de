"""What is attached to a message, given out through the door: shown where it was drawn by us, heard in parts."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from yba.areas.telehealth.chat import queries, rules
from yba.areas.telehealth.chat.threads import said_of
from yba.care.uploads import file_response
from yba.fhir.r4.binary import Binary
from yba.ui.requests import record_of, role_required

#: One part of a file (RFC 9110, 14.2). Safari plays no sound it cannot ask for in parts.
_RANGE: Final = re.compile(r"bytes=(\d{1,9})?-(\d{1,9})?")


@require_safe
@role_required("citizen", *rules.STAFF)
def file(request: HttpRequest, thread_id: str, message_id: str, number: int) -> HttpResponse:
    """A file of a message; one that was taken down is not there."""
    record = record_of(request)
    mine = queries.own_thread if record.actor.role == "citizen" else queries.staff_thread
    mine(record, thread_id)
    found = said_of(queries.message_of(record, thread_id, message_id))
    if not 0 <= number < len(found.files) or not found.files[number].binary:
        raise Http404
    one = found.files[number]
    binary = record.read(Binary, one.binary)
    try:
        content = base64.b64decode(binary.data or "", validate=True)
    except (binascii.Error, ValueError):
        raise Http404 from None
    part = _part(request.headers.get("Range", ""), len(content)) if one.sound else None
    start, end = part or (0, len(content))
    answer = file_response(content, kind=one.kind, name=one.name, shown=one.picture)
    if one.sound:
        answer["Accept-Ranges"] = "bytes"
    if part is not None:
        answer.content = content[start:end]
        answer.status_code = 206
        answer["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
    return answer


def _part(asked: str, length: int) -> tuple[int, int] | None:
    """First byte and the one after the last of what a Range asks for; None: the whole."""
    found = _RANGE.fullmatch(asked.strip())
    if found is None or not length or (found[1] is None and found[2] is None):
        return None
    if found[1] is None:
        return max(length - int(found[2]), 0), length
    start = int(found[1])
    end = min(int(found[2]) + 1, length) if found[2] is not None else length
    return (start, end) if start < end else None
