"""The second wall never hides what the door shows, and hides what is no concern of the actor at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.access.asking import ACTORS
from tests.access.world import TYPES, World
from tests.builders import NOW
from yba.fhir.access import policy, wall
from yba.fhir.access.roles import INTERACTIONS, roles
from yba.fhir.condition import NOTHING

_ALL = "select r.type || '/' || r.id from record.resource r"
_VERSIONS = "select v.type || '/' || v.id || '/' || v.version from record.version v"


@pytest.fixture(scope="module")
def owner(filled: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(filled, autocommit=True, prepare_threshold=None) as connection:
        yield connection


@pytest.fixture(scope="module")
def web(filled: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(filled, autocommit=True, options="-c role=yba_web") as connection:
        yield connection


def _named(connection: psycopg.Connection[Any], query: str) -> set[str]:
    return {row[0] for row in connection.execute(query.encode()).fetchall()}


def test_every_role_is_tried() -> None:
    assert {actor.role for actor in ACTORS.values()} >= set(roles())


@pytest.mark.parametrize("name", ACTORS)
def test_the_wall_lets_through_all_the_door_does(
    owner: psycopg.Connection[Any], web: psycopg.Connection[Any], name: str
) -> None:
    """For every type and interaction: a row the wall hides from the actor is one the door hides."""
    actor = ACTORS[name]
    wall.tell(web, wall.reach_of(actor, real_time=False))
    passed, versions = _named(web, _ALL), _named(web, _VERSIONS)
    hidden: dict[str, set[str]] = {}
    asked = 0
    for type_name in TYPES:
        for interaction in (*INTERACTIONS, "history-type"):
            may = policy.condition(actor, type_name, interaction, now=NOW)
            if may.sql is NOTHING:
                continue
            query = sql.SQL(_ALL + " where r.type = %(type)s and {}").format(may.sql or sql.SQL("true"))
            rows = {one[0] for one in owner.execute(query, {"type": type_name, **may.params}).fetchall()}
            asked += len(rows)
            if rows - passed:
                hidden[f"{interaction} {type_name}"] = rows - passed
            # A version of the row as it is now is told with it.
            assert {f"{one}/1" for one in rows} <= versions
    assert hidden == {}
    assert asked or actor.role in ("no-such-role",)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("doctor_nowhere", 0), ("nurse_b", 0), ("doctor_c", 0), ("citizen_nobody", 0), ("provincial_officer", 1),
        ("device", 0), ("wall", 0), ("kiosk", 0), ("citizen", 0), ("receptionist", 3),
    ],
)  # fmt: skip
def test_the_wall_is_no_open_door(web: psycopg.Connection[Any], world: World, name: str, most: int) -> None:
    """Of the stranger, to whom nobody stands, a question without the door's condition tells nothing; who may see every
    person sees who they are, and no more types than those."""
    actor = ACTORS[name]
    wall.tell(web, wall.reach_of(actor, real_time=False))
    rows = web.execute(
        "select distinct r.type from record.resource r where r.patient = 'stranger'"
        " and r.facility is distinct from %s",
        (actor.facility,),
    ).fetchall()
    assert any(row.patient == "stranger" and row.type == "Observation" for row in world.rows)
    assert len(rows) <= most, rows
