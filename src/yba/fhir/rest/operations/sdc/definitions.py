"""Definition-based extraction: items that say by ``definition`` which element of a resource their answers are.

Source: SDC, extraction.html#definition-based-extraction: ``definitionExtract`` and ``definitionExtractValue`` (4.0),
``itemExtractionContext`` (3.0). The mark stands on the questionnaire or on an item and begins a resource, one for each
time the item was answered; a group whose definition is an element begins a new element of a list, and its questions
fill it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yba.fhir.model import tree
from yba.fhir.model.fhirpath import Node
from yba.fhir.model.fhirpath.node import Way, ways
from yba.fhir.model.fhirpath.output import as_json
from yba.fhir.r4 import MODULES
from yba.fhir.rest.operations.sdc.answers import Unfit, fitted, kind_of
from yba.fhir.rest.operations.sdc.forms import (
    Environment,
    Form,
    Tree,
    extensions,
    items_of,
    part,
    value_of,
)

CORE = "http://hl7.org/fhir/StructureDefinition/"
ITEM = "QuestionnaireResponse.item"
#: Parts of a mark that become parts of the entry's request; each is FHIRPath.
REQUEST = ("ifNoneMatch", "ifModifiedSince", "ifMatch", "ifNoneExist")


@dataclass(slots=True)
class Draft:
    """A resource that is being filled: of which definition, with what to say in its entry."""

    definition: str
    resource: Tree
    full_url: str | None = None
    request: dict[str, str] = field(default_factory=dict)
    touched: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Where answers go: an element of a draft, its path as the definition writes it, and its place."""

    draft: Draft
    path: tuple[str, ...]
    element: Tree
    place: str


def entries(form: Form, response: Tree, environment: Environment) -> Iterator[Tree]:
    """The entries of all resources that definitions begin."""
    environment = allocated(form, form.questionnaire, environment)
    drafts: list[Draft] = []
    scopes = list(_begun(form, form.questionnaire, response, environment, "QuestionnaireResponse"))
    drafts += [one.draft for one in scopes]
    for scope in scopes:
        scope.draft.touched = True  # on the root: made whatever was answered
    _values(form, form.questionnaire, response, scopes, environment, "QuestionnaireResponse")
    _walk(form, items_of(form.questionnaire), response, scopes, environment, drafts)
    for draft in drafts:
        if draft.touched:
            yield entry_of(form, draft.resource, full_url=draft.full_url, request=draft.request)


def entry_of(form: Form, resource: Tree, *, full_url: str | None = None, request: Mapping[str, str]) -> Tree:
    """An entry that creates a resource, or updates the one of its id."""
    kind, identifier = resource["resourceType"], resource.get("id")
    base = form.call.request.base_url
    return {
        "fullUrl": full_url or (f"{base}/{kind}/{identifier}" if identifier else form.fresh()),
        "resource": resource,
        "request": {
            "method": "PUT" if identifier else "POST",
            "url": f"{kind}/{identifier}" if identifier else kind,
            **request,
        },
    }


def allocated(form: Form, element: Mapping[str, Any], environment: Environment) -> Environment:
    """The environment with the new ids an element asks for."""
    names = [value_of(one) for one in extensions(element, "extractAllocateId")]
    return {**environment, **{name: form.fresh() for name in names if isinstance(name, str)}}


# -- beginning ------------------------------------------------------------------------------------------------------


def _begun(
    form: Form, element: Mapping[str, Any], context: Any, environment: Environment, type_name: str
) -> Iterator[Scope]:
    for mark in extensions(element, "definitionExtract"):
        definition = part(mark, "definition")
        kind = _kind(form, str(definition), element)
        if kind is not None:
            draft = Draft(str(definition).partition("|")[0], _skeleton(kind, str(definition)))
            fill_request(form, mark, draft.request, context, environment, type_name)
            draft.full_url = text_of(form, part(mark, "fullUrl"), context, environment, type_name)
            yield Scope(draft, (kind,), draft.resource, kind)
    for mark in extensions(element, "itemExtractionContext"):
        value = value_of(mark)
        if isinstance(value, str):
            kind = _kind(form, value, element)
            if kind is not None:
                draft = Draft(CORE + kind, _skeleton(kind, CORE + kind))
                yield Scope(draft, (kind,), draft.resource, kind)
        elif isinstance(value, dict):
            yield from _known(form, value, element, context, environment, type_name)


def _known(
    form: Form,
    expression: Tree,
    element: Mapping[str, Any],
    context: Any,
    environment: Environment,
    type_name: str,
) -> Iterator[Scope]:
    """A resource that is there already, to be changed; a new one of the query's type where none is."""
    found: list[Tree] = []
    for one in form.evaluate(expression, context, environment, element, type_name=type_name):
        if isinstance(one, Node) and one.kind == "Bundle":
            found += [entry["resource"] for entry in one.value.get("entry", ())]
        elif isinstance(one, Node) and isinstance(one.value, dict) and "resourceType" in one.value:
            found.append(one.value)
    if len(found) > 1:
        form.note(f"{len(found)} resources are meant where one is to be changed; none was.", item=element)
        return
    kind = found[0]["resourceType"] if found else str(expression.get("expression", "")).partition("?")[0]
    if kind not in MODULES:
        form.note("it is not known which resource is meant.", item=element)
        return
    resource: Tree = tree.parse(tree.dump(found[0])) if found else {"resourceType": kind}
    draft = Draft(CORE + kind, resource)
    version = resource.get("meta", {}).get("versionId")
    if version:
        draft.request["ifMatch"] = f'W/"{version}"'
    yield Scope(draft, (kind,), resource, kind)


def _kind(form: Form, definition: str, element: Mapping[str, Any]) -> str | None:
    """The resource type of a definition: a type's own, or a profile that the record keeps."""
    canonical = definition.partition("|")[0]
    name = canonical.removeprefix(CORE)
    if name in MODULES:
        return name
    found = form.call.record.search_stored(
        "StructureDefinition", [("url", canonical), ("_count", "1")]
    ).matches
    kind = tree.parse(found[0].content or b"{}").get("type") if found else None
    if kind in MODULES:
        return str(kind)
    form.note(f"the definition '{definition[:200]}' is not known.", item=element, code="not-found")
    return None


def _skeleton(kind: str, definition: str) -> Tree:
    resource: Tree = {"resourceType": kind}
    if not definition.startswith(CORE) and definition not in MODULES:
        resource["meta"] = {"profile": [definition]}
    return resource


def fill_request(
    form: Form, mark: Tree, request: dict[str, str], context: Any, environment: Environment, type_name: str
) -> None:
    """Take the conditions of the entry's request from a mark."""
    for name in REQUEST:
        text = text_of(form, part(mark, name), context, environment, type_name)
        if text is not None:
            request[name] = text


def text_of(
    form: Form, expression: object, context: Any, environment: Environment, type_name: str
) -> str | None:
    """What an expression gives as text, or None."""
    if expression is None:
        return None
    found = form.evaluate(expression, context, environment, type_name=type_name)
    return str(as_json(found[0])) if found else None


# -- filling ----------------------------------------------------------------------------------------------------------


def _walk(
    form: Form, questions: Iterator[Tree], holder: Mapping[str, Any], scopes: Sequence[Scope],
    environment: Environment, drafts: list[Draft],
) -> None:  # fmt: skip
    by_link = {one.get("linkId"): one for one in questions}
    for item in items_of(holder):
        question = by_link.get(item.get("linkId"))
        if question is None:
            continue
        known = allocated(form, question, environment)
        known = form.with_variables(question, item, known, type_name=ITEM)
        inside = list(scopes)
        begun = list(_begun(form, question, item, known, ITEM)) if _is_answered(item) else []
        drafts += [one.draft for one in begun]
        for one in begun:
            one.draft.touched = True
        inside += begun
        target = _target(question, inside)
        if target is not None and question.get("type") == "group":
            inside = _entered(form, question, item, inside, target)
        elif target is not None:
            for answer in item.get("answer", ()):
                _answer(form, question, answer, *target)
        _values(form, question, item, inside, known, ITEM)
        for below in (item, *item.get("answer", ())):
            _walk(form, items_of(question), below, inside, known, drafts)


def _is_answered(item: Mapping[str, Any]) -> bool:
    return bool(item.get("answer")) or any(_is_answered(one) for one in items_of(item))


Target = tuple[Scope, tuple[str, ...]]


def _target(element: Mapping[str, Any], scopes: Sequence[Scope]) -> Target | None:
    """The innermost scope an item's definition lies in, and the path from there."""
    definition = element.get("definition")
    return _place(definition, scopes) if isinstance(definition, str) and "#" in definition else None


def _place(definition: str, scopes: Sequence[Scope]) -> Target | None:
    canonical, _, path = definition.partition("#")
    names = tuple(name for name in path.split(".") if name)
    canonical = canonical.partition("|")[0]
    for scope in reversed(scopes):
        size = len(scope.path)
        if scope.draft.definition == canonical and names[:size] == scope.path and len(names) > size:
            return scope, names[size:]
    return None


def _entered(
    form: Form, question: Tree, item: Mapping[str, Any], scopes: list[Scope], target: Target
) -> list[Scope]:
    """The scopes inside a group: a new element of its definition, where anything in it was answered."""
    scope, names = target
    if not _is_answered(item):
        return scopes
    try:
        element, way = _held(scope, names[:-1])
        way = _way(way.place if way else scope.place, names[-1], None)
    except Unfit as error:
        form.note(str(error), item=question, code="invalid")
        return scopes
    made: Tree = {}
    _put(element, way, made)
    return [*scopes, Scope(scope.draft, (*scope.path, *names), made, way.place)]


def _answer(form: Form, question: Tree, answer: Tree, scope: Scope, names: tuple[str, ...]) -> None:
    try:
        kind, value = kind_of(answer)
        set_value(scope, names, kind, value)
    except Unfit as error:
        if "value" in "".join(answer):
            form.note(str(error), item=question, code="invalid")


def set_value(scope: Scope, names: tuple[str, ...], kind: str, value: Any) -> None:
    """Put a value at a path below a scope, as the element there takes it. Raises Unfit."""
    element, way = _held(scope, names[:-1])
    last = _way(way.place if way else scope.place, names[-1], kind)
    fit = fitted(kind, value, last.kind)
    if fit is None:
        raise Unfit(f"the answer has nothing for {'.'.join(names)}.")
    scope.draft.touched = True
    _put(element, last, fit)


def _held(scope: Scope, names: Sequence[str]) -> tuple[Tree, Way | None]:
    """The element at a path below a scope, made where it is not there; of a list the last one."""
    element, way, place = scope.element, None, scope.place
    for name in names:
        way = _way(place, name, None)
        many = way.element is None or way.element.max != 1
        if many:
            listed = element.setdefault(way.key, [])
            if not listed:
                listed.append({})
            element = listed[-1]
        else:
            element = element.setdefault(way.key, {})
        if not isinstance(element, dict):
            raise Unfit(f"{place}.{name[:60]} is a simple value and has no elements.")
        place = way.place
    return element, way


def _way(place: str, name: str, kind: str | None) -> Way:
    """The element of a name (``value[x]``, ``valueQuantity``, or with a slice ``identifier:mrn``) at a place."""
    plain = name.partition(":")[0].removesuffix("[x]")
    found = ways(place).get(plain, ())
    if not found:
        exact = [one for listed in ways(place).values() for one in listed if one.key == plain]
        found = tuple(exact)
    if not found:
        raise Unfit(f"{place} has no element '{name[:60]}'.")
    for one in found:
        if kind is None or one.kind == kind:
            return one
    for one in found:
        try:
            fitted(str(kind), _SAMPLES.get(str(kind), {}), one.kind)
        except Unfit:
            continue
        return one
    return found[0]


_SAMPLES: Mapping[str, Any] = {"string": "x", "uri": "x", "date": "2000-01-01", "dateTime": "2000-01-01T00:00:00Z",
                               "integer": 1, "decimal": 1, "boolean": True, "Coding": {"code": "x"},
                               "Quantity": {"value": 1}}  # fmt: skip


def _put(element: Tree, way: Way, value: Any) -> None:
    if way.element is not None and way.element.max == 1:
        element[way.key] = value
    else:
        element.setdefault(way.key, []).append(value)


# -- values without answers ----------------------------------------------------------------------------------------


def _values(
    form: Form, element: Mapping[str, Any], context: Any, scopes: Sequence[Scope], environment: Environment,
    type_name: str,
) -> None:  # fmt: skip
    """The fixed and calculated values an element of the questionnaire gives (``definitionExtractValue``)."""
    for mark in extensions(element, "definitionExtractValue"):
        target = _place(str(part(mark, "definition")), scopes)
        if target is None or not target[0].draft.touched:
            continue
        fixed = next((one for one in mark.get("extension", ()) if one.get("url") == "fixed-value"), None)
        try:
            if fixed is not None:
                set_value(*target, *kind_of(fixed))
                continue
            expression = part(mark, "expression")
            for one in form.evaluate(expression, context, environment, element, type_name=type_name):
                value = as_json(one)
                set_value(*target, one.kind if isinstance(one, Node) else _plain_kind(value), value)
        except Unfit as error:
            form.note(str(error), item=element, code="invalid")


def _plain_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "string" if isinstance(value, str) else "decimal"
