"""Questionnaire/$populate: a response with the answers that are known already.

Source: SDC, populate.html and OperationDefinition Questionnaire-populate. In this order a question takes its answers
from ``initialExpression``, from an observation of its code (``observationLinkPeriod``), from ``initial``, from options
that are selected at first; ``calculatedExpression`` comes last, over the whole response. A group that repeats is
repeated for each item of its ``itemPopulationContext``. A value that does not fit its question, or several for a
question that takes one, is not guessed at: the question stays open and an issue says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from yba.fhir.errors import Invalid
from yba.fhir.model import fhirpath, references, tree
from yba.fhir.model.dates import instant
from yba.fhir.model.fhirpath import Node
from yba.fhir.rest.operations.call import Call, Parameter, answer_tree
from yba.fhir.rest.operations.sdc.answers import Unfit, answer_of
from yba.fhir.rest.operations.sdc.forms import (
    Environment,
    Form,
    Tree,
    checked,
    extension,
    extensions,
    items_of,
    part,
    questionnaire_of,
)
from yba.fhir.rest.response import Response

_KNOWN = ("identifier", "canonical", "questionnaire", "questionnaireRef", "subject", "context", "launchContext",
          "content", "local")  # fmt: skip
_DAYS = {"a": 365.25, "year": 365.25, "years": 365.25, "mo": 30.4375, "month": 30.4375, "months": 30.4375, "wk": 7,
         "week": 7, "weeks": 7, "d": 1, "day": 1, "days": 1, "h": 1 / 24, "hour": 1 / 24, "hours": 1 / 24,
         "min": 1 / 1440, "s": 1 / 86400}  # fmt: skip
ROOT, ITEM = "QuestionnaireResponse", "QuestionnaireResponse.item"


def populate(call: Call) -> Response:
    """The response and, where there is something to say, the issues."""
    call.refuse_unknown(_KNOWN)
    form = Form(call, _questionnaire(call), local=call.flag("local", default=True))
    subject = _subject(call)
    response = _begun(form, subject)
    environment = _environment(form, subject, response)
    environment = form.with_variables(form.questionnaire, response, environment)
    items = [
        one for item in items_of(form.questionnaire) for one in _items(form, item, environment, response)
    ]
    if items:
        response["item"] = items
        _calculate(form, response, environment)
    found = [{"name": "response", "resource": response}]
    if form.issues:
        found.append(
            {"name": "issues", "resource": {"resourceType": "OperationOutcome", "issue": form.issues}}
        )
    person = (subject or "").removeprefix("Patient/")
    call.record.audit(
        "operation", type_name="Questionnaire", detail=f"$populate subject={subject or ''}",
        patients=[person] if (subject or "").startswith("Patient/") else (),
    )  # fmt: skip
    return answer_tree({"resourceType": "Parameters", "parameter": found})


# -- what is asked ------------------------------------------------------------------------------------------------


def _questionnaire(call: Call) -> Tree:
    if call.id is not None:
        found: Tree = tree.parse(call.record.read_stored("Questionnaire", call.id).content or b"{}")
        return found
    said = [
        name for name in ("identifier", "canonical", "questionnaire", "questionnaireRef") if call.one(name)
    ]
    if len(said) != 1:
        raise Invalid(
            "populate.questionnaire",
            "Name one questionnaire, by 'questionnaire', 'canonical', 'questionnaireRef' or 'identifier'.",
            path="Parameters.questionnaire",
        )
    given = call.one(said[0])
    assert given is not None
    if given.resource is not None:
        if given.resource["resourceType"] != "Questionnaire":
            raise Invalid("populate.questionnaire", "'questionnaire' is no Questionnaire.")
        return checked(given.resource)
    if said[0] == "identifier":
        return _by_identifier(call, given.value)
    text = given.value.get("reference") if isinstance(given.value, dict) else given.value
    return questionnaire_of(call, str(text))


def _by_identifier(call: Call, value: Any) -> Tree:
    text = f"{value.get('system', '')}|{value.get('value', '')}" if isinstance(value, dict) else str(value)
    found = call.record.search_stored(
        "Questionnaire", [("identifier", text), ("_count", "2")], strict=True
    ).matches
    if len(found) != 1:
        raise Invalid("populate.questionnaire", f"{len(found) or 'No'} questionnaires have this identifier.")
    one: Tree = tree.parse(found[0].content or b"{}")
    return one


def _subject(call: Call) -> str | None:
    """Whom the response is about, as ``Type/id``."""
    value = call.value("subject")
    text = value.get("reference") if isinstance(value, dict) else value
    if text is None:
        return None
    target = references.parse(str(text).removeprefix(call.request.base_url + "/"))
    if target is None or target.base:
        raise Invalid(
            "populate.subject", "'subject' is a reference, like 'Patient/1'.", path="Parameters.subject"
        )
    return f"{target.type}/{target.id}"


def _begun(form: Form, subject: str | None) -> Tree:
    sent = form.questionnaire
    canonical = sent.get("url")
    if canonical and sent.get("version"):
        canonical = f"{canonical}|{sent['version']}"
    response: Tree = {"resourceType": ROOT}
    canonical = canonical or (
        f"{form.call.request.base_url}/Questionnaire/{sent['id']}" if sent.get("id") else None
    )
    if canonical:
        response["questionnaire"] = canonical
    response["status"] = "in-progress"
    if subject is not None:
        response["subject"] = {"reference": subject}
    response["authored"] = instant(form.call.record.clock())
    return response


def _environment(form: Form, subject: str | None, response: Tree) -> Environment:
    """What expressions may name: the launch contexts, the subject, the questionnaire."""
    given = dict(_contexts(form))
    about = None
    if subject is not None:
        about = form.resolve(subject)
        if about is None:
            own = [one for items in given.values() for one in items if isinstance(one, Node)]
            about = next((one.value for one in own if _name_of(one.value) == subject), None)
        if about is None and form.local:
            form.call.record.read_stored(*subject.split("/"))  # not there, or not for this actor: says so
    environment: Environment = {"questionnaire": form.questionnaire, "resource": response, "subject": about}
    environment |= given
    if about is not None and about.get("resourceType") == "Patient":
        environment.setdefault("patient", about)
    practitioner = form.call.record.actor.practitioner
    if practitioner and (row := form.resolve(f"Practitioner/{practitioner}")) is not None:
        environment.setdefault("user", row)
    for one in extensions(form.questionnaire, "launchContext"):
        name = part(one, "name")
        name = name.get("code") if isinstance(name, dict) else name
        if isinstance(name, str) and name not in environment:
            environment[name] = []
            form.note(
                f"the launch context '{name}' was not given.", severity="information", code="incomplete"
            )
    return environment


def _name_of(one: Mapping[str, Any]) -> str:
    return f"{one.get('resourceType')}/{one.get('id')}"


def _contexts(form: Form) -> Iterator[tuple[str, list[Any]]]:
    for one in [*form.call.all("context"), *form.call.all("launchContext")]:
        parts = {inner.name: inner for inner in one.parts}
        name = parts.get("name")
        content = [found for inner in one.parts if inner.name == "content" for found in _content(form, inner)]
        said = (
            name.value.get("code") if name and isinstance(name.value, dict) else name.value if name else None
        )
        if not isinstance(said, str) or not said.isidentifier():
            raise Invalid("populate.context", "Each 'context' has the parts 'name' and 'content'.")
        yield said, content


def _content(form: Form, given: Parameter) -> Iterator[Any]:
    if given.resource is not None:
        yield fhirpath.root(checked(given.resource))
    elif isinstance(given.value, dict) and isinstance(given.value.get("reference"), str):
        found = form.resolve(given.value["reference"])
        if found is None:
            form.note(f"{given.value['reference'][:100]} is not there.", code="not-found")
        else:
            yield fhirpath.root(found)


# -- items ------------------------------------------------------------------------------------------------------


def _items(form: Form, item: Tree, environment: Environment, context: Any) -> Iterator[Tree]:
    """The response's items for one item of the questionnaire: none for a display, several for a repeated group."""
    if item.get("type") == "display" or not item.get("linkId"):
        return
    environment = {**environment, "qitem": item}
    environment = form.with_variables(item, context, environment)
    for inside in _population(form, item, environment, context):
        form.spend(items=1)
        answered: Tree = {"linkId": item["linkId"]}
        for name in ("definition", "text"):
            if name in item:
                answered[name] = item[name]
        below = [one for child in items_of(item) for one in _items(form, child, inside, context)]
        if item.get("type") == "group":
            if below:
                answered["item"] = below
        else:
            answers = _answers(form, item, inside, context)
            if answers:
                answered["answer"] = [{**one, "item": below} if below else one for one in answers]
        yield answered


def _population(form: Form, item: Tree, environment: Environment, context: Any) -> Iterator[Environment]:
    """The environment of each repetition."""
    found = extension(item, "itemPopulationContext")
    if not isinstance(found, dict):
        yield environment
        return
    items = _unwrapped(form.evaluate(found, context, environment, item))
    name = found.get("name") or "context"
    if len(items) > 1 and not item.get("repeats"):
        form.note(f"{len(items)} repetitions are known and the group takes one; none was taken.", item=item)
        items = []
    if not items:
        yield {**environment, name: []}
    for one in items:
        yield {**environment, name: [one]}


def _unwrapped(items: list[Any]) -> list[Any]:
    """The resources of a searchset; anything else as it is."""
    found: list[Any] = []
    for one in items:
        if isinstance(one, Node) and one.kind == "Bundle":
            found += [
                fhirpath.root(entry["resource"])
                for entry in one.value.get("entry", ())
                if "resource" in entry
            ]
        else:
            found.append(one)
    return found


def _answers(form: Form, item: Tree, environment: Environment, context: Any) -> list[Tree]:
    expression = extension(item, "initialExpression")
    if expression is not None:
        found = _fitting(form, item, _unwrapped(form.evaluate(expression, context, environment, item)))
        if found:
            return found
    found = _observed(form, item, environment)
    if found:
        return found
    initial = [
        {key: value for key, value in one.items() if key.startswith(("value", "_value"))}
        for one in item.get("initial", ())
    ]
    selected = [
        {key: value for key, value in one.items() if key.startswith("value")}
        for one in item.get("answerOption", ())
        if one.get("initialSelected") is True
    ]
    return [one for one in initial or selected if one]


def _fitting(form: Form, item: Tree, items: list[Any]) -> list[Tree]:
    """The answers of values, each fitting; none where there are more than the question takes."""
    answers: list[Tree] = []
    for one in items:
        try:
            answer = answer_of(one, item)
        except Unfit as error:
            form.note(f"{error} It was left open.", item=item)
            continue
        if answer not in answers:
            answers.append(answer)
    if len(answers) > 1 and not item.get("repeats"):
        form.note(f"{len(answers)} values are known and the question takes one; none was taken.", item=item)
        return []
    return answers


# -- observations ---------------------------------------------------------------------------------------------------


def _observed(form: Form, item: Tree, environment: Environment) -> list[Tree]:
    """The value of the latest observation of the question's code within the period the question allows."""
    period = extension(item, "observationLinkPeriod")
    codes = [f"{one.get('system', '')}|{one['code']}" for one in item.get("code", ()) if one.get("code")]
    about = environment.get("subject")
    if not isinstance(period, dict) or not codes or not isinstance(about, dict) or not form.local:
        return []
    days = _DAYS.get(str(period.get("code") or period.get("unit")))
    if days is None or not period.get("value"):
        form.note("the period in which observations count cannot be read.", item=item, code="invalid")
        return []
    try:
        first = form.call.record.clock() - timedelta(days=float(period["value"]) * days)
        params = [("subject", _name_of(about)), ("code", ",".join(codes)), ("status", "final,amended,corrected"),
                  ("date", f"ge{instant(first)}"), ("_sort", "-date"), ("_count", "1")]  # fmt: skip
        found = form.search("Observation", params).get("entry", ())
    except OverflowError:
        form.note("the period in which observations count cannot be read.", item=item, code="invalid")
        return []
    if not found:
        return []
    return _fitting(form, item, form.evaluate("value", found[0]["resource"], environment, item))


# -- calculated answers ----------------------------------------------------------------------------------------------


def _calculate(form: Form, response: Tree, environment: Environment) -> None:
    """Answer the questions that follow from others, once, in their order."""

    def within(items: list[Tree], questions: list[Tree], known: Environment) -> None:
        by_link = {one.get("linkId"): one for one in questions}
        for one in items:
            question = by_link.get(one["linkId"], {})
            inside = form.with_variables(question, one, known, type_name=ITEM)
            expression = extension(question, "calculatedExpression")
            if expression is not None and "answer" not in one:
                found = form.evaluate(expression, one, inside, question, type_name=ITEM)
                answers = _fitting(form, question, found)
                if answers:
                    one["answer"] = answers
            below = list(items_of(question))
            within(list(items_of(one)), below, inside)
            for answer in one.get("answer", ()):
                within(list(items_of(answer)), below, inside)

    known = form.with_variables(form.questionnaire, response, {**environment, "resource": response})
    within(response["item"], list(items_of(form.questionnaire)), known)
