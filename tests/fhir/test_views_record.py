"""Views over the record: run at once, exported to files, made into tables; and who sees which rows."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from tests.fhir.test_export import ASYNC, Server
from tests.fhir.test_rest import BASE, Answer
from yba.fhir.access import Actor
from yba.fhir.condition import FACILITY_TAG

VITALS = {
    "resourceType": "ViewDefinition",
    "name": "vitals",
    "resource": "Observation",
    "where": [{"path": "status = 'final'"}],
    "select": [
        {
            "column": [
                {"name": "id", "path": "getResourceKey()", "type": "id"},
                {"name": "patient", "path": "subject.getReferenceKey(Patient)", "type": "id"},
                {"name": "value", "path": "value.ofType(Quantity).value", "type": "decimal"},
            ]
        },
        {
            "forEachOrNull": "component",
            "column": [{"name": "part", "path": "code.text"}, {"name": "n", "path": "%rowIndex"}],
        },
    ],
}
PEOPLE = {
    "resourceType": "ViewDefinition",
    "name": "people",
    "resource": "Patient",
    "select": [{"column": [{"name": "id", "path": "id"}, {"name": "sex", "path": "gender"}]}],
}


@pytest.fixture
def server(own_database: str, tmp_path: Path) -> Server:
    server = Server(own_database, tmp_path / "files")
    for identifier, sex in (("an", "female"), ("binh", "male")):
        server("PUT", f"/Patient/{identifier}", {"resourceType": "Patient", "id": identifier, "gender": sex})
    vital(server, "o1", "an", 80.25, facility="here")
    vital(server, "o2", "binh", 7, facility="elsewhere", parts=("sys", "dia"))
    vital(server, "o3", "an", 1, status="entered-in-error")
    # What Python sends as 80.25 had other digits at its source.
    server.connection.execute("update record.resource set content = replace(content, '80.25', '80.10')")
    return server


def vital(
    server: Server, identifier: str, patient: str, value: float, *, facility: str = "here", status: str = "final",
    parts: tuple[str, ...] = (),
) -> None:  # fmt: skip
    sent: dict[str, Any] = {
        "resourceType": "Observation", "id": identifier, "status": status, "code": {"text": "w"},
        "meta": {"tag": [{"system": FACILITY_TAG, "code": facility}]},
        "subject": {"reference": f"Patient/{patient}"}, "valueQuantity": {"value": value, "unit": "kg"},
    }  # fmt: skip
    if parts:
        sent["component"] = [{"code": {"text": one}} for one in parts]
    answer = server("PUT", f"/Observation/{identifier}", sent)
    assert answer.status == 201, answer.body


def parameters(view: Any, *more: dict[str, Any]) -> dict[str, Any]:
    given = [{"name": "viewResource", "resource": view}, *more]
    return {"resourceType": "Parameters", "parameter": given}


def ran(server: Server, view: Any, *more: dict[str, Any], token: str = "system", at: str = "") -> Answer:
    return server("POST", at or "/$viewdefinition-run", parameters(view, *more), token=token)


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return sorted({row["id"] for row in answer.json})


def test_a_view_is_run_at_once(server: Server) -> None:
    answer = ran(server, VITALS)
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "application/json"
    assert b'"value":80.10' in answer.body
    rows = sorted(answer.json, key=lambda row: (row["id"], row["n"]))
    assert [tuple(row.values()) for row in rows] == [
        ("o1", "an", 80.1, None, 0), ("o2", "binh", 7, "sys", 0), ("o2", "binh", 7, "dia", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("at", ["/ViewDefinition/$run", "/ViewDefinition/$viewdefinition-run"])
def test_the_other_names_do_the_same(server: Server, at: str) -> None:
    assert ids(ran(server, VITALS, at=at)) == ["o1", "o2"]
    assert ids(server("POST", at, VITALS)) == ["o1", "o2"]


def test_the_format_is_asked_for_by_parameter_or_accept(server: Server) -> None:
    by_name = ran(server, PEOPLE, {"name": "_format", "valueCode": "csv"})
    assert by_name.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert sorted(by_name.body.decode().split()) == ["an,female", "binh,male", "id,sex"]
    bare = ran(
        server, PEOPLE, {"name": "header", "valueBoolean": False}, at="/$viewdefinition-run?_format=csv"
    )
    assert sorted(bare.body.decode().split()) == ["an,female", "binh,male"]
    lines = server("POST", "/$viewdefinition-run", parameters(PEOPLE), accept="application/x-ndjson")
    assert sorted(json.loads(line)["id"] for line in lines.body.splitlines()) == ["an", "binh"]
    refused = ran(server, PEOPLE, {"name": "_format", "valueCode": "xml"})
    assert refused.status == 400
    assert refused.json["issue"][0]["code"] == "not-supported"


def test_parquet_at_once(server: Server, tmp_path: Path) -> None:
    answer = ran(server, PEOPLE, {"name": "_format", "valueCode": "parquet"})
    path = tmp_path / "x.parquet"
    path.write_bytes(answer.body)
    with duckdb.connect(":memory:") as database:
        assert sorted(database.execute(f"select * from '{path}'").fetchall()) == [
            ("an", "female"),
            ("binh", "male"),
        ]


def test_the_record_is_narrowed(server: Server) -> None:
    patient = {"name": "patient", "valueReference": {"reference": "Patient/an"}}
    assert ids(ran(server, VITALS, patient)) == ["o1"]
    assert ids(ran(server, PEOPLE, patient)) == ["an"]
    assert len(ran(server, PEOPLE, {"name": "_limit", "valueInteger": 1}).json) == 1
    assert ids(ran(server, PEOPLE, {"name": "_since", "valueInstant": "2100-01-01T00:00:00Z"})) == []
    member = {"entity": {"reference": "Patient/binh"}}
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": [member]}
    assert server("PUT", "/Group/g", group).status == 201
    assert ids(ran(server, VITALS, {"name": "group", "valueReference": {"reference": "Group/g"}})) == ["o2"]
    missing = ran(server, VITALS, {"name": "patient", "valueReference": {"reference": "Patient/none"}})
    assert (missing.status, missing.json["issue"][0]["code"]) == (400, "not-found")


def test_resources_that_are_sent_are_read_instead(server: Server) -> None:
    sent = {"name": "resource", "resource": {"resourceType": "Patient", "id": "x", "gender": "other"}}
    assert ran(server, PEOPLE, sent).json == [{"id": "x", "sex": "other"}]


def test_each_actor_sees_own_rows_only(server: Server) -> None:
    assert ids(ran(server, VITALS)) == ["o1", "o2"]
    assert ids(ran(server, VITALS, token="citizen")) == ["o1"]
    assert ids(ran(server, PEOPLE, token="citizen")) == ["an"]
    assert ids(ran(server, VITALS, token="doctor")) == ["o1"]
    other = {"name": "patient", "valueReference": {"reference": "Patient/binh"}}
    assert ran(server, VITALS, other, token="citizen").status == 400
    assert server("POST", "/$viewdefinition-run", parameters(VITALS), token="nobody").status == 401


@pytest.mark.parametrize(
    ("view", "status", "says"),
    [
        ({"resourceType": "ViewDefinition", "select": []}, 422, "ViewDefinition.resource"),
        ({**PEOPLE, "resource": "Patience"}, 422, "is not the name of a resource type"),
        ({**PEOPLE, "where": [{"path": "nmae.exists()"}]}, 422, "ViewDefinition.where[0].path"),
        ({**PEOPLE, "where": [{"path": "name.foo()"}]}, 400, "not offered"),
    ],
)
def test_a_bad_view_is_refused(server: Server, view: Any, status: int, says: str) -> None:
    answer = ran(server, view)
    assert answer.status == status
    assert says in answer.json["issue"][0]["diagnostics"]
    assert "from record" not in answer.body.decode()


def test_parameters_that_are_wrong_are_refused(server: Server) -> None:
    assert server("POST", "/$viewdefinition-run", {"resourceType": "Parameters"}).status == 400
    assert ran(server, PEOPLE, {"name": "source", "valueString": "s3://x"}).status == 400
    assert ran(server, PEOPLE, {"name": "other", "valueString": "x"}).status == 400
    stored = {"name": "viewReference", "valueReference": {"reference": "ViewDefinition/x"}}
    assert (
        server("POST", "/$viewdefinition-run", {"resourceType": "Parameters", "parameter": [stored]}).status
        == 400
    )
    assert server("GET", "/ViewDefinition").status == 404


def test_values_that_do_not_fit_are_told_without_sql(server: Server) -> None:
    two = {"resourceType": "Patient", "id": "two", "name": [{"family": "a"}, {"family": "b"}]}
    assert server("PUT", "/Patient/two", two).status == 201
    view = {**PEOPLE, "select": [{"column": [{"name": "f", "path": "name.family"}]}]}
    answer = ran(server, view)
    assert answer.status == 422
    assert "several values" in answer.json["issue"][0]["diagnostics"]
    assert b"select" not in answer.body.lower()


# -- export --------------------------------------------------------------------------------------------------


def exporting(*views: Any, form: str = "csv") -> dict[str, Any]:
    given: list[dict[str, Any]] = [{"name": "_format", "valueCode": form}]
    given += [{"name": "view", "part": [{"name": "viewResource", "resource": one}]} for one in views]
    return {"resourceType": "Parameters", "parameter": given}


def exported(server: Server, body: Any, token: str = "system") -> dict[str, bytes]:
    begun = server("POST", "/ViewDefinition/$viewdefinition-export", body, token=token, **ASYNC)
    assert begun.status == 202, begun.body
    place = begun.headers["Content-Location"].removeprefix(BASE)
    assert server("GET", place, token=token).status == 202
    assert server.work() == 1
    done = server("GET", place, token=token)
    assert done.status == 200, done.body
    files = {}
    for one in done.json["parameter"]:
        if one["name"] == "output":
            parts = {part["name"]: part for part in one["part"]}
            address = parts["location"]["valueUri"].removeprefix(BASE)
            files[parts["name"]["valueString"]] = server("GET", address, token=token).body
    return files


def test_views_are_exported_as_csv(server: Server) -> None:
    files = exported(server, exporting(VITALS, PEOPLE))
    assert set(files) == {"vitals", "people"}
    rows = sorted(csv.reader(io.StringIO(files["vitals"].decode())))
    assert rows == [
        ["id", "patient", "value", "part", "n"],
        ["o1", "an", "80.10", "", "0"], ["o2", "binh", "7", "dia", "1"], ["o2", "binh", "7", "sys", "0"],
    ]  # fmt: skip


def test_views_are_exported_as_parquet(server: Server, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(exported(server, exporting(VITALS, form="parquet"))["vitals"])
    with duckdb.connect(":memory:") as database:
        rows = database.execute(f"select id, value, n from '{tmp_path}/x.parquet' order by id, n").fetchall()
    assert rows == [("o1", "80.10", 0), ("o2", "7", 0), ("o2", "7", 1)]


def test_an_export_holds_what_its_actor_sees(server: Server) -> None:
    assert b"o2" not in exported(server, exporting(VITALS), token="doctor")["vitals"]
    refused = server("POST", "/$viewdefinition-export", exporting(PEOPLE), token="citizen", **ASYNC)
    assert (refused.status, refused.key) == (403, "access.export")


def test_an_export_is_another_actors_secret_and_can_be_ended(server: Server) -> None:
    begun = server("POST", "/$viewdefinition-export", exporting(PEOPLE), **ASYNC)
    place = begun.headers["Content-Location"].removeprefix(BASE)
    assert server("GET", place, token="doctor").status == 404
    assert server("DELETE", place).status == 202
    assert server("GET", place).status == 404


def test_an_export_is_refused_at_once_when_a_view_is_bad(server: Server) -> None:
    bad = {**PEOPLE, "where": [{"path": "nmae.exists()"}]}
    assert server("POST", "/$viewdefinition-export", exporting(bad), **ASYNC).status == 422
    assert server("POST", "/$viewdefinition-export", exporting(PEOPLE)).status == 400
    assert server("POST", "/$viewdefinition-export", exporting(PEOPLE, PEOPLE), **ASYNC).status == 400


# -- tables --------------------------------------------------------------------------------------------------


def making(view: Any, target: str = "vitals") -> dict[str, Any]:
    given: list[dict[str, Any]] = [
        {"name": "targetName", "valueString": target},
        {"name": "updatePolicy", "valueCode": "manual"},
        {"name": "view", "part": [{"name": "viewResource", "resource": view}]},
    ]
    return {"resourceType": "Parameters", "parameter": given}


def test_a_view_is_made_into_a_table_and_made_anew(server: Server) -> None:
    for count in (3, 4):
        begun = server("POST", "/ViewDefinition/$materialize", making(VITALS), **ASYNC)
        assert begun.status == 202, begun.body
        server.work()
        place = begun.headers["Content-Location"].removeprefix(BASE)
        assert {"name": "rows", "valueInteger": count} in server("GET", place).json["parameter"]
        found = server.connection.execute(
            "select id, value::text, part, n from views.vitals order by id, n"
        ).fetchall()
        assert found[:3] == [("o1", "80.10", None, 0), ("o2", "7", "sys", 0), ("o2", "7", "dia", 1)]
        assert len(found) == count
        if count == 3:
            vital(server, "o4", "an", 2)
    kinds = server.connection.execute(
        "select data_type from information_schema.columns where table_schema = 'views' order by ordinal_position"
    ).fetchall()
    assert [row[0] for row in kinds] == ["text", "text", "numeric", "text", "integer"]
    assert server("POST", "/$materialize", making(PEOPLE), **ASYNC).status == 409


def test_only_the_operator_makes_tables(server: Server) -> None:
    assert server("POST", "/$materialize", making(VITALS), token="doctor", **ASYNC).status == 403
    assert server("POST", "/$materialize", making(VITALS, "a; drop table x"), **ASYNC).status == 400


def test_the_plan_reads_the_type_by_its_index(connection: psycopg.Connection[Any]) -> None:
    """The rows of an actor of one facility are not found by reading every other."""
    from yba.fhir.views import definition, stored

    doctor = Actor(user="d", role="citizen", persons=frozenset({"an"}), person="an")
    asked = stored.question(definition.read(VITALS), doctor, stored.Narrowed(("an",)))
    connection.execute(
        "insert into record.resource (shard, rid, type, id, version, updated, patient, content)"
        " select 1, nextval('record.rid'), 'Observation', 'plan-' || n, 1, now(), 'plan-' || n / 10, '{}'"
        " from generate_series(1, 5000) n"
    )
    connection.execute("analyze record.resource")  # an empty table has no best plan
    plan = psycopg.ClientCursor(connection).execute("explain " + asked.sql, asked.params).fetchall()  # type: ignore[arg-type]  # composed text
    assert "resource_chart" in "\n".join(row[0] for row in plan)
