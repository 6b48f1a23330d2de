"""Runs a view over a few resources on each of the databases views are compiled for."""

from __future__ import annotations

from typing import Any

import psycopg

from yba.fhir.views import definition
from yba.fhir.views.analysis import Analysis
from yba.fhir.views.inline import run_over
from yba.fhir.views.table import Table

ENGINES = ("postgresql", "duckdb")


def table_of(
    engine: str, connection: psycopg.Connection[Any], view: Any, resources: list[Any]
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The names of the columns and the rows, as plain values."""
    read = definition.read(view)
    if engine == "postgresql":
        return _plain(run_over(connection, read, resources))
    with Analysis() as analysis:
        analysis.take(resources)
        return _plain(analysis.table(read))


def _plain(table: Table) -> tuple[list[str], list[tuple[Any, ...]]]:
    names = [column.name for column in table.columns]
    return names, [tuple(table.plain(row)) for row in table.rows]


def rows_of(
    engine: str, connection: psycopg.Connection[Any], view: Any, resources: list[Any]
) -> list[dict[str, Any]]:
    names, rows = table_of(engine, connection, view, resources)
    return [dict(zip(names, row, strict=True)) for row in rows]
