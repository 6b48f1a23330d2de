"""Long work in the background: submitted in a transaction, claimed by a worker, with progress, cancel and resume.

A job is a row. A worker claims the oldest that waits, or that has shown no life for a minute, with ``SKIP LOCKED``;
a handler does the work in small transactions of its own, says how far it is, and may keep a place from which another
worker goes on after a crash. Delivery is at least once: a handler must bear being begun again.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg

from yba.fhir.access.actor import Actor, Still, as_kept
from yba.fhir.errors import NotFound, RecordError
from yba.fhir.store.rows import execute

log = logging.getLogger(__name__)

Connect = Callable[[], psycopg.Connection[Any]]
BEAT_SECONDS = 10.0
SILENT_SECONDS = 60
MOST_ATTEMPTS = 5
KEPT_FOR = timedelta(hours=24)
"""How long what has ended can be asked for, and its files fetched."""
TIDY_SECONDS = 600.0
_LOOK_SECONDS = 0.5


class Cancelled(Exception):
    """Somebody asked the job to end."""


class Overtaken(Exception):
    """Another worker has taken the job over: this one stood still too long and may write nothing more of it."""


class Job(msgspec.Struct, frozen=True):
    """A job as it stands. ``state``: queued, running, done, failed or cancelled."""

    id: str
    kind: str
    state: str
    actor: Actor
    params: Any
    done: int
    total: int | None
    result: Any
    error: str | None
    created: datetime
    finished: datetime | None
    kept: Any = None
    cancel: bool = False

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed", "cancelled")


_COLUMNS = (
    "id::varchar, kind::varchar, state::varchar, actor::text, params::text, done, total, result::text, error::varchar,"
    " created, finished, kept::text, cancel"
)
_decode_actor = msgspec.json.Decoder(Actor).decode


def _job(row: tuple[Any, ...]) -> Job:
    def tree(value: bytes | None) -> Any:
        return None if value is None else msgspec.json.decode(value)

    return Job(
        id=row[0], kind=row[1], state=row[2], actor=_decode_actor(row[3]), params=tree(row[4]), done=row[5],
        total=row[6], result=tree(row[7]), error=row[8], created=row[9], finished=row[10], kept=tree(row[11]),
        cancel=row[12],
    )  # fmt: skip


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def submit(
    connection: psycopg.Connection[Any], kind: str, actor: Actor, params: Mapping[str, Any], now: datetime
) -> str:
    """Queue a job in the caller's transaction; its id."""
    number = secrets.token_hex(16)
    execute(
        connection,
        "insert into record.job (id, kind, actor, params, created)"
        " values (%(id)s, %(kind)s, %(actor)s::jsonb, %(params)s::jsonb, %(now)s)",
        {"id": number, "kind": kind, "actor": _text(actor), "params": _text(params), "now": now},
    )
    return number


def get(connection: psycopg.Connection[Any], number: str) -> Job:
    """The job of this id. Raises NotFound."""
    row = execute(
        connection,
        f"select {_COLUMNS} from record.job where id = %s",  # noqa: S608 - our own names
        (number,),
    ).fetchone()
    if row is None:
        raise NotFound("jobs.not-found", "There is no job with this id.")
    return _job(row)


def newest(connection: psycopg.Connection[Any], kind: str, count: int = 20) -> list[Job]:
    """The last jobs of a kind, newest first."""
    rows = execute(
        connection,
        f"select {_COLUMNS} from record.job where kind = %s order by created desc limit %s",  # noqa: S608 - our own names
        (kind, count),
    ).fetchall()
    return [_job(row) for row in rows]


def cancel(connection: psycopg.Connection[Any], number: str, now: datetime) -> None:
    """Ask a job to end: at once when it waits, else at its next step. No matter when it has ended."""
    execute(
        connection,
        "update record.job set cancel = true,"
        " state = case when state = 'queued' then 'cancelled' else state end,"
        " finished = case when state = 'queued' then %(now)s else finished end"
        " where id = %(id)s and state in ('queued', 'running')",
        {"id": number, "now": now},
    )


def tidy(connection: psycopg.Connection[Any], now: datetime) -> int:
    """Take away the jobs that ended longer than ``KEPT_FOR`` ago, when their files are gone too; how many."""
    return execute(
        connection,
        "delete from record.job where state in ('done', 'failed', 'cancelled') and finished < %s",
        (now - KEPT_FOR,),
    ).rowcount


def forget(connection: psycopg.Connection[Any], number: str) -> None:
    """Take away a job that has ended; one that runs goes when it sees that it was cancelled."""
    execute(
        connection,
        "delete from record.job where id = %s and state in ('done', 'failed', 'cancelled')",
        (number,),
    )


class JobRun:
    """What a handler is given: the job, a connection in autocommit for its own small transactions, and signs."""

    def __init__(self, job: Job, connection: psycopg.Connection[Any], connect: Connect, attempt: int) -> None:
        self.job = job
        self.attempt = attempt
        self.connection = connection
        self.connect = connect
        self._asked = 0.0
        self._cancelled = False

    @property
    def params(self) -> Any:
        return self.job.params

    @property
    def actor(self) -> Actor:
        return self.job.actor

    @property
    def kept(self) -> Any:
        """What the last attempt kept with ``keep``; None at first."""
        return self.job.kept

    def progress(self, done: int, total: int | None = None) -> None:
        """Say how far the work is. Raises Cancelled when somebody asked it to end."""
        row = execute(
            self.connection,
            "update record.job set done = %(done)s, total = coalesce(%(total)s, total), beat = clock_timestamp()"
            " where id = %(id)s and attempts = %(attempt)s returning cancel",
            {"id": self.job.id, "attempt": self.attempt, "done": done, "total": total},
        ).fetchone()
        if row is None:
            raise Overtaken
        if row[0]:
            raise Cancelled

    def keep(self, place: Any) -> None:
        """Remember a place to go on from, in the transaction of the step that reached it.

        Raises Overtaken, which takes the step back, when another worker has the job.
        """
        row = execute(
            self.connection,
            "update record.job set kept = %(kept)s::jsonb where id = %(id)s and attempts = %(attempt)s returning 1",
            {"id": self.job.id, "attempt": self.attempt, "kept": _text(place)},
        ).fetchone()
        if row is None:
            raise Overtaken

    def cancelled(self) -> bool:
        """Whether somebody asked the job to end; asks the database at most once a second."""
        if not self._cancelled and time.monotonic() - self._asked > 1:
            self._asked = time.monotonic()
            row = execute(
                self.connection, "select cancel from record.job where id = %s", (self.job.id,)
            ).fetchone()
            self._cancelled = row is None or bool(row[0])
        return self._cancelled


Handler = Callable[[JobRun], Any]

_CLAIM = f"""
update record.job
   set state = 'running', attempts = attempts + 1, started = coalesce(started, clock_timestamp()),
       beat = clock_timestamp()
 where id = (select id from record.job
              where kind = any(%(kinds)s)
                and (state = 'queued'
                     or (state = 'running' and beat < clock_timestamp() - make_interval(secs => %(silent)s)))
              order by created for update skip locked limit 1)
returning {_COLUMNS}, attempts
"""  # noqa: S608 - our own names


def run_one(
    connect: Connect, kinds: Mapping[str, Handler], *, silent: int = SILENT_SECONDS, still: Still = as_kept
) -> bool:
    """Claim one waiting job and do it, as its actor is now; False when none waits."""
    with connect() as connection:
        connection.autocommit = True
        row = execute(connection, _CLAIM, {"kinds": list(kinds), "silent": silent}).fetchone()
        if row is None:
            return False
        job, attempts = _job(row), row[-1]
        if attempts > MOST_ATTEMPTS:
            _end(
                connection,
                job.id,
                attempts,
                "failed",
                error=f"It was begun {MOST_ATTEMPTS} times and never ended.",
            )
            return True
        actor = still(job.actor)
        if actor is None:
            _end(connection, job.id, attempts, "failed", error="Who asked for it may act no more.")
            return True
        job = msgspec.structs.replace(job, actor=actor)
        with _Heart(connect, job.id):
            _do(JobRun(job, connection, connect, attempts), kinds[job.kind])
    return True


def _do(run: JobRun, handler: Handler) -> None:
    job, connection = run.job, run.connection
    try:
        result = handler(run)
    except Cancelled:
        _end(connection, job.id, run.attempt, "cancelled")
    except Overtaken:
        log.warning("jobs: another worker goes on with %s", job.kind)
    except RecordError as error:
        _end(connection, job.id, run.attempt, "failed", error=error.message)
    except psycopg.OperationalError:
        log.warning("jobs: the database went away during %s; another attempt goes on", job.kind)
        raise
    except Exception:
        number = secrets.token_hex(6)
        log.exception("jobs: failure %s in %s", number, job.kind)
        words = f"It failed. Tell the operator the number {number}."
        _end(connection, job.id, run.attempt, "failed", error=words)
    else:
        _end(connection, job.id, run.attempt, "done", result=result)


def _end(
    connection: psycopg.Connection[Any],
    number: str,
    attempt: int,
    state: str,
    *,
    result: Any = None,
    error: str | None = None,
) -> None:
    if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        connection.rollback()
    execute(
        connection,
        "update record.job set state = %(state)s, result = %(result)s::jsonb, error = %(error)s,"
        " finished = clock_timestamp() where id = %(id)s and attempts = %(attempt)s",
        {"id": number, "attempt": attempt, "state": state, "result": _text(result), "error": error},
    )


class _Heart:
    """Shows life beside the work, so that a long step is not taken for a crash."""

    def __init__(self, connect: Connect, number: str) -> None:
        self._connect = connect
        self._number = number
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="job-heart")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            try:
                with self._connect() as connection:
                    execute(
                        connection,
                        "update record.job set beat = clock_timestamp() where id = %s and state = 'running'",
                        (self._number,),
                    )
            except psycopg.Error:
                log.warning("jobs: no sign of life could be given for %s", self._number)


def work(
    connect: Connect, kinds: Mapping[str, Handler], stop: threading.Event, still: Still = as_kept
) -> None:
    """Do jobs one after another until asked to stop. ``connect`` gives a fresh connection each time."""
    tidied: float | None = None
    while not stop.is_set():
        try:
            if tidied is None or time.monotonic() - tidied > TIDY_SECONDS:
                tidied = time.monotonic()
                with connect() as connection:
                    tidy(connection, datetime.now(UTC))
            if not run_one(connect, kinds, still=still):
                stop.wait(_LOOK_SECONDS)
        except psycopg.Error:
            log.exception("jobs: the database does not answer")
            stop.wait(2.0)


def drain(connect: Connect, kinds: Mapping[str, Handler]) -> int:
    """Do what waits now and come back; how many there were. For tests and the command line."""
    count = 0
    while run_one(connect, kinds):
        count += 1
    return count
