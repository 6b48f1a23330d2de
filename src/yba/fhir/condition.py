"""A condition on rows of the record, as the access door gives it and searches carry it.

It stands apart from the door (``yba.fhir.access``), so that search and store know what a condition is and not who
decides it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from psycopg.sql import SQL

FACILITY_TAG = "https://yba.vn/fhir/facility"
"""System of the ``meta.tag`` that names the facility a resource is kept by; the row's column says the same."""
PERSON: Final = "asked_person"
"""Name of the place for the one person whose rows are asked for (``Condition.of_one``)."""


class Condition(msgspec.Struct, frozen=True):
    """A SQL condition on ``record.resource`` aliased ``r``, with named placeholders and their values.

    ``sql`` is None when every row may be seen; the text is the same for every actor of a role, so that one prepared
    statement serves them all. ``narrow``: it leaves few rows whatever its values are (a person's own chart).
    ``among_few``: the same condition where rows are few already, without what only helps to find them. ``quick``: a
    shorter one that lets through most rows that this one does and none that it does not: to be asked first for one row.
    ``of_one``: such a one for many rows of one person, who is named in the place ``PERSON``; it asks once how the actor
    stands to that person.
    """

    sql: SQL | None
    params: Mapping[str, object] = {}
    narrow: bool = False
    among_few: SQL | None = None
    quick: SQL | None = None
    of_one: SQL | None = None


NOTHING = SQL("false")
ALL = Condition(None)
