"""What hangs on a person: the labels of the whole chart (VIP, died), who is a minor, who may act for whom.

When a Patient changes in these, the chart's rows and the papers that open it are looked at again, in the same
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from yba.fhir.access import labels
from yba.fhir.access.deriving import Looking, of_chart
from yba.fhir.access.sources import rows
from yba.fhir.access.standing import Source, Standing, is_dead
from yba.fhir.model import codec
from yba.fhir.r4.patient import Patient
from yba.fhir.search.casing import folded
from yba.fhir.search.parameters import hashed
from yba.fhir.store import standings
from yba.fhir.store.identity import shard_of
from yba.fhir.store.rows import execute

if TYPE_CHECKING:
    import psycopg

    from yba.fhir.record.handle import Record
    from yba.fhir.store.write_many import Item

_PAPERS = (
    "select r.type::varchar, r.id::varchar, r.content, r.patient::varchar, r.facility::varchar"
    " from record.unwalled_resource r where r.shard = %s and r.patient = %s and r.type in ('Consent', 'RelatedPerson')"
    " and r.content is not null"
)
_CHART = (
    "update record.unwalled_resource set sensitive = (sensitive & ~%(inherited)s::int) | %(bits)s::int"
    " where shard = %(shard)s and patient = %(patient)s and type <> 'Patient'"
    " and sensitive & %(inherited)s <> %(bits)s"
)


class Waiting:
    """The record as the rules of standing look at it, over writes that wait: asked, it has them sent first."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def content(self, type_name: str, identifier: str) -> Any:
        """The resource, typed; None when it is not there."""
        return Looking(self._record.connection).content(type_name, identifier)

    def person(self, system: str, value: str) -> str | None:
        """The one Patient with this identifier; None for none or several.

        Whoever is storing such a Patient is waited for, and finds what is stored here (``appeared``).
        """
        execute(self._record.connection, _HOLD, (_IDENTIFIERS, [_bucket(system, value)]))
        return Looking(self._record.connection).person(system, value)

    def claimed(self, type_name: str, identifier: str) -> frozenset[str]:
        """Who has written themselves into this CareTeam or PractitionerRole, as holders."""
        return Looking(self._record.connection).claimed(type_name, identifier)


@dataclass(frozen=True, slots=True)
class Change:
    """What is new of a person that the chart must follow. ``bits``: the labels of the chart, None where they stay."""

    bits: int | None
    papers: bool


def change(before: bytes | None, after: Any, sensitive: int) -> Change | None:
    """What a new version of a Patient changes beyond its own row; None: nothing."""
    if before is None:
        return None
    old = codec.decode_known(before, "Patient")
    assert isinstance(old, Patient)
    bits = sensitive & labels.INHERITED
    same = of_chart(old, labels.found_in("Patient", before).bits) == bits
    papers = old.birthDate != after.birthDate or is_dead(old) != is_dead(after)
    return None if same and not papers else Change(None if same else bits, papers)


def follow(record: Record, patient: str, found: Change) -> None:
    """A Patient was written: what hangs on it follows. Called in the write's transaction."""
    if found.bits is not None:
        relabel(record.connection, patient, found.bits)
    if found.papers:
        rederive(record.connection, patient, record.clock())


def relabel(connection: psycopg.Connection[Any], patient: str, bits: int) -> None:
    """Give every row of a chart the labels of its person."""
    params = {"patient": patient, "shard": shard_of(patient), "inherited": labels.INHERITED, "bits": bits}
    execute(connection, _CHART, params)


# -- persons who appear after the papers that name them ----------------------------------------------------

IN_TRANSACTION: Final = frozenset({"Patient", "RelatedPerson", "Consent"})
"""Types whose write is more than its one statement."""
_IDENTIFIERS: Final = 72_164
_BUCKETS: Final = 256
_HOLD = "select pg_advisory_xact_lock(%s::int4, x) from unnest(%s::int4[]) x"
_SHARE = "select pg_advisory_xact_lock_shared(%s::int4, x) from unnest(%s::int4[]) x"
# Whose papers name a relative by one of these identifiers; and which of these persons have papers already.
_NAMED = """
select r.patient::varchar from unnest(%(systems)s::text[], %(values)s::text[]) as n(system, value)
  join record.token x on x.param = %(param)s and x.code = n.value collate "C" and x.system = n.system collate "C"
  join record.unwalled_resource r on r.rid = x.rid and r.shard = x.shard
 where r.type = 'RelatedPerson' and r.patient is not null and r.content is not null
union
select r.patient::varchar from record.unwalled_resource r
 where r.shard = any(%(shards)s::smallint[]) and r.patient = any(%(ids)s::text[])
   and r.type in ('Consent', 'RelatedPerson') and r.content is not null"""


def _bucket(system: str, value: str) -> int:
    return crc32(f"{system}|{folded(system, value)}".encode()) % _BUCKETS


def appeared(connection: psycopg.Connection[Any], items: Sequence[Item], now: datetime) -> None:
    """Patients were written: papers that named them before they were there, or by another number, open anew.

    Called in the write's transaction. Who stores such a paper meanwhile holds the same locks (``Waiting.person``).
    """
    people = [one for one in items if one.row.type == "Patient"]
    named = sorted({pair for one in people for pair in _changed_identifiers(one)})
    new = [one.row for one in people if one.known is None and one.row.method == "PUT"]
    for row in new:
        if row.sensitive & labels.INHERITED:  # rows of the chart that came before the person
            relabel(connection, row.id, row.sensitive & labels.INHERITED)
    if not named and not new:
        return
    if named:
        execute(connection, _SHARE, (_IDENTIFIERS, sorted({_bucket(*pair) for pair in named})))
    asked = {
        "systems": [system for system, _ in named], "values": [folded(*pair) for pair in named],
        "param": hashed("RelatedPerson", "identifier"), "ids": [row.id for row in new],
        "shards": sorted({row.shard for row in new}),
    }  # fmt: skip
    for (patient,) in execute(connection, _NAMED, asked).fetchall():
        rederive(connection, patient, now)


def _changed_identifiers(item: Item) -> set[tuple[str, str]]:
    """The identifiers a Patient has got or lost by a write."""
    before = item.known.content if item.known is not None else None
    old = codec.decode_known(before, "Patient") if before is not None else None
    new = item.index.resource if item.index is not None and item.row.content is not None else None
    return _identifiers(old) ^ _identifiers(new)


def _identifiers(patient: Any) -> set[tuple[str, str]]:
    return (
        {(one.system, one.value) for one in patient.identifier if one.system and one.value}
        if patient
        else set()
    )


@dataclass(frozen=True, slots=True)
class _Paper:
    type: str
    id: str
    standing: Sequence[tuple[int, Standing]] | None


def rederive(connection: psycopg.Connection[Any], patient: str, now: datetime) -> None:
    """The consents and relatives of a person opened anew, as the person is now."""
    made = []
    papers = execute(connection, _PAPERS, (shard_of(patient), patient)).fetchall()
    for kind, identifier, content, whose, facility in papers:
        resource = codec.decode_known(content, kind)
        found = rows(Source(resource, whose, facility, now, Looking(connection)))
        made.append(_Paper(kind, identifier, [(shard_of(one.patient), one) for one in found]))
    standings.replace(connection, made, now)
