"""Bundles that operations answer with, the bytes of each resource as they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

import msgspec

from yba.fhir.rest.response import Response
from yba.fhir.store.rows import Stored

_json = msgspec.json.Encoder().encode
MATCH = b'{"mode":"match"}'
INCLUDE = b'{"mode":"include"}'


def entry(base_url: str, one: Stored, search: bytes | None = MATCH) -> bytes:
    """One entry; ``search`` is its search part as JSON."""
    return b'{"fullUrl":"%b/%b/%b","resource":%b%b}' % (
        base_url.encode(),
        one.type.encode(),
        one.id.encode(),
        one.content or b"null",
        b"" if search is None else b',"search":' + search,
    )


def searchset(
    entries: Iterable[bytes],
    links: Sequence[tuple[str, str]],
    total: int | None = None,
    kind: str = "searchset",
) -> Response:
    """A Bundle of entries as the answer."""
    parts = [b'{"resourceType":"Bundle","type":"%b"' % kind.encode()]
    if total is not None:
        parts.append(b',"total":%d' % total)
    if links:
        parts.append(b',"link":' + _json([{"relation": name, "url": url} for name, url in links]))
    listed = list(entries)
    if listed:
        parts += [b',"entry":[', b",".join(listed), b"]"]
    parts.append(b"}")
    return Response(200, b"".join(parts))


def url(base_url: str, path: str, params: Sequence[tuple[str, str]]) -> str:
    """An absolute URL under the record's own."""
    return f"{base_url}/{path}" + (f"?{urlencode(params)}" if params else "")
