"""Any nesting of selects gives the rows the specification's own algorithm gives, on both databases.

The algorithm (SQL on FHIR v2, ViewDefinition, Processing Algorithm) is written out here step by step over trees, with
the house's FHIRPath; Hypothesis makes views and patients.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fhir.view_engines import ENGINES, table_of
from yba.fhir.model import fhirpath

Row = dict[str, Any]
NAMES = itertools.count()


def paths(path: str, focus: Any) -> list[Any]:
    if path == "$this":
        return [focus]
    return fhirpath.compile(path).values(focus)


def process(select: dict[str, Any], focus: Any, index: int) -> Iterator[Row]:
    foci: list[Any] = [focus]
    iterates = True
    if "repeat" in select:
        foci = list(walked(select["repeat"], focus))
    elif "forEach" in select or "forEachOrNull" in select:
        foci = paths(select.get("forEach") or select["forEachOrNull"], focus)
    else:
        iterates = False
    for number, one in enumerate(foci):
        place = number if iterates else index
        parts: list[list[Row]] = [
            [{column["name"]: cell(column, one, place)}] for column in select.get("column", [])
        ]
        parts += [list(process(below, one, place)) for below in select.get("select", [])]
        if select.get("unionAll"):
            parts.append([row for below in select["unionAll"] for row in process(below, one, place)])
        for rows in itertools.product(*parts):
            yield {name: value for row in rows for name, value in row.items()}
    if not foci and "forEachOrNull" in select:
        yield {name: 0 if path == "%rowIndex" else None for name, path in columns(select)}


def walked(repeat: list[str], focus: Any) -> Iterator[Any]:
    for path in repeat:
        for child in paths(path, focus):
            yield child
            yield from walked(repeat, child)


def cell(column: Row, focus: Any, index: int) -> Any:
    if column["path"] == "%rowIndex":
        return index
    found = paths(column["path"], focus)
    if column.get("collection"):
        return found
    assert len(found) < 2
    return found[0] if found else None


def columns(select: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for column in select.get("column", []):
        yield column["name"], column["path"]
    for below in select.get("select", []):
        yield from columns(below)
    if select.get("unionAll"):
        yield from columns(select["unionAll"][0])


# -- views and patients --------------------------------------------------------------------------------------

#: Of each kind of focus: what leads from it to other foci, and columns that have one value at most.
WAYS = {
    "Patient": {"name": "HumanName", "contact": "Contact", "telecom": "ContactPoint", "contact.telecom": "ContactPoint",
                "name.where(use = 'usual')": "HumanName", "name.first()": "HumanName", "link": "Link"},
    "Contact": {"telecom": "ContactPoint", "name": "HumanName", "telecom.where(rank > 1)": "ContactPoint"},
    "HumanName": {"given": "string", "$this": "HumanName"},
    "ContactPoint": {"period": "Period"},
    "Link": {},
    "Period": {},
    "string": {},
}  # fmt: skip
CELLS = {
    "Patient": ["id", "gender", "name.exists()", "name.given.count()", "%rowIndex", "'x'", "name.count() > 1"],
    "Contact": ["gender", "name.family", "telecom.count()", "%rowIndex", "telecom.first().value"],
    "HumanName": ["family", "use", "given.first()", "%rowIndex", "use = 'usual'", "given[1]", "given.empty()"],
    "ContactPoint": ["value", "rank", "%rowIndex", "rank + 1", "rank > 1 or value = 'a'"],
    "Link": ["type", "%rowIndex"],
    "Period": ["start", "start.exists()", "%rowIndex"],
    "string": ["$this", "%rowIndex"],
}  # fmt: skip


@st.composite
def selects(draw: st.DrawFn, kind: str, depth: int) -> dict[str, Any]:
    select: dict[str, Any] = {}
    if WAYS[kind] and draw(st.integers(0, 2)):
        path = draw(st.sampled_from(sorted(WAYS[kind])))
        select[draw(st.sampled_from(["forEach", "forEachOrNull"]))] = path
        kind = WAYS[kind][path]
    cells = draw(st.lists(st.sampled_from(CELLS[kind]), min_size=1, max_size=2))
    select["column"] = [{"name": f"c{next(NAMES)}", "path": one} for one in cells]
    if depth:
        select["select"] = [draw(selects(kind, depth - 1)) for _ in range(draw(st.integers(0, 2)))]
        if draw(st.booleans()):
            select["unionAll"] = draw(unions(kind))
    return select


@st.composite
def unions(draw: st.DrawFn, kind: str) -> list[dict[str, Any]]:
    """Branches of one column of texts and one of numbers."""
    name, number = f"c{next(NAMES)}", f"c{next(NAMES)}"
    branches = []
    for _ in range(draw(st.integers(1, 3))):
        branch: dict[str, Any] = {}
        if WAYS[kind] and draw(st.booleans()):
            branch[draw(st.sampled_from(["forEach", "forEachOrNull"]))] = draw(
                st.sampled_from(sorted(WAYS[kind]))
            )
        branch["column"] = [{"name": name, "path": "'t'"}, {"name": number, "path": "%rowIndex"}]
        branches.append(branch)
    return branches


TEXTS = st.sampled_from(["a", "b", "ễ'%s\"\\"])
PERIODS = st.fixed_dictionaries({"start": st.sampled_from(["2019", "2020-05", "2021-01-01"])})
POINTS = st.fixed_dictionaries(
    {"value": TEXTS}, optional={"rank": st.integers(1, 3), "period": PERIODS}
)  # fmt: skip
PEOPLE_NAMES = st.fixed_dictionaries(
    {"family": TEXTS},
    optional={"use": st.sampled_from(["usual", "old"]), "given": st.lists(TEXTS, min_size=1, max_size=2)},
)
CONTACTS = st.fixed_dictionaries(
    {"gender": st.just("male")},
    optional={"name": PEOPLE_NAMES, "telecom": st.lists(POINTS, min_size=1, max_size=2)},
)
PATIENTS = st.fixed_dictionaries(
    {"resourceType": st.just("Patient"), "id": st.sampled_from(["p", "q"])},
    optional={
        "gender": st.just("female"),
        "name": st.lists(PEOPLE_NAMES, min_size=1, max_size=2),
        "contact": st.lists(CONTACTS, min_size=1, max_size=2),
        "telecom": st.lists(POINTS, min_size=1, max_size=2),
    },
)


def sorted_rows(rows: list[Row]) -> list[str]:
    return sorted(repr(sorted(row.items())) for row in rows)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    tree=st.lists(selects("Patient", 2), min_size=1, max_size=2),
    patients=st.lists(PATIENTS, min_size=1, max_size=2),
)
def test_rows_are_those_of_the_algorithm(
    connection: psycopg.Connection[Any], tree: list[dict[str, Any]], patients: list[Any]
) -> None:
    view = {"resource": "Patient", "select": tree}
    expected = [row for one in patients for row in process({"select": tree}, one, 0)]
    for engine in ENGINES:
        names, rows = table_of(engine, connection, view, patients)
        got = [dict(zip(names, row, strict=True)) for row in rows]
        assert sorted_rows(got) == sorted_rows(expected), engine
