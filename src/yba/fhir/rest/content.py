"""Formats: what a client sends and what it can take. FHIR R4, http.html#mime-type and #parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from yba.fhir.errors import Unsupported
from yba.fhir.rest.request import FORM, Request

JSON = "application/fhir+json"
XML = "application/fhir+xml"
_JSON_KINDS = {
    JSON: JSON, "application/json": "application/json", "text/json": "text/json",
    "application/json+fhir": JSON, "json": JSON,
}  # fmt: skip
_XML_KINDS = {
    XML: XML, "application/xml": "application/xml", "text/xml": "text/xml",
    "application/xml+fhir": XML, "xml": XML,
}  # fmt: skip
_ANY = {"*/*": JSON, "application/*": JSON, "text/*": "text/json", "*": JSON}
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_OUR_VERSION = "4.0"


class Format(NamedTuple):
    """How an answer is written: ``mime`` is what its Content-Type says."""

    mime: str
    xml: bool = False
    pretty: bool = False


PLAIN = Format(JSON)


class NotAcceptable(Unsupported):
    """The client takes nothing we write."""

    status = 406


class UnsupportedMedia(Unsupported):
    """The client sends what we do not read."""

    status = 415


# -- what is sent back ---------------------------------------------------------------------------------------


def wanted(request: Request) -> Format:
    """The format to answer in; ``_format`` wins over Accept. Raises NotAcceptable.

    Operations and Binary answer in formats of their own; they look at Accept themselves, and errors are JSON.
    """
    query: str = request.environ.get("QUERY_STRING") or ""
    pretty = "_pretty=" in query and ("_pretty", "true") in request.query
    if "_format=" in query:
        # A plus sign that was not encoded arrives as a blank.
        said = next((value for name, value in request.query if name == "_format"), "").replace(" ", "+")
        kind = said.partition(";")[0].strip().lower()
        if kind in _JSON_KINDS:
            return Format(JSON, False, pretty)
        if kind in _XML_KINDS:
            return Format(XML, True, pretty)
        if kind in _ANY or _own_formats(request):
            return Format(JSON, False, pretty)
        raise NotAcceptable("rest.format", f"The record answers in JSON or XML, not in '{said[:100]}'.")
    accept = request.header("ACCEPT")
    if accept is None or accept in ("*/*", JSON):
        return Format(JSON, False, pretty) if pretty else PLAIN
    found = _best(accept)
    if found is None:
        if not _own_formats(request) and accept.strip():
            raise NotAcceptable(
                "rest.accept", f"The record answers in {JSON} or {XML}, not '{accept[:100]}'."
            )
        found = JSON
    return Format(found, found in _XML_KINDS, pretty)


def wanted_in_form(request: Request, form: Format) -> Format:
    """The format a search by POST asks for among its parameters, once it is known who asks. Raises NotAcceptable."""
    said = {name: value for name, value in request.form if name in ("_format", "_pretty")}
    pretty = said.get("_pretty", "true" if form.pretty else "") == "true"
    kind = said.get("_format", form.mime).replace(" ", "+").partition(";")[0].strip().lower()
    if kind in _JSON_KINDS or kind in _XML_KINDS:
        mime = form.mime if kind == form.mime else XML if kind in _XML_KINDS else JSON
        return Format(mime, mime in _XML_KINDS, pretty)
    raise NotAcceptable("rest.format", f"The record answers in JSON or XML, not in '{kind[:100]}'.")


def _own_formats(request: Request) -> bool:
    return any(part[0] == "$" for part in request.path) or request.path[:1] == ["Binary"]


def _best(accept: str) -> str | None:
    """The type of FHIR the Accept header likes most, by its q-values; the first of equals. None: none."""
    best, quality, best_is_any = None, 0.0, False
    for kind, q in accepted(accept):
        found = _JSON_KINDS.get(kind) or _XML_KINDS.get(kind) or _ANY.get(kind)
        if found is not None and (q > quality or (q == quality and best_is_any and kind not in _ANY)):
            best, quality, best_is_any = found, q, kind in _ANY
    return best


def accepted(accept: str) -> Iterator[tuple[str, float]]:
    """The types of an Accept header with their q-values (RFC 9110, 12.5.1), without other versions of FHIR."""
    for part in accept.split(","):
        kind, *parameters = (one.strip() for one in part.split(";"))
        said = {
            name.strip().lower(): value.strip(' "')
            for name, _, value in (one.partition("=") for one in parameters)
        }
        if not said.get("fhirversion", _OUR_VERSION).startswith(_OUR_VERSION):
            continue
        try:
            quality = float(said.get("q", "1"))
        except ValueError:
            quality = 0.0
        if quality > 0:
            yield kind.lower(), quality


def written_as(form: Format, body: bytes) -> bytes:
    """FHIR JSON in the format asked for."""
    if form.xml:
        from yba.fhir.model import xml

        return xml.from_json(body, pretty=form.pretty)
    if form.pretty:
        import msgspec

        return msgspec.json.format(body, indent=2)
    return body


# -- what is sent --------------------------------------------------------------------------------------------


def sent_kind(request: Request) -> str:
    """The media type of the body, without parameters, in small letters."""
    said: str = request.environ.get("CONTENT_TYPE") or ""
    return said.partition(";")[0].strip().lower()


def is_fhir(kind: str) -> bool:
    """Whether a media type is one of FHIR's, in JSON or XML."""
    return kind in _JSON_KINDS or kind in _XML_KINDS


def check_sent(request: Request) -> None:
    """Refuse a body that is not said to be FHIR in UTF-8; turn XML into JSON, so that ``body()`` gives that."""
    said: str = request.environ.get("CONTENT_TYPE") or ""
    kind = sent_kind(request)
    if not is_fhir(kind):
        raise UnsupportedMedia(
            "rest.content-type", f"Send FHIR as {JSON} or {XML}, not as '{said[:100] or 'nothing'}'."
        )
    parameters = {
        name.strip().lower(): value.strip(' "')
        for name, _, value in (one.partition("=") for one in said.split(";")[1:])
    }
    charset = parameters.get("charset", "utf-8").lower()
    if charset not in _UTF8:
        raise UnsupportedMedia("rest.charset", f"Send FHIR in UTF-8, not in '{charset[:30]}'.")
    version = parameters.get("fhirversion", _OUR_VERSION)
    if not version.startswith(_OUR_VERSION):
        raise UnsupportedMedia("rest.version", f"The record speaks FHIR 4.0, not '{version[:30]}'.")
    if kind in _XML_KINDS:
        from yba.fhir.model import xml

        request.replace_body(xml.to_json(request.body(), ordered=True), JSON)


def check_form(request: Request) -> None:
    """Refuse a ``_search`` body that is no form."""
    said: str = request.environ.get("CONTENT_TYPE") or ""
    if said and sent_kind(request) != FORM:
        raise UnsupportedMedia("rest.search-type", f"'_search' takes a form ({FORM}), not '{said[:100]}'.")
