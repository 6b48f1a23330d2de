"""A store of the first release opens under this one: migrated while others write, and the same as a fresh one.

`upgrade/0001_rows.sql` holds rows as the first release's own statements wrote them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.wholeness import halves, misindexed
from yba import fhir
from yba.fhir import jobs
from yba.fhir.access import SYSTEM
from yba.fhir.r4.patient import Patient
from yba.fhir.search.parameters import param_number
from yba.fhir.store import migrate, parameters, reindex
from yba.fhir.store.migrate import files

OLD = Path(__file__).with_name("upgrade") / "0001_rows.sql"
MANY = 60_000
#: How the first release made a row, without the index rows that do not matter here.
OLD_WRITE = """
with r as (
    insert into record.resource (shard, rid, type, id, version, updated, content)
    values (%(shard)s, nextval('record.rid'), 'Patient', %(id)s, 1, now(), %(content)s) returning rid),
v as (
    insert into record.version (shard, type, id, version, updated, method, actor, rid, content)
    select %(shard)s, 'Patient', %(id)s, 1, now(), 'PUT', 'system', r.rid, %(content)s from r),
s as (
    insert into record.string (shard, rid, param, folded, exact)
    select %(shard)s, r.rid, %(name)s, %(folded)s, %(folded)s from r),
n as (
    insert into record.reference (shard, rid, param, target_type, target_id)
    select %(shard)s, r.rid, 1, 'Organization', 'old-hospital' from r),
a as (
    insert into record.audit (at, actor, role, act, type, id, version)
    values (now(), 'system', 'system', 'update', 'Patient', %(id)s, 1))
insert into record.outbox (at, method, type, id, version, shard) values (now(), 'PUT', 'Patient', %(id)s, 1, %(shard)s)
"""


def begin(conninfo: str) -> None:
    """The schema of migration 0001 with the rows of its release."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(
            "create table public.record_migration (name text primary key, applied timestamptz not null default now())"
        )
        name, text = next(files())
        assert name == "0001_ground"
        connection.execute(text.encode())
        connection.execute("insert into public.record_migration (name) values (%s)", (name,))
        connection.execute(OLD.read_bytes())


@pytest.fixture
def old_database(databases: Any) -> Iterator[str]:
    name = databases.new()
    begin(databases.conninfo(name))
    yield databases.conninfo(name)
    databases.drop(name)


class Writer(threading.Thread):
    """Goes on writing: as the old release does until told, then through the new code."""

    def __init__(self, conninfo: str) -> None:
        super().__init__()
        self.conninfo = conninfo
        self.migrated = threading.Event()
        self.enough = threading.Event()
        self.old: list[str] = []
        self.new: list[str] = []
        self.problem: BaseException | None = None

    def run(self) -> None:
        try:
            with psycopg.connect(self.conninfo, autocommit=True) as connection:
                while not self.enough.is_set():
                    if self.migrated.is_set():
                        self._write_new(connection)
                    else:
                        self._write_old(connection)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.problem = error

    def _write_old(self, connection: psycopg.Connection[Any]) -> None:
        identifier = f"before-{len(self.old)}"
        name = f"người trước {len(self.old):05}"
        content = f'{{"resourceType":"Patient","id":"{identifier}","name":[{{"text":"{name}"}}]}}'
        connection.execute(
            OLD_WRITE,
            {"shard": fhir.store.identity.shard_of(identifier), "id": identifier, "content": content,
             "name": param_number("Patient", "name"), "folded": f"nguoi truoc {len(self.old):05}"},
        )  # fmt: skip
        self.old.append(identifier)

    def _write_new(self, connection: psycopg.Connection[Any]) -> None:
        record = fhir.open(connection, actor=SYSTEM)
        record.update(Patient(id=f"after-{len(self.new)}", active=True))
        self.new.append(f"after-{len(self.new)}")


def until(so: Callable[[], bool], *writers: Writer) -> None:
    """Wait for something; fail at once where a writer has met a problem."""
    for _turn in range(6000):
        assert [one.problem for one in writers] == [None] * len(writers)
        if so():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about within a minute")


def is_waited_for(connection: psycopg.Connection[Any]) -> bool:
    """Whether somebody waits to have a table alone, and everybody else behind them."""
    ((waits,),) = connection.execute(
        "select exists(select from pg_locks where not granted and mode = 'AccessExclusiveLock'"
        " and database = (select oid from pg_database where datname = current_database()))"
    ).fetchall()
    return bool(waits)


def places(conninfo: str) -> dict[str, int]:
    """Where the rows of each large table of the first release lie: a table that is written anew lies elsewhere."""
    with psycopg.connect(conninfo) as connection:
        found = connection.execute(
            "select name, pg_relation_filenode('record.' || name)"
            " from unnest(array['resource', 'version', 'string', 'reference', 'audit', 'outbox']) name"
        ).fetchall()
    return dict(found)


def ids(record: fhir.Record, type_name: str, *params: tuple[str, str]) -> list[str]:
    page = record.search(type_name, [*params, ("_count", "1000")])
    return sorted(one.id or "" for one in page.matches)


def test_a_store_of_the_first_release_is_migrated_while_others_write(old_database: str) -> None:
    with psycopg.connect(old_database, autocommit=True) as connection:
        connection.execute(
            "insert into record.string (shard, rid, param, folded, exact)"
            " select 1, 1, 7, 'x' || n, 'x' || n from generate_series(1, %s) n",
            (MANY,),
        )
        connection.execute(
            "insert into record.outbox (at, method, type, id, version, shard)"
            " select now(), 'PUT', 'Basic', 'b' || n, 1, 1 from generate_series(1, %s) n",
            (MANY,),
        )
    writers = [Writer(old_database)]
    for one in writers:
        one.start()
    until(lambda: all(len(one.old) > 20 for one in writers), *writers)
    before_it = places(old_database)
    with psycopg.connect(old_database) as connection:
        applied = migrate(connection)
        assert applied == [name for name, _ in files()][1:]
        assert migrate(connection) == []
    assert (
        places(old_database) == before_it
    )  # none was locked for as long as its rows take to be written again
    for one in writers:
        before = len(one.old)
        one.migrated.set()
    until(lambda: all(len(one.new) > 20 for one in writers), *writers)
    for one in writers:
        one.enough.set()
        one.join(30)
        assert one.problem is None
        assert len(one.old) >= before > 20

    with psycopg.connect(old_database, autocommit=True) as connection:
        record = fhir.open(connection, actor=SYSTEM)
        # At once: what the old rows already answer.
        assert record.read(Patient, "old-1").name[0].text == "Nguyễn Văn Một"
        assert ids(record, "Patient", ("name", "nguyen van")) == ["old-1", "old-2", "old-3"]
        assert ids(record, "Patient", ("identifier", "https://example.vn/old|2")) == ["old-2"]
        assert ids(record, "Observation", ("patient", "old-2")) == ["old-o1", "old-o4"]
        assert ids(record, "Observation", ("value-quantity", "150|http://unitsofmeasure.org|mg")) == [
            "old-o1"
        ]
        assert ids(record, "Patient", ("name", "nguoi truoc 00007")) == ["before-7"]
        history = record.history_stored("Observation", "old-o1")
        assert [one.version for _, one in history] == [2, 1]
        # After the rows are made anew: all that this release can be asked.
        connection.execute("delete from record.string where rid = 1 and param = 7")
        assert reindex.due(connection, datetime.now(UTC)) is not None
        assert (
            jobs.drain(lambda: psycopg.connect(old_database, autocommit=True), {parameters.KIND: reindex.run})
            == 1
        )
        assert reindex.due(connection, datetime.now(UTC)) is None
        assert ids(record, "Observation", ("value-quantity", "0.15|http://unitsofmeasure.org|g")) == [
            "old-o1"
        ]
        assert ids(record, "Observation", ("code-value-quantity", "2345-7$gt250")) == ["old-o3", "old-o4"]
        assert ids(record, "Location", ("near", "21.0|105.8|1|km")) == ["old-l"]
        assert ids(record, "Organization", ("_content", "cũ")) == ["old-hospital"]
        some = writers[0].old[:50]
        assert ids(record, "Patient", ("_id", ",".join(some))) == sorted(some)
        assert halves(connection) == []
        assert misindexed(connection) == []


_CATALOGUE = {
    "columns": """
        select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname,
               a.attidentity::text, pg_get_expr(d.adbin, d.adrelid)
          from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
          left join pg_collation l on l.oid = a.attcollation
          left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where n.nspname = 'record' and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'S')""",
    "indexes": "select tablename, indexname, indexdef from pg_indexes where schemaname = 'record'",
    "validity": """
        select c.relname, i.indisvalid, i.indisready from pg_index i join pg_class c on c.oid = i.indexrelid
          join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'record'""",
    "constraints": """
        select conrelid::regclass::text, conname, pg_get_constraintdef(o.oid) from pg_constraint o
          join pg_namespace n on n.oid = o.connamespace where n.nspname = 'record'""",
    "functions": """
        select p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid)) from pg_proc p
          join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'record'""",
    "triggers": """
        select tgrelid::regclass::text, tgname, pg_get_triggerdef(t.oid) from pg_trigger t
          join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'record' and not tgisinternal""",
    "statistics": "select stxname, pg_get_statisticsobjdef(oid) from pg_statistic_ext",
    "migrations": "select name from public.record_migration",
}


def catalogue(conninfo: str) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(conninfo) as connection:
        connection.execute("set search_path = ''")
        return {
            name: sorted(connection.execute(query.encode()).fetchall(), key=repr)
            for name, query in _CATALOGUE.items()
        }


def test_a_fresh_schema_and_a_migrated_one_are_equal(old_database: str, databases: Any) -> None:
    with psycopg.connect(old_database) as connection:
        migrate(connection)
    fresh = databases.new()
    with psycopg.connect(databases.conninfo(fresh)) as connection:
        migrate(connection)
    inside = databases.new()
    with psycopg.connect(databases.conninfo(inside)) as connection:
        connection.execute("select 1")  # in the caller's transaction
        migrate(connection)
    expected = catalogue(databases.conninfo(fresh))
    assert catalogue(old_database) == expected
    assert catalogue(databases.conninfo(inside)) == expected
    assert len(expected["columns"]) > 100
    databases.drop(fresh)
    databases.drop(inside)


def test_what_was_cut_short_is_done_again(databases: Any) -> None:
    """Every file with statements of its own can be run once more over what it has made."""
    fresh = databases.new()
    conninfo = databases.conninfo(fresh)
    with psycopg.connect(conninfo) as connection:
        migrate(connection)
    expected = catalogue(conninfo)
    again = [name for name, text in files() if text.startswith("-- concurrently")]
    assert len(again) >= 2
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("delete from public.record_migration where name = any(%s)", (again,))
        assert migrate(connection) == again
    assert catalogue(conninfo) == expected
    databases.drop(fresh)


def test_several_processes_migrate_at_once(databases: Any) -> None:
    name = databases.new()
    applied: list[list[str]] = []

    def work() -> None:
        with psycopg.connect(databases.conninfo(name)) as connection:
            applied.append(migrate(connection))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
        assert not one.is_alive()
    assert sorted(map(len, applied)) == [0, 0, 0, len(list(files()))]
    databases.drop(name)


def test_a_migration_gives_way_to_a_long_reader(old_database: str) -> None:
    """It waits for its lock in short turns: who writes meanwhile does not queue behind it for long."""
    writer = Writer(old_database)
    with psycopg.connect(old_database) as reader:
        reader.execute("select count(*) from record.reference")
        done = threading.Event()

        def work() -> None:
            with psycopg.connect(old_database) as connection:
                migrate(connection)
            done.set()

        migrating = threading.Thread(target=work)
        migrating.start()
        writer.start()
        with psycopg.connect(old_database, autocommit=True) as looking:
            for _turn in range(2):  # it comes to wait again, and each time lets the writer by
                until(lambda: is_waited_for(looking), writer)
                written = len(writer.old)
                until(lambda more=written + 5: len(writer.old) > more, writer)  # type: ignore[misc]
        assert not done.is_set()
        reader.rollback()
    migrating.join(60)
    assert done.is_set()
    writer.enough.set()
    writer.join(30)
    assert writer.problem is None
