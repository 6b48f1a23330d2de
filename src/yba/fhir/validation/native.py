"""The commonest invariants of R4 as plain functions, many times faster than FHIRPath; a test holds both equal.

Each is known by its key and its exact FHIRPath, so that a profile's own rule of the same key is never taken for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from yba.fhir.model.dates import period_of
from yba.fhir.validation.state import Scope

Tree = Any
Native = Callable[[Tree, Scope], bool]

NATIVE: dict[tuple[str, str], Native] = {}


def _rule(key: str, expression: str) -> Callable[[Native], Native]:
    def known(function: Native) -> Native:
        NATIVE[key, expression] = function
        return function

    return known


def _has(value: Tree, *names: str) -> bool:
    """Whether any of the elements is there, be it only by its extensions."""
    return any(name in value or "_" + name in value for name in names)


def _value(holder: Tree, name: str = "value") -> bool:
    return any(key.startswith((name, "_" + name)) and key.lstrip("_")[len(name) : len(name) + 1].isupper()
               for key in holder)  # fmt: skip


def _contained(value: Tree) -> list[Tree]:
    found = value.get("contained")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _metas(value: Tree) -> Iterator[Tree]:
    for one in _contained(value):
        if isinstance(one.get("meta"), dict):
            yield one["meta"]


@_rule("dom-2", "contained.contained.empty()")
def _dom_2(value: Tree, _: Scope) -> bool:
    return not any("contained" in one for one in _contained(value))


@_rule(
    "dom-3",
    "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical) | "
    "%resource.descendants().as(uri) | %resource.descendants().as(url))) or descendants().where(reference = "
    "'#').exists() or descendants().where(as(canonical) = '#').exists() or descendants().where(as(canonical) = "
    "'#').exists()).not()).trace('unmatched', id).empty()",
)
def _dom_3(value: Tree, scope: Scope) -> bool:
    held = _contained(value)
    if not held:
        return True
    texts = set(_texts(scope.tree))
    return all("#" + str(one.get("id")) in texts or "#" in set(_texts(one)) for one in held)


def _texts(value: Tree) -> Iterator[str]:
    """Every text that begins with #, anywhere."""
    if isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str) and value.startswith("#"):
        yield value


@_rule("dom-4", "contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()")
def _dom_4(value: Tree, _: Scope) -> bool:
    return not any(_has(meta, "versionId", "lastUpdated") for meta in _metas(value))


@_rule("dom-5", "contained.meta.security.empty()")
def _dom_5(value: Tree, _: Scope) -> bool:
    return not any("security" in meta for meta in _metas(value))


@_rule("dom-6", "text.`div`.exists()")
def _dom_6(value: Tree, _: Scope) -> bool:
    text = value.get("text")
    return isinstance(text, dict) and _has(text, "div")


@_rule("obs-3", "low.exists() or high.exists() or text.exists()")
def _obs_3(value: Tree, _: Scope) -> bool:
    return _has(value, "low", "high", "text")


@_rule("obs-6", "dataAbsentReason.empty() or value.empty()")
def _obs_6(value: Tree, _: Scope) -> bool:
    return "dataAbsentReason" not in value or not _value(value)


@_rule(
    "obs-7", "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()"
)
def _obs_7(value: Tree, scope: Scope) -> bool:
    components = value.get("component")
    if not isinstance(components, list) or not _value(value):
        return True
    codings = _codings(scope.tree)
    return not any(one in codings for part in components if isinstance(part, dict) for one in _codings(part))


def _codings(holder: Tree) -> list[Tree]:
    code = holder.get("code")
    found = code.get("coding") if isinstance(code, dict) else None
    return found if isinstance(found, list) else []


@_rule("per-1", "start.hasValue().not() or end.hasValue().not() or (start <= end)")
def _per_1(value: Tree, _: Scope) -> bool:
    start, end = value.get("start"), value.get("end")
    if not (isinstance(start, str) and isinstance(end, str)):
        return True
    if len(start) == len(end) and start[10:] == end[10:]:
        return start <= end
    # as FHIRPath compares: of different precision, what agrees as far as both go cannot be told, and is not true
    if "T" not in start or "T" not in end:
        days = min(len(start.partition("T")[0]), len(end.partition("T")[0]))
        return start[:days] < end[:days]
    try:
        return period_of(start)[0] <= period_of(end)[0]
    except ValueError:
        return True  # its format is a fault of its own


@_rule("qty-3", "code.empty() or system.exists()")
def _qty_3(value: Tree, _: Scope) -> bool:
    return not _has(value, "code") or _has(value, "system")


@_rule("cpt-2", "value.empty() or system.exists()")
def _cpt_2(value: Tree, _: Scope) -> bool:
    return not _has(value, "value") or _has(value, "system")


@_rule("att-1", "data.empty() or contentType.exists()")
def _att_1(value: Tree, _: Scope) -> bool:
    return not _has(value, "data") or _has(value, "contentType")


@_rule("rat-1", "(numerator.empty() xor denominator.exists()) and (numerator.exists() or extension.exists())")
def _rat_1(value: Tree, _: Scope) -> bool:
    top = _has(value, "numerator")
    return top == _has(value, "denominator") and (top or "extension" in value)


@_rule("tim-1", "duration.empty() or durationUnit.exists()")
def _tim_1(value: Tree, _: Scope) -> bool:
    return not _has(value, "duration") or _has(value, "durationUnit")


@_rule("tim-2", "period.empty() or periodUnit.exists()")
def _tim_2(value: Tree, _: Scope) -> bool:
    return not _has(value, "period") or _has(value, "periodUnit")


@_rule("org-1", "(identifier.count() + name.count()) > 0")
def _org_1(value: Tree, _: Scope) -> bool:
    return _has(value, "identifier", "name")


@_rule("pat-1", "name.exists() or telecom.exists() or address.exists() or organization.exists()")
def _pat_1(value: Tree, _: Scope) -> bool:
    return _has(value, "name", "telecom", "address", "organization")


@_rule("org-2", "where(use = 'home').empty()")
@_rule("org-3", "where(use = 'home').empty()")
def _not_home(value: Tree, _: Scope) -> bool:
    return bool(value.get("use") != "home")


@_rule("bdl-5", "resource.exists() or request.exists() or response.exists()")
def _bdl_5(value: Tree, _: Scope) -> bool:
    return _has(value, "resource", "request", "response")


@_rule("bdl-8", "fullUrl.contains('/_history/').not()")
def _bdl_8(value: Tree, _: Scope) -> bool:
    url = value.get("fullUrl")
    return not isinstance(url, str) or "/_history/" not in url
