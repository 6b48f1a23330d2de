"""Reading one person whole: under this record and under the others that ``Patient.link`` says are the same person's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from yba.fhir.access import linked
from yba.fhir.model import codec
from yba.fhir.r4.datatypes import Resource
from yba.fhir.record.failures import translated
from yba.fhir.record.reading import content_of

if TYPE_CHECKING:
    from yba.fhir.record.handle import Parameter, Record

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class OnePerson:
    """A person by the record that is read, with the others of the same person."""

    id: str
    others: tuple[str, ...] = ()


def one_person(record: Record, patient: str) -> OnePerson:
    """A person with all their records. Raises TooCostly where links join a crowd."""
    with translated:
        return OnePerson(patient, linked.others_of(record.connection, patient))


def find_of(record: Record, kind: type[R], who: OnePerson, *params: Parameter) -> list[R]:
    """Every match about a person; of the other records every row, each held to the door (``access.linked``).

    ``params`` narrow and order what stands under this record. The audit names whose records were read.
    """
    found = record.find(kind, ("patient", f"Patient/{who.id}"), *params)
    if not who.others:
        return found
    with translated:
        rows = linked.rows_as(
            record.connection, record.actor, kind.__name__, who.others, under=who.id, now=record.clock()
        )
    if rows:
        whose = {one.patient for one in rows if one.patient is not None}
        record.audit(
            "search", type_name=kind.__name__, patients=whose, answered=len(rows), rows=rows,
            detail=f"linked=Patient/{who.id}",
        )  # fmt: skip
    known = {one.id for one in found}
    shown = [record.shown(one) for one in rows if one.id not in known]
    return [*found, *(cast("R", codec.decode(content_of(one), one.type)) for one in shown)]
