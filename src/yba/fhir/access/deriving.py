"""What is derived from a resource when it is stored: its sensitive labels, and whom it opens which chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import psycopg

from yba.fhir.access import labels
from yba.fhir.access.actor import Actor
from yba.fhir.access.sources import SOURCES, rows
from yba.fhir.access.standing import Author, Look, Source, Standing, is_dead, was_minor
from yba.fhir.model import codec
from yba.fhir.search.casing import folded
from yba.fhir.search.parameters import hashed
from yba.fhir.store.identity import shard_of
from yba.fhir.store.rows import execute

if TYPE_CHECKING:
    from yba.fhir.r4.datatypes import Resource

_CONTENT = "select r.content from record.unwalled_resource r where r.type = %s and r.id = %s and r.content is not null"
_PERSONS = (
    "select distinct r.id::varchar from record.token x"
    " join record.unwalled_resource r on r.rid = x.rid and r.shard = x.shard"
    " where x.param = %s and x.code = %s and x.system = %s and r.type = 'Patient' and r.content is not null limit 2"
)
_CLAIMED = "select s.holder::varchar from record.standing s where s.source_type = %s and s.source_id = %s and s.claimed"
_PERSON_ROLES = frozenset({"citizen", "guardian", "delegate"})


@lru_cache(maxsize=8192)
def author_of(actor: Actor) -> Author | None:
    """The one who writes, as their own standing is judged by; None for a rule of the house."""
    if actor.role == "system":
        return None
    own = [f"practitioner:{actor.practitioner}"] if actor.practitioner else []
    own += [f"department:{one}" for one in actor.departments]
    return Author(frozenset(own), actor.role not in _PERSON_ROLES)


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
        number = hashed("Patient", "identifier")
        found = execute(self.connection, _PERSONS, (number, folded(system, value), system)).fetchall()
        return found[0][0] if len(found) == 1 else None

    def claimed(self, type_name: str, identifier: str) -> frozenset[str]:
        """Who has written themselves into this CareTeam or PractitionerRole, as holders."""
        return frozenset(
            row[0] for row in execute(self.connection, _CLAIMED, (type_name, identifier)).fetchall()
        )


@dataclass(frozen=True, slots=True)
class Derived:
    """The labels as bits, and the standings with their shards; None where the type opens nothing."""

    sensitive: int
    standing: Sequence[tuple[int, Standing]] | None


def derived(
    look: Look,
    resource: Resource,
    content: bytes,
    *,
    patient: str | None,
    facility: str | None,
    occurred: datetime | None,
    now: datetime,
    author: Author | None = None,
    is_new: bool = False,
) -> Derived:
    """What follows from a resource that is written ``now``; ``author``: by whom, None for a rule of the house."""
    type_name = type(resource).__name__
    bits = labels_of(look, type_name, content, patient, occurred or now)
    if type_name == "Patient":
        bits |= of_chart(resource, bits)
    if type_name not in SOURCES:
        return Derived(bits, None)
    made = rows(Source(resource, patient, facility, now, look, author, is_new))
    return Derived(bits, [(shard_of(one.patient), one) for one in made])


def labels_of(look: Look, type_name: str, content: bytes, patient: str | None, moment: datetime) -> int:
    """The labels of a resource's own content, as bits; ``moment``: when the person's age counts."""
    found = labels.found_in(type_name, content)
    if not found.of_minors or patient is None:
        return found.bits
    person = look.content("Patient", patient)
    is_minor = person is not None and was_minor(person, moment, labels.rules().age)
    return found.bits | (found.of_minors if is_minor else 0)


def of_chart(patient: Any, bits: int) -> int:
    """The labels a Patient gives to every row of the chart."""
    return (labels.OF_VIP if bits & labels.VIP else 0) | (labels.DECEASED if is_dead(patient) else 0)
