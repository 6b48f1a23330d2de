"""transaction and batch. FHIR R4, http.html#transaction."""

from __future__ import annotations

from urllib.parse import unquote

from yba.fhir.errors import Invalid, RecordError
from yba.fhir.model import codec
from yba.fhir.r4.bundle import Bundle
from yba.fhir.record import Record
from yba.fhir.rest.content import check_sent
from yba.fhir.rest.request import Request
from yba.fhir.rest.response import STATUS, Response


def run(record: Record, request: Request) -> Response:
    """Carry out a bundle posted to the root."""
    from yba.fhir.rest.route import answer_of

    check_sent(request)
    bundle = codec.decode(request.body(), None)
    if not isinstance(bundle, Bundle):
        raise Invalid(
            "rest.root-type",
            f"The root takes a Bundle, not a {type(bundle).__name__}. Create it at /{type(bundle).__name__}.",
            path="resourceType",
        )

    def fetch(inner: Record, url: str) -> tuple[str, bytes]:
        """Answer a GET entry as if it had been asked by itself."""
        path, _, query = url.removeprefix(request.base_url).partition("?")
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/" + unquote(path.lstrip("/")),
            "SCRIPT_NAME": "/fhir",
            "QUERY_STRING": query,
        }
        asked = Request(environ, base_url=request.base_url, limit=request.limit)
        found = answer_of(inner, asked)
        if found.status >= 400:
            raise RecordError("rest.entry", "The entry could not be answered.")
        return STATUS[found.status], found.body

    return Response(200, codec.encode(record.run_bundle(bundle, fetch=fetch)))
