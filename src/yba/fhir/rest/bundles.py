"""Searchsets and histories as JSON: the bytes of each resource go in as they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec

from yba.fhir.errors import Forbidden
from yba.fhir.r4.operation_outcome import OperationOutcome
from yba.fhir.search import Found
from yba.fhir.store.rows import Stored

_json = msgspec.json.Encoder().encode


def searchset(base_url: str, place: str, params: Sequence[tuple[str, str]], found: Found,
              outcome: OperationOutcome | None) -> bytes:  # fmt: skip
    """A search's answer, with links to itself, to the first and to the next page.

    ``place``: what follows the base in the URL: a type, a compartment, nothing for a search of everything.
    """
    own = [pair for pair in params if pair[0] not in ("_cursor", "_format", "_pretty")]
    own = [pair for pair in own if pair[0] not in found.unknown]
    if found.capped:
        own = [*(pair for pair in own if pair[0] != "_count"), ("_count", str(found.count))]
    url = f"{base_url}/{place}" if place else base_url
    asked = urlencode(own)
    current = next((value for name, value in params if name == "_cursor"), None)
    links = [("self", _page_url(url, asked, current)), ("first", _page_url(url, asked, None))]
    if found.next is not None:
        links.append(("next", _page_url(url, asked, found.next)))
    scores: Sequence[float | None] = found.scores or [None] * len(found.matches)
    fragments: Sequence[str | None] = found.fragments or [None] * len(found.matches)
    entries = [
        _entry(base_url, one, _part(found, one, found.elements), b"match", score)
        if fragment is None
        else _contained(base_url, one, fragment, found, score)
        for one, fragment, score in zip(found.matches, fragments, scores, strict=True)
    ]
    entries += [_entry(base_url, one, _part(found, one, ()), b"include", None) for one in found.included]
    if outcome is not None:
        from yba.fhir.model import codec

        entries.append(b'{"resource":' + codec.encode(outcome) + b',"search":{"mode":"outcome"}}')
    return _bundle(b"searchset", found.total, links, entries)


def _part(found: Found, one: Stored, elements: Sequence[str]) -> bytes:
    """The resource, or the part of it that was asked for: ``_elements`` of matches, ``_summary`` of all."""
    content = one.content or b"null"
    if not elements and found.summary in (None, "false", "count"):
        return content
    from yba.fhir.rest.subset import subset

    return subset(one.type, content, elements=elements or None, summary=found.summary)


def history(
    links: Sequence[tuple[str, str]],
    base_url: str,
    versions: Iterable[tuple[str, Stored]],
    total: int | None = None,
) -> bytes:
    """Versions in order."""
    return _bundle(b"history", total, links, [_version(base_url, kind, one) for kind, one in versions])


def _page_url(url: str, asked: str, cursor: str | None) -> str:
    """The address of a page: what was asked, already written, and where it begins."""
    if cursor is not None:
        asked += f"{'&' if asked else ''}_cursor={quote_plus(cursor)}"
    return f"{url}?{asked}" if asked else url


def _bundle(kind: bytes, total: int | None, links: Sequence[tuple[str, str]], entries: list[bytes]) -> bytes:
    parts = [b'{"resourceType":"Bundle","type":"', kind, b'"']
    if total is not None:
        parts.append(b',"total":%d' % total)
    parts.append(b',"link":' + _json([{"relation": name, "url": url} for name, url in links]))
    if entries:
        parts += [b',"entry":[', b",".join(entries), b"]"]
    parts.append(b"}")
    return b"".join(parts)


def _entry(base_url: str, one: Stored, content: bytes, mode: bytes, score: float | None) -> bytes:
    return b'{"fullUrl":"%b/%b/%b","resource":%b,"search":{"mode":"%b"%b}}' % (
        base_url.encode(),
        one.type.encode(),
        one.id.encode(),
        content,
        mode,
        b"" if score is None else b',"score":%.6f' % max(0.0, min(score, 1.0)),
    )


class _Holder(msgspec.Struct):
    contained: list[msgspec.Raw] = []


class _Head(msgspec.Struct, rename={"resource_type": "resourceType"}):
    resource_type: str
    id: str | None = None


def _contained(base_url: str, holder: Stored, fragment: str, found: Found, score: float | None) -> bytes:
    """A contained resource alone: its address is that of its container, with its own id (search.html#contained)."""
    for raw in msgspec.json.decode(holder.content or b"{}", type=_Holder).contained:
        head = msgspec.json.decode(raw, type=_Head)
        if head.id == fragment:
            one = msgspec.structs.replace(holder, content=bytes(raw), id=f"{holder.id}#{fragment}")
            part = _part(found, msgspec.structs.replace(one, type=head.resource_type), found.elements)
            return _entry(base_url, one, part, b"match", score)
    raise Forbidden(
        "access.masked",
        f"What {holder.type}/{holder.id} contains is masked for this account. Ask without '_containedType=contained'.",
    )


def _version(base_url: str, kind: str, one: Stored) -> bytes:
    url = f"{kind}/{one.id}" if one.method != "POST" else kind
    # A PUT that brings a deleted resource back made it new as well, which the row does not tell apart.
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
