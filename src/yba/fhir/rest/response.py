"""A response as interactions give it, and the few shapes most of them have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from time import gmtime

from yba.fhir.errors import RecordError
from yba.fhir.model import codec
from yba.fhir.outcome import outcome_of
from yba.fhir.r4.datatypes import CodeableConcept
from yba.fhir.r4.operation_outcome import OperationOutcome, OperationOutcomeIssue
from yba.fhir.rest.request import Request
from yba.fhir.store.rows import Stored

Headers = list[tuple[str, str]]
JSON = "application/fhir+json; charset=utf-8"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Response:
    """Status, headers beside the usual ones, and a FHIR JSON body (empty for none).

    With ``content_type`` the body is something else and is sent as it is. ``file`` is sent in its place, in parts.
    """

    __slots__ = ("body", "content_type", "file", "headers", "status")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: Headers | None = None,
        *,
        content_type: str | None = None,
        file: Path | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers if headers is not None else []
        self.content_type = content_type
        self.file = file


Interaction = Callable[..., Response]


def http_date(moment: datetime) -> str:
    """A moment as HTTP writes it (RFC 9110, 5.6.7)."""
    return _http_date(int(moment.timestamp()))


@lru_cache(maxsize=256)
def _http_date(seconds: int) -> str:
    t = gmtime(seconds)
    return (
        f"{_DAYS[t.tm_wday]}, {t.tm_mday:02d} {_MONTHS[t.tm_mon - 1]} {t.tm_year} "
        f"{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} GMT"
    )


def version_headers(stored: Stored) -> Headers:
    """ETag and Last-Modified of a version."""
    return [("ETag", f'W/"{stored.version}"'), ("Last-Modified", http_date(stored.updated))]


def written(request: Request, stored: Stored, status: int) -> Response:
    """The answer to a write, in the form ``Prefer: return`` asks for. FHIR R4, http.html#ops."""
    headers = version_headers(stored)
    url = f"{request.base_url}/{stored.type}/{stored.id}/_history/{stored.version}"
    headers.append(("Location", url))
    returns = request.prefers("return")
    if returns == "minimal":
        return Response(status, b"", headers)
    if returns == "OperationOutcome":
        return Response(status, informed(stored_words(stored)), headers)
    return Response(status, stored.content or b"", headers)


def stored_words(stored: Stored) -> str:
    """What was done, in a sentence."""
    return f"{stored.type}/{stored.id} is stored as version {stored.version}."


def informed(text: str) -> bytes:
    """An OperationOutcome that says all is well, and what was done."""
    issue = OperationOutcomeIssue(
        severity="information", code="informational", details=CodeableConcept(text=text)
    )
    return codec.encode(OperationOutcome(issue=[issue]))


def refused(error: RecordError, headers: Headers | None = None) -> Response:
    """An error as an OperationOutcome with its status."""
    return Response(error.status, codec.encode(outcome_of(error)), headers)
