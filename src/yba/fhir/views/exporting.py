"""The work of ``$viewdefinition-export`` and ``$materialize``: views written to files, views made into tables.

SQL on FHIR v2, OperationDefinition ViewDefinitionExport; operations, $materialize.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from yba.fhir.jobs import KEPT_FOR, JobRun
from yba.fhir.model import tree
from yba.fhir.store.rows import execute
from yba.fhir.views import definition, stored
from yba.fhir.views.inline import explained
from yba.fhir.views.parquet import parquet_of, sql_type
from yba.fhir.views.rows import Output
from yba.fhir.views.table import PIECE, Row, Table, written

EXPORT = "view-export"
MATERIALIZE = "materialize"
FORMATS = ("ndjson", "csv", "json", "parquet")


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A view to export: the name of its output, and the ViewDefinition as JSON."""

    name: str
    definition: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be exported."""

    views: list[Named]
    format: str = "ndjson"
    header: bool = True
    patients: list[str] | None = None
    since: datetime | None = None
    tracking: str | None = None


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """The table to make."""

    target: str
    definition: str
    patients: list[str] | None = None
    since: datetime | None = None


def export(run: JobRun, files: Path) -> dict[str, Any]:
    """Write each view to a file, all as of one moment; the Parameters the status answers with when it is done."""
    asked = msgspec.convert(run.params, Asked)
    folder = files / run.job.id
    folder.mkdir(parents=True, exist_ok=True)
    began, rows = datetime.now(UTC), 0
    with run.connect() as connection:
        connection.autocommit = False
        execute(connection, "set transaction isolation level repeatable read read only")
        for one in asked.views:
            rows += _file(run, connection, one, asked, folder, rows)
        connection.rollback()
    ended = datetime.now(UTC)
    return {
        "expires": (ended + KEPT_FOR).strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "content_type": "application/fhir+json; charset=utf-8",
        "body": {"resourceType": "Parameters", "parameter": _told(run, asked, began, ended)},
    }


def _told(run: JobRun, asked: Asked, began: datetime, ended: datetime) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [{"name": "exportId", "valueString": run.job.id}]
    if asked.tracking is not None:
        told.append({"name": "clientTrackingId", "valueString": asked.tracking})
    told += [
        {"name": "status", "valueCode": "completed"},
        {"name": "_format", "valueCode": asked.format},
        {"name": "exportStartTime", "valueInstant": began.isoformat(timespec="milliseconds")},
        {"name": "exportEndTime", "valueInstant": ended.isoformat(timespec="milliseconds")},
        {"name": "exportDuration", "valueInteger": int((ended - began).total_seconds())},
    ]
    for one in asked.views:
        parts = [
            {"name": "name", "valueString": one.name},
            {"name": "location", "valueUri": f"job-file:{one.name}.{asked.format}"},
        ]
        told.append({"name": "output", "part": parts})
    return told


def _file(
    run: JobRun, connection: psycopg.Connection[Any], one: Named, asked: Asked, folder: Path, before: int
) -> int:
    """One view's file; how many rows it has."""
    view = definition.parse(one.definition)
    narrowed = stored.Narrowed(_some(asked.patients), asked.since)
    path = folder / f"{one.name}.{asked.format}"
    counted = _Counted(run, before)
    with stored.opened(connection, stored.question(view, run.actor, narrowed)) as table:
        shown = Table(table.columns, counted.of(table.rows))
        if asked.format == "parquet":
            parquet_of(shown, path)
        else:
            with path.open("wb") as out:
                for piece in written(shown, asked.format, header=asked.header):
                    out.write(piece)
    return counted.rows


def _some(patients: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if patients is None else tuple(patients)


class _Counted:
    """Rows on their way: says how far the job is, and ends when somebody asked it to."""

    def __init__(self, run: JobRun, before: int) -> None:
        self.rows = 0
        self._run = run
        self._before = before

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if self.rows % (5 * PIECE) == 0:
                self._run.progress(self._before + self.rows)
            self.rows += 1
            yield row
        self._run.progress(self._before + self.rows)


# -- tables --------------------------------------------------------------------------------------------------

_OF_POSTGRES = {"VARCHAR": "text", "DOUBLE": "double precision", "TIMESTAMPTZ": "timestamptz"}


def table_type(column: Output) -> str:
    """The type of a column in a table; a decimal is a number there, which keeps its digits."""
    if column.sql_type is None and column.form == "decimal":
        return "numeric"
    if column.sql_type is None and column.form == "json":
        return "jsonb"
    said = sql_type(column)
    return _OF_POSTGRES.get(said, said)


def materialize(run: JobRun) -> dict[str, Any]:
    """Make or make anew the table ``views.<target>``; until it is whole, the one before stays."""
    asked = msgspec.convert(run.params, Making)
    view = definition.parse(asked.definition)
    question = stored.question(view, run.actor, stored.Narrowed(_some(asked.patients), asked.since))
    columns = ", ".join(
        f'given."{one.name}"::{table_type(one)} as "{one.name}"' for one in question.made.columns
    )
    making, target = sql.Identifier("views", f"making_{run.job.id}"), sql.Identifier("views", asked.target)
    name = making.as_string(None).replace("%", "%%")
    narrowed = {"patient": asked.patients, "_since": asked.since.isoformat() if asked.since else None}
    with run.connect() as connection, explained():
        connection.autocommit = True
        cursor = psycopg.ClientCursor(connection)
        cursor.execute(sql.SQL("drop table if exists {}").format(making))
        text = f"create table {name} as select {columns} from ({question.sql}) given"
        cursor.execute(text.encode(), question.params)
        rows = cursor.rowcount
        cursor.execute(sql.SQL("analyze {}").format(making))
        run.progress(rows, rows)
        with connection.transaction():
            cursor.execute(sql.SQL("drop table if exists {}").format(target))
            cursor.execute(
                sql.SQL("alter table {} rename to {}").format(making, sql.Identifier(asked.target))
            )
            cursor.execute(
                "insert into record.view_table (name, definition, narrowed, refreshed, rows)"
                " values (%s, %s, %s, clock_timestamp(), %s) on conflict (name) do update set"
                " definition = excluded.definition, narrowed = excluded.narrowed,"
                " refreshed = excluded.refreshed, rows = excluded.rows",
                (asked.target, asked.definition, tree.dump(narrowed).decode(), rows),
            )
    told = [
        {"name": "jobId", "valueString": run.job.id},
        {"name": "status", "valueCode": "completed"},
        {"name": "materializedView", "valueReference": {"display": f"views.{asked.target}"}},
        {"name": "lastUpdated", "valueInstant": datetime.now(UTC).isoformat(timespec="milliseconds")},
        {"name": "rows", "valueInteger": rows},
    ]
    return {
        "content_type": "application/fhir+json; charset=utf-8",
        "body": {"resourceType": "Parameters", "parameter": told},
    }
