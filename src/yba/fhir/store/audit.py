"""The audit's rows: what an act is, and the journal of acts that change nothing.

Writes carry their audit row in their own statement (``write.py``). Reads would double their cost that way, so they
are kept in memory for at most ``FLUSH_SECONDS`` and written by a thread with a connection of its own: a process that
is killed loses that second at most. Being written by its own hand, they stay when the request's transaction is rolled
back: a refused attempt is noted all the same. What a row means as an AuditEvent: ``yba.fhir.audit``.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg

from yba.fhir.access import emergency
from yba.fhir.access.actor import HERE, Actor, Came
from yba.fhir.access.emergency import Doubt

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
MOST_PATIENTS = 1_000
"""How many persons one row names; an answer about more is several rows."""
LATE = timedelta(minutes=1)


class Act(msgspec.Struct, frozen=True, omit_defaults=True):
    """One audited act; the fields are the columns of ``record.audit``.

    ``actor`` and what follows it up to ``request`` say who, as ``Actor`` does; ``origin`` is who really acted when a
    rule of the house acted for them. ``act``: a key of ``yba.fhir.audit.acts``. ``patients``: whose records were
    answered, where they are several; ``patient``: the only one. ``answered``: how many resources were.
    """

    at: datetime
    actor: str
    role: str
    actor_facility: str | None
    origin: str | None
    act: str
    type: str | None = None
    id: str | None = None
    version: int | None = None
    patient: str | None = None
    facility: str | None = None
    detail: str | None = None
    outcome: str = "ok"
    name: str | None = None
    practitioner: str | None = None
    person: str | None = None
    app: str | None = None
    session: str | None = None
    address: str | None = None
    purpose: str | None = None
    request: str | None = None
    patients: list[str] | None = None
    answered: int | None = None


class Doubted(msgspec.Struct, frozen=True):
    """An act of which is asked, when it is written, whether an emergency alone let it through."""

    act: Act
    doubt: Doubt


_TYPES = {
    "at": "timestamptz", "version": "integer", "patients": "text[]", "answered": "integer",
}  # fmt: skip
_COLUMNS = ", ".join(Act.__struct_fields__)
_OUTCOME = "coalesce(outcome, 'ok')"  # what is as usual is not sent
# One JSON text: an array parameter for each column costs thirteen times the time under Python's lock.
_INSERT = (
    f"insert into record.audit ({_COLUMNS})\n"  # noqa: S608 - our own names
    f"select {_COLUMNS.replace('outcome', _OUTCOME)} from json_to_recordset(%s::json) as x("
    + ", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in Act.__struct_fields__)
    + ")"
)


def act_of(actor: Actor, act: str, at: datetime, came: Came = HERE, **said: Any) -> Act:
    """An act of this actor, by a request; ``said``: the fields that are not about who."""
    return Act(
        at=at,
        actor=actor.user,
        role=actor.role,
        actor_facility=actor.facility,
        origin=actor.origin,
        act=act,
        name=actor.name or None,
        practitioner=actor.practitioner,
        person=actor.person,
        app=actor.app,
        session=actor.session,
        address=came.address or actor.address,
        purpose=actor.purpose,
        request=came.request,
        **said,
    )


def split(act: Act, patients: Sequence[str]) -> list[Act]:
    """The act with the persons whose records were answered: as many rows as it takes to name them all."""
    if len(patients) == 1:
        return [msgspec.structs.replace(act, patient=patients[0])]
    return [
        msgspec.structs.replace(act, patient=None, patients=list(patients[start : start + MOST_PATIENTS]))
        for start in range(0, len(patients), MOST_PATIENTS)
    ] or [act]


def write_acts(connection: psycopg.Connection[Any], acts: Sequence[Act | Doubted]) -> None:
    """Append acts to the audit on the given connection."""
    if not acts:
        return
    with psycopg.Cursor(connection) as cursor:
        cursor.execute(_INSERT.encode(), (_written(settled(connection, acts)),))


def settled(connection: psycopg.Connection[Any], acts: Sequence[Act | Doubted]) -> list[Act]:
    """The acts with the purpose ETREAT where an emergency alone let them through."""
    doubted = [one for one in acts if isinstance(one, Doubted)]
    plain = [_plain(one) for one in acts]
    if not doubted:
        return plain
    moments = [one.act.at for one in doubted]
    who = {one.doubt.practitioner for one in doubted}
    found = emergency.openings(connection, who, min(moments), max(moments))
    if not found.found:
        return plain
    return [
        each
        for one in acts
        for each in (_judged(connection, one, found) if isinstance(one, Doubted) else (one,))
    ]


def _judged(connection: psycopg.Connection[Any], doubted: Doubted, found: emergency.Openings) -> list[Act]:
    """One act, or two: what an emergency let through, and the rest."""
    plain, doubt = doubted.act, doubted.doubt
    about = [plain.patient] if plain.patient is not None else plain.patients or []
    opened = found.of(doubt.practitioner, plain.at).intersection(about)
    if not opened:
        return [plain]
    only = emergency.only_by_it(connection, doubt, opened, plain.at)
    if not only:
        return [plain]
    rest = sorted(set(about).difference(only))
    told = msgspec.structs.replace(plain, purpose=emergency.PURPOSE)
    if not rest:
        return split(told, sorted(only))
    many = sum(only.values())
    usual = None if plain.answered is None else max(plain.answered - many, 0)
    return [
        *split(msgspec.structs.replace(plain, answered=usual), rest),
        *split(msgspec.structs.replace(told, answered=many), sorted(only)),
    ]


def _written(acts: Sequence[Act]) -> str:
    """The acts as JSON; looked at one by one only where there is something no text of the database can hold."""
    try:
        text = msgspec.json.encode(acts).decode()
    except UnicodeEncodeError:
        text = _NUL
    return msgspec.json.encode([_storable(one) for one in acts]).decode() if _NUL in text else text


_NUL = "\\u0000"


def _storable(act: Act) -> Act:
    """The act without what no text of the database can hold and somebody may ask for all the same."""
    bad = {
        name: clean
        for name in Act.__struct_fields__
        if isinstance(value := getattr(act, name), str) and (clean := _clean(value)) != value
    }
    return msgspec.structs.replace(act, **bad) if bad else act


def _clean(text: str) -> str:
    """NUL characters and halves of surrogate pairs replaced."""
    if "\x00" in text:
        text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text if text.isascii() else text.encode(errors="replace").decode()


class Journal:
    """Buffered acts of one process, written every second by a thread with a connection of its own."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._waiting: deque[Act | Doubted] = deque()
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._connection: psycopg.Connection[Any] | None = None
        self._thread = threading.Thread(target=self._run, name="audit-journal", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def add(self, act: Act | Doubted) -> None:
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
                self._write(self._connection, acts)
            except psycopg.Error:
                log.exception("audit: %d acts wait for the database", len(acts))
                self._waiting.extendleft(reversed(acts))
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None

    def _write(self, connection: psycopg.Connection[Any], acts: list[Act | Doubted]) -> None:
        """All of them; where the database takes one of them not, the others, and a note in its place."""
        now = datetime.now(UTC)
        late = _late(acts, now)
        try:
            with connection.transaction():
                write_acts(connection, [*acts, *late])
            return
        except psycopg.DataError:
            log.exception("audit: an act that cannot be kept is among %d", len(acts))
        for act in [*acts, *late]:
            try:
                with connection.transaction():
                    write_acts(connection, [act])
            except psycopg.DataError:
                with connection.transaction():
                    write_acts(connection, [_bare(_plain(act))])

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
            try:
                self.flush()
            except Exception:  # the thread must live: without it nothing read is ever noted again
                log.exception("audit: the journal failed")


def _plain(act: Act | Doubted) -> Act:
    return act.act if isinstance(act, Doubted) else act


def _late(acts: Sequence[Act | Doubted], now: datetime) -> list[Act]:
    """A row that says that others beside it waited long for the database: ``audit verify`` asks why they come late."""
    oldest = min(_plain(act).at for act in acts)
    if now - oldest <= LATE:
        return []
    words = f"{len(acts)} acts from {oldest.isoformat()} on waited for the database"
    return [Act(now, "system", "system", None, None, "audit-late", detail=words)]


def _bare(act: Act) -> Act:
    """Who did what and when, without the words that could not be kept."""
    return Act(act.at, act.actor[:200], act.role[:100], None, None, act.act, detail="could not be kept whole")
