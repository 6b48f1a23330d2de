"""Which types of resources contain which: what tells chains and ``_contained`` where to look.

FHIR R4, search.html#contained.
"""

from __future__ import annotations

from typing import Any

import psycopg

from yba.fhir.r4 import MODULES
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
