"""The walk through a resource by the definitions of its types: shapes, values, cardinality, bindings, invariants.

FHIR R4, json.html and elementdefinition.html. What profiles add is asked afterwards (``profiled``).
"""

from __future__ import annotations

from typing import Any

from yba.fhir.r4 import MODULES
from yba.fhir.validation import bundles, codings, conformance, extending, links, narrative, profiled
from yba.fhir.validation.plan import Plan, Property, plan_of
from yba.fhir.validation.primitives import fault_of
from yba.fhir.validation.state import Scope, State

Tree = Any

_HELD = frozenset({"Resource", "DomainResource"})


def resource(
    state: State,
    tree: Tree,
    path: str,
    *,
    holder: Scope | None = None,
    contained: bool = False,
    bundle: dict[str, Any] | None = None,
    full_url: str | None = None,
) -> Scope | None:
    """Validate a resource, and what it contains, by its type and the profiles its meta names."""
    if not isinstance(tree, dict):
        state.error("structure", path or "Resource", "object", "must be a resource, an object.")
        return None
    kind = tree.get("resourceType")
    if not isinstance(kind, str) or kind not in MODULES:
        said = f"'{kind[:60]}' is no resource type of FHIR R4" if isinstance(kind, str) else "is missing"
        state.add(
            "error",
            "structure",
            path or "Resource",
            "resource-type",
            f"{path or 'Resource'}: resourceType {said}.",
        )
        return None
    at = path or kind
    plan = plan_of(kind)
    assert plan is not None
    root = holder.root if contained and holder is not None else None
    if contained and holder is not None:
        bundle = holder.bundle
    scope = Scope(tree, kind, at, root=root, bundle=bundle, full_url=full_url, holder=holder)
    if kind == "Bundle":
        scope.bundle = {"entries": links.Entries(tree, at), "tree": tree}
    with state.deeper():
        walk(state, tree, plan, at, scope)
        for rule in plan.rules:
            rule.ask(state, tree, None, scope, at)
        _same_ids(state, scope)
        if kind == "Bundle":
            bundles.check(state, tree, scope)
        conformance.check(state, scope)
        profiled.by_meta(state, scope)
        if kind == "Observation":
            profiled.by_code(state, scope)
    return scope


def walk(state: State, value: dict[str, Any], plan: Plan, path: str, scope: Scope) -> None:
    """Validate the properties of an object."""
    properties = plan.properties
    for name, item in value.items():
        known = properties.get(name)
        if known is not None:
            extra = value.get("_" + name) if known.is_primitive else None
            _property(state, known, item, extra, path, scope)
        elif name[:1] == "_" and name[1:] in properties and properties[name[1:]].is_primitive:
            if name[1:] not in value:
                _property(state, properties[name[1:]], None, item, path, scope)
        elif name != "resourceType" or not plan.is_resource:
            _unknown(state, name, plan, path)
    if not value:
        state.error("structure", path, "empty", "is empty; leave it out.")
        return
    if "id" in value and not plan.is_resource and plan.place != "ElementDefinition":  # in both of its lists
        _own_id(state, value["id"], path, scope)
    for name, names in plan.needed:
        if not any(one in value or "_" + one in value for one in names):
            state.error(
                "required",
                f"{path}.{name.removesuffix('[x]')}",
                "minimum",
                "is required (1 at least, none found).",
            )
    for name, group in plan.choices:
        given = {one.lstrip("_") for one in value if one.lstrip("_") in group}
        if len(given) > 1:
            state.error(
                "structure", f"{path}.{name.removesuffix('[x]')}", "choice",
                f"may be given once only, found {' and '.join(sorted(given))}.",
            )  # fmt: skip


def _unknown(state: State, name: str, plan: Plan, path: str) -> None:
    hint = ""
    for stem, group in plan.choices:
        if name.startswith(stem[:-3]) and name[len(stem) - 3 :][:1].isupper():
            hint = f" {stem} may be {', '.join(sorted(group))}."
        elif name == stem[:-3]:
            hint = f" Say its type: {', '.join(sorted(group)[:6])}."
    state.error("structure", f"{path}.{name[:80]}", "unknown", f"is not an element of {plan.place}.{hint}")


def _property(state: State, known: Property, item: Any, extra: Any, path: str, scope: Scope) -> None:
    at = path + known.step
    if not known.many:
        if isinstance(item, list) or (isinstance(extra, list)):
            state.error("structure", at, "array", "must not be an array; it may be given once only.")
            for index, one in enumerate(item if isinstance(item, list) else []):
                if one is not None:
                    single(state, known, one, None, f"{at}[{index}]", scope)
            return
        single(state, known, item, extra, at, scope)
        return
    if (item is not None and not isinstance(item, list)) or (
        extra is not None and not isinstance(extra, list)
    ):
        state.error("structure", at, "array", "must be an array.")
        single(state, known, item, extra, f"{at}[0]", scope)
        return
    _repetitions(state, known, item, extra, at, scope)


def _repetitions(
    state: State, known: Property, item: list[Any] | None, extra: list[Any] | None, at: str, scope: Scope
) -> None:
    items, extras = item or [], extra or []
    if (item is not None and not item) or (extra is not None and not extra):
        state.error("structure", at, "empty", "is an empty array; leave it out.")
    if known.most is not None and len(items) > known.most:
        state.error(
            "structure", at, "maximum", f"may be given {known.most} times at most, found {len(items)}."
        )
    if item is not None and extra is not None and len(extras) > len(items):
        state.error(
            "structure", at, "array", "has more extensions of values (in '_') than values; fill up with null."
        )
    for index in range(max(len(items), len(extras))):
        one = items[index] if index < len(items) else None
        more = extras[index] if index < len(extras) else None
        if one is None and more is None and known.is_primitive:
            state.error(
                "structure", f"{at}[{index}]", "null", "is null without an extension beside it; leave it out."
            )
            continue
        single(state, known, one, more, f"{at}[{index}]", scope)


def single(state: State, known: Property, value: Any, extra: Any, at: str, scope: Scope) -> None:
    """Validate one repetition of an element."""
    if known.is_primitive:
        _primitive(state, known, value, extra, at, scope)
    elif known.place in _HELD:
        resource(state, value, at, holder=scope, contained=known.element.name == "contained",
                 bundle=scope.bundle, full_url=None)  # fmt: skip
        return
    elif not isinstance(value, dict):
        state.error("structure", at, "object", f"must be an object ({known.code or 'an element'}).")
        return
    else:
        _complex(state, known, value, at, scope)
    for rule in known.rules:
        if value is not None:
            rule.ask(state, value, extra, scope, at)
    if known.binding is not None and value is not None:
        codings.bound(state, value, known.code, known.binding, at, choice=len(known.element.types) > 1)


def _complex(state: State, known: Property, value: dict[str, Any], at: str, scope: Scope) -> None:
    plan = plan_of(known.place)
    if plan is None:
        return
    if known.place == "Bundle.entry":
        _entry(state, value, plan, at, scope)
    else:
        walk(state, value, plan, at, scope)
    for rule in plan.rules:
        rule.ask(state, value, None, scope, at)
    code = known.code
    if code == "Extension":
        extending.check(state, known, value, at, scope)
    elif code == "Reference":
        links.check(state, value, known.targets, at, scope)
    elif code == "Coding":
        codings.coding(state, value, at)
    elif code in codings.QUANTITIES:
        codings.unit(state, value, at)
    elif code == "Identifier":
        _absolute(state, value.get("system"), f"{at}.system")
    if not any(name != "id" for name in value):
        state.error("invariant", at, "invariant.ele-1", "breaks ele-1: it has neither a value nor parts.")


def _entry(state: State, value: dict[str, Any], plan: Plan, at: str, scope: Scope) -> None:
    """An entry of a Bundle: its resource stands under the entry's full URL."""
    rest = {name: one for name, one in value.items() if name != "resource"}
    if rest or "resource" not in value:
        walk(state, rest, plan, at, scope)
    if "resource" in value:
        url = value.get("fullUrl")
        resource(
            state, value["resource"], f"{at}.resource", holder=scope, bundle=scope.bundle,
            full_url=url if isinstance(url, str) else None,
        )  # fmt: skip


def _primitive(state: State, known: Property, value: Any, extra: Any, at: str, scope: Scope) -> None:
    if extra is not None:
        if not isinstance(extra, dict):
            state.error("structure", at, "object", "has in '_' something that is not an object.")
        else:
            element = plan_of("Element")
            assert element is not None
            walk(state, extra, element, at, scope)
            if value is None and "extension" not in extra:
                state.error(
                    "invariant",
                    at,
                    "invariant.ele-1",
                    "breaks ele-1: it has neither a value nor an extension.",
                )
    if value is None:
        if extra is None:
            state.error("structure", at, "null", "is null; leave it out.")
        return
    wrong = fault_of(value, known.code)
    if wrong is not None:
        state.error("value", at, "format", wrong)
    elif known.code == "xhtml":
        for key, what in narrative.faults(value):
            name = f"invariant.{key}" if key.startswith("txt") else key
            breaks = f"breaks {key}: it " if key.startswith("txt") else ""
            state.error("invariant", at, name, breaks + what + ".")
    elif known.code == "canonical":
        _absolute(state, value, at, fragment=True)


def _absolute(state: State, value: Any, at: str, *, fragment: bool = False) -> None:
    """An identifier's system, and a canonical reference, is an absolute URI. FHIR R4, datatypes.html#Identifier."""
    if not isinstance(value, str) or ":" in value.partition("|")[0] or (fragment and value.startswith("#")):
        return
    what = "should be" if fragment else "must be"
    state.add(
        "warning" if fragment else "error", "value", at, "absolute",
        f"{at} '{value[:100]}' {what} an absolute URI, such as http://... or urn:...",
    )  # fmt: skip


def _own_id(state: State, name: Any, path: str, scope: Scope) -> None:
    """The id of an element is its own in the resource. FHIR R4, element.html#id."""
    if isinstance(name, str):
        if name in scope.ids:
            state.error(
                "structure",
                f"{path}.id",
                "same-id",
                f"'{name[:64]}' is the id of another element of the resource.",
            )
        scope.ids.add(name)


def _same_ids(state: State, scope: Scope) -> None:
    """Contained resources have ids of their own (references.html#contained)."""
    held = scope.tree.get("contained")
    names: set[str] = set()
    for index, one in enumerate(held if isinstance(held, list) else []):
        name = one.get("id") if isinstance(one, dict) else None
        if name is None:
            state.error(
                "structure",
                f"{scope.path}.contained[{index}]",
                "contained-id",
                "has no id, so that nothing can refer to it.",
            )
        elif isinstance(name, str) and name in names:
            state.error(
                "structure",
                f"{scope.path}.contained[{index}].id",
                "same-id",
                f"'{name}' is the id of another one.",
            )
        if isinstance(name, str):
            names.add(name)
