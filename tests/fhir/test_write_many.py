"""Many writes at once leave the very rows that one by one leave."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.spec import published
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM
from yba.fhir.model import codec
from yba.fhir.r4.datatypes import Resource
from yba.fhir.store.rows import execute
from yba.fhir.store.write import INDEX_TABLES

MOMENT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
AWKWARD = "Đau\tđầu\nhai\\N ngày \\ \r\n\\N"


def rows(connection: psycopg.Connection[Any], prefix: str) -> dict[str, list[str]]:
    """Every row of every table for ids that begin with the prefix, without what numbers alone tell apart."""
    found = {}
    for table in ("resource", "version"):
        query = f"select to_jsonb(x) - 'rid' - 'shard' from record.{table} x where id like %s"
        found[table] = execute(connection, query, (prefix + "%",)).fetchall()
    for table in INDEX_TABLES:
        query = (  # a row's own id stands for its number
            f"select r.id, r.version, to_jsonb(x) - 'rid' - 'shard' from record.{table} x"
            " join record.resource r on r.rid = x.rid and r.shard = x.shard where r.id like %s"
        )
        found[table] = execute(connection, query, (prefix + "%",)).fetchall()
    for table in ("audit", "outbox"):
        query = f"select to_jsonb(x) - 'seq' - 'shard' from record.{table} x where id like %s"
        found[table] = execute(connection, query, (prefix + "%",)).fetchall()
    return {table: sorted(str(one).replace(prefix, "x-") for one in every) for table, every in found.items()}


def examples() -> list[dict[str, Any]]:
    folder = published.folder("fhir-r4-examples")
    found = []
    for number, path in enumerate(sorted(folder.rglob("*.json"))):
        resource = json.loads(path.read_text(), parse_float=str)
        if resource["resourceType"] == "AuditEvent":  # nobody keeps one under an id of their own
            continue
        if number % 8 == 0 and resource["resourceType"] != "Bundle":
            found.append(json.loads(path.read_text()))
    return found


def put_all(record: fhir.Record, prefix: str, resources: list[dict[str, Any]]) -> None:
    for number, resource in enumerate(resources):
        body = {**resource, "id": f"{prefix}{number}"}
        body.pop("text", None)
        record.update(codec.decode(json.dumps(body).encode(), None))


def test_the_rows_are_those_of_single_writes(connection: psycopg.Connection[Any]) -> None:
    record = fhir.open(connection, actor=SYSTEM, clock=lambda: MOMENT)
    resources = examples()
    resources.append({"resourceType": "Observation", "status": "final", "code": {"text": AWKWARD}})
    resources.append({"resourceType": "Observation", "status": "final", "code": {"text": "\\N"}})
    assert len(resources) > 40
    put_all(record, "w1zq-", resources)
    with record.atomic(), record.together():
        put_all(record, "w2zq-", resources)
    single = rows(connection, "w1zq-")
    assert {table: len(found) > 0 for table, found in single.items() if table != "position"}
    for table, found in rows(connection, "w2zq-").items():
        assert found == single[table], table
    # once more over the known rows, with other content
    changed = [{**one, "language": "vi"} for one in resources]
    put_all(record, "w1zq-", changed)
    with record.atomic(), record.together():
        put_all(record, "w2zq-", changed)
    again = rows(connection, "w1zq-")
    assert again["resource"] != single["resource"]
    assert rows(connection, "w2zq-") == again


def test_a_read_finds_what_waits(connection: psycopg.Connection[Any]) -> None:
    record = fhir.open(connection, actor=SYSTEM)
    with record.atomic(), record.together():
        made = record.create(
            codec.decode(b'{"resourceType":"Patient","name":[{"family":"L\\u00ea"}]}', "Patient")
        )
        assert made.id is not None
        assert [one.id for one in record.search("Patient", [("family", "le")]).matches] == [made.id]
        record.update(made)
        assert record.read("Patient", made.id).meta.versionId == "2"  # type: ignore[union-attr]  # it has been stored
        record.delete("Patient", made.id)
    with pytest.raises(fhir.errors.Gone):
        record.read("Patient", made.id)


def _write_and_fail(record: fhir.Record, identifier: str) -> None:
    with record.atomic(), record.together():
        record.update(
            codec.decode(json.dumps({"resourceType": "Patient", "id": identifier}).encode(), "Patient")
        )
        raise ZeroDivisionError


def test_nothing_stays_of_what_fails(connection: psycopg.Connection[Any]) -> None:
    record = fhir.open(connection, actor=SYSTEM)
    with pytest.raises(ZeroDivisionError):
        _write_and_fail(record, "gone")
    assert rows(connection, "gone")["resource"] == []
    with record.atomic(), record.together():
        with pytest.raises(ZeroDivisionError):
            _write_and_fail(record, "inner")
        record.update(codec.decode(b'{"resourceType":"Patient","id":"outer"}', "Patient"))
    assert rows(connection, "inner")["resource"] == []
    assert len(rows(connection, "outer")["resource"]) == 1


@pytest.mark.parametrize("integrity", [False, True])
def test_what_a_rule_wrote_before_it_refused_is_taken_back(
    connection: psycopg.Connection[Any], integrity: bool
) -> None:
    def refuses(record: fhir.Record, before: Resource | None, after: Resource | None) -> None:
        record.create(codec.decode(b'{"resourceType":"Basic","id":"x","code":{"text":"half"}}', "Basic"))
        if after is not None and after.id == "no":
            raise errors.Invalid("test.no", "No.")

    record = fhir.open(connection, actor=SYSTEM, guards={"Patient": [refuses]}, integrity=integrity)
    sent = [
        codec.decode(b'{"resourceType":"Patient","id":"%b"}' % name, "Patient") for name in (b"no", b"yes")
    ]
    with record.atomic():
        refused, stored = record.put_all(sent)
    assert isinstance(refused, errors.Invalid)
    assert not isinstance(stored, errors.RecordError)
    assert record.count("Basic") == 1
    assert record.count("Patient") == 1
