"""Numbered SQL migrations, forward only, applied once under a lock, while others go on writing.

A file is one transaction that holds its table locks for milliseconds: new tables, new columns without a default. It
waits for such a lock two seconds at most, gives way, and tries again, so that nobody queues behind it for long. What
takes as long as the store is large (an index on rows that are there) stands in a file whose first line is
``-- concurrently``: its statements, a blank line between them, run each by itself outside a transaction. They are
written so that the file can be done again from its start when it was cut short.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import psycopg
from psycopg.errors import LockNotAvailable
from psycopg.pq import TransactionStatus

from yba.fhir.store.webrole import admit

LOCK = 7_216_001
_MARK = "-- concurrently\n"
_WAIT_SECONDS = 0.1
_ATTEMPTS = 300
_NOTE = "insert into public.record_migration (name) values (%s)"


def files() -> Iterator[tuple[str, str]]:
    """Every migration, in order: its name and its SQL."""
    folder = resources.files("yba.fhir.store").joinpath("migrations")
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.name.endswith(".sql"):
            yield entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8")


def migrate(connection: psycopg.Connection[Any]) -> list[str]:
    """Bring the schema ``record`` to the newest version, and let the web's role in; the names of what was applied.

    Several processes may call it at once: one works, the others wait and find nothing to do. On a connection that is
    inside a transaction all of it happens there, and locks what it must until the end.
    """
    if connection.info.transaction_status != TransactionStatus.IDLE:
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
            done = _apply(connection, inside=True)
            admit(connection)
            return done
    with _autocommit(connection), _alone(connection):
        done = _apply(connection, inside=False)
        admit(connection)
        return done


@contextmanager
def _autocommit(connection: psycopg.Connection[Any]) -> Iterator[None]:
    before = connection.autocommit
    connection.autocommit = True
    try:
        yield
    finally:
        connection.autocommit = before


@contextmanager
def _alone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Hold the lock. Asked for again and again: who waits for it in a statement would be waited for by an index."""
    with psycopg.Cursor(connection) as cursor:
        while True:
            row = cursor.execute("select pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
            if row is not None and row[0]:
                break
            time.sleep(_WAIT_SECONDS)
        try:
            yield
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", (LOCK,))


def _apply(connection: psycopg.Connection[Any], *, inside: bool) -> list[str]:
    applied: list[str] = []
    with psycopg.Cursor(connection) as cursor:
        cursor.execute(
            "create table if not exists public.record_migration"
            " (name text primary key, applied timestamptz not null default now())"
        )
        known = {row[0] for row in cursor.execute("select name from public.record_migration").fetchall()}
        for name, text in files():
            if name in known:
                continue
            if inside:
                cursor.execute(re.sub(r"\bindex concurrently\b", "index", text).encode())
                cursor.execute(_NOTE, (name,))
            elif text.startswith(_MARK):
                for statement in re.split(r"\n\s*\n", text.removeprefix(_MARK)):
                    if (
                        "index concurrently" in statement
                    ):  # waits for others by design, and blocks nobody meanwhile
                        cursor.execute(statement.encode())
                    else:
                        _patiently(connection, cursor, statement)
                cursor.execute(_NOTE, (name,))
            else:
                _patiently(connection, cursor, text, name)
            applied.append(name)
    return applied


def _patiently(
    connection: psycopg.Connection[Any], cursor: psycopg.Cursor[Any], text: str, name: str | None = None
) -> None:
    """Run a text in one transaction, with the note of its ``name``; give way to who holds a lock, and try again."""
    for left in reversed(range(_ATTEMPTS)):
        try:
            with connection.transaction():
                cursor.execute("set local lock_timeout = '2s'")
                cursor.execute(text.encode())
                if name is not None:
                    cursor.execute(_NOTE, (name,))
                return
        except LockNotAvailable:
            if not left:
                raise
            time.sleep(_WAIT_SECONDS)
