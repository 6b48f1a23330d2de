"""The shorter condition that a read asks first lets nothing through that the whole one does not."""

from __future__ import annotations

import pytest
from psycopg import sql

from tests.access.asking import ACTORS, Asking
from yba.fhir.access import policy
from yba.fhir.r4 import MODULES

# The two conditions are held against each other over all rows, not over those the second wall leaves.
WITHOUT_WALL = "set local role none"
_ROWS = "select r.type::varchar, r.id::varchar from record.resource r where r.type = %(type)s and {}"


@pytest.mark.parametrize("name", sorted(ACTORS))
def test_no_row_passes_that_the_whole_hides(asking: Asking, name: str) -> None:
    asking.connection.execute(WITHOUT_WALL)
    for kind in MODULES:
        asked = policy.condition(ACTORS[name], kind, now=asking.now)
        if asked.quick is None or asked.sql is None:
            continue
        values = {"type": kind, **asked.params}
        whole, quick = (
            set(asking.connection.execute(sql.SQL(_ROWS).format(one), values).fetchall())
            for one in (asked.sql, asked.quick)
        )
        assert quick <= whole, kind


@pytest.mark.parametrize("name", ["citizen", "doctor", "nurse"])
def test_the_usual_reader_has_one(asking: Asking, name: str) -> None:
    asking.connection.execute(WITHOUT_WALL)
    asked = policy.condition(ACTORS[name], "Observation", now=asking.now)
    assert asked.quick is not None
    assert asked.sql is not None
    assert len(asked.quick.as_string(None)) < len(asked.sql.as_string(None)) / 2
    values = {"type": "Observation", **asked.params}
    whole, quick = (
        len(asking.connection.execute(sql.SQL(_ROWS).format(one), values).fetchall())
        for one in (asked.sql, asked.quick)
    )
    assert 0 < quick < whole  # the world is made of rows that are hard to judge
