"""A view over resources that are given, in PostgreSQL; and what its errors mean."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from yba.fhir.errors import TooCostly, Unsupported
from yba.fhir.model import tree
from yba.fhir.views.definition import View
from yba.fhir.views.postgres import Postgres
from yba.fhir.views.rows import Compiled, compiled
from yba.fhir.views.table import Table
from yba.fhir.views.value import BadView

log = logging.getLogger(__name__)

SEVERAL = "YB001"
"""SQLSTATE of what the functions of views raise; its message is written for people."""


@contextmanager
def explained() -> Iterator[None]:
    """Errors of the database that come of the view or the data, as errors of the record."""
    try:
        yield
    except psycopg.errors.QueryCanceled:
        raise TooCostly(
            "views.time", "The view took too long. Narrow it with patient, _since or where, or export it."
        ) from None
    except psycopg.Error as error:
        raise _meant(error) from error


def _meant(error: psycopg.Error) -> Exception:
    state = error.sqlstate or ""
    if state == SEVERAL:
        return BadView("views.data", error.diag.message_primary or "The data do not fit the view.")
    if state == "2201B":
        return BadView("views.pattern", "A regular expression of the view is not one PostgreSQL reads.")
    if state.startswith("22"):
        return BadView(
            "views.data", "A value of the data cannot be read as its type says, or a number grew too large."
        )
    if state.startswith("42"):
        log.exception("views: the compiled view is no query PostgreSQL takes")
        return Unsupported("views.combination", "The database cannot run this view as it is written.")
    if state.startswith("54"):
        return TooCostly("views.size", "The view is too large for the database. Split it.")
    return error


def run_over(
    connection: psycopg.Connection[Any], view: View, resources: Sequence[tree.Tree], *, seconds: int = 60
) -> Table:
    """The rows of a view over resources as trees; those of other types do not count. Gives up after ``seconds``."""
    made = compiled(view, Postgres(), "given")
    fitting = [
        tree.dump(one).decode()
        for one in resources
        if isinstance(one, dict) and one.get("resourceType") == view.resource
    ]
    query = (
        "with given as materialized (select doc::jsonb as doc, n"
        " from unnest(%(resources)s::text[]) with ordinality t(doc, n))\n" + placed(made)
    )
    with explained(), connection.transaction(), psycopg.Cursor(connection) as cursor:
        bounded(connection, seconds)
        rows = cursor.execute(query.encode(), {"resources": fitting}).fetchall()
    return Table(made.columns, rows)


def bounded(connection: psycopg.Connection[Any], seconds: int | None) -> None:
    """Until the transaction ends: give up after a time, and compile no expression, which for a view never pays."""
    cursor = psycopg.Cursor(connection)
    cursor.execute("set local jit = off")
    if seconds is not None:
        cursor.execute(f"set local statement_timeout = '{int(seconds)}s'".encode())


def placed(made: Compiled) -> str:
    """The SQL of a view as part of a query that has named values: its own percent signs doubled."""
    return made.sql.replace("%", "%%")
