"""Operations given what nobody should send: an answer below 500, always, and never a word of SQL."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fhir.operation_calls import Client, client_of, put
from tests.fhir.test_operation_populate import SDC, expression, form, question

P = {"reference": "Patient/p"}
PLACES = [
    "/$meta", "/$diff", "/Patient/$match", "/Patient/$everything", "/Patient/$summary", "/Patient/p/$everything",
    "/Patient/p/$summary", "/Patient/p/$meta", "/Patient/p/$meta-add", "/Patient/p/$meta-delete", "/Patient/p/$diff",
    "/Encounter/e/$everything", "/Observation/$lastn", "/Composition/$document", "/Questionnaire/$populate",
    "/QuestionnaireResponse/$extract",
]  # fmt: skip
NAMES = [
    "meta", "resource", "count", "onlyCertainMatches", "identifier", "profile", "start", "end", "_since", "_type",
    "_count", "_cursor", "from", "to", "includeMeta", "max", "patient", "subject", "code", "category", "id", "persist",
    "graph", "questionnaire", "canonical", "questionnaireRef", "context", "local", "questionnaire-response",
]  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.sampled_from(
        ["", "\x00", "Patient/p", "Patient/p/_history/1", "2024-02-30", "9999-12-31", "0001", "'; select 1 --",
         "%", "\\", "m.1", "s.99999999999999999999", "http://x|y", "ơ" * 300, "Type?x={{", "{{%resource}}", "p",
         "true", "1e9"]))  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["resourceType", "reference", "system", "value", "code", "tag", "profile", "item", "name",
                             "text", "url", "extension", "identifier", "coding", "id", "linkId", "type"]),
            inner, max_size=4),
    ),
    max_leaves=8,
)  # fmt: skip
KINDS = [
    "valueString",
    "valueMeta",
    "valueReference",
    "valueBoolean",
    "valueInteger",
    "resource",
    "part",
    "valueCoding",
]
PARAMETERS = st.lists(
    st.builds(lambda name, kind, value: {"name": name, kind: value}, st.sampled_from(NAMES), st.sampled_from(KINDS),
              TREES), max_size=4,
)  # fmt: skip


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = client_of(connection)
    put(found, "Patient", "p", name=[{"text": "A"}])
    put(found, "Encounter", "e", status="finished", **{"class": {"code": "AMB"}}, subject=P)
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), parameters=PARAMETERS)
def test_wrong_shapes(client: Client, place: str, parameters: list[Any]) -> None:
    answer = client("POST", place, {"resourceType": "Parameters", "parameter": parameters})
    assert answer.status < 500, answer.body
    assert b"select " not in answer.body.lower() or b"select 1 --" in answer.body.lower()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), body=TREES)
def test_wrong_bodies(client: Client, place: str, body: Any) -> None:
    assert client("POST", place, body).status < 500


def test_repetitions_cannot_be_multiplied(client: Client) -> None:
    """Groups that repeat inside groups that repeat, each with a query, are refused before they take long."""
    inner = question("x", "string", expression("%one.id"))
    for depth in range(4):
        inner = question(
            f"g{depth}", "group", expression("(1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15)",
                                             "itemPopulationContext", "one"), repeats=True, item=[inner],
        )  # fmt: skip
    queries = question("q", "group", expression("(1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10).combine(1 | 2 | 3 | 4 | 5)",
                       "itemPopulationContext", "two"), repeats=True, item=[
        question(f"y{number}", "string", expression("Patient?_id={{%two}}", query=True)) for number in range(20)
    ])  # fmt: skip
    for one in (inner, queries):
        sent = {"resourceType": "Parameters", "parameter": [{"name": "questionnaire", "resource": form(one)}]}
        answer = client("POST", "/Questionnaire/$populate", sent)
        assert (answer.status, answer.key) == (403, "sdc.too-costly")


def test_too_many_traits(client: Client) -> None:
    sent = {
        "resourceType": "Patient",
        "identifier": [{"system": "s", "value": str(one)} for one in range(21)],
    }
    answer = client("POST", "/Patient/$match", sent)
    assert (answer.status, answer.key) == (403, "match.too-much")


MARKS = [
    "initialExpression", "itemPopulationContext", "observationLinkPeriod", "launchContext", "definitionExtract",
    "itemExtractionContext", "definitionExtractValue", "templateExtract", "extractAllocateId", "observationExtract",
    "calculatedExpression",
]  # fmt: skip
VALUES: list[dict[str, Any]] = [
    {"valueString": "((("}, {"valueBoolean": True}, {"valueExpression": {"language": "text/fhirpath"}},
    {"valueCode": "Nothing"}, {"valueReference": P}, {"extension": [{"url": "definition", "valueInteger": 1}]},
    {"valueDuration": {"value": 10**30, "code": "a"}},
]  # fmt: skip


@pytest.mark.parametrize("name", MARKS)
def test_extensions_of_wrong_shapes(client: Client, name: str) -> None:
    """A questionnaire whose extensions hold what they should not."""
    answers = [{"linkId": "x", "answer": [{"valueString": "y"}]}]
    response = {
        "resourceType": "QuestionnaireResponse", "status": "completed", "item": [{"linkId": "g", "item": answers}]
    }  # fmt: skip
    for value in VALUES:
        one = {"url": SDC + name, **value}
        items = [question("x", "string", one, code=[{"code": "c"}])]
        sent = form(question("g", "group", one, item=items), extension=[one])
        given = {"name": "questionnaire", "resource": sent}
        for place, other in (
            ("/Questionnaire/$populate", {"name": "subject", "valueReference": P}),
            ("/QuestionnaireResponse/$extract", {"name": "questionnaire-response", "resource": response}),
        ):
            answer = client("POST", place, {"resourceType": "Parameters", "parameter": [given, other]})
            assert answer.status == 200, (value, answer.body)
