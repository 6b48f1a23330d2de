"""What holds between the entries of a Bundle: full URLs, ids, links, documents and messages that hold together.

FHIR R4, bundle.html#bundle-unique, documents.html#content, messaging.html, search.html#paging.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yba.fhir.validation import links
from yba.fhir.validation.state import Scope, State

Tree = Any

_ONE_LINK = frozenset({"self", "first", "last", "next", "prev", "previous"})
# What a document's Composition points to must be in the document (documents.html#content).
_COMPOSED = ("subject", "encounter", "author", "custodian")


def check(state: State, bundle: Tree, scope: Scope) -> None:
    """The rules of a Bundle as a whole."""
    entries = bundle.get("entry")
    held = [(index, one) for index, one in enumerate(entries if isinstance(entries, list) else [])
            if isinstance(one, dict)]  # fmt: skip
    for index, entry in held:
        _full_url(state, entry, bundle.get("type"), f"{scope.path}.entry[{index}]")
    _links(state, bundle, scope.path)
    kind = bundle.get("type")
    if kind == "searchset":
        _matches(state, held, scope.path)
    if kind in ("document", "message") and held and isinstance(held[0][1].get("resource"), dict):
        _together(state, held[0][1], kind, scope)


def _full_url(state: State, entry: Tree, kind: Any, at: str) -> None:
    url, resource = entry.get("fullUrl"), entry.get("resource")
    if url is None:
        if isinstance(resource, dict) and kind in ("document", "message", "collection"):
            state.add(
                "warning" if kind == "collection" else "error", "required", at, "bundle.no-full-url",
                f"{at} has no fullUrl; in a {kind} references are followed by it.",
            )  # fmt: skip
        return
    if not isinstance(url, str) or not isinstance(resource, dict):
        return
    if ":" not in url:
        state.error("value", f"{at}.fullUrl", "bundle.full-url", f"'{url[:100]}' must be an absolute URL.")
        return
    said = links.parts(url)
    if said is None or not said["base"]:
        return
    name = resource.get("id")
    if name is None:
        if kind not in ("batch", "transaction"):
            state.error("value", f"{at}.fullUrl", "bundle.full-url",
                        f"'{url[:120]}' is an address on a server, but the resource has no id.")  # fmt: skip
    elif said["id"] != name or said["type"] != resource.get("resourceType"):
        state.error(
            "value", f"{at}.fullUrl", "bundle.full-url",
            f"'{url[:120]}' must end with the type and id of the resource: {resource.get('resourceType')}/{name}.",
        )  # fmt: skip


def _links(state: State, bundle: Tree, path: str) -> None:
    found = bundle.get("link")
    seen: set[str] = set()
    for index, one in enumerate(found if isinstance(found, list) else []):
        relation = one.get("relation") if isinstance(one, dict) else None
        if not isinstance(relation, str):
            continue
        if relation in seen and relation in _ONE_LINK:
            state.error(
                "invalid",
                f"{path}.link[{index}]",
                "bundle.link",
                f"is a second link '{relation}'; one is allowed.",
            )
        seen.add(relation)


def _matches(state: State, held: list[tuple[int, Tree]], path: str) -> None:
    for index, entry in held:
        resource = entry.get("resource")
        if not isinstance(resource, dict) or "id" in resource:
            continue
        if resource.get("resourceType") != "OperationOutcome":
            state.error(
                "required",
                f"{path}.entry[{index}].resource",
                "bundle.no-id",
                "is a search result and must have an id.",
            )


def _together(state: State, first: Tree, kind: str, scope: Scope) -> None:
    """What the Composition or the MessageHeader points to is an entry."""
    assert scope.bundle is not None
    entries: links.Entries = scope.bundle["entries"]
    url = first.get("fullUrl")
    at = f"{scope.path}.entry[0].resource"
    names = _COMPOSED if kind == "document" else ("focus",)
    for reference, place in _pointed(first["resource"], names, at):
        if reference.startswith("#"):
            continue
        found = entries.strict(reference, url if isinstance(url, str) else None)
        if len(found) > 1:
            state.error(
                "not-found",
                place,
                "bundle.several",
                f"'{reference[:100]}' means {len(found)} entries of the Bundle.",
            )
        elif not found:
            near = entries.loose(reference)
            hint = (f" Entry {near[0][0]} has the type and id, but not the full URL that is meant."
                    if near else "")  # fmt: skip
            state.error(
                "not-found", place, "bundle.missing", f"'{reference[:100]}' is not in the Bundle.{hint}"
            )


def _pointed(resource: Tree, names: tuple[str, ...], at: str) -> Iterator[tuple[str, str]]:
    for name in names:
        found = resource.get(name)
        many = isinstance(found, list)
        for index, one in enumerate(found if isinstance(found, list) else [found]):
            if isinstance(one, dict) and isinstance(one.get("reference"), str):
                yield one["reference"], f"{at}.{name}" + (f"[{index}]" if many else "")
    yield from _sections(resource, at)


def _sections(holder: Tree, at: str) -> Iterator[tuple[str, str]]:
    sections = holder.get("section")
    for number, section in enumerate(sections if isinstance(sections, list) else []):
        if not isinstance(section, dict):
            continue
        here = f"{at}.section[{number}]"
        items = section.get("entry")
        for index, one in enumerate(items if isinstance(items, list) else []):
            if isinstance(one, dict) and isinstance(one.get("reference"), str):
                yield one["reference"], f"{here}.entry[{index}]"
        yield from _sections(section, here)
