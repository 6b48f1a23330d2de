"""House rule 22: the record's tables can be distributed by shard, and hot statements name it or search across persons.

What follows for an installation of several machines is in docs/explanation/scale.md.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.work import Sent, statements_sent
from yba import fhir
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.model import codec
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.patient import Patient
from yba.fhir.store import contained, identity, read, unindexing, write, write_joined, write_many

#: Rows of one person (or of one thing that is no person's) lie together: distributed by `shard`.
DISTRIBUTED = {
    "resource", "version", "outbox", "token", "reference", "string", "date", "number", "uri", "composite", "position",
    "text", "contained", "standing",
}  # fmt: skip
#: Kept whole, each with its reason.
WHOLE = {
    "audit": "appended only and without a key; read by person, actor or time, so distributed by time, not by shard",
    "audit_seal": "one chain over all of the audit, beside it",
    "audit_reader": "one row for each who reads the audit in its order, beside it",
    "audit_alert": "some rows a day that auditors look at, over all persons",
    "job": "a queue of some hundred rows: one place to claim them",
    "search_state": "one row",
    "search_parameter": "some rows that every write reads: a copy on each machine",
    "subscription": "some rows that the one who tells reads: who is told is nobody's chart",
    "subscription_event": "in the order of one subscription, over all persons",
    "code_system": "the same for everybody: a copy on each machine",
    "concept": "the same for everybody: a copy on each machine",
    "concept_parent": "the same for everybody: a copy on each machine",
    "view_table": "some rows: which tables were made of views",
}


def rows(connection: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def test_every_table_is_distributed_or_kept_whole_for_a_reason(connection: psycopg.Connection[Any]) -> None:
    found = {
        row[0] for row in rows(connection, "select tablename from pg_tables where schemaname = 'record'")
    }
    assert found == DISTRIBUTED | WHOLE.keys()
    assert DISTRIBUTED & WHOLE.keys() == set()
    assert all(WHOLE.values())


def test_every_row_that_is_distributed_carries_its_shard(connection: psycopg.Connection[Any]) -> None:
    query = """
        select table_name from information_schema.columns
         where table_schema = 'record' and column_name = 'shard' and is_nullable = 'NO' and data_type = 'smallint'"""
    assert {row[0] for row in rows(connection, query)} >= DISTRIBUTED


def test_every_unique_key_carries_the_shard(connection: psycopg.Connection[Any]) -> None:
    query = """
        select c.relname, i.indexrelid::regclass::text, array_agg(a.attname::text)
          from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
          join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
         where n.nspname = 'record' and i.indisunique group by 1, 2"""
    keys = {index: columns for table, index, columns in rows(connection, query) if table in DISTRIBUTED}
    assert {index for index, columns in keys.items() if "shard" not in columns} == set()
    assert {
        "record.resource_pk",
        "record.resource_rid",
        "record.version_pk",
        "record.outbox_pk",
    } <= keys.keys()


def test_nothing_points_from_one_distributed_table_to_another(connection: psycopg.Connection[Any]) -> None:
    query = (
        "select conrelid::regclass::text, confrelid::regclass::text from pg_constraint where contype = 'f'"
    )
    names = {name for row in rows(connection, query) for name in row if name.startswith("record.")}
    assert names & {f"record.{table}" for table in DISTRIBUTED} == set()
    query = """
        select c.relname from pg_trigger t join pg_class c on c.oid = t.tgrelid
          join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'record' and not tgisinternal"""
    assert {row[0] for row in rows(connection, query)} & DISTRIBUTED == set()


def test_every_statement_of_a_write_names_the_shard() -> None:
    tables = tuple(write.INDEX_TABLES)
    for text in (
        write._statement(new=True, tables=tables),
        write_joined.statement(tables),
        write._statement(new=False, tables=tables),
        write._statement(new=False, moved=True, tables=tables),
        write_many._UPDATE,
        write_many._LEAVE,
        unindexing.statement(some=False),
        unindexing.statement(some=True),
        contained._FORGET,
    ):
        for part in re.split(r"(?=\b(?:insert into|update|delete from) record\.)", text):
            found = re.match(r"(?:insert into|update|delete from) record\.(\w+)", part)
            if found is not None and found.group(1) in DISTRIBUTED:
                assert re.search(r"\bshard\b", part), part
    for columns in (write_many._RESOURCE, write_many._VERSION, write_many._OUTBOX):
        assert "shard" in columns


def of_rows(heard: Sent) -> Sent:
    """The statements that touch a distributed table."""
    tables = "|".join(DISTRIBUTED)
    return [one for one in heard if re.search(rf"\brecord\.(?:unwalled_)?(?:{tables})\b", one[0])]


@pytest.fixture
def person(connection: psycopg.Connection[Any]) -> fhir.Record:
    return fhir.open(connection, actor=SYSTEM)


def observed(patient: str) -> Observation:
    tree = {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": f"Patient/{patient}"},
    }  # fmt: skip
    return codec.decode_as(json.dumps(tree).encode(), Observation)


def test_a_row_lies_with_its_person_and_its_id_says_so(person: fhir.Record) -> None:
    patient = person.create(Patient(active=True))
    assert patient.id is not None
    made = person.create(observed(patient.id))
    assert made.id is not None
    assert identity.carried_by(made.id) == identity.carried_by(patient.id) == identity.shard_of(patient.id)
    found = person.connection.execute("select distinct shard from record.resource").fetchall()
    assert found == [(identity.shard_of(patient.id),)]
    assert identity.carried_by("a-client's-own") is None


def test_reads_and_writes_by_a_server_given_id_ask_one_shard(person: fhir.Record) -> None:
    patient = person.create(Patient(active=True))
    assert patient.id is not None
    made = person.create(observed(patient.id))
    assert made.id is not None
    shard = identity.shard_of(patient.id)
    with statements_sent() as heard:
        person.read(Observation, made.id)
        person.update(made)
        person.create(observed(patient.id))
        person.delete(Observation, made.id)
    statements = of_rows(heard)
    assert len(statements) >= 6
    for text, params in statements:
        assert re.search(r"\bshard = %\(|\(shard, ", text), text
        assert shard in (params["shard"], params.get("old_shard")), params


def test_doors_are_held_on_the_same_shard(person: fhir.Record) -> None:
    """The condition of an actor on a read speaks of the row, or of visits of the same person, who lie there too."""
    patient = person.create(Patient(active=True))
    assert patient.id is not None
    for actor in (
        Actor(user="c", role="citizen", persons=frozenset({patient.id}), person=patient.id),
        Actor(user="d", role="doctor", facility="f"),
    ):
        with statements_sent() as heard:
            found = read.current(
                person.connection,
                "Patient",
                patient.id,
                condition=fhir.access.policy.condition(actor, "Patient"),
            )
        assert "r.shard = %(shard)s" in of_rows(heard)[0][0]
        asked = " ".join(text for text, _ in of_rows(heard))
        of_the_person = re.findall(r"record\.standing (\w) where \1\.patient = r\.patient", asked)
        assert len(of_the_person) == asked.count("record.standing")
        assert bool(of_the_person) == (actor.role == "doctor")  # a citizen's own row needs no standing
        assert (found is not None) == (actor.role == "citizen")


def test_what_was_put_right_to_another_person_is_found(person: fhir.Record) -> None:
    """Its id says the shard it was made for; it lies with the person it belongs to now."""
    first, second = (person.create(Patient(active=True)) for _ in range(2))
    assert first.id is not None
    assert second.id is not None
    made = person.create(observed(first.id))
    assert made.id is not None
    moved = observed(second.id)
    moved.id = made.id
    person.update(moved)
    assert person.read(Observation, made.id).subject == moved.subject
    shards = person.connection.execute(
        "select shard from record.resource where type = 'Observation' union all select shard from record.token"
        " where rid in (select rid from record.resource where type = 'Observation')"
    ).fetchall()
    assert {row[0] for row in shards} == {identity.shard_of(second.id)}
    person.update(moved)
    person.delete(Observation, made.id)
    with pytest.raises(fhir.errors.Gone):
        person.read(Observation, made.id)


def test_a_bundle_puts_right_to_another_person_as_one_write_does(person: fhir.Record) -> None:
    first, second = (person.create(Patient(active=True)) for _ in range(2))
    made = [person.create(observed(str(first.id))) for _ in range(2)]
    for one in made:
        one.subject = observed(str(second.id)).subject
    kept = person.create(observed(str(second.id)))
    with person.atomic(), person.together():
        person.put_all([*made, kept])
    found = person.connection.execute(
        "select r.id, r.shard, r.version,"
        " (select count(*) from record.token x where x.shard = r.shard and x.rid = r.rid),"
        " (select count(*) from record.token x where x.rid = r.rid) from record.resource r where r.type = 'Observation'"
    ).fetchall()
    place = identity.shard_of(str(second.id))
    assert {row[0]: row[1:3] for row in found} == {str(one.id): (place, 2) for one in (*made, kept)}
    assert all(there == every > 0 for *_, there, every in found)


def test_a_search_of_a_chart_asks_one_shard(person: fhir.Record) -> None:
    """Whether the record or a client gave the person's id; a condition on index rows asks the same shard."""
    person.update(codec.decode_as(b'{"resourceType":"Patient","id":"a-client-s-own"}', Patient))
    made = person.create(Patient(active=True))
    for identifier in ("a-client-s-own", str(made.id)):
        person.create(observed(identifier))
        with statements_sent() as heard:
            assert len(person.find(Observation, ("patient", identifier), ("status", "final"))) == 1
        assert of_rows(heard) != []
        for text, params in of_rows(heard):
            assert "(r.shard = %(" in text
            assert "x.shard = r.shard and x.rid = r.rid" in text
            assert identity.shard_of(identifier) in params.values()


def test_no_write_takes_a_row_to_another_shard() -> None:
    """Citus has no such update: a row that moves is deleted and inserted."""
    for path in Path(fhir.__file__).parent.rglob("*.py"):
        for found in re.finditer(
            r"update record\.\w+(?: \w+)?\s+set (.*?)(?: where |\n where|\"\"\")", path.read_text(), re.S
        ):
            assert not re.search(r"\bshard\s*=", found[1].split(" from ")[0]), path


def test_index_rows_are_joined_by_row_and_shard() -> None:
    source = Path(fhir.__file__).parent
    alone = re.compile(r"\b\w+\.rid (?:= \w+\.(?:rid|container)\b|in \(select)")
    rid, shard = r"\w+\.rid = \w+\.(?:rid|container)", r"\w+\.shard = \w+\.shard"
    named = re.compile(rf"{rid} and {shard}|{shard} and {rid}")
    found = set()
    for path in source.rglob("*.py"):
        if alone.search(named.sub("", path.read_text(encoding="utf-8"))):
            found.add(path.relative_to(source).as_posix())
    assert found == set()
