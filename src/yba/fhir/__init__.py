"""The record: FHIR R4 stored as FHIR on PostgreSQL. Runs and reads without Django.

``open`` gives the one handle; ``yba.fhir.errors`` says what it raises; ``README.md`` says in what order to read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    from yba.fhir.access.actor import Actor, Came
    from yba.fhir.record import Clock, Guard, Ids, Page, Record, Transaction
    from yba.fhir.record.joining import Joining
    from yba.fhir.store.audit import Journal
    from yba.fhir.validation.enforcing import Enforced

__all__ = ["Page", "Record", "open"]


def open(
    connection: psycopg.Connection[Any],
    *,
    actor: Actor,
    clock: Clock | None = None,
    ids: Ids | None = None,
    guards: Mapping[str, Sequence[Guard]] | None = None,
    journal: Journal | None = None,
    transaction: Transaction | None = None,
    integrity: bool = False,
    base_url: str | None = None,
    validation: Enforced | None = None,
    came: Came | None = None,
    joining: Joining | None = None,
) -> Record:
    """The record for one actor on one connection.

    ``clock`` gives aware times, ``ids`` makes an id for a shard; both have a sensible default. ``guards`` are
    rules per type, called inside each write. ``journal`` buffers the audit of reads; without it they are
    written at once. ``transaction`` opens a transaction or savepoint on the connection where its owner keeps
    count of them (``django.db.transaction.atomic``); by default the connection's own.
    With ``integrity`` a reference to a resource of this record must lead to one, and one that is referred to is not
    deleted. ``base_url``: under which address the record is known, so that absolute references to it are its own.
    ``validation``: the profiles that what is written must meet. ``came``: by which request, for the audit.
    ``joining``: the process's one place where creates that arrive together share a statement; without it none do.
    """
    from yba.fhir import record
    from yba.fhir.access.actor import HERE
    from yba.fhir.store.identity import new_id

    return record.Record(
        connection,
        actor=actor,
        clock=clock or record.now,
        ids=ids or new_id,
        guards=validation.guards(guards) if validation is not None else guards,
        journal=journal,
        transaction=transaction,
        integrity=integrity,
        base_url=base_url,
        came=came or HERE,
        joining=joining,
    )


def __getattr__(name: str) -> object:
    if name in ("Record", "Page"):
        from yba.fhir import record

        return getattr(record, name)
    raise AttributeError(f"module 'yba.fhir' has no attribute {name!r}")
