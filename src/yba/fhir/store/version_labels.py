"""What was sensitive in the versions of an older release, looked at in the background, a batch a transaction.

No write waits for it: versions are never written again. Until it is done such a version is hidden from who is held to
labels, unless it is the current one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import psycopg

from yba.fhir import jobs
from yba.fhir.access import SYSTEM, labels
from yba.fhir.access.deriving import Looking, labels_of
from yba.fhir.errors import RecordError
from yba.fhir.store.rows import execute

log = logging.getLogger(__name__)

KIND: Final = "version-labels"
BATCH: Final = 500
_LEFT = "select exists (select from record.version v where v.sensitive is null)"
_UNDER_WAY = "select exists (select from record.job where kind = %s and state in ('queued', 'running'))"
# What is deleted has the labels of what it was before.
_NEXT = """
select v.type::varchar, v.id::varchar, v.version, v.shard, v.patient::varchar, v.updated,
       coalesce(v.content, (select b.content from record.version b
                             where b.type = v.type and b.id = v.id and b.version = v.version - 1))
  from record.version v where v.sensitive is null
 order by v.rid limit %(batch)s for no key update of v skip locked"""
_SET = """
update record.version v set sensitive = x.bits
  from unnest(%(types)s::text[], %(ids)s::text[], %(versions)s::int[], %(shards)s::smallint[], %(bits)s::smallint[])
       as x(type, id, version, shard, bits)
 where v.type = x.type collate "C" and v.id = x.id collate "C" and v.version = x.version and v.shard = x.shard"""


def due(connection: psycopg.Connection[Any], now: datetime) -> str | None:
    """Submit the work where there is some and it is not under way; the job's id."""
    left = execute(connection, _LEFT).fetchone()
    waiting = execute(connection, _UNDER_WAY, (KIND,)).fetchone()
    if left is None or not left[0] or (waiting is not None and waiting[0]):
        return None
    return jobs.submit(connection, KIND, SYSTEM, {}, now)


def run(job: jobs.JobRun) -> Any:
    """The handler of the job: every version that has not been looked at."""
    done = 0
    while True:
        if job.cancelled():
            raise jobs.Cancelled
        with job.connection.transaction():
            found = execute(job.connection, _NEXT, {"batch": BATCH}).fetchall()
            _set(job.connection, found)
        if not found:
            return {"versions": done}
        done += len(found)
        job.progress(done)


def _set(connection: psycopg.Connection[Any], found: Sequence[tuple[Any, ...]]) -> None:
    if not found:
        return
    look = Looking(connection)
    bits = [_bits(look, *row) for row in found]
    types, ids, versions, shards = (list(column) for column in list(zip(*found, strict=True))[:4])
    execute(
        connection, _SET, {"types": types, "ids": ids, "versions": versions, "shards": shards, "bits": bits}
    )  # fmt: skip


def _bits(
    look: Looking, type_name: str, identifier: str, version: int, _shard: int, patient: str | None,
    updated: datetime, content: bytes | None,
) -> int:  # fmt: skip
    if content is None:
        return 0
    try:
        return labels_of(look, type_name, content, patient, updated)
    except (RecordError, ValueError):
        log.exception(
            "labels of %s/%s/_history/%s can't be told; it stays hidden", type_name, identifier, version
        )
        return labels.UNKNOWN
