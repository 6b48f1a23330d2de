"""References between resources (FHIR R4, references.html#literal)."""

from __future__ import annotations

import re
from typing import NamedTuple

from yba.fhir.r4 import MODULES
from yba.fhir.r4.datatypes import Reference, Resource


class Target(NamedTuple):
    """What a literal reference points at."""

    base: str  # of another server, with its last slash; "" for this one
    type: str
    id: str
    version: str | None = None


_LITERAL = re.compile(
    r"(?P<base>https?://[^\s?#]+/)?(?P<type>[A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9.-]{1,64}))?"
)


def parse(text: str) -> Target | None:
    """`Patient/1`, `Patient/1/_history/2` or the same after a server's address; None for `#x`, `urn:...` and others."""
    found = _LITERAL.fullmatch(text)
    if found is None or found["type"] not in MODULES:
        return None
    return Target(found["base"] or "", found["type"], found["id"], found["version"])


def target(ref: Reference | None) -> tuple[str, str] | None:
    """(type, id) of a resource of this server, or None: no literal reference, or one that points elsewhere."""
    if ref is None or ref.reference is None:
        return None
    found = parse(ref.reference)
    return (found.type, found.id) if found is not None and not found.base else None


def reference(resource: Resource | str, id: str | None = None, display: str | None = None) -> Reference:
    """A reference to a stored resource, or to a type and id. Raises ValueError where there is no id."""
    type_name, key = (resource, id) if isinstance(resource, str) else (type(resource).__name__, resource.id)
    if not key:
        raise ValueError(f"a {type_name} without an id cannot be referred to")
    return Reference(reference=f"{type_name}/{key}", display=display)
