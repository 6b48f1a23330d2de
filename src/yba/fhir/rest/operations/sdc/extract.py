"""QuestionnaireResponse/$extract: the resources that answers stand for, as a transaction that nobody has sent yet.

Source: SDC, extraction.html and OperationDefinition QuestionnaireResponse-extract. Observation-based (here),
definition-based (``definitions.py``) and template-based extraction (``templates.py``) may stand in one questionnaire;
extraction by StructureMap is refused. Nothing is stored: the Bundle is to be looked at and sent by who asked. A
resource that would break FHIR's rules is left out and said in an issue of severity error.

The Bundle itself is the answer; where there are issues, a Parameters resource with ``return`` and ``issues``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from yba.fhir.errors import Invalid, RecordError, Unsupported
from yba.fhir.model import codec, tree
from yba.fhir.rest.operations.call import Call, answer_tree
from yba.fhir.rest.operations.sdc import definitions, templates
from yba.fhir.rest.operations.sdc.answers import Unfit, kind_of, unit_of
from yba.fhir.rest.operations.sdc.forms import (
    Environment,
    Form,
    Tree,
    checked,
    extension,
    extensions,
    items_of,
    questionnaire_of,
    value_of,
)
from yba.fhir.rest.response import Response

_STATUS = {"completed": "final", "amended": "amended", "in-progress": "preliminary", "stopped": "preliminary"}
#: The type of an answer -> where an Observation holds it.
_VALUES = {
    "boolean": "valueBoolean", "integer": "valueInteger", "string": "valueString", "dateTime": "valueDateTime",
    "date": "valueDateTime", "time": "valueTime", "Quantity": "valueQuantity", "decimal": "valueQuantity",
    "Coding": "valueCodeableConcept",
}  # fmt: skip


def extract(call: Call) -> Response:
    """The transaction of one response."""
    call.refuse_unknown(("questionnaire-response", "questionnaire"))
    response = _response(call)
    if response.get("status") == "entered-in-error":
        raise Invalid("extract.status", "The response was entered in error: nothing is made of it.")
    form = Form(call, _questionnaire(call, response))
    if extensions(form.questionnaire, "targetStructureMap"):
        raise Unsupported(
            "extract.map",
            "Extraction by StructureMap is not supported. Use observations, definitions or templates.",
        )
    environment: Environment = {"resource": response, "questionnaire": form.questionnaire}
    environment["subject"] = form.resolve(response.get("subject", {}).get("reference", ""))
    environment = form.with_variables(form.questionnaire, response, environment)
    found = [
        *_observations(form, response),
        *definitions.entries(form, response, environment),
        *templates.entries(form, response, environment),
    ]
    bundle: Tree = {"resourceType": "Bundle", "type": "transaction"}
    kept = [one for one in found if _is_valid(form, one)]
    if kept:
        bundle["entry"] = kept
    call.record.audit("read", type_name="QuestionnaireResponse", detail="$extract")
    if not form.issues:
        return answer_tree(bundle)
    outcome = {"resourceType": "OperationOutcome", "issue": form.issues}
    parameters = [{"name": "return", "resource": bundle}, {"name": "issues", "resource": outcome}]
    return answer_tree({"resourceType": "Parameters", "parameter": parameters})


def _response(call: Call) -> Tree:
    if call.id is not None:
        stored: Tree = tree.parse(call.record.read_stored("QuestionnaireResponse", call.id).content or b"{}")
        return stored
    sent = call.resource("questionnaire-response")
    if not isinstance(sent, dict) or sent["resourceType"] != "QuestionnaireResponse":
        raise Invalid(
            "extract.response", "$extract needs 'questionnaire-response' with a QuestionnaireResponse.",
            path="Parameters.questionnaire-response",
        )  # fmt: skip
    return checked(sent)


def _questionnaire(call: Call, response: Tree) -> Tree:
    given = call.resource("questionnaire")
    if given is not None:
        if given["resourceType"] != "Questionnaire":
            raise Invalid("extract.questionnaire", "'questionnaire' is no Questionnaire.")
        return checked(given)
    canonical = response.get("questionnaire")
    if not canonical:
        raise Invalid(
            "extract.questionnaire",
            "The response names no questionnaire.",
            path="QuestionnaireResponse.questionnaire",
        )
    for one in response.get("contained", ()):
        if canonical == f"#{one.get('id')}":
            contained: Tree = one
            return contained
    return questionnaire_of(call, canonical)


def _is_valid(form: Form, entry: Tree) -> bool:
    resource = entry["resource"]
    try:
        codec.decode(tree.dump(resource), resource["resourceType"])
    except RecordError as error:
        form.note(
            f"A {resource['resourceType']} was left out: {error.message}", severity="error", code="invalid"
        )
        return False
    return True


# -- observation-based -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rule:
    """What an item inherits from those above it: whether observations are made, and of which category."""

    wanted: bool = False
    category: list[Tree] = field(default_factory=list)

    def below(self, element: Mapping[str, Any]) -> _Rule:
        said = extension(element, "observationExtract")
        if said is None:
            said = extension(element, "observation-extract")
        category = [
            value
            for name in ("observation-extract-category", "observationExtractCategory")
            for one in extensions(element, name)
            if isinstance(value := value_of(one), dict)
        ]
        wanted = self.wanted if said is None else said is True or isinstance(said, str)
        return _Rule(wanted, category or self.category)


def _observations(form: Form, response: Tree) -> Iterator[Tree]:
    """An Observation for each answer to a question that has a code and is marked for it."""
    rule = _Rule().below(form.questionnaire)
    yield from _of_items(form, response, items_of(form.questionnaire), response, rule)


def _of_items(
    form: Form, response: Tree, questions: Iterator[Tree], holder: Mapping[str, Any], rule: _Rule
) -> Iterator[Tree]:
    by_link = {one.get("linkId"): one for one in questions}
    for item in items_of(holder):
        question = by_link.get(item.get("linkId"))
        if question is None:
            form.note(f"the questionnaire has no item '{item.get('linkId')}'.", code="not-found")
            continue
        own = rule.below(question)
        for answer in item.get("answer", ()):
            if own.wanted and question.get("code"):
                yield from _observation(form, response, question, answer, own)
            yield from _of_items(form, response, items_of(question), answer, own)
        yield from _of_items(form, response, items_of(question), item, own)


def _observation(form: Form, response: Tree, question: Tree, answer: Tree, rule: _Rule) -> Iterator[Tree]:
    try:
        kind, value = kind_of(answer)
    except Unfit:
        return  # an answer may hold items alone
    key = _VALUES.get(kind)
    if key is None:
        form.note(f"an Observation holds no {kind}.", item=question, code="not-supported")
        return
    if kind == "decimal":
        value = {"value": value, **unit_of(question)}
    elif kind == "Coding":
        value = {"coding": [value]}
    observation: Tree = {
        "resourceType": "Observation",
        "status": _STATUS.get(str(response.get("status")), "final"),
    }
    if rule.category:
        observation["category"] = rule.category
    observation["code"] = {
        "coding": question["code"],
        **({"text": question["text"]} if "text" in question else {}),
    }
    for name, source in (
        ("subject", "subject"),
        ("encounter", "encounter"),
        ("effectiveDateTime", "authored"),
    ):
        if source in response:
            observation[name] = response[source]
    authored = response.get("authored", "")
    if len(authored) >= 20:
        observation["issued"] = authored
    if "author" in response:
        observation["performer"] = [response["author"]]
    observation[key] = value
    if response.get("id"):
        observation["derivedFrom"] = [{"reference": f"QuestionnaireResponse/{response['id']}"}]
    yield entry_of(form, observation)


def entry_of(form: Form, resource: Tree, **request: str) -> Tree:
    """An entry that creates a resource, or updates the one of its id."""
    return definitions.entry_of(form, resource, request=request)
