"""The shorter conditions that are asked first let nothing through that the whole one does not."""

from __future__ import annotations

import pytest
from psycopg import sql

from tests.access.asking import ACTORS, Asking
from yba.fhir.access import policy
from yba.fhir.condition import PERSON
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


_PERSONS = "select distinct r.patient::varchar from record.resource r where r.patient is not null order by 1"


def test_what_is_asked_once_of_a_person_opens_no_more(asking: Asking) -> None:
    """Of each person's rows, and of a search that names one person and meets rows of another."""
    asking.connection.execute(WITHOUT_WALL)
    persons = [one for (one,) in asking.connection.execute(_PERSONS).fetchall()]
    opened = 0
    for name in sorted(ACTORS):
        for kind in MODULES:
            asked = policy.condition(ACTORS[name], kind, "search", now=asking.now)
            if asked.of_one is None or asked.sql is None:
                continue
            query = sql.SQL(_ROWS).format(asked.sql)
            whole = set(asking.connection.execute(query, {"type": kind, **asked.params}).fetchall())
            for person in persons:
                values = {"type": kind, **asked.params, PERSON: person}
                quick = set(asking.connection.execute(sql.SQL(_ROWS).format(asked.of_one), values).fetchall())
                assert quick <= whole, (name, kind, person)
                opened += len(quick)
    assert opened > 100
