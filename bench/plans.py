"""`python -m bench --plans`: how the database answers the twelve hottest searches, on one million resources.

Judged by what a plan touches (pages read, rows thrown away), not by time, so that a busy machine changes nothing. Each
statement is planned both with its values and without (as a prepared statement may be).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from yba.fhir import search
from yba.fhir.access import SYSTEM, Actor, policy
from yba.fhir.search import includes, page
from yba.fhir.store.asking import Statement
from yba.fhir.store.rows import execute

FACILITY = "https://yba.vn/fhir/facility|bench-f7"
PAGES = 700
"""Pages of 8 kB a hot search may touch. A page of 20 rows of a chart is some 150."""
THROWN = 400
"""Rows a hot search may read and throw away."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One hot search. ``matches``: the least it must find, so that no plan is judged on nothing."""

    name: str
    type: str
    params: tuple[tuple[str, str], ...]
    matches: int = 1
    actor: Actor = SYSTEM
    pages: int = PAGES
    thrown: int = THROWN


_CHART = ("patient", "bench-77")
SHAPES = (
    Shape("chart by category, newest first", "Observation",
          (_CHART, ("category", "vital-signs"), ("_sort", "-date")), 4),
    Shape("chart by code", "Observation", (_CHART, ("code", "http://loinc.org|8867-4"), ("_sort", "-date")), 3),
    Shape("chart by last change", "Observation", (_CHART, ("_sort", "-_lastUpdated")), 12),
    Shape("chart, as it was stored", "Observation", (_CHART,), 12),
    Shape("chart, as a doctor", "Observation", (_CHART, ("_sort", "-date")), 12,
          Actor(user="d", role="doctor", facility="bench-f17")),
    Shape("person by name", "Patient", (("name", "ho77"), ("given", "ten77"))),
    Shape("person by identifier", "Patient", (("identifier", "http://s|bench-77"),)),
    Shape("person by date of birth", "Patient", (("birthdate", "1950-03-19"),)),
    Shape("appointments of a facility and day", "Appointment",
          (("_tag", FACILITY), ("date", "ge2020-01-08T00:00:00+07:00"), ("date", "lt2020-01-10T00:00:00+07:00"),
           ("_sort", "date"))),
    Shape("slots of a schedule and day", "Slot",
          (("schedule", "Schedule/bench-7-s"), ("start", "ge2020-01-08"), ("start", "lt2020-01-09"),
           ("status", "free"), ("_sort", "start"))),
    Shape("worklist of a facility by status", "Encounter",
          (("_tag", FACILITY), ("status", "in-progress"), ("_sort", "-date")), 0, thrown=3_000, pages=12_000),
    Shape("prescriptions of a person by status", "MedicationRequest", (_CHART, ("status", "active"))),
    Shape("persons who have a result", "Patient",
          (("_id", "bench-77"), ("_has:Observation:patient:code", "8867-4"))),
    Shape("chart by the person's identifier", "Observation", (("patient.identifier", "http://s|bench-77"),), 12),
    Shape("chart by a performer's name", "Observation",
          (_CHART, ("performer:Practitioner.name", "bs27"), ("_sort", "-date")), 12, pages=3_000, thrown=2_000),
    Shape("chart by the person's identifier, as a doctor", "Observation",
          (("patient.identifier", "http://s|bench-77"),), 12, Actor(user="d", role="doctor", facility="bench-f17")),
    Shape("own chart, as a citizen", "Observation", (("code", "8867-4"), ("_sort", "-date")), 3,
          Actor(user="c", role="citizen", persons=frozenset({"bench-77"}), person="bench-77")),
    Shape("chart with what points to it", "Patient", (("_id", "bench-77"), ("_revinclude", "Observation:patient"))),
    Shape("the newest of a type", "Patient", (), 20),
    Shape("results by a common status", "Observation", (("status", "final"),), 20),
    Shape("what has changed since", "Encounter",
          (("_lastUpdated", "gt2000-01-01"), ("_sort", "_lastUpdated"), ("_count", "50")), 50),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement as it was run; ``prepared``: it may come to be planned without its values."""

    text: str
    values: Mapping[str, object]
    prepared: bool


@dataclass(slots=True)
class Cost:
    """What a plan touched: pages read, rows thrown away, the nodes with their indexes."""

    pages: int = 0
    thrown: int = 0
    nodes: tuple[str, ...] = ()
    time: float = 0.0
    matches: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.pages + other.pages, self.thrown + other.thrown, self.nodes + other.nodes, self.time + other.time,
            self.matches,
        )  # fmt: skip


def costs(connection: psycopg.Connection[Any], shape: Shape, *, generic: bool = False) -> Cost:
    """Ask and explain every statement of it. ``generic``: as planned without the values."""
    with noted() as statements:
        answer = search.run(
            connection,
            shape.type,
            shape.params,
            access=lambda name: policy.condition(shape.actor, name, "search"),
            strict=True,
        )
    total = Cost()
    for one in statements:
        total += explained(connection, one.text, one.values, generic=generic and one.prepared)
    total.matches = len(answer.matches)
    return total


@contextmanager
def noted() -> Iterator[list[Asked]]:
    """The statements of searches while it lasts."""
    noted: list[Asked] = []

    def noting(connection: Any, text: Any, values: Any = None, *, prepare: bool | None = None) -> Any:
        noted.append(Asked(text, values or {}, prepared=prepare is not False))
        return execute(connection, text, values, prepare=prepare)

    def asking(connection: Any, asked: Statement, *, prepare: bool = True) -> Any:
        return noting(connection, asked.text, asked.values, prepare=None if prepare else False).fetchall()

    places: list[tuple[Any, str, Any]] = [
        (page, "execute", noting), (page, "asking_alone", asking), (includes, "execute", noting),
    ]  # fmt: skip
    before = [getattr(module, name) for module, name, _ in places]
    for module, name, instead in places:
        setattr(module, name, instead)
    try:
        yield noted
    finally:
        for (module, name, _), original in zip(places, before, strict=True):
            setattr(module, name, original)


_EXPLAIN = "explain (analyze, buffers, costs off, timing off, format json) "


def explained(
    connection: psycopg.Connection[Any], text: str, values: Mapping[str, object], *, generic: bool
) -> Cost:
    """Run one statement and read its plan."""
    if not generic:
        (plan,) = connection.execute((_EXPLAIN + text).encode(), values).fetchone() or ([],)
        return _read(plan)
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
    placed = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", text).replace("%%", "%")
    with connection.transaction(), psycopg.ClientCursor(connection) as cursor:
        cursor.execute("set local plan_cache_mode = force_generic_plan")
        cursor.execute(f"prepare explained as {placed}".encode())
        arguments = ", ".join(["%s"] * len(names))
        cursor.execute(
            f"{_EXPLAIN} execute explained{f'({arguments})' if names else ''}".encode(),
            [values[name] for name in names],
        )
        (plan,) = cursor.fetchone() or ([],)
        cursor.execute("deallocate explained")
    return _read(plan)


def _read(plan: Any) -> Cost:
    top = plan[0]["Plan"]
    nodes: list[str] = []
    thrown = 0
    waiting = [top]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", ())
        name = node["Node Type"]
        if "Index Name" in node:
            name += f" {node['Index Name']}"
        elif "Relation Name" in node:
            name += f" {node['Relation Name']}"
        if node.get("Actual Loops", 0):
            nodes.append(name)
        removed = sum(node.get(key, 0) for key in _REMOVED)
        thrown += int(removed * node.get("Actual Loops", 1))
    pages = top.get("Shared Hit Blocks", 0) + top.get("Shared Read Blocks", 0)
    return Cost(pages, thrown, tuple(nodes), plan[0].get("Execution Time", 0.0))


_REMOVED = ("Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck")


def faults(shape: Shape, cost: Cost) -> list[str]:
    """What is wrong with a plan; nothing when it is as it must be."""
    found = []
    if cost.matches < shape.matches:
        found.append(f"finds {cost.matches}, not {shape.matches}")
    if cost.pages > shape.pages:
        found.append(f"touches {cost.pages:,} pages")
    if cost.thrown > shape.thrown:
        found.append(f"throws {cost.thrown:,} rows away")
    found += [f"walks {node}" for node in cost.nodes if node.startswith(("Seq Scan", "Parallel Seq Scan"))]
    return found


def report(connection: psycopg.Connection[Any]) -> bool:
    """Print each shape with what it touches; whether all are as they must be."""
    print(f"{'':42}{'rows':>6}{'pages':>8}{'thrown':>8}{'ms':>9}{'pages, generic':>16}")
    good = True
    for shape in SHAPES:
        own, generic = costs(connection, shape), costs(connection, shape, generic=True)
        print(
            f"{shape.name:42}{own.matches:6}{own.pages:8,}{own.thrown:8,}{own.time:9.2f}{generic.pages:16,}"
        )
        for label, cost in (("", own), ("generic: ", generic)):
            for fault in faults(shape, cost):
                good = False
                print(f"    {label}{fault}")
    return good
