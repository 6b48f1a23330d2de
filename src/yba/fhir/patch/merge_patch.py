"""JSON Merge Patch (RFC 7386): an object that is laid over another; null takes a member away.

Not one of FHIR's own patches, but what several clients send. A list is replaced whole, as the RFC says.
"""

from __future__ import annotations

from typing import Any

from yba.fhir.errors import Invalid


def merge_patch(tree: Any, patch: Any) -> Any:
    """The tree with the patch laid over it; both stay as they were. Raises Invalid when the patch is no object."""
    if not isinstance(patch, dict):
        raise Invalid("patch.merge", "A merge patch is a JSON object.")
    return _merged(tree, patch)


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = _merged(found.get(name), value)
    return found
