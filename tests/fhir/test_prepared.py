"""Statements sent straight to libpq: the same rows and the same errors as by psycopg's cursor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.conftest import Databases
from yba.fhir.store import prepared
from yba.fhir.store.prepared import returns_row

_INSERT = (
    "with x as (insert into kept (id, word, at, number) select %(id)s::text, %(word)s, %(at)s::timestamptz,"
    " %(number)s::integer where %(number)s::integer > 0 returning id) select id from x"
)
AT = datetime(2026, 5, 4, 3, 2, 1, 123000, UTC)


@pytest.fixture
def own(databases: Databases, test_database: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection like those of the web: each statement its own transaction, prepared when it comes again."""
    with psycopg.connect(databases.conninfo(test_database), autocommit=True, prepare_threshold=2) as opened:
        opened.execute(
            "create temporary table kept (id text primary key, word text, at timestamptz, number int)"
        )
        yield opened


def stored(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute("select id, word, at, number from kept order by id").fetchall()


def by_hand(connection: psycopg.Connection[Any]) -> int:
    """How many statements are prepared under names of ours."""
    row = connection.execute("select count(*) from pg_prepared_statements where name like 'yba%'").fetchone()
    assert row is not None
    return int(row[0])


def put(
    connection: psycopg.Connection[Any], identifier: str, number: int = 7, word: str | None = "Đức"
) -> bool:
    return returns_row(connection, _INSERT, {"id": identifier, "word": word, "at": AT, "number": number})


def test_the_second_execution_goes_straight_and_stores_the_same(own: psycopg.Connection[Any]) -> None:
    assert put(own, "a")
    assert by_hand(own) == 0
    assert put(own, "b")
    assert put(own, "c", word=None)
    assert by_hand(own) == 1
    assert stored(own) == [("a", "Đức", AT, 7), ("b", "Đức", AT, 7), ("c", None, AT, 7)]


def test_it_says_whether_a_row_came(own: psycopg.Connection[Any]) -> None:
    put(own, "a")
    assert not put(own, "b", number=-1)
    assert put(own, "c", number=2_000_000_000)
    assert [row[0] for row in stored(own)] == ["a", "c"]


def test_a_key_that_is_taken_is_the_same_error(own: psycopg.Connection[Any]) -> None:
    put(own, "a")
    with pytest.raises(psycopg.errors.UniqueViolation):
        put(own, "a")
    assert put(own, "b")


def test_text_that_would_be_cut_is_refused(own: psycopg.Connection[Any]) -> None:
    put(own, "a")
    with pytest.raises(psycopg.DataError):
        put(own, "b", word="x\0y")
    assert [row[0] for row in stored(own)] == ["a"]


def test_inside_a_transaction_the_cursor_does_it(own: psycopg.Connection[Any]) -> None:
    put(own, "a")
    with own.transaction():
        put(own, "b")
        with own.transaction(force_rollback=True):
            put(own, "c")
    with own.transaction(force_rollback=True):
        put(own, "d")
    assert [row[0] for row in stored(own)] == ["a", "b"]
    assert by_hand(own) == 0


def test_a_transaction_that_has_failed_says_so(own: psycopg.Connection[Any]) -> None:
    put(own, "a")
    put(own, "b")
    own.execute("begin")
    with pytest.raises(psycopg.errors.UniqueViolation):
        put(own, "b")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        put(own, "c")
    own.execute("rollback")
    assert [row[0] for row in stored(own)] == ["a", "b"]


def test_what_a_rollback_made_the_connection_forget_is_prepared_again(own: psycopg.Connection[Any]) -> None:
    """psycopg sends DEALLOCATE ALL after a rollback, where it has prepared something itself."""
    put(own, "a")
    put(own, "b")
    with own.transaction(force_rollback=True):
        own.execute("select 1", prepare=True)
    assert by_hand(own) == 0
    assert put(own, "c")
    own.execute("deallocate all")
    assert put(own, "d")
    assert [row[0] for row in stored(own)] == ["a", "b", "c", "d"]
    assert by_hand(own) == 1


def test_without_autocommit_a_transaction_is_begun(own: psycopg.Connection[Any]) -> None:
    put(own, "a")
    own.autocommit = False
    put(own, "b")
    put(own, "c")
    own.rollback()
    assert [row[0] for row in stored(own)] == ["a"]


def test_in_a_pipeline_the_cursor_does_it(own: psycopg.Connection[Any]) -> None:
    put(own, "a")
    with own.pipeline():
        assert put(own, "b")
    assert [row[0] for row in stored(own)] == ["a", "b"]
    assert by_hand(own) == 0


def test_where_nothing_is_prepared_nothing_is(own: psycopg.Connection[Any]) -> None:
    own.prepare_threshold = None
    assert put(own, "a")
    assert put(own, "b")
    assert by_hand(own) == 0


def test_no_more_are_kept_than_said(own: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MOST", 2)
    for number in range(4):
        for _ in range(3):
            assert returns_row(own, f"select {number} from (select %(a)s::text) x", {"a": "x"})
    assert by_hand(own) == 2


def test_a_connection_that_is_lost_is_an_operational_error(own: psycopg.Connection[Any]) -> None:
    put(own, "a")
    put(own, "b")
    with pytest.raises(psycopg.OperationalError):
        returns_row(own, "select pg_terminate_backend(pg_backend_pid()), %(a)s::text", {"a": "x"})
    with pytest.raises(psycopg.OperationalError):
        put(own, "c")


def test_one_that_is_lost_while_it_runs_too(own: psycopg.Connection[Any]) -> None:
    ends = "select case when %(a)s::text = 'x' then pg_terminate_backend(pg_backend_pid()) end"
    assert returns_row(own, ends, {"a": "y"})
    assert returns_row(own, ends, {"a": "y"})
    with pytest.raises(psycopg.OperationalError):
        returns_row(own, ends, {"a": "x"})
    assert own.closed
