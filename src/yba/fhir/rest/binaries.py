"""Binary: content that is served and taken in its own format, too. FHIR R4, binary.html#rest."""

from __future__ import annotations

import base64
import binascii
import re

from yba.fhir.errors import Invalid
from yba.fhir.model import codec
from yba.fhir.r4.binary import Binary
from yba.fhir.r4.datatypes import Reference
from yba.fhir.rest.content import accepted, is_fhir
from yba.fhir.rest.request import Request

_KIND = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}(?:\s*;[\x20-\x7e]{0,200})?")
_ANY = frozenset({"*/*", "*", "application/*", "text/*"})


def as_asked(request: Request, content: bytes) -> tuple[bytes, str] | None:
    """The bytes and type of a Binary when it is not asked for as a resource; else None.

    Who accepts any type gets the resource: it says what it holds, and every client of FHIR can read it.
    """
    accept = request.header("ACCEPT")
    if accept is None or "_format=" in (request.environ.get("QUERY_STRING") or ""):
        return None
    kinds = [kind for kind, _ in accepted(accept)]
    if not kinds or any(is_fhir(kind) or kind in _ANY for kind in kinds):
        return None
    binary = codec.decode_as(content, Binary)
    kind = binary.contentType or "application/octet-stream"
    if binary.data is None or not _KIND.fullmatch(kind):
        return None
    try:
        return base64.b64decode("".join(binary.data.split()), validate=True), kind
    except (binascii.Error, ValueError):
        return None


def sent(request: Request, kind: str) -> Binary:
    """A body of any other type as the Binary that holds it. Raises Invalid."""
    said = (request.environ.get("CONTENT_TYPE") or "").strip()
    if not kind or not _KIND.fullmatch(said):
        raise Invalid("rest.content-type", "A Binary needs a Content-Type that says what it is.")
    data = request.body()
    if not data:
        raise Invalid("rest.body", "The body is empty.")
    context = request.header("X_SECURITY_CONTEXT")
    return Binary(
        contentType=said,
        securityContext=Reference(reference=context.removeprefix(request.base_url + "/"))
        if context
        else None,
        data=base64.b64encode(data).decode(),
    )
