"""Searchsets and histories as JSON: the bytes of each resource go in as they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from yba.fhir.r4.operation_outcome import OperationOutcome
from yba.fhir.search import Found
from yba.fhir.store.rows import Stored

_json = msgspec.json.Encoder().encode


def searchset(base_url: str, type_name: str, params: Sequence[tuple[str, str]], found: Found,
              outcome: OperationOutcome | None) -> bytes:  # fmt: skip
    """A search's answer, with links to itself and to the next page."""
    own = [pair for pair in params if pair[0] not in ("_cursor", "_format", "_pretty")]
    own = [pair for pair in own if pair[0] not in found.unknown]
    if found.capped:
        own = [*(pair for pair in own if pair[0] != "_count"), ("_count", str(found.count))]
    url = f"{base_url}/{type_name}"
    current = [pair for pair in params if pair[0] == "_cursor"]
    links = [("self", _url(url, [*own, *current]))]
    if found.next is not None:
        links.append(("next", _url(url, [*own, ("_cursor", found.next)])))
    entries = [_entry(base_url, one, b"match") for one in found.matches]
    entries += [_entry(base_url, one, b"include") for one in found.included]
    if outcome is not None:
        from yba.fhir.model import codec

        entries.append(b'{"resource":' + codec.encode(outcome) + b',"search":{"mode":"outcome"}}')
    return _bundle(b"searchset", found.total, links, entries)


def history(links: Sequence[tuple[str, str]], base_url: str, versions: Iterable[tuple[str, Stored]]) -> bytes:
    """Versions, newest first."""
    return _bundle(b"history", None, links, [_version(base_url, kind, one) for kind, one in versions])


def _url(url: str, params: Sequence[tuple[str, str]]) -> str:
    return f"{url}?{urlencode(params)}" if params else url


def _bundle(kind: bytes, total: int | None, links: Sequence[tuple[str, str]], entries: list[bytes]) -> bytes:
    parts = [b'{"resourceType":"Bundle","type":"', kind, b'"']
    if total is not None:
        parts.append(b',"total":%d' % total)
    parts.append(b',"link":' + _json([{"relation": name, "url": url} for name, url in links]))
    if entries:
        parts += [b',"entry":[', b",".join(entries), b"]"]
    parts.append(b"}")
    return b"".join(parts)


def _entry(base_url: str, one: Stored, mode: bytes) -> bytes:
    return b'{"fullUrl":"%b/%b/%b","resource":%b,"search":{"mode":"%b"}}' % (
        base_url.encode(),
        one.type.encode(),
        one.id.encode(),
        one.content or b"null",
        mode,
    )


def _version(base_url: str, kind: str, one: Stored) -> bytes:
    url = f"{kind}/{one.id}" if one.method != "POST" else kind
    status = {"DELETE": "204", "POST": "201"}.get(one.method, "201" if one.version == 1 else "200")
    parts: dict[str, Any] = {"fullUrl": f"{base_url}/{kind}/{one.id}"}
    if one.content is not None:
        parts["resource"] = msgspec.Raw(one.content)
    parts["request"] = {"method": one.method, "url": url}
    parts["response"] = {
        "status": status,
        "etag": f'W/"{one.version}"',
        "lastModified": _instant(one.updated),
    }
    return _json(parts)


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
