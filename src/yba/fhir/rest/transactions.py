"""transaction and batch. FHIR R4, http.html#transaction."""

from __future__ import annotations

import io
from urllib.parse import unquote

from yba.fhir import bundle as bundles
from yba.fhir.bundle import Call, Called
from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.model import codec
from yba.fhir.r4.bundle import Bundle
from yba.fhir.record import Record
from yba.fhir.rest.capabilities import capabilities
from yba.fhir.rest.content import JSON, check_sent
from yba.fhir.rest.request import Request
from yba.fhir.rest.response import Response


def run(record: Record, request: Request) -> Response:
    """Carry out a bundle posted to the root."""
    check_sent(request)
    # What is inside is read entry by entry: in a batch one bad resource is no fault of the others.
    bundle = codec.decode(request.body(), None, deep=False)
    if not isinstance(bundle, Bundle):
        raise Invalid(
            "rest.root-type",
            f"The root takes a Bundle, not a {type(bundle).__name__}. Create it at /{type(bundle).__name__}.",
            path="resourceType",
        )

    def fetch(inner: Record, call: Call) -> Called:
        return _called(inner, request, call)

    answer = bundles.run(record, bundle, fetch, returns=request.prefers("return"))
    return Response(200, codec.encode(answer))


def _called(record: Record, request: Request, call: Call) -> Called:
    """Answer an entry as if it had been asked by itself."""
    from yba.fhir.rest.route import answer_of

    path, _, query = call.url.removeprefix(request.base_url).partition("?")
    environ = {
        "REQUEST_METHOD": call.method,
        "PATH_INFO": "/" + unquote(path.lstrip("/")),
        "SCRIPT_NAME": "/fhir",
        "QUERY_STRING": query,
        "CONTENT_TYPE": JSON if call.body is not None else "",
        "CONTENT_LENGTH": str(len(call.body or b"")),
        "wsgi.input": io.BytesIO(call.body or b""),
    } | {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in call.headers.items()}
    asked = Request(
        environ,
        base_url=request.base_url,
        limit=request.limit,
        services=request.services,
        most_deleted=request.most_deleted,
    )
    if not asked.path and call.method == "POST":
        raise Unsupported("bundle.nested", "A bundle inside a bundle is not carried out.")
    found = capabilities(asked) if asked.path == ["metadata"] else answer_of(record, asked)
    if found.content_type is not None or found.file is not None:
        raise Unsupported("bundle.format", "This answer is no resource. Ask for it outside of a bundle.")
    return Called(found.status, found.body, dict(found.headers))
