"""The second wall: the database is told who acts, and hides rows of persons that actor does not stand to.

The door (``policy.py``) puts its condition to every query. Should a query forget it, the row-level security of
``record.resource`` and ``record.version`` (migration 0014) still holds, for every login but the tables' owner. It is
coarse on purpose: whatever the door lets through for any interaction passes, so the wall never hides what the door
shows; labels, criteria and scopes are the door's alone. Nobody told is nothing seen.

What deliberately looks at rows whoever may see them (a lock, who is told of a refusal, what a chart's papers open)
names ``record.unwalled_resource`` or ``record.unwalled_version``; a test holds who does.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import PipelineStatus, TransactionStatus

from yba.fhir.access import policy
from yba.fhir.access.actor import Actor
from yba.fhir.access.roles import ANY, Grant
from yba.fhir.r4 import MODULES
from yba.fhir.store.asking import Statement, ask, rows
from yba.fhir.store.prepared import goes_alone

_BETWEEN: Final = "\x1f"
_TREATING: Final = frozenset({"own-department", "own-patients", "treating", "shared"})
_FAMILY: Final = frozenset({"ward", "delegated"})
# The database looks through the names of types from the first on, for each row.
_OFTEN: Final = frozenset({
    "Appointment", "Condition", "Encounter", "MedicationRequest", "Observation", "Patient", "ServiceRequest",
})  # fmt: skip
MOST_NAMES: Final = 256
"""So many tellings of a connection are remembered; a savepoint may bring back any of them."""


class Reach(NamedTuple):
    """How far an actor reaches, as the policies read it: each field is the setting ``yba.<field>`` of the session.

    ``reach``: ``all`` for who sees every row. ``types``: of which types every row may pass. ``kept``: of which those
    of ``facility`` do. ``known``: of which those of persons do to whom one of ``holders`` stands. ``person``: whose
    own chart passes. ``times``: ``any`` where the record's clock is not the database's.
    """

    reach: str = ""
    types: str = ""
    kept: str = ""
    facility: str = ""
    known: str = ""
    holders: str = ""
    person: str = ""
    times: str = ""

    def looks_for(self, person: str) -> bool:
        """Whether it is looked for in ``record.standing`` how the actor stands to a person."""
        return bool(self.known and self.holders) and person != self.person


NOBODY: Final = Reach()


class _Due(NamedTuple):
    """What the database has to be told, and by which name it then stands."""

    name: bytes
    said: Statement


@lru_cache(maxsize=8192)
def reach_of(actor: Actor, *, real_time: bool = True) -> Reach:
    """What the wall is told of an actor, by all grants of the role together, whatever the interaction.

    ``real_time``: standings are held against the database's clock, a day to either side; else whenever they were.
    """
    role = policy.role_of(actor)
    grants = role.grants if role is not None else ()
    every = _types(grants, {"all"})
    if ANY in every:
        return Reach(reach="all")
    relations = {one for grant in grants for one in grant.of}
    holders = policy.holders(actor) if relations & _TREATING else []
    if relations & _FAMILY and actor.person:
        holders = [*holders, f"person:{actor.person}"]
    return Reach(
        types=_words(every),
        kept=_words(_types(grants, {"own-facility"})),
        facility=(actor.facility or "") if "own-facility" in relations else "",
        known=_words(_types(grants, _TREATING | _FAMILY)),
        holders=_BETWEEN.join(_stored(one) for one in holders if _BETWEEN not in one),
        person=(actor.person or "") if "self" in relations else "",
        times="" if real_time else "any",
    )


def _types(grants: Iterable[Grant], relations: frozenset[str] | set[str]) -> set[str]:
    return {name for grant in grants if not relations.isdisjoint(grant.of) for name in grant.types}


def _words(types: set[str]) -> str:
    """Between blanks, so that a name is found in it and no part of one; first what is asked for most."""
    named = MODULES if ANY in types else types
    return f" {' '.join(sorted(named, key=lambda one: (one not in _OFTEN, one)))} " if named else ""


def _stored(text: str) -> str:
    """Text as the database can hold it; what it can't is nobody's id."""
    return "" if "\x00" in text else text


class Wall:
    """What one connection has been told.

    ``set_config`` is undone by a rollback, also of a savepoint, whoever sends it. So with each telling the connection
    is given a name of its own, ``application_name``, in the same statement: the database reports that setting to the
    client whenever it changes, also back. The name that stands is the telling that stands; none we gave, and it is
    told again. In a pipeline reports come late, so there nothing is believed. A telling that is a transaction of its
    own, or of its own with the question it is told for, nothing can undo later: there the name stays and means another.
    """

    __slots__ = ("_base", "_held", "_names", "_number")

    def __init__(self) -> None:
        self._held: bool | None = None
        self._names: dict[bytes, Reach] = {}
        self._number = 0
        self._base: str | None = None

    def held(self, connection: psycopg.Connection[Any]) -> bool:
        """Whether the wall stands before this connection: not for the tables' owner."""
        if self._held is None:
            with psycopg.Cursor(connection) as cursor:
                row = cursor.execute(_HELD, prepare=False).fetchone()
            self._held = bool(row and row[0])
        return self._held

    def asks_each(self, connection: psycopg.Connection[Any], reach: Reach, person: str) -> bool:
        """Whether of each row of a person it would be looked up how the actor stands to them, and the next statement,
        a transaction of its own, could note that first (``record.of_one``)."""
        return reach.looks_for(person) and self.held(connection) and alone(connection)

    def tell(self, connection: psycopg.Connection[Any], reach: Reach) -> bool:
        """Who acts from now on, unless it is known to be so; whether the database had to be told."""
        due = self._due(connection, reach)
        if due is None:
            return False
        self._names.pop(due.name, None)
        if goes_alone(connection):
            rows(connection, due.said)
        else:
            # A cursor of its own: the record's may still hold an answer.
            with psycopg.Cursor(connection) as cursor:
                cursor.execute(due.said.text.encode(), due.said.values)
        self._names[due.name] = reach
        return True

    def ask(
        self, connection: psycopg.Connection[Any], reach: Reach, asked: Statement, *, prepare: bool = True
    ) -> list[tuple[Any, ...]]:
        """The rows of a question that somebody asks. Who it is goes to the database in one go with it, and before it.

        They are one transaction: a telling that fails takes the question with it, unanswered, and the other way
        round the session goes on saying what it said.
        """
        if not goes_alone(connection):
            self.tell(connection, reach)
            return ask(connection, asked, prepare=prepare)
        due = self._due(connection, reach)
        if due is None:
            return rows(connection, asked, prepare=prepare)
        # Nothing is believed until all is well: an answer may not be readable.
        self._names.pop(due.name, None)
        found = rows(connection, asked, before=due.said, prepare=prepare)
        self._names[due.name] = reach
        return found

    def _due(self, connection: psycopg.Connection[Any], reach: Reach) -> _Due | None:
        """What the database has to be told, so that it knows that this one acts; None where it does."""
        known = self._standing(connection)
        if reach == known or not self.held(connection):
            return None
        said = reach._asdict()
        if known is None:
            return self._named(connection, said)
        # Of another actor of the role little differs.
        said = {name: said[name] for name, old, new in zip(said, known, reach, strict=True) if old != new}
        name = connection.pgconn.parameter_status(b"application_name")
        if name is None or not alone(connection):
            return self._named(connection, said)
        # Nothing is open that could undo it: the name that stands may mean this from now on, and need not change. Nor
        # does a note of whom one asks for stand, which ends with the transaction it is made in.
        return _Due(name, Statement(_telling(tuple(said), forgetting=False), said))

    def _standing(self, connection: psycopg.Connection[Any]) -> Reach | None:
        """What the session says now, where that is known."""
        low = connection.pgconn
        if low.pipeline_status != PipelineStatus.OFF:
            return None
        name = low.parameter_status(b"application_name")
        return self._names.get(name) if name else None

    def _named(self, connection: psycopg.Connection[Any], said: dict[str, str]) -> _Due:
        """Under a name no telling of this connection has had; what older ones said is forgotten."""
        if self._base is None:
            self._base = (connection.info.parameter_status("application_name") or "yba")[:40]
        if len(self._names) >= MOST_NAMES:
            self._names.clear()
        self._number += 1
        name = f"{self._base} {self._number}"
        return _Due(
            name.encode(),
            Statement(_telling(("application_name", *said)), {**said, "application_name": name}),
        )


def alone(connection: psycopg.Connection[Any]) -> bool:
    """Whether the next statement is a transaction of its own."""
    low = connection.pgconn
    return (
        connection.autocommit
        and low.transaction_status == TransactionStatus.IDLE
        and low.pipeline_status == PipelineStatus.OFF
    )


@lru_cache(maxsize=256)
def _telling(names: tuple[str, ...], *, forgetting: bool = True) -> str:
    """What sets these settings of the session; ``forgetting``: what was noted for another is taken away with it."""
    settings = ["set_config('yba.passed', '', false)"] if forgetting else []
    settings += [
        f"set_config('{name if name == 'application_name' else 'yba.' + name}', %({name})s::text, false)"
        for name in names
    ]
    return f"select {', '.join(settings)}"


_HELD = "select coalesce(row_security_active(to_regclass('record.resource')), false)"
_walls: WeakKeyDictionary[psycopg.Connection[Any], Wall] = WeakKeyDictionary()


def of(connection: psycopg.Connection[Any]) -> Wall:
    """The wall before a connection."""
    found = _walls.get(connection)
    if found is None:
        found = _walls[connection] = Wall()
    return found


def held(connection: psycopg.Connection[Any]) -> bool:
    """Whether the wall stands before this connection."""
    return of(connection).held(connection)


def tell(connection: psycopg.Connection[Any], reach: Reach) -> None:
    """Who acts on a connection from now on."""
    of(connection).tell(connection, reach)


def forget(connection: psycopg.Connection[Any]) -> bool:
    """Nobody acts on a connection any more: what is asked on it now, without a record, sees no row.

    Whether the database had to be told, and so has answered.
    """
    found = _walls.get(connection)
    return found is not None and found.tell(connection, NOBODY)
