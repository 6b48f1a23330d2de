"""What definitions must keep beyond their types: profiles that can be used, code systems that add up, and others.

FHIR R4, structuredefinition.html, codesystem.html#supplements, questionnaire.html#enableWhen,
capabilitystatement.html, searchparameter.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from yba.fhir.errors import RecordError
from yba.fhir.model import fhirpath
from yba.fhir.r4 import MODULES
from yba.fhir.r4.search_parameters import PARAMETERS
from yba.fhir.validation import codings, snapshot
from yba.fhir.validation.state import Scope, State

Tree = Any

_NAMED = re.compile(r"(?<![\w.'/])([A-Z][A-Za-z]+)(?=\.)")
_SEARCH = "http://hl7.org/fhir/SearchParameter/"


def check(state: State, scope: Scope) -> None:
    """The rules of a definition, by its type."""
    rule = _RULES.get(scope.kind)
    if rule is not None:
        rule(state, scope.tree, scope.path)


def _objects(value: Tree) -> Iterator[tuple[int, Tree]]:
    for index, one in enumerate(value if isinstance(value, list) else []):
        if isinstance(one, dict):
            yield index, one


# -- StructureDefinition -----------------------------------------------------------------------------------------


def _structure(state: State, tree: Tree, path: str) -> None:
    differential = tree.get("differential")
    if tree.get("derivation") != "constraint" or not isinstance(differential, dict):
        return
    for index, one in _objects(differential.get("element")):
        _type_profiles(state, one, f"{path}.differential.element[{index}]")
    base = tree.get("baseDefinition")
    if not isinstance(base, str) or not isinstance(tree.get("url"), str):
        return
    try:
        below = state.definitions.tree(base)
    except RecordError:
        return
    if below is None:
        state.add(
            "information", "not-found", f"{path}.baseDefinition", "definition.base",
            f"{path}.baseDefinition: {base[:200]} is not known here, so no snapshot was tried.",
        )  # fmt: skip
        return
    try:
        snapshot.generate(tree, below, state.definitions.tree)
    except RecordError as error:
        at = (error.path or path).replace("StructureDefinition", path, 1)
        state.add("error", "processing", at, "definition.snapshot", f"{at}: {error.message}")


def _type_profiles(state: State, element: Tree, at: str) -> None:
    for index, kind in _objects(element.get("type")):
        code = kind.get("code")
        profiles = kind.get("profile")
        for number, canonical in enumerate(profiles if isinstance(profiles, list) else []):
            try:
                known = state.definitions.profile(canonical) if isinstance(canonical, str) else None
            except RecordError:
                continue
            if known is not None and known.structure.type != code and known.structure.kind != "resource":
                state.error(
                    "value", f"{at}.type[{index}].profile[{number}]", "definition.profile",
                    f"{canonical} is for {known.structure.type}, not for {code}.",
                )  # fmt: skip


# -- CodeSystem, Questionnaire, CapabilityStatement, SearchParameter ------------------------------------------------


def _code_system(state: State, tree: Tree, path: str) -> None:
    content = tree.get("content")
    if "supplements" in tree and content != "supplement":
        state.error(
            "value",
            f"{path}.content",
            "code-system.supplement",
            "must be 'supplement' where supplements is given.",
        )
    count, found = tree.get("count"), _count(tree)
    if content == "complete" and isinstance(count, int) and count != found:
        state.error(
            "value",
            f"{path}.count",
            "code-system.count",
            f"is {count}, but the complete system has {found} concepts.",
        )


def _value_set(state: State, tree: Tree, path: str) -> None:
    """What a value set names of a system is there. valueset.html, ValueSet.compose.include.concept."""
    compose = tree.get("compose")
    for side in ("include", "exclude"):
        for number, part in _objects(compose.get(side) if isinstance(compose, dict) else None):
            system, version = part.get("system"), part.get("version")
            for index, one in _objects(part.get("concept")):
                if isinstance(system, str) and isinstance(one.get("code"), str):
                    at = f"{path}.compose.{side}[{number}].concept[{index}].code"
                    codings.known(
                        state, system, one["code"], at, version if isinstance(version, str) else None
                    )


def _count(holder: Tree) -> int:
    return sum(1 + _count(one) for _, one in _objects(holder.get("concept")))


def _questionnaire(state: State, tree: Tree, path: str) -> None:
    known = _link_ids(tree, path)
    for item, at in _items(tree, path):
        inner = _link_ids(item, at)
        for index, rule in _objects(item.get("enableWhen")):
            question = rule.get("question")
            where = f"{at}.enableWhen[{index}].question"
            if not isinstance(question, str):
                continue
            if question in inner:
                state.error(
                    "business-rule",
                    where,
                    "questionnaire.inner",
                    f"'{question}' is inside the item it enables.",
                )
            elif question not in known:
                state.error(
                    "business-rule",
                    where,
                    "questionnaire.question",
                    f"'{question[:60]}' is no linkId of this Questionnaire.",
                )


def _link_ids(holder: Tree, path: str) -> set[str]:
    return {one["linkId"] for one, _ in _items(holder, path) if isinstance(one.get("linkId"), str)}


def _items(holder: Tree, path: str) -> Iterator[tuple[Tree, str]]:
    for index, one in _objects(holder.get("item")):
        at = f"{path}.item[{index}]"
        yield one, at
        yield from _items(one, at)


def _capabilities(state: State, tree: Tree, path: str) -> None:
    for number, rest in _objects(tree.get("rest")):
        for at, resource in _objects(rest.get("resource")):
            for index, one in _objects(resource.get("searchParam")):
                where = f"{path}.rest[{number}].resource[{at}].searchParam[{index}]"
                _search_parameter_of(state, str(resource.get("type")), one, where)


def _search_parameter_of(state: State, kind: str, one: Tree, at: str) -> None:
    definition = one.get("definition")
    if not isinstance(definition, str) or not definition.startswith(_SEARCH):
        return
    url = definition.partition("|")[0]
    known = next((found for found in PARAMETERS.get(kind, {}).values() if found.url == url), None)
    if known is not None and one.get("type") != known.kind:
        state.error(
            "value", f"{at}.type", "capabilities.type", f"is {one.get('type')}, but {url} is of the type {known.kind}."
        )  # fmt: skip


def _search_parameter(state: State, tree: Tree, path: str) -> None:
    text, bases = tree.get("expression"), tree.get("base")
    if not isinstance(text, str) or not isinstance(bases, list):
        return
    try:
        fhirpath.compile(text)
    except RecordError as error:
        state.error(
            "invalid", f"{path}.expression", "search-parameter.expression", f"is no FHIRPath: {error.message}"
        )
        return
    if {"Resource", "DomainResource"} & set(map(str, bases)):
        return
    for name in _NAMED.findall(text):
        if name in MODULES and name not in bases:
            state.error(
                "value",
                f"{path}.expression",
                "search-parameter.base",
                f"speaks of {name}, which is not in base.",
            )


_RULES: dict[str, Callable[[State, Tree, str], None]] = {
    "StructureDefinition": _structure,
    "CodeSystem": _code_system,
    "ValueSet": _value_set,
    "Questionnaire": _questionnaire,
    "CapabilityStatement": _capabilities,
    "SearchParameter": _search_parameter,
}
