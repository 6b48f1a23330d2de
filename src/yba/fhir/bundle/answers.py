"""What an entry is answered with. FHIR R4, http.html#transaction-response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from msgspec import Raw

from yba.fhir.errors import RecordError, Unsupported
from yba.fhir.model import codec
from yba.fhir.model.dates import instant, period_of
from yba.fhir.outcome import outcome_of
from yba.fhir.r4.bundle import BundleEntry, BundleEntryResponse
from yba.fhir.r4.datatypes import CodeableConcept
from yba.fhir.r4.operation_outcome import OperationOutcome, OperationOutcomeIssue
from yba.fhir.store.rows import Stored

if TYPE_CHECKING:
    from yba.fhir.bundle.entries import Step
    from yba.fhir.record import Record


@dataclass(frozen=True, slots=True)
class Call:
    """A request inside a bundle; ``headers`` by their HTTP names."""

    method: str
    url: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Called:
    """Its answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Fetch = Callable[["Record", Call], Called]
"""Answers an entry that reads, searches or calls an operation as if it had been asked by itself; ``rest`` gives it."""


def line(status: int) -> str:
    """A status as HTTP writes it."""
    return f"{status} {HTTPStatus(status).phrase}"


def refused(error: RecordError) -> BundleEntry:
    """An entry of a batch that was refused."""
    return BundleEntry(
        response=BundleEntryResponse(status=line(error.status), outcome=codec.to_raw(outcome_of(error)))
    )


def written(stored: Stored, status: int, returns: str | None) -> BundleEntry:
    """An entry that made a version, or found one; ``returns`` is what ``Prefer: return`` asks for."""
    response = BundleEntryResponse(
        status=line(status),
        location=f"{stored.type}/{stored.id}/_history/{stored.version}",
        etag=f'W/"{stored.version}"',
        lastModified=instant(stored.updated),
    )
    if returns == "minimal":
        return BundleEntry(response=response)
    if returns == "OperationOutcome":
        response.outcome = _told(f"{stored.type}/{stored.id} is stored as version {stored.version}.")
        return BundleEntry(response=response)
    return BundleEntry(resource=Raw(cast("bytes", stored.content)), response=response)


def deleted(stored: Stored | None, returns: str | None) -> BundleEntry:
    """An entry that deleted; None: there was nothing to delete, or several were."""
    response = BundleEntryResponse(status=line(204))
    if stored is not None:
        response.etag = f'W/"{stored.version}"'
        response.lastModified = instant(stored.updated)
    if returns == "OperationOutcome":
        response.status = line(200)
        response.outcome = _told("It is deleted." if stored else "Nothing is left to delete.")
    return BundleEntry(response=response)


def called(record: Record, step: Step, fetch: Fetch | None) -> BundleEntry:
    """Answer an entry by asking for it by itself. Raises what that raises."""
    if fetch is None:
        raise Unsupported(
            "bundle.get", f"{step.method} {step.url[:200]} is offered over HTTP.", path=step.path
        )
    headers = {
        name: value
        for name, value in (
            ("If-None-Match", step.if_none_match),
            ("If-Modified-Since", step.if_modified_since and _http_date(step.if_modified_since)),
            (
                "If-Match",
                step.if_match and (step.if_match if step.if_match == "*" else f'W/"{step.if_match}"'),
            ),
        )
        if value is not None
    }
    found = fetch(record, Call(step.method, step.url, step.body, headers))
    response = BundleEntryResponse(status=line(found.status), etag=found.headers.get("ETag"))
    if "Location" in found.headers:
        response.location = found.headers["Location"]
    if "Last-Modified" in found.headers:
        response.lastModified = instant(parsedate_to_datetime(found.headers["Last-Modified"]).astimezone(UTC))
    if not found.body or step.method == "HEAD":
        return BundleEntry(response=response)
    if found.status >= 400:
        response.outcome = Raw(found.body)
        return BundleEntry(response=response)
    return BundleEntry(resource=Raw(found.body), response=response)


def _http_date(text: str) -> str:
    return format_datetime(period_of(text)[0].astimezone(UTC), usegmt=True)


def _told(text: str) -> Raw:
    issue = OperationOutcomeIssue(
        severity="information", code="informational", details=CodeableConcept(text=text)
    )
    return codec.to_raw(OperationOutcome(issue=[issue]))
