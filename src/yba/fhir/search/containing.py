"""Contained resources: which types contain which, and a search of what is contained. FHIR R4, search.html#contained.

``_contained=true`` asks its conditions of contained resources, ``both`` of these and of the others. What is answered
is the container (``_containedType=container``: each once), or the contained resource alone, whose container's row then
is the match, for the face to cut it out. Either way it is the container that passes the access door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from yba.fhir.errors import Unsupported
from yba.fhir.r4 import MODULES
from yba.fhir.search.asked import Asked
from yba.fhir.search.clause import NOTHING, Clause, either, every
from yba.fhir.search.parameters import needs_version
from yba.fhir.search.question import Asking
from yba.fhir.search.statement import Arm
from yba.fhir.store.rows import execute

# Each pair found by one step down an index, however many rows there are of it.
_PAIRS = """
with recursive step as (
    (select c.type, c.holder from record.contained c order by c.type, c.holder limit 1)
    union all
    select n.type, n.holder from step, lateral (
        select c.type, c.holder from record.contained c where (c.type, c.holder) > (step.type, step.holder)
         order by c.type, c.holder limit 1) n
)
select holder::varchar, type::varchar from step"""


def pairs(connection: psycopg.Connection[Any]) -> frozenset[tuple[str, str]]:
    """Types of a container and of what it contains, of all that are stored."""
    rows = execute(connection, _PAIRS).fetchall()
    return frozenset((row[0], row[1]) for row in rows if row[0] in MODULES and row[1] in MODULES)


def source(holder: str, type_name: str, door: Clause | None) -> Clause:
    """The contained resources of a type in those of another that may be seen, as rows a condition can be asked of."""
    seen = every(
        [Clause(f"r.type = '{holder}' and r.content is not null"), *([door] if door is not None else [])]
    )
    return Clause(
        "select c.shard, c.rid, c.container, c.type, c.id, c.place, c.patient, c.facility, c.occurred, h.updated,"  # noqa: S608 - our own texts
        " h.version, h.content, h.id as holder_id, h.patient as whose, h.facility as kept from record.contained c"
        f" join (select r.* from record.resource r where {seen.sql}) h on h.rid = c.container and h.shard = c.shard"
        f" where c.type = '{type_name}' and c.holder = '{holder}'",
        seen.values,
    )


_SORTED = frozenset({"_id", "_lastUpdated", "_score"})


def arms(asking: Asking, asked: Asked, inside: Asked, own: Mapping[str, Sequence[Clause]]) -> list[Arm]:
    """What a search with ``_contained`` asks: ``own`` conditions with their doors, and those put to what is contained.

    Raises Unsupported for an order that containers do not have.
    """
    needs_version(3, "_contained")
    wanted = sorted(
        (type_name, holder) for holder, type_name in asking.contained() if type_name in inside.arms
    )
    if asked.contained_type == "contained":
        found = [Arm(one, clauses) for one, clauses in own.items()] if asked.contained == "both" else []
        for type_name, holder in wanted:
            door = asking.door(holder)
            if door is None or door.sql != NOTHING.sql:
                rows = source(holder, type_name, door)
                found.append(Arm(type_name, inside.arms[type_name], holder=holder, rows=rows))
        return found
    if any(code not in _SORTED for code, _ in asked.sort):
        raise Unsupported(
            "search.contained-sort",
            "Containers are sorted by _id, _lastUpdated or _score. Ask with '_containedType=contained' for another "
            "order.",
            parameter="_sort",
        )
    ways: dict[str, list[Clause]] = {}
    if asked.contained == "both":
        ways = {one: [every(clauses) if clauses else Clause("true")] for one, clauses in own.items()}
    for type_name, holder in wanted:
        door = asking.door(holder)
        if door is not None and door.sql == NOTHING.sql:
            continue
        rows = source(holder, type_name, door)
        met = every([Clause("true"), *inside.arms[type_name]])
        ways.setdefault(holder, []).append(
            Clause(
                f"(r.shard, r.rid) in (select r.shard, r.container from ({rows.sql}) r where {met.sql})",  # noqa: S608
                (*rows.values, *met.values),
            )
        )
    return [Arm(one, [either(found)]) for one, found in sorted(ways.items())]
