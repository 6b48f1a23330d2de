"""Changing a resource by what differs: JSON Patch, FHIRPath Patch (FHIR R4, fhirpatch.html) and JSON Merge Patch.

All take a tree (``model.tree``) and give a new one; what they were given stays as it was. Read ``json_patch.py``,
``merge_patch.py``, then ``parameters.py`` (a FHIRPath Patch read), ``places.py`` (what its paths name) and
``fhirpath_patch.py``.
"""

from __future__ import annotations

from yba.fhir.patch.fhirpath_patch import fhirpath_patch
from yba.fhir.patch.json_patch import json_patch
from yba.fhir.patch.merge_patch import merge_patch

__all__ = ["fhirpath_patch", "json_patch", "merge_patch"]
