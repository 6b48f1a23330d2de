"""Many resources under their own ids in one transaction: each stored or refused by itself, all rows sent together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yba.fhir.errors import Conflict, Forbidden, Invalid, NotFound, RecordError
from yba.fhir.r4.datatypes import Resource
from yba.fhir.record import writing
from yba.fhir.record.failures import BUSY, TAKEN, translated
from yba.fhir.record.reading import Known
from yba.fhir.store.read import lock_many
from yba.fhir.store.rows import Stored

if TYPE_CHECKING:
    from yba.fhir.record.handle import Record

_OWN = (Invalid, Forbidden, NotFound, Conflict)
"""Refusals of one resource, found before anything of it is written; others end the whole."""


def put_all(record: Record, resources: Sequence[Resource]) -> list[Stored | RecordError]:
    """Store each as a new version under its id, or under a new one where it has none; results in the same order.

    An id that stands twice gets two versions, in order. A resource that is refused leaves the others be; a failure of
    the database ends the transaction, and nothing is stored.
    """
    return record.attempt(lambda: _put_all(record, resources), taken=True)


def _put_all(record: Record, resources: Sequence[Resource]) -> list[Stored | RecordError]:
    results: list[Stored | RecordError] = []
    start = 0
    while start < len(resources):  # as far as no id comes again
        end, named = start, set[tuple[str, str]]()
        while end < len(resources):
            one = resources[end]
            name = (type(one).__name__, one.id or "")
            if one.id is not None:
                if name in named:
                    break
                named.add(name)
            end += 1
        with translated:
            known = lock_many(record.connection, named)
        with record.together():
            results += [_put(record, one, known) for one in resources[start:end]]
        start = end
    return results


def _put(record: Record, resource: Resource, known: dict[tuple[str, str], Known]) -> Stored | RecordError:
    type_name, identifier = type(resource).__name__, resource.id
    row = None if identifier is None else known.get((type_name, identifier))
    # An event of an older system comes with its id; it is a new one all the same.
    method = "POST" if identifier is None or type_name == "AuditEvent" else "PUT"
    try:
        if type_name in record.guards:  # what a rule has written before it refuses is taken back
            with record.atomic():
                return writing.put(record, resource, identifier, method, row)
        return writing.put(record, resource, identifier, method, row)
    except _OWN as error:
        if error.key in (BUSY, TAKEN):
            raise
        return error
