"""A condition on rows of the record, as the access door gives it and searches carry it.

It stands apart from the door (``yba.fhir.access``), so that search and store know what a condition is and not who
decides it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from psycopg.sql import SQL

FACILITY_TAG = "https://yba.vn/fhir/facility"
"""System of the ``meta.tag`` that names the facility a resource is kept by; the row's column says the same."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A SQL condition on ``record.resource`` aliased ``r``, with named placeholders and their values.

    ``sql`` is None when every row may be seen; the text is the same for every actor of a role, so that one prepared
    statement serves them all. ``narrow``: it leaves few rows whatever its values are (a person's own chart).
    ``among_few``: the same condition where rows are few already, without what only helps to find them. ``quick``: a
    shorter one that lets through most rows that this one does and none that it does not: to be asked first for one row.
    """

    sql: SQL | None
    params: Mapping[str, object] = field(default_factory=dict)
    narrow: bool = False
    among_few: SQL | None = None
    quick: SQL | None = None


NOTHING = SQL("false")
ALL = Condition(None)
