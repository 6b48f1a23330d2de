"""Labels and standings made anew for rows that are there: of an older store, or by rules that have changed since."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from yba.fhir.access import labels
from yba.fhir.access.deriving import Looking, derived
from yba.fhir.access.standing import FOREVER, Standing
from yba.fhir.errors import RecordError
from yba.fhir.store import standings
from yba.fhir.store.rows import execute

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is there, with its resource read."""

    type: str
    id: str
    rid: int
    shard: int
    content: bytes
    resource: Any
    patient: str | None
    facility: str | None
    occurred: datetime | None
    updated: datetime


@dataclass(frozen=True, slots=True)
class _Made:
    type: str
    id: str
    standing: Sequence[tuple[int, Standing]] | None


# A person who has not been looked at yet gives the chart its labels when they are.
_SET = """
update record.resource r
   set sensitive = x.bits | case when r.patient is null or r.type = 'Patient' then 0 else coalesce((
           select p.sensitive & %(inherited)s from record.resource p
            where p.type = 'Patient' and p.id = r.patient and p.shard = r.shard
              and p.sensitive & %(unknown)s = 0), 0) end
  from unnest(%(rids)s::bigint[], %(shards)s::smallint[], %(bits)s::int[]) as x(rid, shard, bits)
 where r.rid = x.rid and r.shard = x.shard"""
_CHARTS = """
update record.resource r
   set sensitive = (r.sensitive & ~%(inherited)s::int) | x.bits
  from unnest(%(ids)s::text[], %(shards)s::smallint[], %(bits)s::int[]) as x(id, shard, bits)
 where r.shard = x.shard and r.patient = x.id and r.type <> 'Patient' and r.sensitive & %(unknown)s = 0"""


def renew(connection: psycopg.Connection[Any], rows: Sequence[Row]) -> None:
    """Labels and standings of these rows, in the caller's transaction."""
    look, now = Looking(connection), datetime.now(UTC)
    bits, made, charts = [], [], []
    for row in rows:
        try:
            found = derived(
                look, row.resource, row.content, patient=row.patient, facility=row.facility,
                occurred=row.occurred, now=row.updated,
            )  # fmt: skip
        except RecordError:
            log.exception("reindex: who may see %s/%s cannot be told; it stays hidden", row.type, row.id)
            bits.append(labels.UNKNOWN)
            continue
        bits.append(found.sensitive)
        kept = found.standing and [one for one in found.standing if _goes_on(one[1], now)]
        made.append(_Made(row.type, row.id, kept))
        if row.type == "Patient" and found.sensitive & labels.INHERITED:
            charts.append((row.id, row.shard, found.sensitive & labels.INHERITED))
    execute(
        connection, _SET,
        {
            "rids": [row.rid for row in rows], "shards": [row.shard for row in rows], "bits": bits,
            "inherited": labels.INHERITED, "unknown": labels.UNKNOWN,
        },
    )  # fmt: skip
    if charts:
        ids, shards, of_chart = (list(column) for column in zip(*charts, strict=True))
        execute(
            connection, _CHARTS,
            {"ids": ids, "shards": shards, "bits": of_chart, "inherited": labels.INHERITED, "unknown": labels.UNKNOWN},
        )  # fmt: skip
    standings.replace(connection, made, now)


def _goes_on(one: Standing, now: datetime) -> bool:
    return one.until == FOREVER or datetime.fromisoformat(one.until) > now
