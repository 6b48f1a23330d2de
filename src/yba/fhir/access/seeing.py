"""What somebody sees of a person's chart, and whose charts somebody stands to: asked of the door and of the standings.

For showing what a consent would let through before it is given: nobody is shown the rows themselves by it, and nothing
is noted, so its caller asks only for persons the actor may decide about.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from yba.fhir.access import policy
from yba.fhir.access.actor import Actor
from yba.fhir.condition import NOTHING
from yba.fhir.store.identity import shard_of
from yba.fhir.store.rows import execute

_KINDS = """
select distinct r.type::varchar from record.unwalled_resource r
 where r.shard = %(s_shard)s and r.patient = %(s_patient)s and r.content is not null"""
_ROWS = """
select r.type::varchar, r.id::varchar, r.occurred from record.unwalled_resource r
 where r.shard = %(s_shard)s and r.patient = %(s_patient)s and r.type = %(s_type)s and r.content is not null"""
_CHARTS = """
select s.patient::varchar, s.basis::varchar, nullif(max(s.until), 'infinity'), min(s.source_id)::varchar
  from record.standing s
 where s.holder = %(holder)s and s.basis in ('guardian', 'delegate') and s.since <= %(now)s and s.until > %(now)s
 group by s.patient, s.basis order by s.patient, s.basis"""
_HELD = """
select exists (select from record.standing s where s.patient = %(patient)s and s.holder = any(%(holders)s)
   and s.basis = any(%(bases)s) and s.since <= %(now)s and s.until > %(now)s)"""


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """A row of a chart."""

    type: str
    id: str
    occurred: datetime | None = None


def kinds_of(connection: psycopg.Connection[Any], patient: str) -> list[str]:
    """The resource types of which a chart holds something."""
    values = {"s_shard": shard_of(patient), "s_patient": patient}
    return sorted(one[0] for one in execute(connection, _KINDS, values).fetchall())


def rows_seen(
    connection: psycopg.Connection[Any],
    actors: Iterable[Actor],
    patient: str,
    *,
    now: datetime,
    kinds: Iterable[str] | None = None,
) -> frozenset[Seen]:
    """Every row of a chart that at least one of these actors may read, by the very condition reads are put to."""
    found: set[Seen] = set()
    asked = kinds_of(connection, patient) if kinds is None else list(kinds)
    for actor in actors:
        for kind in asked:
            may = policy.condition(actor, kind, now=now)
            if may.sql is NOTHING:
                continue
            text = sql.SQL(_ROWS) if may.sql is None else sql.SQL("{} and {}").format(sql.SQL(_ROWS), may.sql)
            values = {"s_shard": shard_of(patient), "s_patient": patient, "s_type": kind, **may.params}
            found.update(Seen(*one) for one in execute(connection, text, values).fetchall())
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Charge:
    """A person somebody acts for now: as ``guardian`` or ``delegate``, until when, by which resource."""

    patient: str
    basis: str
    until: datetime | None
    source: str


def charges_of(connection: psycopg.Connection[Any], person: str, *, now: datetime) -> list[Charge]:
    """The persons somebody acts for at a moment, by what the record says; none that has ended."""
    values = {"holder": f"person:{person}", "now": now}
    return [Charge(*one) for one in execute(connection, _CHARTS, values).fetchall()]


def stands(
    connection: psycopg.Connection[Any], actor: Actor, patient: str, *bases: str, now: datetime
) -> bool:
    """Whether the actor stands to a person by one of these bases now."""
    values = {"patient": patient, "holders": policy.holders(actor), "bases": list(bases), "now": now}
    found = execute(connection, _HELD, values).fetchone()
    return found is not None and bool(found[0])
