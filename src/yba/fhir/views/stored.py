"""A view over the record: one SELECT over current rows that the actor may see, read as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from yba.fhir.access import policy
from yba.fhir.access.actor import Actor
from yba.fhir.r4 import MODULES
from yba.fhir.views.definition import View
from yba.fhir.views.inline import bounded, explained, placed
from yba.fhir.views.postgres import Postgres
from yba.fhir.views.rows import Compiled, compiled
from yba.fhir.views.table import Row, Table
from yba.fhir.views.value import BadView

FETCHED = 2000


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which resources count: in the compartments of these Patients, changed after a moment. None: all."""

    patients: tuple[str, ...] | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """SQL of a view with named values."""

    made: Compiled
    sql: str
    params: Mapping[str, object]


def question(
    view: View, actor: Actor, narrowed: Narrowed, limit: int | None = None, *, now: datetime | None = None
) -> Question:
    """The statement of a view for an actor. Raises BadView for a type the record does not have."""
    if view.resource not in MODULES:
        raise BadView(
            "views.resource",
            f"'{view.resource}' is not a resource type of FHIR R4.",
            path="ViewDefinition.resource",
        )
    may = policy.condition(actor, view.resource, "search", now=now)
    mask = policy.mask(actor, view.resource)
    params: dict[str, object] = {"view_type": view.resource, **may.params}
    document = "r.content::jsonb"
    if mask is not None:
        document += " - %(view_masked)s::text[]"
        params["view_masked"] = sorted({*mask.keys, "contained"})
    conditions = ["r.type = %(view_type)s", "r.content is not null"]
    if may.sql is not None:
        conditions.append(may.sql.as_string(None))
    if narrowed.patients is not None:
        conditions.append("r.patient = any(%(view_patients)s)")
        params["view_patients"] = list(narrowed.patients)
    if narrowed.since is not None:
        conditions.append("r.updated > %(view_since)s")
        params["view_since"] = narrowed.since
    made = compiled(view, Postgres(), "given")
    # OFFSET 0: the document is parsed once a resource, not once a column.
    text = (
        f"with given as not materialized (select {document} as doc, r.rid as n from record.resource r"
        f" where {' and '.join(conditions)} offset 0)\n{placed(made)}"
    )
    if limit is not None:
        text += "\nlimit %(view_limit)s"
        params["view_limit"] = limit
    return Question(made, text, params)


@contextmanager
def opened(
    connection: psycopg.Connection[Any], asked: Question, *, seconds: int | None = None
) -> Iterator[Table]:
    """The rows of a question, read from the database as they are taken; ``seconds``: when to give up."""
    with explained(), connection.transaction():
        bounded(connection, seconds)
        with psycopg.ServerCursor(connection, "yba_view") as cursor:
            cursor.itersize = FETCHED
            cursor.execute(asked.sql.encode(), asked.params)
            yield Table(asked.made.columns, _rows(cursor))


def _rows(cursor: psycopg.ServerCursor[tuple[Any, ...]]) -> Iterator[Row]:
    while piece := cursor.fetchmany(FETCHED):
        yield from piece
