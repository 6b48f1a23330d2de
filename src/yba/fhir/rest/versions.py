"""history of a resource, a type, everything. FHIR R4, http.html#history."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import msgspec

from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.model.dates import period_of
from yba.fhir.record import Record
from yba.fhir.rest import subset
from yba.fhir.rest.bundles import history as bundle
from yba.fhir.rest.request import Request
from yba.fhir.rest.response import Response
from yba.fhir.store.read import History, Key
from yba.fhir.store.rows import Stored

PAGE = 50
LARGEST = 1000
_places: msgspec.json.Decoder[Key] = msgspec.json.Decoder(Key)
_FORMAT = ("_format", "_pretty")
_PREFIX = re.compile(r"(eq|ge|gt|le|lt|sa|eb)?(.+)", re.DOTALL)


@dataclass(slots=True)
class _Asked:
    """The parameters of a history, read."""

    since: datetime | None = None
    at: tuple[datetime | None, datetime | None] | None = None
    count: int = PAGE
    after: Key | None = None
    oldest_first: bool = False


def history(
    record: Record, request: Request, type_name: str | None = None, identifier: str | None = None
) -> Response:
    """Versions newest first, in pages; how many there are in all where that is asked for or known."""
    asked = _read(request)
    elements, summary = subset.asked(request.query, counts=True)
    if summary == "count":
        asked.count = 0
    wanted = History(asked.since, asked.at, asked.after, asked.count + 1, asked.oldest_first)
    versions = record.history(
        type_name, identifier, wanted, count=not asked.count or (identifier is not None)
    )
    found, total = list(versions.found), versions.total
    own = "/".join(part for part in (request.base_url, type_name, identifier, "_history") if part)
    links = [("self", _url(own, [pair for pair in request.query if pair[0] not in _FORMAT]))]
    if len(found) > asked.count:
        found = found[: asked.count]
        if found:
            last = found[-1][1]
            params = [pair for pair in request.query if pair[0] not in (*_FORMAT, "_cursor")]
            links.append(
                ("next", _url(own, [*params, ("_cursor", _text((last.updated, last.rid, last.version)))]))
            )
    elif asked.after is None:
        total = len(found)
    parts = [(kind, _part(one, elements, summary)) for kind, one in found]
    return Response(200, bundle(links, request.base_url, parts, total))


def _part(one: Stored, elements: Sequence[str] | None, summary: str | None) -> Stored:
    if one.content is None or (elements is None and summary is None):
        return one
    part = subset.subset(one.type, one.content, elements=elements, summary=summary)
    return msgspec.structs.replace(one, content=part)


def _read(request: Request) -> _Asked:
    asked = _Asked()
    for name, value in request.query:
        if name == "_since":
            asked.since = _moment(value)
        elif name == "_at":
            asked.at = _stretch(value)
        elif name == "_count":
            asked.count = _count(value)
        elif name == "_cursor":
            asked.after = _place(value)
        elif name == "_sort":
            asked.oldest_first = _order(value)
        elif name not in (*_FORMAT, "_summary", "_elements"):
            raise Unsupported("rest.history-parameter", f"'{name[:50]}' is no parameter of history here.")
    if asked.since is not None and asked.at is not None:
        raise Invalid("rest.history-parameter", "Ask for '_since' or for '_at', not for both.")
    return asked


def _stretch(value: str) -> tuple[datetime | None, datetime | None]:
    """The time ``_at`` means: from, and before. FHIR R4, http.html#history and search.html#date."""
    found = _PREFIX.fullmatch(value.replace(" ", "+"))
    prefix, text = (found[1] or "eq", found[2]) if found else ("eq", value)
    try:
        low, high = period_of(text)
    except (Invalid, ValueError, OverflowError):
        raise Invalid("rest.at", f"'_at' takes a date or time, not '{value[:50]}'.") from None
    if prefix in ("ge", "gt", "sa"):
        return (low if prefix == "ge" else high), None
    if prefix in ("le", "lt", "eb"):
        return None, (high if prefix == "le" else low)
    return low, high


def _order(value: str) -> bool:
    if value not in ("_lastUpdated", "-_lastUpdated", "none"):
        raise Invalid(
            "rest.sort", f"A history is sorted by '_lastUpdated' or '-_lastUpdated', not '{value[:50]}'."
        )
    return value == "_lastUpdated"


def _url(url: str, params: list[tuple[str, str]]) -> str:
    return f"{url}?{urlencode(params)}" if params else url


def _moment(value: str) -> datetime:
    try:
        return period_of(value.replace(" ", "+"))[0]
    except (Invalid, ValueError, OverflowError):
        raise Invalid("rest.since", f"'_since' takes an instant, not '{value[:50]}'.") from None


def _count(value: str) -> int:
    if not value.isdecimal() or not value.isascii() or len(value) > 9:
        raise Invalid("rest.count", f"'_count' takes a whole number from 0, not '{value[:50]}'.")
    return min(int(value), LARGEST)


def _text(place: Key) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _place(cursor: str) -> Key:
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = _places.decode(packed)
        if place[0].tzinfo is None or not 0 <= place[1] < 1 << 63 or not 0 < place[2] < 1 << 31:
            raise ValueError(cursor)
    except (ValueError, msgspec.DecodeError):
        raise Invalid(
            "rest.cursor", "'_cursor' is not from a page of a history. Start at the first page."
        ) from None
    return place
