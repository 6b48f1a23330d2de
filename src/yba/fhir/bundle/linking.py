"""Links between the entries of a transaction: what a fullUrl is called once it is stored, and where it is put in.

Links stand in references, in elements of the types uri and url, and in the narrative's anchors and images; a canonical
is never one, nor is text that happens to look like one. Source: FHIR R4, http.html#transaction and
bundle.html#references.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from yba.fhir.errors import Invalid
from yba.fhir.model import tree
from yba.fhir.model.structures import below, property_of
from yba.fhir.r4 import MODULES

_REFERENCE = re.compile(rb'"reference":"([^"\\]+)"')
_CONDITIONAL_BYTES = re.compile(rb'"reference":"[A-Z][A-Za-z]+\?')
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)", re.DOTALL)
_RESTFUL = re.compile(r"(?P<base>https?://\S+/)?(?P<name>[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})")
_VERSIONED = re.compile(r"(.+)/_history/([A-Za-z0-9\-.]{1,64})")
_URNS = re.compile(rb"urn:(?:uuid|oid):[^\"\\\s<>#?]+")
_URIS = re.compile(rb"(?:urn:(?:uuid|oid):|https?://)[^\"\\\s<>#?]+")
_ANCHOR = re.compile(r"""(<\s*(?:a|img)\b[^<>]*?\b(?:href|src)\s*=\s*)(["'])([^<>"']*)\2""", re.IGNORECASE)
# The types oid and uuid may hold a link as well; what it stands for, Type/id, they may not.
_LINKING = frozenset({"uri", "url"})
# Elements of type uri called `reference`; in them a urn without an entry is no broken link.
_OWN_REFERENCE = frozenset({"DetectedIssue", "Immunization"})
Conditional = Callable[[str, str], str]
"""Type and query of a conditional reference to the reference it stands for."""


@dataclass(slots=True)
class Named:
    """What an entry will be called: ``Type/id``, the version it has where it came from and the one it gets here."""

    target: str
    sent_version: str | None
    version: int


@dataclass(slots=True)
class Names:
    """Which entry a fullUrl is, also by its last two segments for relative references without a base."""

    by_url: dict[str, Named] = field(default_factory=dict)
    by_tail: dict[str, Named | None] = field(default_factory=dict)
    has_http: bool = False

    def add(self, full_url: str, named: Named) -> None:
        """Take an entry's fullUrl."""
        self.by_url[full_url] = named
        restful = _RESTFUL.fullmatch(full_url)
        if restful is not None:
            self.has_http = True
            tail = restful["name"]
            self.by_tail[tail] = None if tail in self.by_tail else named  # None: two entries end alike

    def find(self, text: str, base: str | None) -> str | None:
        """The reference that a link in a resource with this base stands for; None: no entry's."""
        found = self._named(text, base)
        if found is not None:
            return found.target
        versioned = _VERSIONED.fullmatch(text)
        if versioned is not None:
            found = self._named(versioned[1], base)
            if found is not None and found.sent_version == versioned[2]:
                return f"{found.target}/_history/{found.version}"
        return None

    def _named(self, text: str, base: str | None) -> Named | None:
        found = self.by_url.get(text)
        if found is not None or not self.has_http or text.startswith(("http:", "https:", "urn:", "#")):
            return found
        return self.by_url.get(base + text) if base is not None else self.by_tail.get(text)


def base_of(full_url: str | None) -> str | None:
    """The part of a RESTful fullUrl before type and id: what relative references beside it are relative to."""
    restful = _RESTFUL.fullmatch(full_url) if full_url is not None else None
    return restful["base"] if restful is not None else None


def has_condition(body: bytes) -> bool:
    """Whether a resource holds a conditional reference."""
    return b"?" in body and _CONDITIONAL_BYTES.search(body) is not None


def references(body: bytes) -> list[str]:
    """The texts of the references in a resource, in order."""
    return [found.decode() for found in _REFERENCE.findall(body)]


def linked(
    body: bytes, type_name: str, full_url: str | None, names: Names, conditional: Conditional
) -> bytes:
    """The body with the links to other entries, and conditional references, replaced by what they stand for."""
    base = base_of(full_url)

    def replaced(found: re.Match[bytes]) -> bytes:
        text = found[1].decode()
        link, mark, fragment = text.partition("#")
        target = names.find(link, base) if link else None
        if target is None:
            condition = _CONDITIONAL.fullmatch(text) if "?" in text else None
            if condition is not None and condition[1] in MODULES:
                return b'"reference":"%b"' % conditional(condition[1], condition[2]).encode()
            if link.startswith("urn:") and type_name not in _OWN_REFERENCE:
                raise Invalid(
                    "bundle.unresolved", f"No entry of the bundle has the fullUrl '{link}'.", path="reference"
                )
            return found[0]
        return f'"reference":"{target}{mark}{fragment}"'.encode()

    body = _REFERENCE.sub(replaced, body)
    pattern = _URIS if names.has_http else _URNS
    if any(found.decode() in names.by_url for found in pattern.findall(body)):
        return _by_types(body, type_name, names)
    return body


def _by_types(body: bytes, type_name: str, names: Names) -> bytes:
    """Replace links in other elements than references: their types say which are links."""
    return tree.dump(_walked(tree.parse(body), type_name, names.by_url, top=True))


def _walked(
    value: dict[str, Any], where: str, names: Mapping[str, Named], *, top: bool = False
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, inner in value.items():
        known = property_of(where, name.removeprefix("_"))
        if known is None:
            found[name] = inner
            continue
        element, code = known
        if name[0] == "_":
            code = "Element"
        own_name = (top and name == "url") or name == "system"  # an identity, not a link
        inside = "Element" if name[0] == "_" else below(where, element, code)
        found[name] = _value(inner, code, inside, names, own_name)
    return found


def _value(value: Any, code: str, inside: str, names: Mapping[str, Named], own_name: bool) -> Any:
    if isinstance(value, list):
        return [_value(one, code, inside, names, own_name) for one in value]
    if isinstance(value, dict):
        name = value.get("resourceType")
        if isinstance(name, str):
            return _walked(value, name, names) if code == "Resource" else value
        return _walked(value, inside, names)
    if isinstance(value, str):
        if code in _LINKING and not (own_name and value.startswith("http")):
            return _renamed(value, names)
        if code == "xhtml":
            return _ANCHOR.sub(lambda one: f"{one[1]}{one[2]}{_renamed(one[3], names)}{one[2]}", value)
    return value


def _renamed(text: str, names: Mapping[str, Named]) -> str:
    link, mark, fragment = text.partition("#")
    found = names.get(link)
    return text if found is None else f"{found.target}{mark}{fragment}"
