"""One person under several records: whom ``Patient.link`` joins, and what of the others is shown under one of them.

FHIR R4, patient-definitions.html#Patient.link: ``replaced-by``, ``replaces``, ``refer`` and ``seealso`` all say that
the other Patient is the same person. One of the two saying so is enough, and it is followed through as many as there
are.

Standings are of one record: a visit under the new one opens nothing of the old. So a row of another record of the
person is put to the very condition of the door, as if it stood under the record that is read: by facility, labels,
consents and denials it is shown to whom it would be shown there, and to nobody else. What the person denied under the
record it stands in is denied still: they said it of these very rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import psycopg

from yba.fhir.access import policy
from yba.fhir.access.actor import Actor
from yba.fhir.condition import NOTHING
from yba.fhir.errors import TooCostly
from yba.fhir.search.parameters import hashed
from yba.fhir.store.identity import shard_of
from yba.fhir.store.rows import Stored, execute

#: Nobody has more records; where links say so, somebody has linked a crowd, and a part of it would be a false answer.
MOST: Final = 20
_LINKED: Final = """
select x.target_id::varchar from record.unwalled_resource r
  join record.reference x on x.rid = r.rid and x.shard = r.shard and x.param = %(param)s and x.target_type = 'Patient'
 where r.shard = any(%(shards)s::smallint[]) and r.type = 'Patient' and r.id = any(%(ids)s::text[])
   and r.content is not null
union
select r.id::varchar from record.reference x
  join record.unwalled_resource r on r.rid = x.rid and r.shard = x.shard and r.type = 'Patient'
 where x.param = %(param)s and x.target_type = 'Patient' and x.target_id = any(%(ids)s::text[])
   and r.content is not null"""
_AS: Final = """
select r.type::varchar, r.id::varchar, r.version, r.updated, r.content, r.whose::varchar, r.facility::varchar, r.rid
  from (select u.rid, u.shard, u.type, u.id, u.version, u.updated, u.content, u.facility, u.occurred, u.sensitive,
               u.patient as whose, %(l_as)s::text as patient
          from record.unwalled_resource u
         where u.shard = any(%(l_shards)s::smallint[]) and u.patient = any(%(l_patients)s::text[])
           and u.type = %(l_type)s::text and u.content is not null) r
 where {} order by r.id"""


def others_of(connection: psycopg.Connection[Any], patient: str) -> tuple[str, ...]:
    """The other records of a person, whoever may see them. Raises TooCostly above `MOST`."""
    known, asked = {patient}, [patient]
    while asked:
        values = {"param": hashed("Patient", "link"), "shards": _shards(asked), "ids": asked}
        found = {row[0] for row in execute(connection, _LINKED, values).fetchall()} - known
        known |= found
        asked = sorted(found)
        if len(known) > MOST:
            raise TooCostly(
                "people.linked",
                f"More than {MOST} records are linked as one person. Somebody has to look at Patient.link of them.",
                patient=patient,
            )
    return tuple(sorted(known - {patient}))


def rows_as(
    connection: psycopg.Connection[Any],
    actor: Actor,
    type_name: str,
    patients: Sequence[str],
    *,
    under: str,
    now: datetime,
) -> list[Stored]:
    """The rows of a type of these persons that the actor would be shown if they stood ``under`` another."""
    may = policy.condition(actor, type_name, now=now)
    if may.sql is NOTHING or not patients:
        return []
    door = policy.denied_under_both(may.sql.as_string(None)) if may.sql is not None else "true"
    text = _AS.replace("{}", door)
    values = {
        "l_as": under, "l_shards": _shards(patients), "l_patients": list(patients), "l_type": type_name, **may.params,
    }  # fmt: skip
    rows = execute(connection, text, values).fetchall()
    return [Stored(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7]) for row in rows]


def _shards(patients: Sequence[str]) -> list[int]:
    return sorted({shard_of(one) for one in patients})
