"""Links between the published examples: chains and includes against brute force over their references."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest

from tests.conftest import Databases
from tests.spec.published import folder
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM
from yba.fhir.model import codec
from yba.fhir.search.parameters import of_type, param_number

EXAMPLES = folder("fhir-r4-examples")


class Link(NamedTuple):
    """A reference from one stored example to another, by a search parameter."""

    type: str
    id: str
    code: str
    target_type: str
    target_id: str


class Store(NamedTuple):
    record: fhir.Record
    links: list[Link]


@pytest.fixture(scope="module")
def store(databases: Databases, template: str) -> Iterator[Store]:
    name = databases.new(template)
    with psycopg.connect(databases.conninfo(name), autocommit=True) as connection:
        record = fhir.open(connection, actor=SYSTEM)
        for path in sorted(EXAMPLES.glob("*.json")):
            try:
                record.update(codec.decode(path.read_bytes()))
            except errors.RecordError:
                continue  # told by the tests of validation
        connection.execute("analyze")
        yield Store(record, sorted(_links(connection)))
    databases.drop(name)


def _links(connection: psycopg.Connection[Any]) -> set[Link]:
    rows = connection.execute(
        "select r.type, r.id, x.param, x.target_type, x.target_id from record.reference x"
        " join record.resource r on r.rid = x.rid join record.resource t"
        " on t.type = x.target_type and t.id = x.target_id"
    ).fetchall()
    codes = {
        (kind, param_number(kind, code)): code for kind in {row[0] for row in rows} for code in of_type(kind)
    }
    found = {Link(row[0], row[1], codes[row[0], row[2]], row[3], row[4]) for row in rows}
    kept = {one for one in found if one.target_type in of_type(one.type)[one.code].targets}
    # The first entry of a Bundle that is no document is no composition.
    assert {one.type for one in found - kept} <= {"Bundle"}
    return kept


def _ids(store: Store, type_name: str, name: str, value: str) -> set[str]:
    page = store.record.search_stored(type_name, [(name, value), ("_count", "1000")], strict=True)
    return {one.id for one in page.matches}


def test_there_are_links(store: Store) -> None:
    assert len(store.links) > 200
    assert len({(one.type, one.code) for one in store.links}) > 80


def test_chains(store: Store) -> None:
    sources: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    for one in store.links:
        sources[one.type, one.code, one.target_type, one.target_id].add(one.id)
    for (kind, code, target_type, target_id), expected in sources.items():
        assert _ids(store, kind, f"{code}:{target_type}._id", target_id) == expected, (kind, code)


def test_reverse_chains(store: Store) -> None:
    targets: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    for one in store.links:
        targets[one.target_type, one.type, one.code, one.id].add(one.target_id)
    for (target_type, kind, code, identifier), expected in targets.items():
        assert _ids(store, target_type, f"_has:{kind}:{code}:_id", identifier) == expected, (kind, code)


def test_chains_of_two_links(store: Store) -> None:
    onward: dict[tuple[str, str], list[Link]] = defaultdict(list)
    for one in store.links:
        onward[one.type, one.id].append(one)
    expected: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for one in store.links:
        for second in onward[one.target_type, one.target_id]:
            name = f"{one.code}:{one.target_type}.{second.code}:{second.target_type}._id"
            expected[one.type, name, second.target_id].add(one.id)
    assert len(expected) > 40
    for (kind, name, value), found in expected.items():
        assert _ids(store, kind, name, value) == found, (kind, name)


def test_includes(store: Store) -> None:
    targets: dict[tuple[str, str, str], set[tuple[str, str]]] = defaultdict(set)
    sources: dict[tuple[str, str, str, str], set[tuple[str, str]]] = defaultdict(set)
    for one in store.links:
        targets[one.type, one.id, one.code].add((one.target_type, one.target_id))
        sources[one.target_type, one.target_id, one.type, one.code].add((one.type, one.id))
    for (kind, identifier, code), expected in targets.items():
        asked = [("_id", identifier), ("_include", f"{kind}:{code}")]
        page = store.record.search_stored(kind, asked, strict=True)
        included = {(one.type, one.id) for one in page.included}
        # By a canonical URL more may come than by type and id.
        assert included >= expected - {(kind, identifier)}, asked
        assert {one for one in included if one[0] == "Patient"} == {
            one for one in expected if one[0] == "Patient"
        }
    for (target_type, target_id, kind, code), expected in sources.items():
        asked = [("_id", target_id), ("_revinclude", f"{kind}:{code}")]
        page = store.record.search_stored(target_type, asked, strict=True)
        assert {(one.type, one.id) for one in page.included} == expected - {(target_type, target_id)}, asked
