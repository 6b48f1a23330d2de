"""Patches as changes of a resource's JSON: JSON Patch (RFC 6902) and FHIRPath Patch. FHIR R4, http.html#patch."""

from __future__ import annotations

import base64
import binascii

from yba.fhir.errors import Invalid
from yba.fhir.model import codec, tree
from yba.fhir.r4.binary import Binary
from yba.fhir.r4.datatypes import Resource
from yba.fhir.r4.parameters import Parameters
from yba.fhir.record.writing import Change

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


def by_json_patch(data: bytes) -> Change:
    """A JSON Patch document. Raises Invalid for what is no JSON."""
    from yba.fhir.patch import json_patch

    operations = tree.parse(data)
    return lambda content: tree.dump(json_patch(tree.parse(content), operations))


def by_merge_patch(data: bytes) -> Change:
    """A JSON Merge Patch. Raises Invalid for what is no JSON object."""
    from yba.fhir.patch import merge_patch

    asked = tree.parse(data)
    return lambda content: tree.dump(merge_patch(tree.parse(content), asked))


def by_parameters(parameters: Parameters) -> Change:
    """A FHIRPath Patch."""
    from yba.fhir.patch import fhirpath_patch

    asked = tree.parse(codec.encode(parameters))
    return lambda content: tree.dump(fhirpath_patch(tree.parse(content), asked))


def of_entry(resource: Resource) -> Change:
    """The patch an entry of a bundle holds: a Binary with JSON Patch inside, or Parameters. Raises Invalid."""
    if isinstance(resource, Parameters):
        return by_parameters(resource)
    if not isinstance(resource, Binary):
        raise Invalid(
            "patch.body",
            f"A PATCH entry holds a Binary with {JSON_PATCH}, or Parameters, not a {type(resource).__name__}.",
            path="resourceType",
        )
    kind = (resource.contentType or "").partition(";")[0].strip().lower()
    if kind != JSON_PATCH:
        raise Invalid(
            "patch.body",
            f"The Binary of a PATCH holds {JSON_PATCH}, not '{kind[:100]}'.",
            path="Binary.contentType",
        )
    try:
        return by_json_patch(base64.b64decode("".join((resource.data or "").split()), validate=True))
    except (binascii.Error, ValueError):
        raise Invalid("patch.body", "The data of the Binary is not base64.", path="Binary.data") from None
