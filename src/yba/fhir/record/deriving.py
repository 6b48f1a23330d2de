"""What is derived from a resource when it is written: its sensitive labels, and whom it opens which chart.

Some of it hangs on the person: the labels of the whole chart (VIP, died), who is a minor, who has died. When these
change, the chart's rows and the papers that open it are looked at again, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yba.fhir.access import labels
from yba.fhir.access.standing import SOURCES, Look, Source, Standing, is_dead, rows, was_minor
from yba.fhir.model import codec
from yba.fhir.r4.patient import Patient
from yba.fhir.search.parameters import hashed
from yba.fhir.store import standings
from yba.fhir.store.identity import shard_of
from yba.fhir.store.rows import execute

if TYPE_CHECKING:
    import psycopg

    from yba.fhir.r4.datatypes import Resource
    from yba.fhir.record.handle import Record
    from yba.fhir.search.index import IndexRows

_CONTENT = "select r.content from record.resource r where r.type = %s and r.id = %s and r.content is not null"
_PERSONS = (
    "select distinct r.id::varchar from record.token x join record.resource r on r.rid = x.rid and r.shard = x.shard"
    " where x.param = %s and x.code = %s and x.system = %s and r.type = 'Patient' and r.content is not null limit 2"
)
_PAPERS = (
    "select r.type::varchar, r.id::varchar, r.content, r.patient::varchar, r.facility::varchar"
    " from record.resource r where r.patient = %s and r.type in ('Consent', 'RelatedPerson') and r.content is not null"
)
_CHART = (
    "update record.resource set sensitive = (sensitive & ~%(inherited)s::int) | %(bits)s::int"
    " where patient = %(patient)s and type <> 'Patient'"
    " and sensitive & %(inherited)s <> %(bits)s"
)


@dataclass(frozen=True, slots=True)
class Looking:
    """The record as the rules of standing look at it, whoever acts."""

    connection: psycopg.Connection[Any]

    def content(self, type_name: str, identifier: str) -> Any:
        """The resource, typed; None when it is not there."""
        row = execute(self.connection, _CONTENT, (type_name, identifier)).fetchone()
        return None if row is None else codec.decode_known(row[0], type_name)

    def person(self, system: str, value: str) -> str | None:
        """The one Patient with this identifier; None for none or several."""
        found = execute(
            self.connection, _PERSONS, (hashed("Patient", "identifier"), value, system)
        ).fetchall()
        return found[0][0] if len(found) == 1 else None


class Waiting:
    """The same over writes that wait to be sent: asked, it has them sent first."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def content(self, type_name: str, identifier: str) -> Any:
        """The resource, typed; None when it is not there."""
        return Looking(self._record.connection).content(type_name, identifier)

    def person(self, system: str, value: str) -> str | None:
        """The one Patient with this identifier; None for none or several."""
        return Looking(self._record.connection).person(system, value)


@dataclass(frozen=True, slots=True)
class Derived:
    """The labels as bits, and the standings with their shards; None where the type opens nothing."""

    sensitive: int
    standing: Sequence[tuple[int, Standing]] | None


def derived(
    look: Look,
    resource: Resource,
    content: bytes,
    index: IndexRows,
    *,
    patient: str | None,
    facility: str | None,
    now: datetime,
) -> Derived:
    """What follows from a resource that is about to be written."""
    type_name = type(resource).__name__
    found = labels.found_in(type_name, content)
    bits = found.bits
    if found.of_minors and patient is not None:
        person = look.content("Patient", patient)
        if person is not None and was_minor(person, index.occurred or now, labels.rules().age):
            bits |= found.of_minors
    if type_name == "Patient":
        bits |= of_chart(resource, bits)
    if type_name not in SOURCES:
        return Derived(bits, None)
    made = rows(Source(resource, patient, facility, now, look))
    return Derived(bits, [(shard_of(one.patient), one) for one in made])


def _patient(content: bytes) -> Patient:
    found = codec.decode_known(content, "Patient")
    assert isinstance(found, Patient)
    return found


def of_chart(patient: Any, bits: int) -> int:
    """The labels a Patient gives to every row of the chart."""
    return (labels.OF_VIP if bits & labels.VIP else 0) | (labels.DECEASED if is_dead(patient) else 0)


def follow(record: Record, before: bytes | None, after: Any, sensitive: int) -> None:
    """A Patient was written: what of the chart hangs on it follows. Called in the write's transaction."""
    if before is None:
        return
    old = _patient(before)
    changed = old.birthDate != after.birthDate or is_dead(old) != is_dead(after)
    inherited = sensitive & labels.INHERITED
    if of_chart(old, labels.found_in("Patient", before).bits) != inherited:
        execute(
            record.connection, _CHART,
            {"patient": after.id, "inherited": labels.INHERITED, "bits": inherited},
        )  # fmt: skip
    if changed:
        rederive(record.connection, str(after.id), record.clock())


def concerns_chart(before: bytes | None, after: Any, sensitive: int) -> bool:
    """Whether ``follow`` would change anything: then the write needs a transaction around both."""
    if before is None:
        return False
    old = _patient(before)
    return (
        old.birthDate != after.birthDate
        or is_dead(old) != is_dead(after)
        or of_chart(old, labels.found_in("Patient", before).bits) != sensitive & labels.INHERITED
    )


@dataclass(frozen=True, slots=True)
class _Paper:
    type: str
    id: str
    standing: Sequence[tuple[int, Standing]] | None


def rederive(connection: psycopg.Connection[Any], patient: str, now: datetime) -> None:
    """The consents and relatives of a person opened anew, as the person is now."""
    made = []
    for kind, identifier, content, whose, facility in execute(connection, _PAPERS, (patient,)).fetchall():
        resource = codec.decode_known(content, kind)
        found = rows(Source(resource, whose, facility, now, Looking(connection)))
        made.append(_Paper(kind, identifier, [(shard_of(one.patient), one) for one in found]))
    standings.replace(connection, made)
