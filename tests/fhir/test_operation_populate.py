"""Questionnaire/$populate: known answers, the right structure, nothing guessed, nothing hidden told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.fhir.operation_calls import Answer, Client, client_of, put
from yba.fhir.model import codec

SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
VARIABLE = "http://hl7.org/fhir/StructureDefinition/variable"
UNIT = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"
P = {"reference": "Patient/p"}


def expression(
    text: str, kind: str = "initialExpression", name: str | None = None, query: bool = False
) -> Any:
    value = {"language": "application/x-fhir-query" if query else "text/fhirpath", "expression": text}
    if name:
        value = {"name": name, **value}
    return {"url": kind if ":" in kind else SDC + kind, "valueExpression": value}


def question(link: str, kind: str, *extensions: Any, **fields: Any) -> dict[str, Any]:
    return {"linkId": link, "type": kind, **({"extension": list(extensions)} if extensions else {}), **fields}


def launch(name: str, kind: str) -> dict[str, Any]:
    return {
        "url": SDC + "launchContext",
        "extension": [{"url": "name", "valueCoding": {"code": name}}, {"url": "type", "valueCode": kind}],
    }


def form(*items: Any, **fields: Any) -> dict[str, Any]:
    return {"resourceType": "Questionnaire", "url": "http://q/1", "version": "2", "status": "active",
            **({"item": list(items)} if items else {}), **fields}  # fmt: skip


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = client_of(connection)
    put(found, "Patient", "p", name=[{"family": "Nguyễn", "given": ["Thị", "Hạnh"]}], birthDate="1968-03-12",
        gender="female", telecom=[{"system": "phone", "value": "1"}, {"system": "phone", "value": "2"}])  # fmt: skip
    put(found, "Patient", "other")
    for name, text in (("c1", "Tăng huyết áp"), ("c2", "Đái tháo đường")):
        put(
            found,
            "Condition",
            name,
            subject=P,
            code={"coding": [{"system": "icd", "code": name}], "text": text},
        )
    put(found, "Condition", "c3", subject={"reference": "Patient/other"}, code={"text": "Của người khác"})
    return found


def ask(client: Client, questionnaire: dict[str, Any], *more: Any, subject: str | None = "Patient/p",
        token: str = "system") -> Answer:  # fmt: skip
    parameters: list[Any] = [{"name": "questionnaire", "resource": questionnaire}, *more]
    if subject:
        parameters.append({"name": "subject", "valueReference": {"reference": subject}})
    return client(
        "POST",
        "/Questionnaire/$populate",
        {"resourceType": "Parameters", "parameter": parameters},
        token=token,
    )


def response(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    codec.decode(answer.body, "Parameters")
    found: dict[str, Any] = answer.json["parameter"][0]
    assert found["name"] == "response"
    codec.decode(json.dumps(found["resource"]), "QuestionnaireResponse")
    resource: dict[str, Any] = found["resource"]
    return resource


def issues(answer: Answer) -> list[str]:
    found = [one["resource"] for one in answer.json["parameter"] if one["name"] == "issues"]
    return [issue["details"]["text"] for one in found for issue in one["issue"]]


def answers(answer: Answer) -> dict[str, Any]:
    """linkId to the values of its answers, at any depth; repetitions one after the other."""
    found: dict[str, Any] = {}

    def walk(items: list[Any]) -> None:
        for one in items:
            values = [
                value
                for row in one.get("answer", ())
                for key, value in row.items()
                if key.startswith("value")
            ]
            found.setdefault(one["linkId"], []).extend(values)
            walk(one.get("item", []))
            for row in one.get("answer", ()):
                walk(row.get("item", []))

    walk(response(answer).get("item", []))
    return found


def test_launch_contexts_and_types(client: Client) -> None:
    sent = form(
        question("family", "string", expression("%patient.name.first().family"), text="Họ"),
        question("birth", "date", expression("%patient.birthDate")),
        question("woman", "boolean", expression("%patient.gender = 'female'")),
        question("given", "string", expression("%subject.name.given"), repeats=True),
        question("number", "integer", expression("%patient.name.given.count()")),
        question("who", "reference", expression("%patient")),
        question("sex", "choice", expression("%patient.gender"),
                 answerOption=[{"valueCoding": {"system": "s", "code": one}} for one in ("male", "female")]),
        question("weight", "quantity", expression("50.5 'kg'")),
        question("when", "dateTime", expression("%resource.authored")),
        {"linkId": "note", "type": "display", "text": "Ghi chú"},
        extension=[launch("patient", "Patient")],
    )  # fmt: skip
    answer = ask(client, sent)
    found = answers(answer)
    authored = response(answer)["authored"]
    assert found == {
        "family": ["Nguyễn"], "birth": ["1968-03-12"], "woman": [True], "given": ["Thị", "Hạnh"], "number": [2],
        "who": [{"reference": "Patient/p"}], "sex": [{"system": "s", "code": "female"}],
        "weight": [{"value": 50.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}],
        "when": [authored],
    }  # fmt: skip
    assert issues(answer) == []
    body = response(answer)
    assert (body["questionnaire"], body["status"], body["subject"]) == ("http://q/1|2", "in-progress", P)
    assert body["item"][0] == {"linkId": "family", "text": "Họ", "answer": [{"valueString": "Nguyễn"}]}


def test_groups_repeat_for_their_context(client: Client) -> None:
    sent = form(
        question(
            "problems", "group",
            expression("Condition?patient={{%patient.id}}&_sort=_id", "itemPopulationContext", "problem", query=True),
            repeats=True,
            item=[question("text", "string", expression("%problem.code.text")),
                  question("code", "choice", expression("%problem.code"))],
        ),
    )  # fmt: skip
    found = response(ask(client, sent))["item"]
    assert [one["item"][0]["answer"][0]["valueString"] for one in found] == [
        "Tăng huyết áp",
        "Đái tháo đường",
    ]
    assert found[0]["item"][1]["answer"] == [{"valueCoding": {"system": "icd", "code": "c1"}}]
    none = response(ask(client, sent, subject="Patient/other", token="system"))["item"]
    assert len(none) == 1
    hidden = ask(client, sent, {"name": "context", "part": [{"name": "name", "valueString": "patient"}, {
        "name": "content", "resource": {"resourceType": "Patient", "id": "other"}}]}, token="citizen")  # fmt: skip
    assert response(hidden)["item"] == [
        {"linkId": "problems", "item": [{"linkId": "text"}, {"linkId": "code"}]}
    ]


def test_variables(client: Client) -> None:
    sent = form(
        question("g", "group", expression("%conditions.entry.resource", VARIABLE, "rows"),
                 item=[question("count", "integer", expression("%rows.count()"))]),
        extension=[expression("Condition?patient={{%patient.id}}", VARIABLE, "conditions", query=True)],
    )  # fmt: skip
    assert answers(ask(client, sent)) == {"g": [], "count": [2]}


def test_observations(client: Client) -> None:
    now = datetime.now(UTC)
    for days, value in ((400, 40), (20, 52), (10, 50), (5, 49)):
        status = "entered-in-error" if days == 5 else "final"
        put(client, "Observation", f"w{days}", status=status, subject=P,
            code={"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            effectiveDateTime=(now - timedelta(days=days)).strftime("%Y-%m-%d"),
            valueQuantity={"value": value, "unit": "kg"})  # fmt: skip
    period = {"url": SDC + "observationLinkPeriod", "valueDuration": {"value": 1, "code": "mo"}}
    code = [{"system": "http://loinc.org", "code": "29463-7"}]
    sent = form(question("w", "quantity", period, code=code), question("none", "quantity", period))
    assert answers(ask(client, sent)) == {"w": [{"value": 50, "unit": "kg"}], "none": []}
    period["valueDuration"] = {"value": 3, "code": "d"}
    assert answers(ask(client, sent))["w"] == []
    period["valueDuration"] = {"value": 3, "code": "moons"}
    assert "w: the period" in issues(ask(client, sent))[0]
    local = ask(client, sent, {"name": "local", "valueBoolean": False})
    assert answers(local)["w"] == []


def test_initial_values_and_options(client: Client) -> None:
    sent = form(
        question("a", "string", initial=[{"valueString": "x"}]),
        question("b", "choice", answerOption=[{"valueString": "n"}, {"valueString": "y", "initialSelected": True}]),
        question("c", "string", expression("%patient.maritalStatus.text"), initial=[{"valueString": "đổ về"}]),
        question("d", "string", expression("%patient.name.family"), initial=[{"valueString": "not"}],
                 item=[question("e", "boolean", initial=[{"valueBoolean": False}])]),
    )  # fmt: skip
    answer = ask(client, sent)
    assert answers(answer) == {"a": ["x"], "b": ["y"], "c": ["đổ về"], "d": ["Nguyễn"], "e": [False]}
    assert response(answer)["item"][3]["answer"][0]["item"][0]["linkId"] == "e"


def test_calculated(client: Client) -> None:
    sent = form(
        question("kg", "decimal", initial=[{"valueDecimal": 50}]),
        question("m", "decimal", initial=[{"valueDecimal": 1.6}]),
        question("bmi", "decimal", expression(
            "(%resource.item.where(linkId='kg').answer.value / "
            "(%resource.item.where(linkId='m').answer.value.power(2))).round(1)", "calculatedExpression")),
    )  # fmt: skip
    assert answers(ask(client, sent))["bmi"] == [19.5]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (question("x", "string", expression("%patient.telecom.value")), "2 values are known"),
        (question("x", "date", expression("%patient.gender")), "is no date"),
        (question("x", "integer", expression("%patient.name.family")), "is no whole number"),
        (question("x", "string", expression("%patient.name")), "is no text"),
        (question("x", "boolean", expression("%nothing")), "nothing"),
        (question("x", "string", expression("%patient.name.((")), "column"),
        (question("x", "string", expression("Condtion?x=1", query=True)), "resource type"),
        (question("x", "string", expression("Condition?nothing=1", query=True)), "nothing"),
        (question("x", "choice", expression("%patient.gender"), answerOption=[{"valueString": "?"}]), "none of the"),
        (question("x", "string", expression("%patient.name.family"), maxLength=2), "longer than 2"),
        (question("x", "string", {"url": SDC + "initialExpression",
                                  "valueExpression": {"language": "text/cql", "expression": "x"}}), "text/cql"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_left_open_and_said(client: Client, item: Any, said: str) -> None:
    answer = ask(client, form(item))
    assert answers(answer) == {"x": []}
    (issue,) = issues(answer)
    assert issue.startswith("Question x: ")
    assert said in issue


def test_contexts(client: Client) -> None:
    put(client, "Encounter", "e", status="finished", **{"class": {"code": "AMB"}}, subject=P)
    sent = form(question("class", "string", expression("%encounter.class.code")),
                extension=[launch("patient", "Patient"), launch("encounter", "Encounter")])  # fmt: skip
    named = {"name": "name", "valueString": "encounter"}
    by_reference = {
        "name": "context",
        "part": [named, {"name": "content", "valueReference": {"reference": "Encounter/e"}}],
    }
    given = {"resourceType": "Encounter", "status": "planned", "class": {"code": "EMER"}}
    by_resource = {"name": "context", "part": [named, {"name": "content", "resource": given}]}
    assert answers(ask(client, sent, by_reference)) == {"class": ["AMB"]}
    assert answers(ask(client, sent, by_resource)) == {"class": ["EMER"]}
    missing = ask(client, sent)
    assert answers(missing) == {"class": []}
    assert issues(missing) == ["the launch context 'encounter' was not given."]
    bad = ask(client, sent, {"name": "context", "part": [{"name": "content", "resource": given}]})
    assert (bad.status, bad.key) == (400, "populate.context")


def test_which_questionnaire(client: Client) -> None:
    put(client, "Questionnaire", "q", **{k: v for k, v in form(question("x", "string")).items() if k != "resourceType"},
        identifier=[{"system": "s", "value": "v"}])  # fmt: skip
    subject = {"name": "subject", "valueReference": P}
    for one in (
        {"name": "canonical", "valueUri": "http://q/1"},
        {"name": "canonical", "valueUri": "http://q/1|2"},
        {"name": "questionnaire", "valueUri": "http://q/1"},
        {"name": "questionnaireRef", "valueReference": {"reference": "Questionnaire/q"}},
        {"name": "identifier", "valueIdentifier": {"system": "s", "value": "v"}},
    ):
        sent = {"resourceType": "Parameters", "parameter": [one, subject]}
        assert answers(client("POST", "/Questionnaire/$populate", sent)) == {"x": []}
    assert answers(client("GET", "/Questionnaire/q/$populate?subject=Patient/p")) == {"x": []}
    gone = {"resourceType": "Parameters", "parameter": [{"name": "canonical", "valueUri": "http://q/1|3"}]}
    assert client("POST", "/Questionnaire/$populate", gone).status == 404
    none = client("POST", "/Questionnaire/$populate", {"resourceType": "Parameters"})
    assert (none.status, none.key) == (400, "populate.questionnaire")


def test_access(client: Client) -> None:
    """The subject and what expressions reach are as the actor sees them."""
    sent = form(question("x", "string", expression("%patient.name.family")))
    assert ask(client, sent, token="stranger").status == 404
    assert answers(ask(client, sent, token="citizen")) == {"x": ["Nguyễn"]}
    through = form(question("x", "string", expression("%other.subject.resolve().name.family")))
    given = {"resourceType": "Basic", "code": {"text": "x"}, "subject": P}
    context = {
        "name": "context",
        "part": [{"name": "name", "valueString": "other"}, {"name": "content", "resource": given}],
    }
    assert answers(ask(client, through, context, subject=None)) == {"x": ["Nguyễn"]}
    assert answers(ask(client, through, context, subject=None, token="stranger")) == {"x": []}
    wrong = ask(client, sent, subject="urn:x")
    assert (wrong.status, wrong.key) == (400, "populate.subject")
