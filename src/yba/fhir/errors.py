"""The eight errors the record raises; each knows its FHIR issue code, its HTTP status and a stable key.

A message says what, where and what next, in English; faces translate by ``key`` and ``params``.
Source: FHIR R4, http.html#summary and valueset-issue-type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class RecordError(Exception):
    """Base of the eight; never raised itself.

    ``key``: stable and searchable, e.g. ``store.not-found``. ``path``: FHIRPath of the offending element, if any.
    """

    status: ClassVar[int] = 500
    issue: ClassVar[str] = "exception"

    def __init__(self, key: str, message: str, *, path: str | None = None, **params: object) -> None:
        super().__init__(message)
        self.key = key
        self.message = message
        self.path = path
        self.params = params


class Invalid(RecordError):
    """What was sent breaks the specification or a rule of the record."""

    status = 400
    issue = "invalid"


class NotValid(Invalid):
    """A resource breaks the profiles it must meet here; ``issues`` are all that validation found."""

    status = 422
    issue = "processing"

    def __init__(self, key: str, message: str, *, issues: Sequence[Any], path: str | None = None) -> None:
        super().__init__(key, message, path=path)
        self.issues = issues


class NotFound(RecordError):
    """No such thing, or none this actor may know of."""

    status = 404
    issue = "not-found"


class Gone(RecordError):
    """It was there and has been deleted."""

    status = 410
    issue = "deleted"


class Conflict(RecordError):
    """Somebody else was first: a newer version, a taken slot, a key already used."""

    status = 409
    issue = "conflict"


class PreconditionFailed(Conflict):
    """A condition of the request (If-Match, If-None-Exist with several matches) does not hold."""

    status = 412


class Forbidden(RecordError):
    """The actor may not do this to a thing it is allowed to know of."""

    status = 403
    issue = "forbidden"


class Unsupported(RecordError):
    """A type, interaction, parameter or modifier the record does not offer."""

    status = 400
    issue = "not-supported"


class TooCostly(RecordError):
    """A complete answer would pass a limit; the message says which and how to narrow the question."""

    status = 403
    issue = "too-costly"


class Unavailable(RecordError):
    """The database cannot answer now; trying again later is right."""

    status = 503
    issue = "transient"
