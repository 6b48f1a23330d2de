"""Index rows of resources inside others, so that a chain leads into them. FHIR R4, search.html#contained.

A contained resource has a row of its own in ``record.contained`` and index rows like any other, under a ``rid`` below
zero that is made of its container's: no search meets them but one that asks for them. What refers to it (``#p``) has
a second index row, beside the parameter's own number, with its place: ``Observation/o1#p``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import psycopg

from yba.fhir.errors import RecordError, TooCostly
from yba.fhir.model import codec
from yba.fhir.r4.datatypes import DomainResource
from yba.fhir.search.index import rows as index_rows
from yba.fhir.search.parameters import beside
from yba.fhir.search.rows import IndexRows, ReferenceRow
from yba.fhir.store import unindexing
from yba.fhir.store.parameters import registry
from yba.fhir.store.rows import execute
from yba.fhir.store.write import Known, Write, with_added

MOST = 65_535
"""How many resources one may contain: their row ids lie between that of their container and the next."""
_HOLDS = b'"contained":['


class Inside(NamedTuple):
    """A contained resource: which of them it is, its row, its index rows."""

    number: int
    row: Write
    rows: IndexRows


def concern(row: Write, index: IndexRows | None, known: Known | None) -> bool:
    """Whether a write has contained resources to index, or old ones to forget."""
    if index is not None and row.content is not None and getattr(index.resource, "contained", None):
        return True
    return known is not None and known.content is not None and _HOLDS in known.content


class _Head(msgspec.Struct, rename={"resource_type": "resourceType"}):
    resource_type: str
    id: str | None = None


_head = msgspec.json.Decoder(_Head)


def places(row: Write, resource: Any) -> dict[str, tuple[str, str]]:
    """What ``#id`` means inside a resource: type and place; ``#`` is the resource itself."""
    found = {"#": (row.type, row.id)}
    for raw in resource.contained:
        head = _head.decode(raw)
        if head.id is not None:
            found.setdefault(f"#{head.id}", (head.resource_type, f"{row.type}/{row.id}#{head.id}"))
    return found


def led(rows: Iterable[ReferenceRow], to: Mapping[str, tuple[str, str]]) -> list[ReferenceRow]:
    """The further rows of references to what is inside, by place."""
    return [
        (beside(row[0]), *to[row[2]], None, None, None) for row in rows if row[1] is None and row[2] in to
    ]


def inside(connection: psycopg.Connection[Any], row: Write, resource: Any) -> list[Inside]:
    """The contained resources of one, with their index rows. Raises TooCostly above the limit."""
    if len(resource.contained) > MOST:
        raise TooCostly(
            "store.too-many-contained",
            f"A resource may contain {MOST:,} others. Store them as resources of their own.",
            type=row.type,
        )
    to, found = places(row, resource), []
    for number, raw in enumerate(resource.contained, 1):
        content = bytes(raw)
        try:
            own = codec.decode(content)
        except RecordError:  # of a store that holds what today's checks would refuse
            continue
        if own.id is None:
            continue
        if isinstance(own, DomainResource):  # others contain nothing: Parameters, Bundle, Binary
            own.contained = resource.contained  # to tell the type of what it refers to
        index = index_rows(own)
        if isinstance(own, DomainResource):
            own.contained = []
        kind = type(own).__name__.rstrip("_")
        patient = index.patient if kind != "Patient" else None
        part = Write(kind, own.id, 0, datetime.min, "PUT", row.shard, patient, None, content)  # noqa: DTZ901 - never written
        whole = with_added(part, index, registry(connection))
        assert whole is not None
        whole.reference = list(dict.fromkeys([*whole.reference, *led(whole.reference, to)]))
        found.append(Inside(number, part, whole))
    return found


_FORGET = (
    "delete from record.contained where container = any(%(rids)s) and shard = any(%(shards)s)"
    " returning rid, shard"
)


def forget(connection: psycopg.Connection[Any], rids: Sequence[int], shards: Sequence[int]) -> None:
    """Take away all rows of what these resources contain."""
    rows = execute(connection, _FORGET, {"rids": list(rids), "shards": list(shards)}).fetchall()
    unindexing.remove(connection, rows)


_ADD = """
insert into record.contained (shard, rid, container, holder, type, id, place, patient, occurred)
select x.shard, x.rid, x.container, x.holder, x.type, x.id, x.holder || '/' || x.within || '#' || x.id, x.patient,
       x.occurred
  from unnest(%(shard)s::smallint[], %(rid)s::bigint[], %(container)s::bigint[], %(holder)s::text[],
              %(within)s::text[], %(type)s::text[], %(id)s::text[], %(patient)s::text[], %(occurred)s::timestamptz[])
       as x(shard, rid, container, holder, within, type, id, patient, occurred)
"""


def add(
    connection: psycopg.Connection[Any], every: Iterable[tuple[Write, int, Sequence[Inside]]]
) -> list[tuple[Write, int, IndexRows]]:
    """Add the rows of what resources contain (row, rid, contained); what index rows are still to be added for."""
    columns: list[tuple[Any, ...]] = []
    left: list[tuple[Write, int, IndexRows]] = []
    for row, rid, parts in every:
        for one in parts:
            own = -(rid * (MOST + 1) + one.number)
            columns.append(
                (row.shard, own, rid, row.type, row.id, one.row.type, one.row.id, one.row.patient, one.rows.occurred)
            )  # fmt: skip
            left.append((one.row, own, one.rows))
    if columns:
        names = ("shard", "rid", "container", "holder", "within", "type", "id", "patient", "occurred")
        execute(connection, _ADD, dict(zip(names, map(list, zip(*columns, strict=True)), strict=True)))
    return left
