"""QuestionnaireResponse/$extract: observations, definitions, templates; a transaction that can be sent."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fhir.operation_calls import Answer, Client, client_of, put
from tests.fhir.test_operation_populate import SDC, UNIT, expression, form, question
from yba.fhir.model import codec

P = {"reference": "Patient/p"}
CORE = "http://hl7.org/fhir/StructureDefinition/"
LOINC = "http://loinc.org"


def answered(*items: Any, **fields: Any) -> dict[str, Any]:
    return {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "http://q/1|2",
            "subject": P, "authored": "2024-01-02T03:04:05Z", **({"item": list(items)} if items else {}),
            **fields}  # fmt: skip


def item(link: str, *values: Any, items: Any = None) -> dict[str, Any]:
    found: dict[str, Any] = {"linkId": link}
    if values:
        found["answer"] = [one if isinstance(one, dict) else {"valueString": one} for one in values]
    if items is not None:
        found["item"] = items
    return found


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = client_of(connection)
    put(found, "Patient", "p")
    return found


def ask(
    client: Client, questionnaire: dict[str, Any], response: dict[str, Any], token: str = "system"
) -> Answer:
    return client(
        "POST", "/QuestionnaireResponse/$extract",
        {"resourceType": "Parameters", "parameter": [{"name": "questionnaire-response", "resource": response},
                                                     {"name": "questionnaire", "resource": questionnaire}]},
        token=token,
    )  # fmt: skip


def bundle(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.json
    if body["resourceType"] == "Parameters":
        body = body["parameter"][0]["resource"]
    codec.decode(answer.body)
    assert body["type"] == "transaction"
    return body


def resources(answer: Answer) -> list[dict[str, Any]]:
    return [one["resource"] for one in bundle(answer).get("entry", [])]


def issues(answer: Answer) -> list[str]:
    if answer.json["resourceType"] != "Parameters":
        return []
    return [one["details"]["text"] for one in answer.json["parameter"][1]["resource"]["issue"]]


def marked(value: object = True) -> dict[str, Any]:
    return {"url": SDC + "observationExtract", "valueBoolean": value}


# -- observations -------------------------------------------------------------------------------------------------


def test_observations(client: Client) -> None:
    def coded(link: str, kind: str, *more: Any, **fields: Any) -> dict[str, Any]:
        return question(link, kind, *more, code=[{"system": LOINC, "code": link}], **fields)

    kg = {"url": UNIT, "valueCoding": {"system": "http://unitsofmeasure.org", "code": "kg", "display": "kg"}}
    sent = form(
        question("g", "group", item=[coded("w", "decimal", kg, text="Cân nặng"), coded("s", "choice", repeats=True)]),
        coded("b", "boolean"), coded("no", "boolean", marked(False)), question("uncoded", "string"),
        coded("d", "date"), coded("q", "quantity"), coded("i", "integer"), coded("open", "string"),
        extension=[marked(), {"url": SDC + "observation-extract-category",
                              "valueCodeableConcept": {"coding": [{"code": "survey"}]}}],
    )  # fmt: skip
    given = answered(
        item("g", items=[item("w", {"valueDecimal": 50}),
                         item("s", {"valueCoding": {"code": "x"}}, {"valueCoding": {"code": "y"}})]),
        item("b", {"valueBoolean": True}), item("no", {"valueBoolean": True}), item("uncoded", "x"),
        item("d", {"valueDate": "2024-01-01"}), item("q", {"valueQuantity": {"value": 2, "unit": "mg"}}),
        item("i", {"valueInteger": 3}), item("open"),
        id="r", encounter={"reference": "Encounter/e"}, author=P,
    )  # fmt: skip
    answer = ask(client, sent, given)
    assert issues(answer) == []
    found = resources(answer)
    assert [one["code"]["coding"][0]["code"] for one in found] == ["w", "s", "s", "b", "d", "q", "i"]
    assert found[0] == {
        "resourceType": "Observation", "status": "final", "category": [{"coding": [{"code": "survey"}]}],
        "code": {"coding": [{"system": LOINC, "code": "w"}], "text": "Cân nặng"}, "subject": P,
        "encounter": {"reference": "Encounter/e"}, "effectiveDateTime": "2024-01-02T03:04:05Z",
        "issued": "2024-01-02T03:04:05Z", "performer": [P],
        "valueQuantity": {"value": 50, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        "derivedFrom": [{"reference": "QuestionnaireResponse/r"}],
    }  # fmt: skip
    values = [{key: one[key] for key in one if key.startswith("value")} for one in found[1:]]
    assert values == [
        {"valueCodeableConcept": {"coding": [{"code": "x"}]}}, {"valueCodeableConcept": {"coding": [{"code": "y"}]}},
        {"valueBoolean": True}, {"valueDateTime": "2024-01-01"}, {"valueQuantity": {"value": 2, "unit": "mg"}},
        {"valueInteger": 3},
    ]  # fmt: skip
    entry = bundle(answer)["entry"][0]
    assert entry["request"] == {"method": "POST", "url": "Observation"}
    assert entry["fullUrl"].startswith("urn:uuid:")


def test_the_transaction_can_be_sent(client: Client) -> None:
    sent = form(question("w", "integer", marked(), code=[{"system": LOINC, "code": "w"}]))
    made = client("POST", "/", bundle(ask(client, sent, answered(item("w", {"valueInteger": 3})))))
    assert made.status == 200
    assert client("GET", "/Observation?patient=p&code=w").json["total"] == 1


# -- definitions ----------------------------------------------------------------------------------------------------


def extracting(kind: str, **parts: str) -> dict[str, Any]:
    listed = [{"url": "definition", "valueCanonical": CORE + kind}]
    return {
        "url": SDC + "definitionExtract",
        "extension": [*listed, *({"url": name, "valueString": one} for name, one in parts.items())],
    }


def fixed(definition: str, **value: Any) -> dict[str, Any]:
    parts: list[Any] = [{"url": "definition", "valueUri": definition}]
    if "expression" in value:
        parts.append({"url": "expression", "valueExpression": {"language": "text/fhirpath", **value}})
    else:
        parts.append({"url": "fixed-value", **value})
    return {"url": SDC + "definitionExtractValue", "extension": parts}


def of(path: str) -> str:
    return f"{CORE}{path.partition('.')[0]}#{path}"


PERSON = form(
    question("name", "group", definition=of("Patient.name"), repeats=True, item=[
        question("family", "string", definition=of("Patient.name.family")),
        question("given", "string", definition=of("Patient.name.given"), repeats=True),
    ]),
    question("birth", "date", definition=of("Patient.birthDate")),
    question("sex", "choice", definition=of("Patient.gender")),
    question("phone", "string", definition=of("Patient.telecom.value")),
    question("married", "choice", definition=of("Patient.maritalStatus")),
    question("dead", "boolean", definition=of("Patient.deceased[x]")),
    extension=[
        extracting("Patient", fullUrl="%NewPatient", ifNoneExist="'identifier=x|1'"),
        {"url": SDC + "extractAllocateId", "valueString": "NewPatient"},
        fixed(of("Patient.telecom.system"), valueCode="phone"),
        fixed(of("Patient.active"), expression="true"),
    ],
)  # fmt: skip


def test_a_resource_of_definitions(client: Client) -> None:
    given = answered(
        item("name", items=[item("family", "Nguyễn"), item("given", "Thị", "Hạnh")]),
        item("name", items=[item("family", "Trần")]),
        item("birth", {"valueDate": "1968-03-12"}),
        item("sex", {"valueCoding": {"code": "female", "display": "Nữ"}}),
        item("phone", "0905"),
        item("married", {"valueCoding": {"system": "m", "code": "M"}}),
        item("dead", {"valueBoolean": False}),
    )
    answer = ask(client, PERSON, given)
    assert issues(answer) == []
    (entry,) = bundle(answer)["entry"]
    assert entry["resource"] == {
        "resourceType": "Patient",
        "name": [{"family": "Nguyễn", "given": ["Thị", "Hạnh"]}, {"family": "Trần"}],
        "birthDate": "1968-03-12",
        "gender": "female",
        "telecom": [{"system": "phone", "value": "0905"}],
        "maritalStatus": {"coding": [{"system": "m", "code": "M"}]},
        "deceasedBoolean": False,
        "active": True,
    }
    assert entry["fullUrl"].startswith("urn:uuid:")
    assert entry["request"] == {"method": "POST", "url": "Patient", "ifNoneExist": "identifier=x|1"}


def test_a_resource_for_each_repetition(client: Client) -> None:
    sent = form(
        question("child", "group", extracting("RelatedPerson"), repeats=True, item=[
            question("who", "string", definition=of("RelatedPerson.name.text")),
            {**question("x", "group", fixed(of("RelatedPerson.patient"), expression="%resource.subject"))},
        ]),
    )  # fmt: skip
    given = answered(
        item("child", items=[item("who", "A"), item("x", items=[item("y", "z")])]),
        item("child", items=[item("who", "B"), item("x", items=[item("y", "z")])]),
        item("child", items=[item("who")]),
    )
    found = resources(ask(client, sent, given))
    assert found == [
        {"resourceType": "RelatedPerson", "name": [{"text": text}], "patient": P} for text in ("A", "B")
    ]


def test_item_extraction_context(client: Client) -> None:
    """The older mark: a type, or a query for what is to be changed."""
    put(client, "Patient", "p", gender="female", birthDate="1968")
    context = {"url": SDC + "itemExtractionContext", "valueExpression": {
        "language": "application/x-fhir-query",
        "expression": "Patient?_id={{%resource.subject.resolve().id}}"}}  # fmt: skip
    sent = form(question("birth", "date", definition=of("Patient.birthDate")), extension=[context])
    answer = ask(client, sent, answered(item("birth", {"valueDate": "1968-03-12"})))
    (entry,) = bundle(answer)["entry"]
    assert (entry["request"]["method"], entry["request"]["url"]) == ("PUT", "Patient/p")
    assert entry["request"]["ifMatch"] == 'W/"2"'
    assert (entry["resource"]["gender"], entry["resource"]["birthDate"]) == ("female", "1968-03-12")
    sent["extension"] = [{"url": SDC + "itemExtractionContext", "valueCode": "Patient"}]
    assert resources(ask(client, sent, answered(item("birth", {"valueDate": "1968-03-12"})))) == [
        {"resourceType": "Patient", "birthDate": "1968-03-12"}
    ]


def test_access_of_what_is_changed(client: Client) -> None:
    """A row the actor does not see is not found by the query, and its content is not given away."""
    put(client, "Patient", "other", gender="female")
    context = {"url": SDC + "itemExtractionContext",
               "valueExpression": {"language": "application/x-fhir-query",
                                   "expression": "Patient?_id=other"}}  # fmt: skip
    sent = form(question("birth", "date", definition=of("Patient.birthDate")), extension=[context])
    given = answered(item("birth", {"valueDate": "1968-03-12"}))
    assert resources(ask(client, sent, given))[0]["gender"] == "female"
    assert resources(ask(client, sent, given, token="citizen")) == [
        {"resourceType": "Patient", "birthDate": "1968-03-12"}
    ]


def test_what_does_not_fit_is_said(client: Client) -> None:
    sent = form(question("a", "string", definition=of("Patient.nothing")),
                question("b", "string", definition=of("Patient.birthDate")),
                extension=[extracting("Patient")])  # fmt: skip
    answer = ask(client, sent, answered(item("a", "x"), item("b", "x")))
    assert resources(answer) == [{"resourceType": "Patient"}]
    assert [one.partition(":")[0] for one in issues(answer)] == ["Question a", "Question b"]
    wrong = form(
        question("a", "string", definition=of("Observation.value[x]")), extension=[extracting("Observation")]
    )
    left_out = ask(client, wrong, answered(item("a", "x")))
    assert resources(left_out) == []
    assert "A Observation was left out" in issues(left_out)[0]


# -- templates --------------------------------------------------------------------------------------------------------


def test_template(client: Client) -> None:
    def asks(text: str, kind: str = "templateExtractValue") -> dict[str, Any]:
        return {"extension": [{"url": SDC + kind, "valueString": text}]}

    template = {
        "resourceType": "Patient",
        "id": "tpl",
        "name": [
            {
                **asks("item.where(linkId='name')", "templateExtractContext"),
                "_family": asks("item.where(linkId='family').answer.value"),
                "_given": [asks("item.where(linkId='given').answer.value")],
                "use": "official",
            }
        ],
        "telecom": [
            {**asks("item.where(linkId='phone').answer.value", "templateExtractContext"), "system": "phone",
             "_value": asks("$this")}
        ],
        "_birthDate": asks("item.where(linkId='birth').answer.value"),
        "contact": [{"name": {"_text": asks("item.where(linkId='nobody').answer.value")}}],
        "active": True,
    }  # fmt: skip
    mark = {"url": SDC + "templateExtract", "extension": [
        {"url": "template", "valueReference": {"reference": "#tpl"}}, {"url": "fullUrl", "valueString": "%Id"},
        {"url": "resourceId", "valueString": "%resource.subject.resolve().id"}]}  # fmt: skip
    sent = form(
        question("name", "group", item=[question("family", "string"), question("given", "string", repeats=True)],
                 repeats=True),
        question("phone", "string", repeats=True), question("birth", "date"), question("nobody", "string"),
        contained=[template],
        extension=[mark, {"url": SDC + "extractAllocateId", "valueString": "Id"}],
    )  # fmt: skip
    given = answered(
        item("name", items=[item("family", "Nguyễn"), item("given", "Thị", "Hạnh")]),
        item("name", items=[item("family", "Trần")]),
        item("phone", "1", "2"), item("birth", {"valueDate": "1968-03-12"}),
    )  # fmt: skip
    answer = ask(client, sent, given)
    assert issues(answer) == []
    (entry,) = bundle(answer)["entry"]
    assert entry["resource"] == {
        "resourceType": "Patient", "id": "p",
        "name": [{"family": "Nguyễn", "given": ["Thị", "Hạnh"], "use": "official"},
                 {"family": "Trần", "use": "official"}],
        "telecom": [{"system": "phone", "value": "1"}, {"system": "phone", "value": "2"}],
        "birthDate": "1968-03-12", "active": True,
    }  # fmt: skip
    assert entry["request"] == {"method": "PUT", "url": "Patient/p"}
    missing = ask(client, {**sent, "contained": [{**template, "id": "x"}]}, given)
    assert "'#tpl'" in issues(missing)[0]


# -- the call ------------------------------------------------------------


def test_of_a_stored_response(client: Client) -> None:
    sent = form(question("w", "integer", marked(), code=[{"system": LOINC, "code": "w"}]))
    put(client, "Questionnaire", "q", **{name: one for name, one in sent.items() if name != "resourceType"})
    given = answered(item("w", {"valueInteger": 3}))
    put(
        client,
        "QuestionnaireResponse",
        "r",
        **{name: one for name, one in given.items() if name != "resourceType"},
    )
    for url, body in (
        ("/QuestionnaireResponse/r/$extract", None),
        ("/QuestionnaireResponse/$extract", given),
    ):
        (found,) = resources(client("POST", url, body))
        assert found["valueInteger"] == 3
    assert resources(client("GET", "/QuestionnaireResponse/r/$extract", token="citizen"))
    assert client("GET", "/QuestionnaireResponse/r/$extract", token="stranger").status == 404
    assert client("GET", "/Observation?patient=p").json["total"] == 0  # nothing is stored


@pytest.mark.parametrize(
    ("response", "questionnaire", "status", "key"),
    [
        (answered(status="entered-in-error"), form(), 400, "extract.status"),
        (answered(), form(extension=[{"url": SDC + "targetStructureMap", "valueCanonical": "http://m"}]), 400,
         "extract.map"),
        (answered(), {"resourceType": "Basic", "code": {"text": "x"}}, 400, "extract.questionnaire"),
        ({"resourceType": "Basic", "code": {"text": "x"}}, form(), 400, "extract.response"),
        (answered(questionnaire="http://none"), None, 404, "sdc.questionnaire"),
        ({"resourceType": "QuestionnaireResponse", "status": "completed"}, None, 400, "extract.questionnaire"),
    ],
)  # fmt: skip
def test_refused(client: Client, response: Any, questionnaire: Any, status: int, key: str) -> None:
    parameters = [{"name": "questionnaire-response", "resource": response}]
    if questionnaire is not None:
        parameters.append({"name": "questionnaire", "resource": questionnaire})
    sent = {"resourceType": "Parameters", "parameter": parameters}
    answer = client("POST", "/QuestionnaireResponse/$extract", sent)
    assert (answer.status, answer.key) == (status, key)


def test_an_item_nobody_asked_is_said(client: Client) -> None:
    sent = form(question("a", "string", marked(), code=[{"code": "a"}]))
    answer = ask(client, sent, answered(item("a", "x"), item("b", "y")))
    assert len(resources(answer)) == 1
    assert issues(answer) == ["the questionnaire has no item 'b'."]
    assert expression("x")["url"].startswith(SDC)
