"""Formats: what a client sends and what it can take. FHIR R4, http.html#mime-type."""

from __future__ import annotations

from yba.fhir.errors import Unsupported
from yba.fhir.rest.request import FORM, Request

_KNOWN = frozenset(
    {"application/fhir+json", "application/json", "text/json", "json", "application/json+fhir"}
)
_ACCEPTED = frozenset({"*/*", "application/*", *_KNOWN})
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii"})


class NotAcceptable(Unsupported):
    """The client takes nothing we write."""

    status = 406


class UnsupportedMedia(Unsupported):
    """The client sends what we do not read."""

    status = 415


def check_accepted(request: Request) -> None:
    """Refuse a request that cannot take JSON; ``_format`` wins over Accept."""
    query: str = request.environ.get("QUERY_STRING") or ""
    if "_format=" in query:
        wanted = next((value for name, value in request.query if name == "_format"), "")
        # A plus sign that was not encoded arrives as a blank.
        _check_named(wanted.replace(" ", "+"))
        return
    accept = request.header("ACCEPT")
    if accept is None or accept == "*/*" or accept == "application/fhir+json":
        return
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if not any(kind in _ACCEPTED for kind in kinds if kind) and any(kinds):
        raise NotAcceptable(
            "rest.accept", f"The record answers in application/fhir+json, not '{accept[:100]}'."
        )


def _check_named(wanted: str) -> None:
    if wanted.partition(";")[0].strip().lower() not in _KNOWN:
        raise NotAcceptable("rest.format", f"The record answers in JSON, not in '{wanted[:100]}'.")


def check_sent(request: Request) -> None:
    """Refuse a body that is not said to be JSON in UTF-8."""
    said: str = request.environ.get("CONTENT_TYPE") or ""
    kind, _, rest = said.partition(";")
    if kind.strip().lower() not in _KNOWN:
        raise UnsupportedMedia(
            "rest.content-type", f"Send FHIR as application/fhir+json, not as '{said[:100] or 'nothing'}'."
        )
    charset = rest.lower().partition("charset=")[2].partition(";")[0].strip().strip('"')
    if charset and charset not in _UTF8:
        raise UnsupportedMedia("rest.charset", f"Send JSON in UTF-8, not in '{charset[:30]}'.")


def check_form(request: Request) -> None:
    """Refuse a ``_search`` body that is no form."""
    said: str = request.environ.get("CONTENT_TYPE") or ""
    if said and said.partition(";")[0].strip().lower() != FORM:
        raise UnsupportedMedia("rest.search-type", f"'_search' takes a form ({FORM}), not '{said[:100]}'.")
