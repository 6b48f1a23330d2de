"""Template-based extraction: a contained resource with the places marked that answers fill.

Source: SDC 4.0, extraction.html#template-based-extraction (``templateExtract`` on the questionnaire or an item;
``templateExtractContext`` and ``templateExtractValue`` inside the template). An element with a context stands once for
each thing the context gives, and not at all for nothing; a value takes the place of the element that is marked with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from yba.fhir.model.fhirpath.output import as_json
from yba.fhir.rest.operations.sdc.definitions import ITEM, allocated, entry_of, fill_request, text_of
from yba.fhir.rest.operations.sdc.forms import (
    SDC,
    Environment,
    Form,
    Tree,
    extensions,
    items_of,
    part,
    value_of,
)

_CONTEXT, _VALUE = SDC + "templateExtractContext", SDC + "templateExtractValue"
_MARKS = frozenset({_CONTEXT, _VALUE})


def entries(form: Form, response: Tree, environment: Environment) -> Iterator[Tree]:
    """The entries of all templates the questionnaire names."""
    environment = allocated(form, form.questionnaire, environment)
    yield from _of(form, form.questionnaire, response, environment, "QuestionnaireResponse")
    yield from _below(form, form.questionnaire, response, environment)


def _below(form: Form, holder: Tree, answered: Mapping[str, Any], environment: Environment) -> Iterator[Tree]:
    by_link = {one.get("linkId"): one for one in items_of(holder)}
    for item in items_of(answered):
        question = by_link.get(item.get("linkId"))
        if question is None:
            continue
        known = allocated(form, question, environment)
        known = form.with_variables(question, item, known, type_name=ITEM)
        if item.get("answer") or item.get("item"):
            yield from _of(form, question, item, known, ITEM)
        for below in (item, *item.get("answer", ())):
            yield from _below(form, question, below, known)


def _of(form: Form, element: Tree, context: Any, environment: Environment, type_name: str) -> Iterator[Tree]:
    for mark in extensions(element, "templateExtract"):
        reference = part(mark, "template")
        name = reference.get("reference", "") if isinstance(reference, dict) else ""
        contained = form.questionnaire.get("contained", ())
        template = next((one for one in contained if name == f"#{one.get('id')}"), None)
        if template is None:
            form.note(
                f"the template '{name[:100]}' is not in the questionnaire.", item=element, code="not-found"
            )
            continue
        filled = _Filling(form, environment).object({**template, "id": None}, context, type_name)
        resource: Tree = {key: value for key, value in (filled or {}).items() if key != "id"}
        resource = {"resourceType": template["resourceType"], **resource}
        identifier = text_of(form, part(mark, "resourceId"), context, environment, type_name)
        if identifier:
            resource = {"resourceType": resource["resourceType"], "id": identifier, **resource}
        request: dict[str, str] = {}
        fill_request(form, mark, request, context, environment, type_name)
        full_url = text_of(form, part(mark, "fullUrl"), context, environment, type_name)
        yield entry_of(form, resource, full_url=full_url, request=request)


class _Filling:
    """A copy of a template with its marks answered."""

    def __init__(self, form: Form, environment: Environment) -> None:
        self.form = form
        self.environment = environment

    def object(self, template: Tree, context: Any, type_name: str | None) -> Tree | None:
        """The object filled in one context; None when nothing is left of it."""
        filled: Tree = {}
        names = {name.removeprefix("_"): None for name in template}
        for name in names:
            value, extra = template.get(name), template.get("_" + name)
            if name == "extension":
                value = [one for one in value or () if one.get("url") not in _MARKS]
            if isinstance(value, list) or isinstance(extra, list):
                self._list(filled, name, value or [], extra or [], context, type_name)
            elif isinstance(value, dict):
                found = self.expanded(value, context, type_name)
                if found:
                    filled[name] = found[0]
            else:
                self._primitive(filled, name, value, extra, context, type_name)
        return filled or None

    def expanded(self, template: Tree, context: Any, type_name: str | None) -> list[Any]:
        """What stands in the place of an element: a copy for each thing of its context, or the value it asks for."""
        marks = {
            one.get("url"): value_of(one) for one in template.get("extension", ()) if one.get("url") in _MARKS
        }
        contexts: list[tuple[Any, str | None]] = [(context, type_name)]
        if _CONTEXT in marks:
            contexts = [(one, None) for one in self._evaluated(marks[_CONTEXT], context, type_name)]
        found: list[Any] = []
        for one, kind in contexts:
            if _VALUE in marks:
                found += [as_json(value) for value in self._evaluated(marks[_VALUE], one, kind)]
            else:
                filled = self.object(template, one, kind)
                found += [filled] if filled is not None else []
        return found

    def _list(
        self,
        filled: Tree,
        name: str,
        values: list[Any],
        extras: list[Any],
        context: Any,
        type_name: str | None,
    ) -> None:
        found: list[Any] = []
        for at in range(max(len(values), len(extras))):
            value = values[at] if at < len(values) else None
            extra = extras[at] if at < len(extras) else None
            if isinstance(value, dict):
                found += self.expanded(value, context, type_name)
            elif isinstance(extra, dict) and any(
                one.get("url") in _MARKS for one in extra.get("extension", ())
            ):
                found += self.expanded(extra, context, type_name)
            elif value is not None:
                found.append(value)
        if found:
            filled[name] = found

    def _primitive(
        self, filled: Tree, name: str, value: Any, extra: Any, context: Any, type_name: str | None
    ) -> None:
        if isinstance(extra, dict) and any(one.get("url") in _MARKS for one in extra.get("extension", ())):
            found = self.expanded(extra, context, type_name)
            if found:
                filled[name] = found[0]
            return
        if value is not None:
            filled[name] = value
        if extra is not None:
            filled["_" + name] = extra

    def _evaluated(self, expression: Any, context: Any, type_name: str | None) -> list[Any]:
        return self.form.evaluate(expression, context, self.environment, type_name=type_name)
