"""References: their form, what they lead to, and whether that is of a type that may stand there.

FHIR R4, references.html, and bundle.html#references for what they mean inside a Bundle.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from yba.fhir.errors import NotFound, RecordError
from yba.fhir.model.structures import CORE, structure
from yba.fhir.r4 import MODULES
from yba.fhir.validation.state import Scope, State

Tree = Any

_REST = re.compile(
    r"(?P<base>https?://\S+/)?(?P<type>[A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?(?P<part>#\S+)?"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_ANY = frozenset({"Resource", "DomainResource"})


def parts(reference: str) -> re.Match[str] | None:
    """What a reference in RESTful form says; None for another form."""
    found = _REST.fullmatch(reference)
    return found if found is not None and found["type"] in MODULES else None


class Entries:
    """The entries of a Bundle, by full URL and by type and id."""

    def __init__(self, bundle: Tree, path: str) -> None:
        self.path = path
        self.kind = bundle.get("type")
        self.by_url: dict[str, list[tuple[int, Tree]]] = {}
        self.by_name: dict[str, list[tuple[int, Tree]]] = {}
        entries = bundle.get("entry")
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if not isinstance(resource, dict):
                continue
            if isinstance(entry.get("fullUrl"), str):
                self.by_url.setdefault(entry["fullUrl"], []).append((index, resource))
            name = f"{resource.get('resourceType')}/{resource.get('id')}"
            self.by_name.setdefault(name, []).append((index, resource))

    def strict(self, reference: str, full_url: str | None) -> list[tuple[int, Tree]]:
        """The entries a reference means by the full URLs; several only when the bundle is at fault."""
        said = parts(reference)
        address, version = reference.partition("#")[0], None
        if said is not None:
            address = f"{said['base'] or ''}{said['type']}/{said['id']}"
            version = said["version"]
            if said["base"] is None:
                base = parts(full_url or "")
                if base is not None and base["base"]:
                    address = base["base"] + address
                else:
                    return _of_version(self.by_name.get(address, []), version)
        return _of_version(self.by_url.get(address, []), version)

    def loose(self, reference: str) -> list[tuple[int, Tree]]:
        """The entries of the type and id a reference names, whatever their full URLs."""
        said = parts(reference)
        return self.by_name.get(f"{said['type']}/{said['id']}", []) if said is not None else []


def _of_version(found: list[tuple[int, Tree]], version: str | None) -> list[tuple[int, Tree]]:
    if version is None:
        return found
    return [
        one
        for one in found
        if isinstance(one[1].get("meta"), dict) and one[1]["meta"].get("versionId") == version
    ]


def found(state: State, scope: Scope, reference: str) -> Tree | None:
    """The resource a reference leads to: contained, beside it in the Bundle, or in the record."""
    if reference.startswith("#"):
        return scope.root.tree if reference == "#" else _contained(scope.root.tree, reference[1:])
    if scope.bundle is not None:
        entries: Entries = scope.bundle["entries"]
        near = entries.strict(reference, scope.root.full_url) or entries.loose(reference)
        if near:
            return near[0][1]
    if state.resolve is None:
        return None
    try:
        return state.resolve(reference)
    except NotFound:
        return None
    except RecordError:
        return None


def _contained(holder: Tree, identifier: str) -> Tree | None:
    held = holder.get("contained")
    for one in held if isinstance(held, list) else []:
        if isinstance(one, dict) and one.get("id") == identifier:
            return one
    return None


def types_of(state: State, targets: Sequence[str]) -> frozenset[str] | None:
    """The resource types that target profiles allow; None for any."""
    names = set()
    for target in targets:
        name = target.partition("|")[0].removeprefix(CORE)
        if name in _ANY:
            return None
        if name not in MODULES:
            profile = None
            try:
                profile = state.definitions.profile(target)
            except RecordError:
                return None
            if profile is None:
                return None  # not known here: told where the profile is asked for
            name = profile.structure.type
        names.add(name)
    return frozenset(names) or None


def check(state: State, value: Tree, targets: Sequence[str], path: str, scope: Scope) -> None:
    """The rules of one Reference."""
    text = value.get("reference")
    said_type = value.get("type")
    if not isinstance(text, str):
        if isinstance(said_type, str) and targets:
            _type_fits(state, said_type, targets, f"{path}.type", "says the type")
        return
    at = f"{path}.reference"
    if text.startswith("#"):
        if text != "#" and _contained(scope.root.tree, text[1:]) is None:
            state.error(
                "invariant", path, "invariant.ref-1",
                f"breaks ref-1: '{text[:80]}' is not the id of a contained resource.",
            )  # fmt: skip
            return
    elif not _formed(state, text, at, scope):
        return
    kind = _kind(state, text, scope)
    if kind is None:
        return
    if isinstance(said_type, str) and said_type.removeprefix(CORE) != kind:
        state.error(
            "value", f"{path}.type", "reference.type", f"is {said_type}, but the reference leads to a {kind}."
        )
    if targets:
        _type_fits(state, kind, targets, path, "leads to a")


def _formed(state: State, text: str, at: str, scope: Scope) -> bool:
    if parts(text) is not None or _SCHEME.match(text):
        _in_bundle(state, text, at, scope)
        return True
    if "?" in text and scope.bundle is not None and scope.bundle["entries"].kind == "transaction":
        return True  # a conditional reference, http.html#trules
    if text.count("/") > 1 or ("/" in text and scope.bundle is None):
        state.add(
            "warning", "value", at, "reference.form",
            f"{at} '{text[:100]}' is a relative URL that does not say [type]/[id]: nothing can be told of it.",
        )  # fmt: skip
        return False
    first = text.partition("/")[0]
    what = f"'{first}' is no resource type" if "/" in text and first.isalpha() else "it is not that"
    state.error(
        "value", at, "reference.form",
        f"'{text[:100]}' must be [type]/[id], an absolute URL or #id; {what}.",
    )  # fmt: skip
    return False


def _in_bundle(state: State, text: str, at: str, scope: Scope) -> None:
    if scope.bundle is None or scope.bundle["entries"].kind in ("transaction", "batch"):
        return
    said = parts(text)
    if said is not None and said["base"] is None and scope.root.full_url is None:
        state.add(
            "warning", "not-found", at, "reference.no-full-url",
            f"{at} '{text[:100]}' is relative, but its entry has no fullUrl. Give it one.",
        )  # fmt: skip


def _kind(state: State, text: str, scope: Scope) -> str | None:
    target = found(state, scope, text) if text.startswith(("#", "urn:")) or scope.bundle is not None else None
    if isinstance(target, dict) and isinstance(target.get("resourceType"), str):
        return str(target["resourceType"])
    said = parts(text)
    return said["type"] if said is not None else None


def _type_fits(state: State, kind: str, targets: Sequence[str], path: str, what: str) -> None:
    allowed = types_of(state, targets)
    kind = kind.removeprefix(CORE)
    if allowed is None or kind in allowed or structure(kind) is None:
        return
    shown = ", ".join(sorted(allowed))
    state.error("value", path, "reference.target", f"{what} {kind}; allowed here: {shown}.")
