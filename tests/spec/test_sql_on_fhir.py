"""The published cases of SQL on FHIR v2, on PostgreSQL and on DuckDB."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.fhir.view_engines import ENGINES, table_of
from tests.spec.published import folder
from yba.fhir.errors import RecordError
from yba.fhir.model import tree

CASES = [
    (suite["resources"], case, f"{suite['title']}: {case['title']}")
    for suite in (tree.parse(path.read_bytes()) for path in sorted(folder("sql-on-fhir-v2").glob("*.json")))
    for case in suite["tests"]
]


def comparable(row: dict[str, Any]) -> str:
    """A row as a text: columns in any order, numbers by their value."""
    return repr(sorted((name, _by_value(value)) for name, value in row.items()))


def _by_value(value: Any) -> Any:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return ("number", format(Decimal(value).normalize(), "f"))
    if isinstance(value, list):
        return [_by_value(one) for one in value]
    if isinstance(value, dict):
        return {name: _by_value(one) for name, one in sorted(value.items())}
    return value


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("resources", "case"), [case[:2] for case in CASES], ids=[name for *_, name in CASES]
)
def test_a_published_case(
    connection: psycopg.Connection[Any], engine: str, resources: list[Any], case: dict[str, Any]
) -> None:
    if case.get("expectError"):
        with pytest.raises(RecordError):
            table_of(engine, connection, case["view"], resources)
        return
    names, rows = table_of(engine, connection, case["view"], resources)
    if "expectColumns" in case:
        assert names == case["expectColumns"]
    if "expectCount" in case:
        assert len(rows) == case["expectCount"]
    if "expect" in case:
        got = sorted(comparable(dict(zip(names, row, strict=True))) for row in rows)
        assert got == sorted(comparable(row) for row in case["expect"])


def test_all_published_cases_are_here() -> None:
    assert len(CASES) == 94
