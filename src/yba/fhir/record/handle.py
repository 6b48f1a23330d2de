"""The handle itself: what the record offers, each method a few lines over the module that does it.

Opened for a request with ``yba.fhir.open``; lives as long as it. Reads no environment and holds no global.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar, cast, overload

import psycopg

from yba.fhir import search
from yba.fhir.access import policy, wall
from yba.fhir.access.actor import HERE, Actor, Came, of_a_rule
from yba.fhir.condition import Condition
from yba.fhir.errors import Invalid, RecordError
from yba.fhir.model import codec
from yba.fhir.r4.datatypes import Resource
from yba.fhir.record import conditions, deriving, integrity, many, noting, reading, searching, writing
from yba.fhir.record.failures import attempted, translated
from yba.fhir.record.joining import Entry, Joining
from yba.fhir.record.reading import Versions, content_of
from yba.fhir.record.searching import Page
from yba.fhir.record.writing import ANY_VERSION, Change
from yba.fhir.store import contained, identity
from yba.fhir.store.asking import Statement
from yba.fhir.store.audit import Journal
from yba.fhir.store.read import History
from yba.fhir.store.rows import Stored
from yba.fhir.store.write import write as write_one
from yba.fhir.store.write_joined import joinable, write_joined
from yba.fhir.store.write_many import Item, write_many
from yba.fhir.terminology import Terminology

__all__ = ["ANY_VERSION", "Page", "Parameter", "Record", "now", "type_name_of"]

R = TypeVar("R", bound=Resource)
T = TypeVar("T")
Parameter = tuple[str, str]
Guard = Callable[["Record", Resource | None, Resource | None], None]
Clock = Callable[[], datetime]
Ids = Callable[[int], str]
Transaction = Callable[[], AbstractContextManager[object]]

MOST_WAITING = 500


def now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


def type_name_of(kind: type[Resource] | str) -> str:
    """The FHIR name of a type given by class or name."""
    return kind if isinstance(kind, str) else kind.__name__


class Record:
    """The record for one actor on one connection. See ``docs/reference/record.md`` for a tour."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        *,
        actor: Actor,
        clock: Clock = now,
        ids: Ids = identity.new_id,
        guards: Mapping[str, Sequence[Guard]] | None = None,
        journal: Journal | None = None,
        transaction: Transaction | None = None,
        integrity: bool = False,
        base_url: str | None = None,
        came: Came = HERE,
        joining: Joining | None = None,
    ) -> None:
        self._transaction = transaction or connection.transaction
        self._connection = connection
        self._wall = wall.of(connection)
        self._reach: wall.Reach | None = None
        self._waiting: list[Item] | None = None
        self.actor = actor
        self.came = came
        self.clock = clock
        self._ids = ids
        self._joining = joining
        self.guards = guards or {}
        self.journal = journal
        self.integrity = integrity
        self.base_url = base_url
        self.unchecked_sources: list[tuple[str, str, bytes]] = []
        self.unchecked_targets: list[tuple[str, str]] = []
        self._depth = 0

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection; whoever asks for it finds on it everything written so far, and that this actor acts on it.

        Not to be kept while another record acts on the same connection: ask again.
        """
        if self._waiting:
            self._send_waiting()
        return self._told()

    @property
    def untold(self) -> psycopg.Connection[Any]:
        """The connection for what is no person's: on it another may still act than this actor."""
        if self._waiting:
            self._send_waiting()
        return self._connection

    def _told(self) -> psycopg.Connection[Any]:
        """The connection, on which the database has been told who acts (``access.wall``)."""
        self._wall.tell(self._connection, self._acting())
        return self._connection

    def asked(self, question: Statement, *, prepare: bool = True) -> list[tuple[Any, ...]]:
        """The rows of a question, of which the database knows who asks; the shortest way there is."""
        if self._waiting:
            self._send_waiting()
        return self._wall.ask(self._connection, self._acting(), question, prepare=prepare)

    def _acting(self) -> wall.Reach:
        if self._reach is None:
            self._reach = wall.reach_of(self.actor, real_time=self.clock is now)
        return self._reach

    def walled(self, person: str) -> bool:
        """Whether the second wall looks for each row of a person how this actor stands to them."""
        return self._wall.asks_each(self._connection, self._acting(), person)

    # -- who and when ------------------------------------------------------------------------------

    def as_system(self) -> Record:
        """The same record for a rule of the house: all rights, audited with who set it going."""
        if self.actor.role == "system":
            return self
        return Record(
            self.connection, actor=of_a_rule(self.actor), clock=self.clock, ids=self._ids, guards=self.guards,
            journal=self.journal, transaction=self._transaction, integrity=self.integrity,
            base_url=self.base_url, came=self.came, joining=self._joining,
        )  # fmt: skip

    def may(self, type_name: str, interaction: str = "read") -> Condition:
        """Which rows of a type the actor may do this to, by the record's clock: the door of every query."""
        return policy.condition(self.actor, type_name, interaction, now=self.clock())

    def shown(self, stored: Stored) -> Stored:
        """A version as the actor is shown it: without the elements that are masked for the role."""
        mask = policy.mask(self.actor, stored.type)
        return stored if mask is None else mask.stored(stored)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All or nothing: a transaction, or a savepoint inside one."""
        self._depth += 1
        unchecked = len(self.unchecked_sources), len(self.unchecked_targets)
        try:
            if self._waiting:  # a savepoint: what was written before it is not a part of it
                self._send_waiting()
            with translated, self._transaction():
                yield
                if self._waiting:
                    self._send_waiting()
                if self.integrity and self._depth == 1:
                    integrity.check(self)
        except BaseException:
            # What was written inside is taken back: it is neither sent later nor checked.
            if self._waiting:
                self._waiting = []
            del self.unchecked_sources[unchecked[0] :], self.unchecked_targets[unchecked[1] :]
            raise
        finally:
            self._depth -= 1
            if self.integrity and not self._depth:
                integrity.forget(self)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes inside go to the database many at a time; any read sends first what waits. Use inside ``atomic``."""
        if self._waiting is not None:
            yield
            return
        self._waiting = []
        try:
            yield
            self._send_waiting()
        finally:
            self._waiting = None

    def write(self, item: Item) -> None:
        """Write one version, or let it wait for others (``together``)."""
        if self._waiting is None:
            if item.row.type == "Patient":
                with translated, self._transaction():
                    self._write_now(item)
                    deriving.appeared(self._connection, [item], self.clock())
                return
            self._write_now(item)
            return
        self._waiting.append(item)
        if len(self._waiting) >= MOST_WAITING:
            self._send_waiting()

    def _write_now(self, item: Item) -> None:
        with translated:
            if contained.concern(item.row, item.index, item.known):
                with self._connection.transaction():
                    write_many(self._told(), self.actor, [item], self.came)
            elif self._joining is not None and joinable(item) and wall.alone(self._connection):
                key = (self.actor, self.clock is now)
                self._joining.write(key, (item, self.came), lambda: self._write_one(item), self._write_joined)
            else:
                self._write_one(item)

    def _write_one(self, item: Item) -> None:
        write_one(self._told(), self.actor, item.row, item.index, item.known, self.came)

    def _write_joined(self, entries: Sequence[Entry]) -> bool:
        return write_joined(self._told(), self.actor, entries)

    def _send_waiting(self) -> None:
        items, self._waiting = self._waiting or [], []
        with translated:
            write_many(self._told(), self.actor, items, self.came)
            deriving.appeared(self._connection, items, self.clock())

    def attempt(self, work: Callable[[], T], *, taken: bool = False) -> T:
        """Do work in a transaction, and again where another one stood in its way; see ``failures.attempted``."""
        return attempted(self.connection, self.atomic, work, taken=taken)

    # -- audit ---------------------------------------------------------------------------------------

    def audit(
        self,
        act: str,
        *,
        type_name: str | None = None,
        stored: Stored | None = None,
        detail: str | None = None,
        outcome: str = "ok",
        patients: Collection[str] = (),
        answered: int | None = None,
        identifier: str | None = None,
        rows: Iterable[Stored] = (),
    ) -> None:
        """Note an act that changes nothing (the write statement notes its own): a key of ``yba.fhir.audit.acts``.

        ``patients``: whose records were answered, printed or exported, where it is not ``stored`` alone;
        ``answered``: how many resources; ``rows``: these, where they are at hand; ``identifier``: of what it is about,
        where its row is not at hand. A page that makes a paper says
        ``record.audit("print", type_name="Encounter", identifier=..., patients=[...])``.
        """
        noting.note(
            self, act, type_name=type_name, stored=stored, detail=detail, outcome=outcome, patients=patients,
            answered=answered, identifier=identifier, rows=rows,
        )  # fmt: skip

    def refused(self, error: RecordError, type_name: str, stored: Stored | None = None) -> None:
        """Note an attempt that was refused."""
        self.audit("refused", type_name=type_name, stored=stored, detail=error.key, outcome="refused")

    # -- reads ---------------------------------------------------------------------------------------

    def read_stored(self, type_name: str, identifier: str) -> Stored:
        """The current version as stored. Raises NotFound; Gone when it has been deleted."""
        return reading.read_stored(self, type_name, identifier)

    def vread_stored(self, type_name: str, identifier: str, version: str) -> Stored:
        """One version as stored, of a resource the actor can see as it is now. Raises NotFound, Gone."""
        return reading.vread_stored(self, type_name, identifier, version)

    @overload
    def read(self, kind: type[R], identifier: str) -> R: ...
    @overload
    def read(self, kind: str, identifier: str) -> Resource: ...
    def read(self, kind: type[R] | str, identifier: str) -> R | Resource:
        """The current version, decoded. Raises NotFound, Gone."""
        type_name = type_name_of(kind)
        return codec.decode(content_of(self.read_stored(type_name, identifier)), type_name)

    @overload
    def lock(self, kind: type[R], identifier: str) -> R: ...
    @overload
    def lock(self, kind: str, identifier: str) -> Resource: ...
    def lock(self, kind: type[R] | str, identifier: str) -> R | Resource:
        """The current version, its row locked until the transaction ends. Use inside ``atomic``."""
        type_name = type_name_of(kind)
        stored, _ = reading.current(self, type_name, identifier, lock=True)
        self.audit("read", type_name=type_name, stored=stored)
        return codec.decode(content_of(reading.alive(self.shown(stored))), type_name)

    def history_stored(
        self,
        type_name: str | None = None,
        identifier: str | None = None,
        *,
        since: datetime | None = None,
        before: tuple[datetime, int, int] | None = None,
        count: int = 50,
    ) -> list[tuple[str, Stored]]:
        """Versions of a resource, a type or everything, newest first: pairs of type and version."""
        return reading.history_stored(self, type_name, identifier, since=since, before=before, count=count)

    def history(
        self, type_name: str | None, identifier: str | None, asked: History, *, count: bool = False
    ) -> Versions:
        """Versions as ``asked``, with their number when ``count``; see ``reading.history``."""
        return reading.history(self, type_name, identifier, asked, count=count)

    def terminology(self) -> Terminology:
        """What knows codes and value sets: the published ones, and those of the record that the actor may read."""
        from yba.fhir.terminology.stored import RecordShelf

        return Terminology(RecordShelf(lambda: self.connection, self.may))

    # -- searches --------------------------------------------------------------------------------------

    def search_stored(
        self,
        type_name: str | None,
        params: Sequence[Parameter],
        *,
        strict: bool = False,
        compartment: search.Compartment | None = None,
        contained: bool = False,
    ) -> search.Found:
        """One page of a search, as stored: of a type, or (None) of all or of those ``_type`` names.

        ``compartment`` narrows it to what belongs to one resource; ``contained``: ``_contained`` may be asked.
        """
        return searching.search_stored(
            self, type_name, params, strict=strict, compartment=compartment, contained=contained
        )

    def search(self, kind: type[Resource] | str, params: Sequence[Parameter], *, strict: bool = True) -> Page:
        """One page of a search, decoded."""
        return searching.page(self, type_name_of(kind), params, strict=strict)

    @overload
    def find(self, kind: type[R], *params: Parameter) -> list[R]: ...
    @overload
    def find(self, kind: str, *params: Parameter) -> list[Resource]: ...
    def find(self, kind: type[R] | str, *params: Parameter) -> list[R] | list[Resource]:
        """Every match, in the order asked for. Raises TooCostly above 5,000: never a part of the answer."""
        return cast("list[R]", searching.find(self, type_name_of(kind), params))

    @overload
    def first(self, kind: type[R], *params: Parameter) -> R | None: ...
    @overload
    def first(self, kind: str, *params: Parameter) -> Resource | None: ...
    def first(self, kind: type[R] | str, *params: Parameter) -> R | Resource | None:
        """The first match in the order asked for, or None."""
        page = self.search(kind, [*params, ("_count", "1")])
        return page.matches[0] if page.matches else None

    def count(self, kind: type[Resource] | str, *params: Parameter) -> int:
        """How many match."""
        found = self.search_stored(
            type_name_of(kind), [*params, ("_count", "0"), ("_total", "accurate")], strict=True
        )
        return found.total or 0

    # -- writes ------------------------------------------------------------------------------------------

    def create(self, resource: R, *, if_none_exist: Sequence[Parameter] | None = None) -> R:
        """Store a new resource under an id of the record's; what was stored, with id and meta.

        With ``if_none_exist`` the match is returned instead when there is exactly one. Raises
        PreconditionFailed when there are several.
        """
        codec.check(resource)
        stored, _ = self.create_stored(resource, if_none_exist=if_none_exist)
        return cast("R", codec.decode(content_of(stored), stored.type))

    def create_stored(
        self,
        resource: Resource,
        *,
        if_none_exist: Sequence[Parameter] | None = None,
        identifier: str | None = None,
    ) -> tuple[Stored, bool]:
        """Like ``create``, as stored; the flag says whether something new was made."""
        if if_none_exist is not None:
            return conditions.create(self, resource, if_none_exist, identifier)
        name = type(resource).__name__
        alone = name not in deriving.IN_TRANSACTION and name != writing.FOLLOWED
        if self.integrity or name in self.guards or not alone:
            return self.attempt(lambda: (writing.put(self, resource, identifier, "POST", None), True))
        return writing.put(self, resource, identifier, "POST", None), True

    def new_id(self, shard: int | None = None) -> str:
        """A fresh id on a shard, or on any."""
        return self._ids(secrets.randbelow(identity.SHARDS) if shard is None else shard)

    def match(self, type_name: str, params: Sequence[Parameter]) -> Stored | None:
        """The one resource a condition names, or None; askers of the same condition wait for each other.

        Use inside ``atomic``. Raises PreconditionFailed when several match.
        """
        return conditions.match(self, type_name, params, locked=True)

    def put_all(self, resources: Sequence[Resource]) -> list[Stored | RecordError]:
        """Store many under their own ids, each by itself, in one transaction; see ``many.put_all``."""
        return many.put_all(self, resources)

    def update(self, resource: R, *, if_match: str | None = None) -> R:
        """Store a new version of a resource, or the first under the id it carries.

        ``if_match`` is the version id that must still be current, or ANY_VERSION: there must be one. Raises
        PreconditionFailed when it is not; one that is hidden answers like one that is not there.
        """
        codec.check(resource)
        stored, _ = self.update_stored(resource, if_match=if_match)
        return cast("R", codec.decode(content_of(stored), stored.type))

    def update_stored(
        self, resource: Resource, *, if_match: str | None = None, only_new: bool = False
    ) -> tuple[Stored, bool]:
        """Like ``update``, as stored; the flag says whether it was made new.

        With ``only_new`` there must be none yet, or a deleted one. Raises PreconditionFailed when there is.
        """
        type_name, identifier = type(resource).__name__, resource.id
        if identifier is None:
            raise Invalid("store.id-missing", f"A {type_name} that is updated needs its id.", path="id")

        def work() -> tuple[Stored, bool]:
            known = writing.known_row(self, type_name, identifier, lock=True)
            return writing.update_in(self, resource, known, if_match=if_match, only_new=only_new)

        return self.attempt(work, taken=True)

    def update_where(
        self, resource: Resource, params: Sequence[Parameter], *, if_match: str | None = None
    ) -> tuple[Stored, bool]:
        """Update the one resource a condition names, or create; the flag says whether it was made new.

        Raises PreconditionFailed when several match, Invalid when the resource carries another id than the match.
        """
        return conditions.update(self, resource, params, if_match=if_match)

    def patch(
        self,
        kind: type[Resource] | str,
        identifier: str,
        change: Change,
        *,
        if_match: str | None = None,
    ) -> Stored:
        """A new version made by ``change`` from the JSON of the current one, which is locked meanwhile."""
        return self.attempt(
            lambda: writing.patch_in(self, type_name_of(kind), identifier, change, if_match=if_match)
        )

    def patch_where(
        self,
        kind: type[Resource] | str,
        params: Sequence[Parameter],
        change: Change,
        *,
        if_match: str | None = None,
    ) -> Stored:
        """Patch the one resource a condition names. Raises NotFound for none, PreconditionFailed for several."""
        return conditions.patch(self, type_name_of(kind), params, change, if_match=if_match)

    def delete(
        self, kind: type[Resource] | str, identifier: str, *, if_match: str | None = None
    ) -> Stored | None:
        """Delete: the row answers Gone from now on and its versions stay. None when it was gone already."""
        return self.attempt(
            lambda: writing.delete_in(self, type_name_of(kind), identifier, if_match=if_match)
        )

    def delete_where(
        self,
        kind: type[Resource] | str,
        params: Sequence[Parameter],
        *,
        most: int = conditions.MOST_DELETED,
        if_match: str | None = None,
    ) -> list[Stored]:
        """Delete all that a condition names; nothing, and TooMany, when they are more than ``most``."""
        return conditions.delete(self, type_name_of(kind), params, most=most, if_match=if_match)
