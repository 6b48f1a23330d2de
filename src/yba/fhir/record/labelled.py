"""Whether anything of some charts bears a sensitive label: what must not lie on a device then does not."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from yba.fhir.record.failures import translated
from yba.fhir.store.rows import execute

if TYPE_CHECKING:
    from yba.fhir.record.handle import Record

_ANY = """
select exists (
  select from record.unwalled_resource r
   where r.patient = any(%(patients)s) and r.content is not null and r.sensitive <> 0
     and (%(types)s::text[] is null or r.type = any(%(types)s))
     and (%(besides)s::text is null or r.facility is distinct from %(besides)s::text))
"""
_VISITS = """
select v.id::varchar
  from unnest(%(patients)s::text[], %(visits)s::text[]) v (patient, id)
  left join record.unwalled_resource e
    on e.type = 'Encounter' and e.id = v.id and e.patient = v.patient and e.content is not null
 where e.id is null or e.sensitive <> 0 or exists (
    select from record.unwalled_resource r
     where r.patient = v.patient and r.content is not null and r.sensitive <> 0
       and r.facility is distinct from %(besides)s::text
       and ((r.occurred at time zone 'Asia/Ho_Chi_Minh')::date = (e.occurred at time zone 'Asia/Ho_Chi_Minh')::date
            or exists (select from record.reference f
                        where f.shard = r.shard and f.rid = r.rid
                          and f.target_type = 'Encounter' and f.target_id = v.id)))
"""


def any_labelled(
    record: Record,
    patients: Collection[str],
    *,
    types: Collection[str] | None = None,
    besides: str | None = None,
) -> bool:
    """Whether a row in these charts has a label or was not looked at yet: of these types, or of any.

    ``besides``: a keeper whose rows do not count. Asked of all rows, also of those the actor does not see: the answer
    only ever keeps a page from a device.
    """
    if not patients:
        return False
    asked: dict[str, object] = {
        "patients": sorted(patients),
        "types": None if types is None else sorted(types),
        "besides": besides,
    }
    with translated:
        found = execute(record.connection, _ANY, asked).fetchone()
    return bool(found and found[0])


def labelled_visits(
    record: Record, visits: Collection[tuple[str, str]], *, besides: str | None = None
) -> frozenset[str]:
    """Those of some visits (person, visit) that tell something: a label on the visit, on a row of it, or of its day.

    A visit that is not there is among them. Asked of all rows, as above: the answer only ever keeps something from
    being shown. One statement, however many are asked of.
    """
    if not visits:
        return frozenset()
    asked = {
        "patients": [one for one, _ in visits],
        "visits": [one for _, one in visits],
        "besides": besides,
    }
    with translated:
        return frozenset(str(row[0]) for row in execute(record.connection, _VISITS, asked).fetchall())
