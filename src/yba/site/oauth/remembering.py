"""Who acts with a bearer token, remembered for seconds, and forgotten at once when something it rests on ends.

The database tells every web process of such changes (NOTIFY `yba_ended`, sent by triggers, so that no way of changing
is left out). A process that is not sure to hear remembers nothing: it asks the tables for each request.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import psycopg

from yba.fhir.access import Actor
from yba.site.accounts.tokens import Known

log = logging.getLogger(__name__)

CHANNEL: Final = "yba_ended"
REMEMBERED: Final = 10.0
MOST_REMEMBERED: Final = 10_000
#: How often the listener makes sure that it still hears, and how long it is believed without.
BEAT: Final = 2.0
BELIEVED: Final = 6.0
#: How long it waits before it listens again: the first time, and at most.
SOONEST: Final = 1.0
LATEST: Final = 30.0

Ask = Callable[[str], Known | None]


class Ends:
    """Hears of ends. ``mark`` changes with each; None while it is not known whether one was missed.

    The thread that listens ends with its connection; whoever asks next begins another, after a while that doubles.
    """

    def __init__(self, conninfo: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._conninfo, self._clock = conninfo, clock
        self._count, self._heard = 0, float("-inf")
        self._lock = threading.Lock()
        self._listening, self._again_at, self._pause = False, float("-inf"), SOONEST

    def mark(self) -> int | None:
        """What is remembered under another mark is worth nothing."""
        if not self._listening:
            self._begin()
        return self._count if self._clock() - self._heard < BELIEVED else None

    def _begin(self) -> None:
        with self._lock:
            if not self._listening and self._clock() >= self._again_at:
                self._listening = True
                threading.Thread(target=self._listen, name="ends", daemon=True).start()

    def _listen(self) -> None:
        try:
            with psycopg.connect(
                self._conninfo, autocommit=True, application_name="yba-ends", connect_timeout=5
            ) as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                self._count += 1  # whatever was told while nobody listened
                self._pause = SOONEST
                self._hear(connection)
        except psycopg.Error as problem:
            why = " ".join(str(problem).split())
            log.warning("tokens: the database does not tell of ends; each request asks: %s", why)
        finally:
            self._heard = float("-inf")
            self._again_at = self._clock() + self._pause
            self._pause = min(self._pause * 2, LATEST)
            self._listening = False

    def _hear(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        while True:
            began = self._clock()
            connection.execute("SELECT 1")
            self._heard = began
            for _ in connection.notifies(timeout=BEAT, stop_after=1):
                self._count += 1


def remembering(
    ask: Ask,
    ends: Callable[[], int | None],
    *,
    seconds: float = REMEMBERED,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[str], Actor | None]:
    """Ask at most once in `seconds` a token, as long as nothing has ended, and never later than it ends by itself.

    Only tokens that work are remembered, so that guessing can't fill the memory.
    """
    known: dict[str, tuple[float, int, Actor]] = {}
    lock = threading.Lock()

    def authenticate(text: str) -> Actor | None:
        mark = ends()
        found = known.get(text)
        if found is not None and found[1] == mark and clock() < found[0]:
            return found[2]
        began = clock()
        answer = ask(text)
        with lock:
            if answer is None or mark is None:
                known.pop(text, None)
            else:
                if len(known) >= MOST_REMEMBERED:
                    known.clear()
                known[text] = (began + min(seconds, _left(answer)), mark, answer.actor)
        return None if answer is None else answer.actor

    return authenticate


def _left(known: Known) -> float:
    """Seconds until time ends it."""
    return float("inf") if known.until is None else (known.until - datetime.now(UTC)).total_seconds()
