"""New resources of one actor that arrive in a process at the same moment, stored by one statement.

Who comes first stores at once, alone. Who comes meanwhile waits; when the first is done, one of them stores what has
gathered, in one statement, while the next gather. So nobody waits for others to come, and the busier it is, the more
share a statement. Those of other actors never do: the database is told who acts (``access.wall``). Nor does anybody
wait long: who stands in line for some tenths of a second leaves it and is stored alone.

All of a statement is stored, or none of it. Where the database refuses it each is written again by itself, so that one
request's mistake is its own. Where the connection was lost nobody knows whether it was stored: all are told what one
alone would be told. Decision 0015.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from threading import Lock

import psycopg

from yba.fhir.access.actor import Came
from yba.fhir.store.write_many import Item

MOST = 32
"""How many share one statement at most."""

_UNSURE = ("08", "57")
"""Classes of errors after which a connection, or the time, was lost: connection exception, operator intervention."""

PATIENCE = 0.2
"""Seconds somebody stands in line for the one before, who may wait for a row that another transaction holds."""

Entry = tuple[Item, Came]
Together = Callable[[Sequence[Entry]], bool]
"""Stores several, all or none; False: none, and each is to go by itself."""


class _Place:
    """One write in the line: what it is told when it is woken."""

    __slots__ = ("batch", "entry", "gate", "lost", "stored")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.gate = Lock()
        self.batch: list[_Place] | None = None
        """Whom this one is to store, itself the first; None while it waits."""
        self.stored = False
        self.lost: type[psycopg.OperationalError] | None = None


class Joining:
    """The lines of one process: one for each who acts."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lines: dict[Hashable, list[_Place]] = {}

    def write(self, key: Hashable, entry: Entry, alone: Callable[[], None], together: Together) -> None:
        """Store one, alone or with others of the same key; returns when it is stored.

        ``alone`` stores it by itself, ``together`` it and others. Raises what ``alone`` raises, and
        psycopg.OperationalError when the connection was lost on which others stored it.
        """
        place = _Place(entry)
        with self._lock:
            line = self._lines.get(key)
            if line is None:
                self._lines[key] = []
                place.batch = [place]
            else:
                place.gate.acquire()
                line.append(place)
        if place.batch is None and not place.gate.acquire(timeout=PATIENCE) and not self._left(key, place):
            place.gate.acquire()  # it is being stored, or is to store
        if place.batch is not None:
            self._lead(key, place.batch, alone, together)
        if place.lost is not None:
            raise place.lost("the connection was lost while this was stored with others")
        if not place.stored:
            alone()

    def _lead(
        self, key: Hashable, batch: list[_Place], alone: Callable[[], None], together: Together
    ) -> None:
        """Store a batch, and tell all in it; the next batch begins."""
        try:
            if len(batch) == 1:
                alone()
                batch[0].stored = True
            else:
                _tell(batch, lost=psycopg.OperationalError)  # should anything but an answer end it
                _tell(batch, stored=together([place.entry for place in batch]))
        except psycopg.Error as error:
            if len(batch) == 1:
                raise
            if error.sqlstate is not None and error.sqlstate[:2] not in _UNSURE:
                _tell(batch)  # refused: nothing is stored, each goes by itself
            elif isinstance(error, psycopg.OperationalError):
                _tell(batch, lost=type(error))
        finally:
            self._hand_on(key)
            for place in batch[1:]:
                place.gate.release()

    def _left(self, key: Hashable, place: _Place) -> bool:
        """Leave the line; False where it is no longer in it."""
        with self._lock:
            line = self._lines.get(key, [])
            if place not in line:
                return False
            line.remove(place)
            return True

    def _hand_on(self, key: Hashable) -> None:
        with self._lock:
            line = self._lines[key]
            if not line:
                del self._lines[key]
                return
            batch, self._lines[key] = line[:MOST], line[MOST:]
            batch[0].batch = batch
        batch[0].gate.release()


def _tell(
    batch: Sequence[_Place], *, stored: bool = False, lost: type[psycopg.OperationalError] | None = None
) -> None:
    for place in batch:
        place.stored, place.lost = stored, lost
