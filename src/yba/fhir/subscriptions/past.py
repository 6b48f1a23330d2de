"""A search held against a version that another has followed meanwhile: as if it were still the current one.

Index rows are those of the current version. For an older one they are put back, searched, and taken away again, all
within a savepoint that is always undone; nobody else ever sees them. It is needed only where a resource changes again
before the outbox is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from yba.fhir.access import past, policy
from yba.fhir.access.actor import Actor
from yba.fhir.model import codec
from yba.fhir.search.index import rows as index_rows
from yba.fhir.store import contained, read, unindexing
from yba.fhir.store.parameters import registry
from yba.fhir.store.rows import Stored, execute
from yba.fhir.store.write import Write, with_added
from yba.fhir.store.write_many import Item, add_index_rows

_RESTORE = """
update record.resource r
   set version = %(version)s, patient = %(patient)s, facility = %(facility)s, occurred = %(occurred)s,
       content = %(content)s
 where r.rid = %(rid)s and r.shard = %(shard)s"""


def is_current(connection: psycopg.Connection[Any], type_name: str, identifier: str, version: int) -> bool:
    """Whether a version is the one that is searched."""
    row = execute(
        connection,
        "select r.version from record.resource r where r.type = %(type)s and r.id = %(id)s",
        {"type": type_name, "id": identifier},
    ).fetchone()
    return row is not None and row[0] == version


def matched(
    connection: psycopg.Connection[Any],
    actor: Actor,
    change: tuple[str, str, int],
    search: Callable[[], bool],
) -> bool:
    """Whether ``search`` found the version (type, id, number) when it was the current one.

    Never where the actor may not see the resource as it is now, or where it was another patient's then.
    """
    type_name, identifier, version = change
    with connection.transaction() as savepoint:
        condition = policy.condition(actor, type_name, "search")
        current = read.current(connection, type_name, identifier, condition=condition, lock=True)
        then = read.one_version(connection, type_name, identifier, version)
        found = False
        if current is not None and then is not None and then.patient == current[0].patient:
            seen = past.told(connection, then, condition)
            found = seen and _restored(connection, then, current[1]) and search()
        raise psycopg.Rollback(savepoint)
    return found


def _restored(connection: psycopg.Connection[Any], past: Stored, shard: int) -> bool:
    """Put a version's row and index rows back; False for one that says "deleted"."""
    if past.content is None:
        return False
    row = Write(
        past.type, past.id, past.version, past.updated, past.method, shard, past.patient, past.facility,
        past.content,
    )  # fmt: skip
    index = with_added(row, index_rows(codec.decode(past.content, past.type)), registry(connection))
    execute(
        connection,
        _RESTORE,
        {
            "version": past.version,
            "patient": past.patient,
            "facility": past.facility,
            "occurred": index.occurred if index else None,
            "content": past.content.decode(),
            "rid": past.rid,
            "shard": shard,
        },
    )
    unindexing.remove(connection, [(past.rid, shard)])
    contained.forget(connection, [past.rid], [shard])
    add_index_rows(connection, [(Item(row, index, None), past.rid)])
    return True
