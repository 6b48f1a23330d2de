"""From the queues to the endpoints: in order, at least once, again with back-off, and visible when it fails."""

from __future__ import annotations

import http.client
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from yba.fhir.access.actor import Actor, Still, as_kept
from yba.fhir.addresses import allowed
from yba.fhir.calling import Resolve, called, resolved
from yba.fhir.errors import RecordError
from yba.fhir.r4.subscription import Subscription
from yba.fhir.record import Record
from yba.fhir.store.rows import execute
from yba.fhir.subscriptions import matching
from yba.fhir.subscriptions.definition import REST_HOOK
from yba.fhir.subscriptions.guard import DELIVERY
from yba.fhir.subscriptions.matching import Listener
from yba.fhir.subscriptions.notification import Event, bundle, focus, shown

log = logging.getLogger(__name__)

Connect = Callable[[], psycopg.Connection[Any]]
TIMEOUT_SECONDS = 10
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
# A subscriber that did not answer so often in a row is shown as failing; it is tried on all the same.
SHOWN_AFTER = 3
KEPT_FOR = timedelta(days=7)
AT_ONCE = 8
_LOOK_SECONDS = 0.3
_SENDER = Actor(user=DELIVERY, role="system", name="Y Bạ")
_LOCK_SPACE = 7_216

_DUE = """
select s.id::varchar, s.state::varchar, s.number, s.failures, s.told_at,
       exists (select from record.subscription_event e where e.subscription = s.id and not e.told) as waiting
  from record.subscription s
 where s.retry_at <= %(now)s
"""


class Undelivered(Exception):
    """The subscriber did not take a notification; the words are shown on the Subscription."""


class Sender:
    """Delivers what is due. ``base_url`` is the record's own address in what it sends; ``still``: who may be told."""

    def __init__(
        self,
        connect: Connect,
        *,
        base_url: str,
        endpoints: Sequence[str],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        resolve: Resolve = resolved,
        still: Still = as_kept,
    ) -> None:
        self._connect = connect
        self.still = still
        self.base_url = base_url
        self._endpoints = endpoints
        self._resolve = resolve
        self.clock = clock

    def step(self) -> int:
        """Take changes from the outbox and tell who is due; how many notifications arrived."""
        with self._connect() as connection:
            connection.autocommit = True
            while matching.step(connection, self.still) == matching.BATCH:
                pass
            now = self.clock()
            listeners = {one.wanted.id: one for one in matching.listening(connection, self.still)}
            rows = execute(connection, _DUE, {"now": now}).fetchall()
        due = [
            listeners[row[0]]
            for row in rows
            if row[0] in listeners and _is_due(listeners[row[0]], row[1], row[5], row[4], now)
        ]
        if not due:
            return 0
        with ThreadPoolExecutor(min(AT_ONCE, len(due))) as pool:
            return sum(pool.map(self._tell, [one.wanted.id for one in due]))

    def work(self, stop: threading.Event) -> None:
        """Deliver until asked to stop."""
        tidied = 0.0
        while not stop.is_set():
            try:
                told = self.step()
                if self.clock().timestamp() - tidied > 600:
                    tidied = self.clock().timestamp()
                    self._tidy()
            except psycopg.Error:
                log.exception("subscriptions: the database does not answer")
                told = 0
                stop.wait(2.0)
            if not told:
                stop.wait(_LOOK_SECONDS)

    def _tidy(self) -> None:
        with self._connect() as connection:
            execute(
                connection,
                "delete from record.subscription_event where told and at < %s",
                (self.clock() - KEPT_FOR,),
            )

    def _tell(self, identifier: str) -> int:
        """Tell one subscriber what waits, until nothing does or it does not answer; how many were taken."""
        try:
            with self._connect() as connection:
                connection.autocommit = True
                row = execute(
                    connection, "select pg_try_advisory_lock(%s, hashtext(%s))", (_LOCK_SPACE, identifier)
                ).fetchone()
                if row is None or not row[0]:
                    return 0
                told = _Subscriber(self, connection, identifier).tell()
                # A closed connection gives its lock back a moment later, and the next step would pass it by.
                execute(connection, "select pg_advisory_unlock(%s, hashtext(%s))", (_LOCK_SPACE, identifier))
                return told
        except psycopg.Error:
            log.exception("subscriptions: the database does not answer")
            return 0

    def post(self, url: str, method: str, body: bytes, headers: Sequence[tuple[str, str]], wait: int) -> None:
        """Send one notification. Raises Undelivered."""
        if not allowed(url, self._endpoints):
            raise Undelivered("The operator no longer allows this address.")
        sent = (("Content-Type", "application/fhir+json; charset=utf-8"), *headers)
        try:
            # No redirect is followed: a notification goes where the operator allowed it.
            with called(
                url, self._endpoints, method=method, body=body, headers=sent, timeout=wait, within=wait,
                resolve=self._resolve,
            ) as answer:  # fmt: skip
                answer.read(1024)
        except (OSError, http.client.HTTPException) as problem:
            raise Undelivered(f"{method} {url} failed: {problem}.") from None
        if not 200 <= answer.status < 300:
            raise Undelivered(f"{method} {url} was answered with {answer.status}.")


def _is_due(one: Listener, state: str, waiting: bool, told_at: datetime, now: datetime) -> bool:
    if one.wanted.end is not None and one.wanted.end <= now:
        return True
    if state == "requested":
        return True
    if one.wanted.channel != REST_HOOK:
        return False
    beat = one.wanted.heartbeat
    return waiting or (beat is not None and told_at + timedelta(seconds=beat) <= now)


class _Subscriber:
    """One subscriber, while this process alone tells it."""

    def __init__(self, sender: Sender, connection: psycopg.Connection[Any], identifier: str) -> None:
        self._sender = sender
        self._connection = connection
        self._id = identifier

    def tell(self) -> int:
        listeners = matching.listening(self._connection, self._sender.still)
        found = next((one for one in listeners if one.wanted.id == self._id), None)
        row = execute(
            self._connection,
            "select state::varchar, number, failures, told_at, retry_at from record.subscription where id = %s",
            (self._id,),
        ).fetchone()
        now = self._sender.clock()
        if found is None or row is None or row[4] > now:  # somebody else was faster
            return 0
        self._listener, self._state, self._failures = found, row[0], row[2]
        if found.wanted.end is not None and found.wanted.end <= now:
            self._end()
            return 0
        try:
            return self._tell(row[1], row[3])
        except Undelivered as problem:
            self._failed(str(problem))
            return 0

    def _tell(self, number: int, told_at: datetime) -> int:
        wanted = self._listener.wanted
        if self._state == "requested":
            if wanted.topic is not None and wanted.channel == REST_HOOK:
                self._send("handshake", 0, state="requested")
            self._arrived([], "active")
        count = 0
        if wanted.channel == REST_HOOK:
            while waiting := self._waiting(wanted.at_once):
                seen = shown(self._listener.record, waiting)
                if seen:
                    self._notify(seen)
                self._arrived(waiting, "active")
                count += len(seen)
        beat = wanted.heartbeat
        now = self._sender.clock()
        if not count and beat is not None and told_at + timedelta(seconds=beat) <= now and wanted.topic:
            self._send("heartbeat", number)
            self._arrived([], "active")
        return count

    def _waiting(self, most: int) -> list[Event]:
        rows = execute(
            self._connection,
            "select number, at, method::varchar, type::varchar, id::varchar, version"
            " from record.subscription_event where subscription = %(id)s and not told order by number"
            " limit %(most)s",
            {"id": self._id, "most": most},
        ).fetchall()
        return [Event(*row) for row in rows]

    def _notify(self, told: list[Event]) -> None:
        wanted = self._listener.wanted
        if wanted.topic is not None:
            self._send("event-notification", told[-1].number, told)
            return
        wait = wanted.timeout or TIMEOUT_SECONDS
        assert wanted.endpoint is not None
        if wanted.content == "empty":
            self._sender.post(wanted.endpoint, "POST", b"", wanted.headers, wait)
            return
        for (
            one
        ) in told:  # subscription.html#2.46.7.1: with a payload the resource itself is sent, as an update
            found = focus(self._listener.record, one)
            if found is not None and found.content is not None:
                url = f"{wanted.endpoint.rstrip('/')}/{one.type}/{one.id}"
                self._sender.post(url, "PUT", found.content, wanted.headers, wait)

    def _send(self, kind: str, total: int, told: Sequence[Event] = (), *, state: str = "active") -> None:
        wanted = self._listener.wanted
        assert wanted.endpoint is not None
        body = bundle(
            self._listener.record, wanted, kind, total, told, base_url=self._sender.base_url, state=state,
            now=self._sender.clock(),
        )  # fmt: skip
        self._sender.post(wanted.endpoint, "POST", body, wanted.headers, wanted.timeout or TIMEOUT_SECONDS)

    def _arrived(self, told: Sequence[Event], state: str) -> None:
        now = self._sender.clock()
        with self._connection.transaction():
            execute(
                self._connection,
                "update record.subscription_event set told = true"
                " where subscription = %(id)s and number = any(%(numbers)s)",
                {"id": self._id, "numbers": [one.number for one in told]},
            )
            execute(
                self._connection,
                "update record.subscription set state = %(state)s, failures = 0, error = null, told_at = %(now)s,"
                " retry_at = %(now)s where id = %(id)s",
                {"id": self._id, "state": state, "now": now},
            )
        if self._state != state or self._failures >= SHOWN_AFTER:
            self._show(state, None)
        self._state, self._failures = state, 0

    def _failed(self, words: str) -> None:
        self._failures += 1
        wait = min(FIRST_WAIT * 2 ** min(self._failures - 1, 20), LONGEST_WAIT)
        state = "error" if self._failures >= SHOWN_AFTER else self._state
        execute(
            self._connection,
            "update record.subscription set state = %(state)s, failures = %(failures)s, error = %(words)s,"
            " retry_at = %(at)s where id = %(id)s",
            {
                "id": self._id, "state": "requested" if self._state == "requested" else state,
                "failures": self._failures, "words": words, "at": self._sender.clock() + wait,
            },
        )  # fmt: skip
        if self._failures == SHOWN_AFTER:
            self._show("error", words)

    def _end(self) -> None:
        self._show("off", None)
        execute(self._connection, "delete from record.subscription where id = %s", (self._id,))

    def _show(self, status: str, words: str | None) -> None:
        """Write how it goes on the Subscription, where its owner looks."""
        record = Record(self._connection, actor=_SENDER, clock=self._sender.clock)
        try:
            with record.atomic():
                resource = record.lock(Subscription, self._id)
                resource.status = status  # type: ignore[assignment]  # one of the codes
                resource.error = words[:1000] if words else None
                record.update(resource)
        except RecordError:
            log.exception("subscriptions: the state of %s could not be noted", self._id)
