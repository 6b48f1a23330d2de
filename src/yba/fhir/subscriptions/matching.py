"""From the outbox to the queues: each change is held against each subscription once, in the order of its resource.

Rows leave the outbox in the transaction that queues their events, so that a crash neither loses nor doubles one. A
row of a transaction that ends late is simply taken later: two versions of one resource can't overtake each other,
because the second could only begin when the first had ended.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from yba.fhir import record as records
from yba.fhir.access.actor import Actor, Still, as_kept
from yba.fhir.errors import RecordError
from yba.fhir.model import codec, tree
from yba.fhir.model.fhirpath import compile as compiled
from yba.fhir.r4.subscription import Subscription
from yba.fhir.store import read as store
from yba.fhir.store.audit import Act, Doubted, Journal
from yba.fhir.store.rows import Stored, execute
from yba.fhir.subscriptions import past
from yba.fhir.subscriptions.definition import REST_HOOK, Filter, Wanted, read
from yba.fhir.subscriptions.topics import ANY, Trigger

log = logging.getLogger(__name__)

BATCH = 500
LOCK = 7_216_005
_TAKE = """
delete from record.outbox o
 using (select seq, shard from record.outbox order by seq limit %(batch)s for update skip locked) x
 where o.seq = x.seq and o.shard = x.shard
returning o.seq, o.at, o.method::varchar, o.type::varchar, o.id::varchar, o.version, o.patient::varchar
"""
_LISTENING = """
select s.id::varchar, s.actor::text, s.since, r.content
  from record.subscription s
  join record.unwalled_resource r on r.type = 'Subscription' and r.id = s.id and r.content is not null
"""
_QUEUE = """
with n as (update record.subscription set number = number + 1 where id = %(subscription)s returning number)
insert into record.subscription_event (subscription, number, at, method, type, id, version, told)
select %(subscription)s, n.number, %(at)s, %(method)s, %(type)s, %(id)s, %(version)s, %(told)s from n
"""
_decode_actor = msgspec.json.Decoder(Actor).decode


class Silent(Journal):
    """What is looked at to decide who is told is nobody's reading."""

    def __init__(self) -> None:
        return None

    def add(self, act: Act | Doubted) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the outbox."""

    seq: int
    at: datetime
    method: str
    type: str
    id: str
    version: int
    patient: str | None

    @property
    def interaction(self) -> str:
        if self.method == "DELETE":
            return "delete"
        return "create" if self.method == "POST" or self.version == 1 else "update"


@dataclass(frozen=True, slots=True)
class Listener:
    """A subscription with its terms, and a record for its own actor."""

    wanted: Wanted
    since: datetime
    record: records.Record


def step(connection: psycopg.Connection[Any], still: Still = as_kept) -> int:
    """Take what the outbox holds, at most a batch; how many changes were taken. One process works at a time.

    ``still``: whether who asked to be told may still act; nothing is kept for who may not.
    """
    with connection.transaction():
        row = execute(connection, "select pg_try_advisory_xact_lock(%s)", (LOCK,)).fetchone()
        if row is None or not row[0]:
            return 0
        rows = execute(connection, _TAKE, {"batch": BATCH}).fetchall()
        changes = sorted((Change(*one) for one in rows), key=lambda one: one.seq)
        if changes:
            listeners = listening(connection, still)
            for change in changes:
                for one in listeners:
                    if _concerns(connection, one, change):
                        _queue(connection, one, change)
        return len(changes)


def listening(connection: psycopg.Connection[Any], still: Still = as_kept) -> list[Listener]:
    """Every subscription that is not off and whose actor may still act, each with its actor as they are now."""
    found = []
    for identifier, actor, since, content in execute(connection, _LISTENING).fetchall():
        try:
            wanted = read(codec.decode_as(content, Subscription))
        except RecordError:
            log.exception("subscriptions: %s can no longer be read", identifier)
            continue
        now = still(_decode_actor(actor))
        if now is None:
            continue
        own = records.Record(connection, actor=now, journal=Silent())
        found.append(Listener(wanted, since, own))
    return found


def _queue(connection: psycopg.Connection[Any], one: Listener, change: Change) -> None:
    execute(
        connection,
        _QUEUE,
        {
            "subscription": one.wanted.id,
            "at": change.at,
            "method": change.method,
            "type": change.type,
            "id": change.id,
            "version": change.version,
            "told": one.wanted.channel != REST_HOOK,  # others come and ask
        },
    )


def _concerns(connection: psycopg.Connection[Any], one: Listener, change: Change) -> bool:
    """Whether a subscription is told of a change: its kind, its topic, its filters, and what its actor may see."""
    wanted = one.wanted
    if change.at < one.since or not wanted.types & {change.type, ANY}:
        return False
    try:
        if wanted.criteria is not None:
            return change.method != "DELETE" and _matches(one.record, wanted.criteria, change)
        if not _triggered(connection, wanted, change):
            return False
        filters = [each for each in wanted.filters if each.type == change.type]
        if wanted.filters and not filters:
            return False
        if change.method == "DELETE" or not filters:
            return _seen(one.record, change) and _of_patients(filters, change)
        return all(_matches(one.record, each, change) for each in filters)
    except RecordError:
        # Told for nothing does less harm than not told; what may not be seen is not told all the same.
        log.exception("subscriptions: %s could not be held against %s", wanted.id, change)
        return (change.method != "DELETE" or wanted.topic is not None) and _seen(one.record, change)


def _matches(record: records.Record, wanted: Filter, change: Change) -> bool:
    """By the record's own search, so that criteria and the access door mean what they mean everywhere.

    What counts is the version of the change, also when another has followed it already.
    """
    version = _found(record, wanted, change)
    if version == change.version:
        return True
    name = change.type, change.id, change.version
    if version is None and past.is_current(record.connection, *name):
        return False
    return past.matched(
        record.connection, record.actor, name, lambda: _found(record, wanted, change) == change.version
    )


def _found(record: records.Record, wanted: Filter, change: Change) -> int | None:
    """The version of the resource that meets the criteria now; None when none does."""
    only = [("_id", change.id), ("_count", "1"), ("_total", "none")]
    with record.connection.transaction():  # a savepoint: a search the database refuses spoils nothing else
        matches = record.search_stored(change.type, [*wanted.params, *only], strict=True).matches
    return matches[0].version if matches else None


def _of_patients(filters: Sequence[Filter], change: Change) -> bool:
    """What is gone can't be searched any more; whose it was is still known."""
    for one in filters:
        for name, value in one.params:
            ids = {text.removeprefix("Patient/") for text in value.split(",")}
            if name != "patient" or change.patient not in ids:
                return False
    return True


def _seen(record: records.Record, change: Change) -> bool:
    """Whether the actor may see the resource, deleted or not."""
    condition = record.may(change.type)
    return store.current(record.connection, change.type, change.id, condition=condition) is not None


def _triggered(connection: psycopg.Connection[Any], wanted: Wanted, change: Change) -> bool:
    assert wanted.topic is not None
    return any(
        trigger.type in (change.type, ANY)
        and change.interaction in trigger.interactions
        and _holds(connection, trigger, change)
        for trigger in wanted.topic.triggers
    )


def _holds(connection: psycopg.Connection[Any], trigger: Trigger, change: Change) -> bool:
    if not trigger.expression:
        return True
    current = _tree(store.one_version(connection, change.type, change.id, change.version))
    previous = _tree(store.one_version(connection, change.type, change.id, change.version - 1))
    if current is None:
        return False
    environment = {"current": current, "previous": [] if previous is None else previous}
    return compiled(trigger.expression).true(current, type_name=change.type, environment=environment) is True


def _tree(stored: Stored | None) -> Any:
    return None if stored is None or stored.content is None else tree.parse(stored.content)
