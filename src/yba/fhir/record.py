"""The record's one handle: every read and write of a resource, by an actor, through the access door.

Opened for a request with ``yba.fhir.open``; lives as long as it. Reads no environment and holds no global.
"""

from __future__ import annotations

import copy
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeVar, cast, overload

import msgspec
import psycopg
from psycopg import errors as pg

from yba.fhir import search
from yba.fhir.access import policy
from yba.fhir.access.actor import Actor
from yba.fhir.bundle import Fetch
from yba.fhir.bundle import run as run_bundle
from yba.fhir.errors import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    PreconditionFailed,
    RecordError,
    TooCostly,
    Unavailable,
)
from yba.fhir.model import codec
from yba.fhir.model.dates import instant
from yba.fhir.r4.bundle import Bundle
from yba.fhir.r4.datatypes import Coding, Meta, Resource
from yba.fhir.search.index import rows as index_rows
from yba.fhir.store import identity, read, write
from yba.fhir.store.audit import Act, Journal, write_acts
from yba.fhir.store.rows import Stored, execute

R = TypeVar("R", bound=Resource)
Parameter = tuple[str, str]
Guard = Callable[["Record", Resource | None, Resource | None], None]
Clock = Callable[[], datetime]
Ids = Callable[[int], str]
Transaction = Callable[[], AbstractContextManager[object]]

ANY_VERSION = "*"
FIND_LIMIT = 5_000
PAGE = 500
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search, decoded: matches in order, what was included, and how to go on."""

    matches: list[Resource]
    included: list[Resource] = field(default_factory=list)
    total: int | None = None
    next: str | None = None
    unknown: list[str] = field(default_factory=list)


def facility_of(resource: Resource) -> str | None:
    """The facility a resource is tagged with: the first tag of the facility's system."""
    if resource.meta is not None:
        for tag in resource.meta.tag:
            if tag.system == policy.FACILITY_TAG:
                return tag.code
    return None


def type_name_of(kind: type[Resource] | str) -> str:
    """The FHIR name of a type given by class or name."""
    return kind if isinstance(kind, str) else kind.__name__


class _Translated:
    """Database failures as the record's errors; SQL text never leaves. One value serves every use."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, psycopg.Error):
            raise _translation(error) from error


def _translation(error: psycopg.Error) -> BaseException:
    if isinstance(error, pg.DeadlockDetected | pg.SerializationFailure | pg.LockNotAvailable):
        return Conflict(
            "store.busy",
            "Another change to the same records was under way. Nothing was stored; send it again.",
        )
    if isinstance(error, pg.QueryCanceled):
        return TooCostly(
            "store.timeout", "The question took too long. Narrow it, for example by patient or date."
        )
    if isinstance(error, pg.UniqueViolation):
        return Conflict(
            "store.taken", "Something with this key was stored at the same moment. Read it and decide again."
        )
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Unavailable(
            "store.unavailable", "The database does not answer. Nothing was stored; try again in a moment."
        )
    return error


_translated = _Translated()


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
    ) -> None:
        self._transaction = transaction or connection.transaction
        self.connection = connection
        self.actor = actor
        self.clock = clock
        self._ids = ids
        self._guards = guards or {}
        self._journal = journal

    # -- who and when ------------------------------------------------------------------------------

    def as_system(self) -> Record:
        """The same record for a rule of the house: all rights, audited with who set it going."""
        if self.actor.role == "system":
            return self
        actor = Actor(
            user="system",
            role="system",
            name=self.actor.name,
            facility=self.actor.facility,
            origin=self.actor.origin or self.actor.user,
        )
        return Record(
            self.connection, actor=actor, clock=self.clock, ids=self._ids, guards=self._guards,
            journal=self._journal, transaction=self._transaction,
        )  # fmt: skip

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All or nothing: a transaction, or a savepoint inside one."""
        with _translated, self._transaction():
            yield

    # -- audit ---------------------------------------------------------------------------------------

    def audit(
        self,
        act: str,
        *,
        type_name: str | None = None,
        stored: Stored | None = None,
        detail: str | None = None,
        outcome: str = "ok",
    ) -> None:
        """Note an act that changes nothing (the write statement notes its own)."""
        row = Act(
            at=self.clock(),
            actor=self.actor.user,
            role=self.actor.role,
            actor_facility=self.actor.facility,
            origin=self.actor.origin,
            act=act,
            type=type_name,
            id=stored.id if stored else None,
            version=stored.version if stored else None,
            patient=stored.patient if stored else None,
            facility=stored.facility if stored else None,
            detail=detail,
            outcome=outcome,
        )
        if self._journal is not None:
            self._journal.add(row)
        else:
            write_acts(self.connection, [row])

    def _refused(self, error: RecordError, type_name: str, stored: Stored | None) -> None:
        self.audit("refused", type_name=type_name, stored=stored, detail=error.key, outcome="refused")

    # -- reads ---------------------------------------------------------------------------------------

    def _current(self, type_name: str, identifier: str, *, lock: bool = False) -> tuple[Stored, int]:
        found = None
        if _ID.fullmatch(identifier):
            found = self._found(type_name, identifier, lock=lock)
        if found is None:
            raise NotFound(
                "store.not-found",
                f"There is no {type_name}/{identifier[:64]}.",
                type=type_name,
                id=identifier,
            )
        return found

    def _found(self, type_name: str, identifier: str, *, lock: bool) -> tuple[Stored, int] | None:
        with _translated:
            return read.current(
                self.connection, type_name, identifier,
                condition=policy.condition(self.actor, type_name), lock=lock,
            )  # fmt: skip

    def read_stored(self, type_name: str, identifier: str) -> Stored:
        """The current version as stored. Raises NotFound; Gone when it has been deleted."""
        stored, _ = self._current(type_name, identifier)
        self.audit("read", type_name=type_name, stored=stored)
        return _alive(stored)

    def vread_stored(self, type_name: str, identifier: str, version: str) -> Stored:
        """One version as stored; the actor must be able to see the resource as it is now.

        A version that was another patient's (misfiled, then put right) is not there for who does not see all.
        """
        stored, _ = self._current(type_name, identifier)
        with _translated:
            found = (
                read.one_version(self.connection, type_name, identifier, int(version))
                if version.isdecimal() and len(version) < 10
                else None
            )
        if found is None or not (found.patient == stored.patient or policy.sees_all(self.actor, type_name)):
            raise NotFound(
                "store.version-not-found",
                f"There is no version {version} of {type_name}/{identifier}.",
                type=type_name, id=identifier, version=version,
            )  # fmt: skip
        self.audit(
            "vread", type_name=type_name, stored=msgspec.structs.replace(found, patient=stored.patient)
        )
        return _alive(found)

    @overload
    def read(self, kind: type[R], identifier: str) -> R: ...
    @overload
    def read(self, kind: str, identifier: str) -> Resource: ...
    def read(self, kind: type[R] | str, identifier: str) -> R | Resource:
        """The current version, decoded. Raises NotFound, Gone."""
        type_name = type_name_of(kind)
        return codec.decode(_content(self.read_stored(type_name, identifier)), type_name)

    @overload
    def lock(self, kind: type[R], identifier: str) -> R: ...
    @overload
    def lock(self, kind: str, identifier: str) -> Resource: ...
    def lock(self, kind: type[R] | str, identifier: str) -> R | Resource:
        """The current version, its row locked until the transaction ends. Use inside ``atomic``."""
        type_name = type_name_of(kind)
        stored, _ = self._current(type_name, identifier, lock=True)
        self.audit("read", type_name=type_name, stored=stored)
        return codec.decode(_content(_alive(stored)), type_name)

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
        if type_name is None and self.actor.role != "system":
            raise Forbidden("access.history", "History of the whole record is for the role 'system'.")
        condition = policy.condition(self.actor, type_name or "*")
        if identifier is not None and type_name is not None:
            self._current(type_name, identifier)
        with _translated:
            found = read.history(
                self.connection, type_name, identifier,
                condition=condition, since=since, before=before, count=count,
            )  # fmt: skip
        subject = found[0][1] if identifier is not None and found else None
        self.audit("history", type_name=type_name, stored=subject)
        return found

    # -- searches --------------------------------------------------------------------------------------

    def search_stored(
        self, type_name: str, params: Sequence[Parameter], *, strict: bool = False
    ) -> search.Found:
        """One page of a search, as stored."""
        with _translated:
            found = search.run(
                self.connection, type_name, params,
                access=lambda name: policy.condition(self.actor, name), strict=strict,
            )  # fmt: skip
        patient = next((value for name, value in params if name in ("patient", "subject")), None)
        subject = None
        if patient is not None and "," not in patient:
            subject = Stored(type_name, "", 0, self.clock(), None, patient.removeprefix("Patient/"))
        self.audit(
            "search",
            type_name=type_name,
            stored=subject,
            detail="&".join(f"{name}={value}" for name, value in params)[:2000],
        )
        return found

    def search(self, kind: type[Resource] | str, params: Sequence[Parameter], *, strict: bool = True) -> Page:
        """One page of a search, decoded."""
        found = self.search_stored(type_name_of(kind), params, strict=strict)
        return Page(
            matches=[codec.decode(_content(one), one.type) for one in found.matches],
            included=[codec.decode(_content(one), one.type) for one in found.included],
            total=found.total,
            next=found.next,
            unknown=found.unknown,
        )

    @overload
    def find(self, kind: type[R], *params: Parameter) -> list[R]: ...
    @overload
    def find(self, kind: str, *params: Parameter) -> list[Resource]: ...
    def find(self, kind: type[R] | str, *params: Parameter) -> list[R] | list[Resource]:
        """Every match, in the order asked for. Raises TooCostly above 5,000: never a part of the answer."""
        matches: list[Resource] = []
        after: str | None = None
        while True:
            asked = [*params, ("_count", str(PAGE))] + ([("_cursor", after)] if after else [])
            page = self.search(kind, asked)
            matches += page.matches
            after = page.next
            if after is None:
                return cast("list[R]", matches)
            if len(matches) >= FIND_LIMIT:
                raise TooCostly(
                    "search.too-many",
                    f"More than {FIND_LIMIT} {type_name_of(kind)} match. Narrow the question.",
                    type=type_name_of(kind),
                )

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
        return cast("R", codec.decode(_content(stored), stored.type))

    def create_stored(
        self,
        resource: Resource,
        *,
        if_none_exist: Sequence[Parameter] | None = None,
        identifier: str | None = None,
    ) -> tuple[Stored, bool]:
        """Like ``create``, as stored; the flag says whether something new was made."""
        type_name = type(resource).__name__
        with self.atomic() if self._needs_transaction(type_name, if_none_exist) else _translated:
            if if_none_exist:
                match = self.match(type_name, if_none_exist)
                if match is not None:
                    return match, False
            return self._put(resource, identifier, "POST", None), True

    def new_id(self, shard: int | None = None) -> str:
        """A fresh id on a shard, or on any."""
        return self._ids(_any_shard() if shard is None else shard)

    def run_bundle(self, bundle: Bundle, *, fetch: Fetch | None = None) -> Bundle:
        """Carry out a transaction or batch bundle; see ``yba.fhir.bundle.run``."""
        return run_bundle(self, bundle, fetch)

    def _needs_transaction(self, type_name: str, if_none_exist: object) -> bool:
        return bool(if_none_exist) or type_name in self._guards

    def match(self, type_name: str, params: Sequence[Parameter]) -> Stored | None:
        """The one resource a condition names, or None; askers of the same condition wait for each other.

        Use inside ``atomic``. Raises PreconditionFailed when several match.
        """
        if any("\x00" in name + value for name, value in params):
            raise Invalid("search.value", "A condition holds a NUL character.")
        key = type_name + "?" + "&".join(sorted(f"{name}={value}" for name, value in params))
        execute(self.connection, "select pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
        found = search.run(
            self.connection, type_name, [*params, ("_count", "2")],
            access=lambda name: policy.condition(self.actor, name), strict=True,
        )  # fmt: skip
        if len(found.matches) > 1:
            raise PreconditionFailed(
                "store.several-match",
                f"Several {type_name} match the condition '{key}'. Name one by its id.",
            )
        return found.matches[0] if found.matches else None

    def update(self, resource: R, *, if_match: str | None = None) -> R:
        """Store a new version of a resource, or the first under the id it carries.

        ``if_match`` is the version id that must still be current, or ANY_VERSION: there must be one. Raises
        PreconditionFailed when it is not; one that is hidden answers like one that is not there.
        """
        codec.check(resource)
        stored, _ = self.update_stored(resource, if_match=if_match)
        return cast("R", codec.decode(_content(stored), stored.type))

    def update_stored(
        self, resource: Resource, *, if_match: str | None = None, only_new: bool = False, method: str = "PUT"
    ) -> tuple[Stored, bool]:
        """Like ``update``, as stored; the flag says whether it was made new.

        With ``only_new`` there must be none yet, or a deleted one. Raises PreconditionFailed when there is.
        """
        type_name, identifier = type(resource).__name__, resource.id
        if identifier is None:
            raise Invalid("store.id-missing", f"A {type_name} that is updated needs its id.", path="id")
        with self.atomic():
            known = read.current(
                self.connection, type_name, identifier, condition=policy.Condition(None), lock=True
            )
            if known is None:
                execute(
                    self.connection,
                    "select pg_advisory_xact_lock(hashtextextended(%s, 1))",
                    (f"{type_name}/{identifier}",),
                )
                known = read.current(
                    self.connection, type_name, identifier, condition=policy.Condition(None), lock=True
                )
            if if_match is not None and not (
                known is not None
                and (if_match == str(known[0].version) or (if_match == ANY_VERSION and known[0].content))
                and self._sees(type_name, identifier)
            ):
                raise PreconditionFailed(
                    "store.version-changed",
                    f"{type_name}/{identifier} is no longer at version {if_match}. "
                    "Read it again and repeat the change.",
                    type=type_name, id=identifier,
                )  # fmt: skip
            is_new = known is None or known[0].content is None
            if only_new and not is_new:
                raise PreconditionFailed(
                    "store.exists",
                    f"There is a {type_name}/{identifier} already.",
                    type=type_name,
                    id=identifier,
                )
            return self._put(resource, identifier, method, known), is_new

    def delete(
        self, kind: type[Resource] | str, identifier: str, *, if_match: str | None = None
    ) -> Stored | None:
        """Delete: the row answers Gone from now on and its versions stay. None when it was gone already."""
        type_name = type_name_of(kind)
        with self.atomic():
            stored, shard = self._current(type_name, identifier, lock=True)
            if stored.content is None:
                return None
            if if_match not in (None, ANY_VERSION, str(stored.version)):
                raise PreconditionFailed(
                    "store.version-changed", f"{type_name}/{identifier} is no longer at version {if_match}."
                )
            self._check_write(type_name, stored.patient, stored.facility)
            policy.check_delete(self.actor, type_name)
            self._guard(type_name, codec.decode(stored.content, type_name), None)
            row = write.Write(
                type_name, identifier, stored.version + 1, self._moment(), "DELETE", shard,
                stored.patient, stored.facility, None,
            )  # fmt: skip
            write.write(self.connection, self.actor, row, None, write.Known(stored.rid, shard))
        return Stored(type_name, identifier, row.version, row.updated, None, row.patient, row.facility)

    def _put(
        self, resource: Resource, identifier: str | None, method: str, known: tuple[Stored, int] | None
    ) -> Stored:
        """Check, guard and write one version; the caller holds the lock on the known row."""
        type_name = type(resource).__name__
        old = known[0] if known else None
        if old is not None:  # a deleted one too: who brings it back gets its history
            self._check_seen(type_name, old)
            self._check_write(type_name, old.patient, old.facility)
        moment = self._moment()
        version = old.version + 1 if old else 1
        facility = facility_of(resource) or (old.facility if old else None) or self.actor.facility
        stamped = _stamped(resource, version, moment, facility)
        index = index_rows(stamped)
        is_patient = type_name == "Patient"
        if identifier is None:
            near = None if is_patient else index.patient
            identifier = self.new_id(identity.shard_of(near) if near else None)
        stamped.id = identifier
        patient = identifier if is_patient else index.patient
        shard = identity.shard_of(patient or identifier)
        self._check_write(type_name, patient, facility)
        if patient is not None and not is_patient:
            self._check_person(patient)
        before = (
            codec.decode(old.content, type_name)
            if old and old.content and type_name in self._guards
            else None
        )
        self._guard(type_name, before, stamped)
        content = codec.encode(stamped)
        row = write.Write(type_name, identifier, version, moment, method, shard, patient, facility, content)
        known_row = write.Known(old.rid, known[1]) if old and known else None
        write.write(self.connection, self.actor, row, index, known_row)
        return Stored(type_name, identifier, version, moment, content, patient, facility, method=method)

    def _moment(self) -> datetime:
        moment = self.clock()
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def _guard(self, type_name: str, before: Resource | None, after: Resource | None) -> None:
        for guard in self._guards.get(type_name, ()):
            guard(self, before, after)

    def _check_write(self, type_name: str, patient: str | None, facility: str | None) -> None:
        try:
            policy.check_write(self.actor, type_name, patient=patient, facility=facility)
        except Forbidden as error:
            self._refused(error, type_name, None)
            raise

    def _check_person(self, patient: str) -> None:
        """Nobody writes into the chart of a person they cannot see: a visit made up would open it to them."""
        if not policy.sees_all(self.actor, "Patient"):
            self._current("Patient", patient)

    def _check_seen(self, type_name: str, old: Stored) -> None:
        """A row the actor may not see is not there: nothing about it is told, not even by a refusal."""
        if not policy.sees_all(self.actor, type_name):
            self._current(type_name, old.id)

    def _sees(self, type_name: str, identifier: str) -> bool:
        return policy.sees_all(self.actor, type_name) or bool(self._found(type_name, identifier, lock=False))


def _any_shard() -> int:
    return secrets.randbelow(identity.SHARDS)


def _alive(stored: Stored) -> Stored:
    if stored.content is None:
        raise Gone(
            "store.gone", f"{stored.type}/{stored.id} has been deleted.", type=stored.type, id=stored.id
        )
    return stored


def _content(stored: Stored) -> bytes:
    assert stored.content is not None
    return stored.content


def _stamped(resource: Resource, version: int, moment: datetime, facility: str | None) -> Resource:
    """A copy with version, time and facility written in; the caller's own value stays as it was."""
    stamped = copy.copy(resource)
    meta = copy.copy(resource.meta) if resource.meta is not None else Meta()
    meta.versionId = str(version)
    meta.lastUpdated = instant(moment)
    own = [tag for tag in meta.tag if tag.system == policy.FACILITY_TAG]
    if len(own) > 1:
        raise Invalid(
            "store.two-facilities",
            "A resource is kept by one facility: leave one tag of the system " + policy.FACILITY_TAG + ".",
            path=f"{type(resource).__name__}.meta.tag",
        )
    if facility is not None and not own:
        meta.tag = [*meta.tag, Coding(system=policy.FACILITY_TAG, code=facility)]
    stamped.meta = meta
    return stamped
