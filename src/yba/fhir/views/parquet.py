"""Rows of a view as a Parquet file, with the types SQL on FHIR maps to (section Generating Schemas, Type Hinting)."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from yba.fhir.views.duck import Duck
from yba.fhir.views.rows import Output
from yba.fhir.views.table import Table, written
from yba.fhir.views.value import INTEGERS, BadView

_OF_FORM = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "VARCHAR",
    "boolean": "BOOLEAN",
    "json": "VARCHAR",
}
_TAGGED: Mapping[str, str] = {
    "BOOLEAN": "BOOLEAN", "SMALLINT": "SMALLINT", "INT": "INTEGER", "INTEGER": "INTEGER", "BIGINT": "BIGINT",
    "REAL": "REAL", "FLOAT": "DOUBLE", "DOUBLE PRECISION": "DOUBLE", "DATE": "DATE", "TIME": "TIME",
    "TIMESTAMP": "TIMESTAMP", "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ", "CHARACTER VARYING": "VARCHAR",
    "VARCHAR": "VARCHAR", "CHARACTER LARGE OBJECT": "VARCHAR", "TEXT": "VARCHAR",
}  # fmt: skip
_NUMBER = re.compile(r"(?:DECIMAL|NUMERIC)(?:\(\s*(\d{1,2})\s*(?:,\s*(\d{1,2})\s*)?\))?")
_SIZED = re.compile(r"(?:CHARACTER VARYING|VARCHAR|CHAR|CHARACTER)\(\s*\d+\s*\)")


def sql_type(column: Output) -> str:
    """The type of a column in a file or a table: as the tag ``ansi/type`` says, else by its FHIR type.

    Decimals are texts, so that their digits stay; a tag makes them numbers. Raises BadView for a tag that is not
    known.
    """
    if column.sql_type is not None:
        said = " ".join(column.sql_type.upper().split())
        if said in _TAGGED:
            return _TAGGED[said]
        if _SIZED.fullmatch(said):
            return "VARCHAR"
        number = _NUMBER.fullmatch(said)
        if number is not None:
            digits, places = (
                int(number.group(1) or 38),
                int(number.group(2) or (0 if number.group(1) else 12)),
            )
            if places <= digits <= 38:
                return f"DECIMAL({digits},{places})"
        raise BadView(
            "views.sql-type",
            f"Column '{column.name}': '{column.sql_type[:60]}' is no type files and tables can have.",
        )
    if column.form == "integer" and column.type in INTEGERS - {"integer64"}:
        return "INTEGER"
    if column.form == "text" and column.type == "instant":
        return "TIMESTAMPTZ"
    return _OF_FORM[column.form]


OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
"""DuckDB fetches nothing: what it has not is an error at once, and no wait for a network."""


def parquet_of(table: Table, path: Path) -> None:
    """Write the rows; in between they lie in a file beside it, not in memory."""
    import duckdb  # here: it is large, and a web process seldom needs it

    _check_names(table.columns)
    with tempfile.TemporaryDirectory(prefix="yba-parquet-", dir=path.parent) as folder:
        between = Path(folder) / "rows.ndjson"
        with between.open("wb") as out:
            for piece in written(_as_texts(table), "ndjson"):
                out.write(piece)
        with duckdb.connect(":memory:", config={**OFFLINE, "temp_directory": folder}) as database:
            database.execute("set timezone = 'UTC'")
            database.execute(_copy(table.columns, between, path))


def _check_names(columns: tuple[Output, ...]) -> None:
    """Readers of Parquet pass over case in names: two columns that differ by nothing else would be one."""
    seen: dict[str, str] = {}
    for one in columns:
        other = seen.setdefault(one.name.lower(), one.name)
        if other != one.name:
            raise BadView(
                "views.parquet-names",
                f"The columns '{other}' and '{one.name}' differ by case only, which Parquet's readers pass over."
                " Name one otherwise, or ask for JSON or CSV.",
            )


def _as_texts(table: Table) -> Table:
    """Decimals and JSON as texts on the way: a reader of JSON would not keep their digits."""
    return Table(
        tuple(replace(one, form="text") if one.form in {"decimal", "json"} else one for one in table.columns),
        table.rows,
    )


def _copy(columns: tuple[Output, ...], rows: Path, path: Path) -> str:
    """Values are read as texts, then cast: what does not fit its type is an error, never a null."""
    quoted = Duck().quoted
    read = ", ".join(f"{quoted(one.name)}: 'VARCHAR'" for one in columns)
    kept = ", ".join(f'"{one.name}"::{sql_type(one)} as "{one.name}"' for one in columns)
    source = f"read_json({quoted(str(rows))}, format = 'newline_delimited', columns = {{{read}}})"
    return f"copy (select {kept} from {source}) to {quoted(str(path))} (format parquet, compression zstd)"
