"""The audit of acts that change nothing: kept in memory for at most a second, then written by its own hand.

Writes carry their audit row in their own statement (``write.py``). Reads would double their cost that way, so
they are buffered; a crash loses at most ``FLUSH_SECONDS`` of them. Being written on a connection of their own, they
stay when the request's transaction is rolled back: a refused attempt is noted all the same.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import psycopg

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
_COLUMNS = (
    "at, actor, role, actor_facility, origin, act, type, id, version, patient, facility, detail, outcome"
)
# One JSON text: an array parameter for each column costs thirteen times the time under Python's lock.
_INSERT = f"""
insert into record.audit ({_COLUMNS})
select {_COLUMNS}
  from json_to_recordset(%s::json)
    as x(at timestamptz, actor text, role text, actor_facility text, origin text, act text, type text, id text,
         version integer, patient text, facility text, detail text, outcome text)
"""  # noqa: S608 - our own names


class Act(msgspec.Struct, frozen=True):
    """One audited act; the fields are the columns of ``record.audit``."""

    at: datetime
    actor: str
    role: str
    actor_facility: str | None
    origin: str | None
    act: str
    type: str | None
    id: str | None
    version: int | None
    patient: str | None
    facility: str | None
    detail: str | None
    outcome: str


def write_acts(connection: psycopg.Connection[Any], acts: list[Act]) -> None:
    """Append acts to the audit table on the given connection."""
    if not acts:
        return
    with psycopg.Cursor(connection) as cursor:
        cursor.execute(_INSERT, (msgspec.json.encode(acts).replace(b"\\u0000", b"").decode(),))


class Journal:
    """Buffered acts of one process, written every second by a thread with a connection of its own."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._waiting: deque[Act] = deque()
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._connection: psycopg.Connection[Any] | None = None
        self._thread = threading.Thread(target=self._run, name="audit-journal", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def add(self, act: Act) -> None:
        """Take an act; it is in the database within ``FLUSH_SECONDS``."""
        self._waiting.append(act)

    def flush(self) -> None:
        """Write what waits, now. Acts that cannot be written stay for the next try."""
        with self._writing:
            acts = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if not acts:
                return
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = self._connect()
                with self._connection.transaction():
                    write_acts(self._connection, acts)
            except psycopg.Error:
                log.exception("audit: %d acts wait for the database", len(acts))
                self._waiting.extendleft(reversed(acts))
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None

    def close(self) -> None:
        """Write what waits and stop the thread."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        self._thread.join(timeout=5)
        self.flush()
        if self._connection is not None:
            self._connection.close()

    def _run(self) -> None:
        while not self._wake.wait(FLUSH_SECONDS):
            self.flush()
