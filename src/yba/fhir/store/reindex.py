"""Index rows made anew in the background: of older code, of a parameter a user added, or because somebody asked.

Small batches in the order of storing, each its own transaction with its rows locked, so that a write never waits
longer than for one batch and none is overwritten by older rows. A crash goes on from the last batch.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import errors as pg

from yba.fhir import jobs
from yba.fhir.access import SYSTEM
from yba.fhir.errors import RecordError
from yba.fhir.model import codec
from yba.fhir.r4 import MODULES
from yba.fhir.search import evaluated
from yba.fhir.search.index import VERSION
from yba.fhir.search.index import rows as index_rows
from yba.fhir.search.parameters import Added, beside
from yba.fhir.search.rows import WIDTHS, no_rows
from yba.fhir.store import contained, relabelling, unindexing
from yba.fhir.store.parameters import ABSTRACT, KIND, refreshed, touch
from yba.fhir.store.rows import execute
from yba.fhir.store.write import Write
from yba.fhir.store.write_many import Item, add_index_rows

log = logging.getLogger(__name__)

BATCH = 200
_REMOVED = 5_000
_WAIT_SECONDS = 0.05


def due(connection: psycopg.Connection[Any], now: datetime) -> str | None:
    """Submit the making anew of index rows that older code has made, unless it is under way; the job's id."""
    row = execute(
        connection,
        "select version from record.search_state where version < %(version)s and not exists"
        " (select from record.job where kind = %(kind)s and state in ('queued', 'running')"
        "  and params ? 'version')",
        {"version": VERSION, "kind": KIND},
    ).fetchone()
    return None if row is None else jobs.submit(connection, KIND, SYSTEM, {"version": VERSION}, now)


def run(job: jobs.JobRun) -> Any:
    """The handler of the job: ``parameters`` (what users added), ``types`` or everything."""
    found = _parameters(job) if job.params.get("parameters") else _everything(job)
    execute(job.connection, "analyze")  # the planner knows nothing of the rows that have just been made
    return found


def _everything(job: jobs.JobRun) -> Any:
    types = job.params.get("types") or None
    done = _walk(job, types, None)
    if types is None:
        with job.connection.transaction():
            execute(
                job.connection, "update record.search_state set version = greatest(version, %s)", (VERSION,)
            )
            touch(job.connection)
    return {"resources": done}


# -- what users added --------------------------------------------------------------------------------------


def _parameters(job: jobs.JobRun) -> Any:
    connection = job.connection
    removed = [
        row[0]
        for row in execute(
            connection, "select number from record.search_parameter where state = 'removed'"
        ).fetchall()
    ]
    if removed:
        _settle(job)
        _delete_rows(job, removed)
    registry = refreshed(connection)
    wanted = [one for found in registry.by_base.values() for one in found if one.indexing]
    done = 0
    if wanted:
        _settle(job)
        bases = {one.base for one in wanted}
        types = None if bases & set(ABSTRACT) else sorted(bases)
        done = _walk(job, types, wanted)
        with connection.transaction():
            execute(
                connection,
                "update record.search_parameter set state = 'ready' where state = 'indexing' and number = any(%s)",
                ([one.parameter.number for one in wanted],),
            )
            touch(connection)
    return {"resources": done, "parameters": [f"{one.base}.{one.parameter.code}" for one in wanted]}


def _settle(job: jobs.JobRun) -> None:
    """Wait for every transaction and statement that began before: a write among them may not know the change."""
    row = execute(job.connection, "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
    assert row is not None
    while True:
        waiting = execute(
            job.connection,
            "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint < %(mark)s or exists"
            " (select from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()"
            "  and backend_xmin is not null and backend_xmin::text::bigint < %(mark)s %% 4294967296)",
            {"mark": row[0]},
        ).fetchone()
        if waiting is None or not waiting[0]:
            return
        if job.cancelled():
            raise jobs.Cancelled
        time.sleep(_WAIT_SECONDS)


def _delete_rows(job: jobs.JobRun, numbers: Sequence[int]) -> None:
    both = [number for one in numbers for number in (one, beside(one))]
    for table in WIDTHS:
        while True:
            found = execute(
                job.connection,
                f"delete from record.{table} where ctid = any(array("  # noqa: S608 - our own names
                f"select ctid from record.{table} where param = any(%s) limit {_REMOVED}))",
                (both,),
            )
            if found.rowcount < _REMOVED:
                break
            job.progress(0)
    execute(
        job.connection,
        "delete from record.search_parameter where state = 'removed' and number = any(%s)",
        (list(numbers),),
    )


# -- batch by batch ----------------------------------------------------------------------------------------

_NEXT = """
select r.rid, r.shard, r.type::varchar, r.content, r.patient::varchar, r.facility::varchar, r.updated
  from record.resource r
 where r.rid > %(after)s and r.rid <= %(last)s and r.content is not null and (%(types)s::text[] is null
       or r.type = any(%(types)s::text[]))
 order by r.rid limit %(batch)s for no key update of r"""


def _walk(job: jobs.JobRun, types: Sequence[str] | None, added: Sequence[Added] | None) -> int:
    """Every resource of the types once, in the order of storing; how many there were."""
    connection = job.connection
    numbers = sorted(one.parameter.number for one in added or ())
    place = job.kept or {}
    if place.get("numbers") != numbers:  # not begun yet, or for fewer parameters than there are now
        row = execute(
            connection,
            "select coalesce(max(rid), 0), count(*) from record.resource r where r.content is not null"
            " and (%(types)s::text[] is null or r.type = any(%(types)s::text[]))",
            {"types": types},
        ).fetchone()
        assert row is not None
        place = {"numbers": numbers, "after": 0, "last": row[0], "total": row[1], "done": 0}
    while True:
        job.progress(place["done"], place["total"])
        try:
            with connection.transaction():
                execute(connection, "set local lock_timeout = '2s'")
                found = execute(
                    connection,
                    _NEXT,
                    {"after": place["after"], "last": place["last"], "types": types, "batch": BATCH},
                ).fetchall()
                if not found:
                    return int(place["done"])
                _renew(connection, found, added)
                place = {**place, "after": found[-1][0], "done": place["done"] + len(found)}
                job.keep(place)
        except (pg.LockNotAvailable, pg.DeadlockDetected):
            time.sleep(_WAIT_SECONDS)


def _renew(
    connection: psycopg.Connection[Any], found: Sequence[tuple[Any, ...]], added: Sequence[Added] | None
) -> None:
    """Delete the index rows of these resources, all or those of some parameters, and make them anew.

    What cannot be read any more (nothing written by this record) keeps the rows it has.
    """
    registry = refreshed(connection)
    items, opening = [], []
    for rid, shard, type_name, content, patient, facility, updated in found:
        try:
            resource = codec.decode(content, type_name)
            index = index_rows(resource) if added is None else no_rows(resource)
        except RecordError:
            log.exception("reindex: the row %s of %s cannot be read", rid, type_name)
            continue
        own = [one for one in registry.of(type_name) if added is None or one in added]
        if own:
            index = index.joined(evaluated.gather(resource, content, own))
        items.append((Item(_write(type_name, resource.id or "", shard, content), index, None), rid))
        opening.append(
            relabelling.Row(
                type_name,
                resource.id or "",
                rid,
                shard,
                content,
                resource,
                patient,
                facility,
                index.occurred,
                updated,
            )
        )
    places = [(rid, item.row.shard) for item, rid in items]
    contained.forget(connection, [rid for rid, _ in places], sorted({shard for _, shard in places}))
    if added is None:
        unindexing.remove(connection, places)
    else:
        numbers = [number for one in added for number in (one.parameter.number, beside(one.parameter.number))]
        unindexing.remove(connection, places, numbers)
    add_index_rows(connection, items, texts=added is None)
    if added is None:
        relabelling.renew(connection, opening)


def _write(type_name: str, identifier: str, shard: int, content: bytes) -> Write:
    return Write(type_name, identifier, 0, datetime.min, "PUT", shard, None, None, content)  # noqa: DTZ901 - never written


def waiting(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """The added parameters that are not answered yet: base and code."""
    rows = execute(
        connection,
        "select base::varchar, code::varchar from record.search_parameter where state = 'indexing'"
        " order by base, code",
    ).fetchall()
    return [(row[0], row[1]) for row in rows]


def known_types(names: Sequence[str]) -> list[str]:
    """Those of the names that are no resource type."""
    return [one for one in names if one not in MODULES]
