"""patch: JSON Patch, FHIRPath Patch and JSON Merge Patch, by id and by condition. FHIR R4, http.html#patch."""

from __future__ import annotations

from yba.fhir.errors import Invalid
from yba.fhir.model import codec
from yba.fhir.r4.parameters import Parameters
from yba.fhir.record import Record
from yba.fhir.record.patches import JSON_PATCH, MERGE_PATCH, by_json_patch, by_merge_patch, by_parameters
from yba.fhir.record.writing import Change
from yba.fhir.rest.content import JSON, XML, UnsupportedMedia, check_sent, is_fhir, sent_kind
from yba.fhir.rest.request import Request
from yba.fhir.rest.response import Response, written


def patch(record: Record, request: Request, type_name: str, identifier: str) -> Response:
    """A new version made from the current one."""
    stored = record.patch(type_name, identifier, _change(request), if_match=request.if_match())
    return written(request, stored, 200)


def patch_where(record: Record, request: Request, type_name: str) -> Response:
    """The same on the one resource the condition names."""
    stored = record.patch_where(
        type_name, request.condition() or [], _change(request), if_match=request.if_match()
    )
    return written(request, stored, 200)


def _change(request: Request) -> Change:
    kind = sent_kind(request)
    if kind == JSON_PATCH:
        return by_json_patch(request.body())
    if kind == MERGE_PATCH or (kind == "application/json" and b'"resourceType"' not in request.body()):
        return by_merge_patch(request.body())
    if not is_fhir(kind):
        raise UnsupportedMedia(
            "rest.patch-type",
            f"A patch is {JSON_PATCH}, {MERGE_PATCH}, or Parameters as {JSON} or {XML}, not '{kind[:100]}'.",
        )
    check_sent(request)
    resource = codec.decode(request.body())
    if not isinstance(resource, Parameters):
        raise Invalid(
            "patch.body",
            f"A patch in FHIR is a Parameters, not a {type(resource).__name__}.",
            path="resourceType",
        )
    return by_parameters(resource)
