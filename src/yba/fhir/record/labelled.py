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
     and (%(types)s::text[] is null or r.type = any(%(types)s)))
"""


def any_labelled(record: Record, patients: Collection[str], *, types: Collection[str] | None = None) -> bool:
    """Whether a row in these charts has a label or was not looked at yet: of these types, or of any.

    Asked of all rows, also of those the actor does not see: the answer only ever keeps a page from a device.
    """
    if not patients:
        return False
    asked = {"patients": sorted(patients), "types": None if types is None else sorted(types)}
    with translated:
        found = execute(record.connection, _ANY, asked).fetchone()
    return bool(found and found[0])
