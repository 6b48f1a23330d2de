"""Changing a resource by what differs: JSON Patch (RFC 6902) and FHIRPath Patch (FHIR R4, fhirpatch.html).

Both take a tree (``model.tree``) and give a new one; what they were given stays as it was.
"""

from __future__ import annotations

from yba.fhir.patch.fhirpath_patch import fhirpath_patch
from yba.fhir.patch.json_patch import json_patch

__all__ = ["fhirpath_patch", "json_patch"]
