"""The plans of the hottest searches on 100,000 resources: what is touched, never how long it took.

The trap they guard against: an index of times or of storing is walked and the rows of everybody else are thrown away.
``python -m bench --plans`` holds the same shapes to the same limits on one million.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from bench import plans, synthetic
from tests.conftest import Databases
from yba.fhir import search
from yba.fhir.access import SYSTEM, Actor, policy, wall

PERSONS = 4_500


@pytest.fixture(scope="module")
def store(databases: Databases, template: str) -> Iterator[psycopg.Connection[Any]]:
    """A database of 100,000 resources, with statistics; shared, as nothing is changed."""
    name = databases.new(template)
    with psycopg.connect(databases.conninfo(name), autocommit=True) as connection:
        assert synthetic.fill(connection, PERSONS) > 99_000
        yield connection
    databases.drop(name)


@pytest.fixture(scope="module")
def web(store: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """The same, behind the wall."""
    with psycopg.connect(store.info.dsn, autocommit=True, options="-c role=yba_web") as connection:
        yield connection


@pytest.mark.parametrize("generic", [False, True], ids=["by values", "prepared"])
@pytest.mark.parametrize("shape", plans.SHAPES, ids=lambda shape: shape.name.replace(" ", "-"))
def test_a_hot_search_touches_what_it_answers_with(
    store: psycopg.Connection[Any], shape: plans.Shape, generic: bool
) -> None:
    cost = plans.costs(store, shape, generic=generic)
    assert plans.faults(shape, cost) == [], cost


@pytest.mark.parametrize("generic", [False, True], ids=["by values", "prepared"])
@pytest.mark.parametrize("shape", plans.SHAPES, ids=lambda shape: shape.name.replace(" ", "-"))
def test_the_wall_hides_no_index(web: psycopg.Connection[Any], shape: plans.Shape, generic: bool) -> None:
    """What the database itself hides by is asked of rows an index has found, and takes no index from a search."""
    wall.tell(web, wall.reach_of(shape.actor))
    cost = plans.costs(web, shape, generic=generic)
    assert plans.faults(shape, cost) == [], cost


@pytest.mark.parametrize("sort", ["-date", "date", "-_lastUpdated", "_lastUpdated", "_id", None])
def test_a_chart_is_read_by_its_own_index(store: psycopg.Connection[Any], sort: str | None) -> None:
    """Whatever the order: no index of times, ids or storing is walked for one person's rows."""
    params = (("patient", "bench-77"), *((("_sort", sort),) if sort else ()))
    shape = plans.Shape("chart", "Observation", params, matches=12, pages=120, thrown=0)
    for generic in (False, True):
        cost = plans.costs(store, shape, generic=generic)
        assert plans.faults(shape, cost) == []
        scanned = {node.split()[-1] for node in cost.nodes if "Index" in node}
        assert scanned == {"resource_chart"}


@pytest.mark.parametrize("sort", ["-date", "-_lastUpdated", "_id", None])
def test_what_a_citizen_sees_is_read_by_the_charts_index(
    store: psycopg.Connection[Any], sort: str | None
) -> None:
    """The door alone narrows the search: no patient is named."""
    actor = Actor(user="c", role="citizen", persons=frozenset({"bench-77"}), person="bench-77")
    params = (("_sort", sort),) if sort else ()
    shape = plans.Shape("chart", "Observation", params, matches=12, pages=120, thrown=0, actor=actor)
    cost = plans.costs(store, shape)
    assert plans.faults(shape, cost) == []
    walked = {node.split()[-1] for node in cost.nodes if "Index" in node}
    assert walked - {"standing_holder", "standing_person"} == {"resource_chart"}


def test_the_trap_is_noticed(store: psycopg.Connection[Any]) -> None:
    """A plan that walks the index of times and filters by patient fails the limits these tests set."""
    cost = plans.explained(
        store,
        "select r.id from record.resource r where r.type = 'Observation' and r.content is not null"
        " and r.patient || '' = 'bench-77' order by r.updated desc, r.rid desc limit 21",
        {},
        generic=False,
    )
    cost.matches = 12
    assert len(plans.faults(plans.Shape("trap", "Observation", (), 12), cost)) >= 2


@pytest.mark.parametrize("walled", [False, True], ids=["owner", "web"])
def test_a_page_far_down_costs_like_the_first(
    store: psycopg.Connection[Any], web: psycopg.Connection[Any], walled: bool
) -> None:
    """Keyset paging: the hundredth page of a type touches no more than the first."""
    store = web if walled else store
    wall.tell(store, wall.reach_of(SYSTEM))

    def ask(cursor: str | None) -> tuple[search.Found, plans.Cost]:
        params = [("_count", "50"), *([("_cursor", cursor)] if cursor else [])]
        with plans.noted() as statements:
            page = search.run(
                store, "Encounter", params, access=lambda name: policy.condition(SYSTEM, name), strict=True
            )
        (one,) = statements
        return page, plans.explained(store, one.text, one.values, generic=False)

    page, first = ask(None)
    for _ in range(100):
        page, last = ask(page.next)
    assert len(page.matches) == 50
    assert last.pages <= 2 * first.pages + 10
    assert last.thrown <= 10
