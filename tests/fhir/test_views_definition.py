"""ViewDefinitions that are not what they should be: each is refused with the path of its fault."""

from __future__ import annotations

from typing import Any

import pytest

from yba.fhir.errors import RecordError
from yba.fhir.views import definition

COLUMN = {"name": "id", "path": "id"}
OTHER = {"name": "other", "path": "id"}


def select(**parts: Any) -> dict[str, Any]:
    return {"resource": "Patient", "select": [parts]}


def constant(name: Any = "c", **value: Any) -> dict[str, Any]:
    return {**select(column=[COLUMN]), "constant": [{"name": name, **value}]}


REFUSED = [
    ("text", "ViewDefinition", "JSON object"),
    ({}, "ViewDefinition.resource", "missing"),
    ({"resource": 1}, "ViewDefinition.resource", "text"),
    ({"resource": "x y"}, "ViewDefinition.resource", "resource type"),
    ({"resource": "Pateint"}, "ViewDefinition.resource", "resource type"),
    ({"resource": "Patient"}, "ViewDefinition.select", "at least one"),
    ({"resource": "Patient", "select": {}}, "ViewDefinition.select", "list"),
    ({"resource": "Patient", "select": ["x"]}, "ViewDefinition.select[0]", "JSON object"),
    ({**select(column=[COLUMN]), "name": "a b"}, "ViewDefinition.name", "letters"),
    ({**select(column=[COLUMN]), "where": [{}]}, "ViewDefinition.where[0].path", "missing"),
    (select(), "ViewDefinition.select[0]", "needs a column"),
    (select(column=[{"name": "a"}]), "ViewDefinition.select[0].column[0].path", "missing"),
    (select(column=[{"path": "id"}]), "ViewDefinition.select[0].column[0].name", "missing"),
    (select(column=[{"name": "1a", "path": "id"}]), "ViewDefinition.select[0].column[0].name", "begins with"),
    (select(column=[{"name": "a" * 64, "path": "id"}]), "ViewDefinition.select[0].column[0].name", "63"),
    (
        select(column=[{**COLUMN, "collection": "yes"}]),
        "ViewDefinition.select[0].column[0].collection",
        "true or",
    ),
    (select(column=[COLUMN, COLUMN]), "ViewDefinition.select", "Two columns are named 'id'"),
    (select(column=[COLUMN], select=[{"column": [COLUMN]}]), "ViewDefinition.select", "Two columns"),
    (select(column=[COLUMN], forEach="a", forEachOrNull="b"), "ViewDefinition.select[0]", "not several"),
    (select(column=[COLUMN], forEach="a", repeat=["b"]), "ViewDefinition.select[0]", "not several"),
    (select(column=[COLUMN], repeat="item"), "ViewDefinition.select[0].repeat", "list"),
    (select(column=[COLUMN], repeat=["item", 1]), "ViewDefinition.select[0].repeat[1]", "text"),
    (select(column=[COLUMN], foreach="name"), "ViewDefinition.select[0].foreach", "'forEach' is meant"),
    (
        select(unionAll=[{"column": [COLUMN]}, {"column": [OTHER]}]),
        "ViewDefinition.select[0].unionAll[1]",
        "same columns",
    ),
    (constant(valueString="x", valueCode="y"), "ViewDefinition.constant[0]", "exactly one"),
    (constant(), "ViewDefinition.constant[0]", "exactly one"),
    (constant("a-b", valueString="x"), "ViewDefinition.constant[0].name", "letters"),
    (constant("rowIndex", valueString="x"), "ViewDefinition.constant[0].name", "number of the row"),
    (constant(valueBoolean="true"), "ViewDefinition.constant[0].valueBoolean", "no boolean"),
    (constant(valueInteger=True), "ViewDefinition.constant[0].valueInteger", "no integer"),
    (constant(valuePositiveInt=0), "ViewDefinition.constant[0].valuePositiveInt", "no positiveInt"),
    (constant(valueDate="1.1.2020"), "ViewDefinition.constant[0].valueDate", "no date"),
    (constant(valueInstant="2020-01-01"), "ViewDefinition.constant[0].valueInstant", "no instant"),
    (constant(valueQuantity={}), "ViewDefinition.constant[0].valueQuantity", "cannot be a quantity"),
]


@pytest.mark.parametrize(("given", "path", "says"), REFUSED)
def test_a_bad_definition_is_refused_with_its_path(given: Any, path: str, says: str) -> None:
    with pytest.raises(RecordError, match=says) as refusal:
        definition.read(given)
    assert refusal.value.path == path
    assert refusal.value.status == 422


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ({"valueBase64Binary": "YQ=="}, "string", "YQ=="),
        ({"valueBoolean": False}, "boolean", "false"),
        ({"valueCanonical": "http://x|1"}, "string", "http://x|1"),
        ({"valueDecimal": 3}, "decimal", "3"),
        ({"valueInteger64": "9007199254740993"}, "integer", "9007199254740993"),
        ({"valueUnsignedInt": 0}, "integer", "0"),
        ({"valueInstant": "2015-02-07T13:28:17.239+02:00"}, "dateTime", "2015-02-07T13:28:17.239+02:00"),
        ({"valueTime": "12:00:00"}, "time", "12:00:00"),
        ({"valueUuid": "urn:uuid:x"}, "string", "urn:uuid:x"),
    ],
)
def test_constants_of_every_kind_are_literals(value: Any, kind: str, text: str) -> None:
    read = definition.read(constant(**value)).constants["c"]
    assert (read.kind, read.value) == (kind, text)


def test_columns_come_out_in_the_order_of_the_specification() -> None:
    view = {
        "resource": "Patient",
        "select": [
            {
                "unionAll": [{"column": [{"name": "c", "path": "id"}]}],
                "select": [{"column": [{"name": "b", "path": "id"}]}],
                "column": [{"name": "a", "path": "id"}],
            },
            {"column": [{"name": "d", "path": "id"}]},
        ],
    }
    assert definition.read(view).columns == ["a", "b", "c", "d"]
