"""patch: JSON Patch and FHIRPath Patch, by id and by condition. FHIR R4, http.html#patch and fhirpatch.html."""

from __future__ import annotations

import base64
import binascii

from yba.fhir.errors import Invalid
from yba.fhir.model import codec, tree
from yba.fhir.r4.binary import Binary
from yba.fhir.r4.datatypes import Resource
from yba.fhir.r4.parameters import Parameters
from yba.fhir.record import Record
from yba.fhir.record.writing import Change
from yba.fhir.rest.content import JSON, JSON_PATCH, XML, UnsupportedMedia, check_sent, is_fhir, sent_kind
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
    if not is_fhir(kind):
        raise UnsupportedMedia(
            "rest.patch-type",
            f"A patch is {JSON_PATCH}, or Parameters as {JSON} or {XML}, not '{kind[:100]}'.",
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


def of_entry(resource: Resource) -> Change:
    """The patch an entry of a bundle holds: a Binary with JSON Patch inside, or Parameters."""
    if isinstance(resource, Parameters):
        return by_parameters(resource)
    if isinstance(resource, Binary):
        kind = (resource.contentType or "").partition(";")[0].strip().lower()
        if kind != JSON_PATCH:
            raise Invalid(
                "patch.body",
                f"The Binary of a PATCH holds {JSON_PATCH}, not '{kind[:100]}'.",
                path="contentType",
            )
        try:
            return by_json_patch(base64.b64decode("".join((resource.data or "").split()), validate=True))
        except (binascii.Error, ValueError):
            raise Invalid("patch.body", "The data of the Binary is not base64.", path="data") from None
    raise Invalid(
        "patch.body",
        f"A PATCH entry holds a Binary with {JSON_PATCH}, or Parameters, not a {type(resource).__name__}.",
        path="resourceType",
    )


def by_json_patch(data: bytes) -> Change:
    """A patch by RFC 6902."""
    from yba.fhir.model.patch import json_patch

    operations = tree.parse(data)
    return lambda content: tree.dump(json_patch(tree.parse(content), operations))


def by_parameters(parameters: Parameters) -> Change:
    """A FHIRPath Patch."""
    from yba.fhir.model.patch import fhirpath_patch

    asked = tree.parse(codec.encode(parameters))
    return lambda content: tree.dump(fhirpath_patch(tree.parse(content), asked))
