"""Questions straight to libpq, and who asks them told in one go with them: the cursor's rows, and never another's."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.pq import PipelineStatus, TransactionStatus

from tests.fhir.test_wall import NURSE_A, NURSE_B, Town, stepped, told
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM, Actor, wall
from yba.fhir.store import asking
from yba.fhir.store.asking import Statement, rows
from yba.fhir.store.rows import execute

WHO = {"A": NURSE_A, "B": NURSE_B, "all": SYSTEM}
EACH = Statement(
    "select r.type || '/' || r.id from record.resource r where r.type = %(type)s", {"type": "Observation"}
)


@pytest.fixture
def town(own_database: str) -> Town:
    return Town(own_database)


@pytest.fixture
def web(town: Town) -> Iterator[psycopg.Connection[Any]]:
    with town.web(prepare_threshold=2) as connection:
        yield connection


def asked_by(connection: psycopg.Connection[Any], actor: Actor, asked: Statement = EACH) -> set[str]:
    found = wall.of(connection).ask(connection, wall.reach_of(actor), asked)
    return {one if isinstance(one, str) else one.decode() for (one,) in found}


def seen(town: Town, *facilities: str) -> set[str]:
    return {f"Observation/{town.at[one][1]}" for one in facilities}


def ready(connection: psycopg.Connection[Any]) -> bool:
    low = connection.pgconn
    return (low.transaction_status, low.pipeline_status) == (TransactionStatus.IDLE, PipelineStatus.OFF)


# -- who asks ----------------------------------------------------------------------------------------------


def test_who_asks_is_told_before_the_question_and_in_one_go(
    town: Town, web: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of many who take turns on a connection sees their own rows, by one exchange with the database each."""
    assert asked_by(web, NURSE_A) == seen(town, "A")
    gone: list[int] = []
    answer = asking._answer

    def noting(connection: Any, asker: Any, sent: Any) -> Any:
        gone.append(len(sent))
        return answer(connection, asker, sent)

    monkeypatch.setattr(asking, "_answer", noting)
    name = web.info.parameter_status("application_name")
    for _ in range(3):
        assert asked_by(web, NURSE_B) == seen(town, "B")
        assert asked_by(web, NURSE_B) == seen(town, "B")
        assert asked_by(web, SYSTEM) == seen(town, "A", "B")
        assert asked_by(web, NURSE_A) == seen(town, "A")
    assert gone == [2, 1, 2, 2] * 3
    assert web.info.parameter_status("application_name") == name, "nothing can undo these tellings"
    assert ready(web)


@pytest.mark.parametrize("before", [NURSE_A, SYSTEM])
def test_a_telling_that_fails_takes_the_question_with_it(
    town: Town, web: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch, before: Actor
) -> None:
    """Nothing is answered as the former one, and nobody believes that the new one acts."""
    expected = {NURSE_A: seen(town, "A"), SYSTEM: seen(town, "A", "B")}[before]
    assert asked_by(web, before) == expected
    for failing in ("select 1 / (length(%(holders)s::text) * 0)", "select %(holders)s::int", "selec"):
        with monkeypatch.context() as broken:
            broken.setattr(wall, "_telling", lambda *_, text=failing, **__: text)
            with pytest.raises(psycopg.Error):
                asked_by(web, NURSE_B)
        assert ready(web)
        assert asked_by(web, before) == expected
        assert asked_by(web, NURSE_B) == seen(town, "B")
        assert asked_by(web, before) == expected


def test_a_question_that_fails_takes_the_telling_with_it(town: Town, web: psycopg.Connection[Any]) -> None:
    assert asked_by(web, NURSE_A) == seen(town, "A")
    wrong = Statement("select 1 / (length(%(a)s::text) - 1)", {"a": "x"})
    for _ in range(3):  # as it is, then prepared
        with pytest.raises(psycopg.errors.DivisionByZero):
            asked_by(web, NURSE_B, wrong)
        assert told(web).startswith("facility:A")
        assert asked_by(web, NURSE_A) == seen(town, "A")
        with pytest.raises(psycopg.errors.DivisionByZero):
            asked_by(web, NURSE_B, wrong)
        assert asked_by(web, NURSE_B) == seen(town, "B")
        assert told(web).startswith("facility:B")
        assert asked_by(web, NURSE_A) == seen(town, "A")
    assert ready(web)


def test_an_answer_that_cannot_be_read_leaves_nobody_believed_to_act(
    town: Town, web: psycopg.Connection[Any]
) -> None:
    """The telling has counted by then: the former one is told again, not taken for standing."""
    assert asked_by(web, NURSE_A) == seen(town, "A")
    for _ in range(3):
        with pytest.raises(psycopg.DataError, match="too large"):
            asked_by(web, NURSE_B, Statement("select 'infinity'::timestamptz", {}))
        assert asked_by(web, NURSE_A) == seen(town, "A")
    assert ready(web)


def test_a_telling_that_was_given_up_leaves_no_connection_behind(
    town: Town, web: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could say whose rows come next on it."""
    assert asked_by(web, NURSE_A) == seen(town, "A")

    def given_up(*_: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(asking, "_answers", given_up)
    with pytest.raises(KeyboardInterrupt):
        asked_by(web, NURSE_B)
    assert web.closed
    with pytest.raises(errors.Unavailable):
        fhir.open(web, actor=NURSE_A).read_stored("Patient", town.at["A"][0])


def test_a_question_larger_than_what_goes_at_once_is_told_for_and_answered(
    town: Town, web: psycopg.Connection[Any]
) -> None:
    """And its answer is as large: neither side waits for the other to listen."""
    long = "x" * 30_000_000
    asked = Statement(
        "select %(a)s::text::varchar, r.id::varchar from record.resource r where r.type = 'Observation'",
        {"a": long},
    )
    for actor, place in ((NURSE_A, "A"), (NURSE_B, "B"), (NURSE_A, "A")):
        found = wall.of(web).ask(web, wall.reach_of(actor), asked)
        assert [(len(text), f"Observation/{one}") for text, one in found] == [(len(long), *seen(town, place))]
    assert ready(web)


def test_one_that_is_lost_on_the_way_says_so(town: Town, web: psycopg.Connection[Any]) -> None:
    assert asked_by(web, NURSE_A) == seen(town, "A")
    number = web.info.backend_pid

    def end() -> None:
        with psycopg.connect(town.conninfo, autocommit=True) as owner:
            asleep = "select pg_terminate_backend(pid) from pg_stat_activity where pid = %s and wait_event = 'PgSleep'"
            while not owner.execute(asleep, (number,)).fetchone():
                pass

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises(psycopg.OperationalError):
        asked_by(web, NURSE_B, Statement("select pg_sleep(20)::text", {}))
    ending.join()
    assert web.closed


def test_what_was_forgotten_is_prepared_and_told_again(town: Town, web: psycopg.Connection[Any]) -> None:
    for _ in range(3):
        assert asked_by(web, NURSE_A) == seen(town, "A")
        assert asked_by(web, NURSE_B) == seen(town, "B")
    for gone in ("deallocate all", "discard all", "reset all"):
        web.execute(gone.encode())
        assert asked_by(web, NURSE_A) == seen(town, "A")
        assert asked_by(web, NURSE_B) == seen(town, "B")
    with web.transaction(force_rollback=True):  # then psycopg forgets what is prepared
        web.execute("select 1", prepare=True)
    assert asked_by(web, NURSE_A) == seen(town, "A")


_STEPS = st.lists(
    st.sampled_from(
        [
            "ask A",
            "ask B",
            "ask all",
            "tell A",
            "tell B",
            "begin",
            "save",
            "undo",
            "release",
            "commit",
            "rollback",
        ]
    ),
    max_size=25,
)


@given(steps=_STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_transactions_each_is_answered_as_themselves(
    town: Town, web: psycopg.Connection[Any], steps: list[str]
) -> None:
    """Property: however tellings with a question, tellings alone, transactions and what undoes them follow."""
    expected = {"A": seen(town, "A"), "B": seen(town, "B"), "all": seen(town, "A", "B")}
    inside = 0
    for step in steps:
        word, _, name = step.partition(" ")
        if word == "ask":
            assert asked_by(web, WHO[name]) == expected[name]
        elif word == "tell":
            wall.tell(web, wall.reach_of(WHO[name]))
            assert told(web).startswith(f"facility:{name}")
        else:
            inside = stepped(web, word, inside)
    if inside:
        web.execute("rollback")
    assert ready(web)


def test_searches_and_reads_of_many_in_turn(town: Town, web: psycopg.Connection[Any]) -> None:
    """By the record: the search that notes whose rows it asks for, includes, and a row that is hidden."""
    for _ in range(4):
        for mine, theirs, nurse in (("A", "B", NURSE_A), ("B", "A", NURSE_B)):
            record = fhir.open(web, actor=nurse)
            person, result = town.at[mine]
            asked = [("patient", person), ("_include", "Observation:subject"), ("_sort", "-date")]
            found = record.search_stored("Observation", asked)
            assert [one.id for one in found.matches] == [result]
            assert [one.id for one in found.included] == [person]
            record = fhir.open(web, actor=WHO[theirs])
            assert record.search_stored("Observation", asked).matches == []
            with pytest.raises(errors.NotFound):
                fhir.open(web, actor=WHO[theirs]).read_stored("Observation", result)
            assert fhir.open(web, actor=nurse).read_stored("Observation", result).id == result
            with web.transaction():
                assert fhir.open(web, actor=WHO[theirs]).search_stored("Observation", asked).matches == []
                assert fhir.open(web, actor=nurse).read_stored("Observation", result).id == result


def test_what_is_asked_untold_is_known() -> None:
    """A new name here asks on a connection on which somebody else may act: no row of a person may be read by it."""
    package = Path(fhir.__file__).parent
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if re.search(r"\.untold\b", path.read_text(encoding="utf-8"))
    }
    assert found == {"record/searching.py"}


# -- the same rows -----------------------------------------------------------------------------------------

_VALUES: list[object] = [
    None, True, 7, -40_000, 5_000_000_000, 2.5, Decimal("80.10"), "", "Đức 100%", "a\\b'", b"\x00\xff",
    date(2026, 2, 28), datetime(2026, 5, 4, 3, 2, 1, 123000, UTC), ["a", "b"], [1, 2], [],
]  # fmt: skip


@pytest.mark.parametrize("value", _VALUES, ids=repr)
def test_values_and_rows_are_the_cursors(web: psycopg.Connection[Any], value: object) -> None:
    kind = {str: "::text", type(None): "::text", list: "::int[]" if value == [1, 2] else "::text[]"}.get(
        type(value), ""
    )
    text = f"select %(a)s{kind} as a, 'x%%y'::varchar, 'ư'::text, %(a)s{kind} is null, %(n)s::int"
    values = {"a": value, "n": 3}
    expected = execute(web, text, values).fetchall()
    for zone in ("UTC", "Asia/Ho_Chi_Minh"):
        web.execute(f"set time zone '{zone}'")
        for _ in range(3):
            found = rows(web, Statement(text, values))
            assert found == expected
            assert [type(one) for one in found[0]] == [type(one) for one in expected[0]]
            assert rows(web, Statement(text, values), prepare=False) == expected


def test_times_come_in_the_zone_the_connection_has(web: psycopg.Connection[Any]) -> None:
    asked = Statement("select %(at)s::timestamptz", {"at": datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)})
    for zone, hour in (("UTC", 3), ("Asia/Ho_Chi_Minh", 10), ("UTC", 3)):
        web.execute(f"set time zone '{zone}'")
        assert [row[0].hour for row in rows(web, asked)] == [hour]


def test_no_more_are_kept_than_said(web: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST", 3)
    count = Statement("select count(*) from pg_prepared_statements where name like 'yba_ask%%'", {})
    for number in (0, 1, 0, 2, 0, 3, 0, 4):
        for _ in range(3):
            assert rows(web, Statement(f"select {number} + %(a)s::int", {"a": 1})) == [(number + 1,)]
        assert rows(web, count, prepare=False)[0][0] <= 3
    assert rows(web, count, prepare=False) == [(3,)]


def test_text_no_database_can_hold_is_refused(web: psycopg.Connection[Any]) -> None:
    for _ in range(3):
        with pytest.raises(psycopg.DataError):
            rows(web, Statement("select %(a)s::text", {"a": "x\0y"}))
    assert ready(web)
