"""history of a resource, a type, everything. FHIR R4, http.html#history."""

from __future__ import annotations

import base64
from datetime import datetime
from urllib.parse import urlencode

import msgspec

from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.model.dates import period_of
from yba.fhir.record import Record
from yba.fhir.rest.bundles import history as bundle
from yba.fhir.rest.request import Request
from yba.fhir.rest.response import Response

PAGE = 50
LARGEST = 1000
Place = tuple[datetime, int, int]
_places: msgspec.json.Decoder[Place] = msgspec.json.Decoder(Place)


def history(
    record: Record, request: Request, type_name: str | None = None, identifier: str | None = None
) -> Response:
    """Versions newest first, in pages."""
    since: datetime | None = None
    before: Place | None = None
    count = PAGE
    for name, value in request.query:
        if name == "_since":
            since = _moment(value)
        elif name == "_count":
            count = _count(value)
        elif name == "_cursor":
            before = _place(value)
        elif name not in ("_format", "_pretty"):
            raise Unsupported("rest.history-parameter", f"'{name[:50]}' is no parameter of history here.")
    found = record.history_stored(type_name, identifier, since=since, before=before, count=count + 1)
    own = "/".join(part for part in (request.base_url, type_name, identifier, "_history") if part)
    params = [(name, value) for name, value in request.query if name in ("_since", "_count")]
    links = [("self", _url(own, [pair for pair in request.query if pair[0] != "_format"]))]
    if len(found) > count:
        found = found[:count]
        last = found[-1][1]
        links.append(
            ("next", _url(own, [*params, ("_cursor", _text((last.updated, last.rid, last.version)))]))
        )
    return Response(200, bundle(links, request.base_url, found))


def _url(url: str, params: list[tuple[str, str]]) -> str:
    return f"{url}?{urlencode(params)}" if params else url


def _moment(value: str) -> datetime:
    try:
        return period_of(value.replace(" ", "+"))[0]
    except (Invalid, ValueError, OverflowError):
        raise Invalid("rest.since", f"'_since' takes an instant, not '{value[:50]}'.") from None


def _count(value: str) -> int:
    if not value.isdecimal() or not value.isascii() or len(value) > 9 or int(value) < 1:
        raise Invalid("rest.count", f"'_count' takes a whole number from 1, not '{value[:50]}'.")
    return min(int(value), LARGEST)


def _text(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _place(cursor: str) -> Place:
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
