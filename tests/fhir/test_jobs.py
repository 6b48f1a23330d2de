"""Long work: claimed once, with progress, cancel, failure and another attempt after a crash."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from yba.fhir import jobs
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.errors import Invalid, NotFound
from yba.fhir.store.rows import execute

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def connect(own_database: str) -> jobs.Connect:
    return lambda: psycopg.connect(own_database, autocommit=True)


def _submit(connect: jobs.Connect, kind: str = "count", actor: Actor = SYSTEM, **params: Any) -> str:
    with connect() as connection:
        return jobs.submit(connection, kind, actor, params, NOW)


def _get(connect: jobs.Connect, number: str) -> jobs.Job:
    with connect() as connection:
        return jobs.get(connection, number)


def test_a_job_is_done_once_and_leaves_its_result(connect: jobs.Connect) -> None:
    actor = Actor(user="7", role="citizen", persons=frozenset({"p1", "p2"}))
    number = _submit(connect, actor=actor, name="Đỗ", size=3)
    seen: list[tuple[Any, Actor]] = []

    def count(run: jobs.JobRun) -> Any:
        seen.append((run.params, run.actor))
        run.progress(2, 3)
        return {"counted": 3}

    assert jobs.drain(connect, {"count": count}) == 1
    assert jobs.drain(connect, {"count": count}) == 0
    assert seen == [({"name": "Đỗ", "size": 3}, actor)]
    job = _get(connect, number)
    assert (job.state, job.done, job.total, job.result, job.error) == ("done", 2, 3, {"counted": 3}, None)
    assert job.ended


def test_two_workers_never_take_the_same_job(connect: jobs.Connect) -> None:
    numbers = [_submit(connect, at=at) for at in range(20)]
    taken: list[int] = []

    def note(run: jobs.JobRun) -> None:
        taken.append(run.params["at"])

    workers = [threading.Thread(target=jobs.drain, args=(connect, {"count": note})) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(taken) == list(range(20))
    assert {_get(connect, number).state for number in numbers} == {"done"}


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_at_its_next_step(connect: jobs.Connect) -> None:
    waiting = _submit(connect, kind="other")
    running = _submit(connect)
    with connect() as connection:
        jobs.cancel(connection, waiting, NOW)
    assert _get(connect, waiting).state == "cancelled"
    steps: list[int] = []

    def slow(run: jobs.JobRun) -> None:
        for step in range(10):
            steps.append(step)
            if step == 2:
                with connect() as connection:
                    jobs.cancel(connection, running, NOW)
            run.progress(step)

    jobs.drain(connect, {"count": slow})
    assert steps == [0, 1, 2]
    assert _get(connect, running).state == "cancelled"


def test_a_refusal_is_told_and_a_fault_only_numbered(connect: jobs.Connect) -> None:
    refused, broken = _submit(connect, at="refused"), _submit(connect, at="broken")

    def fail(run: jobs.JobRun) -> None:
        if run.params["at"] == "refused":
            raise Invalid("test.bad", "Line 3 is no JSON.")
        raise ValueError("select secret from record")

    jobs.drain(connect, {"count": fail})
    assert (_get(connect, refused).state, _get(connect, refused).error) == ("failed", "Line 3 is no JSON.")
    told = _get(connect, broken).error or ""
    assert told.startswith("It failed. Tell the operator the number ")
    assert "secret" not in told


def test_another_worker_goes_on_from_the_kept_place_after_a_crash(connect: jobs.Connect) -> None:
    number = _submit(connect)
    places: list[Any] = []

    def crash(run: jobs.JobRun) -> str:
        places.append(run.kept)
        if run.kept is None:
            run.keep({"after": 500})
            raise psycopg.OperationalError("the database went away")
        return "whole"

    with pytest.raises(psycopg.OperationalError):
        jobs.run_one(connect, {"count": crash})
    assert not jobs.run_one(connect, {"count": crash})  # it may still live: its heart beat a moment ago
    with connect() as connection:
        execute(connection, "update record.job set beat = beat - interval '5 minutes'")
    assert jobs.run_one(connect, {"count": crash})
    assert places == [None, {"after": 500}]
    assert (_get(connect, number).state, _get(connect, number).result) == ("done", "whole")


def test_a_job_that_kills_its_workers_is_given_up(connect: jobs.Connect) -> None:
    number = _submit(connect)
    with connect() as connection:
        execute(connection, "update record.job set attempts = %s", (jobs.MOST_ATTEMPTS,))
    assert jobs.run_one(connect, {"count": lambda run: pytest.fail("not again")})
    assert _get(connect, number).state == "failed"


def test_an_unknown_job_is_not_found(connect: jobs.Connect) -> None:
    with connect() as connection, pytest.raises(NotFound):
        jobs.get(connection, "0" * 32)


def test_a_worker_that_wakes_after_it_was_overtaken_writes_nothing_more(connect: jobs.Connect) -> None:
    number = _submit(connect)
    kept: list[str] = []

    def slow(run: jobs.JobRun) -> str:
        with connect() as connection:  # another takes it over meanwhile, and has finished
            execute(connection, "update record.job set beat = beat - interval '5 minutes'")
            assert jobs.run_one(connect, {"count": lambda other: "by the other"})
        with run.connection.transaction():
            execute(run.connection, "select 1")
            run.keep({"line": 500})
        kept.append("kept")
        return "by the first"

    assert jobs.run_one(connect, {"count": slow})
    job = _get(connect, number)
    assert (job.state, job.result, job.kept, kept) == ("done", "by the other", None, [])


def test_what_ended_is_kept_for_a_day(connect: jobs.Connect) -> None:
    """The row of a job goes when its files do; what waits or runs stays however old it is."""
    ended, waits, runs, fresh = (_submit(connect, at=at) for at in range(4))
    moments = {ended: 25, waits: 25, runs: 25, fresh: 23}
    states = {ended: "failed", waits: "queued", runs: "running", fresh: "done"}
    with connect() as connection:
        for number, hours in moments.items():
            finished = None if number in (waits, runs) else NOW - timedelta(hours=hours)
            execute(
                connection, "update record.job set state = %s, created = %s, finished = %s where id = %s",
                (states[number], NOW - timedelta(hours=hours), finished, number),
            )  # fmt: skip
        assert jobs.tidy(connection, NOW) == 1
        assert jobs.tidy(connection, NOW) == 0
    with pytest.raises(NotFound):
        _get(connect, ended)
    assert [_get(connect, one).state for one in (waits, runs, fresh)] == ["queued", "running", "done"]


def test_a_worker_tidies(connect: jobs.Connect) -> None:
    number, stop = _submit(connect), threading.Event()
    with connect() as connection:
        execute(
            connection, "update record.job set state = 'done', finished = now() - interval '2 days' where id = %s",
            (number,),
        )  # fmt: skip
    _submit(connect, "stop")
    jobs.work(connect, {"stop": lambda run: stop.set()}, stop)
    with pytest.raises(NotFound):
        _get(connect, number)
